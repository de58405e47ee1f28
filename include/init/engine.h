/*
 * engine: what init's own files share: init.c (the loop), init_act.c (supervise's actions) and
 * init_signal.c (signals, the job, the terminal), init_ready.c (readiness and health),
 * init_notify.c (what services say of themselves),
 * init_end.c (what ends are, and are told as), init_reload.c (what is applied anew) and
 * init_control.c (what is asked of it by `husk status` and the like). Not for other modules.
 */
#ifndef HUSK_INIT_ENGINE_H
#define HUSK_INIT_ENGINE_H

#include "base/loop.h"
#include "init/control.h"
#include "init/helper.h"
#include "init/init.h"
#include "init/init_log.h"
#include "init/supervise.h"

/* What is still to be told of an end: the line waits for the look at the memory cgroup. */
struct init_sequel {
	bool due;
	bool again;    /* it is started again ... */
	int64_t pause; /* ... after so long */
};

/* What is known of the end of what runs. */
struct run {
	enum init_cause cause;
	enum init_fault fault;
	pid_t pid;
	int wait_status;
	struct launch_failure failure;
};

/* A service and what runs of it. */
struct instance {
	struct init *init;
	const struct init_service *service;
	struct launch_spec *spec; /* the service's */
	pid_t pid;                /* 0: nothing runs */
	pid_t group;              /* the process group that is signalled with it */
	struct loop_source exec;  /* the exec-error pipe; fd -1: closed */
	struct helper check;      /* waits until it is ready, then looks at its health */
	int newline;              /* `ready: fd:N`: the reading end of its pipe; -1: closed */
	struct notice *notice;    /* `ready: notify`, see init_notify.c; else NULL */
	uint64_t sent;            /* signals passed or sent to it, a bit each */
	bool not_started;         /* supervise is to be told */
	bool reaped;              /* the same */
	bool hung;                /* its last probe has not come back: the same */
	bool unasked;             /* no child could be made that looks whether it is ready */
	bool unprobed;            /* nor one that looks whether it is healthy */
	bool reload_asked;        /* to be told when the next reload is accepted */
	bool reload_now;          /* when the one that is being made is */
	struct run run;
	struct init_end end; /* the last one */
	struct init_sequel sequel;
	uint32_t starts;
	int64_t ended_at;
	struct ucred stopper; /* who has had it stopped by a command; pid 0: nobody */
};

/* What has become of the reloads so far. */
struct init_reloads {
	bool busy;
	uint32_t accepted;
	uint32_t refused;
	int64_t at;          /* the last one's end */
	const char *refusal; /* of the last one; NULL or "": accepted */
};

/* The one that is being made, and the next. */
struct init_reload {
	struct helper helper;
	struct init_reload_task task; /* its */
	struct loop_source watch;     /* fd -1: nobody tells of changes */
	bool asked;                   /* by HUP or a command */
	bool changed;                 /* the sources may have */
	bool look;                    /* it is time to look whether they have */
	bool owed; /* they have, and who watches has not been told: it was refused */
	bool blind;
	bool late;           /* its time was over, and it has been asked to end */
	int64_t quiet_at;    /* when it has been quiet for long enough behind a change ... */
	int64_t quiet_until; /* ... or never is */
	int64_t look_at;
	int64_t again_at; /* when to try again to make a child */
	int64_t limit_at;
	uint64_t print;
	int block; /* what services are started with; 0: their specs */
	char reason[INIT_RELOAD_REASON_MAX];
};

struct init {
	const struct init_policy *policy;
	struct launch_signals signals; /* the children's */
	struct loop loop;
	struct sys_sigset taken; /* the signals that husk takes */
	struct loop_source signal_source;
	struct supervise sup;
	struct instance *instances;
	struct supervise_service *services;
	struct supervise_action *actions;
	/* For one service, as most are, the heap is not needed. */
	struct instance one_instance;
	struct supervise_action one_actions[SUPERVISE_ACTS_SERVICE + SUPERVISE_ACTS_CONTAINER];
	int64_t poll_at;      /* when to look again at what is left */
	int64_t settle_at;    /* when the program is well on its way */
	int64_t ask_at;       /* when init_ask_again is due */
	int64_t reload_at;    /* when init_reload_tick is due */
	uint64_t ignore_once; /* signals that husk has brought on itself */
	pid_t self;
	pid_t own_group;
	int terminal;     /* the controlling one; -1: none */
	bool foreground;  /* it was husk's group's at the start, and is handed on */
	bool is_init;     /* PID 1 of a PID namespace */
	bool childless;   /* the last wait said so */
	bool more_dead;   /* the last round of waits reached its limit */
	bool rest_dead;   /* others may be dead besides the one that was waited for */
	bool reaped;      /* an instance has been */
	bool flagged;     /* an instance has something that supervise is to be told */
	bool swept;       /* what is left has been signalled: look whether anything is */
	pid_t sweeper;    /* the child that signals what is left; 0: none */
	int64_t watch_at; /* when a child is to look at the memory cgroup */
	pid_t dead;       /* what SIGCHLD has named; 0: nothing */
	int stop_signal;  /* what asked the container to stop; 0: nothing yet */
	pid_t stop_pid;
	struct helper oom_before; /* notes the count of kills for memory */
	struct helper oom_after;  /* looks whether there was one more; arg: the instance */
	bool oom_due;             /* it is to be started */
	struct cgroup_oom oom;
	int64_t started_at;
	struct control_host control_host;
	struct control *control; /* NULL: none is to be had, or none is needed */
	struct init_reload reload;
	struct init_reloads reloads;
	struct notice *notices;
	int manager;    /* a socket to who has started husk and listens; -1: nobody */
	bool announced; /* READY=1 has been sent to it */
	bool starved;   /* no helper could be made, which has been said */
	struct init_log log;
	struct err err; /* why a process could not be made */
};

