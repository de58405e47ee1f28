/*
 * The stop: how long each step takes, whatever is ignored, and in which state it comes.
 */
#include "unit/supervise_world.h"

static struct world world;

#define GRACE   (30 * SECOND)
#define WHOLE   (GRACE - SUPERVISE_SWEEP_WAIT) /* what services may take */
#define DELAY   (5 * SECOND)
#define TIMEOUT (7 * SECOND)

static void set_up(unsigned count)
{
	world_init(&world, count);
	for (unsigned i = 0; i < count; i++) {
		world.services[i].delay = DELAY;
		world.services[i].timeout = TIMEOUT;
	}
}

static void run(void)
{
	world_begin(&world);
	for (unsigned round = 0; round < world.sup.count; round++) {
		for (unsigned i = 0; i < world.sup.count; i++) {
			if (world.services[i].state == SERVICE_STARTING)
				world_tell(&world, i, EVENT_EXEC_OK);
		}
	}
	for (unsigned i = 0; i < world.sup.count; i++) {
		assert_state(&world, i, RUNNING);
		(void)world_take(&world, i);
	}
}

/* Each after the one before it: the last one is stopped first. */
static void set_up_chain(unsigned count)
{
	set_up(count);
	for (unsigned i = 1; i < count; i++)
		world_after(&world, i, i - 1);
	for (unsigned i = 0; i < count; i++)
		world.services[i].delay = 0;
}

/* From the stop on: how long `service` has after its stop signal, until it gets KILL, of which it
 * ends. */
static int64_t ignore_until_killed(unsigned service)
{
	int64_t begin = world.now;

	assert_int_equal(world_take(&world, service), ACT_SIGNAL);
	while (world.services[service].state == SERVICE_STOPPING)
		world_wait(&world);
	assert_int_equal(world_take(&world, service) & ~(unsigned)ACT_GIVE_UP, ACT_LATE | ACT_KILL);
	world_tell(&world, service, EVENT_EXITED_BADLY);
	return world.now - begin;
}

/* ---- one service ---- */

static void test_stop_all_ignored_takes_each_step_in_time(void **state)
{
	(void)state;
	set_up(1);
	run();
	world_stop(&world);
	assert_state(&world, 0, DELAY);
	world_pass(&world, DELAY - 1);
	assert_int_equal(world_take(&world, 0), 0);
	world_pass(&world, 1);
	assert_int_equal(world_take(&world, 0), ACT_SIGNAL);
	world_pass(&world, TIMEOUT - 1);
	assert_int_equal(world_take(&world, 0), 0);
	world_pass(&world, 1);
	assert_int_equal(world_take(&world, 0), ACT_LATE | ACT_KILL);
	world_pass(&world, SUPERVISE_KILL_WAIT - 1);
	assert_phase(&world, HALTING);
	world_pass(&world, 1);
	assert_int_equal(world_take(&world, 0), ACT_GIVE_UP);
	assert_int_equal(world_take_container(&world), ACT_SWEEP_TERM);
	world_pass(&world, SUPERVISE_SWEEP_WAIT);
	assert_int_equal(world_take_container(&world), ACT_SWEEP_KILL);
	world_pass(&world, SUPERVISE_SWEEP_WAIT);
	assert_int_equal(world_take_container(&world), ACT_ABANDON | ACT_FINISH);
	assert_int_equal(supervise_next(&world.sup), NEVER);
	assert_phase(&world, DONE);
}

static void test_stop_asked_again_shortens_each_wait(void **state)
{
	(void)state;
	set_up(1);
	run();
	world_stop(&world);
	world_stop(&world);
	assert_int_equal(world_take(&world, 0), ACT_SIGNAL);
	world_stop(&world);
	assert_int_equal(world_take(&world, 0), ACT_KILL);
	/* No more can be done for that. */
	world_stop(&world);
	assert_int_equal(world_take(&world, 0), 0);
	world_tell(&world, 0, EVENT_EXITED_BADLY);
	assert_int_equal(world_take_container(&world), ACT_SWEEP_TERM);
	world_stop(&world);
	assert_int_equal(world_take_container(&world), ACT_SWEEP_KILL);
	world_stop(&world);
	assert_int_equal(world_take_container(&world), 0);
	supervise_occasion(&world.sup, world.now, OCCASION_EMPTY);
	world_note(&world);
	assert_int_equal(world_take_container(&world), ACT_FINISH);
}

