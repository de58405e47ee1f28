#include "plan/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/statfs.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/log.h"
#include "base/sys.h"
#include "plan/render.h"

enum {
	LOOK_ARENA_MAX = 256 << 20,
	LINKS_MAX = 40, /* as the kernel has it: path_resolution(7) */
	READ_STEP = 16384,
	/* Not IN_MODIFY: what is half written is not to be rendered. */
	EVENTS = IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_DELETE_SELF |
		 IN_MOVE_SELF | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR | IN_EXCL_UNLINK,
};

/* Their files change on another machine, or under another kernel: statfs(2), linux/magic.h. */
static const unsigned long silent[] = {
	0x6969,     /* NFS */
	0x517b,     /* SMB */
	0xfe534d42, /* SMB2 */
	0xff534d42, /* CIFS */
	0x01021997, /* 9P; gVisor's host files */
	0x65735546, /* FUSE, virtiofs */
	0x00c36400, /* Ceph */
	0x0bd00bd0, /* Lustre */
	0x5346414f, /* AFS */
	0x786f4256, /* VirtualBox */
};

struct look {
	struct sources *sources;
	struct arena *arena;
	int watch;
};

/* A path being followed, of which `len` bytes are folders without links. */
struct way {
	char path[PATH_MAX];
	size_t len;
	char rest[PATH_MAX];
	unsigned links;
};

/* ---- who tells ---- */

static bool is_silent(const char *folder)
{
	struct statfs st;

	if (sys_statfs(folder, &st) < 0)
		return false;
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
		if (((unsigned long)st.f_type & 0xffffffff) == silent[i])
			return true;
	return false;
}

static void watch_folder(struct look *look, const char *folder)
{
	if (look->watch < 0)
		return;
	if (sys_inotify_add(look->watch, folder, EVENTS) < 0) {
		/* One that is none, or no longer: where it was, or would be, is watched. */
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			look->sources->blind = true;
	} else if (is_silent(folder)) {
		look->sources->blind = true;
	}
}

/* The folders of the way, without the name behind them. */
static void watch_here(struct look *look, struct way *way)
{
	char saved = way->path[way->len];

	way->path[way->len] = '\0';
	watch_folder(look, way->len == 0 ? "." : way->path);
	way->path[way->len] = saved;
}

/* Takes the next name off `rest`, and puts it behind the folders; false at the end. */
static bool next_name(struct way *way)
{
	const char *name = way->rest + strspn(way->rest, "/");
	size_t len = strcspn(name, "/");
	size_t slash = way->len > 0 && way->path[way->len - 1] != '/';

	if (len == 0 || way->len + slash + len >= sizeof(way->path))
		return false;
	if (slash)
		way->path[way->len] = '/';
	memcpy(way->path + way->len + slash, name, len);
	way->path[way->len + slash + len] = '\0';
	memmove(way->rest, name + len, strlen(name + len) + 1);
	return true;
}

/* `path` is a link: what it leads to is now what comes. */
static bool turn(struct way *way)
{
	char target[PATH_MAX];
	ssize_t got = sys_readlinkat(AT_FDCWD, way->path, target, sizeof(target));
	size_t len = got < 0 ? 0 : (size_t)got;
	size_t rest = strlen(way->rest);

	if (len == 0 || len + rest >= sizeof(way->rest) || ++way->links > LINKS_MAX)
		return false;
	memmove(way->rest + len, way->rest, rest + 1);
	memcpy(way->rest, target, len);
	if (target[0] == '/') {
		way->path[0] = '/';
		way->len = 1;
	}
	return true;
}

/* The folder that `path` is in, or would be, and each on the way where a link leads on. */
static void watch_way(struct look *look, const char *path)
{
	struct way way = {.path = "/", .len = path[0] == '/'};
	struct stat st;

	if (look->watch < 0)
		return;
	(void)format_text(way.rest, sizeof(way.rest), "%s", path);
	while (next_name(&way)) {
		bool last = way.rest[strspn(way.rest, "/")] == '\0';
		bool found = sys_fstatat(AT_FDCWD, way.path, &st, AT_SYMLINK_NOFOLLOW) == 0;

		if (found && S_ISDIR(st.st_mode) && !last) {
			way.len = strlen(way.path);
			continue;
		}
		watch_here(look, &way);
		if (!found || !S_ISLNK(st.st_mode) || !turn(&way))
			return;
	}
}

