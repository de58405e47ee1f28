/*
 * compat: what the inits that husk is by name have in common: options as GNU's getopt(3) reads
 * them, and the way to the program and back.
 */
#ifndef HUSK_CMD_COMPAT_H
#define HUSK_CMD_COMPAT_H

#include <stdbool.h>
#include <sys/types.h>

#include "init/init.h"

/* The messages begin with argv[0]. */
struct compat_opt {
	char **argv;         /* operands are gathered from argv[1] on */
	const char *letters; /* as getopt(3): a colon behind one that takes an argument */
	const char *const
		*names; /* NULL, or long options, each behind its letter; ends with NULL */
	bool leading;   /* options end at the first operand */
	int index;      /* the next word; 0 before the first call */
	int operands;
	const char *cluster; /* the letters that are left of a word */
	const char *value;   /* the option's argument, borrowed from argv */
};

/* The option's letter; 0 at the end, and argv from 1 on is then the operands alone; '?' where it
 * was wrong, which has been said. */
int compat_opt_next(struct compat_opt *opt);

/* A decimal number as scanf's %d reads it; false where there is none or it is out of range.
 * `*text` is then behind it. */
bool compat_number(const char **text, int *number);

/* A line, written by one write that does not wait: what nobody reads is lost. */
void compat_line(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for text that is asked for: all of it, however long that takes. */
void compat_print(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define COMPAT_LICENSE "husk: MIT License, Copyright (c) 2026 The husk authors\n"

/* FPE, ILL, SEGV, BUS, ABRT, TRAP, SYS: what a fault of its own brings, not for the program. */
struct sys_sigset compat_fault_signals(void);

struct compat {
	char **argv;      /* the program; without one husk waits to be asked to stop */
	char *listen_pid; /* as launch_spec's */
	struct launch_signals signals;
	struct init_policy policy;
	/* Says that the program cannot be run, in its own words; the exit status. */
	int (*refuse)(void *arg, pid_t pid, const char *program, int errnum);
	void *arg;
};

/* Blocks every signal; everything in `compat` zero but that. -1 was said. */
int compat_init(struct compat *compat);
/* The exit status. Why a program cannot be run is told once more, in husk's words, which say more
 * than an errno. */
int compat_run(struct compat *compat);

#endif
