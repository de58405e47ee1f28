#include "init/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/sys.h"

struct client {
	struct loop_source source; /* fd -1: a free place */
	struct control *control;
	struct ucred peer;
	int64_t moved;          /* when it last came, asked, or took something */
	uint32_t next;          /* the service whose record is due ... */
	uint32_t last;          /* ... up to this one, and then the end */
	enum ctl_result result; /* for the end */
	bool answering;         /* watched for writing */
};

struct control {
	const struct control_host *host;
	struct loop *loop;
	uid_t user;
	struct loop_source listener;
	int64_t resume; /* when the listener is watched again; INT64_MAX: it is */
	struct client clients[CONTROL_CLIENTS];
};

static void drop(struct client *client)
{
	loop_remove(client->control->loop, &client->source);
	fd_close(&client->source.fd);
}

/* A source that cannot be watched any more would wait for ever. */
static void watch(struct client *client, bool answering)
{
	if (client->answering == answering)
		return;
	client->answering = answering;
	loop_remove(client->control->loop, &client->source);
	if (loop_add(client->control->loop, &client->source, answering ? LOOP_WRITE : LOOP_READ) <
		0)
		fd_close(&client->source.fd);
}

static bool send_service(const struct client *client)
{
	const struct control_host *host = client->control->host;
	struct ctl_service service = {.head = {CTL_MAGIC, CTL_KIND_SERVICE}};

	host->describe(host->arg, client->next, &service);
	return sys_send_nowait(client->source.fd, &service, sizeof(service)) > 0;
}

static bool send_end(const struct client *client)
{
	const struct control_host *host = client->control->host;
	struct ctl_end end = {.head = {CTL_MAGIC, CTL_KIND_END}, .services = host->count};

	host->describe_all(host->arg, &end);
	end.result = (uint8_t)client->result;
	return sys_send_nowait(client->source.fd, &end, sizeof(end)) > 0;
}

/* As much as finds room, and no more than others can wait for. */
static void answer(struct client *client)
{
	for (int i = 0; i < CONTROL_ACCEPTS; i++) {
		bool over = client->next == client->last;

		if (!(over ? send_end(client) : send_service(client))) {
			if (errno != EAGAIN) {
				drop(client);
				return;
			}
			break;
		}
		client->moved = sys_now();
		if (over) {
			watch(client, false);
			return;
		}
		client->next++;
	}
	watch(client, true);
}

static uint32_t find(const struct control_host *host, const char *name)
{
	if (*name == '\0')
		return CONTROL_ALL;
	for (uint32_t i = 0; i < host->count; i++) {
		if (strcmp(host->name(host->arg, i), name) == 0)
			return i;
	}
	return host->count;
}

static void serve(struct client *client, const struct ctl_request *request)
{
	const struct control_host *host = client->control->host;
	uint32_t index = find(host, request->service);

	client->next = client->last = 0;
	client->result = CTL_RESULT_OK;
	if (index == host->count && *request->service != '\0')
		client->result = CTL_RESULT_UNKNOWN;
	else if (request->command != CTL_STATUS)
		client->result = host->command(host->arg, request, index, &client->peer);
	if (client->result == CTL_RESULT_OK) {
		client->next = index == CONTROL_ALL ? 0 : index;
		client->last = index == CONTROL_ALL ? host->count : index + 1;
	}
	answer(client);
}

static void on_client(struct loop_source *source, unsigned events)
{
	struct client *client = source->arg;
	struct ctl_request request;
	char data[sizeof(request)];
	ssize_t size;

	if (client->answering) {
		if (events & LOOP_HANGUP)
			drop(client);
		else
			answer(client);
		return;
	}
	size = sys_recv(source->fd, data, sizeof(data), MSG_DONTWAIT | MSG_TRUNC);
	if (size < 0 && errno == EAGAIN)
		return;
	client->moved = sys_now();
	if (size > 0 && ctl_take_request(data, (size_t)size, &request))
		serve(client, &request);
	else
		drop(client);
}

/* A free place, or that of the client which has been silent for the longest time. */
static struct client *make_place(struct control *control)
{
	struct client *silent = &control->clients[0];

	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		if (control->clients[i].source.fd < 0)
			return &control->clients[i];
		if (control->clients[i].moved < silent->moved)
			silent = &control->clients[i];
	}
	drop(silent);
	return silent;
}

