/*
 * http: the first byte says what is read and in which pieces. An answer comes to the same in pieces
 * and as a whole, and nothing is longer than it may be.
 */
#include <stdlib.h>
#include <string.h>

#include "probe/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 1024 };

static void require(bool condition)
{
	if (!condition)
		abort();
}

static enum http_state read_all(struct http *http, struct buf *body, struct str text, size_t piece,
	bool wants_body, bool is_cgi)
{
	enum http_state state = HTTP_MORE;

	buf_init(body, BODY_MAX);
	if (is_cgi)
		http_init_cgi(http, wants_body ? body : NULL);
	else
		http_init(http, wants_body ? body : NULL);
	while (text.len > 0 && state == HTTP_MORE) {
		/* A copy of its own length: what is read beyond it is seen. */
		size_t len = piece < text.len ? piece : text.len;
		char *copy = malloc(len);

		require(copy != NULL);
		memcpy(copy, text.data, len);
		state = http_feed(http, (struct str){copy, len});
		free(copy);
		text = str_sub(text, len, text.len);
	}
	return state == HTTP_MORE ? http_end(http) : state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http whole, pieces;
	struct buf whole_body, pieces_body;
	enum http_state state;

	if (size == 0)
		return 0;
	bool wants_body = (data[0] & 1) != 0;
	bool is_cgi = (data[0] & 2) != 0;
	struct str text = {(const char *)data + 1, size - 1};

	state = read_all(&whole, &whole_body, text, SIZE_MAX, wants_body, is_cgi);
	require(read_all(&pieces, &pieces_body, text, 1U + (data[0] >> 2), wants_body, is_cgi) ==
		state);
	require(state == HTTP_DONE || state == HTTP_FAILED);
	require((state == HTTP_FAILED) == (whole.reason != NULL));
	require(whole.reason == pieces.reason && whole.status == pieces.status);
	require(state == HTTP_FAILED || (whole.status >= 100 && whole.status <= 999));
	require(whole_body.len <= BODY_MAX);
	require(state == HTTP_FAILED || str_eq(buf_str(&whole_body), buf_str(&pieces_body)));
	require(http_feed(&whole, text) == state);
	buf_fini(&whole_body);
	buf_fini(&pieces_body);
	return 0;
}
