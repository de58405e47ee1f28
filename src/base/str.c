#include "base/str.h"

#include <limits.h>
#include <string.h>

#include "base/format.h"

struct str str_from(const char *cstr)
{
	if (cstr == NULL)
		return STR("");
	return (struct str){cstr, strlen(cstr)};
}

const char *str_search(const char *text, const char *part)
{
	return memmem(text, strlen(text), part, strlen(part));
}

bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool str_eq_cstr(struct str a, const char *b)
{
	return str_eq(a, str_from(b));
}

bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_sub(s, 0, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_eq(str_sub(s, s.len - suffix.len, suffix.len), suffix);
}

struct str str_sub(struct str s, size_t from, size_t len)
{
	if (from >= s.len)
		return (struct str){s.len == 0 ? s.data : s.data + s.len, 0};
	if (len > s.len - from)
		len = s.len - from;
	return (struct str){s.data + from, len};
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
	while (s.len != 0 && is_space(s.data[s.len - 1]))
		s.len--;
	while (s.len != 0 && is_space(s.data[0]))
		s = str_sub(s, 1, s.len);
	return s;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

uint64_t str_hash(uint64_t hash, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (unsigned char)s.data[i]) * 0x100000001b3;
	return hash;
}

bool str_is_name(struct str s)
{
	if (s.len == 0 || !is_name_start(s.data[0]))
		return false;
	for (size_t i = 1; i < s.len; i++) {
		if (!is_name_start(s.data[i]) && !is_digit(s.data[i]))
			return false;
	}
	return true;
}

/*
 * The length of the sequence that begins `s`, 0 where it is none (RFC 3629: no overlong form, no
 * surrogate, nothing above U+10FFFF).
 */
static size_t utf8_sequence(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.data;
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (s.len < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

/* LRM, RLM, the bidirectional overrides and isolates, and what ends a line: text after them is not
 * shown where it stands. */
static bool is_format_control(const unsigned char *p)
{
	if (p[0] != 0xe2)
		return false;
	return (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae))) ||
	       (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

size_t str_printable(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.data;
	size_t len;

	if (s.len == 0)
		return 0;
	len = utf8_sequence(s);
	if (len == 1 && (p[0] < 0x20 || p[0] == 0x7f))
		return 0;
	/* U+0080 to U+009F: a terminal takes U+009B as ESC [. */
	if (len == 2 && p[0] == 0xc2 && p[1] < 0xa0)
		return 0;
	if (len == 3 && is_format_control(p))
		return 0;
	return len;
}

size_t str_json(struct str s, char out[STR_JSON_MAX], size_t *taken)
{
	size_t len = str_printable(s);
	unsigned byte = (unsigned char)s.data[0];

	*taken = len == 0 ? 1 : len;
	if (len == 0) {
		bool control = byte < 0x80;
		const char *digits = control ? "0123456789abcdef" : "0123456789ABCDEF";
		size_t start = control ? 4 : 3;

		memcpy(out, control ? "\\u00" : "\\\\x", start);
		out[start] = digits[byte >> 4];
		out[start + 1] = digits[byte & 15];
		return start + 2;
	}
	if (byte == '"' || byte == '\\') {
		out[0] = '\\';
		out[1] = (char)byte;
		return 2;
	}
	memcpy(out, s.data, len);
	return len;
}

bool str_is_utf8(struct str s)
{
	while (s.len != 0) {
		size_t len = utf8_sequence(s);

		if (len == 0)
			return false;
		s = str_sub(s, len, s.len);
	}
	return true;
}

bool str_glob(struct str pattern, struct str s)
{
	size_t p = 0, i = 0;
	size_t star = SIZE_MAX, resume = 0; /* where the last `*` stands, and what it takes up to */

	while (i < s.len) {
		if (p < pattern.len && pattern.data[p] == '*') {
			star = p++;
			resume = i;
		} else if (p < pattern.len &&
			   (pattern.data[p] == '?' || pattern.data[p] == s.data[i])) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.data[p] == '*')
		p++;
	return p == pattern.len;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

enum { NEAREST_LEN_MAX = 63 };

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Optimal string alignment: insertion, deletion, substitution and the swap of neighbours cost 1
 * each. Letters that differ in case only are the same.
 */
static unsigned edit_distance(struct str a, struct str b)
{
	unsigned rows[3][NEAREST_LEN_MAX + 1] = {{0}};

	for (unsigned j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			char x = lower(a.data[i - 1]), y = lower(b.data[j - 1]);

			row[j] = least(above[j] + 1, row[j - 1] + 1);
			row[j] = least(row[j], above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == lower(b.data[j - 2]) &&
				lower(a.data[i - 2]) == y)
				row[j] = least(row[j], two[j - 2] + 1);
		}
	}
	return rows[a.len % 3][b.len];
}

const char *str_nearest(struct str s, const char *const *candidates)
{
	const char *best = NULL;
	unsigned best_distance = UINT_MAX;

	if (s.len == 0 || s.len > NEAREST_LEN_MAX)
		return NULL;
	for (; *candidates != NULL; candidates++) {
		struct str candidate = str_from(*candidates);
		size_t longer = candidate.len > s.len ? candidate.len : s.len;
		unsigned distance;

		if (longer > NEAREST_LEN_MAX)
			continue;
		distance = edit_distance(s, candidate);
		if (distance * 3 <= longer && distance < best_distance) {
			best = *candidates;
			best_distance = distance;
		}
	}
	return best;
}

int str_to_uint64(struct str s, uint64_t *out)
{
	uint64_t value = 0;

	if (s.len == 0)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)(unsigned char)s.data[i] - '0';

		if (!is_digit(s.data[i]) || value > (UINT64_MAX - digit) / 10)
			return -1;
		value = value * 10 + digit;
	}
	*out = value;
	return 0;
}

