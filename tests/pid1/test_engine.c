/*
 * The engine itself, not through the binary: what policies change, and what happens where the
 * system refuses a call. husk is a process forked from the test, and so never PID 1.
 */
#include "pid1/pid1.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/init.h"

struct engine {
	struct init_policy policy;
	bool configured; /* not ad hoc: TERM begins a stop */
	uint64_t ignored;
	bool say_end; /* on standard output */
};

/* In husk's process. */
static bool trace_wanted;
static unsigned fail_at; /* 0: no call fails; else the call of that number, from 1 */
static unsigned calls;
static bool stop_before_exec;
static bool refuse_groups;
static bool hold_pipes; /* somebody has the writing end open too */
static bool immortal;   /* KILL reaches nobody, as where a process waits for a dead disk */

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	char line[128];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (write(1, line, (size_t)len) != len)
		_exit(240);
}

static void say_trace(void *arg, const struct init_trace *trace)
{
	(void)arg;
	if (trace_wanted)
		say("trace %d %d\n", (int)trace->what, trace->number);
}

static bool fails(void)
{
	if (fail_at == 0 || ++calls != fail_at)
		return false;
	errno = EAGAIN;
	return true;
}

#define WRAP(type, name, parameters, arguments) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return fails() ? (type)-1 : __real_##name arguments; \
	}

WRAP(int, sys_epoll_create, (void), ())
WRAP(int, sys_epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event),
	(epoll, operation, fd, event))
WRAP(pid_t, sys_fork, (void), ())
WRAP(pid_t, sys_getpgid, (pid_t pid), (pid))
WRAP(int, sys_set_subreaper, (bool on), (on))
WRAP(int, sys_signalfd, (const struct sys_sigset *set), (set))
WRAP(pid_t, sys_tcgetpgrp, (int fd), (fd))
WRAP(ssize_t, sys_read, (int fd, void *data, size_t size), (fd, data, size))

int __real_sys_pipe(int fds[2], int flags);
int __wrap_sys_pipe(int fds[2], int flags);
int __wrap_sys_pipe(int fds[2], int flags)
{
	if (fails() || __real_sys_pipe(fds, flags) < 0)
		return -1;
	/* As a process does that opens it through /proc. */
	return !hold_pipes || fcntl(fds[1], F_DUPFD_CLOEXEC, 100) >= 0 ? 0 : -1;
}

int __real_sys_setpgid(pid_t pid, pid_t group);
int __wrap_sys_setpgid(pid_t pid, pid_t group);
int __wrap_sys_setpgid(pid_t pid, pid_t group)
{
	errno = EPERM;
	return refuse_groups ? -1 : __real_sys_setpgid(pid, group);
}

int __real_sys_kill(pid_t pid, int number);
int __wrap_sys_kill(pid_t pid, int number);
int __wrap_sys_kill(pid_t pid, int number)
{
	return immortal && number == SIGKILL ? 0 : __real_sys_kill(pid, number);
}

int __real_sys_execve(const char *path, char *const argv[], char *const envp[]);
int __wrap_sys_execve(const char *path, char *const argv[], char *const envp[]);
int __wrap_sys_execve(const char *path, char *const argv[], char *const envp[])
{
	if (stop_before_exec)
		(void)kill(getpid(), SIGSTOP);
	return __real_sys_execve(path, argv, envp);
}

static int run_engine(const struct engine *engine, char *const *words)
{
	static char *const envp[] = {NULL};
	struct supervise_service rules = {
		.passive = !engine->configured, .main = true, .ready_timeout = -1, .timeout = -1};
	struct init_service service = {
		.spec = {.name = "app",
			.path = words[0],
			.argv = words,
			.envp = envp,
			.terminal = -1},
		.rules = &rules,
		.stop_signal = SIGTERM,
	};
	struct init_policy policy = engine->policy;
	struct launch_signals signals;
	struct init_end end = {0};
	struct err err = {0};

	policy.trace = say_trace;
	for (int number = 1; number < 64; number++) {
		if (engine->ignored >> (number - 1) & 1)
			(void)signal(number, SIG_IGN);
	}
	if (launch_signals_take(&signals, &err) < 0)
		_exit(241);
	if (init_run(&service, 1, INT64_C(1000000000) * 3600, &signals, &policy, &end, &err) < 0) {
		if (engine->say_end)
			say("refused %d %d\n", (int)err.code, err.errnum);
		return 242;
	}
	if (engine->say_end)
		say("end %d %d\n", (int)end.cause, (int)end.expected);
	return end.status;
}

