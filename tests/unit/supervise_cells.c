#include "unit/supervise_cells.h"

#include <stdio.h>

#define SECOND        INT64_C(1000000000)
#define NOW           (100 * SECOND)
#define GRACE         (30 * SECOND)
#define DELAY         (5 * SECOND)
#define TIMEOUT       (7 * SECOND)
#define READY_TIMEOUT (3 * SECOND)
#define HEALTH_EVERY  (2 * SECOND)
#define EVERY         (60 * SECOND)
#define RESTART_DELAY (4 * SECOND)
#define RAN           (SECOND / 100)
#define NEVER         SUPERVISE_NEVER
/* The deadline that the service had, if none was due. */
#define HAD           (NOW + 50 * SECOND)

const char *const cells_event_names[EVENTS] = {
#define X(id) #id,
	SUPERVISE_EVENTS(X)
#undef X
};

/* ---- one service ---- */

enum { KEEP = -1 }; /* the deadline, or the intent */

/* What can come of an event. A letter each, to be seen as a grid below. */
struct outcome {
	char letter;
	enum supervise_state next; /* SERVICE_STATES: as it was */
	unsigned acts;
	int64_t wait; /* KEEP, NEVER, or from now on */
	int intent;   /* KEEP, or enum supervise_intent */
};

#define SAME SERVICE_STATES

static const struct outcome outcomes[] = {
	{'.', SAME, 0, KEEP, KEEP},
	/* It is to run. */
	{'w', SERVICE_WAITING, 0, NEVER, KEEP},
	{'l', SERVICE_STARTING, ACT_LAUNCH, NEVER, INTENT_NONE},
	{'a', SERVICE_UNREADY, ACT_AWAIT, READY_TIMEOUT, KEEP},
	{'r', SERVICE_RUNNING, ACT_READY, HEALTH_EVERY, KEEP},
	/* It does not do well: stopped, and its end is judged. */
	{'u', SERVICE_STOPPING, ACT_UNREADY | ACT_SIGNAL, TIMEOUT, INTENT_JUDGED},
	{'s', SERVICE_STOPPING, ACT_SICK | ACT_SIGNAL, TIMEOUT, INTENT_JUDGED},
	{'k', SERVICE_KILLING, ACT_KILL, SUPERVISE_KILL_WAIT, INTENT_JUDGED},
	/* It is to end. */
	{'o', SERVICE_DOWN, 0, NEVER, KEEP},
	{'d', SERVICE_DELAY, 0, DELAY, INTENT_DOWN},
	{'h', SERVICE_STOPPING, ACT_SIGNAL, TIMEOUT, INTENT_DOWN},
	{'n', SERVICE_STOPPING, ACT_SIGNAL, TIMEOUT, INTENT_UP},
	{'c', SERVICE_STOPPING, ACT_SIGNAL, TIMEOUT, KEEP},
	{'K', SERVICE_KILLING, ACT_KILL, SUPERVISE_KILL_WAIT, INTENT_DOWN},
	{'L', SERVICE_KILLING, ACT_LATE | ACT_KILL, SUPERVISE_KILL_WAIT, KEEP},
	{'e', SERVICE_KILLING, ACT_KILL, SUPERVISE_KILL_WAIT, KEEP},
	{'g', SERVICE_FAILED, ACT_GIVE_UP, NEVER, KEEP},
	/* It is ending: only what is to become of it changes. */
	{'D', SAME, 0, KEEP, INTENT_DOWN},
	{'U', SAME, 0, KEEP, INTENT_UP},
	/* It goes on. */
	{'R', SAME, ACT_RELOAD, KEEP, KEEP},
	{'f', SAME, 0, KEEP, KEEP}, /* the reload comes later */
	{'p', SAME, ACT_SKIPPED, KEEP, KEEP},
	{'P', SAME, ACT_PROBE, HEALTH_EVERY, KEEP},
	/* It has ended, or was never there: see expect_end. */
	{'x', SAME, 0, NEVER, KEEP},
};

