#include "unit/unit.h"

#include "base/buf.h"

UNIT_MEMORY

static void test_append_all_forms_content_in_order(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 1000);
	assert_int_equal(buf_append(&buf, "a\0b", 3), 0);
	assert_int_equal(buf_append_str(&buf, STR("cd")), 0);
	assert_int_equal(buf_append_cstr(&buf, "ef"), 0);
	assert_int_equal(buf_append_char(&buf, 'g'), 0);
	assert_int_equal(buf_appendf(&buf, "%d-%s", 7, "x"), 0);
	assert_int_equal(buf.len, 11);
	assert_memory_equal(buf_cstr(&buf), "a\0bcdefg7-x", 12);
	assert_true(str_eq(buf_str(&buf), (struct str){"a\0bcdefg7-x", 11}));
	buf_fini(&buf);
}

static void test_append_nothing_to_empty_no_memory(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 10);
	assert_int_equal(buf_append(&buf, NULL, 0), 0);
	assert_null(buf.data);
	assert_non_null(buf_str(&buf).data);
	assert_string_equal(buf_cstr(&buf), "");
	buf_fini(&buf);
}

static void test_append_to_max_served_one_more_refused(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 10);
	assert_int_equal(buf_append_cstr(&buf, "0123456789"), 0);
	assert_string_equal(buf_cstr(&buf), "0123456789");
	assert_int_equal(buf_append_char(&buf, 'x'), -1);
	assert_true(buf.failed);
	assert_null(buf_cstr(&buf));
	assert_int_equal(buf.len, 10);
	buf_reset(&buf);
	assert_false(buf.failed);
	assert_int_equal(buf_append_cstr(&buf, "new"), 0);
	assert_string_equal(buf_cstr(&buf), "new");
	buf_fini(&buf);
}

static void test_appendf_to_max_served_one_more_refused(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 5);
	assert_int_equal(buf_appendf(&buf, "%s", "12345"), 0);
	assert_int_equal(buf.len, 5);
	assert_int_equal(buf_appendf(&buf, "%d", 6), -1);
	assert_true(buf.failed);
	assert_memory_equal(buf.data, "12345", 5);
	buf_fini(&buf);
}

static void test_append_absurd_length_refused(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, SIZE_MAX);
	assert_int_equal(buf_append_char(&buf, 'x'), 0);
	assert_int_equal(buf_append(&buf, "y", SIZE_MAX), -1);
	assert_int_equal(buf.len, 1);
	buf_fini(&buf);
}

static void test_append_many_grows_content_kept(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 1 << 20);
	for (unsigned i = 0; i < 100000; i++)
		(void)buf_append_char(&buf, (char)('a' + i % 26));
	assert_false(buf.failed);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(buf.data[i], 'a' + i % 26);
	buf_fini(&buf);
}

static void test_append_out_of_memory_content_kept(void **state)
{
	static const char large[1000] = "x";
	struct buf buf;

	(void)state;
	buf_init(&buf, 1 << 20);
	assert_int_equal(buf_append_cstr(&buf, "kept"), 0);
	unit_memory_left = 0;
	assert_int_equal(buf_append(&buf, large, sizeof(large)), -1);
	assert_int_equal(buf_appendf(&buf, "%*d", 1000, 1), -1);
	unit_memory_left = -1;
	assert_true(buf.failed);
	assert_null(buf_cstr(&buf));
	assert_int_equal(buf.len, 4);
	assert_memory_equal(buf.data, "kept", 4);
	buf_fini(&buf);
	unit_memory_left = 0;
	assert_null(buf_cstr(&buf));
	assert_true(buf.failed);
	unit_memory_left = -1;
	buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_all_forms_content_in_order),
		cmocka_unit_test(test_append_nothing_to_empty_no_memory),
		cmocka_unit_test(test_append_to_max_served_one_more_refused),
		cmocka_unit_test(test_appendf_to_max_served_one_more_refused),
		cmocka_unit_test(test_append_absurd_length_refused),
		cmocka_unit_test(test_append_many_grows_content_kept),
		cmocka_unit_test(test_append_out_of_memory_content_kept),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
