/*
 * out: a stream of pieces that are written without being copied.
 *
 * Pieces are borrowed until out_flush: the text of a template, the value of a variable. They are
 * gathered and written by writev(2), or appended to a buffer. The struct is some 36 KiB.
 */
#ifndef HUSK_BASE_OUT_H
#define HUSK_BASE_OUT_H

#include <stddef.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	OUT_PIECES = 256,
	OUT_SCRATCH = 32768,
};

struct out {
	int fd;           /* -1: `buf` takes it */
	struct buf *buf;  /* borrowed */
	const char *path; /* for messages; borrowed */
	size_t written;   /* bytes in all, gathered ones counted */
	unsigned count;
	size_t scratch_len;
	struct iovec pieces[OUT_PIECES];
	char scratch[OUT_SCRATCH]; /* computed bytes that have no other home */
};

void out_init_fd(struct out *out, int fd, const char *path);
void out_init_buf(struct out *out, struct buf *buf);
/* Borrowed until the next out_flush. (Short pieces are copied: that costs less than gathering.) */
int out_borrow(struct out *out, struct str piece, struct err *err);
/* Copied. */
int out_copy(struct out *out, struct str piece, struct err *err);
int out_flush(struct out *out, struct err *err);

#endif
