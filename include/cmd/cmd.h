/*
 * cmd: every command's entry point. main.c is a table of them.
 *
 * Each gets argv with its own name as argv[0] and returns the exit status. Only this floor prints
 * errors.
 */
#ifndef HUSK_CMD_CMD_H
#define HUSK_CMD_CMD_H

#include "base/buf.h"
#include "base/opt.h"

/* name, synopsis, one line of help: the usage, the dispatch and the manual come from here. */
/* A row is added when its command works. */
#define CMD_TABLE(X) X(version, "version", "print the version")

#define X(name, synopsis, help) int cmd_##name(int argc, char **argv);
CMD_TABLE(X)
#undef X

#endif