static void start(struct pid1 *pid1, const struct engine *engine, const char *const *words)
{
	char *argv[16];
	int fds[2];

	memcpy(&argv[0], &(const char *const){pid1_child()}, sizeof(argv[0]));
	for (size_t i = 0; i < COUNT(argv) - 1; i++) {
		memcpy(&argv[i + 1], &words[i], sizeof(argv[i]));
		if (!words[i])
			break;
	}
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid1->pid = fork();
	if (pid1->pid == 0) {
		/* Its own group, that its signals reach no test. */
		(void)setpgid(0, 0);
		if (dup2(fds[1], 1) < 0)
			_exit(243);
		close(fds[0]);
		close(fds[1]);
		_exit(run_engine(engine, argv));
	}
	close(fds[1]);
	pid1->out = fds[0];
	assert_true(pid1->pid > 0);
}

static int set_up(void **state)
{
	trace_wanted = stop_before_exec = refuse_groups = hold_pipes = immortal = false;
	fail_at = calls = 0;
	return pid1_set_up(state);
}

static void test_policy_signal_map_maps_and_drops(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.policy.signal_map = {[SIGTERM] = SIGINT, [SIGHUP] = INIT_DROP}};

	start(pid1, &engine, WORDS("report-signals", "2"));
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGHUP);
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 2");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_policy_status_map_makes_zero(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.policy.status_map = {[143 / 8] = 1 << 143 % 8}};

	start(pid1, &engine, WORDS("pause"));
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	assert_int_equal(pid1_end(pid1), 0);
	start(pid1, &engine, WORDS("exit-n", "144"));
	assert_int_equal(pid1_end(pid1), 144);
}

/* The grandchild reports too where the group is signalled. */
static void test_policy_group_signals_reach_all(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.policy.group_signals = true};

	start(pid1, &engine, WORDS("fork-report", "15"));
	pid1_expect(pid1, "ready");
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 15");
	pid1_expect(pid1, "signal 15");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_policy_leave_rest_leaves_it(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.policy.leave_rest = true, .policy.not_subreaper = true};
	pid_t left;

	start(pid1, &engine, WORDS("leave", "4"));
	pid1_expect(pid1, "left");
	/* Standard output stays open: the end is seen without pid1_end. */
	pid1_await_state(pid1->pid, "Z");
	assert_int_equal(waitpid(pid1->pid, NULL, 0), pid1->pid);
	pid1->pid = 0;
	left = pid1_child_of(getpid());
	assert_true(left > 0);
	assert_int_equal(kill(left, SIGKILL), 0);
	assert_int_equal(waitpid(left, NULL, 0), left);
}

