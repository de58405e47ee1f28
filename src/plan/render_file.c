#include "plan/render_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/map.h"
#include "base/sys.h"

enum {
	COPY_SIZE = 65536,
	/* From here on mapping costs less than reading into fresh memory. */
	MAP_SIZE = 262144,
	SINK_MAX = 1 << 30,
};

struct render_file *render_file_new(void)
{
	struct render_file *file = calloc(1, sizeof(*file));

	if (file != NULL)
		buf_init(&file->sink, SINK_MAX);
	return file;
}

void render_file_free(struct render_file *file)
{
	if (file == NULL)
		return;
	free(file->text);
	buf_fini(&file->sink);
	free(file);
}

static int source_error(const char *path, int errnum, struct err *err)
{
	err_set_errno(err, ERR_CONFIG, errnum, "cannot read template source %s as user %u", path,
		(unsigned)sys_geteuid());
	if (err != NULL)
		err->errnum = 0;
	return -1;
}

static int target_error(int errnum, struct err *err)
{
	return err_set_errno(err, ERR_CONFIG, errnum, "cannot write");
}

static int reserve(struct render_file *file, size_t size, struct err *err)
{
	char *text;

	if (size <= file->cap)
		return 0;
	text = realloc(file->text, size);
	if (text == NULL)
		return err_nomem(err);
	file->text = text;
	file->cap = size;
	return 0;
}

/* Until the end, wherever it is by now: `size` is only what fstat said. */
static int read_text(
	struct render_file *file, const char *path, int fd, size_t size, struct err *err)
{
	ssize_t got;

	file->len = 0;
	if (size > TEMPLATE_SIZE_MAX)
		size = TEMPLATE_SIZE_MAX;
	if (reserve(file, size + 1, err) < 0)
		return -1;
	for (;;) {
		if (file->len == file->cap && reserve(file, file->cap * 2, err) < 0)
			return -1;
		got = sys_read(fd, file->text + file->len, file->cap - file->len);
		if (got < 0)
			return source_error(path, errno, err);
		if (got == 0)
			return 0;
		file->len += (size_t)got;
		if (file->len > TEMPLATE_SIZE_MAX)
			return err_set(err, ERR_CONFIG, "template %s is larger than %d MiB", path,
				TEMPLATE_SIZE_MAX >> 20);
	}
}

static int write_text(struct render_file *file, struct str text, int fd, struct err *err)
{
	file->bytes += text.len;
	if (fd < 0)
		return buf_append_str(&file->sink, text) < 0 ? err_nomem(err) : 0;
	return fd_write_all(fd, text.data, text.len) < 0 ? target_error(errno, err) : 0;
}

/* One pass; pieces are written from where they stand. */
static int render_text(struct render_file *file, const struct tree_entry *entry, struct str text,
	int fd, struct err *err)
{
	struct template_options options = {
		.file = entry->source,
		.open = file->set->open,
		.undefined = file->set->undefined,
		.escape = file->set->escape,
	};

	if (fd < 0)
		out_init_buf(&file->out, &file->sink);
	else
		out_init_fd(&file->out, fd, entry->path);
	if (template_stream(text, &options, file->scope, &file->out, &file->rendered, &file->secret,
		    err) < 0 ||
		out_flush(&file->out, err) < 0)
		return -1;
	file->bytes = file->out.written;
	return 0;
}

/* EFAULT is the kernel's word for what SIGBUS tells us. */
static int render_map(struct render_file *file, const struct tree_entry *entry, struct map *map,
	int fd, struct err *err)
{
	int result = render_text(file, entry, (struct str){map->data, map->size}, fd, err);
	bool cut = result < 0 && err != NULL && err->errnum == EFAULT;

	if (map_close(map) < 0 || cut)
		return err_set(err, ERR_CONFIG,
			"template source %s was cut short while it was read", entry->source);
	return result;
}

static int render(struct render_file *file, const struct tree_entry *entry, int from, size_t size,
	int fd, struct err *err)
{
	struct map map;

	if (size >= MAP_SIZE && size <= TEMPLATE_SIZE_MAX && map_open(&map, from, size) == 0)
		return render_map(file, entry, &map, fd, err);
	if (read_text(file, entry->source, from, size, err) < 0)
		return -1;
	return render_text(file, entry, (struct str){file->text, file->len}, fd, err);
}

