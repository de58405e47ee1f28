#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/fd.h"
#include "base/format.h"
#include "base/log.h"
#include "base/sys.h"
#include "plan/stage.h"

#define DATA_NAME         "..data"
#define GENERATION_PREFIX "..gen-"

enum {
	/* "..data/" and a name. */
	LINK_MAX = sizeof(DATA_NAME) + NAME_MAX + 1,
	FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
};

bool stage_is_generation(const char *name)
{
	return strncmp(name, GENERATION_PREFIX, strlen(GENERATION_PREFIX)) == 0 &&
	       strchr(name, '/') == NULL;
}

/* The link's text: its length; 0 where there is no link, or one too long to be husk's; or -1. */
static int read_link(int dir, const char *name, char out[LINK_MAX])
{
	ssize_t len = sys_readlinkat(dir, name, out, LINK_MAX - 1);

	if (len < 0 && errno != ENOENT && errno != EINVAL)
		return -1;
	if (len >= LINK_MAX - 1 || len < 0)
		len = 0;
	out[len] = '\0';
	return (int)len;
}

int stage_current(int folder, char out[STAGE_NAME_MAX])
{
	char link[LINK_MAX];
	int len = read_link(folder, DATA_NAME, link);

	out[0] = '\0';
	if (len < 0)
		return -1;
	if (len < STAGE_NAME_MAX && stage_is_generation(link))
		memcpy(out, link, (size_t)len + 1);
	return 0;
}

int stage_generation(struct stage *stage, mode_t mode, struct err *err)
{
	char name[STAGE_NAME_MAX];

	format_text(
		name, sizeof(name), GENERATION_PREFIX "%016llx", (unsigned long long)stage->token);
	if (sys_mkdirat(stage->folder, name, 0700) < 0)
		return stage_error("create a folder in", stage->to, errno, err);
	memcpy(stage->generation_name, name, sizeof(name));
	stage->generation = sys_openat(stage->folder, name, FOLDER_FLAGS, 0);
	if (stage->generation < 0)
		return stage_error("open a new folder in", stage->to, errno, err);
	stage->where.root = stage->generation;
	return stage_dress(stage, stage->generation, mode | 0700, stage->to, err);
}

static bool is_link_to(int dir, const char *name, const char *target)
{
	char link[LINK_MAX];

	return read_link(dir, name, link) > 0 && strcmp(link, target) == 0;
}

/* A link that waits under a staged name for its turn. */
static int stage_link(
	struct stage *stage, struct tree_entry *entry, const char *target, struct err *err)
{
	char name[STAGE_NAME_MAX];

	entry->state = TREE_NONE;
	if (stage_look(stage->folder, entry, err) < 0)
		return -1;
	entry->serial = ++stage->serial;
	if (sys_symlinkat(target, stage->folder, stage_name(stage, entry->serial, name)) < 0)
		return stage_error("create", entry->path, errno, err);
	entry->state = TREE_STAGED;
	return 0;
}

/* The names of the generation that `to` does not show yet. */
static int stage_links(struct stage *stage, struct err *err)
{
	char target[LINK_MAX];
	struct tree_entry *entry;

	for (entry = stage->tree->first; entry != NULL; entry = entry->next)
		entry->state = TREE_NONE;
	for (entry = stage->tree->first; entry != NULL; entry = entry->next) {
		if (entry->parent != NULL)
			continue;
		format_text(target, sizeof(target), DATA_NAME "/%s", entry->name);
		if (!is_link_to(stage->folder, entry->name, target) &&
			stage_link(stage, entry, target, err) < 0)
			return -1;
	}
	return 0;
}

static int put_link(struct stage *stage, struct tree_entry *entry, struct err *err)
{
	char name[STAGE_NAME_MAX];

	if (entry->state != TREE_STAGED)
		return 0;
	stage_name(stage, entry->serial, name);
	if (stage_put(entry, stage->folder, name, stage->folder) < 0)
		return stage_error("replace", entry->path, errno, err);
	return 0;
}

/* The staged name goes, and what was moved with it. */
static void undo_link(struct stage *stage, struct tree_entry *entry)
{
	char name[STAGE_NAME_MAX];

	if (entry->state == TREE_NONE)
		return;
	stage_name(stage, entry->serial, name);
	stage_take_back(entry, stage->folder, name, stage->folder);
	if (entry->state == TREE_STAGED)
		stage_remove(stage, stage->folder, name);
	entry->state = TREE_NONE;
}

