#include "cmd/service.h"

#include <string.h>

#include "base/format.h"
#include "base/sys.h"

/* The words of a command line are literal. */
static int copy_words(
	struct arena *arena, const struct plan_list *list, char ***argv, struct err *err)
{
	char **words = arena_array(arena, list->count + 1, sizeof(*words));

	*argv = words;
	for (size_t i = 0; words && i < list->count; i++) {
		words[i] = arena_strdup(arena, list->items[i].text);
		if (!words[i])
			return err_nomem(err);
	}
	return words ? 0 : err_nomem(err);
}

int service_command(
	struct load *load, const struct plan_service *plan, char ***argv, struct err *err)
{
	const struct plan_place *place = &plan->command.items[0].place;
	bool used_secret = false;

	if (plan->adhoc)
		return copy_words(load->arena, &plan->command, argv, err);
	if (env_expand_list(load->env, &plan->command, argv, &used_secret, err) < 0)
		return -1;
	if (used_secret)
		return err_set_at(err, ERR_CONFIG, place->file, place->line, place->column,
			"services.%s.command: a secret in it could be read by any process (in "
			"/proc/PID/cmdline): pass it in the environment or a file",
			plan->name);
	return 0;
}

int service_cwd(
	struct load *load, const struct plan_service *plan, const char **cwd, struct err *err)
{
	const struct plan_place *place = &plan->cwd.place;
	bool used_secret = false;

	*cwd = NULL;
	if (!plan->cwd.text)
		return 0;
	if (env_expand(load->env, &plan->cwd, cwd, &used_secret, err) < 0)
		return -1;
	if (used_secret)
		return err_set_at(err, ERR_CONFIG, place->file, place->line, place->column,
			"services.%s.cwd: a secret must not be a part of a path", plan->name);
	return 0;
}

/*
 * LISTEN_PID names who the descriptors are for (sd_listen_fds(3)): what was husk's is the
 * program's, whose pid only its own process knows. LISTEN_PIDFDID says the same about husk in
 * another way and goes.
 */
static int hand_on_listen_pid(
	const struct load *load, char **envp, struct launch_spec *spec, struct err *err)
{
	const struct str name = STR("LISTEN_PID=");
	const struct str other = STR("LISTEN_PIDFDID=");
	char own[32], *text, **to;

	for (char **from = envp; *from && !spec->listen_pid; from++) {
		if (!str_starts(str_from(*from), name))
			continue;
		(void)format_text(own, sizeof(own), "%s%d", name.data,
			(int)(load->self != 0 ? load->self : sys_getpid()));
		if (strcmp(*from, own) != 0)
			continue;
		text = arena_alloc(load->arena, name.len + LAUNCH_PID_SIZE);
		if (!text)
			return err_nomem(err);
		memcpy(text, name.data, name.len);
		*from = text;
		spec->listen_pid = text + name.len;
	}
	if (!spec->listen_pid)
		return 0;
	to = envp;
	for (char **from = envp; *from; from++) {
		if (!str_starts(str_from(*from), other))
			*to++ = *from;
	}
	*to = NULL;
	return 0;
}

/* A thousand services that get all of it share it. */
static int resolve_environment(struct load *load, const struct plan_service *plan,
	const char *notify, struct launch_spec *spec, struct err *err)
{
	bool whole = !plan->pass.given && !notify;
	char **envp = whole ? load->whole : NULL;

	spec->listen_pid = envp ? load->listen_pid : NULL;
	spec->envp = envp;
	if (envp)
		return 0;
	if (env_export(load->env, &plan->pass, &envp, err) < 0 ||
		hand_on_listen_pid(load, envp, spec, err) < 0 ||
		(!plan->adhoc && service_notify_socket(load, notify, &envp, err) < 0))
		return -1;
	spec->envp = envp;
	if (whole) {
		load->whole = envp;
		load->listen_pid = spec->listen_pid;
	}
	return 0;
}

static const char *search_path(const struct env *env)
{
	const struct env_var *var = env_find(env, STR("PATH"));

	return var && var->origin != ENV_UNSET ? var->value.data : NULL;
}

