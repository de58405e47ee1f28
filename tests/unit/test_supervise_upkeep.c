/*
 * What happens to services that do well: runs that are due, reloads, looks at their health.
 */
#include "unit/supervise_world.h"

static struct world world;

enum { IT, OTHER };

/* ---- periodic ---- */

#define EVERY (60 * SECOND)

static void set_up_periodic(bool replace)
{
	world_init(&world, 2);
	world.services[IT].every = EVERY;
	world.services[IT].replace = replace;
	world_begin(&world);
	world_tell(&world, OTHER, EVENT_EXEC_OK);
	assert_int_equal(world_take(&world, IT), ACT_LAUNCH);
	world_tell(&world, IT, EVENT_EXEC_OK);
}

static void end_run(void)
{
	world_tell(&world, IT, EVENT_EXITED_WELL);
	assert_state(&world, IT, IDLE);
}

static void test_periodic_runs_begin_at_equal_distances(void **state)
{
	int64_t begin;

	(void)state;
	set_up_periodic(false);
	begin = world.now;
	for (int i = 1; i <= 50; i++) {
		/* However long a run takes, and however it ends. */
		world_pass(&world, i * SECOND);
		world_tell(&world, IT, i % 2 ? EVENT_EXITED_WELL : EVENT_EXITED_BADLY);
		assert_state(&world, IT, IDLE);
		assert_int_equal(supervise_next(&world.sup), begin + i * EVERY);
		world_wait(&world);
		assert_int_equal(world_take(&world, IT), ACT_LAUNCH);
		world_tell(&world, IT, EVENT_EXEC_OK);
	}
	assert_int_equal(world.now, begin + 50 * EVERY);
	assert_int_equal(world.services[IT].restarts, 0);
}

static void test_periodic_run_due_while_the_last_goes_on_is_skipped(void **state)
{
	(void)state;
	set_up_periodic(false);
	for (int i = 0; i < 3; i++) {
		world_pass(&world, EVERY);
		assert_int_equal(world_take(&world, IT), ACT_SKIPPED);
		assert_state(&world, IT, RUNNING);
	}
	world_pass(&world, EVERY / 2);
	end_run();
	world_pass(&world, EVERY / 2);
	assert_int_equal(world_take(&world, IT), ACT_LAUNCH);
	/* A start that takes as long is a run that goes on. */
	world_pass(&world, EVERY);
	assert_int_equal(world_take(&world, IT), ACT_SKIPPED);
}

static void test_periodic_run_due_replaces_the_last(void **state)
{
	(void)state;
	set_up_periodic(true);
	world_pass(&world, EVERY);
	assert_int_equal(world_take(&world, IT), ACT_SIGNAL);
	world_pass(&world, 2 * SECOND);
	world_tell(&world, IT, EVENT_EXITED_BADLY);
	assert_int_equal(world_take(&world, IT), ACT_LAUNCH);
	world_tell(&world, IT, EVENT_EXEC_OK);
	world_pass(&world, EVERY - 2 * SECOND);
	assert_int_equal(world_take(&world, IT), ACT_SIGNAL);
	assert_int_equal(world.services[IT].restarts, 0);
}

static void test_periodic_run_due_while_it_is_replaced_changes_nothing(void **state)
{
	(void)state;
	set_up_periodic(true);
	world.services[IT].timeout = 100 * SECOND;
	world.sup.grace = 200 * SECOND;
	world_pass(&world, EVERY);
	assert_int_equal(world_take(&world, IT), ACT_SIGNAL);
	world_pass(&world, EVERY);
	assert_int_equal(world_take(&world, IT), 0);
	world_pass(&world, 40 * SECOND);
	assert_int_equal(world_take(&world, IT), ACT_LATE | ACT_KILL);
	world_tell(&world, IT, EVENT_EXITED_BADLY);
	assert_int_equal(world_take(&world, IT), ACT_LAUNCH);
	assert_int_equal(world.launches[IT], 2);
}

