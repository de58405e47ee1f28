#include "unit/unit.h"

#include "probe/http.h"

enum { BODY_MAX = 64 };

struct answer {
	struct http http;
	struct buf body;
	enum http_state state;
};

/* In pieces of `piece` bytes, then the end of the connection. */
static void read_answer(
	struct answer *answer, const char *text, size_t len, size_t piece, bool body, bool cgi)
{
	struct str rest = {text, len};

	buf_init(&answer->body, BODY_MAX);
	if (cgi)
		http_init_cgi(&answer->http, body ? &answer->body : NULL);
	else
		http_init(&answer->http, body ? &answer->body : NULL);
	answer->state = HTTP_MORE;
	while (rest.len > 0 && answer->state == HTTP_MORE) {
		answer->state = http_feed(&answer->http, str_sub(rest, 0, piece));
		rest = str_sub(rest, piece, rest.len);
	}
	if (answer->state == HTTP_MORE)
		answer->state = http_end(&answer->http);
	/* It stays as it was. */
	assert_int_equal(http_feed(&answer->http, STR("HTTP/1.1 100 C\r\n")), answer->state);
	assert_int_equal(http_end(&answer->http), answer->state);
}

struct row {
	const char *text;
	unsigned status;    /* where it is done */
	const char *reason; /* where it failed */
	const char *body;
};

static void check_row(const struct row *row, size_t piece, bool body, bool cgi)
{
	struct answer answer;

	read_answer(&answer, row->text, strlen(row->text), piece, body, cgi);
	if (row->reason != NULL) {
		if (answer.state != HTTP_FAILED)
			fail_msg("was taken: %s", row->text);
		assert_string_equal(answer.http.reason, row->reason);
	} else {
		if (answer.state != HTTP_DONE)
			fail_msg("%s: %s", answer.http.reason, row->text);
		assert_int_equal(answer.http.status, row->status);
		if (body)
			assert_string_equal(buf_cstr(&answer.body), row->body);
	}
	buf_fini(&answer.body);
}

static void check_rows(const struct row *rows, size_t count, bool body, bool cgi)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t piece = 1; piece < 6; piece++)
			check_row(&rows[i], piece, body, cgi);
		check_row(&rows[i], 4096, body, cgi);
	}
}

static void test_http_head_alone_gives_status(void **state)
{
	static const struct row rows[] = {
		{"HTTP/1.1 200 OK\r\n\r\n", 200, NULL, NULL},
		{"HTTP/1.0 404 Not Found\r\nServer: x\r\n\r\nbody", 404, NULL, NULL},
		{"HTTP/1.1 301\r\nLocation: https://elsewhere/\r\n\r\n", 301, NULL, NULL},
		{"HTTP/1.1 503 \r\n\r\n", 503, NULL, NULL},
		{"HTTP/1.1 200 OK\nServer: x\n\n", 200, NULL, NULL},
		{"HTTP/1.1 200 OK\r\nFolded: a\r\n\tb\r\n\r\n", 200, NULL, NULL},
		{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK"
		 "\r\n\r\n",
			200, NULL, NULL},
		{"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", 101, NULL, NULL},
		/* What frames a body is nobody's business where none is wanted. */
		{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 200, NULL, NULL},
	};

	(void)state;
	check_rows(rows, COUNT(rows), false, false);
}

static void test_http_malformed_head_is_refused(void **state)
{
	static const struct row rows[] = {
		{"", 0, "no answer", NULL},
		{"SSH-2.0-OpenSSH_9.2\r\n", 0, "the answer is not HTTP/1", NULL},
		{"\r\n", 0, "the answer is not HTTP/1", NULL},
		{"HTTP/2 200\r\n\r\n", 0, "the answer is not HTTP/1", NULL},
		{"HTTP/1.x 200 OK\r\n\r\n", 0, "the answer is not HTTP/1", NULL},
		{"HTTP/1.1\t200 OK\r\n\r\n", 0, "the answer is not HTTP/1", NULL},
		{"http/1.1 200 OK\r\n\r\n", 0, "the answer is not HTTP/1", NULL},
		{"HTTP/1.1 20 OK\r\n\r\n", 0, "the status is not three digits", NULL},
		{"HTTP/1.1 2000 OK\r\n\r\n", 0, "the status is not three digits", NULL},
		{"HTTP/1.1 099 OK\r\n\r\n", 0, "the status is not three digits", NULL},
		{"HTTP/1.1  200 OK\r\n\r\n", 0, "the status is not three digits", NULL},
		{"HTTP/1.1 +20 OK\r\n\r\n", 0, "the status is not three digits", NULL},
		{"HTTP/1.1 \r\n\r\n", 0, "the status is not three digits", NULL},
		{"HTTP/1.1 200 OK\r\nno header\r\n\r\n", 0, "a header without a name", NULL},
		{"HTTP/1.1 200 OK\r\n: x\r\n\r\n", 0, "a header without a name", NULL},
		{"HTTP/1.1 200 OK\r\n", 0, "the answer ends within its headers", NULL},
		{"HTTP/1.1 200 OK\r\nServer: x\r\n", 0, "the answer ends within its headers", NULL},
		{"HTTP/1.1 200", 0, "the answer ends within its headers", NULL},
		{"HTTP/1.1 100 Continue\r\n\r\n", 0, "the answer ends within its headers", NULL},
	};

	(void)state;
	check_rows(rows, COUNT(rows), false, false);
}

