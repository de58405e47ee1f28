#include "proc/processes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/str.h"
#include "base/sys.h"

/* getdents64(2)'s record. */
struct record {
	uint64_t inode;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

/* The numbers of PID/stat that follow the state; the first of them is the fourth field. */
enum {
	PARENT,
	GROUP,
	SESSION,
	FLAGS = 5,
	USER_TIME = 10,
	CHILD_SYSTEM_TIME = 13,
	RESIDENT = 20,
	FIELDS
};

/* PF_EXITING of the kernel's sched.h. */
enum { FLAG_EXITING = 4 };

/* After the last ')', since a process may name itself "a) S 1". What is not there reads as 0. */
static void parse(const char *text, struct process *process)
{
	const char *name_end = strrchr(text, ')');
	/* ") S 123 ..." */
	struct str rest = str_sub(str_from(name_end), 4, SIZE_MAX);
	int64_t fields[FIELDS] = {0};

	for (size_t i = 0; i < FIELDS && rest.len > 0; i++) {
		size_t len = strcspn(rest.data, " \n");

		(void)str_to_int64(str_sub(rest, 0, len), &fields[i]);
		rest = str_sub(rest, len + 1, rest.len);
	}
	process->state = str_sub(str_from(name_end), 2, 1).len > 0 ? name_end[2] : '?';
	process->exiting = (fields[FLAGS] & FLAG_EXITING) != 0;
	process->parent = (pid_t)fields[PARENT];
	process->group = (pid_t)fields[GROUP];
	process->session = (pid_t)fields[SESSION];
	for (size_t i = USER_TIME; i <= CHILD_SYSTEM_TIME; i++)
		process->ticks += (uint64_t)fields[i];
	process->pages = (uint64_t)fields[RESIDENT];
}

/* One that has gone meanwhile has no parent. */
static struct process read_process(int proc, const char *name, int64_t pid)
{
	struct process process = {.pid = (pid_t)pid, .parent = -1, .group = -1, .session = -1};
	char path[64], text[512];
	ssize_t size;
	int fd;

	(void)format_text(path, sizeof(path), "%.16s/stat", name);
	fd = sys_openat(proc, path, O_RDONLY, 0);
	if (fd < 0)
		return process;
	size = sys_read(fd, text, sizeof(text) - 1);
	fd_close(&fd);
	if (size > 0) {
		text[size] = '\0';
		parse(text, &process);
	}
	return process;
}

/* Kept in ascending order, in which /proc lists them. */
static void insert(struct processes *processes, struct process process)
{
	struct process *items = processes->items;
	size_t at = processes->count++;

	for (; at > 0 && items[at - 1].pid > process.pid; at--)
		items[at] = items[at - 1];
	items[at] = process;
}

static void read_all(struct processes *processes, int proc)
{
	_Alignas(struct record) char buffer[4096];
	ssize_t size;

	while ((size = sys_getdents(proc, buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < size;) {
			const struct record *record = (const void *)(buffer + at);
			int64_t pid;

			at += record->length;
			if (str_to_int64(str_from(record->name), &pid) < 0)
				continue;
			if (processes->count == PROCESSES_MAX)
				return;
			insert(processes, read_process(proc, record->name, pid));
		}
	}
}

bool process_read(const char *proc_path, pid_t pid, struct process *process)
{
	int proc = sys_open(proc_path, O_RDONLY | O_DIRECTORY, 0);
	char name[16];

	(void)format_text(name, sizeof(name), "%d", (int)pid);
	*process = read_process(proc, name, pid);
	fd_close(&proc);
	return process->parent >= 0;
}

void processes_init(struct processes *processes, const char *proc_path)
{
	int proc = sys_open(proc_path, O_RDONLY | O_DIRECTORY, 0);

	*processes = (struct processes){0};
	if (proc < 0)
		return;
	processes->items = calloc(PROCESSES_MAX, sizeof(*processes->items));
	if (processes->items)
		read_all(processes, proc);
	fd_close(&proc);
}

void processes_fini(struct processes *processes)
{
	free(processes->items);
	*processes = (struct processes){0};
}

const struct process *processes_find(const struct processes *processes, pid_t pid)
{
	size_t low = 0, high = processes->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (processes->items[middle].pid == pid)
			return &processes->items[middle];
		if (processes->items[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
