#include "cmd/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include "base/format.h"
#include "init/supervise.h"
#include "proc/processes.h"

#define SECOND INT64_C(1000000000)

/* What the processes of one service use. */
struct usage {
	uint64_t processes;
	uint64_t ticks;
	uint64_t pages;
};

struct metrics {
	const struct client_status *status;
	struct usage *usages; /* one for each service; NULL: not known */
	struct buf *out;
};

/* Whose it is: the index of a service, or `count`. */
static size_t owner_by_pid(const struct client_status *status, pid_t pid)
{
	size_t i = 0;

	while (i < status->count && (pid <= 1 || status->services[i].pid != pid))
		i++;
	return i;
}

/*
 * A process is its ancestors' and its group's and session's: what a service forked is its own even
 * where it has left its parent. No climb is longer than there are processes, since pids may have
 * been given anew while they were read.
 */
static size_t find_owner(const struct client_status *status, const struct processes *processes,
	const struct process *process)
{
	for (size_t steps = 0; process && steps < processes->count; steps++) {
		const pid_t pids[] = {process->pid, process->group, process->session};

		for (size_t i = 0; i < sizeof(pids) / sizeof(pids[0]); i++) {
			size_t owner = owner_by_pid(status, pids[i]);

			if (owner < status->count)
				return owner;
		}
		process = processes_find(processes, process->parent);
	}
	return status->count;
}

static void measure(struct metrics *metrics, const char *proc_path)
{
	struct processes processes;

	processes_init(&processes, proc_path);
	if (processes.count > 0)
		metrics->usages = calloc(metrics->status->count + 1, sizeof(*metrics->usages));
	for (size_t i = 0; metrics->usages && i < processes.count; i++) {
		const struct process *process = &processes.items[i];
		struct usage *usage =
			&metrics->usages[find_owner(metrics->status, &processes, process)];

		usage->processes++;
		usage->ticks += process->ticks;
		usage->pages += process->pages;
	}
	processes_fini(&processes);
}

/* The families of numbers, one sample for each service. */
enum number {
	READY,
	DECLARED,
	RESTARTS,
	UPTIME,
	EXIT_STATUS,
	HEALTH_FAILURES,
	PROCESSES,
	RSS,
	CPU,
};
static const struct {
	const char *name;
	const char *type;
	const char *unit; /* "": none */
} families[] = {
	[READY] = {"ready", "gauge", ""},
	[DECLARED] = {"as_declared", "gauge", ""},
	[RESTARTS] = {"restarts", "counter", ""},
	[UPTIME] = {"uptime_seconds", "gauge", "seconds"},
	[EXIT_STATUS] = {"last_exit_status", "gauge", ""},
	[HEALTH_FAILURES] = {"health_failures", "gauge", ""},
	[PROCESSES] = {"processes", "gauge", ""},
	[RSS] = {"rss_bytes", "gauge", "bytes"},
	[CPU] = {"cpu_seconds", "counter", "seconds"},
};

static void append_family(struct buf *out, const char *name, const char *type, const char *unit)
{
	buf_appendf(out, "# TYPE husk_%s %s\n", name, type);
	if (*unit)
		buf_appendf(out, "# UNIT husk_%s %s\n", name, unit);
}

static void append_seconds(int64_t ns, struct buf *out)
{
	buf_appendf(out, "%" PRId64 ".%03d", ns / SECOND, (int)(ns % SECOND / 1000000));
}

static int64_t exit_status(const struct ctl_service *service)
{
	switch ((enum ctl_cause)service->cause) {
	case CTL_EXITED:
		return service->number;
	case CTL_SIGNALLED:
		return 128 + service->number;
	case CTL_NOT_STARTED:
		return ERR_INTERNAL;
	case CTL_NOT_RUN:
		return ERR_NOT_EXECUTABLE;
	case CTL_GIVEN_UP:
		return 128 + 9;
	case CTL_NOT_ENDED:
	case CTL_CAUSE_COUNT:
		break;
	}
	return -1;
}

/* In thousandths; below 0: there is none. */
static int64_t value_of(const struct metrics *metrics, enum number number, size_t index)
{
	const struct ctl_service *service = &metrics->status->services[index];
	const struct usage *usage = metrics->usages ? &metrics->usages[index] : NULL;
	int64_t ticks = (int64_t)getauxval(AT_CLKTCK), page = (int64_t)getauxval(AT_PAGESZ);

	switch (number) {
	case READY:
		return (service->flags & CTL_READY) != 0;
	case DECLARED:
		return (service->flags & CTL_DECLARED) != 0;
	case RESTARTS:
		return service->restarts;
	case UPTIME:
		return service->uptime;
	case EXIT_STATUS:
		return exit_status(service);
	case HEALTH_FAILURES:
		return service->sick;
	case PROCESSES:
		return usage ? (int64_t)usage->processes : -1;
	case RSS:
		return usage ? (int64_t)usage->pages * page : -1;
	case CPU:
		return usage && ticks > 0 ? (int64_t)usage->ticks * (SECOND / ticks) : -1;
	}
	return -1;
}

static void append_numbers(const struct metrics *metrics, enum number number)
{
	const char *name = families[number].name, *type = families[number].type;
	struct buf *out = metrics->out;
	char full[40];

	(void)format_text(full, sizeof(full), "service_%s", name);
	append_family(out, full, type, families[number].unit);
	for (size_t i = 0; i < metrics->status->count; i++) {
		int64_t value = value_of(metrics, number, i);

		if (value < 0)
			continue;
		buf_appendf(out, "husk_%s%s{service=\"%s\"} ", full, *type == 'c' ? "_total" : "",
			metrics->status->services[i].name);
		if (number == UPTIME || number == CPU)
			append_seconds(value, out);
		else
			buf_appendf(out, "%" PRId64, value);
		buf_append_char(out, '\n');
	}
}

static void append_states(const struct metrics *metrics)
{
	append_family(metrics->out, "service_state", "stateset", "");
	for (size_t i = 0; i < metrics->status->count; i++) {
		const struct ctl_service *service = &metrics->status->services[i];

		for (unsigned state = 0; state < SERVICE_STATES; state++)
			buf_appendf(metrics->out,
				"husk_service_state{service=\"%s\",husk_service_state=\"%s\"} %d\n",
				service->name, supervise_state_name((enum supervise_state)state),
				service->state == state);
	}
}

static void append_container(const struct ctl_end *end, struct buf *out)
{
	append_family(out, "uptime_seconds", "gauge", "seconds");
	buf_append_cstr(out, "husk_uptime_seconds ");
	append_seconds(end->uptime, out);
	buf_append_char(out, '\n');
	append_family(out, "reloads", "counter", "");
	buf_appendf(out, "husk_reloads_total %u\n", (unsigned)end->reloads);
	append_family(out, "reload_failures", "counter", "");
	buf_appendf(out, "husk_reload_failures_total %u\n", (unsigned)end->refusals);
}

void metrics_append(const struct client_status *status, const char *proc_path, struct buf *out)
{
	struct metrics metrics = {.status = status, .out = out};

	measure(&metrics, proc_path);
	append_states(&metrics);
	for (unsigned i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		append_numbers(&metrics, (enum number)i);
	append_container(&status->end, out);
	buf_append_cstr(out, "# EOF\n");
	free(metrics.usages);
}