/* A command's second one is for that service alone. */
static void test_stop_command_asked_again_shortens_its_waits(void **state)
{
	(void)state;
	set_up(2);
	run();
	world_tell(&world, 0, EVENT_STOP);
	assert_state(&world, 0, DELAY);
	world_tell(&world, 0, EVENT_HURRY);
	assert_int_equal(world_take(&world, 0), ACT_SIGNAL);
	world_tell(&world, 0, EVENT_HURRY);
	assert_int_equal(world_take(&world, 0), ACT_KILL);
	world_tell(&world, 0, EVENT_EXITED_BADLY);
	assert_state(&world, 0, DOWN);
	assert_state(&world, 1, RUNNING);
}

static void test_stop_timeouts_end_within_grace(void **state)
{
	static const int64_t timeouts[] = {100 * SECOND, INT64_MAX, -1};

	(void)state;
	for (size_t i = 0; i < COUNT(timeouts); i++) {
		set_up(1);
		world.services[0].timeout = timeouts[i];
		run();
		world_stop(&world);
		world_pass(&world, DELAY);
		assert_int_equal(ignore_until_killed(0), WHOLE - DELAY);
	}
	/* A delay that takes all of it leaves no time for more. */
	set_up(1);
	world.services[0].delay = 100 * SECOND;
	run();
	world_stop(&world);
	world_pass(&world, WHOLE);
	assert_int_equal(world_take(&world, 0), ACT_SIGNAL | ACT_LATE | ACT_KILL);
}

/* The sweep's second is kept back; a short grace is halved. */
static void test_stop_short_grace_is_halved(void **state)
{
	(void)state;
	set_up(1);
	world.sup.grace = SECOND;
	world.services[0].delay = 0;
	run();
	world_stop(&world);
	assert_int_equal(ignore_until_killed(0), SECOND / 2);
}

static void test_stop_no_grace_does_all_at_once(void **state)
{
	(void)state;
	set_up(2);
	world_after(&world, 1, 0);
	world.sup.grace = 0;
	run();
	world_stop(&world);
	assert_int_equal(world_take(&world, 0), ACT_SIGNAL | ACT_LATE | ACT_KILL);
	assert_int_equal(world_take(&world, 1), ACT_SIGNAL | ACT_LATE | ACT_KILL);
	assert_int_equal(world.actions[0].act, ACT_SIGNAL);
	assert_int_equal(world.actions[1].act, ACT_LATE);
	assert_int_equal(world.actions[2].act, ACT_KILL);
	/* All the same it is waited for what KILL does. */
	world_tell(&world, 0, EVENT_EXITED_BADLY);
	world_tell(&world, 1, EVENT_EXITED_BADLY);
	assert_phase(&world, SWEEP_TERM);
}

static void test_stop_command_gives_one_alone_its_own_grace(void **state)
{
	(void)state;
	set_up(1);
	world.services[0].timeout = -1;
	run();
	world_tell(&world, 0, EVENT_STOP);
	world_pass(&world, DELAY);
	assert_int_equal(ignore_until_killed(0), WHOLE);
	assert_state(&world, 0, DOWN);
}

static void test_stop_passive_is_never_stopped(void **state)
{
	(void)state;
	set_up(1);
	world.services[0].passive = true;
	world.sup.grace = SECOND;
	run();
	for (int i = 0; i < 3; i++) {
		world_stop(&world);
		world_pass(&world, 10 * SECOND);
		assert_int_equal(world_take(&world, 0), 0);
	}
	assert_int_equal(supervise_next(&world.sup), NEVER);
	world_tell(&world, 0, EVENT_EXITED_BADLY);
	assert_int_equal(world_take_container(&world), ACT_SWEEP_TERM);
}

