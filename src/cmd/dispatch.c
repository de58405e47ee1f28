#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "cmd/cmd.h"

const struct cmd cmd_commands[] = {
#define X(name, synopsis, help) {#name, cmd_##name, cmd_##name##_options, synopsis, help},
	CMD_TABLE(X)
#undef X
		{0},
};

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} names[] = {
#define X(name, function) {name, function},
	CMD_NAME_TABLE(X)
#undef X
		{0},
};

const struct cmd *cmd_find(const char *name)
{
	for (const struct cmd *command = cmd_commands; command->name != NULL; command++) {
		if (strcmp(name, command->name) == 0)
			return command;
	}
	return NULL;
}

const char *cmd_nearest(const char *name)
{
	const char *candidates[sizeof(cmd_commands) / sizeof(cmd_commands[0])];
	size_t count = 0;

	/* The last row ends both. */
	do
		candidates[count] = cmd_commands[count].name;
	while (candidates[count++] != NULL);
	return str_nearest(str_from(name), candidates);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* run configures the log itself: its errors go to /dev/termination-log as well. */
static int run_command(const struct cmd *command, int argc, char **argv)
{
	struct err err;

	if (argc > 1 && is_help(argv[1]))
		return cmd_print_usage(command);
	if (command->run != cmd_run &&
		log_configure(getenv("HUSK_LOG"), getenv("HUSK_LOG_FORMAT"), &err) != 0)
		return cmd_fail(&err);
	return command->run(argc, argv);
}

/* As likely as not a container's command line: its user looks where Kubernetes looks. */
static int refuse_word(const char *word)
{
	const char *near = cmd_nearest(word);
	struct err err;

	if (near != NULL)
		(void)err_set(&err, ERR_USAGE,
			"no command \"%s\" (did you mean %s? to run a program: husk -- %s)", word,
			near, word);
	else
		(void)err_set(&err, ERR_USAGE, "no command \"%s\" (to run a program: husk -- %s)",
			word, word);
	(void)log_configure(NULL, getenv("HUSK_LOG_FORMAT"), NULL);
	return cmd_fail_start(&err);
}

/* `name` is what husk was called by. */
static int dispatch_husk(const char *name, int argc, char **argv)
{
	const struct cmd *command;
	const char *word = argc > 1 ? argv[1] : NULL;
	char version[] = "version";
	char *version_argv[] = {version, NULL};
	char help[] = "help";
	char *help_argv[] = {help, NULL};

	if (word == NULL)
		return cmd_run(argc, argv);
	if (is_help(word))
		return cmd_help(1, help_argv);
	if (strcmp(word, "--version") == 0)
		return cmd_version(1, version_argv);
	if (word[0] == '-' || strchr(word, '/') != NULL)
		return cmd_run(argc, argv);
	command = cmd_find(word);
	if (command != NULL)
		return run_command(command, argc - 1, argv + 1);
	/* In the place of an image's own entry point, its arguments are the program: the nginx
	 * image's CMD is `nginx -g 'daemon off;'`. */
	if (strcmp(name, "docker-entrypoint.sh") == 0)
		return cmd_run(argc, argv);
	return refuse_word(word);
}

int cmd_dispatch(int argc, char **argv)
{
	const char *name = base_name(argc > 0 ? argv[0] : "husk");

	for (size_t i = 0; names[i].name != NULL; i++) {
		if (strcmp(name, names[i].name) == 0)
			return names[i].run(argc, argv);
	}
	return dispatch_husk(name, argc, argv);
}
