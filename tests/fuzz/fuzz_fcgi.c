/*
 * fcgi: the first byte says whether a body is wanted, and in which pieces the rest is read. It
 * comes to the same in pieces and as a whole, and nothing is longer than it may be.
 */
#include <stdlib.h>
#include <string.h>

#include "probe/fcgi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 1024 };

static void require(bool condition)
{
	if (!condition)
		abort();
}

static enum http_state read_all(
	struct fcgi *fcgi, struct buf *body, struct str text, size_t piece, bool wants_body)
{
	enum http_state state = HTTP_MORE;

	buf_init(body, BODY_MAX);
	fcgi_init(fcgi, wants_body ? body : NULL);
	while (text.len > 0 && state == HTTP_MORE) {
		/* A copy of its own length: what is read beyond it is seen. */
		size_t len = piece < text.len ? piece : text.len;
		char *copy = malloc(len);

		require(copy != NULL);
		memcpy(copy, text.data, len);
		state = fcgi_feed(fcgi, (struct str){copy, len});
		free(copy);
		text = str_sub(text, len, text.len);
	}
	return state == HTTP_MORE ? fcgi_end(fcgi) : state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fcgi whole, pieces;
	struct buf whole_body, pieces_body;
	enum http_state state;

	if (size == 0)
		return 0;
	bool wants_body = (data[0] & 1) != 0;
	struct str text = {(const char *)data + 1, size - 1};

	state = read_all(&whole, &whole_body, text, SIZE_MAX, wants_body);
	require(read_all(&pieces, &pieces_body, text, 1U + (data[0] >> 1), wants_body) == state);
	require(state == HTTP_DONE || state == HTTP_FAILED);
	require((state == HTTP_FAILED) == (whole.reason != NULL));
	require(whole.reason == pieces.reason && whole.http.status == pieces.http.status);
	require(state == HTTP_FAILED || (whole.http.status >= 100 && whole.http.status <= 999));
	require(whole.errors_len <= FCGI_ERRORS_MAX && whole_body.len <= BODY_MAX);
	require(state == HTTP_FAILED || str_eq(buf_str(&whole_body), buf_str(&pieces_body)));
	require(fcgi_feed(&whole, text) == state);
	buf_fini(&whole_body);
	buf_fini(&pieces_body);
	return 0;
}
