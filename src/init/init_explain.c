#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/signal_name.h"
#include "init/init.h"

enum { MEBIBYTE = 1 << 20, KIBIBYTE = 1 << 10 };

/* "512 MiB", where that is what was meant. */
static void format_size(uint64_t bytes, char *out, size_t size)
{
	if (bytes % MEBIBYTE == 0)
		(void)snprintf(out, size, "%" PRIu64 " MiB", bytes / MEBIBYTE);
	else if (bytes % KIBIBYTE == 0)
		(void)snprintf(out, size, "%" PRIu64 " KiB", bytes / KIBIBYTE);
	else
		(void)snprintf(out, size, "%" PRIu64 " bytes", bytes);
}

static bool explain_signal(const struct init_end *end, struct err *err)
{
	char name[SIGNAL_NAME_MAX], size[32], more[96] = "";

	if (end->oom.killed && end->oom.limit > 0) {
		format_size(end->oom.limit, size, sizeof(size));
		(void)snprintf(more, sizeof(more), " (out of memory: limit %s)", size);
	} else if (end->oom.killed) {
		(void)snprintf(more, sizeof(more), " (out of memory)");
	} else if (WCOREDUMP(end->wait_status)) {
		(void)snprintf(more, sizeof(more), " (core dumped)");
	}
	(void)err_set(err, (enum err_code)end->status, "%s: killed by %s%s",
		end->service->spec.name, signal_name(WTERMSIG(end->wait_status), name), more);
	return !end->expected;
}

bool init_explain(const struct init_end *end, struct err *err)
{
	const char *name = end->service->spec.name;

	switch (end->cause) {
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
