/*
 * A service that ends is started again: when, and how often.
 */
#include "unit/supervise_world.h"

static struct world world;

/* The service that is looked at, and one that keeps the container up. */
enum { IT, OTHER };

static void set_up(enum supervise_policy policy)
{
	world_init(&world, 2);
	world.services[IT].policy = policy;
	world.services[OTHER].passive = true;
}

static void run(void)
{
	world_begin(&world);
	world_tell(&world, OTHER, EVENT_EXEC_OK);
	world_tell(&world, IT, EVENT_EXEC_OK);
	assert_state(&world, IT, RUNNING);
	(void)world_take(&world, IT);
}

/* It has run for `ran`, and ends. How long until it is started again. */
static int64_t fail_after(int64_t ran)
{
	int64_t begin;

	world_pass(&world, ran);
	begin = world.now;
	(void)world_take(&world, IT);
	world_tell(&world, IT, EVENT_EXITED_BADLY);
	if (world.services[IT].state == SERVICE_BACKOFF)
		world_wait(&world);
	assert_int_equal(world_take(&world, IT), ACT_BACKOFF | ACT_LAUNCH);
	world_tell(&world, IT, EVENT_EXEC_OK);
	return world.now - begin;
}

#define assert_about(time, least) \
	assert_in_range((uint64_t)(time), (uint64_t)(least), (uint64_t)((least) + (least) / 4 - 1))

static void test_restart_each_failure_doubles_the_delay(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 500; seed++) {
		set_up(RESTART_FAILURE);
		world.sup.random = seed;
		world.services[IT].restart_delay = SECOND;
		world.services[IT].restart_delay_max = 5 * SECOND;
		run();
		assert_about(fail_after(0), SECOND);
		assert_about(fail_after(0), 2 * SECOND);
		assert_about(fail_after(0), 4 * SECOND);
		assert_about(fail_after(0), 5 * SECOND);
		assert_about(fail_after(0), 5 * SECOND);
		assert_int_equal(world.services[IT].restarts, 5);
	}
}

/* Many that failed together are not started together. */
static void test_restart_jitter_is_spread(void **state)
{
	unsigned quarters[4] = {0};

	(void)state;
	for (uint32_t seed = 1; seed <= 1000; seed++) {
		set_up(RESTART_FAILURE);
		world.sup.random = seed * 2654435761U;
		world.services[IT].restart_delay = 16 * SECOND;
		run();
		quarters[(fail_after(0) - 16 * SECOND) / SECOND]++;
	}
	for (int i = 0; i < 4; i++)
		assert_in_range(quarters[i], 150, 350);
	/* Where there is no number to begin with, too. */
	set_up(RESTART_FAILURE);
	world.services[IT].restart_delay = 16 * SECOND;
	run();
	assert_true(fail_after(0) > 16 * SECOND);
}

/* The delay is the least time between two starts. */
static void test_restart_after_a_while_waits_for_the_rest_only(void **state)
{
	(void)state;
	set_up(RESTART_FAILURE);
	world.services[IT].restart_delay = world.services[IT].restart_delay_max = 4 * SECOND;
	run();
	assert_in_range(fail_after(3 * SECOND), SECOND, 2 * SECOND - 1);
	/* At once, and in the same call: no deadline is needed. */
	assert_int_equal(fail_after(5 * SECOND), 0);
}

static void test_restart_after_a_long_run_begins_anew(void **state)
{
	(void)state;
	set_up(RESTART_FAILURE);
	world.services[IT].restart_delay = SECOND;
	world.services[IT].restart_delay_max = 5 * SECOND;
	run();
	for (int i = 0; i < 4; i++)
		(void)fail_after(0);
	/* As long as the longest delay is not long. */
	assert_in_range(fail_after(5 * SECOND), 0, 2 * SECOND);
	assert_about(fail_after(0), 5 * SECOND);
	assert_int_equal(fail_after(5 * SECOND + 1), 0);
	assert_about(fail_after(0), 2 * SECOND);
}

static void test_restart_limit_reached_ends_the_container(void **state)
{
	(void)state;
	set_up(RESTART_FAILURE);
	world.services[IT].restart_limit = 3;
	world.services[IT].restart_window = 60 * SECOND;
	/* The machine has just been started. */
	world.now = SECOND;
	run();
	for (int i = 0; i < 3; i++)
		(void)fail_after(0);
	world_tell(&world, IT, EVENT_EXITED_BADLY);
	assert_int_equal(world_take(&world, IT), ACT_LIMIT);
	assert_state(&world, IT, FAILED);
	assert_phase(&world, HALTING);
	assert_int_equal(world.sup.ended_by, IT);
	assert_int_equal(world.services[IT].restarts, 3);
	assert_int_equal(world.launches[IT], 4);
}

