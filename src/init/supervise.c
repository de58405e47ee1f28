#include "init/supervise.h"

/* clang-format off */
#define TO(state, acts) {SERVICE_##state, (acts)}
#define PHASE(phase, acts) {PHASE_##phase, (acts)}

enum {
	SIGNAL_NOW = ACT_SIGNAL | ACT_ARM_STOP,
	KILL_NOW = ACT_KILL | ACT_ARM_KILL,
};

/*
 * The child of a failed exec has only its own end left to do, which a STOP can keep it from: so it
 * is killed at once. Its status is not needed, the exec-error pipe has said everything.
 */
const struct supervise_cell supervise_services[SERVICE_STATES][EVENTS] = {
	[SERVICE_DOWN] = {
		[EVENT_START]       = TO(STARTING, ACT_LAUNCH),
		[EVENT_NOT_STARTED] = TO(DOWN, 0),
		[EVENT_EXEC_OK]     = TO(DOWN, 0),
		[EVENT_EXEC_FAILED] = TO(DOWN, 0),
		[EVENT_EXITED]      = TO(DOWN, 0),
		[EVENT_STOP]        = TO(ENDED, 0),
		[EVENT_TIMER]       = TO(DOWN, 0),
	},
	[SERVICE_STARTING] = {
		[EVENT_START]       = TO(STARTING, 0),
		[EVENT_NOT_STARTED] = TO(ENDED, 0),
		[EVENT_EXEC_OK]     = TO(RUNNING, 0),
		[EVENT_EXEC_FAILED] = TO(KILLING, KILL_NOW),
		[EVENT_EXITED]      = TO(ENDED, 0),
		[EVENT_STOP]        = TO(DELAY, ACT_ARM_DELAY),
		[EVENT_TIMER]       = TO(STARTING, 0),
	},
	[SERVICE_RUNNING] = {
		[EVENT_START]       = TO(RUNNING, 0),
		[EVENT_NOT_STARTED] = TO(RUNNING, 0),
		[EVENT_EXEC_OK]     = TO(RUNNING, 0),
		[EVENT_EXEC_FAILED] = TO(RUNNING, 0),
		[EVENT_EXITED]      = TO(ENDED, 0),
		[EVENT_STOP]        = TO(DELAY, ACT_ARM_DELAY),
		[EVENT_TIMER]       = TO(RUNNING, 0),
	},
	[SERVICE_DELAY] = {
		[EVENT_START]       = TO(DELAY, 0),
		[EVENT_NOT_STARTED] = TO(ENDED, 0),
		[EVENT_EXEC_OK]     = TO(DELAY, 0),
		[EVENT_EXEC_FAILED] = TO(KILLING, KILL_NOW),
		[EVENT_EXITED]      = TO(ENDED, 0),
		[EVENT_STOP]        = TO(STOPPING, SIGNAL_NOW),
		[EVENT_TIMER]       = TO(STOPPING, SIGNAL_NOW),
	},
	[SERVICE_STOPPING] = {
		[EVENT_START]       = TO(STOPPING, 0),
		[EVENT_NOT_STARTED] = TO(ENDED, 0),
		[EVENT_EXEC_OK]     = TO(STOPPING, 0),
		[EVENT_EXEC_FAILED] = TO(KILLING, KILL_NOW),
		[EVENT_EXITED]      = TO(ENDED, 0),
		[EVENT_STOP]        = TO(KILLING, KILL_NOW),
		[EVENT_TIMER]       = TO(KILLING, ACT_LATE | KILL_NOW),
	},
	[SERVICE_KILLING] = {
		[EVENT_START]       = TO(KILLING, 0),
		[EVENT_NOT_STARTED] = TO(ENDED, 0),
		[EVENT_EXEC_OK]     = TO(KILLING, 0),
		[EVENT_EXEC_FAILED] = TO(KILLING, 0),
		[EVENT_EXITED]      = TO(ENDED, 0),
		[EVENT_STOP]        = TO(KILLING, 0),
		[EVENT_TIMER]       = TO(ENDED, ACT_GIVE_UP),
	},
	[SERVICE_ENDED] = {
		[EVENT_START]       = TO(ENDED, 0),
		[EVENT_NOT_STARTED] = TO(ENDED, 0),
		[EVENT_EXEC_OK]     = TO(ENDED, 0),
		[EVENT_EXEC_FAILED] = TO(ENDED, 0),
		[EVENT_EXITED]      = TO(ENDED, 0),
		[EVENT_STOP]        = TO(ENDED, 0),
		[EVENT_TIMER]       = TO(ENDED, 0),
	},
};

