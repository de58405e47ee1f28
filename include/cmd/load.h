/*
 * load: what every command but `version` begins with: the configuration and the environment.
 */
#ifndef HUSK_CMD_LOAD_H
#define HUSK_CMD_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "plan/config.h"
#include "plan/env.h"

/* The environment of a container without a configuration fits in. */
struct load_room {
	_Alignas(max_align_t) char bytes[8192];
};

struct load {
	struct arena *arena; /* everything's */
	struct plan plan;
	struct env *env;
	char **whole;     /* the environment of services that get all of it; NULL: not made yet */
	char *listen_pid; /* within it, see launch_spec */
	/* NULL, or where the arena begins: `husk -- PROGRAM` needs no malloc then. The caller's. */
	struct load_room *room;
	bool keep; /* set by the caller: the texts are kept, for load_again */
	struct config_snapshot snapshot;
	pid_t self; /* husk's own process, which LISTEN_PID may name; 0: this one */
};

/*
 * Reads the configuration (`option`: -c, or NULL), or makes an empty plan where there is none, and
 * composes the environment. -1 where `errors` has any entry; load_fini is due either way.
 */
int load_init(struct load *load, const char *option, struct err_list *errors);
/* The same configuration once more, and the environment composed anew; `self` is set before, all
 * else but `room` zero. -1 and load_fini as above; `env` may then be there and have errors. */
int load_again(struct load *load, const struct config_snapshot *snapshot, struct err_list *errors);
/* The same without any configuration. */
int load_bare(struct load *load, struct err_list *errors);
/* 0, or -1 and an ERR_USAGE added where there is no configuration to `verb`: silence would pass for
 * success. */
int load_require(const struct load *load, const char *verb, struct err_list *errors);
void load_fini(struct load *load);

#endif
