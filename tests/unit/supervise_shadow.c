#include "unit/supervise_shadow.h"

struct tally tally;

const char *shadow_call_name(unsigned event)
{
	static const char *const names[] = {
#define X(id) [EVENT_##id] = #id,
		SUPERVISE_EVENTS(X)
#undef X
			[CALL_TICK] = "tick",
		[CALL_HEALTHY] = "healthy", [CALL_SICK] = "unhealthy", [CALL_STOP] = "stop all",
		[CALL_EMPTY] = "empty"};

	return names[event];
}

void shadow_fail(const struct world *world, unsigned service, const char *what)
{
	unsigned first = world->called > LOG_MAX ? world->called - LOG_MAX : 0;

	if (tally.in_child)
		_exit(1);
	print_message("# HUSK_TEST_SEED=%llu: service %u of %u: %s\n",
		(unsigned long long)world->seed, service, world->sup.count, what);
	for (unsigned i = first; i < world->called; i++) {
		const struct call *call = &world->calls[i % LOG_MAX];

		print_message("# %lld ms, service %d, %s: %s\n",
			(long long)(call->now / MILLISECOND), (int)call->service,
			supervise_state_name(call->from), shadow_call_name(call->event));
	}
	for (unsigned i = 0; i < world->sup.action_count; i++)
		print_message(
			"# act %#x on %u\n", world->actions[i].act, world->actions[i].service);
	fail_msg("service %u: %s; %s, %s", service, what,
		supervise_state_name(world->services[service].state),
		supervise_phase_name(world->sup.phase));
}

static bool is_over(enum supervise_state state)
{
	return state == SERVICE_DONE || state == SERVICE_FAILED;
}

/* What comes after it may start, by what has happened to it. */
static bool is_satisfied(const struct world *world, unsigned index)
{
	const struct supervise_service *service = &world->services[index];
	const struct shadow *shadow = &world->shadows[index];

	if (service->state == SERVICE_DONE)
		return shadow->process == NONE && shadow->well;
	return service->state == SERVICE_RUNNING && !service->oneshot && shadow->process == RUNS &&
	       (shadow->ready || service->ready_timeout < 0) && !(shadow->acts & ACT_SIGNAL);
}

static bool is_clear(const struct world *world, unsigned index)
{
	const struct supervise_service *service = &world->services[index];

	for (unsigned i = 0; i < service->depend_count; i++) {
		if (!is_satisfied(world, service->depends[i]))
			return false;
	}
	return true;
}

static void check_launch(struct world *world, unsigned index)
{
	const struct supervise_service *service = &world->services[index];
	struct shadow *shadow = &world->shadows[index];

	MUST(shadow->process == NONE);
	MUST(world->phase == PHASE_UP);
	MUST(is_clear(world, index));
	/* Of its own accord it is not started again sooner than it may. */
	MUST(shadow->launched == 0 || shadow->commanded || service->every > 0 ||
		world->now - shadow->launched >= service->restart_delay);
	shadow->process = LAUNCHED;
	shadow->launched = world->now;
	shadow->acts = ACT_LAUNCH;
	shadow->ready = shadow->reload = shadow->commanded = false;
	tally.launches++;
}

/* One more restart, or one too many. */
static void check_restart(struct world *world, unsigned index, const struct call *call, bool again)
{
	const struct supervise_service *service = &world->services[index];
	struct shadow *shadow = &world->shadows[index];
	unsigned recent = 0;

	MUST(shadow->process == NONE);
	MUST(call->service == index);
	if (call->event == EVENT_NOT_STARTED) {
		MUST(again);
		return;
	}
	for (unsigned i = 0; i < LIMIT_MAX; i++) {
		if (shadow->restarts[i] != 0 &&
			world->now - shadow->restarts[i] < service->restart_window)
			recent++;
	}
	MUST(again == (service->restart_limit == 0 || recent < service->restart_limit));
	if (service->restart_limit > 0 && again) {
		for (unsigned i = service->restart_limit; i-- > 1;)
			shadow->restarts[i] = shadow->restarts[i - 1];
		shadow->restarts[0] = world->now;
	}
}

/* Acts that come once for each process, and when. */
static void check_act(
	struct world *world, unsigned index, const struct call *call, enum supervise_act act)
{
	enum {
		ONCE = ACT_AWAIT | ACT_READY | ACT_UNREADY | ACT_SICK | ACT_SIGNAL | ACT_LATE |
		       ACT_KILL | ACT_GIVE_UP
	};
	struct shadow *shadow = &world->shadows[index];

	if (act == ACT_LAUNCH) {
		check_launch(world, index);
		return;
	}
	MUST(!(act & ONCE & shadow->acts));
	if (act == ACT_BACKOFF || act == ACT_LIMIT)
		check_restart(world, index, call, act == ACT_BACKOFF);
	else
		MUST(shadow->process == LAUNCHED || shadow->process == RUNS);
	if (act == ACT_AWAIT || act == ACT_PROBE || act == ACT_READY || act == ACT_RELOAD)
		MUST(shadow->process == RUNS && !(shadow->acts & (ACT_SIGNAL | ACT_KILL)));
	if (act == ACT_PROBE || act == ACT_RELOAD)
		MUST(shadow->ready || world->services[index].ready_timeout < 0);
	if (act == ACT_GIVE_UP) {
		MUST(shadow->acts & ACT_KILL);
		shadow->process = LOST;
	}
	shadow->acts |= act;
}

