/*
 * Readiness and health, with the static husk as PID 1. Services are the testchild's `steps`; what
 * they are to wait for are files in a folder of the test's own.
 */
#include "pid1/pid1.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char folder[128];

static const char *inside(const char *name)
{
	static char paths[4][512];
	static unsigned next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static int set_up(void **state)
{
	(void)unit_path(folder, sizeof(folder), "husk-ready-XXXXXX");
	return mkdtemp(folder) && pid1_set_up(state) == 0 ? 0 : -1;
}

/* Flat, as the tests leave it. */
static int tear_down(void **state)
{
	int result = pid1_tear_down(state);
	DIR *dir = opendir(folder);

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		(void)unlink(inside(entry->d_name));
	if (dir)
		closedir(dir);
	return rmdir(folder) == 0 ? result : -1;
}

static void make(const char *name)
{
	int fd = open(inside(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	close(fd);
}

/* Of `text`, @ is the testchild, ~ the folder, ^ husk itself. */
static void write_config(const char *text)
{
	int fd = open(inside("husk.yaml"), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_true(dprintf(fd, "version: 1\ngrace: 10h\nservices:\n") > 0);
	for (; *text; text++) {
		const char *put = *text == '@'   ? pid1_child()
				  : *text == '~' ? folder
				  : *text == '^' ? pid1_husk()
						 : NULL;

		assert_true(put ? dprintf(fd, "%s", put) > 0 : write(fd, text, 1) == 1);
	}
	close(fd);
}

static void start_with(struct pid1 *pid1, const char *text, const char *const *environment)
{
	const struct pid1_options options = {.environment = environment};

	write_config(text);
	pid1_start(pid1, &options, WORDS("-c", inside("husk.yaml")));
}

static void start(struct pid1 *pid1, const char *text)
{
	start_with(pid1, text, (const char *const[]){"PATH=/usr/bin:/bin", "HUSK_LOG=info", NULL});
}

static void expect_no_error(const struct pid1 *pid1, const char *text)
{
	if (strstr(pid1->errors, text))
		fail_msg("\"%s\" is in:\n%s", text, pid1->errors);
}

static void stop(struct pid1 *pid1, int status)
{
	pid1_kill(pid1, SIGTERM);
	pid1_finish(pid1, status);
}

#define STEPS(name, steps, more) "  " name ": {command: [@, steps, " steps "]" more "}\n"
#define AFTER(other)             STEPS("next", "say=next", ", after: " other)

/* What comes after it is not started before: "ready" is said first. */
static void check_order(struct pid1 *pid1, const char *text)
{
	start(pid1, text);
	pid1_expect(pid1, "up");
	make("go");
	pid1_expect(pid1, "ready");
	pid1_expect(pid1, "next");
	stop(pid1, 0);
	pid1_expect_error(pid1, "one: ready");
	pid1_expect_error(pid1, "one: killed by SIGTERM");
}

/* The child of husk that is not the service. */
static pid_t find_helper(const struct pid1 *pid1, pid_t except)
{
	pid_t service = pid1_await_child(pid1->pid);

	for (int64_t i = 0; i < PID1_PATIENCE * 1000; i++) {
		char path[64];
		FILE *file;
		int pid = 0;

		(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid1->pid,
			(int)pid1->pid);
		file = fopen(path, "re");
		assert_non_null(file);
		while (fscanf(file, "%d", &pid) == 1) {
			if (pid != service && pid != except)
				break;
			pid = 0;
		}
		(void)fclose(file);
		if (pid != 0)
			return pid;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	fail_msg("no helper");
	return 0;
}

/* One that looks at the memory cgroup comes and goes: a helper that waits stands still. */
static pid_t find_waiting_helper(const struct pid1 *pid1, pid_t except)
{
	for (;;) {
		pid_t pid = find_helper(pid1, except), again;

		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
		again = find_helper(pid1, except);
		if (pid == again)
			return pid;
	}
}

/* Once it has taken the signal. */
static bool is_stopped(pid_t pid)
{
	char path[64], text[512] = "", *end;
	FILE *file;

	nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	(void)fclose(file);
	end = strrchr(text, ')');
	return end && end[1] && end[2] == 'T';
}

/* ---- sd_notify(3) ---- */

static void test_notify_ready_starts_what_comes_after(void **state)
{
	check_order(*state, STEPS("one",
				    "say=up, 'send=STATUS=wait', 'await=~/go', say=ready, "
				    "'send=STATUS=now%nREADY=1%n'",
				    ", ready: notify") AFTER("one"));
}

static void check_mode(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0777);
}

static void test_notify_path_socket_made_and_removed(void **state)
{
	struct pid1 *pid1 = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* One that somebody has left there. */
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", inside("socket"));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	start(pid1, STEPS("one", "'send=READY=1'", ", ready: 'notify:~/socket'") AFTER("one"));
	pid1_expect(pid1, "next");
	check_mode(inside("socket"));
	stop(pid1, 0);
	assert_int_equal(access(inside("socket"), F_OK), -1);
}

static void test_notify_path_that_cannot_be_refused_at_the_start(void **state)
{
	struct pid1 *pid1 = *state;

	make("socket");
	start(pid1, STEPS("one", "say=up", ", ready: 'notify:~/socket'"));
	pid1_finish(pid1, 78);
	pid1_expect_error(pid1, "services.one.ready: cannot make the socket");
	pid1_expect_error(pid1, "in use");
	assert_int_equal(access(inside("socket"), F_OK), 0);
	start(pid1, STEPS("one", "say=up", ", ready: 'notify:relative'"));
	pid1_finish(pid1, 78);
	pid1_expect_error(pid1, "husk.yaml:4:");
	pid1_expect_error(pid1, "services.one.ready: the path of a socket begins with /");
	start(pid1, STEPS("one", "say=up", ", ready: 'notify:~/both'")
			    STEPS("two", "say=up", ", ready: 'notify:~/both'"));
	pid1_finish(pid1, 78);
	pid1_expect_error(pid1, "services.two.ready: ");
	pid1_expect_error(pid1, "/both is the socket of one");
}

static void test_notify_not_ready_in_time_ends_with_124(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, STEPS("one", "'send=STATUS=no database'",
			    ", ready: {probe: notify, timeout: 3s}, main: true"));
	pid1_finish(pid1, 124);
	pid1_expect_error(pid1, "one: not ready in 3s: no READY=1 came; its status: no database");
	start(pid1, STEPS("one", "say=up", ", ready: {probe: notify, timeout: 10ms}, main: true"));
	pid1_finish(pid1, 124);
	pid1_expect_error(pid1, "one: not ready in 10ms: no READY=1 came");
}

/* The message of one that has ended before is not its own, nor is that of one that runs. */
static void test_notify_message_of_another_service_does_not_count(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, STEPS("other", "'to=~/socket', 'send=READY=1', exit=0", ", oneshot: true")
			    STEPS("one", "say=up",
				    ", ready: {probe: 'notify:~/socket', timeout: 3s}, "
				    "after: other, main: true"));
	pid1_finish(pid1, 124);
	pid1_expect_error(pid1,
		"one: not ready in 3s: no READY=1 came, but messages of processes that "
		"are not its own");
	/* The second is read when the first has been dealt with. */
	start(pid1, STEPS("one", "'await=~/go', say=ready, 'send=READY=1'",
			    ", ready: 'notify:~/socket'") STEPS("other",
			    "'to=~/socket', 'read=READY=1', 'read=READY=1', 'make=~/go'", "")
			    AFTER("one"));
	pid1_expect(pid1, "ready");
	pid1_expect(pid1, "next");
	stop(pid1, 0);
}

static void test_notify_message_from_outside_does_not_count(void **state)
{
	struct pid1 *pid1 = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	start(pid1, STEPS("one", "say=up",
			    ", ready: {probe: 'notify:~/socket', timeout: 3s}, main: true"));
	pid1_expect(pid1, "up");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", inside("socket"));
	assert_int_equal(
		sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&address, sizeof(address)), 7);
	close(fd);
	pid1_finish(pid1, 124);
	pid1_expect_error(pid1, "but messages of processes that are not its own");
}

static void test_notify_message_of_a_descendant_counts(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, STEPS("one", "fork=session, fork, 'send=READY=1', parent, parent",
			    ", ready: notify") AFTER("one"));
	pid1_expect(pid1, "next");
	stop(pid1, 0);
}