int str_to_int64(struct str s, int64_t *out)
{
	bool negative = s.len != 0 && s.data[0] == '-';
	uint64_t magnitude;

	if (s.len != 0 && (s.data[0] == '-' || s.data[0] == '+'))
		s = str_sub(s, 1, s.len);
	if (str_to_uint64(s, &magnitude) != 0)
		return -1;
	if (magnitude > (uint64_t)INT64_MAX + negative)
		return -1;
	/* -(INT64_MIN) is no int64_t: the sum is reached from below. */
	*out = negative && magnitude != 0 ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
	return 0;
}

int str_to_octal(struct str s, unsigned *out)
{
	unsigned value = 0;

	if (s.len == 0 || s.len > 5)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] < '0' || s.data[i] > '7')
			return -1;
		value = value * 8 + (unsigned)(s.data[i] - '0');
	}
	if (value > 07777)
		return -1;
	*out = value;
	return 0;
}

/* The digits at the start of `s` and what follows them. */
static int split_number(struct str s, uint64_t *number, struct str *unit)
{
	size_t digits = 0;

	while (digits < s.len && is_digit(s.data[digits]))
		digits++;
	*unit = str_sub(s, digits, s.len);
	return str_to_uint64(str_sub(s, 0, digits), number);
}

int str_to_duration(struct str s, int64_t *ns)
{
	static const struct {
		const char *unit;
		int64_t ns;
	} units[] = {
		{"ms", 1000000},
		{"s", 1000000000},
		{"m", 60 * INT64_C(1000000000)},
		{"h", 3600 * INT64_C(1000000000)},
	};
	uint64_t number;
	struct str unit;

	if (split_number(s, &number, &unit) != 0)
		return -1;
	if (unit.len == 0 && number == 0) {
		*ns = 0;
		return 0;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!str_eq_cstr(unit, units[i].unit))
			continue;
		if (number > (uint64_t)(INT64_MAX / units[i].ns))
			return -1;
		*ns = (int64_t)number * units[i].ns;
		return 0;
	}
	return -1;
}

const char *str_duration(int64_t ns, char out[STR_DURATION_MAX])
{
	const int64_t second = 1000000000;

	if (ns % second == 0)
		(void)format_text(out, STR_DURATION_MAX, "%llds", (long long)(ns / second));
	else
		(void)format_text(out, STR_DURATION_MAX, "%lldms", (long long)(ns / 1000000));
	return out;
}

int str_to_size(struct str s, uint64_t *bytes)
{
	uint64_t number;
	struct str unit;
	unsigned shift = 0;

	if (split_number(s, &number, &unit) != 0 || unit.len > 1)
		return -1;
	if (unit.len == 1) {
		switch (lower(unit.data[0])) {
		case 'k':
			shift = 10;
			break;
		case 'm':
			shift = 20;
			break;
		case 'g':
			shift = 30;
			break;
		default:
			return -1;
		}
	}
	if (number > UINT64_MAX >> shift)
		return -1;
	*bytes = number << shift;
	return 0;
}

int str_to_bool(struct str s, bool *out)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_eq_cstr(s, words[i])) {
			*out = i % 2 != 0;
			return 0;
		}
	}
	return -1;
}
