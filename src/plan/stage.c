#include "plan/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/dir.h"
#include "base/fd.h"
#include "base/format.h"
#include "base/log.h"
#include "base/sys.h"

#define STAGED_PREFIX "..husk-"

enum {
	STAGE_TRIES = 8,
	REMOVE_TRIES = 2,
	FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC,
	STATFS_RDONLY = 1, /* ST_RDONLY of statvfs(3): the kernel's f_flags use the same bit */
};

/* ---- errors ---- */

/* Cuts the last part off; false at the root. */
static bool go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL) {
		if (strcmp(path, ".") == 0)
			return false;
		memcpy(path, ".", sizeof("."));
		return true;
	}
	if (slash == path) {
		if (path[1] == '\0')
			return false;
		slash++;
	}
	*slash = '\0';
	return true;
}

/* The folder that `path` is or would be in, and whether its file system is read-only. */
static bool is_read_only(const char *path, char folder[PATH_MAX])
{
	struct statfs st;

	format_text(folder, PATH_MAX, "%s", path);
	while (go_up(folder))
		if (sys_statfs(folder, &st) == 0)
			return (st.f_flags & STATFS_RDONLY) != 0;
	return false;
}

int stage_error(const char *verb, const char *path, int errnum, struct err *err)
{
	char folder[PATH_MAX];
	unsigned uid = (unsigned)sys_geteuid();
	bool read_only = is_read_only(path, folder);

	err_set_errno(err, ERR_CONFIG, errnum, "cannot %s %s as user %u", verb, path, uid);
	if (err == NULL)
		return -1;
	size_t len = strlen(err->message);
	char *rest = err->message + len;
	size_t room = sizeof(err->message) - len;

	if (errnum == EROFS || read_only)
		format_text(rest, room,
			"; the file system is read-only: mount a tmpfs on %s (docker run --tmpfs "
			"%s; in Kubernetes an emptyDir)",
			folder, folder);
	else if (errnum == ENOSPC || errnum == EDQUOT)
		format_text(rest, room,
			"; the file system is not read-only, but %s is full: make it "
			"larger, or mount a tmpfs there",
			folder);
	else if (errnum == EACCES || errnum == EPERM)
		format_text(rest, room,
			"; the file system is not read-only: let user %u write in %s, or mount a "
			"tmpfs there (docker run --tmpfs %s:mode=1777)",
			uid, folder, folder);
	return -1;
}

static int entry_error(
	const struct tree_entry *entry, const char *verb, int errnum, struct err *err)
{
	if (errnum == ELOOP || errnum == ENOTDIR)
		return err_set(err, ERR_CONFIG,
			"cannot %s %s: %s stands where a folder must be, and husk follows no link "
			"inside the target: remove it",
			verb, entry->path, errnum == ELOOP ? "a symbolic link" : "a file");
	return stage_error(verb, entry->path, errnum, err);
}

/* ---- the folder `to` ---- */

/* Only root gives files away; what is right already needs no gift. */
static int give(const struct stage *stage, int fd)
{
	struct stat st;
	int saved;

	if (!stage->owned || sys_fchown(fd, stage->uid, stage->gid) == 0)
		return 0;
	saved = errno;
	if (sys_fstat(fd, &st) == 0 && st.st_uid == stage->uid &&
		(stage->gid == (gid_t)-1 || st.st_gid == stage->gid))
		return 0;
	errno = saved;
	return -1;
}

int stage_dress(const struct stage *stage, int fd, mode_t mode, const char *path, struct err *err)
{
	if (give(stage, fd) < 0)
		return err_set_errno(err, ERR_CONFIG, errno,
			"cannot give %s to user %u, group %d: husk runs as user %u, and only root "
			"can give files away",
			path, (unsigned)stage->uid, (int)stage->gid, (unsigned)sys_geteuid());
	if (sys_fchmod(fd, mode & 0777) < 0)
		return stage_error("set the mode of", path, errno, err);
	return 0;
}

/* A folder's owner must be able to use it. */
static mode_t folder_mode(mode_t mode)
{
	return (mode & 0777) | 0700;
}

/* A missing folder of the way to `to`; recorded before it is made. */
static int make_on_way(struct stage *stage, int dir, const char *name, struct str path, mode_t mode,
	struct err *err)
{
	struct stage_made *made = arena_alloc(stage->arena, sizeof(*made));
	int fd;

