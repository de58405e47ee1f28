#include "unit/unit.h"

#include "init/supervise.h"

#define SECOND        INT64_C(1000000000)
#define START_OF_TIME (100 * SECOND)
#define GRACE         (30 * SECOND)
#define DELAY         (5 * SECOND)
#define TIMEOUT       (7 * SECOND)
#define NEVER         SUPERVISE_NEVER

enum { ROOM = 2 * SUPERVISE_ACTS_SERVICE + SUPERVISE_ACTS_CONTAINER };

/* The service that is tested, and another one that keeps the container from settling. */
struct fixture {
	struct supervise sup;
	struct supervise_service services[2];
	struct supervise_action actions[ROOM];
};

static void set_up(struct fixture *fixture, unsigned count)
{
	*fixture = (struct fixture){
		.sup = {.count = count, .grace = GRACE},
		.services = {{.delay = DELAY, .timeout = TIMEOUT}, {.passive = true}},
	};
	fixture->sup.services = fixture->services;
	fixture->sup.actions = fixture->actions;
	supervise_init(&fixture->sup);
	fixture->services[1].state = SERVICE_RUNNING;
}

/* The acts as a set, and that every one that is on a service is on `service`. */
static unsigned acts_of(const struct fixture *fixture, unsigned service)
{
	unsigned acts = 0;

	for (unsigned i = 0; i < fixture->sup.action_count; i++) {
		assert_int_equal(acts & fixture->actions[i].act, 0);
		acts |= fixture->actions[i].act;
		if (fixture->actions[i].act < ACT_SWEEP_TERM)
			assert_int_equal(fixture->actions[i].service, service);
	}
	return acts;
}

static unsigned acts(const struct fixture *fixture)
{
	return acts_of(fixture, 0);
}

/* What each cell must do. -1: the deadline it had (50 s). Written from the meaning, not from the
 * table that it checks. */
#define KEEP (-1)
#define HAD  (50 * SECOND)
struct expected {
	enum supervise_state next;
	unsigned acts;
	int64_t wait;
};

static const struct expected service_cells[SERVICE_STATES][EVENTS] =
	{
		[SERVICE_DOWN] =
			{
				[EVENT_START] = {SERVICE_STARTING, ACT_LAUNCH, KEEP},
				[EVENT_NOT_STARTED] = {SERVICE_DOWN, 0, KEEP},
				[EVENT_EXEC_OK] = {SERVICE_DOWN, 0, KEEP},
				[EVENT_EXEC_FAILED] = {SERVICE_DOWN, 0, KEEP},
				[EVENT_EXITED] = {SERVICE_DOWN, 0, KEEP},
				[EVENT_STOP] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_TIMER] = {SERVICE_DOWN, 0, NEVER},
			},
		[SERVICE_STARTING] =
			{
				[EVENT_START] = {SERVICE_STARTING, 0, KEEP},
				[EVENT_NOT_STARTED] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_EXEC_OK] = {SERVICE_RUNNING, 0, KEEP},
				[EVENT_EXEC_FAILED] = {SERVICE_KILLING, ACT_KILL, SECOND},
				[EVENT_EXITED] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_STOP] = {SERVICE_DELAY, 0, DELAY},
				[EVENT_TIMER] = {SERVICE_STARTING, 0, NEVER},
			},
		[SERVICE_RUNNING] =
			{
				[EVENT_START] = {SERVICE_RUNNING, 0, KEEP},
				[EVENT_NOT_STARTED] = {SERVICE_RUNNING, 0, KEEP},
				[EVENT_EXEC_OK] = {SERVICE_RUNNING, 0, KEEP},
				[EVENT_EXEC_FAILED] = {SERVICE_RUNNING, 0, KEEP},
				[EVENT_EXITED] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_STOP] = {SERVICE_DELAY, 0, DELAY},
				[EVENT_TIMER] = {SERVICE_RUNNING, 0, NEVER},
			},
		[SERVICE_DELAY] =
			{
				[EVENT_START] = {SERVICE_DELAY, 0, KEEP},
				[EVENT_NOT_STARTED] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_EXEC_OK] = {SERVICE_DELAY, 0, KEEP},
				[EVENT_EXEC_FAILED] = {SERVICE_KILLING, ACT_KILL, SECOND},
				[EVENT_EXITED] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_STOP] = {SERVICE_STOPPING, ACT_SIGNAL, TIMEOUT},
				[EVENT_TIMER] = {SERVICE_STOPPING, ACT_SIGNAL, TIMEOUT},
			},
		[SERVICE_STOPPING] =
			{
				[EVENT_START] = {SERVICE_STOPPING, 0, KEEP},
				[EVENT_NOT_STARTED] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_EXEC_OK] = {SERVICE_STOPPING, 0, KEEP},
				[EVENT_EXEC_FAILED] = {SERVICE_KILLING, ACT_KILL, SECOND},
				[EVENT_EXITED] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_STOP] = {SERVICE_KILLING, ACT_KILL, SECOND},
				[EVENT_TIMER] = {SERVICE_KILLING, ACT_LATE | ACT_KILL, SECOND},
			},
		[SERVICE_KILLING] =
			{
				[EVENT_START] = {SERVICE_KILLING, 0, KEEP},
				[EVENT_NOT_STARTED] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_EXEC_OK] = {SERVICE_KILLING, 0, KEEP},
				[EVENT_EXEC_FAILED] = {SERVICE_KILLING, 0, KEEP},
				[EVENT_EXITED] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_STOP] = {SERVICE_KILLING, 0, KEEP},
				[EVENT_TIMER] = {SERVICE_ENDED, ACT_GIVE_UP, NEVER},
			},
		[SERVICE_ENDED] =
			{
				[EVENT_START] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_NOT_STARTED] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_EXEC_OK] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_EXEC_FAILED] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_EXITED] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_STOP] = {SERVICE_ENDED, 0, NEVER},
				[EVENT_TIMER] = {SERVICE_ENDED, 0, NEVER},
			},
};

