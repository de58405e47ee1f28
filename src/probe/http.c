#include "probe/http.h"

#include <string.h>
#include <strings.h>

#include "base/format.h"

size_t http_request(char *out, size_t size, const char *authority, const char *uri)
{
	int len = format_text(out, size,
		"GET %s HTTP/1.1\r\n"
		"Host: %s\r\n"
		"User-Agent: husk\r\n"
		"Accept: */*\r\n"
		"Connection: close\r\n"
		"\r\n",
		uri, authority);

	return len > 0 && (size_t)len < size ? (size_t)len : 0;
}

void http_init(struct http *http, struct buf *body)
{
	*http = (struct http){.part = HTTP_STATUS_LINE, .body = body};
}

void http_init_cgi(struct http *http, struct buf *body)
{
	*http = (struct http){.part = HTTP_HEADERS, .cgi = true, .body = body};
}

static enum http_state fail(struct http *http, const char *reason)
{
	http->reason = reason;
	http->part = HTTP_END;
	return HTTP_FAILED;
}

static enum http_state done(struct http *http)
{
	http->part = HTTP_END;
	return HTTP_DONE;
}

/* Three digits that nothing but a blank follows; 0 where it is none. */
static unsigned read_status(struct str text)
{
	unsigned status = 0;

	if (text.len < 3 || (text.len > 3 && text.data[3] != ' '))
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return 0;
		status = status * 10 + (unsigned)(text.data[i] - '0');
	}
	return status;
}

static enum http_state take_status_line(struct http *http, struct str line)
{
	if (line.len < 9 || memcmp(line.data, "HTTP/1.", 7) != 0 || line.data[7] < '0' ||
		line.data[7] > '9' || line.data[8] != ' ')
		return fail(http, "the answer is not HTTP/1");
	http->status = read_status(str_sub(line, 9, line.len));
	if (http->status < 100)
		return fail(http, "the status is not three digits");
	http->part = HTTP_HEADERS;
	http->chunked = http->sized = false;
	return HTTP_MORE;
}

/* What is asked for is in no other version of the protocol, so 101 is an answer like any other. */
static bool is_interim(const struct http *http)
{
	return http->status < 200 && http->status != 101 && !http->cgi;
}

static enum http_state end_head(struct http *http)
{
	if (http->cgi && http->status == 0)
		http->status = 200;
	if (is_interim(http)) {
		http->part = HTTP_STATUS_LINE;
		return ++http->interim > HTTP_INTERIM_MAX ? fail(http, "too many interim answers")
							  : HTTP_MORE;
	}
	if (http->body == NULL || http->status == 204 || http->status == 304)
		return done(http);
	if (http->chunked)
		http->part = HTTP_CHUNK_SIZE;
	else if (!http->sized)
		http->part = HTTP_ENDLESS;
	else if (http->left == 0)
		return done(http);
	else
		http->part = HTTP_SIZED;
	return HTTP_MORE;
}

/* The header's value where `line` is that header. */
static bool is_header(struct str line, const char *name, struct str *value)
{
	size_t len = strlen(name);

	if (line.len <= len || line.data[len] != ':' || strncasecmp(line.data, name, len) != 0)
		return false;
	*value = str_trim(str_sub(line, len + 1, line.len));
	return true;
}

/* Two lengths, or one that is none, are how answers are smuggled: RFC 9112 6.3. */
static enum http_state take_length(struct http *http, struct str value)
{
	uint64_t length;

	if (str_to_uint64(value, &length) < 0 || (http->sized && length != http->left))
		return fail(http, "the Content-Length is wrong");
	http->sized = true;
	http->left = length;
	return HTTP_MORE;
}

static enum http_state take_header(struct http *http, struct str line)
{
	struct str value;

	if (line.len == 0)
		return end_head(http);
	/* A header of old goes on in the next line, which begins with a blank. */
	if (line.data[0] == ' ' || line.data[0] == '\t')
		return HTTP_MORE;
	if (memchr(line.data, ':', line.len) == NULL || line.data[0] == ':')
		return fail(http, "a header without a name");
	if (http->cgi) {
		if (!is_header(line, "Status", &value))
			return HTTP_MORE;
		http->status = read_status(value);
		return http->status < 100 ? fail(http, "the status is not three digits")
					  : HTTP_MORE;
	}
	if (http->body == NULL)
		return HTTP_MORE;
	if (is_header(line, "Content-Length", &value))
		return take_length(http, value);
	if (is_header(line, "Transfer-Encoding", &value)) {
		http->chunked = value.len == 7 && strncasecmp(value.data, "chunked", 7) == 0;
		if (!http->chunked)
			return fail(http, "a transfer coding that was not asked for");
	}
	return HTTP_MORE;
}

