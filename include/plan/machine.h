/*
 * machine: what the container may use, for the built-in variables HUSK_CPUS, HUSK_MEMORY_MIB,
 * HUSK_RESOLVERS and HUSK_HOSTNAME.
 */
#ifndef HUSK_PLAN_MACHINE_H
#define HUSK_PLAN_MACHINE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct machine {
	unsigned cpus;
	const char *cpus_from;   /* "online", "cpuset", "cgroup v2 cpu.max", "cgroup v1
				    cpu.cfs_quota_us" */
	uint64_t memory;         /* bytes */
	const char *memory_from; /* "machine", "cgroup v2 memory.max", "cgroup v1 ..." */
	const char *resolvers;   /* blank-separated, IPv6 in brackets; "" where there are none */
	const char *hostname;
};

/* `root` is put before every path read ("" for real; a tree for tests). Missing files are no
 * error: the machine's own figures stand in. */
int machine_read(struct arena *arena, const char *root, struct machine *machine, struct err *err);

#endif