/* Neither a process of another PID namespace, whose pid reads as 0, nor another user's. */
static bool may_command(const struct control *control, const struct ucred *peer)
{
	return peer->pid > 0 && (peer->uid == 0 || peer->uid == control->user);
}

static void take(struct control *control, int fd)
{
	struct client *client;
	struct ucred peer;

	if (sys_peer_credentials(fd, &peer) < 0 || !may_command(control, &peer)) {
		fd_close(&fd);
		return;
	}
	client = make_place(control);
	*client = (struct client){
		.source = {.fd = fd, .arg = client, .ready = on_client},
		.control = control,
		.peer = peer,
		.moved = sys_now(),
	};
	if (loop_add(control->loop, &client->source, LOOP_READ) < 0)
		fd_close(&client->source.fd);
}

static void on_listener(struct loop_source *source, unsigned events)
{
	struct control *control = source->arg;

	(void)events;
	for (int i = 0; i < CONTROL_ACCEPTS; i++) {
		int fd = sys_accept(source->fd);

		if (fd >= 0) {
			take(control, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != ECONNABORTED) {
			/* It would be ready at once again. */
			loop_remove(control->loop, source);
			control->resume = sys_now() + CONTROL_PAUSE;
			return;
		}
	}
}

int64_t control_next(const struct control *control)
{
	int64_t next = control->resume;

	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		const struct client *client = &control->clients[i];

		if (client->source.fd >= 0 && client->answering &&
			client->moved + CONTROL_PATIENCE < next)
			next = client->moved + CONTROL_PATIENCE;
	}
	return next;
}

void control_tick(struct control *control, int64_t now)
{
	if (control->resume <= now) {
		control->resume = loop_add(control->loop, &control->listener, LOOP_READ) < 0
					  ? now + CONTROL_PAUSE
					  : INT64_MAX;
	}
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->source.fd >= 0 && client->answering &&
			client->moved + CONTROL_PATIENCE <= now)
			drop(client);
	}
}

int control_listen(struct control *control, int fd)
{
	control->listener.fd = fd;
	if (sys_listen(fd, CONTROL_BACKLOG) == 0 &&
		loop_add(control->loop, &control->listener, LOOP_READ) == 0)
		return 0;
	fd_close(&control->listener.fd);
	return -1;
}

static int bind_to(struct control *control, const struct ctl_address *address)
{
	int fd = sys_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK);

	if (fd < 0)
		return -1;
	if (sys_bind(fd, (const struct sockaddr *)&address->address, address->size) == 0)
		return control_listen(control, fd);
	fd_close(&fd);
	return -1;
}

/* Where anybody may write to /run, somebody else may have made the folder. */
static int make_folder(uid_t user)
{
	struct stat st;

	if (sys_mkdirat(AT_FDCWD, CTL_FOLDER, 0700) < 0 && errno != EEXIST)
		return -1;
	if (sys_fstatat(AT_FDCWD, CTL_FOLDER, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISDIR(st.st_mode) && st.st_uid == user && (st.st_mode & 077) == 0)
		return 0;
	errno = EPERM;
	return -1;
}

static int open_path(struct control *control)
{
	struct ctl_address address;

	if (make_folder(control->user) < 0)
		return -1;
	/* The last husk's. */
	(void)sys_unlinkat(AT_FDCWD, CTL_PATH, 0);
	ctl_address_path(&address, CTL_PATH);
	return bind_to(control, &address);
}

void control_open(struct control *control)
{
	struct ctl_address address;

	if (ctl_address_own(&address) == 0) {
		if (bind_to(control, &address) == 0)
			return;
		log_warn_errno("the control socket's name, @%s, is not to be had",
			address.address.sun_path + 1);
	}
	if (open_path(control) < 0)
		log_warn_errno("no control socket, also not %s", CTL_PATH);
}

struct control *control_new(const struct control_host *host, struct loop *loop)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control)
		return NULL;
	control->host = host;
	control->loop = loop;
	control->user = sys_geteuid();
	control->resume = INT64_MAX;
	control->listener = (struct loop_source){.fd = -1, .arg = control, .ready = on_listener};
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		control->clients[i].source.fd = -1;
	return control;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		fd_close(&control->clients[i].source.fd);
	fd_close(&control->listener.fd);
	free(control);
}