static void test_policy_end_signal_sent_to_the_group(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.policy.leave_rest = true,
		.policy.not_subreaper = true,
		.policy.end_signal = SIGTERM};
	int status;
	pid_t left;

	start(pid1, &engine, WORDS("leave", "4"));
	pid1_expect(pid1, "left");
	pid1_await_state(pid1->pid, "Z");
	assert_int_equal(waitpid(pid1->pid, &status, 0), pid1->pid);
	pid1->pid = 0;
	assert_int_equal(WEXITSTATUS(status), 4);
	left = pid1_child_of(getpid());
	assert_true(left > 0);
	assert_int_equal(waitpid(left, &status, 0), left);
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void test_policy_own_session_leads(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.policy.own_session = true};

	start(pid1, &engine, WORDS("state"));
	assert_string_equal(pid1_find(pid1, "leader "), "1");
	assert_string_equal(pid1_find(pid1, "session "), "1");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_policy_same_group_does_not_lead(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.policy.same_group = true};

	start(pid1, &engine, WORDS("state"));
	assert_string_equal(pid1_find(pid1, "leader "), "0");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_policy_reset_signals_starts_clean(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.ignored = 1 << (SIGHUP - 1)};

	/* Others may be ignored as well: a shell ignores INT and QUIT for what it runs by `&`. */
	start(pid1, &engine, WORDS("state"));
	assert_true(strtoul(pid1_find(pid1, "ignored "), NULL, 16) & 1);
	assert_int_equal(pid1_end(pid1), 0);
	engine.policy.reset_signals = true;
	engine.policy.child_blocked.bits = 1 << (SIGTSTP - 1);
	start(pid1, &engine, WORDS("state"));
	assert_string_equal(pid1_find(pid1, "mask "), "0000000000080000");
	assert_string_equal(pid1_find(pid1, "ignored "), "0000000000000000");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_policy_job_pass_sends_what_came(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.policy.job = INIT_JOB_PASS};

	start(pid1, &engine, WORDS("report-signals", "20"));
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTSTP);
	pid1_expect(pid1, "signal 20");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_policy_job_pass_stop_stops_husk_alone(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.policy.job = INIT_JOB_PASS_STOP};

	start(pid1, &engine, WORDS("report-signals", "15"));
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTSTP);
	pid1_expect(pid1, "signal 20");
	pid1_await_state(pid1->pid, "T");
	pid1_kill(pid1, SIGCONT);
	pid1_expect(pid1, "signal 18");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 15");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_policy_untouched_signal_is_husks_own(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {
		.policy.leave_rest = true, .policy.untouched.bits = 1 << (SIGUSR1 - 1)};
	pid_t program;

	start(pid1, &engine, WORDS("pause"));
	pid1_expect(pid1, "ready");
	program = pid1_child_of(pid1->pid);
	pid1_kill(pid1, SIGUSR1);
	pid1_await_state(pid1->pid, "Z");
	assert_int_equal(kill(program, SIGKILL), 0);
	assert_int_equal(pid1_end(pid1), 128 + SIGUSR1);
	assert_int_equal(waitpid(program, NULL, 0), program);
}

static void test_trace_tells_each_step(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.say_end = true};
	char line[64];

	trace_wanted = true;
	start(pid1, &engine, WORDS("exit-n", "7"));
	(void)snprintf(line, sizeof(line), "trace %d 0", INIT_TRACE_SPAWNED);
	pid1_expect(pid1, line);
	(void)snprintf(line, sizeof(line), "trace %d %d", INIT_TRACE_RECEIVED, SIGCHLD);
	pid1_expect(pid1, line);
	(void)snprintf(line, sizeof(line), "trace %d %d", INIT_TRACE_ENDED, 7 << 8);
	pid1_expect(pid1, line);
	(void)snprintf(line, sizeof(line), "end %d 0", INIT_EXITED);
	pid1_expect(pid1, line);
	assert_int_equal(pid1_end(pid1), 7);
}

static void test_end_by_passed_signal_is_expected(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.say_end = true};
	char line[64];

	start(pid1, &engine, WORDS("pause"));
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGUSR1);
	(void)snprintf(line, sizeof(line), "end %d 1", INIT_SIGNALLED);
	pid1_expect(pid1, line);
	assert_int_equal(pid1_end(pid1), 128 + SIGUSR1);
}

/* Stopped between its fork and its exec: the exec-error pipe stays open and silent. */
static void test_stopped_before_exec_configured_stops(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.configured = true};

	stop_before_exec = true;
	start(pid1, &engine, WORDS("pause"));
	pid1_await_state(pid1_await_child(pid1->pid), "T");
	pid1_kill(pid1, SIGTERM);
	assert_int_equal(pid1_end(pid1), 128 + SIGTERM);
}

static void test_stopped_before_exec_signals_still_taken(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.policy = {0}};
	pid_t program;

	trace_wanted = true;
	stop_before_exec = true;
	start(pid1, &engine, WORDS("pause"));
	program = pid1_await_child(pid1->pid);
	pid1_await_state(program, "T");
	pid1_kill(pid1, SIGWINCH);
	assert_non_null(pid1_find(pid1, "trace 2 28"));
	assert_int_equal(kill(program, SIGKILL), 0);
	assert_int_equal(pid1_end(pid1), 128 + SIGKILL);
}

