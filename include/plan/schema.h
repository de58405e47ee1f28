/*
 * schema: tables that say which keys a mapping has, the walk that reads one into a struct, and the
 * same tables as text.
 *
 * A reader gets the value's node and the field to fill; on an error it reports and leaves the field
 * as it was, and the walk goes on to the next key. An error names file:line:column and the path of
 * keys to it. Values of `env` never stand in a message: they may be secrets.
 */
#ifndef HUSK_PLAN_SCHEMA_H
#define HUSK_PLAN_SCHEMA_H

#include "base/buf.h"
#include "plan/plan.h"
#include "text/yaml.h"

enum {
	SCHEMA_DEPTH_MAX = 16,
	SCHEMA_KEYS_MAX = 32, /* of one table */
};

struct schema_step {
	struct str name; /* data NULL: an item of a list */
	size_t index;
};

/* A year, in nanoseconds: sums of a few never overflow. */
#define SCHEMA_DURATION_MAX (INT64_C(366) * 24 * 3600 * 1000000000)

/* One reading of one or more files. */
struct schema {
	struct arena *arena;
	struct err_list *errors;
	unsigned depth;
	struct schema_step path[SCHEMA_DEPTH_MAX];
};

/* For the pages of the manual; the release, which never shows them, is 5 KiB smaller for it. */
#ifdef HUSK_WITHOUT_HELP
#define SCHEMA_HELP(text)
#define SCHEMA_DEFAULT(otherwise, text)
#else
#define SCHEMA_HELP(text)               .help = (text)
#define SCHEMA_DEFAULT(otherwise, text) .fallback = (otherwise), .help = (text)
#endif

/* What stands between a key and those below it. */
enum schema_between {
	SCHEMA_NOTHING,
	SCHEMA_NAMED,  /* a name */
	SCHEMA_LISTED, /* the item of a list */
};

struct schema_key {
	const char *name; /* NULL ends a table */
	void (*read)(struct schema *s, const struct schema_key *key, const struct yaml_node *node,
		void *field);
	unsigned short offset; /* of the field in the struct that the mapping fills */
	unsigned short given;  /* of a bool that says that the key stood there; 0: none */
	bool required;
	unsigned char between;         /* enum schema_between: of `keys` */
	short id;                      /* the reader's own */
	const char *const *choices;    /* of schema_choice; ends with NULL */
	const struct schema_key *keys; /* of the mapping below it */
	const char *type;              /* manual; also "wants ..." in messages */
#ifndef HUSK_WITHOUT_HELP
	const char *fallback; /* manual: the default */
	const char *help;
#endif
};

/* Reports `format` at the node, after the path of keys. */
void schema_error(struct schema *s, const struct yaml_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void schema_nomem(struct schema *s);
/* "wants TYPE, not a list" */
void schema_error_type(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node);
/* "WHAT "value" (did you mean NEAREST?)"; `nearest` may be NULL. */
void schema_error_unknown(struct schema *s, const struct yaml_node *node, const char *what,
	struct str name, const char *nearest);
/* The same, with the known ones where none is near: err_suggest. */
void schema_error_choice(struct schema *s, const struct yaml_node *node, const char *what,
	struct str name, const char *const *known);

/* Around what is read below a key or a list's item. */
void schema_push(struct schema *s, struct str name);
void schema_push_index(struct schema *s, size_t index);
void schema_pop(struct schema *s);

/* Reads the mapping `node` into `target` as the table says. */
void schema_read(struct schema *s, const struct schema_key *keys, const struct yaml_node *node,
	void *target);

/* A scalar that is not null, and where it stands. */
bool schema_scalar(struct schema *s, const struct schema_key *key, const struct yaml_node *node);
struct plan_place schema_place(const struct yaml_node *node);
void schema_set_text(struct plan_text *text, const struct yaml_node *node);

/* Readers: the field's type stands behind each. */
void schema_mapping(struct schema *s, const struct schema_key *key, const struct yaml_node *node,
	void *field); /* the struct that `keys` fills: with `offset` 0 the same as above */
void schema_text(struct schema *s, const struct schema_key *key, const struct yaml_node *node,
	void *field); /* struct plan_text */
void schema_path(struct schema *s, const struct schema_key *key, const struct yaml_node *node,
	void *field); /* struct plan_text, not empty */
void schema_bool(struct schema *s, const struct schema_key *key, const struct yaml_node *node,
	void *field); /* bool */
void schema_duration(struct schema *s, const struct schema_key *key, const struct yaml_node *node,
	void *field); /* int64_t, nanoseconds */
void schema_choice(struct schema *s, const struct schema_key *key, const struct yaml_node *node,
	void *field); /* int or enum: the index in `choices` */
void schema_octal(struct schema *s, const struct schema_key *key, const struct yaml_node *node,
	void *field); /* mode_t */
void schema_list(struct schema *s, const struct schema_key *key, const struct yaml_node *node,
	void *field); /* struct plan_list of texts */
void schema_paths(struct schema *s, const struct schema_key *key, const struct yaml_node *node,
	void *field); /* struct plan_list of texts, none empty; one text is a list of one */
void schema_names(struct schema *s, const struct schema_key *key, const struct yaml_node *node,
	void *field); /* struct plan_list of texts; one text is a list of one */
void schema_argv(struct schema *s, const struct schema_key *key, const struct yaml_node *node,
	void *field); /* struct plan_list with at least one item, the first not empty */

/* Appends a row for each key, below `prefix`. */
void schema_describe(const struct schema_key *keys, const char *prefix, struct buf *out);

#endif
