#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "base/format.h"
#include "base/log.h"
#include "base/signal_name.h"
#include "init/engine.h"

static const char *name(void *arg, unsigned index)
{
	const struct init *init = arg;

	return init->instances[index].spec->name;
}

/* ---- what is told ---- */

/* It is as husk.yaml declares it: runs and is ready, or has had its turn, or waits for its time. */
static bool is_declared(const struct init *init, const struct supervise_service *rules)
{
	if (init->sup.phase != PHASE_UP)
		return false;
	if (rules->every > 0)
		return rules->state == SERVICE_IDLE ||
		       (supervise_is_alive(rules->state) && rules->intent == INTENT_NONE);
	return supervise_is_satisfied(rules);
}

static bool is_resting(const struct supervise_service *rules)
{
	return rules->state == SERVICE_DOWN || rules->state == SERVICE_DONE ||
	       rules->state == SERVICE_FAILED;
}

static uint32_t flags_of(const struct instance *instance, const struct supervise_service *rules)
{
	uint32_t flags = 0;

	if (supervise_is_satisfied(rules))
		flags |= CTL_READY;
	if (is_declared(instance->init, rules))
		flags |= CTL_DECLARED;
	if (is_resting(rules))
		flags |= CTL_RESTING;
	if (instance->end.oom.killed)
		flags |= CTL_OOM;
	return flags;
}

static void describe_end(const struct init_end *end, struct ctl_service *service)
{
	switch (end->cause) {
	case INIT_NO_END:
		break;
	case INIT_EXITED:
		service->cause = CTL_EXITED;
		service->number = WEXITSTATUS(end->wait_status);
		break;
	case INIT_SIGNALLED:
		service->cause = CTL_SIGNALLED;
		service->number = WTERMSIG(end->wait_status);
		break;
	case INIT_NOT_STARTED:
		service->cause = CTL_NOT_STARTED;
		break;
	case INIT_EXEC_FAILED:
		service->cause = CTL_NOT_RUN;
		service->number = end->failure.errnum;
		break;
	case INIT_GIVEN_UP:
		service->cause = CTL_GIVEN_UP;
		break;
	}
	service->limit = end->oom.limit;
}

/* In the words of the log, without the name that they begin with there. */
static void explain_end(const struct instance *instance, char *out)
{
	const struct init_end *end = &instance->end;
	struct err err;
	size_t skipped = strlen(instance->spec->name) + 2;

	switch (end->cause) {
	case INIT_NO_END:
		return;
	case INIT_EXITED:
	case INIT_SIGNALLED:
	case INIT_GIVEN_UP:
		(void)init_explain(end, &err);
		ctl_copy(out, CTL_REASON_SIZE, err.message + skipped);
		return;
	case INIT_NOT_STARTED:
		ctl_copy(out, CTL_REASON_SIZE, "no process could be made");
		return;
	case INIT_EXEC_FAILED:
		/* More than that stands in the log: a child has read files for it. */
		(void)format_text(out, CTL_REASON_SIZE, "could not be run: %s",
			strerror(end->failure.errnum));
		return;
	}
}

/* What it waits for: the first that is not there. */
static void explain_waiting(
	const struct init *init, const struct supervise_service *rules, char *out)
{
	for (unsigned i = 0; i < rules->depend_count; i++) {
		unsigned other = rules->depends[i];

		if (!supervise_is_satisfied(&init->services[other])) {
			(void)format_text(out, CTL_REASON_SIZE, "waits for %s",
				init->instances[other].spec->name);
			return;
		}
	}
}

/* It runs again. */
static void explain_last(const struct instance *instance, char *out)
{
	char text[CTL_REASON_SIZE] = "";

	explain_end(instance, text);
	(void)format_text(out, CTL_REASON_SIZE, "last end: %.*s", CTL_REASON_SIZE - 11, text);
}

static void explain(
	const struct instance *instance, const struct supervise_service *rules, char *out)
{
	if (rules->state == SERVICE_WAITING)
		explain_waiting(instance->init, rules, out);
	else if (rules->state == SERVICE_RUNNING && rules->sick > 0)
		(void)format_text(
			out, CTL_REASON_SIZE, "unhealthy: %s", instance->service->words->run);
	else if (instance->stopper.pid != 0)
		(void)format_text(out, CTL_REASON_SIZE,
			"stopped by a command (process %d of user %u)", (int)instance->stopper.pid,
			(unsigned)instance->stopper.uid);
	else if (instance->pid != 0 && instance->end.cause != INIT_NO_END)
		explain_last(instance, out);
	else
		explain_end(instance, out);
}

static int64_t due_of(const struct supervise_service *rules)
{
	if (rules->state == SERVICE_IDLE)
		return rules->next_run;
	/* The next look at its health is nothing to wait for. */
	return rules->state == SERVICE_RUNNING ? SUPERVISE_NEVER : rules->deadline;
}

