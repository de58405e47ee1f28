#include "pid1/pid1.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* Several services, each the testchild, in a husk.yaml of their own. */
static void start(struct pid1 *pid1, const char *text)
{
	pid1_configure(pid1, text);
	pid1_start(pid1, NULL, WORDS("-c", pid1->config));
}

#define SERVICE(name, words, more) "  " name ": {command: [@, " words "]" more "}\n"

static void test_start_waits_for_what_comes_before(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("web", "service, web", ", after: [migrate], main: true")
			    SERVICE("migrate", "service, migrate, '0'", ", oneshot: true")
				    SERVICE("db", "service, db", ", before: [migrate]"));
	pid1_expect_both(pid1, "db up", "migrate up");
	pid1_expect(pid1, "web up");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "web down");
	pid1_expect(pid1, "db down");
	pid1_finish(pid1, 0);
}

static void test_start_oneshot_fails_ends_with_its_status(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("db", "service, db", "") SERVICE(
			    "migrate", "service, migrate, '7'", ", oneshot: true, after: [db]")
			    SERVICE("web", "service, web", ", after: [migrate], main: true"));
	pid1_finish(pid1, 7);
	pid1_expect_error(pid1, "migrate: exited with status 7");
}

/* What comes after it must not start, as it would where a finished oneshot came before. */
static void test_start_ends_well_before_it_is_ready_fails(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("db", "service, db, '0'", ", ready: 'file:/no/where', restart: never")
			    SERVICE("web", "service, web", ", after: [db], main: true"));
	pid1_expect(pid1, "db up");
	pid1_finish(pid1, 124);
	pid1_expect_error(pid1, "db: not ready in 30s: it ended well before");
}

static void test_main_fails_others_stop_status_is_its(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("db", "service, db", "")
			    SERVICE("web", "service, web, '3'", ", after: [db], main: true"));
	pid1_finish(pid1, 3);
	pid1_expect_error(pid1, "web: exited with status 3");
}

static void test_main_ends_well_status_0(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("db", "service, db", "")
			    SERVICE("web", "service, web, '0'", ", after: [db], main: true"));
	pid1_finish(pid1, 0);
}

static void test_restart_limit_ends_with_the_services_status(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("db", "service, db", "") SERVICE("web", "service, web, '3'",
			    ", after: [db], restart: {on: failure, delay: 1ms, limit: 2 in 1h}"));
	pid1_finish(pid1, 3);
	pid1_expect_error(pid1, "web: exited with status 3; started again");
	pid1_expect_error(pid1,
		"web: exited with status 3; started again 2 times in 3600s: restart.limit "
		"is reached");
}

static void test_restart_of_what_cannot_be_run_is_said(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("db", "service, db",
			    "") "  web: {command: [/no/such/program], after: [db],\n"
				"    restart: {on: failure, delay: 1ms, limit: 1 in 1h}}\n");
	pid1_finish(pid1, 127);
	pid1_expect_error(
		pid1, "web: cannot run /no/such/program: it does not exist; started again");
	pid1_expect_error(pid1, "it does not exist; started again 1 time in 3600s: ");
}

static void test_restart_always_limit_is_no_success(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("db", "service, db", "") SERVICE("web", "service, web, '0'",
			    ", restart: {on: always, delay: 1ms, limit: 1 in 1h}, after: [db]"));
	pid1_finish(pid1, 1);
}

static void test_restart_after_a_kill(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("db", "service, db", "") SERVICE("web", "raise, '9'",
			    ", after: [db], restart: {on: always, delay: 1ms, limit: 3 in 1h}"));
	pid1_finish(pid1, 137);
	pid1_expect_error(pid1, "web: killed by SIGKILL; started again");
}

