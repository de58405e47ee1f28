#include "cmd/json.h"

#include "text/filter.h"

/* The length of the UTF-8 character at the start, 0 where there is none. */
static size_t character(struct str text)
{
	for (size_t len = 1; len <= 4 && len <= text.len; len++) {
		if (str_is_utf8(str_sub(text, 0, len)))
			return len;
	}
	return 0;
}

/* What a terminal would act on lies below U+10000. */
void json_string(struct str text, struct buf *out)
{
	buf_append_char(out, '"');
	while (text.len > 0) {
		size_t len = character(text);
		const unsigned char *p = (const unsigned char *)text.data;

		if (len == 0)
			buf_append_cstr(out, "\\ufffd");
		else if (len == 1 || str_printable(text) > 0)
			filter_apply(FILTER_JSON, str_sub(text, 0, len), out, NULL);
		else if (len == 2)
			buf_appendf(out, "\\u%04x", (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu));
		else
			buf_appendf(out, "\\u%04x",
				(p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu));
		text = str_sub(text, len ? len : 1, text.len);
	}
	buf_append_char(out, '"');
}

void json_field(const char *name, struct str text, struct buf *out)
{
	buf_appendf(out, "\"%s\":", name);
	json_string(text, out);
}
