#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/signal_name.h"
#include "init/engine.h"
#include "proc/descendants.h"

static void look_before(struct helper *helper, void *record)
{
	(void)helper;
	cgroup_oom_watch(record, "");
}

static void on_oom_before(struct helper *helper, const void *record)
{
	if (record != NULL)
		helper->init->oom = *(const struct cgroup_oom *)record;
	log_debug("memory cgroup: %s",
		helper->init->oom.known ? helper->init->oom.folder : "not found");
}

/* Not at once: reading cgroup files takes as long as a short program runs. */
void init_watch_later(struct init *init)
{
	if (!init->policy->leave_rest && !init->oom.known)
		init->watch_at = sys_now() + INIT_WATCH_DELAY;
}

void init_watch_oom(struct init *init)
{
	init->watch_at = SUPERVISE_NEVER;
	if (init->oom_due) {
		struct instance *instance = init->oom_after.arg;

		init_ask_oom(init);
		/* No child could be made: told without it. */
		if (instance)
			init_tell_end(instance);
	} else if (init->oom_before.source.fd < 0)
		(void)helper_start(init, &init->oom_before, sizeof(struct cgroup_oom), look_before,
			on_oom_before);
}

/* Only PID 1 may kill(-1): elsewhere that is every process of the user. */
void init_sweep(struct init *init, int number)
{
	init->swept = true;
	/* No new child while the last ones are waited for. */
	init->watch_at = SUPERVISE_NEVER;
	init->poll_at = sys_now() + INIT_SWEEP_POLL;
	if (init->is_init) {
		/* A stopped process acts on a signal only when it goes on. */
		if (sys_kill(-1, number) == 0 && number != SIGKILL)
			(void)sys_kill(-1, SIGCONT);
		return;
	}
	if (init->childless || init->sweeper != 0)
		return;
	init->sweeper = sys_fork();
	if (init->sweeper == 0) {
		(void)descendants_signal("/proc", init->self, number);
		sys_exit(0);
	}
	if (init->sweeper < 0) {
		log_warn_errno("cannot fork a helper");
		init->sweeper = 0;
	}
}

static void launch(struct init *init, struct instance *instance)
{
	pid_t pid = init_open_newline(instance);

	init_log_prepare(instance);
	if (pid == 0)
		pid = launch_start(instance->spec, &init->signals, &instance->exec.fd, &init->err);
	init_give_newline(instance);
	instance->starts++;
	instance->stopper.pid = 0;
	if (instance->service->words)
		instance->service->words->run[0] = instance->service->words->status[0] = '\0';
	if (pid < 0) {
		bool told = instance->end.cause == INIT_NOT_STARTED && instance->end.told;

		instance->not_started = init->flagged = true;
		instance->end = (struct init_end){
			.service = instance->service, .cause = INIT_NOT_STARTED, .told = told};
		instance->ended_at = sys_now();
		return;
	}
	instance->pid = instance->group = pid;
	instance->sent = 0;
	instance->run = (struct run){.pid = pid};
	init->childless = false;
	init_trace(init, INIT_TRACE_SPAWNED, pid, 0);
	init->settle_at = sys_now() + INIT_SETTLE_DELAY;
	/* Unwatched, the pipe is read when the child has ended. Nothing waits for the exec of a
	 * plain program, and husk does not wake for it. */
	if (instance->service->rules->passive)
		init_watch_later(init);
	else if (loop_add(&init->loop, &instance->exec, LOOP_READ) < 0)
		log_warn_errno("%s: cannot watch its start", instance->spec->name);
}

/* Once, until a process has been made again. */
static void tell_not_started(struct instance *instance)
{
	struct init_end *end = &instance->end;

	if (end->cause == INIT_NOT_STARTED && !end->told)
		log_warn("%s; tried again until it works", instance->init->err.message);
	end->told = end->told || end->cause == INIT_NOT_STARTED;
}

static void stop(struct instance *instance)
{
	int number = instance->service->stop_signal;
	char name[SIGNAL_NAME_MAX];

	log_info("%s: stopping, by %s", instance->spec->name, signal_name(number, name));
	if (instance->pid == 0)
		return;
	(void)sys_kill(instance->pid, number);
	instance->sent |= UINT64_C(1) << (number - 1);
	init_signal_job(instance, SIGCONT);
}

static void reload(struct instance *instance)
{
	char name[SIGNAL_NAME_MAX];

	log_info("%s: told to reload, by %s", instance->spec->name,
		signal_name(instance->service->reload_signal, name));
	if (instance->pid != 0)
		(void)sys_kill(instance->pid, instance->service->reload_signal);
}

static void perform(struct init *init, const struct supervise_action *action)
{
	struct instance *instance = &init->instances[action->service];
	const struct supervise_service *rules = &init->services[action->service];

	switch (action->act) {
	case ACT_LAUNCH:
		launch(init, instance);
		break;
	case ACT_AWAIT:
		init_await(instance);
		break;
	case ACT_PROBE:
		init_probe(instance);
		break;
	case ACT_RELOAD:
		reload(instance);
		break;
	case ACT_READY:
		init_end_checks(instance);
		log_info("%s: ready", instance->spec->name);
		break;
	case ACT_UNREADY:
		init_note_unready(instance);
		break;
	case ACT_SICK:
		instance->run.fault = INIT_FAULT_UNHEALTHY;
		init_end_checks(instance);
		break;
	case ACT_SIGNAL:
		init_end_checks(instance);
		stop(instance);
		break;
	case ACT_LATE:
		log_warn("%s: did not stop in time: killed", instance->spec->name);
		break;
	case ACT_KILL:
		init_signal_job(instance, SIGKILL);
		/* It may have left its group to another process. */
		if (instance->pid != 0)
			(void)sys_kill(instance->pid, SIGKILL);
		break;
	case ACT_GIVE_UP:
		instance->run.cause = INIT_GIVEN_UP;
		init_note_end(instance);
		instance->pid = 0;
		init_tell_end(instance);
		break;
	case ACT_BACKOFF:
		tell_not_started(instance);
		instance->sequel.again = true;
		/* Over at once, where it has run for so long. */
		instance->sequel.pause =
			rules->deadline == SUPERVISE_NEVER ? 0 : rules->deadline - rules->since;
		break;
	case ACT_LIMIT:
		instance->end.limit = true;
		break;
	case ACT_SKIPPED:
		log_warn("%s: still running when its next run was due: skipped",
			instance->spec->name);
		break;
	case ACT_SWEEP_TERM:
		init_log_end(init);
		init_sweep(init, SIGTERM);
		break;
	case ACT_SWEEP_KILL:
		init_sweep(init, SIGKILL);
		break;
	case ACT_ABANDON:
		log_error("a process is still there after SIGKILL: left behind");
		break;
	case ACT_FINISH:
		break;
	}
}

/* Nothing here makes a new list: what follows from an act is flagged and told to supervise later.
 */
void init_perform(struct init *init)
{
	for (unsigned i = 0; i < init->sup.action_count; i++) {
		const struct supervise_action *action = &init->sup.actions[i];

		/* One that is started again does not wait for the look. */
		if (action->act == ACT_LAUNCH && init->oom_due)
			init->watch_at = sys_now() + INIT_WATCH_DELAY;
		else if (action->act != ACT_BACKOFF)
			init_ask_oom(init);
		perform(init, action);
	}
	if (init->watch_at == SUPERVISE_NEVER)
		init_ask_oom(init);
}
