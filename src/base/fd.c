#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "base/format.h"
#include "base/signal_name.h"
#include "base/sys.h"

enum {
	READ_STEP = 65536,
	/* A terminal's room is not known; this much fits wherever poll(2) speaks of room. */
	TERMINAL_PIECE = 64,
	FIFO_PAUSE_FIRST = 100000, /* ns */
	FIFO_PAUSE_LAST = 10000000,
	LOCK_TRIES = 8,
	LOCK_PAUSE = 250000, /* ns */
};

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd != -1)
		(void)sys_close(*fd);
	*fd = -1;
	errno = saved;
}

static int fail_read(struct err *err, const char *path, int errnum, const char *what)
{
	(void)err_set_at(err, ERR_CONFIG, path, 0, 0, "%s: %s", what, strerror(errnum));
	if (err != NULL)
		err->errnum = errnum;
	return -1;
}

static int append(struct buf *out, const char *data, size_t size, const char *path, struct err *err)
{
	if (buf_append(out, data, size) == 0)
		return 0;
	if (size > out->max || out->len > out->max - size)
		return err_set_at(err, ERR_CONFIG, path, 0, 0, "larger than %zu bytes", out->max);
	return err_nomem(err);
}

int fd_read_all(int fd, struct buf *out, const char *path, struct err *err)
{
	char block[4096];

	for (;;) {
		ssize_t got = sys_read(fd, block, sizeof(block));

		if (got == 0)
			return 0;
		if (got < 0)
			return fail_read(err, path, errno, "cannot read");
		if (append(out, block, (size_t)got, path, err) != 0)
			return -1;
	}
}

/*
 * A FIFO opened O_NONBLOCK reads as empty where nobody has it open for writing, and waits for
 * nobody. Where there is a writer, as behind <(...), its end is waited for as in any pipe; but a
 * writer that never ends must not keep a start, whose signals are blocked, from being stopped.
 */
static int read_fifo(int fd, struct buf *out, const char *path, struct err *err)
{
	char block[4096], name[SIGNAL_NAME_MAX];
	int64_t pause = FIFO_PAUSE_FIRST;
	bool heard = false;

	for (;;) {
		ssize_t got = sys_read(fd, block, sizeof(block));
		int stop;

		if (got == 0 && !heard)
			return err_set_at(
				err, ERR_CONFIG, path, 0, 0, "a FIFO that nobody writes to");
		if (got == 0)
			return 0;
		if (got < 0 && errno != EAGAIN)
			return fail_read(err, path, errno, "cannot read");
		heard = true;
		if (got > 0) {
			if (append(out, block, (size_t)got, path, err) != 0)
				return -1;
			pause = FIFO_PAUSE_FIRST;
			continue;
		}
		stop = signal_pending_stop();
		if (stop != 0)
			return err_set_at(err, ERR_CONFIG, path, 0, 0,
				"a FIFO whose writer did not end before %s",
				signal_name(stop, name));
		sys_sleep(pause);
		if (pause < FIFO_PAUSE_LAST)
			pause *= 2;
	}
}

static int read_opened(
	int fd, const struct stat *st, struct buf *out, const char *path, struct err *err)
{
	if (S_ISDIR(st->st_mode))
		return fail_read(err, path, EISDIR, "cannot read");
	return S_ISFIFO(st->st_mode) ? read_fifo(fd, out, path, err)
				     : fd_read_all(fd, out, path, err);
}

int fd_read_file(const char *path, size_t max, struct buf *out, struct err *err)
{
	struct stat st;
	int fd, result;

	buf_init(out, max);
	fd = sys_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd == -1)
		return fail_read(err, path, errno, "cannot open");
	if (sys_fstat(fd, &st) != 0)
		result = fail_read(err, path, errno, "cannot read");
	else
		result = read_opened(fd, &st, out, path, err);
	fd_close(&fd);
	if (result != 0)
		buf_fini(out);
	return result;
}

int fd_write_all(int fd, const void *data, size_t size)
{
	const char *rest = data;

	while (size != 0) {
		ssize_t done = sys_write(fd, rest, size);

		if (done > 0) {
			rest += done;
			size -= (size_t)done;
			continue;
		}
		/* No progress and no reason: a device that would be asked for ever. */
		if (done == 0)
			errno = EIO;
		if (errno != EAGAIN || sys_await_write(fd) != 0)
			return -1;
	}
	return 0;
}

