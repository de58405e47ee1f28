/*
 * What comes after what: at the start, and in reverse at the stop.
 */
#include "unit/supervise_world.h"

static struct world world;

/* All that are being started have their exec behind them. */
static void exec_all(void)
{
	for (unsigned i = 0; i < world.sup.count; i++) {
		if (world.services[i].state == SERVICE_STARTING)
			world_tell(&world, i, EVENT_EXEC_OK);
	}
}

/* The services with an act on them since the last call, a bit each: the first 32. */
static unsigned which(unsigned act)
{
	unsigned set = 0;

	for (unsigned i = 0; i < world.sup.count && i < 32; i++) {
		if (world_take(&world, i) & act)
			set |= 1U << i;
	}
	return set;
}

/* ---- the start ---- */

static void test_start_chain_one_runs_after_the_other(void **state)
{
	(void)state;
	world_init(&world, 3);
	/* The order in the file does not matter. */
	world_after(&world, 0, 2);
	world_after(&world, 2, 1);
	world_begin(&world);
	assert_int_equal(which(ACT_LAUNCH), 1 << 1);
	assert_state(&world, 0, WAITING);
	world_tell(&world, 1, EVENT_EXEC_OK);
	assert_int_equal(which(ACT_LAUNCH), 1 << 2);
	world_tell(&world, 2, EVENT_EXEC_OK);
	assert_int_equal(which(ACT_LAUNCH), 1 << 0);
}

static void test_start_ready_comes_before_what_comes_after(void **state)
{
	(void)state;
	world_init(&world, 2);
	world.services[0].ready_timeout = 30 * SECOND;
	world_after(&world, 1, 0);
	world_begin(&world);
	world_tell(&world, 0, EVENT_EXEC_OK);
	assert_int_equal(world_take(&world, 0), ACT_LAUNCH | ACT_AWAIT);
	world_pass(&world, 29 * SECOND);
	assert_int_equal(world.launches[1], 0);
	world_tell(&world, 0, EVENT_READY);
	assert_int_equal(world_take(&world, 0), ACT_READY);
	assert_int_equal(world_take(&world, 1), ACT_LAUNCH);
	/* Its time for that does not come any more. */
	world_pass(&world, SECOND);
	assert_state(&world, 0, RUNNING);
}

static void test_start_not_ready_lets_nothing_follow(void **state)
{
	(void)state;
	for (int told = 0; told < 2; told++) {
		world_init(&world, 2);
		world.services[0].ready_timeout = SECOND;
		world.services[0].policy = RESTART_FAILURE;
		world_after(&world, 1, 0);
		world_begin(&world);
		world_tell(&world, 0, EVENT_EXEC_OK);
		(void)world_take(&world, 0);
		if (told)
			world_tell(&world, 0, EVENT_NOT_READY);
		else
			world_pass(&world, SECOND);
		assert_int_equal(world_take(&world, 0), ACT_UNREADY | ACT_SIGNAL);
		/* Too late. */
		world_tell(&world, 0, EVENT_READY);
		assert_int_equal(world.launches[1], 0);
		world_tell(&world, 0, EVENT_EXITED_WELL);
		world_pass(&world, SECOND);
		world_tell(&world, 0, EVENT_EXEC_OK);
		assert_int_equal(world.launches[0], 2);
		assert_int_equal(world.launches[1], 0);
		world_tell(&world, 0, EVENT_READY);
		assert_int_equal(world.launches[1], 1);
	}
}

static void test_start_oneshot_has_to_end_well_first(void **state)
{
	(void)state;
	world_init(&world, 2);
	world.services[0].oneshot = true;
	world.services[0].policy = RESTART_FAILURE;
	world_after(&world, 1, 0);
	world_begin(&world);
	world_tell(&world, 0, EVENT_EXEC_OK);
	assert_state(&world, 0, RUNNING);
	world_tell(&world, 0, EVENT_EXITED_BADLY);
	world_wait(&world);
	world_tell(&world, 0, EVENT_EXEC_OK);
	assert_int_equal(world.launches[1], 0);
	world_tell(&world, 0, EVENT_EXITED_WELL);
	assert_state(&world, 0, DONE);
	assert_int_equal(world.launches[1], 1);
}

