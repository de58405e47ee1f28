/* One try and many, against peers of our own on this machine: each a process, ended by its test. */
#include "unit/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/sys.h"
#include "probe/probe.h"

static const int64_t MS = 1000000;
static const int64_t LONG = INT64_C(120000000000);

/* What the wrapped calls do besides. */
static bool connect_to_itself; /* the kernel chooses the peer's port for ours */
static bool byte_by_byte;      /* each read gets one byte */
static uint16_t black_hole;    /* the port of one that does not answer, for 127.0.0.2 */
static int64_t clock_at;       /* not 0: time passes in pauses only */
static unsigned pauses;
static unsigned file_after; /* pauses, before the file is there */
static bool patient;        /* what is waited for comes, however slow the machine is */
static char file_path[256];
static int told[2] = {-1, -1}; /* by a peer: how its last write went */

int __real_sys_connect(int fd, const struct sockaddr *address, size_t size);
int __wrap_sys_connect(int fd, const struct sockaddr *address, size_t size);
int __wrap_sys_connect(int fd, const struct sockaddr *address, size_t size)
{
	struct sockaddr_in to = {0};

	memcpy(&to, address, size < sizeof(to) ? size : sizeof(to));
	if (to.sin_family == AF_INET && to.sin_addr.s_addr == htonl(INADDR_LOOPBACK + 1)) {
		to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		to.sin_port = htons(black_hole);
		return __real_sys_connect(fd, (struct sockaddr *)&to, sizeof(to));
	}
	if (connect_to_itself)
		assert_int_equal(bind(fd, address, (socklen_t)size), 0);
	return __real_sys_connect(fd, address, size);
}

int __real_sys_open(const char *path, int flags, mode_t mode);
int __wrap_sys_open(const char *path, int flags, mode_t mode);
int __wrap_sys_open(const char *path, int flags, mode_t mode)
{
	return __real_sys_open(strcmp(path, "/etc/hosts") == 0 ? file_path : path, flags, mode);
}

ssize_t __real_sys_read(int fd, void *data, size_t size);
ssize_t __wrap_sys_read(int fd, void *data, size_t size);
ssize_t __wrap_sys_read(int fd, void *data, size_t size)
{
	return __real_sys_read(fd, data, byte_by_byte && size > 1 ? 1 : size);
}

int __real_sys_poll(int fd, short events, int timeout_ms);
int __wrap_sys_poll(int fd, short events, int timeout_ms);
int __wrap_sys_poll(int fd, short events, int timeout_ms)
{
	return __real_sys_poll(fd, events, patient ? -1 : timeout_ms);
}

int64_t __real_sys_now(void);
int64_t __wrap_sys_now(void);
int64_t __wrap_sys_now(void)
{
	return clock_at != 0 ? clock_at : __real_sys_now();
}

static void make_file(void)
{
	FILE *file = fopen(file_path, "we");

	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
}

void __real_sys_sleep(int64_t ns);
void __wrap_sys_sleep(int64_t ns);
void __wrap_sys_sleep(int64_t ns)
{
	if (clock_at == 0) {
		__real_sys_sleep(ns);
		return;
	}
	clock_at += ns;
	if (++pauses == file_after)
		make_file();
}

struct peer {
	pid_t pid;
	int listener;
	unsigned port;
	char path[100];
};

