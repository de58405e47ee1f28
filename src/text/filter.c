#include "text/filter.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	HOST_MAX = 253, /* RFC 1123 2.1, RFC 1035 2.3.4 */
	LABEL_MAX = 63,
};

const char *const filter_names[] = {
	"none",
#define X(id, name, help) name,
	FILTER_TABLE(X)
#undef X
		NULL,
};

enum filter_id filter_find(struct str name)
{
	unsigned id = FILTER_NONE;

	while (id < FILTER_COUNT && !str_eq_cstr(name, filter_names[id]))
		id++;
	return (enum filter_id)id;
}

const char *filter_name(enum filter_id id)
{
	return id < FILTER_COUNT ? filter_names[id] : "?";
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static int refuse(struct err *err, const char *why)
{
	return err_set(err, ERR_CONFIG, "%s", why);
}

/* Appends `s` with each byte of `set` replaced by what `escape` gives for it. */
static void escape_set(
	struct str s, const char *set, const char *(*escape)(char c), struct buf *out)
{
	size_t from = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (!is_one_of(s.data[i], set))
			continue;
		buf_append(out, s.data + from, i - from);
		buf_append_cstr(out, escape(s.data[i]));
		from = i + 1;
	}
	buf_append_str(out, str_sub(s, from, s.len));
}

static const char *markup_escape(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'': /* HTML 4 has no &apos; */
		return "&#39;";
	case '\t': /* XML 1.0 3.3.3: an attribute's would become spaces */
		return "&#9;";
	case '\n':
		return "&#10;";
	default: /* XML 1.0 2.11: else it would become a newline */
		return "&#13;";
	}
}

static int filter_html(struct str s, struct buf *out, struct err *err)
{
	(void)err;
	escape_set(s, "&<>\"'", markup_escape, out);
	return 0;
}

/* XML 1.0 2.2: Char, in valid UTF-8. */
static int filter_xml(struct str s, struct buf *out, struct err *err)
{
	if (!str_is_utf8(s))
		return refuse(err, "not UTF-8, which XML must be");
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		struct str three = str_sub(s, i, 3);

		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') ||
			str_eq_cstr(three, "\xef\xbf\xbe") || str_eq_cstr(three, "\xef\xbf\xbf"))
			return refuse(err, "holds a character that XML 1.0 cannot hold");
	}
	escape_set(s, "&<>\"'\t\n\r", markup_escape, out);
	return 0;
}

/*
 * RFC 8259 7. More than it must: `<`, since JSON stands in <script> where `</script>` and `<!--`
 * end it, and U+2028 and U+2029, which end a line in older JavaScript.
 */
static int filter_json(struct str s, struct buf *out, struct err *err)
{
	static const char special[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";

	if (!str_is_utf8(s))
		return refuse(err, "not UTF-8, which JSON must be");
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];
		struct str three = str_sub(s, i, 3);

		if (is_one_of(c, special))
			buf_appendf(out, "\\%c", letters[strchr(special, c) - special]);
		else if ((unsigned char)c < 0x20 || c == '<')
			buf_appendf(out, "\\u%04x", (unsigned)c);
		else if (str_eq_cstr(three, "\xe2\x80\xa8") || str_eq_cstr(three, "\xe2\x80\xa9"))
			buf_appendf(out, "\\u202%c", s.data[i += 2] == '\xa8' ? '8' : '9');
		else
			buf_append_char(out, c);
	}
	return 0;
}

/* RFC 3986 2.1 and 2.3. */
static int filter_url(struct str s, struct buf *out, struct err *err)
{
	(void)err;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if (is_letter(c) || is_digit(c) || is_one_of(c, "-._~"))
			buf_append_char(out, c);
		else
			buf_appendf(out, "%%%02X", (unsigned)(unsigned char)c);
	}
	return 0;
}

/*
 * nginx, ngx_conf_file.c: in double quotes a backslash takes the special meaning of a quote and of
 * itself, and makes \t \r \n. It does not of `$`: the directive reads the string after that and
 * expands variables, and there is no way to write a `$` that stays one. So `$` is refused: it would
 * let a value read any variable ($http_authorization), and an unknown one keeps nginx from
 * starting.
 */
static int filter_nginx(struct str s, struct buf *out, struct err *err)
{
	buf_append_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if (c == '\0')
			return refuse(err, "holds a NUL byte, which an nginx string cannot");
		if (c == '$')
			return refuse(
				err, "holds a $, which nginx would expand and has no escape for");
		if (c == '"' || c == '\\')
			buf_append_char(out, '\\');
		if (c == '\n' || c == '\r' || c == '\t')
			buf_append_cstr(out, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
		else
			buf_append_char(out, c);
	}
	buf_append_char(out, '"');
	return 0;
}

