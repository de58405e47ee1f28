#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* musl's headers come without the kernel's, glibc's with those of their day. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif

#define RETRY(result, call) \
	do { \
		(result) = (call); \
	} while ((result) == -1 && errno == EINTR)

int64_t sys_now(void)
{
	struct timespec ts;

	/* Not by the C library: to find the kernel's page that answers without a call costs more
	 * than the few calls that husk makes. */
	(void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t sys_wall_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void sys_sleep(int64_t ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = ns % 1000000000};

	nanosleep(&ts, NULL);
}

int sys_access(int dirfd, const char *path, int mode, int flags)
{
	return faccessat(dirfd, path, mode, flags);
}

int sys_chdir(const char *path)
{
	return chdir(path);
}

/* On Linux the descriptor is gone whatever close says; a second close could hit another's. */
int sys_close(int fd)
{
	return close(fd);
}

ssize_t sys_copy_range(int from, int to, size_t size)
{
	return syscall(SYS_copy_file_range, from, NULL, to, NULL, size, 0);
}

int sys_exchange(int olddir, const char *old, int newdir, const char *new)
{
	/* RENAME_EXCHANGE of linux/fs.h */
	return (int)syscall(SYS_renameat2, olddir, old, newdir, new, 2);
}

int sys_fchmod(int fd, mode_t mode)
{
	return fchmod(fd, mode);
}

int sys_fchown(int fd, uid_t uid, gid_t gid)
{
	return fchown(fd, uid, gid);
}

int sys_flock(int fd, int operation)
{
	return flock(fd, operation);
}

int sys_fstat(int fd, struct stat *st)
{
	return fstat(fd, st);
}

int sys_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	return fstatat(dirfd, path, st, flags);
}

int sys_fsync(int fd)
{
	int result;

	RETRY(result, fsync(fd));
	return result;
}

ssize_t sys_getdents(int fd, void *out, size_t size)
{
	return syscall(SYS_getdents64, fd, out, size);
}

int sys_getrandom(void *out, size_t size)
{
	ssize_t got;

	RETRY(got, getrandom(out, size, 0));
	return got == (ssize_t)size ? 0 : -1;
}

off_t sys_lseek(int fd, off_t offset, int whence)
{
	return lseek(fd, offset, whence);
}

int sys_mkdirat(int dirfd, const char *path, mode_t mode)
{
	return mkdirat(dirfd, path, mode);
}

int sys_open(const char *path, int flags, mode_t mode)
{
	int fd;

	/* musl's open sets close-on-exec by a second call, in case the kernel is from before 2008.
	 */
	RETRY(fd, openat(AT_FDCWD, path, flags | O_CLOEXEC, mode));
	return fd;
}

int sys_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd;

	RETRY(fd, openat(dirfd, path, flags | O_CLOEXEC, mode));
	return fd;
}

int sys_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	/* struct open_how; the kernel refuses a mode without O_CREAT. */
	struct {
		uint64_t flags, mode, resolve;
	} how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0,
		.resolve = resolve,
	};
	long fd;

	RETRY(fd, syscall(SYS_openat2, dirfd, path, &how, sizeof(how)));
	return (int)fd;
}

ssize_t sys_pread(int fd, void *data, size_t size, off_t offset)
{
	ssize_t result;

	RETRY(result, pread(fd, data, size, offset));
	return result;
}

ssize_t sys_read(int fd, void *data, size_t size)
{
	ssize_t result;

	RETRY(result, read(fd, data, size));
	return result;
}

ssize_t sys_readlinkat(int dirfd, const char *path, char *out, size_t size)
{
	return readlinkat(dirfd, path, out, size);
}

int sys_renameat(int olddir, const char *old, int newdir, const char *new)
{
	return renameat(olddir, old, newdir, new);
}

int sys_statfs(const char *path, struct statfs *st)
{
	return statfs(path, st);
}

int sys_symlinkat(const char *target, int dirfd, const char *path)
{
	return symlinkat(target, dirfd, path);
}

mode_t sys_umask(mode_t mask)
{
	return umask(mask);
}

int sys_unlinkat(int dirfd, const char *path, int flags)
{
	return unlinkat(dirfd, path, flags);
}

ssize_t sys_write(int fd, const void *data, size_t size)
{
	ssize_t result;

	RETRY(result, write(fd, data, size));
	return result;
}

