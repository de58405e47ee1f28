#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/sys.h"
#include "init/control.h"
#include "init/supervise.h"

/* A container as the tests want it. */
struct world {
	struct loop loop;
	struct control *control;
	struct control_host host;
	struct ctl_address address;
	unsigned described;
	unsigned commands;
	struct ctl_request request; /* the last one, and who it was about and came from */
	unsigned index;
	struct ucred peer;
	enum ctl_result result; /* what is answered */
};

static const char *name(void *arg, unsigned index)
{
	static char text[CTL_NAME_SIZE];

	(void)arg;
	(void)snprintf(text, sizeof(text), "s%u", index);
	return text;
}

static void describe(void *arg, unsigned index, struct ctl_service *service)
{
	struct world *world = arg;

	world->described++;
	ctl_copy(service->name, sizeof(service->name), name(NULL, index));
	service->state = SERVICE_RUNNING;
	service->pid = (int32_t)index + 100;
}

static void describe_all(void *arg, struct ctl_end *end)
{
	(void)arg;
	ctl_copy(end->refusal, sizeof(end->refusal), "refused");
}

static enum ctl_result command(
	void *arg, const struct ctl_request *request, unsigned index, const struct ucred *peer)
{
	struct world *world = arg;

	world->commands++;
	world->request = *request;
	world->index = index;
	world->peer = *peer;
	return world->result;
}

static void set_address(struct ctl_address *address)
{
	static unsigned number;
	char *text = address->address.sun_path;

	*address = (struct ctl_address){.address.sun_family = AF_UNIX};
	(void)snprintf(text + 1, 64, "husk-test-%d-%u", (int)getpid(), number++);
	address->size = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(text + 1);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	int fd;

	assert_non_null(world);
	world->host = (struct control_host){.arg = world,
		.count = 3,
		.name = name,
		.describe = describe,
		.describe_all = describe_all,
		.command = command};
	set_address(&world->address);
	assert_int_equal(loop_init(&world->loop, NULL), 0);
	world->control = control_new(&world->host, &world->loop);
	assert_non_null(world->control);
	fd = sys_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK);
	assert_int_equal(
		sys_bind(fd, (const struct sockaddr *)&world->address.address, world->address.size),
		0);
	assert_int_equal(control_listen(world->control, fd), 0);
	assert_true(control_next(world->control) == INT64_MAX);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	control_free(world->control);
	loop_fini(&world->loop);
	free(world);
	return 0;
}

static int connected(struct world *world)
{
	int fd = sys_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK);

	assert_true(fd >= 0);
	/* A backlog that is full empties itself when PID 1 looks. */
	while (sys_connect(fd, (const struct sockaddr *)&world->address.address,
		       world->address.size) < 0) {
		assert_int_equal(errno, EAGAIN);
		loop_wait(&world->loop, 0);
	}
	return fd;
}

static void ask(int fd, enum ctl_command what, const char *service)
{
	struct ctl_request request = {.magic = CTL_MAGIC, .command = (uint8_t)what};

	if (what == CTL_SIGNAL)
		request.signal = 10;
	ctl_copy(request.service, sizeof(request.service), service);
	assert_int_equal(sys_send_nowait(fd, &request, sizeof(request)), sizeof(request));
}

/* The kind of the next reply; 0: closed. PID 1 goes on until there is one. */
static unsigned hear(struct world *world, int fd, union ctl_reply *reply)
{
	char data[sizeof(*reply) + 8];
	ssize_t size;

	while (loop_await(fd, LOOP_READ, 0) == 0)
		loop_wait(&world->loop, sys_now() + 1000000);
	size = sys_recv(fd, data, sizeof(data), MSG_TRUNC);
	if (size == 0 || (size < 0 && errno == ECONNRESET))
		return 0;
	assert_true(size > 0);
	assert_true(ctl_take_reply(data, (size_t)size, reply));
	return reply->head.kind;
}

static bool is_answered(struct world *world, int fd)
{
	union ctl_reply reply;

	ask(fd, CTL_RELOAD, "s1");
	return hear(world, fd, &reply) == CTL_KIND_SERVICE &&
	       hear(world, fd, &reply) == CTL_KIND_END;
}

static void test_status_all_in_order(void **state)
{
	struct world *world = *state;
	int fd = connected(world);
	union ctl_reply reply;

	ask(fd, CTL_STATUS, "");
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(hear(world, fd, &reply), CTL_KIND_SERVICE);
		assert_string_equal(reply.service.name, name(NULL, i));
		assert_int_equal(reply.service.pid, 100 + i);
	}
	assert_int_equal(hear(world, fd, &reply), CTL_KIND_END);
	assert_int_equal(reply.end.result, CTL_RESULT_OK);
	assert_int_equal(reply.end.services, 3);
	assert_string_equal(reply.end.refusal, "refused");
	assert_int_equal(world->commands, 0);
	close(fd);
}

