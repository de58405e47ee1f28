/*
 * config_parts: what the files of config share: the files that were read, and the schema that reads
 * them.
 */
#ifndef HUSK_PLAN_CONFIG_PARTS_H
#define HUSK_PLAN_CONFIG_PARTS_H

#include "plan/config.h"
#include "plan/schema.h"

/* One file, read. */
struct config_file {
	const char *path;
	struct yaml_node *root; /* NULL: empty, or not YAML */
	bool broken;            /* not YAML, or not read: an error says so */
	bool identified;
	dev_t dev;
	ino_t ino;
	struct str text;          /* where texts are kept */
	struct config_file *next; /* what it includes stands before it */
};

struct config_files {
	struct arena *arena;
	struct err_list *errors;
	struct arena *keep; /* NULL, or where the files' texts are kept */
	size_t count;
	struct config_file *first; /* in the order in which they count; the main file is the last */
	struct config_file **tail;
	struct config_file *stack[CONFIG_INCLUDE_DEPTH_MAX]; /* those whose includes are read */
	unsigned depth;
};

/* Before either of the others. `keep` may be NULL. */
void config_files_init(struct config_files *files, struct arena *arena, struct arena *keep,
	struct err_list *errors);
/* The main file, or a text that stands for it, and all that it includes. Errors are collected. */
void config_files_read(struct config_files *files, const char *path, const struct str *text);
/* The same of texts that were kept: no file is looked at. */
void config_files_replay(struct config_files *files, const struct config_snapshot *snapshot);

/* The texts of files that were read with `keep`, which is the snapshot's arena; -1 where memory has
 * run out. */
int config_snapshot_take(struct config_snapshot *snapshot, const struct config_files *files);

/* What the tables fill. */
struct config_state {
	struct plan *plan;
	size_t vars_max;      /* room in plan->vars */
	size_t templates_max; /* room in plan->templates */
	size_t env_files_max;
	size_t services_max;
	bool main_given;              /* some service has the key */
	const struct yaml_node *main; /* the one that is true; NULL: none */
	const char *main_name;        /* of that service */
};

/* The table of a file's top level, for a struct config_state. */
extern const struct schema_key config_keys[];
/* Of one service, for a struct plan_service, and the reader of all of them. */
extern const struct schema_key config_service_keys[];
void config_services_read(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field);

void config_service_defaults(struct plan_service *service);
/* What one service says that cannot stand together; `node` is its mapping. */
void config_service_check(struct schema *s, const struct yaml_node *node,
	struct config_state *state, struct plan_service *service);
/* When all files are read: the defaults that depend on what else there is. */
void config_services_complete(const struct config_state *state);
/* Then: who waits for whom, and the order of start. */
void config_services_link(struct schema *s, struct plan *plan);

/* An entry that has a name, to be sorted. */
struct config_name {
	const char *name;
	const struct plan_place *place;
	unsigned index; /* in the files' order */
};
/* Sorts; names that stand there twice are errors: "env.NAME: is set twice". */
void config_names_sort(struct schema *s, const char *key, struct config_name *names, size_t count);
/* Among sorted ones; NULL where there is none. */
const struct config_name *config_names_find(
	const struct config_name *names, size_t count, const char *name);

#endif
