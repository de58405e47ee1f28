#include "pid1/pid1.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t bit(int number)
{
	return UINT64_C(1) << (number - 1);
}

static bool is_job_signal(int number)
{
	return number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

static void test_forward_every_catchable_signal_arrives(void **state)
{
	struct pid1 *pid1 = *state;
	char expected[32];

	pid1_start_child(pid1, NULL, WORDS("report-signals", "15"));
	pid1_expect(pid1, "ready");
	for (int number = 1; number <= 64; number++) {
		if (number == SIGKILL || number == SIGSTOP || number == SIGTERM ||
			is_job_signal(number))
			continue;
		pid1_kill(pid1, number);
		(void)snprintf(expected, sizeof(expected), "signal %d", number);
		pid1_expect(pid1, expected);
	}
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 15");
	assert_int_equal(pid1_end(pid1), 0);
	assert_string_equal(pid1->errors, "");
}

static void test_forward_not_as_pid1_arrives(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, &(struct pid1_options){.same_namespace = true},
		WORDS("report-signals", "15"));
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGUSR1);
	pid1_expect(pid1, "signal 10");
	pid1_kill(pid1, 34);
	pid1_expect(pid1, "signal 34");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 15");
	assert_int_equal(pid1_end(pid1), 0);
}

/* From within the namespace as well, and SIGCHLD only where somebody has sent it. */
static void test_forward_from_the_program_itself_arrives(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, NULL, WORDS("kill-parent", "12"));
	pid1_expect(pid1, "signal 12");
	assert_int_equal(pid1_end(pid1), 0);
}

/* A sender that is not husk, before husk is executed. */
static void block_and_be_sent(void *arg)
{
	sigset_t set;
	int number = *(const int *)arg;
	pid_t pid;

	(void)sigfillset(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	if (pid == 0)
		_exit(kill(getppid(), number));
	(void)waitpid(pid, NULL, 0);
}

static void test_forward_pending_at_start_arrives(void **state)
{
	struct pid1 *pid1 = *state;
	int number = SIGUSR2;
	const struct pid1_options options = {
		.blocked = UINT64_MAX, .prepare = block_and_be_sent, .prepare_arg = &number};

	pid1_start_child(pid1, &options, WORDS("report-signals", "12"));
	pid1_expect(pid1, "ready");
	pid1_expect(pid1, "signal 12");
	assert_int_equal(pid1_end(pid1), 0);
}

static void expect_state(struct pid1 *pid1, const struct pid1_options *options, const char *mask,
	const char *ignored)
{
	pid1_start_child(pid1, options, WORDS("state"));
	assert_string_equal(pid1_find(pid1, "mask "), mask);
	assert_string_equal(pid1_find(pid1, "ignored "), ignored);
	assert_string_equal(pid1_find(pid1, "fds "), "0 1 2");
	assert_string_equal(pid1_find(pid1, "leader "), "1");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_child_signal_state_default_is_default(void **state)
{
	expect_state(*state, NULL, "0000000000000000", "0000000000000000");
}

/* KILL and STOP cannot be. */
static void test_child_signal_state_full_is_handed_on(void **state)
{
	const struct pid1_options options = {.blocked = UINT64_MAX, .ignored = UINT64_MAX};

	expect_state(*state, &options, "fffffffffffbfeff", "fffffffffffbfeff");
}

/* With SIGCHLD ignored the kernel would reap by itself, and the status be lost. */
static void test_child_sigchld_ignored_status_kept(void **state)
{
	struct pid1 *pid1 = *state;
	const struct pid1_options options = {.ignored = bit(SIGCHLD) | bit(SIGPIPE)};

	expect_state(pid1, &options, "0000000000000000", "0000000000011000");
	pid1_start_child(pid1, &options, WORDS("exit-n", "9"));
	assert_int_equal(pid1_end(pid1), 9);
}

static void test_descriptors_closed_at_start_stay_closed(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, &(struct pid1_options){.closed = 1}, WORDS("state"));
	assert_string_equal(pid1_find(pid1, "fds "), "1 2");
	assert_int_equal(pid1_end(pid1), 0);
	pid1_start_child(pid1, &(struct pid1_options){.closed = 5}, WORDS("state"));
	assert_string_equal(pid1_find(pid1, "fds "), "1");
	assert_int_equal(pid1_end(pid1), 0);
	pid1_start_child(pid1, &(struct pid1_options){.closed = 7}, WORDS("exit-n", "3"));
	assert_int_equal(pid1_end(pid1), 3);
}

static void test_listen_pid_of_husk_becomes_the_programs(void **state)
{
	struct pid1 *pid1 = *state;
	const char *const own[] = {"LISTEN_FDS=1", "LISTEN_PID=1", NULL};
	const char *const other[] = {"LISTEN_FDS=1", "LISTEN_PID=4711", NULL};

	pid1_start_child(
		pid1, &(struct pid1_options){.environment = own, .extra = 2}, WORDS("state"));
	assert_string_equal(pid1_find(pid1, "fds "), "0 1 2 3 4");
	assert_string_equal(pid1_find(pid1, "listen_pid "), "own");
	assert_int_equal(pid1_end(pid1), 0);
	pid1_start_child(pid1, &(struct pid1_options){.environment = other}, WORDS("state"));
	assert_string_equal(pid1_find(pid1, "listen_pid "), "4711");
	assert_int_equal(pid1_end(pid1), 0);
}

/* The standard error that nobody reads is full, and husk has something to say. */
static void test_stderr_full_term_forwarded_and_ends(void **state)
{
	struct pid1 *pid1 = *state;
	const char *const environment[] = {"HUSK_LOG=debug", NULL};
	const struct pid1_options options = {.full_stderr = true, .environment = environment};

	pid1_start_child(pid1, &options, WORDS("say-term"));
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	assert_non_null(strstr(pid1_line(pid1), "signal 15"));
	close(pid1->err);
	pid1->err = -1;
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_stderr_full_crash_reported_without_waiting(void **state)
{
	struct pid1 *pid1 = *state;
	const struct pid1_options options = {.full_stderr = true};

	pid1_start_child(pid1, &options, WORDS("raise", "11"));
	pid1_await_state(pid1->pid, "Z");
	close(pid1->err);
	pid1->err = -1;
	assert_int_equal(pid1_end(pid1), 128 + SIGSEGV);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pid1_set_up, pid1_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_forward_every_catchable_signal_arrives),
		TEST(test_forward_not_as_pid1_arrives),
		TEST(test_forward_from_the_program_itself_arrives),
		TEST(test_forward_pending_at_start_arrives),
		TEST(test_child_signal_state_default_is_default),
		TEST(test_child_signal_state_full_is_handed_on),
		TEST(test_child_sigchld_ignored_status_kept),
		TEST(test_descriptors_closed_at_start_stay_closed),
		TEST(test_listen_pid_of_husk_becomes_the_programs),
		TEST(test_stderr_full_term_forwarded_and_ends),
		TEST(test_stderr_full_crash_reported_without_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
