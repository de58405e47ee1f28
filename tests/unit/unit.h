/*
 * unit: what every cmocka program of husk includes, in the order cmocka wants.
 */
#ifndef HUSK_TESTS_UNIT_H
#define HUSK_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* After the standard headers. */
#include <cmocka.h>

/* Rows of a table of cases. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* "TMPDIR/name", in `path`. */
static inline const char *unit_path(char *path, size_t size, const char *name)
{
	const char *folder = getenv("TMPDIR");

	(void)snprintf(path, size, "%s/%s", folder != NULL ? folder : "/tmp", name);
	return path;
}

/* An empty file without a name. */
static inline int unit_file(void)
{
	char path[256];
	int fd;

	(void)unit_path(path, sizeof(path), "husk-unit-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	return fd;
}

/* A descriptor of the process, standard error say, that goes to a file for a while. */
struct unit_capture {
	int fd;
	int saved;
	int file;
	char text[16384];
};

static inline void unit_capture_begin(struct unit_capture *capture, int fd)
{
	(void)fflush(NULL);
	capture->fd = fd;
	capture->saved = dup(fd);
	capture->file = unit_file();
	assert_true(capture->saved >= 0);
	assert_int_equal(dup2(capture->file, fd), fd);
}

/* What was written, ended by NUL. Nothing may fail between begin and end. */
static inline const char *unit_capture_end(struct unit_capture *capture)
{
	ssize_t got;

	(void)fflush(NULL);
	(void)dup2(capture->saved, capture->fd);
	close(capture->saved);
	got = pread(capture->file, capture->text, sizeof(capture->text) - 1, 0);
	close(capture->file);
	assert_true(got >= 0);
	capture->text[got] = '\0';
	return capture->text;
}

/*
 * Memory that runs out: a test program linked with --wrap=malloc,--wrap=calloc,--wrap=realloc says
 * UNIT_MEMORY once; unit_memory_left is then how many allocations succeed, and all do where it is
 * negative.
 */
#define UNIT_MEMORY \
	static int unit_memory_left = -1; \
	static bool unit_memory_take(void) \
	{ \
		if (unit_memory_left > 0) \
			unit_memory_left--; \
		else if (unit_memory_left == 0) \
			return false; \
		return true; \
	} \
	void *__real_malloc(size_t size); \
	void *__wrap_malloc(size_t size); \
	void *__wrap_malloc(size_t size) \
	{ \
		return unit_memory_take() ? __real_malloc(size) : NULL; \
	} \
	void *__real_calloc(size_t count, size_t size); \
	void *__wrap_calloc(size_t count, size_t size); \
	void *__wrap_calloc(size_t count, size_t size) \
	{ \
		return unit_memory_take() ? __real_calloc(count, size) : NULL; \
	} \
	void *__real_realloc(void *data, size_t size); \
	void *__wrap_realloc(void *data, size_t size); \
	void *__wrap_realloc(void *data, size_t size) \
	{ \
		return unit_memory_take() ? __real_realloc(data, size) : NULL; \
	}

#endif
