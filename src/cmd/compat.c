#include "cmd/compat.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/format.h"
#include "base/log.h"
#include "base/sys.h"
#include "cmd/cmd.h"

enum { TEXT_MAX = 1536, ARENA_MAX = 1 << 16 };

void compat_print(int fd, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)format_list(text, sizeof(text), format, args);
	va_end(args);
	(void)fd_write_all(fd, text, strlen(text));
}

void compat_line(int fd, const char *format, ...)
{
	char text[TEXT_MAX];
	size_t len;
	va_list args;

	va_start(args, format);
	(void)format_list(text, sizeof(text) - 1, format, args);
	va_end(args);
	len = strlen(text);
	text[len++] = '\n';
	(void)fd_write_nowait(fd, text, len);
}

bool compat_number(const char **text, int *number)
{
	const char *at = *text + strspn(*text, " \t\n\v\f\r");
	bool negative = *at == '-';
	long value = 0;

	at += negative || *at == '+';
	if (*at < '0' || *at > '9')
		return false;
	for (; *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (*at - '0');
		if (value > INT_MAX)
			return false;
	}
	*number = (int)(negative ? -value : value);
	*text = at;
	return true;
}

/* Where the letter is described; NULL where there is no such option. */
static const char *find_letter(const struct compat_opt *opt, char letter)
{
	return letter == ':' ? NULL : strchr(opt->letters, letter);
}

static int next_letter(struct compat_opt *opt)
{
	char letter = *opt->cluster++;
	const char *found = find_letter(opt, letter);

	if (!found) {
		compat_print(STDERR_FILENO, "%s: invalid option -- '%c'\n", opt->argv[0], letter);
		return '?';
	}
	if (found[1] != ':')
		return letter;
	if (*opt->cluster != '\0') {
		opt->value = opt->cluster;
		opt->cluster = NULL;
		return letter;
	}
	opt->value = opt->argv[opt->index];
	if (opt->value) {
		opt->index++;
		return letter;
	}
	compat_print(
		STDERR_FILENO, "%s: option requires an argument -- '%c'\n", opt->argv[0], letter);
	return '?';
}

static int complain_long(const struct compat_opt *opt, const char *word, const char *complaint)
{
	compat_print(STDERR_FILENO, "%s: option '--%s' %s\n", opt->argv[0], word, complaint);
	return '?';
}

/* The names that `word` may be short for. */
static int complain_ambiguous(const struct compat_opt *opt, const char *word, size_t len)
{
	char text[TEXT_MAX / 4] = "is ambiguous; possibilities:";

	for (const char *const *name = opt->names; *name; name++) {
		if (strncmp(*name + 1, word, len) == 0)
			strcat(strcat(strcat(text, " '--"), *name + 1), "'");
	}
	return complain_long(opt, word, text);
}

/* `word` stands behind the dashes; a name may be cut short. */
static int next_long(struct compat_opt *opt, const char *word)
{
	size_t len = strcspn(word, "=");
	const char *found = NULL, *letter;
	bool ambiguous = false;

	for (const char *const *name = opt->names; *name; name++) {
		if (strncmp(*name + 1, word, len) != 0)
			continue;
		ambiguous = found != NULL;
		found = *name;
		if (ambiguous || found[len + 1] == '\0')
			break;
	}
	if (ambiguous)
		return complain_ambiguous(opt, word, len);
	if (!found) {
		compat_print(STDERR_FILENO, "%s: unrecognized option '--%s'\n", opt->argv[0], word);
		return '?';
	}
	letter = find_letter(opt, found[0]);
	if (!letter || letter[1] != ':')
		return word[len] == '=' ? complain_long(opt, found + 1, "doesn't allow an argument")
					: found[0];
	opt->value = word[len] == '=' ? word + len + 1 : opt->argv[opt->index];
	if (!opt->value)
		return complain_long(opt, found + 1, "requires an argument");
	opt->index += word[len] != '=';
	return found[0];
}

int compat_opt_next(struct compat_opt *opt)
{
	bool leading = opt->leading || getenv("POSIXLY_CORRECT");
	const char *word;

	opt->value = NULL;
	opt->index += opt->index == 0;
	if (opt->cluster && *opt->cluster != '\0')
		return next_letter(opt);
	while ((word = opt->argv[opt->index])) {
		opt->index++;
		if (strcmp(word, "--") == 0)
			break;
		if (word[0] == '-' && word[1] == '-' && opt->names)
			return next_long(opt, word + 2);
		if (word[0] == '-' && word[1] != '\0') {
			opt->cluster = word + 1;
			return next_letter(opt);
		}
		if (leading) {
			opt->index--;
			break;
		}
		opt->argv[++opt->operands] = opt->argv[opt->index - 1];
	}
	while ((opt->argv[++opt->operands] = opt->argv[opt->index]))
		opt->index++;
	return 0;
}

struct sys_sigset compat_fault_signals(void)
{
	static const unsigned char faults[] = {
		SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS};
	struct sys_sigset set = {0};

	for (size_t i = 0; i < sizeof(faults); i++)
		set.bits |= UINT64_C(1) << (faults[i] - 1);
	return set;
}

int compat_init(struct compat *compat)
{
	struct err err;

	*compat = (struct compat){0};
	return launch_signals_take(&compat->signals, &err) < 0 ? -cmd_fail(&err) : 0;
}

static int refuse(const struct compat *compat, pid_t pid, int errnum, const struct err *err)
{
	int status = compat->refuse(compat->arg, pid, compat->argv[0], errnum);

	(void)cmd_fail_start(err);
	return compat->policy.status_map[status / 8] >> (status % 8) & 1 ? 0 : status;
}

static int start(struct compat *compat, struct init_service *service)
{
	struct init_end end;
	struct err err;

	if (init_run(service, service->spec.argv != NULL, 0, &compat->signals, &compat->policy,
		    &end, &err) < 0) {
		(void)cmd_fail_start(&err);
		return EXIT_FAILURE;
	}
	if (end.cause == INIT_EXITED && end.status == 0)
		return 0;
	(void)init_explain(&end, &err);
	if (end.cause == INIT_EXEC_FAILED)
		return refuse(compat, end.pid, end.failure.errnum, &err);
	if (end.cause == INIT_NOT_STARTED) {
		(void)cmd_fail_start(&err);
		return EXIT_FAILURE;
	}
	cmd_last_words(&err, 1);
	return end.status;
}

int compat_run(struct compat *compat)
{
	struct supervise_service rules = {.passive = true, .main = true, .ready_timeout = -1};
	struct init_service service = {.spec = {.terminal = -1}, .rules = &rules};
	struct arena *arena = arena_new(ARENA_MAX);
	struct err err;
	int status;

	if (!arena) {
		(void)err_nomem(&err);
		(void)cmd_fail_start(&err);
		status = EXIT_FAILURE;
	} else if (!compat->argv) {
		status = start(compat, &service);
	} else if (launch_find(arena, compat->argv[0], getenv("PATH"), &service.spec.path, &err) <
		   0) {
		status = refuse(compat, sys_getpid(), err.errnum != 0 ? err.errnum : ENOENT, &err);
	} else {
		service.spec.name = compat->argv[0];
		service.spec.argv = compat->argv;
		service.spec.envp = environ;
		service.spec.listen_pid = compat->listen_pid;
		status = start(compat, &service);
	}
	arena_free(arena);
	return status;
}