/* All that can be written in a configuration, and more. */
static void test_stop_largest_times_do_not_overflow(void **state)
{
	(void)state;
	set_up_chain(3);
	world.sup.grace = INT64_MAX;
	for (unsigned i = 0; i < 3; i++) {
		struct supervise_service *service = &world.services[i];

		service->delay = service->timeout = INT64_MAX;
		service->health_every = INT64_MAX;
		service->restart_delay = service->restart_delay_max = INT64_MAX;
		service->restart_window = INT64_MAX;
		service->restart_limit = 1;
		service->policy = RESTART_FAILURE;
	}
	world.services[2].ready_timeout = INT64_MAX;
	world_begin(&world);
	for (unsigned i = 0; i < 3; i++)
		world_tell(&world, i, EVENT_EXEC_OK);
	assert_int_equal(supervise_next(&world.sup), NEVER);
	world_tell(&world, 2, EVENT_READY);
	world_stop(&world);
	assert_state(&world, 2, DELAY);
	assert_int_equal(supervise_next(&world.sup), NEVER);
	world_stop(&world);
	assert_int_equal(world_take(&world, 2) & ACT_SIGNAL, ACT_SIGNAL);
	world_tell(&world, 2, EVENT_EXITED_WELL);
	/* In a hurry nothing is delayed. */
	assert_state(&world, 1, STOPPING);
	assert_int_equal(supervise_next(&world.sup), NEVER);

	set_up_chain(2);
	for (unsigned i = 0; i < 2; i++)
		world.services[i].timeout = INT64_MAX;
	run();
	world_stop(&world);
	assert_in_range(ignore_until_killed(1), WHOLE / 2 - SECOND, WHOLE / 2 + SECOND);
	assert_in_range(ignore_until_killed(0), WHOLE / 2 - SECOND, WHOLE / 2 + SECOND);
}

/* Sums and products too. */
static void test_stop_largest_chain_does_not_overflow(void **state)
{
	static const int64_t day = 24 * 3600 * SECOND;

	(void)state;
	set_up_chain(WORLD_MAX);
	world.sup.grace = 20 * day;
	for (unsigned i = 0; i < WORLD_MAX; i++)
		world.services[i].timeout = INT64_MAX;
	run();
	world_stop(&world);
	assert_in_range(supervise_next(&world.sup) - world.now, day, 20 * day);
	world_pass(&world, 20 * day);
	for (unsigned i = 0; i < WORLD_MAX; i++)
		assert_state(&world, i, KILLING);
}

static void test_backoff_largest_delay_does_not_overflow(void **state)
{
	(void)state;
	set_up(2);
	world.services[0].policy = RESTART_FAILURE;
	world.services[0].restart_delay = world.services[0].restart_delay_max = INT64_MAX;
	world.services[1].every = INT64_MAX;
	run();
	world_tell(&world, 0, EVENT_EXITED_BADLY);
	assert_state(&world, 0, BACKOFF);
	world_tell(&world, 1, EVENT_EXITED_WELL);
	assert_state(&world, 1, IDLE);
	assert_int_equal(supervise_next(&world.sup), NEVER);
}

/* ---- grace shared out ---- */

static void test_grace_what_is_needed_below_is_kept_back(void **state)
{
	(void)state;
	set_up_chain(3);
	world.services[2].timeout = -1;
	run();
	world_stop(&world);
	/* It takes what is left, but for the two of seven seconds. */
	assert_int_equal(ignore_until_killed(2), WHOLE - 2 * TIMEOUT);
	assert_int_equal(ignore_until_killed(1), TIMEOUT);
	assert_int_equal(ignore_until_killed(0), TIMEOUT);
	assert_phase(&world, SWEEP_TERM);
}

