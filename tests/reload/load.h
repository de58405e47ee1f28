/*
 * load: a client that asks a server on a Unix socket without a pause, over several connections at
 * once, each for one request, and counts what comes back.
 *
 * An answer is "A B end": both numbers are those of the generation of files that it was made from,
 * and have to be the same.
 */
#ifndef HUSK_TESTS_RELOAD_LOAD_H
#define HUSK_TESTS_RELOAD_LOAD_H

#include <stdatomic.h>
#include <sys/types.h>

enum { LOAD_GENERATIONS = 64, LOAD_AT_ONCE = 8 };

enum load_protocol { LOAD_HTTP, LOAD_FCGI };

/* Shared with the client's process. */
struct load_tally {
	atomic_bool stop;
	atomic_uint answers[LOAD_GENERATIONS];
	atomic_uint all;
	atomic_uint mixed;   /* made of two generations */
	atomic_uint garbled; /* no answer at all, though it came whole */
	atomic_uint lost;    /* a connection that was made and brought none */
	atomic_uint refused; /* nobody listened; before the first answer that is no wonder */
	char first_lost[256];
};

/* `script` is what is asked for. The pid of the client, or -1. */
pid_t load_start(struct load_tally *tally, enum load_protocol protocol, const char *path,
	const char *script);

#endif
