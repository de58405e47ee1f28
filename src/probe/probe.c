#include "probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/sys.h"
#include "probe/address.h"
#include "probe/fcgi.h"
#include "probe/http.h"
#include "probe/resolve.h"
#include "probe/stream.h"

enum {
	EXPECT_LEAST = 200,
	EXPECT_MOST = 399,
	PIECE = 4096,
	/* What is still read of an answer that said enough, and for how long (ns). */
	DRAIN_MAX = 64 << 10,
	DRAIN_TIME = 50000000,
	PAUSE_FIRST = 10000000,
	PAUSE_LAST = 250000000,
};

/* One try. */
struct
try {
	const struct probe_request *request;
	struct probe_verdict *verdict;
	int64_t deadline;
	bool is_fcgi;
	struct http http;
	struct fcgi fcgi;
};

/* What is wrong, or right, in one line that a terminal can be shown. */
static void say(struct probe_verdict *verdict, bool healthy, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void say(struct probe_verdict *verdict, bool healthy, const char *format, ...)
{
	struct err err;
	va_list args;

	err_clear(&err);
	va_start(args, format);
	(void)format_list(err.message, sizeof(err.message), format, args);
	va_end(args);
	(void)err_format(&err, verdict->reason, sizeof(verdict->reason));
	verdict->healthy = healthy;
}

static const char *why(int errnum)
{
	return errnum == ETIMEDOUT ? "timed out" : strerror(errnum);
}

/* One after the other, each with its share of the time that is left. */
static int connect_any(const struct try *try, const struct resolve *resolve)
{
	char text[ADDRESS_TEXT_MAX];
	int fd = -1;

	for (unsigned i = 0; i < resolve->count && fd < 0; i++) {
		const struct address *address = &resolve->addresses[i];
		int64_t now = sys_now();

		fd = stream_connect(
			address, now + (try->deadline - now) / (int64_t)(resolve->count - i));
		if (fd >= 0)
			say(try->verdict, true, "connected to %s", address_text(address, text));
		else
			say(try->verdict, false, "connect to %s: %s", address_text(address, text),
				why(errno));
	}
	return fd;
}

static int connect_target(const struct try *try)
{
	const struct probe_target *target = try->request->target;
	struct resolve resolve = {.count = 1};
	uint64_t port = 0;
	struct err err;

	if (target->host == NULL) {
		address_local(&resolve.addresses[0], target->path);
	} else {
		(void)str_to_uint64(str_from(target->port), &port);
		if (resolve_host(target->host, (uint16_t)port, try->deadline, &resolve, &err) < 0) {
			say(try->verdict, false, "%s", err.message);
			return -1;
		}
	}
	return connect_any(try, &resolve);
}

static enum http_state feed(struct try *try, struct str bytes)
{
	if (bytes.len == 0)
		return try->is_fcgi ? fcgi_end(&try->fcgi) : http_end(&try->http);
	return try->is_fcgi ? fcgi_feed(&try->fcgi, bytes) : http_feed(&try->http, bytes);
}

/* Until the answer is whole, or as whole as it gets. */
static int receive(struct try *try, int fd)
{
	char timeout[STR_DURATION_MAX], piece[PIECE];
	enum http_state state = HTTP_MORE;
	bool heard = false;

	while (state == HTTP_MORE) {
		ssize_t got = stream_receive(fd, piece, sizeof(piece), try->deadline);

		if (got < 0 && errno == ETIMEDOUT)
			say(try->verdict, false, "%s within %s",
				heard ? "the answer did not end" : "no answer",
				str_duration(try->request->timeout, timeout));
		else if (got < 0)
			say(try->verdict, false, "the connection broke: %s", strerror(errno));
		if (got < 0)
			return -1;
		heard = true;
		state = feed(try, (struct str){piece, (size_t)got});
	}
	return 0;
}

/* A connection that is closed amid an answer is reset, of which some servers complain in their
 * log. */
static void drain(int fd)
{
	int64_t until = sys_now() + DRAIN_TIME;
	char piece[PIECE];
	size_t total = 0;
	ssize_t got;

	do {
		got = stream_receive(fd, piece, sizeof(piece), until);
		total += got > 0 ? (size_t)got : 0;
	} while (got > 0 && total < DRAIN_MAX);
}

static bool is_expected(const struct probe_expect *expect, unsigned status)
{
	if (expect->count == 0)
		return status >= EXPECT_LEAST && status <= EXPECT_MOST;
	for (unsigned i = 0; i < expect->count; i++) {
		if (status >= expect->ranges[i].least && status <= expect->ranges[i].most)
			return true;
	}
	return false;
}

/* What a script wrote to standard error says more than its status. */
static void judge(const struct try *try)
{
	const struct http *http = try->is_fcgi ? &try->fcgi.http : &try->http;
	const char *reason = try->is_fcgi ? try->fcgi.reason : http->reason;
	struct str errors = STR("");
	char status[16];

	if (try->is_fcgi)
		errors = str_trim((struct str){try->fcgi.errors, try->fcgi.errors_len});
	(void)format_text(status, sizeof(status), "status %u", http->status);
	say(try->verdict, reason == NULL && is_expected(&try->request->expect, http->status),
		"%s%s%.*s", reason != NULL ? reason : status, errors.len > 0 ? ": " : "",
		STR_ARGS(errors));
}

static void talk(struct try *try, int fd)
{
	const struct probe_request *request = try->request;
	char bytes[FCGI_REQUEST_MAX];
	size_t len;

	if (try->is_fcgi) {
		fcgi_init(&try->fcgi, request->body);
		len = fcgi_request(bytes, request->target->uri, request->query);
	} else {
		http_init(&try->http, request->body);
		len = http_request(
			bytes, sizeof(bytes), request->target->authority, request->target->uri);
	}
	if (len == 0) {
		say(try->verdict, false, "the request is too long");
		return;
	}
	if (stream_send(fd, bytes, len, try->deadline) < 0) {
		say(try->verdict, false, "the request cannot be sent: %s", why(errno));
		return;
	}
	if (receive(try, fd) < 0)
		return;
	judge(try);
	if (!try->is_fcgi && try->http.reason == NULL)
		drain(fd);
}

static void look_at_file(const char *path, struct probe_verdict *verdict)
{
	struct stat st;

	if (sys_fstatat(AT_FDCWD, path, &st, 0) == 0)
		say(verdict, true, "it is there");
	else
		say(verdict, false, "%s", strerror(errno));
}

void probe_once(const struct probe_request *request, struct probe_verdict *verdict)
{
	struct try try = {.request = request, .verdict = verdict};
	int fd;

	try.deadline = sys_now() + request->timeout;
	if (request->target->kind == PROBE_FILE) {
		look_at_file(request->target->path, verdict);
		return;
	}
	fd = connect_target(&try);
	if (fd < 0)
		return;
	try.is_fcgi =
		request->target->kind == PROBE_FCGI || request->target->kind == PROBE_FCGI_UNIX;
	if (request->target->uri != NULL)
		talk(&try, fd);
	fd_close(&fd);
}

void probe_until(
	const struct probe_request *request, int64_t deadline, struct probe_verdict *verdict)
{
	struct probe_request next = *request;
	int64_t pause = PAUSE_FIRST;
	struct probe_verdict last;

	for (bool is_first = true;; is_first = false) {
		int64_t left = deadline - sys_now();

		next.timeout = left < request->timeout ? left : request->timeout;
		if (next.timeout < 1)
			next.timeout = 1;
		if (next.body != NULL)
			buf_reset(next.body);
		probe_once(&next, verdict);
		if (verdict->healthy)
			return;
		/* The last try's own reason may be that it was cut short. */
		if (!is_first && next.timeout < request->timeout)
			*verdict = last;
		last = *verdict;
		if (deadline - sys_now() <= pause)
			return;
		sys_sleep(pause);
		if (pause < PAUSE_LAST)
			pause *= 2;
	}
}
