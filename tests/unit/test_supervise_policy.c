/*
 * What the end of a service means: for itself, and for the container.
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

/* ---- its own end ---- */

enum kind { DAEMON, ONESHOT, PERIODIC, MAIN };

struct end {
	enum kind kind;
	enum supervise_policy policy;
	enum supervise_state well, badly;
};

static const struct end ends[] = {
	{DAEMON, RESTART_NEVER, SERVICE_DONE, SERVICE_FAILED},
	{DAEMON, RESTART_FAILURE, SERVICE_DONE, SERVICE_BACKOFF},
	{DAEMON, RESTART_ALWAYS, SERVICE_BACKOFF, SERVICE_BACKOFF},
	{MAIN, RESTART_NEVER, SERVICE_DONE, SERVICE_FAILED},
	{MAIN, RESTART_FAILURE, SERVICE_DONE, SERVICE_BACKOFF},
	{MAIN, RESTART_ALWAYS, SERVICE_BACKOFF, SERVICE_BACKOFF},
	/* What is to be done once is done. */
	{ONESHOT, RESTART_NEVER, SERVICE_DONE, SERVICE_FAILED},
	{ONESHOT, RESTART_FAILURE, SERVICE_DONE, SERVICE_BACKOFF},
	{ONESHOT, RESTART_ALWAYS, SERVICE_DONE, SERVICE_BACKOFF},
	/* It comes again when its time comes. */
	{PERIODIC, RESTART_NEVER, SERVICE_IDLE, SERVICE_IDLE},
	{PERIODIC, RESTART_FAILURE, SERVICE_IDLE, SERVICE_IDLE},
	{PERIODIC, RESTART_ALWAYS, SERVICE_IDLE, SERVICE_IDLE},
};

static void set_up_end(const struct end *end)
{
	set_up(end->policy);
	world.services[IT].main = end->kind == MAIN;
	world.services[IT].oneshot = end->kind == ONESHOT;
	world.services[IT].every = end->kind == PERIODIC ? 60 * SECOND : 0;
	world.services[IT].restart_delay = 10 * SECOND;
}

/* A main's end for good is the container's, a failure is in any case. */
static void check_end(const struct end *end, enum supervise_state expected)
{
	bool last = expected == SERVICE_FAILED || (end->kind == MAIN && expected == SERVICE_DONE);

	if (world.services[IT].state != expected)
		fail_msg("row %d: %s", (int)(end - ends),
			supervise_state_name(world.services[IT].state));
	assert_int_equal(world.sup.phase, last ? PHASE_HALTING : PHASE_UP);
	assert_int_equal(world.sup.ended_by, last ? (unsigned)IT : SUPERVISE_NOBODY);
	assert_int_equal(
		world_take(&world, IT), expected == SERVICE_BACKOFF ? (unsigned)ACT_BACKOFF : 0U);
	assert_int_equal(world.services[IT].restarts, expected == SERVICE_BACKOFF ? 1 : 0);
}

static void test_end_well_or_badly_is_what_the_policy_makes_of_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		set_up_end(&ends[i]);
		run();
		world_tell(&world, IT, EVENT_EXITED_WELL);
		check_end(&ends[i], ends[i].well);

		set_up_end(&ends[i]);
		run();
		world_tell(&world, IT, EVENT_EXITED_BADLY);
		check_end(&ends[i], ends[i].badly);
	}
}

/* The exec-error pipe knows more than the status of the child, which is killed. */
static void test_end_exec_failed_is_bad_whatever_the_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		set_up_end(&ends[i]);
		world_begin(&world);
		world_tell(&world, OTHER, EVENT_EXEC_OK);
		(void)world_take(&world, IT);
		world_tell(&world, IT, EVENT_EXEC_FAILED);
		assert_state(&world, IT, KILLING);
		assert_int_equal(world_take(&world, IT), ACT_KILL);
		world_tell(&world, IT, EVENT_EXITED_WELL);
		check_end(&ends[i], ends[i].badly);
	}
}

static void test_end_not_started_is_bad_and_does_not_count(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		set_up_end(&ends[i]);
		world_begin(&world);
		world_tell(&world, IT, EVENT_NOT_STARTED);
		assert_int_equal(world.services[IT].state, ends[i].badly);
		assert_int_equal(world.services[IT].restarts, 0);
	}
}

static void test_end_not_ready_in_time_is_bad_whatever_the_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		if (ends[i].kind == PERIODIC)
			continue;
		set_up_end(&ends[i]);
		world.services[IT].ready_timeout = 3 * SECOND;
		world_begin(&world);
		world_tell(&world, OTHER, EVENT_EXEC_OK);
		world_tell(&world, IT, EVENT_EXEC_OK);
		assert_int_equal(world_take(&world, IT), ACT_LAUNCH | ACT_AWAIT);
		world_pass(&world, 3 * SECOND);
		assert_int_equal(world_take(&world, IT), ACT_UNREADY | ACT_SIGNAL);
		world_tell(&world, IT, EVENT_EXITED_WELL);
		check_end(&ends[i], ends[i].badly);
	}
}

