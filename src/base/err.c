#include "base/err.h"

#include <stdarg.h>
#include <string.h>

#include "base/format.h"

void err_clear(struct err *err)
{
	if (err == NULL)
		return;
	err->code = ERR_NONE;
	err->errnum = 0;
	err->line = err->column = err->caret = 0;
	err->file[0] = err->message[0] = err->source[0] = '\0';
}

static void copy(char *out, size_t size, const char *s)
{
	size_t len = strlen(s);

	if (len >= size)
		len = size - 1;
	memmove(out, s, len);
	out[len] = '\0';
}

/* The arguments may point into `err` itself: the text is made aside. */
static void set(struct err *err, enum err_code code, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));
static void set(struct err *err, enum err_code code, const char *format, va_list args)
{
	char message[ERR_MESSAGE_MAX];

	if (format_list(message, sizeof(message), format, args) < 0)
		copy(message, sizeof(message), format);
	err_clear(err);
	err->code = code;
	copy(err->message, sizeof(err->message), message);
}

int err_append(struct err *err, const char *format, ...)
{
	va_list args;
	size_t len;

	if (err == NULL)
		return -1;
	len = strlen(err->message);
	va_start(args, format);
	if (format_list(err->message + len, sizeof(err->message) - len, format, args) < 0)
		err->message[len] = '\0';
	va_end(args);
	return -1;
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return -1;
	va_start(args, format);
	set(err, code, format, args);
	va_end(args);
	return -1;
}

int err_set_errno(struct err *err, enum err_code code, int errnum, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return -1;
	va_start(args, format);
	set(err, code, format, args);
	va_end(args);
	err->errnum = errnum;
	return err_append(err, ": %s", strerror(errnum));
}

int err_set_at(struct err *err, enum err_code code, const char *file, unsigned line,
	unsigned column, const char *format, ...)
{
	char path[ERR_FILE_MAX];
	va_list args;

	if (err == NULL)
		return -1;
	copy(path, sizeof(path), file == NULL ? "" : file);
	va_start(args, format);
	set(err, code, format, args);
	va_end(args);
	copy(err->file, sizeof(err->file), path);
	err->line = line;
	err->column = column;
	return -1;
}

int err_nomem(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "out of memory");
}

int err_wrap(struct err *err, const char *format, ...)
{
	char message[ERR_MESSAGE_MAX];
	va_list args;
	size_t len;

	if (err == NULL)
		return -1;
	va_start(args, format);
	if (format_list(message, sizeof(message), format, args) < 0)
		message[0] = '\0';
	va_end(args);
	len = strlen(message);
	copy(message + len, sizeof(message) - len, ": ");
	len = strlen(message);
	copy(message + len, sizeof(message) - len, err->message);
	copy(err->message, sizeof(err->message), message);
	return -1;
}

