#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/sys.h"
#include "init/relay.h"
#include "init/relay_line.h"

enum { PATIENCE_MS = 120000, STREAMS_MAX = 24, OUT_MAX = 16 << 20 };

/* ---- a relay that is killed at its n-th system call, before it or after it ---- */

static struct {
	unsigned kill_at; /* 0: never */
	unsigned count;
	bool after;
} * killing;

static bool is_relay;

static void may_die(bool after)
{
	if (!is_relay)
		return;
	if (!after)
		killing->count++;
	if (killing->count == killing->kill_at && after == killing->after)
		(void)kill(getpid(), SIGKILL);
}

#define WRAP(type, name, parameters, arguments) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		type result; \
		may_die(false); \
		result = __real_##name arguments; \
		may_die(true); \
		return result; \
	}
WRAP(ssize_t, sys_read, (int fd, void *data, size_t size), (fd, data, size))
WRAP(ssize_t, sys_write, (int fd, const void *data, size_t size), (fd, data, size))
WRAP(int, sys_unread, (int fd), (fd))
WRAP(int, sys_epoll_wait, (int epoll, struct epoll_event *events, int max, int timeout_ms),
	(epoll, events, max, timeout_ms))

/* splice(2) may be missing. */
static bool no_splice;
ssize_t __real_sys_splice(int from, int to, size_t size);
ssize_t __wrap_sys_splice(int from, int to, size_t size);
ssize_t __wrap_sys_splice(int from, int to, size_t size)
{
	ssize_t result;

	if (no_splice) {
		errno = ENOSYS;
		return -1;
	}
	may_die(false);
	result = __real_sys_splice(from, to, size);
	may_die(true);
	return result;
}

/* ---- the other side ---- */

struct bench {
	struct relay relay;
	struct relay_stream streams[STREAMS_MAX];
	char names[STREAMS_MAX][16];
	int outputs[2]; /* what the relay writes to comes out here; -1: nothing is read */
	pid_t pid;
	char *text[2];
	size_t len[2];
};

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	killing = mmap(
		NULL, sizeof(*killing), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (bench == NULL || killing == MAP_FAILED)
		return -1;
	no_splice = false;
	for (unsigned i = 0; i < 2; i++) {
		bench->outputs[i] = bench->relay.outputs[i] = -1;
		bench->text[i] = malloc(OUT_MAX);
		if (bench->text[i] == NULL)
			return -1;
	}
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;
	bool left = bench->pid > 0;

	if (left) {
		(void)kill(bench->pid, SIGKILL);
		(void)waitpid(bench->pid, NULL, 0);
	}
	relay_fini(&bench->relay);
	for (unsigned i = 0; i < 2; i++) {
		(void)close(bench->outputs[i]);
		(void)close(bench->relay.outputs[i]);
		free(bench->text[i]);
	}
	free(bench);
	(void)munmap(killing, sizeof(*killing));
	return left ? -1 : 0;
}

static void make_pipe(int ends[2])
{
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
}

/* `count` services, of which every other stream is a standard error. */
static void make(struct bench *bench, unsigned count, bool json)
{
	struct err err;

	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(bench->names[i], sizeof(bench->names[i]), "s%u", i / 2);
		bench->streams[i] = (struct relay_stream){
			.service = bench->names[i],
			.output = i % 2 == 0 ? RELAY_OUT : RELAY_ERR,
			.json = json,
		};
	}
	bench->relay.streams = bench->streams;
	bench->relay.count = count;
	for (unsigned i = 0; i < 2; i++) {
		int ends[2];

		if (bench->relay.outputs[i] != -1)
			continue;
		make_pipe(ends);
		assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
		bench->outputs[i] = ends[0];
		bench->relay.outputs[i] = ends[1];
	}
	assert_int_equal(relay_init(&bench->relay, &err), 0);
}

static void start(struct bench *bench)
{
	bench->pid = fork();
	if (bench->pid == 0) {
		is_relay = true;
		relay_run(&bench->relay);
	}
	assert_true(bench->pid > 0);
}

static void put(const struct bench *bench, unsigned stream, const char *text, size_t len)
{
	assert_int_equal(write(bench->streams[stream].ends[1], text, len), len);
}

