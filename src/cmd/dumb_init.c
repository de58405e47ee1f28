/*
 * dumb-init, by its name: 1.2.5's options, variables, messages and statuses.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/format.h"
#include "cmd/cmd.h"
#include "cmd/compat.h"

#define DUMB_INIT_VERSION "dumb-init v1.2.5\n"

enum { REWRITE_MAX = 31, STATUS_NO_EXEC = 2 };

struct dumb_init {
	struct compat compat;
	bool verbose;
	bool single; /* one child: no session, no group */
};

static void say(const struct dumb_init *dumb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void say(const struct dumb_init *dumb, const char *format, ...)
{
	char text[768];
	va_list args;

	if (!dumb->verbose)
		return;
	va_start(args, format);
	(void)format_list(text, sizeof(text), format, args);
	va_end(args);
	compat_line(STDERR_FILENO, "[dumb-init] %s", text);
}

/* Its own test suite compares this text byte by byte. */
static int help(const char *called)
{
	compat_print(STDERR_FILENO,
		DUMB_INIT_VERSION
		"Usage: %s [option] command [[arg] ...]\n"
		"\n"
		"dumb-init is a simple process supervisor that forwards signals to children.\n"
		"It is designed to run as PID1 in minimal container environments.\n"
		"\n"
		"Optional arguments:\n"
		"   -c, --single-child   Run in single-child mode.\n"
		"                        In this mode, signals are only proxied to the\n"
		"                        direct child and not any of its descendants.\n"
		"   -r, --rewrite s:r    Rewrite received signal s to new signal r before "
		"proxying.\n"
		"                        To ignore (not proxy) a signal, rewrite it to 0.\n"
		"                        This option can be specified multiple times.\n"
		"   -v, --verbose        Print debugging information to stderr.\n"
		"   -h, --help           Print this help message and exit.\n"
		"   -V, --version        Print the current version and exit.\n"
		"\n"
		"Full help is available online at https://github.com/Yelp/dumb-init\n",
		called);
	return 0;
}

static bool parse_rewrite(const char *text, unsigned char map[])
{
	int from, to;

	if (!compat_number(&text, &from) || *text++ != ':' || !compat_number(&text, &to) ||
		from < 1 || from > REWRITE_MAX || to < 0 || to > REWRITE_MAX)
		return false;
	map[from] = to == 0 ? (unsigned char)INIT_DROP : (unsigned char)to;
	return true;
}

/* -1: go on; else the exit status. */
static int parse(struct dumb_init *dumb, char **argv)
{
	static const char *const names[] = {
		"hhelp", "csingle-child", "rrewrite", "vverbose", "Vversion", NULL};
	struct compat_opt opt = {
		.argv = argv, .letters = "hvVcr:", .names = names, .leading = true};
	int letter;

	while ((letter = compat_opt_next(&opt)) != 0) {
		switch (letter) {
		case 'h':
			return help(argv[0]);
		case 'V':
			compat_print(STDERR_FILENO, DUMB_INIT_VERSION);
			return 0;
		case 'v':
			dumb->verbose = true;
			break;
		case 'c':
			dumb->single = true;
			break;
		case 'r':
			if (parse_rewrite(opt.value, dumb->compat.policy.signal_map))
				break;
			compat_print(STDERR_FILENO,
				"Usage: -r option takes <signum>:<signum>, where <signum> is "
				"between 1 and 31.\n"
				"This option can be specified multiple times.\n"
				"Use --help for full usage.\n");
			return EXIT_FAILURE;
		default:
			return EXIT_FAILURE;
		}
	}
	dumb->compat.argv = argv + 1;
	if (argv[1])
		return -1;
	compat_print(STDERR_FILENO,
		"Usage: %s [option] program [args]\n"
		"Try %s --help for full usage.\n",
		argv[0], argv[0]);
	return EXIT_FAILURE;
}

static bool variable_is(const char *name, const char *value)
{
	const char *given = getenv(name);

	return given && strcmp(given, value) == 0;
}

static void read_environment(struct dumb_init *dumb)
{
	if (variable_is("DUMB_INIT_DEBUG", "1")) {
		dumb->verbose = true;
		say(dumb, "Running in debug mode.");
	}
	if (variable_is("DUMB_INIT_SETSID", "0")) {
		dumb->single = true;
		say(dumb, "Not running in setsid mode.");
	}
}

static void say_reaped(const struct dumb_init *dumb, pid_t pid, int status)
{
	if (WIFEXITED(status))
		say(dumb, "A child with PID %d exited with exit status %d.", (int)pid,
			WEXITSTATUS(status));
	else
		say(dumb, "A child with PID %d was terminated by signal %d.", (int)pid,
			WTERMSIG(status));
}

/* What becomes of a signal, where that was asked for. */
static int translate(const struct dumb_init *dumb, int number)
{
	int mapped = dumb->compat.policy.signal_map[number];

	if (mapped == 0)
		return number;
	if (mapped == INIT_DROP)
		mapped = 0;
	say(dumb, "Translating signal %d to %d.", number, mapped);
	return mapped;
}

static void say_forwarded(const struct dumb_init *dumb, int number)
{
	if (number != 0)
		say(dumb, "Forwarded signal %d to children.", number);
	else
		say(dumb, "Not forwarding signal 0 to children (ignored).");
}

static void say_ended(const struct dumb_init *dumb, const struct init_trace *event)
{
	int status = event->number;

	say_reaped(dumb, event->pid, status);
	say_forwarded(dumb, translate(dumb, SIGTERM));
	say(dumb, "Child exited with status %d. Goodbye.",
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void say_received(const struct dumb_init *dumb, int number)
{
	say(dumb, "Received signal %d.", number);
	if (number != SIGCHLD && translate(dumb, number) == 0)
		say_forwarded(dumb, 0);
	if (number == SIGTSTP || number == SIGTTIN || number == SIGTTOU)
		say(dumb, "Suspending self due to TTY signal.");
}

static void say_detached(const struct dumb_init *dumb, const struct init_trace *event)
{
	if (event->number != 0)
		say(dumb, "Unable to detach from controlling tty (errno=%d %s).", event->number,
			strerror(event->number));
	else if (event->pid != 0)
		say(dumb, "Detached from controlling tty, ignoring the first SIGHUP and SIGCONT "
			  "we receive.");
	else
		say(dumb, "Detached from controlling tty, but was not session leader.");
}

static void trace(void *arg, const struct init_trace *event)
{
	const struct dumb_init *dumb = arg;

	switch (event->what) {
	case INIT_TRACE_DETACHED:
		say_detached(dumb, event);
		break;
	case INIT_TRACE_SPAWNED:
		say(dumb, "Child spawned with PID %d.", (int)event->pid);
		if (!dumb->single)
			say(dumb, "setsid complete.");
		break;
	case INIT_TRACE_RECEIVED:
		say_received(dumb, event->number);
		break;
	case INIT_TRACE_SKIPPED:
		say(dumb, "Ignoring tty hand-off signal %d.", event->number);
		break;
	case INIT_TRACE_PASSED:
		say_forwarded(dumb, event->number);
		break;
	case INIT_TRACE_REAPED:
		say_reaped(dumb, event->pid, event->number);
		break;
	case INIT_TRACE_ENDED:
		say_ended(dumb, event);
		break;
	}
}

static int refuse(void *arg, pid_t pid, const char *program, int errnum)
{
	(void)arg;
	(void)pid;
	compat_line(STDERR_FILENO, "[dumb-init] %s: %s", program, strerror(errnum));
	return STATUS_NO_EXEC;
}

/* A session of its own, signalled as a whole, also with TERM (or what that was rewritten to) when
 * the program has ended. */
static void set_session(struct init_policy *policy)
{
	static const unsigned char stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};
	int end = policy->signal_map[SIGTERM];

	for (size_t i = 0; i < sizeof(stops); i++) {
		if (policy->signal_map[stops[i]] == 0)
			policy->signal_map[stops[i]] = SIGSTOP;
	}
	if (end != INIT_DROP)
		policy->end_signal = end == 0 ? SIGTERM : end;
	policy->own_session = true;
	policy->group_signals = true;
	policy->job = INIT_JOB_STOP;
}

static void set_single(struct init_policy *policy)
{
	policy->same_group = true;
	policy->job = INIT_JOB_PASS_STOP;
}

int cmd_dumb_init(int argc, char **argv)
{
	struct dumb_init dumb = {0};
	struct init_policy *policy = &dumb.compat.policy;
	int status;

	(void)argc;
	if (compat_init(&dumb.compat) < 0)
		return EXIT_FAILURE;
	status = parse(&dumb, argv);
	if (status >= 0)
		return status;
	read_environment(&dumb);
	if (dumb.single)
		set_single(policy);
	else
		set_session(policy);
	policy->signal_map[SIGCHLD] = INIT_DROP;
	policy->not_subreaper = true;
	policy->leave_rest = true;
	policy->chdir_root = true;
	policy->reset_signals = true;
	policy->trace = trace;
	policy->trace_arg = &dumb;
	dumb.compat.refuse = refuse;
	return compat_run(&dumb.compat);
}
