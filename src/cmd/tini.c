/*
 * tini and docker-init, by their names: tini 0.19's options, variables, messages and statuses.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/format.h"
#include "base/signal_name.h"
#include "base/sys.h"
#include "cmd/cmd.h"
#include "cmd/compat.h"

#define TINI_VERSION "tini version 0.19.0 - husk " HUSK_VERSION

enum tini_level { TINI_FATAL, TINI_WARN, TINI_INFO, TINI_DEBUG, TINI_TRACE };

struct tini {
	struct compat compat;
	unsigned verbosity; /* the highest level that is said */
	bool subreaper;
	bool warn_reaped;
};

/* Warnings on standard error, what is for debugging on standard output. */
static void say(const struct tini *tini, enum tini_level level, pid_t pid, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void say(const struct tini *tini, enum tini_level level, pid_t pid, const char *format, ...)
{
	static const char names[][6] = {"FATAL", "WARN ", "INFO ", "DEBUG", "TRACE"};
	char text[768];
	va_list args;

	if (tini->verbosity < level)
		return;
	va_start(args, format);
	(void)format_list(text, sizeof(text), format, args);
	va_end(args);
	compat_line(level > TINI_WARN ? STDOUT_FILENO : STDERR_FILENO, "[%s tini (%d)] %s",
		names[level], (int)pid, text);
}

static int usage(const char *called, int fd, int status)
{
	const char *slash = strrchr(called, '/');
	const char *name = slash ? slash + 1 : called;

	compat_print(fd,
		"%s (" TINI_VERSION ")\n"
		"Usage: %s [OPTIONS] PROGRAM -- [ARGS] | --version\n\n"
		"Execute a program under the supervision of a valid init process (%s)\n\n"
		"  -e CODE    end with 0 where the program ends with CODE; may be repeated\n"
		"  -g         signal the program's process group (or TINI_KILL_PROCESS_GROUP=)\n"
		"  -h         this help\n"
		"  -l         the license\n"
		"  -p SIGNAL  be sent SIGNAL (SIGTERM) when the parent ends\n"
		"  -s         become a subreaper where not PID 1 (or TINI_SUBREAPER=)\n"
		"  -v         more verbose; up to three times (or TINI_VERBOSITY=0 to 4)\n"
		"  -w         warn of each zombie reaped\n",
		name, name, name);
	return status;
}

/* By its whole name: "SIGKILL". */
static bool parse_signal(const char *text, int *number)
{
	char name[SIGNAL_NAME_MAX];

	*number = signal_number(str_from(text));
	return *number > 0 && strcmp(signal_name(*number, name), text) == 0;
}

static bool parse_status(const char *text, unsigned char map[32])
{
	int status = 0;

	if ((*text != '\0' && !compat_number(&text, &status)) || *text != '\0' || status < 0 ||
		status > 255)
		return false;
	map[status / 8] |= (unsigned char)(1 << status % 8);
	return true;
}

static int refuse_value(const struct tini *tini, char letter, const char *value)
{
	say(tini, TINI_FATAL, sys_getpid(), "Not a valid option for -%c: %s", letter, value);
	return EXIT_FAILURE;
}

/* -1: go on; else the exit status. */
static int parse(struct tini *tini, char **argv)
{
	struct compat_opt opt = {.argv = argv, .letters = "p:hvwgle:s"};
	struct init_policy *policy = &tini->compat.policy;
	int letter;

	while ((letter = compat_opt_next(&opt)) != 0) {
		switch (letter) {
		case 's':
			tini->subreaper = true;
			break;
		case 'p':
			if (!parse_signal(opt.value, &policy->parent_death_signal))
				return refuse_value(tini, 'p', opt.value);
			break;
		case 'v':
			tini->verbosity++;
			break;
		case 'w':
			tini->warn_reaped = true;
			break;
		case 'g':
			policy->group_signals = true;
			break;
		case 'e':
			if (!parse_status(opt.value, policy->status_map))
				return refuse_value(tini, 'e', opt.value);
			break;
		case 'h':
			return usage(argv[0], STDOUT_FILENO, 0);
		case 'l':
			compat_print(STDOUT_FILENO, COMPAT_LICENSE);
			return 0;
		default:
			return usage(argv[0], STDERR_FILENO, EXIT_FAILURE);
		}
	}
	tini->compat.argv = argv + 1;
	return argv[1] ? -1 : usage(argv[0], STDERR_FILENO, EXIT_FAILURE);
}

static void read_environment(struct tini *tini)
{
	const char *verbosity = getenv("TINI_VERBOSITY");
	int level = 0;

	tini->subreaper |= getenv("TINI_SUBREAPER") != NULL;
	tini->compat.policy.group_signals |= getenv("TINI_KILL_PROCESS_GROUP") != NULL;
	if (!verbosity)
		return;
	(void)compat_number(&verbosity, &level);
	tini->verbosity = (unsigned)level;
}

static void check_reaper(const struct tini *tini)
{
	if (tini->subreaper)
		say(tini, TINI_TRACE, sys_getpid(), "Registered as child subreaper");
	else if (sys_getpid() != 1 && sys_get_subreaper() != 1)
		say(tini, TINI_WARN, sys_getpid(),
			"Tini is not running as PID 1 and isn't registered as a child subreaper.\n"
			"Zombie processes will not be re-parented to Tini, so zombie reaping won't "
			"work.\nTo fix the problem, use the -s option or set the environment "
			"variable TINI_SUBREAPER to register Tini as a child subreaper, or run "
			"Tini as PID 1.");
}

/* As glibc describes signals (strsignal(3)), from 1 on. */
static const char descriptions[] =
	"Hangup\0Interrupt\0Quit\0Illegal instruction\0Trace/breakpoint trap\0Aborted\0"
	"Bus error\0Floating point exception\0Killed\0User defined signal 1\0"
	"Segmentation fault\0User defined signal 2\0Broken pipe\0Alarm clock\0Terminated\0"
	"Stack fault\0Child exited\0Continued\0Stopped (signal)\0Stopped\0"
	"Stopped (tty input)\0Stopped (tty output)\0Urgent I/O condition\0"
	"CPU time limit exceeded\0File size limit exceeded\0Virtual timer expired\0"
	"Profiling timer expired\0Window changed\0I/O possible\0Power failure\0"
	"Bad system call";

static const char *describe(int number, char name[32])
{
	const char *description = descriptions;

	if (number > SIGSYS) {
		(void)format_text(name, 32, "Real-time signal %d", number - SIGNAL_RTMIN);
		return name;
	}
	while (--number > 0)
		description += strlen(description) + 1;
	return description;
}

static void say_ended(const struct tini *tini, int status)
{
	char name[32];

	if (WIFEXITED(status))
		say(tini, TINI_INFO, sys_getpid(), "Main child exited normally (with status '%i')",
			WEXITSTATUS(status));
	else
		say(tini, TINI_INFO, sys_getpid(),
			"Main child exited with signal (with signal '%s')",
			describe(WTERMSIG(status), name));
	say(tini, TINI_TRACE, sys_getpid(), "Exiting: child has exited");
}

static void trace(void *arg, const struct init_trace *event)
{
	const struct tini *tini = arg;
	char name[32];

	switch (event->what) {
	case INIT_TRACE_SPAWNED:
		say(tini, TINI_INFO, sys_getpid(), "Spawned child process '%s' with pid '%i'",
			tini->compat.argv[0], event->pid);
		break;
	case INIT_TRACE_RECEIVED:
		if (event->number == SIGCHLD)
			say(tini, TINI_DEBUG, sys_getpid(), "Received SIGCHLD");
		break;
	case INIT_TRACE_PASSED:
		say(tini, TINI_DEBUG, sys_getpid(), "Passing signal: '%s'",
			describe(event->number, name));
		break;
	case INIT_TRACE_REAPED:
		say(tini, TINI_DEBUG, sys_getpid(), "Reaped child with pid: '%i'", event->pid);
		if (tini->warn_reaped)
			say(tini, TINI_WARN, sys_getpid(), "Reaped zombie process with pid=%i",
				event->pid);
		break;
	case INIT_TRACE_ENDED:
		say(tini, TINI_DEBUG, sys_getpid(), "Reaped child with pid: '%i'", event->pid);
		say_ended(tini, event->number);
		break;
	case INIT_TRACE_DETACHED:
	case INIT_TRACE_SKIPPED:
		break;
	}
}

static int refuse(void *arg, pid_t pid, const char *program, int errnum)
{
	say(arg, TINI_FATAL, pid, "exec %s failed: %s", program, strerror(errnum));
	if (errnum == ENOENT)
		return ERR_NOT_FOUND;
	return errnum == EACCES ? (int)ERR_NOT_EXECUTABLE : EXIT_FAILURE;
}

int cmd_tini(int argc, char **argv)
{
	struct tini tini = {.verbosity = TINI_WARN};
	struct init_policy *policy = &tini.compat.policy;
	int status;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		compat_print(STDOUT_FILENO, TINI_VERSION "\n");
		return 0;
	}
	if (compat_init(&tini.compat) < 0)
		return EXIT_FAILURE;
	status = parse(&tini, argv);
	if (status >= 0)
		return status;
	read_environment(&tini);
	policy->signal_map[SIGTTIN] = INIT_DROP;
	policy->signal_map[SIGTTOU] = INIT_DROP;
	policy->signal_map[SIGCHLD] = INIT_DROP;
	policy->untouched = compat_fault_signals();
	policy->job = INIT_JOB_PASS;
	policy->leave_rest = true;
	policy->not_subreaper = !tini.subreaper;
	policy->trace = trace;
	policy->trace_arg = &tini;
	tini.compat.refuse = refuse;
	tini.compat.arg = &tini;
	check_reaper(&tini);
	return compat_run(&tini.compat);
}