/* The machine slept. */
static void test_periodic_missed_runs_are_not_made_up_for(void **state)
{
	(void)state;
	for (int replace = 0; replace < 2; replace++) {
		int64_t begin;

		set_up_periodic(replace);
		begin = world.now;
		end_run();
		world_pass(&world, 1000 * EVERY + EVERY / 2);
		assert_int_equal(world.launches[IT], 2);
		world_tell(&world, IT, EVENT_EXEC_OK);
		end_run();
		assert_int_equal(supervise_next(&world.sup), begin + 1001 * EVERY);
	}
}

static void test_periodic_start_by_command_is_a_run_more(void **state)
{
	static const enum supervise_event events[] = {EVENT_START, EVENT_RESTART};

	(void)state;
	for (int i = 0; i < 2; i++) {
		int64_t begin;

		set_up_periodic(false);
		begin = world.now;
		end_run();
		world_pass(&world, 10 * SECOND);
		world_tell(&world, IT, events[i]);
		assert_int_equal(world.launches[IT], 2);
		world_tell(&world, IT, EVENT_EXEC_OK);
		end_run();
		assert_int_equal(supervise_next(&world.sup), begin + EVERY);
	}
}

/* Stopped, it has no next run; started again, by whichever command, it begins anew. */
static void test_periodic_stopped_and_started_again_begins_anew(void **state)
{
	static const enum supervise_event events[] = {EVENT_START, EVENT_RESTART};

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (int idle = 0; idle < 2; idle++) {
			int64_t begin;

			set_up_periodic(false);
			if (idle)
				end_run();
			world_tell(&world, IT, EVENT_STOP);
			if (!idle)
				world_tell(&world, IT, EVENT_EXITED_WELL);
			assert_state(&world, IT, DOWN);
			assert_int_equal(supervise_next(&world.sup), NEVER);
			world_pass(&world, 10 * EVERY + SECOND);
			assert_int_equal(world.launches[IT], 1);
			begin = world.now;
			world_tell(&world, IT, events[i]);
			assert_int_equal(world.launches[IT], 2);
			world_tell(&world, IT, EVENT_EXEC_OK);
			end_run();
			assert_int_equal(supervise_next(&world.sup), begin + EVERY);
		}
	}
}

static void test_periodic_being_stopped_skips_nothing(void **state)
{
	(void)state;
	for (int replace = 0; replace < 2; replace++) {
		set_up_periodic(replace);
		world.services[IT].delay = 2 * EVERY;
		world.services[IT].timeout = 2 * EVERY;
		world.sup.grace = 10 * EVERY;
		world_tell(&world, IT, EVENT_STOP);
		world_pass(&world, EVERY);
		assert_int_equal(world_take(&world, IT), 0);
		world_pass(&world, EVERY);
		assert_int_equal(world_take(&world, IT), ACT_SIGNAL);
		world_pass(&world, EVERY);
		assert_int_equal(world_take(&world, IT), 0);
		world_tell(&world, IT, EVENT_EXITED_WELL);
		assert_state(&world, IT, DOWN);
	}
}

static void test_periodic_run_that_cannot_start_waits_for_the_next(void **state)
{
	(void)state;
	set_up_periodic(false);
	end_run();
	world_wait(&world);
	world_tell(&world, IT, EVENT_NOT_STARTED);
	assert_state(&world, IT, IDLE);
	world_wait(&world);
	assert_state(&world, IT, STARTING);
	world_tell(&world, IT, EVENT_EXEC_FAILED);
	world_tell(&world, IT, EVENT_EXITED_BADLY);
	assert_state(&world, IT, IDLE);
	assert_phase(&world, UP);
}

static void test_periodic_waits_for_what_it_comes_after(void **state)
{
	(void)state;
	world_init(&world, 2);
	world.services[IT].every = EVERY;
	world_after(&world, IT, OTHER);
	world_begin(&world);
	for (int i = 0; i < 3; i++)
		world_wait(&world);
	assert_state(&world, IT, WAITING);
	world_tell(&world, OTHER, EVENT_EXEC_OK);
	assert_int_equal(world.launches[IT], 1);
}

