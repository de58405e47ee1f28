#include "unit/unit.h"

#include "probe/fcgi.h"

enum { STDOUT = 6, STDERR = 7, END = 3, BODY_MAX = 64 };

/* A record as it is sent, padded; returns what is behind it. */
static char *put_record(char *out, unsigned char type, const char *content, size_t len, size_t pad)
{
	const unsigned char header[8] = {1, type, 0, 1, (unsigned char)(len >> 8),
		(unsigned char)len, (unsigned char)pad, 0};

	memcpy(out, header, sizeof(header));
	memcpy(out + 8, content, len);
	memset(out + 8 + len, 'p', pad);
	return out + 8 + len + pad;
}

static char *put_text(char *out, unsigned char type, const char *text)
{
	return put_record(out, type, text, strlen(text), strlen(text) % 8);
}

/* What is reserved holds garbage, as php-fpm's does. */
static char *put_end(char *out, unsigned char protocol_status)
{
	const char content[8] = {0, 0, 0, 9, (char)protocol_status, 'x', 'y', 'z'};

	return put_record(out, END, content, sizeof(content), 0);
}

struct answer {
	struct fcgi fcgi;
	struct buf body;
	enum http_state state;
};

static void read_answer(
	struct answer *answer, const char *text, const char *end, size_t piece, bool body)
{
	struct str rest = {text, (size_t)(end - text)};

	buf_init(&answer->body, BODY_MAX);
	fcgi_init(&answer->fcgi, body ? &answer->body : NULL);
	answer->state = HTTP_MORE;
	while (rest.len > 0 && answer->state == HTTP_MORE) {
		answer->state = fcgi_feed(&answer->fcgi, str_sub(rest, 0, piece));
		rest = str_sub(rest, piece, rest.len);
	}
	if (answer->state == HTTP_MORE)
		answer->state = fcgi_end(&answer->fcgi);
	assert_int_equal(fcgi_feed(&answer->fcgi, STR("more")), answer->state);
	assert_int_equal(fcgi_end(&answer->fcgi), answer->state);
}

/* Byte by byte, too. */
static void assert_answer(
	const char *text, const char *end, unsigned status, const char *body, const char *errors)
{
	struct answer answer;

	for (size_t piece = 1; piece < 4096; piece = piece * 3 + 1) {
		read_answer(&answer, text, end, piece, true);
		if (answer.state != HTTP_DONE)
			fail_msg("%s", answer.fcgi.reason);
		assert_int_equal(answer.fcgi.http.status, status);
		assert_string_equal(buf_cstr(&answer.body), body);
		assert_int_equal(answer.fcgi.errors_len, strlen(errors));
		assert_memory_equal(answer.fcgi.errors, errors, strlen(errors));
		buf_fini(&answer.body);
		read_answer(&answer, text, end, piece, false);
		assert_int_equal(answer.state, HTTP_DONE);
		assert_int_equal(answer.fcgi.http.status, status);
	}
}

static void assert_refused(const char *text, const char *end, const char *reason)
{
	struct answer answer;

	for (size_t piece = 1; piece < 4096; piece = piece * 3 + 1) {
		read_answer(&answer, text, end, piece, true);
		assert_int_equal(answer.state, HTTP_FAILED);
		assert_string_equal(answer.fcgi.reason, reason);
		buf_fini(&answer.body);
	}
}

static void test_fcgi_answer_is_read(void **state)
{
	char text[1024], *end;

	(void)state;
	end = put_text(text, STDOUT, "Content-type: text/plain\r\n\r\npong");
	end = put_end(end, 0);
	assert_answer(text, end, 200, "pong", "");

	end = put_text(text, STDERR, "Primary script unknown");
	end = put_text(end, STDOUT, "Status: 404 Not Found\r\nX: ");
	end = put_text(end, STDERR, "\nmore\n");
	end = put_text(end, STDOUT, "y\r\n\r\n");
	end = put_text(end, STDOUT, "File not found.");
	end = put_record(end, STDERR, "", 0, 3);
	end = put_record(end, STDOUT, "", 0, 255);
	end = put_end(end, 0);
	end = put_text(end, STDOUT, "behind the end");
	assert_answer(text, end, 404, "File not found.", "Primary script unknown\nmore\n");
}

static void test_fcgi_malformed_answer_is_refused(void **state)
{
	static const struct {
		size_t at;
		char byte;
		const char *reason;
	} rows[] = {
		{0, 0, "the answer is not FastCGI"},
		{0, 'H', "the answer is not FastCGI"},
		{1, 1, "a record that was not asked for"},
		{1, 11, "a record that was not asked for"},
		{1, 3, "an end of the wrong length"},
		{2, 1, "an answer to another request"},
		{3, 0, "an answer to another request"},
		{3, 2, "an answer to another request"},
	};
	char text[256], *end;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		end = put_text(text, STDOUT, "Content-type: text/plain\r\n\r\n");
		end = put_end(end, 0);
		text[rows[i].at] = rows[i].byte;
		assert_refused(text, end, rows[i].reason);
	}
}

static void test_fcgi_answer_without_its_end_is_refused(void **state)
{
	char text[256] = "", *end;

	(void)state;
	assert_refused(text, text, "no answer");
	end = put_text(text, STDOUT, "Content-type: text/plain\r\n\r\npong");
	for (char *cut = text + 1; cut <= end; cut++)
		assert_refused(text, cut, "the answer has no end");
	end = put_end(end, 0);
	for (char *cut = end - 15; cut < end; cut++)
		assert_refused(text, cut, "the answer has no end");
	assert_answer(text, end, 200, "pong", "");
}

