#include "probe/fcgi.h"

#include <string.h>

/* FastCGI 1.0, section 8. */
enum {
	VERSION = 1,
	BEGIN_REQUEST = 1,
	END_REQUEST = 3,
	PARAMS = 4,
	STDIN = 5,
	STDOUT = 6,
	STDERR = 7,
	RESPONDER = 1,
	HEADER = 8,
	REQUEST = 1, /* the id of ours */
	PARAM_SHORT = 127,
};

struct writer {
	unsigned char *out;
	size_t len; /* beyond FCGI_REQUEST_MAX: it did not fit */
};

static void put(struct writer *writer, const void *data, size_t len)
{
	if (writer->len + len <= FCGI_REQUEST_MAX)
		memcpy(writer->out + writer->len, data, len);
	writer->len += len;
}

static void put_record(struct writer *writer, unsigned char type, size_t content)
{
	const unsigned char header[HEADER] = {VERSION, type, 0, REQUEST,
		(unsigned char)(content >> 8), (unsigned char)content, 0, 0};

	put(writer, header, sizeof(header));
}

static void put_length(struct writer *writer, size_t len)
{
	const unsigned char bytes[4] = {
		0x80, (unsigned char)(len >> 16), (unsigned char)(len >> 8), (unsigned char)len};

	/* The short form is the last byte alone. */
	put(writer, len > PARAM_SHORT ? bytes : bytes + 3, len > PARAM_SHORT ? 4 : 1);
}

static void put_param(struct writer *writer, const char *name, struct str value)
{
	size_t len = strlen(name);

	put_length(writer, len);
	put_length(writer, value.len);
	put(writer, name, len);
	put(writer, value.data, value.len);
}

size_t fcgi_request(char out[FCGI_REQUEST_MAX], const char *uri, const char *query)
{
	static const unsigned char begin[8] = {0, RESPONDER};
	struct writer writer = {(unsigned char *)out, 0};
	size_t path_len = strcspn(uri, "?");
	struct str path = {uri, path_len};
	const struct {
		const char *name;
		struct str value;
	} params[] = {
		{"REQUEST_METHOD", STR("GET")},
		{"SCRIPT_NAME", path},
		{"SCRIPT_FILENAME", path},
		{"QUERY_STRING",
			str_from(query != NULL ? query : uri + path_len + (uri[path_len] == '?'))},
		{"REQUEST_URI", str_from(uri)},
		{"SERVER_PROTOCOL", STR("HTTP/1.1")},
		{"GATEWAY_INTERFACE", STR("CGI/1.1")},
		{"SERVER_SOFTWARE", STR("husk")},
		{"REMOTE_ADDR", STR("127.0.0.1")},
	};
	size_t start;

	put_record(&writer, BEGIN_REQUEST, sizeof(begin));
	put(&writer, begin, sizeof(begin));
	start = writer.len;
	put_record(&writer, PARAMS, 0);
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		put_param(&writer, params[i].name, params[i].value);
	if (writer.len > FCGI_REQUEST_MAX - 2 * HEADER)
		return 0;
	/* The length is known now. */
	size_t end = writer.len;
	writer.len = start;
	put_record(&writer, PARAMS, end - start - HEADER);
	writer.len = end;
	put_record(&writer, PARAMS, 0);
	put_record(&writer, STDIN, 0);
	return writer.len;
}

void fcgi_init(struct fcgi *fcgi, struct buf *body)
{
	*fcgi = (struct fcgi){.state = HTTP_MORE};
	http_init_cgi(&fcgi->http, body);
}

static enum http_state fail(struct fcgi *fcgi, const char *reason)
{
	fcgi->reason = reason;
	fcgi->state = HTTP_FAILED;
	return HTTP_FAILED;
}

static enum http_state finish(struct fcgi *fcgi)
{
	if (http_end(&fcgi->http) == HTTP_FAILED)
		return fail(fcgi, fcgi->http.reason);
	fcgi->state = HTTP_DONE;
	return HTTP_DONE;
}