static void test_periodic_container_halts_no_run_begins(void **state)
{
	(void)state;
	set_up_periodic(false);
	world.sup.grace = 10 * EVERY;
	world.services[OTHER].delay = 5 * EVERY;
	end_run();
	world_stop(&world);
	assert_state(&world, IT, DOWN);
	world_pass(&world, 2 * EVERY);
	assert_int_equal(world.launches[IT], 1);
}

/* ---- reload ---- */

static void set_up_reload(bool restarts)
{
	world_init(&world, 2);
	world.services[IT].ready_timeout = 30 * SECOND;
	world.services[IT].reload_restarts = restarts;
	world.services[IT].delay = SECOND;
	world_begin(&world);
	world_tell(&world, OTHER, EVENT_EXEC_OK);
	(void)world_take(&world, IT);
}

static void test_reload_running_is_signalled(void **state)
{
	(void)state;
	set_up_reload(false);
	world_tell(&world, IT, EVENT_EXEC_OK);
	world_tell(&world, IT, EVENT_READY);
	(void)world_take(&world, IT);
	for (int i = 0; i < 2; i++) {
		world_tell(&world, IT, EVENT_RELOAD);
		assert_int_equal(world_take(&world, IT), ACT_RELOAD);
		assert_state(&world, IT, RUNNING);
	}
}

/* Before it has its handlers, the signal would end it. */
static void test_reload_not_ready_yet_is_signalled_when_it_is(void **state)
{
	(void)state;
	for (int when = 0; when < 3; when++) {
		set_up_reload(false);
		if (when != 1)
			world_tell(&world, IT, EVENT_RELOAD);
		world_tell(&world, IT, EVENT_EXEC_OK);
		if (when != 0)
			world_tell(&world, IT, EVENT_RELOAD);
		assert_int_equal(world_take(&world, IT), ACT_AWAIT);
		world_tell(&world, IT, EVENT_READY);
		assert_int_equal(world_take(&world, IT), ACT_READY | ACT_RELOAD);
		/* Once. */
		world_tell(&world, IT, EVENT_READY);
		assert_int_equal(world_take(&world, IT), 0);
	}
	/* Ready as soon as it runs. */
	set_up_reload(false);
	world.services[IT].ready_timeout = -1;
	world_tell(&world, IT, EVENT_RELOAD);
	world_tell(&world, IT, EVENT_EXEC_OK);
	assert_int_equal(world_take(&world, IT), ACT_RELOAD);
	assert_state(&world, IT, RUNNING);
}

/* A new process has read the new files. */
static void test_reload_deferred_is_forgotten_with_the_process(void **state)
{
	(void)state;
	set_up_reload(false);
	world.services[IT].policy = RESTART_FAILURE;
	world_tell(&world, IT, EVENT_RELOAD);
	world_tell(&world, IT, EVENT_EXITED_BADLY);
	world_wait(&world);
	world_tell(&world, IT, EVENT_EXEC_OK);
	(void)world_take(&world, IT);
	world_tell(&world, IT, EVENT_READY);
	assert_int_equal(world_take(&world, IT), ACT_READY);
}

static void test_reload_nothing_runs_changes_nothing(void **state)
{
	(void)state;
	for (int restarts = 0; restarts < 2; restarts++) {
		world_init(&world, 3);
		world.services[0].reload_restarts = world.services[1].reload_restarts = restarts;
		world_after(&world, 0, 2);
		world.services[1].policy = RESTART_FAILURE;
		world.services[1].restart_delay = 10 * SECOND;
		world_begin(&world);
		world_tell(&world, 1, EVENT_EXITED_BADLY);
		(void)world_take(&world, 1);
		world_tell(&world, 0, EVENT_RELOAD);
		world_tell(&world, 1, EVENT_RELOAD);
		assert_state(&world, 0, WAITING);
		assert_state(&world, 1, BACKOFF);
		world_tell(&world, 1, EVENT_STOP);
		world_tell(&world, 1, EVENT_RELOAD);
		assert_state(&world, 1, DOWN);
		assert_int_equal(world_take(&world, 0) | world_take(&world, 1), 0);
	}
}

