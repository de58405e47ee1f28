/*
 * map: a file's bytes where they are, in memory, without their being copied.
 *
 * A file that is cut short while it is mapped would end the process by SIGBUS, PID 1 even. Here
 * the missing bytes read as zeros instead, and map_close tells. One map at a time, since a signal
 * handler serves it.
 */
#ifndef HUSK_BASE_MAP_H
#define HUSK_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sys.h"

struct map {
	char *data; /* read-only */
	size_t size;
	struct sys_sigset mask; /* as it was before */
	bool ignored;           /* SIGBUS was */
};

/* `size` bytes from the beginning, not 0. -1 with errno where the file cannot be mapped. */
int map_open(struct map *map, int fd, size_t size);
/* -1 where the file was cut short in the meantime: what was read of it is not its content. */
int map_close(struct map *map);

#endif
