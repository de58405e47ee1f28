/* Who may say what: real processes send, each killed and waited for when the test is over. */
#include "unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/loop.h"
#include "base/sys.h"
#include "init/notify.h"

struct bench {
	int reader;
	int sender;
	int told[2]; /* a sender's pid, when it has sent */
	pid_t main;  /* the service's main process */
	int descriptors;
};

static int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int set_up(void **state)
{
	static struct bench bench;
	int before = count_descriptors(), fds[2];

	/* Orphans come to us, as to husk. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ||
		socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) < 0 ||
		sys_pass_credentials(fds[0]) < 0)
		return -1;
	bench = (struct bench){.reader = fds[0], .sender = fds[1], .descriptors = before};
	*state = &bench;
	return pipe2(bench.told, O_CLOEXEC);
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	close(bench->reader);
	close(bench->sender);
	close(bench->told[0]);
	close(bench->told[1]);
	return count_descriptors() == bench->descriptors ? 0 : -1;
}

static void send_text(const struct bench *bench, const char *text)
{
	if (send(bench->sender, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		_exit(1);
}

static void wait_for_ever(const struct bench *bench)
{
	pid_t self = getpid();

	if (write(bench->told[1], &self, sizeof(self)) != sizeof(self))
		_exit(1);
	for (;;)
		pause();
}

static pid_t told(const struct bench *bench)
{
	pid_t pid;

	assert_int_equal(read(bench->told[0], &pid, sizeof(pid)), sizeof(pid));
	return pid;
}

static void end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* With `main` as the main process of a group of its own. */
static struct notify_record take(const struct bench *bench, pid_t main)
{
	const struct notify_source source = {.main = main, .group = main, .husk = getpid()};
	struct notify_record record = {0};

	notify_read(bench->reader, &source, &record);
	return record;
}

static pid_t start(const struct bench *bench, const char *text, bool own_group)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (own_group)
			(void)setpgid(0, 0);
		if (text)
			send_text(bench, text);
		wait_for_ever(bench);
	}
	assert_int_equal(told(bench), pid);
	return pid;
}

static void test_read_nothing_there_returns(void **state)
{
	struct notify_record record = take(*state, 1);

	assert_false(record.ready || record.foreign);
}

static void test_read_main_process_counts(void **state)
{
	struct bench *bench = *state;
	pid_t main = start(bench, "READY=1", true);
	struct notify_record record = take(bench, main);

	assert_true(record.ready);
	assert_false(record.foreign);
	end(main);
}

static void test_read_main_process_gone_counts(void **state)
{
	struct bench *bench = *state;
	pid_t main = start(bench, "STATUS=good bye", true);
	struct notify_record record;

	end(main);
	record = take(bench, main);
	assert_string_equal(record.status, "good bye");
}

static void test_read_another_process_is_foreign(void **state)
{
	struct bench *bench = *state;
	pid_t main = start(bench, NULL, true), other = start(bench, "READY=1\nMAINPID=1", true);
	struct notify_record record = take(bench, main);

	assert_false(record.ready);
	assert_true(record.foreign);
	assert_int_equal(record.main_pid, 0);
	/* Nor one that is above it. */
	send_text(bench, "READY=1");
	assert_false(take(bench, main).ready);
	end(other);
	end(main);
}

/* Two below, in a group and a session of its own. */
static void start_tree(const struct bench *bench)
{
	(void)setpgid(0, 0);
	if (fork() == 0) {
		if (fork() == 0) {
			(void)setsid();
			send_text(bench, "READY=1");
			wait_for_ever(bench);
		}
		for (;;)
			pause();
	}
	wait_for_ever(bench);
}