static void reply(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* The whole request, which ends with an empty line. */
static void hear_request(int fd)
{
	char text[4096] = "";
	size_t len = 0;
	ssize_t got;

	while (strstr(text, "\r\n\r\n") == NULL &&
		(got = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
		len += (size_t)got;
}

static void answer_ok(int fd)
{
	hear_request(fd);
	reply(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
}

static void answer_unavailable(int fd)
{
	hear_request(fd);
	reply(fd, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
}

static void answer_redirect(int fd)
{
	hear_request(fd);
	reply(fd, "HTTP/1.1 302 Found\r\nLocation: http://nowhere/\r\n\r\n");
}

static void answer_chunks(int fd)
{
	hear_request(fd);
	reply(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n"
		  "\r\n");
}

static void answer_banner(int fd)
{
	reply(fd, "220 mail ESMTP\r\n");
	hear_request(fd);
}

static void answer_nothing(int fd)
{
	hear_request(fd);
}

static void answer_never(int fd)
{
	hear_request(fd);
	hear_request(fd);
}

static void answer_half(int fd)
{
	hear_request(fd);
	reply(fd, "HTTP/1.1 200 OK\r\nServer:");
	hear_request(fd);
}

static void answer_reset(int fd)
{
	struct linger linger = {.l_onoff = 1};

	hear_request(fd);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void send_for_ever(int fd, const char *text)
{
	while (send(fd, text, strlen(text), MSG_NOSIGNAL) > 0)
		;
}

static void answer_endless_head(int fd)
{
	hear_request(fd);
	reply(fd, "HTTP/1.1 200 OK\r\n");
	send_for_ever(fd, "X: endless\r\n");
}

static void answer_endless_body(int fd)
{
	hear_request(fd);
	reply(fd, "HTTP/1.1 200 OK\r\n\r\n");
	send_for_ever(fd, "endless");
}

/* The rest of a page that comes a while after its head: does anybody still want it? */
static void answer_page(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLRDHUP};
	char went_well;

	hear_request(fd);
	reply(fd, "HTTP/1.1 200 OK\r\n\r\n");
	went_well = poll(&pollfd, 1, 100) == 0 ? 'y' : 'n';
	reply(fd, "page");
	(void)!write(told[1], &went_well, 1);
}

/* A request's last bytes are an empty STDIN. */
static void hear_fcgi(int fd)
{
	char text[4096];
	size_t len = 0;
	ssize_t got;

	while ((len < 8 || text[len - 7] != 5) &&
		(got = recv(fd, text + len, sizeof(text) - len, 0)) > 0)
		len += (size_t)got;
}

static void put_record(int fd, unsigned char type, const char *text, size_t len)
{
	const unsigned char head[8] = {1, type, 0, 1, 0, (unsigned char)len, 0, 0};

	(void)send(fd, head, sizeof(head), MSG_NOSIGNAL);
	(void)send(fd, text, len, MSG_NOSIGNAL);
}

static void answer_fcgi(int fd)
{
	static const char text[] = "Content-type: text/plain\r\n\r\npong";

	hear_fcgi(fd);
	put_record(fd, 6, text, strlen(text));
	put_record(fd, 3, "\0\0\0\0\0xyz", 8);
}

static void answer_fcgi_unknown(int fd)
{
	static const char text[] = "Status: 404 Not Found\r\n\r\nFile not found.\n";

	hear_fcgi(fd);
	put_record(fd, 7, "Primary script\033[2J unknown\n", 27);
	put_record(fd, 6, text, strlen(text));
	put_record(fd, 3, "\0\0\0\0\0xyz", 8);
}

static void answer_fcgi_overloaded(int fd)
{
	hear_fcgi(fd);
	put_record(fd, 3, "\0\0\0\0\2xyz", 8);
}

static void serve(int listener, void (*answer)(int fd))
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		answer(fd);
		/* What is sent is read, before the end of the connection is. */
		close(fd);
	}
}

/* Over TCP, or where `path` is given over a Unix socket; `answer` NULL: nobody accepts. */
static void start_peer(struct peer *peer, const char *path, int backlog, void (*answer)(int fd))
{
	struct sockaddr_in inet = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(inet);

	*peer = (struct peer){0};
	peer->listener = socket(path != NULL ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (path != NULL) {
		(void)snprintf(local.sun_path, sizeof(local.sun_path), "%s", path);
		size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
		if (path[0] == '@')
			local.sun_path[0] = '\0';
		assert_int_equal(bind(peer->listener, (struct sockaddr *)&local, size), 0);
	} else {
		assert_int_equal(bind(peer->listener, (struct sockaddr *)&inet, size), 0);
		assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&inet, &size), 0);
		peer->port = ntohs(inet.sin_port);
	}
	assert_int_equal(listen(peer->listener, backlog), 0);
	if (answer == NULL)
		return;
	peer->pid = fork();
	assert_true(peer->pid >= 0);
	if (peer->pid == 0)
		serve(peer->listener, answer);
}

static void stop_peer(struct peer *peer)
{
	close(peer->listener);
	if (peer->pid == 0)
		return;
	kill(peer->pid, SIGKILL);
	assert_int_equal(waitpid(peer->pid, NULL, 0), peer->pid);
}

/* `format` gets the port. */
static struct probe_verdict probe(
	const char *format, const struct peer *peer, int64_t timeout, struct buf *body)
{
	struct probe_target target;
	struct probe_request request = {.target = &target, .timeout = timeout, .body = body};
	struct probe_verdict verdict;
	char text[256];
	struct err err;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(text, sizeof(text), format, peer != NULL ? peer->port : 0);
#pragma GCC diagnostic pop
	if (probe_parse(text, &target, &err) < 0)
		fail_msg("%s", err.message);
	probe_once(&request, &verdict);
	return verdict;
}

static void assert_verdict(const struct probe_verdict *verdict, bool healthy, const char *reason)
{
	if (verdict->healthy != healthy || strcmp(verdict->reason, reason) != 0)
		fail_msg("%s: %s, not %s", verdict->healthy ? "healthy" : "unhealthy",
			verdict->reason, reason);
}

static void test_probe_http_answers_are_judged(void **state)
{
	static const struct {
		void (*answer)(int fd);
		bool healthy;
		const char *reason;
	} rows[] = {
		{answer_ok, true, "status 200"},
		{answer_chunks, true, "status 200"},
		{answer_redirect, true, "status 302"},
		{answer_endless_body, true, "status 200"},
		{answer_unavailable, false, "status 503"},
		{answer_banner, false, "the answer is not HTTP/1"},
		{answer_nothing, false, "no answer"},
		{answer_reset, false, "the connection broke: Connection reset by peer"},
		{answer_endless_head, false, "headers without an end"},
	};
	struct probe_verdict verdict;
	struct peer peer;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (int slow = 0; slow < 2; slow++) {
			start_peer(&peer, NULL, 8, rows[i].answer);
			byte_by_byte = slow == 1;
			verdict = probe("http://127.0.0.1:%u/", &peer, LONG, NULL);
			byte_by_byte = false;
			assert_verdict(&verdict, rows[i].healthy, rows[i].reason);
			stop_peer(&peer);
		}
	}
}

static void test_probe_http_silence_is_bounded(void **state)
{
	struct probe_verdict verdict;
	struct peer peer;

	(void)state;
	start_peer(&peer, NULL, 8, answer_never);
	verdict = probe("http://127.0.0.1:%u/", &peer, 50 * MS, NULL);
	assert_verdict(&verdict, false, "no answer within 50ms");
	stop_peer(&peer);
	start_peer(&peer, NULL, 8, answer_half);
	/* Longer, where the machine has not let the peer answer at all. */
	for (int64_t timeout = 50 * MS; timeout < LONG; timeout *= 4) {
		verdict = probe("http://127.0.0.1:%u/", &peer, timeout, NULL);
		if (strncmp(verdict.reason, "no answer", 9) != 0)
			break;
	}
	assert_false(verdict.healthy);
	assert_non_null(strstr(verdict.reason, "the answer did not end within "));
	stop_peer(&peer);
}

static void test_probe_http_body_is_taken_where_wanted(void **state)
{
	static void (*const answers[])(int fd) = {answer_ok, answer_chunks};
	struct probe_verdict verdict;
	struct peer peer;
	struct buf body;

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		buf_init(&body, PROBE_BODY_MAX);
		start_peer(&peer, NULL, 8, answers[i]);
		verdict = probe("http://127.0.0.1:%u/", &peer, LONG, &body);
		assert_verdict(&verdict, true, "status 200");
		assert_string_equal(buf_cstr(&body), "body");
		stop_peer(&peer);
		buf_fini(&body);
	}
	buf_init(&body, PROBE_BODY_MAX);
	start_peer(&peer, NULL, 8, answer_endless_body);
	verdict = probe("http://127.0.0.1:%u/", &peer, LONG, &body);
	assert_verdict(&verdict, false, "a body that is too long");
	stop_peer(&peer);
	buf_fini(&body);
}

