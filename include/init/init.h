/*
 * init: PID 1's loop: performs supervise's actions. Parses nothing, allocates nothing once it
 * runs, never blocks, and nothing that a child, a peer or a file does ends it.
 */
#ifndef HUSK_INIT_INIT_H
#define HUSK_INIT_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sys.h"
#include "init/notify.h"
#include "init/supervise.h"
#include "plan/plan.h"
#include "probe/probe.h"
#include "proc/cgroup.h"
#include "proc/launch.h"

/* How a service says that it is ready. */
enum init_ready {
	INIT_READY_PROBE,
	INIT_READY_NOTIFY, /* sd_notify(3) */
	INIT_READY_FD,     /* a newline on spec.extra_as */
};

/* What is said of a service that tells when it is ready, or is asked how it is: room for it. */
struct init_words {
	char run[PROBE_REASON_MAX];  /* the last answer */
	char last[PROBE_REASON_MAX]; /* what stood there when it ended */
	char status[NOTIFY_STATUS_MAX + 1];
};

/*
 * One service, everything resolved. Init's until init_run returns: the loop allocates nothing, and
 * a thousand of them are to be small. `passive` is a program of the command line: signals pass to
 * it unchanged, and there is no stop sequence.
 */
struct init_service {
	struct launch_spec spec; /* new_group, foreground, new_session and terminal: init's own */
	/* The caller's part is filled. Those of all services stand in one array, in their order. */
	struct supervise_service *rules;
	struct init_words *words; /* NULL where neither rules->ready_timeout nor health_every is */
	int stop_signal;
	int reload_signal; /* 0: it is restarted, where `reloads` */
	bool reloads;      /* on HUP and `husk reload` */
	bool watches;      /* a change of the sources is a reload */
	enum plan_log log;
	enum init_ready ready;                   /* where rules->ready_timeout is not -1 */
	const struct probe_target *ready_target; /* INIT_READY_PROBE's */
	const char *notify; /* INIT_READY_NOTIFY: the socket's address, as in NOTIFY_SOCKET */
	const struct probe_target *health_target; /* where rules->health_every is not 0 */
	int64_t health_timeout;
};

/* What a reload is to do; its work is done in a child. */
struct init_reload_task {
	bool look;       /* look at the sources, and nothing more */
	bool if_changed; /* only where they have changed since `print` */
	uint64_t print;  /* of the sources as they were looked at last */
	int current;     /* the execblock that services are started with; 0: their specs */
	int block;       /* an empty file for another one; -1: none is to be had */
};

enum init_reload_outcome {
	INIT_RELOAD_REFUSED, /* nothing has changed */
	INIT_RELOAD_ACCEPTED,
	INIT_RELOAD_UNCHANGED, /* nothing was done: `look`, or `if_changed` and they have not */
};
enum { INIT_RELOAD_REASON_MAX = 512 };
/* What the child answers. */
struct init_reload_record {
	int outcome; /* enum init_reload_outcome */
	bool blind;  /* sources may change without an event: look now and then */
	uint64_t print;
	uint64_t block_size; /* 0: what services are started with is as it was */
	uint64_t files;      /* rendered */
	char reason[INIT_RELOAD_REASON_MAX];
};

/* How the configuration is applied anew while services run. */
struct init_reloader {
	void *arg;
	void (*work)(
		void *arg, const struct init_reload_task *task, struct init_reload_record *record);
	/* Where a service watches; as in the record, for the start. */
	int watch; /* an inotify descriptor, borrowed; -1: none is to be had, or needed */
	bool blind;
	uint64_t print;
};

enum init_job {
	INIT_JOB_STOP,      /* TSTP, TTIN, TTOU: STOP for the whole job, husk included */
	INIT_JOB_PASS,      /* are signals as others */
	INIT_JOB_PASS_STOP, /* are passed as others, and husk stops too */
};

enum init_trace_what {
	INIT_TRACE_DETACHED, /* own_session: number: why the terminal could not be given up, an
				errno, or 0; pid: husk's where it led the terminal's session */
	INIT_TRACE_SPAWNED,  /* pid */
	INIT_TRACE_RECEIVED, /* number: a signal; SIGCHLD too */
	INIT_TRACE_SKIPPED,  /* number: one that the terminal's giving up has brought */
	INIT_TRACE_PASSED,   /* number: as it was passed; pid */
	INIT_TRACE_REAPED,   /* pid, number: the wait status; not the program itself */
	INIT_TRACE_ENDED,    /* pid, number: the wait status; the program itself */
};
struct init_trace {
	enum init_trace_what what;
	pid_t pid;
	int number;
};

