/*
 * catatonit and podman-init, by their names: catatonit 0.1.7's options, variables, messages and
 * statuses.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/format.h"
#include "base/sys.h"
#include "cmd/cmd.h"
#include "cmd/compat.h"

/* Docker asks its init for the version, and knows tini only. */
#define CATATONIT_VERSION "tini version 0.1.7_catatonit - husk " HUSK_VERSION "\n"
#define CATATONIT_USAGE   "usage: catatonit [-ghLPV] [--] <progname> [<arguments>...]\n"

/* Descriptors above are not looked for: engines give the first few. */
enum { INHERITED_MAX = 1024 };

struct catatonit {
	struct compat compat;
	bool verbose;
	bool pause;
};

static void complain(pid_t pid, const char *level, const char *text)
{
	compat_line(STDERR_FILENO, "%s (catatonit:%d): %s", level, (int)pid, text);
}

static void say(const struct catatonit *catatonit, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void say(const struct catatonit *catatonit, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!catatonit->verbose)
		return;
	va_start(args, format);
	(void)format_list(text, sizeof(text), format, args);
	va_end(args);
	complain(sys_getpid(), "DEBUG", text);
}

static int help(void)
{
	compat_print(STDERR_FILENO,
		CATATONIT_USAGE "\noptions:\n"
				"  -g             signal the program's process group\n"
				"  -h             print this help and exit\n"
				"  -L             print the license and exit\n"
				"  -P             pause: start nothing, reap, end on TERM or INT\n"
				"  -V, --version  print the version and exit\n");
	return 0;
}

/* -1: go on; else the exit status. */
static int parse(struct catatonit *catatonit, char **argv)
{
	static const char *const names[] = {"Vversion", NULL};
	struct compat_opt opt = {.argv = argv, .letters = "ghLPV", .names = names};
	int letter;

	while ((letter = compat_opt_next(&opt)) != 0) {
		switch (letter) {
		case 'g':
			catatonit->compat.policy.group_signals = true;
			break;
		case 'P':
			catatonit->pause = true;
			break;
		case 'h':
			return help();
		case 'L':
			compat_print(STDOUT_FILENO, COMPAT_LICENSE);
			return 0;
		case 'V':
			compat_print(STDOUT_FILENO, CATATONIT_VERSION);
			return 0;
		default:
			compat_print(STDERR_FILENO, CATATONIT_USAGE);
			return EXIT_FAILURE;
		}
	}
	if (catatonit->pause)
		return -1;
	catatonit->compat.argv = argv + 1;
	if (argv[1])
		return -1;
	complain(sys_getpid(), "ERROR", "missing program name");
	compat_print(STDERR_FILENO, CATATONIT_USAGE);
	return EXIT_FAILURE;
}

/* The program has them: a pipe's reader is to see its end when the program closes it. Those that
 * are close-on-exec are husk's own. */
static void close_inherited(void)
{
	for (int fd = STDERR_FILENO + 1; fd < INHERITED_MAX; fd++) {
		if (sys_get_fd_flags(fd) == 0)
			(void)sys_close(fd);
	}
}

static void say_reaped(const struct catatonit *catatonit, pid_t pid, int status)
{
	if (WIFEXITED(status))
		say(catatonit, "child process %d exited with code %d", (int)pid,
			WEXITSTATUS(status));
	else
		say(catatonit, "child process %d exited due to signal %d", (int)pid,
			WTERMSIG(status));
}

static void trace(void *arg, const struct init_trace *event)
{
	const struct catatonit *catatonit = arg;
	int number = event->number;

	switch (event->what) {
	case INIT_TRACE_SPAWNED:
		say(catatonit, "pid1 (%d) spawned: %s", (int)event->pid, catatonit->compat.argv[0]);
		close_inherited();
		break;
	case INIT_TRACE_RECEIVED:
		if (number == SIGTSTP || number == SIGTTIN || number == SIGTTOU)
			say(catatonit, "ignoring kernel attempting to stop us: tty has TOSTOP set");
		break;
	case INIT_TRACE_REAPED:
		say_reaped(catatonit, event->pid, number);
		break;
	case INIT_TRACE_DETACHED:
	case INIT_TRACE_SKIPPED:
	case INIT_TRACE_PASSED:
	case INIT_TRACE_ENDED:
		break;
	}
}

static int refuse(void *arg, pid_t pid, const char *program, int errnum)
{
	char text[128];

	(void)arg;
	(void)program;
	(void)format_text(text, sizeof(text), "failed to exec pid1: %s", strerror(errnum));
	complain(pid, "ERROR", text);
	return EXIT_FAILURE;
}

/* LISTEN_PID says whose the descriptors of LISTEN_FDS are (sd_listen_fds(3)): where husk's, the
 * program's. `own` takes the variable's place. */
static void hand_on_listen_pid(struct compat *compat, char *own, const char *name)
{
	size_t len = strlen(name);

	for (char **variable = environ; *variable; variable++) {
		const char *value = *variable + len;
		int pid;

		if (strncmp(*variable, name, len) != 0 || !compat_number(&value, &pid) ||
			pid != sys_getpid())
			continue;
		memcpy(own, name, len);
		compat->listen_pid = own + len;
		*variable = own;
		return;
	}
}

static void set_policy(struct catatonit *catatonit)
{
	static const unsigned char stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};
	struct init_policy *policy = &catatonit->compat.policy;

	for (size_t i = 0; i < sizeof(stops); i++) {
		policy->signal_map[stops[i]] = INIT_DROP;
		policy->child_blocked.bits |= UINT64_C(1) << (stops[i] - 1);
	}
	policy->signal_map[SIGCHLD] = INIT_DROP;
	policy->untouched = compat_fault_signals();
	policy->job = INIT_JOB_PASS;
	policy->leave_rest = true;
	policy->same_group = catatonit->pause;
	policy->trace = trace;
	policy->trace_arg = catatonit;
}

int cmd_catatonit(int argc, char **argv)
{
	struct catatonit catatonit = {.verbose = getenv("CATATONIT_DEBUG") != NULL};
	char listen_pid[sizeof("LISTEN_PID=") + LAUNCH_PID_SIZE];
	int status;

	(void)argc;
	if (getenv("CATATONIT_LOG")) {
		complain(sys_getpid(), "ERROR", "CATATONIT_LOG is reserved for future use");
		return EXIT_FAILURE;
	}
	if (compat_init(&catatonit.compat) < 0)
		return EXIT_FAILURE;
	status = parse(&catatonit, argv);
	if (status >= 0)
		return status;
	set_policy(&catatonit);
	catatonit.compat.refuse = refuse;
	if (catatonit.pause)
		close_inherited();
	else
		hand_on_listen_pid(&catatonit.compat, listen_pid, "LISTEN_PID=");
	return compat_run(&catatonit.compat);
}
