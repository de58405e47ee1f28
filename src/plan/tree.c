#include "plan/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/sys.h"

/* The names of one folder while they are collected. */
struct listing {
	struct tree_entry **items;
	size_t count;
	size_t cap;
};

struct walk {
	struct tree *tree;
	struct str suffix;
	bool templates_only;
	struct listing names;
};

const char *tree_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "a file";
	case S_IFDIR:
		return "a folder";
	case S_IFLNK:
		return "a symbolic link";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

static int source_error(const char *path, int errnum, struct err *err)
{
	if (errnum == ELOOP)
		return err_set_errno(err, ERR_CONFIG, errnum,
			"template source %s: a symbolic link leads back to itself", path);
	if (errnum == EACCES)
		return err_set_errno(err, ERR_CONFIG, errnum,
			"cannot read template source %s as user %u", path, (unsigned)sys_geteuid());
	return err_set_errno(err, ERR_CONFIG, errnum, "cannot read template source %s", path);
}

/* A name without the suffix; as it is where nothing that can be a name would remain. */
static struct str strip(struct str name, struct str suffix, bool *is_template)
{
	struct str rest = name;

	*is_template = str_ends(name, suffix);
	if (suffix.len == 0 || !*is_template)
		return name;
	rest.len -= suffix.len;
	if (rest.len == 0 || str_eq_cstr(rest, ".") || str_eq_cstr(rest, "..")) {
		*is_template = false;
		return name;
	}
	return rest;
}

/* "folder/name" in the arena; `folder` "" leaves the name alone. */
static char *join(struct tree *tree, const char *folder, struct str name, struct err *err)
{
	size_t len = strlen(folder);
	size_t slash = len > 0 && folder[len - 1] != '/';
	char *path;

	if (len + slash + name.len >= PATH_MAX) {
		err_set(err, ERR_CONFIG, "the path of %.*s in %s is too long", STR_ARGS(name),
			folder);
		return NULL;
	}
	path = arena_alloc(tree->arena, len + slash + name.len + 1);
	if (path == NULL) {
		err_nomem(err);
		return NULL;
	}
	memcpy(path, folder, len);
	if (slash)
		path[len] = '/';
	memcpy(path + len + slash, name.data, name.len);
	return path;
}

static int list_push(struct listing *list, struct tree_entry *entry, struct err *err)
{
	struct tree_entry **items;
	size_t cap;

	if (list->count == list->cap) {
		cap = list->cap == 0 ? 64 : list->cap * 2;
		items = realloc(list->items, cap * sizeof(struct tree_entry *));
		if (items == NULL)
			return err_nomem(err);
		list->items = items;
		list->cap = cap;
	}
	list->items[list->count++] = entry;
	return 0;
}

static struct tree_entry *entry_new(struct tree *tree, struct tree_entry *parent,
	const char *source, struct str target, const struct stat *st, struct err *err)
{
	struct tree_entry *entry = arena_alloc(tree->arena, sizeof(*entry));

	if (entry == NULL) {
		err_nomem(err);
		return NULL;
	}
	entry->parent = parent;
	entry->depth = parent == NULL ? 1 : parent->depth + 1;
	entry->source = source;
	entry->target = join(tree, parent == NULL ? "" : parent->target, target, err);
	if (entry->target == NULL)
		return NULL;
	entry->name = entry->target + strlen(entry->target) - target.len;
	entry->folder = S_ISDIR(st->st_mode);
	entry->mode = st->st_mode & 0777;
	entry->dev = st->st_dev;
	entry->ino = st->st_ino;
	return entry;
}

static void append(struct tree *tree, struct tree_entry *entry)
{
	entry->prev = tree->last;
	if (tree->last == NULL)
		tree->first = entry;
	else
		tree->last->next = entry;
	tree->last = entry;
	tree->count++;
	if (!entry->folder)
		tree->files++;
}

