#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/launch.h"

static char folder[200];
static struct arena *arena;
static struct err err;

static int set_up(void **state)
{
	(void)state;
	(void)unit_path(folder, sizeof(folder), "husk-launch-XXXXXX");
	arena = arena_new(1 << 20);
	return arena && mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[300];

	(void)state;
	arena_free(arena);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void make(const char *name, mode_t mode)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (name[strlen(name) - 1] == '/') {
		assert_int_equal(mkdir(path, mode), 0);
	} else {
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		assert_int_equal(fchmod(fd, mode), 0);
		close(fd);
	}
}

/* Each `%` of the path list is the folder. */
static int find(const char *program, const char *path, const char **found)
{
	static char list[2000];
	size_t len = 0;

	for (; *path; path++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%.*s",
			*path == '%' ? 200 : 1, *path == '%' ? folder : path);
	list[len] = '\0';
	*found = NULL;
	return launch_find(arena, program, list, found, &err);
}

static void expect_found(const char *program, const char *path, const char *expected)
{
	char full[300];
	const char *found;

	(void)snprintf(full, sizeof(full), "%s/%s", folder, expected);
	assert_int_equal(find(program, path, &found), 0);
	assert_string_equal(found, full);
}

static void test_find_first_that_can_be_run(void **state)
{
	(void)state;
	make("a/", 0755);
	make("b/", 0755);
	make("c/", 0755);
	make("a/prog/", 0755);
	make("b/prog", 0644);
	make("c/prog", 0755);
	expect_found("prog", "/no:%/a:%/b:%/c", "c/prog");
	expect_found("prog", "%/c:%/b", "c/prog");
}

static void test_find_with_slash_taken_as_it_is(void **state)
{
	const char *found;

	(void)state;
	assert_int_equal(find("./not/there", "%", &found), 0);
	assert_string_equal(found, "./not/there");
}

static void test_find_empty_entry_is_the_current_directory(void **state)
{
	static const char *const lists[] = {":%/none", "%/none:", "%/none::%/other", ""};
	const char *found;
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	make("prog", 0755);
	assert_int_equal(chdir(folder), 0);
	for (size_t i = 0; i < COUNT(lists); i++) {
		assert_int_equal(find("prog", lists[i], &found), 0);
		assert_string_equal(found, "./prog");
	}
	assert_int_equal(fchdir(here), 0);
	close(here);
}