enum {
	SWEEP_TERM_NOW = ACT_SWEEP_TERM | ACT_ARM_SWEEP,
	SWEEP_KILL_NOW = ACT_SWEEP_KILL | ACT_ARM_SWEEP,
};

/* EMPTY while services are up is what `leave_rest` makes of SETTLED. */
const struct supervise_cell supervise_phases[PHASES][OCCASIONS] = {
	[PHASE_UP] = {
		[OCCASION_STOP]    = PHASE(HALTING, ACT_STOP_SERVICES),
		[OCCASION_ENDED]   = PHASE(HALTING, ACT_STOP_SERVICES),
		[OCCASION_SETTLED] = PHASE(SWEEP_TERM, SWEEP_TERM_NOW),
		[OCCASION_EMPTY]   = PHASE(DONE, ACT_FINISH),
		[OCCASION_TIMER]   = PHASE(UP, 0),
	},
	[PHASE_HALTING] = {
		[OCCASION_STOP]    = PHASE(HALTING, ACT_STOP_SERVICES),
		[OCCASION_ENDED]   = PHASE(HALTING, 0),
		[OCCASION_SETTLED] = PHASE(SWEEP_TERM, SWEEP_TERM_NOW),
		[OCCASION_EMPTY]   = PHASE(DONE, ACT_FINISH),
		[OCCASION_TIMER]   = PHASE(HALTING, 0),
	},
	[PHASE_SWEEP_TERM] = {
		[OCCASION_STOP]    = PHASE(SWEEP_KILL, SWEEP_KILL_NOW),
		[OCCASION_ENDED]   = PHASE(SWEEP_TERM, 0),
		[OCCASION_SETTLED] = PHASE(SWEEP_TERM, 0),
		[OCCASION_EMPTY]   = PHASE(DONE, ACT_FINISH),
		[OCCASION_TIMER]   = PHASE(SWEEP_KILL, SWEEP_KILL_NOW),
	},
	[PHASE_SWEEP_KILL] = {
		[OCCASION_STOP]    = PHASE(SWEEP_KILL, 0),
		[OCCASION_ENDED]   = PHASE(SWEEP_KILL, 0),
		[OCCASION_SETTLED] = PHASE(SWEEP_KILL, 0),
		[OCCASION_EMPTY]   = PHASE(DONE, ACT_FINISH),
		[OCCASION_TIMER]   = PHASE(DONE, ACT_ABANDON | ACT_FINISH),
	},
	[PHASE_DONE] = {
		[OCCASION_STOP]    = PHASE(DONE, 0),
		[OCCASION_ENDED]   = PHASE(DONE, 0),
		[OCCASION_SETTLED] = PHASE(DONE, 0),
		[OCCASION_EMPTY]   = PHASE(DONE, 0),
		[OCCASION_TIMER]   = PHASE(DONE, 0),
	},
};
/* clang-format on */

static const char *const state_names[SERVICE_STATES] = {
#define X(id, name) [SERVICE_##id] = (name),
	SUPERVISE_STATES(X)
#undef X
};

const char *supervise_state_name(enum supervise_state state)
{
	return state_names[state];
}

