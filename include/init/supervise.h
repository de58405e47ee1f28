/*
 * supervise: the state machine: (state, event) -> actions. Pure: no system call, no allocation,
 * the time is given. A plan of one service is a plan of many.
 *
 * Two const tables say what happens: one for a service, one for the container. A third step is
 * policy: what an end means (after_exit). A call applies one event and then everything that is due
 * by it: timers, services whose turn it is to start or to stop, the container's own end. It lists
 * what is to be done, in order. After a call no deadline is in the past, so that a loop that waits
 * for it never spins.
 *
 * Times are nanoseconds of one clock; SUPERVISE_NEVER stands for no deadline.
 */
#ifndef HUSK_INIT_SUPERVISE_H
#define HUSK_INIT_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>

#define SUPERVISE_NEVER INT64_MAX

#define SUPERVISE_STATES(X) \
	X(DOWN, "down")         /* nothing runs, and nothing is to */ \
	X(WAITING, "waiting")   /* is to be started when what it comes after is ready */ \
	X(STARTING, "starting") /* forked; whether the exec worked is not known yet */ \
	X(UNREADY, "unready")   /* runs, and is not ready yet */ \
	X(RUNNING, "running")   /* and ready, where it says when it is */ \
	X(DELAY, "delay")       /* to be stopped, after its stop.delay */ \
	X(STOPPING, "stopping") /* has got its stop signal */ \
	X(KILLING, "killing")   /* has got KILL */ \
	X(BACKOFF, "backoff")   /* has ended, and is to be started again */ \
	X(IDLE, "idle")         /* periodic: until its next run */ \
	X(DONE, "done")         /* has ended well, for good */ \
	X(FAILED, "failed")     /* has ended badly, for good */

enum supervise_state {
#define X(id, name) SERVICE_##id,
	SUPERVISE_STATES(X)
#undef X
		SERVICE_STATES,
	SERVICE_GONE = SERVICE_STATES, /* in the table: what its end means is policy */
};

#define SUPERVISE_EVENTS(X) \
	X(START) \
	X(CLEARED)     /* what it comes after is ready; supervise makes these itself */ \
	X(NOT_STARTED) /* the fork failed */ \
	X(EXEC_OK) \
	X(EXEC_FAILED) \
	X(READY) \
	X(NOT_READY)   /* it will not be: its probe has given up */ \
	X(SICK)        /* too many unhealthy answers in a row: supervise_health */ \
	X(EXITED_WELL) /* reaped; status 0 */ \
	X(EXITED_BADLY) \
	X(STOP) \
	X(HURRY) /* asked to stop again */ \
	X(RESTART) \
	X(RELOAD) \
	X(PERIOD) /* its next run is due; supervise makes these itself */ \
	X(TIMER)  /* its deadline has come; supervise makes these itself */

enum supervise_event {
#define X(id) EVENT_##id,
	SUPERVISE_EVENTS(X)
#undef X
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
	OCCASION_ENDED,   /* a service's end ends the container; supervise makes these itself */
	OCCASION_SETTLED, /* no service is left; supervise makes these itself */
	OCCASION_EMPTY,   /* no process is left */
	OCCASION_TIMER,   /* supervise makes these itself */
	OCCASIONS
};

/* What the caller is to do. A bit each; those of one cell are done in this order. */
enum supervise_act {
	ACT_LAUNCH = 1 << 0,      /* start the service */
	ACT_AWAIT = 1 << 1,       /* find out when it is ready: EVENT_READY, EVENT_NOT_READY */
	ACT_PROBE = 1 << 2,       /* ask whether it is healthy: supervise_health */
	ACT_RELOAD = 1 << 3,      /* send its reload signal */
	ACT_READY = 1 << 4,       /* report: it is ready */
	ACT_UNREADY = 1 << 5,     /* report: it was not ready in time */
	ACT_SICK = 1 << 6,        /* report: it is unhealthy */
	ACT_SIGNAL = 1 << 7,      /* send its stop signal */
	ACT_LATE = 1 << 8,        /* report: its time was over */
	ACT_KILL = 1 << 9,        /* send it KILL */
	ACT_GIVE_UP = 1 << 10,    /* report: KILL did not end it */
	ACT_BACKOFF = 1 << 11,    /* report: it is started again, at its deadline */
	ACT_LIMIT = 1 << 12,      /* report: it has been started again too often */
	ACT_SKIPPED = 1 << 13,    /* report: a run was due while the last one went on */
	ACT_SWEEP_TERM = 1 << 14, /* TERM to whatever is left in the container */
	ACT_SWEEP_KILL = 1 << 15, /* KILL to it */
	ACT_ABANDON = 1 << 16,    /* report: something survived KILL */
	ACT_FINISH = 1 << 17,     /* end */
};

/* What a cell has supervise itself do: in the same bits, and never listed. */
enum {
	ACT_ARM_READY = 1 << 18,
	ACT_ARM_HEALTH = 1 << 19,
	ACT_ARM_DELAY = 1 << 20,
	ACT_ARM_STOP = 1 << 21,
	ACT_ARM_KILL = 1 << 22,
	ACT_ARM_SWEEP = 1 << 23,
	ACT_DEFER = 1 << 24,     /* the reload comes when it is ready */
	ACT_WANT_DOWN = 1 << 25, /* what is to become of it when it has ended */
	ACT_WANT_UP = 1 << 26,
	ACT_WANT_JUDGED = 1 << 27,
	ACT_STOP_SERVICES = 1 << 28,
	ACT_HURRY_SERVICES = 1 << 29,
};

