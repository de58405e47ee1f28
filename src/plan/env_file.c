#include <string.h>

#include "base/fd.h"
#include "plan/env_table.h"

struct file {
	struct env *env;
	const char *path;
	struct err_list *errors;
	unsigned line;
};

static int refuse(struct file *f, size_t column, const char *why)
{
	return err_set_at(err_list_add(f->errors), ERR_CONFIG, f->path, f->line,
		(unsigned)column + 1, "%s", why);
}

static size_t skip_blanks(struct str line, size_t at)
{
	while (at < line.len && (line.data[at] == ' ' || line.data[at] == '\t'))
		at++;
	return at;
}

/* `name` and `value` are slices of memory that stays. */
static int set(struct file *f, struct str name, struct str value, size_t column)
{
	struct err err;
	struct env_slot *slot = env_table_add(f->env, name, &err);

	if (slot && env_slot_is_set(slot) && slot->var.origin != ENV_FILE)
		return 0;
	if (!slot || env_table_set(f->env, slot, value, ENV_FILE, &err)) {
		err_wrap(&err, "%.*s", STR_ARGS(name));
		return refuse(f, column, err.message);
	}
	slot->var.place = (struct plan_place){f->path, f->line, (unsigned)column + 1};
	slot->var.exported = true;
	return 0;
}

/*
 * Docker's format: NAME=value, everything behind `=` taken as it is, no quotes; `#` begins a
 * comment at the line's start only. Besides it: `export ` before the name, and CRLF.
 */
static int read_line(struct file *f, struct str line)
{
	size_t at = skip_blanks(line, 0);
	const char *equals;
	struct str name;

	if (at == line.len || line.data[at] == '#')
		return 0;
	if (str_starts(str_sub(line, at, line.len), STR("export")) &&
		skip_blanks(line, at + 6) > at + 6)
		at = skip_blanks(line, at + 6);
	equals = memchr(line.data + at, '=', line.len - at);
	if (!equals)
		return refuse(f, at, "wants NAME=value");
	name = (struct str){line.data + at, (size_t)(equals - line.data) - at};
	if (name.len == 0)
		return refuse(f, at, "wants a name before \"=\"");
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] == ' ' || name.data[i] == '\t')
			return refuse(f, at + i, "a blank in a name, or before \"=\"");
	}
	return set(f, name, str_sub(line, at + name.len + 1, line.len), at);
}

static int read_text(struct file *f, struct str text)
{
	const char *nul = text.len ? memchr(text.data, '\0', text.len) : NULL;
	int rc = 0;

	if (nul) {
		struct err *err = err_list_add(f->errors);

		err_set(err, ERR_CONFIG, "a NUL byte");
		if (err) {
			err_locate(err, f->path, text, (size_t)(nul - text.data));
			err_hide_source(err);
		}
		return -1;
	}
	if (str_starts(text, STR("\xef\xbb\xbf")))
		text = str_sub(text, 3, text.len);
	while (text.len > 0) {
		const char *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;
		struct str line = str_sub(text, 0, len);

		if (str_ends(line, STR("\r")))
			line.len--;
		f->line++;
		rc |= read_line(f, line);
		text = str_sub(text, len + 1, text.len);
	}
	return rc;
}

int env_file_load(struct env *env, const struct plan_text *path, struct err_list *errors)
{
	struct file f = {.env = env, .errors = errors};
	bool secret = false;
	bool poisoned = false;
	struct buf content;
	struct err err;
	const char *text;
	size_t len;

	if (env_expand_text(env, path, NULL, &f.path, &secret, &poisoned, &err)) {
		err_wrap(&err, "env_file");
		return err_list_put(errors, &err);
	}
	if (secret)
		return err_set_at(err_list_add(errors), ERR_CONFIG, path->place.file,
			path->place.line, path->place.column,
			"env_file: a path cannot hold a secret");
	if (fd_read_file(f.path, ENV_FILE_MAX, &content, &err)) {
		return err_set_at(err_list_add(errors), ERR_CONFIG, path->place.file,
			path->place.line, path->place.column, "env_file: %s: %s", f.path,
			err.message);
	}
	len = content.len;
	text = arena_strndup(env->arena, buf_str(&content));
	buf_fini(&content);
	if (!text)
		return err_nomem(err_list_add(errors));
	return read_text(&f, (struct str){text, len});
}
