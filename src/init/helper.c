#include "init/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/engine.h"

void helper_init(struct helper *helper)
{
	*helper = (struct helper){.source = {.fd = -1}};
}

/* The record comes by one write, well below PIPE_BUF: there whole, or the child has failed. */
static void on_answer(struct loop_source *source, unsigned events)
{
	struct helper *helper = source->arg;
	_Alignas(max_align_t) char record[HELPER_RECORD_MAX];
	ssize_t size = sys_read(source->fd, record, helper->size);

	if (events != 0 && size < 0 && errno == EAGAIN)
		return;
	loop_remove(&helper->init->loop, source);
	fd_close(&source->fd);
	helper->pid = 0;
	helper->answered(helper, size == (ssize_t)helper->size ? record : NULL);
}

static void work_and_exit(struct helper *helper, int fd,
	void (*work)(struct helper *helper, void *record)) __attribute__((noreturn));
static void work_and_exit(
	struct helper *helper, int fd, void (*work)(struct helper *helper, void *record))
{
	_Alignas(max_align_t) char record[HELPER_RECORD_MAX] = {0};

	work(helper, record);
	(void)sys_write(fd, record, helper->size);
	sys_exit(0);
}

/* A full table of processes is full for a while: it is said once. */
static int fail(struct init *init, const char *what)
{
	if (!init->starved)
		log_warn_errno("%s", what);
	init->starved = true;
	return -1;
}

int helper_start(struct init *init, struct helper *helper, size_t size,
	void (*work)(struct helper *helper, void *record),
	void (*answered)(struct helper *helper, const void *record))
{
	int fds[2];
	pid_t pid;

	helper->init = init;
	helper->size = size;
	helper->answered = answered;
	/* A process of our user could hold the other end open, through /proc/PID/fd. */
	if (sys_pipe(fds, O_NONBLOCK) < 0)
		return fail(init, "cannot make a helper's pipe");
	pid = sys_fork();
	if (pid == 0)
		work_and_exit(helper, fds[1], work);
	if (pid < 0)
		(void)fail(init, "cannot fork a helper");
	else
		init->childless = false;
	fd_close(&fds[1]);
	helper->source = (struct loop_source){.fd = fds[0], .arg = helper, .ready = on_answer};
	if (pid < 0 || loop_add(&init->loop, &helper->source, LOOP_READ) < 0) {
		fd_close(&helper->source.fd);
		return -1;
	}
	helper->pid = pid;
	init->starved = false;
	return 0;
}

void helper_cancel(struct helper *helper)
{
	if (helper->source.fd < 0)
		return;
	/* Its pid is its own until it is reaped, and note_reaped has taken it away then. */
	if (helper->pid > 0)
		(void)sys_kill(helper->pid, SIGKILL);
	helper->pid = 0;
	loop_remove(&helper->init->loop, &helper->source);
	fd_close(&helper->source.fd);
}
