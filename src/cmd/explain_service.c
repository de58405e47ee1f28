/* What is told of services. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/signal_name.h"
#include "base/sys.h"
#include "cmd/explain.h"
#include "proc/launch.h"

/* ---- how it runs ---- */

static void append_duration(struct buf *out, int64_t ns)
{
	char text[STR_DURATION_MAX];

	(void)buf_append_cstr(out, str_duration(ns, text));
}

static void append_limit_value(struct buf *out, rlim_t value)
{
	if (value == RLIM_INFINITY)
		(void)buf_append_cstr(out, "unlimited");
	else
		(void)buf_appendf(out, "%llu", (unsigned long long)value);
}

static void tell_limits(struct buf *out, const struct plan_service *service)
{
	size_t i;

	for (i = 0; i < service->limit_count; i++) {
		const struct plan_limit *limit = &service->limits[i];

		(void)buf_appendf(out, "  limit %s ", limit->name);
		append_limit_value(out, limit->value.rlim_cur);
		if (limit->value.rlim_max != limit->value.rlim_cur) {
			(void)buf_append_cstr(out, ", at most ");
			append_limit_value(out, limit->value.rlim_max);
		}
		(void)buf_append_char(out, '\n');
	}
}

static void tell_stop(const struct plan *plan, const struct plan_service *service, struct buf *out)
{
	char name[SIGNAL_NAME_MAX];
	int64_t left = plan->grace - service->stop_delay;

	(void)buf_append_cstr(out, "  to stop: ");
	if (service->stop_delay > 0) {
		(void)buf_append_cstr(out, "wait ");
		append_duration(out, service->stop_delay);
		(void)buf_append_cstr(out, ", then ");
	}
	(void)buf_appendf(out, "%s, and SIGKILL after ", signal_name(service->stop_signal, name));
	append_duration(
		out, service->stop_timeout >= 0 ? service->stop_timeout : (left > 0 ? left : 0));
	(void)buf_append_cstr(out, "; the whole stop has ");
	append_duration(out, plan->grace);
	(void)buf_append_char(out, '\n');
}

/* " LABEL text", expanded; true where that could be done. */
static bool append_expanded(
	const struct load *load, const char *label, const struct plan_text *text, struct buf *out)
{
	const char *value;
	bool secret = false;
	struct err err;

	if (text->text == NULL || env_expand(load->env, text, &value, &secret, &err) < 0)
		return false;
	(void)buf_appendf(out, "  %s ", label);
	explain_value(out, str_from(secret ? ENV_MASK : value));
	return true;
}

static void tell_command(const struct load *load, char *const *argv, struct buf *out)
{
	const struct env_var *path = env_find(load->env, STR("PATH"));
	const char *found = argv[0];
	struct stat st;
	struct err err;
	size_t i;

	if (argv[0] == NULL)
		return;
	(void)buf_append_cstr(out, "  runs");
	for (i = 0; argv[i] != NULL; i++) {
		(void)buf_append_char(out, ' ');
		explain_word(out, argv[i]);
	}
	(void)buf_append_char(out, '\n');
	if (launch_find(
		    load->arena, argv[0], path == NULL ? NULL : path->value.data, &found, &err) < 0)
		(void)buf_appendf(out, "  but: %s\n", err.message);
	else if (sys_fstatat(AT_FDCWD, found, &st, 0) < 0)
		(void)buf_appendf(out, "  but: cannot look at %s: %s\n", found, strerror(errno));
	else if (strcmp(found, argv[0]) != 0)
		(void)buf_appendf(out, "  which is %s\n", found);
}

static void tell_pass(const struct load *load, const struct plan_service *service, struct buf *out)
{
	const struct env_var *var;
	size_t count = 0;
	size_t i;

	for (i = 0; (var = env_at(load->env, i)) != NULL; i++)
		if (var->exported && env_passes(var, &service->pass))
			count++;
	(void)buf_appendf(out, "  gets %zu variable%s%s\n", count, count == 1 ? "" : "s",
		service->pass.given ? ", those that `pass` selects" : "");
}

/* ---- when it runs ---- */

static void tell_restart(const struct plan_service *service, struct buf *out)
{
	if (service->restart == PLAN_RESTART_NEVER) {
		if (service->main)
			(void)buf_append_cstr(
				out, "  its end ends the container, with its status\n");
		else if (service->every == 0)
			(void)buf_append_cstr(
				out, "  where it fails, the container ends with its status\n");
		return;
	}
	(void)buf_appendf(out, "  is started again %s, ",
		service->restart == PLAN_RESTART_ALWAYS ? "whenever it ends" : "when it fails");
	append_duration(out, service->restart_delay);
	if (service->restart_delay_max > service->restart_delay) {
		(void)buf_append_cstr(out, " to ");
		append_duration(out, service->restart_delay_max);
	}
	(void)buf_append_cstr(out, " after its last start");
	if (service->restart_limit > 0) {
		(void)buf_appendf(out, ", at most %u times in ", service->restart_limit);
		append_duration(out, service->restart_window);
		(void)buf_append_cstr(out, "; then the container ends with its status");
	}
	if (service->main && service->restart == PLAN_RESTART_FAILURE)
		(void)buf_append_cstr(out, "; another end ends the container");
	(void)buf_append_char(out, '\n');
}

