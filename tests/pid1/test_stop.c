#include "pid1/pid1.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* A husk.yaml with one service, the testchild. */
static void write_config(struct pid1 *pid1, const char *words, const char *more)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "  app:\n    command: [@, %s]\n%s", words, more);
	pid1_configure(pid1, text);
}

static void start(struct pid1 *pid1, const struct pid1_options *options)
{
	pid1_start(pid1, options, WORDS("-c", pid1->config));
}

static void test_stop_term_becomes_the_configured_signal(void **state)
{
	struct pid1 *pid1 = *state;

	write_config(pid1, "stop-on, '3'", "    stop: {signal: QUIT}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "stopped by 3");
	pid1_finish(pid1, 0);
	assert_string_equal(pid1->errors, "");
}

/* An image's STOPSIGNAL may be the service's own signal. */
static void test_stop_configured_signal_stops_too(void **state)
{
	struct pid1 *pid1 = *state;

	write_config(pid1, "stop-on, '3'", "    stop: {signal: QUIT}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGQUIT);
	pid1_expect(pid1, "stopped by 3");
	pid1_finish(pid1, 0);
}

static void test_other_signals_are_passed(void **state)
{
	struct pid1 *pid1 = *state;

	write_config(pid1, "report-signals, '15'", "");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGHUP);
	pid1_expect(pid1, "signal 1");
	pid1_kill(pid1, 63);
	pid1_expect(pid1, "signal 63");
	pid1_kill(pid1, SIGINT);
	pid1_expect(pid1, "signal 15");
	pid1_finish(pid1, 0);
}

static void test_stop_timeout_over_kills_and_says_so(void **state)
{
	struct pid1 *pid1 = *state;

	write_config(pid1, "ignore-term", "    stop: {timeout: 100ms}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	pid1_finish(pid1, 128 + SIGKILL);
	assert_string_equal(pid1->errors, "husk: warning: app: did not stop in time: killed\n");
}

/* Without the delay TERM would come at once: it comes after a second's worth of other signals. */
static void test_stop_kills_who_left_its_group(void **state)
{
	struct pid1 *pid1 = *state;

	write_config(pid1, "leave-group", "    stop: {timeout: 100ms}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	pid1_finish(pid1, 128 + SIGKILL);
	assert_string_equal(pid1->errors, "husk: warning: app: did not stop in time: killed\n");
}

static void test_stop_delay_signals_are_still_passed(void **state)
{
	struct pid1 *pid1 = *state;

	write_config(pid1, "report-signals, '15'", "    stop: {delay: 1h}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	pid1_kill(pid1, SIGUSR1);
	pid1_expect(pid1, "signal 10");
	pid1_kill(pid1, SIGUSR2);
	pid1_expect(pid1, "signal 12");
	/* A second TERM ends the delay. */
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 15");
	pid1_finish(pid1, 0);
}

static void test_stop_delay_passes_then_signal(void **state)
{
	struct pid1 *pid1 = *state;

	write_config(pid1, "report-signals, '15'", "    stop: {delay: 50ms}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 15");
	pid1_finish(pid1, 0);
}

/* An hour would be left: three TERM need none of it. */
static void test_stop_asked_again_kills(void **state)
{
	struct pid1 *pid1 = *state;

	write_config(pid1, "report-signals, '64'", "    stop: {delay: 1h, timeout: 1h}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	pid1_kill(pid1, SIGUSR1);
	pid1_expect(pid1, "signal 10");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 15");
	pid1_expect(pid1, "signal 18");
	pid1_kill(pid1, SIGTERM);
	pid1_finish(pid1, 128 + SIGKILL);
	assert_non_null(strstr(pid1->errors, "asked to stop by SIGTERM again: "));
}

static void test_stop_stopped_service_goes_on_and_ends(void **state)
{
	struct pid1 *pid1 = *state;

	write_config(pid1, "stop-self", "    stop: {timeout: 1h}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "stopping");
	pid1_await_state(pid1_child_of(pid1->pid), "T");
	pid1_kill(pid1, SIGTERM);
	pid1_finish(pid1, 128 + SIGTERM);
}

static void test_settings_reach_the_service(void **state)
{
	struct pid1 *pid1 = *state;

	write_config(pid1, "state",
		"    cwd: /usr\n    umask: '027'\n    nice: 3\n"
		"    limits: {nofile: 99}\n");
	start(pid1, NULL);
	assert_string_equal(pid1_find(pid1, "umask "), "027");
	assert_string_equal(pid1_find(pid1, "nice "), "3");
	assert_string_equal(pid1_find(pid1, "nofile "), "99");
	assert_string_equal(pid1_find(pid1, "cwd "), "/usr");
	pid1_finish(pid1, 0);
}

static void test_settings_cwd_missing_126_named(void **state)
{
	struct pid1 *pid1 = *state;

	write_config(pid1, "state", "    cwd: /no/where\n");
	start(pid1, NULL);
	pid1_finish(pid1, 126);
	assert_string_equal(pid1->errors, "husk: app: cannot change to the directory /no/where: "
					  "No such file or directory\n");
}

/* With a PROGRAM the configured services stay where they are; the environment is theirs. */
static void test_program_instead_of_the_configured_service(void **state)
{
	struct pid1 *pid1 = *state;

	write_config(pid1, "exit-n, '9'", "env: {COLOUR: green}\n");
	pid1_start(pid1, NULL,
		WORDS("-c", pid1->config, "--", pid1_child(), "environment", "${COLOUR}"));
	assert_string_equal(pid1_find(pid1, "COLOUR="), "green");
	pid1_finish(pid1, 0);
	write_config(pid1, "exit-n, '9'", "env: {COLOUR: green}\n");
	pid1_start(pid1, NULL,
		WORDS("-c", pid1->config, "--", pid1_child(), "arguments", "${COLOUR}"));
	pid1_expect(pid1, "<${COLOUR}>");
	pid1_finish(pid1, 0);
}

static void test_command_is_expanded(void **state)
{
	struct pid1 *pid1 = *state;

	write_config(pid1, "arguments, '${COLOUR}'", "env: {COLOUR: green}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "<green>");
	pid1_finish(pid1, 0);
}

static void test_command_with_a_secret_78_not_shown(void **state)
{
	struct pid1 *pid1 = *state;

	write_config(pid1, "arguments, '${WORD}'", "env: {WORD: {secret: true, value: hush}}\n");
	start(pid1, NULL);
	pid1_finish(pid1, 78);
	assert_non_null(strstr(pid1->errors, "services.app.command: a secret"));
	assert_null(strstr(pid1->errors, "hush"));
}

static void test_nothing_to_run_64(void **state)
{
	struct pid1 *pid1 = *state;
	const char *const none[] = {"HUSK_CONFIG=", NULL};

	pid1_start(pid1, &(struct pid1_options){.environment = none}, WORDS("run"));
	assert_int_equal(pid1_end(pid1), 64);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pid1_set_up, pid1_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_stop_term_becomes_the_configured_signal),
		TEST(test_stop_configured_signal_stops_too),
		TEST(test_other_signals_are_passed),
		TEST(test_stop_timeout_over_kills_and_says_so),
		TEST(test_stop_kills_who_left_its_group),
		TEST(test_stop_delay_signals_are_still_passed),
		TEST(test_stop_delay_passes_then_signal),
		TEST(test_stop_asked_again_kills),
		TEST(test_stop_stopped_service_goes_on_and_ends),
		TEST(test_settings_reach_the_service),
		TEST(test_settings_cwd_missing_126_named),
		TEST(test_program_instead_of_the_configured_service),
		TEST(test_command_is_expanded),
		TEST(test_command_with_a_secret_78_not_shown),
		TEST(test_nothing_to_run_64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
