/*
 * init: PID 1's loop: performs supervise's actions. Parses nothing, allocates nothing once it
 * runs, never blocks, and nothing that a child, a peer or a file does ends it.
 */
#ifndef HUSK_INIT_INIT_H
#define HUSK_INIT_INIT_H

#include <stdbool.h>

#include "base/err.h"
#include "proc/launch.h"

/*
 * How a plain init behaves: what tini, dumb-init, catatonit and `husk -- PROGRAM` do differently.
 * All zero: husk's own behaviour.
 */
struct init_policy {
	bool subreaper;          /* PR_SET_CHILD_SUBREAPER where not PID 1 */
	bool group_signals;      /* signal the child's process group */
	bool own_session;        /* the child gets a session of its own */
	bool warn_reaped;        /* tini -w */
	bool leave_rest;         /* end at once when the program ends; the kernel ends the rest */
	int parent_death_signal; /* 0: none */
	unsigned char signal_map[65]; /* 0: as it is; 255: dropped */
	bool map_set;
	unsigned char status_map[32]; /* bit n: exit status n becomes 0 (tini -e) */
};

#endif
