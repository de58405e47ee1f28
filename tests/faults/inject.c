#include "faults/inject.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/sys.h"

enum { DESCRIPTORS = 256 };

struct shared *inject_shared;

/* What a process has touched is copied by each fork: freed memory is not kept for long. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=1:thread_local_quarantine_size_kb=16:malloc_context_size=4";
}

/* Of one process. */
static bool active;
static unsigned process;
static unsigned counts[CALLS];
static unsigned given_counts[INJECT_GIVEN];
static struct fault fault;
static struct given given[INJECT_GIVEN];
static long blocks;
static long descriptors;

static const char *const names[] = {
#define CALL(kind, type, name, parameters, arguments, path) #name,
#include "calls.h"
#undef CALL
	"malloc",
	"calloc",
	"realloc",
	"arena_alloc",
	"arena_array",
	"arena_strdup",
	"arena_strndup",
};

enum kind { KIND_NEGATIVE, KIND_NONE, KIND_FALSE, KIND_STEADY, KIND_QUIET, KIND_HAND };
static const enum kind kinds[] = {
#define CALL(kind, type, name, parameters, arguments, path) KIND_##kind,
#include "calls.h"
#undef CALL
	KIND_NONE,
	KIND_NONE,
	KIND_NONE,
	KIND_NONE,
	KIND_NONE,
	KIND_NONE,
	KIND_NONE,
};

/* What each may say by its manual page, the likeliest first. */
static const int usual[] = {EIO, EACCES, ENOMEM, 0};
static const int memory[] = {ENOMEM, 0};
#define ERRNUMS(...) \
	{ \
		__VA_ARGS__, 0 \
	}
