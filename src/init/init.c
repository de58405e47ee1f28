#include "init/init.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/engine.h"

enum {
	SIGNALS_AT_ONCE = 16,
	/* Then signals are looked at again: a flood of orphans does not delay TERM. */
	REAPED_AT_ONCE = 256,
};

void init_trace(const struct init *init, enum init_trace_what what, pid_t pid, int number)
{
	const struct init_trace trace = {.what = what, .pid = pid, .number = number};

	if (init->policy->trace)
		init->policy->trace(init->policy->trace_arg, &trace);
}

static bool is_empty(const struct init *init)
{
	if (!init->childless)
		return false;
	/* A process that came by `docker exec` is nobody's child here. */
	return !init->is_init || (sys_kill(-1, 0) < 0 && errno == ESRCH);
}

/* True where supervise has made a new list. */
static bool follow_up_one(struct init *init, unsigned index)
{
	struct instance *instance = &init->instances[index];

	if (instance->not_started) {
		instance->not_started = false;
		supervise_event(&init->sup, sys_now(), index, EVENT_NOT_STARTED);
		return true;
	}
	if (instance->hung) {
		instance->hung = false;
		supervise_health(&init->sup, sys_now(), index, false);
		return true;
	}
	return false;
}

/* What the acts have led to is told to supervise, which may lead to more. Every round takes
 * something nearer to its end, so that there are few. */
static void follow_up(struct init *init)
{
	bool more = true;

	while (more) {
		more = false;
		init_perform(init);
		init->sup.action_count = 0;
		for (unsigned i = 0; init->flagged && i < init->sup.count && !more; i++)
			more = follow_up_one(init, i);
		init->flagged = more;
		if (!more && init->swept && init->sup.phase != PHASE_DONE && is_empty(init)) {
			supervise_occasion(&init->sup, sys_now(), OCCASION_EMPTY);
			more = true;
		}
	}
}

unsigned init_index(const struct instance *instance)
{
	return (unsigned)(instance - instance->init->instances);
}

void init_tell(struct instance *instance, enum supervise_event event)
{
	struct init *init = instance->init;

	supervise_event(&init->sup, sys_now(), init_index(instance), event);
	follow_up(init);
}

void init_tell_health(struct instance *instance, bool healthy)
{
	struct init *init = instance->init;

	supervise_health(&init->sup, sys_now(), init_index(instance), healthy);
	follow_up(init);
}

static void tell_all(struct init *init, enum supervise_occasion occasion)
{
	supervise_occasion(&init->sup, sys_now(), occasion);
	follow_up(init);
}

/* Readable, or its writer gone: the read does not wait. */
static void on_exec(struct loop_source *source, unsigned events)
{
	struct instance *instance = source->arg;
	struct launch_failure failure;
	ssize_t size = sys_read(source->fd, &failure, sizeof(failure));

	if (events != 0 && size < 0 && errno == EAGAIN)
		return;
	if (!instance->service->rules->passive)
		loop_remove(&instance->init->loop, source);
	fd_close(&source->fd);
	if (size != (ssize_t)sizeof(failure)) {
		if (!instance->service->rules->passive)
			init_watch_later(instance->init);
		init_tell(instance, EVENT_EXEC_OK);
		return;
	}
	instance->run.cause = INIT_EXEC_FAILED;
	instance->run.failure = failure;
	init_tell(instance, EVENT_EXEC_FAILED);
}

struct instance *init_find(struct init *init, pid_t pid)
{
	for (unsigned i = 0; i < init->sup.count; i++) {
		if (init->instances[i].pid == pid)
			return &init->instances[i];
	}
	return NULL;
}

/* Its pid may soon be another's. */
static void forget_helper(struct init *init, pid_t pid)
{
	if (pid == init->sweeper)
		init->sweeper = 0;
	if (pid == init->log.pid)
		init_log_note_end(init);
	if (pid == init->oom_before.pid)
		init->oom_before.pid = 0;
	if (pid == init->oom_after.pid)
		init->oom_after.pid = 0;
	if (pid == init->reload.helper.pid)
		init->reload.helper.pid = 0;
	for (unsigned i = 0; i < init->sup.count; i++) {
		if (init->instances[i].check.pid == pid)
			init->instances[i].check.pid = 0;
		if (init->instances[i].notice)
			init_notify_forget(&init->instances[i], pid);
	}
}

