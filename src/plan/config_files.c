#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/sys.h"
#include "plan/config_parts.h"

enum { LISTING_SIZE = 4096 };

/* A record of getdents64(2). */
struct entry {
	uint64_t ino;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

/* The names of a folder that match. */
struct matches {
	char **names;
	size_t count;
	size_t room;
};

/*
 * Reports at the include `node`, or about the main file where it is NULL. Who was denied is said:
 * an image's user is rarely the one that people think of.
 */
static int fail(struct config_files *files, const struct yaml_node *node, const char *path,
	int errnum, const char *what)
{
	struct err *err = err_list_add(files->errors);
	char user[48] = "";

	if (errnum == EACCES)
		format_text(user, sizeof(user), " (husk runs as user %lu)",
			(unsigned long)sys_geteuid());
	if (node)
		err_set_at(err, ERR_CONFIG, node->file, node->line, node->column,
			"include: %s: %s%s", path, what, user);
	else
		err_set_at(err, ERR_CONFIG, path, 0, 0, "%s%s", what, user);
	if (err)
		err->errnum = errnum;
	return -1;
}

static int nomem(struct config_files *files)
{
	return err_nomem(err_list_add(files->errors));
}

static bool identify(struct config_file *file)
{
	struct stat st;

	if (!file->identified && sys_fstatat(AT_FDCWD, file->path, &st, 0) == 0) {
		file->identified = true;
		file->dev = st.st_dev;
		file->ino = st.st_ino;
	}
	return file->identified;
}

static bool same_file(struct config_file *a, struct config_file *b)
{
	return identify(a) && identify(b) && a->dev == b->dev && a->ino == b->ino;
}

/* `from` is the include that names the file, NULL for the main file. */
static int read_text(
	struct config_files *files, const char *path, const struct yaml_node *from, struct buf *out)
{
	struct err err;

