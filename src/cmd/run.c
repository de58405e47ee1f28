#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/signal_name.h"
#include "cmd/cmd.h"
#include "init/init.h"

enum { ARENA_MAX = 64 << 20 };

enum { OPTION_PARENT_DEATH = 1 };
const struct opt cmd_run_options[] = {
	{OPTION_PARENT_DEATH, 0, "parent-death-signal", "SIGNAL",
		"the signal that husk gets when its parent ends"},
	{0},
};

struct run {
	struct arena *arena;
	struct launch_signals signals;
	struct init_policy policy;
	struct init_service service;
	int64_t grace;
	char *const *program; /* NULL: none on the command line */
};

static int parse_signal(const char *text, int *number, struct err *err)
{
	const char *near;

	*number = signal_number(str_from(text));
	if (*number > 0)
		return 0;
	near = signal_nearest(str_from(text));
	if (near)
		return err_set(
			err, ERR_USAGE, "unknown signal \"%s\" (did you mean %s?)", text, near);
	return err_set(err, ERR_USAGE, "unknown signal \"%s\"", text);
}

/* A word that could be a mistyped command is no program (`docker-entrypoint.sh` apart, whose
 * arguments always are): only behind `--`, or with a slash. */
static int parse(struct run *run, char **argv, struct err *err)
{
	struct opt_parser parser;
	int id;

	opt_init(&parser, cmd_run_options, argv + 1);
	while ((id = opt_next(&parser, err)) > OPT_END) {
		if (id == OPTION_PARENT_DEATH &&
			parse_signal(parser.value, &run->policy.parent_death_signal, err) < 0)
			return -1;
	}
	if (id == OPT_ERROR)
		return -1;
	if (parser.argv[parser.index])
		run->program = parser.argv + parser.index;
	return 0;
}

/*
 * LISTEN_PID names who the descriptors are for (sd_listen_fds(3)): what was husk's is the
 * program's, whose pid only its own process knows.
 */
static int hand_on_listen_pid(struct run *run, char **envp, struct err *err)
{
	char own[32];
	char *text;

	(void)snprintf(own, sizeof(own), "LISTEN_PID=%d", (int)sys_getpid());
	for (; *envp; envp++) {
		if (strcmp(*envp, own) != 0)
			continue;
		text = arena_alloc(run->arena, strlen("LISTEN_PID=") + LAUNCH_PID_SIZE);
		if (!text)
			return err_nomem(err);
		(void)strcpy(text, own);
		*envp = text;
		run->service.spec.listen_pid = text + strlen("LISTEN_PID=");
	}
	return 0;
}

static int resolve(struct run *run, struct err *err)
{
	struct launch_spec *spec = &run->service.spec;

	run->arena = arena_new(ARENA_MAX);
	if (!run->arena)
		return err_nomem(err);
	spec->name = run->program[0];
	spec->argv = run->program;
	spec->envp = environ;
	run->service.adhoc = true;
	if (hand_on_listen_pid(run, environ, err) < 0)
		return -1;
	return launch_find(run->arena, run->program[0], getenv("PATH"), &spec->path, err);
}

/* The last words: to /dev/termination-log always, to standard error where husk has to. */
static int report(const struct err *err, bool aloud)
{
	char text[ERR_FILE_MAX + ERR_MESSAGE_MAX + ERR_SOURCE_MAX];

	(void)err_format(err, text, sizeof(text));
	log_termination(text);
	if (aloud)
		log_err(err);
	else
		log_info("%s", text);
	return (int)err->code;
}

int cmd_run(int argc, char **argv)
{
	struct run run = {0};
	struct init_end end;
	struct err err;
	int status;

	(void)argc;
	/* Before anything else: what comes from now on is passed to the program. */
	if (launch_signals_take(&run.signals, &err) < 0 ||
		log_configure(getenv("HUSK_LOG"), getenv("HUSK_LOG_FORMAT"), &err) < 0 ||
		parse(&run, argv, &err) < 0)
		return report(&err, true);
	if (!run.program)
		return cmd_nothing_to_run();
	if (resolve(&run, &err) < 0 ||
		init_run(&run.service, 1, run.grace, &run.signals, &run.policy, &end, &err) < 0) {
		status = report(&err, true);
	} else {
		status = end.status;
		if (status != 0) {
			bool aloud = init_explain(&end, &err);
			(void)report(&err, aloud);
		}
	}
	arena_free(run.arena);
	return status;
}
