/*
 * dir: the names in a folder, without allocation, by getdents64(2).
 */
#ifndef HUSK_BASE_DIR_H
#define HUSK_BASE_DIR_H

#include <stddef.h>
#include <stdint.h>

enum { DIR_BUFFER = 8192 };

struct dir {
	int fd; /* borrowed; a folder opened for reading */
	size_t at;
	size_t len;
	union {
		uint64_t align;
		char bytes[DIR_BUFFER];
	} data;
};

void dir_init(struct dir *dir, int fd);
/* 1 and the next name but "." and ".." (valid until the next call), 0 at the end, -1 with errno. */
int dir_next(struct dir *dir, const char **name);

#endif
