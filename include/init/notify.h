/*
 * notify: what a service says of itself by sd_notify(3): datagrams of lines KEY=VALUE.
 *
 * READY=1, RELOADING=1, STOPPING=1, STATUS= and MAINPID= are understood; other lines, and those
 * that make no sense, are ignored. Nothing of it is trusted but the sender's pid, which the kernel
 * tells. A BARRIER=1 (sd_notify_barrier(3)) is kept by reading it, for its descriptor is closed
 * then.
 */
#ifndef HUSK_INIT_NOTIFY_H
#define HUSK_INIT_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/str.h"

enum {
	NOTIFY_MESSAGE_MAX = 4096,
	NOTIFY_STATUS_MAX = 96,
	NOTIFY_MESSAGES_MAX = 64, /* read at one time */
};

/* What came of several messages; a later one counts for more. */
struct notify_record {
	bool ready; /* any of them said so */
	bool reloading;
	bool stopping;
	bool foreign; /* some came from processes that are not the service's */
	bool status_given;
	char status[NOTIFY_STATUS_MAX + 1]; /* whole characters, controls and what is no UTF-8
					       escaped; may be empty */
	pid_t main_pid;                     /* 0: not told */
};

/* Adds what one message says. */
void notify_parse(struct str message, struct notify_record *record);

/* Whose messages count. */
struct notify_source {
	pid_t main;  /* the service's main process, which may have ended */
	pid_t group; /* its process group */
	pid_t husk;
};

/*
 * Reads what is there, NOTIFY_MESSAGES_MAX messages at most, without waiting. Of the main process,
 * its descendants, its process group and its session only; a MAINPID only where it is one of its
 * descendants, or a child of husk's in its group. Reads files: for a short-lived child.
 */
void notify_read(int fd, const struct notify_source *source, struct notify_record *record);

/* The address that NOTIFY_SOCKET's value stands for: a path, or @NAME of the abstract namespace.
 * False where it is neither, or too long. */
bool notify_address(const char *text, struct sockaddr_un *address, size_t *size);

#endif
