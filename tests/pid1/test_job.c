#include "pid1/pid1.h"

#include <signal.h>
#include <unistd.h>

static const char ctrl_c[] = "\003", ctrl_d[] = "\004", ctrl_z[] = "\032";
static const struct pid1_options on_terminal = {.terminal = true};
static const struct pid1_options below_shell = {
	.terminal = true, .same_namespace = true, .shell = true};

static void type(const struct pid1 *pid1, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(write(pid1->terminal, text, len), len);
}

static void expect_line_read(struct pid1 *pid1, const char *text)
{
	type(pid1, text);
	type(pid1, "\n");
	assert_string_equal(pid1_find(pid1, "line "), text);
}

static void test_terminal_foreground_is_the_programs(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, &on_terminal, WORDS("terminal"));
	assert_string_equal(pid1_find(pid1, "foreground "), "1");
	expect_line_read(pid1, "hello");
	type(pid1, ctrl_d);
	assert_int_equal(pid1_end(pid1), 0);
}

/* Standard streams that are no terminal do not hide the one there is. */
static void test_terminal_behind_closed_streams_is_the_programs(void **state)
{
	struct pid1 *pid1 = *state;
	const struct pid1_options options = {.terminal = true, .same_namespace = true, .closed = 7};

	pid1_start_child(pid1, &options, WORDS("terminal"));
	assert_string_equal(pid1_find(pid1, "foreground "), "1");
	expect_line_read(pid1, "hello");
	type(pid1, ctrl_d);
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_terminal_interrupt_reaches_the_program_alone(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, &on_terminal, WORDS("terminal"));
	assert_string_equal(pid1_find(pid1, "foreground "), "1");
	type(pid1, ctrl_c);
	assert_int_equal(pid1_end(pid1), 128 + SIGINT);
}

/* Nobody could make it go on. */
static void test_terminal_suspend_without_shell_goes_on(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, &on_terminal, WORDS("terminal"));
	assert_string_equal(pid1_find(pid1, "foreground "), "1");
	type(pid1, ctrl_z);
	expect_line_read(pid1, "still there");
	type(pid1, ctrl_d);
	assert_int_equal(pid1_end(pid1), 0);
}

static void check_stop_signal(struct pid1 *pid1, int number)
{
	pid_t program;

	pid1_start_child(pid1, NULL, WORDS("report-signals", "15"));
	pid1_expect(pid1, "ready");
	program = pid1_child_of(pid1->pid);
	pid1_kill(pid1, number);
	pid1_await_state(program, "T");
	pid1_kill(pid1, SIGCONT);
	pid1_expect(pid1, "signal 18");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 15");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_stop_signals_stop_the_program_and_cont_continues(void **state)
{
	check_stop_signal(*state, SIGTSTP);
	check_stop_signal(*state, SIGTTIN);
	check_stop_signal(*state, SIGTTOU);
}

/* A container that was frozen in this way is still PID 1's to end. */
static void test_stop_signals_term_after_them_ends(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, NULL, WORDS("pause"));
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTSTP);
	pid1_await_state(pid1_child_of(pid1->pid), "T");
	pid1_kill(pid1, SIGTERM);
	pid1_kill(pid1, SIGCONT);
	assert_int_equal(pid1_end(pid1), 128 + SIGTERM);
}

static void test_stop_signal_not_pid1_husk_stops_too(void **state)
{
	struct pid1 *pid1 = *state;
	const struct pid1_options options = {.same_namespace = true};
	pid_t program;

	pid1_start_child(pid1, &options, WORDS("report-signals", "15"));
	pid1_expect(pid1, "ready");
	program = pid1_child_of(pid1->pid);
	pid1_kill(pid1, SIGTSTP);
	pid1_await_state(program, "T");
	pid1_await_state(pid1->pid, "T");
	pid1_kill(pid1, SIGCONT);
	pid1_expect(pid1, "signal 18");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 15");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_shell_suspend_and_resume(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, &below_shell, WORDS("terminal"));
	assert_string_equal(pid1_find(pid1, "foreground "), "1");
	for (int i = 0; i < 3; i++) {
		type(pid1, ctrl_z);
		assert_string_equal(pid1_find(pid1, "shell: "), "stopped");
		type(pid1, "fg\n");
		expect_line_read(pid1, "back again");
	}
	type(pid1, ctrl_d);
	assert_string_equal(pid1_find(pid1, "shell: "), "status 0, foreground given back");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_shell_in_background_takes_no_terminal(void **state)
{
	struct pid1 *pid1 = *state;
	struct pid1_options options = below_shell;

	options.background = true;
	pid1_start_child(pid1, &options, WORDS("terminal"));
	assert_string_equal(pid1_find(pid1, "foreground "), "0");
	/* It reads, which stops it by TTIN, and husk with it. */
	assert_string_equal(pid1_find(pid1, "shell: "), "stopped");
	type(pid1, "fg\n");
	expect_line_read(pid1, "hello");
	type(pid1, ctrl_d);
	assert_string_equal(pid1_find(pid1, "shell: "), "status 0, foreground given back");
	assert_int_equal(pid1_end(pid1), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pid1_set_up, pid1_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_terminal_foreground_is_the_programs),
		TEST(test_terminal_behind_closed_streams_is_the_programs),
		TEST(test_terminal_interrupt_reaches_the_program_alone),
		TEST(test_terminal_suspend_without_shell_goes_on),
		TEST(test_stop_signals_stop_the_program_and_cont_continues),
		TEST(test_stop_signals_term_after_them_ends),
		TEST(test_stop_signal_not_pid1_husk_stops_too),
		TEST(test_shell_suspend_and_resume),
		TEST(test_shell_in_background_takes_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