static void test_reload_by_restart_stops_and_starts(void **state)
{
	(void)state;
	for (int ready = 0; ready < 3; ready++) {
		set_up_reload(true);
		if (ready > 0)
			world_tell(&world, IT, EVENT_EXEC_OK);
		if (ready > 1)
			world_tell(&world, IT, EVENT_READY);
		(void)world_take(&world, IT);
		/* At once: nothing drains that is back in a moment. */
		world_tell(&world, IT, EVENT_RELOAD);
		assert_int_equal(world_take(&world, IT), ACT_SIGNAL);
		world_tell(&world, IT, EVENT_RELOAD);
		assert_int_equal(world_take(&world, IT), 0);
		world_tell(&world, IT, EVENT_EXITED_BADLY);
		assert_int_equal(world_take(&world, IT), ACT_LAUNCH);
		assert_int_equal(world.services[IT].restarts, 0);
	}
}

static void test_reload_being_stopped_does_not_bring_it_back(void **state)
{
	(void)state;
	for (int restarts = 0; restarts < 2; restarts++) {
		set_up_reload(restarts);
		world_tell(&world, IT, EVENT_EXEC_OK);
		world_tell(&world, IT, EVENT_STOP);
		(void)world_take(&world, IT);
		world_tell(&world, IT, EVENT_RELOAD);
		assert_state(&world, IT, DELAY);
		world_pass(&world, SECOND);
		world_tell(&world, IT, EVENT_RELOAD);
		assert_int_equal(world_take(&world, IT), ACT_SIGNAL);
		world_tell(&world, IT, EVENT_EXITED_WELL);
		assert_state(&world, IT, DOWN);
	}
}

static void test_reload_container_halts_changes_nothing(void **state)
{
	(void)state;
	for (int restarts = 0; restarts < 2; restarts++) {
		world_init(&world, 2);
		world.services[IT].reload_restarts = restarts;
		/* It has to wait for the other one. */
		world_after(&world, OTHER, IT);
		world_begin(&world);
		world_tell(&world, IT, EVENT_EXEC_OK);
		world_tell(&world, OTHER, EVENT_EXEC_OK);
		world_stop(&world);
		(void)world_take(&world, IT);
		world_tell(&world, IT, EVENT_RELOAD);
		assert_state(&world, IT, RUNNING);
		assert_int_equal(world_take(&world, IT), 0);
	}
}

/* ---- health ---- */

static void set_up_health(enum supervise_policy policy)
{
	world_init(&world, 2);
	world.services[IT].ready_timeout = 30 * SECOND;
	world.services[IT].health_every = 10 * SECOND;
	world.services[IT].policy = policy;
	world_begin(&world);
	world_tell(&world, OTHER, EVENT_EXEC_OK);
	world_tell(&world, IT, EVENT_EXEC_OK);
	(void)world_take(&world, IT);
}

static void test_health_is_asked_for_again_and_again_once_ready(void **state)
{
	(void)state;
	set_up_health(RESTART_NEVER);
	world_pass(&world, 20 * SECOND);
	assert_int_equal(world_take(&world, IT), 0);
	world_tell(&world, IT, EVENT_READY);
	assert_int_equal(world_take(&world, IT), ACT_READY);
	for (int i = 0; i < 5; i++) {
		world_pass(&world, 10 * SECOND - 1);
		assert_int_equal(world_take(&world, IT), 0);
		world_pass(&world, 1);
		assert_int_equal(world_take(&world, IT), ACT_PROBE);
		world_health(&world, IT, true);
	}
	assert_int_equal(world.sup.action_count, 0);
	/* Many that were missed are one. */
	world_pass(&world, 1000 * SECOND);
	assert_int_equal(world.sup.action_count, 1);
	/* Not when it is being stopped. */
	(void)world_take(&world, IT);
	world.services[IT].timeout = 20 * SECOND;
	world_tell(&world, IT, EVENT_STOP);
	world_pass(&world, 15 * SECOND);
	assert_int_equal(world_take(&world, IT), ACT_SIGNAL);
}