static void test_probe_http_page_is_not_cut_off(void **state)
{
	struct probe_verdict verdict;
	struct peer peer;
	char went_well;

	(void)state;
	assert_int_equal(pipe(told), 0);
	start_peer(&peer, NULL, 8, answer_page);
	patient = true;
	verdict = probe("http://127.0.0.1:%u/", &peer, LONG, NULL);
	patient = false;
	assert_verdict(&verdict, true, "status 200");
	assert_int_equal(read(told[0], &went_well, 1), 1);
	assert_int_equal(went_well, 'y');
	stop_peer(&peer);
	close(told[0]);
	close(told[1]);
}

static void test_probe_expected_statuses_are_healthy(void **state)
{
	struct probe_target target;
	struct probe_request request = {.target = &target, .timeout = LONG};
	struct probe_verdict verdict;
	struct peer peer;
	char text[64];

	(void)state;
	start_peer(&peer, NULL, 8, answer_unavailable);
	(void)snprintf(text, sizeof(text), "http://127.0.0.1:%u", peer.port);
	assert_int_equal(probe_parse(text, &target, NULL), 0);
	assert_int_equal(probe_parse_expect("200,500-503", &request.expect, NULL), 0);
	probe_once(&request, &verdict);
	assert_verdict(&verdict, true, "status 503");
	assert_int_equal(probe_parse_expect("502,504-599", &request.expect, NULL), 0);
	probe_once(&request, &verdict);
	assert_verdict(&verdict, false, "status 503");
	stop_peer(&peer);
}

