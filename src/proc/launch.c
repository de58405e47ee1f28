#include "proc/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "proc/execblock.h"

int launch_signals_take(struct launch_signals *signals, struct err *err)
{
	const struct sys_sigset all = {.bits = UINT64_MAX};
	int ignored;

	*signals = (struct launch_signals){0};
	if (sys_sigmask(SIG_SETMASK, &all, &signals->mask) < 0)
		return err_set_errno(err, ERR_INTERNAL, errno, "cannot block signals");
	ignored = sys_is_ignored(SIGCHLD);
	if (ignored < 0)
		return err_set_errno(err, ERR_INTERNAL, errno, "cannot look at SIGCHLD");
	if (ignored == 0)
		return 0;
	signals->ignored.bits = UINT64_C(1) << (SIGCHLD - 1);
	if (sys_sigaction_default(SIGCHLD) < 0)
		return err_set_errno(err, ERR_INTERNAL, errno, "cannot take SIGCHLD");
	return 0;
}

int launch_terminal(bool search, bool *ours)
{
	pid_t own = sys_getpgid(0);
	int fd;

	for (fd = 0; fd <= 2; fd++) {
		pid_t group = sys_tcgetpgrp(fd);
		*ours = group == own;
		if (group >= 0)
			return fd;
	}
	/* Every standard stream may be redirected: there can still be a terminal. */
	fd = search ? sys_open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK, 0) : -1;
	*ours = fd >= 0 && sys_tcgetpgrp(fd) == own;
	return fd;
}

/*
 * Process group and terminal. None of it may keep the program from running: gVisor refuses
 * setpgid (EPERM); tcsetpgrp fails with EACCES, ENXIO, ENOTTY or EBADF where terminals are odd.
 * SIGTTOU is still blocked, so that tcsetpgrp from a background group does not stop us.
 */
static int set_up_job(const struct launch_spec *spec)
{
	if (spec->new_session) {
		if (sys_setsid() < 0)
			return -1;
		if (spec->terminal >= 0)
			(void)sys_set_controlling_tty(spec->terminal);
		return 0;
	}
	if (spec->new_group && sys_setpgid(0, 0) == 0 && spec->foreground && spec->terminal >= 0)
		(void)sys_tcsetpgrp(spec->terminal, sys_getpid());
	return 0;
}

static int give(int fd, int as)
{
	if (fd == as)
		return sys_set_fd_flags(fd, 0);
	return sys_dup3(fd, as, 0) < 0 ? -1 : 0;
}

static int set_up_streams(const struct launch_spec *spec)
{
	int error = spec->error > 0 ? spec->error : spec->output;

	if (spec->input > 0 && give(spec->input, 0) < 0)
		return -1;
	if (spec->output > 0 && give(spec->output, 1) < 0)
		return -1;
	if (error > 0 && give(error, 2) < 0)
		return -1;
	return spec->extra > 0 ? give(spec->extra, spec->extra_as) : 0;
}

static int set_up_limits(const struct launch_spec *spec, unsigned *index)
{
	/* A lower one is never refused. */
	if (spec->files)
		(void)sys_prlimit(0, RLIMIT_NOFILE, spec->files, NULL);
	for (*index = 0; *index < spec->limit_count; ++*index) {
		const struct plan_limit *limit = &spec->limits[*index];
		if (sys_prlimit(0, limit->resource, &limit->value, NULL) < 0)
			return -1;
	}
	return 0;
}

static int set_up_signals(const struct launch_signals *signals)
{
	for (int number = 1; number <= SYS_SIGNAL_MAX; number++) {
		if (number == SIGKILL || number == SIGSTOP)
			continue;
		if (signals->ignored.bits >> (number - 1) & 1) {
			if (sys_sigaction_ignore(number) < 0)
				return -1;
		} else if (signals->reset && sys_sigaction_default(number) < 0) {
			return -1;
		}
	}
	return sys_sigmask(SIG_SETMASK, &signals->mask, NULL);
}

/* snprintf is not async-signal-safe. */
static void write_pid(char *out, pid_t pid)
{
	char digits[LAUNCH_PID_SIZE];
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + pid % 10);
		pid /= 10;
	} while (pid > 0 && count < sizeof(digits) - 1);
	while (count > 0)
		*out++ = digits[--count];
	*out = '\0';
}

/* Returns only where it failed; the step that did is in `failure`. */
static void become(const struct launch_spec *spec, const struct launch_signals *signals,
	struct launch_failure *failure)
{
	failure->step = LAUNCH_STREAMS;
	if (set_up_streams(spec) < 0)
		return;
	failure->step = LAUNCH_SESSION;
	if (set_up_job(spec) < 0)
		return;
	if (spec->umask_given)
		sys_umask(spec->umask);
	failure->step = LAUNCH_NICE;
	if (spec->nice_given && sys_setpriority(0, spec->nice) < 0)
		return;
	failure->step = LAUNCH_LIMIT;
	if (set_up_limits(spec, &failure->index) < 0)
		return;
	failure->step = LAUNCH_CWD;
	if (spec->cwd && sys_chdir(spec->cwd) < 0)
		return;
	if (spec->listen_pid)
		write_pid(spec->listen_pid, sys_getpid());
	failure->step = LAUNCH_SIGNALS;
	if (set_up_signals(signals) < 0)
		return;
	failure->step = LAUNCH_EXEC;
	sys_execve(spec->path, spec->argv, spec->envp);
}

pid_t launch_start(const struct launch_spec *spec, const struct launch_signals *signals,
	int *error_pipe, struct err *err)
{
	int fds[2];
	pid_t pid;

	/* A process of our user could hold the other end open, through /proc/PID/fd. */
	if (sys_pipe(fds, O_NONBLOCK) < 0)
		return err_set_errno(
			err, ERR_INTERNAL, errno, "%s: cannot make a pipe", spec->name);
	pid = sys_fork();
	if (pid < 0) {
		err_set_errno(err, ERR_INTERNAL, errno, "%s: cannot fork", spec->name);
		sys_close(fds[0]);
		sys_close(fds[1]);
		return -1;
	}
	if (pid == 0) {
		struct launch_failure failure = {0};
		struct launch_spec own = *spec;

		/* What the program is given may want the number of what is still needed. */
		if (own.extra > 0 && fds[1] == own.extra_as)
			fds[1] = sys_dup_above(fds[1], own.extra_as + 1);
		if (own.extra > 0 && own.terminal == own.extra_as)
			own.terminal = sys_dup_above(own.terminal, own.extra_as + 1);
		if (own.block != 0)
			(void)execblock_apply(own.block, own.block_index, &own);
		become(&own, signals, &failure);
		failure.errnum = errno;
		(void)sys_write(fds[1], &failure, sizeof(failure));
		sys_exit(ERR_NOT_FOUND);
	}
	sys_close(fds[1]);
	*error_pipe = fds[0];
	return pid;
}
