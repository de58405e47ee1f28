/*
 * machine: what the container may use, for the built-in variables HUSK_CPUS, HUSK_MEMORY_MIB,
 * HUSK_RESOLVERS and HUSK_HOSTNAME.
 *
 * cgroups(7), cgroup-v1/memory.rst and cgroup-v2.rst of the kernel: a limit of any group on the
 * way up binds, so each that is visible is read. Hybrid set-ups are read on both sides.
 */
#ifndef HUSK_PLAN_MACHINE_H
#define HUSK_PLAN_MACHINE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct machine {
	/* At least 1; the least of online CPUs, affinity, cpuset and quota, which is rounded up. */
	unsigned cpus;
	/* "online", "affinity", "cpuset", "cgroup v2 cpu.max", "cgroup v1 cpu.cfs_quota_us" */
	const char *cpus_from;
	uint64_t memory; /* bytes */
	/* "machine", "cgroup v2 memory.max", "cgroup v1 memory.limit_in_bytes" */
	const char *memory_from;
	/* Blank-separated, IPv6 in brackets; "" where there are none. Those with a zone
	 * (fe80::1%eth0) are left out: nginx has no syntax for them, and without the zone they do
	 * not work. */
	const char *resolvers;
	const char *hostname;
};

/* `root` is put before every path read ("" for real; a tree for tests). Missing files are no
 * error: the machine's own figures stand in. */
int machine_read(struct arena *arena, const char *root, struct machine *machine, struct err *err);

#endif
