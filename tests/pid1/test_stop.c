#include "pid1/pid1.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* A husk.yaml with one service, the testchild, in a file of its own. */
static char config[256];

static void write_config(const char *words, const char *more)
{
	const char *folder = getenv("TMPDIR");
	int fd;

	(void)snprintf(config, sizeof(config), "%s/husk-stop-XXXXXX", folder ? folder : "/tmp");
	fd = mkstemp(config);
	assert_true(fd >= 0);
	assert_true(
		dprintf(fd, "version: 1\ngrace: 10h\nservices:\n  app:\n    command: [%s, %s]\n%s",
			pid1_child(), words, more) > 0);
	close(fd);
}

static void start(struct pid1 *pid1, const struct pid1_options *options)
{
	pid1_start(pid1, options, WORDS("-c", config));
}

static void finish(struct pid1 *pid1, int status)
{
	assert_int_equal(pid1_end(pid1), status);
	assert_int_equal(unlink(config), 0);
	config[0] = '\0';
}

/* A failed test leaves its file to this. */
static int tear_down(void **state)
{
	if (config[0] != '\0')
		(void)unlink(config);
	config[0] = '\0';
	return pid1_tear_down(state);
}

static void test_stop_term_becomes_the_configured_signal(void **state)
{
	struct pid1 *pid1 = *state;

	write_config("stop-on, '3'", "    stop: {signal: QUIT}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "stopped by 3");
	finish(pid1, 0);
	assert_string_equal(pid1->errors, "");
}

/* An image's STOPSIGNAL may be the service's own signal. */
static void test_stop_configured_signal_stops_too(void **state)
{
	struct pid1 *pid1 = *state;

	write_config("stop-on, '3'", "    stop: {signal: QUIT}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGQUIT);
	pid1_expect(pid1, "stopped by 3");
	finish(pid1, 0);
}

static void test_other_signals_are_passed(void **state)
{
	struct pid1 *pid1 = *state;

	write_config("report-signals, '15'", "");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGHUP);
	pid1_expect(pid1, "signal 1");
	pid1_kill(pid1, 63);
	pid1_expect(pid1, "signal 63");
	pid1_kill(pid1, SIGINT);
	pid1_expect(pid1, "signal 15");
	finish(pid1, 0);
}

static void test_stop_timeout_over_kills_and_says_so(void **state)
{
	struct pid1 *pid1 = *state;

	write_config("ignore-term", "    stop: {timeout: 100ms}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	finish(pid1, 128 + SIGKILL);
	assert_string_equal(pid1->errors, "husk: warning: app: did not stop in time: killed\n");
}

/* Without the delay TERM would come at once: it comes after a second's worth of other signals. */
static void test_stop_kills_who_left_its_group(void **state)
{
	struct pid1 *pid1 = *state;

	write_config("leave-group", "    stop: {timeout: 100ms}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	finish(pid1, 128 + SIGKILL);
	assert_string_equal(pid1->errors, "husk: warning: app: did not stop in time: killed\n");
}

static void test_stop_delay_signals_are_still_passed(void **state)
{
	struct pid1 *pid1 = *state;

	write_config("report-signals, '15'", "    stop: {delay: 1h}\n");
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
	finish(pid1, 0);
}

static void test_stop_delay_passes_then_signal(void **state)
{
	struct pid1 *pid1 = *state;

	write_config("report-signals, '15'", "    stop: {delay: 50ms}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 15");
	finish(pid1, 0);
}

/* An hour would be left: three TERM need none of it. */
static void test_stop_asked_again_kills(void **state)
{
	struct pid1 *pid1 = *state;

	write_config("report-signals, '64'", "    stop: {delay: 1h, timeout: 1h}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	pid1_kill(pid1, SIGUSR1);
	pid1_expect(pid1, "signal 10");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 15");
	pid1_expect(pid1, "signal 18");
	pid1_kill(pid1, SIGTERM);
	finish(pid1, 128 + SIGKILL);
	assert_non_null(strstr(pid1->errors, "asked to stop by SIGTERM again: "));
}

static void test_stop_stopped_service_goes_on_and_ends(void **state)
{
	struct pid1 *pid1 = *state;

	write_config("stop-self", "    stop: {timeout: 1h}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "stopping");
	pid1_await_state(pid1_child_of(pid1->pid), "T");
	pid1_kill(pid1, SIGTERM);
	finish(pid1, 128 + SIGTERM);
}

static void test_settings_reach_the_service(void **state)
{
	struct pid1 *pid1 = *state;

	write_config("state", "    cwd: /usr\n    umask: '027'\n    nice: 3\n"
			      "    limits: {nofile: 99}\n");
	start(pid1, NULL);
	assert_string_equal(pid1_find(pid1, "umask "), "027");
	assert_string_equal(pid1_find(pid1, "nice "), "3");
	assert_string_equal(pid1_find(pid1, "nofile "), "99");
	assert_string_equal(pid1_find(pid1, "cwd "), "/usr");
	finish(pid1, 0);
}

static void test_settings_cwd_missing_126_named(void **state)
{
	struct pid1 *pid1 = *state;

	write_config("state", "    cwd: /no/where\n");
	start(pid1, NULL);
	finish(pid1, 126);
	assert_string_equal(pid1->errors, "husk: app: cannot change to the directory /no/where: "
					  "No such file or directory\n");
}

/* With a PROGRAM the configured services stay where they are; the environment is theirs. */
static void test_program_instead_of_the_configured_service(void **state)
{
	struct pid1 *pid1 = *state;

	write_config("exit-n, '9'", "env: {COLOUR: green}\n");
	pid1_start(pid1, NULL, WORDS("-c", config, "--", pid1_child(), "environment", "${COLOUR}"));
	assert_string_equal(pid1_find(pid1, "COLOUR="), "green");
	finish(pid1, 0);
	write_config("exit-n, '9'", "env: {COLOUR: green}\n");
	pid1_start(pid1, NULL, WORDS("-c", config, "--", pid1_child(), "arguments", "${COLOUR}"));
	pid1_expect(pid1, "<${COLOUR}>");
	finish(pid1, 0);
}

static void test_command_is_expanded(void **state)
{
	struct pid1 *pid1 = *state;

	write_config("arguments, '${COLOUR}'", "env: {COLOUR: green}\n");
	start(pid1, NULL);
	pid1_expect(pid1, "<green>");
	finish(pid1, 0);
}

static void test_command_with_a_secret_78_not_shown(void **state)
{
	struct pid1 *pid1 = *state;

	write_config("arguments, '${WORD}'", "env: {WORD: {secret: true, value: hush}}\n");
	start(pid1, NULL);
	finish(pid1, 78);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, pid1_set_up, tear_down)
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
