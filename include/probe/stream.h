/*
 * stream: a connection to a peer that may be slow, silent or gone: nothing here lasts longer than
 * its deadline (sys_now's clock), and no signal comes of it.
 *
 * Each fails with -1 and errno; ETIMEDOUT: the deadline has passed.
 */
#ifndef HUSK_PROBE_STREAM_H
#define HUSK_PROBE_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe/address.h"

/* A descriptor, the caller's to close. */
int stream_connect(const struct address *address, int64_t deadline);
/* All of it. */
int stream_send(int fd, const void *data, size_t size, int64_t deadline);
/* What there is, at least one byte; 0: the peer has closed. */
ssize_t stream_receive(int fd, void *data, size_t size, int64_t deadline);

#endif