/* What an exchange left under the staged name. */
static void settle_link(struct stage *stage, struct tree_entry *entry)
{
	char name[STAGE_NAME_MAX];

	if (entry->state == TREE_EXCHANGED)
		stage_remove(stage, stage->folder, stage_name(stage, entry->serial, name));
}

/* Asked of few names only. */
static bool is_published(const struct tree *tree, const char *name)
{
	const struct tree_entry *entry;

	for (entry = tree->first; entry != NULL; entry = entry->next)
		if (entry->parent == NULL && strcmp(entry->name, name) == 0)
			return true;
	return false;
}

/* Links of names that this generation no longer has. */
static void remove_stale(struct stage *stage)
{
	char target[LINK_MAX];
	struct stat st;
	struct dir dir;
	const char *name;
	int fd = sys_openat(stage->folder, ".", FOLDER_FLAGS, 0);

	if (fd < 0)
		return;
	dir_init(&dir, fd);
	while (dir_next(&dir, &name) > 0) {
		format_text(target, sizeof(target), DATA_NAME "/%s", name);
		if (is_link_to(fd, name, target) &&
			sys_fstatat(stage->generation, name, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
			errno == ENOENT && !is_published(stage->tree, name))
			stage_remove(stage, fd, name);
	}
	fd_close(&fd);
}

static int publish_links(struct stage *stage, struct err *err)
{
	struct tree_entry *data = &stage->data;
	struct tree_entry *entry;
	char path[PATH_MAX + sizeof(DATA_NAME)];

	format_text(path, sizeof(path), "%s/" DATA_NAME, stage->to);
	data->name = DATA_NAME;
	data->path = arena_strdup(stage->arena, path);
	if (data->path == NULL)
		return err_nomem(err);
	if (stage_current(stage->folder, stage->old_name) < 0)
		return stage_error("read " DATA_NAME " in", stage->to, errno, err);
	stage->linked = true;
	if (stage_links(stage, err) < 0 || stage_link(stage, data, stage->generation_name, err) < 0)
		return -1;
	/* First the content, then the names that are new. */
	if (put_link(stage, data, err) < 0)
		return -1;
	for (entry = stage->tree->first; entry != NULL; entry = entry->next)
		if (put_link(stage, entry, err) < 0)
			return -1;
	return 0;
}

/* One file leaves the generation, and takes its place. */
static int publish_single(struct stage *stage, struct err *err)
{
	struct tree_entry *entry = stage->tree->first;

	if (stage_look(stage->folder, entry, err) < 0)
		return -1;
	if (stage_put(entry, stage->generation, entry->name, stage->folder) < 0)
		return stage_error("replace", entry->path, errno, err);
	return 0;
}

int stage_publish(struct stage *stage, struct err *err)
{
	if (stage->sync && stage_sync_folders(stage, err) < 0)
		return -1;
	return stage->tree->single ? publish_single(stage, err) : publish_links(stage, err);
}

void stage_settle_generation(struct stage *stage)
{
	struct tree_entry *entry;

	if (stage->sync && sys_fsync(stage->folder) < 0)
		log_warn_errno("cannot sync %s", stage->to);
	if (stage->tree->single) {
		stage_remove(stage, stage->folder, stage->generation_name);
		return;
	}
	settle_link(stage, &stage->data);
	for (entry = stage->tree->first; entry != NULL; entry = entry->next)
		settle_link(stage, entry);
	remove_stale(stage);
	if (stage->old_name[0] != '\0')
		stage_remove(stage, stage->folder, stage->old_name);
}

void stage_take_back_generation(struct stage *stage)
{
	struct tree_entry *entry = stage->tree->last;

	if (stage->tree->single && entry != NULL)
		stage_take_back(entry, stage->generation, entry->name, stage->folder);
	for (; stage->linked && entry != NULL; entry = entry->prev)
		undo_link(stage, entry);
	if (stage->linked)
		undo_link(stage, &stage->data);
	stage_remove(stage, stage->folder, stage->generation_name);
}
