/*
 * Every system call and every allocation of a rendering fails in turn, each in several ways: the
 * old output is whole, or the new one; nothing else is there, and no descriptor is left open.
 */
#include <errno.h>
#include <sys/uio.h>

#include "base/log.h"
#include "base/sys.h"
#include "plan/config.h"
#include "plan/render.h"
#include "unit/scratch.h"

struct statfs;

/* How many calls succeed before the one that fails; negative: all do. */
static int left = -1;
static int failure;
static bool failed;

static bool fails(void)
{
	if (left < 0 || left-- > 0)
		return false;
	failed = true;
	errno = failure;
	return true;
}

/* One line a call: its type, name, parameters, arguments. */
#define WRAP(type, name, parameters, arguments) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return fails() ? -1 : __real_##name arguments; \
	}
/* clang-format off */
WRAP(int, sys_open, (const char *p, int f, mode_t m), (p, f, m))
WRAP(int, sys_openat, (int d, const char *p, int f, mode_t m), (d, p, f, m))
WRAP(int, sys_openat2, (int d, const char *p, int f, mode_t m, uint64_t r), (d, p, f, m, r))
WRAP(ssize_t, sys_read, (int d, void *p, size_t n), (d, p, n))
WRAP(ssize_t, sys_pread, (int d, void *p, size_t n, off_t o), (d, p, n, o))
WRAP(ssize_t, sys_write, (int d, const void *p, size_t n), (d, p, n))
WRAP(ssize_t, sys_writev, (int d, const struct iovec *p, int n), (d, p, n))
WRAP(ssize_t, sys_copy_range, (int a, int b, size_t n), (a, b, n))
WRAP(int, sys_fstat, (int d, struct stat *s), (d, s))
WRAP(int, sys_fstatat, (int d, const char *p, struct stat *s, int f), (d, p, s, f))
WRAP(int, sys_statfs, (const char *p, struct statfs *s), (p, s))
WRAP(int, sys_mkdirat, (int d, const char *p, mode_t m), (d, p, m))
WRAP(int, sys_renameat, (int a, const char *p, int b, const char *q), (a, p, b, q))
WRAP(int, sys_exchange, (int a, const char *p, int b, const char *q), (a, p, b, q))
WRAP(int, sys_symlinkat, (const char *t, int d, const char *p), (t, d, p))
WRAP(int, sys_fchmod, (int d, mode_t m), (d, m))
WRAP(int, sys_flock, (int d, int o), (d, o))
WRAP(int, sys_getrandom, (void *p, size_t n), (p, n))
WRAP(ssize_t, sys_getdents, (int d, void *p, size_t n), (d, p, n))
WRAP(int, sys_madvise, (void *p, size_t n, int a), (p, n, a))
WRAP(int, sys_sigaction_catch, (int n, void (*h)(int, siginfo_t *, void *)), (n, h))
WRAP(off_t, sys_lseek, (int d, off_t o, int w), (d, o, w))
/* clang-format on */

/* ENOENT is no failure of unlink, nor EINVAL of readlink: they say what is there. */
int __real_sys_unlinkat(int dir, const char *path, int flags);
int __wrap_sys_unlinkat(int dir, const char *path, int flags);
int __wrap_sys_unlinkat(int dir, const char *path, int flags)
{
	if (!fails())
		return __real_sys_unlinkat(dir, path, flags);
	errno = EBUSY;
	return -1;
}

ssize_t __real_sys_readlinkat(int dir, const char *path, char *out, size_t size);
ssize_t __wrap_sys_readlinkat(int dir, const char *path, char *out, size_t size);
ssize_t __wrap_sys_readlinkat(int dir, const char *path, char *out, size_t size)
{
	if (!fails())
		return __real_sys_readlinkat(dir, path, out, size);
	errno = EIO;
	return -1;
}

/* Nothing is gained by waiting for a disk. */
int __wrap_sys_fsync(int fd);
int __wrap_sys_fsync(int fd)
{
	(void)fd;
	return fails() ? -1 : 0;
}

/* The descriptor is closed all the same, as Linux does. */
int __real_sys_close(int fd);
int __wrap_sys_close(int fd);
int __wrap_sys_close(int fd)
{
	(void)__real_sys_close(fd);
	return fails() ? -1 : 0;
}

#define WRAP_MEMORY(name, parameters, arguments) \
	void *__real_##name parameters; \
	void *__wrap_##name parameters; \
	void *__wrap_##name parameters \
	{ \
		return fails() ? NULL : __real_##name arguments; \
	}
WRAP_MEMORY(sys_map_file, (int d, size_t n), (d, n))
WRAP_MEMORY(malloc, (size_t size), (size))
WRAP_MEMORY(calloc, (size_t count, size_t size), (count, size))
WRAP_MEMORY(realloc, (void *data, size_t size), (data, size))

struct scene {
	const char *name;
	const char *from;
	const char *to;
	bool checked;
	bool fresh; /* nothing has been rendered before */
	bool sync;
	bool single;
};

