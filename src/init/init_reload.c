#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/ctlproto.h"
#include "init/engine.h"
#include "proc/execblock.h"

/* ns */
static const int64_t QUIET = 250000000;
static const int64_t QUIET_MOST = 2000000000;
static const int64_t LOOK_EVERY = 5000000000;
static const int64_t AGAIN = 1000000000;
static const int64_t LIMIT = 120000000000;
/* To take back what it has made. */
static const int64_t LIMIT_AFTER = 5000000000;

enum { READS = 16 };

static bool is_running(const struct init_reload *reload)
{
	return reload->helper.source.fd >= 0;
}

/* The loop looks at one time only. */
static void arm(struct init *init)
{
	const struct init_reload *reload = &init->reload;
	const int64_t times[] = {
		reload->quiet_at, reload->look_at, reload->again_at, reload->limit_at};

	init->reload_at = SUPERVISE_NEVER;
	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] < init->reload_at)
			init->reload_at = times[i];
}

/* ---- who tells of a change ---- */

/* What they say is of no interest: the child looks at everything. */
static bool drain(int fd)
{
	char events[4096];
	bool any = false;

	for (int i = 0; i < READS && sys_read(fd, events, sizeof(events)) > 0; i++)
		any = true;
	return any;
}

/* It is not listened to until it has been quiet for a while: who writes without an end costs four
 * looks a second. */
static void await_quiet(struct init *init, int64_t now, int64_t until)
{
	struct init_reload *reload = &init->reload;

	if (reload->watch.fd >= 0)
		loop_remove(&init->loop, &reload->watch);
	reload->quiet_at = now + QUIET;
	reload->quiet_until = until;
}

/* Something has changed. */
static void on_change(struct loop_source *source, unsigned events)
{
	struct init *init = source->arg;
	int64_t now = sys_now();

	(void)events;
	if (!drain(source->fd))
		return;
	await_quiet(init, now, now + QUIET_MOST);
	arm(init);
}

static void hear_changes(struct init *init)
{
	struct init_reload *reload = &init->reload;

	if (loop_add(&init->loop, &reload->watch, LOOP_READ) == 0)
		return;
	log_warn_errno("cannot listen for changes: looking for them every 5 s");
	reload->blind = true;
	reload->watch.fd = -1;
}

static void on_quiet(struct init *init, int64_t now)
{
	struct init_reload *reload = &init->reload;

	reload->quiet_at = SUPERVISE_NEVER;
	if (reload->watch.fd >= 0 && drain(reload->watch.fd) && now < reload->quiet_until) {
		reload->quiet_at = now + QUIET;
		return;
	}
	reload->changed = true;
	if (reload->watch.fd >= 0)
		hear_changes(init);
}

/* ---- what has become of it ---- */

static void refuse(struct init *init, const char *reason)
{
	init->reloads.refused++;
	ctl_copy(init->reload.reason, sizeof(init->reload.reason), reason);
}

/* The new block in the place of the old one. */
static void take_block(struct init *init, uint64_t size)
{
	struct init_reload *reload = &init->reload;

	if (size == 0)
		return;
	if (!execblock_is_sealed(reload->task.block, size)) {
		log_warn("services are started with the environment that they had: the new one is "
			 "not whole");
		return;
	}
	if (reload->block != 0)
		fd_close(&reload->block);
	reload->block = reload->task.block;
	reload->task.block = -1;
	for (unsigned i = 0; i < init->sup.count; i++) {
		init->instances[i].spec->block = reload->block;
		init->instances[i].spec->block_index = i;
	}
	log_info("the environment has changed: a service gets it when it is started again");
}

static void succeed(struct init *init, const struct init_reload_record *record, bool changed)
{
	bool owed = init->reload.owed || changed;

	init->reloads.accepted++;
	init->reload.owed = false;
	init->reload.reason[0] = '\0';
	log_info("reloaded: %lu files", (unsigned long)record->files);
	take_block(init, record->block_size);
	for (unsigned i = 0; i < init->sup.count; i++) {
		struct instance *instance = &init->instances[i];

		if (instance->reload_now || (owed && instance->service->watches))
			init_tell(instance, EVENT_RELOAD);
	}
}

static void judge(struct init *init, const struct init_reload_record *record)
{
	struct init_reload *reload = &init->reload;
	bool changed = record == NULL || record->print != reload->print;
	int64_t now = sys_now();

	if (reload->task.look) {
		/* It may be half written: as with an event. */
		if (record != NULL && changed)
			await_quiet(init, now, now + QUIET);
		return;
	}
	if (record != NULL)
		reload->print = record->print;
	if (record != NULL && record->outcome == INIT_RELOAD_UNCHANGED) {
		log_debug("reload: the sources are what they were");
		return;
	}
	init->reloads.at = now;
	if (record != NULL && record->outcome == INIT_RELOAD_ACCEPTED) {
		succeed(init, record, changed);
		return;
	}
	reload->owed = reload->owed || changed;
	if (record != NULL && !reload->late) {
		/* The child has said it in full. */
		refuse(init, record->reason);
		if (init->sup.phase == PHASE_UP)
			log_error("reload refused: services go on as they are");
		return;
	}
	refuse(init, reload->late ? "it was not done after 120 s"
				  : "the process that does it was killed");
	log_error("reload refused: %s", reload->reason);
}

