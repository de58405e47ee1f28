#include <string.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/load.h"
#include "plan/render.h"
#include "proc/runcheck.h"

enum { OPTION_CONFIG = 1 };
const struct opt cmd_render_options[] = {
	{OPTION_CONFIG, 'c', "config", "FILE", "the configuration to use"},
	{0},
};

struct arguments {
	const char *config;
	const char *in; /* NULL: the configured sets */
	const char *out;
};

static int parse(struct arguments *arguments, char **argv, struct err *err)
{
	struct opt_parser parser;
	char *const *operands;
	int id;

	opt_init(&parser, cmd_render_options, argv + 1);
	while ((id = opt_next(&parser, err)) > OPT_END)
		arguments->config = parser.value;
	if (id == OPT_ERROR)
		return -1;
	operands = parser.argv + parser.index;
	if (operands[0] == NULL)
		return 0;
	if (operands[1] == NULL || operands[2] != NULL)
		return err_set(err, ERR_USAGE,
			"render takes no operand (the configured templates), or two: IN OUT");
	if (*operands[0] == '\0' || *operands[1] == '\0')
		return err_set(err, ERR_USAGE, "render: IN and OUT must not be empty");
	if (strcmp(operands[1], "-") == 0)
		return err_set(err, ERR_USAGE,
			"husk render writes a file or a folder; by the name envsubst, husk writes "
			"to standard output");
	arguments->in = operands[0];
	arguments->out = operands[1];
	return 0;
}

/* IN and OUT are a plan of one set, whose paths are not expanded since they have no place. */
static void operands_to_plan(
	const struct arguments *arguments, struct plan *plan, struct plan_templates *set)
{
	*set = (struct plan_templates){
		.from = {.text = arguments->in},
		.to = {.text = arguments->out},
		.suffix = {.text = ".template"},
		.mode_inherit = true,
	};
	plan->templates = set;
	plan->template_count = 1;
}

static int render(struct load *load, const struct launch_signals *signals, struct err_list *errors)
{
	struct runcheck check = {.arena = load->arena, .env = load->env, .signals = signals};
	struct render_runner runner = {.arg = &check, .run = runcheck_run};
	struct render_report report = {0};

	if (render_all(&load->plan, load->env, &runner, &report, err_list_add(errors)) < 0)
		return cmd_fail_start_list(errors);
	log_info("rendered %zu files, %zu of them with substitutions, %zu bytes", report.files,
		report.rendered, report.bytes);
	return 0;
}

int cmd_render(int argc, char **argv)
{
	struct err_list errors;
	struct arguments arguments = {0};
	struct launch_signals signals;
	struct plan_templates set;
	struct load load = {0};
	struct err err;
	int status = 0;

	(void)argc;
	/* A stop waits until no staged file is left. */
	if (launch_signals_take(&signals, &err) < 0 || parse(&arguments, argv, &err) < 0)
		return cmd_fail(&err);
	err_list_init(&errors);
	if ((arguments.in != NULL && arguments.config == NULL
			    ? load_bare(&load, &errors)
			    : load_init(&load, arguments.config, &errors)) < 0) {
		status = cmd_fail_start_list(&errors);
		goto out;
	}
	if (arguments.in != NULL) {
		operands_to_plan(&arguments, &load.plan, &set);
	} else if (load_require(&load, "render", &errors) < 0) {
		status = cmd_fail_start_list(&errors);
		goto out;
	}
	status = render(&load, &signals, &errors);
out:
	load_fini(&load);
	return status;
}
