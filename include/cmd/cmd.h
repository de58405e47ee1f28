/*
 * cmd: every command's entry point. dispatch.c makes tables of them, main.c calls it.
 *
 * Each gets argv with its own name as argv[0] and returns the exit status. Only this floor prints
 * errors. A command `name` is the function cmd_name and the option table cmd_name_options.
 */
#ifndef HUSK_CMD_CMD_H
#define HUSK_CMD_CMD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/opt.h"

/* name, synopsis, one line of help: the usage, the dispatch and the manual come from here. */
/* A row is added when its command works. */
#define CMD_TABLE(X) \
	X(render, "render [-c FILE] | render IN OUT", "render templates and exit") \
	X(check, "check [-c FILE] [--explain]", "validate everything without starting anything") \
	X(env, "env [-c FILE] [--json] [SERVICE]", \
		"show the environment, and where each value comes from") \
	X(probe, "probe [--timeout 2s] [--expect 200-399] [--fcgi-status] TARGET", \
		"ask once whether something answers") \
	X(wait, "wait [--timeout 60s] TARGET...", "wait until all of them have answered") \
	X(status, "status [--json | --metrics] [--watch] [SERVICE...]", \
		"show the services, and why they are as they are") \
	X(start, "start [--timeout 60s | --no-wait] [SERVICE...]", \
		"start services, and wait until they are ready") \
	X(stop, "stop [--timeout 60s | --no-wait] SERVICE... | --all", \
		"stop services, and wait until they are down") \
	X(restart, "restart [--timeout 60s | --no-wait] SERVICE... | --all", \
		"stop services and start them again") \
	X(reload, "reload [--timeout 60s | --no-wait] [SERVICE...]", \
		"render templates again, and have services read them") \
	X(signal, "signal SIGNAL SERVICE... | --all", "send a signal to services' processes") \
	X(help, "help [COMMAND]", "explain husk, or one command") \
	X(run, "[run] [OPTION...] [-- PROGRAM [ARG...]]", "start the program and look after it") \
	X(version, "version", "print the version")

/*
 * The names that husk is called by, and the function for each: `X("tini", cmd_tini)`. Under every
 * other name (husk, init, nginx-starter, docker-entrypoint.sh, and any unknown one) it is husk.
 */
#define CMD_NAME_TABLE(X) \
	X("catatonit", cmd_catatonit) \
	X("docker-init", cmd_tini) \
	X("dumb-init", cmd_dumb_init) \
	X("envsubst", cmd_envsubst) \
	X("podman-init", cmd_catatonit) \
	X("tini", cmd_tini) \
	X("tini-static", cmd_tini)

#define X(name, synopsis, help) \
	int cmd_##name(int argc, char **argv); \
	extern const struct opt cmd_##name##_options[];
CMD_TABLE(X)
#undef X
int cmd_catatonit(int argc, char **argv);
int cmd_dumb_init(int argc, char **argv);
int cmd_envsubst(int argc, char **argv);
int cmd_tini(int argc, char **argv);

struct cmd {
	const char *name;
	int (*run)(int argc, char **argv);
	const struct opt *options;
	const char *synopsis;
	const char *help;
};

/* In the table's order; ends with a NULL name. */
extern const struct cmd cmd_commands[];
/* NULL where there is none. */
const struct cmd *cmd_find(const char *name);
/* For "did you mean"; NULL where none is near. */
const char *cmd_nearest(const char *name);

/* The whole of main but for the process's own set-up. */
int cmd_dispatch(int argc, char **argv);

/* Logs, and returns the exit status. */
int cmd_fail(const struct err *err);
/* Every error of the list, and how many more there are; the first one's exit status. */
int cmd_fail_list(const struct err_list *errors);
/* The reasons, a line each, where Kubernetes and people look for them (log_termination). */
void cmd_last_words(const struct err *errs, unsigned count);
/* Both: for what a container may have been started with. */
int cmd_fail_start(const struct err *err);
int cmd_fail_start_list(const struct err_list *errors);
/* To standard output; 0, or the exit status where that failed or `text` is incomplete. */
int cmd_print(const struct buf *text);
/* A command's usage to standard output (`husk COMMAND --help`); the exit status. */
int cmd_print_usage(const struct cmd *command);
/* Neither a program nor, in the configuration `file` (NULL: there is none), a service: says on
 * standard error how husk is used; ERR_USAGE. */
int cmd_nothing_to_run(const char *file);

#endif