static void check_service_cell(unsigned state, unsigned event)
{
	const struct expected *expected = &service_cells[state][event];
	struct fixture fixture;
	int64_t deadline;

	set_up(&fixture, 2);
	fixture.sup.phase = PHASE_HALTING;
	fixture.sup.stop_by = START_OF_TIME + GRACE;
	fixture.services[0].state = (enum supervise_state)state;
	fixture.services[0].deadline = START_OF_TIME + (event == EVENT_TIMER ? 0 : HAD);
	if (event == EVENT_TIMER)
		supervise_tick(&fixture.sup, START_OF_TIME);
	else
		supervise_event(&fixture.sup, START_OF_TIME, 0, (enum supervise_event)event);
	deadline = expected->wait == NEVER  ? NEVER
		   : expected->wait == KEEP ? START_OF_TIME + HAD
					    : START_OF_TIME + expected->wait;
	if (fixture.services[0].state != expected->next || acts(&fixture) != expected->acts ||
		fixture.services[0].deadline != deadline)
		fail_msg("state %s, event %u: %s, acts %u, deadline %lld",
			supervise_state_name((enum supervise_state)state), event,
			supervise_state_name(fixture.services[0].state), acts(&fixture),
			(long long)(fixture.services[0].deadline - START_OF_TIME));
	assert_int_equal(fixture.services[1].state, SERVICE_RUNNING);
}

static void test_service_each_cell_as_written(void **state)
{
	(void)state;
	for (unsigned from = 0; from < SERVICE_STATES; from++) {
		for (unsigned event = 0; event < EVENTS; event++)
			check_service_cell(from, event);
	}
}

/* `next`, the acts listed, and what becomes of a running service. */
struct expected_phase {
	enum supervise_phase next;
	unsigned acts;
	enum supervise_state service;
	int64_t wait;
};

