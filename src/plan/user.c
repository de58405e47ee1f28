#include "plan/user.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/format.h"
#include "base/str.h"

enum {
	FILE_MAX = 16 << 20,
	/* passwd(5): name, password, uid, gid ...; group(5): name, password, gid ... */
	FIELD_NAME = 0,
	FIELD_ID = 2,
	FIELD_PASSWD_GID = 3,
};

static struct str cut(struct str *rest, char separator)
{
	struct str head = *rest;
	size_t i;

	for (i = 0; i < rest->len && rest->data[i] != separator; i++)
		;
	head.len = i;
	*rest = str_sub(*rest, i + 1, SIZE_MAX);
	return head;
}

static struct str field(struct str line, unsigned index)
{
	while (index-- > 0)
		cut(&line, ':');
	return cut(&line, ':');
}

/* (uid_t)-1 means "unchanged" to chown(2): it is nobody's number. */
static bool to_id(struct str text, unsigned *id)
{
	uint64_t number;

	if (str_to_uint64(text, &number) < 0 || number >= UINT32_MAX)
		return false;
	*id = (unsigned)number;
	return true;
}

/* The line whose field `index` is `wanted`. */
static bool find_line(struct str text, unsigned index, struct str wanted, struct str *line)
{
	while (text.len > 0) {
		*line = cut(&text, '\n');
		if (line->len > 0 && line->data[0] != '#' && str_eq(field(*line, index), wanted))
			return true;
	}
	return false;
}

static int read_file(
	const char *root, const char *name, struct buf *text, char path[PATH_MAX], struct err *err)
{
	format_text(path, PATH_MAX, "%s%s", root, name);
	buf_init(text, FILE_MAX);
	return fd_read_file(path, FILE_MAX, text, err);
}

static int find_user(const char *root, struct str name, struct user *user, struct err *err)
{
	char path[PATH_MAX];
	struct buf text;
	struct str line;
	unsigned id = 0;
	unsigned gid = 0;
	bool number = to_id(name, &id);
	int result = -1;

	if (read_file(root, "/etc/passwd", &text, path, err) < 0) {
		/* A number stands for itself. */
		result = number && err->errnum == ENOENT ? 0 : -1;
		goto out;
	}
	/* A name of digits only is a name first, as chown(1) has it. */
	if (find_line(buf_str(&text), FIELD_NAME, name, &line) ||
		(number && find_line(buf_str(&text), FIELD_ID, name, &line))) {
		if (!to_id(field(line, FIELD_ID), &id) ||
			!to_id(field(line, FIELD_PASSWD_GID), &gid)) {
			err_set(err, ERR_CONFIG, "%s: the entry of user %.*s has no valid numbers",
				path, STR_ARGS(name));
			goto out;
		}
		user->gid = gid;
		user->has_gid = true;
	} else if (!number) {
		err_set(err, ERR_CONFIG,
			"no user \"%.*s\" in %s: add it there, or write its number", STR_ARGS(name),
			path);
		goto out;
	}
	result = 0;
out:
	user->uid = id;
	buf_fini(&text);
	return result;
}

static int find_group(const char *root, struct str name, struct user *user, struct err *err)
{
	char path[PATH_MAX];
	struct buf text;
	struct str line;
	unsigned id = 0;
	int result = -1;

	user->has_gid = true;
	if (to_id(name, &id)) {
		user->gid = id;
		return 0;
	}
	if (read_file(root, "/etc/group", &text, path, err) < 0)
		goto out;
	if (!find_line(buf_str(&text), FIELD_NAME, name, &line) ||
		!to_id(field(line, FIELD_ID), &id)) {
		err_set(err, ERR_CONFIG,
			"no group \"%.*s\" in %s: add it there, or write its number",
			STR_ARGS(name), path);
		goto out;
	}
	user->gid = id;
	result = 0;
out:
	buf_fini(&text);
	return result;
}

int user_find(const char *root, const char *text, struct user *user, struct err *err)
{
	struct str rest = str_from(text);
	struct str name = cut(&rest, ':');
	bool grouped = name.len < str_from(text).len;

	*user = (struct user){0};
	if (name.len == 0 || (grouped && rest.len == 0))
		return err_set(err, ERR_CONFIG,
			"\"%s\" is no user: write a name or a uid, and after a colon a group or a "
			"gid",
			text);
	if (find_user(root, name, user, err) < 0)
		return -1;
	return grouped ? find_group(root, rest, user, err) : 0;
}
