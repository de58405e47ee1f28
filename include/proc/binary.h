/*
 * binary: what kind of program a file is, and what it needs to be started: the interpreter of its
 * `#!` line, or its dynamic loader.
 */
#ifndef HUSK_PROC_BINARY_H
#define HUSK_PROC_BINARY_H

#include <limits.h>
#include <stdbool.h>

enum binary_kind {
	BINARY_UNREADABLE, /* missing, no permission, not a regular file */
	BINARY_EMPTY,
	BINARY_ELF,
	BINARY_SCRIPT,  /* begins with #! */
	BINARY_FOREIGN, /* another system's: `machine` says which */
	BINARY_TEXT,    /* anything else */
};

struct binary {
	enum binary_kind kind;
	bool machine_fits;
	const char *machine;  /* ELF: what it is built for, as `uname -m` has it */
	char own_machine[65]; /* this one's */
	char needs[PATH_MAX]; /* "" where it needs nothing, or that cannot be seen */
};

/* Reads the file's head. Never waits for a FIFO or a device. */
void binary_read(struct binary *binary, const char *path);

#endif
