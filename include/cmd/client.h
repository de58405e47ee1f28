/*
 * client: the other end of the control socket: asks husk at PID 1, and waits for its answer.
 */
#ifndef HUSK_CMD_CLIENT_H
#define HUSK_CMD_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "init/ctlproto.h"

struct client {
	int fd; /* -1: not connected */
};

/* What husk says of all services, or of one. */
struct client_status {
	struct ctl_service *services; /* owned */
	size_t count;
	size_t room;
	struct ctl_end end;
};

/*
 * Finds husk: at the abstract name, else at the path; only a server that is PID 1 is one.
 * ERR_FAILED where there is none, or where this process's user may not command it.
 */
int client_connect(struct client *client, struct err *err);
void client_close(struct client *client);

/* One request. Appends what it is about, as it then is, to `status`; what became of it is in
 * status->end.result. ERR_FAILED where husk does not answer, or another version does. `service`
 * NULL: all. */
int client_command(struct client *client, enum ctl_command command, int signal, const char *service,
	struct client_status *status, struct err *err);
/* Replaces what is in `status`, which begins zeroed; connects again where husk has dropped us in
 * favour of others. */
int client_status(
	struct client *client, const char *service, struct client_status *status, struct err *err);
void client_status_fini(struct client_status *status);

/* The index in `status`; -1, ERR_USAGE: with a suggestion. */
int client_find(
	const struct client_status *status, const char *name, size_t *index, struct err *err);

/* What a terminal would act on becomes a question mark. */
void client_append_printable(const char *text, struct buf *out);

#endif
