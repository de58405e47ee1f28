/* Any bytes as husk.yaml: a plan that can be used, or errors with a place. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plan/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const struct plan_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!list->items[i].text || !list->items[i].place.file)
			abort();
}

static void check_service(const struct plan *plan, const struct plan_service *service)
{
	if (service->command.count == 0 || service->stop_signal < 1 ||
		service->restart_delay <= 0 ||
		service->restart_delay > service->restart_delay_max ||
		service->health_timeout <= 0 || service->health_timeout > service->health_every ||
		service->ready_timeout <= 0 || service->every < 0)
		abort();
	check_list(&service->command);
	check_list(&service->pass);
	for (unsigned i = 0; i < service->depend_count; i++)
		if (service->depends[i] >= plan->service_count ||
			&plan->services[service->depends[i]] == service)
			abort();
}

/* A service stands in the order behind those that it waits for. */
static void check_order(const struct plan *plan)
{
	unsigned char *started = calloc(plan->service_count + 1, 1);

	for (size_t i = 0; started && i < plan->service_count; i++) {
		const struct plan_service *service = &plan->services[plan->order[i]];

		for (unsigned k = 0; k < service->depend_count; k++)
			if (!started[service->depends[k]])
				abort();
		if (started[plan->order[i]]++)
			abort();
	}
	free(started);
}

static void check_plan(const struct plan *plan)
{
	if (plan->service_count > PLAN_SERVICES_MAX || plan->grace < 0)
		abort();
	check_list(&plan->env_files);
	for (size_t i = 0; i < plan->var_count; i++) {
		const struct plan_var *var = &plan->vars[i];

		if (!var->name[0] || strchr(var->name, '=') ||
			(var->type == PLAN_TYPE_ENUM) != (var->choices != NULL))
			abort();
		check_list(&var->append);
		check_list(&var->fold);
	}
	for (size_t i = 0; i < plan->template_count; i++) {
		if (!plan->templates[i].from.text || !plan->templates[i].to.text ||
			plan->templates[i].mode > 0777)
			abort();
		check_list(&plan->templates[i].only);
		check_list(&plan->templates[i].check);
	}
	for (size_t i = 0; i < plan->service_count; i++)
		check_service(plan, &plan->services[i]);
	check_order(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct err_list errors;
	struct arena *arena;
	struct str text = {(const char *)data, size};
	struct plan plan;

	/* Files of the machine are not what is tested. */
	if (memmem(data, size, "include", 7) || !(arena = arena_new(64 << 20)))
		return 0;
	errors.count = errors.dropped = 0;
	if (config_load_text(arena, "/nonexistent/husk.yaml", text, &plan, &errors) == 0) {
		if (errors.count > 0)
			abort();
		check_plan(&plan);
		config_warnings(&plan, &errors);
	} else if (errors.count == 0) {
		abort();
	}
	arena_free(arena);
	return 0;
}
