#include "unit/unit.h"

#include "base/log.h"
#include "cmd/cmd.h"

static struct unit_capture out, error;

/* The exit status; what was written is in out.text and error.text. */
static int called(char *const *words)
{
	char *argv[8];
	int argc = 0, status;

	/* main's argv is its own to change. */
	for (; words[argc] != NULL; argc++)
		argv[argc] = words[argc];
	argv[argc] = NULL;
	log_init("husk");
	unit_capture_begin(&out, 1);
	unit_capture_begin(&error, 2);
	status = cmd_dispatch(argc, argv);
	(void)unit_capture_end(&error);
	(void)unit_capture_end(&out);
	return status;
}

#define CALLED(...) called((char *[]){__VA_ARGS__, NULL})

static void test_version_every_spelling(void **state)
{
	(void)state;
	assert_int_equal(CALLED("husk", "version"), 0);
	assert_string_equal(out.text, "husk " HUSK_VERSION "\n");
	assert_string_equal(error.text, "");
	assert_int_equal(CALLED("/sbin/init", "--version"), 0);
	assert_string_equal(out.text, "husk " HUSK_VERSION "\n");
}

static void test_help_every_command_listed(void **state)
{
	static char *const words[] = {"help", "--help", "-h"};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		assert_int_equal(CALLED("husk", words[i]), 0);
		assert_string_equal(error.text, "");
		for (const struct cmd *command = cmd_commands; command->name != NULL; command++) {
			char line[128];

			(void)snprintf(
				line, sizeof(line), "\n  %-12s%s\n", command->name, command->help);
			assert_non_null(strstr(out.text, line));
		}
	}
}

static void test_help_of_each_command_from_its_table(void **state)
{
	(void)state;
	for (const struct cmd *command = cmd_commands; command->name != NULL; command++) {
		char name[32], first[sizeof(out.text)];
		struct buf options;

		(void)snprintf(name, sizeof(name), "%s", command->name);
		assert_int_equal(CALLED("husk", "help", name), 0);
		(void)snprintf(first, sizeof(first), "usage: husk %s\n", command->synopsis);
		assert_memory_equal(out.text, first, strlen(first));
		buf_init(&options, 65536);
		assert_int_equal(opt_usage(command->options, &options), 0);
		assert_non_null(strstr(out.text, buf_cstr(&options)));
		buf_fini(&options);
		/* And so says the command itself. */
		memcpy(first, out.text, sizeof(first));
		assert_int_equal(CALLED("husk", name, "--help"), 0);
		assert_string_equal(out.text, first);
		assert_int_equal(CALLED("husk", name, "-h"), 0);
		assert_string_equal(out.text, first);
	}
}

static void test_help_unknown_command_suggested(void **state)
{
	(void)state;
	assert_int_equal(CALLED("husk", "help", "versoin"), 64);
	assert_string_equal(error.text, "husk: no command \"versoin\" (did you mean version?)\n");
	assert_int_equal(CALLED("husk", "help", "nginx"), 64);
	assert_string_equal(error.text, "husk: no command \"nginx\"\n");
	assert_int_equal(CALLED("husk", "help", "--al"), 64);
	assert_string_equal(out.text, "");
}

static void test_word_that_is_no_command_refused(void **state)
{
	(void)state;
	assert_int_equal(CALLED("husk", "versoin"), 64);
	assert_string_equal(error.text, "husk: no command \"versoin\" (did you mean version? to "
					"run a program: husk -- versoin)\n");
	assert_int_equal(CALLED("/usr/bin/husk-0.1", "nginx", "-g"), 64);
	assert_string_equal(
		error.text, "husk: no command \"nginx\" (to run a program: husk -- nginx)\n");
	assert_int_equal(CALLED("anything", ""), 64);
	assert_string_equal(error.text, "husk: no command \"\" (to run a program: husk -- )\n");
}

static void test_word_after_options_refused(void **state)
{
	(void)state;
	assert_int_equal(CALLED("husk", "-c", "absent.yaml", "check"), 64);
	assert_string_equal(
		error.text, "husk: the command \"check\" goes before the options: husk check\n");
	assert_int_equal(CALLED("husk", "-c", "absent.yaml", "nginx"), 64);
	assert_string_equal(
		error.text, "husk: unexpected word \"nginx\" (to run a program: husk -- nginx)\n");
}