static void begin(struct init *init);

static void on_done(struct init *init, const struct init_reload_record *record)
{
	struct init_reload *reload = &init->reload;

	init->reloads.busy = false;
	reload->limit_at = SUPERVISE_NEVER;
	judge(init, record);
	fd_close(&reload->task.block);
	if (record != NULL && reload->watch.fd >= 0)
		reload->blind = record->blind;
	reload->late = false;
	begin(init);
	arm(init);
}

static void on_answer(struct helper *helper, const void *record)
{
	on_done(helper->init, record);
}

/* ---- a reload ---- */

static void work(struct helper *helper, void *record)
{
	const struct init *init = helper->init;
	const struct init_reloader *reloader = init->policy->reloader;

	reloader->work(reloader->arg, &init->reload.task, record);
}

static void prepare(struct init_reload *reload)
{
	reload->task = (struct init_reload_task){
		.look = !reload->asked && !reload->changed,
		.if_changed = !reload->asked,
		.print = reload->print,
		.current = reload->block,
		.block = -1,
	};
	if (!reload->task.look)
		reload->task.block = sys_memfd("husk-environment");
}

/* Where something is to be done, and nothing is being done. */
static void begin(struct init *init)
{
	struct init_reload *reload = &init->reload;
	int64_t now = sys_now();

	if (is_running(reload) || init->sup.phase != PHASE_UP)
		return;
	if (!(reload->asked || reload->changed || reload->look)) {
		if (reload->blind)
			reload->look_at = now + LOOK_EVERY;
		return;
	}
	reload->again_at = SUPERVISE_NEVER;
	prepare(reload);
	if (helper_start(init, &reload->helper, sizeof(struct init_reload_record), work,
		    on_answer) < 0) {
		fd_close(&reload->task.block);
		reload->again_at = now + AGAIN;
		return;
	}
	for (unsigned i = 0; i < init->sup.count; i++) {
		init->instances[i].reload_now = init->instances[i].reload_asked;
		init->instances[i].reload_asked = false;
	}
	init->reloads.busy = !reload->task.look;
	reload->asked = reload->changed = reload->look = false;
	reload->limit_at = now + LIMIT;
}

void init_reload_ask(struct init *init, struct instance *instance)
{
	if (init->sup.phase != PHASE_UP)
		return;
	for (unsigned i = 0; i < init->sup.count; i++) {
		struct instance *other = &init->instances[i];

		if (instance == NULL ? other->service->reloads : other == instance)
			other->reload_asked = true;
	}
	init->reload.asked = true;
	begin(init);
	arm(init);
}

/* What was asked of it is refused; what its check runs is ended by itself. */
static void on_limit(struct init *init, int64_t now)
{
	struct init_reload *reload = &init->reload;

	if (!reload->late) {
		reload->late = true;
		reload->limit_at = now + LIMIT_AFTER;
		if (reload->helper.pid > 0)
			(void)sys_kill(reload->helper.pid, SIGTERM);
		return;
	}
	helper_cancel(&reload->helper);
	on_done(init, NULL);
}

void init_reload_tick(struct init *init)
{
	struct init_reload *reload = &init->reload;
	int64_t now = sys_now();

	if (reload->limit_at <= now)
		on_limit(init, now);
	if (reload->quiet_at <= now)
		on_quiet(init, now);
	if (reload->look_at <= now) {
		reload->look_at = SUPERVISE_NEVER;
		reload->look = true;
	}
	begin(init);
	arm(init);
}

void init_reload_begin(struct init *init)
{
	const struct init_reloader *reloader = init->policy->reloader;
	struct init_reload *reload = &init->reload;

	init->reload_at = SUPERVISE_NEVER;
	*reload = (struct init_reload){
		.quiet_at = SUPERVISE_NEVER,
		.look_at = SUPERVISE_NEVER,
		.again_at = SUPERVISE_NEVER,
		.limit_at = SUPERVISE_NEVER,
		.task = {.block = -1},
		.watch = {.fd = -1, .arg = init, .ready = on_change},
	};
	helper_init(&reload->helper);
	init->reloads.refusal = reload->reason;
	if (reloader == NULL)
		return;
	reload->print = reloader->print;
	reload->blind = reloader->blind;
	reload->watch.fd = reloader->watch;
	if (reload->watch.fd >= 0)
		hear_changes(init);
	begin(init);
	arm(init);
}

void init_reload_stop(struct init *init)
{
	struct init_reload *reload = &init->reload;

	if (init->reload_at == SUPERVISE_NEVER)
		return;
	if (reload->watch.fd >= 0 && reload->quiet_at == SUPERVISE_NEVER)
		loop_remove(&init->loop, &reload->watch);
	reload->watch.fd = -1;
	reload->blind = false;
	reload->quiet_at = reload->look_at = reload->again_at = reload->limit_at = SUPERVISE_NEVER;
	arm(init);
	/* It takes back what it has made; whatever is left then ends it. */
	if (reload->helper.pid > 0)
		(void)sys_kill(reload->helper.pid, SIGTERM);
}

void init_reload_end(struct init *init)
{
	struct init_reload *reload = &init->reload;

	if (reload->block != 0)
		fd_close(&reload->block);
	fd_close(&reload->task.block);
	fd_close(&reload->helper.source.fd);
}