static void put_text(const struct bench *bench, unsigned stream, const char *text)
{
	put(bench, stream, text, strlen(text));
}

/* Takes what there is. */
static void take(struct bench *bench, unsigned output)
{
	ssize_t got;

	do {
		assert_true(bench->len[output] < OUT_MAX - 1);
		got = read(bench->outputs[output], bench->text[output] + bench->len[output],
			OUT_MAX - 1 - bench->len[output]);
		if (got > 0)
			bench->len[output] += (size_t)got;
	} while (got > 0);
	bench->text[output][bench->len[output]] = '\0';
}

static void await_output(struct bench *bench, unsigned output, int timeout_ms)
{
	struct pollfd fd = {.fd = bench->outputs[output], .events = POLLIN};

	if (fd.fd == -1)
		return;
	(void)poll(&fd, 1, timeout_ms);
	take(bench, output);
}

static void expect(struct bench *bench, unsigned output, const char *wanted)
{
	for (int waited = 0; bench->len[output] < strlen(wanted); waited += 1000) {
		if (waited > PATIENCE_MS)
			fail_msg("only \"%s\" has come", bench->text[output]);
		await_output(bench, output, 1000);
	}
	assert_string_equal(bench->text[output], wanted);
	bench->len[output] = 0;
}

static void kill_relay(struct bench *bench)
{
	int status;

	assert_int_equal(kill(bench->pid, SIGKILL), 0);
	assert_int_equal(waitpid(bench->pid, &status, 0), bench->pid);
	bench->pid = 0;
}

/* False where it has ended by itself, as it should. */
static bool reap(struct bench *bench, int flags)
{
	int status;
	pid_t pid = waitpid(bench->pid, &status, flags);

	if (pid == 0)
		return true;
	assert_int_equal(pid, bench->pid);
	bench->pid = 0;
	if (WIFEXITED(status)) {
		assert_int_equal(WEXITSTATUS(status), 0);
		return false;
	}
	assert_int_equal(WTERMSIG(status), SIGKILL);
	start(bench);
	return true;
}

/* Nobody writes any more: what there is comes out, and the relay ends. */
static void finish(struct bench *bench)
{
	relay_close(&bench->relay);
	for (int waited = 0; reap(bench, WNOHANG); waited++) {
		assert_true(waited < PATIENCE_MS);
		await_output(bench, 0, 1);
		await_output(bench, 1, 0);
	}
	await_output(bench, 0, 0);
	await_output(bench, 1, 0);
	assert_true(relay_is_empty(&bench->relay));
}

static void test_lines_go_to_the_output_of_their_stream(void **state)
{
	struct bench *bench = *state;

	make(bench, 4, false);
	start(bench);
	put_text(bench, 0, "one\ntw");
	expect(bench, 0, "s0 | one\n");
	put_text(bench, 2, "other\n");
	expect(bench, 0, "s1 | other\n");
	put_text(bench, 3, "wrong\n");
	expect(bench, 1, "s1 | wrong\n");
	put_text(bench, 0, "o\n\n");
	expect(bench, 0, "s0 | two\ns0 | \n");
	finish(bench);
	assert_int_equal(bench->len[0], 0);
	assert_int_equal(bench->len[1], 0);
}

static void test_json_names_service_and_stream(void **state)
{
	struct bench *bench = *state;
	const char *found;

	make(bench, 2, true);
	start(bench);
	put_text(bench, 1, "a \"b\"\n");
	finish(bench);
	found = strstr(bench->text[1],
		"\"service\":\"s0\",\"stream\":\"stderr\",\"message\":\"a \\\"b\\\"\"}\n");
	assert_non_null(found);
}

static void test_end_last_line_without_newline_gets_one(void **state)
{
	struct bench *bench = *state;

	make(bench, 2, false);
	start(bench);
	put_text(bench, 0, "a\nend");
	expect(bench, 0, "s0 | a\n");
	assert_false(relay_is_empty(&bench->relay));
	finish(bench);
	assert_string_equal(bench->text[0], "s0 | end\n");
}

static void test_end_without_any_line_relay_leaves(void **state)
{
	struct bench *bench = *state;

	make(bench, 8, false);
	assert_true(relay_is_empty(&bench->relay));
	start(bench);
	finish(bench);
	assert_int_equal(bench->len[0] + bench->len[1], 0);
}