static void test_fcgi_end_says_why(void **state)
{
	char text[256], *end;

	(void)state;
	end = put_end(text, 2);
	assert_refused(text, end, "overloaded");
	end = put_end(text, 1);
	assert_refused(text, end, "the request was refused");
	end = put_end(text, 0);
	assert_refused(text, end, "no answer");
	end = put_text(text, STDOUT, "Content-type: text/plain\r\n");
	end = put_end(end, 0);
	assert_refused(text, end, "the answer ends within its headers");
	end = put_text(text, STDOUT, "nonsense\r\n");
	assert_refused(text, end, "a header without a name");
}

/* A script that writes for ever. */
static void test_fcgi_endless_answer_is_bounded(void **state)
{
	char text[8192], block[4096], *end;
	struct fcgi fcgi;
	struct buf body;
	size_t sent = 0;

	(void)state;
	memset(block, 'x', sizeof(block));
	for (int is_error = 0; is_error < 2; is_error++) {
		fcgi_init(&fcgi, NULL);
		end = put_text(text, STDOUT, is_error ? "X: " : "Status: 201 C\r\n\r\n");
		assert_int_equal(
			fcgi_feed(&fcgi, (struct str){text, (size_t)(end - text)}), HTTP_MORE);
		end = put_record(text, is_error ? STDERR : STDOUT, block, sizeof(block), 0);
		while (fcgi_feed(&fcgi, (struct str){text, (size_t)(end - text)}) == HTTP_MORE) {
			sent += (size_t)(end - text);
			assert_true(sent <= 2 * FCGI_TOTAL_MAX);
		}
		/* Where the status is all that is wanted, it is known. */
		assert_int_equal(fcgi.state, is_error ? HTTP_FAILED : HTTP_DONE);
		if (is_error)
			assert_string_equal(fcgi.reason, "an answer without an end");
		else
			assert_int_equal(fcgi.http.status, 201);
	}
	assert_int_equal(fcgi.errors_len, FCGI_ERRORS_MAX);

	buf_init(&body, BODY_MAX);
	fcgi_init(&fcgi, &body);
	end = put_text(text, STDOUT, "Status: 201 C\r\n\r\n");
	end = put_record(end, STDOUT, block, sizeof(block), 0);
	assert_int_equal(fcgi_feed(&fcgi, (struct str){text, (size_t)(end - text)}), HTTP_FAILED);
	assert_string_equal(fcgi.reason, "a body that is too long");
	buf_fini(&body);
}

/* The value of a parameter of the request, of which PARAMS begins at 16. */
static struct str param(const char *request, const char *wanted)
{
	const unsigned char *at = (const unsigned char *)request + 24;
	const unsigned char *end = at + ((size_t)at[-4] << 8 | at[-3]);

	while (at < end) {
		size_t name = *at++, value = *at++;

		assert_true(name < 128);
		if (value >= 128) {
			value = (value & 0x7f) << 24 | (size_t)at[0] << 16 | (size_t)at[1] << 8 |
				at[2];
			at += 3;
		}
		if (strlen(wanted) == name && memcmp(at, wanted, name) == 0)
			return (struct str){(const char *)at + name, value};
		at += name + value;
	}
	return STR("(missing)");
}

static void assert_param(const char *request, const char *name, const char *value)
{
	struct str got = param(request, name);

	if (!str_eq_cstr(got, value))
		fail_msg("%s is %.*s", name, STR_ARGS(got));
}

static void test_fcgi_request_has_what_php_fpm_wants(void **state)
{
	static const char begin[16] = {1, 1, 0, 1, 0, 8, 0, 0, 0, 1};
	static const char end[16] = {1, 4, 0, 1, 0, 0, 0, 0, 1, 5, 0, 1};
	char request[FCGI_REQUEST_MAX];
	size_t len = fcgi_request(request, "/ping?a=b", NULL);

	(void)state;
	assert_memory_equal(request, begin, sizeof(begin));
	assert_memory_equal(request + len - sizeof(end), end, sizeof(end));
	assert_int_equal(
		len, 24 + ((size_t)(unsigned char)request[20] << 8 | (unsigned char)request[21]) +
			     sizeof(end));
	assert_param(request, "REQUEST_METHOD", "GET");
	assert_param(request, "SCRIPT_NAME", "/ping");
	assert_param(request, "SCRIPT_FILENAME", "/ping");
	assert_param(request, "QUERY_STRING", "a=b");
	assert_param(request, "REQUEST_URI", "/ping?a=b");
	assert_param(request, "SERVER_PROTOCOL", "HTTP/1.1");
	assert_param(request, "GATEWAY_INTERFACE", "CGI/1.1");
	assert_param(request, "REMOTE_ADDR", "127.0.0.1");
	assert_true(fcgi_request(request, "/ping", NULL) > 0);
	assert_param(request, "QUERY_STRING", "");
	assert_true(fcgi_request(request, "/status?x", "json") > 0);
	assert_param(request, "QUERY_STRING", "json");
}

static void test_fcgi_request_long_fits_or_not(void **state)
{
	char request[FCGI_REQUEST_MAX], uri[2000] = "/";

	(void)state;
	memset(uri + 1, 'u', 511);
	assert_true(fcgi_request(request, uri, NULL) > 0);
	assert_param(request, "SCRIPT_NAME", uri);
	memset(uri + 1, 'u', sizeof(uri) - 2);
	assert_int_equal(fcgi_request(request, uri, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fcgi_answer_is_read),
		cmocka_unit_test(test_fcgi_malformed_answer_is_refused),
		cmocka_unit_test(test_fcgi_answer_without_its_end_is_refused),
		cmocka_unit_test(test_fcgi_end_says_why),
		cmocka_unit_test(test_fcgi_endless_answer_is_bounded),
		cmocka_unit_test(test_fcgi_request_has_what_php_fpm_wants),
		cmocka_unit_test(test_fcgi_request_long_fits_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
