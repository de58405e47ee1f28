/*
 * load: what every command but `version` begins with: the configuration and the environment.
 */
#ifndef HUSK_CMD_LOAD_H
#define HUSK_CMD_LOAD_H

#include "plan/config.h"
#include "plan/env.h"

struct load {
	struct arena *arena; /* everything's */
	struct plan plan;
	struct env *env;
};

/*
 * Reads the configuration (`option`: -c, or NULL), or makes an empty plan where there is none, and
 * composes the environment. -1 where `errors` has any entry; load_fini is due either way.
 */
int load_init(struct load *load, const char *option, struct err_list *errors);
/* The same without any configuration. */
int load_bare(struct load *load, struct err_list *errors);
void load_fini(struct load *load);

#endif
