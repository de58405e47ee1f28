/*
 * world: the files of the fault tests: a configuration that uses everything, templates, outputs of
 * an earlier run, and what crashed runs left.
 */
#ifndef HUSK_TESTS_FAULTS_WORLD_H
#define HUSK_TESTS_FAULTS_WORLD_H

#include <stdbool.h>
#include <stddef.h>

enum world_output {
	WORLD_ABSENT,
	WORLD_OLD,
	WORLD_NEW,
	WORLD_BROKEN, /* a part of either, or neither */
};

/* The sets of the configuration. */
enum world_set { WORLD_PLAIN, WORLD_CHECKED, WORLD_SINGLE, WORLD_SETS };

/* 0, or -1. `child` is the program that services run. */
int world_make(const char *child);
void world_remove(void);
/* The outputs as an earlier run left them, or none. */
void world_reset(bool fresh);

/* The large template has its size again: 0, or -1. */
int world_grow(void);

const char *world_path(const char *name);
enum world_output world_look(enum world_set set);
/* It is there, and nothing was kept in it. */
bool world_is_filled(const char *name);
/* A name that no run should leave, "" where there is none. `mine`: that this run made. */
const char *world_litter(bool mine);

#endif
