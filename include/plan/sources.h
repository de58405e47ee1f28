/*
 * sources: what a reload reads again: template sources, env_file, the files of secrets. A
 * fingerprint of all of it, and who tells when it changes.
 */
#ifndef HUSK_PLAN_SOURCES_H
#define HUSK_PLAN_SOURCES_H

#include "plan/env.h"

struct sources {
	/* Of names, modes and contents, whatever the times; never 0. What cannot be
	 * read counts by its errno. */
	uint64_t print;
	/* Some of it may change without an event: the watches ran out, or its file system tells
	 * nothing (NFS, FUSE and others whose files change elsewhere). */
	bool blind;
};

/*
 * Looks at all of it. `env` may be one that env_compose has found errors in. `watch`, an inotify
 * descriptor or -1, gets a watch for every folder that matters: of a file it is the folder, so that
 * a rename into its place is seen, and on the way to it every folder with a link that leads there,
 * so that Kubernetes' swap of `..data` is. Watches that are there already stay. -1 where memory has
 * run out.
 */
int sources_look(const struct plan *plan, struct env *env, int watch, struct sources *sources,
	struct err *err);

#endif
