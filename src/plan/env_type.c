#include <string.h>

#include "plan/env_table.h"

static bool is_port(struct str value)
{
	uint64_t port;

	return value.len <= 5 && str_to_uint64(value, &port) == 0 && port >= 1 && port <= 65535;
}

/* No control character, and no blank where `blanks` is false. */
static bool is_clean(struct str text, bool blanks)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c < ' ' || c == 0x7f || (c == ' ' && !blanks))
			return false;
	}
	return text.len > 0;
}

static bool is_path(struct str value)
{
	return is_clean(value, true) && value.data[0] == '/';
}

/* RFC 3986's scheme, "://" and something; colons too, for jdbc:postgresql://db/app. */
static bool is_url(struct str value)
{
	size_t i = 0;

	while (i < value.len && value.data[i] && strchr("+.-:", value.data[i]) == NULL &&
		str_is_name(str_sub(value, i, 1)) && value.data[i] != '_')
		i++;
	if (i == 0)
		return false;
	for (; i + 3 < value.len; i++) {
		if (memcmp(value.data + i, "://", 3) == 0)
			return is_clean(value, false);
		char c = value.data[i];
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
			!memchr("+.-:", c, 4))
			return false;
	}
	return false;
}

static bool is_of_filter(enum filter_id id, struct str value)
{
	struct buf out;

	buf_init(&out, ENV_STRING_MAX);
	bool fits = filter_apply(id, value, &out, NULL) == 0;
	buf_fini(&out);
	return fits;
}

static int refuse_choice(const struct plan_var *var, struct err *err)
{
	struct buf list;

	buf_init(&list, ERR_MESSAGE_MAX / 2);
	for (const char **choice = var->choices; *choice; choice++)
		buf_appendf(&list, "%s%s", list.len ? ", " : "", *choice);
	err_set(err, ERR_CONFIG, "wants one of %.*s", STR_ARGS(buf_str(&list)));
	buf_fini(&list);
	return -1;
}

static bool is_choice(const struct plan_var *var, struct str value)
{
	for (const char **choice = var->choices; *choice; choice++) {
		if (str_eq_cstr(value, *choice))
			return true;
	}
	return false;
}

static int require(bool fits, const char *wanted, struct err *err)
{
	return fits ? 0 : err_set(err, ERR_CONFIG, "wants %s", wanted);
}

int env_type_check(const struct plan_var *var, struct str value, struct err *err)
{
	int64_t number;
	uint64_t size;
	bool flag;

	switch (var->type) {
	case PLAN_TYPE_STRING:
		return 0;
	case PLAN_TYPE_INT:
		return require(str_to_int64(value, &number) == 0, "a whole number", err);
	case PLAN_TYPE_BOOL:
		return require(str_to_bool(value, &flag) == 0,
			"true, false, yes, no, on, off, 1 or 0", err);
	case PLAN_TYPE_PORT:
		return require(is_port(value), "a port, 1 to 65535", err);
	case PLAN_TYPE_HOST:
		return require(is_of_filter(FILTER_HOST, value), "a host name or an address", err);
	case PLAN_TYPE_URL:
		return require(is_url(value), "a URL such as https://host/path", err);
	case PLAN_TYPE_PATH:
		return require(is_path(value), "an absolute path", err);
	case PLAN_TYPE_SIZE:
		return require(str_to_size(value, &size) == 0, "a size such as 512M", err);
	case PLAN_TYPE_DURATION:
		return require(str_to_duration(value, &number) == 0, "a duration such as 10s", err);
	case PLAN_TYPE_ENUM:
		return is_choice(var, value) ? 0 : refuse_choice(var, err);
	}
	return 0;
}