/* How long KILL may take, and what is left may take after TERM. */
#define SUPERVISE_KILL_WAIT  INT64_C(1000000000)
#define SUPERVISE_SWEEP_WAIT INT64_C(1000000000)
/* At least between two tries to make a process. */
#define SUPERVISE_RETRY_WAIT INT64_C(10000000)
/* Services whose exec is not known yet: each holds a descriptor. */
enum { SUPERVISE_STARTS_MAX = 64 };

#ifndef SUPERVISE_TABLE
#define SUPERVISE_TABLE const /* a test takes cells out */
#endif
struct supervise_cell {
	unsigned char next; /* 0: as it is; else the state or phase, plus 1 */
	unsigned acts;
};
extern SUPERVISE_TABLE struct supervise_cell supervise_services[SERVICE_STATES][EVENTS];
extern SUPERVISE_TABLE struct supervise_cell supervise_phases[PHASES][OCCASIONS];

enum supervise_policy { RESTART_NEVER, RESTART_FAILURE, RESTART_ALWAYS };
/* What is to become of a service when it has ended. */
enum supervise_intent { INTENT_NONE, INTENT_DOWN, INTENT_UP, INTENT_JUDGED };

struct supervise_service {
	/* The caller's. */
	const unsigned *depends; /* services that must be ready first; no cycles */
	unsigned depend_count;
	enum supervise_policy policy;
	int64_t delay;         /* between the request to stop and the stop signal */
	int64_t timeout;       /* between the stop signal and KILL; -1: what `grace` leaves */
	int64_t ready_timeout; /* -1: it is ready when it runs */
	int64_t health_every;  /* 0: not asked */
	unsigned health_failures;
	int64_t every;             /* 0: not periodic */
	int64_t restart_delay;     /* the least time between two starts, at first */
	int64_t restart_delay_max; /* it doubles up to here */
	int64_t restart_window;
	int64_t *restart_times; /* room for restart_limit */
	unsigned restart_limit; /* restarts within the window; 0: no limit */
	bool passive; /* is never stopped: it is passed every signal, and ends by itself */
	bool main;    /* its end ends the container */
	bool oneshot; /* is ready when it has ended well */
	bool replace; /* periodic: a run that is due ends the last one; else it is skipped */
	bool reload_restarts;
	/* supervise's. */
	bool held; /* to be stopped when what comes after it has ended */
	bool reload_pending;
	unsigned char intent; /* enum supervise_intent */
	enum supervise_state state;
	unsigned sick;     /* unhealthy answers in a row */
	unsigned restarts; /* of its own accord, all in all */
	int64_t since;     /* when it came into its state */
	int64_t started;   /* the last start */
	int64_t deadline;
	int64_t next_run;
	int64_t backoff;     /* the last one */
	unsigned order;      /* the index of the service at this place in the order of stops */
	unsigned dependents; /* services that come after it, while they are sorted */
	int64_t below;       /* what those that it comes after need to stop */
};

struct supervise_action {
	enum supervise_act act;
	unsigned service; /* only for the acts on a service */
};

/* The longest list that one call makes: no timer of a service fires twice in one state. */
enum { SUPERVISE_ACTS_SERVICE = 8, SUPERVISE_ACTS_CONTAINER = 4 };
#define SUPERVISE_NOBODY UINT32_MAX

struct supervise {
	/* The caller's; set before supervise_init. */
	struct supervise_service *services;
	unsigned count;
	struct supervise_action *actions; /* room for ACTS_SERVICE each and ACTS_CONTAINER more */
	int64_t grace;                    /* the whole stop */
	bool leave_rest;                  /* end when the services have: no sweep */
	uint32_t random;                  /* any number: the jitter's seed */
	/* supervise's. */
	enum supervise_phase phase;
	unsigned action_count;
	unsigned starting; /* services in STARTING */
	unsigned ended_by; /* the service whose end ended the container, or SUPERVISE_NOBODY */
	int64_t deadline;  /* the sweep's, and while halting, stop_by */
	int64_t stop_by;   /* when services still there get KILL */
	bool unheld;       /* nobody waits for anybody any more */
	bool hurried;      /* asked to stop again: no delay is waited for */
};

void supervise_init(struct supervise *sup);

/* Each makes the list anew: sup->actions, sup->action_count. START, RESTART and RELOAD are without
 * effect once the container is being stopped. */
void supervise_event(
	struct supervise *sup, int64_t now, unsigned service, enum supervise_event event);
/* The answer to ACT_PROBE. */
void supervise_health(struct supervise *sup, int64_t now, unsigned service, bool healthy);
void supervise_occasion(struct supervise *sup, int64_t now, enum supervise_occasion occasion);
/* Only the timers that are due. */
void supervise_tick(struct supervise *sup, int64_t now);

/* The earliest deadline. */
int64_t supervise_next(const struct supervise *sup);
const char *supervise_state_name(enum supervise_state state);
const char *supervise_phase_name(enum supervise_phase phase);
/* A process of it runs. */
bool supervise_is_alive(enum supervise_state state);
/* What comes after it may start. */
bool supervise_is_satisfied(const struct supervise_service *service);

#endif