static void note_main_reaped(struct instance *instance, int status)
{
	init_trace(instance->init, INIT_TRACE_ENDED, instance->pid, status);
	instance->pid = 0;
	instance->reaped = instance->init->reaped = true;
	instance->run.wait_status = status;
}

static void note_reaped(struct init *init, pid_t pid, int status)
{
	struct instance *instance = init_find(init, pid);

	if (!instance) {
		forget_helper(init, pid);
		init_trace(init, INIT_TRACE_REAPED, pid, status);
		return;
	}
	note_main_reaped(instance, status);
}

/*
 * SIGCHLD says that there is at least one. WUNTRACED only where there is a terminal, for the sake
 * of init_job_stopped.
 */
static void reap(struct init *init)
{
	int flags = WNOHANG | (init->terminal >= 0 ? WUNTRACED : 0);

	init->more_dead = true;
	for (int i = 0; i < REAPED_AT_ONCE; i++) {
		int status;
		pid_t pid = sys_wait(-1, &status, flags);

		if (pid <= 0) {
			init->more_dead = false;
			init->childless = pid < 0 && errno == ECHILD;
			/* Refused, and SIGCHLD may not come again. */
			if (pid < 0 && !init->childless)
				init->poll_at = sys_now() + INIT_SWEEP_POLL;
			return;
		}
		if (!WIFSTOPPED(status)) {
			note_reaped(init, pid, status);
			continue;
		}
		struct instance *instance = init_find(init, pid);
		if (instance)
			init_job_stopped(init, instance, WSTOPSIG(status));
	}
}

/* What a main process has left of its group would be a second instance beside the next one: the
 * workers of a server that was killed keep its port. */
static void end_rest(const struct instance *instance, bool well)
{
	const struct init *init = instance->init;
	const struct supervise_service *rules = &init->services[init_index(instance)];
	bool again = rules->policy == RESTART_ALWAYS || (rules->policy == RESTART_FAILURE && !well);

	if (rules->intent == INTENT_DOWN || init->sup.phase != PHASE_UP)
		return;
	if (again || rules->intent != INTENT_NONE)
		(void)sys_kill(-instance->group, SIGKILL);
}

void init_end_instance(struct instance *instance)
{
	const struct init *init = instance->init;
	bool well;

	init_note_end(instance);
	init_log_note_service(instance->init);
	if (init->policy->end_signal != 0)
		(void)sys_kill(-instance->end.pid, init->policy->end_signal);
	init_end_checks(instance);
	well = instance->end.cause == INIT_EXITED && instance->end.wait_status == 0;
	if (well && init->services[init_index(instance)].state == SERVICE_UNREADY) {
		init_note_early_end(instance);
		well = false;
	}
	end_rest(instance, well);
	init_tell(instance, well ? EVENT_EXITED_WELL : EVENT_EXITED_BADLY);
	init_tell_end(instance);
}

/* What its child wrote comes before its end, and so does what it said. */
static void note_end(struct instance *instance)
{
	if (instance->exec.fd >= 0)
		on_exec(&instance->exec, 0);
	if (!init_notify_outlives(instance))
		init_end_instance(instance);
}

/* To wait for any child the kernel looks at every one: a service that is started again does not
 * wait for that. True where there is one. */
static bool restart_first(struct init *init)
{
	struct instance *instance = init->dead > 0 ? init_find(init, init->dead) : NULL;
	int status;

	if (!instance || init->sup.phase != PHASE_UP ||
		init->services[init_index(instance)].policy == RESTART_NEVER ||
		sys_wait(instance->pid, &status, WNOHANG) != instance->pid)
		return false;
	note_main_reaped(instance, status);
	instance->reaped = false;
	note_end(instance);
	return true;
}

/* All that are dead first, then what it means: an orphan that is already dead needs no TERM. */
static void reap_and_tell(struct init *init)
{
	init->rest_dead = false;
	reap(init);
	for (unsigned i = 0; init->reaped && i < init->sup.count; i++) {
		if (init->instances[i].reaped) {
			init->instances[i].reaped = false;
			note_end(&init->instances[i]);
		}
	}
	init->reaped = false;
	follow_up(init);
}