static void test_status_of_one_and_of_none(void **state)
{
	struct world *world = *state;
	int fd = connected(world);
	union ctl_reply reply;

	ask(fd, CTL_STATUS, "s1");
	assert_int_equal(hear(world, fd, &reply), CTL_KIND_SERVICE);
	assert_string_equal(reply.service.name, "s1");
	assert_int_equal(hear(world, fd, &reply), CTL_KIND_END);
	ask(fd, CTL_STATUS, "s3");
	assert_int_equal(hear(world, fd, &reply), CTL_KIND_END);
	assert_int_equal(reply.end.result, CTL_RESULT_UNKNOWN);
	ask(fd, CTL_STOP, "s");
	assert_int_equal(hear(world, fd, &reply), CTL_KIND_END);
	assert_int_equal(reply.end.result, CTL_RESULT_UNKNOWN);
	assert_int_equal(world->commands, 0);
	close(fd);
}

static void test_command_told_with_its_sender(void **state)
{
	struct world *world = *state;
	int fd = connected(world);
	union ctl_reply reply;

	/* What it is about is told as it then is. */
	ask(fd, CTL_SIGNAL, "s2");
	assert_int_equal(hear(world, fd, &reply), CTL_KIND_SERVICE);
	assert_string_equal(reply.service.name, "s2");
	assert_int_equal(hear(world, fd, &reply), CTL_KIND_END);
	assert_int_equal(reply.end.result, CTL_RESULT_OK);
	assert_int_equal(world->request.command, CTL_SIGNAL);
	assert_int_equal(world->request.signal, 10);
	assert_int_equal(world->index, 2);
	assert_int_equal(world->peer.pid, getpid());
	assert_int_equal(world->peer.uid, getuid());
	world->result = CTL_RESULT_STOPPING;
	ask(fd, CTL_STOP, "");
	assert_int_equal(hear(world, fd, &reply), CTL_KIND_END);
	assert_int_equal(reply.end.result, CTL_RESULT_STOPPING);
	assert_int_equal(world->index, CONTROL_ALL);
	close(fd);
}

static void test_no_services_answered(void **state)
{
	struct world *world = *state;
	int fd = connected(world);
	union ctl_reply reply;

	world->host.count = 0;
	ask(fd, CTL_STATUS, "");
	assert_int_equal(hear(world, fd, &reply), CTL_KIND_END);
	assert_int_equal(reply.end.result, CTL_RESULT_OK);
	ask(fd, CTL_STOP, "s0");
	assert_int_equal(hear(world, fd, &reply), CTL_KIND_END);
	assert_int_equal(reply.end.result, CTL_RESULT_UNKNOWN);
	ask(fd, CTL_STOP, "");
	assert_int_equal(hear(world, fd, &reply), CTL_KIND_END);
	assert_int_equal(world->index, CONTROL_ALL);
	close(fd);
}

static void test_garbage_ends_its_connection_alone(void **state)
{
	static const size_t sizes[] = {1, sizeof(struct ctl_request) - 1,
		sizeof(struct ctl_request), sizeof(struct ctl_request) + 1, 60000, 0};
	static char garbage[60000];
	struct world *world = *state;
	int good = connected(world);
	union ctl_reply reply;

	memset(garbage, 0xa5, sizeof(garbage));
	for (size_t i = 0; i < COUNT(sizes); i++) {
		int fd = connected(world);

		assert_int_equal(sys_send_nowait(fd, garbage, sizes[i]), sizes[i]);
		assert_int_equal(hear(world, fd, &reply), 0);
		close(fd);
	}
	assert_int_equal(world->commands, 0);
	assert_true(is_answered(world, good));
	close(good);
}

/* The first of them make place for the last. */
static void test_stalled_clients_make_place(void **state)
{
	enum { STALLED = 100 };
	struct world *world = *state;
	int fds[STALLED], fd;
	union ctl_reply reply;

	for (int i = 0; i < STALLED; i++)
		fds[i] = connected(world);
	fd = connected(world);
	assert_true(is_answered(world, fd));
	assert_int_equal(hear(world, fds[0], &reply), 0);
	assert_true(is_answered(world, fds[STALLED - 1]));
	for (int i = 0; i < STALLED; i++)
		close(fds[i]);
	/* Who has asked a moment ago stays. */
	for (int i = 0; i < STALLED; i++) {
		fds[i] = connected(world);
		assert_true(is_answered(world, fd));
	}
	for (int i = 0; i < STALLED; i++)
		close(fds[i]);
	close(fd);
}