static void tell_ready(const struct load *load, const struct plan_service *service, struct buf *out)
{
	if (!append_expanded(load, "is ready by", &service->ready, out))
		return;
	(void)buf_append_cstr(out, ", within ");
	append_duration(out, service->ready_timeout);
	(void)buf_append_cstr(out, "; else it has failed\n");
}

static void tell_health(
	const struct load *load, const struct plan_service *service, struct buf *out)
{
	if (!append_expanded(load, "is asked by", &service->health, out))
		return;
	(void)buf_append_cstr(out, " every ");
	append_duration(out, service->health_every);
	(void)buf_append_cstr(out, ", within ");
	append_duration(out, service->health_timeout);
	(void)buf_appendf(out, "; has failed after %u bad answer%s in a row\n",
		service->health_failures, service->health_failures == 1 ? "" : "s");
}

static void tell_reload(const struct plan_service *service, struct buf *out)
{
	char name[SIGNAL_NAME_MAX];

	if (!service->reload_given)
		return;
	(void)buf_appendf(
		out, "  a reload%s", service->reload_watch ? ", or a change of its sources," : "");
	if (service->reload_signal > 0)
		(void)buf_appendf(out, " sends it %s\n", signal_name(service->reload_signal, name));
	else
		(void)buf_append_cstr(out, " starts it anew\n");
}

static void tell_log(const struct plan_service *service, struct buf *out)
{
	if (service->log == PLAN_LOG_PREFIX)
		(void)buf_append_cstr(out, "  writes lines that begin with its name\n");
	else if (service->log == PLAN_LOG_JSON)
		(void)buf_append_cstr(out, "  writes lines that become JSON objects\n");
}

/* "when php-fpm is ready and migrate has ended well" */
static void tell_depends(
	const struct plan *plan, const struct plan_service *service, struct buf *out)
{
	unsigned i;

	for (i = 0; i < service->depend_count; i++) {
		const struct plan_service *other = &plan->services[service->depends[i]];

		(void)buf_appendf(out, "%s%s %s", i == 0 ? ", when " : " and ", other->name,
			other->oneshot      ? "has ended well"
			: other->ready.text ? "is ready"
					    : "runs");
	}
}

void explain_order(const struct plan *plan, struct buf *out)
{
	size_t i;

	if (plan->service_count < 2)
		return;
	(void)buf_append_cstr(out, "\nOrder of start:\n");
	for (i = 0; i < plan->service_count; i++) {
		const struct plan_service *service = &plan->services[plan->order[i]];

		(void)buf_appendf(out, "  %s", service->name);
		if (service->every > 0) {
			(void)buf_append_cstr(out, ", every ");
			append_duration(out, service->every);
		}
		if (service->oneshot)
			(void)buf_append_cstr(out, ", once");
		tell_depends(plan, service, out);
		(void)buf_append_cstr(out, service->main ? "; the container ends with it\n" : "\n");
	}
}

static void tell_schedule(const struct plan_service *service, struct buf *out)
{
	if (service->oneshot)
		(void)buf_append_cstr(out, "  is run once\n");
	if (service->every == 0)
		return;
	(void)buf_append_cstr(out, "  is run every ");
	append_duration(out, service->every);
	(void)buf_appendf(out, "; a run that is due before the last is over %s\n",
		service->overlap == PLAN_OVERLAP_REPLACE ? "takes its place" : "is left out");
}

void explain_one(const struct load *load, const struct plan_service *service, char *const *argv,
	struct buf *out)
{
	(void)buf_appendf(out, "\nService %s:\n", service->name);
	tell_command(load, argv, out);
	if (append_expanded(load, "in", &service->cwd, out))
		(void)buf_append_char(out, '\n');
	tell_pass(load, service, out);
	if (service->umask_given)
		(void)buf_appendf(out, "  umask %03o\n", (unsigned)service->umask);
	if (service->nice_given)
		(void)buf_appendf(out, "  nice %d\n", service->nice);
	tell_limits(out, service);
	tell_schedule(service, out);
	tell_ready(load, service, out);
	tell_health(load, service, out);
	tell_restart(service, out);
	tell_reload(service, out);
	tell_log(service, out);
	tell_stop(&load->plan, service, out);
}