	if (made != NULL)
		made->path = arena_strndup(stage->arena, path);
	if (made == NULL || made->path == NULL)
		return err_nomem(err);
	if (sys_mkdirat(dir, name, 0700) == 0) {
		made->next = stage->made;
		stage->made = made;
	} else if (errno != EEXIST) {
		return stage_error("create", made->path, errno, err);
	}
	fd = sys_openat(dir, name, FOLDER_FLAGS | O_NOFOLLOW, 0);
	if (fd < 0)
		return stage_error("open", made->path, errno, err);
	if (stage->made == made && stage_dress(stage, fd, folder_mode(mode), made->path, err) < 0)
		fd_close(&fd);
	return fd;
}

static int way_error(const struct stage *stage, int errnum, struct err *err)
{
	if (errnum == ENOTDIR)
		return err_set(err, ERR_CONFIG,
			"cannot render into %s: it, or a part of its path, is a file and not a "
			"folder",
			stage->to);
	return stage_error("open", stage->to, errnum, err);
}

/* `to`, one component at a time; links on the way are the image's own and are followed. */
static int open_way(struct stage *stage, mode_t mode, struct err *err)
{
	char name[NAME_MAX + 1];
	const char *at = stage->to;
	struct str path;
	size_t len;
	int next;
	int fd;

	fd = sys_open(*at == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return way_error(stage, errno, err);
	while (fd >= 0) {
		at += strspn(at, "/");
		len = strcspn(at, "/");
		if (len == 0)
			break;
		if (len > NAME_MAX) {
			fd_close(&fd);
			return way_error(stage, ENAMETOOLONG, err);
		}
		memcpy(name, at, len);
		name[len] = '\0';
		at += len;
		path = (struct str){stage->to, (size_t)(at - stage->to)};
		next = sys_openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
		if (next < 0 && errno == ENOENT)
			next = make_on_way(stage, fd, name, path,
				at[strspn(at, "/")] == '\0' ? mode : 0755, err);
		else if (next < 0)
			way_error(stage, errno, err);
		fd_close(&fd);
		fd = next;
	}
	return fd;
}

static int open_folder(struct stage *stage, mode_t mode, struct err *err)
{
	int way = sys_open(stage->to, FOLDER_FLAGS, 0);
	int fd;

	if (way >= 0)
		return way;
	if (errno != ENOENT)
		return way_error(stage, errno, err);
	way = open_way(stage, mode, err);
	if (way < 0)
		return -1;
	fd = sys_openat(way, ".", FOLDER_FLAGS, 0);
	if (fd < 0)
		way_error(stage, errno, err);
	fd_close(&way);
	return fd;
}

/* What a crashed run left in one folder. Only under the lock: else it may be somebody's work. */
static void clean(const struct stage *stage, int fd, bool generations)
{
	char current[STAGE_NAME_MAX] = "";
	struct dir dir;
	const char *name;

	/* Without knowing which generation is in use, none is known to be a leftover. */
	if (!stage->locked || (generations && stage_current(fd, current) < 0))
		return;
	dir_init(&dir, fd);
	while (dir_next(&dir, &name) > 0) {
		if (strncmp(name, STAGED_PREFIX, strlen(STAGED_PREFIX)) == 0)
			sys_unlinkat(fd, name, 0);
		else if (generations && strcmp(name, current) != 0 && stage_is_generation(name))
			beneath_remove(fd, name);
	}
}

void stage_init(struct stage *stage, struct arena *arena, struct tree *tree, const char *to)
{
	memset(stage, 0, sizeof(*stage));
	stage->arena = arena;
	stage->tree = tree;
	stage->to = to;
	stage->folder = -1;
	stage->generation = -1;
	stage->where.root = -1;
	stage->dir = -1;
}

int stage_open(struct stage *stage, mode_t mode, bool generations, struct err *err)
{
	if (sys_getrandom(&stage->token, sizeof(stage->token)) < 0)
		return err_set_errno(err, ERR_INTERNAL, errno, "no random bytes");
	stage->folder = open_folder(stage, mode, err);
	if (stage->folder < 0)
		return -1;
	stage->where.root = stage->folder;
	stage->locked = sys_flock(stage->folder, LOCK_EX | LOCK_NB) == 0;
	clean(stage, stage->folder, generations);
	return 0;
}

/* ---- folders and files in it ---- */

/* Makes `dir` the folder that `entry` is in. */
static int enter(struct stage *stage, const struct tree_entry *entry)
{
	if (stage->dir >= 0 && stage->dir_of == entry->parent)
		return 0;
	fd_close(&stage->dir);
	stage->dir =
		beneath_open(&stage->where, entry->parent == NULL ? "" : entry->parent->target);
	stage->dir_of = entry->parent;
	return stage->dir < 0 ? -1 : 0;
}

static int enter_to_stage(struct stage *stage, const struct tree_entry *entry, struct err *err)
{
	bool entered = stage->dir >= 0 && stage->dir_of == entry->parent;

	if (enter(stage, entry) < 0)
		return entry_error(entry, "create", errno, err);
	if (!entered && entry->parent != NULL && !entry->parent->made)
		clean(stage, stage->dir, false);
	return 0;
}

int stage_folder(struct stage *stage, struct tree_entry *entry, struct err *err)
{
	struct stat st;
	int result;
	int fd;

	if (enter_to_stage(stage, entry, err) < 0)
		return -1;
	if (sys_mkdirat(stage->dir, entry->name, 0700) < 0) {
		if (errno != EEXIST ||
			sys_fstatat(stage->dir, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return entry_error(entry, "create", errno, err);
		if (!S_ISDIR(st.st_mode))
			return entry_error(
				entry, "create", S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR, err);
		return 0;
	}
	entry->made = true;
	fd = sys_openat(stage->dir, entry->name, FOLDER_FLAGS | O_NOFOLLOW, 0);
	if (fd < 0)
		return entry_error(entry, "create", errno, err);
	result = stage_dress(stage, fd, folder_mode(entry->mode), entry->path, err);
	fd_close(&fd);
	return result;
}

const char *stage_name(const struct stage *stage, unsigned serial, char out[STAGE_NAME_MAX])
{
	format_text(out, STAGE_NAME_MAX, STAGED_PREFIX "%016llx-%u",
		(unsigned long long)stage->token, serial);
	return out;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether a standard stream of husk's own goes to this file. */
static bool is_standard_stream(const struct stat *file)
{
	struct stat st;

	for (int fd = 0; fd <= 2; fd++)
		if (sys_fstat(fd, &st) == 0 && is_same(&st, file))
			return true;
	return false;
}

int stage_look(int dir, struct tree_entry *entry, struct err *err)
{
	struct stat st;
	struct stat to;

	entry->exists = false;
	if (sys_fstatat(dir, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : stage_error("look at", entry->path, errno, err);
	/* A link is replaced, whatever it leads to, but /dev/stdout is not meant to be. */
	if (S_ISLNK(st.st_mode) && sys_fstatat(dir, entry->name, &to, 0) == 0 &&
		!S_ISDIR(to.st_mode)) {
		if (S_ISREG(to.st_mode) && is_standard_stream(&to))
			return err_set(err, ERR_CONFIG,
				"cannot write %s: it leads to husk's own input or output",
				entry->path);
		st.st_mode = to.st_mode;
	}
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return err_set(err, ERR_CONFIG,
			"cannot write %s: %s stands in its place: remove it", entry->path,
			tree_kind(st.st_mode));
	if (S_ISREG(st.st_mode) && sys_fstatat(AT_FDCWD, entry->source, &to, 0) == 0 &&
		is_same(&st, &to))
		return err_set(err, ERR_CONFIG,
			"cannot write %s: it is the template itself: name another target",
			entry->path);
	entry->exists = true;
	return 0;
}

int stage_file(struct stage *stage, struct tree_entry *entry, int *fd, struct err *err)
{
	char name[STAGE_NAME_MAX];
	int tries;

	*fd = -1;
	if (enter_to_stage(stage, entry, err) < 0)
		return -1;
	if (stage->generation < 0 && stage_look(stage->dir, entry, err) < 0)
		return -1;
	for (tries = 0; tries < STAGE_TRIES && *fd < 0; tries++) {
		entry->serial = ++stage->serial;
		*fd = sys_openat(stage->dir,
			stage->generation < 0 ? stage_name(stage, entry->serial, name)
					      : entry->name,
			O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
		if (*fd < 0 && errno != EEXIST)
			break;
	}
	if (*fd < 0)
		return stage_error("create", entry->path, errno, err);
	entry->state = TREE_STAGED;
	return 0;
}

int stage_finish(
	struct stage *stage, const struct tree_entry *entry, int *fd, mode_t mode, struct err *err)
{
	int file = *fd;

	if (stage_dress(stage, file, mode, entry->path, err) < 0) {
		fd_close(fd);
		return -1;
	}
	if (stage->sync && sys_fsync(file) < 0) {
		stage_error("write", entry->path, errno, err);
		fd_close(fd);
		return -1;
	}
	/* Network file systems and quotas report a full disk here. */
	*fd = -1;
	if (sys_close(file) < 0 && errno != EINTR)
		return stage_error("write", entry->path, errno, err);
	return 0;
}

/* ---- all at once ---- */

int stage_put(struct tree_entry *entry, int from, const char *staged, int to)
{
	if (entry->exists) {
		if (sys_exchange(from, staged, to, entry->name) == 0) {
			entry->state = TREE_EXCHANGED;
			return 0;
		}
		if (errno != ENOENT && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
			return -1;
	}
	if (sys_renameat(from, staged, to, entry->name) < 0)
		return -1;
	entry->state = TREE_MOVED;
	return 0;
}

void stage_take_back(struct tree_entry *entry, int from, const char *staged, int to)
{
	if (entry->state == TREE_EXCHANGED && sys_exchange(from, staged, to, entry->name) == 0)
		entry->state = TREE_STAGED;
	if (entry->state == TREE_MOVED && !entry->exists) {
		sys_unlinkat(to, entry->name, 0);
		entry->state = TREE_NONE;
	}
}

void stage_remove(const struct stage *stage, int dir, const char *name)
{
	for (int tries = 0; tries < REMOVE_TRIES; tries++)
		if (beneath_remove(dir, name) == 0)
			return;
	log_warn_errno("cannot remove %s in %s", name, stage->to);
}

/* In reverse: files before the folders they are in. */
static void take_back(struct stage *stage)
{
	char name[STAGE_NAME_MAX];
	struct tree_entry *entry;

	for (entry = stage->tree->last; entry != NULL; entry = entry->prev) {
		if ((entry->state == TREE_NONE && !entry->made) || enter(stage, entry) < 0)
			continue;
		if (entry->made) {
			sys_unlinkat(stage->dir, entry->name, AT_REMOVEDIR);
			entry->made = false;
			continue;
		}
		stage_name(stage, entry->serial, name);
		stage_take_back(entry, stage->dir, name, stage->dir);
		if (entry->state == TREE_STAGED)
			stage_remove(stage, stage->dir, name);
		entry->state = TREE_NONE;
	}
}

/* What was exchanged away is removed. */
static void settle(struct stage *stage)
{
	char name[STAGE_NAME_MAX];
	struct tree_entry *entry;

	for (entry = stage->tree->first; entry != NULL; entry = entry->next) {
		if (entry->state != TREE_EXCHANGED)
			continue;
		if (enter(stage, entry) < 0) /* once more, as in stage_remove */
			(void)enter(stage, entry);
		if (stage->dir < 0)
			log_warn_errno("cannot remove what %s replaced", entry->path);
		else
			stage_remove(stage, stage->dir, stage_name(stage, entry->serial, name));
	}
}

int stage_sync_folders(struct stage *stage, struct err *err)
{
	struct tree_entry *entry;
	bool entered;

	fd_close(&stage->dir);
	for (entry = stage->tree->first; entry != NULL; entry = entry->next) {
		entered = stage->dir >= 0 && stage->dir_of == entry->parent;
		if (!entered && (enter(stage, entry) < 0 || sys_fsync(stage->dir) < 0))
			return stage_error("sync the folder of", entry->path, errno, err);
	}
	return 0;
}

int stage_commit(struct stage *stage, struct err *err)
{
	char name[STAGE_NAME_MAX];
	struct tree_entry *entry;

	for (entry = stage->tree->first; entry != NULL; entry = entry->next) {
		if (entry->folder)
			continue;
		stage_name(stage, entry->serial, name);
		if (enter(stage, entry) < 0 || stage_put(entry, stage->dir, name, stage->dir) < 0)
			return stage_error("replace", entry->path, errno, err);
	}
	return 0;
}

void stage_settle(struct stage *stage)
{
	struct err err;

	stage->settled = true;
	if (stage->generation_name[0] != '\0') {
		stage_settle_generation(stage);
		return;
	}
	settle(stage);
	if (stage->sync && stage_sync_folders(stage, &err) < 0)
		log_warn("%s", err.message);
}

void stage_fini(struct stage *stage)
{
	if (!stage->settled) {
		if (stage->generation_name[0] != '\0')
			stage_take_back_generation(stage);
		else if (stage->folder >= 0)
			take_back(stage);
		for (; stage->made != NULL; stage->made = stage->made->next)
			sys_unlinkat(AT_FDCWD, stage->made->path, AT_REMOVEDIR);
	}
	fd_close(&stage->dir);
	fd_close(&stage->generation);
	fd_close(&stage->folder);
}