static void test_notify_socket_of_the_container_is_husks(void **state)
{
	struct pid1 *pid1 = *state;
	const char *line;

	start_with(pid1,
		"  one: {command: [@, environment], pass: ['NOTIFY*']}\n"
		"  two: {command: [@, environment], after: one, main: true}\n",
		(const char *const[]){"NOTIFY_SOCKET=/nowhere", "A=1", NULL});
	pid1_expect(pid1, "A=1");
	pid1_finish(pid1, 0);
	/* `pass` does not keep its own from it. */
	start_with(pid1,
		"  one: {command: [@, environment], pass: [A], ready: notify, "
		"main: true}\n",
		(const char *const[]){"NOTIFY_SOCKET=/nowhere", "A=1", NULL});
	pid1_expect(pid1, "A=1");
	line = pid1_line(pid1);
	assert_non_null(line);
	assert_ptr_equal(strstr(line, "NOTIFY_SOCKET=@husk/"), line);
	assert_string_equal(strrchr(line, '/'), "/one");
	/* It has ended without a word that it is ready. */
	pid1_finish(pid1, 124);
	pid1_start(pid1,
		&(struct pid1_options){
			.environment = (const char *const[]){"NOTIFY_SOCKET=/nowhere", NULL}},
		WORDS("--", pid1_child(), "environment"));
	pid1_expect(pid1, "NOTIFY_SOCKET=/nowhere");
	pid1_finish(pid1, 0);
}

