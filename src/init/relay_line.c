#include "init/relay_line.h"

#include <string.h>

#include "base/log.h"

enum { NAME_SHOWN = 200 };

struct sheet {
	char *data;
	size_t len;
	size_t size;
	/* One look at the clock for what is written at once. */
	size_t time_len;
	char time[LOG_TIME_MAX];
};

/* All of it or nothing: false. */
static bool put(struct sheet *sheet, const char *data, size_t len)
{
	if (len > sheet->size - sheet->len)
		return false;
	memcpy(sheet->data + sheet->len, data, len);
	sheet->len += len;
	return true;
}

static bool put_text(struct sheet *sheet, const char *text)
{
	return put(sheet, text, strlen(text));
}

/* Names need no escape: they have letters, digits and `_.-` only. */
static bool put_head(struct sheet *sheet, const struct relay_label *label, bool goes_on)
{
	struct str name = str_sub(str_from(label->service), 0, NAME_SHOWN);

	if (!label->json)
		return put(sheet, name.data, name.len) && put_text(sheet, goes_on ? " + " : " | ");
	if (sheet->time_len == 0)
		sheet->time_len = log_time(sheet->time);
	return put_text(sheet, "{") && put(sheet, sheet->time, sheet->time_len) &&
	       put_text(sheet, "\"service\":\"") && put(sheet, name.data, name.len) &&
	       put_text(sheet, "\",\"stream\":\"") &&
	       put_text(sheet, label->is_error ? "stderr" : "stdout") &&
	       put_text(sheet, "\",\"message\":\"");
}

static bool put_tail(struct sheet *sheet, const struct relay_label *label, bool cut)
{
	if (!label->json)
		return put(sheet, "\n", 1);
	return put_text(sheet, cut ? "\",\"partial\":true}\n" : "\"}\n");
}

/* Characters that stand in JSON as they are, the most of them. */
static size_t count_plain(struct str s)
{
	size_t len = 0;

	while (len < s.len && s.data[len] >= ' ' && s.data[len] < 0x7f && s.data[len] != '"' &&
		s.data[len] != '\\')
		len++;
	return len;
}

/* As much as finds room: the bytes of `s` that are done. */
static size_t put_plain(struct sheet *sheet, struct str s)
{
	size_t room = sheet->size - sheet->len;
	size_t len = s.len < room ? s.len : room;

	(void)put(sheet, s.data, len);
	return len;
}

static size_t put_json(struct sheet *sheet, struct str s)
{
	struct str rest = s;

	while (rest.len != 0) {
		size_t plain = count_plain(rest), taken, len;
		char text[STR_JSON_MAX];

		if (plain != 0) {
			taken = put_plain(sheet, str_sub(rest, 0, plain));
			rest = str_sub(rest, taken, rest.len);
			if (taken != plain)
				break;
			continue;
		}
		len = str_json(rest, text, &taken);
		if (!put(sheet, text, len))
			break;
		rest = str_sub(rest, taken, rest.len);
	}
	return s.len - rest.len;
}

/* A character's bytes after the first are 10xxxxxx. What is no UTF-8 is cut anywhere. */
static size_t cut_between_characters(const char *line)
{
	size_t end = RELAY_LINE_MAX;

	while (end > RELAY_LINE_MAX - 4 && ((unsigned char)line[end] & 0xc0) == 0x80)
		end--;
	return end > RELAY_LINE_MAX - 4 ? end : RELAY_LINE_MAX;
}

static bool begin_piece(struct relay_cursor *cursor, struct str text, bool last)
{
	const char *line = text.data + cursor->at;
	size_t left = text.len - cursor->at;
	const char *newline;

	if (left == 0)
		return false;
	newline = memchr(line, '\n', left > RELAY_LINE_MAX ? RELAY_LINE_MAX + 1 : left);
	if (newline != NULL)
		left = (size_t)(newline - line);
	else if (left > RELAY_LINE_MAX)
		left = cut_between_characters(line);
	else if (!last)
		return false;
	cursor->end = cursor->at + (uint32_t)left;
	return true;
}

/* False where it did not find room: the cursor says how far it came. */
static bool put_piece(struct sheet *sheet, const struct relay_label *label, struct str text,
	struct relay_cursor *cursor)
{
	struct str body;
	bool cut;

	if (!cursor->begun && !put_head(sheet, label, cursor->goes_on))
		return false;
	cursor->begun = true;
	body = str_sub(text, cursor->at, cursor->end - cursor->at);
	cursor->at += (uint32_t)(label->json ? put_json(sheet, body) : put_plain(sheet, body));
	cut = cursor->end < text.len && text.data[cursor->end] != '\n';
	if (cursor->at < cursor->end || !put_tail(sheet, label, cut))
		return false;
	cursor->begun = false;
	cursor->goes_on = cut;
	cursor->at += !cut && cursor->end < text.len;
	return true;
}

size_t relay_compose(const struct relay_label *label, struct str text, bool last,
	struct relay_cursor *cursor, char *out, size_t size)
{
	struct sheet sheet = {.data = out, .size = size};

	while (cursor->begun || begin_piece(cursor, text, last)) {
		const struct relay_cursor before = *cursor;
		size_t len = sheet.len;

		if (put_piece(&sheet, label, text, cursor))
			continue;
		/* A line that finds room elsewhere is not torn. */
		if (len != 0) {
			sheet.len = len;
			*cursor = before;
		}
		break;
	}
	return sheet.len;
}
