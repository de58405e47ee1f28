/*
 * config: husk.yaml to struct plan. One schema table gives the parser, the suggestions and the
 * manual's table.
 */
#ifndef HUSK_PLAN_CONFIG_H
#define HUSK_PLAN_CONFIG_H

#include "base/buf.h"
#include "plan/plan.h"

#define CONFIG_PATH "/etc/husk.yaml"

enum {
	CONFIG_INCLUDE_DEPTH_MAX = 8,
	CONFIG_FILES_MAX = 256,
	CONFIG_SERVICE_NAME_MAX = 64,
	CONFIG_READY_FD_MAX = 255,
	CONFIG_HEALTH_FAILURES_MAX = 100,
};

/* The file to read: `option` (-c), else `environment` ($HUSK_CONFIG; empty counts as not set), else
 * /etc/husk.yaml if it exists, else NULL. */
const char *config_find(const char *option, const char *environment);

/*
 * Reads `path` and what it includes into `plan`, everything in `arena`. -1 where `errors` has any
 * entry: every error of every file is collected, with its place. What is included comes before
 * what the including file says; env, env_file, templates and services of all files are added up.
 */
int config_load(struct arena *arena, const char *path, struct plan *plan, struct err_list *errors);
/* The same of a text that stands for the file `path`; relative includes are looked up beside it. */
int config_load_text(struct arena *arena, const char *path, struct str text, struct plan *plan,
	struct err_list *errors);

/* What was read: the texts of the main file and of all that it includes, in the order in which
 * they count. A reload reads the same plan from them again, whatever has become of the files. */
struct config_text {
	struct config_text *next;
	const char *path;
	struct str text;
};
struct config_snapshot {
	struct arena *arena; /* where the texts are kept: borrowed, set by the caller */
	struct config_text *first;
};

/* As config_load; the texts stay in `snapshot`. */
int config_load_kept(struct arena *arena, const char *path, struct plan *plan,
	struct config_snapshot *snapshot, struct err_list *errors);
/* As config_load, but from the texts alone. */
int config_load_snapshot(struct arena *arena, const struct config_snapshot *snapshot,
	struct plan *plan, struct err_list *errors);
/* Into `to`'s arena; -1 where memory has run out. */
int config_snapshot_copy(struct config_snapshot *to, const struct config_snapshot *from);
/* Whether a configuration read now would be another one: a file is changed, gone or new. */
bool config_snapshot_is_old(const struct config_snapshot *snapshot);

/* A plan without configuration. */
void config_empty(struct arena *arena, struct plan *plan);
/* The command line's PROGRAM as the plan's one service, instead of those configured. Its words are
 * literal: nothing in them is expanded. `argv` is borrowed for the plan's life. */
int config_program(struct plan *plan, char *const argv[], struct err *err);

/* What is allowed and yet cannot work as written: parts of a stop that do not fit `grace`, a
 * `watch` that has nothing to look at. */
void config_warnings(const struct plan *plan, struct err_list *warnings);

/* The schema as rows of the manual: key path, type, default, meaning; tab-separated. */
int config_describe(struct buf *out);

#endif