static void test_notify_status_shown_escaped(void **state)
{
	struct pid1 *pid1 = *state;
	const char *line;

	start(pid1, STEPS("one", "'send=READY=1%nSTATUS=serving 3 clients\t'",
			    ", ready: notify") "  ask: {command: [^, status, --json], after: one, "
					       "main: true}\n");
	line = pid1_find(pid1, "serving 3 clients");
	assert_ptr_equal(strstr(line, "\\\\x09"), line);
	while (pid1_line(pid1))
		;
	(void)pid1_end(pid1);
}

/* The main process forks another one and ends, as daemons do: what it said last is still read. */
static void test_notify_main_pid_followed(void **state)
{
	struct pid1 *pid1 = *state;
	pid_t heir;

	start(pid1, STEPS("one", "fork, parent, 'send=MAINPID=%c%nREADY=1', exit=7",
			    ", ready: notify, main: true") AFTER("one"));
	pid1_expect(pid1, "next");
	pid1_find_error(pid1, "one: goes on as process");
	/* The oldest child. */
	heir = pid1_child_of(pid1->pid);
	assert_int_equal(kill(heir, SIGUSR1), 0);
	pid1_finish(pid1, 128 + SIGUSR1);
	pid1_expect_error(pid1, "one: killed by SIGUSR1");
	/* From its own session too, where it was a descendant when that was said. */
	start(pid1, STEPS("one", "fork=session, parent, 'read=MAINPID=%c', 'read=READY=1', exit=7",
			    ", ready: notify, main: true") AFTER("one"));
	pid1_expect(pid1, "next");
	pid1_find_error(pid1, "one: goes on as process");
	stop(pid1, 128 + SIGTERM);
}

/* The heir has not heard the stop signal that its forebear has. */
static void test_notify_main_pid_while_stopping_is_told(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, STEPS("one",
			    "'ignore=15', fork, parent, 'read=MAINPID=%c', 'read=READY=1', "
			    "say=ready, 'await=~/go', exit=7",
			    ", ready: notify, main: true, stop: {signal: QUIT}"));
	pid1_expect(pid1, "ready");
	pid1_find_error(pid1, "one: ready");
	pid1_kill(pid1, SIGTERM);
	pid1_finish(pid1, 128 + SIGQUIT);
	start(pid1,
		STEPS("one",
			"ignore=15, fork, ignore=15, parent, 'read=MAINPID=%c', 'read=READY=1', "
			"say=ready, 'await=~/go2', exit=7",
			", ready: notify, main: true, stop: {timeout: 10ms}"));
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	pid1_finish(pid1, 128 + SIGKILL);
}

