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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit_is_the_programs_own),
		cmocka_unit_test(test_signal_passed_is_right_unpassed_is_wrong),
		cmocka_unit_test(test_out_of_memory_limit_as_it_was_set),
		cmocka_unit_test(test_exec_failed_is_explained),
		cmocka_unit_test(test_given_up_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
