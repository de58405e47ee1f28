#include "reload/load.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "probe/fcgi.h"

/* One connection at a time. */
struct slot {
	int fd; /* -1: none */
	bool sent;
	size_t len;
	char answer[4096];
};

struct client {
	struct load_tally *tally;
	enum load_protocol protocol;
	struct sockaddr_un address;
	char request[FCGI_REQUEST_MAX];
	size_t request_len;
	struct slot slots[LOAD_AT_ONCE];
};

static void lose(struct client *client, const struct slot *slot, const char *what)
{
	struct load_tally *tally = client->tally;

	if (atomic_fetch_add(&tally->lost, 1) == 0)
		(void)snprintf(tally->first_lost, sizeof(tally->first_lost), "%s: %s; \"%.*s\"",
			what, strerror(errno), (int)(slot->len < 100 ? slot->len : 100),
			slot->answer);
}

static void finish(struct slot *slot)
{
	(void)close(slot->fd);
	slot->fd = -1;
}

static void begin(struct client *client, struct slot *slot)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *)&client->address, sizeof(client->address)) < 0) {
		/* EAGAIN: its queue is full. */
		if (errno != EAGAIN)
			atomic_fetch_add(&client->tally->refused, 1);
		(void)close(fd);
		return;
	}
	*slot = (struct slot){.fd = fd};
}

static bool take_body(const struct client *client, struct slot *slot, char *body, size_t size)
{
	const char *found;
	struct fcgi fcgi;
	struct buf buf;
	bool good;

	if (client->protocol == LOAD_HTTP) {
		found = strncmp(slot->answer, "HTTP/1.1 200 ", 13) == 0
				? strstr(slot->answer, "\r\n\r\n")
				: NULL;
		(void)snprintf(body, size, "%s", found ? found + 4 : "");
		return found != NULL;
	}
	buf_init(&buf, size - 1);
	fcgi_init(&fcgi, &buf);
	good = fcgi_feed(&fcgi, (struct str){slot->answer, slot->len}) == HTTP_DONE;
	(void)snprintf(body, size, "%.*s", (int)buf.len, buf.len > 0 ? buf.data : "");
	buf_fini(&buf);
	return good;
}

static void judge(struct client *client, struct slot *slot)
{
	struct load_tally *tally = client->tally;
	unsigned one, other;
	char body[256];
	int end = 0;

	slot->answer[slot->len] = '\0';
	if (!take_body(client, slot, body, sizeof(body)) || strstr(body, "end") == NULL) {
		lose(client, slot, "an answer that is not whole");
		return;
	}
	if (sscanf(body, "%u %u end%n", &one, &other, &end) != 2 || end == 0 ||
		one >= LOAD_GENERATIONS || other >= LOAD_GENERATIONS)
		atomic_fetch_add(&tally->garbled, 1);
	else if (one != other)
		atomic_fetch_add(&tally->mixed, 1);
	else
		atomic_fetch_add(&tally->answers[one], 1);
	atomic_fetch_add(&tally->all, 1);
}

static void go_on(struct client *client, struct slot *slot)
{
	ssize_t got;

	if (!slot->sent) {
		/* Small enough for the socket's buffer. */
		slot->sent = send(slot->fd, client->request, client->request_len, MSG_NOSIGNAL) ==
			     (ssize_t)client->request_len;
		if (!slot->sent) {
			lose(client, slot, "cannot ask");
			finish(slot);
		}
		return;
	}
	got = recv(slot->fd, slot->answer + slot->len, sizeof(slot->answer) - 1 - slot->len, 0);
	if (got > 0) {
		slot->len += (size_t)got;
		return;
	}
	if (got < 0 && errno == EAGAIN)
		return;
	if (got < 0)
		lose(client, slot, "cannot hear");
	else
		judge(client, slot);
	finish(slot);
}

/* What has been begun is brought to its end. */
static void run(struct client *client)
{
	for (;;) {
		struct pollfd fds[LOAD_AT_ONCE];
		bool stop = atomic_load(&client->tally->stop);
		unsigned open = 0;

		for (unsigned i = 0; i < LOAD_AT_ONCE; i++) {
			struct slot *slot = &client->slots[i];

			if (slot->fd < 0 && !stop)
				begin(client, slot);
			open += slot->fd >= 0;
			fds[i] = (struct pollfd){
				.fd = slot->fd, .events = slot->sent ? POLLIN : POLLOUT};
		}
		if (open == 0 && stop)
			return;
		(void)poll(fds, LOAD_AT_ONCE, open == 0 ? 1 : 100);
		for (unsigned i = 0; i < LOAD_AT_ONCE; i++)
			if (fds[i].fd >= 0 && fds[i].revents != 0)
				go_on(client, &client->slots[i]);
	}
}

pid_t load_start(
	struct load_tally *tally, enum load_protocol protocol, const char *path, const char *script)
{
	static struct client client;
	pid_t pid;

	client = (struct client){
		.tally = tally, .protocol = protocol, .address = {.sun_family = AF_UNIX}};
	for (unsigned i = 0; i < LOAD_AT_ONCE; i++)
		client.slots[i].fd = -1;
	if (snprintf(client.address.sun_path, sizeof(client.address.sun_path), "%s", path) >=
		(int)sizeof(client.address.sun_path))
		return -1;
	client.request_len =
		protocol == LOAD_FCGI
			? fcgi_request(client.request, script, NULL)
			: (size_t)snprintf(client.request, sizeof(client.request),
				  "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
				  script);
	pid = fork();
	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	run(&client);
	_exit(0);
}
