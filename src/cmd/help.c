#include <stdio.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/log.h"
#include "cmd/cmd.h"

enum {
	HELP_MAX = 65536,
	HELP_COLUMN = 14,
};

const struct opt cmd_help_options[] = {{0}};

static void append_summary(struct buf *out)
{
	(void)buf_append_cstr(out, "usage: husk [run] [-c FILE] [options] [-- PROGRAM [ARG...]]\n"
				   "       husk COMMAND [options] [ARG...]\n"
				   "\n"
				   "commands:\n");
	for (const struct cmd *command = cmd_commands; command->name != NULL; command++) {
		(void)buf_appendf(out, "  %-*s%s\n", HELP_COLUMN - 2, command->name, command->help);
	}
	(void)buf_append_cstr(out,
		"\n"
		"configuration: -c FILE, else $HUSK_CONFIG, else /etc/husk.yaml\n"
		"`husk help COMMAND` explains a command.\n");
}

static void append_usage(const struct cmd *command, struct buf *out)
{
	(void)buf_appendf(out, "usage: husk %s\n\n%s\n", command->synopsis, command->help);
	if (command->options->id != 0) {
		(void)buf_append_cstr(out, "\noptions:\n");
		(void)opt_usage(command->options, out);
	}
}

int cmd_print_usage(const struct cmd *command)
{
	struct buf text;
	int status;

	buf_init(&text, HELP_MAX);
	append_usage(command, &text);
	status = cmd_print(&text);
	buf_fini(&text);
	return status;
}

int cmd_nothing_to_run(const char *file)
{
	char reason[ERR_FILE_MAX + 80];
	struct buf text;

	(void)format_text(reason, sizeof(reason), "nothing to run: no program was given, and %s%s",
		file != NULL ? file : "there is no configuration",
		file != NULL ? " has no services" : "");
	log_termination(reason);
	buf_init(&text, HELP_MAX);
	(void)buf_appendf(&text,
		"husk: %s\n"
		"\n"
		"to run a program:  husk -- PROGRAM [ARG...]\n"
		"to run services:   describe them in /etc/husk.yaml, or name a file with -c\n"
		"\n",
		reason);
	append_summary(&text);
	/* Standard error may be a pipe that nobody reads. */
	if (text.len != 0)
		(void)fd_write_nowait(2, text.data, text.len);
	buf_fini(&text);
	return ERR_USAGE;
}

static int print_summary(void)
{
	struct buf text;
	int status;

	buf_init(&text, HELP_MAX);
	append_summary(&text);
	status = cmd_print(&text);
	buf_fini(&text);
	return status;
}

static int unknown_command(const char *name)
{
	const char *near = cmd_nearest(name);
	struct err err;

	if (near != NULL)
		(void)err_set(&err, ERR_USAGE, "no command \"%s\" (did you mean %s?)", name, near);
	else
		(void)err_set(&err, ERR_USAGE, "no command \"%s\"", name);
	return cmd_fail(&err);
}

int cmd_help(int argc, char **argv)
{
	struct opt_parser parser;
	const struct cmd *command;
	const char *name;
	struct err err;

	(void)argc;
	opt_init(&parser, cmd_help_options, argv + 1);
	if (opt_next(&parser, &err) == OPT_ERROR)
		return cmd_fail(&err);
	name = argv[1 + parser.index];
	if (name == NULL)
		return print_summary();
	command = cmd_find(name);
	return command == NULL ? unknown_command(name) : cmd_print_usage(command);
}