static const struct expected_phase phase_cells[PHASES][OCCASIONS] =
	{
		[PHASE_UP] =
			{
				[OCCASION_STOP] = {PHASE_HALTING, 0, SERVICE_DELAY, KEEP},
				[OCCASION_ENDED] = {PHASE_HALTING, 0, SERVICE_DELAY, KEEP},
				[OCCASION_SETTLED] = {PHASE_SWEEP_TERM, ACT_SWEEP_TERM,
					SERVICE_RUNNING, SECOND},
				[OCCASION_EMPTY] = {PHASE_DONE, ACT_FINISH, SERVICE_RUNNING, NEVER},
				[OCCASION_TIMER] = {PHASE_UP, 0, SERVICE_RUNNING, NEVER},
			},
		[PHASE_HALTING] =
			{
				[OCCASION_STOP] = {PHASE_HALTING, 0, SERVICE_DELAY, KEEP},
				[OCCASION_ENDED] = {PHASE_HALTING, 0, SERVICE_RUNNING, KEEP},
				[OCCASION_SETTLED] = {PHASE_SWEEP_TERM, ACT_SWEEP_TERM,
					SERVICE_RUNNING, SECOND},
				[OCCASION_EMPTY] = {PHASE_DONE, ACT_FINISH, SERVICE_RUNNING, NEVER},
				[OCCASION_TIMER] = {PHASE_HALTING, 0, SERVICE_RUNNING, NEVER},
			},
		[PHASE_SWEEP_TERM] =
			{
				[OCCASION_STOP] = {PHASE_SWEEP_KILL,
					ACT_SWEEP_KILL, SERVICE_RUNNING, SECOND},
				[OCCASION_ENDED] = {PHASE_SWEEP_TERM, 0, SERVICE_RUNNING, KEEP},
				[OCCASION_SETTLED] = {PHASE_SWEEP_TERM, 0, SERVICE_RUNNING, KEEP},
				[OCCASION_EMPTY] = {PHASE_DONE, ACT_FINISH, SERVICE_RUNNING, NEVER},
				[OCCASION_TIMER] = {PHASE_SWEEP_KILL,
					ACT_SWEEP_KILL, SERVICE_RUNNING, SECOND},
			},
		[PHASE_SWEEP_KILL] =
			{
				[OCCASION_STOP] = {PHASE_SWEEP_KILL, 0, SERVICE_RUNNING, KEEP},
				[OCCASION_ENDED] = {PHASE_SWEEP_KILL, 0, SERVICE_RUNNING, KEEP},
				[OCCASION_SETTLED] = {PHASE_SWEEP_KILL, 0, SERVICE_RUNNING, KEEP},
				[OCCASION_EMPTY] = {PHASE_DONE, ACT_FINISH, SERVICE_RUNNING, NEVER},
				[OCCASION_TIMER] = {PHASE_DONE, ACT_ABANDON | ACT_FINISH,
					SERVICE_RUNNING, NEVER},
			},
		[PHASE_DONE] =
			{
				[OCCASION_STOP] = {PHASE_DONE, 0, SERVICE_RUNNING, NEVER},
				[OCCASION_ENDED] = {PHASE_DONE, 0, SERVICE_RUNNING, NEVER},
				[OCCASION_SETTLED] = {PHASE_DONE, 0, SERVICE_RUNNING, NEVER},
				[OCCASION_EMPTY] = {PHASE_DONE, 0, SERVICE_RUNNING, NEVER},
				[OCCASION_TIMER] = {PHASE_DONE, 0, SERVICE_RUNNING, NEVER},
			},
};

static void check_phase_cell(unsigned phase, unsigned occasion)
{
	const struct expected_phase *expected = &phase_cells[phase][occasion];
	struct fixture fixture;
	int64_t deadline;

	set_up(&fixture, 2);
	fixture.sup.phase = (enum supervise_phase)phase;
	fixture.sup.deadline = START_OF_TIME + (occasion == OCCASION_TIMER ? 0 : HAD);
	fixture.services[0].state = SERVICE_RUNNING;
	if (occasion == OCCASION_TIMER)
		supervise_tick(&fixture.sup, START_OF_TIME);
	else
		supervise_occasion(&fixture.sup, START_OF_TIME, (enum supervise_occasion)occasion);
	deadline = expected->wait == NEVER  ? NEVER
		   : expected->wait == KEEP ? START_OF_TIME + HAD
					    : START_OF_TIME + expected->wait;
	if (fixture.sup.phase != expected->next || acts(&fixture) != expected->acts ||
		fixture.services[0].state != expected->service || fixture.sup.deadline != deadline)
		fail_msg("phase %u, occasion %u: phase %u, acts %u, service %s, deadline %lld",
			phase, occasion, fixture.sup.phase, acts(&fixture),
			supervise_state_name(fixture.services[0].state),
			(long long)(fixture.sup.deadline - START_OF_TIME));
	assert_int_equal(fixture.services[1].state, SERVICE_RUNNING);
}

static void test_container_each_cell_as_written(void **state)
{
	(void)state;
	for (unsigned phase = 0; phase < PHASES; phase++) {
		for (unsigned occasion = 0; occasion < OCCASIONS; occasion++)
			check_phase_cell(phase, occasion);
	}
}

