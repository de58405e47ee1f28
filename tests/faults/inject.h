/*
 * inject: every function of sys.h and every allocation, wrapped by the linker, so that one of them
 * can be made to fail. What is wrapped is made from sys.h by the script `calls`.
 *
 * A place where something fails is (process, function, n-th call of it): so that how often a loop
 * went round changes nothing for other functions. Process 0 is husk, the others are those that it
 * forked, in order.
 */
#ifndef HUSK_TESTS_FAULTS_INJECT_H
#define HUSK_TESTS_FAULTS_INJECT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum call {
#define CALL(kind, type, name, parameters, arguments, path) CALL_##name,
#include "calls.h"
#undef CALL
	CALL_malloc,
	CALL_calloc,
	CALL_realloc,
	/* An arena asks for memory now and then only: each of its callers is to be told. */
	CALL_arena_alloc,
	CALL_arena_array,
	CALL_arena_strdup,
	CALL_arena_strndup,
	CALLS
};

enum {
	INJECT_PROCESSES = 8,
	/* In the place of an errno: the call succeeds with one byte. */
	INJECT_SHORT = -1,
};

/* What fails by plan. */
struct fault {
	unsigned process;
	enum call call;
	unsigned nth;
	bool sticky; /* and every call from there on, in that process */
	int errnum;
};

/* What a scene brings along: in every process, the first `times` calls whose path has `path`. */
struct given {
	enum call call;
	const char *path; /* NULL: whatever it is */
	unsigned times;
	int errnum; /* 0: the end of the list */
};
enum { INJECT_GIVEN = 4 };

/* The state that the program found itself in when it was about to be executed. */
struct program {
	unsigned execs;
	uint64_t mask;
	mode_t umask;
	int nice;
	struct rlimit files;
	char cwd[PATH_MAX];
};

/* What all processes of a case, and the test, share. */
struct shared {
	unsigned reached[CALLS]; /* over all cases */
	unsigned failed[CALLS];
	/* Of one case. */
	unsigned count[INJECT_PROCESSES][CALLS];
	unsigned forks;
	bool hit;
	struct program program;
	/* What husk's process said of itself at its end. */
	bool ended;
	long blocks;      /* allocated and not freed */
	long descriptors; /* gained */
	bool child;       /* one is left */
};
extern struct shared *inject_shared;

/* The last word of the command line whose exec is noted in `program`. */
#define INJECT_PROGRAM "the-program"

const char *inject_name(enum call call);
/* False where the call cannot fail. */
bool inject_can_fail(enum call call);
/* An errno, or INJECT_SHORT, that `call` may fail with; 0 where there is no index-th. */
int inject_errno(enum call call, unsigned index);

/* Once, in the test's process. */
int inject_init(void);
/* In the process of a case: from here on calls are counted, and fail. */
void inject_begin(const struct fault *fault, const struct given *given);
/* The other end of it: says in `inject_shared` what is left. */
void inject_end(void);

int husk_main(int argc, char **argv);

#endif
