/*
 * Every allocation of reading a configuration fails in turn, libyaml's included, and every system
 * call: an error that says so, nothing leaked, nothing crashed.
 */
#include "unit/unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sys.h"
#include "plan/config.h"

static size_t calls;
static size_t fail_at; /* 0: none */

static bool refused(void)
{
	return ++calls == fail_at;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *s);

void *__wrap_malloc(size_t size)
{
	return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return refused() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *s)
{
	return refused() ? NULL : __real_strdup(s);
}

static size_t sys_calls;
static size_t sys_fail_at; /* 0: none */
static bool failed_stat;   /* the call that failed was one that a file is recognized by */

static bool sys_refused(void)
{
	if (++sys_calls != sys_fail_at)
		return false;
	errno = EIO;
	return true;
}

int __real_sys_open(const char *path, int flags, mode_t mode);
ssize_t __real_sys_read(int fd, void *data, size_t size);
int __real_sys_fstat(int fd, struct stat *st);
int __real_sys_fstatat(int dirfd, const char *path, struct stat *st, int flags);
ssize_t __real_sys_getdents(int fd, void *out, size_t size);
int __wrap_sys_open(const char *path, int flags, mode_t mode);
ssize_t __wrap_sys_read(int fd, void *data, size_t size);
int __wrap_sys_fstat(int fd, struct stat *st);
int __wrap_sys_fstatat(int dirfd, const char *path, struct stat *st, int flags);
ssize_t __wrap_sys_getdents(int fd, void *out, size_t size);

int __wrap_sys_open(const char *path, int flags, mode_t mode)
{
	return sys_refused() ? -1 : __real_sys_open(path, flags, mode);
}

ssize_t __wrap_sys_read(int fd, void *data, size_t size)
{
	return sys_refused() ? -1 : __real_sys_read(fd, data, size);
}

int __wrap_sys_fstat(int fd, struct stat *st)
{
	return sys_refused() ? -1 : __real_sys_fstat(fd, st);
}

int __wrap_sys_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	if (sys_refused()) {
		failed_stat = true;
		return -1;
	}
	return __real_sys_fstatat(dirfd, path, st, flags);
}

ssize_t __wrap_sys_getdents(int fd, void *out, size_t size)
{
	return sys_refused() ? -1 : __real_sys_getdents(fd, out, size);
}

static const char main_text[] =
	"%YAML 1.1\n%TAG !e! tag:yaml.org,2002:\n---\n"
	"version: 1\ninclude: [d/*.yaml]\ngrace: 30s\n"
	"env:\n  A: &a {default: !e!str x, type: \"enum[a,b]\"}\n  B: {<<: *a, default: y}\n"
	"  JAVA_TOOL_OPTIONS: {append: [\"-Da=b c\"], fold: [JAVA_OPTS]}\n"
	"  M: {<<: [*a, {secret: true}]}\n"
	"env_file: x\n"
	"templates: [{from: a, to: b, only: [c], check: [d, \"e\"]}]\n"
	"services:\n"
	"  s: {command: [a, 'b', \"c\"], limits: {nofile: 1}, stop: {delay: 1s}, after: [t]}\n"
	"  t: {command: [a], restart: {delay: 1s..2s}, ready: notify, before: u}\n"
	"  u: {command: [a], after: [s, t], health: {probe: 'tcp://h:1'}}\n";
static const char part_text[] = "# more\nenv: {c1: 1, c2: 2, c3: 3, c4: 4, c5: 5, c6: 6, c7: 7, "
				"c8: 8, c9: 9, d1: 1, d2: 2,\n"
				"  d3: 3, d4: 4, d5: \"long\n\n text\", d6: |\n  x}\n}\n";

static char dir[256];

