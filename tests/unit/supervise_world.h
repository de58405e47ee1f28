/*
 * supervise_world: services that a test starts, tells of events and gives time to; what supervise
 * listed is collected, and what must hold after every call is asserted after every call.
 */
#ifndef HUSK_TESTS_SUPERVISE_WORLD_H
#define HUSK_TESTS_SUPERVISE_WORLD_H

#include "unit.h"

#include "init/supervise.h"

#define SECOND      INT64_C(1000000000)
#define MILLISECOND INT64_C(1000000)
#define NEVER       SUPERVISE_NEVER

enum { WORLD_MAX = 80, WORLD_LIMIT_MAX = 4 };

struct world {
	struct supervise sup;
	struct supervise_service services[WORLD_MAX];
	unsigned depends[WORLD_MAX][WORLD_MAX];
	int64_t restarts[WORLD_MAX][WORLD_LIMIT_MAX];
	struct supervise_action
		actions[WORLD_MAX * SUPERVISE_ACTS_SERVICE + SUPERVISE_ACTS_CONTAINER];
	int64_t now;
	/* Since world_take: the acts on each service, and those on the container. */
	unsigned acts[WORLD_MAX];
	unsigned container;
	unsigned launches[WORLD_MAX]; /* all of them */
};

/* Daemons without readiness or restarts, 7 s to stop, 30 s for all. What differs is set before
 * world_begin. */
static inline void world_init(struct world *world, unsigned count)
{
	assert_true(count <= WORLD_MAX);
	memset(world, 0, sizeof(*world));
	world->now = 100 * SECOND;
	world->sup.services = world->services;
	world->sup.actions = world->actions;
	world->sup.count = count;
	world->sup.grace = 30 * SECOND;
	for (unsigned i = 0; i < count; i++) {
		world->services[i] = (struct supervise_service){
			.depends = world->depends[i],
			.timeout = 7 * SECOND,
			.ready_timeout = -1,
			.health_failures = 3,
			.restart_delay = 100 * MILLISECOND,
			.restart_delay_max = 30 * SECOND,
			.restart_times = world->restarts[i],
		};
	}
}

static inline void world_after(struct world *world, unsigned service, unsigned other)
{
	struct supervise_service *later = &world->services[service];

	world->depends[service][later->depend_count++] = other;
}

/* After each call. */
static inline void world_note(struct world *world)
{
	const struct supervise *sup = &world->sup;

	assert_true(sup->action_count <=
		    sup->count * SUPERVISE_ACTS_SERVICE + SUPERVISE_ACTS_CONTAINER);
	assert_true(supervise_next(sup) > world->now);
	for (unsigned i = 0; i < sup->action_count; i++) {
		unsigned act = sup->actions[i].act;
		unsigned service = sup->actions[i].service;

		if (act >= ACT_SWEEP_TERM) {
			world->container |= act;
			continue;
		}
		assert_true(service < sup->count);
		world->acts[service] |= act;
		if (act == ACT_LAUNCH)
			world->launches[service]++;
	}
}

static inline void world_tell(struct world *world, unsigned service, enum supervise_event event)
{
	supervise_event(&world->sup, world->now, service, event);
	world_note(world);
}

static inline void world_pass(struct world *world, int64_t time)
{
	world->now += time;
	supervise_tick(&world->sup, world->now);
	world_note(world);
}

/* To the next deadline. */
static inline void world_wait(struct world *world)
{
	assert_true(supervise_next(&world->sup) != NEVER);
	world_pass(world, supervise_next(&world->sup) - world->now);
}

static inline void world_health(struct world *world, unsigned service, bool healthy)
{
	supervise_health(&world->sup, world->now, service, healthy);
	world_note(world);
}

static inline void world_stop(struct world *world)
{
	supervise_occasion(&world->sup, world->now, OCCASION_STOP);
	world_note(world);
}

static inline void world_begin(struct world *world)
{
	supervise_init(&world->sup);
	for (unsigned i = 0; i < world->sup.count; i++)
		world_tell(world, i, EVENT_START);
}

/* What was listed for a service since it was last asked. */
static inline unsigned world_take(struct world *world, unsigned service)
{
	unsigned acts = world->acts[service];

	world->acts[service] = 0;
	return acts;
}

static inline unsigned world_take_container(struct world *world)
{
	unsigned acts = world->container;

	world->container = 0;
	return acts;
}

#define assert_state(world, service, expected) \
	assert_string_equal(supervise_state_name((world)->services[service].state), \
		supervise_state_name(SERVICE_##expected))
#define assert_phase(world, expected) \
	assert_string_equal( \
		supervise_phase_name((world)->sup.phase), supervise_phase_name(PHASE_##expected))

#endif