static void test_command_options_unknown_refused(void **state)
{
	(void)state;
	assert_int_equal(CALLED("husk", "version", "-x"), 64);
	assert_string_equal(error.text, "husk: unknown option -x\n");
	assert_string_equal(out.text, "");
}

static void test_log_variables_wrong_refused(void **state)
{
	(void)state;
	assert_int_equal(setenv("HUSK_LOG", "loud", 1), 0);
	assert_int_equal(CALLED("husk", "version"), 78);
	assert_string_equal(error.text, "husk: HUSK_LOG: unknown value \"loud\" (known: error, "
					"warn, info, debug)\n");
	/* Help is to be had in any case. */
	assert_int_equal(CALLED("husk", "--help"), 0);
	assert_int_equal(unsetenv("HUSK_LOG"), 0);
	assert_int_equal(setenv("HUSK_LOG_FORMAT", "json", 1), 0);
	assert_int_equal(CALLED("husk", "versoin"), 64);
	assert_int_equal(error.text[0], '{');
	assert_int_equal(unsetenv("HUSK_LOG_FORMAT"), 0);
}

static void test_nothing_to_run_usage_on_standard_error(void **state)
{
	(void)state;
	log_init("husk");
	unit_capture_begin(&error, 2);
	assert_int_equal(cmd_nothing_to_run(NULL), 64);
	(void)unit_capture_end(&error);
	assert_non_null(strstr(error.text, "and there is no configuration\n"));
	assert_non_null(strstr(error.text, "husk -- PROGRAM"));
	/* One write that a pipe takes whole. */
	assert_true(strlen(error.text) < 4096);
	unit_capture_begin(&error, 2);
	assert_int_equal(cmd_nothing_to_run("a.yaml"), 64);
	(void)unit_capture_end(&error);
	assert_non_null(strstr(error.text, "and a.yaml has no services\n"));
}

static void test_find_commands_only(void **state)
{
	(void)state;
	assert_string_equal(cmd_find("version")->name, "version");
	assert_null(cmd_find("Version"));
	assert_null(cmd_find(""));
}

static void test_fail_list_all_written_first_status(void **state)
{
	static struct err_list errors;

	(void)state;
	for (unsigned i = 0; i < ERR_LIST_MAX + 2; i++) {
		struct err *err = err_list_add(&errors);

		if (err != NULL)
			err_set_at(err, ERR_CONFIG, "f", i + 1, 1, "bad");
	}
	log_init("husk");
	unit_capture_begin(&error, 2);
	assert_int_equal(cmd_fail_list(&errors), 78);
	(void)unit_capture_end(&error);
	assert_non_null(strstr(error.text, "husk: f:1:1: bad\nhusk: f:2:1: bad\n"));
	assert_non_null(strstr(error.text, "husk: f:20:1: bad\nhusk: and 2 more errors\n"));
}

static void test_print_incomplete_text_refused(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 3);
	(void)buf_append_cstr(&text, "abcd");
	log_init("husk");
	unit_capture_begin(&error, 2);
	assert_int_equal(cmd_print(&text), 70);
	(void)unit_capture_end(&error);
	assert_string_equal(error.text, "husk: out of memory\n");
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_every_spelling),
		cmocka_unit_test(test_help_every_command_listed),
		cmocka_unit_test(test_help_of_each_command_from_its_table),
		cmocka_unit_test(test_help_unknown_command_suggested),
		cmocka_unit_test(test_word_that_is_no_command_refused),
		cmocka_unit_test(test_word_after_options_refused),
		cmocka_unit_test(test_command_options_unknown_refused),
		cmocka_unit_test(test_log_variables_wrong_refused),
		cmocka_unit_test(test_nothing_to_run_usage_on_standard_error),
		cmocka_unit_test(test_find_commands_only),
		cmocka_unit_test(test_fail_list_all_written_first_status),
		cmocka_unit_test(test_print_incomplete_text_refused),
	};

	(void)unsetenv("HUSK_LOG");
	(void)unsetenv("HUSK_LOG_FORMAT");
	return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