static void test_read_descendant_counts(void **state)
{
	struct bench *bench = *state;
	pid_t main = fork(), first, second;

	if (main == 0)
		start_tree(bench);
	first = told(bench);
	second = told(bench);
	assert_true(take(bench, main).ready);
	end(main);
	/* The others have come to us. */
	(void)kill(first == main ? second : first, SIGKILL);
	(void)kill(-main, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* An orphan: no descendant any more. It is to be the main process. */
static pid_t start_orphan(const struct bench *bench, bool leaves)
{
	pid_t main = start(bench, NULL, true), middle = fork(), orphan;

	if (middle == 0) {
		if (setpgid(0, main) < 0)
			_exit(1);
		if (fork() == 0) {
			char text[64];

			while (getppid() == getpgid(0) || getppid() == main)
				;
			if (leaves)
				(void)setsid();
			(void)snprintf(text, sizeof(text), "READY=1\nMAINPID=%d", (int)getpid());
			send_text(bench, text);
			wait_for_ever(bench);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	orphan = told(bench);
	assert_true(orphan > 0);
	return main;
}

static void end_group(pid_t main)
{
	(void)kill(-main, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void test_read_orphan_of_the_group_counts_and_can_be_main(void **state)
{
	struct bench *bench = *state;
	pid_t main = start_orphan(bench, false);
	struct notify_record record = take(bench, main);

	assert_true(record.ready);
	assert_true(record.main_pid > 0 && record.main_pid != main);
	end_group(main);
}

static void test_read_orphan_of_another_session_is_foreign(void **state)
{
	struct bench *bench = *state;
	pid_t main = start_orphan(bench, true);
	struct notify_record record;
	struct ucred sender;
	char text[64];

	assert_true(recv(bench->reader, text, sizeof(text), MSG_PEEK) > 0);
	record = take(bench, main);
	assert_false(record.ready);
	assert_int_equal(record.main_pid, 0);
	/* Its pid, to end it. */
	text[0] = '\0';
	assert_int_equal(sys_recv_sent(bench->reader, text, sizeof(text), &sender), -1);
	end(main);
	while (waitpid(-1, NULL, WNOHANG) == 0) {
		FILE *file = fopen("/proc/thread-self/children", "re");
		int pid = 0;

		assert_non_null(file);
		if (fscanf(file, "%d", &pid) == 1)
			(void)kill(pid, SIGKILL);
		(void)fclose(file);
	}
}

static void test_read_main_pid_of_a_stranger_refused(void **state)
{
	struct bench *bench = *state;
	pid_t other = start(bench, NULL, true), main = fork();
	struct notify_record record;
	char text[64];

	if (main == 0) {
		(void)setpgid(0, 0);
		(void)snprintf(text, sizeof(text), "MAINPID=%d", (int)other);
		send_text(bench, text);
		send_text(bench, "MAINPID=1\nSTATUS=kept");
		(void)snprintf(text, sizeof(text), "MAINPID=%d", (int)getppid());
		send_text(bench, text);
		send_text(bench, "MAINPID=2147483647");
		wait_for_ever(bench);
	}
	(void)told(bench);
	record = take(bench, main);
	assert_int_equal(record.main_pid, 0);
	assert_string_equal(record.status, "kept");
	end(main);
	end(other);
}

static void test_read_main_pid_of_a_child_taken(void **state)
{
	struct bench *bench = *state;
	pid_t main = fork(), child;
	char text[64];

	if (main == 0) {
		(void)setpgid(0, 0);
		child = fork();
		if (child == 0)
			for (;;)
				pause();
		(void)snprintf(text, sizeof(text), "MAINPID=%d", (int)child);
		send_text(bench, text);
		wait_for_ever(bench);
	}
	(void)told(bench);
	child = take(bench, main).main_pid;
	assert_true(child > 0 && child != main);
	end_group(main);
}

static void test_read_too_many_are_left_for_later(void **state)
{
	struct bench *bench = *state;
	struct notify_record record;
	int on = 1 << 20, sent = 0;

	(void)setsockopt(bench->sender, SOL_SOCKET, SO_SNDBUF, &on, sizeof(on));
	while (send(bench->sender, "STATUS=x", 8, MSG_DONTWAIT) == 8)
		sent++;
	record = take(bench, getpid());
	assert_string_equal(record.status, "x");
	if (sent > NOTIFY_MESSAGES_MAX)
		assert_int_equal(loop_await(bench->reader, LOOP_READ, 0), LOOP_READ);
	while (loop_await(bench->reader, LOOP_READ, 0) > 0)
		(void)take(bench, getpid());
}

/* sd_notify_barrier(3): the sender waits until its descriptor is closed here. */
static void test_read_descriptors_that_come_along_are_closed(void **state)
{
	struct bench *bench = *state;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	char text[] = "BARRIER=1", byte;
	struct iovec part = {text, sizeof(text) - 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	*head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(head), &fds[1], sizeof(int));
	assert_int_equal(sendmsg(bench->sender, &message, 0), sizeof(text) - 1);
	close(fds[1]);
	assert_int_equal(loop_await(fds[0], LOOP_READ, 0), 0);
	assert_false(take(bench, getpid()).foreign);
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
}

static void test_read_too_long_ignored(void **state)
{
	struct bench *bench = *state;
	static char text[NOTIFY_MESSAGE_MAX + 10];
	struct notify_record record;

	memset(text, '\n', sizeof(text));
	memcpy(text, "READY=1", 7);
	assert_int_equal(send(bench->sender, text, sizeof(text), 0), sizeof(text));
	assert_int_equal(send(bench->sender, "", 0, 0), 0);
	assert_int_equal(send(bench->sender, "STATUS=after", 12, 0), 12);
	record = take(bench, getpid());
	assert_false(record.ready);
	assert_string_equal(record.status, "after");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_read_nothing_there_returns),
		TEST(test_read_main_process_counts),
		TEST(test_read_main_process_gone_counts),
		TEST(test_read_another_process_is_foreign),
		TEST(test_read_descendant_counts),
		TEST(test_read_orphan_of_the_group_counts_and_can_be_main),
		TEST(test_read_orphan_of_another_session_is_foreign),
		TEST(test_read_main_pid_of_a_stranger_refused),
		TEST(test_read_main_pid_of_a_child_taken),
		TEST(test_read_too_many_are_left_for_later),
		TEST(test_read_descriptors_that_come_along_are_closed),
		TEST(test_read_too_long_ignored),
	};

	return cmocka_run_group_tests_name("notify_read", tests, NULL, NULL);
}
