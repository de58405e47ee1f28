/* Command lines and environment variables of tini, dumb-init and catatonit, right and wrong. */
#include "compat/record.h"

/* Rows: the words and, or not, a variable. Every difference is shown. */
static void compare_rows(
	void **state, const char *name, const char *const rows[][2], size_t count, bool ordinary)
{
	bool same = true;

	for (size_t i = 0; i < count; i++) {
		const struct record_case record_case = {.words = rows[i][0],
			.environment = rows[i][1],
			.options = {.same_namespace = ordinary}};

		same &= record_is_same(*state, name, &record_case);
	}
	assert_true(same);
}

static void compare_all(void **state, const char *name, const char *const rows[][2], size_t count)
{
	compare_rows(state, name, rows, count, false);
}

/* The same, but not as PID 1. */
static void compare_ordinary(
	void **state, const char *name, const char *const rows[][2], size_t count)
{
	compare_rows(state, name, rows, count, true);
}

static const char *const tini_usage[][2] = {
	{""},
	{"-h"},
	{"--"},
	{"-z"},
	{"-z % exit-n 0"},
	{"-e"},
	{"-p"},
	{"-e x % exit-n 0"},
	{"-e 256 % exit-n 0"},
	{"-e -1 % exit-n 0"},
	{"-e 3x % exit-n 0"},
	{"-p KILL % exit-n 0"},
	{"-p sigkill % exit-n 0"},
	{"-p SIGFOO % exit-n 0"},
	{"-p 9 % exit-n 0"},
	{"--version"},
	{"--version % exit-n 0"},
	{"-- --version"},
	{"--vers"},
	{"-v -h"},
	{"-hz"},
	{"% -c exit-n 0"},
};

static const char *const tini_run[][2] = {
	{"% exit-n 0"},
	{"% exit-n 3"},
	{"% exit-n 255"},
	{"% raise 9"},
	{"% raise 11"},
	{"% raise 15"},
	{"-- % exit-n 3"},
	{"-- -- % exit-n 3"},
	{"% -- exit-n 3"},
	{"% exit-n -v 3"},
	{"% exit-n 3 -- -v"},
	{"% exit-n -- -v", "POSIXLY_CORRECT="},
	{"% exit-n 3 -v", "POSIXLY_CORRECT="},
	{"-e 3 % exit-n 3"},
	{"-e3 % exit-n 3"},
	{"-e 3 % exit-n 4"},
	{"-e 3 -e 143 -e 255 % raise 15"},
	{"-e 3 -e 143 -e 255 % exit-n 255"},
	{"-e '' % exit-n 0"},
	{"-e 0 % exit-n 1"},
	{"-e 127 nosuch"},
	{"-s % exit-n 3"},
	{"-w % orphans 3 5"},
	{"-g % exit-n 3"},
	{"-sgv -p SIGTERM % exit-n 3"},
	{"-p SIGKILL -- % arguments -a b --c"},
	{"nosuch"},
	{"/nosuch/at/all"},
	{"/etc"},
	{"/etc/passwd"},
	{"/etc/passwd/x"},
	{"''"},
	{"-v % exit-n 3"},
	{"-vv % exit-n 3"},
	{"-vvv % exit-n 3"},
	{"-vvv -s % exit-n 3"},
	{"-vvv % raise 8"},
	{"% exit-n 3", "TINI_VERBOSITY=4"},
	{"-vvv % exit-n 3", "TINI_VERBOSITY=0"},
	{"-vvv % exit-n 3", "TINI_VERBOSITY=x"},
	{"% exit-n 3", "TINI_VERBOSITY=-1"},
	{"-w % orphans 3 5", "TINI_VERBOSITY=0"},
	{"% environment", "TINI_SUBREAPER="},
	{"% environment", "TINI_KILL_PROCESS_GROUP="},
};

/* Those that say more where tini is not PID 1. */
static const char *const tini_ordinary[][2] = {
	{"% exit-n 3"},
	{"-s % exit-n 3"},
	{"% exit-n 3", "TINI_SUBREAPER="},
	{"% exit-n 3", "TINI_VERBOSITY=0"},
	{"nosuch"},
	{"-s nosuch"},
	{"/etc"},
	{"-e 126 /etc"},
	{"-vvvs % exit-n 3"},
};

static void test_tini_usage_same(void **state)
{
	compare_all(state, "tini", tini_usage, COUNT(tini_usage));
}

static void test_tini_run_same(void **state)
{
	compare_all(state, "tini", tini_run, COUNT(tini_run));
}

static void test_tini_not_pid1_same(void **state)
{
	compare_ordinary(state, "tini", tini_ordinary, COUNT(tini_ordinary));
}

static void test_tini_static_and_docker_init_same(void **state)
{
	compare_all(state, "tini-static", tini_usage, 3);
	compare_all(state, "docker-init", tini_run, 3);
}

