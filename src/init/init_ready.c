#include <string.h>

#include "base/log.h"
#include "init/engine.h"

enum { READY_TRY = 2000000000 }; /* ns for one look */

static struct instance *instance_of(const struct helper *helper)
{
	return helper->arg;
}

static void wait_ready(struct helper *helper, void *record)
{
	const struct instance *instance = instance_of(helper);
	const struct probe_request request = {
		.target = instance->service->ready_target,
		.timeout = READY_TRY,
	};

	/* Supervise's own deadline comes first: the child says why it was not ready. */
	probe_until(&request, sys_now() + instance->service->rules.ready_timeout - READY_TRY / 40,
		record);
}

static void on_ready(struct helper *helper, const void *record)
{
	struct instance *instance = instance_of(helper);
	const struct probe_verdict *verdict = record;

	if (verdict && !verdict->healthy)
		memcpy(instance->run.detail, verdict->reason, sizeof(instance->run.detail));
	/* A child that was killed says nothing: the deadline will. */
	if (verdict)
		init_tell(instance, verdict->healthy ? EVENT_READY : EVENT_NOT_READY);
}

void init_await(struct instance *instance)
{
	instance->ready.arg = instance;
	if (helper_start(instance->init, &instance->ready, sizeof(struct probe_verdict), wait_ready,
		    on_ready) < 0) {
		instance->unasked = true;
		instance->init->ask_at = sys_now() + INIT_ASK_AGAIN;
	}
}

void init_await_again(struct init *init)
{
	init->ask_at = SUPERVISE_NEVER;
	for (unsigned i = 0; i < init->sup.count; i++) {
		bool unasked = init->instances[i].unasked;

		init->instances[i].unasked = false;
		if (unasked && init->services[i].state == SERVICE_UNREADY)
			init_await(&init->instances[i]);
	}
}

static void look_health(struct helper *helper, void *record)
{
	const struct instance *instance = instance_of(helper);
	const struct probe_request request = {
		.target = instance->service->health_target,
		.timeout = instance->service->health_timeout,
	};

	probe_once(&request, record);
}

static void on_health(struct helper *helper, const void *record)
{
	struct instance *instance = instance_of(helper);
	const struct probe_verdict *verdict = record;

	if (!verdict)
		return;
	if (!verdict->healthy) {
		memcpy(instance->run.detail, verdict->reason, sizeof(instance->run.detail));
		log_info("%s: unhealthy: %s", instance->spec.name, verdict->reason);
	}
	init_tell_health(instance, verdict->healthy);
}

/* A look that has not come back since the last one is no answer, and that is an answer. */
void init_probe(struct instance *instance)
{
	bool stuck = instance->health.source.fd >= 0;

	helper_cancel(&instance->health);
	instance->health.arg = instance;
	(void)helper_start(instance->init, &instance->health, sizeof(struct probe_verdict),
		look_health, on_health);
	if (stuck)
		instance->hung = true;
}

void init_end_checks(struct instance *instance)
{
	helper_cancel(&instance->ready);
	helper_cancel(&instance->health);
}
