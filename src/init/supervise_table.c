#include "init/supervise.h"

/* clang-format off */
#define TO(state, acts) {SERVICE_##state + 1, (acts)}
#define STAY(acts) {0, (acts)}
#define PHASE(phase, acts) {PHASE_##phase + 1, (acts)}

enum {
	SIGNAL_NOW = ACT_SIGNAL | ACT_ARM_STOP,
	KILL_NOW = ACT_KILL | ACT_ARM_KILL,
	STOP_DOWN = ACT_WANT_DOWN | ACT_ARM_DELAY,
	RESTART_NOW = ACT_WANT_UP | SIGNAL_NOW,
	JUDGE_NOW = ACT_WANT_JUDGED | SIGNAL_NOW,
};

/*
 * A cell that is not here changes nothing.
 *
 * The child of a failed exec has only its own end left to do, which a STOP can keep it from: so it
 * is killed at once. Its status is not needed, the exec-error pipe has said everything.
 */
SUPERVISE_TABLE struct supervise_cell supervise_services[SERVICE_STATES][EVENTS] = {
	[SERVICE_DOWN] = {
		[EVENT_START]         = TO(WAITING, 0),
		[EVENT_RESTART]       = TO(WAITING, 0),
	},
	[SERVICE_WAITING] = {
		[EVENT_CLEARED]       = TO(STARTING, ACT_LAUNCH),
		[EVENT_STOP]          = TO(DOWN, 0),
		[EVENT_HURRY]         = TO(DOWN, 0),
	},
	[SERVICE_STARTING] = {
		[EVENT_NOT_STARTED]   = TO(GONE, 0),
		[EVENT_EXEC_OK]       = TO(UNREADY, ACT_ARM_READY | ACT_AWAIT),
		[EVENT_EXEC_FAILED]   = TO(KILLING, ACT_WANT_JUDGED | KILL_NOW),
		[EVENT_EXITED_WELL]   = TO(GONE, 0),
		[EVENT_EXITED_BADLY]  = TO(GONE, 0),
		[EVENT_STOP]          = TO(DELAY, STOP_DOWN),
		[EVENT_HURRY]         = TO(STOPPING, ACT_WANT_DOWN | SIGNAL_NOW),
		[EVENT_RESTART]       = TO(STOPPING, RESTART_NOW),
		[EVENT_RELOAD]        = STAY(ACT_DEFER),
		[EVENT_PERIOD]        = STAY(ACT_SKIPPED),
	},
	[SERVICE_UNREADY] = {
		[EVENT_READY]         = TO(RUNNING, ACT_READY | ACT_ARM_HEALTH),
		[EVENT_NOT_READY]     = TO(STOPPING, ACT_UNREADY | JUDGE_NOW),
		[EVENT_EXITED_WELL]   = TO(GONE, 0),
		[EVENT_EXITED_BADLY]  = TO(GONE, 0),
		[EVENT_STOP]          = TO(DELAY, STOP_DOWN),
		[EVENT_HURRY]         = TO(STOPPING, ACT_WANT_DOWN | SIGNAL_NOW),
		[EVENT_RESTART]       = TO(STOPPING, RESTART_NOW),
		[EVENT_RELOAD]        = STAY(ACT_DEFER),
		[EVENT_PERIOD]        = STAY(ACT_SKIPPED),
		[EVENT_TIMER]         = TO(STOPPING, ACT_UNREADY | JUDGE_NOW),
	},
	[SERVICE_RUNNING] = {
		[EVENT_SICK]          = TO(STOPPING, ACT_SICK | JUDGE_NOW),
		[EVENT_EXITED_WELL]   = TO(GONE, 0),
		[EVENT_EXITED_BADLY]  = TO(GONE, 0),
		[EVENT_STOP]          = TO(DELAY, STOP_DOWN),
		[EVENT_HURRY]         = TO(STOPPING, ACT_WANT_DOWN | SIGNAL_NOW),
		[EVENT_RESTART]       = TO(STOPPING, RESTART_NOW),
		[EVENT_RELOAD]        = STAY(ACT_RELOAD),
		[EVENT_PERIOD]        = STAY(ACT_SKIPPED),
		[EVENT_TIMER]         = STAY(ACT_PROBE | ACT_ARM_HEALTH),
	},
	[SERVICE_DELAY] = {
		[EVENT_START]         = STAY(ACT_WANT_UP),
		[EVENT_NOT_STARTED]   = TO(GONE, 0),
		[EVENT_EXEC_FAILED]   = TO(KILLING, KILL_NOW),
		[EVENT_EXITED_WELL]   = TO(GONE, 0),
		[EVENT_EXITED_BADLY]  = TO(GONE, 0),
		[EVENT_STOP]          = STAY(ACT_WANT_DOWN),
		[EVENT_HURRY]         = TO(STOPPING, ACT_WANT_DOWN | SIGNAL_NOW),
		[EVENT_RESTART]       = TO(STOPPING, RESTART_NOW),
		[EVENT_TIMER]         = TO(STOPPING, SIGNAL_NOW),
	},
	[SERVICE_STOPPING] = {
		[EVENT_START]         = STAY(ACT_WANT_UP),
		[EVENT_NOT_STARTED]   = TO(GONE, 0),
		[EVENT_EXEC_FAILED]   = TO(KILLING, KILL_NOW),
		[EVENT_EXITED_WELL]   = TO(GONE, 0),
		[EVENT_EXITED_BADLY]  = TO(GONE, 0),
		[EVENT_STOP]          = STAY(ACT_WANT_DOWN),
		[EVENT_HURRY]         = TO(KILLING, ACT_WANT_DOWN | KILL_NOW),
		[EVENT_RESTART]       = STAY(ACT_WANT_UP),
		[EVENT_TIMER]         = TO(KILLING, ACT_LATE | KILL_NOW),
	},
	[SERVICE_KILLING] = {
		[EVENT_START]         = STAY(ACT_WANT_UP),
		[EVENT_NOT_STARTED]   = TO(GONE, 0),
		[EVENT_EXITED_WELL]   = TO(GONE, 0),
		[EVENT_EXITED_BADLY]  = TO(GONE, 0),
		[EVENT_STOP]          = STAY(ACT_WANT_DOWN),
		[EVENT_HURRY]         = STAY(ACT_WANT_DOWN),
		[EVENT_RESTART]       = STAY(ACT_WANT_UP),
		/* A second instance beside one that does not die is worse than none. */
		[EVENT_TIMER]         = TO(FAILED, ACT_GIVE_UP),
	},
	[SERVICE_BACKOFF] = {
		[EVENT_START]         = TO(WAITING, 0),
		[EVENT_STOP]          = TO(DOWN, 0),
		[EVENT_HURRY]         = TO(DOWN, 0),
		[EVENT_RESTART]       = TO(WAITING, 0),
		[EVENT_TIMER]         = TO(WAITING, 0),
	},
	[SERVICE_IDLE] = {
		[EVENT_START]         = TO(WAITING, 0),
		[EVENT_STOP]          = TO(DOWN, 0),
		[EVENT_HURRY]         = TO(DOWN, 0),
		[EVENT_RESTART]       = TO(WAITING, 0),
		[EVENT_PERIOD]        = TO(WAITING, 0),
	},
	[SERVICE_DONE] = {
		[EVENT_START]         = TO(WAITING, 0),
		[EVENT_RESTART]       = TO(WAITING, 0),
	},
	/* It has ended the container. */
	[SERVICE_FAILED] = {{0, 0}},
};

