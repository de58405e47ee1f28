/*
 * beneath: folders below a root, opened so that no link is followed and the root is never left,
 * and removed the same way.
 *
 * openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS) where the kernel has it (5.6), else one component
 * at a time with O_NOFOLLOW.
 */
#ifndef HUSK_PLAN_BENEATH_H
#define HUSK_PLAN_BENEATH_H

#include <stdbool.h>

struct beneath {
	int root;     /* borrowed */
	bool by_hand; /* openat2 is missing, or refused by a seccomp filter that does not know it */
};

/* A folder for reading; `path` "" is the root itself. -1 with errno: ELOOP for a link, ENOTDIR for
 * a file in the way, EXDEV for a path with "..". */
int beneath_open(struct beneath *beneath, const char *path);

/* A name in `dir`, with all that is in it where it is a folder; a link is removed, not followed.
 * 0 where it is gone, -1 with errno. Allocates nothing. */
int beneath_remove(int dir, const char *name);

#endif
