/*
 * config: husk.yaml to struct plan. One schema table gives the parser, the suggestions and the
 * manual's table.
 */
#ifndef HUSK_PLAN_CONFIG_H
#define HUSK_PLAN_CONFIG_H

#include "base/buf.h"
#include "plan/plan.h"

/* The file to read: `option` (-c), else `environment` ($HUSK_CONFIG), else /etc/husk.yaml if it
 * exists, else NULL. */
const char *config_find(const char *option, const char *environment);

/*
 * Reads `path` and what it includes into `plan`, everything in `arena`. -1 where `errors` has any
 * entry: every error of every file is collected, with its place.
 */
int config_load(struct arena *arena, const char *path, struct plan *plan, struct err_list *errors);
/* A plan without configuration. */
void config_empty(struct arena *arena, struct plan *plan);
/* The command line's PROGRAM as the plan's one service, instead of those configured. */
int config_program(struct plan *plan, char *const argv[], struct err *err);

/* The schema as rows of the manual: key path, type, default, meaning; tab-separated. */
int config_describe(struct buf *out);

#endif
