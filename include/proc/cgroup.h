/*
 * cgroup: was it the kernel that killed for want of memory?
 *
 * The counts of kills before and after are compared: `oom_kill` of memory.events (v2, which counts
 * descendants too) or of memory.oom_control (v1).
 */
#ifndef HUSK_PROC_CGROUP_H
#define HUSK_PROC_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

enum { CGROUP_PATH_MAX = 1024 };

struct cgroup_oom {
	bool known;
	bool v1;
	uint64_t kills;
	char folder[CGROUP_PATH_MAX];
};

/* Of fixed size: a child hands it to PID 1. */
struct cgroup_oom_record {
	bool killed;
	uint64_t limit; /* bytes; 0: none */
	uint64_t kills; /* the new count, for the next look */
};

/* Finds husk's memory cgroup and notes the count. `root` stands before every path ("" for real).
 * Where there is none, `known` stays false. */
void cgroup_oom_watch(struct cgroup_oom *before, const char *root);
/* What has happened since. Reads files: for a short-lived child. */
void cgroup_oom_compare(const struct cgroup_oom *before, struct cgroup_oom_record *record);

#endif
