#include "base/out.h"

#include <errno.h>
#include <string.h>

#include "base/sys.h"

/* A piece of its own costs the kernel about what copying this many bytes costs us. */
enum { OUT_SHORT = 512 };

void out_init_fd(struct out *out, int fd, const char *path)
{
	out->fd = fd;
	out->buf = NULL;
	out->path = path;
	out->written = 0;
	out->count = 0;
	out->scratch_len = 0;
}

void out_init_buf(struct out *out, struct buf *buf)
{
	out_init_fd(out, -1, "");
	out->buf = buf;
}

static int append(struct out *out, struct str piece, struct err *err)
{
	if (buf_append_str(out->buf, piece) == 0)
		return 0;
	if (piece.len > out->buf->max || out->buf->len > out->buf->max - piece.len)
		return err_set(
			err, ERR_CONFIG, "the result is larger than %zu bytes", out->buf->max);
	return err_nomem(err);
}

/* The piece's bytes stand behind the last piece's: one piece more would say the same. */
static bool follows(const struct out *out, const char *data)
{
	const struct iovec *last;

	if (out->count == 0)
		return false;
	last = &out->pieces[out->count - 1];
	return (const char *)last->iov_base + last->iov_len == data;
}

static int add_piece(struct out *out, const char *data, size_t len, struct err *err)
{
	struct iovec *piece;

	if (follows(out, data)) {
		out->pieces[out->count - 1].iov_len += len;
		return 0;
	}
	if (out->count == OUT_PIECES && out_flush(out, err) != 0)
		return -1;
	piece = &out->pieces[out->count++];
	/* writev(2) only reads; its iovec is not const for readv's sake. */
	memcpy(&piece->iov_base, &data, sizeof(data));
	piece->iov_len = len;
	return 0;
}

static void copy_short(char *to, const char *from, size_t len)
{
	if (len < 8) {
		while (len-- > 0)
			*to++ = *from++;
		return;
	}
	/* The last eight bytes may overlap the ones before. */
	for (size_t i = 0; i + 8 < len; i += 8)
		memcpy(to + i, from + i, 8);
	memcpy(to + len - 8, from + len - 8, 8);
}

int out_borrow(struct out *out, struct str piece, struct err *err)
{
	if (piece.len == 0)
		return 0;
	if (out->buf == NULL && piece.len <= OUT_SHORT)
		return out_copy(out, piece, err);
	out->written += piece.len;
	return out->buf != NULL ? append(out, piece, err)
				: add_piece(out, piece.data, piece.len, err);
}

int out_copy(struct out *out, struct str piece, struct err *err)
{
	char *home;

	if (piece.len == 0)
		return 0;
	if (out->buf != NULL) {
		out->written += piece.len;
		return append(out, piece, err);
	}
	if (piece.len > OUT_SCRATCH - out->scratch_len ||
		(out->count == OUT_PIECES && !follows(out, out->scratch + out->scratch_len))) {
		if (out_flush(out, err) != 0)
			return -1;
	}
	out->written += piece.len;
	if (piece.len > OUT_SCRATCH)
		return add_piece(out, piece.data, piece.len, err) != 0 ? -1 : out_flush(out, err);
	home = out->scratch + out->scratch_len;
	if (piece.len <= 64)
		copy_short(home, piece.data, piece.len);
	else
		memcpy(home, piece.data, piece.len);
	out->scratch_len += piece.len;
	return add_piece(out, home, piece.len, err);
}

static int fail(struct out *out, int errnum, struct err *err)
{
	(void)err_set_at(err, ERR_CONFIG, out->path, 0, 0, "cannot write: %s", strerror(errnum));
	if (err != NULL)
		err->errnum = errnum;
	return -1;
}

int out_flush(struct out *out, struct err *err)
{
	struct iovec *piece = out->pieces;
	unsigned left = out->count;

	out->count = 0;
	out->scratch_len = 0;
	while (left != 0) {
		ssize_t done = sys_writev(out->fd, piece, (int)left);

		/* No progress and no reason: a device that would be asked for ever. */
		if (done == 0)
			errno = EIO;
		if (done <= 0) {
			/* Standard output may have come to us non-blocking. */
			if (errno != EAGAIN || sys_await_write(out->fd) != 0)
				return fail(out, errno, err);
			continue;
		}
		while (left != 0 && (size_t)done >= piece->iov_len) {
			done -= (ssize_t)piece->iov_len;
			piece++;
			left--;
		}
		if (left != 0) {
			piece->iov_base = (char *)piece->iov_base + done;
			piece->iov_len -= (size_t)done;
		}
	}
	return 0;
}