/* gVisor: no process groups. STOP for the job then goes to the program alone. */
static void test_setpgid_refused_runs_all_the_same(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.policy = {0}};
	pid_t program;

	refuse_groups = true;
	start(pid1, &engine, WORDS("report-signals", "15"));
	pid1_expect(pid1, "ready");
	program = pid1_child_of(pid1->pid);
	pid1_kill(pid1, SIGTTIN);
	pid1_await_state(program, "T");
	pid1_await_state(pid1->pid, "T");
	pid1_kill(pid1, SIGCONT);
	pid1_expect(pid1, "signal 18");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 15");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_pipe_held_open_husk_ends(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.policy = {0}};

	hold_pipes = true;
	start(pid1, &engine, WORDS("exit-n", "5"));
	assert_int_equal(pid1_end(pid1), 5);
}

/* It takes the second for KILL and the two of the sweep. */
static void test_kill_without_effect_husk_ends(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.configured = true, .say_end = true};
	int status;
	pid_t program;
	char line[64];

	immortal = true;
	start(pid1, &engine, WORDS("report-signals", "64"));
	pid1_expect(pid1, "ready");
	program = pid1_child_of(pid1->pid);
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 15");
	pid1_expect(pid1, "signal 18");
	pid1_kill(pid1, SIGTERM);
	/* The sweep's. */
	pid1_expect(pid1, "signal 15");
	pid1_expect(pid1, "signal 18");
	(void)snprintf(line, sizeof(line), "end %d 0", INIT_GIVEN_UP);
	pid1_expect(pid1, line);
	pid1_await_state(pid1->pid, "Z");
	assert_int_equal(waitpid(pid1->pid, &status, 0), pid1->pid);
	pid1->pid = 0;
	assert_int_equal(WEXITSTATUS(status), 128 + SIGKILL);
	assert_int_equal(kill(program, SIGKILL), 0);
	/* And the helper that swept last, if it is still about. */
	while (waitpid(-1, &status, 0) > 0)
		;
}

/* Every call of a start and an end, one after the other: husk refuses with a reason, or does
 * without it; it never hangs, and never runs the program and says it did not. */
static void test_each_call_failing_refused_or_done_without(void **state)
{
	struct pid1 *pid1 = *state;
	struct engine engine = {.say_end = true};
	unsigned refused = 0, failed = 0;

	for (fail_at = 1; fail_at < 100; fail_at++) {
		int status, code = 0, cause = 0, errnum = 0;
		const char *line;

		start(pid1, &engine, WORDS("exit-n", "7"));
		line = pid1_line(pid1);
		assert_non_null(line);
		if (sscanf(line, "refused %d %d", &code, &errnum) == 2) {
			assert_int_equal(code, ERR_INTERNAL);
			assert_int_equal(errnum, EAGAIN);
			refused++;
			assert_int_equal(pid1_end(pid1), 242);
			continue;
		}
		assert_int_equal(sscanf(line, "end %d", &cause), 1);
		status = pid1_end(pid1);
		assert_int_equal(status, cause == INIT_NOT_STARTED ? (int)ERR_INTERNAL : 7);
		if (cause == INIT_NOT_STARTED)
			failed++;
	}
	/* The loop, the signals' descriptor and its watch; the pipe and the fork. */
	assert_int_equal(refused, 3);
	assert_int_equal(failed, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, pid1_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_policy_signal_map_maps_and_drops),
		TEST(test_policy_status_map_makes_zero),
		TEST(test_policy_group_signals_reach_all),
		TEST(test_policy_leave_rest_leaves_it),
		TEST(test_policy_end_signal_sent_to_the_group),
		TEST(test_policy_own_session_leads),
		TEST(test_policy_same_group_does_not_lead),
		TEST(test_policy_reset_signals_starts_clean),
		TEST(test_policy_job_pass_sends_what_came),
		TEST(test_policy_job_pass_stop_stops_husk_alone),
		TEST(test_policy_untouched_signal_is_husks_own),
		TEST(test_trace_tells_each_step),
		TEST(test_end_by_passed_signal_is_expected),
		TEST(test_stopped_before_exec_configured_stops),
		TEST(test_stopped_before_exec_signals_still_taken),
		TEST(test_setpgid_refused_runs_all_the_same),
		TEST(test_pipe_held_open_husk_ends),
		TEST(test_kill_without_effect_husk_ends),
		TEST(test_each_call_failing_refused_or_done_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
