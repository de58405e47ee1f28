#include <sys/socket.h>

#include "base/sys.h"
#include "init/notify.h"
#include "proc/processes.h"

static const char proc_path[] = "/proc";

/* Deeper than process trees are: parents that are given anew while we climb could form a ring. */
enum { CLIMB_MAX = 64 };

/* `pid` is `ancestor`, or below it. */
static bool is_below(pid_t pid, pid_t ancestor)
{
	struct process process;

	for (int i = 0; i < CLIMB_MAX && pid > 0; i++) {
		if (pid == ancestor)
			return true;
		if (!process_read(proc_path, pid, &process))
			return false;
		pid = process.parent;
	}
	return false;
}

/* A sender in another PID namespace, or one that the kernel does not tell of, reads as 0. */
static bool is_of_service(const struct notify_source *source, pid_t pid)
{
	struct process process;

	if (pid <= 0)
		return false;
	/* It may be there no more. */
	if (pid == source->main)
		return true;
	return process_read(proc_path, pid, &process) &&
	       (process.group == source->group || process.session == source->main ||
		       is_below(process.parent, source->main));
}

static bool can_be_main(const struct notify_source *source, pid_t pid)
{
	struct process process;

	if (pid == source->main)
		return true;
	return process_read(proc_path, pid, &process) && !process.exiting &&
	       ((process.parent == source->husk && process.group == source->group) ||
		       is_below(process.parent, source->main));
}

void notify_read(int fd, const struct notify_source *source, struct notify_record *record)
{
	char text[NOTIFY_MESSAGE_MAX];
	struct ucred sender;

	for (int i = 0; i < NOTIFY_MESSAGES_MAX; i++) {
		ssize_t size = sys_recv_sent(fd, text, sizeof(text), &sender);
		pid_t main_pid = record->main_pid;

		if (size < 0)
			return;
		if (!is_of_service(source, sender.pid)) {
			record->foreign = true;
			continue;
		}
		if ((size_t)size <= sizeof(text))
			notify_parse((struct str){text, (size_t)size}, record);
		if (record->main_pid != main_pid && !can_be_main(source, record->main_pid))
			record->main_pid = main_pid;
	}
}