/*
 *  START           EXEC_FAILED     EXITED_WELL      RELOAD
 *   CLEARED         READY           EXITED_BADLY     PERIOD
 *    NOT_STARTED     NOT_READY       STOP HURRY       TIMER
 *     EXEC_OK         SICK            RESTART
 */
static const char grid[SERVICE_STATES][EVENTS + 1] = {
	/* Nothing runs: only a wish to have it changes that. */
	[SERVICE_DOWN] = "w...........w...",
	[SERVICE_WAITING] = ".l........oo....",
	/* No signal can be its own before the exec, no run be due before the last one is over. */
	[SERVICE_STARTING] = "..xak...xxdhnfp.",
	[SERVICE_UNREADY] = ".....ru.xxdhnfpu",
	[SERVICE_RUNNING] = ".......sxxdhnRpP",
	/* Whatever it was told last is what becomes of it; a failed exec needs no patience. */
	[SERVICE_DELAY] = "U.x.e...xxDhn..c",
	[SERVICE_STOPPING] = "U.x.e...xxDKU..L",
	[SERVICE_KILLING] = "U.x.....xxDDU..g",
	/* Nothing runs, and something is to: a wish comes before the time. */
	[SERVICE_BACKOFF] = "w.........oow..w",
	[SERVICE_IDLE] = "w.........oow.w.",
	/* Over: it can be had again, unless it has failed. */
	[SERVICE_DONE] = "w...........w...",
	[SERVICE_FAILED] = "................",
};

/* The service that is tested; one that comes after it and only runs, so that it is held while the
 * container halts; one that it comes after. For the container's cells, one that is to be started
 * and one that is being restarted. */
enum { TESTED, HOLDER, BASE, COMING, ENDING, SERVICES };

struct fixture {
	struct supervise sup;
	struct supervise_service services[SERVICES];
	struct supervise_action
		actions[SERVICES * SUPERVISE_ACTS_SERVICE + SUPERVISE_ACTS_CONTAINER];
};

static const unsigned tested_index = TESTED;
static const unsigned base_index = BASE;

static void set_up(struct fixture *f, enum supervise_phase phase)
{
	*f = (struct fixture){
		.sup = {.count = SERVICES, .grace = GRACE, .random = 7},
		.services =
			{
				[TESTED] =
					{
						.depends = &base_index,
						.depend_count = 1,
						.policy = RESTART_FAILURE,
						.delay = DELAY,
						.timeout = TIMEOUT,
						.ready_timeout = READY_TIMEOUT,
						.health_every = HEALTH_EVERY,
						.health_failures = 3,
						.restart_delay = RESTART_DELAY,
						.restart_delay_max = 8 * RESTART_DELAY,
					},
				[HOLDER] =
					{
						.depends = &tested_index,
						.depend_count = 1,
						.passive = true,
						.ready_timeout = -1,
					},
				[BASE] = {.passive = true, .ready_timeout = -1},
				[COMING] = {.depends = &base_index,
					.depend_count = 1,
					.ready_timeout = -1},
				[ENDING] = {.timeout = TIMEOUT, .ready_timeout = -1},
			},
	};
	f->sup.services = f->services;
	f->sup.actions = f->actions;
	supervise_init(&f->sup);
	f->services[HOLDER].state = SERVICE_RUNNING;
	f->sup.phase = phase;
	if (phase == PHASE_HALTING)
		f->sup.deadline = f->sup.stop_by = NOW + GRACE - SUPERVISE_SWEEP_WAIT;
}

static void happen(struct fixture *f, enum supervise_event event)
{
	struct supervise_service *tested = &f->services[TESTED];

	switch ((unsigned)event) {
	case EVENT_CLEARED:
		f->services[BASE].state = SERVICE_RUNNING;
		break;
	case EVENT_PERIOD:
		tested->every = EVERY;
		tested->next_run = NOW;
		break;
	case EVENT_TIMER:
		tested->deadline = NOW;
		break;
	default:
		supervise_event(&f->sup, NOW, TESTED, event);
		return;
	}
	supervise_tick(&f->sup, NOW);
}

/* What its own end, or that no process could be made, comes to. It is restarted on a failure. */
static void expect_end(struct outcome *expected, enum supervise_event event,
	enum supervise_phase phase, enum supervise_intent intent)
{
	bool well = event == EVENT_EXITED_WELL && intent != INTENT_JUDGED;