static void test_grace_too_short_is_shared_in_proportion(void **state)
{
	(void)state;
	set_up_chain(3);
	world.services[2].timeout = 40 * SECOND;
	world.services[1].timeout = 20 * SECOND;
	world.services[0].timeout = 40 * SECOND;
	run();
	world_stop(&world);
	assert_in_range(ignore_until_killed(2), WHOLE * 38 / 100, WHOLE * 42 / 100);
	assert_in_range(ignore_until_killed(1), WHOLE * 18 / 100, WHOLE * 22 / 100);
	assert_in_range(ignore_until_killed(0), WHOLE * 38 / 100, WHOLE * 42 / 100);
	assert_phase(&world, SWEEP_TERM);
}

/* Without a timeout of its own a service is content with what is left, which is not nothing. */
static void test_grace_without_timeouts_leaves_a_second_below(void **state)
{
	(void)state;
	set_up_chain(2);
	world.services[1].timeout = world.services[0].timeout = -1;
	run();
	world_stop(&world);
	assert_int_equal(ignore_until_killed(1), WHOLE - SECOND);
	assert_int_equal(ignore_until_killed(0), SECOND);
}

/* What one does not use is the others'. */
static void test_grace_one_that_ends_early_leaves_its_time(void **state)
{
	(void)state;
	set_up_chain(2);
	world.services[1].timeout = world.services[0].timeout = 25 * SECOND;
	run();
	world_stop(&world);
	world_pass(&world, SECOND);
	world_tell(&world, 1, EVENT_EXITED_WELL);
	assert_int_equal(ignore_until_killed(0), 25 * SECOND);
}

static void test_grace_delays_are_part_of_it(void **state)
{
	(void)state;
	set_up_chain(2);
	world.services[1].timeout = -1;
	world.services[0].delay = DELAY;
	run();
	world_stop(&world);
	assert_int_equal(ignore_until_killed(1), WHOLE - DELAY - TIMEOUT);
	world_pass(&world, DELAY);
	assert_int_equal(ignore_until_killed(0), TIMEOUT);

	/* What is over is not counted again: half of the 19 seconds that are left. */
	set_up_chain(2);
	world.services[1].delay = 10 * SECOND;
	world.services[1].timeout = world.services[0].timeout = 20 * SECOND;
	run();
	world_stop(&world);
	world_pass(&world, 10 * SECOND);
	assert_in_range(ignore_until_killed(1), 9400 * MILLISECOND, 9600 * MILLISECOND);
}

/* Of a diamond's sides the longer one counts, in whatever order they stand. */
static void test_grace_diamond_keeps_back_for_the_longer_side(void **state)
{
	enum { TOP, LEFT, RIGHT, FOOT };

	(void)state;
	set_up(4);
	for (unsigned i = 0; i < 4; i++)
		world.services[i].delay = 0;
	world.services[TOP].timeout = -1;
	world.services[RIGHT].timeout = 2 * SECOND;
	world_after(&world, TOP, LEFT);
	world_after(&world, TOP, RIGHT);
	world_after(&world, LEFT, FOOT);
	world_after(&world, RIGHT, FOOT);
	run();
	world_stop(&world);
	assert_int_equal(ignore_until_killed(TOP), WHOLE - 2 * TIMEOUT);
}

/* A command had given it all the grace: the container's stop has other services to think of. */
static void test_grace_one_being_stopped_already_shares_too(void **state)
{
	static const enum supervise_event events[] = {EVENT_STOP, EVENT_RESTART};

	(void)state;
	for (int i = 0; i < 2; i++) {
		set_up_chain(2);
		world.services[1].timeout = -1;
		run();
		world_tell(&world, 1, events[i]);
		world_stop(&world);
		assert_int_equal(ignore_until_killed(1), WHOLE - TIMEOUT);
		assert_int_equal(ignore_until_killed(0), TIMEOUT);
	}
	set_up_chain(2);
	world.services[1].delay = 100 * SECOND;
	run();
	world_tell(&world, 1, EVENT_STOP);
	world_stop(&world);
	assert_state(&world, 1, DELAY);
	/* Its own 107 seconds and the other one's 7. */
	world_pass(&world, WHOLE * 107 / 114 + SECOND / 100);
	assert_int_equal(world_take(&world, 1) & ACT_SIGNAL, ACT_SIGNAL);
}