static int64_t add(int64_t now, int64_t wait)
{
	return wait > SUPERVISE_NEVER - now ? SUPERVISE_NEVER : now + wait;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What services may take of `grace`: the rest is the sweep's. */
static int64_t services_share(int64_t grace)
{
	if (grace >= 2 * SUPERVISE_SWEEP_WAIT)
		return grace - SUPERVISE_SWEEP_WAIT;
	return grace / 2;
}

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

static void step_service(
	struct supervise *sup, int64_t now, unsigned index, enum supervise_event event)
{
	struct supervise_service *service = &sup->services[index];
	const struct supervise_cell *cell = &supervise_services[service->state][event];
	int64_t limit = sup->stop_by;

	/* One service alone is stopped. */
	if (limit == SUPERVISE_NEVER)
		limit = add(now, services_share(sup->grace));
	if (event == EVENT_TIMER || cell->next == SERVICE_ENDED)
		service->deadline = SUPERVISE_NEVER;
	service->state = (enum supervise_state)cell->next;
	if (cell->acts & ACT_ARM_DELAY)
		service->deadline = earlier(add(now, service->delay), limit);
	if (cell->acts & ACT_ARM_STOP) {
		int64_t timeout = service->timeout < 0 ? SUPERVISE_NEVER : service->timeout;
		service->deadline = earlier(add(now, timeout), limit);
	}
	if (cell->acts & ACT_ARM_KILL)
		service->deadline = add(now, SUPERVISE_KILL_WAIT);
	list_acts(sup, cell->acts, index);
}

/* A service that ends during a STOP needs no ENDED of its own: settle() looks at all of them. */
static void stop_services(struct supervise *sup, int64_t now)
{
	for (unsigned i = sup->count; i-- > 0;) {
		if (!sup->services[i].passive)
			step_service(sup, now, i, EVENT_STOP);
	}
}

static void step_phase(struct supervise *sup, int64_t now, enum supervise_occasion occasion)
{
	const struct supervise_cell *cell = &supervise_phases[sup->phase][occasion];

	if (sup->phase == PHASE_UP && cell->next == PHASE_HALTING)
		sup->stop_by = add(now, services_share(sup->grace));
	if (occasion == OCCASION_TIMER || cell->next == PHASE_DONE)
		sup->deadline = SUPERVISE_NEVER;
	sup->phase = (enum supervise_phase)cell->next;
	if (cell->acts & ACT_ARM_SWEEP)
		sup->deadline = add(now, SUPERVISE_SWEEP_WAIT);
	if (cell->acts & ACT_STOP_SERVICES)
		stop_services(sup, now);
	list_acts(sup, cell->acts, 0);
}

static unsigned count_ended(const struct supervise *sup)
{
	unsigned ended = 0;

	for (unsigned i = 0; i < sup->count; i++)
		ended += sup->services[i].state == SERVICE_ENDED;
	return ended;
}

/* Each timer that fires takes its service or the container one state further, towards the end:
 * four rounds see them all. */
static void run_timers(struct supervise *sup, int64_t now)
{
	bool fired = true;

	while (fired) {
		fired = false;
		for (unsigned i = sup->count; i-- > 0;) {
			if (sup->services[i].deadline <= now) {
				step_service(sup, now, i, EVENT_TIMER);
				fired = true;
			}
		}
		if (sup->deadline <= now) {
			step_phase(sup, now, OCCASION_TIMER);
			fired = true;
		}
	}
}

/* Timers, and what the ends of services mean for the container. */
static void settle(struct supervise *sup, int64_t now, unsigned ended_before)
{
	run_timers(sup, now);
	if (count_ended(sup) > ended_before)
		step_phase(sup, now, OCCASION_ENDED);
	run_timers(sup, now);
	if (sup->phase <= PHASE_HALTING && count_ended(sup) == sup->count)
		step_phase(sup, now, sup->leave_rest ? OCCASION_EMPTY : OCCASION_SETTLED);
}

void supervise_init(struct supervise *sup)
{
	sup->phase = PHASE_UP;
	sup->action_count = 0;
	sup->deadline = SUPERVISE_NEVER;
	sup->stop_by = SUPERVISE_NEVER;
	for (unsigned i = 0; i < sup->count; i++) {
		sup->services[i].state = SERVICE_DOWN;
		sup->services[i].deadline = SUPERVISE_NEVER;
	}
}

void supervise_event(
	struct supervise *sup, int64_t now, unsigned service, enum supervise_event event)
{
	unsigned ended = count_ended(sup);

	sup->action_count = 0;
	step_service(sup, now, service, event);
	settle(sup, now, ended);
}

void supervise_occasion(struct supervise *sup, int64_t now, enum supervise_occasion occasion)
{
	unsigned ended = count_ended(sup);

	sup->action_count = 0;
	step_phase(sup, now, occasion);
	settle(sup, now, ended);
}

void supervise_tick(struct supervise *sup, int64_t now)
{
	unsigned ended = count_ended(sup);

	sup->action_count = 0;
	settle(sup, now, ended);
}

int64_t supervise_next(const struct supervise *sup)
{
	int64_t next = sup->deadline;

	for (unsigned i = 0; i < sup->count; i++)
		next = earlier(next, sup->services[i].deadline);
	return next;
}