static void test_start_oneshot_failed_ends_the_container(void **state)
{
	(void)state;
	world_init(&world, 2);
	world.services[0].oneshot = true;
	world_after(&world, 1, 0);
	world_begin(&world);
	world_tell(&world, 0, EVENT_EXEC_OK);
	world_tell(&world, 0, EVENT_EXITED_BADLY);
	assert_int_equal(world.launches[1], 0);
	assert_state(&world, 1, DOWN);
	assert_phase(&world, SWEEP_TERM);
	assert_int_equal(world.sup.ended_by, 0);
}

static void test_start_diamond_waits_for_both_sides(void **state)
{
	(void)state;
	world_init(&world, 4);
	world_after(&world, 0, 1);
	world_after(&world, 0, 2);
	world_after(&world, 1, 3);
	world_after(&world, 2, 3);
	world.services[2].ready_timeout = 30 * SECOND;
	world_begin(&world);
	assert_int_equal(which(ACT_LAUNCH), 1 << 3);
	world_tell(&world, 3, EVENT_EXEC_OK);
	assert_int_equal(which(ACT_LAUNCH), 1 << 1 | 1 << 2);
	exec_all();
	assert_int_equal(which(ACT_LAUNCH), 0);
	world_tell(&world, 2, EVENT_READY);
	assert_int_equal(which(ACT_LAUNCH), 1 << 0);
}

/* Each start holds a descriptor until its exec is known. */
static void test_start_many_are_started_few_at_a_time(void **state)
{
	unsigned launched = 0;

	(void)state;
	world_init(&world, WORLD_MAX);
	world_begin(&world);
	for (unsigned i = 0; i < WORLD_MAX; i++)
		launched += world.launches[i];
	assert_int_equal(launched, SUPERVISE_STARTS_MAX);
	assert_int_equal(world.sup.starting, SUPERVISE_STARTS_MAX);
	/* Whatever becomes of one, the next one has its turn. */
	world_tell(&world, 0, EVENT_EXEC_OK);
	world_tell(&world, 1, EVENT_STOP);
	world_tell(&world, 2, EVENT_RESTART);
	world_tell(&world, 3, EVENT_HURRY);
	world.services[4].policy = RESTART_FAILURE;
	world_tell(&world, 4, EVENT_EXITED_BADLY);
	world.services[5].policy = RESTART_FAILURE;
	world_tell(&world, 5, EVENT_NOT_STARTED);
	world_tell(&world, 6, EVENT_EXITED_WELL);
	world_tell(&world, 7, EVENT_EXEC_FAILED);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(world.launches[SUPERVISE_STARTS_MAX + i], 1);
	assert_int_equal(world.launches[SUPERVISE_STARTS_MAX + 8], 0);
	for (unsigned i = 0; i < WORLD_MAX; i++) {
		if (world.services[i].state == SERVICE_STARTING)
			world_tell(&world, i, EVENT_EXEC_OK);
	}
	exec_all();
	for (unsigned i = 0; i < WORLD_MAX; i++)
		assert_true(world.launches[i] >= 1);
	assert_int_equal(world.sup.starting, 0);
}

/* What runs goes on without what it came after; what is started waits for it again. */
static void test_start_again_waits_for_what_is_away(void **state)
{
	(void)state;
	world_init(&world, 3);
	world_after(&world, 1, 0);
	world_after(&world, 2, 0);
	world.services[0].policy = RESTART_FAILURE;
	world.services[0].restart_delay = 10 * SECOND;
	world_begin(&world);
	exec_all();
	exec_all();
	world_tell(&world, 0, EVENT_EXITED_BADLY);
	assert_state(&world, 0, BACKOFF);
	assert_state(&world, 2, RUNNING);
	world_tell(&world, 1, EVENT_RESTART);
	world_tell(&world, 1, EVENT_EXITED_WELL);
	assert_state(&world, 1, WAITING);
	world_wait(&world);
	assert_state(&world, 0, STARTING);
	assert_state(&world, 1, WAITING);
	world_tell(&world, 0, EVENT_EXEC_OK);
	assert_state(&world, 1, STARTING);
	assert_int_equal(world.launches[2], 1);
}

