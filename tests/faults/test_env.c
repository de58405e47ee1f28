/*
 * Every allocation of composing an environment fails in turn, and every system call: an error that
 * says so, or a value without what could not be read; nothing leaked, nothing crashed.
 */
#include "unit/unit.h"

#include <errno.h>

#include "base/sys.h"
#include "plan/env.h"
#include "unit/scratch.h"

static size_t calls;
static size_t fail_at; /* 0: none */
static size_t sys_calls;
static size_t sys_fail_at; /* 0: none */

static bool refused(void)
{
	return ++calls == fail_at;
}

static bool sys_refused(void)
{
	if (++sys_calls != sys_fail_at)
		return false;
	errno = EIO;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
int __real_sys_open(const char *path, int flags, mode_t mode);
ssize_t __real_sys_read(int fd, void *data, size_t size);
int __real_sys_fstat(int fd, struct stat *st);
int __wrap_sys_open(const char *path, int flags, mode_t mode);
ssize_t __wrap_sys_read(int fd, void *data, size_t size);
int __wrap_sys_fstat(int fd, struct stat *st);

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

static char env_file[PATH_MAX + 256];
static char secret_file[PATH_MAX + 320];
static char given[] = "A=1";
static char folded[] = "JVM_OPTS=-Xmx1g '-Da=b c'";
static char *environment[] = {given, folded, secret_file, NULL};

static struct plan_text files[] = {{env_file, {"husk.yaml", 1, 1}}};
static struct plan_text fold[] = {{"JVM_OPTS", {"husk.yaml", 1, 1}}};
static struct plan_text append[] = {{"-Dx=${URL}", {"husk.yaml", 1, 1}}};
static struct plan_var vars[] = {
	{.name = "PW", .secret = true, .required = true},
	{.name = "HOST", .default_value = {"db.x", {"husk.yaml", 1, 1}}, .type = PLAN_TYPE_HOST},
	{.name = "URL", .value = {"x://$HOST/$A/$FROM_FILE", {"husk.yaml", 1, 1}}},
	{.name = "CPUS", .value = {"$HUSK_CPUS", {"husk.yaml", 1, 1}}, .type = PLAN_TYPE_INT},
	{.name = "JAVA_TOOL_OPTIONS", .append = {append, 1, true}, .fold = {fold, 1, true}},
};

/* Composes and exports; 0 where that worked. Memory and errors are this function's affair. */
static int compose(void)
{
	static struct err_list errors;
	struct arena *arena = arena_new(8 << 20);
	struct plan plan = {.arena = arena,
		.env_files = {files, 1, true},
		.vars = vars,
		.var_count = COUNT(vars)};
	struct env *env;
	struct err err;
	char **envp;
	int rc = -1;

	memset(&errors, 0, sizeof(errors));
	if (arena) {
		rc = env_compose(&plan, environment, &env, &errors);
		assert_int_equal(rc, errors.count ? -1 : 0);
		if (rc == 0)
			rc = env_export(env, NULL, &envp, &err);
		if (rc == 0)
			assert_string_equal(envp[0], "A=1");
	}
	arena_free(arena);
	return rc;
}

static int setup(void **state)
{
	if (scratch_setup(state))
		return -1;
	scratch_write("a.env", "FROM_FILE=1\nX=2\n");
	scratch_write("pw", "hunter2\n");
	snprintf(env_file, sizeof(env_file), "%s", scratch_path("a.env"));
	snprintf(secret_file, sizeof(secret_file), "PW_FILE=%s", scratch_path("pw"));
	return 0;
}

static void test_env_each_allocation_fails_cleanly(void **state)
{
	size_t failures = 0;

	(void)state;
	for (size_t n = 1;; n++) {
		calls = 0;
		fail_at = n;
		int rc = compose();
		fail_at = 0;
		if (calls < n) {
			assert_int_equal(rc, 0);
			break;
		}
		failures++;
	}
	print_message("# %zu allocations failed in turn\n", failures);
	assert_true(failures >= 15);
}

static void test_env_each_system_call_fails_cleanly(void **state)
{
	size_t failures = 0;
	size_t survived = 0;

	(void)state;
	for (size_t n = 1;; n++) {
		sys_calls = 0;
		sys_fail_at = n;
		int rc = compose();
		sys_fail_at = 0;
		if (sys_calls < n) {
			assert_int_equal(rc, 0);
			break;
		}
		failures++;
		survived += rc == 0;
	}
	print_message("# %zu system calls failed in turn, %zu without harm\n", failures, survived);
	/* env_file and the secret are needed; of the machine nothing is. */
	assert_true(failures > survived && survived > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_env_each_allocation_fails_cleanly),
		cmocka_unit_test(test_env_each_system_call_fails_cleanly),
	};

	return cmocka_run_group_tests(tests, setup, scratch_teardown);
}
