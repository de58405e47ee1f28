#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/explain.h"
#include "cmd/service.h"

enum { OPTION_CONFIG = 1, OPTION_EXPLAIN };
const struct opt cmd_check_options[] = {
	{OPTION_CONFIG, 'c', "config", "FILE", "the configuration to check"},
	{OPTION_EXPLAIN, 0, "explain", NULL, "say what would happen, step by step"},
	{0},
};

static int parse(char **argv, const char **config, bool *explained, struct err *err)
{
	struct opt_parser parser;
	int id;

	opt_init(&parser, cmd_check_options, argv + 1);
	while ((id = opt_next(&parser, err)) > OPT_END) {
		if (id == OPTION_CONFIG)
			*config = parser.value;
		else
			*explained = true;
	}
	if (id == OPT_ERROR)
		return -1;
	if (parser.argv[parser.index] != NULL)
		return err_set(err, ERR_USAGE,
			"check takes no operand (the configuration: husk check -c %s)",
			parser.argv[parser.index]);
	return 0;
}

/* What a start would make of the service; `*argv` is NULL where that failed. */
static void check_service(struct load *load, const struct plan_service *service, char ***argv,
	struct err_list *errors)
{
	struct init_service scratch = {0};
	const char *cwd;
	struct err err;

	if (service_command(load, service, argv, &err) < 0) {
		(void)err_list_put(errors, &err);
		*argv = NULL;
	}
	if (service_cwd(load, service, &cwd, &err) < 0)
		(void)err_list_put(errors, &err);
	if (service_checks(load, service, &scratch, &err) < 0)
		(void)err_list_put(errors, &err);
}

/* Everything that a start would look at, but for the system: nothing is written or started. */
static void check(struct load *load, struct explain *explain, struct err_list *errors,
	struct err_list *warnings)
{
	struct render_report report = {0};
	char **argv;
	size_t i;

	explain_begin(explain);
	(void)render_check(&load->plan, load->env, explain_observer(explain), &report, errors);
	for (i = 0; i < load->plan.service_count; i++) {
		check_service(load, &load->plan.services[i], &argv, errors);
		if (argv != NULL)
			explain_service(explain, &load->plan.services[i], argv);
	}
	config_warnings(&load->plan, warnings);
	explain_end(explain, warnings);
}

static void warn(const struct err_list *warnings)
{
	char text[ERR_FILE_MAX + ERR_MESSAGE_MAX + ERR_SOURCE_MAX];
	unsigned i;

	for (i = 0; i < warnings->count; i++) {
		(void)err_format(&warnings->errs[i], text, sizeof(text));
		log_warn("%s", text);
	}
}

int cmd_check(int argc, char **argv)
{
	struct err_list errors;
	struct err_list warnings;
	struct explain *explain = NULL;
	struct load load = {0};
	const char *config = NULL;
	bool explained = false;
	struct err err;
	int status = 0;

	(void)argc;
	if (parse(argv, &config, &explained, &err) < 0)
		return cmd_fail(&err);
	err_list_init(&errors);
	err_list_init(&warnings);
	if (load_init(&load, config, &errors) == 0 && load_require(&load, "check", &errors) == 0) {
		explain = explain_new(&load);
		if (explain == NULL)
			(void)err_nomem(err_list_add(&errors));
		else
			check(&load, explain, &errors, &warnings);
	}
	if (explained && explain != NULL)
		status = cmd_print(explain_text(explain));
	else
		warn(&warnings);
	if (errors.count > 0)
		status = cmd_fail_list(&errors);
	explain_free(explain);
	load_fini(&load);
	return status;
}
