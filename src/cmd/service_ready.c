/* How a service is known to be ready and healthy. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/format.h"
#include "base/sys.h"
#include "cmd/service.h"
#include "init/notify.h"

static int fail(const struct plan_service *plan, const char *key, const struct plan_text *text,
	const char *why, struct err *err)
{
	const struct plan_place *place = &text->place;

	return err_set_at(err, ERR_CONFIG, place->file, place->line, place->column,
		"services.%s.%s: %s", plan->name, key, why);
}

/* A target, expanded. */
static int expand(struct load *load, const struct plan_service *plan, const char *key,
	const struct plan_text *text, const char **out, struct err *err)
{
	bool used_secret = false;

	if (env_expand(load->env, text, out, &used_secret, err) < 0)
		return -1;
	if (used_secret)
		return fail(plan, key, text, "a secret must not be a part of a target", err);
	return 0;
}

/*
 * In the abstract namespace nothing has to be writable. Containers may share a network namespace,
 * which it belongs to, and husks a PID namespace.
 */
static int name_socket(
	const struct load *load, const struct plan_service *plan, const char **out, struct err *err)
{
	struct stat st = {0};
	char name[128];

	(void)sys_fstatat(AT_FDCWD, "/proc/self/ns/pid", &st, 0);
	(void)format_text(name, sizeof(name), "@husk/%" PRIu64 "/%d/%.64s", (uint64_t)st.st_ino,
		(int)(load->self != 0 ? load->self : sys_getpid()), plan->name);
	*out = arena_strdup(load->arena, name);
	return *out ? 0 : err_nomem(err);
}

static int resolve_notify(struct load *load, const struct plan_service *plan, struct str target,
	struct init_service *out, struct err *err)
{
	const struct str prefix = STR("notify:");
	struct sockaddr_un address;
	size_t size;

	out->ready = INIT_READY_NOTIFY;
	if (target.len < prefix.len)
		return name_socket(load, plan, &out->notify, err);
	out->notify = target.data + prefix.len;
	if (out->notify[0] == '/' && notify_address(out->notify, &address, &size))
		return 0;
	return fail(plan, "ready", &plan->ready,
		"the path of a socket begins with / and has at most 107 bytes", err);
}

static int resolve_target(struct load *load, const struct plan_service *plan, const char *key,
	const struct plan_text *text, const char *expanded, const struct probe_target **out,
	struct err *err)
{
	struct probe_target *target = arena_alloc(load->arena, sizeof(*target));
	struct err why;

	*out = target;
	if (!target)
		return err_nomem(err);
	if (probe_parse(expanded, target, &why) == 0)
		return 0;
	return fail(plan, key, text, why.message, err);
}

static int resolve_ready(struct load *load, const struct plan_service *plan,
	struct init_service *out, struct err *err)
{
	const struct plan_text *ready = &plan->ready;
	const char *text;
	struct str target;
	uint64_t number;

	if (expand(load, plan, "ready", ready, &text, err) < 0)
		return -1;
	target = str_from(text);
	if (str_eq(target, STR("notify")) || str_starts(target, STR("notify:")))
		return resolve_notify(load, plan, target, out, err);
	if (!str_starts(target, STR("fd:")))
		return resolve_target(load, plan, "ready", ready, text, &out->ready_target, err);
	out->ready = INIT_READY_FD;
	/* It was looked at as it is written, before it was expanded. */
	if (str_to_uint64(str_sub(target, 3, target.len), &number) < 0 || number < 3 ||
		number > CONFIG_READY_FD_MAX)
		return fail(plan, "ready", ready, "wants fd: and a descriptor from 3 to 255", err);
	out->spec.extra_as = (int)number;
	return 0;
}

int service_checks(struct load *load, const struct plan_service *plan, struct init_service *out,
	struct err *err)
{
	const struct plan_text *health = &plan->health;
	const char *text;

	if (!plan->ready.text && !health->text)
		return 0;
	out->words = arena_alloc(load->arena, sizeof(*out->words));
	if (!out->words)
		return err_nomem(err);
	if (plan->ready.text && resolve_ready(load, plan, out, err) < 0)
		return -1;
	if (!health->text)
		return 0;
	if (expand(load, plan, "health", health, &text, err) < 0)
		return -1;
	return resolve_target(load, plan, "health", health, text, &out->health_target, err);
}

/* Where it is declared in husk.yaml a service is to speak for itself. */
const char *service_manager(const struct load *load)
{
	const struct env_var *var = env_find(load->env, STR("NOTIFY_SOCKET"));

	return var && !var->declared ? getenv("NOTIFY_SOCKET") : NULL;
}

int service_notify_socket(
	struct load *load, const char *address, char ***environment, struct err *err)
{
	const struct str name = STR("NOTIFY_SOCKET=");
	char **from = *environment, **to, *text;
	size_t count = 0;

	if (!address && !service_manager(load))
		return 0;
	while (from[count])
		count++;
	to = arena_array(load->arena, count + 2, sizeof(*to));
	if (!to)
		return err_nomem(err);
	*environment = to;
	for (; *from; from++)
		if (!str_starts(str_from(*from), name))
			*to++ = *from;
	if (!address)
		return 0;
	text = arena_alloc(load->arena, name.len + strlen(address) + 1);
	if (!text)
		return err_nomem(err);
	*to = text;
	(void)strcpy(stpcpy(text, name.data), address);
	return 0;
}
