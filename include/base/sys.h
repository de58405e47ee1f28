/*
 * sys: every call to the kernel that start-up and the loop make.
 *
 * Thin: each returns what the call returns, -1 with errno where it failed. EINTR is retried where
 * that is right, never for close. Tests replace them one by one. Descriptors are close-on-exec.
 * The signal calls speak the kernel's own 64-bit set, since the C library's leave out 32 to 34.
 */
#ifndef HUSK_BASE_SYS_H
#define HUSK_BASE_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Bit n-1 stands for signal n, as in the kernel. */
struct sys_sigset {
	uint64_t bits;
};
enum { SYS_SIGNAL_MAX = 64 };

/* CLOCK_MONOTONIC, nanoseconds. */
int64_t sys_now(void);

/* The list grows here, by its owner, as modules need calls; each is one wrapper. */
int sys_open(const char *path, int flags, mode_t mode);
int sys_openat(int dirfd, const char *path, int flags, mode_t mode);
/* openat2(2): resolve is RESOLVE_*; ENOSYS where the kernel lacks it. */
int sys_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve);
int sys_close(int fd);
ssize_t sys_read(int fd, void *data, size_t size);
ssize_t sys_write(int fd, const void *data, size_t size);
ssize_t sys_writev(int fd, const struct iovec *iov, int count);
int sys_fstat(int fd, struct stat *st);
int sys_fstatat(int dirfd, const char *path, struct stat *st, int flags);
int sys_mkdirat(int dirfd, const char *path, mode_t mode);
int sys_unlinkat(int dirfd, const char *path, int flags);
int sys_renameat(int olddir, const char *old, int newdir, const char *new);
int sys_symlinkat(const char *target, int dirfd, const char *path);
ssize_t sys_readlinkat(int dirfd, const char *path, char *out, size_t size);
int sys_fchmod(int fd, mode_t mode);
int sys_fchown(int fd, uid_t uid, gid_t gid);
int sys_fsync(int fd);
/* getdents64(2) records. */
ssize_t sys_getdents(int fd, void *out, size_t size);
/* Read-only, private; NULL where it failed. */
void *sys_map_file(int fd, size_t size);
int sys_unmap(void *address, size_t size);
int sys_pipe(int fds[2]);

pid_t sys_fork(void);
int sys_execve(const char *path, char *const argv[], char *const envp[]);
void sys_exit(int status) __attribute__((noreturn));
int sys_kill(pid_t pid, int signal);
/* waitpid(2) with WNOHANG or 0. */
pid_t sys_wait(pid_t pid, int *status, int flags);
pid_t sys_getpid(void);

#endif
