/*
 * ctlproto: the records that PID 1 and those who command it exchange.
 *
 * A socket of the kind SOCK_SEQPACKET; a packet is one record of exactly its size, and anything
 * else ends the connection. A request is answered by a record for each service that it is about, as
 * it is once the request has been dealt with, and by one end; where it is refused, by the end
 * alone. Both sides are the same program on the same machine: numbers are as the machine has them,
 * and `magic` changes whenever a record does.
 *
 * The socket is `@husk/INODE` in the abstract namespace, where INODE is the PID namespace's (that
 * of /proc/self/ns/pid): nothing has to be writable, and two containers in one network namespace
 * do not meet. Where somebody else has taken that name it is CTL_PATH.
 */
#ifndef HUSK_INIT_CTLPROTO_H
#define HUSK_INIT_CTLPROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CTL_MAGIC  UINT32_C(0x68736b01)
#define CTL_FOLDER "/run/husk" /* 0700, and husk's own */
#define CTL_PATH   CTL_FOLDER "/control"

enum {
	CTL_NAME_SIZE = 72,    /* a service's name and its NUL (CONFIG_SERVICE_NAME_MAX) */
	CTL_STATUS_SIZE = 104, /* what it says of itself (sd_notify(3): STATUS=) */
	CTL_REASON_SIZE = 176,
	CTL_REFUSAL_SIZE = 520,
};

#define CTL_COMMANDS(X) \
	X(STATUS) \
	X(START) \
	X(STOP) \
	X(RESTART) \
	X(RELOAD) \
	X(SIGNAL)
enum ctl_command {
#define X(id) CTL_##id,
	CTL_COMMANDS(X)
#undef X
		CTL_COMMAND_COUNT
};

struct ctl_request {
	uint32_t magic;
	uint8_t command; /* enum ctl_command */
	uint8_t signal;  /* 1 to 64, of CTL_SIGNAL; else 0 */
	uint8_t spare[2];
	char service[CTL_NAME_SIZE]; /* NULs behind it; "": all */
};

enum ctl_kind { CTL_KIND_SERVICE = 1, CTL_KIND_END };
struct ctl_head {
	uint32_t magic;
	uint32_t kind; /* enum ctl_kind */
};

enum {
	CTL_READY = 1,    /* what comes after it may start */
	CTL_DECLARED = 2, /* it is as husk.yaml declares it */
	CTL_RESTING = 4,  /* nothing of it runs, and nothing will unless it is asked for */
	CTL_OOM = 8,      /* its last end: killed for want of memory */
};

enum ctl_cause {
	CTL_NOT_ENDED, /* never yet */
	CTL_EXITED,
	CTL_SIGNALLED,
	CTL_NOT_STARTED, /* no process could be made */
	CTL_NOT_RUN,     /* the program could not be executed: `number` is the errno */
	CTL_GIVEN_UP,    /* KILL did not end it */
	CTL_CAUSE_COUNT
};

/* Times are nanoseconds; of those that have not come, and are not to come, -1. */
struct ctl_service {
	struct ctl_head head;
	char name[CTL_NAME_SIZE];
	uint32_t flags;
	uint8_t state; /* enum supervise_state */
	uint8_t cause; /* enum ctl_cause: how it ended the last time */
	uint8_t spare[2];
	int32_t pid;    /* 0: nothing runs */
	int32_t number; /* of the last end: exit status, signal or errno */
	uint32_t starts;
	uint32_t restarts; /* of its own accord */
	uint32_t sick;     /* unhealthy answers in a row */
	uint32_t spare2;
	int64_t since;  /* how long it has been in its state */
	int64_t uptime; /* since its process was started */
	int64_t ended;  /* since its last end */
	int64_t due;    /* until what it waits for comes by itself */
	uint64_t limit; /* CTL_OOM: bytes; 0: not known */
	char status[CTL_STATUS_SIZE];
	char reason[CTL_REASON_SIZE]; /* why it is as it is, or how it ended last; or "" */
};

#define CTL_RESULTS(X) \
	X(OK, "") \
	X(UNKNOWN, "there is no such service") \
	X(STOPPING, "the container is being stopped") \
	X(NOT_RUNNING, "nothing of it runs") \
	X(NO_RELOAD, "it has no `reload` in husk.yaml") \
	X(NOT_ALLOWED, "the system does not allow it")
enum ctl_result {
#define X(id, text) CTL_RESULT_##id,
	CTL_RESULTS(X)
#undef X
		CTL_RESULT_COUNT
};

/* The end of an answer; what is true of the whole container. */
struct ctl_end {
	struct ctl_head head;
	uint8_t result; /* enum ctl_result */
	uint8_t phase;  /* enum supervise_phase */
	uint8_t reloading;
	uint8_t spare;
	uint32_t services;
	uint32_t reloads; /* accepted ones */
	uint32_t refusals;
	int64_t reloaded;               /* since the last reload, accepted or not */
	int64_t uptime;                 /* husk's own */
	char refusal[CTL_REFUSAL_SIZE]; /* of the last one: why; "": accepted */
};

union ctl_reply {
	struct ctl_head head;
	struct ctl_service service;
	struct ctl_end end;
};

struct ctl_address {
	struct sockaddr_un address;
	size_t size;
};

/* The abstract name; -1 with errno where the namespace is not to be told (no /proc). */
int ctl_address_own(struct ctl_address *address);
/* A path of the file system; cut where it is too long. */
void ctl_address_path(struct ctl_address *address, const char *path);

/* Whether the packet is a request, which is then in `request`. */
bool ctl_take_request(const void *data, size_t size, struct ctl_request *request);
/* Whether it is a reply: `head.kind` says which. */
bool ctl_take_reply(const void *data, size_t size, union ctl_reply *reply);
const char *ctl_result_text(enum ctl_result result);
/* `text`, cut to `size` with its NUL, and NULs behind it. */
void ctl_copy(char *out, size_t size, const char *text);

#endif