static void test_http_nul_is_refused_wherever_it_stands(void **state)
{
	static char text[512] = "HTTP/1.1 200 OK\r\nLong: ";
	size_t len = strlen(text);
	struct answer answer;

	(void)state;
	/* Behind what is kept of a line too. */
	memset(text + len, 'x', 400);
	text[len + 399] = '\0';
	read_answer(&answer, text, len + 400, 7, false, false);
	assert_int_equal(answer.state, HTTP_FAILED);
	assert_string_equal(answer.http.reason, "a NUL byte in the headers");
}

static void test_http_head_is_bounded(void **state)
{
	static char text[HTTP_HEAD_MAX + 100];
	const char start[] = "HTTP/1.1 200 OK\r\nLong: ";
	const char end[] = "\r\n\r\n";
	size_t most = HTTP_HEAD_MAX - strlen(end);
	struct answer answer;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, start, strlen(start));
	read_answer(&answer, text, sizeof(text), 4096, false, false);
	assert_string_equal(answer.http.reason, "headers without an end");
	memcpy(text + most, end, strlen(end));
	read_answer(&answer, text, most + strlen(end), 4096, false, false);
	assert_int_equal(answer.state, HTTP_DONE);
	memset(text + most, 'x', 1);
	memcpy(text + most + 1, end, strlen(end));
	read_answer(&answer, text, most + 1 + strlen(end), 4096, false, false);
	assert_string_equal(answer.http.reason, "headers without an end");
}

static void test_http_interim_answers_are_bounded(void **state)
{
	char text[1024] = "";
	struct answer answer;

	(void)state;
	for (int i = 0; i < HTTP_INTERIM_MAX; i++)
		strcat(text, "HTTP/1.1 102 P\r\n\r\n");
	strcat(text, "HTTP/1.1 204 N\r\n\r\n");
	read_answer(&answer, text, strlen(text), 4096, false, false);
	assert_int_equal(answer.http.status, 204);
	memmove(text + 18, text, strlen(text) + 1);
	read_answer(&answer, text, strlen(text), 4096, false, false);
	assert_string_equal(answer.http.reason, "too many interim answers");
}

static void test_http_body_is_framed_as_said(void **state)
{
	static const struct row rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyrest", 200, NULL, "body"},
		{"HTTP/1.1 200 OK\r\ncontent-length:4 \r\nCONTENT-LENGTH: 4\r\n\r\nbody", 200, NULL,
			"body"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nbody", 200, NULL, ""},
		{"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, NULL, "until the end"},
		{"HTTP/1.1 200 OK\r\n\r\n", 200, NULL, ""},
		{"HTTP/1.1 204 N\r\nContent-Length: 4\r\n\r\nbody", 204, NULL, ""},
		{"HTTP/1.1 304 N\r\n\r\nbody", 304, NULL, ""},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n"
		 "a;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nrest",
			200, NULL, "body0123456789"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 3\r\n\r\n"
		 "0000004\nbody\n000\n\n",
			200, NULL, "body"},
		/* What an interim answer says of its body does not count. */
		{"HTTP/1.1 103 E\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody", 200,
			NULL, "body"},
	};

	(void)state;
	check_rows(rows, COUNT(rows), true, false);
}

