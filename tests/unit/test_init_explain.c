#include "unit/unit.h"

#include <errno.h>
#include <signal.h>

#include "init/init.h"

static const struct init_service service = {.spec = {.name = "php-fpm", .path = "/no/php-fpm"}};
static struct err err;

static void expect(struct init_end end, bool wrong, const char *message)
{
	end.service = &service;
	err_clear(&err);
	assert_int_equal(init_explain(&end, &err), wrong);
	assert_string_equal(err.message, message);
	assert_int_equal(err.code, end.status);
}

static void test_exit_is_the_programs_own(void **state)
{
	(void)state;
	expect((struct init_end){.status = 3, .cause = INIT_EXITED, .wait_status = 3 << 8}, false,
		"php-fpm: exited with status 3");
	/* A status that a policy has mapped is named as it was. */
	expect((struct init_end){.status = 0, .cause = INIT_EXITED, .wait_status = 9 << 8}, false,
		"php-fpm: exited with status 9");
}

static void test_signal_passed_is_right_unpassed_is_wrong(void **state)
{
	struct init_end end = {.status = 143, .cause = INIT_SIGNALLED, .wait_status = SIGTERM};

	(void)state;
	expect(end, true, "php-fpm: killed by SIGTERM");
	end.expected = true;
	expect(end, false, "php-fpm: killed by SIGTERM");
	end.wait_status = SIGSEGV | 0x80;
	end.status = 139;
	expect(end, false, "php-fpm: killed by SIGSEGV (core dumped)");
}

static void test_out_of_memory_limit_as_it_was_set(void **state)
{
	struct init_end end = {.status = 137, .cause = INIT_SIGNALLED, .wait_status = SIGKILL};

	(void)state;
	end.oom.killed = true;
	expect(end, true, "php-fpm: killed by SIGKILL (out of memory)");
	end.oom.limit = UINT64_C(512) << 20;
	expect(end, true, "php-fpm: killed by SIGKILL (out of memory: limit 512 MiB)");
	end.oom.limit = 1536 << 10;
	expect(end, true, "php-fpm: killed by SIGKILL (out of memory: limit 1536 KiB)");
	end.oom.limit = 1000001;
	expect(end, true, "php-fpm: killed by SIGKILL (out of memory: limit 1000001 bytes)");
}

static void test_exec_failed_is_explained(void **state)
{
	(void)state;
	expect((struct init_end){.status = 127,
		       .cause = INIT_EXEC_FAILED,
		       .failure = {.step = LAUNCH_EXEC, .errnum = ENOENT}},
		true, "cannot run /no/php-fpm: it does not exist");
}

static void test_given_up_is_said(void **state)
{
	(void)state;
	expect((struct init_end){.status = 137, .cause = INIT_GIVEN_UP}, true,
		"php-fpm: did not end even by SIGKILL (in an uninterruptible wait?)");
}

static void test_who_asked_for_the_stop_is_said(void **state)
{
	struct init_end end = {.status = 143,
		.cause = INIT_SIGNALLED,
		.wait_status = SIGTERM,
		.expected = true,
		.stop_signal = SIGTERM};

	(void)state;
	expect(end, false,
		"php-fpm: killed by SIGTERM; the container was asked to stop by SIGTERM");
	end.stop_signal = SIGINT;
	end.stop_pid = 7;
	expect(end, false,
		"php-fpm: killed by SIGTERM; "
		"the container was asked to stop by SIGINT from process 7");
	assert_false(init_explain(&(struct init_end){.stop_signal = SIGINT, .stop_pid = 7}, &err));
	assert_string_equal(err.message, "asked to stop by SIGINT from process 7");
	assert_false(init_explain(&(struct init_end){.status = 0}, &err));
	assert_string_equal(err.message, "asked to stop");
}

static void test_limit_of_one_restart_is_said(void **state)
{
	struct supervise_service rules = {
		.restart_limit = 1, .restart_window = 60 * INT64_C(1000000000)};
	struct init_service limited = {.spec = {.name = "php-fpm"}, .rules = &rules};
	struct init_end end = {.status = 3,
		.service = &limited,
		.cause = INIT_EXITED,
		.wait_status = 3 << 8,
		.limit = true};

	(void)state;
	assert_true(init_explain(&end, &err));
	assert_string_equal(err.message,
		"php-fpm: exited with status 3; started again 1 time in 60s: restart.limit is "
		"reached");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit_is_the_programs_own),
		cmocka_unit_test(test_signal_passed_is_right_unpassed_is_wrong),
		cmocka_unit_test(test_out_of_memory_limit_as_it_was_set),
		cmocka_unit_test(test_exec_failed_is_explained),
		cmocka_unit_test(test_given_up_is_said),
		cmocka_unit_test(test_who_asked_for_the_stop_is_said),
		cmocka_unit_test(test_limit_of_one_restart_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
