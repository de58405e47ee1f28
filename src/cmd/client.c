#include "cmd/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/sys.h"
#include "plan/plan.h"

/* How long PID 1 may take: it never waits for anything. */
#define ANSWER_LIMIT INT64_C(10000000000)
enum {
	BUSY_PAUSE = 10000000, /* ns between two tries to get into its queue */
	CONNECTIONS = 5,       /* tries, where others take our place */
	FIRST_ROOM = 16,
	RECORDS_MAX = 2 * PLAN_SERVICES_MAX,
};

/* 0, or -1 with errno. A queue that is full is one that moves. */
static int reach(int fd, const struct ctl_address *address)
{
	int64_t limit = sys_now() + ANSWER_LIMIT;

	while (sys_connect(fd, (const struct sockaddr *)&address->address, address->size) < 0) {
		if (errno != EAGAIN || sys_now() > limit)
			return -1;
		sys_sleep(BUSY_PAUSE);
	}
	return 0;
}

enum found { FOUND, FOUND_FORBIDDEN, FOUND_NOTHING };

/* The kernel says who listens: nobody can pretend to be PID 1. */
static enum found check_server(int fd, struct err *err)
{
	struct ucred server;
	uid_t user = sys_geteuid();

	if (sys_peer_credentials(fd, &server) < 0) {
		(void)err_append(err, ": %s", strerror(errno));
		return FOUND_NOTHING;
	}
	if (server.pid != 1) {
		(void)err_append(err, ": held by process %d, which is not PID 1", (int)server.pid);
		return FOUND_NOTHING;
	}
	if (user == 0 || user == server.uid)
		return FOUND;
	(void)err_set(err, ERR_FAILED,
		"not permitted: only root and husk's own user (uid %u) may command it, not uid %u",
		(unsigned)server.uid, (unsigned)user);
	return FOUND_FORBIDDEN;
}

/* What is wrong with `name` goes behind what stands in `err`. */
static enum found try(
	struct client *client, const struct ctl_address *address, const char *name, struct err *err)
{
	enum found found = FOUND_NOTHING;

	(void)err_append(err, "%s", name);
	client->fd = sys_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK);
	if (client->fd >= 0 && reach(client->fd, address) == 0)
		found = check_server(client->fd, err);
	else
		(void)err_append(err, ": %s", strerror(errno));
	if (found != FOUND)
		client_close(client);
	return found;
}

int client_connect(struct client *client, struct err *err)
{
	struct ctl_address address;
	enum found found = FOUND_NOTHING;

	client->fd = -1;
	(void)err_set(err, ERR_FAILED, "no husk to talk to at PID 1 (");
	if (ctl_address_own(&address) == 0) {
		(void)err_append(err, "@");
		found = try(client, &address, address.address.sun_path + 1, err);
		if (found == FOUND_NOTHING)
			(void)err_append(err, "; ");
	} else {
		(void)err_append(err, "/proc/self/ns/pid: %s; ", strerror(errno));
	}
	if (found == FOUND_NOTHING) {
		ctl_address_path(&address, CTL_PATH);
		found = try(client, &address, CTL_PATH, err);
		if (found == FOUND_NOTHING)
			(void)err_append(err, ")");
	}
	return found == FOUND ? 0 : -1;
}

void client_close(struct client *client)
{
	fd_close(&client->fd);
}

/* 0: husk has closed the connection; -1. */
static int broken(struct err *err)
{
	if (errno == ECONNRESET || errno == EPIPE)
		return 0;
	return err_set_errno(err, ERR_FAILED, errno, "cannot talk to husk");
}

/* 1; 0: husk has closed the connection. */
static int hear(struct client *client, union ctl_reply *reply, struct err *err)
{
	int64_t limit = sys_now() + ANSWER_LIMIT;
	char data[sizeof(*reply)];
	ssize_t size;

	while ((size = sys_recv(client->fd, data, sizeof(data), MSG_TRUNC)) < 0) {
		int ready = errno == EAGAIN ? loop_await(client->fd, LOOP_READ, limit) : -1;

		if (ready < 0)
			return broken(err);
		if (ready == 0)
			return err_set(err, ERR_FAILED, "husk does not answer");
	}
	if (size == 0)
		return 0;
	if (ctl_take_reply(data, (size_t)size, reply))
		return 1;
	return err_set(err, ERR_FAILED, "husk at PID 1 is of another version than this one");
}

