#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/fd.h"
#include "base/sys.h"

UNIT_MEMORY

/*
 * The three ways of a write that cannot wait, forced one after the other: a description of our
 * own; RWF_NOWAIT; poll. The linker puts these in the place of the real ones.
 */
enum way { WAY_REOPEN, WAY_NOWAIT, WAY_POLL, WAY_COUNT };
static enum way way;

int __real_sys_open(const char *path, int flags, mode_t mode);
int __wrap_sys_open(const char *path, int flags, mode_t mode);
int __wrap_sys_open(const char *path, int flags, mode_t mode)
{
	if (way != WAY_REOPEN && strncmp(path, "/proc/self/fd/", 14) == 0) {
		errno = EACCES;
		return -1;
	}
	return __real_sys_open(path, flags, mode);
}

ssize_t __real_sys_write_nowait(int fd, const void *data, size_t size);
ssize_t __wrap_sys_write_nowait(int fd, const void *data, size_t size);
ssize_t __wrap_sys_write_nowait(int fd, const void *data, size_t size)
{
	if (way == WAY_POLL) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return __real_sys_write_nowait(fd, data, size);
}

/* Writes that are refused before the next that is not. */
static int refused;

ssize_t __real_sys_write(int fd, const void *data, size_t size);
ssize_t __wrap_sys_write(int fd, const void *data, size_t size);
ssize_t __wrap_sys_write(int fd, const void *data, size_t size)
{
	if (refused > 0) {
		refused--;
		errno = EAGAIN;
		return -1;
	}
	return __real_sys_write(fd, data, size);
}

static char block[PIPE_BUF];

/* Until nothing more goes in, on a description whose flags nobody else sees. */
static void fill(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	char byte = 'x';

	assert_int_equal(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	while (write(fd, &byte, 1) > 0)
		;
	assert_int_equal(fcntl(fd, F_SETFL, flags), 0);
}

static void test_write_nowait_empty_pipe_whole(void **state)
{
	char got[16];
	int fds[2];

	(void)state;
	for (way = 0; way < WAY_COUNT; way++) {
		assert_int_equal(pipe(fds), 0);
		assert_int_equal(fd_write_nowait(fds[1], "message", 7), 7);
		assert_int_equal(read(fds[0], got, sizeof(got)), 7);
		assert_memory_equal(got, "message", 7);
		assert_int_equal(fd_write_nowait(fds[1], "", 0), 0);
		close(fds[0]);
		close(fds[1]);
	}
	way = WAY_REOPEN;
}

/* As a terminal does while another process writes to it. */
static void test_write_nowait_refused_for_a_moment_whole(void **state)
{
	char got[16];
	int fds[2];

	(void)state;
	way = WAY_REOPEN;
	assert_int_equal(pipe(fds), 0);
	refused = 3;
	assert_int_equal(fd_write_nowait(fds[1], "message", 7), 7);
	assert_int_equal(read(fds[0], got, sizeof(got)), 7);
	refused = INT_MAX;
	assert_int_equal(fd_write_nowait(fds[1], "message", 7), -1);
	assert_int_equal(errno, EAGAIN);
	refused = 0;
	close(fds[0]);
	close(fds[1]);
}

static void test_write_nowait_full_pipe_eagain(void **state)
{
	int fds[2];

	(void)state;
	for (way = 0; way < WAY_COUNT; way++) {
		assert_int_equal(pipe(fds), 0);
		fill(fds[1]);
		errno = 0;
		assert_int_equal(fd_write_nowait(fds[1], block, sizeof(block)), -1);
		assert_int_equal(errno, EAGAIN);
		assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
		close(fds[0]);
		close(fds[1]);
	}
	way = WAY_REOPEN;
}

/* More than there is room for: it returns, whatever it could write. */
static void test_write_nowait_more_than_a_pipe_holds_returns(void **state)
{
	static char large[1 << 21];
	int fds[2];

	(void)state;
	for (way = 0; way < WAY_COUNT; way++) {
		assert_int_equal(pipe(fds), 0);
		assert_true(fd_write_nowait(fds[1], large, sizeof(large)) < (ssize_t)sizeof(large));
		close(fds[0]);
		close(fds[1]);
	}
	way = WAY_REOPEN;
}

/* The signal's default action would end this test. */
static void test_write_nowait_no_reader_epipe_no_signal(void **state)
{
	struct sys_sigset pipe_only = {UINT64_C(1) << (SIGPIPE - 1)}, pending;
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	for (way = 0; way < WAY_COUNT; way++) {
		assert_int_equal(pipe(fds), 0);
		close(fds[0]);
		for (int blocked = 0; blocked < 2; blocked++) {
			if (blocked != 0)
				assert_int_equal(sys_sigmask(SIG_BLOCK, &pipe_only, NULL), 0);
			assert_int_equal(fd_write_nowait(fds[1], "x", 1), -1);
			assert_int_equal(errno, EPIPE);
			/* Nor is one left for who blocks it. */
			assert_int_equal(sys_sigpending(&pending), 0);
			assert_true((pending.bits & pipe_only.bits) == 0);
		}
		assert_int_equal(sys_sigmask(SIG_UNBLOCK, &pipe_only, NULL), 0);
		close(fds[1]);
	}
	way = WAY_REOPEN;
}

/* One that somebody sent is not taken, whether a reader is lost or only slow. */
static void test_write_nowait_signal_from_elsewhere_kept(void **state)
{
	struct sys_sigset pipe_only = {UINT64_C(1) << (SIGPIPE - 1)}, pending;
	int fds[2];

	(void)state;
	assert_int_equal(sys_sigmask(SIG_BLOCK, &pipe_only, NULL), 0);
	assert_int_equal(kill(getpid(), SIGPIPE), 0);
	for (way = 0; way < WAY_COUNT; way++) {
		assert_int_equal(pipe(fds), 0);
		fill(fds[1]);
		assert_int_equal(fd_write_nowait(fds[1], "x", 1), -1);
		assert_int_equal(errno, EAGAIN);
		close(fds[0]);
		assert_int_equal(fd_write_nowait(fds[1], "x", 1), -1);
		assert_int_equal(errno, EPIPE);
		close(fds[1]);
		assert_int_equal(sys_sigpending(&pending), 0);
		assert_true((pending.bits & pipe_only.bits) != 0);
	}
	way = WAY_REOPEN;
	assert_int_equal(sys_sigtake(&pipe_only), SIGPIPE);
	assert_int_equal(sys_sigmask(SIG_UNBLOCK, &pipe_only, NULL), 0);
}

static void test_write_nowait_full_socket_eagain(void **state)
{
	int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	int fds[2];

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		assert_int_equal(socketpair(AF_UNIX, types[i], 0, fds), 0);
		fill(fds[1]);
		assert_int_equal(fd_write_nowait(fds[1], block, sizeof(block)), -1);
		assert_int_equal(errno, EAGAIN);
		close(fds[0]);
		close(fds[1]);
	}
}

