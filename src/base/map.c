#include "base/map.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* MADV_POPULATE_READ of Linux 5.14; where it is missing, pages come as they are touched. */
enum { POPULATE = 22 };

/* A handler has no argument of its own: the one map that is open. */
static struct {
	char *volatile start;
	volatile size_t size;
	volatile size_t page;
	volatile sig_atomic_t cut;  /* the file is shorter than it was */
	volatile sig_atomic_t sent; /* somebody sent the signal */
} current;

static const struct sys_sigset bus = {.bits = UINT64_C(1) << (SIGBUS - 1)};

/* From the first byte that is missing on, nothing of the file is left: zeros to the end. */
static void on_bus(int signal, siginfo_t *info, void *context)
{
	int saved = errno;
	size_t offset = (uintptr_t)info->si_addr - (uintptr_t)current.start;

	(void)context;
	if (info->si_code <= 0) {
		current.sent = 1;
	} else if (offset >= current.size) {
		/* Not the map's: the same instruction now ends the process. */
		(void)sys_sigaction_default(signal);
	} else {
		offset -= offset % current.page;
		current.cut = 1;
		if (sys_map_zeros(current.start + offset, current.size - offset) < 0)
			(void)sys_sigaction_default(signal);
	}
	errno = saved;
}

int map_open(struct map *map, int fd, size_t size)
{
	int ignored = sys_is_ignored(SIGBUS);
	int saved;

	map->size = size;
	map->ignored = ignored == 1;
	map->data = sys_map_file(fd, size);
	if (map->data == NULL)
		return -1;
	current.start = map->data;
	current.size = size;
	current.page = (size_t)getauxval(AT_PAGESZ);
	current.cut = current.sent = 0;
	/* A fault whose signal is blocked ends the process, handler or not. */
	if (ignored < 0 || sys_sigaction_catch(SIGBUS, on_bus) < 0 ||
		sys_sigmask(SIG_UNBLOCK, &bus, &map->mask) < 0) {
		saved = errno;
		(void)(map->ignored ? sys_sigaction_ignore(SIGBUS) : sys_sigaction_default(SIGBUS));
		(void)sys_unmap(map->data, size);
		errno = saved;
		return -1;
	}
	(void)sys_madvise(map->data, size, POPULATE);
	return 0;
}

int map_close(struct map *map)
{
	(void)sys_sigmask(SIG_SETMASK, &map->mask, NULL);
	(void)(map->ignored ? sys_sigaction_ignore(SIGBUS) : sys_sigaction_default(SIGBUS));
	(void)sys_unmap(map->data, map->size);
	/* It goes where it would have gone: to the program that husk starts, or to husk itself. */
	if (current.sent)
		(void)sys_kill(sys_getpid(), SIGBUS);
	return current.cut ? -1 : 0;
}