static void test_probe_fcgi_answers_are_judged(void **state)
{
	struct probe_verdict verdict;
	struct peer peer;

	(void)state;
	start_peer(&peer, NULL, 8, answer_fcgi);
	verdict = probe("fcgi://127.0.0.1:%u/ping", &peer, LONG, NULL);
	assert_verdict(&verdict, true, "status 200");
	stop_peer(&peer);
	start_peer(&peer, "@husk-test-probe", 8, answer_fcgi_unknown);
	verdict = probe("fcgi+unix:@husk-test-probe:/ping", &peer, LONG, NULL);
	assert_verdict(&verdict, false, "status 404: Primary script\\x1B[2J unknown");
	stop_peer(&peer);
	start_peer(&peer, NULL, 8, answer_fcgi_overloaded);
	verdict = probe("fcgi://127.0.0.1:%u/ping", &peer, LONG, NULL);
	assert_verdict(&verdict, false, "overloaded");
	stop_peer(&peer);
	start_peer(&peer, NULL, 8, answer_unavailable);
	verdict = probe("fcgi://127.0.0.1:%u/ping", &peer, 50 * MS, NULL);
	assert_verdict(&verdict, false, "no answer within 50ms");
	stop_peer(&peer);
	start_peer(&peer, NULL, 8, answer_banner);
	verdict = probe("fcgi://127.0.0.1:%u/ping", &peer, LONG, NULL);
	assert_verdict(&verdict, false, "the answer is not FastCGI");
	stop_peer(&peer);
}