static const struct {
	enum call call;
	int errnums[8];
} special[] = {
	{CALL_sys_accept, ERRNUMS(EMFILE, ECONNABORTED, EAGAIN, ENOMEM)},
	{CALL_sys_bind, ERRNUMS(EADDRINUSE, EROFS, EACCES)},
	{CALL_sys_chdir, ERRNUMS(EACCES, ENOENT)},
	{CALL_sys_close, ERRNUMS(EIO, EINTR)},
	{CALL_sys_close_range, ERRNUMS(ENOSYS, EINVAL)},
	{CALL_sys_copy_range, ERRNUMS(EXDEV, EINVAL, ENOSYS, EIO)},
	{CALL_sys_dup3, ERRNUMS(EBUSY, EMFILE)},
	{CALL_sys_epoll_create, ERRNUMS(EMFILE, ENOMEM)},
	{CALL_sys_epoll_ctl, ERRNUMS(ENOSPC, ENOMEM)},
	{CALL_sys_epoll_wait, ERRNUMS(EINTR, EINVAL)},
	{CALL_sys_exchange, ERRNUMS(EINVAL, ENOSYS, EACCES, ENOSPC)},
	{CALL_sys_execve, ERRNUMS(EACCES, ENOENT, ENOEXEC, ENOMEM, E2BIG, ETXTBSY)},
	{CALL_sys_fchmod, ERRNUMS(EPERM, EROFS)},
	{CALL_sys_fchown, ERRNUMS(EPERM, EINVAL)},
	{CALL_sys_flock, ERRNUMS(EWOULDBLOCK, ENOLCK)},
	{CALL_sys_fork, ERRNUMS(EAGAIN, ENOMEM)},
	{CALL_sys_fsync, ERRNUMS(EIO, ENOSPC, EINVAL)},
	{CALL_sys_getrandom, ERRNUMS(ENOSYS, EAGAIN)},
	{CALL_sys_kill, ERRNUMS(EPERM, ESRCH)},
	{CALL_sys_mkdirat, ERRNUMS(EROFS, ENOSPC, EACCES, EEXIST)},
	{CALL_sys_open, ERRNUMS(EACCES, EMFILE, ENOENT, EIO, ELOOP)},
	{CALL_sys_openat, ERRNUMS(EMFILE, EROFS, ENOSPC, EACCES, EEXIST, ENOENT)},
	{CALL_sys_openat2, ERRNUMS(ENOSYS, EPERM, EINVAL, EMFILE, ELOOP)},
	{CALL_sys_pipe, ERRNUMS(EMFILE, ENFILE)},
	{CALL_sys_pread, ERRNUMS(EIO, INJECT_SHORT)},
	{CALL_sys_prlimit, ERRNUMS(EPERM, EINVAL)},
	{CALL_sys_read, ERRNUMS(EIO, INJECT_SHORT, EISDIR)},
	{CALL_sys_renameat, ERRNUMS(EXDEV, ENOSPC, EBUSY)},
	{CALL_sys_send_nowait, ERRNUMS(EAGAIN, EPIPE, ENOBUFS)},
	{CALL_sys_set_controlling_tty, ERRNUMS(EPERM)},
	{CALL_sys_setpgid, ERRNUMS(EPERM, EACCES, ESRCH)},
	{CALL_sys_setpriority, ERRNUMS(EACCES, EPERM)},
	{CALL_sys_setsid, ERRNUMS(EPERM)},
	{CALL_sys_sigtake, ERRNUMS(EAGAIN)},
	{CALL_sys_sigwait, ERRNUMS(ENOSYS, EINTR)},
	{CALL_sys_signalfd, ERRNUMS(EMFILE, ENODEV)},
	{CALL_sys_splice, ERRNUMS(EINVAL, INJECT_SHORT, EAGAIN, ENOSYS)},
	{CALL_sys_symlinkat, ERRNUMS(EPERM, ENOSPC, EEXIST)},
	{CALL_sys_tcgetpgrp, ERRNUMS(ENOTTY, EBADF)},
	{CALL_sys_tcsetpgrp, ERRNUMS(EACCES, ENXIO, ENOTTY, EBADF)},
	{CALL_sys_unlinkat, ERRNUMS(EBUSY, EACCES, EIO)},
	{CALL_sys_wait, ERRNUMS(EINVAL)},
	{CALL_sys_write, ERRNUMS(EIO, INJECT_SHORT, ENOSPC, EAGAIN)},
	{CALL_sys_writev, ERRNUMS(ENOSPC, INJECT_SHORT, EIO, EAGAIN)},
	{CALL_sys_write_nowait, ERRNUMS(EOPNOTSUPP, EAGAIN)},
};

const char *inject_name(enum call call)
{
	return names[call];
}

bool inject_can_fail(enum call call)
{
	return kinds[call] != KIND_STEADY && kinds[call] != KIND_QUIET && call != CALL_sys_exit;
}

int inject_errno(enum call call, unsigned index)
{
	const int *list = call >= CALL_malloc ? memory : usual;

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (special[i].call == call)
			list = special[i].errnums;
	for (unsigned i = 0; i < index && *list != 0; i++)
		list++;
	return *list;
}