ssize_t sys_writev(int fd, const struct iovec *iov, int count)
{
	ssize_t result;

	RETRY(result, writev(fd, iov, count));
	return result;
}

int sys_can_write(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
	int result;

	RETRY(result, poll(&pollfd, 1, 0));
	return result;
}

ssize_t sys_send_nowait(int fd, const void *data, size_t size)
{
	ssize_t result;

	RETRY(result, send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL));
	return result;
}

ssize_t sys_write_nowait(int fd, const void *data, size_t size)
{
	struct iovec iov = {.iov_len = size};
	ssize_t result;

	memcpy(&iov.iov_base, &data, sizeof(data));
	/* The offset's halves are both -1: "at the file's position". */
	RETRY(result, syscall(SYS_pwritev2, fd, &iov, 1L, -1L, -1L, (long)RWF_NOWAIT));
	return result;
}

int sys_await_write(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
	int result;

	RETRY(result, poll(&pollfd, 1, -1));
	return result < 0 ? -1 : 0;
}

ssize_t sys_splice(int from, int to, size_t size)
{
	return splice(from, NULL, to, NULL, size, SPLICE_F_NONBLOCK);
}

int sys_unread(int fd)
{
	int count = 0;

	return ioctl(fd, FIONREAD, &count) < 0 ? -1 : count;
}

int sys_close_range(unsigned first, unsigned last)
{
	return (int)syscall(SYS_close_range, first, last, 0);
}

int sys_dup3(int old, int new, int flags)
{
	int result;

	RETRY(result, dup3(old, new, flags));
	return result;
}

int sys_get_fd_flags(int fd)
{
	return fcntl(fd, F_GETFD);
}

int sys_set_fd_flags(int fd, int flags)
{
	return fcntl(fd, F_SETFD, flags);
}

int sys_dup_above(int fd, int least)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, least);
}

int sys_get_status_flags(int fd)
{
	return fcntl(fd, F_GETFL);
}

int sys_set_status_flags(int fd, int flags)
{
	return fcntl(fd, F_SETFL, flags);
}

int sys_pipe(int fds[2], int flags)
{
	return pipe2(fds, flags | O_CLOEXEC);
}

int sys_madvise(void *address, size_t size, int advice)
{
	return madvise(address, size, advice);
}

void *sys_map_file(int fd, size_t size)
{
	void *address = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

	return address == MAP_FAILED ? NULL : address;
}

void *sys_map_copy(int fd, size_t size)
{
	void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	return address == MAP_FAILED ? NULL : address;
}

void *sys_map_shared(size_t size)
{
	int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);

	return map == MAP_FAILED ? NULL : map;
}