/* A process that a service has left behind has the pipe open still. */
static void test_end_waits_for_the_last_writer(void **state)
{
	struct bench *bench = *state;
	int other;

	make(bench, 2, false);
	start(bench);
	other = dup(bench->streams[0].ends[1]);
	relay_close(&bench->relay);
	assert_int_equal(write(other, "late\n", 5), 5);
	expect(bench, 0, "s0 | late\n");
	close(other);
	finish(bench);
}

static void test_killed_half_a_line_is_kept_for_the_next(void **state)
{
	struct bench *bench = *state;

	make(bench, 2, false);
	start(bench);
	put_text(bench, 0, "a\nbegin");
	expect(bench, 0, "s0 | a\n");
	kill_relay(bench);
	put_text(bench, 0, " mid");
	start(bench);
	put_text(bench, 1, "b\n");
	expect(bench, 1, "s0 | b\n");
	kill_relay(bench);
	assert_false(relay_is_empty(&bench->relay));
	put_text(bench, 0, " end\n");
	start(bench);
	expect(bench, 0, "s0 | begin mid end\n");
	finish(bench);
}

static void test_line_of_a_service_that_has_ended_is_ended(void **state)
{
	struct bench *bench = *state;

	make(bench, 4, false);
	put_text(bench, 0, "half");
	/* It may have its newline yet. */
	assert_false(relay_end_line(&bench->relay, 0));
	assert_true(relay_end_line(&bench->relay, 2));
	start(bench);
	for (int waited = 0; !relay_end_line(&bench->relay, 0); waited++) {
		assert_true(waited < PATIENCE_MS);
		(void)poll(NULL, 0, 1);
	}
	expect(bench, 0, "s0 | half\n");
	finish(bench);
	assert_true(relay_end_line(&bench->relay, 0));
	assert_int_equal(bench->len[0], 0);
}

/* No signal but KILL, and no descriptor that it has no need of. */
static void test_process_takes_no_signal_and_keeps_no_descriptor(void **state)
{
	struct bench *bench = *state;
	int ends[2];
	char byte;

	make_pipe(ends);
	make(bench, 2, false);
	start(bench);
	close(ends[1]);
	/* Comes to its end only when the relay has closed its copy. */
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
	put_text(bench, 0, "a\n");
	expect(bench, 0, "s0 | a\n");
	for (int number = 1; number < 32; number++) {
		if (number != SIGKILL && number != SIGSTOP)
			assert_int_equal(kill(bench->pid, number), 0);
	}
	put_text(bench, 0, "b\n");
	expect(bench, 0, "s0 | b\n");
	assert_int_equal(getpgid(bench->pid), bench->pid);
	finish(bench);
}

/* How many bytes that took. */
static size_t fill(int fd)
{
	static const char block[4096];
	int flags = fcntl(fd, F_GETFL);
	size_t len = 0;

	assert_int_equal(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
	while (write(fd, block, sizeof(block)) > 0)
		len += sizeof(block);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fcntl(fd, F_SETFL, flags), 0);
	return len;
}

static void test_output_full_the_other_goes_on(void **state)
{
	struct bench *bench = *state;

	size_t filled;

	make(bench, 2, false);
	filled = fill(bench->relay.outputs[0]);
	start(bench);
	put_text(bench, 0, "waits\n");
	for (unsigned i = 0; i < 100; i++) {
		put_text(bench, 1, "goes\n");
		expect(bench, 1, "s0 | goes\n");
	}
	/* Killed while it waits, the next has the line. */
	kill_relay(bench);
	assert_false(relay_is_empty(&bench->relay));
	start(bench);
	put_text(bench, 0, "waits too\n");
	finish(bench);
	assert_string_equal(bench->text[0] + filled, "s0 | waits\ns0 | waits too\n");
}

