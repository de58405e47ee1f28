#include "unit/unit.h"

#include <signal.h>

#include "base/signal_name.h"

static void test_number_known_spellings_found(void **state)
{
	static const struct {
		const char *name;
		int number;
	} cases[] = {
		{"TERM", SIGTERM},
		{"SIGTERM", SIGTERM},
		{"sigterm", SIGTERM},
		{"Quit", SIGQUIT},
		{"15", 15},
		{"1", 1},
		{"64", 64},
		{"32", 32},
		{"RTMIN", 34},
		{"SIGRTMIN+3", 37},
		{"rtmin+30", 64},
		{"RTMAX", 64},
		{"RTMAX-2", 62},
		{"RTMAX-30", 34},
		{"CLD", SIGCHLD},
		{"IOT", SIGABRT},
		{"POLL", SIGIO},
		{"WINCH", SIGWINCH},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(signal_number(str_from(cases[i].name)), cases[i].number);
}

static void test_number_unknown_refused(void **state)
{
	static const char *const cases[] = {"", "0", "65", "-1", "SIG", "SIGSIGTERM", "SIG15",
		"TERMX", "TER", "RTMIN+31", "RTMIN-1", "RTMAX+1", "RTMIN+", "RTMIN3", "RT", " TERM",
		"99999999999999999999"};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(signal_number(str_from(cases[i])), -1);
}

static void test_name_every_number_reads_back(void **state)
{
	char name[SIGNAL_NAME_MAX];

	(void)state;
	for (int number = 1; number <= 64; number++) {
		assert_ptr_equal(signal_name(number, name), name);
		if (number != 32 && number != 33)
			assert_int_equal(signal_number(str_from(name)), number);
	}
	assert_string_equal(signal_name(SIGTERM, name), "SIGTERM");
	assert_string_equal(signal_name(34, name), "SIGRTMIN");
	assert_string_equal(signal_name(37, name), "SIGRTMIN+3");
	assert_string_equal(signal_name(33, name), "signal 33");
	assert_string_equal(signal_name(99, name), "signal 99");
	assert_string_equal(signal_name(INT32_MIN, name), "signal -2147483648");
}

static void test_parse_unknown_suggestion_spelt_as_asked(void **state)
{
	static const struct {
		const char *name;
		const char *message;
	} cases[] = {
		{"SIGQIUT", "unknown signal \"SIGQIUT\" (did you mean SIGQUIT?)"},
		{"QIUT", "unknown signal \"QIUT\" (did you mean QUIT?)"},
		{"sigtrem", "unknown signal \"sigtrem\" (did you mean SIGTERM?)"},
		{"nonsense", "unknown signal \"nonsense\" (known: names such as TERM, RTMIN+1, and "
			     "numbers from 1 to 64)"},
		{"", "unknown signal \"\" (known: names such as TERM, RTMIN+1, and numbers from "
		     "1 to 64)"},
	};
	struct err err;
	int number;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(signal_parse(str_from(cases[i].name), &number, &err), -1);
		assert_string_equal(err.message, cases[i].message);
	}
	assert_int_equal(signal_parse(STR("quit"), &number, &err), 0);
	assert_int_equal(number, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number_known_spellings_found),
		cmocka_unit_test(test_number_unknown_refused),
		cmocka_unit_test(test_name_every_number_reads_back),
		cmocka_unit_test(test_parse_unknown_suggestion_spelt_as_asked),
	};

	return cmocka_run_group_tests_name("signal_name", tests, NULL, NULL);
}