/* ---- what is there ---- */

static void add(struct look *look, const void *data, size_t size)
{
	uint64_t *print = &look->sources->print;

	*print = str_hash(*print, (struct str){data, size});
}

static void add_number(struct look *look, int number)
{
	add(look, &number, sizeof(number));
}

static void add_content(struct look *look, int fd)
{
	char data[READ_STEP];
	ssize_t got;

	while ((got = sys_read(fd, data, sizeof(data))) > 0)
		add(look, data, (size_t)got);
	if (got < 0)
		add_number(look, errno);
	/* It may be a secret. */
	explicit_bzero(data, sizeof(data));
}

static void add_file(struct look *look, const char *path)
{
	int fd = sys_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;

	add(look, path, strlen(path) + 1);
	if (fd < 0 || sys_fstat(fd, &st) < 0) {
		add_number(look, errno);
	} else {
		add_number(look, (int)st.st_mode);
		if (S_ISREG(st.st_mode))
			add_content(look, fd);
	}
	fd_close(&fd);
}

static void look_at_file(struct look *look, const char *path)
{
	watch_way(look, path);
	add_file(look, path);
}

static bool is_link(const char *path)
{
	struct stat st;

	return sys_fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

static void look_at_tree(struct look *look, const char *from, const struct tree *tree)
{
	watch_way(look, from);
	if (!tree->single)
		watch_folder(look, from);
	add_number(look, (int)tree->mode);
	for (const struct tree_entry *entry = tree->first; entry; entry = entry->next) {
		if (look->watch >= 0 && !tree->single && is_link(entry->source))
			watch_way(look, entry->source);
		if (!entry->folder) {
			add_file(look, entry->source);
			continue;
		}
		watch_folder(look, entry->source);
		add(look, entry->source, strlen(entry->source) + 1);
		add_number(look, (int)entry->mode);
	}
}

static void look_at_sets(struct look *look, const struct plan *plan, struct env *env)
{
	enum log_level level = log_get_level();

	/* What is skipped is said when it is rendered. */
	log_set_level(LOG_LEVEL_ERROR);
	for (size_t i = 0; i < plan->template_count; i++) {
		const char *from = NULL;
		struct tree tree;
		struct err err;

		err_clear(&err);
		/* An error counts by its text, with what came before it. */
		(void)render_sources(env, &plan->templates[i], look->arena, &from, &tree, &err);
		if (from)
			look_at_tree(look, from, &tree);
		add(look, err.message, strlen(err.message) + 1);
	}
	log_set_level(level);
}

/* The file that NAME_FILE names. */
static void look_at_secret(struct look *look, const struct env *env, const char *name)
{
	char file_name[256];
	const struct env_var *file;

	if (format_text(file_name, sizeof(file_name), "%s_FILE", name) >= (int)sizeof(file_name))
		return;
	file = env_find(env, str_from(file_name));
	if (file && file->value.len > 0)
		look_at_file(look, file->value.data);
}

int sources_look(const struct plan *plan, struct env *env, int watch, struct sources *sources,
	struct err *err)
{
	struct look look = {.sources = sources, .arena = arena_new(LOOK_ARENA_MAX), .watch = watch};
	const char *path;

	*sources = (struct sources){.print = STR_HASH};
	if (!look.arena)
		return err_nomem(err);
	for (size_t i = 0; i < plan->env_files.count; i++)
		if (env_expand(env, &plan->env_files.items[i], &path, NULL, NULL) == 0)
			look_at_file(&look, path);
	for (size_t i = 0; i < plan->var_count; i++)
		if (plan->vars[i].secret)
			look_at_secret(&look, env, plan->vars[i].name);
	look_at_sets(&look, plan, env);
	arena_free(look.arena);
	if (sources->print == 0)
		sources->print = 1;
	return 0;
}