/* The writer waits when its pipe is full; nothing is dropped. */
static void test_output_full_the_writer_waits(void **state)
{
	struct bench *bench = *state;
	static const char line[] = "123456789 123456789 123456789 123456789 123456789\n";
	unsigned written = 0, lines = 0;
	size_t filled;
	int fd;

	make(bench, 2, false);
	filled = fill(bench->relay.outputs[0]);
	start(bench);
	fd = bench->streams[0].ends[1];
	assert_int_equal(fcntl(fd, F_SETFL, O_WRONLY | O_NONBLOCK), 0);
	for (int quiet = 0; quiet < 20;) {
		if (write(fd, line, sizeof(line) - 1) > 0) {
			written++;
			quiet = 0;
		} else {
			assert_int_equal(errno, EAGAIN);
			(void)poll(NULL, 0, 5);
			quiet++;
		}
	}
	/* Two pipes of it and a turn at most. */
	assert_true(written * (sizeof(line) - 1) <= 4 * 65536);
	finish(bench);
	for (const char *at = bench->text[0] + filled; (at = strstr(at, line)); at++)
		lines++;
	assert_int_equal(lines, written);
}

static void test_output_without_a_reader_is_dropped(void **state)
{
	struct bench *bench = *state;

	make(bench, 2, false);
	close(bench->outputs[0]);
	bench->outputs[0] = -1;
	start(bench);
	for (unsigned i = 0; i < 100; i++)
		put_text(bench, 0, "nobody reads this\n");
	put_text(bench, 1, "a\n");
	expect(bench, 1, "s0 | a\n");
	finish(bench);
}

static void test_output_socket_and_file_are_written(void **state)
{
	struct bench *bench = *state;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	bench->outputs[0] = ends[0];
	bench->relay.outputs[0] = ends[1];
	bench->relay.outputs[1] = unit_file();
	make(bench, 2, false);
	start(bench);
	put_text(bench, 0, "to a socket\n");
	put_text(bench, 1, "to a file\n");
	expect(bench, 0, "s0 | to a socket\n");
	finish(bench);
	assert_int_equal(pread(bench->relay.outputs[1], bench->text[1], 100, 0), 15);
	assert_memory_equal(bench->text[1], "s0 | to a file\n", 15);
}

static void test_without_splice_lines_go_all_the_same(void **state)
{
	struct bench *bench = *state;
	char line[10001];

	no_splice = true;
	memset(line, 'x', sizeof(line));
	line[10000] = '\n';
	make(bench, 2, false);
	start(bench);
	put_text(bench, 1, "a\n");
	expect(bench, 1, "s0 | a\n");
	put(bench, 0, line, sizeof(line));
	finish(bench);
	assert_int_equal(bench->len[0], 10006);
	assert_int_equal(bench->text[0][10005], '\n');
}

static pid_t flood(int fd)
{
	pid_t pid = fork();

	while (pid == 0) {
		if (write(fd, "a line of a service that never stops to write\n", 46) < 0)
			_exit(0);
	}
	return pid;
}

/* Between two lines of one service each other one gets its turn. */
static void test_flood_does_not_starve_others(void **state)
{
	struct bench *bench = *state;
	pid_t pid;

	make(bench, 20, false);
	pid = flood(bench->streams[0].ends[1]);
	start(bench);
	for (unsigned round = 0; round < 50; round++) {
		size_t total = 0;
		bool found = false;

		put_text(bench, 18, "quiet\n");
		for (int waited = 0; !found; waited++) {
			assert_true(waited < PATIENCE_MS);
			bench->len[0] = 0;
			await_output(bench, 0, 1000);
			total += bench->len[0];
			/* It may be cut where we read. */
			found = strstr(bench->text[0], "quiet\n") != NULL ||
				strstr(bench->text[0], "s9 | ") != NULL;
		}
		/* What stood before it in the pipes and in memory, and one turn. */
		assert_true(total < 6 * 65536);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	bench->len[0] = 0;
	finish(bench);
}

/* ---- nothing is lost, nothing comes twice ---- */

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 8;
}

static size_t line_length(unsigned *seed)
{
	unsigned kind = next_random(seed) % 100;

	if (kind < 80)
		return next_random(seed) % 100;
	if (kind < 98)
		return next_random(seed) % 6000;
	return next_random(seed) % 150000;
}

/* "N xxx...", for each N. */
static size_t make_line(char *out, unsigned number, unsigned *seed)
{
	size_t len = (size_t)sprintf(out, "%u ", number), more = line_length(seed);

	memset(out + len, 'x', more);
	out[len + more] = '\n';
	return len + more + 1;
}

