#include "init/init_log.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/log.h"
#include "init/engine.h"

enum {
	/* A relay that ran for so long is followed by the next at once. */
	LASTED = 1000000000, /* ns */
	PAUSE_FIRST = 100000000,
	FINISH_PAUSE = 1000000,
	/* Descriptors for everything else. */
	FILES_BESIDES = 1000,
};
#define PAUSE_MOST (32 * (int64_t)PAUSE_FIRST)

static bool is_marked(const struct init *init, unsigned index)
{
	return init->instances[index].service->log != PLAN_LOG_RAW;
}

/* Two streams for each service, in its spec as they are in the relay. */
static void set_streams(struct init *init, struct relay_stream *streams)
{
	for (unsigned i = 0; i < init->sup.count; i++) {
		const struct init_service *service = init->instances[i].service;

		for (unsigned output = 0; is_marked(init, i) && output < RELAY_OUTPUTS; output++)
			*streams++ = (struct relay_stream){
				.service = service->spec.name,
				.output = (enum relay_output)output,
				.json = service->log == PLAN_LOG_JSON,
			};
	}
}

/* Each stream has two descriptors: the usual 1,024 are not enough for many. Services start with
 * what husk was given. */
static const struct rlimit *raise_files(struct init_log *log)
{
	rlim_t wanted = (rlim_t)log->relay.count * 2 + FILES_BESIDES;
	struct rlimit raised;

	if (sys_prlimit(0, RLIMIT_NOFILE, NULL, &log->files) < 0 || log->files.rlim_cur >= wanted)
		return NULL;
	raised = log->files;
	raised.rlim_cur = wanted < raised.rlim_max ? wanted : raised.rlim_max;
	return sys_prlimit(0, RLIMIT_NOFILE, &raised, NULL) == 0 ? &log->files : NULL;
}

static void set_specs(struct init *init, const struct rlimit *files)
{
	const struct relay_stream *stream = init->log.relay.streams;

	for (unsigned i = 0; i < init->sup.count; i++) {
		struct launch_spec *spec = init->instances[i].spec;

		spec->files = files;
		if (!is_marked(init, i))
			continue;
		spec->output = stream++->ends[1];
		spec->error = stream++->ends[1];
	}
}

int init_log_set_up(struct init *init, struct err *err)
{
	struct relay *relay = &init->log.relay;
	const struct rlimit *files;
	unsigned count = 0;

	for (unsigned i = 0; i < init->sup.count; i++)
		count += is_marked(init, i) ? RELAY_OUTPUTS : 0;
	if (count == 0)
		return 0;
	relay->streams = calloc(count, sizeof(*relay->streams));
	if (relay->streams == NULL)
		return err_nomem(err);
	relay->count = count;
	relay->outputs[RELAY_OUT] = 1;
	relay->outputs[RELAY_ERR] = 2;
	set_streams(init, relay->streams);
	files = raise_files(&init->log);
	if (relay_init(relay, err) < 0)
		return -1;
	set_specs(init, files);
	return 0;
}

static pid_t fork_relay(struct init *init)
{
	pid_t pid = sys_fork();

	if (pid == 0)
		relay_run(&init->log.relay);
	if (pid > 0) {
		init->log.pid = pid;
		init->childless = false;
	}
	return pid;
}

void init_log_start(struct init *init)
{
	struct init_log *log = &init->log;

	log->start_at = SUPERVISE_NEVER;
	/* The sweep would only kill it: the last one comes after it. */
	if (log->relay.count == 0 || init->sup.phase == PHASE_SWEEP_KILL)
		return;
	log->started_at = sys_now();
	if (fork_relay(init) > 0) {
		log->refused = false;
		return;
	}
	log->start_at = log->started_at + PAUSE_FIRST;
	if (!log->refused)
		log_warn_errno("cannot fork the relay of logs");
	log->refused = true;
}

/* False where that is to be tried again. */
static bool end_lines(struct init *init, unsigned first_stream)
{
	bool done = true;

	for (unsigned i = 0; i < RELAY_OUTPUTS; i++)
		done &= relay_end_line(&init->log.relay, first_stream + i);
	return done;
}

void init_log_prepare(const struct instance *instance)
{
	const struct relay *relay = &instance->init->log.relay;

	if (instance->service->log == PLAN_LOG_RAW)
		return;
	(void)sys_set_status_flags(instance->spec->output, 0);
	(void)sys_set_status_flags(instance->spec->error, 0);
	for (unsigned i = 0; i < relay->count; i += RELAY_OUTPUTS) {
		if (relay->streams[i].ends[1] == instance->spec->output)
			(void)end_lines(instance->init, i);
	}
}

void init_log_note_service(struct init *init)
{
	if (init->log.relay.count == 0)
		return;
	init->log.line_pause = PAUSE_FIRST;
	init->log.line_at = sys_now() + PAUSE_FIRST;
}

static int64_t longer(int64_t pause)
{
	return pause < PAUSE_MOST ? 2 * pause : pause;
}

/* The relay takes what a service wrote last; an output that is full may keep it from that. */
static void end_left_lines(struct init *init)
{
	struct init_log *log = &init->log;
	unsigned stream = 0;
	bool done = true;

	for (unsigned i = 0; i < init->sup.count; i++) {
		if (!is_marked(init, i))
			continue;
		if (init->instances[i].pid == 0)
			done &= end_lines(init, stream);
		stream += RELAY_OUTPUTS;
	}
	log->line_at = done ? SUPERVISE_NEVER : sys_now() + log->line_pause;
	log->line_pause = longer(log->line_pause);
}

int64_t init_log_next(const struct init_log *log)
{
	return log->start_at < log->line_at ? log->start_at : log->line_at;
}

void init_log_tick(struct init *init)
{
	int64_t now = sys_now();

	if (init->log.start_at <= now)
		init_log_start(init);
	if (init->log.line_at <= now)
		end_left_lines(init);
}

void init_log_note_end(struct init *init)
{
	struct init_log *log = &init->log;
	int64_t now = sys_now();

	log->pid = 0;
	if (log->ending && relay_is_empty(&log->relay))
		return;
	if (now - log->started_at >= LASTED)
		log->pause = 0;
	else if (log->pause == 0)
		log->pause = PAUSE_FIRST;
	else
		log->pause = longer(log->pause);
	log->start_at = now + log->pause;
	if (init->sup.phase != PHASE_SWEEP_KILL)
		log_warn("the relay of logs was ended: another one goes on");
}

void init_log_end(struct init *init)
{
	if (init->log.relay.count == 0)
		return;
	init->log.ending = true;
	relay_close(&init->log.relay);
}

/* For so long at most, and then no longer: what waits for a device cannot be killed. */
static bool await_relay(struct init_log *log)
{
	int64_t deadline = sys_now() + SUPERVISE_SWEEP_WAIT;
	int status;

	while (sys_wait(log->pid, &status, WNOHANG) == 0) {
		if (sys_now() >= deadline)
			return false;
		sys_sleep(FINISH_PAUSE);
	}
	log->pid = 0;
	return true;
}

/* Standard output may be blocked for good. */
void init_log_finish(struct init *init)
{
	struct init_log *log = &init->log;

	if (log->relay.count == 0 || log->pid != 0 || relay_is_empty(&log->relay) ||
		fork_relay(init) < 0 || await_relay(log))
		return;
	log_warn("the last lines of services could not be written");
	(void)sys_kill(log->pid, SIGKILL);
	(void)await_relay(log);
}

void init_log_tear_down(struct init *init)
{
	struct relay *relay = &init->log.relay;

	if (relay->count != 0)
		relay_fini(relay);
	free(relay->streams);
}