static void test_http_malformed_body_is_refused(void **state)
{
#define HEAD    "HTTP/1.1 200 OK\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"
	static const struct row rows[] = {
		{HEAD "Content-Length: 4\r\n\r\nbod", 0, "the answer ends within its body", NULL},
		{HEAD "Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody", 0,
			"the Content-Length is wrong", NULL},
		{HEAD "Content-Length: +4\r\n\r\nbody", 0, "the Content-Length is wrong", NULL},
		{HEAD "Content-Length: 99999999999999999999\r\n\r\nbody", 0,
			"the Content-Length is wrong", NULL},
		{HEAD "Content-Length: 65\r\n\r\n"
		      "0123456789012345678901234567890123456789012345678901234567890123456789",
			0, "a body that is too long", NULL},
		{HEAD "\r\n0123456789012345678901234567890123456789012345678901234567890123456789",
			0, "a body that is too long", NULL},
		{HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", 0,
			"a transfer coding that was not asked for", NULL},
		{CHUNKED "\r\n", 0, "a chunk without a size", NULL},
		{CHUNKED "4x\r\nbody\r\n0\r\n\r\n", 0, "a chunk without a size", NULL},
		{CHUNKED "-4\r\nbody\r\n0\r\n\r\n", 0, "a chunk without a size", NULL},
		{CHUNKED "ffffffffffffffff\r\nbody", 0, "a chunk without an end", NULL},
		{CHUNKED "4\r\nbodyx\r\n0\r\n\r\n", 0, "a chunk longer than its size", NULL},
		{CHUNKED "4\r\nbod", 0, "the answer ends within its body", NULL},
		{CHUNKED "4\r\nbody\r\n", 0, "the answer ends within its body", NULL},
		{CHUNKED "4\r\nbody\r\n0\r\n", 0, "the answer ends within its body", NULL},
	};

	(void)state;
	check_rows(rows, COUNT(rows), true, false);
}

/* Chunks of a byte each are as much frame as they are body. */
static void test_http_chunk_frames_are_bounded(void **state)
{
	static char text[HTTP_HEAD_MAX * 2] = CHUNKED;
	struct http http;
	struct buf body;

	(void)state;
	for (size_t at = strlen(text); at + 7 < sizeof(text); at += 6)
		memcpy(text + at, "1\r\nx\r\n", 6);
	buf_init(&body, sizeof(text));
	http_init(&http, &body);
	assert_int_equal(http_feed(&http, str_from(text)), HTTP_FAILED);
	assert_string_equal(http.reason, "headers without an end");
	buf_fini(&body);
}

static void test_http_cgi_head_has_status_or_not(void **state)
{
	static const struct row rows[] = {
		{"Content-Type: text/plain\r\n\r\npong", 200, NULL, "pong"},
		{"Status: 404 Not Found\r\nContent-type: text/html\r\n\r\nx", 404, NULL, "x"},
		{"Content-Length: 1\r\nTransfer-Encoding: gzip\r\nstatus:503\r\n\r\nall of it", 503,
			NULL, "all of it"},
		{"\r\n", 200, NULL, ""},
		{"Status: 42\r\n\r\n", 0, "the status is not three digits", NULL},
		{"Status: 4042\r\n\r\n", 0, "the status is not three digits", NULL},
		{"pong", 0, "the answer ends within its headers", NULL},
		{"pong\n", 0, "a header without a name", NULL},
		{"", 0, "no answer", NULL},
	};

	(void)state;
	check_rows(rows, COUNT(rows), true, true);
}

static void test_http_request_fits_or_not(void **state)
{
	char out[256];
	size_t len = http_request(out, sizeof(out), "[::1]:8080", "/a?b");

	(void)state;
	assert_int_equal(len, strlen(out));
	assert_string_equal(out,
		"GET /a?b HTTP/1.1\r\nHost: [::1]:8080\r\nUser-Agent: husk\r\nAccept: */*\r\n"
		"Connection: close\r\n\r\n");
	assert_int_equal(http_request(out, len, "[::1]:8080", "/a?b"), 0);
	assert_int_equal(http_request(out, len + 1, "[::1]:8080", "/a?b"), len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_head_alone_gives_status),
		cmocka_unit_test(test_http_malformed_head_is_refused),
		cmocka_unit_test(test_http_nul_is_refused_wherever_it_stands),
		cmocka_unit_test(test_http_head_is_bounded),
		cmocka_unit_test(test_http_interim_answers_are_bounded),
		cmocka_unit_test(test_http_body_is_framed_as_said),
		cmocka_unit_test(test_http_malformed_body_is_refused),
		cmocka_unit_test(test_http_chunk_frames_are_bounded),
		cmocka_unit_test(test_http_cgi_head_has_status_or_not),
		cmocka_unit_test(test_http_request_fits_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
