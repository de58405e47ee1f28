/*
 * yaml: libyaml's events as a tree of nodes that know where they stand.
 *
 * Anchors, aliases and merge keys (<<) are resolved here. Bounded: an alias bomb, deep nesting, a
 * duplicate key, text that is not UTF-8 and a second document are errors, not memory.
 */
#ifndef HUSK_TEXT_YAML_H
#define HUSK_TEXT_YAML_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

enum {
	YAML_DEPTH_MAX = 64,
	YAML_NODES_MAX = 100000, /* after aliases are resolved */
	YAML_SIZE_MAX = 16 << 20,
};

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
	enum yaml_kind kind;
	bool plain; /* a scalar without quotes: null, true, 8080 have their YAML meaning */
	unsigned line;
	unsigned column;
	const char *file;        /* borrowed from the caller of yaml_parse */
	struct str value;        /* scalar; ends in NUL; no NUL inside */
	struct yaml_node *key;   /* in a mapping: this value's key node */
	struct yaml_node *first; /* sequence: items; mapping: values, in the file's order */
	struct yaml_node *next;
	size_t count;
};

/* `*root` is NULL for an empty document. Everything lives in `arena`. */
int yaml_parse(struct arena *arena, const char *file, struct str text, struct yaml_node **root,
	struct err *err);
/* The value of `key` in a mapping, or NULL. */
struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);
/* A plain scalar that YAML 1.2's core schema reads as null: ~ null Null NULL or nothing. */
bool yaml_is_null(const struct yaml_node *node);

#endif
