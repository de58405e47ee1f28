/*
 * loop: waits for descriptors and one deadline. The only place that polls.
 *
 * Sources are the caller's storage: nothing is allocated after loop_init. A source may remove
 * itself or another one from its callback.
 */
#ifndef HUSK_BASE_LOOP_H
#define HUSK_BASE_LOOP_H

#include <stdint.h>

#include "base/err.h"

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

struct loop_source {
	int fd;    /* not owned */
	void *arg; /* the callback's */
	void (*ready)(struct loop_source *source, unsigned events);
};

struct loop {
	int epoll;
};

int loop_init(struct loop *loop, struct err *err);
void loop_fini(struct loop *loop);
/* -1 with errno. The source must stay where it is until loop_remove. */
int loop_add(struct loop *loop, struct loop_source *source, unsigned events);
void loop_remove(struct loop *loop, struct loop_source *source);
/*
 * Waits until a source is ready or `deadline` (sys_now's clock; INT64_MAX: none) has passed, calls
 * what is ready, and returns. Never fails: an impossible errno is a pause of 10 ms, not a spin.
 */
void loop_wait(struct loop *loop, int64_t deadline);

#endif