/*
 * For a shell, and for PHP (zend_ini_scanner.l): nothing is special in single quotes (${X} and
 * backslashes neither), and quoted parts side by side are one value. Each run of single quotes
 * stands in double quotes. No part is empty: PHP takes '' at the beginning for all of the value.
 * php-fpm itself then replaces $pool, and takes an env[] value that begins with `$` for a name.
 */
static int filter_quote(struct str s, struct buf *out, struct err *err)
{
	size_t end = 0;

	if (s.len == 0)
		buf_append_cstr(out, "''");
	else if (memchr(s.data, '\0', s.len) != NULL)
		return refuse(err, "holds a NUL byte, which cannot be quoted here");
	for (size_t from = 0; from < s.len; from = end) {
		bool single = s.data[from] == '\'';

		while (end < s.len && (s.data[end] == '\'') == single)
			end++;
		buf_append_char(out, single ? '"' : '\'');
		buf_append(out, s.data + from, end - from);
		buf_append_char(out, single ? '"' : '\'');
	}
	return 0;
}

/*
 * php-fpm hands its file to PHP's parser line by line (fpm_conf.c, fpm_conf_load_ini_file): no
 * quote reaches over a line's end, and what stands behind it would be a directive.
 */
static int filter_ini(struct str s, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < s.len; i++) {
		if (is_one_of(s.data[i], "\n\r"))
			return refuse(err, "holds a line break, which an ini value cannot");
	}
	return filter_quote(s, out, err);
}

/* RFC 4648 4. */
static int filter_base64(struct str s, struct buf *out, struct err *err)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	(void)err;
	for (size_t i = 0; i < s.len; i += 3) {
		struct str three = str_sub(s, i, 3);
		unsigned group = 0;
		char four[4];

		for (unsigned k = 0; k < 3; k++)
			group = group << 8 | (k < three.len ? (unsigned char)three.data[k] : 0);
		for (unsigned k = 0; k < 4; k++)
			four[k] = k <= three.len ? digits[group >> (18 - 6 * k) & 63] : '=';
		buf_append(out, four, 4);
	}
	return 0;
}

static int filter_upper(struct str s, struct buf *out, struct err *err)
{
	(void)err;
	for (size_t i = 0; i < s.len; i++)
		buf_append_char(out,
			(char)(s.data[i] >= 'a' && s.data[i] <= 'z' ? s.data[i] - 32 : s.data[i]));
	return 0;
}

static int filter_lower(struct str s, struct buf *out, struct err *err)
{
	(void)err;
	for (size_t i = 0; i < s.len; i++)
		buf_append_char(out,
			(char)(s.data[i] >= 'A' && s.data[i] <= 'Z' ? s.data[i] + 32 : s.data[i]));
	return 0;
}

static int filter_trim(struct str s, struct buf *out, struct err *err)
{
	(void)err;
	buf_append_str(out, str_trim(s));
	return 0;
}

/* Digits, and then nothing or one of `units`, which spaces separate. */
static bool is_quantity(struct str s, const char *units)
{
	size_t digits = 0;

	while (digits < s.len && is_digit(s.data[digits]))
		digits++;
	if (digits == 0)
		return false;
	s = str_sub(s, digits, s.len);
	if (s.len == 0)
		return true;
	while (*units != '\0') {
		struct str unit = {units, strcspn(units, " ")};

		if (str_eq(s, unit))
			return true;
		units += unit.len + (units[unit.len] == ' ');
	}
	return false;
}

static bool is_port(struct str s)
{
	uint64_t port = 0;

	return s.len != 0 && s.data[0] != '0' && str_to_uint64(s, &port) == 0 && port <= 65535;
}

static bool is_int(struct str s)
{
	int64_t number;

	return str_to_int64(s, &number) == 0;
}

static bool is_bool(struct str s)
{
	bool value;

	return str_to_bool(s, &value) == 0;
}

static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_letter(s.data[i]) && !is_digit(s.data[i]) &&
			!is_one_of(s.data[i], "._-:@%+"))
			return false;
	}
	return s.len != 0;
}

