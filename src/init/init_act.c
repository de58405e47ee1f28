#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/signal_name.h"
#include "init/engine.h"
#include "proc/descendants.h"

/* A child for what PID 1 must not do itself. Every signal but KILL stays blocked in it. */
static pid_t fork_helper(void)
{
	pid_t pid = sys_fork();

	if (pid < 0)
		log_warn_errno("cannot fork a helper");
	return pid;
}

/* The record comes by one write, well below PIPE_BUF: there whole, or the child has failed. */
static void on_oom_before(struct loop_source *source, unsigned events)
{
	struct init *init = source->arg;
	struct cgroup_oom record;

	(void)events;
	if (sys_read(source->fd, &record, sizeof(record)) == (ssize_t)sizeof(record))
		init->oom = record;
	loop_remove(&init->loop, source);
	fd_close(&source->fd);
	log_debug("memory cgroup: %s", init->oom.known ? init->oom.folder : "not found");
}

/* Not at once: reading cgroup files takes as long as a short program runs. */
void init_watch_oom(struct init *init)
{
	int fds[2];
	pid_t pid;

	init->watch_at = SUPERVISE_NEVER;
	if (sys_pipe(fds) < 0)
		return;
	pid = fork_helper();
	if (pid == 0) {
		struct cgroup_oom record;

		cgroup_oom_watch(&record, "");
		(void)sys_write(fds[1], &record, sizeof(record));
		sys_exit(0);
	}
	fd_close(&fds[1]);
	init->oom_before = (struct loop_source){.fd = fds[0], .arg = init, .ready = on_oom_before};
	if (pid < 0 || loop_add(&init->loop, &init->oom_before, LOOP_READ) < 0)
		fd_close(&init->oom_before.fd);
	init->childless = false;
}

/* The answer is read when the loop is over: the helper is a child like any, and waited for. */
void init_ask_oom(struct init *init, struct instance *instance)
{
	int fds[2];
	pid_t pid;

	if (!init->oom.known || init->oom_pipe >= 0 || sys_pipe(fds) < 0)
		return;
	/* For the same reason as in launch. */
	(void)sys_set_status_flags(fds[0], O_NONBLOCK);
	pid = fork_helper();
	if (pid == 0) {
		struct cgroup_oom_record record;

		cgroup_oom_compare(&init->oom, &record);
		(void)sys_write(fds[1], &record, sizeof(record));
		sys_exit(0);
	}
	fd_close(&fds[1]);
	if (pid < 0) {
		fd_close(&fds[0]);
		return;
	}
	init->childless = false;
	init->oom_pipe = fds[0];
	init->oom_instance = instance;
}

/* A helper that is stuck or stopped was killed with all that was left: the pipe is at its end, or
 * the helper cannot be killed and its answer not waited for. */
void init_hear_oom(struct init *init)
{
	struct cgroup_oom_record record;

	if (init->oom_pipe < 0)
		return;
	if (init->childless && sys_read(init->oom_pipe, &record, sizeof(record)) == sizeof(record))
		init->oom_instance->end.oom = record;
	fd_close(&init->oom_pipe);
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
	init->sweeper = fork_helper();
	if (init->sweeper == 0) {
		(void)descendants_signal("/proc", init->self, number);
		sys_exit(0);
	}
	if (init->sweeper < 0)
		init->sweeper = 0;
}

static void launch(struct init *init, struct instance *instance)
{
	pid_t pid = launch_start(&instance->spec, &init->signals, &instance->exec.fd, &init->err);

	if (pid < 0) {
		instance->not_started = true;
		instance->end.cause = INIT_NOT_STARTED;
		return;
	}
	/* A process of our user could hold the other end open, through /proc/PID/fd. */
	(void)sys_set_status_flags(instance->exec.fd, O_NONBLOCK);
	instance->pid = pid;
	instance->end.pid = pid;
	init->childless = false;
	init_trace(init, INIT_TRACE_SPAWNED, pid, 0);
	/* Unwatched, the pipe is read when the child has ended. */
	if (loop_add(&init->loop, &instance->exec, LOOP_READ) < 0)
		log_warn_errno("%s: cannot watch its start", instance->spec.name);
}

static void stop(struct instance *instance)
{
	int number = instance->service->stop_signal;
	char name[SIGNAL_NAME_MAX];

	log_info("%s: stopping, by %s", instance->spec.name, signal_name(number, name));
	if (instance->pid == 0)
		return;
	(void)sys_kill(instance->pid, number);
	instance->sent |= UINT64_C(1) << (number - 1);
	init_signal_job(instance, SIGCONT);
}

static void perform(struct init *init, const struct supervise_action *action)
{
	struct instance *instance = &init->instances[action->service];

	switch (action->act) {
	case ACT_LAUNCH:
		launch(init, instance);
		break;
	case ACT_SIGNAL:
		stop(instance);
		break;
	case ACT_LATE:
		log_warn("%s: did not stop in time: killed", instance->spec.name);
		break;
	case ACT_KILL:
		init_signal_job(instance, SIGKILL);
		/* It may have left its group to another process. */
		if (instance->pid != 0)
			(void)sys_kill(instance->pid, SIGKILL);
		break;
	case ACT_GIVE_UP:
		log_error("%s: still there after SIGKILL: given up", instance->spec.name);
		instance->end.cause = INIT_GIVEN_UP;
		instance->pid = 0;
		break;
	case ACT_SWEEP_TERM:
		init_sweep(init, SIGTERM);
		break;
	case ACT_SWEEP_KILL:
		init_sweep(init, SIGKILL);
		break;
	case ACT_ABANDON:
		log_error("a process is still there after SIGKILL: left behind");
		break;
	case ACT_FINISH:
	case ACT_ARM_DELAY:
	case ACT_ARM_STOP:
	case ACT_ARM_KILL:
	case ACT_ARM_SWEEP:
	case ACT_STOP_SERVICES:
		break;
	}
}

/* Nothing here makes a new list: what follows from an act is flagged and told to supervise later.
 */
void init_perform(struct init *init)
{
	for (unsigned i = 0; i < init->sup.action_count; i++)
		perform(init, &init->sup.actions[i]);
}