	if (intent == INTENT_DOWN || (intent == INTENT_UP && phase != PHASE_UP)) {
		expected->next = SERVICE_DOWN;
	} else if (intent == INTENT_UP) {
		expected->next = SERVICE_WAITING;
	} else if (well) {
		expected->next = SERVICE_DONE;
	} else if (phase != PHASE_UP) {
		expected->next = SERVICE_FAILED;
	} else {
		expected->next = SERVICE_BACKOFF;
		expected->acts = ACT_BACKOFF;
		expected->wait = RESTART_DELAY - RAN;
	}
}

static struct outcome find_outcome(char letter)
{
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (outcomes[i].letter == letter)
			return outcomes[i];
	}
	return (struct outcome){.letter = '?'};
}

static struct outcome expect(
	unsigned state, unsigned event, enum supervise_phase phase, enum supervise_intent intent)
{
	struct outcome expected = find_outcome(grid[state][event]);

	/* While the container halts nothing is started, and nothing made new. */
	if (phase != PHASE_UP &&
		(event == EVENT_START || event == EVENT_CLEARED || event == EVENT_RESTART ||
			event == EVENT_RELOAD || event == EVENT_PERIOD))
		expected = find_outcome('.');
	if (expected.letter == 'x')
		expect_end(&expected, (enum supervise_event)event, phase, intent);
	if (expected.next == SAME)
		expected.next = (enum supervise_state)state;
	/* A deadline that has come is gone. */
	if (event == EVENT_TIMER && expected.wait == KEEP)
		expected.wait = NEVER;
	return expected;
}

static bool is_deadline(int64_t deadline, const struct outcome *expected)
{
	/* With the jitter, a quarter of the whole. */
	if (expected->next == SERVICE_BACKOFF && expected->wait != KEEP)
		return deadline >= NOW + expected->wait &&
		       deadline < NOW + expected->wait + RESTART_DELAY / 4;
	if (expected->wait == KEEP)
		return deadline == HAD;
	if (expected->wait == NEVER)
		return deadline == NEVER;
	return deadline == NOW + expected->wait;
}

/* The acts, in their order and those on a service all on `service`; all bits where they are not. */
static unsigned acts_of(const struct fixture *f, unsigned service)
{
	unsigned acts = 0;

	for (unsigned i = 0; i < f->sup.action_count; i++) {
		unsigned act = f->actions[i].act;

		if (act <= acts || (act < ACT_SWEEP_TERM && f->actions[i].service != service))
			return UINT32_MAX;
		acts |= act;
	}
	return acts;
}

/* What a service's state alone does not say. */
static bool is_consistent(
	const struct fixture *f, unsigned before, unsigned event, enum supervise_phase phase)
{
	const struct supervise_service *tested = &f->services[TESTED];
	bool up = phase == PHASE_UP;
	bool launched = before != tested->state && tested->state == SERVICE_STARTING;
	/* That no process could be made does not count. */
	bool counted = event != EVENT_NOT_STARTED || tested->intent == INTENT_JUDGED;
	bool restarted = before != tested->state && tested->state == SERVICE_BACKOFF && counted;
	int64_t next_run = event != EVENT_PERIOD ? NEVER : up ? NOW + EVERY : NOW;

	return f->sup.starting == (tested->state == SERVICE_STARTING ? 1U : 0U) &&
	       tested->since == (tested->state == before ? 0 : NOW) &&
	       tested->started == (launched ? NOW : NOW - RAN) && tested->next_run == next_run &&
	       tested->restarts == (restarted ? 1U : 0U) &&
	       tested->reload_pending == (up && grid[before][event] == 'f');
}

static bool check_one(unsigned state, unsigned event, enum supervise_phase phase,
	enum supervise_intent intent, char *why)
{
	struct outcome expected = expect(state, event, phase, intent);
	struct fixture f;
	struct supervise_service *tested = &f.services[TESTED];
	unsigned acts;

