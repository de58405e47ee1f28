/*
 * ctlproto: a client of PID 1's that sends anything. Each packet begins with its length (two
 * bytes); one whose first byte is odd gets a good head. Whatever comes, only whole requests reach
 * the host, another client is answered, and nothing is waited for. The same bytes as a reply must
 * be taken whole or not at all.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"
#include "init/control.h"
#include "init/supervise.h"

enum { SERVICES = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static const char *name(void *arg, unsigned index)
{
	static const char *const names[] = {"a", "nginx", "php-fpm"};

	(void)arg;
	require(index < SERVICES);
	return index < 3 ? names[index] : "other";
}

static void describe(void *arg, unsigned index, struct ctl_service *service)
{
	ctl_copy(service->name, sizeof(service->name), name(arg, index));
}

static void describe_all(void *arg, struct ctl_end *end)
{
	(void)arg;
	end->phase = PHASE_UP;
}

static enum ctl_result command(
	void *arg, const struct ctl_request *request, unsigned index, const struct ucred *peer)
{
	(void)arg;
	require(request->command > CTL_STATUS && request->command < CTL_COMMAND_COUNT);
	require((request->command == CTL_SIGNAL) == (request->signal != 0));
	require(request->signal <= SYS_SIGNAL_MAX);
	require((index == CONTROL_ALL) == (request->service[0] == '\0'));
	require(index == CONTROL_ALL || strcmp(name(NULL, index), request->service) == 0);
	require(peer->pid == getpid());
	return (enum ctl_result)(request->service[0] % CTL_RESULT_COUNT);
}

static const struct control_host host = {.count = SERVICES,
	.name = name,
	.describe = describe,
	.describe_all = describe_all,
	.command = command};
static struct ctl_address address;
static struct loop loop;
static struct control *control;

static int connected(void)
{
	int fd = sys_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK);

	require(fd >= 0);
	require(sys_connect(fd, (const struct sockaddr *)&address.address, address.size) == 0);
	return fd;
}

static void set_up(void)
{
	char *text = address.address.sun_path + 1;
	int fd = sys_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK);

	address.address.sun_family = AF_UNIX;
	(void)snprintf(text, 64, "husk-fuzz-%d", (int)getpid());
	address.size = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(text);
	require(loop_init(&loop, NULL) == 0);
	control = control_new(&host, &loop);
	require(control != NULL);
	require(sys_bind(fd, (const struct sockaddr *)&address.address, address.size) == 0);
	require(control_listen(control, fd) == 0);
}

static void send_packet(int fd, const uint8_t *data, size_t size)
{
	static const uint32_t magic = CTL_MAGIC;
	static uint8_t packet[65536];

	memcpy(packet, data, size);
	if (size > sizeof(magic) && (data[0] & 1))
		memcpy(packet, &magic, sizeof(magic));
	(void)sys_send_nowait(fd, packet, size);
}

/* Everything that is a request is answered, and only by records. */
static void drain(int fd)
{
	union ctl_reply reply, taken;
	ssize_t size;

	while ((size = sys_recv(fd, &reply, sizeof(reply), MSG_TRUNC)) > 0)
		require(ctl_take_reply(&reply, (size_t)size, &taken));
}

static void take_as_reply(const uint8_t *data, size_t size)
{
	union ctl_reply reply;

	if (!ctl_take_reply(data, size, &reply))
		return;
	if (reply.head.kind == CTL_KIND_SERVICE)
		require(strlen(reply.service.name) < CTL_NAME_SIZE &&
			strlen(reply.service.reason) < CTL_REASON_SIZE &&
			supervise_state_name((enum supervise_state)reply.service.state) != NULL);
	else
		require(ctl_result_text((enum ctl_result)reply.end.result) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ctl_request request = {.magic = CTL_MAGIC, .service = "nginx"};
	union ctl_reply reply;
	int wild, good;

	if (!control)
		set_up();
	take_as_reply(data, size);
	wild = connected();
	good = connected();
	while (size >= 2) {
		size_t len = (size_t)data[0] | (size_t)data[1] << 8;

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		send_packet(wild, data, len);
		data += len;
		size -= len;
		loop_wait(&loop, 0);
		drain(wild);
	}
	(void)sys_send_nowait(good, &request, sizeof(request));
	for (int i = 0; i < 3; i++)
		loop_wait(&loop, 0);
	require(sys_recv(good, &reply, sizeof(reply), 0) == (ssize_t)sizeof(reply.service));
	require(sys_recv(good, &reply, sizeof(reply), 0) == (ssize_t)sizeof(reply.end));
	close(wild);
	close(good);
	loop_wait(&loop, 0);
	require(control_next(control) == INT64_MAX);
	return 0;
}