	if (fd_read_file(path, YAML_SIZE_MAX, out, &err) == 0)
		return 0;
	return err.code == ERR_CONFIG ? fail(files, from, path, err.errnum, err.message)
				      : nomem(files);
}

/* Relative to the folder of the file that includes it. */
static char *resolve(struct arena *arena, const char *including, struct str path)
{
	const char *slash = strrchr(including, '/');
	size_t folder = slash && path.data[0] != '/' ? (size_t)(slash - including) + 1 : 0;
	char *out = arena_alloc(arena, folder + path.len + 1);

	if (out) {
		memcpy(out, including, folder);
		memcpy(out + folder, path.data, path.len);
	}
	return out;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_match(
	struct config_files *files, struct matches *matches, struct str folder, const char *name)
{
	size_t len = strlen(name);
	char *path;

	if (matches->count == matches->room) {
		size_t room = matches->room > 0 ? matches->room * 2 : 16;
		char **names = realloc(matches->names, room * sizeof(*names));

		if (!names)
			return nomem(files);
		matches->names = names;
		matches->room = room;
	}
	path = arena_alloc(files->arena, folder.len + len + 1);
	if (!path)
		return nomem(files);
	memcpy(path, folder.data, folder.len);
	memcpy(path + folder.len, name, len);
	matches->names[matches->count++] = path;
	return 0;
}

/* Names that begin with a dot are not matched, as in a shell. */
static int list_folder(struct config_files *files, int fd, struct str folder, struct str pattern,
	struct matches *matches)
{
	union {
		struct entry entry;
		char bytes[LISTING_SIZE];
	} listing;
	ssize_t got;

	while ((got = sys_getdents(fd, &listing, sizeof(listing))) > 0) {
		for (ssize_t at = 0; at < got;) {
			const struct entry *e = (const void *)(listing.bytes + at);

			at += e->size;
			if (e->name[0] == '.' || !str_glob(pattern, str_from(e->name)))
				continue;
			if (matches->count >= CONFIG_FILES_MAX)
				return 0;
			if (add_match(files, matches, folder, e->name) != 0)
				return -1;
		}
	}
	return got == 0 ? 0 : 1;
}

static bool has_wildcard(struct str s)
{
	return memchr(s.data, '*', s.len) || memchr(s.data, '?', s.len);
}

/* The files that a pattern names, sorted by bytes; a folder that is not there has none. */
static int expand(struct config_files *files, const struct yaml_node *node, const char *pattern,
	struct matches *matches)
{
	const char *slash = strrchr(pattern, '/');
	struct str folder = {pattern, slash ? (size_t)(slash - pattern) + 1 : 0};
	char what[160];
	char *path;
	int fd, rc;

	if (has_wildcard(folder))
		return fail(files, node, pattern, 0,
			"* and ? can stand in the last part of the path only");
	path = arena_strndup(files->arena, folder.len > 0 ? folder : STR("."));
	if (!path)
		return nomem(files);
	fd = sys_open(path, O_RDONLY | O_DIRECTORY, 0);
	if (fd == -1 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	rc = fd == -1 ? 1 : list_folder(files, fd, folder, str_from(pattern + folder.len), matches);
	if (rc > 0) {
		format_text(what, sizeof(what), "cannot read the folder: %s", strerror(errno));
		fail(files, node, path, errno, what);
	}
	fd_close(&fd);
	if (rc != 0)
		return -1;
	if (matches->count > 1)
		qsort(matches->names, matches->count, sizeof(*matches->names), compare_names);
	return 0;
}

static void append(struct config_files *files, struct config_file *file)
{
	*files->tail = file;
	files->tail = &file->next;
	files->count++;
}

static struct config_file *file_new(struct config_files *files, const char *path)
{
	struct config_file *file = arena_alloc(files->arena, sizeof(*file));

	if (!file)
		nomem(files);
	else
		file->path = path;
	return file;
}

static void parse(struct config_files *files, struct config_file *file, struct str text)
{
	if (files->keep) {
		file->text = (struct str){arena_strndup(files->keep, text), text.len};
		if (!file->text.data)
			nomem(files);
	}
	if (yaml_parse(files->arena, file->path, text, &file->root, files->errors) != 0)
		file->broken = !file->root;
}

static void read_includes(struct config_files *files, struct config_file *file);

/* Once is enough: two files may include the same third one. */
static bool is_read(const struct config_files *files, struct config_file *file)
{
	for (struct config_file *f = files->first; f; f = f->next)
		if (same_file(f, file))
			return true;
	return false;
}

static void read_included(
	struct config_files *files, const char *path, const struct yaml_node *node)
{
	struct config_file *file = file_new(files, path);
	struct buf text;

	if (!file)
		return;
	for (unsigned i = 0; i < files->depth; i++) {
		if (same_file(files->stack[i], file)) {
			fail(files, node, path, 0,
				"this file is being read: the includes are a loop");
			return;
		}
	}
	if (is_read(files, file))
		return;
	if (files->depth >= CONFIG_INCLUDE_DEPTH_MAX) {
		fail(files, node, path, 0, "more than 8 files within one another");
		return;
	}
	if (files->count + files->depth >= CONFIG_FILES_MAX) {
		fail(files, node, path, 0, "more than 256 files");
		return;
	}
	if (read_text(files, path, node, &text) != 0)
		return;
	parse(files, file, buf_str(&text));
	buf_fini(&text);
	read_includes(files, file);
}

static void read_include(
	struct config_files *files, struct config_file *file, const struct yaml_node *node)
{
	struct matches matches = {NULL, 0, 0};
	char *path;

	/* What is no text is the schema's to report. */
	if (node->kind != YAML_SCALAR || node->value.len == 0 || yaml_is_null(node))
		return;
	path = resolve(files->arena, file->path, node->value);
	if (!path) {
		nomem(files);
		return;
	}
	if (!has_wildcard(node->value)) {
		read_included(files, path, node);
		return;
	}
	if (expand(files, node, path, &matches) == 0)
		for (size_t i = 0; i < matches.count; i++)
			read_included(files, matches.names[i], node);
	free(matches.names);
}

/* Recursion of CONFIG_INCLUDE_DEPTH_MAX at most. */
static void read_includes(struct config_files *files, struct config_file *file)
{
	const struct yaml_node *node = yaml_get(file->root, "include");

	files->stack[files->depth++] = file;
	if (node && node->kind == YAML_SEQUENCE)
		for (const struct yaml_node *item = node->first; item; item = item->next)
			read_include(files, file, item);
	else if (node)
		read_include(files, file, node);
	files->depth--;
	append(files, file);
}

void config_files_init(struct config_files *files, struct arena *arena, struct arena *keep,
	struct err_list *errors)
{
	*files = (struct config_files){.arena = arena, .keep = keep, .errors = errors};
	files->tail = &files->first;
}

void config_files_read(struct config_files *files, const char *path, const struct str *text)
{
	struct config_file *file;
	struct buf buf;

	path = arena_strdup(files->arena, path);
	file = path ? file_new(files, path) : NULL;
	if (!file) {
		if (!path)
			nomem(files);
		return;
	}
	if (text) {
		parse(files, file, *text);
	} else {
		if (read_text(files, path, NULL, &buf) != 0)
			return;
		parse(files, file, buf_str(&buf));
		buf_fini(&buf);
	}
	read_includes(files, file);
}

void config_files_replay(struct config_files *files, const struct config_snapshot *snapshot)
{
	for (const struct config_text *t = snapshot->first; t; t = t->next) {
		struct config_file *file = file_new(files, t->path);

		if (!file)
			return;
		parse(files, file, t->text);
		append(files, file);
	}
}
