/*
 * probe: asks whether something is there and answers: the targets of `husk probe`, `husk wait`, and
 * of a service's `ready` and `health`.
 *
 *     tcp://HOST:PORT             a connection is accepted
 *     http://HOST[:PORT][/PATH]   the status of the answer to a GET is within what is expected
 *     unix:PATH                   a connection is accepted; @NAME: the abstract namespace
 *     fcgi://HOST:PORT/SCRIPT     a FastCGI responder answers with an expected status
 *     fcgi+unix:PATH:/SCRIPT      the same over a Unix socket
 *     file:PATH                   it exists
 *
 * HOST is a name (see resolve), an IPv4 address or an IPv6 address in brackets. All addresses of a
 * name are tried, in their order, until one can be connected to. Redirects are not followed: 301 is
 * a status as any. Nothing that a peer sends is trusted: every answer is bounded in bytes and time.
 * It waits, and reads files where names are looked for: for a command or a short-lived child, not
 * for PID 1's loop. Needs no signal, and works with all of them blocked.
 */
#ifndef HUSK_PROBE_PROBE_H
#define HUSK_PROBE_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

enum probe_kind {
	PROBE_TCP,
	PROBE_HTTP,
	PROBE_UNIX,
	PROBE_FCGI, /* over TCP */
	PROBE_FCGI_UNIX,
	PROBE_FILE,
};

enum {
	PROBE_TARGET_MAX = 512,
	PROBE_REASON_MAX = 160,
	PROBE_RANGES_MAX = 8,
};

/* A target, taken apart. The texts point into `text`. */
struct probe_target {
	enum probe_kind kind;
	char text[PROBE_TARGET_MAX];
	const char *host; /* without brackets */
	const char *port;
	const char *path; /* of the socket or file; of unix:, @ first for the abstract namespace */
	const char *uri;  /* what is asked for; begins with a slash */
	const char *authority; /* http: the Host header */
};

/* -1, ERR_USAGE: says what is wrong with it. */
int probe_parse(const char *text, struct probe_target *target, struct err *err);

/* The statuses that are as good as any other. */
struct probe_expect {
	struct probe_range {
		unsigned least;
		unsigned most;
	} ranges[PROBE_RANGES_MAX];
	unsigned count; /* 0: 200 to 399 */
};
/* "200", "200-399", "200,301-308"; -1, ERR_USAGE. */
int probe_parse_expect(const char *text, struct probe_expect *expect, struct err *err);

struct probe_request {
	const struct probe_target *target;
	int64_t timeout;            /* ns, for all of it; above 0 */
	struct probe_expect expect; /* http, fcgi */
	const char *query;          /* fcgi: QUERY_STRING; NULL: what the uri has behind its `?` */
	struct buf *body; /* NULL, or gets the answer's body, at most PROBE_BODY_MAX bytes */
};
enum { PROBE_BODY_MAX = 256 << 10 };

/* The verdict, and why, in one line without a newline, controls escaped: "connect to
 * 127.0.0.1:8080: Connection refused", "status 503", "status 200". */
struct probe_verdict {
	bool healthy;
	char reason[PROBE_REASON_MAX];
};

/* One try. */
void probe_once(const struct probe_request *request, struct probe_verdict *verdict);
/* Tries again until it is healthy or `deadline` (sys_now's clock) has passed; each try lasts at
 * most request->timeout. The verdict is the last one's. */
void probe_until(
	const struct probe_request *request, int64_t deadline, struct probe_verdict *verdict);

#endif
