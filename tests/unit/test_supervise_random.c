/*
 * Anything may happen at any time: millions of events of random plans, in any order and also where
 * they make no sense. After each call it is looked at what must always hold; and that is so much
 * that nothing can be taken out of supervise's tables without being noticed.
 *
 * HUSK_TEST_SEED=N gives other plans; a failure prints the seed with which its plan comes first.
 */
#include "unit/supervise_mutants.h"
#include "unit/supervise_shadow.h"

enum { EVENTS_MIN = 3000000, EVENTS_MUTANT = 400000 };

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static unsigned below(struct world *world, unsigned limit)
{
	return (unsigned)(next_random(&world->random) % limit);
}

#define PICK(world, array) ((array)[below((world), COUNT(array))])

/* ---- a plan ---- */

static void make_service(struct world *world, unsigned index)
{
	static const int64_t delays[] = {0, 0, 0, SECOND / 10, 2 * SECOND, INT64_MAX};
	static const int64_t timeouts[] = {-1, -1, 0, SECOND / 10, 5 * SECOND, INT64_MAX};
	static const int64_t ready_timeouts[] = {-1, -1, 0, SECOND, 10 * SECOND};
	static const int64_t every[] = {SECOND / 20, SECOND, 10 * SECOND};
	static const int64_t restart_delays[] = {MILLISECOND, SECOND / 10, SECOND};
	static const int64_t windows[] = {SECOND, 10 * SECOND, 60 * SECOND};
	struct supervise_service *service = &world->services[index];

	*service = (struct supervise_service){
		.depends = world->depends[index],
		.policy = (enum supervise_policy)below(world, 3),
		.delay = PICK(world, delays),
		.timeout = PICK(world, timeouts),
		.ready_timeout = PICK(world, ready_timeouts),
		.health_every = below(world, 2) ? PICK(world, every) : 0,
		.health_failures = 1 + below(world, 3),
		.restart_delay = PICK(world, restart_delays),
		.restart_limit = below(world, LIMIT_MAX + 1),
		.restart_window = PICK(world, windows),
		.restart_times = world->restarts[index],
		.oneshot = below(world, 5) == 0,
		.reload_restarts = below(world, 3) == 0,
		.replace = below(world, 2) == 0,
		.passive = below(world, 20) == 0,
	};
	service->restart_delay_max = service->restart_delay * (1 + below(world, 20));
	if (!service->oneshot && below(world, 5) == 0)
		service->every = PICK(world, every);
}

static void make_plan(struct world *world)
{
	static const int64_t graces[] = {0, SECOND / 10, SECOND, 5 * SECOND, 20 * SECOND};
	unsigned count;

	world->random = world->seed;
	world->now = 100 * SECOND;
	count = 1 + below(world, SERVICES_MAX);
	world->sup = (struct supervise){
		.services = world->services,
		.count = count,
		.actions = world->actions,
		.grace = PICK(world, graces),
		.leave_rest = below(world, 8) == 0,
		.random = (uint32_t)next_random(&world->random),
	};
	for (unsigned i = 0; i < count; i++) {
		unsigned place = below(world, i + 1);

		make_service(world, i);
		world->order[i] = world->order[place];
		world->order[place] = i;
	}
	for (unsigned i = 1; i < count; i++) {
		struct supervise_service *service = &world->services[world->order[i]];

		for (unsigned k = 0; k < i; k++) {
			if (below(world, count) < 2)
				world->depends[world->order[i]][service->depend_count++] =
					world->order[k];
		}
	}
	if (below(world, 4) == 0)
		world->services[below(world, count)].main = true;
	supervise_init(&world->sup);
}

/* ---- what happens ---- */

static void call(struct world *world, unsigned service, unsigned event)
{
	struct supervise *sup = &world->sup;
	struct call *made = &world->calls[world->called++ % LOG_MAX];
	unsigned index = service == SUPERVISE_NOBODY ? 0 : service;

	*made = (struct call){world->now, service, event, world->services[index].state};
	world->phase = sup->phase;
	memcpy(world->before, world->services, sizeof(world->before));
	if (event < EVENTS) {
		tally.cells[made->from][event]++;
		supervise_event(sup, world->now, service, (enum supervise_event)event);
	} else if (event == CALL_TICK) {
		supervise_tick(sup, world->now);
	} else if (event == CALL_STOP || event == CALL_EMPTY) {
		supervise_occasion(
			sup, world->now, event == CALL_STOP ? OCCASION_STOP : OCCASION_EMPTY);
	} else {
		supervise_health(sup, world->now, service, event == CALL_HEALTHY);
	}
	tally.events++;
	shadow_check(world, made);
}

