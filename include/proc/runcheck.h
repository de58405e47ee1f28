/*
 * runcheck: runs the `check` command of a template set: a program that shall end soon, whose last
 * words matter.
 */
#ifndef HUSK_PROC_RUNCHECK_H
#define HUSK_PROC_RUNCHECK_H

#include <stdint.h>

#include "base/arena.h"
#include "plan/env.h"
#include "proc/launch.h"

/* Everything borrowed. */
struct runcheck {
	struct arena *arena;
	const struct env *env; /* what it gets, and whose secrets are masked in its words */
	const struct launch_signals *signals;
	int64_t limit; /* ns until it is killed; 0: 60 s */
};

/*
 * For struct render_runner: 0 where the command exited 0. Else -1, `err` with why and the end of
 * what it wrote. It gets an empty standard input and a process group of its own, of which nothing
 * is left afterwards. A stop (TERM, INT, QUIT) that is pending, since husk blocks signals while it
 * starts, ends it at once.
 */
int runcheck_run(void *arg, char *const argv[], struct err *err);

#endif
