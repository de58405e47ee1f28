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
	struct sys_sigset ignored; /* SIGCHLD alone: husk leaves every other disposition alone */
	bool reset;                /* the child starts with every disposition at its default */
};

/* Everything resolved before the loop: no allocation, no parsing in the child. */
struct launch_spec {
	const char *name;
	const char *path; /* what to exec: an absolute path, or as given where it has a slash */
	char *const *argv;
	char *const *envp;
	const char *cwd; /* NULL: unchanged */
	/*
	 * NULL, or LAUNCH_PID_SIZE bytes within envp where the child writes its own pid: the value
	 * of LISTEN_PID, which sd_listen_fds(3) compares with the reader's pid.
	 */
	char *listen_pid;
	/* 0: none; else an execblock's descriptor, which knows better about the five above. */
	int block;
	unsigned block_index;
	bool umask_given;
	mode_t umask;
	bool nice_given;
	int nice;
	const struct rlimit *files; /* NULL, or the limit of descriptors that husk has raised */
	const struct plan_limit *limits;
	size_t limit_count;
	int input;  /* 0: husk's own; else what becomes standard input */
	int output; /* 0: husk's own; else what becomes standard output */
	int error;  /* 0: as output; else what becomes standard error */
	int extra;  /* 0: none; else what becomes descriptor `extra_as` */
	int extra_as;
	bool new_group;   /* its own process group */
	bool foreground;  /* and that group gets the foreground of `terminal` */
	bool new_session; /* setsid, and `terminal` becomes its controlling terminal */
	int terminal;     /* launch_terminal()'s; -1: none */
};
enum { LAUNCH_PID_SIZE = 12 };

enum launch_step {
	LAUNCH_STREAMS,
	LAUNCH_SESSION,
	LAUNCH_NICE,
	LAUNCH_LIMIT,
	LAUNCH_CWD,
	LAUNCH_SIGNALS,
	LAUNCH_EXEC,
};

/* What the child wrote on the exec-error pipe: of fixed size. */
struct launch_failure {
	int step; /* enum launch_step */
	int errnum;
	unsigned index; /* of the limit */
};

/*
 * Blocks every signal and fills `signals` with what was before. The first thing a husk that starts
 * something does. SIGCHLD is taken off "ignored", for the kernel reaps by itself where it is.
 */
int launch_signals_take(struct launch_signals *signals, struct err *err);

/*
 * A descriptor of the controlling terminal, or -1 where there is none. It may be 0, 1 or 2, or,
 * where `search`, one opened for good. `*ours`: its foreground process group is husk's, and so
 * husk's to hand on.
 */
int launch_terminal(bool search, bool *ours);

/*
 * The pid, or -1. `*error_pipe` reads as end-of-file once the exec has happened, as a struct
 * launch_failure where it could not: readable at the latest when the child has ended, so that a
 * read then never waits. The caller closes it.
 */
pid_t launch_start(const struct launch_spec *spec, const struct launch_signals *signals,
	int *error_pipe, struct err *err);
/* The exit status that a failure stands for: 127 where something is missing, 126 where it cannot be
 * run as asked, 70 where the system refused what must work. */
enum err_code launch_code(const struct launch_failure *failure);
/*
 * Why it could not be run, as people need it: missing file, missing interpreter and its name,
 * wrong architecture, a script without #!, noexec. Reads the file: not for PID 1's loop, but for
 * a child or a command. The code is
 * launch_code()'s. Returns -1.
 */
int launch_explain(
	const struct launch_spec *spec, const struct launch_failure *failure, struct err *err);
/* Finds argv[0] through PATH (POSIX 2.9.1.4); as it is where it has a slash. `path` NULL: Docker's
 * default. The result is in the arena, or borrowed from `program`. ERR_NOT_FOUND, or
 * ERR_NOT_EXECUTABLE where only files that cannot be run were found. */
int launch_find(struct arena *arena, const char *program, const char *path, const char **found,
	struct err *err);

#endif