/* The rest of the dead waits until the loop has come round: where the machine is busy the new
 * process runs before that. */
static void on_dead(struct init *init)
{
	bool first = init->sup.count > 1 && !init->rest_dead && restart_first(init);

	init->dead = 0;
	if (!first) {
		reap_and_tell(init);
		return;
	}
	init->rest_dead = true;
	init->poll_at = sys_now() + INIT_REST_DELAY;
}

/* A program of the command line that has ended is told of elsewhere. */
static void note_asked(struct init *init, int number, pid_t pid)
{
	bool again = init->stop_signal != 0;
	char text[64];

	if (!again) {
		init->stop_signal = number;
		init->stop_pid = pid;
	}
	if (init->sup.phase >= PHASE_SWEEP_TERM)
		return;
	init_explain_stop(number, pid, text, sizeof(text));
	if (again)
		log_warn("%s again: services get less time", text);
	else
		log_info("%s", text);
}

/* SIGPIPE of our own writes is not for the program, but what giving up the terminal has brought is
 * taken note of: the kernel sends either in our name. SIGCHLD is the kernel's, unless somebody has
 * sent one. */
static void take(struct init *init, const struct sys_signal *taken, bool *dead)
{
	int number = taken->number;

	if (number == SIGCHLD)
		*dead = true;
	if (number == SIGCHLD && taken->code > 0)
		init->dead = taken->pid;
	if (number == SIGCHLD && taken->code > 0) {
		init_trace(init, INIT_TRACE_RECEIVED, 0, number);
		return;
	}
	if (taken->code <= 0 && taken->pid == init->self &&
		!(init->ignore_once >> (number - 1) & 1))
		return;
	if (!init_take_signal(init, number, taken->code > 0))
		return;
	/* With any other code the sender may have written what it likes: sigqueue(3). */
	note_asked(
		init, number, taken->code == SI_USER || taken->code == SI_TKILL ? taken->pid : 0);
	tell_all(init, OCCASION_STOP);
}

static void on_signals(struct loop_source *source, unsigned events)
{
	struct init *init = source->arg;
	struct signalfd_siginfo infos[SIGNALS_AT_ONCE];
	ssize_t size = sys_read(source->fd, infos, sizeof(infos));
	bool dead = false;

	(void)events;
	for (ssize_t i = 0; i < size / (ssize_t)sizeof(infos[0]); i++)
		take(init,
			&(struct sys_signal){.number = (int)infos[i].ssi_signo,
				.code = infos[i].ssi_code,
				.pid = (pid_t)infos[i].ssi_pid},
			&dead);
	if (dead)
		on_dead(init);
}

/* There is nothing but signals to wait for, as most of the time. */
static void on_signals_alone(struct loop_source *source)
{
	struct init *init = source->arg;
	struct sys_signal taken;
	bool dead = false;

	if (sys_sigwait(&init->taken, &taken) < 0) {
		/* Refused (a seccomp filter): the descriptor is waited for, as before. */
		if (errno != EINTR)
			init->loop.lone = NULL;
		return;
	}
	take(init, &taken, &dead);
	if (dead)
		on_dead(init);
}

/* What came without SIGCHLD: a process that is not husk's child has gone, or one was born while
 * the sweep went on. */
static void look_again(struct init *init)
{
	init->poll_at = SUPERVISE_NEVER;
	reap_and_tell(init);
	if (init->sup.phase == PHASE_SWEEP_KILL)
		init_sweep(init, SIGKILL);
	else if (init->swept)
		init->poll_at = sys_now() + INIT_SWEEP_POLL;
}

/* A plain program's exec is well behind it, unless something keeps it. */
static void settle(struct init *init)
{
	for (unsigned i = 0; i < init->sup.count; i++) {
		if (init->instances[i].exec.fd >= 0)
			on_exec(&init->instances[i].exec, LOOP_READ);
	}
	init_settle(init);
}

