/*
 * init_log: PID 1's side of the log relay: it makes the pipes, starts the relay, starts another
 * when that is killed, and has the last lines written at the end. Not for other modules than
 * init's.
 */
#ifndef HUSK_INIT_INIT_LOG_H
#define HUSK_INIT_INIT_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "init/relay.h"

struct init;
struct instance;

/* All zero but the moments: no service has its lines marked. */
struct init_log {
	struct relay relay;  /* count 0: there is none to be started */
	struct rlimit files; /* before it was raised for the pipes */
	pid_t pid;           /* 0: none runs */
	int64_t started_at;
	int64_t start_at; /* when to start another; SUPERVISE_NEVER: not */
	int64_t pause;    /* before one that follows on one that did not last */
	int64_t line_at;  /* when to end the lines that services have left */
	int64_t line_pause;
	bool refused; /* no process could be made: that has been said */
	bool ending;  /* the services have ended */
};

/* Makes the pipes of every service whose log is not raw, and puts them into its spec. */
int init_log_set_up(struct init *init, struct err *err);
/* Starts a relay, where one is needed. */
void init_log_start(struct init *init);
/* When init_log_tick is to be called; SUPERVISE_NEVER: not. */
int64_t init_log_next(const struct init_log *log);
void init_log_tick(struct init *init);
/* Before each start of a service: neither what the last run has done to its streams' flags nor half
 * a line of it is the next one's. */
void init_log_prepare(const struct instance *instance);
/* A service has ended. */
void init_log_note_service(struct init *init);
/* The relay has been reaped. */
void init_log_note_end(struct init *init);
/* The services have ended: the relay ends with the last process that can write. */
void init_log_end(struct init *init);
/* Has what the relay could not write any more written, for SUPERVISE_SWEEP_WAIT at most. */
void init_log_finish(struct init *init);
void init_log_tear_down(struct init *init);

#endif