static bool is_path(struct str s)
{
	size_t from = 0;

	if (s.len == 0 || s.data[0] != '/')
		return false;
	for (size_t i = 0; i <= s.len; i++) {
		if (i == s.len || s.data[i] == '/') {
			if (str_eq_cstr(str_sub(s, from, i - from), ".."))
				return false;
			from = i + 1;
		} else if (!is_letter(s.data[i]) && !is_digit(s.data[i]) &&
			   !is_one_of(s.data[i], "._-+@,:=")) {
			return false;
		}
	}
	return true;
}

/* As inet_pton reads it, in brackets or not. */
static bool is_address(struct str s, int family)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char address[16];

	if (family == AF_INET6 && s.len > 2 && s.data[0] == '[' && s.data[s.len - 1] == ']')
		s = str_sub(s, 1, s.len - 2);
	if (s.len == 0 || s.len >= sizeof(text) || memchr(s.data, '\0', s.len) != NULL)
		return false;
	memcpy(text, s.data, s.len);
	text[s.len] = '\0';
	return inet_pton(family, text, address) == 1;
}

/* One part of a host name; underscores, which RFC 1123 has not, stand in container names. */
static bool is_label(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_letter(s.data[i]) && !is_digit(s.data[i]) && !is_one_of(s.data[i], "-_"))
			return false;
	}
	return s.len != 0 && s.len <= LABEL_MAX && s.data[0] != '-' && s.data[s.len - 1] != '-';
}

static bool is_host(struct str s)
{
	size_t from = 0;
	struct str label = {NULL, 0};

	if (is_address(s, AF_INET) || is_address(s, AF_INET6))
		return true;
	if (s.len > 1 && s.data[s.len - 1] == '.')
		s.len--;
	if (s.len == 0 || s.len > HOST_MAX)
		return false;
	for (size_t i = 0; i <= s.len; i++) {
		if (i < s.len && s.data[i] != '.')
			continue;
		label = str_sub(s, from, i - from);
		if (!is_label(label))
			return false;
		from = i + 1;
	}
	/* Whose last part is a number is an address, and it was none (RFC 1123 2.1). */
	return !is_quantity(label, "");
}

static int check(bool good, struct str s, struct buf *out, struct err *err, const char *why)
{
	if (!good)
		return refuse(err, why);
	buf_append_str(out, s);
	return 0;
}

static int apply(enum filter_id id, struct str s, struct buf *out, struct err *err)
{
	switch (id) {
	case FILTER_NONE:
	case FILTER_COUNT:
		break;
	case FILTER_HTML:
		return filter_html(s, out, err);
	case FILTER_JSON:
		return filter_json(s, out, err);
	case FILTER_URL:
		return filter_url(s, out, err);
	case FILTER_XML:
		return filter_xml(s, out, err);
	case FILTER_NGINX:
		return filter_nginx(s, out, err);
	case FILTER_INI:
		return filter_ini(s, out, err);
	case FILTER_SH:
		return filter_quote(s, out, err);
	case FILTER_BASE64:
		return filter_base64(s, out, err);
	case FILTER_UPPER:
		return filter_upper(s, out, err);
	case FILTER_LOWER:
		return filter_lower(s, out, err);
	case FILTER_TRIM:
		return filter_trim(s, out, err);
	case FILTER_INT:
		return check(is_int(s), s, out, err, "not a decimal integer");
	case FILTER_PORT:
		return check(is_port(s), s, out, err, "not a port (1 to 65535)");
	case FILTER_HOST:
		return check(is_host(s), s, out, err, "not a host name or IP address");
	case FILTER_PATH:
		return check(is_path(s), s, out, err,
			"not an absolute path of letters, digits and / . _ - + @ , : = without ..");
	case FILTER_WORD:
		return check(
			is_word(s), s, out, err, "not a word of letters, digits and . _ - : @ % +");
	case FILTER_BOOL:
		return check(is_bool(s), s, out, err, "not one of true false yes no on off 1 0");
	case FILTER_SIZE:
		return check(is_quantity(s, "k K m M g G"), s, out, err,
			"not a size (digits, and k, m or g)");
	case FILTER_DURATION:
		return check(is_quantity(s, "ms s m h d"), s, out, err,
			"not a duration (digits, and ms, s, m, h or d)");
	}
	buf_append_str(out, s);
	return 0;
}

int filter_apply(enum filter_id id, struct str value, struct buf *out, struct err *err)
{
	size_t before = out->len;

	if (apply(id, value, out, err) < 0) {
		out->len = before;
		return -1;
	}
	return out->failed ? err_nomem(err) : 0;
}
