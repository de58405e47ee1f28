#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/signal_name.h"
#include "cmd/cmd.h"
#include "cmd/load.h"
#include "cmd/reloader.h"
#include "cmd/service.h"
#include "init/init.h"
#include "plan/render.h"
#include "proc/runcheck.h"

enum {
	KEPT_MIN = 64 << 10, /* a copy of less is not worth its own memory */
	KEPT_MAX = 256 << 20,
};

enum { OPTION_CONFIG = 1, OPTION_PARENT_DEATH };
const struct opt cmd_run_options[] = {
	{OPTION_CONFIG, 'c', "config", "FILE", "the configuration to use"},
	{OPTION_PARENT_DEATH, 0, "parent-death-signal", "SIGNAL",
		"what husk is sent when its parent ends, and passes on"},
	{0},
};

struct run {
	struct launch_signals signals;
	struct init_policy policy;
	const char *config;
	char *const *program; /* NULL: none on the command line */
	struct load *load;
	struct init_service *services; /* in the plan's order */
	struct arena *kept;            /* NULL, or where they are: nothing else is needed then */
	struct reloader reloader;      /* of services that are configured */
	struct init_end end;
};

static int parse_signal(const char *text, int *number, struct err *err)
{
	if (signal_parse(str_from(text), number, err) == 0)
		return 0;
	err->code = ERR_USAGE;
	return -1;
}

/* A word without a slash could be a mistyped command, but behind `--`; the arguments of
 * `docker-entrypoint.sh` are always a program. */
static int take_program(
	struct run *run, const struct opt_parser *parser, const char *called, struct err *err)
{
	char *const *words = parser->argv + parser->index;
	bool dashes = parser->index > 0 && strcmp(words[-1], "--") == 0;
	const char *slash = strrchr(called, '/');

	if (!*words)
		return 0;
	if (!dashes && !strchr(*words, '/') &&
		strcmp(slash ? slash + 1 : called, "docker-entrypoint.sh") != 0)
		return err_set(err, ERR_USAGE,
			cmd_find(*words) ? "the command \"%s\" goes before the options: husk %s"
					 : "unexpected word \"%s\" (to run a program: husk -- %s)",
			*words, *words);
	run->program = words;
	return 0;
}

static int parse(struct run *run, char **argv, struct err *err)
{
	struct opt_parser parser;
	int id;

	opt_init(&parser, cmd_run_options, argv + 1);
	while ((id = opt_next(&parser, err)) > OPT_END) {
		if (id == OPTION_CONFIG)
			run->config = parser.value;
		else if (parse_signal(parser.value, &run->policy.parent_death_signal, err) < 0)
			return -1;
	}
	return id == OPT_ERROR ? -1 : take_program(run, &parser, argv[0], err);
}

/* Every service's mistakes are told of. */
/* What is rendered from here on can be rendered again. */
static void make_reloader(struct run *run)
{
	if (run->program || run->load->plan.service_count == 0)
		return;
	reloader_init(&run->reloader, run->load, run->services, &run->signals);
	run->policy.reloader = &run->reloader.hook;
}

/* What many services were made from is large, and nothing of it is needed from now on. */
static int keep(struct run *run, struct err *err)
{
	const struct load *load = run->load;

	if (arena_held(load->arena) < KEPT_MIN)
		return 0;
	run->kept = arena_new(KEPT_MAX);
	run->services =
		run->kept ? service_keep(run->kept, load, run->services, load->plan.service_count)
			  : NULL;
	if (!run->services || (run->policy.reloader &&
				      reloader_keep(&run->reloader, run->kept, run->services) < 0))
		return err_nomem(err);
	return 0;
}

/* Everything that can be wrong is found before anything is started. */
static int prepare(struct run *run, struct err_list *errors)
{
	struct load *load = run->load;
	struct runcheck check = {.signals = &run->signals};
	const struct render_runner runner = {.arg = &check, .run = runcheck_run};
	struct render_report report = {0};
	struct err err;

	load->keep = !run->program;
	if (load_init(load, run->config, errors) < 0)
		return -1;
	check.arena = load->arena;
	check.env = load->env;
	if (run->program && config_program(&load->plan, run->program, &err) < 0)
		return err_list_put(errors, &err);
	if (service_resolve(load, &run->services, errors) < 0)
		return -1;
	make_reloader(run);
	if (!run->program)
		run->policy.notify = service_manager(load);
	if (render_all(&load->plan, load->env, &runner, &report, &err) == 0 && keep(run, &err) == 0)
		return 0;
	return err_list_put(errors, &err);
}

/* What became of the program is its own affair where it ended by itself, or as it was told. */
static int report(const struct init_end *end, struct err *err)
{
	char text[ERR_FILE_MAX + ERR_MESSAGE_MAX + ERR_SOURCE_MAX];

	if (end->status == 0)
		return 0;
	if (init_explain(end, err) && !end->told) {
		(void)cmd_fail_start(err);
		return end->status;
	}
	(void)err_format(err, text, sizeof(text));
	if (!end->told)
		log_info("%s", text);
	cmd_last_words(err, 1);
	return end->status;
}

static int look_after(struct run *run)
{
	const struct plan *plan = &run->load->plan;
	struct err err;

	if (run->kept)
		load_fini(run->load);
	if (init_run(run->services, (unsigned)plan->service_count, plan->grace, &run->signals,
		    &run->policy, &run->end, &err) < 0)
		return cmd_fail_start(&err);
	return report(&run->end, &err);
}

int cmd_run(int argc, char **argv)
{
	struct load_room room;
	struct load load = {.room = &room};
	struct run run = {.load = &load};
	struct err_list errors;
	struct err err;
	int status;

	(void)argc;
	/* Before anything else: what comes from now on is passed to the program. */
	if (launch_signals_take(&run.signals, &err) < 0 ||
		log_configure(getenv("HUSK_LOG"), getenv("HUSK_LOG_FORMAT"), &err) < 0 ||
		parse(&run, argv, &err) < 0)
		return cmd_fail_start(&err);
	err_list_init(&errors);
	if (prepare(&run, &errors) < 0)
		status = cmd_fail_start_list(&errors);
	else if (load.plan.service_count == 0)
		status = cmd_nothing_to_run(load.plan.file);
	else
		status = look_after(&run);
	if (run.policy.reloader)
		reloader_fini(&run.reloader);
	load_fini(&load);
	arena_free(run.kept);
	return status;
}
