#include "proc/runcheck.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "plan/config.h"
#include "unit.h"

struct fixture {
	struct arena *arena;
	struct plan plan;
	struct env *env;
	struct launch_signals signals;
	struct runcheck check;
	struct err err;
	struct err_list errors;
};

static int setup(void **state)
{
	static struct fixture fixture;
	static char given[][32] = {"PATH=/usr/bin:/bin", "SECRET=hush-hush", "GIVEN=yes"};
	static char *list[] = {given[0], given[1], given[2], NULL};
	struct plan_var *var;

	memset(&fixture, 0, sizeof(fixture));
	*state = &fixture;
	fixture.arena = arena_new(1 << 20);
	if (fixture.arena == NULL)
		return -1;
	config_empty(fixture.arena, &fixture.plan);
	var = arena_alloc(fixture.arena, sizeof(*var));
	*var = (struct plan_var){.name = "SECRET", .place = {"husk.yaml", 3, 3}, .secret = true};
	fixture.plan.vars = var;
	fixture.plan.var_count = 1;
	if (env_compose(&fixture.plan, list, &fixture.env, &fixture.errors) < 0)
		return -1;
	fixture.check = (struct runcheck){
		.arena = fixture.arena, .env = fixture.env, .signals = &fixture.signals};
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	/* No child is left, running or dead. */
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
		return -1;
	arena_free(f->arena);
	return 0;
}

static int sh(struct fixture *f, const char *script)
{
	char name[] = "sh";
	char option[] = "-c";
	char *text = arena_strdup(f->arena, script);
	char *argv[] = {name, option, text, NULL};

	err_clear(&f->err);
	return runcheck_run(&f->check, argv, &f->err);
}

static void test_runcheck_success_says_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sh(f, "echo noise; test \"$GIVEN\" = yes"), 0);
	assert_string_equal(f->err.message, "");
}

static void test_runcheck_failure_gives_last_words(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sh(f, "echo one; echo two >&2; exit 3"), -1);
	assert_int_equal(f->err.code, ERR_CONFIG);
	assert_string_equal(f->err.message, "sh: status 3: one two");
	assert_int_equal(sh(f, "exit 4"), -1);
	assert_string_equal(f->err.message, "sh: status 4");
	assert_int_equal(sh(f, "kill -SEGV $$"), -1);
	assert_string_equal(f->err.message, "sh: killed by SIGSEGV");
}

static void test_runcheck_long_output_cut_at_a_line(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sh(f, "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line-$i; done; "
			       "exit 1"),
		-1);
	assert_non_null(strstr(f->err.message, "line-2999 line-3000"));
	assert_null(strstr(f->err.message, "line-1 "));
	assert_true(strlen(f->err.message) < 700);
	assert_memory_equal(f->err.message, "sh: status 1: line-", 19);
}

static void test_runcheck_secret_masked(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sh(f, "echo \"<$SECRET><$SECRET\"; exit 1"), -1);
	assert_string_equal(f->err.message, "sh: status 1: <***><***");
}

/* One line of many, a half, other forms: SECRET is hush-hush. */
static void test_runcheck_piece_of_a_secret_masked(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sh(f, "echo '<ush-hus>' hush-h hush; exit 1"), -1);
	assert_string_equal(f->err.message, "sh: status 1: <***> *** hush");
	assert_int_equal(sh(f, "echo HUSH-HUSHUSH; printf %s $SECRET | base64; exit 1"), -1);
	assert_string_equal(f->err.message, "sh: status 1: ***USH ***");
}

static void test_runcheck_input_is_empty(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sh(f, "! read line"), 0);
}

static void test_runcheck_late_check_killed(void **state)
{
	struct fixture *f = *state;

	f->check.limit = 20000000;
	assert_int_equal(sh(f, "trap '' TERM; while :; do sleep 1000; done"), -1);
	assert_non_null(strstr(f->err.message, "was killed"));
}

static void test_runcheck_background_process_ended(void **state)
{
	struct fixture *f = *state;
	char byte;
	char script[64];
	int fds[2];

	/* The pipe ends when the last process of the check has. */
	assert_int_equal(pipe(fds), 0);
	snprintf(script, sizeof(script), "sleep 1000 & exit 0");
	assert_int_equal(sh(f, script), 0);
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
}

static void test_runcheck_missing_program_explained(void **state)
{
	struct fixture *f = *state;
	char name[] = "/nowhere/checker";
	char *argv[] = {name, NULL};

	assert_int_equal(runcheck_run(&f->check, argv, &f->err), -1);
	assert_non_null(strstr(f->err.message, "/nowhere/checker"));
	name[0] = 'x';
	argv[0] = name + 10;
	assert_int_equal(runcheck_run(&f->check, argv, &f->err), -1);
	assert_int_equal(f->err.code, ERR_NOT_FOUND);
}

static void test_runcheck_pending_stop_ends_it(void **state)
{
	struct fixture *f = *state;
	struct sys_sigset term = {.bits = UINT64_C(1) << (SIGTERM - 1)};
	struct sys_sigset old;
	int result;

	assert_int_equal(sys_sigmask(SIG_BLOCK, &term, &old), 0);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	result = sh(f, "while :; do sleep 1000; done");
	assert_int_equal(sys_sigtake(&term), SIGTERM);
	assert_int_equal(sys_sigmask(SIG_SETMASK, &old, NULL), 0);
	assert_int_equal(result, -1);
	assert_non_null(strstr(f->err.message, "ended by SIGTERM"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_runcheck_success_says_nothing),
		TEST(test_runcheck_failure_gives_last_words),
		TEST(test_runcheck_long_output_cut_at_a_line),
		TEST(test_runcheck_secret_masked),
		TEST(test_runcheck_piece_of_a_secret_masked),
		TEST(test_runcheck_input_is_empty),
		TEST(test_runcheck_late_check_killed),
		TEST(test_runcheck_background_process_ended),
		TEST(test_runcheck_missing_program_explained),
		TEST(test_runcheck_pending_stop_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
