/* What a service may not say at once, and what it is where it does not say. */
#include <signal.h>
#include <strings.h>

#include "plan/config_parts.h"

static const int64_t millisecond = 1000000;
static const int64_t second = 1000000000;

enum { HEALTH_TIMEOUT_MISSING = -1 };

void config_service_defaults(struct plan_service *service)
{
	service->stop_signal = SIGTERM;
	service->stop_timeout = -1;
	service->restart_delay = 100 * millisecond;
	service->restart_delay_max = 30 * second;
	service->restart_limit = 5;
	service->restart_window = 60 * second;
	service->ready_timeout = 30 * second;
	service->health_every = 10 * second;
	service->health_timeout = HEALTH_TIMEOUT_MISSING;
	service->health_failures = 3;
}

/* The key that forbids others, one of those, and why. */
struct apart {
	const char *key;
	const char *other;
	const char *why;
};

static const struct apart aparts[] = {
	{"every", "oneshot", "it is run once, or again and again: remove one of them"},
	{"every", "main", "the end of a run would end the container: remove one of them"},
	{"every", "ready", "what is run again and again is never waited for: remove ready"},
	{"every", "health", "a run is over when it ends: remove health"},
	{"every", "restart", "it is run again when that is due: remove restart"},
	{"every", "reload", "the next run finds the new files: remove reload"},
	{"oneshot", "ready", "it is ready when it has ended well: remove ready"},
	{"oneshot", "health", "it is to end, not to answer: remove health"},
	{"oneshot", "reload", "it has ended by then: remove reload"},
};

/* The value of a key that stands there, and is not false. */
static const struct yaml_node *said(const struct yaml_node *mapping, const char *key)
{
	const struct yaml_node *node = yaml_get(mapping, key);

	return node && node->plain && strcasecmp(node->value.data, "false") == 0 ? NULL : node;
}

static void check_apart(struct schema *s, const struct yaml_node *mapping)
{
	for (size_t i = 0; i < sizeof(aparts) / sizeof(aparts[0]); i++) {
		const struct apart *apart = &aparts[i];
		const struct yaml_node *other = said(mapping, apart->other);

		if (other && said(mapping, apart->key))
			schema_error(s, other->key, "%s and %s exclude each other: %s", apart->key,
				apart->other, apart->why);
	}
}

static void check_main(struct schema *s, const struct yaml_node *mapping,
	struct config_state *state, const struct plan_service *service)
{
	const struct yaml_node *node = yaml_get(mapping, "main");

	state->main_given = state->main_given || node;
	if (!service->main)
		return;
	if (state->main)
		schema_error(s, node->key,
			"main is set for %s too, at %s:%u:%u: the container ends with one of them",
			state->main_name, state->main->file, state->main->key->line,
			state->main->key->column);
	state->main = node;
	state->main_name = service->name;
}

static void check_health(
	struct schema *s, const struct yaml_node *mapping, struct plan_service *service)
{
	char every[STR_DURATION_MAX];

	if (service->health_timeout == HEALTH_TIMEOUT_MISSING) {
		service->health_timeout =
			service->health_every < 2 * second ? service->health_every : 2 * second;
		return;
	}
	if (service->health_timeout <= service->health_every)
		return;
	schema_push(s, STR("health"));
	schema_push(s, STR("timeout"));
	schema_error(s, yaml_get(yaml_get(mapping, "health"), "timeout"),
		"is longer than every, %s: a probe ends before the next one begins",
		str_duration(service->health_every, every));
	schema_pop(s);
	schema_pop(s);
}

void config_service_check(struct schema *s, const struct yaml_node *node,
	struct config_state *state, struct plan_service *service)
{
	const struct yaml_node *overlap = yaml_get(node, "overlap");

	check_apart(s, node);
	check_main(s, node, state, service);
	check_health(s, node, service);
	if (overlap && !yaml_get(node, "every"))
		schema_error(s, overlap->key,
			"overlap goes with every, which is missing: nothing is due twice");
	if (service->oneshot && service->restart == PLAN_RESTART_ALWAYS)
		schema_error(s, yaml_get(node, "restart"),
			"a oneshot that ended well is not started again: restart: failure");
}

void config_services_complete(const struct config_state *state)
{
	struct plan *plan = state->plan;

	if (plan->service_count == 1 && plan->services[0].every == 0 && !state->main_given)
		plan->services[0].main = true;
	for (size_t i = 0; i < plan->service_count; i++) {
		struct plan_service *service = &plan->services[i];

		if (!service->restart_given)
			service->restart = service->main || service->oneshot || service->every > 0
						   ? PLAN_RESTART_NEVER
						   : PLAN_RESTART_FAILURE;
	}
}
