/*
 * tree: what a template set renders: every file below `from`, and where it goes.
 *
 * Links in the source are followed, as nginx's image does and as ConfigMap volumes need; a link
 * that leads back to a folder it stands in is an error, one that leads nowhere is skipped with a
 * warning. Names that begin with ".." are skipped: they are Kubernetes' own, and husk's.
 */
#ifndef HUSK_PLAN_TREE_H
#define HUSK_PLAN_TREE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

enum {
	TREE_DEPTH_MAX = 64,
	TREE_FILES_MAX = 200000,
};

enum tree_state {
	TREE_NONE,
	TREE_STAGED,    /* stands under its staged name */
	TREE_MOVED,     /* renamed to its name */
	TREE_EXCHANGED, /* renamed to its name; the staged name holds what stood there */
};

/* A folder or a file. The list has a folder before what is in it, and a folder's names together. */
struct tree_entry {
	struct tree_entry *next;
	struct tree_entry *prev;
	struct tree_entry *parent; /* the folder it is in; NULL: `to` itself */
	const char *source;        /* the path to read */
	const char *target;        /* below `to`: "conf.d/a.conf" */
	const char *name;          /* the last part of `target` */
	const char *path;          /* where it goes, whole; the caller of tree_walk sets it */
	dev_t dev;
	ino_t ino;
	unsigned depth;
	mode_t mode; /* the source's, permission bits only */
	bool folder;
	bool render; /* a template; else copied */

	/* stage.c's */
	bool made;       /* a folder that did not exist before */
	bool exists;     /* something stands under the name already */
	unsigned serial; /* names what is staged */
	enum tree_state state;
};

struct tree {
	struct arena *arena; /* borrowed: the entries and their strings */
	struct tree_entry *first;
	struct tree_entry *last;
	size_t count;
	size_t files;
	mode_t mode; /* of `from` */
	dev_t dev;
	ino_t ino;
	bool single; /* `from` is a file: one entry, always rendered */
};

/* `suffix` "" renders every file. `templates_only`: other files are left out (`from` is `to`). */
int tree_walk(struct tree *tree, struct arena *arena, const char *from, const char *suffix,
	bool templates_only, struct err *err);

/* "a folder", "a FIFO" ... */
const char *tree_kind(mode_t mode);

#endif
