#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/loop.h"
#include "base/sys.h"

UNIT_MEMORY

static bool refuse_epoll;
int __real_sys_epoll_create(void);
int __wrap_sys_epoll_create(void);
int __wrap_sys_epoll_create(void)
{
	if (!refuse_epoll)
		return __real_sys_epoll_create();
	errno = EMFILE;
	return -1;
}

/* A clock that stands still, and the timeout that the kernel would have been given. */
static int64_t still_now;
static int asked_timeout;

int64_t __real_sys_now(void);
int64_t __wrap_sys_now(void);
int64_t __wrap_sys_now(void)
{
	return still_now != 0 ? still_now : __real_sys_now();
}

int __real_sys_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms);
int __wrap_sys_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms);
int __wrap_sys_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms)
{
	asked_timeout = timeout_ms;
	return still_now != 0 ? 0 : __real_sys_epoll_wait(epoll, events, max, timeout_ms);
}

struct pipe_source {
	struct loop_source source;
	struct loop *loop;
	int fds[2];
	unsigned calls;
	unsigned seen;
	struct pipe_source *removes;
	struct pipe_source *adds;
};

static void record(struct loop_source *source, unsigned events)
{
	struct pipe_source *self = source->arg;

	self->calls++;
	self->seen |= events;
	if (self->removes != NULL)
		loop_remove(self->loop, &self->removes->source);
	if (self->adds != NULL) {
		assert_int_equal(loop_add(self->loop, &self->adds->source, LOOP_READ), 0);
		self->adds = NULL;
	}
}

/* The reading end of a pipe. */
static void open_source(struct loop *loop, struct pipe_source *self)
{
	*self = (struct pipe_source){.loop = loop};
	assert_int_equal(pipe(self->fds), 0);
	self->source = (struct loop_source){.fd = self->fds[0], .arg = self, .ready = record};
}

static void make_ready(struct pipe_source *self)
{
	assert_int_equal(write(self->fds[1], "x", 1), 1);
}

static void close_source(struct pipe_source *self)
{
	close(self->fds[0]);
	if (self->fds[1] != -1)
		close(self->fds[1]);
}

static void test_wait_ready_source_called(void **state)
{
	struct loop loop;
	struct pipe_source a, b;

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	open_source(&loop, &a);
	open_source(&loop, &b);
	assert_int_equal(loop_add(&loop, &a.source, LOOP_READ), 0);
	assert_int_equal(loop_add(&loop, &b.source, LOOP_READ), 0);
	make_ready(&b);
	loop_wait(&loop, INT64_MAX);
	assert_int_equal(a.calls, 0);
	assert_int_equal(b.calls, 1);
	assert_int_equal(b.seen, LOOP_READ);
	/* Not read: it is ready still. */
	loop_wait(&loop, INT64_MAX);
	assert_int_equal(b.calls, 2);
	close_source(&a);
	close_source(&b);
	loop_fini(&loop);
	assert_int_equal(loop.epoll, -1);
}

static void count_alone(struct loop_source *source)
{
	struct pipe_source *self = source->arg;

	self->calls += 100;
}

static void test_wait_alone_only_without_others_and_deadline(void **state)
{
	struct loop loop;
	struct pipe_source a, b;

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	open_source(&loop, &a);
	open_source(&loop, &b);
	a.source.alone = count_alone;
	assert_int_equal(loop_add(&loop, &a.source, LOOP_READ), 0);
	loop_wait(&loop, INT64_MAX);
	assert_int_equal(a.calls, 100);
	loop_wait(&loop, sys_now());
	assert_int_equal(a.calls, 100);
	/* With another one it is waited for as any. */
	assert_int_equal(loop_add(&loop, &b.source, LOOP_READ), 0);
	make_ready(&b);
	loop_wait(&loop, INT64_MAX);
	assert_int_equal(a.calls, 100);
	assert_int_equal(b.calls, 1);
	loop_remove(&loop, &b.source);
	/* What was not there does not count as removed. */
	loop_remove(&loop, &b.source);
	loop_wait(&loop, INT64_MAX);
	assert_int_equal(a.calls, 200);
	assert_int_equal(loop_add(&loop, &b.source, LOOP_READ), 0);
	loop_remove(&loop, &a.source);
	loop_wait(&loop, INT64_MAX);
	assert_int_equal(a.calls, 200);
	assert_int_equal(b.calls, 2);
	close_source(&a);
	close_source(&b);
	loop_fini(&loop);
}

