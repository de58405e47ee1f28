/* What init needs of the services, and no more of what the start has read. */
#include <string.h>

#include "cmd/service.h"

struct keep {
	struct arena *arena;
	bool failed;
	/* The environment of services that get all of it, and the copy. */
	char *const *whole;
	char **kept;
	size_t count;
};

static void *copy(struct keep *keep, const void *data, size_t size)
{
	void *kept = data ? arena_alloc(keep->arena, size) : NULL;

	keep->failed = keep->failed || (data && !kept);
	return kept ? memcpy(kept, data, size) : NULL;
}

static char *copy_text(struct keep *keep, const char *text)
{
	return copy(keep, text, text ? strlen(text) + 1 : 0);
}

/* A list that ends with NULL and its strings, in one piece: each by itself would be rounded up. */
static char **copy_strings(struct keep *keep, char *const *strings, size_t *count)
{
	size_t size = 0, n = 0;
	char **list, *text;

	for (; strings[n]; n++)
		size += strlen(strings[n]) + 1;
	*count = n;
	list = arena_alloc(keep->arena, (n + 1) * sizeof(*list) + size);
	keep->failed = keep->failed || !list;
	text = list ? (char *)&list[n + 1] : NULL;
	for (size_t i = 0; list && i < n; i++) {
		list[i] = text;
		text = stpcpy(text, strings[i]) + 1;
	}
	return list;
}

/* Most strings of a service's own list are those of the whole, in the same order. */
static char **copy_environment(struct keep *keep, char *const *envp)
{
	size_t n = 0, at = 0;
	char **list;

	if (envp == keep->whole)
		return keep->kept;
	while (envp[n])
		n++;
	list = arena_array(keep->arena, n + 1, sizeof(*list));
	keep->failed = keep->failed || !list;
	for (size_t i = 0; list && i < n; i++) {
		size_t found = at;

		while (found < keep->count && keep->whole[found] != envp[i])
			found++;
		list[i] = found < keep->count ? keep->kept[found] : copy_text(keep, envp[i]);
		at = found < keep->count ? found + 1 : at;
	}
	return list;
}

/* `text` lies within a string of `from`, or is NULL: the same place in `to`. */
static char *move_within(char *const *from, char *const *to, const char *text)
{
	for (size_t i = 0; text && from[i]; i++)
		if (text >= from[i] && text <= from[i] + strlen(from[i]))
			return to[i] + (text - from[i]);
	return NULL;
}

static void keep_spec(struct keep *keep, struct launch_spec *spec)
{
	char *const *argv = spec->argv;
	char *const *envp = spec->envp;
	char **kept;
	size_t count;

	spec->name = copy_text(keep, spec->name);
	spec->argv = kept = copy_strings(keep, argv, &count);
	spec->path = kept && spec->path == argv[0] ? kept[0] : copy_text(keep, spec->path);
	spec->cwd = copy_text(keep, spec->cwd);
	spec->limits = copy(keep, spec->limits, spec->limit_count * sizeof(*spec->limits));
	spec->envp = kept = copy_environment(keep, envp);
	if (kept && !keep->failed)
		spec->listen_pid = move_within(envp, kept, spec->listen_pid);
}

/* A part of a target's own text, in the copy of it. */
static const char *move_part(
	const struct probe_target *from, const struct probe_target *to, const char *part)
{
	return part ? to->text + (part - from->text) : NULL;
}

static const struct probe_target *copy_target(struct keep *keep, const struct probe_target *from)
{
	struct probe_target *to = copy(keep, from, sizeof(*from));

	if (!to)
		return NULL;
	to->host = move_part(from, to, from->host);
	to->port = move_part(from, to, from->port);
	to->path = move_part(from, to, from->path);
	to->uri = move_part(from, to, from->uri);
	to->authority = move_part(from, to, from->authority);
	return to;
}

static void keep_service(struct keep *keep, struct init_service *service)
{
	struct supervise_service *rules = service->rules;

	keep_spec(keep, &service->spec);
	service->words = copy(keep, service->words, sizeof(*service->words));
	rules->depends = copy(keep, rules->depends, rules->depend_count * sizeof(*rules->depends));
	rules->restart_times = copy(
		keep, rules->restart_times, rules->restart_limit * sizeof(*rules->restart_times));
	service->notify = copy_text(keep, service->notify);
	service->ready_target = copy_target(keep, service->ready_target);
	service->health_target = copy_target(keep, service->health_target);
}

struct init_service *service_keep(struct arena *arena, const struct load *load,
	const struct init_service *services, size_t count)
{
	struct keep keep = {.arena = arena, .whole = load->whole};
	struct supervise_service *rules;
	struct init_service *kept;

	if (keep.whole)
		keep.kept = copy_strings(&keep, keep.whole, &keep.count);
	kept = copy(&keep, services, count * sizeof(*services));
	rules = kept && count > 0 ? copy(&keep, services[0].rules, count * sizeof(*rules)) : NULL;
	for (size_t i = 0; kept && rules && i < count; i++) {
		kept[i].rules = &rules[i];
		keep_service(&keep, &kept[i]);
	}
	return keep.failed ? NULL : kept;
}