static void test_start_what_it_comes_after_is_down_waits_for_a_command(void **state)
{
	(void)state;
	world_init(&world, 2);
	world_after(&world, 1, 0);
	supervise_init(&world.sup);
	world_tell(&world, 1, EVENT_START);
	world_pass(&world, 3600 * SECOND);
	assert_state(&world, 1, WAITING);
	world_tell(&world, 0, EVENT_START);
	world_tell(&world, 0, EVENT_EXEC_OK);
	assert_state(&world, 1, STARTING);
}

/* ---- the stop ---- */

static void begin_all(void)
{
	world_begin(&world);
	for (unsigned i = 0; i < world.sup.count; i++)
		exec_all();
	(void)which(0);
}

static void test_stop_chain_each_waits_for_what_comes_after_it(void **state)
{
	(void)state;
	world_init(&world, 3);
	world_after(&world, 0, 2);
	world_after(&world, 2, 1);
	begin_all();
	world_stop(&world);
	assert_int_equal(which(ACT_SIGNAL), 1 << 0);
	world_tell(&world, 0, EVENT_EXITED_WELL);
	assert_int_equal(which(ACT_SIGNAL), 1 << 2);
	world_tell(&world, 2, EVENT_EXITED_BADLY);
	assert_int_equal(which(ACT_SIGNAL), 1 << 1);
	assert_phase(&world, HALTING);
	world_tell(&world, 1, EVENT_EXITED_WELL);
	assert_phase(&world, SWEEP_TERM);
}

static void test_stop_diamond_waits_for_both_sides(void **state)
{
	(void)state;
	world_init(&world, 4);
	world_after(&world, 0, 1);
	world_after(&world, 0, 2);
	world_after(&world, 1, 3);
	world_after(&world, 2, 3);
	begin_all();
	world_stop(&world);
	assert_int_equal(which(ACT_SIGNAL), 1 << 0);
	world_tell(&world, 0, EVENT_EXITED_WELL);
	assert_int_equal(which(ACT_SIGNAL), 1 << 1 | 1 << 2);
	world_tell(&world, 2, EVENT_EXITED_WELL);
	assert_int_equal(which(ACT_SIGNAL), 0);
	world_tell(&world, 1, EVENT_EXITED_WELL);
	assert_int_equal(which(ACT_SIGNAL), 1 << 3);
}

/* The migration is over, and the application still needs the database. */
static void test_stop_waits_across_what_does_not_run_any_more(void **state)
{
	enum { DATABASE, APPLICATION, MIGRATION, CHECK };

	(void)state;
	world_init(&world, 4);
	world.services[MIGRATION].oneshot = world.services[CHECK].oneshot = true;
	world_after(&world, MIGRATION, DATABASE);
	world_after(&world, CHECK, MIGRATION);
	world_after(&world, APPLICATION, CHECK);
	begin_all();
	world_tell(&world, MIGRATION, EVENT_EXITED_WELL);
	exec_all();
	world_tell(&world, CHECK, EVENT_EXITED_WELL);
	exec_all();
	assert_state(&world, APPLICATION, RUNNING);
	world_stop(&world);
	assert_int_equal(which(ACT_SIGNAL), 1 << APPLICATION);
	world_tell(&world, APPLICATION, EVENT_EXITED_WELL);
	assert_int_equal(which(ACT_SIGNAL), 1 << DATABASE);
	assert_state(&world, MIGRATION, DONE);
}

static void test_stop_without_order_comes_to_the_last_first(void **state)
{
	(void)state;
	world_init(&world, 3);
	begin_all();
	world_stop(&world);
	assert_int_equal(world.sup.action_count, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(world.actions[i].act, ACT_SIGNAL);
		assert_int_equal(world.actions[i].service, 2 - i);
	}
}