static void write_lines(int fd, unsigned lines, unsigned seed)
{
	char *line = malloc(200000);
	unsigned size_seed = seed + 1;

	for (unsigned n = 0; line != NULL && n < lines; n++) {
		size_t len = make_line(line, n, &seed);

		for (size_t done = 0; done < len;) {
			size_t piece = 1 + next_random(&size_seed) % 9000;
			ssize_t size =
				write(fd, line + done, len - done < piece ? len - done : piece);

			if (size < 0)
				_exit(1);
			done += (size_t)size;
		}
	}
	_exit(line == NULL);
}

/* What a stream wrote, put together from the lines of its output. */
static size_t collect(const struct bench *bench, unsigned stream, char *out)
{
	const char *at = bench->text[stream % 2], *end;
	size_t name_len = strlen(bench->names[stream]), len = 0;

	for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		const char *body = at + name_len + 3;

		if (strncmp(at, bench->names[stream], name_len) != 0 || at[name_len] != ' ')
			continue;
		/* The piece before went on here. */
		if (at[name_len + 1] == '+')
			len--;
		memcpy(out + len, body, (size_t)(end - body) + 1);
		len += (size_t)(end - body) + 1;
	}
	assert_int_equal(*at, '\0');
	return len;
}

static void is_whole(const struct bench *bench, unsigned stream, unsigned lines, unsigned seed)
{
	char *got = malloc(OUT_MAX), *line = malloc(200000);
	size_t len, at = 0;

	assert_non_null(got);
	assert_non_null(line);
	len = collect(bench, stream, got);
	for (unsigned n = 0; n < lines; n++) {
		size_t line_len = make_line(line, n, &seed);

		if (at + line_len > len || memcmp(got + at, line, line_len) != 0)
			fail_msg("stream %u: line %u is not what was written", stream, n);
		at += line_len;
	}
	assert_int_equal(at, len);
	free(got);
	free(line);
}

