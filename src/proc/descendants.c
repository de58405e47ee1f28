#include "proc/descendants.h"

#include <signal.h>
#include <stdbool.h>

#include "base/sys.h"
#include "proc/processes.h"

/* Pids may have been given anew while we read, so that parents could form a ring: no climb is
 * longer than there are processes. */
static bool is_below(
	const struct processes *processes, const struct process *process, pid_t ancestor)
{
	for (size_t steps = 0; process && steps < processes->count; steps++) {
		if (process->parent == ancestor)
			return true;
		process = processes_find(processes, process->parent);
	}
	return false;
}

int descendants_signal(const char *proc_path, pid_t ancestor, int number)
{
	struct processes processes;
	pid_t self = sys_getpid();
	int sent = 0;

	processes_init(&processes, proc_path);
	for (size_t i = 0; i < processes.count; i++) {
		const struct process *process = &processes.items[i];

		if (process->pid == self || !is_below(&processes, process, ancestor))
			continue;
		sent += sys_kill(process->pid, number) == 0;
		/* A stopped process acts on it only when it goes on. */
		if (number != SIGKILL)
			(void)sys_kill(process->pid, SIGCONT);
	}
	processes_fini(&processes);
	return sent;
}
