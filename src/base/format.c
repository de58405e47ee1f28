#include "base/format.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct output {
	char *data;
	size_t size;
	size_t len; /* what was put, whether it found room or not */
};

struct spec {
	bool left;
	bool zero;
	size_t width;
	size_t precision; /* SIZE_MAX: none */
	bool wide;        /* l, ll and z are all 64 bits */
};

_Static_assert(sizeof(long) == 8 && sizeof(size_t) == 8, "one width for l, ll and z");

static void put(struct output *out, const char *data, size_t len)
{
	if (out->len < out->size) {
		size_t room = out->size - out->len;

		memcpy(out->data + out->len, data, len < room ? len : room);
	}
	out->len += len;
}

static void pad(struct output *out, char c, size_t count)
{
	while (count-- > 0)
		put(out, &c, 1);
}

static void put_field(struct output *out, const struct spec *spec, const char *data, size_t len)
{
	size_t fill = spec->width > len ? spec->width - len : 0;

	if (!spec->left)
		pad(out, ' ', fill);
	put(out, data, len);
	if (spec->left)
		pad(out, ' ', fill);
}

static void put_number(
	struct output *out, const struct spec *spec, uint64_t value, unsigned base, char conversion)
{
	const char *digits = conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	bool negative = conversion == 'd' && value > INT64_MAX;
	char text[24];
	size_t at = sizeof(text);

	if (negative)
		value = 0 - value;
	do
		text[--at] = digits[value % base];
	while ((value /= base) != 0);
	if (spec->zero && !spec->left) {
		size_t len = sizeof(text) - at + negative;

		if (negative)
			put(out, "-", 1);
		pad(out, '0', spec->width > len ? spec->width - len : 0);
		put(out, text + at, sizeof(text) - at);
		return;
	}
	if (negative)
		text[--at] = '-';
	put_field(out, spec, text + at, sizeof(text) - at);
}

static size_t parse_count(const char **format)
{
	size_t count = 0;

	for (; **format >= '0' && **format <= '9'; (*format)++) {
		if (count < INT_MAX)
			count = count * 10 + (size_t)(**format - '0');
	}
	return count;
}

/* Shared by every level of parsing, since a va_list cannot be handed on by value and go on. */
struct arguments {
	va_list list;
};

static void parse_spec(const char **format, struct spec *spec, struct arguments *args)
{
	*spec = (struct spec){.precision = SIZE_MAX};
	for (; **format == '-' || **format == '0'; (*format)++) {
		if (**format == '-')
			spec->left = true;
		else
			spec->zero = true;
	}
	if (**format == '*') {
		int width = va_arg(args->list, int);

		if (width < 0)
			spec->left = true;
		spec->width = width < 0 ? 0 - (size_t)width : (size_t)width;
		(*format)++;
	} else {
		spec->width = parse_count(format);
	}
	if (**format == '.') {
		(*format)++;
		if (**format == '*') {
			int precision = va_arg(args->list, int);

			if (precision >= 0)
				spec->precision = (size_t)precision;
			(*format)++;
		} else {
			spec->precision = parse_count(format);
		}
	}
	for (; **format == 'l' || **format == 'z'; (*format)++)
		spec->wide = true;
}

static void put_string(struct output *out, const struct spec *spec, const char *text)
{
	if (text == NULL)
		text = "(null)";
	put_field(out, spec, text, strnlen(text, spec->precision));
}

static void put_conversion(
	struct output *out, const struct spec *spec, char conversion, struct arguments *args)
{
	uint64_t value;
	char c;

	switch (conversion) {
	case 'd':
	case 'i':
		value = spec->wide ? va_arg(args->list, uint64_t)
				   : (uint64_t)(int64_t)va_arg(args->list, int);
		put_number(out, spec, value, 10, 'd');
		break;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		value = spec->wide ? va_arg(args->list, uint64_t) : va_arg(args->list, unsigned);
		put_number(out, spec, value,
			conversion == 'u'   ? 10
			: conversion == 'o' ? 8
					    : 16,
			conversion);
		break;
	case 'c':
		c = (char)va_arg(args->list, int);
		put_field(out, spec, &c, 1);
		break;
	case 's':
		put_string(out, spec, va_arg(args->list, const char *));
		break;
	default:
		/* %% among them; one that is not known stands out in the text. */
		put(out, &conversion, 1);
		break;
	}
}

int format_write_args(char *out, size_t size, const char *format, va_list list)
{
	struct output output = {.data = out, .size = size};
	struct arguments args;

	va_copy(args.list, list);
	while (*format != '\0') {
		struct spec spec;

		if (*format != '%') {
			size_t len = strcspn(format, "%");

			put(&output, format, len);
			format += len;
			continue;
		}
		format++;
		parse_spec(&format, &spec, &args);
		if (*format == '\0')
			break;
		put_conversion(&output, &spec, *format++, &args);
	}
	va_end(args.list);
	if (size != 0)
		out[output.len < size ? output.len : size - 1] = '\0';
	return output.len > INT_MAX ? -1 : (int)output.len;
}

int format_write(char *out, size_t size, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = format_write_args(out, size, format, args);
	va_end(args);
	return len;
}
