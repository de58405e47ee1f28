/*
 * The engine and a reload that goes wrong: husk is a process forked from the test, with a reloader
 * of the test's own that does what a file says, and a clock that is ahead of time.
 */
#include "pid1/pid1.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/init.h"
#include "unit/scratch.h"

enum {
	HASTE = 100, /* as many times faster */
	STEP_MS = 5, /* a wait of the loop at most */
};

static char mode[PATH_MAX + 256]; /* the file */
static int haste;

/* ---- in husk's process ---- */

int64_t __real_sys_now(void);
int64_t __wrap_sys_now(void);
int64_t __wrap_sys_now(void)
{
	return __real_sys_now() * haste;
}

int __real_sys_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms);
int __wrap_sys_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms);
int __wrap_sys_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms)
{
	if (timeout_ms < 0 || timeout_ms > STEP_MS)
		timeout_ms = STEP_MS;
	return __real_sys_epoll_wait(epoll, events, max, timeout_ms);
}

static char read_mode(void)
{
	char c = ' ';
	int fd = open(mode, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, &c, 1) != 1)
		c = ' ';
	if (fd >= 0)
		close(fd);
	return c;
}

/* But the first: the service's. */
static unsigned forks;

pid_t __real_sys_fork(void);
pid_t __wrap_sys_fork(void);
pid_t __wrap_sys_fork(void)
{
	if (forks++ == 0 || read_mode() != 'f')
		return __real_sys_fork();
	errno = EAGAIN;
	return -1;
}

static void work(void *arg, const struct init_reload_task *task, struct init_reload_record *record)
{
	char c = read_mode();

	(void)arg;
	record->print = 1;
	while (c == 'h') /* hangs; TERM is blocked */
		pause();
	if (c == 'd')
		_exit(0);
	if (c == 'r') {
		record->outcome = INIT_RELOAD_REFUSED;
		(void)snprintf(record->reason, sizeof(record->reason), "so it is");
		return;
	}
	record->outcome = INIT_RELOAD_ACCEPTED;
	record->files = 7;
	/* A block that is not what it says. */
	if (c == 'b') {
		record->block_size = 100;
		(void)fd_write_all(task->block, "short", 5);
	}
	if (c == 's') {
		record->block_size = 4;
		(void)fd_write_all(task->block, "open", 4);
	}
}

static const struct init_reloader reloader = {.work = work, .watch = -1};

static int run_engine(void)
{
	static char verb[] = "reloads", name[] = "one";
	char *words[] = {(char *)(uintptr_t)pid1_child(), verb, name, mode, NULL};
	static char *const envp[] = {NULL};
	struct supervise_service rules = {
		.ready_timeout = -1, .main = true, .timeout = -1, .reload_restarts = false};
	struct init_service service = {.spec = {.name = "one",
					       .path = words[0],
					       .argv = words,
					       .envp = envp,
					       .terminal = -1},
		.rules = &rules,
		.stop_signal = SIGTERM,
		.reload_signal = SIGHUP,
		.reloads = true};
	struct init_policy policy = {.reloader = &reloader};
	struct launch_signals signals;
	struct init_end end = {0};
	struct err err = {0};

	log_set_level(LOG_LEVEL_INFO);
	if (launch_signals_take(&signals, &err) < 0 ||
		init_run(&service, 1, INT64_C(1000000000) * 3600 * haste, &signals, &policy, &end,
			&err) < 0)
		_exit(241);
	return end.status;
}

/* ---- the test's ---- */

static int set_up(void **state)
{
	if (scratch_setup(state) < 0)
		return -1;
	(void)snprintf(mode, sizeof(mode), "%s", scratch_path("mode"));
	return pid1_set_up(state);
}

static int tear_down(void **state)
{
	int ended = pid1_tear_down(state);

	return scratch_teardown(state) < 0 ? -1 : ended;
}

static void set_mode(const char *text)
{
	scratch_write("new", text);
	assert_int_equal(rename(scratch_path("new"), mode), 0);
}

static void start(struct pid1 *pid1, int how_fast)
{
	int out[2], err[2];

	set_mode("good");
	haste = how_fast;
	forks = 0;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	pid1->pid = fork();
	if (pid1->pid == 0) {
		(void)setpgid(0, 0);
		if (dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0)
			_exit(243);
		close(out[0]);
		close(err[0]);
		_exit(run_engine());
	}
	close(out[1]);
	close(err[1]);
	pid1->out = out[0];
	pid1->err = err[0];
	assert_true(pid1->pid > 0);
	pid1_expect(pid1, "one up -");
}

/* Whatever went before, the next one is as good as any. */
static void finish(struct pid1 *pid1)
{
	set_mode("good");
	pid1_kill(pid1, SIGHUP);
	pid1_expect(pid1, "one told - good");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "one down");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_reload_no_process_is_tried_again(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, HASTE);
	set_mode("fork");
	pid1_kill(pid1, SIGHUP);
	pid1_find_error(pid1, "cannot fork a helper");
	set_mode("good");
	pid1_expect(pid1, "one told - good");
	finish(pid1);
}

static void test_reload_that_hangs_is_killed_and_refused(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, HASTE);
	set_mode("hang");
	pid1_kill(pid1, SIGHUP);
	pid1_find_error(pid1, "reload refused: it was not done after 120 s");
	finish(pid1);
}

static void test_reload_that_hangs_does_not_keep_from_stopping(void **state)
{
	struct pid1 *pid1 = *state;

	/* What is left is given a second. */
	start(pid1, 1);
	set_mode("hang");
	pid1_kill(pid1, SIGHUP);
	/* A second one waits for the first. */
	pid1_kill(pid1, SIGHUP);
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "one down");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_reload_without_an_answer_is_refused(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, HASTE);
	set_mode("dies");
	pid1_kill(pid1, SIGHUP);
	pid1_find_error(pid1, "reload refused: the process that does it was killed");
	set_mode("refuses");
	pid1_kill(pid1, SIGHUP);
	pid1_find_error(pid1, "reload refused: services go on as they are");
	finish(pid1);
}

static void test_reload_block_not_whole_or_not_sealed_is_not_taken(void **state)
{
	static const char *const modes[] = {"block", "sealed not"};
	struct pid1 *pid1 = *state;

	start(pid1, HASTE);
	for (size_t i = 0; i < COUNT(modes); i++) {
		char line[64];

		pid1->errors_len = 0;
		pid1->errors[0] = '\0';
		set_mode(modes[i]);
		pid1_kill(pid1, SIGHUP);
		pid1_find_error(pid1, "the new one is not whole");
		(void)snprintf(line, sizeof(line), "one told - %s", modes[i]);
		pid1_expect(pid1, line);
	}
	finish(pid1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reload_no_process_is_tried_again),
		TEST(test_reload_that_hangs_is_killed_and_refused),
		TEST(test_reload_that_hangs_does_not_keep_from_stopping),
		TEST(test_reload_without_an_answer_is_refused),
		TEST(test_reload_block_not_whole_or_not_sealed_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
