#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"

enum { BUF_FIRST = 256 };

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max};
}

void buf_fini(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){.max = buf->max};
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
}

static int fail(struct buf *buf)
{
	buf->failed = true;
	return -1;
}

/* Room for `more` bytes after the content. The final NUL of buf_cstr may exceed the maximum. */
static int reserve(struct buf *buf, size_t more)
{
	size_t need, cap;
	char *data;

	if (more > SIZE_MAX - buf->len)
		return -1;
	need = buf->len + more;
	if (need <= buf->cap)
		return 0;
	cap = buf->cap < BUF_FIRST ? BUF_FIRST : buf->cap;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (cap > buf->max)
		cap = need > buf->max ? need : buf->max;
	data = realloc(buf->data, cap);
	if (data == NULL)
		return -1;
	buf->data = data;
	buf->cap = cap;
	return 0;
}

int buf_append(struct buf *buf, const void *data, size_t len)
{
	if (len == 0)
		return 0;
	if (len > buf->max || buf->len > buf->max - len || reserve(buf, len) != 0)
		return fail(buf);
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	return 0;
}

int buf_append_str(struct buf *buf, struct str s)
{
	return buf_append(buf, s.data, s.len);
}

int buf_append_cstr(struct buf *buf, const char *s)
{
	return buf_append(buf, s, strlen(s));
}

int buf_append_char(struct buf *buf, char c)
{
	return buf_append(buf, &c, 1);
}

int buf_appendf(struct buf *buf, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = format_list(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return fail(buf);
	if ((size_t)len > buf->max || buf->len > buf->max - (size_t)len ||
		reserve(buf, (size_t)len + 1) != 0)
		return fail(buf);
	va_start(args, format);
	(void)format_list(buf->data + buf->len, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
	return 0;
}

const char *buf_cstr(struct buf *buf)
{
	if (buf->failed)
		return NULL;
	if (reserve(buf, 1) != 0) {
		buf->failed = true;
		return NULL;
	}
	buf->data[buf->len] = '\0';
	return buf->data;
}

struct str buf_str(const struct buf *buf)
{
	return (struct str){buf->data == NULL ? "" : buf->data, buf->len};
}