int inject_init(void)
{
	inject_shared = mmap(NULL, sizeof(*inject_shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return inject_shared == MAP_FAILED ? -1 : 0;
}

/* Whether a call of the scene fails: its errno. */
static int fail_given(enum call call, const char *path)
{
	for (unsigned i = 0; i < INJECT_GIVEN && given[i].errnum != 0; i++) {
		if (given[i].call != call ||
			(given[i].path != NULL &&
				(path == NULL || strstr(path, given[i].path) == NULL)))
			continue;
		if (given_counts[i] < given[i].times) {
			given_counts[i]++;
			return given[i].errnum;
		}
	}
	return 0;
}

/* 0: it shall be done; else why not. */
static int take(enum call call, const char *path)
{
	unsigned nth;

	if (!active)
		return 0;
	nth = ++counts[call];
	inject_shared->reached[call]++;
	if (process < INJECT_PROCESSES)
		inject_shared->count[process][call] = nth;
	if (process == fault.process && call == fault.call &&
		(fault.sticky ? nth >= fault.nth : nth == fault.nth)) {
		inject_shared->hit = true;
		inject_shared->failed[call]++;
		return fault.errnum;
	}
	return fail_given(call, path);
}

static int refused(enum call call, const char *path)
{
	int errnum = take(call, path);

	if (errnum > 0)
		errno = errnum;
	return errnum;
}

#define DECLARE(type, name, parameters) \
	type __real_##name parameters; \
	type __wrap_##name parameters;
#define WRAP(type, name, parameters, arguments, path, failure) \
	DECLARE(type, name, parameters) \
	type __wrap_##name parameters \
	{ \
		return refused(CALL_##name, path) > 0 ? failure : __real_##name arguments; \
	}
#define WRAP_NEGATIVE(...) WRAP(__VA_ARGS__, -1)
#define WRAP_NONE(...)     WRAP(__VA_ARGS__, NULL)
#define WRAP_FALSE(...)    WRAP(__VA_ARGS__, false)
#define WRAP_STEADY(type, name, parameters, arguments, path) \
	DECLARE(type, name, parameters) \
	type __wrap_##name parameters \
	{ \
		(void)take(CALL_##name, path); \
		return __real_##name arguments; \
	}
#define WRAP_QUIET(type, name, parameters, arguments, path) \
	DECLARE(type, name, parameters) \
	type __wrap_##name parameters \
	{ \
		(void)take(CALL_##name, path); \
		__real_##name arguments; \
	}
#define WRAP_HAND(type, name, parameters, arguments, path) DECLARE(type, name, parameters)
#define CALL(kind, type, name, parameters, arguments, path) \
	WRAP_##kind(type, name, parameters, arguments, path)
#include "calls.h"
#undef CALL

/* The descriptor is gone all the same, as on Linux. */
int __wrap_sys_close(int fd)
{
	int result = __real_sys_close(fd);

	return refused(CALL_sys_close, NULL) > 0 ? -1 : result;
}

/* husk's own process says what it is about to leave. */
void __wrap_sys_exit(int status)
{
	(void)take(CALL_sys_exit, NULL);
	if (active && process == 0)
		inject_end();
	__real_sys_exit(status);
}

pid_t __wrap_sys_fork(void)
{
	unsigned number;
	pid_t pid;

	if (refused(CALL_sys_fork, NULL) > 0)
		return -1;
	if (!active)
		return __real_sys_fork();
	number = ++inject_shared->forks;
	pid = __real_sys_fork();
	if (pid == 0) {
		process = number;
		memset(counts, 0, sizeof(counts));
	}
	return pid;
}

static void note_program(struct program *program)
{
	struct sys_sigset mask = {0};

	(void)__real_sys_sigmask(SIG_BLOCK, NULL, &mask);
	program->mask = mask.bits;
	program->umask = umask(0);
	(void)umask(program->umask);
	program->nice = getpriority(PRIO_PROCESS, 0);
	(void)getrlimit(RLIMIT_NOFILE, &program->files);
	if (getcwd(program->cwd, sizeof(program->cwd)) == NULL)
		program->cwd[0] = '\0';
	program->execs++;
}

int __wrap_sys_execve(const char *path, char *const argv[], char *const envp[])
{
	size_t count = 0;
	int result;

	if (refused(CALL_sys_execve, path) > 0)
		return -1;
	while (argv[count] != NULL)
		count++;
	if (strcmp(argv[count - 1], INJECT_PROGRAM) != 0)
		return __real_sys_execve(path, argv, envp);
	note_program(&inject_shared->program);
	result = __real_sys_execve(path, argv, envp);
	inject_shared->program.execs--;
	return result;
}

/* One byte only, where that is what is to go wrong. */
#define SIZE(errnum, size) ((errnum) == INJECT_SHORT && (size) > 1 ? 1 : (size))

ssize_t __wrap_sys_read(int fd, void *data, size_t size)
{
	int errnum = refused(CALL_sys_read, NULL);

	return errnum > 0 ? -1 : __real_sys_read(fd, data, SIZE(errnum, size));
}

ssize_t __wrap_sys_pread(int fd, void *data, size_t size, off_t offset)
{
	int errnum = refused(CALL_sys_pread, NULL);

	return errnum > 0 ? -1 : __real_sys_pread(fd, data, SIZE(errnum, size), offset);
}

ssize_t __wrap_sys_write(int fd, const void *data, size_t size)
{
	int errnum = refused(CALL_sys_write, NULL);

	return errnum > 0 ? -1 : __real_sys_write(fd, data, SIZE(errnum, size));
}

ssize_t __wrap_sys_writev(int fd, const struct iovec *iov, int count)
{
	int errnum = refused(CALL_sys_writev, NULL);

	if (errnum > 0)
		return -1;
	if (errnum == INJECT_SHORT)
		return __real_sys_write(fd, iov[0].iov_base, SIZE(errnum, iov[0].iov_len));
	return __real_sys_writev(fd, iov, count);
}

ssize_t __wrap_sys_splice(int from, int to, size_t size)
{
	int errnum = refused(CALL_sys_splice, NULL);

	return errnum > 0 ? -1 : __real_sys_splice(from, to, SIZE(errnum, size));
}

/* One byte: the file becomes shorter while it is mapped. */
void *__wrap_sys_map_file(int fd, size_t size)
{
	int errnum = refused(CALL_sys_map_file, NULL);
	char path[64];
	void *map;

	if (errnum > 0)
		return NULL;
	map = __real_sys_map_file(fd, size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (errnum == INJECT_SHORT && truncate(path, 1) < 0)
		abort();
	return map;
}

/* Memory: what is not freed is counted. */
DECLARE(void *, malloc, (size_t size))
DECLARE(void *, calloc, (size_t count, size_t size))
DECLARE(void *, realloc, (void *data, size_t size))
DECLARE(void, free, (void *data))
char *__wrap_strdup(const char *text);

static void *counted(void *data)
{
	if (data != NULL)
		blocks++;
	return data;
}

void *__wrap_malloc(size_t size)
{
	return refused(CALL_malloc, NULL) ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return refused(CALL_calloc, NULL) ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *data, size_t size)
{
	if (refused(CALL_realloc, NULL))
		return NULL;
	return data == NULL ? counted(__real_malloc(size)) : __real_realloc(data, size);
}

void __wrap_free(void *data)
{
	blocks -= data != NULL;
	__real_free(data);
}

char *__wrap_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = __wrap_malloc(size);

	return copy == NULL ? NULL : memcpy(copy, text, size);
}

WRAP_NONE(void *, arena_alloc, (struct arena * arena, size_t size), (arena, size), NULL)
WRAP_NONE(void *, arena_array, (struct arena * arena, size_t count, size_t size),
	(arena, count, size), NULL)
WRAP_NONE(char *, arena_strdup, (struct arena * arena, const char *text), (arena, text), NULL)
WRAP_NONE(char *, arena_strndup, (struct arena * arena, struct str text), (arena, text), NULL)

static long count_descriptors(void)
{
	long count = 0;

	for (int fd = 3; fd < DESCRIPTORS; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

void inject_begin(const struct fault *planned, const struct given *brought)
{
	fault = *planned;
	for (unsigned i = 0; i < INJECT_GIVEN; i++) {
		given[i] = brought[i];
		given_counts[i] = 0;
	}
	process = 0;
	memset(counts, 0, sizeof(counts));
	blocks = 0;
	descriptors = count_descriptors();
	active = true;
}

void inject_end(void)
{
	active = false;
	inject_shared->blocks = blocks;
	inject_shared->descriptors = count_descriptors() - descriptors;
	inject_shared->child = waitpid(-1, NULL, WNOHANG) >= 0;
	inject_shared->ended = true;
}
