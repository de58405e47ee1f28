/*
 * signal_name: names of signals, "TERM", "SIGTERM", "RTMIN+3", "15". RTMIN is 34, as the C
 * libraries have it.
 */
#ifndef HUSK_BASE_SIGNAL_NAME_H
#define HUSK_BASE_SIGNAL_NAME_H

#include "base/err.h"

enum { SIGNAL_NAME_MAX = 24, SIGNAL_RTMIN = 34 };

/* 1 to 64, or -1. Case does not matter. */
int signal_number(struct str name);
/* "SIGTERM", "SIGRTMIN+3"; for a number out of range "signal 99". Returns `out`. */
const char *signal_name(int number, char out[SIGNAL_NAME_MAX]);
/* As signal_number; -1 and ERR_CONFIG with a suggestion where it is unknown. */
int signal_parse(struct str name, int *number, struct err *err);

/* TERM, INT or QUIT, where one is blocked and waits; else 0. */
int signal_pending_stop(void);

#endif