static void test_health_failures_in_a_row_restart_it(void **state)
{
	(void)state;
	set_up_health(RESTART_FAILURE);
	world_tell(&world, IT, EVENT_READY);
	(void)world_take(&world, IT);
	for (int i = 0; i < 3; i++) {
		world_health(&world, IT, false);
		world_health(&world, IT, false);
		assert_int_equal(world_take(&world, IT), 0);
		world_health(&world, IT, true);
	}
	world_health(&world, IT, false);
	world_health(&world, IT, false);
	world_health(&world, IT, false);
	assert_int_equal(world_take(&world, IT), ACT_SICK | ACT_SIGNAL);
	assert_state(&world, IT, STOPPING);
	/* However well it ends, it is a failure, and counts as one. */
	world_tell(&world, IT, EVENT_EXITED_WELL);
	assert_int_equal(world_take(&world, IT), ACT_BACKOFF);
	assert_int_equal(world.services[IT].restarts, 1);
	world_wait(&world);
	world_tell(&world, IT, EVENT_EXEC_OK);
	world_tell(&world, IT, EVENT_READY);
	/* The next process begins with none. */
	world_health(&world, IT, false);
	world_health(&world, IT, false);
	assert_state(&world, IT, RUNNING);
}

static void test_health_failures_without_a_restart_end_the_container(void **state)
{
	(void)state;
	set_up_health(RESTART_NEVER);
	world.services[IT].health_failures = 1;
	world_tell(&world, IT, EVENT_READY);
	world_health(&world, IT, false);
	assert_state(&world, IT, STOPPING);
	world_tell(&world, IT, EVENT_EXITED_WELL);
	assert_state(&world, IT, FAILED);
	assert_int_equal(world.sup.ended_by, IT);
}

/* The answers of a child that was asked too early or too late. */
static void test_health_answers_in_another_state_do_not_count(void **state)
{
	(void)state;
	set_up_health(RESTART_FAILURE);
	for (int i = 0; i < 5; i++)
		world_health(&world, IT, false);
	assert_state(&world, IT, UNREADY);
	world_tell(&world, IT, EVENT_READY);
	world_health(&world, IT, false);
	world_health(&world, IT, false);
	assert_state(&world, IT, RUNNING);
	world_tell(&world, IT, EVENT_STOP);
	(void)world_take(&world, IT);
	for (int i = 0; i < 5; i++)
		world_health(&world, IT, false);
	assert_int_equal(world_take(&world, IT), 0);
	world_tell(&world, IT, EVENT_EXITED_WELL);
	for (int i = 0; i < 5; i++)
		world_health(&world, IT, false);
	assert_state(&world, IT, DOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_periodic_runs_begin_at_equal_distances),
		cmocka_unit_test(test_periodic_run_due_while_the_last_goes_on_is_skipped),
		cmocka_unit_test(test_periodic_run_due_replaces_the_last),
		cmocka_unit_test(test_periodic_run_due_while_it_is_replaced_changes_nothing),
		cmocka_unit_test(test_periodic_missed_runs_are_not_made_up_for),
		cmocka_unit_test(test_periodic_start_by_command_is_a_run_more),
		cmocka_unit_test(test_periodic_stopped_and_started_again_begins_anew),
		cmocka_unit_test(test_periodic_being_stopped_skips_nothing),
		cmocka_unit_test(test_periodic_run_that_cannot_start_waits_for_the_next),
		cmocka_unit_test(test_periodic_waits_for_what_it_comes_after),
		cmocka_unit_test(test_periodic_container_halts_no_run_begins),
		cmocka_unit_test(test_reload_running_is_signalled),
		cmocka_unit_test(test_reload_not_ready_yet_is_signalled_when_it_is),
		cmocka_unit_test(test_reload_deferred_is_forgotten_with_the_process),
		cmocka_unit_test(test_reload_nothing_runs_changes_nothing),
		cmocka_unit_test(test_reload_by_restart_stops_and_starts),
		cmocka_unit_test(test_reload_being_stopped_does_not_bring_it_back),
		cmocka_unit_test(test_reload_container_halts_changes_nothing),
		cmocka_unit_test(test_health_is_asked_for_again_and_again_once_ready),
		cmocka_unit_test(test_health_failures_in_a_row_restart_it),
		cmocka_unit_test(test_health_failures_without_a_restart_end_the_container),
		cmocka_unit_test(test_health_answers_in_another_state_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
