/*
 * control: the control socket's server in PID 1: who may command, what is asked, what is answered.
 *
 * Fixed tables, no allocation once it is made, no call that waits. A client that sends garbage is
 * closed; one that does not read its answers keeps them in its own socket's buffer, and its place
 * here for CONTROL_PATIENCE or until another needs it. What the answers are the host knows.
 */
#ifndef HUSK_INIT_CONTROL_H
#define HUSK_INIT_CONTROL_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/loop.h"
#include "init/ctlproto.h"

enum {
	CONTROL_CLIENTS = 32,
	CONTROL_BACKLOG = 64,
	CONTROL_ACCEPTS = 16, /* at one time, so that others have their turn; records too */
};
#define CONTROL_PATIENCE INT64_C(10000000000) /* ns */
/* Until connections are accepted again where the system refused one (EMFILE). */
#define CONTROL_PAUSE    INT64_C(1000000000)
#define CONTROL_ALL      UINT32_MAX

/* What the services are, and what becomes of a command. Nothing in here may wait. */
struct control_host {
	void *arg;
	unsigned count;
	const char *(*name)(void *arg, unsigned index);
	/* Fills in the whole but for the head, which is there, and the rest zero. */
	void (*describe)(void *arg, unsigned index, struct ctl_service *service);
	void (*describe_all)(void *arg, struct ctl_end *end);
	/* Begins it; `index` is a service's, or CONTROL_ALL. Never CTL_STATUS. */
	enum ctl_result (*command)(void *arg, const struct ctl_request *request, unsigned index,
		const struct ucred *peer);
};

struct control;

/* NULL where memory has run out. Both borrowed. */
struct control *control_new(const struct control_host *host, struct loop *loop);
/* Accepts NULL. The socket in the file system stays: the next husk takes its place. */
void control_free(struct control *control);

/* Makes the socket, and says in the log where there is none, or not where it should be. */
void control_open(struct control *control);
/* One that is bound, non-blocking; the control's from then on. -1 with errno, and it is closed. */
int control_listen(struct control *control, int fd);

/* When control_tick is due; INT64_MAX: never. */
int64_t control_next(const struct control *control);
void control_tick(struct control *control, int64_t now);

#endif
