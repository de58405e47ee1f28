#include "proc/descendants.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"

struct process {
	pid_t pid;
	pid_t parent;
};

/* Made by the child that calls. As an array it would be a mapping of its own in PID 1, which costs
 * each start. */
static struct process *table;

/* getdents64(2)'s record. */
struct record {
	uint64_t inode;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

/* The fourth field of PID/stat: after the last ')', since a process may name itself "a) S 1". */
static pid_t parent_of(int proc, const char *pid)
{
	char path[64], text[512];
	const char *name_end;
	struct str rest;
	int64_t parent;
	ssize_t size;
	int fd;

	(void)snprintf(path, sizeof(path), "%.16s/stat", pid);
	fd = sys_openat(proc, path, O_RDONLY, 0);
	if (fd < 0)
		return -1;
	size = sys_read(fd, text, sizeof(text) - 1);
	fd_close(&fd);
	if (size <= 0)
		return -1;
	text[size] = '\0';
	name_end = strrchr(text, ')');
	/* ") S 123 ..." */
	rest = str_sub(str_from(name_end), 4, sizeof(text));
	rest.len = rest.len > 0 ? strcspn(rest.data, " ") : 0;
	return str_to_int64(rest, &parent) < 0 ? -1 : (pid_t)parent;
}

/* Kept in ascending order, in which /proc lists them. */
static void insert(size_t count, struct process process)
{
	for (; count > 0 && table[count - 1].pid > process.pid; count--)
		table[count] = table[count - 1];
	table[count] = process;
}

static size_t read_table(int proc)
{
	_Alignas(struct record) char buffer[4096];
	size_t count = 0;
	ssize_t size;

	while ((size = sys_getdents(proc, buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < size;) {
			const struct record *record = (const void *)(buffer + at);
			int64_t pid;

			at += record->length;
			if (str_to_int64(str_from(record->name), &pid) < 0)
				continue;
			if (count == DESCENDANTS_MAX)
				return count;
			insert(count++, (struct process){.pid = (pid_t)pid,
						.parent = parent_of(proc, record->name)});
		}
	}
	return count;
}

static const struct process *find(size_t count, pid_t pid)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table[middle].pid == pid)
			return &table[middle];
		if (table[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Pids may have been given anew while we read, so that parents could form a ring: no climb is
 * longer than there are processes. */
static bool is_below(size_t count, const struct process *process, pid_t ancestor)
{
	for (size_t steps = 0; process && steps < count; steps++) {
		if (process->parent == ancestor)
			return true;
		process = find(count, process->parent);
	}
	return false;
}

int descendants_signal(const char *proc_path, pid_t ancestor, int number)
{
	int proc = sys_open(proc_path, O_RDONLY | O_DIRECTORY, 0);
	pid_t self = sys_getpid();
	size_t count;
	int sent = 0;

	if (proc < 0)
		return 0;
	table = malloc(DESCENDANTS_MAX * sizeof(*table));
	count = table ? read_table(proc) : 0;
	fd_close(&proc);
	for (size_t i = 0; i < count; i++) {
		if (table[i].pid == self || !is_below(count, &table[i], ancestor))
			continue;
		sent += sys_kill(table[i].pid, number) == 0;
		/* A stopped process acts on it only when it goes on. */
		if (number != SIGKILL)
			(void)sys_kill(table[i].pid, SIGCONT);
	}
	free(table);
	table = NULL;
	return sent;
}