static void test_wait_deadline_passed_returns(void **state)
{
	struct loop loop;
	int64_t deadline = sys_now() + 2500000;

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	loop_wait(&loop, deadline);
	/* Never early. */
	assert_true(sys_now() >= deadline);
	loop_fini(&loop);
}

static void test_wait_timeout_rounded_up_and_bounded(void **state)
{
	static const struct {
		int64_t deadline; /* at 1000 s */
		int timeout_ms;
	} cases[] = {
		{INT64_MAX, -1},
		{INT64_MAX - 1, INT_MAX},
		{INT64_MIN, 0},
		{0, 0},
		{INT64_C(1000000000000) - 1, 0},
		{INT64_C(1000000000000), 0},
		{INT64_C(1000000000000) + 1, 1},
		{INT64_C(1000000000000) + 1000000, 1},
		{INT64_C(1000000000000) + 1000001, 2},
		{INT64_C(1010000000000), 10000},
	};
	struct loop loop;

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	still_now = INT64_C(1000000000000);
	for (size_t i = 0; i < COUNT(cases); i++) {
		loop_wait(&loop, cases[i].deadline);
		assert_int_equal(asked_timeout, cases[i].timeout_ms);
	}
	still_now = 0;
	loop_fini(&loop);
}

static void test_wait_far_deadline_source_called(void **state)
{
	struct loop loop;
	struct pipe_source a;

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	open_source(&loop, &a);
	assert_int_equal(loop_add(&loop, &a.source, LOOP_READ), 0);
	make_ready(&a);
	loop_wait(&loop, INT64_MAX - 1);
	assert_int_equal(a.calls, 1);
	close_source(&a);
	loop_fini(&loop);
}

static void test_wait_hangup_reported_unasked(void **state)
{
	struct loop loop;
	struct pipe_source a;

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	open_source(&loop, &a);
	assert_int_equal(loop_add(&loop, &a.source, LOOP_READ), 0);
	close(a.fds[1]);
	a.fds[1] = -1;
	loop_wait(&loop, INT64_MAX);
	assert_true((a.seen & LOOP_HANGUP) != 0);
	close_source(&a);
	loop_fini(&loop);
}

static void test_wait_writable_reported_when_asked(void **state)
{
	struct loop loop;
	struct pipe_source a = {0};

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a.fds), 0);
	a.source = (struct loop_source){.fd = a.fds[0], .arg = &a, .ready = record};
	assert_int_equal(loop_add(&loop, &a.source, LOOP_READ | LOOP_WRITE), 0);
	loop_wait(&loop, INT64_MAX);
	assert_int_equal(a.seen, LOOP_WRITE);
	make_ready(&a);
	loop_wait(&loop, INT64_MAX);
	assert_int_equal(a.seen, LOOP_READ | LOOP_WRITE);
	close_source(&a);
	loop_fini(&loop);
}

/* Whichever is called first removes the other, which must then not be called. */
static void test_remove_in_same_batch_not_called(void **state)
{
	struct loop loop;
	struct pipe_source a, b;

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	open_source(&loop, &a);
	open_source(&loop, &b);
	a.removes = &b;
	b.removes = &a;
	assert_int_equal(loop_add(&loop, &a.source, LOOP_READ), 0);
	assert_int_equal(loop_add(&loop, &b.source, LOOP_READ), 0);
	make_ready(&a);
	make_ready(&b);
	loop_wait(&loop, INT64_MAX);
	assert_int_equal(a.calls + b.calls, 1);
	close_source(&a);
	close_source(&b);
	loop_fini(&loop);
}

