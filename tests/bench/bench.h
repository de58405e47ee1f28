/*
 * bench: measures programs against each other, interleaved: each round measures every candidate
 * once, so that whatever else the machine does meets all of them alike.
 */
#ifndef HUSK_BENCH_H
#define HUSK_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { BENCH_WORDS = 64, BENCH_CANDIDATES = 16 };

/* What is measured: NAME=COMMAND LINE, its words split at spaces. */
struct bench_candidate {
	const char *name;
	char *words[BENCH_WORDS + 1];
	size_t count;
	const char *input;  /* of a word "<FILE" */
	const char *output; /* of a word ">FILE" */
	pid_t pid;          /* as this process sees it */
	int report;         /* what the target tells; -1: nothing */
	double *samples;
	double extra; /* a second value of the same look */
};

struct bench {
	struct bench_candidate candidates[BENCH_CANDIDATES];
	struct bench_candidate *order[BENCH_CANDIDATES]; /* of this round */
	size_t count;
	unsigned rounds;
};

/* Says why and ends. */
void bench_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* CLOCK_MONOTONIC, ns. */
int64_t bench_now(void);
void bench_sleep(int64_t ns);

/* Starts the candidate's words as PID 1 of a new PID namespace. With `report` its descriptor 3 is a
 * pipe. */
void bench_start_init(struct bench_candidate *candidate, int report);
/* Ends it, and with it everything in its namespace. */
void bench_end_init(struct bench_candidate *candidate);
/* The next record from the target. */
int64_t bench_hear(const struct bench_candidate *candidate);
/* The wait status must be one of success. */
void bench_expect_success(const struct bench_candidate *candidate, int status);

/* Makes bench->order anew. */
void bench_shuffle(struct bench *bench);
/* The sum of the numbers behind `keys`, which ends with NULL, in a file of /proc/PID. */
double bench_read_proc(pid_t pid, const char *file, const char *const *keys);

void bench_add(struct bench_candidate *candidate, unsigned round, double value);
/* One line for each candidate: MEASURE NAME UNIT COUNT MEDIAN FASTEST-TENTH, tabs between. The
 * fastest tenth is the mean of that part of the samples. */
void bench_print(const struct bench *bench, const char *measure, const char *unit);

/* ns from the start to the end of a candidate: in a PID namespace, or a plain command. */
void bench_starts(struct bench *bench);
void bench_times(struct bench *bench);
/* PSS and private dirty memory (KiB) of an idle PID 1; how often it wakes in a second. */
void bench_idle(struct bench *bench);
void bench_wakeups(struct bench *bench);
/* ns from kill() to the target's having the signal. */
void bench_signals(struct bench *bench);
/* ns for all orphans of the target to be reaped. */
void bench_orphans(struct bench *bench);
/* Each candidate is a supervisor of $BENCH_SERVICES services, `target service`. ns until the last
 * of them runs; and with all of them at rest: the supervisors' processes, PSS (KiB), CPU time (ns)
 * and wake-ups in 5 s, then ns from the KILL of a service to its running again. */
void bench_services_start(struct bench *bench);
void bench_services_run(struct bench *bench);

#endif