/* What was asked for last is what counts. */
static void test_end_after_a_command_is_as_it_was_asked_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		set_up_end(&ends[i]);
		run();
		world_tell(&world, IT, EVENT_STOP);
		assert_int_equal(world_take(&world, IT), ACT_SIGNAL);
		world_tell(&world, IT, EVENT_EXITED_BADLY);
		assert_state(&world, IT, DOWN);
		assert_phase(&world, UP);
		world_tell(&world, IT, EVENT_START);
		assert_int_equal(world_take(&world, IT), ACT_LAUNCH);

		set_up_end(&ends[i]);
		run();
		world_tell(&world, IT, EVENT_STOP);
		world_tell(&world, IT, EVENT_RESTART);
		world_tell(&world, IT, EVENT_EXITED_BADLY);
		assert_int_equal(world_take(&world, IT), ACT_SIGNAL | ACT_LAUNCH);
		assert_int_equal(world.services[IT].restarts, 0);
		assert_phase(&world, UP);

		set_up_end(&ends[i]);
		run();
		world_tell(&world, IT, EVENT_RESTART);
		world_tell(&world, IT, EVENT_STOP);
		world_tell(&world, IT, EVENT_EXITED_WELL);
		assert_state(&world, IT, DOWN);
		assert_phase(&world, UP);
	}
}

/* Once the container halts, nothing is started again. */
static void test_end_while_halting_is_for_good(void **state)
{
	static const enum supervise_event events[] = {EVENT_EXITED_WELL, EVENT_EXITED_BADLY};

	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		/* What comes after a oneshot does not run yet. */
		for (int k = 0; k < 2 && ends[i].kind != ONESHOT; k++) {
			set_up_end(&ends[i]);
			/* It has to wait for the other one. */
			world_after(&world, OTHER, IT);
			world_begin(&world);
			world_tell(&world, IT, EVENT_EXEC_OK);
			world_tell(&world, OTHER, EVENT_EXEC_OK);
			world_stop(&world);
			assert_state(&world, IT, RUNNING);
			world_tell(&world, IT, events[k]);
			assert_int_equal(world.services[IT].state,
				events[k] == EVENT_EXITED_WELL ? SERVICE_DONE : SERVICE_FAILED);
			assert_int_equal(world.sup.ended_by, SUPERVISE_NOBODY);
		}
		set_up_end(&ends[i]);
		run();
		world_tell(&world, IT, EVENT_RESTART);
		world_stop(&world);
		world_tell(&world, IT, EVENT_EXITED_WELL);
		assert_state(&world, IT, DOWN);
		assert_int_equal(world.launches[IT], 1);
	}
}

/* ---- the container's end ---- */

static void test_container_all_done_sweeps_and_finishes(void **state)
{
	(void)state;
	world_init(&world, 2);
	world_begin(&world);
	for (unsigned i = 0; i < 2; i++)
		world_tell(&world, i, EVENT_EXEC_OK);
	world_tell(&world, 0, EVENT_EXITED_WELL);
	assert_phase(&world, UP);
	world_tell(&world, 1, EVENT_EXITED_WELL);
	assert_phase(&world, SWEEP_TERM);
	assert_int_equal(world_take_container(&world), ACT_SWEEP_TERM);
	assert_int_equal(world.sup.ended_by, SUPERVISE_NOBODY);
	world_pass(&world, SUPERVISE_SWEEP_WAIT);
	assert_int_equal(world_take_container(&world), ACT_SWEEP_KILL);
	supervise_occasion(&world.sup, world.now, OCCASION_EMPTY);
	world_note(&world);
	assert_int_equal(world_take_container(&world), ACT_FINISH);
	assert_int_equal(supervise_next(&world.sup), NEVER);
}

static void test_container_leave_rest_finishes_without_a_sweep(void **state)
{
	(void)state;
	world_init(&world, 1);
	world.sup.leave_rest = true;
	world_begin(&world);
	world_tell(&world, 0, EVENT_EXEC_OK);
	world_tell(&world, 0, EVENT_EXITED_WELL);
	assert_int_equal(world_take_container(&world), ACT_FINISH);
	assert_phase(&world, DONE);
}

/* What was stopped by a command can be started again: somebody is there. */
static void test_container_services_down_by_command_keep_it_up(void **state)
{
	(void)state;
	world_init(&world, 2);
	world.services[0].main = true;
	world_begin(&world);
	for (unsigned i = 0; i < 2; i++) {
		world_tell(&world, i, EVENT_EXEC_OK);
		world_tell(&world, i, EVENT_STOP);
		world_tell(&world, i, EVENT_EXITED_WELL);
		assert_state(&world, i, DOWN);
	}
	assert_phase(&world, UP);
	assert_int_equal(supervise_next(&world.sup), NEVER);
	world_tell(&world, 0, EVENT_START);
	assert_int_equal(world.launches[0], 2);
	world_tell(&world, 0, EVENT_EXEC_OK);
	world_tell(&world, 0, EVENT_STOP);
	world_tell(&world, 0, EVENT_EXITED_BADLY);
	world_stop(&world);
	assert_phase(&world, SWEEP_TERM);
}