static void write_file(const char *name, const char *text)
{
	char path[320];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char path[320];

	(void)state;
	snprintf(dir, sizeof(dir), "%.200s/husk-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/d", dir);
	if (mkdir(path, 0755) != 0)
		return -1;
	write_file("husk.yaml", main_text);
	write_file("d/a.yaml",
		"env: {c1: 1, c2: 2, c3: 3, c4: 4, c5: 5, c6: 6, c7: 7, c8: 8, c9: 9,\n"
		" d1: 1, d2: 2, d3: 3, d4: 4, d5: \"long\n\n text\"}\n");
	write_file("d/b.yaml", part_text);
	write_file("bad.yaml", "version: 1\na: 1\nservices: {s: {command: \"a 'b c' d\", stop: "
			       "{signal: QIUT}, after: [t]}}\n"
			       "env: {A: [x], B: 1, B: 2, C: {type: prot}}\n");
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {
		"d/a.yaml", "d/b.yaml", "d", "husk.yaml", "bad.yaml", ""};
	char path[320];

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (remove(path) != 0)
			return -1;
	}
	return 0;
}

/* Loads until no allocation is left to fail; the number of those that did. */
static size_t fail_each(const char *name, struct err_list *last)
{
	static struct err_list errors;
	char path[320];
	size_t failures = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (size_t n = 1;; n++) {
		struct arena *arena;
		struct plan plan;
		bool internal = false;
		int rc = -1;

		memset(&errors, 0, sizeof(errors));
		calls = 0;
		fail_at = n;
		arena = arena_new(1 << 20);
		if (arena)
			rc = config_load(arena, path, &plan, &errors);
		arena_free(arena);
		fail_at = 0;
		if (calls < n) {
			*last = errors;
			return failures;
		}
		failures++;
		for (unsigned i = 0; i < errors.count; i++)
			internal |= errors.errs[i].code == ERR_INTERNAL;
		assert_true(!arena || (rc == -1 && errors.count > 0));
		/* A suggestion alone may be left out for want of memory. */
		assert_true(!arena || internal || strcmp(name, "bad.yaml") == 0);
	}
}

static void test_load_each_allocation_fails_clean_error(void **state)
{
	struct err_list last;
	size_t failures = fail_each("husk.yaml", &last);

	(void)state;
	print_message("%zu allocations failed in turn\n", failures);
	assert_true(failures > 100);
	assert_int_equal(last.count, 1);
	assert_non_null(strstr(last.errs[0].file, "d/b.yaml"));
}

static void test_load_errors_each_allocation_fails_clean_error(void **state)
{
	struct err_list last;

	(void)state;
	assert_true(fail_each("bad.yaml", &last) > 50);
	assert_int_equal(last.count, 7);
}

static void test_load_each_system_call_fails_clean_error(void **state)
{
	static struct err_list errors;
	char path[320];
	size_t n = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/husk.yaml", dir);
	do {
		struct arena *arena = arena_new(1 << 20);
		struct plan plan;
		bool named = false;

		assert_non_null(arena);
		memset(&errors, 0, sizeof(errors));
		sys_calls = 0;
		failed_stat = false;
		sys_fail_at = ++n;
		assert_int_equal(config_load(arena, path, &plan, &errors), -1);
		sys_fail_at = 0;
		for (unsigned i = 0; i < errors.count; i++)
			named |= strstr(errors.errs[i].message, "Input/output error") != NULL;
		/* One more error is that of d/b.yaml. */
		assert_true(named || failed_stat || sys_calls < n);
		arena_free(arena);
	} while (sys_calls >= n);
	print_message("%zu system calls failed in turn\n", n - 1);
	assert_true(n > 10);
}

static void test_find_stat_fails_path_is_tried(void **state)
{
	(void)state;
	sys_calls = 0;
	sys_fail_at = 1;
	assert_string_equal(config_find(NULL, NULL), CONFIG_PATH);
	sys_fail_at = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load_each_allocation_fails_clean_error),
		cmocka_unit_test(test_load_errors_each_allocation_fails_clean_error),
		cmocka_unit_test(test_load_each_system_call_fails_clean_error),
		cmocka_unit_test(test_find_stat_fails_path_is_tried),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