/* It has joined the other's group, and speaks for it: its end would be seen only once. */
static void test_notify_main_pid_of_another_service_refused(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, STEPS("one", "'await=~/go', exit=7", ", ready: 'notify:~/socket', main: true")
			    STEPS("two", "join=2, 'to=~/socket', 'send=READY=1%nMAINPID=%s'", ""));
	pid1_find_error(pid1, "one: ready");
	make("go");
	pid1_finish(pid1, 7);
	expect_no_error(pid1, "goes on");
}
static void test_notify_main_pid_of_no_child_refused(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1,
		STEPS("one", "'read=READY=1%nMAINPID=1', exit=7", ", ready: notify, main: true"));
	pid1_finish(pid1, 7);
	expect_no_error(pid1, "goes on");
	/* It is there no more. */
	start(pid1, STEPS("one", "fork, exit=3, parent, 'read=READY=1%nMAINPID=%c', reap, exit=7",
			    ", ready: notify, main: true"));
	pid1_finish(pid1, 7);
	expect_no_error(pid1, "goes on");
	/* Its own child, which it has taken back. */
	start(pid1,
		STEPS("one", "fork, parent, 'read=READY=1%nMAINPID=%c', 'read=MAINPID=%s', exit=7",
			", ready: notify, main: true"));
	pid1_finish(pid1, 7);
	expect_no_error(pid1, "goes on");
}

/* Descriptors, but those of helpers, which come and go. */
static int count_lasting(pid_t pid)
{
	int least = INT_MAX;

	for (int i = 0; i < 20; i++) {
		int count = pid1_count_descriptors(pid);

		least = count < least ? count : least;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	return least;
}

static void test_notify_ready_again_after_a_restart(void **state)
{
	struct pid1 *pid1 = *state;
	int before;

	/* What is left of the first start, an orphan in its group, does not speak for the second.
	 */
	start(pid1,
		STEPS("one",
			"say=up, fork, 'await=~/late', 'send=READY=1', parent, 'await=~/go', "
			"'remove=~/go', 'send=READY=1', 'await=~/end', 'remove=~/end', exit=1",
			", ready: notify, restart: {on: always, delay: 1ms..1ms, limit: none}"));
	pid1_expect(pid1, "up");
	make("go");
	pid1_find_error(pid1, "one: ready");
	before = count_lasting(pid1->pid);
	make("end");
	pid1_expect(pid1, "up");
	pid1->errors_len = 0;
	make("go");
	pid1_find_error(pid1, "one: ready");
	assert_int_equal(count_lasting(pid1->pid), before);
	stop(pid1, 128 + SIGTERM);
}

/* Its own memory, in KiB, whether it is shared with a child at the moment or not. */
static long memory(pid_t pid)
{
	char path[64], line[256];
	long kib = -1;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) && sscanf(line, "Anonymous: %ld", &kib) != 1)
		;
	(void)fclose(file);
	assert_true(kib > 0);
	return kib;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Two processes of another service and one of its own write without a pause: it is ready when it
 * says so all the same, husk answers, its memory is what it was, and the processes that it makes
 * are few: one in 50 ms.
 */
static void test_notify_flood_costs_little(void **state)
{
	struct pid1 *pid1 = *state;
	long before, first, last, from, to;

	start(pid1, STEPS("one",
			    "fork, 'await=~/go', flood=STATUS=x, parent, 'await=~/go', "
			    "'send=READY=1'",
			    ", ready: 'notify:~/socket'") STEPS("other",
			    "'to=~/socket', fork, 'await=~/go', flood=READY=1, parent, "
			    "'await=~/go', flood=x",
			    "") "  next: {command: [@, steps, 'say=%s'], after: one}\n"
				"  tick: {command: [@, steps, 'say=%s', exit=0], every: 1s}\n");
	(void)pid1_line(pid1);
	make("go");
	/* Not what only the start needs, and what the first helpers have touched. */
	pid1_find_error(pid1, "one: ready");
	for (int i = 0; i < 2; i++)
		first = atol(pid1_line(pid1));
	from = now_ms();
	before = memory(pid1->pid);
	for (int i = 0; i < 3; i++)
		last = atol(pid1_line(pid1));
	to = now_ms();
	assert_true(last > first);
	/* Those that were made for other things, and a line that was late. */
	assert_true(last - first < 40 + (to - from) / 50);
	assert_true(memory(pid1->pid) <= before + 16);
	stop(pid1, 0);
}

