/*
 * render: template sets to files. Nothing half-done is visible: a file appears whole or not at
 * all, a set with a check appears as a whole after the check passed.
 *
 * A set of a tree renders the files that end in its suffix and copies the others; a set of one
 * file renders it to `to`, or into `to` where that is a folder or ends with a slash. Where `from`
 * and `to` are the same folder, only templates are rendered. Files that a set no longer gives are
 * left alone, but for a set with a check, whose stale links are removed. `from` and `to` are
 * expanded where they have a place in a configuration, and are literal where they have none.
 */
#ifndef HUSK_PLAN_RENDER_H
#define HUSK_PLAN_RENDER_H

#include "plan/env.h"
#include "plan/plan.h"
#include "plan/tree.h"

struct render_report {
	size_t files;    /* rendered or copied */
	size_t rendered; /* with at least one construct */
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

/* What render_check found, told as it goes; each may be NULL. */
struct render_observer {
	void *arg;
	void (*set)(void *arg, const struct plan_templates *set, const char *from, const char *to,
		size_t files);
	void (*file)(void *arg, const char *source, const char *target, mode_t mode, bool rendered,
		bool secret);
	/* A construct that stayed as it was. */
	void (*kept)(void *arg, const char *file, unsigned line, unsigned column, struct str text);
};

/* Every set of the plan, in order, each for itself: what comes later sees what came before, as a
 * first start needs. `report` is added to. */
int render_all(const struct plan *plan, struct env *env, const struct render_runner *runner,
	struct render_report *report, struct err *err);
/*
 * Every set as one, for a reload: nothing is put in its place before all are made and checked, and
 * where one cannot be put there, those before it are taken back. A check sees the other sets as
 * they were. A set whose source another one renders waits until that is in its place.
 */
int render_together(const struct plan *plan, struct env *env, const struct render_runner *runner,
	struct render_report *report, struct err *err);
/* What a set reads: `from`, NULL where that cannot be expanded, and the files below it. */
int render_sources(struct env *env, const struct plan_templates *set, struct arena *arena,
	const char **from, struct tree *tree, struct err *err);
/* Compiles and expands every template of the plan and writes nothing (`check`). Collects.
 * `observer` may be NULL. */
int render_check(const struct plan *plan, struct env *env, const struct render_observer *observer,
	struct render_report *report, struct err_list *errors);

#endif
