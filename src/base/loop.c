#include "base/loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>

#include "base/fd.h"
#include "base/sys.h"

enum { PAUSE_NS = 10000000 };

int loop_init(struct loop *loop, struct err *err)
{
	*loop = (struct loop){.epoll = sys_epoll_create()};
	if (loop->epoll == -1)
		return err_set_errno(err, ERR_INTERNAL, errno, "cannot make an epoll descriptor");
	return 0;
}

void loop_fini(struct loop *loop)
{
	fd_close(&loop->epoll);
}

static uint32_t to_epoll(unsigned events)
{
	return ((events & LOOP_READ) != 0 ? (uint32_t)EPOLLIN : 0) |
	       ((events & LOOP_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0);
}

int loop_add(struct loop *loop, struct loop_source *source, unsigned events)
{
	struct epoll_event event = {.data.ptr = source, .events = to_epoll(events)};

	if (sys_epoll_ctl(loop->epoll, EPOLL_CTL_ADD, source->fd, &event) == 0) {
		loop->watched++;
		if (source->alone != NULL)
			loop->lone = source;
		return 0;
	}
	if (errno != EPERM)
		return -1;
	for (struct loop_source *other = loop->steady; other != NULL; other = other->next_steady) {
		if (other == source) {
			errno = EEXIST;
			return -1;
		}
	}
	source->events = events;
	source->next_steady = loop->steady;
	loop->steady = source;
	return 0;
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
	struct loop_source **link = &loop->steady;
	int saved = errno;

	for (unsigned i = 0; i < loop->batch_len; i++) {
		if (loop->batch[i] == source)
			loop->batch[i] = NULL;
	}
	while (*link != NULL && *link != source)
		link = &(*link)->next_steady;
	if (*link != NULL)
		*link = source->next_steady;
	else if (sys_epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL) == 0)
		loop->watched--;
	if (loop->lone == source)
		loop->lone = NULL;
	errno = saved;
}

/* Rounded up: a deadline is never early. */
static int timeout_ms(int64_t deadline)
{
	int64_t now, left;

	if (deadline == INT64_MAX)
		return -1;
	now = sys_now();
	if (deadline <= now)
		return 0;
	left = deadline - now;
	left = left / 1000000 + (left % 1000000 != 0);
	return left > INT_MAX ? INT_MAX : (int)left;
}

static unsigned from_epoll(uint32_t bits)
{
	unsigned events = 0;

	if ((bits & EPOLLIN) != 0)
		events |= LOOP_READ;
	if ((bits & EPOLLOUT) != 0)
		events |= LOOP_WRITE;
	if ((bits & (EPOLLHUP | EPOLLERR)) != 0)
		events |= LOOP_HANGUP;
	return events;
}

static bool is_alone(const struct loop *loop)
{
	return loop->lone != NULL && loop->watched == 1 && loop->steady == NULL;
}

/*
 * The batch stands in the loop, where loop_remove finds what must not be called any more: what was
 * removed may be freed, or added again for something else.
 */
void loop_wait(struct loop *loop, int64_t deadline)
{
	struct epoll_event ready[LOOP_BATCH];
	int count;

	if (deadline == INT64_MAX && is_alone(loop)) {
		loop->lone->alone(loop->lone);
		return;
	}
	count = sys_epoll_wait(
		loop->epoll, ready, LOOP_BATCH, loop->steady != NULL ? 0 : timeout_ms(deadline));
	if (count < 0) {
		if (errno != EINTR)
			sys_sleep(PAUSE_NS);
		return;
	}
	loop->batch_len = 0;
	for (int i = 0; i < count; i++) {
		loop->batch[i] = ready[i].data.ptr;
		loop->batch_events[i] = from_epoll(ready[i].events);
		loop->batch_len++;
	}
	for (struct loop_source *source = loop->steady;
		source != NULL && loop->batch_len < 2 * LOOP_BATCH; source = source->next_steady) {
		loop->batch[loop->batch_len] = source;
		loop->batch_events[loop->batch_len] = source->events;
		loop->batch_len++;
	}
	for (unsigned i = 0; i < loop->batch_len; i++) {
		struct loop_source *source = loop->batch[i];

		if (source != NULL)
			source->ready(source, loop->batch_events[i]);
	}
	loop->batch_len = 0;
}

/* poll(2)'s bits are epoll's. */
_Static_assert(
	EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLHUP == POLLHUP && EPOLLERR == POLLERR,
	"as in the kernel");

int loop_await(int fd, unsigned events, int64_t deadline)
{
	int result;

	do
		result = sys_poll(fd, (short)to_epoll(events), timeout_ms(deadline));
	while (result < 0 && errno == EINTR);
	if (result <= 0)
		return result;
	/* Anything else is told by what the descriptor is asked next. */
	return (int)(from_epoll((uint32_t)result) | ((result & POLLNVAL) != 0 ? LOOP_HANGUP : 0));
}