int sys_map_zeros(void *address, size_t size)
{
	return mmap(address, size, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? -1
		       : 0;
}

int sys_unmap(void *address, size_t size)
{
	return munmap(address, size);
}

int sys_execve(const char *path, char *const argv[], char *const envp[])
{
	return execve(path, argv, envp);
}

void sys_exit(int status)
{
	_exit(status);
}

pid_t sys_fork(void)
{
	/* There is one thread and no handler of pthread_atfork. */
	return _Fork();
}

uid_t sys_geteuid(void)
{
	return geteuid();
}

pid_t sys_getpgid(pid_t pid)
{
	return getpgid(pid);
}

pid_t sys_getpid(void)
{
	return getpid();
}

pid_t sys_getppid(void)
{
	return getppid();
}

pid_t sys_getsid(pid_t pid)
{
	return getsid(pid);
}

int sys_kill(pid_t pid, int signal)
{
	return kill(pid, signal);
}

int sys_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int sys_prlimit(pid_t pid, int resource, const struct rlimit *new, struct rlimit *old)
{
	/* glibc's second argument is an enum, musl's an int: the raw call knows no difference. On
	 * 64-bit machines struct rlimit is the kernel's rlimit64. */
	_Static_assert(sizeof(struct rlimit) == 16, "struct rlimit is the kernel's");
	return (int)syscall(SYS_prlimit64, pid, resource, new, old);
}

int sys_set_parent_death_signal(int signal)
{
	return prctl(PR_SET_PDEATHSIG, (unsigned long)signal, 0UL, 0UL, 0UL);
}

int sys_set_process_name(const char *name)
{
	return prctl(PR_SET_NAME, name, 0UL, 0UL, 0UL);
}

int sys_set_subreaper(bool on)
{
	return prctl(PR_SET_CHILD_SUBREAPER, on ? 1UL : 0UL, 0UL, 0UL, 0UL);
}

int sys_get_subreaper(void)
{
	int on = 0;

	return prctl(PR_GET_CHILD_SUBREAPER, &on, 0UL, 0UL, 0UL) == 0 ? on != 0 : -1;
}

int sys_setpgid(pid_t pid, pid_t group)
{
	return setpgid(pid, group);
}

int sys_setpriority(pid_t pid, int value)
{
	return setpriority(PRIO_PROCESS, (id_t)pid, value);
}

pid_t sys_setsid(void)
{
	return setsid();
}

pid_t sys_wait(pid_t pid, int *status, int flags)
{
	pid_t result;

	RETRY(result, waitpid(pid, status, flags));
	return result;
}

bool sys_is_terminal(int fd)
{
	return isatty(fd) == 1;
}

int sys_set_controlling_tty(int fd)
{
	return ioctl(fd, TIOCSCTTY, 0);
}

int sys_drop_controlling_tty(int fd)
{
	return ioctl(fd, TIOCNOTTY);
}

pid_t sys_tcgetpgrp(int fd)
{
	return tcgetpgrp(fd);
}

int sys_tcsetpgrp(int fd, pid_t group)
{
	return tcsetpgrp(fd, group);
}

/*
 * The kernel's own struct sigaction, as amd64 and arm64 have it. The C library refuses 32 and 33
 * (musl: 34 too), which a child must nevertheless be given as husk found them.
 */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

int sys_is_ignored(int signal)
{
	struct kernel_sigaction action = {0};

	if (syscall(SYS_rt_sigaction, signal, NULL, &action, sizeof(action.mask)) != 0)
		return -1;
	return action.handler == SIG_IGN;
}

int sys_sigaction_catch(int signal, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};

	return sigaction(signal, &action, NULL);
}

int sys_sigaction_default(int signal)
{
	struct kernel_sigaction action = {.handler = SIG_DFL};

	return (int)syscall(SYS_rt_sigaction, signal, &action, NULL, sizeof(action.mask));
}

int sys_sigaction_ignore(int signal)
{
	struct kernel_sigaction action = {.handler = SIG_IGN};

	return (int)syscall(SYS_rt_sigaction, signal, &action, NULL, sizeof(action.mask));
}

int sys_sigmask(int how, const struct sys_sigset *new, struct sys_sigset *old)
{
	return (int)syscall(SYS_rt_sigprocmask, how, new, old, sizeof(*new));
}

int sys_sigpending(struct sys_sigset *set)
{
	return (int)syscall(SYS_rt_sigpending, set, sizeof(*set));
}

int sys_sigtake(const struct sys_sigset *set)
{
	struct timespec now = {0};

	return (int)syscall(SYS_rt_sigtimedwait, set, NULL, &now, sizeof(*set));
}

int sys_sigwait(const struct sys_sigset *set, struct sys_signal *taken)
{
	siginfo_t info;

	taken->number = (int)syscall(SYS_rt_sigtimedwait, set, &info, NULL, sizeof(*set));
	if (taken->number < 0)
		return -1;
	taken->code = info.si_code;
	taken->pid = info.si_pid;
	return 0;
}

int sys_signalfd(const struct sys_sigset *set)
{
	return (int)syscall(
		SYS_signalfd4, -1, set, sizeof(*set), (long)(SFD_CLOEXEC | SFD_NONBLOCK));
}

int sys_epoll_create(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

int sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	return epoll_ctl(epoll, operation, fd, event);
}

/* EINTR is an answer here: the caller looks at the clock anyway. */
int sys_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms)
{
	return epoll_wait(epoll, events, max, timeout_ms);
}

int sys_poll(int fd, short events, int timeout_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = events};
	int result = poll(&pollfd, 1, timeout_ms);

	return result > 0 ? pollfd.revents : result;
}

int sys_gethostname(char *out, size_t size)
{
	return gethostname(out, size);
}

ssize_t sys_sched_getaffinity(pid_t pid, void *mask, size_t size)
{
	return syscall(SYS_sched_getaffinity, pid, size, mask);
}

int sys_sysinfo(struct sysinfo *info)
{
	return sysinfo(info);
}

int sys_uname(struct utsname *name)
{
	return uname(name);
}
