/* probe, wait: whether something answers, once or until it does. */
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/sys.h"
#include "cmd/cmd.h"
#include "probe/probe.h"

static const int64_t SECOND = 1000000000;
/* Of one try of `wait`: a name server, or a host, that drops what it is sent is asked anew. */
enum { TRY_SECONDS = 5, PROBE_SECONDS = 2, WAIT_SECONDS = 60 };

enum { OPTION_TIMEOUT = 1, OPTION_EXPECT, OPTION_FCGI_STATUS, OPTION_VERBOSE };
#define VERBOSE \
	{ \
		OPTION_VERBOSE, 'v', "verbose", NULL, "say what answered, too" \
	}
const struct opt cmd_probe_options[] = {
	{OPTION_TIMEOUT, 0, "timeout", "DURATION", "how long to wait; 2s"},
	{OPTION_EXPECT, 0, "expect", "STATUS", "as 200, 200-399, or 200,301-308; 200-399"},
	{OPTION_FCGI_STATUS, 0, "fcgi-status", NULL, "print php-fpm's status page, as JSON"},
	VERBOSE,
	{0},
};
const struct opt cmd_wait_options[] = {
	{OPTION_TIMEOUT, 0, "timeout", "DURATION", "how long to wait; 60s"},
	VERBOSE,
	{0},
};

struct arguments {
	char *const *targets; /* ends with NULL */
	struct probe_target target;
	struct probe_request request;
	bool status_page;
};

static int take_option(struct arguments *arguments, int id, const char *value, struct err *err)
{
	int64_t *timeout = &arguments->request.timeout;

	switch (id) {
	case OPTION_TIMEOUT:
		if (str_to_duration(str_from(value), timeout) == 0 && *timeout > 0)
			return 0;
		return err_set(err, ERR_USAGE,
			"--timeout wants a duration, as 500ms, 60s or 5m, not \"%s\"", value);
	case OPTION_EXPECT:
		return probe_parse_expect(value, &arguments->request.expect, err);
	case OPTION_FCGI_STATUS:
		arguments->status_page = true;
		arguments->request.query = "json";
		return 0;
	default:
		log_set_level(LOG_LEVEL_INFO);
		return 0;
	}
}

/* What is wrong with any target is said before one is asked. */
static int check_targets(struct arguments *arguments, size_t most, struct err *err)
{
	size_t count = 0;

	for (; arguments->targets[count] != NULL; count++) {
		if (probe_parse(arguments->targets[count], &arguments->target, err) < 0)
			return -1;
	}
	if (count == 0 || count > most)
		return err_set(err, ERR_USAGE, "%s",
			most == 1 ? "probe takes one TARGET" : "wait takes a TARGET, or several");
	if (arguments->status_page && arguments->target.kind != PROBE_FCGI &&
		arguments->target.kind != PROBE_FCGI_UNIX)
		return err_set(err, ERR_USAGE, "--fcgi-status is for fcgi:// and fcgi+unix: only");
	return 0;
}

static int parse(struct arguments *arguments, const struct opt *options, char **argv, size_t most,
	struct err *err)
{
	struct opt_parser parser;
	size_t count = 0;
	int id;

	arguments->request.target = &arguments->target;
	arguments->targets = argv;
	opt_init(&parser, options, argv + 1);
	/* Targets take the place of words that have been looked at. */
	while ((id = opt_next(&parser, err)) > OPT_END ||
		(id == OPT_END && (argv[count] = opt_operand(&parser)) != NULL)) {
		if (id == OPT_END)
			count++;
		else if (take_option(arguments, id, parser.value, err) < 0)
			return -1;
	}
	return id == OPT_ERROR ? -1 : check_targets(arguments, most, err);
}

static void leave(int number, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	sys_exit(128 + number);
}

/* As the command of a container, to PID 1, the kernel delivers what is waited for only. */
static void take_signals(void)
{
	if (sys_getpid() != 1)
		return;
	(void)sys_sigaction_catch(SIGTERM, leave);
	(void)sys_sigaction_catch(SIGINT, leave);
}

static int fail(const char *target, const struct probe_verdict *verdict, enum err_code code)
{
	struct err err;

	(void)err_set(&err, code, "%s: %s", target, verdict->reason);
	return cmd_fail(&err);
}

/* Whatever a server sends, a terminal is shown text. */
static int print_page(struct buf *page)
{
	struct err err;

	for (struct str rest = buf_str(page); rest.len > 0;) {
		size_t len = str_printable(rest);

		if (len == 0 && rest.data[0] != '\n' && rest.data[0] != '\r' &&
			rest.data[0] != '\t') {
			(void)err_set(&err, ERR_FAILED, "the status page is not text");
			return cmd_fail(&err);
		}
		rest = str_sub(rest, len == 0 ? 1 : len, rest.len);
	}
	(void)buf_append_char(page, '\n');
	return cmd_print(page);
}

int cmd_probe(int argc, char **argv)
{
	struct arguments arguments = {.request.timeout = PROBE_SECONDS * SECOND};
	struct probe_verdict verdict;
	struct buf page;
	struct err err;
	int status;

	(void)argc;
	if (parse(&arguments, cmd_probe_options, argv, 1, &err) < 0)
		return cmd_fail(&err);
	take_signals();
	buf_init(&page, PROBE_BODY_MAX);
	if (arguments.status_page)
		arguments.request.body = &page;
	probe_once(&arguments.request, &verdict);
	if (!verdict.healthy) {
		status = fail(arguments.targets[0], &verdict, ERR_FAILED);
	} else {
		log_info("%s: %s", arguments.targets[0], verdict.reason);
		status = arguments.status_page ? print_page(&page) : 0;
	}
	buf_fini(&page);
	return status;
}

int cmd_wait(int argc, char **argv)
{
	struct arguments arguments = {.request.timeout = WAIT_SECONDS * SECOND};
	struct probe_verdict verdict;
	struct err err;
	int64_t deadline;

	(void)argc;
	if (parse(&arguments, cmd_wait_options, argv, SIZE_MAX, &err) < 0)
		return cmd_fail(&err);
	take_signals();
	deadline = sys_now() + arguments.request.timeout;
	if (arguments.request.timeout > TRY_SECONDS * SECOND)
		arguments.request.timeout = TRY_SECONDS * SECOND;
	for (char *const *target = arguments.targets; *target != NULL; target++) {
		if (probe_parse(*target, &arguments.target, &err) < 0)
			return cmd_fail(&err);
		probe_until(&arguments.request, deadline, &verdict);
		if (!verdict.healthy)
			return fail(*target, &verdict, ERR_TIMED_OUT);
		log_info("%s: %s", *target, verdict.reason);
	}
	return 0;
}
