/*
 * descendants: the processes below one, found through /proc.
 */
#ifndef HUSK_PROC_DESCENDANTS_H
#define HUSK_PROC_DESCENDANTS_H

#include <sys/types.h>

/*
 * Sends the signal `number` to every descendant of `ancestor` but the caller. Returns how many, 0
 * where /proc is not there. Reads files: for a short-lived child.
 */
int descendants_signal(const char *proc_path, pid_t ancestor, int number);

#endif