static void end_process(struct world *world, unsigned index, unsigned event)
{
	struct shadow *shadow = &world->shadows[index];

	if (shadow->process != NONE)
		shadow->well = event == EVENT_EXITED_WELL &&
			       world->services[index].intent != INTENT_JUDGED;
	shadow->process = NONE;
	call(world, index, event);
}

static bool has_process(const struct world *world, unsigned index)
{
	return world->shadows[index].process != NONE;
}

/* Any event, also where it makes no sense; but a process ends only if there is one. */
static void tell(struct world *world, unsigned index, unsigned event)
{
	struct shadow *shadow = &world->shadows[index];
	enum supervise_state from = world->services[index].state;

	if (event == EVENT_EXITED_WELL || event == EVENT_EXITED_BADLY ||
		(event == EVENT_NOT_STARTED && shadow->process <= LAUNCHED)) {
		end_process(world, index, event);
		return;
	}
	/* Of a process that has been started this would be believed. */
	if (event == EVENT_NOT_STARTED && from >= SERVICE_DELAY && from <= SERVICE_KILLING)
		event = EVENT_EXEC_OK;
	if ((event == EVENT_EXEC_OK || event == EVENT_EXEC_FAILED) && shadow->process == LAUNCHED)
		shadow->process = RUNS;
	if (event == EVENT_READY && from == SERVICE_UNREADY)
		shadow->ready = true;
	if (event == EVENT_START || event >= EVENT_STOP)
		shadow->commanded = true;
	call(world, index, event);
}

/* What a process does next, if it does something. */
static void live(struct world *world, unsigned index)
{
	static const enum supervise_event starts[] = {EVENT_EXEC_OK, EVENT_EXEC_OK, EVENT_EXEC_OK,
		EVENT_EXEC_OK, EVENT_EXEC_OK, EVENT_EXEC_FAILED, EVENT_NOT_STARTED,
		EVENT_EXITED_BADLY};
	static const enum supervise_event readies[] = {
		EVENT_READY, EVENT_READY, EVENT_READY, EVENT_NOT_READY, EVENT_EXITED_BADLY};
	static const enum supervise_event ends[] = {EVENT_EXITED_WELL, EVENT_EXITED_BADLY};
	bool told = (world->shadows[index].acts & (ACT_SIGNAL | ACT_KILL)) != 0;

	switch (world->shadows[index].process) {
	case NONE:
		call(world, SUPERVISE_NOBODY, CALL_TICK);
		break;
	case LAUNCHED:
		tell(world, index, PICK(world, starts));
		break;
	case RUNS:
		if (world->services[index].state == SERVICE_UNREADY)
			tell(world, index, PICK(world, readies));
		else if (told || below(world, 4) == 0)
			tell(world, index, PICK(world, ends));
		else
			call(world, index, below(world, 2) ? CALL_HEALTHY : CALL_SICK);
		break;
	case LOST:
		if (below(world, 8) == 0)
			tell(world, index, PICK(world, ends));
		break;
	}
}

static void pass_time(struct world *world)
{
	int64_t next = supervise_next(&world->sup);

	if (next != NEVER && below(world, 2) == 0)
		world->now = next;
	world->now += below(world, 3) ? 0 : below(world, 3000) * MILLISECOND;
	call(world, SUPERVISE_NOBODY, CALL_TICK);
}

static bool is_empty(const struct world *world)
{
	for (unsigned i = 0; i < world->sup.count; i++) {
		if (has_process(world, i))
			return false;
	}
	return true;
}

static void happen(struct world *world)
{
	static const enum supervise_event commands[] = {
		EVENT_START, EVENT_START, EVENT_STOP, EVENT_HURRY, EVENT_RESTART, EVENT_RELOAD};
	static const enum supervise_event any[] = {EVENT_START, EVENT_NOT_STARTED, EVENT_EXEC_OK,
		EVENT_EXEC_FAILED, EVENT_READY, EVENT_NOT_READY, EVENT_SICK, EVENT_EXITED_WELL,
		EVENT_EXITED_BADLY, EVENT_STOP, EVENT_HURRY, EVENT_RESTART, EVENT_RELOAD};
	unsigned index = below(world, world->sup.count);
	unsigned which = below(world, 64);

	/* Rather one that something runs of. */
	for (int i = 0; i < 3 && which < 42 && !has_process(world, index); i++)
		index = below(world, world->sup.count);
	if (which < 12)
		pass_time(world);
	else if (which < 42)
		live(world, index);
	else if (which < 48)
		call(world, index, below(world, 2) ? CALL_HEALTHY : CALL_SICK);
	else if (which < 52)
		do
			tell(world, index, PICK(world, commands));
		while (below(world, 2));
	else if (which < 63)
		tell(world, index, PICK(world, any));
	else if (world->sup.phase >= PHASE_SWEEP_TERM && is_empty(world))
		call(world, SUPERVISE_NOBODY, CALL_EMPTY);
	else if (below(world, 16) == 0)
		call(world, SUPERVISE_NOBODY, CALL_STOP);
}

