/*
 * sys: every call to the kernel that start-up and the loop make.
 *
 * Thin: each returns what the call returns, -1 with errno where it failed. EINTR is retried where
 * that is right, never for close. Tests replace them one by one, so that none of them calls
 * another. Descriptors are close-on-exec. The signal calls speak the kernel's own 64-bit set,
 * since the C library's leave out 32 to 34.
 */
#ifndef HUSK_BASE_SYS_H
#define HUSK_BASE_SYS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

struct epoll_event;
struct rlimit;
struct sockaddr;
struct statfs;
struct sysinfo;
struct ucred;
struct utsname;

/* Bit n-1 stands for signal n, as in the kernel. */
struct sys_sigset {
	uint64_t bits;
};
enum { SYS_SIGNAL_MAX = 64 };

/* CLOCK_MONOTONIC, nanoseconds. */
int64_t sys_now(void);
/* CLOCK_REALTIME, nanoseconds since 1970. */
int64_t sys_wall_clock(void);
/* A pause; an early end (a signal) is not made up for. */
void sys_sleep(int64_t ns);

/* Files. */
int sys_access(int dirfd, const char *path, int mode, int flags);
int sys_chdir(const char *path);
int sys_close(int fd);
/* copy_file_range(2) at both files' own positions. */
ssize_t sys_copy_range(int from, int to, size_t size);
/* renameat2(2), RENAME_EXCHANGE: EINVAL where the file system cannot. */
int sys_exchange(int olddir, const char *old, int newdir, const char *new);
int sys_fchmod(int fd, mode_t mode);
int sys_fchown(int fd, uid_t uid, gid_t gid);
int sys_flock(int fd, int operation);
int sys_fstat(int fd, struct stat *st);
int sys_fstatat(int dirfd, const char *path, struct stat *st, int flags);
int sys_fsync(int fd);
/* getdents64(2) records. */
ssize_t sys_getdents(int fd, void *out, size_t size);
/* getrandom(2): all of it, at most 256 bytes, or -1. */
int sys_getrandom(void *out, size_t size);
off_t sys_lseek(int fd, off_t offset, int whence);
int sys_mkdirat(int dirfd, const char *path, mode_t mode);
int sys_open(const char *path, int flags, mode_t mode);
int sys_openat(int dirfd, const char *path, int flags, mode_t mode);
/* openat2(2): resolve is RESOLVE_*; ENOSYS where the kernel lacks it (seccomp filters of old
 * container engines say EPERM). */
int sys_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve);
ssize_t sys_pread(int fd, void *data, size_t size, off_t offset);
ssize_t sys_read(int fd, void *data, size_t size);
ssize_t sys_readlinkat(int dirfd, const char *path, char *out, size_t size);
int sys_renameat(int olddir, const char *old, int newdir, const char *new);
int sys_statfs(const char *path, struct statfs *st);
int sys_symlinkat(const char *target, int dirfd, const char *path);
mode_t sys_umask(mode_t mask);
int sys_unlinkat(int dirfd, const char *path, int flags);
ssize_t sys_write(int fd, const void *data, size_t size);
ssize_t sys_writev(int fd, const struct iovec *iov, int count);

/* Writes that cannot wait: fd_write_nowait is made of these. */
/* Whether a write would find room, or fail, now: 1, 0 or -1. Never waits. */
int sys_can_write(int fd);
/* send(2), MSG_DONTWAIT and MSG_NOSIGNAL. */
ssize_t sys_send_nowait(int fd, const void *data, size_t size);
/* pwritev2(2), RWF_NOWAIT, at the file's own position; EOPNOTSUPP for what does not know it. */
ssize_t sys_write_nowait(int fd, const void *data, size_t size);
/* Waits until a write finds room: for whole writes to a descriptor that came non-blocking. */
int sys_await_write(int fd);

/* Pipes. */
/* splice(2) from one pipe to another, without waiting: the bytes are in the one or in the other,
 * whatever becomes of the caller. */
ssize_t sys_splice(int from, int to, size_t size);
/* FIONREAD: the bytes that stand in a pipe. */
int sys_unread(int fd);

/* Descriptors. */
/* close_range(2), both ends included; ENOSYS before Linux 5.9. */
int sys_close_range(unsigned first, unsigned last);
int sys_dup3(int old, int new, int flags);
/* F_DUPFD_CLOEXEC: the lowest that is free from `least` on. */
int sys_dup_above(int fd, int least);
/* F_GETFD and F_SETFD: FD_CLOEXEC or 0. */
int sys_get_fd_flags(int fd);
int sys_set_fd_flags(int fd, int flags);
/* F_GETFL and F_SETFL: the latter for descriptions of husk's own only, never for inherited ones. */
int sys_get_status_flags(int fd);
int sys_set_status_flags(int fd, int flags);
/* `flags`: 0 or O_NONBLOCK, for both ends. */
int sys_pipe(int fds[2], int flags);

/* Changes of files. */
/* Non-blocking. */
int sys_inotify_init(void);
int sys_inotify_add(int fd, const char *path, uint32_t mask);

