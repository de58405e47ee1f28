/*
 * supervise: the state machine: (state, event) -> actions. Pure: no system call, no allocation,
 * the time is given. A plan of one service is a plan of many.
 *
 * Two const tables say everything: one for a service, one for the container. A call applies one
 * event and then every timer that is due, and lists what is to be done, in order. After a call no
 * deadline is in the past, so that a loop that waits for it never spins.
 *
 * Times are nanoseconds of one clock; SUPERVISE_NEVER stands for no deadline.
 */
#ifndef HUSK_INIT_SUPERVISE_H
#define HUSK_INIT_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>

#define SUPERVISE_NEVER INT64_MAX

#define SUPERVISE_STATES(X) \
	X(DOWN, "down")         /* not started yet */ \
	X(STARTING, "starting") /* forked; whether the exec worked is not known yet */ \
	X(RUNNING, "running") \
	X(DELAY, "delay")       /* to be stopped, after its stop.delay */ \
	X(STOPPING, "stopping") /* has got its stop signal */ \
	X(KILLING, "killing")   /* has got KILL */ \
	X(ENDED, "ended")       /* reaped, never started, or given up */

enum supervise_state {
#define X(id, name) SERVICE_##id,
	SUPERVISE_STATES(X)
#undef X
		SERVICE_STATES
};

enum supervise_event {
	EVENT_START,
	EVENT_NOT_STARTED, /* the fork failed */
	EVENT_EXEC_OK,
	EVENT_EXEC_FAILED,
	EVENT_EXITED, /* reaped */
	EVENT_STOP,
	EVENT_TIMER, /* its deadline has come; supervise makes these itself */
	EVENTS
};

#define SUPERVISE_PHASES(X) \
	X(UP, "up") \
	X(HALTING, "halting")       /* services are being stopped */ \
	X(SWEEP_TERM, "sweep-term") /* what is left has got TERM */ \
	X(SWEEP_KILL, "sweep-kill") /* what is left has got KILL */ \
	X(DONE, "done")

enum supervise_phase {
#define X(id, name) PHASE_##id,
	SUPERVISE_PHASES(X)
#undef X
		PHASES
};

enum supervise_occasion {
	OCCASION_STOP,    /* the container is asked to stop, or asked again */
	OCCASION_ENDED,   /* a service has ended; supervise makes these itself */
	OCCASION_SETTLED, /* every service has ended; supervise makes these itself */
	OCCASION_EMPTY,   /* no process is left */
	OCCASION_TIMER,   /* supervise makes these itself */
	OCCASIONS
};

/* What the caller is to do. A bit each, done in this order. */
enum supervise_act {
	ACT_LAUNCH = 1,      /* start the service */
	ACT_SIGNAL = 2,      /* send its stop signal */
	ACT_LATE = 4,        /* report: its time was over */
	ACT_KILL = 8,        /* send it KILL */
	ACT_GIVE_UP = 16,    /* report: KILL did not end it */
	ACT_SWEEP_TERM = 32, /* TERM to whatever is left in the container */
	ACT_SWEEP_KILL = 64, /* KILL to it */
	ACT_ABANDON = 128,   /* report: something survived KILL */
	ACT_FINISH = 256,    /* end */
	ACT_ARM_DELAY = 512, /* from here on supervise's own */
	ACT_ARM_STOP = 1024,
	ACT_ARM_KILL = 2048,
	ACT_ARM_SWEEP = 4096,
	ACT_STOP_SERVICES = 8192,
};

/* How long KILL may take, and what is left may take after TERM. */
#define SUPERVISE_KILL_WAIT  INT64_C(1000000000)
#define SUPERVISE_SWEEP_WAIT INT64_C(1000000000)

struct supervise_cell {
	unsigned char next;
	unsigned short acts;
};
extern const struct supervise_cell supervise_services[SERVICE_STATES][EVENTS];
extern const struct supervise_cell supervise_phases[PHASES][OCCASIONS];

struct supervise_service {
	/* The caller's. */
	int64_t delay;   /* between the request to stop and the stop signal */
	int64_t timeout; /* between the stop signal and KILL; -1: what `grace` leaves */
	bool passive;    /* is never stopped: it is passed every signal, and ends by itself */
	/* supervise's. */
	enum supervise_state state;
	int64_t deadline;
};

struct supervise_action {
	enum supervise_act act;
	unsigned service; /* only for the acts on a service */
};

/* The longest list that one call makes: SIGNAL, LATE, KILL and GIVE_UP of each service, and the
 * container's SWEEP_TERM, SWEEP_KILL, ABANDON and FINISH. */
enum { SUPERVISE_ACTS_SERVICE = 4, SUPERVISE_ACTS_CONTAINER = 4 };

struct supervise {
	/* The caller's; set before supervise_init. */
	struct supervise_service *services;
	unsigned count;
	struct supervise_action *actions; /* room for ACTS_SERVICE each and ACTS_CONTAINER more */
	int64_t grace;                    /* the whole stop */
	bool leave_rest;                  /* end when the services have: no sweep */
	/* supervise's. */
	enum supervise_phase phase;
	unsigned action_count;
	int64_t deadline; /* the sweep's */
	int64_t stop_by;  /* when services still there get KILL */
};

void supervise_init(struct supervise *sup);

/* Each makes the list anew: sup->actions, sup->action_count. */
void supervise_event(
	struct supervise *sup, int64_t now, unsigned service, enum supervise_event event);
void supervise_occasion(struct supervise *sup, int64_t now, enum supervise_occasion occasion);
/* Only the timers that are due. */
void supervise_tick(struct supervise *sup, int64_t now);

/* The earliest deadline. */
int64_t supervise_next(const struct supervise *sup);
const char *supervise_state_name(enum supervise_state state);

#endif