int err_suggest(struct err *err, struct str given, const char *const *known)
{
	const char *near = str_nearest(given, known);

	if (near != NULL)
		return err_append(err, " (did you mean %s?)", near);
	if (*known == NULL)
		return -1;
	err_append(err, " (known: %s", *known);
	while (*++known != NULL)
		err_append(err, ", %s", *known);
	return err_append(err, ")");
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* A window of ERR_SOURCE_MAX - 1 bytes of `line` that holds byte `at`, cut between characters. */
static struct str cut_source(struct str line, size_t at)
{
	size_t from = 0;
	struct str window;

	if (line.len >= ERR_SOURCE_MAX) {
		if (at > ERR_SOURCE_MAX / 2)
			from = at - ERR_SOURCE_MAX / 2;
		if (from > line.len - (ERR_SOURCE_MAX - 1))
			from = line.len - (ERR_SOURCE_MAX - 1);
		while (from < at && is_continuation(line.data[from]))
			from++;
	}
	window = str_sub(line, from, ERR_SOURCE_MAX - 1);
	if (from + window.len < line.len) {
		size_t len = window.len;

		while (len > 0 && is_continuation(line.data[from + len]))
			len--;
		if (from + len > at)
			window.len = len;
	}
	return window;
}

void err_locate(struct err *err, const char *file, struct str text, size_t offset)
{
	size_t start, end, line = 1;
	struct str source;

	if (err == NULL)
		return;
	if (offset > text.len)
		offset = text.len;
	start = 0;
	for (size_t i = 0; i < offset; i++) {
		if (text.data[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	end = offset;
	while (end < text.len && text.data[end] != '\n')
		end++;
	source = cut_source(str_sub(text, start, end - start), offset - start);
	if (source.len != 0 && source.data[source.len - 1] == '\r')
		source.len--;

	if (file != NULL)
		copy(err->file, sizeof(err->file), file);
	err->line = (unsigned)line;
	err->column = (unsigned)(offset - start + 1);
	err->caret = 0;
	err->source[0] = '\0';
	/* A NUL would end the line early: it is shown as a space, which no caret depends on. */
	for (size_t i = 0; i < source.len; i++)
		err->source[i] = source.data[i] == '\0' ? ' ' : source.data[i];
	err->source[source.len] = '\0';
	if (source.len != 0)
		err->caret = (unsigned)(text.data + offset - source.data) + 1;
}

void err_hide_source(struct err *err)
{
	err->caret = 0;
	err->source[0] = '\0';
}

struct sink {
	char *out;
	size_t size;
	size_t len;
};

/* Whole pieces only: the text is never cut within a character or an escape. */
static void put(struct sink *sink, const char *data, size_t len)
{
	if (sink->size == 0 || len > sink->size - 1 - sink->len)
		return;
	memcpy(sink->out + sink->len, data, len);
	sink->len += len;
}

/* Returns the columns that the bytes before `mark` take. */
static size_t put_escaped(struct sink *sink, const char *s, size_t mark)
{
	struct str rest = str_from(s);
	size_t columns = 0, offset = 0;

	while (rest.len != 0) {
		size_t len = str_printable(rest);
		size_t width = 1;

		if (len != 0) {
			put(sink, rest.data, len);
		} else if (rest.data[0] == '\t') {
			len = 1;
			put(sink, " ", 1);
		} else {
			char escape[8];

			len = 1;
			width = 4;
			(void)format_text(escape, sizeof(escape), "\\x%02X",
				(unsigned)(unsigned char)rest.data[0]);
			put(sink, escape, 4);
		}
		if (offset < mark)
			columns += width;
		offset += len;
		rest = str_sub(rest, len, rest.len);
	}
	/* At the end of the line there is no byte to stand under. */
	return mark > offset ? columns + (mark - offset) : columns;
}

size_t err_format(const struct err *err, char *out, size_t size)
{
	struct sink sink = {out, size, 0};
	char place[32];

	if (size == 0)
		return 0;
	if (err->file[0] != '\0') {
		put_escaped(&sink, err->file, 0);
		place[0] = '\0';
		if (err->line != 0 && err->column != 0)
			(void)format_text(place, sizeof(place), ":%u:%u", err->line, err->column);
		else if (err->line != 0)
			(void)format_text(place, sizeof(place), ":%u", err->line);
		put(&sink, place, strlen(place));
		put(&sink, ": ", 2);
	}
	put_escaped(&sink, err->message, 0);
	if (err->caret != 0 && err->source[0] != '\0') {
		size_t columns;

		put(&sink, "\n  ", 3);
		columns = put_escaped(&sink, err->source, err->caret - 1);
		put(&sink, "\n  ", 3);
		while (columns-- > 0)
			put(&sink, " ", 1);
		put(&sink, "^", 1);
	}
	out[sink.len] = '\0';
	return sink.len;
}

struct err *err_list_add(struct err_list *list)
{
	struct err *err;

	if (list->count >= ERR_LIST_MAX) {
		list->dropped++;
		return NULL;
	}
	err = &list->errs[list->count++];
	err_clear(err);
	return err;
}

int err_list_put(struct err_list *list, const struct err *err)
{
	struct err *place = err_list_add(list);

	if (place != NULL)
		*place = *err;
	return -1;
}