/* Always is not for ever: an end that is well counts too. */
static void test_restart_limit_counts_good_ends_too(void **state)
{
	(void)state;
	set_up(RESTART_ALWAYS);
	world.services[IT].restart_limit = 1;
	world.services[IT].restart_window = 60 * SECOND;
	run();
	world_tell(&world, IT, EVENT_EXITED_WELL);
	world_wait(&world);
	world_tell(&world, IT, EVENT_EXEC_OK);
	world_tell(&world, IT, EVENT_EXITED_WELL);
	assert_state(&world, IT, FAILED);
	assert_phase(&world, HALTING);
}

static void test_restart_limit_is_within_a_window_that_moves(void **state)
{
	(void)state;
	set_up(RESTART_FAILURE);
	world.services[IT].restart_delay = world.services[IT].restart_delay_max = 1;
	world.services[IT].restart_limit = 2;
	world.services[IT].restart_window = 10 * SECOND;
	run();
	/* At 0, 8, 10, 18, 20 ...: never three within less than ten seconds. */
	assert_int_equal(fail_after(SECOND), 0);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(fail_after(8 * SECOND), 0);
		assert_int_equal(fail_after(2 * SECOND), 0);
	}
	world_pass(&world, 8 * SECOND - 1);
	world_tell(&world, IT, EVENT_EXITED_BADLY);
	assert_state(&world, IT, FAILED);
	assert_int_equal(world.services[IT].restarts, 41);
}

static void test_restart_limit_without_processes_does_not_count(void **state)
{
	(void)state;
	set_up(RESTART_FAILURE);
	world.services[IT].restart_limit = 1;
	world.services[IT].restart_window = 60 * SECOND;
	world_begin(&world);
	for (int i = 0; i < 20; i++) {
		world_tell(&world, IT, EVENT_NOT_STARTED);
		assert_state(&world, IT, BACKOFF);
		world_wait(&world);
		assert_state(&world, IT, STARTING);
	}
	assert_int_equal(world.services[IT].restarts, 0);
	/* Nor is it tried ever faster. */
	world_tell(&world, IT, EVENT_NOT_STARTED);
	assert_about(world.services[IT].deadline - world.now, 30 * SECOND);
}

/* What keeps a process from being made is not over in no time. */
static void test_restart_without_processes_is_not_tried_at_once(void **state)
{
	(void)state;
	set_up(RESTART_FAILURE);
	world.services[IT].restart_delay = world.services[IT].restart_delay_max = 1;
	world_begin(&world);
	for (int i = 0; i < 20; i++) {
		world_tell(&world, IT, EVENT_NOT_STARTED);
		assert_state(&world, IT, BACKOFF);
		world_pass(&world, SUPERVISE_RETRY_WAIT - 1);
		assert_state(&world, IT, BACKOFF);
		world_pass(&world, 1);
		assert_state(&world, IT, STARTING);
	}
}

static void test_restart_limit_does_not_count_commands(void **state)
{
	(void)state;
	set_up(RESTART_FAILURE);
	world.services[IT].restart_limit = 1;
	world.services[IT].restart_window = 60 * SECOND;
	run();
	for (int i = 0; i < 10; i++) {
		world_tell(&world, IT, EVENT_RESTART);
		world_tell(&world, IT, EVENT_EXITED_BADLY);
		assert_state(&world, IT, STARTING);
		world_tell(&world, IT, EVENT_EXEC_OK);
	}
	assert_int_equal(world.services[IT].restarts, 0);
	(void)fail_after(0);
	assert_int_equal(world.services[IT].restarts, 1);
}

static void test_backoff_a_command_comes_before_its_time(void **state)
{
	static const enum supervise_event events[] = {EVENT_START, EVENT_RESTART};

	(void)state;
	for (int i = 0; i < 2; i++) {
		set_up(RESTART_FAILURE);
		run();
		world_tell(&world, IT, EVENT_EXITED_BADLY);
		assert_state(&world, IT, BACKOFF);
		world_tell(&world, IT, events[i]);
		assert_state(&world, IT, STARTING);
		assert_int_equal(world.launches[IT], 2);
	}
	set_up(RESTART_FAILURE);
	run();
	world_tell(&world, IT, EVENT_EXITED_BADLY);
	world_tell(&world, IT, EVENT_STOP);
	assert_state(&world, IT, DOWN);
	world_pass(&world, 3600 * SECOND);
	assert_int_equal(world.launches[IT], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restart_each_failure_doubles_the_delay),
		cmocka_unit_test(test_restart_jitter_is_spread),
		cmocka_unit_test(test_restart_after_a_while_waits_for_the_rest_only),
		cmocka_unit_test(test_restart_after_a_long_run_begins_anew),
		cmocka_unit_test(test_restart_limit_reached_ends_the_container),
		cmocka_unit_test(test_restart_limit_counts_good_ends_too),
		cmocka_unit_test(test_restart_limit_is_within_a_window_that_moves),
		cmocka_unit_test(test_restart_limit_without_processes_does_not_count),
		cmocka_unit_test(test_restart_without_processes_is_not_tried_at_once),
		cmocka_unit_test(test_restart_limit_does_not_count_commands),
		cmocka_unit_test(test_backoff_a_command_comes_before_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