static void test_stop_during_the_start_starts_nothing_more(void **state)
{
	(void)state;
	world_init(&world, 3);
	world_after(&world, 1, 0);
	world_after(&world, 2, 1);
	world_begin(&world);
	world_tell(&world, 0, EVENT_EXEC_OK);
	assert_state(&world, 1, STARTING);
	world_stop(&world);
	assert_state(&world, 0, RUNNING);
	assert_state(&world, 1, STOPPING);
	assert_state(&world, 2, DOWN);
	/* The news that it has started is old. */
	world_tell(&world, 1, EVENT_EXEC_OK);
	assert_state(&world, 1, STOPPING);
	world_tell(&world, 1, EVENT_EXITED_WELL);
	assert_state(&world, 0, STOPPING);
	world_tell(&world, 0, EVENT_EXITED_WELL);
	assert_phase(&world, SWEEP_TERM);
	assert_int_equal(world.launches[2], 0);
}

/* A service that could not be killed keeps nobody from being stopped. */
static void test_stop_given_up_lets_the_next_one_stop(void **state)
{
	(void)state;
	world_init(&world, 2);
	world_after(&world, 1, 0);
	begin_all();
	world_stop(&world);
	world_pass(&world, 7 * SECOND);
	assert_int_equal(world_take(&world, 1), ACT_SIGNAL | ACT_LATE | ACT_KILL);
	assert_int_equal(world_take(&world, 0), 0);
	world_pass(&world, SUPERVISE_KILL_WAIT);
	assert_int_equal(world_take(&world, 1), ACT_GIVE_UP);
	assert_int_equal(world_take(&world, 0), ACT_SIGNAL);
}

/* A command is for the one service: what comes after it goes on. */
static void test_stop_by_command_is_for_one_alone(void **state)
{
	(void)state;
	world_init(&world, 2);
	world_after(&world, 1, 0);
	begin_all();
	world_tell(&world, 0, EVENT_STOP);
	assert_int_equal(which(ACT_SIGNAL), 1 << 0);
	world_tell(&world, 0, EVENT_EXITED_WELL);
	assert_state(&world, 0, DOWN);
	assert_state(&world, 1, RUNNING);
}

static void test_stop_of_a_main_service_takes_the_others_along(void **state)
{
	(void)state;
	world_init(&world, 3);
	world.services[1].main = true;
	world_after(&world, 1, 0);
	world_after(&world, 2, 1);
	begin_all();
	world_tell(&world, 1, EVENT_EXITED_WELL);
	assert_int_equal(world.sup.ended_by, 1);
	/* The one before it still has to wait for the one behind. */
	assert_int_equal(which(ACT_SIGNAL), 1 << 2);
	world_tell(&world, 2, EVENT_EXITED_WELL);
	assert_int_equal(which(ACT_SIGNAL), 1 << 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_chain_one_runs_after_the_other),
		cmocka_unit_test(test_start_ready_comes_before_what_comes_after),
		cmocka_unit_test(test_start_not_ready_lets_nothing_follow),
		cmocka_unit_test(test_start_oneshot_has_to_end_well_first),
		cmocka_unit_test(test_start_oneshot_failed_ends_the_container),
		cmocka_unit_test(test_start_diamond_waits_for_both_sides),
		cmocka_unit_test(test_start_many_are_started_few_at_a_time),
		cmocka_unit_test(test_start_again_waits_for_what_is_away),
		cmocka_unit_test(test_start_what_it_comes_after_is_down_waits_for_a_command),
		cmocka_unit_test(test_stop_chain_each_waits_for_what_comes_after_it),
		cmocka_unit_test(test_stop_diamond_waits_for_both_sides),
		cmocka_unit_test(test_stop_waits_across_what_does_not_run_any_more),
		cmocka_unit_test(test_stop_without_order_comes_to_the_last_first),
		cmocka_unit_test(test_stop_during_the_start_starts_nothing_more),
		cmocka_unit_test(test_stop_given_up_lets_the_next_one_stop),
		cmocka_unit_test(test_stop_by_command_is_for_one_alone),
		cmocka_unit_test(test_stop_of_a_main_service_takes_the_others_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
