#include "base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	ARENA_CHUNK_MIN = 4096,
	ARENA_CHUNK_MAX = 65536,
};

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	size_t used;
	bool lent; /* the caller's memory: not zeroed */
	alignas(max_align_t) char data[];
};

struct arena {
	struct arena_chunk *chunks; /* the one being filled stands first */
	size_t max;
	size_t held; /* by all chunks' data */
	bool lent;
};

struct arena *arena_new(size_t max)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena != NULL)
		arena->max = max;
	return arena;
}

struct arena *arena_new_in(void *room, size_t size, size_t max)
{
	const size_t head = sizeof(struct arena_chunk) + sizeof(struct arena);
	struct arena_chunk *chunk = room;
	struct arena *arena;

	if (size < head || size > max)
		return NULL;
	*chunk = (struct arena_chunk){.size = size - sizeof(*chunk), .lent = true};
	/* The arena itself is the first piece. */
	_Static_assert(sizeof(*arena) % alignof(max_align_t) == 0, "pieces stay aligned");
	chunk->used = sizeof(*arena);
	arena = (void *)chunk->data;
	*arena = (struct arena){.chunks = chunk, .max = max, .held = chunk->size, .lent = true};
	return arena;
}

/* Nothing is written to what is not freed: after a fork that would be a copy of the page. */
void arena_free(struct arena *arena)
{
	bool lent = arena != NULL && arena->lent;
	struct arena_chunk *chunk = arena != NULL ? arena->chunks : NULL;

	while (chunk != NULL) {
		struct arena_chunk *next = chunk->next;

		if (!chunk->lent)
			free(chunk);
		chunk = next;
	}
	if (!lent)
		free(arena);
}

/* Chunks double, so that a small plan costs a page and a large one few calls. */
static size_t chunk_size(const struct arena *arena, size_t need)
{
	size_t left = arena->max - arena->held;
	size_t size = ARENA_CHUNK_MIN - sizeof(struct arena_chunk);

	while (size < ARENA_CHUNK_MAX && size < arena->held)
		size *= 2;
	if (size > left)
		size = left;
	return size < need ? need : size;
}

static struct arena_chunk *add_chunk(struct arena *arena, size_t need)
{
	struct arena_chunk *chunk;
	size_t size;

	if (need > arena->max - arena->held)
		return NULL;
	size = chunk_size(arena, need);
	if (size > SIZE_MAX - sizeof(*chunk))
		return NULL;
	chunk = calloc(1, sizeof(*chunk) + size);
	if (chunk == NULL)
		return NULL;
	chunk->size = size;
	arena->held += size;
	/* One large piece must not waste what is left of the chunk being filled. */
	if (arena->chunks != NULL && need > ARENA_CHUNK_MIN) {
		chunk->next = arena->chunks->next;
		arena->chunks->next = chunk;
	} else {
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->chunks;
	size_t align = alignof(max_align_t);
	void *piece;

	if (size > SIZE_MAX - align)
		return NULL;
	/* Pieces of no size are still distinct. */
	size = size == 0 ? align : (size + align - 1) / align * align;
	if (chunk == NULL || size > chunk->size - chunk->used)
		chunk = add_chunk(arena, size);
	if (chunk == NULL)
		return NULL;
	piece = chunk->data + chunk->used;
	chunk->used += size;
	return chunk->lent ? memset(piece, 0, size) : piece;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		return NULL;
	return arena_alloc(arena, count * size);
}

size_t arena_held(const struct arena *arena)
{
	return arena->held;
}

char *arena_strndup(struct arena *arena, struct str s)
{
	char *copy;

	if (s.len == SIZE_MAX)
		return NULL;
	copy = arena_alloc(arena, s.len + 1);
	if (copy != NULL && s.len != 0)
		memcpy(copy, s.data, s.len);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
	return arena_strndup(arena, str_from(s));
}
