/*
 * helper: a short-lived child for what PID 1 must not do itself: it reads, asks or parses, and
 * answers with one record of fixed size. Not for other modules than init's.
 */
#ifndef HUSK_INIT_HELPER_H
#define HUSK_INIT_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/loop.h"

struct init;

/* At most what one write to a pipe keeps together. */
enum { HELPER_RECORD_MAX = 2048 };

struct helper {
	struct init *init;
	pid_t pid; /* 0: none runs */
	size_t size;
	void *arg; /* the caller's */
	struct loop_source source;
	/* Its record, or NULL where it came to its end without one. Called once, from the loop. */
	void (*answered)(struct helper *helper, const void *record);
};

/*
 * Forks a child in which `work` fills the record, of `size` bytes, zero at first. Every signal but
 * KILL and STOP stays blocked in it. -1 where that failed, which has been said; `answered` is then
 * not called. `helper` must not run; `arg` is set before.
 */
int helper_start(struct init *init, struct helper *helper, size_t size,
	void (*work)(struct helper *helper, void *record),
	void (*answered)(struct helper *helper, const void *record));
/* Ends it, if it runs: it does not answer any more. */
void helper_cancel(struct helper *helper);
/* Before the first start. */
void helper_init(struct helper *helper);

#endif