static int ask(struct client *client, enum ctl_command command, int signal, const char *service,
	struct err *err)
{
	struct ctl_request request = {
		.magic = CTL_MAGIC, .command = (uint8_t)command, .signal = (uint8_t)signal};

	if (service)
		ctl_copy(request.service, sizeof(request.service), service);
	return sys_send_nowait(client->fd, &request, sizeof(request)) < 0 ? broken(err) : 1;
}

static int keep(struct client_status *status, const struct ctl_service *service, struct err *err)
{
	/* No husk says more. */
	if (status->count == RECORDS_MAX)
		return err_set(err, ERR_FAILED, "husk does not come to an end");
	if (status->count == status->room) {
		size_t room = status->room == 0 ? FIRST_ROOM : 2 * status->room;
		struct ctl_service *services = realloc(status->services, room * sizeof(*services));

		if (!services)
			return err_nomem(err);
		status->services = services;
		status->room = room;
	}
	status->services[status->count++] = *service;
	return 0;
}

/* Appends what is answered. 1: all of it; 0: the connection was closed. */
static int exchange(struct client *client, enum ctl_command command, int signal,
	const char *service, struct client_status *status, struct err *err)
{
	union ctl_reply reply;
	int heard = ask(client, command, signal, service, err);

	while (heard > 0 && (heard = hear(client, &reply, err)) > 0) {
		if (reply.head.kind == CTL_KIND_END) {
			status->end = reply.end;
			return 1;
		}
		if (keep(status, &reply.service, err) < 0)
			return -1;
	}
	return heard;
}

int client_command(struct client *client, enum ctl_command command, int signal, const char *service,
	struct client_status *status, struct err *err)
{
	int done = exchange(client, command, signal, service, status, err);

	if (done == 0)
		return err_set(err, ERR_FAILED,
			"husk has closed the connection: whether it has heard is not known");
	return done > 0 ? 0 : -1;
}

int client_status(
	struct client *client, const char *service, struct client_status *status, struct err *err)
{
	int taken = 0;

	for (int i = 0; i < CONNECTIONS && taken == 0; i++) {
		if (i > 0) {
			client_close(client);
			if (client_connect(client, err) < 0)
				return -1;
		}
		status->count = 0;
		taken = exchange(client, CTL_STATUS, 0, service, status, err);
	}
	if (taken == 0)
		return err_set(err, ERR_FAILED, "husk closes the connection, again and again");
	return taken > 0 ? 0 : -1;
}

void client_status_fini(struct client_status *status)
{
	free(status->services);
	*status = (struct client_status){0};
}

int client_find(
	const struct client_status *status, const char *name, size_t *index, struct err *err)
{
	const char **names;

	for (size_t i = 0; i < status->count; i++) {
		if (strcmp(status->services[i].name, name) == 0) {
			*index = i;
			return 0;
		}
	}
	(void)err_set(err, ERR_USAGE, "no service \"%s\"", name);
	names = calloc(status->count + 1, sizeof(*names));
	if (!names)
		return err_nomem(err);
	for (size_t i = 0; i < status->count; i++)
		names[i] = status->services[i].name;
	(void)err_suggest(err, str_from(name), names);
	free(names);
	return -1;
}

void client_append_printable(const char *text, struct buf *out)
{
	for (struct str rest = str_from(text); rest.len > 0;) {
		size_t len = str_printable(rest);

		if (len > 0)
			buf_append_str(out, str_sub(rest, 0, len));
		else
			buf_append_char(out, '?');
		rest = str_sub(rest, len > 0 ? len : 1, rest.len);
	}
}