/* A stop comes, and time passes: it is over in time, whether anything obeys or not. */
static void must_end(struct world *world)
{
	struct supervise *sup = &world->sup;
	bool obey = below(world, 2) == 0;
	unsigned steps = 0, index = 0;
	int64_t latest;

	if (sup->phase == PHASE_UP || below(world, 2) == 0)
		call(world, SUPERVISE_NOBODY, CALL_STOP);
	for (unsigned i = 0; i < sup->count; i++) {
		if (has_process(world, i) && (world->services[i].passive || obey))
			tell(world, i, EVENT_EXITED_BADLY);
	}
	latest = sup->phase == PHASE_HALTING && sup->stop_by > world->now ? sup->stop_by
									  : world->now;
	latest += SUPERVISE_KILL_WAIT + 2 * SUPERVISE_SWEEP_WAIT;
	while (sup->phase != PHASE_DONE) {
		MUST(steps++ < 10000);
		MUST(supervise_next(sup) != NEVER);
		world->now = supervise_next(sup);
		call(world, SUPERVISE_NOBODY, CALL_TICK);
	}
	MUST(world->now <= latest);
}

static void live_through(struct world *world)
{
	unsigned index = 0;
	unsigned steps = below(world, 8) == 0 ? 4000 : below(world, 400);

	for (unsigned i = 0; i < world->sup.count; i++)
		tell(world, i, EVENT_START);
	while (steps-- > 0 && world->sup.phase != PHASE_DONE)
		happen(world);
	if (world->sup.phase != PHASE_DONE)
		must_end(world);
	for (; index < world->sup.count; index++)
		MUST(world->shadows[index].process == NONE ||
			world->shadows[index].process == LOST);
	/* The end is the end. */
	for (int i = 0; i < 8; i++) {
		index = 0;
		world->sup.action_count = 0;
		happen(world);
		MUST(world->sup.action_count == 0);
	}
}

/* Until so many events have happened, each plan with the next seed. */
static void live_for(unsigned long events, uint64_t seed)
{
	static struct world world;

	while (tally.events < events) {
		memset(&world, 0, sizeof(world));
		world.seed = seed;
		make_plan(&world);
		live_through(&world);
		tally.plans++;
		(void)next_random(&seed);
	}
}

static void test_random_events_keep_what_must_hold(void **state)
{
	static const unsigned own = 1U << EVENT_CLEARED | 1U << EVENT_PERIOD | 1U << EVENT_TIMER;
	const char *text = getenv("HUSK_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 10) : 1;

	(void)state;
	print_message("# HUSK_TEST_SEED=%llu\n", (unsigned long long)seed);
	memset(&tally, 0, sizeof(tally));
	live_for(EVENTS_MIN, seed);
	print_message("# %lu events of %lu plans, %lu starts\n", tally.events, tally.plans,
		tally.launches);
	/* All of it has happened. */
	assert_int_equal(tally.acts, 2 * ACT_FINISH - 1);
	for (unsigned from = 0; from < SERVICE_STATES; from++) {
		for (unsigned event = 0; event < EVENTS; event++) {
			if (!(own >> event & 1) && tally.cells[from][event] == 0)
				fail_msg("%s never met %s",
					supervise_state_name((enum supervise_state)from),
					shadow_call_name(event));
		}
	}
}

static bool holds(void)
{
	memset(&tally, 0, sizeof(tally));
	tally.in_child = true;
	live_for(EVENTS_MUTANT, 1);
	return tally.acts == 2 * ACT_FINISH - 1;
}

static void test_random_cell_without_any_of_its_parts_is_noticed(void **state)
{
	(void)state;
	mutants_must_be_noticed(holds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_events_keep_what_must_hold),
		cmocka_unit_test(test_random_cell_without_any_of_its_parts_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