/* It is the whole grace's end that counts, even where KILL has no effect. */
static void test_grace_over_nobody_is_waited_for(void **state)
{
	(void)state;
	set_up_chain(6);
	run();
	world_stop(&world);
	world_pass(&world, WHOLE - 1);
	assert_state(&world, 0, RUNNING);
	assert_int_equal(world_take(&world, 0), 0);
	world_pass(&world, 1);
	assert_int_equal(world_take(&world, 0), ACT_SIGNAL | ACT_LATE | ACT_KILL);
	world_pass(&world, SUPERVISE_KILL_WAIT);
	assert_phase(&world, SWEEP_TERM);
}

/* Asked again: what is being stopped is killed, and those behind have no delay. */
static void test_hurry_those_that_are_held_come_one_by_one(void **state)
{
	(void)state;
	set_up_chain(3);
	world.services[1].delay = world.services[0].delay = DELAY;
	run();
	world_stop(&world);
	assert_int_equal(world_take(&world, 2), ACT_SIGNAL);
	world_stop(&world);
	assert_int_equal(world_take(&world, 2), ACT_KILL);
	assert_state(&world, 1, RUNNING);
	world_tell(&world, 2, EVENT_EXITED_BADLY);
	assert_int_equal(world_take(&world, 1), ACT_SIGNAL);
	world_tell(&world, 1, EVENT_EXITED_WELL);
	assert_int_equal(world_take(&world, 0), ACT_SIGNAL);
	world_stop(&world);
	assert_int_equal(world_take(&world, 0), ACT_KILL);
}

/* ---- in each state ---- */

/* Takes the first service to a state, on the way that leads there. */
static void reach(enum supervise_state target)
{
	struct supervise_service *service = &world.services[0];

	service->policy = RESTART_FAILURE;
	service->restart_delay = 20 * SECOND;
	service->ready_timeout = 20 * SECOND;
	service->every = target == SERVICE_IDLE ? 60 * SECOND : 0;
	if (target == SERVICE_WAITING)
		world_after(&world, 0, 1);
	supervise_init(&world.sup);
	for (unsigned i = 1; i < world.sup.count; i++) {
		if (target != SERVICE_WAITING)
			world_tell(&world, i, EVENT_START);
	}
	world_tell(&world, 0, EVENT_START);
	if (target == SERVICE_DOWN)
		world_tell(&world, 0, EVENT_STOP);
	if (target == SERVICE_FAILED || target == SERVICE_DOWN)
		world_tell(&world, 0, EVENT_HURRY);
	if (target == SERVICE_DOWN || target == SERVICE_DONE || target == SERVICE_IDLE)
		world_tell(&world, 0, EVENT_EXITED_WELL);
	if (target == SERVICE_BACKOFF)
		world_tell(&world, 0, EVENT_EXITED_BADLY);
	if (target == SERVICE_UNREADY || target == SERVICE_RUNNING)
		world_tell(&world, 0, EVENT_EXEC_OK);
	if (target == SERVICE_RUNNING)
		world_tell(&world, 0, EVENT_READY);
	if (target == SERVICE_DELAY)
		world_tell(&world, 0, EVENT_STOP);
	if (target == SERVICE_STOPPING)
		world_tell(&world, 0, EVENT_RESTART);
	if (target == SERVICE_KILLING)
		world_tell(&world, 0, EVENT_EXEC_FAILED);
	while (target == SERVICE_FAILED && service->state != SERVICE_FAILED)
		world_wait(&world);
	assert_string_equal(supervise_state_name(service->state), supervise_state_name(target));
}

/* Nothing obeys. `times`: how often it is asked. The whole is over in time, and nothing new has
 * been started. */