static const char *const dumb_init_usage[][2] = {
	{""},
	{"--"},
	{"-h"},
	{"--help"},
	{"--he"},
	{"-V"},
	{"--version"},
	{"--ver"},
	{"--v"},
	{"--help=x"},
	{"--yolo % exit-n 0"},
	{"-z % exit-n 0"},
	{"-r"},
	{"--rewrite"},
	{"-r '' % exit-n 0"},
	{"-r x % exit-n 0"},
	{"-r 15 % exit-n 0"},
	{"-r 15: % exit-n 0"},
	{"-r 15::3 % exit-n 0"},
	{"-r 15:x % exit-n 0"},
	{"-r 0:3 % exit-n 0"},
	{"-r 32:3 % exit-n 0"},
	{"-r 3:32 % exit-n 0"},
	{"-r 3:-1 % exit-n 0"},
	{"-r TERM:QUIT % exit-n 0"},
	{"-r 15:3 -r % exit-n 0"},
	{"", "DUMB_INIT_DEBUG=1"},
};

static const char *const dumb_init_run[][2] = {
	{"% exit-n 0"},
	{"% exit-n 3"},
	{"% exit-n 255"},
	{"% raise 9"},
	{"% raise 15"},
	{"-- % exit-n 3"},
	{"% exit-n 3 -v"},
	{"% arguments -v -- --help -r"},
	{"-c % exit-n 3"},
	{"--single-child % exit-n 3"},
	{"--sin -- % exit-n 3"},
	{"-r 15:3x % exit-n 3"},
	{"-r15:3 % exit-n 3"},
	{"--rewrite=15:3 % exit-n 3"},
	{"nosuch"},
	{"-c nosuch"},
	{"/nosuch/at/all"},
	{"/etc"},
	{"/etc/passwd"},
	{"''"},
	{"-v % exit-n 3"},
	{"-vc % exit-n 3"},
	{"--verbose % raise 8"},
	{"-v -r 15:3 % exit-n 3"},
	{"-v -r 15:0 % exit-n 3"},
	{"-vc -r 15:3 % exit-n 3"},
	{"% exit-n 3", "DUMB_INIT_DEBUG=1"},
	{"% exit-n 3", "DUMB_INIT_DEBUG=0"},
	{"% exit-n 3", "DUMB_INIT_DEBUG=yes"},
	{"-v % exit-n 3", "DUMB_INIT_SETSID=0"},
	{"-v % exit-n 3", "DUMB_INIT_SETSID=1"},
	{"% environment", "DUMB_INIT_SETSID=0"},
};

static void test_dumb_init_usage_same(void **state)
{
	compare_all(state, "dumb-init", dumb_init_usage, COUNT(dumb_init_usage));
}

static void test_dumb_init_run_same(void **state)
{
	compare_all(state, "dumb-init", dumb_init_run, COUNT(dumb_init_run));
}

static void test_dumb_init_not_pid1_same(void **state)
{
	compare_ordinary(state, "dumb-init", dumb_init_run, COUNT(dumb_init_run));
}

static const char *const catatonit_usage[][2] = {
	{""},
	{"--"},
	{"-h"},
	{"-V"},
	{"--version"},
	{"--v"},
	{"--version=1"},
	{"-z % exit-n 0"},
	{"--foo % exit-n 0"},
	{"-g"},
	{"% exit-n 0", "CATATONIT_LOG=debug"},
	{"-V", "CATATONIT_LOG="},
};

static const char *const catatonit_run[][2] = {
	{"% exit-n 0"},
	{"% exit-n 3"},
	{"% exit-n 255"},
	{"% raise 9"},
	{"% raise 15"},
	{"-- % exit-n 3"},
	{"-g -- % exit-n 3"},
	{"% exit-n 3 -g"},
	{"% exit-n 3 -z"},
	{"-- % arguments -z"},
	{"nosuch"},
	{"/nosuch/at/all"},
	{"/etc"},
	{"/etc/passwd"},
	{"''"},
	{"% environment", "LISTEN_PID=4711"},
	{"% environment", "CATATONIT_DEBUG="},
	{"% state", "LISTEN_PID=1"},
};

static void test_catatonit_usage_same(void **state)
{
	compare_all(state, "catatonit", catatonit_usage, COUNT(catatonit_usage));
}

static void test_catatonit_run_same(void **state)
{
	compare_all(state, "catatonit", catatonit_run, COUNT(catatonit_run));
}

static void test_catatonit_not_pid1_same(void **state)
{
	compare_ordinary(state, "catatonit", catatonit_run, COUNT(catatonit_run));
}

static void test_podman_init_same(void **state)
{
	compare_all(state, "podman-init", catatonit_usage, 3);
	compare_all(state, "podman-init", catatonit_run, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pid1_set_up, pid1_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_tini_usage_same),
		TEST(test_tini_run_same),
		TEST(test_tini_not_pid1_same),
		TEST(test_tini_static_and_docker_init_same),
		TEST(test_dumb_init_usage_same),
		TEST(test_dumb_init_run_same),
		TEST(test_dumb_init_not_pid1_same),
		TEST(test_catatonit_usage_same),
		TEST(test_catatonit_run_same),
		TEST(test_catatonit_not_pid1_same),
		TEST(test_podman_init_same),
	};

	return cmocka_run_group_tests(tests, record_set_up, record_tear_down);
}