/* Reads all that comes; how many records. */
static unsigned drain(struct world *world, int fd)
{
	union ctl_reply reply;
	unsigned count = 0;

	while (hear(world, fd, &reply) == CTL_KIND_SERVICE)
		count++;
	assert_int_equal(reply.head.kind, CTL_KIND_END);
	return count;
}

static void test_slow_reader_gets_everything(void **state)
{
	struct world *world = *state;
	int slow = connected(world), quick = connected(world);

	world->host.count = 4096;
	ask(slow, CTL_STATUS, "");
	/* What finds room in its socket is sent, in turns; then it is waited for. */
	for (int i = 0; i < 1000; i++)
		loop_wait(&world->loop, 0);
	assert_true(world->described < 4096);
	assert_true(control_next(world->control) <= sys_now() + CONTROL_PATIENCE);
	assert_true(is_answered(world, quick));
	assert_int_equal(drain(world, slow), 4096);
	assert_true(control_next(world->control) == INT64_MAX);
	assert_true(is_answered(world, slow));
	close(slow);
	close(quick);
}

static void test_no_reader_dropped_in_time(void **state)
{
	struct world *world = *state;
	int slow = connected(world), silent = connected(world);
	union ctl_reply reply;
	int64_t due;

	world->host.count = 4096;
	ask(slow, CTL_STATUS, "");
	for (int i = 0; i < 1000; i++)
		loop_wait(&world->loop, 0);
	due = control_next(world->control);
	control_tick(world->control, due - 1);
	assert_true(control_next(world->control) == due);
	control_tick(world->control, due);
	assert_true(control_next(world->control) == INT64_MAX);
	/* One that has nothing to take is not waited for, and stays. */
	assert_true(is_answered(world, silent));
	while (hear(world, slow, &reply) != 0)
		assert_int_equal(reply.head.kind, CTL_KIND_SERVICE);
	close(slow);
	close(silent);
}

static void test_reader_gone_dropped(void **state)
{
	struct world *world = *state;
	int fd = connected(world);

	world->host.count = 4096;
	ask(fd, CTL_STATUS, "");
	for (int i = 0; i < 1000; i++)
		loop_wait(&world->loop, 0);
	close(fd);
	loop_wait(&world->loop, 0);
	assert_true(control_next(world->control) == INT64_MAX);
	/* Asked, and gone before the answer. */
	fd = connected(world);
	ask(fd, CTL_STATUS, "");
	close(fd);
	for (int i = 0; i < 10; i++)
		loop_wait(&world->loop, 0);
	assert_true(control_next(world->control) == INT64_MAX);
}

static void test_no_descriptors_accepting_pauses(void **state)
{
	struct world *world = *state;
	struct rlimit limit, none;
	int fd = connected(world), next = dup(fd);
	int64_t due;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = limit.rlim_max};
	close(next);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	loop_wait(&world->loop, 0);
	due = control_next(world->control);
	assert_true(due <= sys_now() + CONTROL_PAUSE);
	/* Nothing is ready any more: the wait is one. */
	loop_wait(&world->loop, sys_now() + 20000000);
	assert_true(control_next(world->control) == due);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	control_tick(world->control, due);
	assert_true(control_next(world->control) == INT64_MAX);
	assert_true(is_answered(world, fd));
	close(fd);
}

static void test_foreign_user_refused(void **state)
{
	struct world *world = *state;
	int fds[2], status, fd;
	pid_t pid;
	char byte;

	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int own = -1;

		if (setgid(65534) == 0 && setuid(65534) == 0)
			own = connected(world);
		/* Connected: whether it stays so is up to PID 1. */
		(void)!write(fds[1], "x", 1);
		_exit(own >= 0 && loop_await(own, LOOP_READ, INT64_MAX) > 0 &&
			sys_recv(own, &byte, 1, 0) == 0);
	}
	assert_int_equal(read(fds[0], &byte, 1), 1);
	loop_wait(&world->loop, sys_now() + 1000000);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	fd = connected(world);
	assert_true(is_answered(world, fd));
	close(fd);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_status_all_in_order),
		TEST(test_status_of_one_and_of_none),
		TEST(test_command_told_with_its_sender),
		TEST(test_no_services_answered),
		TEST(test_garbage_ends_its_connection_alone),
		TEST(test_stalled_clients_make_place),
		TEST(test_slow_reader_gets_everything),
		TEST(test_no_reader_dropped_in_time),
		TEST(test_reader_gone_dropped),
		TEST(test_no_descriptors_accepting_pauses),
		TEST(test_foreign_user_refused),
#undef TEST
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