/* What `path` is, links followed: 1; 0 where it is to be skipped. */
static int look(const char *path, struct stat *st, struct err *err)
{
	struct stat link;
	int saved;

	if (sys_fstatat(AT_FDCWD, path, st, 0) < 0) {
		saved = errno;
		if (saved != ENOENT ||
			sys_fstatat(AT_FDCWD, path, &link, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISLNK(link.st_mode))
			return source_error(path, saved, err);
		log_warn("%s: a symbolic link that leads nowhere is skipped", path);
		return 0;
	}
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return err_set(err, ERR_CONFIG,
			"template source %s is %s: only files and folders "
			"can be rendered; remove it, or give it a name that begins with `..`",
			path, tree_kind(st->st_mode));
	return 1;
}

/* A folder that is one of those it stands in, reached again by a link. */
static int check_loop(const struct tree *tree, const struct tree_entry *entry, struct err *err)
{
	const struct tree_entry *up;

	if (entry->depth > TREE_DEPTH_MAX)
		return err_set(err, ERR_CONFIG, "template source %s is nested more than %d deep",
			entry->source, TREE_DEPTH_MAX);
	for (up = entry->parent; up != NULL; up = up->parent)
		if (up->dev == entry->dev && up->ino == entry->ino)
			break;
	if (up == NULL && (tree->dev != entry->dev || tree->ino != entry->ino))
		return 0;
	return err_set(err, ERR_CONFIG,
		"template source %s: a link leads back to a folder it is in (a link loop)",
		entry->source);
}

static int add_name(struct walk *walk, struct tree_entry *parent, const char *folder,
	const char *name, struct err *err)
{
	struct tree *tree = walk->tree;
	struct str target = str_from(name);
	struct tree_entry *entry;
	struct stat st;
	char *source;
	bool is_template = false;
	int found;

	source = join(tree, folder, target, err);
	if (source == NULL)
		return -1;
	found = look(source, &st, err);
	if (found <= 0)
		return found;
	if (!S_ISDIR(st.st_mode)) {
		target = strip(target, walk->suffix, &is_template);
		if (walk->templates_only && !is_template)
			return 0;
	}
	if (tree->count + walk->names.count >= TREE_FILES_MAX)
		return err_set(err, ERR_CONFIG, "template source %s: more than %d files", folder,
			TREE_FILES_MAX);
	entry = entry_new(tree, parent, source, target, &st, err);
	if (entry == NULL)
		return -1;
	entry->render = is_template;
	if (entry->folder && check_loop(tree, entry, err) < 0)
		return -1;
	return list_push(&walk->names, entry, err);
}

static int by_name(const void *a, const void *b)
{
	const struct tree_entry *const *x = a;
	const struct tree_entry *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* The folder's names, sorted, so that every run does the same in the same order. */
static int append_names(struct walk *walk, struct err *err)
{
	struct listing *names = &walk->names;
	size_t i;

	if (names->count > 1)
		qsort(names->items, names->count, sizeof(struct tree_entry *), by_name);
	for (i = 1; i < names->count; i++)
		if (strcmp(names->items[i - 1]->name, names->items[i]->name) == 0)
			return err_set(err, ERR_CONFIG,
				"two template sources give the same target %s: %s and %s",
				names->items[i]->target, names->items[i - 1]->source,
				names->items[i]->source);
	for (i = 0; i < names->count; i++)
		append(walk->tree, names->items[i]);
	return 0;
}

static int read_folder(
	struct walk *walk, struct tree_entry *parent, const char *path, struct err *err)
{
	struct dir dir;
	const char *name;
	int fd;
	int got;
	int result = -1;

	walk->names.count = 0;
	fd = sys_open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC, 0);
	if (fd < 0)
		return source_error(path, errno, err);
	dir_init(&dir, fd);
	while ((got = dir_next(&dir, &name)) > 0) {
		if (name[0] == '.' && name[1] == '.')
			continue;
		if (add_name(walk, parent, path, name, err) < 0)
			goto out;
	}
	if (got < 0) {
		source_error(path, errno, err);
		goto out;
	}
	result = append_names(walk, err);
out:
	fd_close(&fd);
	return result;
}

/* One file: who names it means to render it, whatever its suffix. */
static int single_file(struct walk *walk, const char *from, const struct stat *st, struct err *err)
{
	const char *slash = strrchr(from, '/');
	struct str name = str_from(slash == NULL ? from : slash + 1);
	struct tree_entry *entry;
	bool is_template;

	walk->tree->single = true;
	name = strip(name, walk->suffix, &is_template);
	entry = entry_new(walk->tree, NULL, from, name, st, err);
	if (entry == NULL)
		return -1;
	entry->render = true;
	append(walk->tree, entry);
	return 0;
}

int tree_walk(struct tree *tree, struct arena *arena, const char *from, const char *suffix,
	bool templates_only, struct err *err)
{
	struct walk walk = {.tree = tree, .suffix = str_from(suffix)};
	struct tree_entry *entry;
	struct stat st;
	int result;

	memset(tree, 0, sizeof(*tree));
	tree->arena = arena;
	walk.templates_only = templates_only;
	if (sys_fstatat(AT_FDCWD, from, &st, 0) < 0)
		return source_error(from, errno, err);
	tree->mode = st.st_mode & 0777;
	tree->dev = st.st_dev;
	tree->ino = st.st_ino;
	if (S_ISREG(st.st_mode))
		return single_file(&walk, from, &st, err);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_CONFIG,
			"template source %s is %s: it must be a file or a "
			"folder",
			from, tree_kind(st.st_mode));
	/* The list is its own queue: folders found are read when their turn comes. */
	result = read_folder(&walk, NULL, from, err);
	for (entry = tree->first; result == 0 && entry != NULL; entry = entry->next)
		if (entry->folder)
			result = read_folder(&walk, entry, entry->source, err);
	free(walk.names.items);
	return result;
}
