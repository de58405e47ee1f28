/*
 * scratch: a temporary folder for one test, and short ways to fill it and look at it. Paths are
 * relative to the folder; scratch_path gives the whole path (in one of eight static buffers).
 */
#ifndef HUSK_TESTS_SCRATCH_H
#define HUSK_TESTS_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan/beneath.h"
#include "unit.h"

static char scratch_root[256];

static inline int scratch_setup(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(scratch_root, sizeof(scratch_root), "%s/husk-unit.XXXXXX",
		base == NULL ? "/tmp" : base);
	return mkdtemp(scratch_root) == NULL ? -1 : 0;
}

static inline int scratch_teardown(void **state)
{
	(void)state;
	return beneath_remove(AT_FDCWD, scratch_root);
}

static inline const char *scratch_path(const char *name)
{
	static char paths[8][PATH_MAX + 256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s%s%s", scratch_root, *name == '\0' ? "" : "/", name);
	return path;
}

static inline void scratch_mkdir(const char *name)
{
	assert_int_equal(mkdir(scratch_path(name), 0755), 0);
}

static inline void scratch_write(const char *name, const char *text)
{
	FILE *file = fopen(scratch_path(name), "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static inline void scratch_link(const char *target, const char *name)
{
	assert_int_equal(symlink(target, scratch_path(name)), 0);
}

static inline bool scratch_exists(const char *name)
{
	struct stat st;

	return lstat(scratch_path(name), &st) == 0;
}

static inline mode_t scratch_mode(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(scratch_path(name), &st), 0);
	return st.st_mode;
}

static inline void scratch_is(const char *name, const char *wanted)
{
	char text[4096];
	size_t got;
	FILE *file = fopen(scratch_path(name), "re");

	assert_non_null(file);
	got = fread(text, 1, sizeof(text) - 1, file);
	assert_int_equal(fclose(file), 0);
	text[got] = '\0';
	assert_string_equal(text, wanted);
}

/* How many names a folder holds. */
static inline unsigned scratch_count(const char *name)
{
	DIR *dir = opendir(scratch_path(name));
	const struct dirent *entry;
	unsigned count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			count++;
	closedir(dir);
	return count;
}

#endif