/* Nothing in here fails: no allocation, no parsing, no call that waits but the loop's. */
static void run(struct init *init)
{
	while (init->sup.phase != PHASE_DONE) {
		int64_t now, deadline;
		bool rest_dead = init->rest_dead;

		if (init->manager >= 0)
			init_manager_tell(init);
		if (init->sup.phase != PHASE_UP)
			init_reload_stop(init);
		deadline = supervise_next(&init->sup);
		if (init->poll_at < deadline)
			deadline = init->poll_at;
		if (init->watch_at < deadline)
			deadline = init->watch_at;
		if (init->settle_at < deadline)
			deadline = init->settle_at;
		if (init->ask_at < deadline)
			deadline = init->ask_at;
		if (init->control && control_next(init->control) < deadline)
			deadline = control_next(init->control);
		if (init->reload_at < deadline)
			deadline = init->reload_at;
		if (init_log_next(&init->log) < deadline)
			deadline = init_log_next(&init->log);
		loop_wait(&init->loop, init->more_dead ? 0 : deadline);
		if (init->more_dead || rest_dead)
			reap_and_tell(init);
		if (deadline == SUPERVISE_NEVER)
			continue;
		now = sys_now();
		if (now < deadline)
			continue;
		supervise_tick(&init->sup, now);
		follow_up(init);
		if (init->sup.phase == PHASE_DONE)
			return;
		if (init->watch_at <= deadline)
			init_watch_oom(init);
		if (init->poll_at <= deadline)
			look_again(init);
		if (init->settle_at <= deadline)
			settle(init);
		if (init->ask_at <= deadline)
			init_ask_again(init);
		if (init->control)
			control_tick(init->control, now);
		if (init->reload_at <= deadline)
			init_reload_tick(init);
		if (init_log_next(&init->log) <= deadline)
			init_log_tick(init);
	}
}

static void set_up_instance(struct init *init, unsigned index, struct init_service *service)
{
	struct instance *instance = &init->instances[index];

	*instance = (struct instance){
		.init = init,
		.service = service,
		.spec = &service->spec,
		.exec = {.fd = -1, .arg = instance, .ready = on_exec},
		.newline = -1,
		.end = {.service = service},
	};
	helper_init(&instance->check);
	instance->spec->new_session = init->policy->own_session;
	instance->spec->new_group = !init->policy->same_group;
	instance->spec->foreground = init->foreground && init->sup.count == 1;
	/* The one of standard input, which husk has given up, becomes the session's. */
	instance->spec->terminal = init->policy->own_session ? 0 : init->terminal;
}

static int allocate(
	struct init *init, const struct init_service *services, unsigned count, struct err *err)
{
	size_t actions = (size_t)count * SUPERVISE_ACTS_SERVICE + SUPERVISE_ACTS_CONTAINER;

	/* The first one's end is husk's: without a service, that of one that has ended well. */
	if (count <= 1) {
		init->instances = &init->one_instance;
		init->actions = init->one_actions;
	} else {
		init->instances = calloc(count, sizeof(*init->instances));
		init->actions = calloc(actions, sizeof(*init->actions));
	}
	if (!init->instances || !init->actions)
		return err_nomem(err);
	init->sup.services = init->services = count > 0 ? services->rules : NULL;
	init->sup.count = count;
	init->sup.actions = init->actions;
	return 0;
}

/* The session leader's giving up of its terminal brings a HUP and a CONT on itself (tty_ioctl(4)).
 */
static void leave_terminal(struct init *init)
{
	bool leader = sys_getsid(0) == init->self;

	if (sys_drop_controlling_tty(0) < 0) {
		init_trace(init, INIT_TRACE_DETACHED, 0, errno);
		return;
	}
	if (leader)
		init->ignore_once = UINT64_C(1) << (SIGHUP - 1) | UINT64_C(1) << (SIGCONT - 1);
	init_trace(init, INIT_TRACE_DETACHED, leader ? init->self : 0, 0);
}