static void test_container_one_done_one_down_stays_up(void **state)
{
	(void)state;
	world_init(&world, 2);
	world_begin(&world);
	world_tell(&world, 0, EVENT_EXEC_OK);
	world_tell(&world, 0, EVENT_EXITED_WELL);
	world_tell(&world, 1, EVENT_STOP);
	world_tell(&world, 1, EVENT_EXITED_WELL);
	assert_state(&world, 0, DONE);
	assert_state(&world, 1, DOWN);
	assert_phase(&world, UP);
}

static void test_container_without_services_stays_until_it_is_stopped(void **state)
{
	(void)state;
	world_init(&world, 0);
	world_begin(&world);
	world_pass(&world, SECOND);
	assert_phase(&world, UP);
	assert_int_equal(supervise_next(&world.sup), NEVER);
	world_stop(&world);
	assert_int_equal(world_take_container(&world), ACT_SWEEP_TERM);
}

static void test_container_the_first_end_is_its_end(void **state)
{
	(void)state;
	world_init(&world, 3);
	world_begin(&world);
	for (unsigned i = 0; i < 3; i++)
		world_tell(&world, i, EVENT_EXEC_OK);
	world_tell(&world, 2, EVENT_EXITED_BADLY);
	assert_phase(&world, HALTING);
	assert_int_equal(world.sup.ended_by, 2);
	assert_state(&world, 0, STOPPING);
	assert_state(&world, 1, STOPPING);
	world_tell(&world, 0, EVENT_EXITED_BADLY);
	world_tell(&world, 1, EVENT_EXITED_WELL);
	assert_phase(&world, SWEEP_TERM);
	assert_int_equal(world.sup.ended_by, 2);
}

/* A failure on the way down is not why the container ends. */
static void test_container_stopped_is_ended_by_nobody(void **state)
{
	(void)state;
	world_init(&world, 2);
	world.services[0].main = true;
	world_after(&world, 1, 0);
	world_begin(&world);
	world_tell(&world, 0, EVENT_EXEC_OK);
	world_tell(&world, 1, EVENT_EXEC_OK);
	world_stop(&world);
	world_tell(&world, 0, EVENT_EXITED_BADLY);
	assert_state(&world, 0, FAILED);
	assert_int_equal(world.sup.ended_by, SUPERVISE_NOBODY);
}

/* Nothing is begun that would be stopped at once. */
static void test_container_main_done_starts_nothing_that_comes_after(void **state)
{
	(void)state;
	world_init(&world, 3);
	world.services[1].main = true;
	world.services[1].oneshot = true;
	world_after(&world, 0, 1);
	world_after(&world, 2, 1);
	world_begin(&world);
	world_tell(&world, 1, EVENT_EXEC_OK);
	world_tell(&world, 1, EVENT_EXITED_WELL);
	assert_int_equal(world.launches[0], 0);
	assert_int_equal(world.launches[2], 0);
	assert_phase(&world, SWEEP_TERM);
	assert_int_equal(world.sup.ended_by, 1);
}

static void test_container_given_up_service_ends_it(void **state)
{
	(void)state;
	set_up(RESTART_ALWAYS);
	run();
	world_tell(&world, IT, EVENT_RESTART);
	world_pass(&world, 7 * SECOND);
	assert_int_equal(world_take(&world, IT), ACT_SIGNAL | ACT_LATE | ACT_KILL);
	world_pass(&world, SUPERVISE_KILL_WAIT);
	assert_int_equal(world_take(&world, IT), ACT_GIVE_UP);
	assert_state(&world, IT, FAILED);
	assert_phase(&world, HALTING);
	assert_int_equal(world.sup.ended_by, IT);
	/* It goes after all: nobody minds. */
	world_tell(&world, IT, EVENT_EXITED_WELL);
	assert_state(&world, IT, FAILED);
	world_tell(&world, OTHER, EVENT_EXITED_WELL);
	assert_phase(&world, SWEEP_TERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_end_well_or_badly_is_what_the_policy_makes_of_it),
		cmocka_unit_test(test_end_exec_failed_is_bad_whatever_the_status),
		cmocka_unit_test(test_end_not_started_is_bad_and_does_not_count),
		cmocka_unit_test(test_end_not_ready_in_time_is_bad_whatever_the_status),
		cmocka_unit_test(test_end_after_a_command_is_as_it_was_asked_for),
		cmocka_unit_test(test_end_while_halting_is_for_good),
		cmocka_unit_test(test_container_all_done_sweeps_and_finishes),
		cmocka_unit_test(test_container_leave_rest_finishes_without_a_sweep),
		cmocka_unit_test(test_container_services_down_by_command_keep_it_up),
		cmocka_unit_test(test_container_one_done_one_down_stays_up),
		cmocka_unit_test(test_container_without_services_stays_until_it_is_stopped),
		cmocka_unit_test(test_container_the_first_end_is_its_end),
		cmocka_unit_test(test_container_stopped_is_ended_by_nobody),
		cmocka_unit_test(test_container_main_done_starts_nothing_that_comes_after),
		cmocka_unit_test(test_container_given_up_service_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
