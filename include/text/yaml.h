/*
 * yaml: libyaml's events as a tree of nodes that know where they stand.
 *
 * Anchors, aliases and merge keys (<<) are resolved here: an alias shares its target's children, a
 * mapping's own keys win over merged ones, earlier mappings of a merge list over later ones.
 * Bounded: an alias bomb, deep nesting, a duplicate key, text that is not UTF-8 and a second
 * document are errors, not memory. No message shows a scalar's value: it may be a secret.
 */
#ifndef HUSK_TEXT_YAML_H
#define HUSK_TEXT_YAML_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

enum {
	YAML_DEPTH_MAX = 64,     /* sequences and mappings within one another, aliases resolved */
	YAML_NODES_MAX = 100000, /* after aliases are resolved */
	YAML_ANCHORS_MAX = 1024,
	YAML_DIRECTIVES_MAX = 16,  /* lines that begin with % */
	YAML_SCALAR_MAX = 1 << 20, /* bytes of one scalar */
	YAML_SIZE_MAX = 16 << 20,
};

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
	enum yaml_kind kind;
	bool plain; /* a scalar without quotes: null, true, 8080 have their YAML meaning */
	unsigned line;
	unsigned column;    /* in bytes */
	unsigned text_line; /* where a scalar's text begins: after its quote, below its | or > */
	unsigned text_column;
	unsigned height;         /* containers within one another, itself counted; a scalar has 0 */
	size_t weight;           /* nodes in it, itself and what merges brought counted */
	size_t count;            /* sequence: items; mapping: keys */
	const char *file;        /* borrowed from the caller of yaml_parse */
	struct str value;        /* scalar; ends in NUL; no NUL inside */
	struct yaml_node *key;   /* in a mapping: this value's key node, a scalar */
	struct yaml_node *first; /* sequence: items; mapping: values, in the file's order */
	struct yaml_node *next;
};

/*
 * `*root` is NULL for an empty document. Everything lives in `arena`. -1 where an error was added
 * to `errors`; after duplicate keys and unknown aliases `*root` is still there (a duplicate is left
 * out, an unknown alias is null), so that the caller can look for more errors; else it is NULL.
 */
int yaml_parse(struct arena *arena, const char *file, struct str text, struct yaml_node **root,
	struct err_list *errors);
/* The value of `key` in a mapping, or NULL. */
struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);
/* A plain scalar that YAML 1.2's core schema reads as null: ~ null Null NULL or nothing. */
bool yaml_is_null(const struct yaml_node *node);

#endif
