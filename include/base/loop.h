/*
 * loop: waits for descriptors and one deadline. The only place that polls.
 *
 * Sources are the caller's storage: nothing is allocated after loop_init. A source may remove
 * itself or another one from its callback, and is then not called any more, not even for what was
 * already seen. A callback must not call loop_wait.
 */
#ifndef HUSK_BASE_LOOP_H
#define HUSK_BASE_LOOP_H

#include <stdint.h>

#include "base/err.h"

/* HANGUP (an error counts as one) is reported asked for or not. */
enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

/* Sources that one loop_wait serves; the others wait for the next. */
enum { LOOP_BATCH = 16 };

struct loop_source {
	int fd;    /* not owned; removed before it is closed */
	void *arg; /* the callback's */
	void (*ready)(struct loop_source *source, unsigned events);
	/*
	 * NULL, or a way to wait for the source without the loop: called where nothing else is to
	 * be waited for, it waits, deals with what came, and returns. For a signal that is one call
	 * to the kernel instead of two, and a sixth of its way to the program.
	 */
	void (*alone)(struct loop_source *source);
	/* The loop's own. */
	unsigned events;
	struct loop_source *next_steady;
};

struct loop {
	int epoll;
	struct loop_source *steady; /* what epoll refuses: files, /dev/null; always ready */
	struct loop_source *lone;   /* the last one added that has `alone` */
	unsigned watched;           /* by epoll */
	unsigned batch_len;
	struct loop_source *batch[2 * LOOP_BATCH];
	unsigned batch_events[2 * LOOP_BATCH];
};

int loop_init(struct loop *loop, struct err *err);
void loop_fini(struct loop *loop);
/* -1 with errno. The source must stay where it is until loop_remove. A regular file, which epoll
 * knows nothing of, is ready at every loop_wait. */
int loop_add(struct loop *loop, struct loop_source *source, unsigned events);
void loop_remove(struct loop *loop, struct loop_source *source);
/*
 * Waits until a source is ready or `deadline` (sys_now's clock; INT64_MAX: none) has passed, calls
 * what is ready, and returns. Never fails: an impossible errno is a pause of 10 ms, not a spin.
 */
void loop_wait(struct loop *loop, int64_t deadline);

/*
 * Without a loop, for what talks to one peer: waits until `fd` is ready for some of `events`, or
 * `deadline` has passed. The LOOP_* bits that came; 0: the time is over; -1 with errno.
 */
int loop_await(int fd, unsigned events, int64_t deadline);

#endif