/* The workers of a server would keep its port. */
static void test_restart_ends_what_the_last_one_left(void **state)
{
	struct pid1 *pid1 = *state;
	int left = PID1_PATIENCE * 1000;

	start(pid1, SERVICE("web", "leave, '1', ignore",
			    ", main: true, restart: {on: failure, delay: 1h, limit: none}"));
	pid1_expect(pid1, "left");
	pid1_find_error(pid1, "web: exited with status 1; started again in");
	while (pid1_child_of(pid1->pid) != 0 && left-- > 0)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_true(left > 0);
	pid1_kill(pid1, SIGTERM);
	pid1_finish(pid1, 1);
}

static void test_stop_during_a_backoff_ends_at_once(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("db", "service, db", "") SERVICE("web", "service, web, '3'",
			    ", after: [db], restart: {on: failure, delay: 10h..20h}"));
	pid1_expect_both(pid1, "db up", "web up");
	pid1_find_error(pid1, "web: exited with status 3; started again in ");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "db down");
	pid1_finish(pid1, 0);
}

static void test_stop_while_waiting_starts_nothing_more(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("migrate", "service, migrate", ", oneshot: true")
			    SERVICE("web", "service, web", ", after: [migrate], main: true"));
	pid1_expect(pid1, "migrate up");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "migrate down");
	pid1_finish(pid1, 0);
}

static void test_stop_during_another_stop_kills(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1,
		SERVICE("db", "service, db", "") SERVICE("web", "ignore-term", ", after: [db]"));
	pid1_expect_both(pid1, "db up", "ready");
	pid1_kill(pid1, SIGTERM);
	pid1_kill(pid1, SIGINT);
	pid1_expect(pid1, "db down");
	pid1_finish(pid1, 0);
}

static void test_every_runs_again_and_again(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("db", "service, db", "")
			    SERVICE("tick", "service, tick, '1'", ", after: [db], every: 20ms"));
	(void)pid1_find(pid1, "db up");
	for (int i = 0; i < 5; i++)
		pid1_expect(pid1, "tick up");
	pid1_kill(pid1, SIGTERM);
	/* One may just be starting. */
	(void)pid1_find(pid1, "db down");
	pid1_finish(pid1, 0);
}

static void test_all_ended_ends(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("one", "service, one, '0'", ", oneshot: true")
			    SERVICE("two", "service, two, '0'", ", after: [one]"));
	pid1_expect(pid1, "one up");
	pid1_expect(pid1, "two up");
	pid1_finish(pid1, 0);
}

static void test_signal_goes_to_the_main_one(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("db", "service, db", "")
			    SERVICE("web", "stop-on, '10'", ", after: [db], main: true"));
	pid1_expect_both(pid1, "db up", "ready");
	pid1_kill(pid1, SIGUSR1);
	pid1_expect(pid1, "stopped by 10");
	pid1_expect(pid1, "db down");
	pid1_finish(pid1, 0);
}

static void test_start_exec_fails_is_told_and_tried_again(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, SERVICE("db", "service, db", "") SERVICE("web", "service, web",
			    ", after: [db], cwd: /no/where, restart: {on: failure, delay: 1ms, "
			    "limit: 1 in 1h}"));
	pid1_finish(pid1, 126);
	pid1_expect_error(
		pid1, "web: cannot change to the directory /no/where: No such file or directory");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pid1_set_up, pid1_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_start_waits_for_what_comes_before),
		TEST(test_start_oneshot_fails_ends_with_its_status),
		TEST(test_start_ends_well_before_it_is_ready_fails),
		TEST(test_start_exec_fails_is_told_and_tried_again),
		TEST(test_main_fails_others_stop_status_is_its),
		TEST(test_main_ends_well_status_0),
		TEST(test_restart_limit_ends_with_the_services_status),
		TEST(test_restart_of_what_cannot_be_run_is_said),
		TEST(test_restart_always_limit_is_no_success),
		TEST(test_restart_after_a_kill),
		TEST(test_restart_ends_what_the_last_one_left),
		TEST(test_stop_during_a_backoff_ends_at_once),
		TEST(test_stop_while_waiting_starts_nothing_more),
		TEST(test_stop_during_another_stop_kills),
		TEST(test_every_runs_again_and_again),
		TEST(test_all_ended_ends),
		TEST(test_signal_goes_to_the_main_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
