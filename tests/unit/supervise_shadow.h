/*
 * supervise_shadow: what must hold after each call of supervise, looked at from what has happened
 * to the processes, not from what supervise thinks of them.
 */
#ifndef HUSK_TESTS_SUPERVISE_SHADOW_H
#define HUSK_TESTS_SUPERVISE_SHADOW_H

#include "unit.h"

#include "init/supervise.h"

#define SECOND      INT64_C(1000000000)
#define MILLISECOND INT64_C(1000000)
#define NEVER       SUPERVISE_NEVER

enum { SERVICES_MAX = 12, LIMIT_MAX = 4, LOG_MAX = 64 };
enum { ROOM = SERVICES_MAX * SUPERVISE_ACTS_SERVICE + SUPERVISE_ACTS_CONTAINER };

enum process {
	NONE,
	LAUNCHED,
	RUNS, /* or is about to end, since its exec failed */
	LOST, /* has not ended on KILL */
};

/* What is known of a service without supervise. */
struct shadow {
	enum process process;
	unsigned acts; /* all that were listed since its launch */
	bool ready;
	bool reload;    /* it is to be signalled when it is ready */
	bool well;      /* its last end */
	bool commanded; /* since its last launch */
	int64_t launched;
	int64_t restarts[LIMIT_MAX]; /* the last ones that count */
};

/* The call that was made: an event, or one of these. */
enum { CALL_TICK = EVENTS, CALL_HEALTHY, CALL_SICK, CALL_STOP, CALL_EMPTY };
struct call {
	int64_t now;
	unsigned service; /* SUPERVISE_NOBODY: none */
	unsigned event;
	enum supervise_state from;
};

struct world {
	struct supervise sup;
	struct supervise_service services[SERVICES_MAX];
	struct shadow shadows[SERVICES_MAX];
	unsigned order[SERVICES_MAX]; /* what others come after stands before them */
	unsigned depends[SERVICES_MAX][SERVICES_MAX];
	int64_t restarts[SERVICES_MAX][LIMIT_MAX];
	struct supervise_action actions[ROOM];
	int64_t now;
	uint64_t seed; /* of this plan */
	uint64_t random;
	struct call calls[LOG_MAX]; /* the last ones */
	unsigned called;
	unsigned container; /* acts on it, all of them */
	/* Before the call, and the acts that it listed. */
	enum supervise_phase phase;
	struct supervise_service before[SERVICES_MAX];
	unsigned listed[SERVICES_MAX];
};

/* Over all plans. */
struct tally {
	unsigned long events;
	unsigned long plans;
	unsigned long cells[SERVICE_STATES][EVENTS];
	unsigned acts;
	unsigned long launches;
	bool in_child; /* which a failure ends, without a word */
};

extern struct tally tally;

/* The call has been made: asserts all of it, and brings the shadows up to date. */
void shadow_check(struct world *world, const struct call *call);
/* Says with which seed this happens again and what came before, and ends the test. */
void shadow_fail(const struct world *world, unsigned service, const char *what);
const char *shadow_call_name(unsigned event);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			shadow_fail(world, index, #condition); \
	} while (0)

#endif
