#include "base/format.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct sink {
	char *out;
	size_t room; /* without the NUL */
	size_t len;  /* of all, written or not */
};

/* One conversion: what stands between the % and its letter. */
struct spec {
	bool left;
	bool zeros;
	bool has_precision;
	bool is_long; /* long, long long and size_t are the same */
	size_t width;
	size_t precision;
};

/* A list that is passed on and read further stands in a struct (C11 7.16). */
struct arguments {
	va_list list;
};

enum { DIGITS_MAX = 24 };

static void put(struct sink *sink, const char *data, size_t len)
{
	if (sink->len < sink->room) {
		size_t room = sink->room - sink->len;
		memcpy(sink->out + sink->len, data, len < room ? len : room);
	}
	sink->len += len;
}

static void pad(struct sink *sink, char c, size_t from, size_t to)
{
	for (; from < to; from++)
		put(sink, &c, 1);
}

static void put_padded(struct sink *sink, const struct spec *spec, const char *data, size_t len)
{
	if (!spec->left)
		pad(sink, ' ', len, spec->width);
	put(sink, data, len);
	if (spec->left)
		pad(sink, ' ', len, spec->width);
}

static void put_string(struct sink *sink, const struct spec *spec, const char *text)
{
	if (text == NULL)
		text = "(null)";
	put_padded(sink, spec, text,
		spec->has_precision ? strnlen(text, spec->precision) : strlen(text));
}

static void put_number(
	struct sink *sink, const struct spec *spec, bool negative, uint64_t value, char letter)
{
	const char *digits = letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned base = letter == 'o' ? 8 : letter == 'x' || letter == 'X' ? 16 : 10;
	char text[DIGITS_MAX];
	size_t at = sizeof(text);

	do
		text[--at] = digits[value % base];
	while ((value /= base) != 0);
	if (spec->zeros && !spec->left) {
		size_t width = spec->width;

		if (negative)
			put(sink, "-", 1);
		pad(sink, '0', sizeof(text) - at + negative, width);
		put(sink, text + at, sizeof(text) - at);
		return;
	}
	if (negative)
		text[--at] = '-';
	put_padded(sink, spec, text + at, sizeof(text) - at);
}

/* A negative one is what it is to printf: for a width, the left; for a precision, none. */
static size_t read_count(const char **at, int star, bool *negative)
{
	size_t count = 0;

	*negative = false;
	if (**at == '*') {
		++*at;
		*negative = star < 0;
		return star < 0 ? (size_t) - (int64_t)star : (size_t)star;
	}
	for (; **at >= '0' && **at <= '9'; ++*at)
		count = count * 10 + (size_t)(**at - '0');
	return count;
}

/* What stands between the % and the letter; the arguments are read as they come. */
static const char *read_spec(const char *at, struct arguments *arguments, struct spec *spec)
{
	bool negative;

	for (; *at == '-' || *at == '0'; at++) {
		spec->left = spec->left || *at == '-';
		spec->zeros = spec->zeros || *at == '0';
	}
	spec->width = read_count(&at, *at == '*' ? va_arg(arguments->list, int) : 0, &negative);
	spec->left = spec->left || negative;
	if (*at == '.') {
		at++;
		spec->precision =
			read_count(&at, *at == '*' ? va_arg(arguments->list, int) : 0, &negative);
		spec->has_precision = !negative;
	}
	for (; *at == 'l' || *at == 'z'; at++)
		spec->is_long = true;
	return at;
}

/* False where the letter is none that is known. */
static bool convert(
	struct sink *sink, const struct spec *spec, char letter, struct arguments *arguments)
{
	int64_t number;
	char c;

	switch (letter) {
	case '%':
		put(sink, "%", 1);
		return true;
	case 'c':
		c = (char)va_arg(arguments->list, int);
		put_padded(sink, spec, &c, 1);
		return true;
	case 's':
		put_string(sink, spec, va_arg(arguments->list, const char *));
		return true;
	case 'd':
	case 'i':
		number = spec->is_long ? va_arg(arguments->list, int64_t)
				       : va_arg(arguments->list, int);
		put_number(sink, spec, number < 0,
			number < 0 ? 0 - (uint64_t)number : (uint64_t)number, letter);
		return true;
	case 'u':
	case 'o':
	case 'x':
	case 'X':
		put_number(sink, spec, false,
			spec->is_long ? va_arg(arguments->list, uint64_t)
				      : va_arg(arguments->list, unsigned),
			letter);
		return true;
	default:
		return false;
	}
}

int format_list(char *out, size_t size, const char *format, va_list list)
{
	struct sink sink = {.out = out, .room = size > 0 ? size - 1 : 0};
	struct arguments arguments;

	va_copy(arguments.list, list);
	while (*format) {
		const char *start = strchrnul(format, '%');
		struct spec spec = {0};
		const char *end;

		put(&sink, format, (size_t)(start - format));
		if (*start == '\0')
			break;
		end = read_spec(start + 1, &arguments, &spec);
		format = *end ? end + 1 : end;
		if (!convert(&sink, &spec, *end, &arguments))
			put(&sink, start, (size_t)(format - start));
	}
	va_end(arguments.list);
	if (size > 0)
		out[sink.len < sink.room ? sink.len : sink.room] = '\0';
	return sink.len > INT_MAX ? INT_MAX : (int)sink.len;
}

int format_text(char *out, size_t size, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = format_list(out, size, format, args);
	va_end(args);
	return len;
}
