#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/sys.h"

#define RETRY(result, call) \
	do { \
		(result) = (call); \
	} while ((result) == -1 && errno == EINTR)

int sys_socket(int domain, int type)
{
	return socket(domain, type | SOCK_CLOEXEC, 0);
}

int sys_bind(int fd, const struct sockaddr *address, size_t size)
{
	return bind(fd, address, (socklen_t)size);
}

int sys_listen(int fd, int backlog)
{
	return listen(fd, backlog);
}

int sys_accept(int fd)
{
	int result;

	RETRY(result, accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
	return result;
}

int sys_connect(int fd, const struct sockaddr *address, size_t size)
{
	return connect(fd, address, (socklen_t)size);
}

ssize_t sys_recv(int fd, void *data, size_t size, int flags)
{
	ssize_t result;

	RETRY(result, recv(fd, data, size, flags));
	return result;
}

int sys_peer_credentials(int fd, struct ucred *credentials)
{
	socklen_t size = sizeof(*credentials);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, &size);
}

int sys_pass_credentials(int fd)
{
	int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
}

ssize_t sys_recv_sent(int fd, void *data, size_t size, struct ucred *sender)
{
	/* No room for anything else: the kernel closes descriptors that find none. */
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(*sender))];
	struct iovec part = {.iov_base = data, .iov_len = size};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	const struct cmsghdr *head;
	ssize_t result;

	RETRY(result, recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC));
	*sender = (struct ucred){0};
	head = result < 0 ? NULL : CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_CREDENTIALS)
		memcpy(sender, CMSG_DATA(head), sizeof(*sender));
	return result;
}

int sys_socket_error(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : -1;
}

int sys_socket_name(int fd, struct sockaddr *address, socklen_t *size)
{
	return getsockname(fd, address, size);
}
