#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "base/sys.h"

static uint64_t bit(int signal)
{
	return UINT64_C(1) << (signal - 1);
}

/* 32 to 34 are those that the C libraries keep to themselves. */
static void test_signals_of_the_c_library_blocked_and_read(void **state)
{
	static const int signals[] = {SIGTERM, 32, 33, 34, 64};
	struct sys_sigset set = {0}, old, now;
	struct signalfd_siginfo info;
	int fd;

	(void)state;
	for (size_t i = 0; i < COUNT(signals); i++)
		set.bits |= bit(signals[i]);
	assert_int_equal(sys_sigmask(SIG_BLOCK, &set, &old), 0);
	assert_int_equal(sys_sigmask(SIG_BLOCK, NULL, &now), 0);
	assert_true((now.bits & set.bits) == set.bits);
	fd = sys_signalfd(&set);
	assert_true(fd >= 0);
	assert_int_equal(sys_get_fd_flags(fd), FD_CLOEXEC);
	assert_int_equal(sys_read(fd, &info, sizeof(info)), -1);
	assert_int_equal(errno, EAGAIN);
	for (size_t i = 0; i < COUNT(signals); i++) {
		struct sys_sigset pending;

		assert_int_equal(sys_kill(sys_getpid(), signals[i]), 0);
		assert_int_equal(sys_sigpending(&pending), 0);
		assert_true((pending.bits & bit(signals[i])) != 0);
		assert_int_equal(sys_read(fd, &info, sizeof(info)), sizeof(info));
		assert_int_equal(info.ssi_signo, signals[i]);
	}
	assert_int_equal(sys_close(fd), 0);
	assert_int_equal(sys_sigmask(SIG_SETMASK, &old, NULL), 0);
}

