#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/format.h"
#include "base/signal_name.h"
#include "base/str.h"
#include "init/init.h"

enum { MEBIBYTE = 1 << 20, KIBIBYTE = 1 << 10 };

/* "512 MiB", where that is what was meant. */
static void format_size(uint64_t bytes, char *out, size_t size)
{
	if (bytes % MEBIBYTE == 0)
		(void)format_text(out, size, "%" PRIu64 " MiB", bytes / MEBIBYTE);
	else if (bytes % KIBIBYTE == 0)
		(void)format_text(out, size, "%" PRIu64 " KiB", bytes / KIBIBYTE);
	else
		(void)format_text(out, size, "%" PRIu64 " bytes", bytes);
}

static bool explain_signal(const struct init_end *end, struct err *err)
{
	char name[SIGNAL_NAME_MAX], size[32], more[96] = "";

	if (end->oom.killed && end->oom.limit > 0) {
		format_size(end->oom.limit, size, sizeof(size));
		(void)format_text(more, sizeof(more), " (out of memory: limit %s)", size);
	} else if (end->oom.killed) {
		(void)format_text(more, sizeof(more), " (out of memory)");
	} else if (WCOREDUMP(end->wait_status)) {
		(void)format_text(more, sizeof(more), " (core dumped)");
	}
	(void)err_set(err, (enum err_code)end->status, "%s: killed by %s%s",
		end->service->spec.name, signal_name(WTERMSIG(end->wait_status), name), more);
	return !end->expected;
}

/* Why husk has ended it. False where it has not. */
static bool explain_fault(const struct init_end *end, struct err *err)
{
	const struct supervise_service *rules = end->service->rules;
	const char *name = end->service->spec.name;
	const char *detail = end->detail != NULL ? end->detail : "";
	const char *colon = detail[0] != '\0' ? ": " : "";
	char time[STR_DURATION_MAX];

	switch (end->fault) {
	case INIT_FAULT_NONE:
		return false;
	case INIT_FAULT_NOT_READY:
		(void)err_set(err, (enum err_code)end->status, "%s: not ready in %s%s%s", name,
			str_duration(rules->ready_timeout, time), colon, detail);
		return true;
	case INIT_FAULT_CLOSED:
		(void)err_set(err, (enum err_code)end->status, "%s: not ready: %s", name, detail);
		return true;
	case INIT_FAULT_UNHEALTHY:
		(void)err_set(err, (enum err_code)end->status,
			"%s: unhealthy %u times in a row%s%s", name, rules->health_failures, colon,
			detail);
		return true;
	}
	return false;
}

static bool explain_cause(const struct init_end *end, struct err *err)
{
	const char *name = end->service->spec.name;

	switch (end->cause) {
	case INIT_NO_END:
		(void)err_set(err, (enum err_code)end->status, "%s: has not run", name);
		return false;
	case INIT_EXITED:
		(void)err_set(err, (enum err_code)end->status, "%s: exited with status %d", name,
			WEXITSTATUS(end->wait_status));
		return false;
	case INIT_SIGNALLED:
		return explain_signal(end, err);
	case INIT_NOT_STARTED: /* `err` is init_run's */
		return true;
	case INIT_EXEC_FAILED:
		(void)launch_explain(&end->service->spec, &end->failure, err);
		return true;
	case INIT_GIVEN_UP:
		(void)err_set(err, (enum err_code)end->status,
			"%s: did not end even by SIGKILL (in an uninterruptible wait?)", name);
		return true;
	}
	return true;
}

void init_explain_stop(int number, pid_t pid, char *out, size_t size)
{
	char name[SIGNAL_NAME_MAX], sender[32] = "";

	if (pid != 0)
		(void)format_text(sender, sizeof(sender), " from process %d", (int)pid);
	(void)format_text(out, size, "asked to stop by %s%s", signal_name(number, name), sender);
}

bool init_explain(const struct init_end *end, struct err *err)
{
	const struct supervise_service *rules;
	char time[STR_DURATION_MAX], stop[64] = "asked to stop";
	bool wrong;

	if (end->stop_signal != 0)
		init_explain_stop(end->stop_signal, end->stop_pid, stop, sizeof(stop));
	if (end->service == NULL) {
		(void)err_set(err, (enum err_code)end->status, "%s", stop);
		return false;
	}
	rules = end->service->rules;
	wrong = explain_fault(end, err) || explain_cause(end, err);
	if (end->stop_signal != 0)
		(void)err_append(err, "; the container was %s", stop);
	if (!end->limit)
		return wrong;
	(void)err_append(err, "; started again %u time%s in %s: restart.limit is reached",
		rules->restart_limit, rules->restart_limit == 1 ? "" : "s",
		str_duration(rules->restart_window, time));
	return true;
}