static void set_up_process(struct init *init)
{
	const struct init_policy *policy = init->policy;

	init->self = sys_getpid();
	init->is_init = init->self == 1;
	init->own_group = sys_getpgid(0);
	if (!init->is_init && !policy->not_subreaper && sys_set_subreaper(true) < 0)
		log_warn_errno("cannot become a subreaper");
	if (policy->parent_death_signal != 0 &&
		sys_set_parent_death_signal(policy->parent_death_signal) < 0)
		log_warn_errno("cannot ask for a signal at the parent's death");
	if (policy->own_session)
		leave_terminal(init);
	else if (!policy->same_group)
		/* A container's terminal is its standard streams. */
		init->terminal = launch_terminal(!init->is_init, &init->foreground);
	if (policy->reset_signals) {
		init->signals = (struct launch_signals){.reset = true};
	}
	init->signals.mask.bits |= policy->child_blocked.bits;
}

static int set_up_loop(struct init *init, struct err *err)
{
	if (loop_init(&init->loop, err) < 0)
		return -1;
	init->taken.bits = ~init->policy->untouched.bits;
	if (init->taken.bits != UINT64_MAX)
		(void)sys_sigmask(SIG_SETMASK, &init->taken, NULL);
	init->signal_source = (struct loop_source){.fd = sys_signalfd(&init->taken),
		.arg = init,
		.ready = on_signals,
		.alone = on_signals_alone};
	if (init->signal_source.fd < 0)
		return err_set_errno(err, ERR_INTERNAL, errno, "cannot make a signal descriptor");
	if (loop_add(&init->loop, &init->signal_source, LOOP_READ) < 0)
		return err_set_errno(err, ERR_INTERNAL, errno, "cannot watch signals");
	return 0;
}

static void tear_down(struct init *init)
{
	control_free(init->control);
	for (unsigned i = 0; i < init->sup.count && init->instances; i++) {
		fd_close(&init->instances[i].exec.fd);
		fd_close(&init->instances[i].check.source.fd);
		fd_close(&init->instances[i].newline);
	}
	init_notify_close(init);
	fd_close(&init->manager);
	fd_close(&init->oom_before.source.fd);
	fd_close(&init->oom_after.source.fd);
	init_reload_end(init);
	init_log_tear_down(init);
	fd_close(&init->signal_source.fd);
	loop_fini(&init->loop);
	if (init->terminal > 2)
		fd_close(&init->terminal);
	if (init->instances == &init->one_instance)
		return;
	free(init->instances);
	free(init->actions);
}

static void start(struct init *init)
{
	init_log_start(init);
	for (unsigned i = 0; i < init->sup.count; i++)
		init_tell(&init->instances[i], EVENT_START);
	if (init->policy->chdir_root)
		(void)sys_chdir("/");
}

int init_run(struct init_service *services, unsigned count, int64_t grace,
	const struct launch_signals *signals, const struct init_policy *policy,
	struct init_end *end, struct err *err)
{
	struct init init = {
		.policy = policy,
		.signals = *signals,
		.loop = {.epoll = -1},
		.signal_source = {.fd = -1},
		.sup = {.grace = grace,
			.leave_rest = policy->leave_rest,
			.random = (uint32_t)sys_now()},
		.poll_at = SUPERVISE_NEVER,
		.watch_at = SUPERVISE_NEVER,
		.settle_at = SUPERVISE_NEVER,
		.ask_at = SUPERVISE_NEVER,
		.log = {.start_at = SUPERVISE_NEVER, .line_at = SUPERVISE_NEVER},
		.terminal = -1,
		.manager = -1,
	};
	int result = -1;

	helper_init(&init.oom_before);
	helper_init(&init.oom_after);
	helper_init(&init.reload.helper);
	init.reload.task.block = -1;
	if (allocate(&init, services, count, err) < 0)
		goto out;
	set_up_process(&init);
	if (set_up_loop(&init, err) < 0)
		goto out;
	for (unsigned i = 0; i < count; i++)
		set_up_instance(&init, i, &services[i]);
	if (init_notify_open(&init, err) < 0 || init_log_set_up(&init, err) < 0)
		goto out;
	init_manager_open(&init);
	supervise_init(&init.sup);
	init_open_control(&init);
	init_reload_begin(&init);
	start(&init);
	/* From here on nothing may end husk but the end of its services. */
	run(&init);
	if (init.manager >= 0)
		init_manager_tell(&init);
	init_finish(&init, end, err);
	result = 0;
out:
	tear_down(&init);
	return result;
}