/* The child that reads is stopped: another one reads on. */
static void test_notify_reader_stopped_another_one_reads(void **state)
{
	struct pid1 *pid1 = *state;
	pid_t helper;

	start(pid1,
		STEPS("one", "say=up, fork, flood=STATUS=x, parent, 'await=~/go', 'send=READY=1'",
			", ready: notify") AFTER("one"));
	pid1_expect(pid1, "up");
	/* Most have ended before they can be stopped. */
	do
		helper = find_helper(pid1, 0);
	while (kill(helper, SIGSTOP) < 0 || !is_stopped(helper));
	make("go");
	pid1_expect(pid1, "next");
	stop(pid1, 0);
	assert_int_equal(kill(helper, 0), -1);
}

/* ---- what husk itself says ---- */

static void expect_message(int fd, const char *text)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	char message[64];
	ssize_t size;

	assert_int_equal(poll(&poll_fd, 1, PID1_PATIENCE * 1000), 1);
	size = recv(fd, message, sizeof(message) - 1, 0);
	assert_true(size >= 0);
	message[size] = '\0';
	assert_string_equal(message, text);
}

static void test_manager_is_told_when_all_are_up_and_at_the_stop(void **state)
{
	struct pid1 *pid1 = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char variable[160], byte;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", inside("manager"));
	(void)snprintf(variable, sizeof(variable), "NOTIFY_SOCKET=%s", address.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	start_with(pid1,
		STEPS("once", "exit=0", ", oneshot: true")
			STEPS("one", "say=up, 'await=~/go', 'send=READY=1'",
				", ready: notify, after: once") "  now: {command: [@, exit-n, "
								"'0'], every: 10h}\n",
		(const char *const[]){variable, NULL});
	pid1_expect(pid1, "up");
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	make("go");
	expect_message(fd, "READY=1");
	stop(pid1, 0);
	expect_message(fd, "STOPPING=1");
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	/* Its end says so too. */
	start_with(pid1, STEPS("one", "exit=3", ", main: true"),
		(const char *const[]){variable, NULL});
	pid1_finish(pid1, 3);
	assert_true(recv(fd, variable, sizeof(variable), MSG_DONTWAIT) > 0);
	close(fd);
}

static void test_manager_that_is_not_there_is_said(void **state)
{
	struct pid1 *pid1 = *state;

	start_with(pid1, STEPS("one", "exit=0", ", main: true"),
		(const char *const[]){"NOTIFY_SOCKET=/nowhere/at/all", NULL});
	pid1_finish(pid1, 0);
	pid1_expect_error(
		pid1, "warning: NOTIFY_SOCKET: cannot connect to /nowhere/at/all: No such");
	/* Declared, it is the service's: husk leaves it alone. */
	write_config("  one: {command: [@, environment], main: true}\n"
		     "env: {NOTIFY_SOCKET: {required: true}}\n");
	pid1_start(pid1,
		&(struct pid1_options){
			.environment = (const char *const[]){"NOTIFY_SOCKET=/nowhere", NULL}},
		WORDS("-c", inside("husk.yaml")));
	pid1_expect(pid1, "NOTIFY_SOCKET=/nowhere");
	pid1_finish(pid1, 0);
	assert_string_equal(pid1->errors, "");
}

/* ---- a newline on a descriptor ---- */

static void test_fd_newline_starts_what_comes_after(void **state)
{
	check_order(*state, STEPS("one",
				    "say=up, dot=3, 'await=~/go', say=ready, dot=3, write=3, "
				    "close=3",
				    ", ready: 'fd:3'") AFTER("one"));
}

static void test_fd_high_number_given_alone(void **state)
{
	struct pid1 *pid1 = *state;

	/* husk's own are not among them. */
	start(pid1, "  one: {command: [@, state], ready: 'fd:200', main: true}\n");
	assert_string_equal(pid1_find(pid1, "fds "), "0 1 2 200");
	pid1_finish(pid1, 124);
}

static void test_fd_no_newline_in_time_ends_with_124(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, STEPS("one", "dot=5", ", ready: {probe: 'fd:5', timeout: 50ms}, main: true"));
	pid1_finish(pid1, 124);
	pid1_expect_error(pid1, "one: not ready in 50ms: no newline came on descriptor 5");
}