/* By the kernel where it can, else through the buffer. */
static int copy(struct render_file *file, const char *path, int from, int to, struct err *err)
{
	ssize_t got;

	if (reserve(file, COPY_SIZE, err) < 0)
		return -1;
	while (to >= 0 && (got = sys_copy_range(from, to, COPY_SIZE * 1024)) > 0)
		file->bytes += (size_t)got;
	while ((got = sys_read(from, file->text, COPY_SIZE)) > 0)
		if (write_text(file, (struct str){file->text, (size_t)got}, to, err) < 0)
			return -1;
	return got < 0 ? source_error(path, errno, err) : 0;
}

int render_file_run(
	struct render_file *file, const struct tree_entry *entry, int fd, struct err *err)
{
	struct stat st;
	int from;
	int result = -1;

	file->bytes = 0;
	file->rendered = false;
	file->secret = false;
	buf_reset(&file->sink);
	from = sys_open(entry->source, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	if (from < 0)
		return source_error(entry->source, errno, err);
	if (sys_fstat(from, &st) < 0) {
		source_error(entry->source, errno, err);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_CONFIG, "template source %s has become %s", entry->source,
			tree_kind(st.st_mode));
		goto out;
	}
	if (!entry->render)
		result = copy(file, entry->source, from, fd, err);
	else
		result = render(file, entry, from, (size_t)st.st_size, fd, err);
	file->mode = file->set->mode_inherit ? st.st_mode & 0777 : file->set->mode & 0777;
	/* The narrower of both; a mode that is written down is what was meant. */
	if (file->secret && file->set->mode_inherit)
		file->mode &= 0600;
out:
	fd_close(&from);
	return result;
}

int render_file_result(struct render_file *file, int fd, struct str *result, struct err *err)
{
	ssize_t got;

	if (fd < 0) {
		*result = buf_str(&file->sink);
		return 0;
	}
	if (reserve(file, file->bytes + 1, err) < 0)
		return -1;
	for (file->len = 0; file->len < file->bytes; file->len += (size_t)got) {
		got = sys_pread(
			fd, file->text + file->len, file->bytes - file->len, (off_t)file->len);
		if (got < 0)
			return target_error(errno, err);
		if (got == 0)
			break;
	}
	*result = (struct str){file->text, file->len};
	return 0;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.';
}

/* Does what follows `to` in a text mean the folder, a pattern in it, or a name of the set? */
static bool is_own(const struct tree *tree, struct str rest)
{
	const struct tree_entry *entry;
	struct str name;

	if (rest.len > 0 && is_name_char(rest.data[0]))
		return false; /* /run/nginx.pid, where `to` is /run/nginx */
	while (rest.len > 0 && rest.data[0] == '/')
		rest = str_sub(rest, 1, rest.len);
	for (name = (struct str){rest.data, 0}; name.len < rest.len; name.len++)
		if (!is_name_char(rest.data[name.len]))
			break;
	/* Nothing, or the beginning of a pattern. */
	if (name.len == 0 || (name.len < rest.len && strchr("*?[{$", rest.data[name.len]) != NULL &&
				     rest.data[name.len] != '\0'))
		return true;
	for (entry = tree->first; entry != NULL; entry = entry->next)
		if (entry->parent == NULL && str_eq_cstr(name, entry->name))
			return true;
	return str_starts(name, STR(".."));
}

int render_file_scan(const struct tree *tree, const struct tree_entry *entry, const char *to,
	struct str result, struct err *err)
{
	size_t len = strlen(to);
	unsigned line = 1;
	const char *start = result.data;
	const char *end = result.data + result.len;
	const char *at = result.data;
	const char *p;

	if (to[0] != '/' || len < 2 || result.len == 0)
		return 0;
	for (; (at = memmem(at, (size_t)(end - at), to, len)) != NULL; at += len) {
		if (at > result.data && is_name_char(at[-1]))
			continue;
		if (is_own(tree, (struct str){at + len, (size_t)(end - at) - len}))
			break;
	}
	if (at == NULL)
		return 0;
	for (p = result.data; p < at; p++)
		if (*p == '\n') {
			line++;
			start = p + 1;
		}
	/* The line itself is not shown: it may hold a secret. */
	return err_set_at(err, ERR_CONFIG, entry->path, line, (unsigned)(at - start) + 1,
		"names %s by its absolute path (rendered from %s): while the set is checked, what "
		"stands there is still the old one; write the path relative to the file",
		to, entry->source);
}
