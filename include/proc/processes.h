/*
 * processes: all that /proc shows at one time, or of one process.
 *
 * Reads files and allocates: for a command or a short-lived child, not for PID 1's loop.
 */
#ifndef HUSK_PROC_PROCESSES_H
#define HUSK_PROC_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* proc_pid_stat(5) */
struct process {
	pid_t pid;
	pid_t parent;
	pid_t group;
	pid_t session;
	char state;     /* R, S, D, T, Z ... */
	bool exiting;   /* it is on its way out, and may have closed its files already */
	uint64_t ticks; /* clock ticks of CPU time, with those of its children that were waited for
			 */
	uint64_t pages; /* resident */
};

enum { PROCESSES_MAX = 32768 };
struct processes {
	struct process *items; /* by ascending pid */
	size_t count;
};

/* Nothing where /proc is not there, and no more than PROCESSES_MAX. */
void processes_init(struct processes *processes, const char *proc_path);
void processes_fini(struct processes *processes);
/* False where there is no such process, or /proc is not there. Allocates nothing. */
bool process_read(const char *proc_path, pid_t pid, struct process *process);
/* NULL: there is none. */
const struct process *processes_find(const struct processes *processes, pid_t pid);

#endif
