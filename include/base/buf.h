/*
 * buf: a growing byte buffer with a maximum.
 *
 * A failed append (no memory, over the maximum) sets `failed`, which stays: a caller may append
 * many times and look once.
 */
#ifndef HUSK_BASE_BUF_H
#define HUSK_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct buf {
	char *data; /* owned; not ended by NUL except after buf_cstr */
	size_t len;
	size_t cap;
	size_t max;
	bool failed;
};

void buf_init(struct buf *buf, size_t max);
/* Frees; the buffer may be used again after buf_init. */
void buf_fini(struct buf *buf);
/* Empties, keeps the memory, clears `failed`. */
void buf_reset(struct buf *buf);

/* Each: 0, or -1 and `failed` set, the content as it was. */
int buf_append(struct buf *buf, const void *data, size_t len);
int buf_append_str(struct buf *buf, struct str s);
int buf_append_cstr(struct buf *buf, const char *s);
int buf_append_char(struct buf *buf, char c);
int buf_appendf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ends the content with a NUL that `len` does not count; NULL where an append has failed. */
const char *buf_cstr(struct buf *buf);
struct str buf_str(const struct buf *buf);

#endif