static void test_fd_closed_without_a_newline_is_not_ready(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, STEPS("one", "dot=5, close=5",
			    ", ready: {probe: 'fd:5', timeout: 10h}, main: true"));
	pid1_finish(pid1, 124);
	pid1_expect_error(pid1, "one: not ready: descriptor 5 was closed without a newline");
}

/* It closes the descriptor too, but that is not what is wrong. */
static void test_fd_ended_before_it_is_ready_is_told_as_its_end(void **state)
{
	struct pid1 *pid1 = *state;

	for (int i = 0; i < 20; i++) {
		start(pid1, STEPS("one", "dot=5, exit=3",
				    ", ready: {probe: 'fd:5', timeout: 10h}, main: true"));
		pid1_finish(pid1, 3);
		pid1_expect_error(pid1, "one: exited with status 3");
		expect_no_error(pid1, "not ready");
	}
}

static void test_fd_helper_killed_another_one_listens(void **state)
{
	struct pid1 *pid1 = *state;
	pid_t helper;

	start(pid1, STEPS("one", "say=up, 'await=~/go', write=4", ", ready: 'fd:4'") AFTER("one"));
	pid1_expect(pid1, "up");
	helper = find_waiting_helper(pid1, 0);
	assert_int_equal(kill(helper, SIGKILL), 0);
	helper = find_waiting_helper(pid1, helper);
	make("go");
	pid1_expect(pid1, "next");
	stop(pid1, 0);
}

/* ---- probes ---- */

static void test_probe_ready_starts_what_comes_after(void **state)
{
	check_order(*state, STEPS("one", "say=up, 'await=~/go', say=ready, 'make=~/there'",
				    ", ready: 'file:~/there'") AFTER("one"));
}

static void test_probe_not_ready_says_what_it_said_last(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, STEPS("one", "say=up",
			    ", ready: {probe: 'file:~/never', timeout: 2s}, main: true"));
	pid1_finish(pid1, 124);
	pid1_expect_error(pid1, "one: not ready in 2s");
	pid1_expect_error(pid1, "No such file or directory");
}

/* A stopped child says nothing, and is in nobody's way. */
static void test_probe_helper_stopped_not_ready_in_time(void **state)
{
	struct pid1 *pid1 = *state;
	pid_t helper;

	start(pid1, STEPS("one", "say=up",
			    ", ready: {probe: 'file:~/never', timeout: 3s}, main: true"));
	pid1_expect(pid1, "up");
	helper = find_waiting_helper(pid1, 0);
	assert_int_equal(kill(helper, SIGSTOP), 0);
	pid1_finish(pid1, 124);
	pid1_expect_error(pid1, "one: not ready in 3s");
	assert_int_equal(kill(helper, 0), -1);
}

static void test_probe_failing_on_and_on_is_started_again_up_to_the_limit(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, STEPS("one", "say=up",
			    ", ready: {probe: 'file:~/never', timeout: 10ms}, restart: {on: "
			    "failure, delay: 1ms..1ms, limit: 2 in 1h}"));
	pid1_finish(pid1, 124);
	pid1_expect_error(pid1, "one: not ready in 10ms");
	pid1_expect_error(pid1, "; started again\n");
	pid1_expect_error(pid1, "restart.limit is reached");
}

/* ---- health ---- */

#define HEALTH(every, probe) \
	", health: {probe: '" probe "', every: " every ", failures: 2}, restart: {on: failure, " \
	"delay: 1ms..1ms, limit: none}"

static void test_health_failing_is_restarted(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, STEPS("one", "'make=~/healthy', say=up", HEALTH("300ms", "file:~/healthy")));
	pid1_expect(pid1, "up");
	assert_int_equal(unlink(inside("healthy")), 0);
	pid1_expect(pid1, "up");
	pid1_find_error(pid1, "one: unhealthy 2 times in a row");
	stop(pid1, 128 + SIGTERM);
	pid1_expect_error(pid1, "No such file or directory; started again");
}

