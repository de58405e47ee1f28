/*
 * format: printf's formats without the C library's printf, whose floating point and streams would
 * be a thirtieth of husk. What husk uses of them:
 *
 *     %% %c %s %d %i %u %x %X %o    with -, 0, width, precision of %s (`*` too), and l, ll, z
 *
 * What is not among them comes out as it stands.
 */
#ifndef HUSK_BASE_FORMAT_H
#define HUSK_BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* As format_list(3): at most `size` bytes with the NUL; returns the whole length, which is never
 * above INT_MAX. `out` may be NULL where `size` is 0. Async-signal-safe. */
int format_list(char *out, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));
/* As format_text(3). */
int format_text(char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
