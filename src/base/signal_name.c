#include "base/signal_name.h"

#include <signal.h>
#include <string.h>

#include "base/format.h"
#include "base/sys.h"

enum { SIGNAL_MAX = 64, SIGNAL_SHOWN_MAX = 80 };

/* signal(7); the first name of a number is the one that is shown. */
static const struct {
	const char *name;
	int number;
} names[] = {
	{"SIGHUP", SIGHUP},
	{"SIGINT", SIGINT},
	{"SIGQUIT", SIGQUIT},
	{"SIGILL", SIGILL},
	{"SIGTRAP", SIGTRAP},
	{"SIGABRT", SIGABRT},
	{"SIGBUS", SIGBUS},
	{"SIGFPE", SIGFPE},
	{"SIGKILL", SIGKILL},
	{"SIGUSR1", SIGUSR1},
	{"SIGSEGV", SIGSEGV},
	{"SIGUSR2", SIGUSR2},
	{"SIGPIPE", SIGPIPE},
	{"SIGALRM", SIGALRM},
	{"SIGTERM", SIGTERM},
	{"SIGSTKFLT", SIGSTKFLT},
	{"SIGCHLD", SIGCHLD},
	{"SIGCONT", SIGCONT},
	{"SIGSTOP", SIGSTOP},
	{"SIGTSTP", SIGTSTP},
	{"SIGTTIN", SIGTTIN},
	{"SIGTTOU", SIGTTOU},
	{"SIGURG", SIGURG},
	{"SIGXCPU", SIGXCPU},
	{"SIGXFSZ", SIGXFSZ},
	{"SIGVTALRM", SIGVTALRM},
	{"SIGPROF", SIGPROF},
	{"SIGWINCH", SIGWINCH},
	{"SIGIO", SIGIO},
	{"SIGPWR", SIGPWR},
	{"SIGSYS", SIGSYS},
	{"SIGIOT", SIGABRT},
	{"SIGCLD", SIGCHLD},
	{"SIGPOLL", SIGIO},
};

enum { NAME_COUNT = sizeof(names) / sizeof(names[0]) };

static bool eq_nocase(struct str a, const char *b)
{
	for (size_t i = 0; i < a.len; i++) {
		char c = a.data[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (b[i] == '\0' || c != b[i])
			return false;
	}
	return b[a.len] == '\0';
}

/* RTMIN, RTMIN+n, RTMAX, RTMAX-n; `name` without SIG. */
static int realtime_number(struct str name)
{
	uint64_t offset = 0;
	bool from_min;

	if (name.len < 5)
		return -1;
	from_min = eq_nocase(str_sub(name, 0, 5), "RTMIN");
	if (!from_min && !eq_nocase(str_sub(name, 0, 5), "RTMAX"))
		return -1;
	if (name.len > 5) {
		if (name.data[5] != (from_min ? '+' : '-') ||
			str_to_uint64(str_sub(name, 6, name.len), &offset) != 0 ||
			offset > SIGNAL_MAX - SIGNAL_RTMIN)
			return -1;
	}
	return from_min ? SIGNAL_RTMIN + (int)offset : SIGNAL_MAX - (int)offset;
}

int signal_number(struct str name)
{
	uint64_t number;

	if (str_to_uint64(name, &number) == 0)
		return number >= 1 && number <= SIGNAL_MAX ? (int)number : -1;
	if (name.len > 3 && eq_nocase(str_sub(name, 0, 3), "SIG"))
		name = str_sub(name, 3, name.len);
	for (size_t i = 0; i < NAME_COUNT; i++) {
		if (eq_nocase(name, names[i].name + 3))
			return names[i].number;
	}
	return realtime_number(name);
}

const char *signal_name(int number, char out[SIGNAL_NAME_MAX])
{
	for (size_t i = 0; i < NAME_COUNT; i++) {
		if (names[i].number == number)
			return strcpy(out, names[i].name);
	}
	if (number == SIGNAL_RTMIN)
		(void)format_text(out, SIGNAL_NAME_MAX, "SIGRTMIN");
	else if (number > SIGNAL_RTMIN && number <= SIGNAL_MAX)
		(void)format_text(out, SIGNAL_NAME_MAX, "SIGRTMIN+%d", number - SIGNAL_RTMIN);
	else
		(void)format_text(out, SIGNAL_NAME_MAX, "signal %d", number);
	return out;
}

/* The known name nearest to `name`; NULL where none is near. */
static const char *nearest(struct str name)
{
	const char *full[NAME_COUNT + 3], *bare[NAME_COUNT + 3];
	size_t count = 0;

	for (; count < NAME_COUNT; count++)
		full[count] = names[count].name;
	full[count++] = "SIGRTMIN";
	full[count++] = "SIGRTMAX";
	full[count] = NULL;
	for (size_t i = 0; i < count; i++)
		bare[i] = full[i] + 3;
	bare[count] = NULL;
	/* Spelt as the question was, with or without SIG. */
	if (name.len > 3 && eq_nocase(str_sub(name, 0, 3), "SIG"))
		return str_nearest(name, full);
	return str_nearest(name, bare);
}

int signal_pending_stop(void)
{
	static const int stops[] = {SIGTERM, SIGINT, SIGQUIT};
	struct sys_sigset set;

	if (sys_sigpending(&set) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		if (set.bits >> (stops[i] - 1) & 1)
			return stops[i];
	}
	return 0;
}

int signal_parse(struct str name, int *number, struct err *err)
{
	const char *near;

	*number = signal_number(name);
	if (*number != -1)
		return 0;
	near = nearest(name);
	(void)err_set(err, ERR_CONFIG, "unknown signal \"%.*s\"",
		STR_ARGS(str_sub(name, 0, SIGNAL_SHOWN_MAX)));
	if (near != NULL)
		return err_append(err, " (did you mean %s?)", near);
	return err_append(
		err, " (known: names such as TERM, RTMIN+1, and numbers from 1 to %d)", SIGNAL_MAX);
}