static void test_find_missing_127_path_shown(void **state)
{
	const char *found;

	(void)state;
	assert_int_equal(find("prog", "/x:/y", &found), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.message, "prog: not found in PATH (/x:/y)");
	assert_int_equal(find("", "/x", &found), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void test_find_not_executable_126(void **state)
{
	const char *found;

	(void)state;
	make("prog", 0644);
	assert_int_equal(find("prog", "/x:%", &found), -1);
	assert_int_equal(err.code, ERR_NOT_EXECUTABLE);
	assert_non_null(strstr(err.message, folder));
}

static void test_find_no_path_default_taken(void **state)
{
	const char *found;

	(void)state;
	assert_int_equal(launch_find(arena, "sh", NULL, &found, &err), 0);
	assert_non_null(strstr(found, "/sh"));
	assert_int_equal(launch_find(arena, "no-such-program", NULL, &found, &err), -1);
	assert_non_null(strstr(err.message, "/usr/local/sbin:"));
}

static void test_find_entry_too_long_skipped(void **state)
{
	char *path = malloc(10000);
	const char *found;

	(void)state;
	assert_non_null(path);
	make("prog", 0755);
	memset(path, 'x', 9000);
	path[0] = '/';
	(void)snprintf(path + 9000, 1000, ":%s", folder);
	assert_int_equal(launch_find(arena, "prog", path, &found, &err), 0);
	free(path);
}

/* A program that tells what it was started with by its exit status; 200: the exec failed. */
static int run(const struct launch_spec *spec, struct launch_failure *failure)
{
	struct launch_signals signals = {0};
	struct pollfd ready = {.events = POLLIN};
	int error_pipe, status;
	pid_t pid = launch_start(spec, &signals, &error_pipe, &err);
	ssize_t size;

	assert_true(pid > 0);
	/* It is not waited for by a read. */
	ready.fd = error_pipe;
	assert_int_equal(poll(&ready, 1, -1), 1);
	size = read(error_pipe, failure, sizeof(*failure));
	close(error_pipe);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (size == (ssize_t)sizeof(*failure))
		return 200;
	assert_int_equal(size, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static struct launch_spec shell(const char *script)
{
	static char name[] = "sh", option[] = "-c", text[1000], variable[] = "A=1";
	static char *argv[] = {name, option, text, NULL}, *envp[] = {variable, NULL};

	(void)snprintf(text, sizeof(text), "%s", script);
	return (struct launch_spec){
		.name = "sh", .path = "/bin/sh", .argv = argv, .envp = envp, .terminal = -1};
}

static void test_start_program_runs(void **state)
{
	struct launch_spec spec = shell("exit $((A + 41))");
	struct launch_failure failure;

	(void)state;
	assert_int_equal(run(&spec, &failure), 42);
}

static void test_start_settings_applied(void **state)
{
	struct launch_spec spec = shell("test \"$(umask)$PWD$(ulimit -n)\" = 0027/usr77");
	const struct plan_limit limit = {"nofile", RLIMIT_NOFILE, {77, 77}};
	struct launch_failure failure;

	(void)state;
	spec.umask_given = true;
	spec.umask = 027;
	spec.cwd = "/usr";
	spec.limits = &limit;
	spec.limit_count = 1;
	assert_int_equal(run(&spec, &failure), 0);
}

static void test_start_group_and_session(void **state)
{
	struct launch_failure failure;
	struct launch_spec spec = shell("set -- $(cat /proc/$$/stat); test $5 = $$");

	(void)state;
	assert_int_equal(run(&spec, &failure), 1);
	spec.new_group = true;
	assert_int_equal(run(&spec, &failure), 0);
	spec = shell("set -- $(cat /proc/$$/stat); test $6 = $$");
	spec.new_group = true;
	assert_int_equal(run(&spec, &failure), 1);
	spec.new_session = true;
	assert_int_equal(run(&spec, &failure), 0);
}

static void test_start_each_failing_step_told(void **state)
{
	struct launch_spec spec = shell("exit 0");
	const struct plan_limit limits[] = {
		{"nofile", RLIMIT_NOFILE, {77, 77}}, {"nofile", RLIMIT_NOFILE, {78, 77}}};
	struct launch_failure failure;

	(void)state;
	spec.path = "/no/such/program";
	assert_int_equal(run(&spec, &failure), 200);
	assert_int_equal(failure.step, LAUNCH_EXEC);
	assert_int_equal(failure.errnum, ENOENT);
	assert_int_equal(launch_code(&failure), ERR_NOT_FOUND);
	spec.cwd = "/no/such/folder";
	assert_int_equal(run(&spec, &failure), 200);
	assert_int_equal(failure.step, LAUNCH_CWD);
	assert_int_equal(launch_code(&failure), ERR_NOT_EXECUTABLE);
	assert_int_equal(launch_explain(&spec, &failure, &err), -1);
	assert_string_equal(err.message,
		"sh: cannot change to the directory /no/such/folder: No such file or directory");
	spec.limits = limits;
	spec.limit_count = 2;
	assert_int_equal(run(&spec, &failure), 200);
	assert_int_equal(failure.step, LAUNCH_LIMIT);
	assert_int_equal(failure.index, 1);
	assert_int_equal(launch_explain(&spec, &failure, &err), -1);
	assert_non_null(strstr(err.message, "the resource limit nofile to 78 (at most 77)"));
	assert_int_equal(err.code, ERR_NOT_EXECUTABLE);
	spec.output = 1023;
	assert_int_equal(run(&spec, &failure), 200);
	assert_int_equal(failure.step, LAUNCH_STREAMS);
	assert_int_equal(launch_code(&failure), ERR_INTERNAL);
	assert_int_equal(launch_explain(&spec, &failure, &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
}

static void test_start_listen_pid_written(void **state)
{
	static char variable[11 + LAUNCH_PID_SIZE] = "LISTEN_PID=1";
	struct launch_spec spec = shell("test $LISTEN_PID = $$");
	char *envp[] = {variable, NULL};
	struct launch_failure failure;

	(void)state;
	spec.envp = envp;
	assert_int_equal(run(&spec, &failure), 1);
	spec.listen_pid = variable + 11;
	assert_int_equal(run(&spec, &failure), 0);
	/* The parent's own is untouched. */
	assert_string_equal(variable, "LISTEN_PID=1");
}

static void test_start_signals_set_and_reset(void **state)
{
	struct launch_spec spec = shell(
		"while read -r key value; do case $key in SigBlk:|SigIgn:) set -- \"$@\" $value;; "
		"esac; done </proc/$$/status; test $1$2 = 00000000000008000000000000001000");
	struct launch_signals signals = {
		.mask.bits = 1 << (SIGUSR2 - 1), .ignored.bits = 1 << (SIGPIPE - 1)};
	int error_pipe, status;
	pid_t pid;

	(void)state;
	signal(SIGHUP, SIG_IGN);
	signals.reset = true;
	pid = launch_start(&spec, &signals, &error_pipe, &err);
	signal(SIGHUP, SIG_DFL);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(error_pipe);
	assert_int_equal(status, 0);
}

static void explain(int errnum, char *const *argv, char *const *envp, const char *expected)
{
	const struct launch_spec spec = {
		.name = "prog", .path = "/bin/prog", .argv = argv, .envp = envp};
	const struct launch_failure failure = {.step = LAUNCH_EXEC, .errnum = errnum};

	assert_int_equal(launch_explain(&spec, &failure, &err), -1);
	assert_int_equal(err.code, ERR_NOT_EXECUTABLE);
	if (!strstr(err.message, expected))
		fail_msg("\"%s\" is not in: %s", expected, err.message);
}

/* The value may be a secret. */
static void test_explain_too_long_lengths_and_names_only(void **state)
{
	char *variable = malloc(140000), *argument = malloc(140000), word[] = "prog";
	char *argv[] = {word, NULL, NULL}, *envp[] = {NULL, NULL};

	(void)state;
	assert_true(variable && argument);
	memset(variable, 's', 139999);
	memcpy(variable, "TOKEN=", 6);
	variable[139999] = '\0';
	memset(argument, 'a', 139999);
	argument[139999] = '\0';
	explain(E2BIG, argv, envp, "are together more than the kernel takes");
	envp[0] = variable;
	explain(E2BIG, argv, envp, "the environment variable TOKEN is 139999 bytes long");
	assert_null(strstr(err.message, "sss"));
	argv[1] = argument;
	explain(E2BIG, argv, envp, "an argument is 139999 bytes long");
	free(variable);
	free(argument);
}

static void test_explain_other_errno_named(void **state)
{
	char *none[] = {NULL};

	(void)state;
	explain(ENOMEM, none, none, "Cannot allocate memory");
	explain(ELOOP, none, none, "symbolic links");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_find_first_that_can_be_run),
		TEST(test_find_with_slash_taken_as_it_is),
		TEST(test_find_empty_entry_is_the_current_directory),
		TEST(test_find_missing_127_path_shown),
		TEST(test_find_not_executable_126),
		TEST(test_find_no_path_default_taken),
		TEST(test_find_entry_too_long_skipped),
		TEST(test_start_program_runs),
		TEST(test_start_settings_applied),
		TEST(test_start_group_and_session),
		TEST(test_start_each_failing_step_told),
		TEST(test_start_listen_pid_written),
		TEST(test_start_signals_set_and_reset),
		TEST(test_explain_too_long_lengths_and_names_only),
		TEST(test_explain_other_errno_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