	set_up(&f, phase);
	tested->state = (enum supervise_state)state;
	tested->intent = (unsigned char)intent;
	tested->deadline = HAD;
	tested->started = NOW - RAN;
	f.sup.starting = state == SERVICE_STARTING ? 1 : 0;
	if (expected.intent == KEEP)
		expected.intent = (int)intent;
	happen(&f, (enum supervise_event)event);
	acts = acts_of(&f, TESTED);
	if (tested->state == expected.next && acts == expected.acts &&
		tested->intent == expected.intent && is_deadline(tested->deadline, &expected) &&
		is_consistent(&f, state, event, phase) &&
		f.services[HOLDER].state == SERVICE_RUNNING)
		return true;
	(void)snprintf(why, CELLS_WHY_MAX,
		"%s, intent %d, %s, %s: %s, intent %d, acts %#x, deadline %+lld ms",
		supervise_state_name((enum supervise_state)state), (int)intent,
		supervise_phase_name(phase), cells_event_names[event],
		supervise_state_name(tested->state), tested->intent, acts,
		(long long)((tested->deadline - NOW) / 1000000));
	return false;
}

bool cells_check_service(unsigned state, unsigned event, char *why)
{
	static const enum supervise_phase phases[] = {PHASE_UP, PHASE_HALTING};

	for (unsigned phase = 0; phase < 2; phase++) {
		for (int intent = INTENT_NONE; intent <= INTENT_JUDGED; intent++) {
			if (!check_one(state, event, phases[phase], (enum supervise_intent)intent,
				    why))
				return false;
		}
	}
	return true;
}

/* ---- the container ---- */

enum effect {
	NOTHING,
	STOPS,   /* nothing comes any more, and what is restarted stays down */
	HURRIES, /* what is ending is killed; what has to wait for others still waits */
	FORCES,  /* nobody is waited for any more */
};

struct phase_outcome {
	enum supervise_phase next;
	unsigned acts;
	int64_t wait;
	enum effect effect;
};

#define WHOLE (GRACE - SUPERVISE_SWEEP_WAIT)
#define TO_TERM \
	{ \
		PHASE_SWEEP_TERM, ACT_SWEEP_TERM, SUPERVISE_SWEEP_WAIT, NOTHING \
	}
#define TO_KILL \
	{ \
		PHASE_SWEEP_KILL, ACT_SWEEP_KILL, SUPERVISE_SWEEP_WAIT, NOTHING \
	}
#define TO_DONE \
	{ \
		PHASE_DONE, ACT_FINISH, NEVER, NOTHING \
	}

/* clang-format off */
static const struct phase_outcome phase_outcomes[PHASES][OCCASIONS] = {
	[PHASE_UP] = {
		[OCCASION_STOP]    = {PHASE_HALTING, 0, WHOLE, STOPS},
		[OCCASION_ENDED]   = {PHASE_HALTING, 0, WHOLE, STOPS},
		[OCCASION_SETTLED] = TO_TERM,
		[OCCASION_EMPTY]   = TO_DONE,
		[OCCASION_TIMER]   = {PHASE_UP, 0, NEVER, NOTHING},
	},
	[PHASE_HALTING] = {
		[OCCASION_STOP]    = {PHASE_HALTING, ACT_KILL, KEEP, HURRIES},
		[OCCASION_ENDED]   = {PHASE_HALTING, 0, KEEP, NOTHING},
		[OCCASION_SETTLED] = TO_TERM,
		[OCCASION_EMPTY]   = TO_DONE,
		[OCCASION_TIMER]   = {PHASE_HALTING, 0, NEVER, FORCES},
	},
	[PHASE_SWEEP_TERM] = {
		[OCCASION_STOP]    = TO_KILL,
		[OCCASION_ENDED]   = {PHASE_SWEEP_TERM, 0, KEEP, NOTHING},
		[OCCASION_SETTLED] = {PHASE_SWEEP_TERM, 0, KEEP, NOTHING},
		[OCCASION_EMPTY]   = TO_DONE,
		[OCCASION_TIMER]   = TO_KILL,
	},
	[PHASE_SWEEP_KILL] = {
		[OCCASION_STOP]    = {PHASE_SWEEP_KILL, 0, KEEP, NOTHING},
		[OCCASION_ENDED]   = {PHASE_SWEEP_KILL, 0, KEEP, NOTHING},
		[OCCASION_SETTLED] = {PHASE_SWEEP_KILL, 0, KEEP, NOTHING},
		[OCCASION_EMPTY]   = TO_DONE,
		[OCCASION_TIMER]   = {PHASE_DONE, ACT_ABANDON | ACT_FINISH, NEVER, NOTHING},
	},
	[PHASE_DONE] = {
		[OCCASION_STOP]    = {PHASE_DONE, 0, KEEP, NOTHING},
		[OCCASION_ENDED]   = {PHASE_DONE, 0, KEEP, NOTHING},
		[OCCASION_SETTLED] = {PHASE_DONE, 0, KEEP, NOTHING},
		[OCCASION_EMPTY]   = {PHASE_DONE, 0, KEEP, NOTHING},
		[OCCASION_TIMER]   = {PHASE_DONE, 0, NEVER, NOTHING},
	},
};
/* clang-format on */

