/*
 * arena: memory that is given back all at once. The plan lives in one.
 */
#ifndef HUSK_BASE_ARENA_H
#define HUSK_BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"

struct arena;

/* `max`: bytes it may hold in all; NULL where memory has run out. */
struct arena *arena_new(size_t max);
/* As arena_new, and begins in `room`, which is aligned for any type, holds anything, and outlives
 * the arena: what fits into it needs no malloc. Cannot fail where the room is not too small for it.
 */
struct arena *arena_new_in(void *room, size_t size, size_t max);
/* Accepts NULL. */
void arena_free(struct arena *arena);

/* Zeroed, aligned for any type; NULL where memory or `max` has run out. Never freed alone. */
void *arena_alloc(struct arena *arena, size_t size);
/* As arena_alloc(count * size), NULL on overflow. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* Bytes of memory that it takes. */
size_t arena_held(const struct arena *arena);
/* A copy that ends in NUL; NULL where memory has run out. */
char *arena_strdup(struct arena *arena, const char *s);
char *arena_strndup(struct arena *arena, struct str s);

#endif