/* Removed and added again, by the callback that came first: what was seen before is void. */
static void test_remove_and_add_in_same_batch_not_called(void **state)
{
	struct loop loop;
	struct pipe_source a, b;

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	open_source(&loop, &a);
	open_source(&loop, &b);
	a.removes = a.adds = &b;
	b.removes = b.adds = &a;
	assert_int_equal(loop_add(&loop, &a.source, LOOP_READ), 0);
	assert_int_equal(loop_add(&loop, &b.source, LOOP_READ), 0);
	make_ready(&a);
	make_ready(&b);
	loop_wait(&loop, INT64_MAX);
	assert_int_equal(a.calls + b.calls, 1);
	a.removes = a.adds = b.removes = b.adds = NULL;
	loop_wait(&loop, INT64_MAX);
	assert_int_equal(a.calls + b.calls, 3);
	close_source(&a);
	close_source(&b);
	loop_fini(&loop);
}

static void test_remove_itself_called_once(void **state)
{
	struct loop loop;
	struct pipe_source a;

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	open_source(&loop, &a);
	a.removes = &a;
	assert_int_equal(loop_add(&loop, &a.source, LOOP_READ), 0);
	make_ready(&a);
	loop_wait(&loop, INT64_MAX);
	loop_wait(&loop, 0);
	assert_int_equal(a.calls, 1);
	/* Removed twice: nothing happens, and errno stays. */
	errno = ENOENT;
	loop_remove(&loop, &a.source);
	assert_int_equal(errno, ENOENT);
	close_source(&a);
	loop_fini(&loop);
}

static void test_wait_more_sources_than_a_batch_all_served(void **state)
{
	enum { SOURCES = 3 * LOOP_BATCH };
	static struct pipe_source sources[SOURCES];
	struct loop loop;
	unsigned served = 0;

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	unit_memory_left = 0;
	for (unsigned i = 0; i < SOURCES; i++) {
		open_source(&loop, &sources[i]);
		sources[i].removes = &sources[i];
		assert_int_equal(loop_add(&loop, &sources[i].source, LOOP_READ), 0);
		make_ready(&sources[i]);
	}
	for (unsigned i = 0; i < SOURCES; i++)
		loop_wait(&loop, 0);
	unit_memory_left = -1;
	for (unsigned i = 0; i < SOURCES; i++) {
		served += sources[i].calls;
		assert_int_equal(sources[i].calls, 1);
		close_source(&sources[i]);
	}
	assert_int_equal(served, SOURCES);
	loop_fini(&loop);
}

/* epoll refuses both; read(2) never waits for them. */
static void test_add_file_and_null_device_always_ready(void **state)
{
	struct loop loop;
	struct pipe_source file = {0}, null = {0}, pipe_end;

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	open_source(&loop, &pipe_end);
	file.source = (struct loop_source){.fd = unit_file(), .arg = &file, .ready = record};
	null.source = (struct loop_source){
		.fd = open("/dev/null", O_RDONLY | O_CLOEXEC), .arg = &null, .ready = record};
	file.loop = null.loop = &loop;
	assert_int_equal(loop_add(&loop, &pipe_end.source, LOOP_READ), 0);
	assert_int_equal(loop_add(&loop, &file.source, LOOP_READ), 0);
	assert_int_equal(loop_add(&loop, &null.source, LOOP_READ), 0);
	assert_int_equal(loop_add(&loop, &file.source, LOOP_READ), -1);
	assert_int_equal(errno, EEXIST);
	loop_wait(&loop, INT64_MAX);
	assert_int_equal(file.calls, 1);
	assert_int_equal(file.seen, LOOP_READ);
	assert_int_equal(null.calls, 1);
	assert_int_equal(pipe_end.calls, 0);
	/* They do not keep the others from being served. */
	make_ready(&pipe_end);
	loop_wait(&loop, INT64_MAX);
	assert_int_equal(pipe_end.calls, 1);
	assert_int_equal(file.calls, 2);
	/* Each removes itself, or both the other: no call afterwards. */
	file.removes = &null;
	null.removes = &file;
	loop_wait(&loop, INT64_MAX);
	assert_int_equal(file.calls + null.calls, 5);
	loop_remove(&loop, &file.source);
	loop_remove(&loop, &null.source);
	loop_wait(&loop, 0);
	assert_int_equal(file.calls + null.calls, 5);
	close(file.source.fd);
	close(null.source.fd);
	close_source(&pipe_end);
	loop_fini(&loop);
}

