/*
 * reloader: a reload's work, done in a child of PID 1: the plan that husk was started with, the
 * environment composed anew, the templates rendered, checked and published, and what services are
 * to be started with next.
 */
#ifndef HUSK_CMD_RELOADER_H
#define HUSK_CMD_RELOADER_H

#include "cmd/load.h"
#include "init/init.h"

/* All borrowed until init_run returns. */
struct reloader {
	struct init_reloader hook;       /* for struct init_policy */
	struct config_snapshot snapshot; /* of what husk was started with */
	const struct launch_signals *signals;
	const struct init_service *services; /* in the plan's order */
	bool watches;                        /* one of them */
};

/* Before anything is rendered: where a service watches, what changes from here on is seen. The
 * texts of `load` were kept. */
void reloader_init(struct reloader *reloader, const struct load *load,
	const struct init_service *services, const struct launch_signals *signals);
/* What was borrowed is now in `arena`: `services` there already. -1 where memory has run out. */
int reloader_keep(
	struct reloader *reloader, struct arena *arena, const struct init_service *services);
void reloader_fini(struct reloader *reloader);

#endif
