/*
 * fd: whole reads and writes on descriptors.
 */
#ifndef HUSK_BASE_FD_H
#define HUSK_BASE_FD_H

#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* Closes where it is not -1 and sets it to -1; errno is preserved. */
void fd_close(int *fd);
/* Appends all that is left to read; -1 where the buffer's maximum is passed. */
int fd_read_all(int fd, struct buf *out, const char *path, struct err *err);
/* A whole regular file, or what a pipe gives, `max` bytes at most. Directories and FIFOs without a
 * writer get an error, not a wait (O_NONBLOCK). */
int fd_read_file(const char *path, size_t max, struct buf *out, struct err *err);
int fd_write_all(int fd, const void *data, size_t size);
/*
 * One write that cannot block, whatever stands behind `fd` (full pipe, socket, stopped terminal):
 * the bytes written, or -1 with EAGAIN. O_NONBLOCK is never set on the shared file description.
 */
ssize_t fd_write_nowait(int fd, const void *data, size_t size);

#endif
