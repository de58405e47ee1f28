#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/log.h"
#include "init/engine.h"
#include "proc/processes.h"

enum {
	READY_TRY = 2000000000,   /* ns for one look */
	READY_MARGIN = 250000000, /* a child that is late for its deadline has no last words */
	CLOSED_POLL = 10000000,
};

/* What a child that listens for a newline answers. */
enum newline { NEWLINE_NONE, NEWLINE_CAME, NEWLINE_CLOSED };

static struct instance *instance_of(const struct helper *helper)
{
	return helper->arg;
}

/* Supervise's own deadline comes later: the child says why it was not ready. */
static int64_t last_look(const struct instance *instance)
{
	int64_t timeout = instance->service->rules->ready_timeout;
	int64_t margin = timeout / 4 < READY_MARGIN ? timeout / 4 : READY_MARGIN;

	return sys_now() + timeout - margin;
}

static void wait_ready(struct helper *helper, void *record)
{
	const struct instance *instance = instance_of(helper);
	const struct probe_request request = {
		.target = instance->service->ready_target,
		.timeout = READY_TRY,
	};

	probe_until(&request, last_look(instance), record);
}

/* A descriptor that is closed because the service ends is not what is wrong with it: its end is
 * seen by PID 1, which then has no use for this child. */
static void wait_for_end(const struct instance *instance)
{
	struct process process;

	while (!process_read("/proc", instance->run.pid, &process) || process.exiting)
		sys_sleep(CLOSED_POLL);
}

/* Until there is an answer: that none comes is for supervise's deadline to say. */
static void wait_newline(struct helper *helper, void *record)
{
	const struct instance *instance = instance_of(helper);
	enum newline *newline = record;
	char text[64];

	while (*newline == NEWLINE_NONE) {
		ssize_t size = sys_read(instance->newline, text, sizeof(text));

		if (size < 0)
			return;
		if (size == 0)
			*newline = NEWLINE_CLOSED;
		else if (memchr(text, '\n', (size_t)size))
			*newline = NEWLINE_CAME;
	}
	if (*newline == NEWLINE_CLOSED)
		wait_for_end(instance);
}

static void ask_again(struct instance *instance)
{
	instance->unasked = true;
	init_ask_at(instance->init, sys_now() + INIT_ASK_AGAIN);
}

static void on_newline(struct helper *helper, const void *record)
{
	struct instance *instance = instance_of(helper);
	const enum newline *newline = record;

	/* It was killed, or has failed: another one looks. */
	if (!newline || *newline == NEWLINE_NONE) {
		ask_again(instance);
		return;
	}
	if (*newline == NEWLINE_CLOSED)
		instance->run.fault = INIT_FAULT_CLOSED;
	init_tell(instance, *newline == NEWLINE_CAME ? EVENT_READY : EVENT_NOT_READY);
}

static void on_ready(struct helper *helper, const void *record)
{
	struct instance *instance = instance_of(helper);
	const struct probe_verdict *verdict = record;

	if (!verdict) {
		ask_again(instance);
		return;
	}
	if (!verdict->healthy)
		memcpy(instance->service->words->run, verdict->reason, PROBE_REASON_MAX);
	init_tell(instance, verdict->healthy ? EVENT_READY : EVENT_NOT_READY);
}

void init_await(struct instance *instance)
{
	struct helper *helper = &instance->check;
	int started = 0;

	helper->arg = instance;
	switch (instance->service->ready) {
	case INIT_READY_PROBE:
		started = helper_start(
			instance->init, helper, sizeof(struct probe_verdict), wait_ready, on_ready);
		break;
	case INIT_READY_NOTIFY:
		init_notify_begin(instance);
		break;
	case INIT_READY_FD:
		started = helper_start(
			instance->init, helper, sizeof(enum newline), wait_newline, on_newline);
		break;
	}
	if (started < 0)
		ask_again(instance);
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

/* A child that was killed has no answer, and that is one. */
static void on_health(struct helper *helper, const void *record)
{
	static const struct probe_verdict none = {.reason = "the probe ended without an answer"};
	struct instance *instance = instance_of(helper);
	const struct probe_verdict *verdict = record ? record : &none;

	if (!verdict->healthy) {
		memcpy(instance->service->words->run, verdict->reason, PROBE_REASON_MAX);
		log_info("%s: unhealthy: %s", instance->spec->name, verdict->reason);
	}
	init_tell_health(instance, verdict->healthy);
}

/* So is a look that has not come back since the last one; one that has is heard first. */
void init_probe(struct instance *instance)
{
	bool stuck = instance->check.source.fd >= 0;

	/* husk itself is late: it was stopped, or waited for a processor. */
	if (stuck && loop_await(instance->check.source.fd, LOOP_READ, 0) > 0) {
		instance->unprobed = true;
		init_ask_at(instance->init, sys_now() + INIT_ASK_AGAIN);
		return;
	}
	helper_cancel(&instance->check);
	instance->check.arg = instance;
	instance->unprobed = helper_start(instance->init, &instance->check,
				     sizeof(struct probe_verdict), look_health, on_health) < 0;
	/* That says nothing about the service. */
	if (instance->unprobed)
		init_ask_at(instance->init, sys_now() + INIT_ASK_AGAIN);
	if (!stuck)
		return;
	(void)strcpy(instance->service->words->run, "the probe does not come back");
	log_info("%s: unhealthy: %s", instance->spec->name, instance->service->words->run);
	instance->hung = instance->init->flagged = true;
}

void init_ask_at(struct init *init, int64_t at)
{
	if (at < init->ask_at)
		init->ask_at = at;
}

void init_ask_again(struct init *init)
{
	int64_t now = sys_now();

	init->ask_at = SUPERVISE_NEVER;
	for (unsigned i = 0; i < init->sup.count; i++) {
		struct instance *instance = &init->instances[i];
		bool unasked = instance->unasked, unprobed = instance->unprobed;

		instance->unasked = instance->unprobed = false;
		if (unasked && init->services[i].state == SERVICE_UNREADY)
			init_await(instance);
		if (unprobed && init->services[i].state == SERVICE_RUNNING)
			init_probe(instance);
		if (instance->notice)
			init_notify_tick(instance, now);
	}
}

int init_open_newline(struct instance *instance)
{
	int fds[2];

	if (instance->service->ready != INIT_READY_FD)
		return 0;
	fd_close(&instance->newline);
	if (sys_pipe(fds, 0) < 0)
		return err_set_errno(&instance->init->err, ERR_INTERNAL, errno,
			"%s: cannot make a pipe", instance->spec->name);
	instance->newline = fds[0];
	instance->spec->extra = fds[1];
	return 0;
}

void init_give_newline(struct instance *instance)
{
	if (instance->spec->extra > 0)
		fd_close(&instance->spec->extra);
}

void init_note_unready(struct instance *instance)
{
	struct run *run = &instance->run;
	char *words = instance->service->words->run;

	if (instance->service->ready == INIT_READY_FD)
		(void)format_text(words, PROBE_REASON_MAX,
			run->fault == INIT_FAULT_CLOSED
				? "descriptor %d was closed without a newline"
				: "no newline came on descriptor %d",
			instance->spec->extra_as);
	if (instance->notice)
		init_notify_excuse(instance, words, PROBE_REASON_MAX);
	if (run->fault == INIT_FAULT_NONE)
		run->fault = INIT_FAULT_NOT_READY;
	init_end_checks(instance);
}

void init_end_checks(struct instance *instance)
{
	helper_cancel(&instance->check);
	fd_close(&instance->newline);
}
