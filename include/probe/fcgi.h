/*
 * fcgi: a request to a FastCGI responder (php-fpm) and the answer to it, as bytes: FastCGI 1.0.
 * Pure, as http is.
 *
 * php-fpm finds its ping and status pages by SCRIPT_NAME, and wants SCRIPT_FILENAME besides; a ping
 * is answered without a Status header, which means 200 (RFC 3875 6.3.3).
 */
#ifndef HUSK_PROBE_FCGI_H
#define HUSK_PROBE_FCGI_H

#include <stddef.h>

#include "base/str.h"
#include "probe/http.h"

enum {
	FCGI_ERRORS_MAX = 100, /* what is kept of standard error */
	FCGI_TOTAL_MAX = 1 << 20,
	FCGI_REQUEST_MAX = 4096,
};

struct fcgi {
	struct http http;             /* the response; its status */
	const char *reason;           /* where it failed */
	char errors[FCGI_ERRORS_MAX]; /* the first of what the script wrote to standard error */
	size_t errors_len;
	/* Its own. */
	enum http_state state;
	unsigned char type; /* of the record */
	size_t content;     /* what is left of it */
	size_t padding;
	size_t total;
	size_t fixed_len;
	unsigned char fixed[8]; /* a record's header, or what END_REQUEST says */
};

/* A GET of `uri` (a path, and a query behind a `?`), whole; `query` in the place of its own unless
 * NULL. The length, 0 where it does not fit. */
size_t fcgi_request(char out[FCGI_REQUEST_MAX], const char *uri, const char *query);

/* `body` is borrowed; NULL: it is left alone. */
void fcgi_init(struct fcgi *fcgi, struct buf *body);
enum http_state fcgi_feed(struct fcgi *fcgi, struct str bytes);
/* The peer has no more to say: DONE or FAILED. */
enum http_state fcgi_end(struct fcgi *fcgi);

#endif