static void run_to(struct fixture *fixture, enum supervise_state state)
{
	set_up(fixture, 1);
	supervise_event(&fixture->sup, START_OF_TIME, 0, EVENT_START);
	assert_int_equal(acts(fixture), ACT_LAUNCH);
	supervise_event(&fixture->sup, START_OF_TIME, 0, EVENT_EXEC_OK);
	assert_int_equal(fixture->services[0].state, SERVICE_RUNNING);
	if (state == SERVICE_RUNNING)
		return;
	supervise_occasion(&fixture->sup, START_OF_TIME, OCCASION_STOP);
	assert_int_equal(fixture->services[0].state, SERVICE_DELAY);
}

static void test_stop_all_ignored_takes_each_step_in_time(void **state)
{
	struct fixture fixture;
	int64_t now = START_OF_TIME + DELAY;

	(void)state;
	run_to(&fixture, SERVICE_DELAY);
	supervise_tick(&fixture.sup, now - 1);
	assert_int_equal(acts(&fixture), 0);
	supervise_tick(&fixture.sup, now);
	assert_int_equal(acts(&fixture), ACT_SIGNAL);
	now += TIMEOUT;
	supervise_tick(&fixture.sup, now - 1);
	assert_int_equal(acts(&fixture), 0);
	supervise_tick(&fixture.sup, now);
	assert_int_equal(acts(&fixture), ACT_LATE | ACT_KILL);
	now += SUPERVISE_KILL_WAIT;
	supervise_tick(&fixture.sup, now);
	assert_int_equal(acts(&fixture), ACT_GIVE_UP | ACT_SWEEP_TERM);
	now += SUPERVISE_SWEEP_WAIT;
	supervise_tick(&fixture.sup, now);
	assert_int_equal(acts(&fixture), ACT_SWEEP_KILL);
	now += SUPERVISE_SWEEP_WAIT;
	supervise_tick(&fixture.sup, now);
	assert_int_equal(acts(&fixture), ACT_ABANDON | ACT_FINISH);
	assert_int_equal(supervise_next(&fixture.sup), NEVER);
}

static void test_stop_asked_again_shortens_each_wait(void **state)
{
	struct fixture fixture;

	(void)state;
	run_to(&fixture, SERVICE_DELAY);
	supervise_occasion(&fixture.sup, START_OF_TIME + 1, OCCASION_STOP);
	assert_int_equal(acts(&fixture), ACT_SIGNAL);
	supervise_occasion(&fixture.sup, START_OF_TIME + 2, OCCASION_STOP);
	assert_int_equal(acts(&fixture), ACT_KILL);
	supervise_event(&fixture.sup, START_OF_TIME + 3, 0, EVENT_EXITED);
	assert_int_equal(acts(&fixture), ACT_SWEEP_TERM);
	supervise_occasion(&fixture.sup, START_OF_TIME + 4, OCCASION_STOP);
	assert_int_equal(acts(&fixture), ACT_SWEEP_KILL);
	supervise_occasion(&fixture.sup, START_OF_TIME + 5, OCCASION_EMPTY);
	assert_int_equal(acts(&fixture), ACT_FINISH);
}

static void test_stop_no_delay_signals_at_once(void **state)
{
	struct fixture fixture;

	(void)state;
	run_to(&fixture, SERVICE_RUNNING);
	fixture.services[0].delay = 0;
	supervise_occasion(&fixture.sup, START_OF_TIME, OCCASION_STOP);
	assert_int_equal(acts(&fixture), ACT_SIGNAL);
	assert_int_equal(fixture.services[0].deadline, START_OF_TIME + TIMEOUT);
}

/* The sweep's second is kept back, and a short grace is halved. */
static void test_stop_timeouts_end_within_grace(void **state)
{
	struct fixture fixture;

	(void)state;
	run_to(&fixture, SERVICE_RUNNING);
	fixture.services[0].timeout = 100 * SECOND;
	supervise_occasion(&fixture.sup, START_OF_TIME, OCCASION_STOP);
	supervise_tick(&fixture.sup, START_OF_TIME + DELAY);
	assert_int_equal(fixture.services[0].deadline, START_OF_TIME + GRACE - SECOND);

	run_to(&fixture, SERVICE_RUNNING);
	fixture.services[0].timeout = -1;
	supervise_occasion(&fixture.sup, START_OF_TIME, OCCASION_STOP);
	supervise_tick(&fixture.sup, START_OF_TIME + DELAY);
	assert_int_equal(fixture.services[0].deadline, START_OF_TIME + GRACE - SECOND);

	run_to(&fixture, SERVICE_RUNNING);
	fixture.sup.grace = SECOND;
	supervise_occasion(&fixture.sup, START_OF_TIME, OCCASION_STOP);
	assert_int_equal(fixture.services[0].deadline, START_OF_TIME + SECOND / 2);

	run_to(&fixture, SERVICE_RUNNING);
	fixture.sup.grace = 0;
	supervise_occasion(&fixture.sup, START_OF_TIME, OCCASION_STOP);
	assert_int_equal(acts(&fixture), ACT_SIGNAL | ACT_LATE | ACT_KILL);
	assert_int_equal(fixture.actions[0].act, ACT_SIGNAL);
}