static void test_probe_connections_are_enough_for_tcp_and_unix(void **state)
{
	char target[256], reason[256], path[108];
	struct probe_verdict verdict;
	struct peer peer;

	(void)state;
	start_peer(&peer, NULL, 8, NULL);
	verdict = probe("tcp://127.0.0.1:%u", &peer, LONG, NULL);
	(void)snprintf(reason, sizeof(reason), "connected to 127.0.0.1:%u", peer.port);
	assert_verdict(&verdict, true, reason);
	stop_peer(&peer);
	verdict = probe("tcp://127.0.0.1:%u", &peer, LONG, NULL);
	(void)snprintf(
		reason, sizeof(reason), "connect to 127.0.0.1:%u: Connection refused", peer.port);
	assert_verdict(&verdict, false, reason);

	/* As long as a path can be. */
	unit_path(path, sizeof(path), "socket");
	memset(path + strlen(path), 's', sizeof(path) - 1 - strlen(path));
	path[107] = '\0';
	start_peer(&peer, path, 8, NULL);
	(void)snprintf(target, sizeof(target), "unix:%s", path);
	verdict = probe(target, NULL, LONG, NULL);
	(void)snprintf(reason, sizeof(reason), "connected to %s", path);
	assert_verdict(&verdict, true, reason);
	stop_peer(&peer);
	verdict = probe(target, NULL, LONG, NULL);
	(void)snprintf(reason, sizeof(reason), "connect to %s: Connection refused", path);
	assert_verdict(&verdict, false, reason);
	assert_int_equal(unlink(path), 0);
	verdict = probe(target, NULL, LONG, NULL);
	(void)snprintf(reason, sizeof(reason), "connect to %s: No such file or directory", path);
	assert_verdict(&verdict, false, reason);
	verdict = probe("unix:@husk-test-nobody", NULL, LONG, NULL);
	assert_verdict(&verdict, false, "connect to @husk-test-nobody: Connection refused");
}

/* A server that does not accept what waits for it. */
static void test_probe_unix_queue_full_is_waited_for(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0husk-test-full"};
	socklen_t size = offsetof(struct sockaddr_un, sun_path) + 15;
	struct probe_verdict verdict;
	struct peer peer;
	int waiting;

	(void)state;
	start_peer(&peer, "@husk-test-full", 0, NULL);
	waiting = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(waiting, (struct sockaddr *)&address, size), 0);
	verdict = probe("unix:@husk-test-full", NULL, 50 * MS, NULL);
	assert_verdict(
		&verdict, false, "connect to @husk-test-full: Resource temporarily unavailable");
	close(waiting);
	stop_peer(&peer);
}

static void test_probe_own_port_is_nobody(void **state)
{
	struct probe_verdict verdict;
	struct peer peer;
	char reason[100];

	(void)state;
	start_peer(&peer, NULL, 8, NULL);
	stop_peer(&peer);
	connect_to_itself = true;
	verdict = probe("tcp://127.0.0.1:%u", &peer, LONG, NULL);
	connect_to_itself = false;
	(void)snprintf(
		reason, sizeof(reason), "connect to 127.0.0.1:%u: Connection refused", peer.port);
	assert_verdict(&verdict, false, reason);
}