static void describe(void *arg, unsigned index, struct ctl_service *service)
{
	const struct init *init = arg;
	const struct instance *instance = &init->instances[index];
	const struct supervise_service *rules = &init->services[index];
	int64_t now = sys_now(), due = due_of(rules);

	ctl_copy(service->name, sizeof(service->name), instance->spec->name);
	service->flags = flags_of(instance, rules);
	service->state = (uint8_t)rules->state;
	service->pid = instance->pid;
	service->starts = instance->starts;
	service->restarts = rules->restarts;
	service->sick = rules->sick;
	service->since = now - rules->since;
	service->uptime = instance->pid != 0 ? now - rules->started : -1;
	service->ended = instance->end.cause != INIT_NO_END ? now - instance->ended_at : -1;
	service->due = due == SUPERVISE_NEVER ? -1 : due - now;
	describe_end(&instance->end, service);
	if (instance->service->words)
		ctl_copy(
			service->status, sizeof(service->status), instance->service->words->status);
	explain(instance, rules, service->reason);
}

static void describe_all(void *arg, struct ctl_end *end)
{
	struct init *init = arg;
	const struct init_reloads *reloads = &init->reloads;
	int64_t now = sys_now();

	/* What an answer takes of the program is not needed in memory afterwards. */
	if (init->settle_at == SUPERVISE_NEVER)
		init->settle_at = now + INIT_SETTLE_AGAIN;

	end->phase = (uint8_t)init->sup.phase;
	end->reloading = reloads->busy || init->reload.asked;
	end->reloads = reloads->accepted;
	end->refusals = reloads->refused;
	end->reloaded = reloads->at > 0 ? now - reloads->at : -1;
	end->uptime = now - init->started_at;
	if (reloads->refusal)
		ctl_copy(end->refusal, sizeof(end->refusal), reloads->refusal);
}

/* ---- what is done ---- */

/* What is meant by "all": one that has had its turn is not to have it again, and one that waits for
 * its time goes on to do so. */
static bool is_meant(const struct init *init, unsigned index, enum ctl_command command)
{
	enum supervise_state state = init->services[index].state;

	if (command == CTL_START)
		return state != SERVICE_DONE && state != SERVICE_IDLE;
	if (command == CTL_RESTART)
		return state != SERVICE_DONE && state != SERVICE_IDLE && state != SERVICE_DOWN;
	return command != CTL_RELOAD;
}

static enum ctl_result send_signal(struct instance *instance, int number)
{
	if (instance->pid == 0)
		return CTL_RESULT_NOT_RUNNING;
	if (sys_kill(instance->pid, number) < 0)
		return errno == EPERM ? CTL_RESULT_NOT_ALLOWED : CTL_RESULT_NOT_RUNNING;
	instance->sent |= UINT64_C(1) << (number - 1);
	return CTL_RESULT_OK;
}

static enum ctl_result act(
	struct instance *instance, const struct ctl_request *request, const struct ucred *peer)
{
	switch ((enum ctl_command)request->command) {
	case CTL_START:
		init_tell(instance, EVENT_START);
		return CTL_RESULT_OK;
	case CTL_RESTART:
		init_tell(instance, EVENT_RESTART);
		return CTL_RESULT_OK;
	case CTL_STOP:
		if (!is_resting(&instance->init->services[init_index(instance)]))
			instance->stopper = *peer;
		init_tell(instance, EVENT_STOP);
		return CTL_RESULT_OK;
	case CTL_RELOAD:
		if (!instance->service->reloads || !instance->init->policy->reloader)
			return CTL_RESULT_NO_RELOAD;
		init_reload_ask(instance->init, instance);
		return CTL_RESULT_OK;
	case CTL_SIGNAL:
		return send_signal(instance, request->signal);
	case CTL_STATUS:
	case CTL_COMMAND_COUNT:
		break;
	}
	return CTL_RESULT_OK;
}

static void note(const struct ctl_request *request, const struct ucred *peer)
{
	static const char *const verbs[] = {
		[CTL_START] = "start",
		[CTL_STOP] = "stop",
		[CTL_RESTART] = "restart",
		[CTL_RELOAD] = "reload",
		[CTL_SIGNAL] = "signal",
	};
	char number[SIGNAL_NAME_MAX] = "";

	if (request->command == CTL_SIGNAL)
		(void)signal_name(request->signal, number);
	log_info("%s: %s%s%s for process %d of user %u",
		*request->service ? request->service : "all services", verbs[request->command],
		*number ? " " : "", number, (int)peer->pid, (unsigned)peer->uid);
}

/* In reverse order: what comes after another is stopped before it. */
static enum ctl_result command(
	void *arg, const struct ctl_request *request, unsigned index, const struct ucred *peer)
{
	struct init *init = arg;

	note(request, peer);
	if (init->sup.phase != PHASE_UP && request->command != CTL_STOP &&
		request->command != CTL_SIGNAL)
		return CTL_RESULT_STOPPING;
	if (index != CONTROL_ALL)
		return act(&init->instances[index], request, peer);
	if (request->command == CTL_RELOAD && init->policy->reloader)
		init_reload_ask(init, NULL);
	for (unsigned i = init->sup.count; i-- > 0;) {
		if (is_meant(init, i, (enum ctl_command)request->command))
			(void)act(&init->instances[i], request, peer);
	}
	return CTL_RESULT_OK;
}

void init_open_control(struct init *init)
{
	init->started_at = sys_now();
	if (!init->is_init || init->sup.count == 0 || init->services[0].passive)
		return;
	init->control_host = (struct control_host){
		.arg = init,
		.count = init->sup.count,
		.name = name,
		.describe = describe,
		.describe_all = describe_all,
		.command = command,
	};
	init->control = control_new(&init->control_host, &init->loop);
	if (init->control)
		control_open(init->control);
	else
		log_warn("no control socket: out of memory");
}
