/*
 * http: a GET and the answer to it, as bytes: RFC 9112. Pure: who talks to the peer hands over what
 * came, in pieces of any size.
 *
 * Nothing is trusted: the answer's head, and what frames a chunked body, are together at most
 * HTTP_HEAD_MAX bytes, and the body at most what `body` holds. Also reads the head that a CGI
 * response begins with (RFC 3875 6.2): the same lines, a Status header in the place of the status
 * line.
 */
#ifndef HUSK_PROBE_HTTP_H
#define HUSK_PROBE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum {
	HTTP_HEAD_MAX = 64 << 10,
	HTTP_INTERIM_MAX = 8, /* answers 1xx before the one that counts */
	HTTP_LINE_MAX = 128,  /* what is kept of a line; what is looked for is shorter */
};

enum http_state {
	HTTP_MORE,
	HTTP_DONE, /* all that was wanted is there */
	HTTP_FAILED,
};

enum http_part {
	HTTP_STATUS_LINE,
	HTTP_HEADERS,
	HTTP_SIZED,      /* a body of `left` bytes */
	HTTP_ENDLESS,    /* a body that ends with the connection */
	HTTP_CHUNK_SIZE, /* the line with it */
	HTTP_CHUNK,      /* `left` bytes of one */
	HTTP_CHUNK_END,  /* the empty line behind it */
	HTTP_TRAILERS,
	HTTP_END, /* what comes now is left alone */
};

struct http {
	unsigned status;    /* 0: not known yet */
	const char *reason; /* where it failed: "a header without a colon" */
	/* Its own. */
	enum http_part part;
	bool cgi;
	bool chunked;
	bool sized;
	bool line_cut;
	unsigned interim;
	size_t head_len;
	size_t line_len;
	uint64_t left;
	struct buf *body;
	char line[HTTP_LINE_MAX];
};

/* The request; its length, 0 where it does not fit. */
size_t http_request(char *out, size_t size, const char *authority, const char *uri);

/* `body` is borrowed; NULL: the answer is done when its head is. */
void http_init(struct http *http, struct buf *body);
void http_init_cgi(struct http *http, struct buf *body);
enum http_state http_feed(struct http *http, struct str bytes);
/* The peer has no more to say: DONE or FAILED. */
enum http_state http_end(struct http *http);

#endif
