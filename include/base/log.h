/*
 * log: messages on standard error, one event in one line by one write, that never block.
 *
 * A full or stalled pipe, a stopped terminal, a closed descriptor: the message is dropped and
 * counted, and the next one that gets through says how many were lost. errno is preserved.
 * Untrusted bytes (controls, invalid UTF-8) are escaped. The only mutable global state.
 */
#ifndef HUSK_BASE_LOG_H
#define HUSK_BASE_LOG_H

#include <stddef.h>

#include "base/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* `name` stands before each message ("husk: "); borrowed for good. Level WARN, text. */
void log_init(const char *name);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* HUSK_LOG and HUSK_LOG_FORMAT; -1 and `err` where their value is not one of those known. */
int log_configure(const char *level, const char *format, struct err *err);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Appends ": " and errno's text. */
void log_warn_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An error with its place (JSON: fields file, line, column, errno). */
void log_err(const struct err *err);

/* The member of a JSON line that says when it is, RFC 3339 in UTC, with its comma; the length, 0
 * where the clock says nothing. */
enum { LOG_TIME_MAX = 96 };
size_t log_time(char out[LOG_TIME_MAX]);

/*
 * Appends the reason for the end to /dev/termination-log, at most 4,096 bytes, where that is a
 * regular file (O_NOFOLLOW, O_NONBLOCK); silent where it is not. Kubernetes shows the file's last
 * 4,096 bytes, so that what the program itself has written there stands before it.
 */
void log_termination(const char *message);
void log_termination_to(const char *path, const char *message);

#endif