static void test_add_bad_or_twice_refused(void **state)
{
	struct loop loop;
	struct pipe_source a;
	struct loop_source closed = {.fd = 9999};

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	assert_int_equal(loop_add(&loop, &closed, LOOP_READ), -1);
	assert_int_equal(errno, EBADF);
	open_source(&loop, &a);
	assert_int_equal(loop_add(&loop, &a.source, LOOP_READ), 0);
	assert_int_equal(loop_add(&loop, &a.source, LOOP_READ), -1);
	assert_int_equal(errno, EEXIST);
	close_source(&a);
	loop_fini(&loop);
}

static void test_wait_impossible_error_pauses(void **state)
{
	struct loop loop = {.epoll = -1};
	int64_t before = sys_now();

	(void)state;
	loop_wait(&loop, INT64_MAX);
	assert_true(sys_now() - before >= 10000000);
}

static void test_await_ready_or_hung_up_told(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(loop_await(fds[0], LOOP_READ | LOOP_WRITE, INT64_MAX), LOOP_WRITE);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(loop_await(fds[0], LOOP_READ, INT64_MAX), LOOP_READ);
	assert_int_equal(
		loop_await(fds[0], LOOP_READ | LOOP_WRITE, INT64_MAX), LOOP_READ | LOOP_WRITE);
	close(fds[1]);
	assert_true((loop_await(fds[0], LOOP_WRITE, INT64_MAX) & LOOP_HANGUP) != 0);
	close(fds[0]);
	assert_int_equal(loop_await(9999, LOOP_READ, INT64_MAX), LOOP_HANGUP);
}

static void test_await_deadline_passed_is_zero(void **state)
{
	int64_t deadline = sys_now() + 2500000;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(loop_await(fds[0], LOOP_READ, deadline), 0);
	assert_true(sys_now() >= deadline);
	assert_int_equal(loop_await(fds[0], LOOP_READ, 0), 0);
	close(fds[0]);
	close(fds[1]);
}

static void test_init_refused_error_says_why(void **state)
{
	struct loop loop;
	struct err err;

	(void)state;
	refuse_epoll = true;
	assert_int_equal(loop_init(&loop, &err), -1);
	refuse_epoll = false;
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_int_equal(err.errnum, EMFILE);
	loop_fini(&loop);
}

static void test_init_descriptor_close_on_exec(void **state)
{
	struct loop loop;

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	assert_int_equal(fcntl(loop.epoll, F_GETFD), FD_CLOEXEC);
	loop_fini(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wait_ready_source_called),
		cmocka_unit_test(test_wait_alone_only_without_others_and_deadline),
		cmocka_unit_test(test_wait_deadline_passed_returns),
		cmocka_unit_test(test_wait_timeout_rounded_up_and_bounded),
		cmocka_unit_test(test_wait_far_deadline_source_called),
		cmocka_unit_test(test_wait_hangup_reported_unasked),
		cmocka_unit_test(test_wait_writable_reported_when_asked),
		cmocka_unit_test(test_remove_in_same_batch_not_called),
		cmocka_unit_test(test_remove_and_add_in_same_batch_not_called),
		cmocka_unit_test(test_remove_itself_called_once),
		cmocka_unit_test(test_wait_more_sources_than_a_batch_all_served),
		cmocka_unit_test(test_add_file_and_null_device_always_ready),
		cmocka_unit_test(test_add_bad_or_twice_refused),
		cmocka_unit_test(test_wait_impossible_error_pauses),
		cmocka_unit_test(test_await_ready_or_hung_up_told),
		cmocka_unit_test(test_await_deadline_passed_is_zero),
		cmocka_unit_test(test_init_refused_error_says_why),
		cmocka_unit_test(test_init_descriptor_close_on_exec),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