static void test_health_without_restart_ends_with_a_failure(void **state)
{
	struct pid1 *pid1 = *state;

	/* Even where it ends well by the stop signal. */
	start(pid1, "  one: {command: [@, stop-on, '15'], main: true, health: {probe: "
		    "'file:~/never', every: 10ms, failures: 3}}\n");
	pid1_expect(pid1, "ready");
	pid1_finish(pid1, 1);
	pid1_expect_error(pid1, "one: unhealthy 3 times in a row: ");
}

/* Nobody accepts what is asked: a child waits for the answer, and is stopped meanwhile. */
static void test_health_probe_stopped_counts_and_is_killed(void **state)
{
	struct pid1 *pid1 = *state;
	pid_t helper;

	start(pid1, STEPS("one", "'listen=~/socket', say=up",
			    ", main: true, health: {probe: 'fcgi+unix:~/socket:/ping', every: 1s, "
			    "timeout: 1s, failures: 2}"));
	pid1_expect(pid1, "up");
	helper = find_waiting_helper(pid1, 0);
	assert_int_equal(kill(helper, SIGSTOP), 0);
	pid1_find_error(pid1, "one: unhealthy: the probe does not come back");
	pid1_finish(pid1, 128 + SIGTERM);
	pid1_expect_error(pid1, "one: unhealthy 2 times in a row: ");
	assert_int_equal(kill(helper, 0), -1);
}

/* A child that is killed has no answer, and that is one. */
static void test_health_probe_killed_counts(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, STEPS("one", "'listen=~/socket', say=up",
			    ", main: true, health: {probe: 'fcgi+unix:~/socket:/ping', every: 1s, "
			    "timeout: 1s, failures: 1}"));
	pid1_expect(pid1, "up");
	assert_int_equal(kill(find_waiting_helper(pid1, 0), SIGKILL), 0);
	pid1_finish(pid1, 128 + SIGTERM);
	pid1_expect_error(pid1, "one: unhealthy 1 time");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_notify_ready_starts_what_comes_after),
		TEST(test_notify_path_socket_made_and_removed),
		TEST(test_notify_path_that_cannot_be_refused_at_the_start),
		TEST(test_notify_not_ready_in_time_ends_with_124),
		TEST(test_notify_message_of_another_service_does_not_count),
		TEST(test_notify_message_from_outside_does_not_count),
		TEST(test_notify_message_of_a_descendant_counts),
		TEST(test_notify_socket_of_the_container_is_husks),
		TEST(test_notify_status_shown_escaped),
		TEST(test_notify_main_pid_followed),
		TEST(test_notify_main_pid_while_stopping_is_told),
		TEST(test_notify_main_pid_of_another_service_refused),
		TEST(test_notify_main_pid_of_no_child_refused),
		TEST(test_notify_ready_again_after_a_restart),
		TEST(test_notify_flood_costs_little),
		TEST(test_notify_reader_stopped_another_one_reads),
		TEST(test_manager_is_told_when_all_are_up_and_at_the_stop),
		TEST(test_manager_that_is_not_there_is_said),
		TEST(test_fd_newline_starts_what_comes_after),
		TEST(test_fd_high_number_given_alone),
		TEST(test_fd_no_newline_in_time_ends_with_124),
		TEST(test_fd_closed_without_a_newline_is_not_ready),
		TEST(test_fd_ended_before_it_is_ready_is_told_as_its_end),
		TEST(test_fd_helper_killed_another_one_listens),
		TEST(test_probe_ready_starts_what_comes_after),
		TEST(test_probe_not_ready_says_what_it_said_last),
		TEST(test_probe_helper_stopped_not_ready_in_time),
		TEST(test_probe_failing_on_and_on_is_started_again_up_to_the_limit),
		TEST(test_health_failing_is_restarted),
		TEST(test_health_without_restart_ends_with_a_failure),
		TEST(test_health_probe_stopped_counts_and_is_killed),
		TEST(test_health_probe_killed_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
