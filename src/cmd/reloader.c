#include "cmd/reloader.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "cmd/service.h"
#include "plan/render.h"
#include "plan/sources.h"
#include "proc/execblock.h"
#include "proc/runcheck.h"

/* One reload, in its child. */
struct work {
	const struct reloader *reloader;
	const struct init_reload_task *task;
	struct init_reload_record *record;
	struct load load;
	struct init_service *services;
	struct err_list errors;
};

/* As one line, without the source's. */
static int refuse(struct work *work)
{
	struct err first = work->errors.errs[0];

	for (unsigned i = 0; i < work->errors.count; i++)
		log_err(&work->errors.errs[i]);
	err_hide_source(&first);
	(void)err_format(&first, work->record->reason, sizeof(work->record->reason));
	work->record->outcome = INIT_RELOAD_REFUSED;
	return -1;
}

static int fail(struct work *work, const struct err *err)
{
	(void)err_list_put(&work->errors, err);
	return refuse(work);
}

/* Has anything changed? Even where the environment is wrong: that may be what has. */
static int look(struct work *work)
{
	const struct reloader *reloader = work->reloader;
	struct sources sources;
	struct err err;

	if (!reloader->watches || work->load.env == NULL)
		return 0;
	if (sources_look(&work->load.plan, work->load.env, reloader->hook.watch, &sources, &err) <
		0)
		return fail(work, &err);
	work->record->print = sources.print;
	work->record->blind = sources.blind;
	return 0;
}

static bool is_other(const struct probe_target *a, const struct probe_target *b)
{
	return a != b && (!a || !b || strcmp(a->text, b->text) != 0);
}

/* What it is asked is the plan's, which PID 1 has, and it may run with the old environment. */
static int refuse_other_targets(const struct work *work, struct err *err)
{
	for (size_t i = 0; i < work->load.plan.service_count; i++) {
		const struct init_service *old = &work->reloader->services[i];
		const struct init_service *new = &work->services[i];

		if (is_other(old->ready_target, new->ready_target) ||
			is_other(old->health_target, new->health_target))
			return err_set(err, ERR_CONFIG,
				"%s: with the new environment ready or health would ask elsewhere: "
				"start the container again",
				old->spec.name);
	}
	return 0;
}

/* What services are started with, where it is another one than before. */
static int make_block(
	struct work *work, const struct init_service *services, struct buf *out, struct err *err)
{
	unsigned count = (unsigned)work->load.plan.service_count;
	const struct launch_spec **specs = arena_array(work->load.arena, count, sizeof(*specs));

	if (!specs)
		return err_nomem(err);
	for (unsigned i = 0; i < count; i++)
		specs[i] = &services[i].spec;
	return execblock_make(out, specs, count, err);
}

/* 1: it is what it was; 0; -1. */
static int is_as_before(struct work *work, struct str block, struct err *err)
{
	struct buf before;
	int result;

	if (work->task->current != 0)
		return execblock_holds(work->task->current, block);
	buf_init(&before, EXECBLOCK_MAX);
	result = make_block(work, work->reloader->services, &before, err);
	if (result == 0)
		result = str_eq(buf_str(&before), block);
	buf_fini(&before);
	return result;
}

static int keep_environment(struct work *work, struct err *err)
{
	struct buf block;
	int result;

	buf_init(&block, EXECBLOCK_MAX);
	result = make_block(work, work->services, &block, err);
	if (result == 0)
		result = is_as_before(work, buf_str(&block), err);
	if (result == 0 && work->task->block < 0) {
		log_warn(
			"the environment has changed, and husk can keep no new one (memfd_create): "
			"services go on with theirs");
	} else if (result == 0) {
		result = execblock_write(work->task->block, buf_str(&block), err);
		work->record->block_size = block.len;
	}
	buf_fini(&block);
	return result < 0 ? -1 : 0;
}

static int apply(struct work *work)
{
	struct load *load = &work->load;
	struct runcheck check = {
		.arena = load->arena, .env = load->env, .signals = work->reloader->signals};
	const struct render_runner runner = {.arg = &check, .run = runcheck_run};
	struct render_report report = {0};
	struct err err;

	err_clear(&err);
	if (service_resolve(load, &work->services, &work->errors) < 0)
		return refuse(work);
	if (refuse_other_targets(work, &err) < 0 || keep_environment(work, &err) < 0 ||
		render_together(&load->plan, load->env, &runner, &report, &err) < 0)
		return fail(work, &err);
	work->record->files = report.files;
	work->record->outcome = INIT_RELOAD_ACCEPTED;
	if (config_snapshot_is_old(&work->reloader->snapshot))
		log_warn("%s has changed: that takes effect when the container is started again",
			load->plan.file);
	return 0;
}

static void reload(
	void *arg, const struct init_reload_task *task, struct init_reload_record *record)
{
	struct work work = {
		.reloader = arg, .task = task, .record = record, .load = {.self = sys_getppid()}};
	bool composed;

	record->outcome = INIT_RELOAD_UNCHANGED;
	composed = load_again(&work.load, &work.reloader->snapshot, &work.errors) == 0;
	if (look(&work) < 0 || task->look || (task->if_changed && record->print == task->print))
		return;
	if (composed)
		(void)apply(&work);
	else
		(void)refuse(&work);
}

static bool watches(const struct init_service *services, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (services[i].watches)
			return true;
	return false;
}

void reloader_init(struct reloader *reloader, const struct load *load,
	const struct init_service *services, const struct launch_signals *signals)
{
	struct init_reloader *hook = &reloader->hook;
	struct sources sources;

	*reloader = (struct reloader){
		.hook = {.arg = reloader, .work = reload, .watch = -1},
		.snapshot = load->snapshot,
		.signals = signals,
		.services = services,
		.watches = watches(services, load->plan.service_count),
	};
	if (!reloader->watches)
		return;
	hook->watch = sys_inotify_init();
	if (hook->watch < 0)
		log_warn_errno("cannot listen for changes: looking for them every 5 s");
	hook->blind = hook->watch < 0;
	/* Without memory the start will fail by itself. */
	if (sources_look(&load->plan, load->env, hook->watch, &sources, NULL) == 0) {
		hook->blind = hook->blind || sources.blind;
		hook->print = sources.print;
	}
}

int reloader_keep(
	struct reloader *reloader, struct arena *arena, const struct init_service *services)
{
	struct config_snapshot kept = {.arena = arena};

	reloader->services = services;
	if (config_snapshot_copy(&kept, &reloader->snapshot) < 0)
		return -1;
	reloader->snapshot = kept;
	return 0;
}

void reloader_fini(struct reloader *reloader)
{
	fd_close(&reloader->hook.watch);
}
