#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/format.h"
#include "base/log.h"
#include "base/str.h"
#include "init/engine.h"

static void look_after(struct helper *helper, void *record)
{
	cgroup_oom_compare(&helper->init->oom, record);
}

static void on_oom_after(struct helper *helper, const void *record)
{
	struct instance *instance = helper->arg;
	const struct cgroup_oom_record *oom = record;

	if (oom && oom->kills > helper->init->oom.kills)
		helper->init->oom.kills = oom->kills;
	if (!instance)
		return;
	if (oom)
		instance->end.oom = *oom;
	init_tell_end(instance);
}

/* One at a time: two that are killed together have the same reason, and the second is told without
 * it. */
static void want_oom(struct instance *instance)
{
	struct init *init = instance->init;

	if (!init->oom.known || init->oom_due || init->oom_after.source.fd >= 0)
		return;
	init->oom_after.arg = instance;
	init->oom_due = true;
}

void init_ask_oom(struct init *init)
{
	if (!init->oom_due)
		return;
	init->oom_due = false;
	(void)helper_start(
		init, &init->oom_after, sizeof(struct cgroup_oom_record), look_after, on_oom_after);
}

void init_note_end(struct instance *instance)
{
	struct init_words *words = instance->service->words;
	struct init_end *end = &instance->end;
	const struct run *run = &instance->run;
	int number;

	if (instance->sequel.due && instance->init->oom_after.arg == instance)
		instance->init->oom_after.arg = NULL;
	init_tell_end(instance);
	init_notify_end(instance);
	*end = (struct init_end){
		.service = instance->service,
		.cause = run->cause,
		.pid = run->pid,
		.wait_status = run->wait_status,
		.fault = run->fault,
		.failure = run->failure,
	};
	if (words)
		end->detail = strcpy(words->last, words->run);
	instance->ended_at = sys_now();
	instance->sequel = (struct init_sequel){.due = true};
	if (end->cause != INIT_NO_END)
		return;
	end->cause = WIFSIGNALED(end->wait_status) ? INIT_SIGNALLED : INIT_EXITED;
	if (end->cause == INIT_EXITED)
		return;
	number = WTERMSIG(end->wait_status);
	end->expected = instance->sent >> (number - 1) & 1;
	if (number == SIGKILL && !end->expected)
		want_oom(instance);
}

void init_note_early_end(struct instance *instance)
{
	static const char why[] = "it ended well before (does it put itself into the background?)";

	instance->end.fault = INIT_FAULT_NOT_READY;
	instance->end.detail = why;
}

static void explain_in_child(const struct instance *instance, const char *then)
{
	struct err err;

	if (sys_fork() != 0)
		return;
	(void)init_explain(&instance->end, &err);
	(void)err_append(&err, "%s", then);
	log_err(&err);
	sys_exit(0);
}

/* What a plain program's end means is for husk's caller to say. */
static bool is_told_here(const struct instance *instance)
{
	return !instance->service->rules->passive;
}

static bool is_awaited(const struct instance *instance)
{
	const struct init *init = instance->init;

	return (init->oom_due || init->oom_after.source.fd >= 0) && init->oom_after.arg == instance;
}

void init_tell_end(struct instance *instance)
{
	const struct supervise_service *rules = &instance->init->services[init_index(instance)];
	struct init_end *end = &instance->end;
	char pause[STR_DURATION_MAX], then[64] = "";
	struct err err;
	bool wrong;

	if (!instance->sequel.due || !is_told_here(instance) || is_awaited(instance))
		return;
	instance->sequel.due = false;
	/* Why it cannot be run stands in files: husk's caller reads them, when all is over. */
	if (end->cause == INIT_EXEC_FAILED && instance->init->sup.ended_by == init_index(instance))
		return;
	end->told = true;
	if (instance->sequel.again && instance->sequel.pause < 1000000) {
		(void)format_text(then, sizeof(then), "; started again");
	} else if (instance->sequel.again) {
		(void)format_text(then, sizeof(then), "; started again in %s",
			str_duration(instance->sequel.pause, pause));
	}
	/* Where it was the last one, all is over, and nobody would wait for the child. */
	if (end->cause == INIT_EXEC_FAILED && instance->init->sup.phase != PHASE_DONE) {
		instance->init->childless = false;
		explain_in_child(instance, then);
		return;
	}
	wrong = init_explain(end, &err) ||
		(end->wait_status != 0 && rules->intent != INTENT_DOWN && !end->expected);
	if (wrong || instance->sequel.again)
		log_warn("%s%s", err.message, then);
	else
		log_info("%s", err.message);
}

int init_end_status(const struct init_end *end)
{
	int status = 128 + SIGKILL;

	switch (end->cause) {
	case INIT_NO_END:
		return 0;
	case INIT_EXITED:
		status = WEXITSTATUS(end->wait_status);
		break;
	case INIT_SIGNALLED:
		status = 128 + WTERMSIG(end->wait_status);
		break;
	case INIT_NOT_STARTED:
		return ERR_INTERNAL;
	case INIT_EXEC_FAILED:
		return (int)launch_code(&end->failure);
	case INIT_GIVEN_UP:
		return status;
	}
	if (end->fault == INIT_FAULT_NOT_READY || end->fault == INIT_FAULT_CLOSED)
		return ERR_TIMED_OUT;
	/* It was ended by husk, perhaps well: that is no success. */
	if (status == 0 && (end->limit || end->fault != INIT_FAULT_NONE))
		return 1;
	return status;
}

/* The end that counts: of the service that ended the container; when it was asked to stop, of the
 * main one, else of one that did not end as it should have. */
static struct instance *find_end(struct init *init)
{
	struct instance *bad = NULL;

	if (init->sup.ended_by != SUPERVISE_NOBODY)
		return &init->instances[init->sup.ended_by];
	for (unsigned i = 0; i < init->sup.count; i++) {
		struct instance *instance = &init->instances[i];
		if (init->services[i].main || init->sup.count == 1)
			return instance;
		if (!bad && init->services[i].state == SERVICE_FAILED)
			bad = instance;
	}
	return bad;
}

/* A helper that is stuck or stopped was killed with all that was left: the pipe is at its end, or
 * the helper cannot be killed and its answer not waited for. */
static void hear_oom(struct init *init)
{
	struct cgroup_oom_record record;
	struct instance *instance = init->oom_after.arg;
	int fd = init->oom_after.source.fd;

	if (fd < 0)
		return;
	if (instance && init->childless && sys_read(fd, &record, sizeof(record)) == sizeof(record))
		instance->end.oom = record;
	init->oom_after.arg = NULL;
	if (instance)
		init_tell_end(instance);
}

void init_finish(struct init *init, struct init_end *end, struct err *err)
{
	const struct instance *instance;

	hear_oom(init);
	init_log_finish(init);
	init_terminal_back(init);
	instance = find_end(init);
	*end = instance ? instance->end : (struct init_end){.cause = INIT_NO_END};
	if (init->sup.ended_by == SUPERVISE_NOBODY) {
		end->stop_signal = init->stop_signal;
		end->stop_pid = init->stop_pid;
	}
	end->status = init_end_status(end);
	if (init->policy->status_map[end->status / 8] >> (end->status % 8) & 1)
		end->status = 0;
	if (end->cause == INIT_NOT_STARTED)
		*err = init->err;
}