/* The program is what the container was asked for: no place needs to be named. */
static int find_program(struct load *load, const struct plan_service *plan,
	struct launch_spec *spec, struct err *err)
{
	if (launch_find(load->arena, spec->argv[0], search_path(load->env), &spec->path, err) == 0)
		return 0;
	return plan->adhoc ? -1 : err_wrap(err, "services.%s.command", plan->name);
}

static struct supervise_service make_rules(const struct plan_service *plan)
{
	static const enum supervise_policy policies[] = {
		[PLAN_RESTART_NEVER] = RESTART_NEVER,
		[PLAN_RESTART_FAILURE] = RESTART_FAILURE,
		[PLAN_RESTART_ALWAYS] = RESTART_ALWAYS,
	};

	return (struct supervise_service){
		.depends = plan->depends,
		.depend_count = plan->depend_count,
		.policy = policies[plan->restart],
		.delay = plan->stop_delay,
		.timeout = plan->stop_timeout,
		.ready_timeout = plan->ready.text ? plan->ready_timeout : -1,
		.health_every = plan->health.text ? plan->health_every : 0,
		.health_failures = plan->health_failures,
		.every = plan->every,
		.restart_delay = plan->restart_delay,
		.restart_delay_max = plan->restart_delay_max,
		.restart_window = plan->restart_window,
		.restart_limit = plan->restart_limit,
		.passive = plan->adhoc,
		.main = plan->main || plan->adhoc,
		.oneshot = plan->oneshot,
		.replace = plan->overlap == PLAN_OVERLAP_REPLACE,
		.reload_restarts = plan->reload_given && plan->reload_signal == 0,
	};
}

/* The supervisor counts restarts in it. */
static int make_restart_times(struct arena *arena, struct supervise_service *rules, struct err *err)
{
	if (rules->policy == RESTART_NEVER)
		rules->restart_limit = 0;
	if (rules->restart_limit == 0)
		return 0;
	rules->restart_times = arena_array(arena, rules->restart_limit, sizeof(int64_t));
	return rules->restart_times ? 0 : err_nomem(err);
}

/* Everything but the rules. */
static int resolve(struct load *load, const struct plan_service *plan, struct init_service *out,
	struct err *err)
{
	char **argv;

	*out = (struct init_service){
		.spec = {.name = plan->name,
			.umask_given = plan->umask_given,
			.umask = plan->umask,
			.nice_given = plan->nice_given,
			.nice = plan->nice,
			.limits = plan->limits,
			.limit_count = plan->limit_count,
			.terminal = -1},
		.stop_signal = plan->stop_signal,
		.reload_signal = plan->reload_signal,
		.reloads = plan->reload_given,
		.watches = plan->reload_watch,
		.log = plan->log,
		.health_timeout = plan->health_timeout,
	};
	if (service_command(load, plan, &argv, err) < 0 ||
		service_checks(load, plan, out, err) < 0 ||
		resolve_environment(load, plan, out->notify, &out->spec, err) < 0 ||
		service_cwd(load, plan, &out->spec.cwd, err) < 0)
		return -1;
	out->spec.argv = argv;
	return find_program(load, plan, &out->spec, err);
}

int service_resolve(struct load *load, struct init_service **out, struct err_list *errors)
{
	size_t count = load->plan.service_count;
	struct init_service *services = arena_array(load->arena, count, sizeof(*services));
	struct supervise_service *rules = arena_array(load->arena, count, sizeof(*rules));
	int result = 0;
	struct err err;

	*out = services;
	if (!services || !rules)
		return err_nomem(err_list_add(errors));
	for (size_t i = 0; i < count; i++) {
		const struct plan_service *plan = &load->plan.services[i];

		rules[i] = make_rules(plan);
		if (make_restart_times(load->arena, &rules[i], &err) < 0 ||
			resolve(load, plan, &services[i], &err) < 0)
			result = err_list_put(errors, &err);
		services[i].rules = &rules[i];
	}
	return result;
}
