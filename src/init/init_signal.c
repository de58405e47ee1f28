#include <errno.h>
#include <signal.h>

#include "base/log.h"
#include "base/signal_name.h"
#include "init/engine.h"

static uint64_t bit(int number)
{
	return UINT64_C(1) << (number - 1);
}

void init_signal_job(struct instance *instance, int number)
{
	if (instance->pid == 0)
		return;
	if (sys_kill(-instance->group, number) < 0)
		(void)sys_kill(instance->pid, number);
	instance->sent |= bit(number);
}

static void pass(struct init *init, struct instance *instance, int number, bool whole_job)
{
	if (instance->pid == 0)
		return;
	if (whole_job)
		init_signal_job(instance, number);
	else
		(void)sys_kill(instance->pid, number);
	instance->sent |= bit(number);
	init_trace(init, INIT_TRACE_PASSED, instance->pid, number);
}

/* The one that stands for the container. NULL: there are several, and none is the main one. */
static struct instance *find_main(const struct init *init)
{
	for (unsigned i = 0; i < init->sup.count; i++) {
		if (init->services[i].main || init->sup.count == 1)
			return &init->instances[i];
	}
	return NULL;
}

static void pass_on(struct init *init, int number, bool whole_job)
{
	struct instance *instance = find_main(init);
	char name[SIGNAL_NAME_MAX];

	if (instance)
		pass(init, instance, number, whole_job);
	else if (init->sup.count > 0)
		log_info("%s is for nobody: no service is the main one", signal_name(number, name));
}

static bool is_job_signal(int number)
{
	return number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

/*
 * STOP, and not TSTP, which the kernel ignores in an orphaned process group. PID 1 cannot be
 * stopped from within its namespace, and the call is then without effect.
 */
static void stop_self(const struct init *init)
{
	if (!init->is_init)
		(void)sys_kill(init->self, SIGSTOP);
}

/* Whoever made husk go on (a shell's `fg`) has given husk's group the foreground: it is passed on
 * before the program goes on, or the program would be stopped again. */
static void resume_job(struct init *init)
{
	if (init->terminal >= 0 && init->instances[0].pid != 0 &&
		sys_tcgetpgrp(init->terminal) == init->own_group)
		(void)sys_tcsetpgrp(init->terminal, init->instances[0].pid);
}

static bool asks_to_stop(const struct init *init, int number)
{
	const struct instance *instance = find_main(init);

	if (number == SIGTERM || number == SIGINT)
		return true;
	return instance && !instance->service->rules->passive &&
	       instance->service->stop_signal == number;
}

/* A program of the command line; not where there is none: husk itself is asked. */
static bool is_passive(const struct init *init)
{
	return init->sup.count > 0 && init->services[0].passive;
}

/* Where no service has the key `reload`, HUP is a signal as others: the main one may know it. */
static bool reloads(const struct init *init)
{
	for (unsigned i = 0; init->policy->reloader && i < init->sup.count; i++) {
		if (init->instances[i].service->reloads)
			return true;
	}
	return false;
}

bool init_take_signal(struct init *init, int number, bool kernel)
{
	const struct init_policy *policy = init->policy;
	int mapped = policy->signal_map[number];

	init_trace(init, INIT_TRACE_RECEIVED, 0, number);
	if (init->ignore_once & bit(number)) {
		init->ignore_once &= ~bit(number);
		init_trace(init, INIT_TRACE_SKIPPED, 0, number);
		return false;
	}
	if (asks_to_stop(init, number)) {
		/* What is left when the program has ended is husk's own to stop. */
		if (init->sup.phase >= PHASE_SWEEP_TERM || !is_passive(init))
			return true;
	}
	/* The kernel's own says that the terminal is gone. */
	if (number == SIGHUP && !kernel && reloads(init)) {
		init_reload_ask(init, NULL);
		return false;
	}
	if (number == SIGCONT)
		resume_job(init);
	if (mapped == 0)
		mapped = is_job_signal(number) && policy->job == INIT_JOB_STOP ? SIGSTOP : number;
	if (mapped != INIT_DROP) {
		bool job = policy->job == INIT_JOB_STOP && (mapped == SIGSTOP || mapped == SIGCONT);
		pass_on(init, mapped, job || policy->group_signals);
	}
	if (is_job_signal(number) && policy->job != INIT_JOB_PASS)
		stop_self(init);
	return false;
}

/* Is there a shell that would make husk go on? As the kernel decides whether a process group is
 * orphaned: the parent stands in the same session. A parent outside of the PID namespace (`docker
 * exec`) reads as 0, which getsid(2) takes for ourselves. */
static bool has_shell(const struct init *init)
{
	pid_t parent = sys_getppid();
	pid_t session = sys_getsid(0);

	return !init->is_init && parent > 0 && session >= 0 && sys_getsid(parent) == session;
}

/*
 * The program has the terminal, so that Ctrl-Z reaches it alone. A shell above husk must see husk
 * stop, or it would wait for ever; without one nobody could make the program go on, and it does so
 * at once, as if it had been started without husk. (Not after TTIN and TTOU, which would come
 * again and again.)
 */
void init_job_stopped(struct init *init, struct instance *instance, int number)
{
	if (init->terminal < 0 || init->policy->job == INIT_JOB_PASS)
		return;
	if (has_shell(init))
		stop_self(init);
	else if (number == SIGTSTP)
		init_signal_job(instance, SIGCONT);
}

/* SIGTTOU is blocked: a process in the background may call this. */
void init_terminal_back(const struct init *init)
{
	if (init->is_init || init->terminal < 0)
		return;
	if (sys_tcgetpgrp(init->terminal) == init->instances[0].end.pid)
		(void)sys_tcsetpgrp(init->terminal, init->own_group);
}
