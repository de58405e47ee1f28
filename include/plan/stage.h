/*
 * stage: where files go: made beside their targets or in a generation, then put in place by
 * renames that are taken back where one fails.
 *
 * Plain: each file stands beside its target as "..husk-TOKEN-N" until all are made. Each rename
 * exchanges it with what stood there, so that a failure half-way can be undone; where the file
 * system cannot exchange (NFS, gVisor), a plain rename stands in and only what is new is undone.
 *
 * Generation: the files stand in `to`/..gen-TOKEN under their own names. To publish it moves the
 * link `..data`, and the names in `to` are links through it, as in a Kubernetes ConfigMap volume.
 * A set of one file is staged the same and then moved alone, without links.
 *
 * Links inside `to` are never followed; those on the way to it are, as they are the image's.
 */
#ifndef HUSK_PLAN_STAGE_H
#define HUSK_PLAN_STAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "plan/beneath.h"
#include "plan/tree.h"

enum { STAGE_NAME_MAX = 48 };

/* A folder that was created on the way to `to`. */
struct stage_made {
	struct stage_made *next; /* the one above it */
	const char *path;
};

struct stage {
	struct arena *arena; /* borrowed */
	struct tree *tree;   /* borrowed */
	const char *to;      /* the folder's path, borrowed */
	int folder;          /* the folder */
	int generation;      /* the folder of the generation, or -1 */
	char generation_name[STAGE_NAME_MAX];
	struct beneath where; /* `folder` or `generation` */
	uint64_t token;
	unsigned serial;
	struct stage_made *made; /* the last one first */
	/* The folder that files are being made or moved in. */
	int dir;
	const struct tree_entry *dir_of;
	bool locked;  /* nobody else renders into `to`: leftovers are nobody's */
	bool settled; /* nothing to take back */
	/* Of a generation that is published. */
	bool linked;                   /* the entries' states are those of their links */
	struct tree_entry data;        /* the link `..data` */
	char old_name[STAGE_NAME_MAX]; /* the generation that it led to, or "" */
	/* Set by the caller between stage_init and stage_open. */
	bool owned; /* give everything made to: */
	uid_t uid;
	gid_t gid;
	bool sync;
};

void stage_init(struct stage *stage, struct arena *arena, struct tree *tree, const char *to);
/* Opens `to`, made with its parents where it is missing; removes what crashed runs left, old
 * generations too where this set has some. */
int stage_open(struct stage *stage, mode_t mode, bool generations, struct err *err);
/* From here on files go into a new generation. */
int stage_generation(struct stage *stage, mode_t mode, struct err *err);

/* Makes the folder where it is missing. */
int stage_folder(struct stage *stage, struct tree_entry *entry, struct err *err);
/* A new, empty, private file for reading and writing. */
int stage_file(struct stage *stage, struct tree_entry *entry, int *fd, struct err *err);
/* Gives it its owner and mode, and closes it, whatever happens. */
int stage_finish(
	struct stage *stage, const struct tree_entry *entry, int *fd, mode_t mode, struct err *err);

/* Everything in its place at once. Until stage_settle it can be taken back, and is by stage_fini:
 * several stages come to be as one. */
int stage_commit(struct stage *stage, struct err *err);
/* The same for a generation. */
int stage_publish(struct stage *stage, struct err *err);
/* It stays: what it has replaced is removed. */
void stage_settle(struct stage *stage);
/* Without stage_settle, takes everything back and removes what was made. Closes. */
void stage_fini(struct stage *stage);

/* "cannot VERB PATH as user N: why", and what to do: names a read-only or a full file system. */
int stage_error(const char *verb, const char *path, int errnum, struct err *err);

/* The rest is for stage_publish.c. */

/* The name under which `serial` is staged. */
const char *stage_name(const struct stage *stage, unsigned serial, char out[STAGE_NAME_MAX]);
/* Looks at what stands under the entry's name in `dir`: sets `exists`; an error where it is
 * nothing that a rename should replace. */
int stage_look(int dir, struct tree_entry *entry, struct err *err);
/* Moves `staged` in `from` to the entry's name in `to`; -1 with errno. */
int stage_put(struct tree_entry *entry, int from, const char *staged, int to);
/* Undoes stage_put. */
void stage_take_back(struct tree_entry *entry, int from, const char *staged, int to);
/* Removes a name; where that fails, once more, since a lease or a network file system may refuse
 * for a moment; then warns. */
void stage_remove(const struct stage *stage, int dir, const char *name);
/* Owner and mode of what was made; the umask has no say. */
int stage_dress(const struct stage *stage, int fd, mode_t mode, const char *path, struct err *err);
int stage_sync_folders(struct stage *stage, struct err *err);
/* stage_settle's and stage_fini's part of a generation. */
void stage_settle_generation(struct stage *stage);
void stage_take_back_generation(struct stage *stage);
bool stage_is_generation(const char *name);
/* The generation that `..data` in `folder` leads to, or ""; -1 where it cannot be known. */
int stage_current(int folder, char out[STAGE_NAME_MAX]);

#endif