/* What it ended with is the script's own business, and what follows that is not set by everybody:
 * only the fifth byte counts. */
static enum http_state end_request(struct fcgi *fcgi)
{
	switch (fcgi->fixed[4]) {
	case 0:
		return finish(fcgi);
	case 2:
		return fail(fcgi, "overloaded");
	default:
		return fail(fcgi, "the request was refused");
	}
}

static enum http_state begin_record(struct fcgi *fcgi)
{
	const unsigned char *header = fcgi->fixed;

	fcgi->type = header[1];
	fcgi->content = (size_t)header[4] << 8 | header[5];
	fcgi->padding = header[6];
	if (header[0] != VERSION)
		return fail(fcgi, "the answer is not FastCGI");
	if (header[2] != 0 || header[3] != REQUEST)
		return fail(fcgi, "an answer to another request");
	if (fcgi->type == END_REQUEST && fcgi->content != sizeof(fcgi->fixed))
		return fail(fcgi, "an end of the wrong length");
	if (fcgi->type != STDOUT && fcgi->type != STDERR && fcgi->type != END_REQUEST)
		return fail(fcgi, "a record that was not asked for");
	return HTTP_MORE;
}

static void keep_errors(struct fcgi *fcgi, struct str bytes)
{
	bytes = str_sub(bytes, 0, sizeof(fcgi->errors) - fcgi->errors_len);
	memcpy(fcgi->errors + fcgi->errors_len, bytes.data, bytes.len);
	fcgi->errors_len += bytes.len;
}

static enum http_state take_content(struct fcgi *fcgi, struct str part)
{
	fcgi->content -= part.len;
	if (fcgi->type == STDERR)
		keep_errors(fcgi, part);
	else if (http_feed(&fcgi->http, part) == HTTP_FAILED)
		return fail(fcgi, fcgi->http.reason);
	return HTTP_MORE;
}

static enum http_state take_fixed(struct fcgi *fcgi, struct str part)
{
	memcpy(fcgi->fixed + fcgi->fixed_len, part.data, part.len);
	fcgi->fixed_len += part.len;
	if (fcgi->fixed_len < sizeof(fcgi->fixed))
		return HTTP_MORE;
	fcgi->fixed_len = 0;
	/* The content of the only record that still has some. */
	return fcgi->content > 0 ? end_request(fcgi) : begin_record(fcgi);
}

/* What is not wanted can be cut off: who asks for a page's status need not wait for its end. */
static enum http_state stop(struct fcgi *fcgi)
{
	if (fcgi->http.part != HTTP_END)
		return fail(fcgi, "an answer without an end");
	return finish(fcgi);
}

/* The next of `bytes` that belong together. */
static enum http_state take(struct fcgi *fcgi, struct str *bytes)
{
	bool has_stream = fcgi->content > 0 && fcgi->type != END_REQUEST;
	bool has_padding = fcgi->content == 0 && fcgi->padding > 0;
	struct str part = str_sub(*bytes, 0,
		has_stream    ? fcgi->content
		: has_padding ? fcgi->padding
			      : sizeof(fcgi->fixed) - fcgi->fixed_len);

	*bytes = str_sub(*bytes, part.len, bytes->len);
	fcgi->total += part.len;
	if (fcgi->total > FCGI_TOTAL_MAX)
		return stop(fcgi);
	if (has_stream)
		return take_content(fcgi, part);
	if (!has_padding)
		return take_fixed(fcgi, part);
	fcgi->padding -= part.len;
	return HTTP_MORE;
}

enum http_state fcgi_feed(struct fcgi *fcgi, struct str bytes)
{
	while (bytes.len > 0 && fcgi->state == HTTP_MORE)
		(void)take(fcgi, &bytes);
	return fcgi->state;
}

enum http_state fcgi_end(struct fcgi *fcgi)
{
	if (fcgi->state == HTTP_MORE)
		return fail(fcgi, fcgi->total == 0 ? "no answer" : "the answer has no end");
	return fcgi->state;
}
