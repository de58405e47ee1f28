/*
 * render: template sets to files. Nothing half-done is visible: a file appears whole or not at
 * all, a set with a check appears as a whole after the check passed.
 */
#ifndef HUSK_PLAN_RENDER_H
#define HUSK_PLAN_RENDER_H

#include "plan/env.h"
#include "plan/plan.h"

struct render_report {
	size_t files;    /* rendered or copied */
	size_t rendered; /* with at least one substitution */
	size_t bytes;
};

/*
 * The check command of a set, run by the caller's floor above (a fork and exec): 0 where it exited
 * 0, else -1 and `err` with its last words.
 */
struct render_runner {
	void *arg;
	int (*run)(void *arg, char *const argv[], struct err *err);
};

/* Every set of the plan, in order. */
int render_all(const struct plan *plan, struct env *env, const struct render_runner *runner,
	struct render_report *report, struct err *err);
/* Compiles and expands every template of the plan and writes nothing (`check`). Collects. */
int render_check(const struct plan *plan, struct env *env, const struct template_scope *observer,
	struct render_report *report, struct err_list *errors);

#endif
