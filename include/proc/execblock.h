/*
 * execblock: what each service is to be executed with, in a sealed file without a name: program,
 * folder, arguments, environment.
 *
 * A child that reads the configuration anew writes it. PID 1 looks at nothing of it but its seals
 * and its size, and keeps the descriptor. The process that is to become a service maps it, checks
 * it, and makes pointers of its offsets in a copy of its own. What is not sound is not used.
 */
#ifndef HUSK_PROC_EXECBLOCK_H
#define HUSK_PROC_EXECBLOCK_H

#include "base/buf.h"
#include "proc/launch.h"

enum { EXECBLOCK_MAX = 64 << 20 };

/* Of `count` specs: path, cwd, argv, envp and listen_pid of each. `out` is as buf_init has made it,
 * with EXECBLOCK_MAX. Strings that several specs share stand there once. */
int execblock_make(
	struct buf *out, const struct launch_spec *const specs[], unsigned count, struct err *err);
/* Writes it to the empty file and seals that. */
int execblock_write(int fd, struct str block, struct err *err);
/* Whether the file holds just that. */
bool execblock_holds(int fd, struct str block);

/* PID 1's look at it. */
bool execblock_is_sealed(int fd, uint64_t size);
/*
 * Puts what the file says of the index-th spec in the place of what is in `spec`; false, and `spec`
 * as it was, where it is not sound. The memory stays. Async-signal-safe.
 */
bool execblock_apply(int fd, unsigned index, struct launch_spec *spec);

#endif
