#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/mman.h>

#include "base/sys.h"

/* Linux 6.3; where vm.memfd_noexec is set, a file without it is refused. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static const int all_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

int sys_inotify_init(void)
{
	return inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

int sys_inotify_add(int fd, const char *path, uint32_t mask)
{
	return inotify_add_watch(fd, path, mask);
}

int sys_memfd(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

int sys_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, all_seals);
}

int sys_is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals < 0 ? -1 : (seals & all_seals) == all_seals;
}
