/*
 * relay: one process that reads what services write and writes it on line by line (relay_line.h).
 *
 * PID 1 keeps both ends of every pipe, so that a service never writes to nobody and what stands in
 * a pipe outlives the relay. What the relay itself holds stands in memory that it shares with PID
 * 1, and on its way from a pipe to there and from there to the output it stands in a pipe of the
 * relay's own: so that a relay that is killed at any instant loses nothing, and the next one goes
 * on exactly there. Only where the output is no pipe may the next one write again what the last one
 * was writing (4,096 bytes at most), since nobody knows how far it came.
 *
 * Where an output finds no room, what goes to it waits in the pipes, and so do its writers; the
 * other output goes on. A service that never stops writing gets 64 KiB and then waits for the
 * others.
 */
#ifndef HUSK_INIT_RELAY_H
#define HUSK_INIT_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/loop.h"

struct relay_memory;

enum relay_output { RELAY_OUT, RELAY_ERR, RELAY_OUTPUTS };

/* A pipe that a service writes to. */
struct relay_stream {
	/* The caller's. */
	const char *service;
	enum relay_output output; /* which stream of the service it is, and of husk it goes to */
	bool json;
	/* relay's. */
	int ends[2];               /* the pipe's; [1] is the service's */
	struct loop_source source; /* the relay process's own */
};

struct relay {
	/* The caller's. */
	struct relay_stream *streams;
	unsigned count;
	int outputs[RELAY_OUTPUTS]; /* 1 and 2 */
	/* relay's. */
	int work[RELAY_OUTPUTS][2];
	struct relay_memory *memory;
	size_t memory_size;
};

/* Makes the pipes, and the memory, of which only what is used is touched. What was made before it
 * failed is relay_fini's. */
int relay_init(struct relay *relay, struct err *err);
void relay_fini(struct relay *relay);
/* Closes the writing ends: a relay ends when nobody else has one open and all is written. */
void relay_close(struct relay *relay);
/* A service has left a line without its newline: ends it for it. False where more of the stream is
 * on its way, so that this cannot be known yet. Does not wait. */
bool relay_end_line(const struct relay *relay, unsigned stream);
/* Nothing waits to be written. Right while no relay runs. */
bool relay_is_empty(const struct relay *relay);
/*
 * In a process of its own, forked for it: writes on what comes until every stream is at its end,
 * and leaves with 0; with 1 where a system call was refused that it cannot do without. One at a
 * time.
 */
void relay_run(struct relay *relay) __attribute__((noreturn));

#endif
