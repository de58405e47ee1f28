#include "init/supervise.h"

#include <stddef.h>

bool supervise_is_alive(enum supervise_state state)
{
	return state >= SERVICE_STARTING && state <= SERVICE_KILLING;
}

/* A daemon that has ended well has had its turn. */
bool supervise_is_satisfied(const struct supervise_service *service)
{
	return service->state == SERVICE_DONE ||
	       (service->state == SERVICE_RUNNING && !service->oneshot);
}

static bool is_over(enum supervise_state state)
{
	return state == SERVICE_DONE || state == SERVICE_FAILED;
}

static int64_t add(int64_t now, int64_t wait)
{
	return wait > SUPERVISE_NEVER - now ? SUPERVISE_NEVER : now + wait;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* ---- times ---- */

/* What services may take of `grace`: the rest is the sweep's. */
static int64_t services_share(int64_t grace)
{
	if (grace >= 2 * SUPERVISE_SWEEP_WAIT)
		return grace - SUPERVISE_SWEEP_WAIT;
	return grace / 2;
}

enum { MILLISECOND = 1000000 };
/* Ten days: beyond it a share is not divided exactly. */
#define DIVISIBLE_MAX INT64_C(864000000000000)
#define UNTIMED_NEED  INT64_C(1000000000)

/* What a service needs to stop. Without a timeout of its own it is content with what is left. */
static int64_t stop_need(const struct supervise_service *service)
{
	int64_t timeout = service->timeout < 0 ? UNTIMED_NEED : service->timeout;
	int64_t delay = service->state == SERVICE_STOPPING ? 0 : service->delay;

	return earlier(add(delay, timeout), DIVISIBLE_MAX);
}

/*
 * Those that a service comes after stop after it: of the time that is left, what they need is kept
 * back for them, in proportion where it is not to be had.
 */
static int64_t stop_limit(
	const struct supervise *sup, const struct supervise_service *service, int64_t now)
{
	int64_t left, need;

	if (sup->stop_by == SUPERVISE_NEVER || sup->stop_by <= now || service->below == 0)
		return sup->stop_by;
	left = earlier(sup->stop_by - now, DIVISIBLE_MAX) / MILLISECOND;
	need = (service->below + stop_need(service)) / MILLISECOND + 1;
	return sup->stop_by -
	       earlier(service->below, left * (service->below / MILLISECOND) / need * MILLISECOND);
}

/* The services in an order in which each stands before those that it comes after: Kahn's, with the
 * queue in their own fields. */
static void sort_services(struct supervise *sup)
{
	struct supervise_service *services = sup->services;
	unsigned sorted = 0;

	for (unsigned i = 0; i < sup->count; i++) {
		for (unsigned k = 0; k < services[i].depend_count; k++)
			services[services[i].depends[k]].dependents++;
	}
	for (unsigned i = 0; i < sup->count; i++) {
		if (services[i].dependents == 0)
			services[sorted++].order = i;
	}
	for (unsigned at = 0; at < sorted; at++) {
		const struct supervise_service *service = &services[services[at].order];
		for (unsigned k = 0; k < service->depend_count; k++) {
			if (--services[service->depends[k]].dependents == 0)
				services[sorted++].order = service->depends[k];
		}
	}
}

/* What those that each comes after need. */
static void measure_chains(struct supervise *sup)
{
	for (unsigned at = sup->count; at-- > 0;) {
		struct supervise_service *service = &sup->services[sup->services[at].order];
		for (unsigned k = 0; k < service->depend_count; k++) {
			const struct supervise_service *other = &sup->services[service->depends[k]];
			service->below = later(service->below,
				earlier(other->below + stop_need(other), DIVISIBLE_MAX));
		}
	}
}

/* xorshift32: up to a quarter of `delay`. */
static int64_t jitter(struct supervise *sup, int64_t delay)
{
	uint32_t x = sup->random;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	sup->random = x;
	return delay / 4096 * (x % 1024);
}

/* ---- what an end means ---- */

/* False where there were too many within the window. */
static bool note_restart(struct supervise_service *service, int64_t now)
{
	unsigned slot;

	service->restarts++;
	if (service->restart_limit == 0)
		return true;
	slot = (service->restarts - 1) % service->restart_limit;
	if (service->restarts > service->restart_limit &&
		now - service->restart_times[slot] < service->restart_window)
		return false;
	service->restart_times[slot] = now;
	return true;
}

/* That no process could be made says nothing about the service: it does not count, and it is not
 * tried again at once, however short its delay. */
static enum supervise_state back_off(struct supervise *sup, struct supervise_service *service,
	int64_t now, enum supervise_event event, unsigned *acts)
{
	int64_t ran = now - service->started;
	int64_t least = event == EVENT_NOT_STARTED ? add(now, SUPERVISE_RETRY_WAIT) : now;

	if (event != EVENT_NOT_STARTED && !note_restart(service, now)) {
		service->restarts--;
		*acts |= ACT_LIMIT;
		return SERVICE_FAILED;
	}
	if (service->backoff == 0 || ran > service->restart_delay_max)
		service->backoff = service->restart_delay;
	else
		service->backoff = earlier(
			add(service->backoff, service->backoff), service->restart_delay_max);
	service->deadline = later(
		least, add(service->started, add(service->backoff, jitter(sup, service->backoff))));
	*acts |= ACT_BACKOFF;
	return SERVICE_BACKOFF;
}

static enum supervise_state judge(struct supervise *sup, struct supervise_service *service,
	int64_t now, enum supervise_event event, unsigned *acts)
{
	bool well = event == EVENT_EXITED_WELL;
	bool again =
		service->policy == RESTART_ALWAYS || (service->policy == RESTART_FAILURE && !well);

	if (sup->phase != PHASE_UP)
		return well ? SERVICE_DONE : SERVICE_FAILED;
	if (service->every > 0)
		return SERVICE_IDLE;
	if (again && !(service->oneshot && well))
		return back_off(sup, service, now, event, acts);
	return well ? SERVICE_DONE : SERVICE_FAILED;
}

static enum supervise_state after_exit(struct supervise *sup, struct supervise_service *service,
	int64_t now, enum supervise_event event, unsigned *acts)
{
	switch ((enum supervise_intent)service->intent) {
	case INTENT_DOWN:
		return SERVICE_DOWN;
	case INTENT_UP:
		if (sup->phase == PHASE_UP)
			return SERVICE_WAITING;
		return SERVICE_DOWN;
	case INTENT_JUDGED:
		/* husk has ended it for a reason. */
		return judge(sup, service, now, EVENT_EXITED_BADLY, acts);
	case INTENT_NONE:
		break;
	}
	return judge(sup, service, now, event, acts);
}

/* ---- steps ---- */

/* Acts that the caller performs, one list entry each. */
static void list_acts(struct supervise *sup, unsigned acts, unsigned service)
{
	for (unsigned act = ACT_LAUNCH; act <= ACT_FINISH; act <<= 1) {
		if (acts & act) {
			sup->actions[sup->action_count++] = (struct supervise_action){
				.act = (enum supervise_act)act,
				.service = service,
			};
		}
	}
}

static void set_intent(struct supervise *sup, struct supervise_service *service, unsigned acts)
{
	if (acts & ACT_WANT_DOWN)
		service->intent = INTENT_DOWN;
	if (acts & ACT_WANT_UP && sup->phase == PHASE_UP)
		service->intent = INTENT_UP;
	if (acts & ACT_WANT_JUDGED)
		service->intent = INTENT_JUDGED;
}

static void arm(
	struct supervise *sup, struct supervise_service *service, int64_t now, unsigned acts)
{
	int64_t limit = stop_limit(sup, service, now);

	/* One service alone is stopped. */
	if (limit == SUPERVISE_NEVER)
		limit = add(now, services_share(sup->grace));
	if (acts & ACT_ARM_READY && service->ready_timeout >= 0)
		service->deadline = add(now, service->ready_timeout);
	if (acts & ACT_ARM_HEALTH && service->health_every > 0)
		service->deadline = add(now, service->health_every);
	if (acts & ACT_ARM_DELAY)
		service->deadline = earlier(add(now, sup->hurried ? 0 : service->delay), limit);
	if (acts & ACT_ARM_STOP) {
		int64_t timeout = service->timeout < 0 ? SUPERVISE_NEVER : service->timeout;
		service->deadline = earlier(add(now, timeout), limit);
	}
	if (acts & ACT_ARM_KILL)
		service->deadline = add(now, SUPERVISE_KILL_WAIT);
}

static void enter(
	struct supervise *sup, struct supervise_service *service, int64_t now, unsigned state)
{
	if (service->state == SERVICE_STARTING)
		sup->starting--;
	service->state = (enum supervise_state)state;
	service->since = now;
	if (state == SERVICE_STARTING) {
		sup->starting++;
		service->started = now;
		service->intent = INTENT_NONE;
		service->reload_pending = false;
		service->sick = 0;
	}
	if (state == SERVICE_DOWN)
		service->next_run = SUPERVISE_NEVER;
}

static void step_service(
	struct supervise *sup, int64_t now, unsigned index, enum supervise_event event)
{
	struct supervise_service *service = &sup->services[index];
	const struct supervise_cell *cell = &supervise_services[service->state][event];
	unsigned next = cell->next == 0 ? (unsigned)service->state : cell->next - 1U;
	unsigned acts = cell->acts;

	if (event == EVENT_TIMER || cell->next != 0)
		service->deadline = SUPERVISE_NEVER;
	set_intent(sup, service, acts);
	if (next == SERVICE_GONE)
		next = after_exit(sup, service, now, event, &acts);
	if (next != service->state)
		enter(sup, service, now, next);
	arm(sup, service, now, acts);
	if (acts & ACT_DEFER)
		service->reload_pending = true;
	if (acts & ACT_READY && service->reload_pending) {
		service->reload_pending = false;
		acts |= ACT_RELOAD;
	}
	/* Ready without saying so: nobody is to be told. */
	if (acts & ACT_AWAIT && service->ready_timeout < 0) {
		acts &= ~(unsigned)ACT_AWAIT;
		list_acts(sup, acts, index);
		step_service(sup, now, index, EVENT_READY);
		return;
	}
	if (acts & ACT_READY && service->ready_timeout < 0)
		acts &= ~(unsigned)ACT_READY;
	list_acts(sup, acts, index);
}

/* The container's whole stop, or what is left of it: those that nobody waits for come at once. One
 * that is being stopped already had all the grace for itself, and now others wait for it. */
static void stop_services(struct supervise *sup, int64_t now)
{
	for (unsigned i = sup->count; i-- > 0;) {
		struct supervise_service *service = &sup->services[i];
		bool alive = supervise_is_alive(service->state);

		if (service->passive && alive)
			continue;
		if (!alive || service->intent != INTENT_NONE || sup->unheld)
			step_service(sup, now, i, EVENT_STOP);
		if (service->state == SERVICE_DELAY || service->state == SERVICE_STOPPING)
			service->deadline =
				earlier(service->deadline, stop_limit(sup, service, now));
	}
}

static void hurry_services(struct supervise *sup, int64_t now)
{
	sup->hurried = true;
	for (unsigned i = sup->count; i-- > 0;) {
		const struct supervise_service *service = &sup->services[i];

		if (!service->passive && service->intent != INTENT_NONE)
			step_service(sup, now, i, EVENT_HURRY);
	}
}

static void step_phase(struct supervise *sup, int64_t now, enum supervise_occasion occasion)
{
	const struct supervise_cell *cell = &supervise_phases[sup->phase][occasion];
	unsigned next = cell->next == 0 ? (unsigned)sup->phase : cell->next - 1U;

	if (sup->phase == PHASE_UP && next == PHASE_HALTING)
		sup->deadline = sup->stop_by = add(now, services_share(sup->grace));
	else if (occasion == OCCASION_TIMER || next != sup->phase)
		sup->deadline = SUPERVISE_NEVER;
	if (sup->phase == PHASE_HALTING && occasion == OCCASION_TIMER)
		sup->unheld = true;
	sup->phase = (enum supervise_phase)next;
	if (cell->acts & ACT_ARM_SWEEP)
		sup->deadline = add(now, SUPERVISE_SWEEP_WAIT);
	if (cell->acts & ACT_STOP_SERVICES)
		stop_services(sup, now);
	if (cell->acts & ACT_HURRY_SERVICES)
		hurry_services(sup, now);
	list_acts(sup, cell->acts, 0);
}

/* ---- what is due ---- */

static bool run_period(struct supervise *sup, int64_t now, unsigned index)
{
	struct supervise_service *service = &sup->services[index];

	if (service->every <= 0 || service->next_run > now || sup->phase != PHASE_UP)
		return false;
	/* Runs that were missed, while the machine slept, are not made up for. */
	service->next_run = add(service->next_run,
		(now - service->next_run) / service->every * service->every + service->every);
	if (service->replace && supervise_is_alive(service->state)) {
		if (service->intent == INTENT_NONE)
			step_service(sup, now, index, EVENT_RESTART);
	} else {
		step_service(sup, now, index, EVENT_PERIOD);
	}
	return true;
}

/* Each timer that fires takes its service or the container one state further, or is armed again:
 * few rounds see them all. */
static bool run_timers(struct supervise *sup, int64_t now)
{
	bool fired = false;

	for (unsigned i = sup->count; i-- > 0;) {
		while (sup->services[i].deadline <= now) {
			step_service(sup, now, i, EVENT_TIMER);
			fired = true;
		}
		fired = run_period(sup, now, i) || fired;
	}
	if (sup->deadline <= now) {
		step_phase(sup, now, OCCASION_TIMER);
		fired = true;
	}
	return fired;
}

static bool is_clear(const struct supervise *sup, const struct supervise_service *service)
{
	for (unsigned i = 0; i < service->depend_count; i++) {
		if (!supervise_is_satisfied(&sup->services[service->depends[i]]))
			return false;
	}
	return true;
}

static bool start_cleared(struct supervise *sup, int64_t now)
{
	bool started = false;

	for (unsigned i = 0; i < sup->count && sup->starting < SUPERVISE_STARTS_MAX; i++) {
		if (sup->services[i].state == SERVICE_WAITING && is_clear(sup, &sup->services[i])) {
			step_service(sup, now, i, EVENT_CLEARED);
			started = true;
		}
	}
	return started;
}

/* In reverse order: a service is stopped when nothing that comes after it, or after what comes
 * after it, is left. */
static bool stop_unheld(struct supervise *sup, int64_t now)
{
	bool stopped = false;

	for (unsigned i = 0; i < sup->count; i++)
		sup->services[i].held = false;
	for (unsigned at = 0; at < sup->count; at++) {
		unsigned index = sup->services[at].order;
		const struct supervise_service *service = &sup->services[index];
		bool alive = supervise_is_alive(service->state);

		for (unsigned k = 0; (alive || service->held) && k < service->depend_count; k++)
			sup->services[service->depends[k]].held = true;
		if (alive && service->intent == INTENT_NONE && !service->held &&
			!service->passive) {
			step_service(sup, now, index, EVENT_STOP);
			stopped = true;
		}
	}
	return stopped;
}

/* The first service whose end is the container's. */
static unsigned find_end(const struct supervise *sup)
{
	for (unsigned i = 0; i < sup->count; i++) {
		const struct supervise_service *service = &sup->services[i];
		if (service->state == SERVICE_FAILED ||
			(service->main && service->state == SERVICE_DONE))
			return i;
	}
	return SUPERVISE_NOBODY;
}

static bool are_all_over(const struct supervise *sup)
{
	for (unsigned i = 0; i < sup->count; i++) {
		enum supervise_state state = sup->services[i].state;
		if (!is_over(state) && !(sup->phase == PHASE_HALTING && state == SERVICE_DOWN))
			return false;
	}
	return sup->count > 0 || sup->phase == PHASE_HALTING;
}

/* Everything that the event has made due. */
static void settle(struct supervise *sup, int64_t now)
{
	bool more = true;

	while (more) {
		more = run_timers(sup, now);
		/* The end first: nothing is started that would be stopped at once. */
		if (sup->phase == PHASE_UP) {
			sup->ended_by = find_end(sup);
			if (sup->ended_by != SUPERVISE_NOBODY) {
				step_phase(sup, now, OCCASION_ENDED);
				more = true;
			}
		}
		if (sup->phase == PHASE_UP)
			more = start_cleared(sup, now) || more;
		if (sup->phase == PHASE_HALTING)
			more = stop_unheld(sup, now) || more;
	}
	if (sup->phase <= PHASE_HALTING && are_all_over(sup))
		step_phase(sup, now, sup->leave_rest ? OCCASION_EMPTY : OCCASION_SETTLED);
}

/* ---- the calls ---- */

void supervise_init(struct supervise *sup)
{
	sup->phase = PHASE_UP;
	sup->action_count = 0;
	sup->starting = 0;
	sup->ended_by = SUPERVISE_NOBODY;
	sup->deadline = SUPERVISE_NEVER;
	sup->stop_by = SUPERVISE_NEVER;
	sup->unheld = sup->hurried = false;
	if (sup->random == 0)
		sup->random = 1;
	for (unsigned i = 0; i < sup->count; i++) {
		sup->services[i].state = SERVICE_DOWN;
		sup->services[i].intent = INTENT_NONE;
		sup->services[i].deadline = SUPERVISE_NEVER;
		sup->services[i].next_run = SUPERVISE_NEVER;
	}
	sort_services(sup);
	measure_chains(sup);
}

/* What a request means for this service. EVENTS: nothing. */
static enum supervise_event translate(const struct supervise *sup,
	const struct supervise_service *service, enum supervise_event event)
{
	bool request = event == EVENT_START || event == EVENT_RESTART || event == EVENT_RELOAD;

	if (request && sup->phase != PHASE_UP)
		return EVENTS;
	if (event != EVENT_RELOAD || !service->reload_restarts)
		return event;
	if (supervise_is_alive(service->state) && service->intent == INTENT_NONE)
		return EVENT_RESTART;
	return EVENTS;
}

void supervise_event(struct supervise *sup, int64_t now, unsigned index, enum supervise_event event)
{
	struct supervise_service *service = &sup->services[index];

	sup->action_count = 0;
	event = translate(sup, service, event);
	if (event != EVENTS)
		step_service(sup, now, index, event);
	if ((event == EVENT_START || event == EVENT_RESTART) && service->every > 0 &&
		service->next_run == SUPERVISE_NEVER)
		service->next_run = add(now, service->every);
	settle(sup, now);
}

void supervise_health(struct supervise *sup, int64_t now, unsigned index, bool healthy)
{
	struct supervise_service *service = &sup->services[index];

	sup->action_count = 0;
	if (service->state == SERVICE_RUNNING)
		service->sick = healthy ? 0 : service->sick + 1;
	if (service->sick >= service->health_failures && !healthy)
		step_service(sup, now, index, EVENT_SICK);
	settle(sup, now);
}

void supervise_occasion(struct supervise *sup, int64_t now, enum supervise_occasion occasion)
{
	sup->action_count = 0;
	step_phase(sup, now, occasion);
	settle(sup, now);
}

void supervise_tick(struct supervise *sup, int64_t now)
{
	sup->action_count = 0;
	settle(sup, now);
}

int64_t supervise_next(const struct supervise *sup)
{
	int64_t next = sup->deadline;

	for (unsigned i = 0; i < sup->count; i++) {
		const struct supervise_service *service = &sup->services[i];
		next = earlier(next, service->deadline);
		if (sup->phase == PHASE_UP)
			next = earlier(next, service->next_run);
	}
	return next;
}