enum {
	INIT_REST_DELAY = 5000000,      /* ns at most for the exec of what is started again */
	INIT_SWEEP_POLL = 50000000,     /* ns between two looks at what is left */
	INIT_WATCH_DELAY = 10000000,    /* ns from the exec to init_watch_oom */
	INIT_SETTLE_DELAY = 100000000,  /* ns from the start to init_settle */
	INIT_SETTLE_AGAIN = 1000000000, /* and from the answer to a command */
	INIT_ASK_AGAIN = 100000000,     /* ns between two tries to make a child */
};

void init_trace(const struct init *init, enum init_trace_what what, pid_t pid, int number);
/* The service whose main process it is, or NULL. */
struct instance *init_find(struct init *init, pid_t pid);
/* The service's index in every table. */
unsigned init_index(const struct instance *instance);
/* It has ended, its main process and any that went on for it. */
void init_end_instance(struct instance *instance);
/* Tells supervise and does what it lists. */
void init_tell(struct instance *instance, enum supervise_event event);
void init_tell_health(struct instance *instance, bool healthy);

/* Gives back the memory that only the start, or an answer, has needed. */
void init_settle(struct init *init);

/* Does what supervise listed. */
void init_perform(struct init *init);
/* So that init_watch_oom is called, where the answer is wanted. */
void init_watch_later(struct init *init);
/* Has a child note how often the kernel has killed for want of memory so far. */
void init_watch_oom(struct init *init);
/* `number` to whatever is left. */
void init_sweep(struct init *init, int number);

/* Looks for its readiness until init_end_checks; ACT_AWAIT. */
void init_await(struct instance *instance);
/* One look at its health; ACT_PROBE. */
void init_probe(struct instance *instance);
/* Where no look could be begun it is tried again, at this time; and what notices wait for. */
void init_ask_at(struct init *init, int64_t at);
void init_ask_again(struct init *init);
/* Before a launch: the pipe of `ready: fd:N`, in the spec; -1: there is none to be had. */
int init_open_newline(struct instance *instance);
/* After it: the other end is the service's alone. */
void init_give_newline(struct instance *instance);
/* It was not ready in time, or will not be: ACT_UNREADY. */
void init_note_unready(struct instance *instance);
/* It has ended, or is ready: no look goes on. */
void init_end_checks(struct instance *instance);

/* Listens for changes; before the loop runs. */
void init_reload_begin(struct init *init);
/* Begins a reload, or has one follow that which is being made. `instance` is told when it is
 * accepted; NULL: all those that are to be. */
void init_reload_ask(struct init *init, struct instance *instance);
void init_reload_tick(struct init *init);
/* The container is being stopped: no more of it. */
void init_reload_stop(struct init *init);
void init_reload_end(struct init *init);
/* Who has started husk, where NOTIFY_SOCKET says so. */
void init_manager_open(struct init *init);
/* Where there is a manager, in each round of the loop: once all services are up, and once they are
 * to stop. */
void init_manager_tell(struct init *init);

/* The sockets. -1: one could not be made. */
int init_notify_open(struct init *init, struct err *err);
void init_notify_close(struct init *init);
/* The service runs: what it says is read from now on. */
void init_notify_begin(struct instance *instance);
/* Its main process has been reaped: true where that is not its end, or not known to be yet, and
 * init_end_instance follows. */
bool init_notify_outlives(struct instance *instance);
/* It has ended. */
void init_notify_end(struct instance *instance);
/* What is due. */
void init_notify_tick(struct instance *instance, int64_t now);
/* A child has been reaped that may be the one that reads. */
void init_notify_forget(struct instance *instance, pid_t pid);
/* Why it is not ready, as far as is known. */
void init_notify_excuse(const struct instance *instance, char *out, size_t size);

/* Has a child look whether the kernel has killed for want of memory, where that is due. */
void init_ask_oom(struct init *init);
/* It has been reaped: what its end is. */
void init_note_end(struct instance *instance);
/* It has ended well, and was to be ready first: that is a failure, whatever its status says. */
void init_note_early_end(struct instance *instance);
/* Says how it ended, once all is known about it and where that is not husk's caller's. */
void init_tell_end(struct instance *instance);
/* What init_run returns. */
void init_finish(struct init *init, struct init_end *end, struct err *err);

/* Listens for commands, where husk is PID 1 and looks after services. */
void init_open_control(struct init *init);

/* The whole job; the process alone where it has no group of its own (gVisor, or not yet). */
void init_signal_job(struct instance *instance, int number);
/* One signal that husk has got, SIGCHLD apart: true where it asks the container to stop. `kernel`:
 * nobody has sent it. */
bool init_take_signal(struct init *init, int number, bool kernel);
/* The program was stopped by `number`. */
void init_job_stopped(struct init *init, struct instance *instance, int number);
/* The foreground is husk's own group again. */
void init_terminal_back(const struct init *init);

#endif