static void test_sigtake_pending_only(void **state)
{
	struct sys_sigset set = {bit(33)}, old;

	(void)state;
	assert_int_equal(sys_sigmask(SIG_BLOCK, &set, &old), 0);
	assert_int_equal(sys_sigtake(&set), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(sys_kill(sys_getpid(), 33), 0);
	assert_int_equal(sys_sigtake(&set), 33);
	assert_int_equal(sys_sigtake(&set), -1);
	assert_int_equal(sys_sigmask(SIG_SETMASK, &old, NULL), 0);
}

static void test_sigwait_pending_taken_with_its_sender(void **state)
{
	struct sys_sigset set = {bit(34)}, old;
	struct sys_signal taken;

	(void)state;
	assert_int_equal(sys_sigmask(SIG_BLOCK, &set, &old), 0);
	assert_int_equal(sys_kill(sys_getpid(), 34), 0);
	assert_int_equal(sys_sigwait(&set, &taken), 0);
	assert_int_equal(taken.number, 34);
	assert_int_equal(taken.code, SI_USER);
	assert_int_equal(taken.pid, sys_getpid());
	assert_int_equal(sys_sigtake(&set), -1);
	assert_int_equal(sys_sigmask(SIG_SETMASK, &old, NULL), 0);
}

static void test_sigaction_ignored_and_back(void **state)
{
	static const int signals[] = {SIGUSR1, 34, 64};

	(void)state;
	for (size_t i = 0; i < COUNT(signals); i++) {
		assert_int_equal(sys_sigaction_ignore(signals[i]), 0);
		assert_int_equal(sys_is_ignored(signals[i]), 1);
		assert_int_equal(sys_kill(sys_getpid(), signals[i]), 0);
		assert_int_equal(sys_sigaction_default(signals[i]), 0);
		assert_int_equal(sys_is_ignored(signals[i]), 0);
	}
	assert_int_equal(sys_sigaction_ignore(SIGKILL), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(sys_is_ignored(65), -1);
}

static void test_descriptors_close_on_exec(void **state)
{
	int fds[8] = {-1}, count = 0;

	(void)state;
	fds[count++] = sys_open("/dev/null", O_RDONLY, 0);
	fds[count++] = sys_openat(AT_FDCWD, "/dev/null", O_RDONLY, 0);
	fds[count++] = sys_epoll_create();
	assert_int_equal(sys_pipe(&fds[count], 0), 0);
	count += 2;
	for (int i = 0; i < count; i++) {
		assert_true(fds[i] >= 0);
		assert_int_equal(sys_get_fd_flags(fds[i]), FD_CLOEXEC);
		assert_int_equal(sys_close(fds[i]), 0);
	}
	assert_int_equal(sys_get_fd_flags(fds[0]), -1);
	assert_int_equal(errno, EBADF);
}

/* One folder for the calls on names. */
static void test_names_made_looked_at_removed(void **state)
{
	char path[256], target[64] = {0}, entries[4096];
	struct stat st;
	struct statfs fs;
	int dir, fd;

	(void)state;
	(void)unit_path(path, sizeof(path), "husk-sys-XXXXXX");
	assert_non_null(mkdtemp(path));
	dir = sys_open(path, O_RDONLY | O_DIRECTORY, 0);
	assert_true(dir >= 0);
	assert_int_equal(sys_statfs(path, &fs), 0);
	assert_int_equal(sys_mkdirat(dir, "sub", 0700), 0);
	fd = sys_openat(dir, "sub/file", O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(sys_write(fd, "abcd", 4), 4);
	assert_int_equal(sys_fsync(fd), 0);
	assert_int_equal(sys_fchmod(fd, 0640), 0);
	assert_int_equal(sys_fchown(fd, sys_geteuid(), getegid()), 0);
	assert_int_equal(sys_fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 4);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(sys_close(fd), 0);
	assert_int_equal(sys_access(dir, "sub/file", R_OK, 0), 0);
	assert_int_equal(sys_renameat(dir, "sub/file", dir, "moved"), 0);
	assert_int_equal(sys_fstatat(dir, "moved", &st, 0), 0);
	assert_int_equal(st.st_size, 4);
	assert_int_equal(sys_symlinkat("sub/file", dir, "link"), 0);
	assert_int_equal(sys_readlinkat(dir, "link", target, sizeof(target)), 8);
	assert_string_equal(target, "sub/file");
	assert_int_equal(sys_fstatat(dir, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_true(sys_getdents(dir, entries, sizeof(entries)) > 0);
	assert_int_equal(sys_getdents(dir, entries, sizeof(entries)), 0);
	assert_int_equal(sys_unlinkat(dir, "link", 0), 0);
	assert_int_equal(sys_unlinkat(dir, "moved", 0), 0);
	assert_int_equal(sys_unlinkat(dir, "sub", AT_REMOVEDIR), 0);
	assert_int_equal(sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR), 0);
	assert_int_equal(sys_close(dir), 0);
}

/* RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, where the kernel and its filters have the call. */
static void test_openat2_beneath_only(void **state)
{
	enum { NO_SYMLINKS = 0x04, BENEATH = 0x08 };
	int dir = sys_open("/dev", O_RDONLY | O_DIRECTORY, 0), fd;

	(void)state;
	assert_true(dir >= 0);
	fd = sys_openat2(dir, "null", O_RDONLY, 0600, BENEATH | NO_SYMLINKS);
	if (fd == -1) {
		assert_true(errno == ENOSYS || errno == EPERM);
		assert_int_equal(sys_close(dir), 0);
		skip();
	}
	assert_int_equal(sys_get_fd_flags(fd), FD_CLOEXEC);
	assert_int_equal(sys_close(fd), 0);
	assert_int_equal(sys_openat2(dir, "../dev/null", O_RDONLY, 0, BENEATH), -1);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(sys_close(dir), 0);
}

static void test_file_written_read(void **state)
{
	struct iovec iov[2] = {{(char[]){'a', 'b'}, 2}, {(char[]){'c'}, 1}};
	int fd = unit_file();
	char got[8] = {0};

	(void)state;
	assert_int_equal(sys_writev(fd, iov, 2), 3);
	assert_int_equal(sys_pread(fd, got, 2, 1), 2);
	assert_string_equal(got, "bc");
	assert_int_equal(sys_lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(sys_read(fd, got, sizeof(got)), 3);
	assert_int_equal(sys_close(fd), 0);
}

static void test_writes_without_waiting(void **state)
{
	int fds[2];
	char got[8];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(sys_can_write(fds[0]), 1);
	assert_int_equal(sys_await_write(fds[0]), 0);
	assert_int_equal(sys_send_nowait(fds[0], "ab", 2), 2);
	assert_int_equal(sys_read(fds[1], got, sizeof(got)), 2);
	assert_int_equal(sys_close(fds[1]), 0);
	assert_int_equal(sys_send_nowait(fds[0], "ab", 2), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(sys_close(fds[0]), 0);
	assert_int_equal(sys_write_nowait(fds[0], "ab", 2), -1);
	assert_int_equal(errno, EBADF);
}

static void test_fork_wait_status(void **state)
{
	int status = 0;
	pid_t child = sys_fork();

	(void)state;
	if (child == 0)
		sys_exit(sys_getppid() > 0 && sys_setsid() == sys_getpid() &&
					 sys_getsid(0) == sys_getpid() &&
					 sys_getpgid(0) == sys_getpid()
				 ? 7
				 : 8);
	assert_true(child > 0);
	assert_int_equal(sys_wait(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_int_equal(sys_wait(-1, &status, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_exec_no_such_program(void **state)
{
	char *const none[] = {NULL};

	(void)state;
	assert_int_equal(sys_execve("/nonexistent/program", none, none), -1);
	assert_int_equal(errno, ENOENT);
}

/* In a child: none of it can be undone, or it would outlive the test. */
static bool change_process(void)
{
	struct rlimit limit, read_back;
	int death = 0;

	if (sys_prlimit(0, RLIMIT_CORE, NULL, &limit) != 0)
		return false;
	limit.rlim_cur = 0;
	if (sys_prlimit(0, RLIMIT_CORE, &limit, NULL) != 0 ||
		getrlimit(RLIMIT_CORE, &read_back) != 0 || read_back.rlim_cur != 0)
		return false;
	if (sys_set_parent_death_signal(SIGKILL) != 0 || prctl(PR_GET_PDEATHSIG, &death) != 0 ||
		death != SIGKILL)
		return false;
	if (sys_set_subreaper(true) != 0 || sys_get_subreaper() != 1)
		return false;
	if (sys_setpriority(0, 19) != 0 || getpriority(PRIO_PROCESS, 0) != 19)
		return false;
	if (sys_setpgid(0, 0) != 0 || sys_getpgid(0) != sys_getpid())
		return false;
	(void)sys_umask(027);
	return sys_umask(0) == 027 && sys_chdir("/") == 0;
}

static void test_process_attributes_set(void **state)
{
	int status = 0;
	pid_t child = sys_fork();

	(void)state;
	if (child == 0)
		sys_exit(change_process() ? 0 : 1);
	assert_true(child > 0);
	assert_int_equal(sys_wait(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(sys_get_subreaper(), 0);
}

/* A packet is taken whole or cut, and says how long it was. */
static void test_sockets_packets_passed_with_credentials(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0husk-test-"};
	size_t size = offsetof(struct sockaddr_un, sun_path) + 12 + 16;
	struct ucred peer;
	char data[8];
	int server = sys_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK);
	int client = sys_socket(AF_UNIX, SOCK_SEQPACKET), accepted;

	(void)state;
	(void)snprintf(address.sun_path + 12, 17, "%016d", (int)getpid());
	assert_int_equal(sys_get_fd_flags(client), FD_CLOEXEC);
	assert_int_equal(sys_bind(server, (const struct sockaddr *)&address, size), 0);
	assert_int_equal(sys_listen(server, 1), 0);
	assert_int_equal(sys_accept(server), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(sys_connect(client, (const struct sockaddr *)&address, size), 0);
	accepted = sys_accept(server);
	assert_true(accepted >= 0);
	assert_int_equal(sys_get_fd_flags(accepted), FD_CLOEXEC);
	assert_int_equal(sys_peer_credentials(client, &peer), 0);
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(sys_recv(accepted, data, sizeof(data), 0), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(sys_send_nowait(client, "0123456789", 10), 10);
	assert_int_equal(sys_recv(accepted, data, sizeof(data), MSG_TRUNC), 10);
	assert_int_equal(sys_close(client), 0);
	assert_int_equal(sys_recv(accepted, data, sizeof(data), 0), 0);
	assert_int_equal(sys_close(accepted), 0);
	assert_int_equal(sys_close(server), 0);
}

static void test_sockets_sender_of_a_packet_told(void **state)
{
	struct ucred sender;
	char text[4];
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	assert_int_equal(send(fds[1], "nobody", 6, 0), 6);
	assert_int_equal(sys_pass_credentials(fds[0]), 0);
	assert_int_equal(send(fds[1], "me", 2, 0), 2);
	/* More than there was room for. */
	assert_int_equal(sys_recv_sent(fds[0], text, sizeof(text), &sender), 6);
	assert_int_equal(sys_recv_sent(fds[0], text, sizeof(text), &sender), 2);
	assert_memory_equal(text, "me", 2);
	assert_int_equal(sender.pid, getpid());
	assert_int_equal(sys_recv_sent(fds[0], text, sizeof(text), &sender), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(sender.pid, 0);
	assert_int_equal(sys_pass_credentials(-1), -1);
	close(fds[0]);
	close(fds[1]);
}

static void test_pidfd_readable_once_the_process_has_ended(void **state)
{
	pid_t pid = fork();
	int fd;

	(void)state;
	if (pid == 0)
		for (;;)
			pause();
	fd = sys_pidfd_open(pid);
	assert_true(fd >= 0);
	assert_int_equal(sys_get_fd_flags(fd), FD_CLOEXEC);
	assert_int_equal(sys_poll(fd, POLLIN, 0), 0);
	assert_int_equal(sys_kill(pid, SIGKILL), 0);
	assert_int_equal(sys_poll(fd, POLLIN, 60000), POLLIN);
	assert_int_equal(sys_wait(pid, NULL, 0), pid);
	assert_int_equal(sys_pidfd_open(pid), -1);
	close(fd);
}

static void test_terminal_calls_on_a_pipe_refused(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(sys_pipe(fds, 0), 0);
	assert_false(sys_is_terminal(fds[0]));
	assert_int_equal(sys_tcgetpgrp(fds[0]), -1);
	assert_int_equal(sys_tcsetpgrp(fds[0], 1), -1);
	assert_int_equal(sys_set_controlling_tty(fds[0]), -1);
	assert_int_equal(sys_drop_controlling_tty(fds[0]), -1);
	assert_int_equal(sys_dup3(fds[0], fds[1], O_CLOEXEC), fds[1]);
	assert_int_equal(sys_set_status_flags(fds[0], O_NONBLOCK), 0);
	assert_int_equal(sys_get_status_flags(fds[1]), O_RDONLY | O_NONBLOCK);
	assert_int_equal(sys_close(fds[0]), 0);
	assert_int_equal(sys_close(fds[1]), 0);
}

static void test_epoll_readiness_told(void **state)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 42};
	int epoll = sys_epoll_create(), fds[2];

	(void)state;
	assert_int_equal(sys_pipe(fds, 0), 0);
	assert_int_equal(sys_epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event), 0);
	assert_int_equal(sys_epoll_wait(epoll, &event, 1, 0), 0);
	assert_int_equal(sys_write(fds[1], "x", 1), 1);
	assert_int_equal(sys_epoll_wait(epoll, &event, 1, -1), 1);
	assert_int_equal(event.data.u64, 42);
	assert_int_equal(sys_close(fds[0]), 0);
	assert_int_equal(sys_close(fds[1]), 0);
	assert_int_equal(sys_close(epoll), 0);
}

static void test_clocks_forward(void **state)
{
	int64_t before = sys_now();

	(void)state;
	sys_sleep(1000000);
	assert_true(sys_now() > before);
	/* After 2020. */
	assert_true(sys_wall_clock() > INT64_C(1577836800000000000));
}

static void test_sockets_connect_without_waiting(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in own = {0};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);

	(void)state;
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(sys_socket_name(listener, (struct sockaddr *)&address, &len), 0);
	assert_true(address.sin_port != 0);
	assert_int_equal(sys_poll(listener, POLLIN, 0), 0);
	assert_true(sys_connect(fd, (struct sockaddr *)&address, len) == 0 || errno == EINPROGRESS);
	assert_int_equal(sys_poll(fd, POLLOUT, -1), POLLOUT);
	assert_int_equal(sys_socket_error(fd), 0);
	assert_int_equal(sys_poll(listener, POLLIN, -1), POLLIN);
	len = sizeof(own);
	assert_int_equal(sys_socket_name(fd, (struct sockaddr *)&own, &len), 0);
	assert_int_equal(own.sin_addr.s_addr, address.sin_addr.s_addr);
	close(fd);
	close(listener);
	/* Nobody listens there any more. */
	fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
	if (sys_connect(fd, (struct sockaddr *)&address, len) < 0 && errno == EINPROGRESS) {
		assert_true(sys_poll(fd, POLLOUT, -1) > 0);
		errno = sys_socket_error(fd);
	}
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
	assert_int_equal(sys_socket_error(fd), -1);
}

static void test_machine_asked(void **state)
{
	unsigned long mask[1024 / sizeof(long)] = {0};
	struct sysinfo info;
	struct utsname name;
	char host[256];
	ssize_t got;

	(void)state;
	got = sys_sched_getaffinity(0, mask, sizeof(mask));
	assert_true(got > 0 && (size_t)got <= sizeof(mask));
	assert_int_equal(sys_sysinfo(&info), 0);
	assert_true(info.totalram > 0);
	assert_int_equal(sys_uname(&name), 0);
	assert_string_equal(name.sysname, "Linux");
	assert_int_equal(sys_gethostname(host, sizeof(host)), 0);
	assert_string_equal(host, name.nodename);
}

static void test_madvise_page_dropped(void **state)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(page != MAP_FAILED);
	page[0] = 1;
	assert_int_equal(sys_madvise(page, 4096, MADV_DONTNEED), 0);
	assert_int_equal(page[0], 0);
	assert_int_equal(munmap(page, 4096), 0);
}

static void test_memfd_sealed_and_mapped(void **state)
{
	int fd = sys_memfd("test");
	char *copy;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(sys_write(fd, "abc", 3), 3);
	assert_int_equal(sys_is_sealed(fd), 0);
	assert_int_equal(sys_seal(fd), 0);
	assert_int_equal(sys_is_sealed(fd), 1);
	assert_int_equal(sys_is_sealed(-1), -1);
	assert_int_equal(sys_write(fd, "d", 1), -1);
	copy = sys_map_copy(fd, 3);
	assert_non_null(copy);
	copy[0] = 'x';
	assert_memory_equal(copy, "xbc", 3);
	assert_int_equal(sys_unmap(copy, 3), 0);
	copy = sys_map_copy(fd, 3);
	assert_memory_equal(copy, "abc", 3);
	assert_int_equal(sys_unmap(copy, 3), 0);
	assert_null(sys_map_copy(-1, 3));
	close(fd);
}

static void test_inotify_change_told(void **state)
{
	int fd = sys_inotify_init();
	char path[256], events[512];
	int file;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	(void)unit_path(path, sizeof(path), "husk-sys-XXXXXX");
	assert_non_null(mkdtemp(path));
	assert_true(sys_inotify_add(fd, path, IN_CREATE) >= 0);
	assert_int_equal(sys_inotify_add(fd, "/nowhere/at/all", IN_CREATE), -1);
	assert_int_equal(sys_read(fd, events, sizeof(events)), -1);
	assert_int_equal(errno, EAGAIN);
	strcat(path, "/x");
	file = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(file >= 0);
	close(file);
	assert_true(sys_read(fd, events, sizeof(events)) > 0);
	assert_int_equal(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals_of_the_c_library_blocked_and_read),
		cmocka_unit_test(test_sigtake_pending_only),
		cmocka_unit_test(test_sigwait_pending_taken_with_its_sender),
		cmocka_unit_test(test_sigaction_ignored_and_back),
		cmocka_unit_test(test_descriptors_close_on_exec),
		cmocka_unit_test(test_names_made_looked_at_removed),
		cmocka_unit_test(test_openat2_beneath_only),
		cmocka_unit_test(test_file_written_read),
		cmocka_unit_test(test_writes_without_waiting),
		cmocka_unit_test(test_fork_wait_status),
		cmocka_unit_test(test_exec_no_such_program),
		cmocka_unit_test(test_process_attributes_set),
		cmocka_unit_test(test_sockets_packets_passed_with_credentials),
		cmocka_unit_test(test_sockets_sender_of_a_packet_told),
		cmocka_unit_test(test_pidfd_readable_once_the_process_has_ended),
		cmocka_unit_test(test_terminal_calls_on_a_pipe_refused),
		cmocka_unit_test(test_epoll_readiness_told),
		cmocka_unit_test(test_clocks_forward),
		cmocka_unit_test(test_sockets_connect_without_waiting),
		cmocka_unit_test(test_machine_asked),
		cmocka_unit_test(test_madvise_page_dropped),
		cmocka_unit_test(test_memfd_sealed_and_mapped),
		cmocka_unit_test(test_inotify_change_told),
	};

	return cmocka_run_group_tests_name("sys", tests, NULL, NULL);
}