static bool has_effect(const struct fixture *f, enum effect effect)
{
	bool stops = effect == STOPS || effect == FORCES;
	const struct supervise_service *ending = &f->services[ENDING];

	return f->services[COMING].state == (stops ? SERVICE_DOWN : SERVICE_WAITING) &&
	       ending->state == (effect == HURRIES ? SERVICE_KILLING : SERVICE_STOPPING) &&
	       ending->intent == (effect == NOTHING ? INTENT_UP : INTENT_DOWN) &&
	       f->services[TESTED].state == (effect == FORCES ? SERVICE_DELAY : SERVICE_RUNNING) &&
	       f->services[HOLDER].state == SERVICE_RUNNING &&
	       f->sup.hurried == (effect == HURRIES);
}

bool cells_check_phase(unsigned phase, unsigned occasion, char *why)
{
	const struct phase_outcome *expected = &phase_outcomes[phase][occasion];
	int64_t deadline = expected->wait == NEVER  ? NEVER
			   : expected->wait == KEEP ? HAD
						    : NOW + expected->wait;
	struct fixture f;
	unsigned acts;

	set_up(&f, PHASE_HALTING);
	f.sup.phase = (enum supervise_phase)phase;
	f.sup.deadline = occasion == OCCASION_TIMER ? NOW : HAD;
	f.services[TESTED].state = SERVICE_RUNNING;
	f.services[COMING].state = SERVICE_WAITING;
	f.services[ENDING].state = SERVICE_STOPPING;
	f.services[ENDING].intent = INTENT_UP;
	f.services[ENDING].deadline = NOW + SECOND;
	if (occasion == OCCASION_TIMER)
		supervise_tick(&f.sup, NOW);
	else
		supervise_occasion(&f.sup, NOW, (enum supervise_occasion)occasion);
	acts = acts_of(&f, ENDING);
	if (f.sup.phase == expected->next && acts == expected->acts && f.sup.deadline == deadline &&
		has_effect(&f, expected->effect))
		return true;
	(void)snprintf(why, CELLS_WHY_MAX,
		"%s, occasion %u: %s, acts %#x, deadline %+lld ms, services %s %s %s",
		supervise_phase_name((enum supervise_phase)phase), occasion,
		supervise_phase_name(f.sup.phase), acts,
		(long long)((f.sup.deadline - NOW) / 1000000),
		supervise_state_name(f.services[TESTED].state),
		supervise_state_name(f.services[COMING].state),
		supervise_state_name(f.services[ENDING].state));
	return false;
}

bool cells_check_all(char *why)
{
	for (unsigned state = 0; state < SERVICE_STATES; state++) {
		for (unsigned event = 0; event < EVENTS; event++) {
			if (!cells_check_service(state, event, why))
				return false;
		}
	}
	for (unsigned phase = 0; phase < PHASES; phase++) {
		for (unsigned occasion = 0; occasion < OCCASIONS; occasion++) {
			if (!cells_check_phase(phase, occasion, why))
				return false;
		}
	}
	return true;
}
