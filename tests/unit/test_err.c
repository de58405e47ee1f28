#include "unit/unit.h"

#include <errno.h>

#include "base/err.h"

static const char *formatted(const struct err *err)
{
	static char text[4096];
	size_t len = err_format(err, text, sizeof(text));

	assert_int_equal(len, strlen(text));
	return text;
}

static void test_set_everything_anew(void **state)
{
	struct err err;

	(void)state;
	memset(&err, 0xff, sizeof(err));
	assert_int_equal(err_set(&err, ERR_USAGE, "no %s", "way"), -1);
	assert_int_equal(err.code, 64);
	assert_int_equal(err.errnum, 0);
	assert_string_equal(formatted(&err), "no way");
}

static void test_set_null_accepted(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_USAGE, "x"), -1);
	assert_int_equal(err_set_errno(NULL, ERR_USAGE, ENOENT, "x"), -1);
	assert_int_equal(err_set_at(NULL, ERR_USAGE, "f", 1, 1, "x"), -1);
	assert_int_equal(err_wrap(NULL, "x"), -1);
	assert_int_equal(err_nomem(NULL), -1);
	err_locate(NULL, "f", STR("x"), 0);
	err_clear(NULL);
}

static void test_set_from_own_message_kept(void **state)
{
	struct err err;

	(void)state;
	err_set_at(&err, ERR_CONFIG, "file", 1, 2, "inner");
	err_set_at(&err, ERR_CONFIG, err.file, 3, 4, "outer: %s", err.message);
	assert_string_equal(formatted(&err), "file:3:4: outer: inner");
}

static void test_set_errno_text_appended(void **state)
{
	struct err err;

	(void)state;
	err_set_errno(&err, ERR_CONFIG, ENOENT, "cannot open %s", "x");
	assert_int_equal(err.errnum, ENOENT);
	assert_string_equal(formatted(&err), "cannot open x: No such file or directory");
}

static void test_set_too_long_cut(void **state)
{
	struct err err;
	char text[3000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set_at(&err, ERR_CONFIG, text, 1, 1, "%s", text);
	assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
	assert_int_equal(strlen(err.file), ERR_FILE_MAX - 1);
	err_set_errno(&err, ERR_CONFIG, ENOENT, "%s", text);
	assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
	err_wrap(&err, "%s", text);
	assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
}

static void test_wrap_context_before_place_kept(void **state)
{
	struct err err;

	(void)state;
	err_set_at(&err, ERR_CONFIG, "a.yaml", 12, 5, "unknown signal");
	assert_int_equal(err_wrap(&err, "services.%s", "nginx"), -1);
	assert_string_equal(formatted(&err), "a.yaml:12:5: services.nginx: unknown signal");
	assert_int_equal(err.code, ERR_CONFIG);
}

static void test_format_line_without_column_no_column(void **state)
{
	struct err err;

	(void)state;
	err_set_at(&err, ERR_CONFIG, "f", 3, 0, "m");
	assert_string_equal(formatted(&err), "f:3: m");
	err_set_at(&err, ERR_CONFIG, "f", 0, 0, "m");
	assert_string_equal(formatted(&err), "f: m");
	err_set_at(&err, ERR_CONFIG, NULL, 0, 0, "m");
	assert_string_equal(formatted(&err), "m");
}

static void test_format_controls_escaped(void **state)
{
	struct err err;

	(void)state;
	err_set_at(&err, ERR_CONFIG, "a\nb", 1, 1, "x\033[1m \xff \xc2\x9b \xc3\xa9");
	assert_string_equal(formatted(&err), "a\\x0Ab:1:1: x\\x1B[1m \\xFF \\xC2\\x9B \xc3\xa9");
}

static void test_format_small_output_never_overrun(void **state)
{
	struct err err;
	char out[64];

	(void)state;
	err_set_at(&err, ERR_CONFIG, "file", 1, 2, "a message");
	assert_int_equal(err_format(&err, out, 0), 0);
	for (size_t size = 1; size <= sizeof(out); size++) {
		memset(out, 'Z', sizeof(out));
		assert_true(err_format(&err, out, size) < size);
		assert_true(strlen(out) < size);
		for (size_t i = size; i < sizeof(out); i++)
			assert_int_equal(out[i], 'Z');
	}
}

static void test_locate_line_column_and_caret(void **state)
{
	struct err err;
	struct str text = STR("first\n\tsecond é here\r\nthird");

	(void)state;
	err_set(&err, ERR_CONFIG, "bad");
	err_locate(&err, "t", text, 17);
	assert_int_equal(err.line, 2);
	assert_int_equal(err.column, 12);
	assert_string_equal(formatted(&err), "t:2:12: bad\n   second é here\n            ^");
	assert_string_equal(err.source + err.caret - 1, "here");
}

static void test_locate_ends_of_text_in_bounds(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, ERR_CONFIG, "bad");
	err_locate(&err, "t", STR("ab\n"), 3);
	assert_int_equal(err.line, 2);
	assert_int_equal(err.column, 1);
	assert_string_equal(formatted(&err), "t:2:1: bad");
	err_locate(&err, "t", STR("ab"), 2);
	assert_string_equal(formatted(&err), "t:1:3: bad\n  ab\n    ^");
	err_locate(&err, "t", STR("ab"), 1000);
	assert_int_equal(err.column, 3);
	err_locate(&err, "t", STR(""), 0);
	assert_string_equal(formatted(&err), "t:1:1: bad");
}