/*
 * How a plain init behaves: what tini, dumb-init, catatonit and `husk -- PROGRAM` do differently.
 * All zero: husk's own behaviour.
 */
struct init_policy {
	bool not_subreaper; /* else PR_SET_CHILD_SUBREAPER where not PID 1 */
	bool group_signals; /* signal the program's process group */
	bool own_session;   /* the program gets a session of its own, and the terminal of stdin */
	bool same_group;    /* the program stays in husk's process group */
	bool leave_rest;    /* end at once when the program ends; the kernel ends the rest */
	bool chdir_root;    /* leave the working directory once the program is started */
	bool reset_signals; /* the program starts with nothing blocked and nothing ignored */
	int end_signal;     /* 0, or sent to the program's group when the program has ended */
	int parent_death_signal; /* 0: none */
	enum init_job job;
	struct sys_sigset
		child_blocked;       /* blocked in the program, whatever husk was started with */
	struct sys_sigset untouched; /* not taken: they do to husk what they do by default */
	unsigned char signal_map[SYS_SIGNAL_MAX + 1]; /* 0: as it is; INIT_DROP; else the number */
	unsigned char status_map[32];                 /* bit n: exit status n becomes 0 */
	const char *notify; /* NULL, or the socket of who is told that all are up: NOTIFY_SOCKET */
	const struct init_reloader *reloader; /* NULL: HUP is a signal as others */
	void (*trace)(
		void *arg, const struct init_trace *trace); /* NULL, or told; must not block */
	void *trace_arg;
};
enum { INIT_DROP = 255 };

enum init_cause {
	INIT_NO_END,      /* it has not run yet */
	INIT_EXITED,      /* wait_status */
	INIT_SIGNALLED,   /* wait_status */
	INIT_NOT_STARTED, /* no process could be made: the err of init_run */
	INIT_EXEC_FAILED, /* failure */
	INIT_GIVEN_UP,    /* it did not end on KILL */
};

/* Why husk itself has ended a service, or did not start it again. */
enum init_fault {
	INIT_FAULT_NONE,
	INIT_FAULT_NOT_READY, /* detail: what its probe said last */
	INIT_FAULT_CLOSED,    /* it has closed the descriptor that it was to write to: detail */
	INIT_FAULT_UNHEALTHY, /* detail */
};

/* How a service, or all of it, ended. */
struct init_end {
	int status;                         /* the exit status, after policy's status_map */
	const struct init_service *service; /* NULL: there was none whose status counts */
	enum init_cause cause;
	pid_t pid;
	int wait_status;
	bool expected; /* it ended by a signal that husk had passed or sent to it */
	bool told;     /* on standard error, when it happened */
	bool limit;    /* it was not started again: restart.limit */
	enum init_fault fault;
	const char *detail;
	int stop_signal; /* what asked the container to stop; 0: nothing did, or a service's end */
	pid_t stop_pid;  /* who sent it; 0: from outside, or unknown */
	struct launch_failure failure;
	struct cgroup_oom_record oom;
};

/* The exit status that an end stands for; never 0 where something has failed. */
int init_end_status(const struct init_end *end);

/*
 * Starts the services and returns when they, and what they left, have ended; without any, when it
 * is asked to stop (TERM, INT). `signals` is what
 * launch_signals_take found: every signal is blocked by now and stays so.
 *
 * -1 and `err` where the loop could not be set up; nothing has been started then.
 */
int init_run(struct init_service *services, unsigned count, int64_t grace,
	const struct launch_signals *signals, const struct init_policy *policy,
	struct init_end *end, struct err *err);

/*
 * The reason of an end in words, for people and /dev/termination-log: "php-fpm: killed by SIGKILL
 * (out of memory: limit 512 MiB)". May read files. Returns true where something is wrong that is
 * husk's to report: the program could not be run, or a signal ended it that nobody passed to it.
 */
bool init_explain(const struct init_end *end, struct err *err);
/* "asked to stop by SIGTERM from process 7"; process 0 is not named. */
void init_explain_stop(int number, pid_t pid, char *out, size_t size);

#endif