/*
 * Through a description of our own, whose flags nobody else sees. ENXIO: a pipe without a reader.
 * Fails where /proc is not mounted, or where the file's mode does not let us open it again.
 */
static int reopen(int fd)
{
	char path[32];

	(void)format_text(path, sizeof(path), "/proc/self/fd/%d", fd);
	return sys_open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY, 0);
}

/* poll(2) says that a pipe has room for PIPE_BUF bytes: pipe(7). */
static ssize_t write_polled(int fd, const struct stat *st, const void *data, size_t size)
{
	size_t most = S_ISFIFO(st->st_mode) ? PIPE_BUF : TERMINAL_PIECE;
	const char *rest = data;
	size_t written = 0;

	do {
		size_t piece = size - written < most ? size - written : most;
		ssize_t done;
		int room = sys_can_write(fd);

		if (room == 0)
			errno = EAGAIN;
		done = room == 1 ? sys_write(fd, rest + written, piece) : -1;
		if (done < 0)
			return written != 0 ? (ssize_t)written : -1;
		written += (size_t)done;
	} while (!S_ISFIFO(st->st_mode) && written < size);
	return (ssize_t)written;
}

/* A terminal with room refuses a write that does not wait while another process is amid one of its
 * own: that is over in no time, unless the other is not let run. */
static ssize_t write_own(int fd, const void *data, size_t size)
{
	ssize_t done = sys_write(fd, data, size);

	for (int i = 0; i < LOCK_TRIES && done < 0 && errno == EAGAIN; i++) {
		if (sys_can_write(fd) != 1) {
			errno = EAGAIN;
			break;
		}
		sys_sleep(LOCK_PAUSE);
		done = sys_write(fd, data, size);
	}
	return done;
}

static ssize_t write_waitable(int fd, const struct stat *st, const void *data, size_t size)
{
	int own = reopen(fd);
	ssize_t done;

	if (own != -1) {
		done = write_own(own, data, size);
		fd_close(&own);
		return done;
	}
	if (errno == ENXIO && S_ISFIFO(st->st_mode))
		return -1;
	done = sys_write_nowait(fd, data, size);
	/* Other errors are those of kernels, devices and filters that do not know the flag. */
	if (done >= 0 || errno == EAGAIN || errno == EPIPE)
		return done;
	return write_polled(fd, st, data, size);
}

/*
 * SIGPIPE is blocked meanwhile and taken back: a lost reader ends nobody, and no signalfd takes
 * it for one that somebody sent. The kernel sends it to the writing thread, and the wait looks
 * there before it looks at what was sent to the process.
 */
static ssize_t write_unsignalled(int fd, const struct stat *st, const void *data, size_t size)
{
	struct sys_sigset pipe_only = {UINT64_C(1) << (SIGPIPE - 1)}, old;
	bool blocked = sys_sigmask(SIG_BLOCK, &pipe_only, &old) == 0;
	ssize_t done = write_waitable(fd, st, data, size);
	int saved = errno;

	if (blocked) {
		if (done < 0 && saved == EPIPE)
			(void)sys_sigtake(&pipe_only);
		(void)sys_sigmask(SIG_SETMASK, &old, NULL);
	}
	/* No reader, seen at the door: the same to the caller, but no signal was sent. */
	errno = done < 0 && saved == ENXIO ? EPIPE : saved;
	return done;
}

ssize_t fd_write_nowait(int fd, const void *data, size_t size)
{
	struct stat st;

	if (size == 0)
		return 0;
	if (sys_fstat(fd, &st) != 0)
		return -1;
	if (S_ISSOCK(st.st_mode))
		return sys_send_nowait(fd, data, size);
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		/* Opened again, a pipe's reading end would become a writing one. */
		int flags = sys_get_status_flags(fd);

		if (flags == -1)
			return -1;
		if ((flags & O_ACCMODE) == O_RDONLY) {
			errno = EBADF;
			return -1;
		}
		return write_unsignalled(fd, &st, data, size);
	}
	return sys_write(fd, data, size);
}