static void stop_in_vain(unsigned times)
{
	int64_t begin = world.now;
	unsigned launches[2] = {world.launches[0], world.launches[1]};
	unsigned steps = 0;

	for (unsigned i = 0; i < times; i++)
		world_stop(&world);
	while (world.sup.phase != PHASE_DONE) {
		assert_true(steps++ < 20);
		world_wait(&world);
	}
	assert_true(world.now - begin <= WHOLE + SUPERVISE_KILL_WAIT + 2 * SUPERVISE_SWEEP_WAIT);
	if (times > 2)
		assert_true(world.now - begin <=
			    TIMEOUT + 2 * SUPERVISE_KILL_WAIT + 2 * SUPERVISE_SWEEP_WAIT);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(world.launches[i], launches[i]);
		assert_false(supervise_is_alive(world.services[i].state));
	}
}

static void test_stop_in_any_state_ends_in_time(void **state)
{
	(void)state;
	for (unsigned target = 0; target < SERVICE_STATES; target++) {
		for (unsigned times = 1; times <= 4; times++) {
			set_up(2);
			reach((enum supervise_state)target);
			stop_in_vain(times);

			/* The other one waits for it. */
			set_up(2);
			if (target != SERVICE_WAITING)
				world_after(&world, 1, 0);
			reach((enum supervise_state)target);
			stop_in_vain(times);
		}
	}
}

static void test_stop_while_a_restart_is_under_way_does_not_restart(void **state)
{
	static const enum supervise_event ends[] = {EVENT_EXITED_WELL, EVENT_EXITED_BADLY};

	(void)state;
	for (int i = 0; i < 2; i++) {
		set_up(1);
		world.services[0].policy = RESTART_ALWAYS;
		run();
		world_tell(&world, 0, EVENT_RESTART);
		world_stop(&world);
		/* Too late for these. */
		world_tell(&world, 0, EVENT_START);
		world_tell(&world, 0, EVENT_RESTART);
		world_tell(&world, 0, EVENT_RELOAD);
		world_tell(&world, 0, ends[i]);
		assert_state(&world, 0, DOWN);
		assert_int_equal(world.launches[0], 1);
		assert_phase(&world, SWEEP_TERM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stop_all_ignored_takes_each_step_in_time),
		cmocka_unit_test(test_stop_asked_again_shortens_each_wait),
		cmocka_unit_test(test_stop_command_asked_again_shortens_its_waits),
		cmocka_unit_test(test_stop_timeouts_end_within_grace),
		cmocka_unit_test(test_stop_short_grace_is_halved),
		cmocka_unit_test(test_stop_no_grace_does_all_at_once),
		cmocka_unit_test(test_stop_command_gives_one_alone_its_own_grace),
		cmocka_unit_test(test_stop_passive_is_never_stopped),
		cmocka_unit_test(test_stop_largest_times_do_not_overflow),
		cmocka_unit_test(test_stop_largest_chain_does_not_overflow),
		cmocka_unit_test(test_backoff_largest_delay_does_not_overflow),
		cmocka_unit_test(test_grace_what_is_needed_below_is_kept_back),
		cmocka_unit_test(test_grace_too_short_is_shared_in_proportion),
		cmocka_unit_test(test_grace_without_timeouts_leaves_a_second_below),
		cmocka_unit_test(test_grace_one_that_ends_early_leaves_its_time),
		cmocka_unit_test(test_grace_delays_are_part_of_it),
		cmocka_unit_test(test_grace_diamond_keeps_back_for_the_longer_side),
		cmocka_unit_test(test_grace_one_being_stopped_already_shares_too),
		cmocka_unit_test(test_grace_over_nobody_is_waited_for),
		cmocka_unit_test(test_hurry_those_that_are_held_come_one_by_one),
		cmocka_unit_test(test_stop_in_any_state_ends_in_time),
		cmocka_unit_test(test_stop_while_a_restart_is_under_way_does_not_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