/* RFC 9112 7.1: hexadecimal; what comes behind a `;` is for others. */
static enum http_state take_chunk_size(struct http *http, struct str line)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t size = 0;
	size_t i;

	for (i = 0; i < line.len; i++) {
		char c = line.data[i];
		const char *digit = memchr(
			digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c, sizeof(digits) - 1);

		if (digit == NULL)
			break;
		if (i >= 8)
			return fail(http, "a chunk without an end");
		size = size * 16 + (uint64_t)(digit - digits);
	}
	if (i == 0 || (i < line.len && memchr("; \t", line.data[i], 3) == NULL))
		return fail(http, "a chunk without a size");
	http->left = size;
	http->part = size == 0 ? HTTP_TRAILERS : HTTP_CHUNK;
	return HTTP_MORE;
}

static enum http_state take_line(struct http *http)
{
	struct str line = {http->line, http->line_len};

	/* A lone LF ends a line as well (RFC 9112 2.2). */
	if (!http->line_cut && line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	http->line_len = 0;
	http->line_cut = false;
	switch (http->part) {
	case HTTP_STATUS_LINE:
		return take_status_line(http, line);
	case HTTP_HEADERS:
		return take_header(http, line);
	case HTTP_CHUNK_SIZE:
		return take_chunk_size(http, line);
	case HTTP_CHUNK_END:
		http->part = HTTP_CHUNK_SIZE;
		return line.len == 0 ? HTTP_MORE : fail(http, "a chunk longer than its size");
	case HTTP_TRAILERS:
		return line.len == 0 ? done(http) : HTTP_MORE;
	case HTTP_SIZED:
	case HTTP_ENDLESS:
	case HTTP_CHUNK:
	case HTTP_END:
		break;
	}
	return HTTP_MORE;
}

/* One byte of a line. */
static enum http_state take_byte(struct http *http, char c)
{
	if (++http->head_len > HTTP_HEAD_MAX)
		return fail(http, "headers without an end");
	if (c == '\0')
		return fail(http, "a NUL byte in the headers");
	if (c == '\n')
		return take_line(http);
	if (http->line_len == sizeof(http->line))
		http->line_cut = true;
	else
		http->line[http->line_len++] = c;
	return HTTP_MORE;
}

/* As much of `bytes` as belongs to the body. */
static enum http_state take_body(struct http *http, struct str *bytes)
{
	struct str part = *bytes;

	if (http->part != HTTP_ENDLESS && part.len > http->left)
		part.len = (size_t)http->left;
	if (buf_append_str(http->body, part) < 0)
		return fail(http, "a body that is too long");
	*bytes = str_sub(*bytes, part.len, bytes->len);
	if (http->part == HTTP_ENDLESS)
		return HTTP_MORE;
	http->left -= part.len;
	if (http->left > 0)
		return HTTP_MORE;
	if (http->part == HTTP_SIZED)
		return done(http);
	http->part = HTTP_CHUNK_END;
	return HTTP_MORE;
}

static bool is_in_body(const struct http *http)
{
	return http->part == HTTP_SIZED || http->part == HTTP_ENDLESS || http->part == HTTP_CHUNK;
}

static enum http_state final_state(const struct http *http)
{
	return http->reason == NULL ? HTTP_DONE : HTTP_FAILED;
}

enum http_state http_feed(struct http *http, struct str bytes)
{
	enum http_state state = http->part == HTTP_END ? final_state(http) : HTTP_MORE;

	while (bytes.len > 0 && state == HTTP_MORE) {
		if (is_in_body(http)) {
			state = take_body(http, &bytes);
		} else {
			state = take_byte(http, bytes.data[0]);
			bytes = str_sub(bytes, 1, bytes.len);
		}
	}
	return state;
}

enum http_state http_end(struct http *http)
{
	if (http->part == HTTP_END)
		return final_state(http);
	if (http->part == HTTP_ENDLESS)
		return done(http);
	if (http->head_len == 0)
		return fail(http, "no answer");
	return fail(http, is_in_body(http) || http->part > HTTP_ENDLESS
				  ? "the answer ends within its body"
				  : "the answer ends within its headers");
}
