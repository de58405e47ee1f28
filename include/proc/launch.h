/*
 * launch: one program, started: fork, the child's set-up, exec, and the pipe that tells why not.
 *
 * The child after the fork calls async-signal-safe functions only and leaves by _exit. Never
 * CLONE_VFORK or CLONE_VM: a stopped child would stop PID 1.
 */
#ifndef HUSK_PROC_LAUNCH_H
#define HUSK_PROC_LAUNCH_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/sys.h"
#include "plan/plan.h"

/* The signal state that husk was started with, and that its children start with. */
struct launch_signals {
	struct sys_sigset mask;
	struct sys_sigset ignored;
};

/* Everything resolved before the loop: no allocation, no parsing in the child. */
struct launch_spec {
	const char *name;
	const char *path; /* what to exec: an absolute path, or as given where it has a slash */
	char *const *argv;
	char *const *envp;
	const char *cwd; /* NULL: unchanged */
	bool umask_given;
	mode_t umask;
	bool nice_given;
	int nice;
	const struct plan_limit *limits;
	size_t limit_count;
	bool new_group;   /* its own process group */
	bool foreground;  /* give it the terminal, where there is one */
	bool new_session; /* setsid, and TIOCSCTTY where there is a terminal */
};

/* What the child wrote on the exec-error pipe: of fixed size. */
struct launch_failure {
	int step; /* enum launch_step */
	int errnum;
};

/* The pid, or -1. `*error_pipe` reads as end-of-file once the exec has happened. */
pid_t launch_start(const struct launch_spec *spec, const struct launch_signals *signals,
	int *error_pipe, struct err *err);
/*
 * Why it could not be run, as people need it: missing file, missing interpreter and its name,
 * wrong architecture, a script without #!, noexec. Reads the file: not for PID 1's loop, but for
 * a child or a command. Code 126 or 127.
 */
int launch_explain(
	const struct launch_spec *spec, const struct launch_failure *failure, struct err *err);
/* Finds argv[0] through PATH (POSIX 2.9.1.4); as it is where it has a slash. The result is in the
 * arena. ERR_NOT_FOUND, or ERR_NOT_EXECUTABLE where only files that cannot be run were found. */
int launch_find(struct arena *arena, const char *program, const char *path, const char **found,
	struct err *err);

#endif