static void wait_for(const pid_t *pids, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

/* Several writers, and a relay that is killed again and again, at any instant. */
static void test_killed_at_random_nothing_lost_nothing_twice(void **state)
{
	enum { WRITERS = 6, LINES = 1500 };
	struct bench *bench = *state;
	pid_t pids[WRITERS];
	unsigned seed = 3, kills = 0;
	struct timespec begin, now;

	make(bench, WRITERS, false);
	for (unsigned i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			int fd = dup(bench->streams[i].ends[1]);

			relay_close(&bench->relay);
			write_lines(fd, LINES, 100 + i);
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	start(bench);
	relay_close(&bench->relay);
	for (int waited = 0; reap(bench, WNOHANG); waited++) {
		struct timespec pause = {.tv_nsec = next_random(&seed) % 16384 * 100};

		assert_true(waited < PATIENCE_MS);
		(void)nanosleep(&pause, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
		/* Not for ever: under a sanitizer each fork takes its time. */
		if (now.tv_sec - begin.tv_sec < 10 || kills < 50) {
			int status;

			(void)kill(bench->pid, SIGKILL);
			assert_int_equal(waitpid(bench->pid, &status, 0), bench->pid);
			bench->pid = 0;
			kills += WIFSIGNALED(status);
			start(bench);
		}
		await_output(bench, 0, next_random(&seed) % 2);
		await_output(bench, 1, 0);
	}
	await_output(bench, 0, 0);
	await_output(bench, 1, 0);
	wait_for(pids, WRITERS);
	for (unsigned i = 0; i < WRITERS; i++)
		is_whole(bench, i, LINES, 100 + i);
	assert_true(kills > 10);
}

static const char *const script[] = {"a\nb", "c\n", "\n", NULL, "d"};

/* Each system call of the relay in turn is its last one. True where it came to that. */
static bool run_script(struct bench *bench, unsigned kill_at, bool after)
{
	char longer[12001];
	bool killed;

	killing->kill_at = kill_at;
	killing->count = 0;
	killing->after = after;
	bench->len[0] = bench->len[1] = 0;
	memset(longer, 'l', sizeof(longer));
	longer[sizeof(longer) - 1] = '\n';
	make(bench, 2, false);
	start(bench);
	for (size_t i = 0; i < COUNT(script); i++) {
		if (script[i] != NULL)
			put_text(bench, 0, script[i]);
		else
			put(bench, 0, longer, sizeof(longer));
	}
	finish(bench);
	killed = killing->count >= kill_at;
	relay_fini(&bench->relay);
	for (unsigned i = 0; i < 2 && bench->outputs[i] != -1; i++) {
		close(bench->outputs[i]);
		close(bench->relay.outputs[i]);
		bench->outputs[i] = bench->relay.outputs[i] = -1;
	}
	return killed;
}

static void test_killed_at_each_call_nothing_lost_nothing_twice(void **state)
{
	struct bench *bench = *state;
	unsigned most = 0;

	for (unsigned after = 0; after < 2; after++) {
		for (unsigned nth = 1; run_script(bench, nth, after); nth++) {
			const char *text = bench->text[0];
			size_t len = strlen("s0 | a\ns0 | bc\ns0 | \ns0 | ");

			assert_int_equal(bench->len[0], len + 12001 + strlen("s0 | d\n"));
			assert_memory_equal(text, "s0 | a\ns0 | bc\ns0 | \ns0 | ", len);
			assert_int_equal(strspn(text + len, "l"), 12000);
			assert_string_equal(text + len + 12000, "\ns0 | d\n");
			most = nth > most ? nth : most;
		}
	}
	assert_true(most > 30);
}

/* How far a write to a file came nobody knows: something may come twice, but nothing is lost. */
static void test_killed_at_each_call_file_nothing_lost(void **state)
{
	struct bench *bench = *state;
	bool more = true;

	for (unsigned nth = 1; more; nth++) {
		int file = unit_file();
		ssize_t got;

		bench->relay.outputs[0] = file;
		more = run_script(bench, nth, true);
		got = pread(file, bench->text[0], OUT_MAX - 1, 0);
		assert_true(got > 12000);
		bench->text[0][got] = '\0';
		assert_non_null(strstr(bench->text[0], "s0 | a\ns0 | bc\ns0 | \n"));
		assert_non_null(strstr(bench->text[0], "l\ns0 | d\n"));
		close(file);
		bench->relay.outputs[0] = -1;
		close(bench->outputs[1]);
		close(bench->relay.outputs[1]);
		bench->outputs[1] = bench->relay.outputs[1] = -1;
	}
}

/* Memory is touched where lines are, and there only. */
static void test_memory_of_many_streams_is_not_touched(void **state)
{
	struct bench *bench = *state;
	unsigned char pages[64];
	unsigned touched = 0;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), span = COUNT(pages) * page;

	make(bench, 20, false);
	assert_true(bench->relay.memory_size >= 20 * RELAY_LINE_MAX);
	start(bench);
	for (unsigned i = 0; i < 20; i += 2)
		put_text(bench, i, "a line\n");
	while (bench->len[0] < 10 * strlen("s0 | a line\n"))
		await_output(bench, 0, 1000);
	finish(bench);
	for (size_t at = 0; at + span <= bench->relay.memory_size; at += span) {
		assert_int_equal(mincore((char *)bench->relay.memory + at, span, pages), 0);
		for (size_t i = 0; i < COUNT(pages); i++)
			touched += pages[i] & 1;
	}
	assert_true(touched < 16);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_lines_go_to_the_output_of_their_stream),
		TEST(test_json_names_service_and_stream),
		TEST(test_end_last_line_without_newline_gets_one),
		TEST(test_end_without_any_line_relay_leaves),
		TEST(test_end_waits_for_the_last_writer),
		TEST(test_killed_half_a_line_is_kept_for_the_next),
		TEST(test_line_of_a_service_that_has_ended_is_ended),
		TEST(test_process_takes_no_signal_and_keeps_no_descriptor),
		TEST(test_output_full_the_other_goes_on),
		TEST(test_output_full_the_writer_waits),
		TEST(test_output_without_a_reader_is_dropped),
		TEST(test_output_socket_and_file_are_written),
		TEST(test_without_splice_lines_go_all_the_same),
		TEST(test_flood_does_not_starve_others),
		TEST(test_killed_at_random_nothing_lost_nothing_twice),
		TEST(test_killed_at_each_call_nothing_lost_nothing_twice),
		TEST(test_killed_at_each_call_file_nothing_lost),
		TEST(test_memory_of_many_streams_is_not_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