/* Whatever the line, the caret is under the byte that was meant, and no character is cut. */
static void test_locate_long_lines_caret_stays_right(void **state)
{
	char text[900];
	struct err err;

	(void)state;
	for (unsigned i = 0; i < sizeof(text); i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	for (size_t offset = 0; offset < sizeof(text); offset += 3) {
		err_set(&err, ERR_CONFIG, "bad");
		err_locate(&err, "t", (struct str){text, sizeof(text)}, offset);
		assert_int_equal(err.column, offset + 1);
		assert_true(str_is_utf8(str_from(err.source)));
		assert_memory_equal(err.source + err.caret - 1, "\xe2\x82\xac", 3);
		assert_null(strstr(formatted(&err), "\\x"));
	}
}

/* No byte of it begins a character. */
static void test_locate_long_line_of_broken_text_caret_stays_right(void **state)
{
	char text[900];
	struct err err;

	(void)state;
	memset(text, 0x80, sizeof(text));
	for (size_t offset = 0; offset < sizeof(text); offset++) {
		err_set(&err, ERR_CONFIG, "bad");
		err_locate(&err, "t", (struct str){text, sizeof(text)}, offset);
		assert_in_range(err.caret, 1, strlen(err.source));
	}
}

static void test_list_over_max_counted(void **state)
{
	static struct err_list list;

	(void)state;
	for (unsigned i = 0; i < ERR_LIST_MAX; i++) {
		struct err *err = err_list_add(&list);

		assert_non_null(err);
		err_set(err, ERR_CONFIG, "%u", i);
	}
	assert_null(err_list_add(&list));
	assert_null(err_list_add(&list));
	assert_int_equal(list.count, ERR_LIST_MAX);
	assert_int_equal(list.dropped, 2);
	assert_string_equal(list.errs[19].message, "19");
}

static void test_suggest_nearest_or_all(void **state)
{
	static const char *const known[] = {"json", "text", NULL};
	struct err err;

	(void)state;
	err_set(&err, ERR_CONFIG, "unknown");
	assert_int_equal(err_suggest(&err, STR("jsn"), known), -1);
	assert_string_equal(err.message, "unknown (did you mean json?)");
	err_set(&err, ERR_CONFIG, "unknown");
	assert_int_equal(err_suggest(&err, STR("xml"), known), -1);
	assert_string_equal(err.message, "unknown (known: json, text)");
	err_set(&err, ERR_CONFIG, "unknown");
	assert_int_equal(err_suggest(&err, STR("xml"), known + 2), -1);
	assert_string_equal(err.message, "unknown");
	assert_int_equal(err_suggest(NULL, STR("xml"), known), -1);
}

static void test_append_full_message_cut(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, ERR_CONFIG, "%0*d", ERR_MESSAGE_MAX - 3, 0);
	assert_int_equal(err_append(&err, "abc"), -1);
	assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
	assert_int_equal(err_append(&err, "more"), -1);
	assert_string_equal(err.message + ERR_MESSAGE_MAX - 3, "ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_everything_anew),
		cmocka_unit_test(test_set_null_accepted),
		cmocka_unit_test(test_set_from_own_message_kept),
		cmocka_unit_test(test_set_errno_text_appended),
		cmocka_unit_test(test_set_too_long_cut),
		cmocka_unit_test(test_wrap_context_before_place_kept),
		cmocka_unit_test(test_format_line_without_column_no_column),
		cmocka_unit_test(test_format_controls_escaped),
		cmocka_unit_test(test_format_small_output_never_overrun),
		cmocka_unit_test(test_locate_line_column_and_caret),
		cmocka_unit_test(test_locate_ends_of_text_in_bounds),
		cmocka_unit_test(test_locate_long_lines_caret_stays_right),
		cmocka_unit_test(test_locate_long_line_of_broken_text_caret_stays_right),
		cmocka_unit_test(test_list_over_max_counted),
		cmocka_unit_test(test_suggest_nearest_or_all),
		cmocka_unit_test(test_append_full_message_cut),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
