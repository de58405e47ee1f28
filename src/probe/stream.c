#include "probe/stream.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/sys.h"

enum { QUEUE_PAUSE = 10000000 }; /* ns */

static int await(int fd, unsigned events, int64_t deadline)
{
	int came = loop_await(fd, events, deadline);

	if (came == 0)
		errno = ETIMEDOUT;
	return came > 0 ? 0 : -1;
}

/*
 * Where nobody listens on a port of this machine, the kernel may choose that very port for our end,
 * and connect us with ourselves: then nobody is there (TCP's simultaneous open, RFC 9293 3.5).
 */
static bool is_own_end(int fd, const struct address *address)
{
	struct address own = {.size = 0};
	socklen_t size = sizeof(own.local);

	return address->any.sa_family != AF_UNIX && sys_socket_name(fd, &own.any, &size) == 0 &&
	       size == address->size && memcmp(&own.any, &address->any, size) == 0;
}

static int finish(int fd, int64_t deadline)
{
	int error;

	if (await(fd, LOOP_WRITE, deadline) < 0)
		return -1;
	error = sys_socket_error(fd);
	if (error > 0)
		errno = error;
	return error == 0 ? 0 : -1;
}

static int try_connect(int fd, const struct address *address, int64_t deadline)
{
	int result = sys_connect(fd, &address->any, address->size);

	/* A Unix socket's queue is full: where this could wait, it would wait for room. */
	while (result < 0 && errno == EAGAIN && sys_now() < deadline) {
		sys_sleep(QUEUE_PAUSE);
		result = sys_connect(fd, &address->any, address->size);
	}
	if (result < 0 && errno == EINPROGRESS)
		result = finish(fd, deadline);
	if (result == 0 && is_own_end(fd, address)) {
		errno = ECONNREFUSED;
		result = -1;
	}
	return result;
}

int stream_connect(const struct address *address, int64_t deadline)
{
	int fd = sys_socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK);

	if (fd >= 0 && try_connect(fd, address, deadline) < 0)
		fd_close(&fd);
	return fd;
}

int stream_send(int fd, const void *data, size_t size, int64_t deadline)
{
	const char *rest = data;

	while (size > 0) {
		ssize_t sent = sys_send_nowait(fd, rest, size);

		if (sent < 0) {
			if (errno != EAGAIN || sys_now() > deadline ||
				await(fd, LOOP_WRITE, deadline) < 0)
				return -1;
			continue;
		}
		rest += sent;
		size -= (size_t)sent;
	}
	return 0;
}

ssize_t stream_receive(int fd, void *data, size_t size, int64_t deadline)
{
	/* What is there already is taken whatever the time: a machine that stood still is not the
	 * peer's fault, and how much is taken is bounded elsewhere. */
	if (await(fd, LOOP_READ, deadline) < 0)
		return -1;
	return sys_read(fd, data, size);
}