enum {
	SWEEP_TERM_NOW = ACT_SWEEP_TERM | ACT_ARM_SWEEP,
	SWEEP_KILL_NOW = ACT_SWEEP_KILL | ACT_ARM_SWEEP,
};

/* EMPTY while services are up is what `leave_rest` makes of SETTLED. TIMER while halting: the time
 * for the whole stop is over, and nobody waits for anybody any more. */
SUPERVISE_TABLE struct supervise_cell supervise_phases[PHASES][OCCASIONS] = {
	[PHASE_UP] = {
		[OCCASION_STOP]    = PHASE(HALTING, ACT_STOP_SERVICES),
		[OCCASION_ENDED]   = PHASE(HALTING, ACT_STOP_SERVICES),
		[OCCASION_SETTLED] = PHASE(SWEEP_TERM, SWEEP_TERM_NOW),
		[OCCASION_EMPTY]   = PHASE(DONE, ACT_FINISH),
	},
	[PHASE_HALTING] = {
		[OCCASION_STOP]    = STAY(ACT_HURRY_SERVICES),
		[OCCASION_SETTLED] = PHASE(SWEEP_TERM, SWEEP_TERM_NOW),
		[OCCASION_EMPTY]   = PHASE(DONE, ACT_FINISH),
		[OCCASION_TIMER]   = STAY(ACT_STOP_SERVICES),
	},
	[PHASE_SWEEP_TERM] = {
		[OCCASION_STOP]    = PHASE(SWEEP_KILL, SWEEP_KILL_NOW),
		[OCCASION_EMPTY]   = PHASE(DONE, ACT_FINISH),
		[OCCASION_TIMER]   = PHASE(SWEEP_KILL, SWEEP_KILL_NOW),
	},
	[PHASE_SWEEP_KILL] = {
		[OCCASION_EMPTY]   = PHASE(DONE, ACT_FINISH),
		[OCCASION_TIMER]   = PHASE(DONE, ACT_ABANDON | ACT_FINISH),
	},
	[PHASE_DONE] = {{0, 0}},
};
/* clang-format on */

static const char *const state_names[SERVICE_STATES] = {
#define X(id, name) [SERVICE_##id] = (name),
	SUPERVISE_STATES(X)
#undef X
};

static const char *const phase_names[PHASES] = {
#define X(id, name) [PHASE_##id] = (name),
	SUPERVISE_PHASES(X)
#undef X
};

const char *supervise_state_name(enum supervise_state state)
{
	return state_names[state];
}

const char *supervise_phase_name(enum supervise_phase phase)
{
	return phase_names[phase];
}