static void test_write_nowait_closed_socket_no_signal(void **state)
{
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	close(fds[0]);
	assert_int_equal(fd_write_nowait(fds[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(fds[1]);
}

static void test_write_nowait_file_at_its_position(void **state)
{
	int fd = unit_file();
	char got[16];

	(void)state;
	assert_int_equal(write(fd, "ab", 2), 2);
	assert_int_equal(fd_write_nowait(fd, "cd", 2), 2);
	assert_int_equal(write(fd, "ef", 2), 2);
	assert_int_equal(pread(fd, got, sizeof(got), 0), 6);
	assert_memory_equal(got, "abcdef", 6);
	close(fd);
}

static void test_write_nowait_device_written(void **state)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	for (way = 0; way < WAY_COUNT; way++)
		assert_int_equal(fd_write_nowait(fd, block, 200), 200);
	way = WAY_REOPEN;
	close(fd);
}

static void test_write_nowait_not_for_writing_ebadf(void **state)
{
	char byte;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fd_write_nowait(fds[0], "x", 1), -1);
	assert_int_equal(errno, EBADF);
	close(fds[1]);
	/* Nothing came through the back door. */
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
	assert_int_equal(fd_write_nowait(fds[0], "x", 1), -1);
	assert_int_equal(errno, EBADF);
}

/*
 * How much a terminal takes is the kernel's affair and differs; that each call comes back is all
 * that is asked for, with its output stopped or its buffer full.
 */
static void test_write_nowait_terminal_returns(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int terminal = -1;
	const char *name;

	(void)state;
	if (master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0) {
		name = ptsname(master);
		if (name != NULL)
			terminal = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	}
	if (terminal < 0) {
		if (master >= 0)
			close(master);
		skip();
	}
	memset(block, '\n', sizeof(block));
	for (way = 0; way < WAY_COUNT; way++) {
		(void)tcflow(terminal, TCOOFF);
		for (int i = 0; i < 100; i++)
			(void)fd_write_nowait(terminal, block, sizeof(block));
		(void)tcflow(terminal, TCOON);
		for (int i = 0; i < 100; i++)
			(void)fd_write_nowait(terminal, block, sizeof(block));
	}
	way = WAY_REOPEN;
	assert_int_equal(fcntl(terminal, F_GETFL) & O_NONBLOCK, 0);
	close(master);
	(void)fd_write_nowait(terminal, block, sizeof(block));
	close(terminal);
}

static void test_write_all_slow_reader_whole(void **state)
{
	static char large[300000];
	size_t total = 0;
	int fds[2], status;
	ssize_t got;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	/* As a descriptor that came to us non-blocking. */
	assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(fd_write_all(fds[1], large, sizeof(large)) == 0 ? 0 : 1);
	close(fds[1]);
	while ((got = read(fds[0], block, sizeof(block))) > 0)
		total += (size_t)got;
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(total, sizeof(large));
}

static void test_close_errno_kept_and_minus_one_ignored(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	errno = ENOENT;
	fd_close(&fds[1]);
	assert_int_equal(fds[1], -1);
	fd_close(&fds[1]);
	fds[0] = 9999;
	fd_close(&fds[0]);
	assert_int_equal(errno, ENOENT);
}

static char folder[256];

static const char *in_folder(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int make_folder(void **state)
{
	(void)state;
	(void)unit_path(folder, sizeof(folder), "husk-fd-XXXXXX");
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(in_folder("file"));
	(void)unlink(in_folder("fifo"));
	return rmdir(folder);
}

static void write_file(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static void test_read_file_whole_with_nul(void **state)
{
	struct buf buf;
	struct err err;

	(void)state;
	write_file(in_folder("file"), "a\0b\n", 4);
	assert_int_equal(fd_read_file(in_folder("file"), 4, &buf, &err), 0);
	assert_int_equal(buf.len, 4);
	assert_memory_equal(buf.data, "a\0b\n", 4);
	buf_fini(&buf);
}

static void test_read_file_empty_served(void **state)
{
	struct buf buf;
	struct err err;

	(void)state;
	write_file(in_folder("file"), "", 0);
	assert_int_equal(fd_read_file(in_folder("file"), 10, &buf, &err), 0);
	assert_int_equal(buf.len, 0);
	buf_fini(&buf);
	assert_int_equal(fd_read_file("/dev/null", 10, &buf, &err), 0);
	assert_int_equal(buf.len, 0);
	buf_fini(&buf);
}

static void test_read_file_larger_than_max_refused(void **state)
{
	struct buf buf;
	struct err err;

	(void)state;
	write_file(in_folder("file"), "12345", 5);
	assert_int_equal(fd_read_file(in_folder("file"), 4, &buf, &err), -1);
	assert_string_equal(err.message, "larger than 4 bytes");
	assert_string_equal(err.file, in_folder("file"));
	assert_int_equal(err.code, ERR_CONFIG);
	assert_null(buf.data);
	assert_int_equal(fd_read_file("/dev/zero", 100000, &buf, &err), -1);
	assert_string_equal(err.message, "larger than 100000 bytes");
}

static void test_read_file_out_of_memory_error_says_so(void **state)
{
	struct buf buf;
	struct err err;

	(void)state;
	write_file(in_folder("file"), "12345", 5);
	unit_memory_left = 0;
	assert_int_equal(fd_read_file(in_folder("file"), 100, &buf, &err), -1);
	unit_memory_left = -1;
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_string_equal(err.message, "out of memory");
	assert_null(buf.data);
}

/* PID 1's loop logs, and its loop allocates nothing. */
static void test_write_nowait_no_memory_needed(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	unit_memory_left = 0;
	for (way = 0; way < WAY_COUNT; way++)
		assert_int_equal(fd_write_nowait(fds[1], "x", 1), 1);
	unit_memory_left = -1;
	way = WAY_REOPEN;
	close(fds[0]);
	close(fds[1]);
}

static void test_read_file_missing_error_says_why(void **state)
{
	struct buf buf;
	struct err err;

	(void)state;
	assert_int_equal(fd_read_file(in_folder("missing"), 4, &buf, &err), -1);
	assert_string_equal(err.message, "cannot open: No such file or directory");
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(fd_read_file(in_folder("missing"), 4, &buf, NULL), -1);
}

static void test_read_file_directory_refused(void **state)
{
	struct buf buf;
	struct err err;

	(void)state;
	assert_int_equal(fd_read_file(folder, 4, &buf, &err), -1);
	assert_string_equal(err.message, "cannot read: Is a directory");
}

/* Its writer is this test, which does not end. */
static void test_read_file_fifo_of_slow_writer_ends_by_term(void **state)
{
	struct sys_sigset term = {.bits = UINT64_C(1) << (SIGTERM - 1)}, old;
	struct buf buf;
	struct err err;
	int writer;

	(void)state;
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	writer = open(in_folder("fifo"), O_RDWR | O_CLOEXEC);
	assert_true(writer >= 0);
	assert_int_equal(write(writer, "abc", 3), 3);
	assert_int_equal(sys_sigmask(SIG_BLOCK, &term, &old), 0);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	assert_int_equal(fd_read_file(in_folder("fifo"), 100, &buf, &err), -1);
	assert_int_equal(sys_sigtake(&term), SIGTERM);
	assert_int_equal(sys_sigmask(SIG_SETMASK, &old, NULL), 0);
	assert_string_equal(err.message, "a FIFO whose writer did not end before SIGTERM");
	close(writer);
	assert_int_equal(unlink(in_folder("fifo")), 0);
}

static void test_read_file_fifo_without_writer_no_wait(void **state)
{
	struct buf buf;
	struct err err;

	(void)state;
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(fd_read_file(in_folder("fifo"), 100, &buf, &err), -1);
	assert_string_equal(err.message, "a FIFO that nobody writes to");
	assert_int_equal(unlink(in_folder("fifo")), 0);
}

/* As `husk check -c <(...)` reads it. */
static void test_read_file_pipe_until_its_end(void **state)
{
	static char large[200000];
	struct buf buf;
	struct err err;
	char path[64];
	int fds[2], status;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(fd_write_all(fds[1], large, sizeof(large)) == 0 ? 0 : 1);
	close(fds[1]);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	assert_int_equal(fd_read_file(path, 1 << 20, &buf, &err), 0);
	assert_int_equal(buf.len, sizeof(large));
	buf_fini(&buf);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(fds[0]);
}

static void test_read_file_pipe_larger_than_max_refused(void **state)
{
	struct buf buf;
	struct err err;
	char path[64];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "12345", 5), 5);
	close(fds[1]);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	assert_int_equal(fd_read_file(path, 4, &buf, &err), -1);
	assert_string_equal(err.message, "larger than 4 bytes");
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_nowait_empty_pipe_whole),
		cmocka_unit_test(test_write_nowait_refused_for_a_moment_whole),
		cmocka_unit_test(test_write_nowait_full_pipe_eagain),
		cmocka_unit_test(test_write_nowait_more_than_a_pipe_holds_returns),
		cmocka_unit_test(test_write_nowait_no_reader_epipe_no_signal),
		cmocka_unit_test(test_write_nowait_signal_from_elsewhere_kept),
		cmocka_unit_test(test_write_nowait_full_socket_eagain),
		cmocka_unit_test(test_write_nowait_closed_socket_no_signal),
		cmocka_unit_test(test_write_nowait_file_at_its_position),
		cmocka_unit_test(test_write_nowait_device_written),
		cmocka_unit_test(test_write_nowait_not_for_writing_ebadf),
		cmocka_unit_test(test_write_nowait_terminal_returns),
		cmocka_unit_test(test_write_all_slow_reader_whole),
		cmocka_unit_test(test_close_errno_kept_and_minus_one_ignored),
		cmocka_unit_test(test_read_file_whole_with_nul),
		cmocka_unit_test(test_read_file_empty_served),
		cmocka_unit_test(test_read_file_larger_than_max_refused),
		cmocka_unit_test(test_read_file_out_of_memory_error_says_so),
		cmocka_unit_test(test_write_nowait_no_memory_needed),
		cmocka_unit_test(test_read_file_missing_error_says_why),
		cmocka_unit_test(test_read_file_directory_refused),
		cmocka_unit_test(test_read_file_fifo_without_writer_no_wait),
		cmocka_unit_test(test_read_file_fifo_of_slow_writer_ends_by_term),
		cmocka_unit_test(test_read_file_pipe_until_its_end),
		cmocka_unit_test(test_read_file_pipe_larger_than_max_refused),
	};

	return cmocka_run_group_tests_name("fd", tests, make_folder, remove_folder);
}