/* Memory. */
/* A file without a name that can be sealed. */
int sys_memfd(const char *name);
/* Nobody can write to it or change its size any more. */
int sys_seal(int fd);
/* Whether that is so: 1 or 0, or -1. */
int sys_is_sealed(int fd);
int sys_madvise(void *address, size_t size, int advice);
/* Read-only, private; NULL where it failed. */
void *sys_map_file(int fd, size_t size);
/* To be written to, and yet private; NULL where it failed. */
void *sys_map_copy(int fd, size_t size);
/* Zeros, shared with what is forked; NULL where it failed. Counts as memory where it is touched. */
void *sys_map_shared(size_t size);
/* Zeros in the place of what is mapped there; 0 or -1. Safe in a signal handler. */
int sys_map_zeros(void *address, size_t size);
int sys_unmap(void *address, size_t size);

/* Processes. */
int sys_execve(const char *path, char *const argv[], char *const envp[]);
void sys_exit(int status) __attribute__((noreturn));
pid_t sys_fork(void);
uid_t sys_geteuid(void);
pid_t sys_getpgid(pid_t pid);
pid_t sys_getpid(void);
pid_t sys_getppid(void);
pid_t sys_getsid(pid_t pid);
int sys_kill(pid_t pid, int signal);
/* pidfd_open(2): can be read once the process has ended. */
int sys_pidfd_open(pid_t pid);
/* `new` and `old` may be NULL. */
int sys_prlimit(pid_t pid, int resource, const struct rlimit *new, struct rlimit *old);
int sys_set_parent_death_signal(int signal);
/* What `ps` shows, at most 15 bytes. */
int sys_set_process_name(const char *name);
int sys_set_subreaper(bool on);
/* 1, 0 or -1. */
int sys_get_subreaper(void);
int sys_setpgid(pid_t pid, pid_t group);
/* PRIO_PROCESS. */
int sys_setpriority(pid_t pid, int value);
pid_t sys_setsid(void);
/* waitpid(2), flags as there. */
pid_t sys_wait(pid_t pid, int *status, int flags);

/* Sockets. */
/* close-on-exec; SOCK_NONBLOCK may stand in `type`. */
int sys_socket(int domain, int type);
int sys_bind(int fd, const struct sockaddr *address, size_t size);
int sys_listen(int fd, int backlog);
/* close-on-exec and non-blocking. */
int sys_accept(int fd);
/* EINTR is not retried: the connection goes on being made. */
int sys_connect(int fd, const struct sockaddr *address, size_t size);
/* recv(2): MSG_TRUNC gives a packet's own length. */
ssize_t sys_recv(int fd, void *data, size_t size, int flags);
/* SO_PASSCRED: packets that come from now on say who has sent them. */
int sys_pass_credentials(int fd);
/* One such packet, without waiting: its own length, which may be more than `size`. `*sender` is all
 * zero where it is not told. Descriptors that came along are closed. */
ssize_t sys_recv_sent(int fd, void *data, size_t size, struct ucred *sender);
/* SO_ERROR: an errno, which is then gone; 0 where there is none; -1. */
int sys_socket_error(int fd);
/* getsockname(2) */
int sys_socket_name(int fd, struct sockaddr *address, socklen_t *size);
/* Who was at the other end when the connection was made (SO_PEERCRED). */
int sys_peer_credentials(int fd, struct ucred *credentials);

/* Terminals. */
/* 1 or 0. */
bool sys_is_terminal(int fd);
/* TIOCSCTTY without stealing. */
int sys_set_controlling_tty(int fd);
/* TIOCNOTTY. */
int sys_drop_controlling_tty(int fd);
pid_t sys_tcgetpgrp(int fd);
int sys_tcsetpgrp(int fd, pid_t group);

/* Signals. */
/* 1 where the signal is ignored, 0 where not. */
int sys_is_ignored(int signal);
/* SA_SIGINFO; `handler` runs with nothing blocked but the signal itself. */
int sys_sigaction_catch(int signal, void (*handler)(int, siginfo_t *, void *));
int sys_sigaction_default(int signal);
int sys_sigaction_ignore(int signal);
/* `how` as sigprocmask(2); `new` and `old` may be NULL. */
int sys_sigmask(int how, const struct sys_sigset *new, struct sys_sigset *old);
int sys_sigpending(struct sys_sigset *set);
/* Takes one pending signal of `set` without waiting: its number, or -1 with EAGAIN. */
int sys_sigtake(const struct sys_sigset *set);
/* Waits for one; -1 with EINTR where something else came first. */
struct sys_signal {
	int number;
	int code;  /* above 0: the kernel's own */
	pid_t pid; /* who sent it, where `code` is not above 0 */
};
int sys_sigwait(const struct sys_sigset *set, struct sys_signal *taken);
/* Non-blocking; signalfd_siginfo records. */
int sys_signalfd(const struct sys_sigset *set);

/* Polling: loop.c only. */
int sys_epoll_create(void);
int sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int sys_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms);
/* poll(2) of one descriptor: the events that came, 0 or -1. */
int sys_poll(int fd, short events, int timeout_ms);

/* The machine. */
int sys_gethostname(char *out, size_t size);
/* The bytes of `mask` that the kernel filled. */
ssize_t sys_sched_getaffinity(pid_t pid, void *mask, size_t size);
int sys_sysinfo(struct sysinfo *info);
int sys_uname(struct utsname *name);

#endif