static void write_hosts(const char *text)
{
	FILE *file = fopen(file_path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Time stands still, so that a slow machine is no matter: what is left is waited for by itself. */
static void test_probe_addresses_share_the_time(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct probe_verdict verdict;
	struct peer hole, peer;
	char reason[100];

	(void)state;
	start_peer(&hole, NULL, 0, NULL);
	black_hole = (uint16_t)hole.port;
	address.sin_port = htons(black_hole);
	assert_int_equal(connect(waiting, (struct sockaddr *)&address, sizeof(address)), 0);
	start_peer(&peer, NULL, 8, NULL);
	clock_at = 1;
	write_hosts("127.0.0.2 both\n127.0.0.1 both\n127.0.0.2 other\n");
	verdict = probe("tcp://both:%u", &peer, 40 * MS, NULL);
	(void)snprintf(reason, sizeof(reason), "connected to 127.0.0.1:%u", peer.port);
	assert_verdict(&verdict, true, reason);
	verdict = probe("tcp://other:%u", &peer, 40 * MS, NULL);
	(void)snprintf(reason, sizeof(reason), "connect to 127.0.0.2:%u: timed out", peer.port);
	assert_verdict(&verdict, false, reason);
	clock_at = 0;
	close(waiting);
	stop_peer(&hole);
	stop_peer(&peer);
	assert_int_equal(unlink(file_path), 0);
}

static void test_probe_file_is_there_or_not(void **state)
{
	struct probe_verdict verdict;
	char target[300];

	(void)state;
	(void)snprintf(target, sizeof(target), "file:%s", file_path);
	verdict = probe(target, NULL, LONG, NULL);
	assert_verdict(&verdict, false, "No such file or directory");
	make_file();
	verdict = probe(target, NULL, LONG, NULL);
	assert_verdict(&verdict, true, "it is there");
	assert_int_equal(unlink(file_path), 0);
}

static void test_until_healthy_returns_at_once(void **state)
{
	struct probe_target target;
	struct probe_request request = {.target = &target, .timeout = 1000 * MS};
	struct probe_verdict verdict;
	char text[300];

	(void)state;
	(void)snprintf(text, sizeof(text), "file:%s", file_path);
	assert_int_equal(probe_parse(text, &target, NULL), 0);
	clock_at = 1;
	pauses = 0;
	file_after = 4;
	probe_until(&request, 1 + LONG, &verdict);
	assert_verdict(&verdict, true, "it is there");
	assert_int_equal(pauses, 4);
	/* 10, 20, 40, 80 ms */
	assert_int_equal(clock_at, 1 + 150 * MS);
	probe_until(&request, 1 + LONG, &verdict);
	assert_int_equal(pauses, 4);
	assert_int_equal(unlink(file_path), 0);
	/* The pause grows no longer than a quarter of a second or so. */
	file_after = pauses + 100;
	probe_until(&request, 1 + LONG, &verdict);
	assert_true(clock_at < 100 * 350 * MS);
	assert_int_equal(unlink(file_path), 0);
	/* Not there in time. */
	file_after = 0;
	pauses = 0;
	clock_at = 1;
	probe_until(&request, 1 + 100 * MS, &verdict);
	assert_verdict(&verdict, false, "No such file or directory");
	assert_int_equal(pauses, 3);
	assert_true(clock_at <= 1 + 100 * MS);
	clock_at = 0;
}

/* The last try, of less than its time, says nothing that is worth more than what the one before
 * said. */
static void test_until_cut_short_tells_the_whole_try(void **state)
{
	struct probe_target target;
	struct probe_request request = {.target = &target, .timeout = 200 * MS};
	struct probe_verdict verdict;
	struct peer peer;
	char text[64];

	(void)state;
	start_peer(&peer, NULL, 8, answer_never);
	(void)snprintf(text, sizeof(text), "http://127.0.0.1:%u", peer.port);
	assert_int_equal(probe_parse(text, &target, NULL), 0);
	probe_until(&request, sys_now() + 300 * MS, &verdict);
	assert_verdict(&verdict, false, "no answer within 200ms");
	probe_until(&request, sys_now() + 50 * MS, &verdict);
	assert_false(verdict.healthy);
	assert_non_null(strstr(verdict.reason, "no answer within "));
	stop_peer(&peer);
}

static int set_up(void **state)
{
	(void)state;
	unit_path(file_path, sizeof(file_path), "probed");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe_http_answers_are_judged),
		cmocka_unit_test(test_probe_http_silence_is_bounded),
		cmocka_unit_test(test_probe_http_body_is_taken_where_wanted),
		cmocka_unit_test(test_probe_http_page_is_not_cut_off),
		cmocka_unit_test(test_probe_expected_statuses_are_healthy),
		cmocka_unit_test(test_probe_fcgi_answers_are_judged),
		cmocka_unit_test(test_probe_connections_are_enough_for_tcp_and_unix),
		cmocka_unit_test(test_probe_unix_queue_full_is_waited_for),
		cmocka_unit_test(test_probe_own_port_is_nobody),
		cmocka_unit_test(test_probe_addresses_share_the_time),
		cmocka_unit_test(test_probe_file_is_there_or_not),
		cmocka_unit_test(test_until_healthy_returns_at_once),
		cmocka_unit_test(test_until_cut_short_tells_the_whole_try),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
