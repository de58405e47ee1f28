#include "faults/served.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/ctlproto.h"
#include "init/supervise.h"

enum { CLIENTS = 8, PAUSE_MS = 5 };

/* Everything is as it should be, whatever is asked. */
static void answer(int fd)
{
	struct ctl_service service = {.head = {CTL_MAGIC, CTL_KIND_SERVICE},
		.name = "app",
		.state = SERVICE_RUNNING,
		.flags = CTL_READY | CTL_DECLARED,
		.pid = 1,
		.uptime = INT64_C(9000000000),
		.due = -1,
		.status = "well",
		.reason = "last end: exited with status 0"};
	static bool down;
	const struct ctl_end end = {.head = {CTL_MAGIC, CTL_KIND_END}, .reloaded = -1};
	struct ctl_request request;

	if (recv(fd, &request, sizeof(request), 0) != (ssize_t)sizeof(request)) {
		(void)shutdown(fd, SHUT_RDWR);
		return;
	}
	down = down || request.command == CTL_STOP;
	if (down) {
		service.state = SERVICE_DOWN;
		service.flags = CTL_RESTING;
		service.pid = 0;
	}
	(void)send(fd, &service, sizeof(service), MSG_NOSIGNAL);
	(void)send(fd, &end, sizeof(end), MSG_NOSIGNAL);
}

static int open_socket(void)
{
	struct ctl_address address;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (ctl_address_own(&address) < 0 ||
		bind(fd, (const struct sockaddr *)&address.address, (socklen_t)address.size) < 0 ||
		listen(fd, CLIENTS) < 0)
		_exit(240);
	return fd;
}

static void serve(int listener, pid_t client)
{
	struct pollfd fds[1 + CLIENTS] = {{listener, POLLIN, 0}};
	nfds_t count = 1;
	int status;

	while (waitpid(client, &status, WNOHANG) == 0) {
		(void)poll(fds, count, PAUSE_MS);
		for (nfds_t i = 1; i < count; i++)
			if (fds[i].revents != 0)
				answer(fds[i].fd);
		/* A client that comes again and again has its reason, and is ended in the end. */
		if (fds[0].revents != 0 && count < 1 + CLIENTS)
			fds[count++] = (struct pollfd){accept(listener, NULL, NULL), POLLIN, 0};
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 241);
}

void served_run(void (*client)(void *arg), void *arg, int kept)
{
	int listener = open_socket();
	pid_t pid = fork();

	if (pid < 0)
		_exit(242);
	if (pid == 0) {
		(void)close(listener);
		client(arg);
		_exit(243);
	}
	(void)close(2);
	(void)close_range((unsigned)kept, ~0U, 0);
	serve(listener, pid);
	_exit(244);
}
