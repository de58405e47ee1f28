#include <errno.h>
#include <fcntl.h>

#include "base/log.h"
#include "base/sys.h"
#include "cmd/cmd.h"

/*
 * A descriptor 0 to 2 that was closed is taken by something harmless, or the first file that husk
 * opens would become its standard error. It cannot be written to, so that a command whose output
 * is lost says so; being close-on-exec, it is closed again for the program.
 */
static void fill_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (sys_get_fd_flags(fd) != -1 || errno != EBADF)
			continue;
		if (sys_open("/dev/null", O_RDONLY, 0) == -1)
			(void)sys_open("/", O_PATH, 0);
	}
}

int main(int argc, char **argv)
{
	char name[] = "husk";
	char *nameless[] = {name, NULL};

	fill_standard_descriptors();
	log_init("husk");
	/* Before Linux 5.18 there can be no argv[0], and argv[1] is the environment. */
	if (argc == 0)
		argv = nameless;
	/* No stdio is used, nothing stands in its buffers. */
	sys_exit(cmd_dispatch(argc == 0 ? 1 : argc, argv));
}