static void check_acts(struct world *world, const struct call *call)
{
	const struct supervise *sup = &world->sup;
	unsigned index = 0;

	MUST(sup->action_count <= sup->count * SUPERVISE_ACTS_SERVICE + SUPERVISE_ACTS_CONTAINER);
	for (unsigned i = 0; i < sup->action_count; i++) {
		enum supervise_act act = sup->actions[i].act;

		tally.acts |= act;
		if (act < ACT_SWEEP_TERM) {
			index = sup->actions[i].service;
			world->listed[index] |= act;
			check_act(world, index, call, act);
			continue;
		}
		MUST(!(world->container & act));
		MUST(!(world->container & ACT_FINISH));
		world->container |= act;
	}
	MUST((sup->phase == PHASE_DONE) == ((world->container & ACT_FINISH) != 0));
	MUST(sup->phase != PHASE_SWEEP_TERM || (world->container & ACT_SWEEP_TERM));
	MUST(sup->phase != PHASE_SWEEP_KILL || (world->container & ACT_SWEEP_KILL));
	MUST(sup->phase != PHASE_UP || call->event != CALL_STOP);
	MUST(sup->phase != PHASE_DONE || world->phase != PHASE_SWEEP_KILL ||
		call->event == CALL_EMPTY || (world->container & ACT_ABANDON));
}

/* Timers: nothing is waited for that does not come. */
static void check_waits(struct world *world, unsigned index)
{
	const struct supervise_service *service = &world->services[index];
	const struct shadow *shadow = &world->shadows[index];
	bool up = world->sup.phase == PHASE_UP;

	switch (service->state) {
	case SERVICE_WAITING:
		MUST(up && !is_clear(world, index));
		break;
	case SERVICE_BACKOFF:
		MUST(up && service->deadline != NEVER);
		break;
	case SERVICE_IDLE:
		MUST(up && service->every > 0);
		break;
	case SERVICE_STARTING:
		MUST(shadow->process == LAUNCHED);
		MUST(service->intent == INTENT_NONE);
		break;
	case SERVICE_UNREADY:
		MUST(shadow->process == RUNS);
		MUST(service->intent == INTENT_NONE && service->deadline != NEVER);
		MUST(shadow->acts & ACT_AWAIT);
		break;
	case SERVICE_RUNNING:
		MUST(shadow->process == RUNS);
		MUST(service->intent == INTENT_NONE);
		MUST(service->health_every == 0 || service->deadline != NEVER);
		break;
	case SERVICE_DELAY:
	case SERVICE_STOPPING:
	case SERVICE_KILLING:
		MUST(service->intent != INTENT_NONE && service->deadline != NEVER);
		MUST(service->state != SERVICE_STOPPING || (shadow->acts & ACT_SIGNAL));
		MUST(service->state != SERVICE_KILLING || (shadow->acts & ACT_KILL));
		/* It is said why. */
		MUST(service->state != SERVICE_STOPPING || service->intent != INTENT_JUDGED ||
			(shadow->acts & (ACT_UNREADY | ACT_SICK)));
		break;
	case SERVICE_DOWN:
		MUST(service->next_run == NEVER);
		break;
	case SERVICE_DONE:
		MUST(!up || !service->main);
		break;
	case SERVICE_FAILED:
		MUST(!up);
		break;
	case SERVICE_STATES:
		MUST(service->state < SERVICE_STATES);
	}
	if (up && service->every > 0 && service->state != SERVICE_DOWN)
		MUST(service->next_run > world->now &&
			service->next_run <= world->now + service->every);
}

/* What was asked for, or has ended, becomes what it is to become. */
static void check_event(struct world *world, unsigned index, const struct call *call)
{
	const struct supervise_service *was = &world->before[index];
	const struct supervise_service *service = &world->services[index];
	struct shadow *shadow = &world->shadows[index];
	bool was_alive = supervise_is_alive(was->state);
	bool ending = was->state >= SERVICE_DELAY && was->state <= SERVICE_KILLING;
	bool alive = supervise_is_alive(service->state);
	bool up = world->phase == PHASE_UP && world->sup.phase == PHASE_UP;

	if (call->event == EVENT_STOP || call->event == EVENT_HURRY)
		MUST(alive ? service->intent == INTENT_DOWN
			   : service->state == SERVICE_DOWN || is_over(service->state));
	if (call->event == EVENT_HURRY && was_alive && was->state <= SERVICE_DELAY)
		MUST(world->listed[index] & ACT_SIGNAL);
	if (call->event == EVENT_HURRY && was->state == SERVICE_STOPPING)
		MUST(world->listed[index] & ACT_KILL);
	if (up && (call->event == EVENT_START || call->event == EVENT_RESTART)) {
		MUST(alive || service->state == SERVICE_WAITING);
		MUST(service->intent == INTENT_UP || !alive || !was_alive ||
			(call->event == EVENT_START && !ending));
	}
	if (up && call->event == EVENT_RELOAD && was_alive && was->intent == INTENT_NONE) {
		MUST(!service->reload_restarts || service->intent == INTENT_UP);
		MUST(service->reload_restarts || was->state != SERVICE_RUNNING ||
			(world->listed[index] & ACT_RELOAD));
		shadow->reload = !service->reload_restarts && was->state != SERVICE_RUNNING;
	}
	/* It has ended. */
	if (was_alive && shadow->process == NONE && was->intent == INTENT_DOWN)
		MUST(service->state == SERVICE_DOWN);
	if (up && was_alive && shadow->process == NONE && was->intent == INTENT_UP)
		MUST(service->state == SERVICE_WAITING);
}