static void test_stop_largest_times_do_not_overflow(void **state)
{
	struct fixture fixture;

	(void)state;
	run_to(&fixture, SERVICE_RUNNING);
	fixture.sup.grace = INT64_MAX;
	fixture.services[0].delay = INT64_MAX;
	fixture.services[0].timeout = INT64_MAX;
	supervise_occasion(&fixture.sup, START_OF_TIME, OCCASION_STOP);
	assert_int_equal(fixture.services[0].deadline, NEVER);
	supervise_occasion(&fixture.sup, START_OF_TIME, OCCASION_STOP);
	assert_int_equal(acts(&fixture), ACT_SIGNAL);
	assert_int_equal(fixture.services[0].deadline, NEVER);
}

static void test_stop_one_service_alone_gets_its_own_grace(void **state)
{
	struct fixture fixture;

	(void)state;
	run_to(&fixture, SERVICE_RUNNING);
	fixture.services[0].timeout = -1;
	supervise_event(&fixture.sup, START_OF_TIME, 0, EVENT_STOP);
	supervise_tick(&fixture.sup, START_OF_TIME + DELAY);
	assert_int_equal(acts(&fixture), ACT_SIGNAL);
	assert_int_equal(fixture.services[0].deadline, START_OF_TIME + DELAY + GRACE - SECOND);
}

static void test_passive_is_never_stopped(void **state)
{
	struct fixture fixture;

	(void)state;
	run_to(&fixture, SERVICE_RUNNING);
	fixture.services[0].passive = true;
	for (int i = 0; i < 3; i++) {
		supervise_occasion(&fixture.sup, START_OF_TIME, OCCASION_STOP);
		assert_int_equal(acts(&fixture), 0);
		assert_int_equal(supervise_next(&fixture.sup), NEVER);
	}
	supervise_event(&fixture.sup, START_OF_TIME, 0, EVENT_EXITED);
	assert_int_equal(acts(&fixture), ACT_SWEEP_TERM);
}

static void test_end_leave_rest_finishes_without_sweep(void **state)
{
	struct fixture fixture;

	(void)state;
	run_to(&fixture, SERVICE_RUNNING);
	fixture.sup.leave_rest = true;
	supervise_event(&fixture.sup, START_OF_TIME, 0, EVENT_EXITED);
	assert_int_equal(acts(&fixture), ACT_FINISH);
	assert_int_equal(fixture.sup.phase, PHASE_DONE);
}

static void test_end_of_one_stops_the_others_in_reverse(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, 2);
	fixture.services[0] = (struct supervise_service){
		.state = SERVICE_RUNNING, .deadline = NEVER, .timeout = SECOND};
	fixture.services[1] = fixture.services[0];
	supervise_occasion(&fixture.sup, START_OF_TIME, OCCASION_STOP);
	assert_int_equal(fixture.sup.action_count, 2);
	assert_int_equal(fixture.actions[0].service, 1);
	assert_int_equal(fixture.actions[1].service, 0);

	set_up(&fixture, 2);
	fixture.services[0].state = SERVICE_RUNNING;
	supervise_event(&fixture.sup, START_OF_TIME, 1, EVENT_EXITED);
	assert_int_equal(fixture.services[0].state, SERVICE_DELAY);
}

static void test_start_fork_fails_settles(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, 1);
	supervise_event(&fixture.sup, START_OF_TIME, 0, EVENT_START);
	supervise_event(&fixture.sup, START_OF_TIME, 0, EVENT_NOT_STARTED);
	assert_int_equal(acts(&fixture), ACT_SWEEP_TERM);
}

/* Small and the same everywhere. */
static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

/* A world in which anything may happen at any time: processes that ignore everything, events that
 * make no sense in a state. */
struct world {
	struct fixture fixture;
	bool alive[2];
	int64_t now;
	unsigned long events;
};

