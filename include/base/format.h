/*
 * format: snprintf for what husk writes.
 *
 * The release binary is linked with these in the place of the C library's snprintf and vsnprintf,
 * whose floating point and wide characters are 11 KiB that nothing here uses, and 7 KiB of stack
 * that PID 1 would keep. `make check` finds conversions that it does not know.
 *
 *   %[-][0][WIDTH|*][.PRECISION|*][l|ll|z]CONVERSION    d i u x X o c s; %%
 *
 * PRECISION is for %s only. As in C11 7.21.6.5: at most `size` bytes with the NUL, and what it
 * would have taken is returned.
 */
#ifndef HUSK_BASE_FORMAT_H
#define HUSK_BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

int format_write(char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int format_write_args(char *out, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

#endif