/* Signals that wait until it is ready, and runs that are due. */
static void check_due(struct world *world, unsigned index, const struct call *call)
{
	const struct supervise_service *was = &world->before[index];
	const struct supervise_service *service = &world->services[index];
	struct shadow *shadow = &world->shadows[index];
	bool same = service->state == was->state && service->since == was->since;

	if (service->state == SERVICE_RUNNING && was->state != SERVICE_RUNNING) {
		MUST(service->ready_timeout < 0 || (world->listed[index] & ACT_READY));
		MUST(!shadow->reload || (world->listed[index] & ACT_RELOAD));
		shadow->reload = false;
	} else {
		MUST(!(world->listed[index] & ACT_RELOAD) || call->event == EVENT_RELOAD);
	}
	if (world->phase == PHASE_UP && was->next_run <= world->now && service->every > 0) {
		MUST(service->state != SERVICE_IDLE);
		if (same && was->state >= SERVICE_STARTING && was->state <= SERVICE_RUNNING)
			MUST(world->listed[index] & ACT_SKIPPED && !service->replace);
	} else {
		MUST(!(world->listed[index] & ACT_SKIPPED));
	}
	if (same && service->state == SERVICE_RUNNING && was->deadline <= world->now)
		MUST(world->listed[index] & ACT_PROBE);
	if (world->listed[index] & ACT_KILL && call->event != CALL_STOP)
		MUST(world->listed[index] & ACT_LATE || call->event == EVENT_HURRY ||
			call->event == EVENT_EXEC_FAILED);
	/* Asked again to stop all: what is being stopped already does not wait. */
	if (world->phase == PHASE_HALTING && call->event == CALL_STOP && !service->passive) {
		MUST(was->state != SERVICE_DELAY || (world->listed[index] & ACT_SIGNAL));
		MUST(was->state != SERVICE_STOPPING || (world->listed[index] & ACT_KILL));
	}
}

/* In reverse order: those that something left comes after are not stopped, the others are. */
static void check_halting(struct world *world, const struct call *call)
{
	const struct supervise *sup = &world->sup;
	bool held[SERVICES_MAX] = {false};

	for (unsigned i = sup->count; i-- > 0;) {
		unsigned index = world->order[i];
		const struct supervise_service *service = &world->services[index];
		bool alive = supervise_is_alive(service->state);
		/* In the call that made the container halt it may have been being stopped first. */
		bool told = call->service == index ||
			    (world->phase == PHASE_UP &&
				    ((service->every > 0 && service->replace) ||
					    (world->shadows[index].acts & ACT_UNREADY)));

		for (unsigned k = 0; (alive || held[index]) && k < service->depend_count; k++)
			held[service->depends[k]] = true;
		if (!alive || (service->passive && !told))
			continue;
		if (world->now >= sup->stop_by)
			MUST(service->passive || service->state == SERVICE_KILLING);
		else if (!held[index])
			MUST(service->passive || service->intent != INTENT_NONE);
		else if (world->before[index].intent == INTENT_NONE && !told)
			MUST(service->intent != INTENT_DOWN);
	}
}

void shadow_check(struct world *world, const struct call *call)
{
	const struct supervise *sup = &world->sup;
	unsigned starting = 0, alive = 0, over = 0, index = 0;

	memset(world->listed, 0, sizeof(world->listed));
	check_acts(world, call);
	if (call->service != SUPERVISE_NOBODY)
		check_event(world, call->service, call);
	for (; index < sup->count; index++) {
		enum supervise_state state = world->services[index].state;
		enum process process = world->shadows[index].process;

		starting += state == SERVICE_STARTING;
		alive += supervise_is_alive(state);
		over += is_over(state);
		MUST(supervise_is_alive(state) == (process == LAUNCHED || process == RUNS));
		check_waits(world, index);
		check_due(world, index, call);
	}
	index = 0;
	MUST(supervise_next(sup) > world->now);
	MUST(sup->starting == starting);
	MUST(sup->phase >= world->phase);
	MUST(sup->phase == PHASE_UP ? over < sup->count
				    : sup->phase == PHASE_HALTING || alive == 0);
	MUST(sup->phase != PHASE_HALTING || alive > 0);
	MUST(sup->phase != PHASE_DONE || supervise_next(sup) == NEVER);
	if (sup->phase == PHASE_HALTING)
		check_halting(world, call);
}