static const struct scene scenes[] = {
	{.name = "plain", .from = "t", .to = "out"},
	{.name = "plain, first", .from = "t", .to = "x/out", .fresh = true},
	{.name = "plain, sync", .from = "t", .to = "out", .sync = true},
	{.name = "checked", .from = "t", .to = "out", .checked = true},
	{.name = "checked, first", .from = "t", .to = "x/out", .checked = true, .fresh = true},
	{.name = "one file", .from = "t/a.template", .to = "out/a", .single = true},
	{.name = "one file, checked",
		.from = "t/a.template",
		.to = "out/a",
		.checked = true,
		.single = true},
	{.name = "a large file", .from = "large", .to = "out/a", .single = true},
};

static int passes(void *arg, char *const argv[], struct err *err)
{
	(void)arg;
	(void)argv;
	(void)err;
	return 0;
}

static int render(const struct scene *scene, const char *version, struct err *err)
{
	struct plan_text check = {.text = "true", .place = {"husk.yaml", 1, 1}};
	struct render_runner runner = {.run = passes};
	struct plan_templates set = {
		.from = {.text = scratch_path(scene->from)},
		.to = {.text = scratch_path(scene->to)},
		.suffix = {.text = ".template"},
		.mode_inherit = true,
		.sync = scene->sync,
	};
	char variable[32];
	char *given[] = {variable, NULL};
	struct err_list errors = {0};
	struct arena *arena;
	struct plan plan;
	struct env *env;
	int saved = left;
	int result;

	/* What is made before is not what is tested. */
	left = -1;
	snprintf(variable, sizeof(variable), "VERSION=%s", version);
	arena = arena_new(1 << 20);
	assert_non_null(arena);
	config_empty(arena, &plan);
	assert_int_equal(env_compose(&plan, given, &env, &errors), 0);
	plan.templates = &set;
	plan.template_count = 1;
	if (scene->checked)
		set.check = (struct plan_list){&check, 1, true};
	left = saved;
	result = render_all(&plan, env, &runner, NULL, err);
	left = -1;
	arena_free(arena);
	return result;
}

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

static void fill(void)
{
	scratch_mkdir("t");
	scratch_mkdir("t/sub");
	scratch_write("t/a.template", "version ${VERSION}");
	scratch_write("t/b.template", "plain");
	scratch_write("t/c", "copied");
	scratch_write("t/sub/d.template", "deep ${VERSION}");
	/* Zeros behind the text: enough for it to be mapped. */
	scratch_write("large", "version ${VERSION}");
	assert_int_equal(truncate(scratch_path("large"), 300000), 0);
}

static void holds(const struct scene *scene, const char *version)
{
	char text[64];
	char path[64];

	snprintf(text, sizeof(text), "version %s", version);
	if (scene->single) {
		scratch_is("out/a", text);
		assert_int_equal(scratch_count("out"), 1);
		return;
	}
	snprintf(path, sizeof(path), "%s/a", scene->to);
	scratch_is(path, text);
	snprintf(path, sizeof(path), "%s/c", scene->to);
	scratch_is(path, "copied");
	snprintf(text, sizeof(text), "deep %s", version);
	snprintf(path, sizeof(path), "%s/sub/d", scene->to);
	scratch_is(path, text);
	snprintf(path, sizeof(path), "%s/sub", scene->to);
	assert_int_equal(scratch_count(path), 1);
	/* a, b, c, sub; and ..data with one generation. */
	assert_int_equal(scratch_count(scene->to), scene->checked ? 6 : 4);
}

/* True where there was no call left to fail. */
static bool try(const struct scene *scene, int number, int errnum)
{
	unsigned descriptors;
	struct err err;
	int result;

	if (!scene->fresh)
		assert_int_equal(render(scene, "old", &err), 0);
	descriptors = open_descriptors();
	left = number;
	failure = errnum;
	failed = false;
	result = render(scene, "new", &err);
	if (getenv("FAULT_TRACE") != NULL)
		print_message("# %s, call %d: %s: %s\n", scene->name, number, strerror(errnum),
			result == 0 ? "done" : err.message);
	assert_int_equal(open_descriptors(), descriptors);
	if (result == 0)
		holds(scene, "new");
	else if (scene->fresh)
		assert_false(scratch_exists("x"));
	else
		holds(scene, "old");
	if (result != 0) {
		assert_true(err.code == ERR_CONFIG || err.code == ERR_INTERNAL);
		assert_string_not_equal(err.message, "");
	}
	assert_int_equal(beneath_remove(AT_FDCWD, scratch_path("out")), 0);
	assert_int_equal(beneath_remove(AT_FDCWD, scratch_path("x")), 0);
	return !failed;
}

static void test_render_each_call_failing_keeps_a_whole_output(void **state)
{
	static const int errnums[] = {EIO, ENOSPC, ENOMEM, EACCES, ENOENT, ENOSYS, EINVAL};
	unsigned places = 0;

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	fill();
	for (size_t i = 0; i < COUNT(scenes); i++) {
		/* Every place once, the kinds of failure in turn. */
		for (int number = 0;
			!try(&scenes[i], number, errnums[(size_t)number % COUNT(errnums)]);
			number++)
			places++;
	}
	print_message("# %u places failed\n", places);
	assert_true(places > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_render_each_call_failing_keeps_a_whole_output,
			scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