/* Does what was listed, and lets time pass. */
static void live(struct world *world, unsigned *seed)
{
	const struct supervise *sup = &world->fixture.sup;

	assert_true(sup->action_count <= ROOM);
	for (unsigned i = 0; i < sup->action_count; i++) {
		unsigned service = sup->actions[i].service;

		if (sup->actions[i].act == ACT_LAUNCH) {
			assert_false(world->alive[service]);
			world->alive[service] = true;
		} else if (sup->actions[i].act == ACT_GIVE_UP) {
			world->alive[service] = false;
		} else if (sup->actions[i].act == ACT_FINISH) {
			assert_int_equal(sup->phase, PHASE_DONE);
		}
	}
	assert_true(supervise_next(sup) > world->now);
	world->events++;
	if (next_random(seed) % 4 == 0)
		world->now += (int64_t)(next_random(seed) % 3000) * 1000000;
}

static void happen(struct world *world, unsigned *seed)
{
	struct supervise *sup = &world->fixture.sup;
	unsigned service = next_random(seed) % sup->count;
	enum supervise_event event = (enum supervise_event)(next_random(seed) % EVENT_TIMER);

	switch (next_random(seed) % 16) {
	case 0:
		supervise_occasion(sup, world->now, OCCASION_STOP);
		return;
	case 1:
		/* Nothing is left only when nothing runs. */
		if (sup->phase >= PHASE_SWEEP_TERM) {
			supervise_occasion(sup, world->now, OCCASION_EMPTY);
			return;
		}
		break;
	case 2:
	case 3:
		supervise_tick(sup, world->now);
		return;
	default:
		break;
	}
	if (event == EVENT_EXITED || event == EVENT_NOT_STARTED) {
		if (!world->alive[service]) {
			supervise_tick(sup, world->now);
			return;
		}
		world->alive[service] = false;
	}
	supervise_event(sup, world->now, service, event);
}

/* A stop comes, nothing obeys, and time passes: it ends all the same. */
static void must_end(struct world *world, unsigned *seed)
{
	struct supervise *sup = &world->fixture.sup;
	int64_t begin = world->now;
	unsigned steps = 0;

	supervise_occasion(sup, world->now, OCCASION_STOP);
	live(world, seed);
	while (sup->phase != PHASE_DONE) {
		assert_true(steps++ < 16);
		assert_true(supervise_next(sup) != NEVER);
		if (world->now < supervise_next(sup))
			world->now = supervise_next(sup);
		supervise_tick(sup, world->now);
		live(world, seed);
	}
	/* live() adds at most 3 s a step. */
	assert_true(world->now - begin <= GRACE + 4 * SECOND + 16 * 3 * SECOND);
}

static void test_random_events_end_and_never_run_twice(void **state)
{
	struct world world = {.now = START_OF_TIME};
	unsigned seed = 20;

	(void)state;
	while (world.events < 200000) {
		unsigned steps = next_random(&seed) % 40;

		set_up(&world.fixture, 1 + next_random(&seed) % 2);
		world.fixture.services[1] = world.fixture.services[0];
		world.fixture.services[1].timeout = -1;
		supervise_init(&world.fixture.sup);
		world.alive[0] = world.alive[1] = false;
		for (unsigned i = 0; i < steps; i++) {
			world.fixture.sup.action_count = 0;
			happen(&world, &seed);
			live(&world, &seed);
		}
		if (world.fixture.sup.phase != PHASE_DONE)
			must_end(&world, &seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_service_each_cell_as_written),
		cmocka_unit_test(test_container_each_cell_as_written),
		cmocka_unit_test(test_stop_all_ignored_takes_each_step_in_time),
		cmocka_unit_test(test_stop_asked_again_shortens_each_wait),
		cmocka_unit_test(test_stop_no_delay_signals_at_once),
		cmocka_unit_test(test_stop_timeouts_end_within_grace),
		cmocka_unit_test(test_stop_largest_times_do_not_overflow),
		cmocka_unit_test(test_stop_one_service_alone_gets_its_own_grace),
		cmocka_unit_test(test_passive_is_never_stopped),
		cmocka_unit_test(test_end_leave_rest_finishes_without_sweep),
		cmocka_unit_test(test_end_of_one_stops_the_others_in_reverse),
		cmocka_unit_test(test_start_fork_fails_settles),
		cmocka_unit_test(test_random_events_end_and_never_run_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
