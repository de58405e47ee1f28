#include "unit/unit.h"

#include <fnmatch.h>

#include "base/str.h"

/* Small and the same everywhere: a property test's sequence never depends on the C library. */
static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

static void test_from_null_empty(void **state)
{
	(void)state;
	assert_int_equal(str_from(NULL).len, 0);
	assert_non_null(str_from(NULL).data);
	assert_int_equal(str_from("abc").len, 3);
}

static void test_eq_bytes_and_length_compared(void **state)
{
	(void)state;
	assert_true(str_eq(STR("a\0b"), STR("a\0b")));
	assert_false(str_eq(STR("a\0b"), STR("a\0c")));
	assert_false(str_eq(STR("a"), STR("ab")));
	assert_true(str_eq((struct str){NULL, 0}, STR("")));
	assert_true(str_eq_cstr(STR("ab"), "ab"));
	assert_false(str_eq_cstr(STR("ab\0"), "ab"));
	assert_true(str_eq_cstr(STR(""), NULL));
}

static void test_starts_ends_whole_and_longer_affix(void **state)
{
	(void)state;
	assert_true(str_starts(STR("abc"), STR("")));
	assert_true(str_starts(STR("abc"), STR("abc")));
	assert_false(str_starts(STR("abc"), STR("abcd")));
	assert_false(str_starts(STR("abc"), STR("b")));
	assert_true(str_ends(STR("abc"), STR("bc")));
	assert_true(str_ends(STR("abc"), STR("")));
	assert_false(str_ends(STR("abc"), STR("xabc")));
	assert_false(str_ends(STR("abc"), STR("b")));
}

static void test_sub_out_of_range_clamped(void **state)
{
	(void)state;
	assert_true(str_eq_cstr(str_sub(STR("abcdef"), 2, 3), "cde"));
	assert_true(str_eq_cstr(str_sub(STR("abcdef"), 4, SIZE_MAX), "ef"));
	assert_int_equal(str_sub(STR("abc"), 3, 1).len, 0);
	assert_int_equal(str_sub(STR("abc"), SIZE_MAX, SIZE_MAX).len, 0);
	assert_int_equal(str_sub((struct str){NULL, 0}, 1, 1).len, 0);
}

static void test_trim_every_space_of_the_c_locale(void **state)
{
	(void)state;
	assert_true(str_eq_cstr(str_trim(STR(" \t\r\n\v\fa b\f\v\n\r\t ")), "a b"));
	assert_int_equal(str_trim(STR(" \n ")).len, 0);
	assert_int_equal(str_trim(STR("")).len, 0);
	assert_true(str_eq_cstr(str_trim(STR("\xa0x\xa0")), "\xa0x\xa0"));
}

static void test_is_name_ascii_only(void **state)
{
	(void)state;
	assert_true(str_is_name(STR("A")));
	assert_true(str_is_name(STR("_")));
	assert_true(str_is_name(STR("a1_Z9")));
	assert_false(str_is_name(STR("")));
	assert_false(str_is_name(STR("1a")));
	assert_false(str_is_name(STR("a.b")));
	assert_false(str_is_name(STR("a-b")));
	assert_false(str_is_name(STR("caf\xc3\xa9")));
	assert_false(str_is_name(STR("a\0b")));
}

/* A decoder that says the same in another way: decode, then look at the number. */
static bool reference_utf8(const unsigned char *p, size_t len)
{
	size_t i = 0;

	while (i < len) {
		unsigned c = p[i];
		size_t more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		unsigned value = c < 0x80 ? c : c & (0x3fu >> more);

		if ((c >= 0x80 && c < 0xc0) || c >= 0xf8 || more >= len - i)
			return false;
		for (size_t k = 1; k <= more; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
			value = value << 6 | (p[i + k] & 0x3fu);
		}
		if ((more == 1 && value < 0x80) || (more == 2 && value < 0x800) ||
			(more == 3 && value < 0x10000) || value > 0x10ffff ||
			(value >= 0xd800 && value <= 0xdfff))
			return false;
		i += more + 1;
	}
	return true;
}

static void test_is_utf8_every_two_bytes_as_the_reference(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			char bytes[5] = {(char)a, (char)b, (char)0x80, (char)0xbf, 'x'};

			for (size_t len = 1; len <= 5; len++) {
				assert_int_equal(str_is_utf8((struct str){bytes, len}),
					reference_utf8((const unsigned char *)bytes, len));
			}
		}
	}
	assert_true(str_is_utf8(STR("")));
	assert_true(str_is_utf8(STR("a\0b")));
}

static void test_printable_controls_and_broken_zero(void **state)
{
	(void)state;
	assert_int_equal(str_printable(STR("a")), 1);
	assert_int_equal(str_printable(STR(" ")), 1);
	assert_int_equal(str_printable(STR("\xc3\xa9x")), 2);
	assert_int_equal(str_printable(STR("\xe2\x82\xac")), 3);
	assert_int_equal(str_printable(STR("\xf0\x9f\x98\x80")), 4);
	assert_int_equal(str_printable(STR("\xc2\xa0")), 2);
	assert_int_equal(str_printable(STR("\xc2\x9b")), 0);
	assert_int_equal(str_printable(STR("\xe2\x80\xa7")), 3);
	assert_int_equal(str_printable(STR("\xe2\x80\xa8")), 0);
	assert_int_equal(str_printable(STR("\xe2\x80\xae")), 0);
	assert_int_equal(str_printable(STR("\xe2\x80\xaf")), 3);
	assert_int_equal(str_printable(STR("\xe2\x80\x8f")), 0);
	assert_int_equal(str_printable(STR("\xe2\x81\xa6")), 0);
	assert_int_equal(str_printable(STR("\n")), 0);
	assert_int_equal(str_printable(STR("\0")), 0);
	assert_int_equal(str_printable(STR("\x7f")), 0);
	assert_int_equal(str_printable(STR("\xe2\x82")), 0);
	assert_int_equal(str_printable(STR("")), 0);
}

static void test_json_a_character_at_a_time(void **state)
{
	const struct {
		struct str text;
		const char *json;
		size_t taken;
	} rows[] = {
		{STR("ab"), "a", 1},
		{STR("\""), "\\\"", 1},
		{STR("\\"), "\\\\", 1},
		{STR("\0"), "\\u0000", 1},
		{STR("\x1f"), "\\u001f", 1},
		{STR("\x7f"), "\\u007f", 1},
		{STR("\xc3\xa9x"), "\xc3\xa9", 2},
		{STR("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80", 4},
		{STR("\xfe"), "\\\\xFE", 1},
		{STR("\xc2\x9b"), "\\\\xC2", 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[STR_JSON_MAX];
		size_t taken = 0, len = str_json(rows[i].text, out, &taken);

		assert_int_equal(len, strlen(rows[i].json));
		assert_memory_equal(out, rows[i].json, len);
		assert_int_equal(taken, rows[i].taken);
	}
}

static void test_glob_random_patterns_as_fnmatch(void **state)
{
	unsigned seed = 7;
	unsigned matched = 0;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		char pattern[8], text[8];
		size_t m = next_random(&seed) % 8, n = next_random(&seed) % 8;
		bool expected;

		for (size_t i = 0; i < m; i++)
			pattern[i] = "ab*?*"[next_random(&seed) % 5];
		for (size_t i = 0; i < n; i++)
			text[i] = "ab"[next_random(&seed) % 2];
		pattern[m < 8 ? m : 7] = text[n < 8 ? n : 7] = '\0';
		expected = fnmatch(pattern, text, FNM_NOESCAPE) == 0;
		matched += expected;
		assert_int_equal(str_glob(str_from(pattern), str_from(text)), expected);
	}
	assert_true(matched > 1000);
}

static void test_glob_other_metacharacters_plain(void **state)
{
	(void)state;
	assert_true(str_glob(STR("[a]\\"), STR("[a]\\")));
	assert_false(str_glob(STR("[a]"), STR("a")));
	assert_true(str_glob(STR("*"), STR("")));
	assert_true(str_glob(STR("PHP_*"), STR("PHP_")));
	assert_false(str_glob(STR(""), STR("a")));
	assert_true(str_glob(STR("a?c"), STR("a\0c")));
}

/* Backtracking of the naive kind would take years. */
static void test_glob_many_stars_quick(void **state)
{
	static char text[20000];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_false(str_glob(STR("a*a*a*a*a*a*a*a*a*a*b"), (struct str){text, sizeof(text)}));
}

static void test_nearest_usual_slips_found(void **state)
{
	static const char *const keys[] = {
		"command", "environment", "services", "stop", "cwd", "umask", NULL};

	(void)state;
	assert_string_equal(str_nearest(STR("comand"), keys), "command");
	assert_string_equal(str_nearest(STR("commnad"), keys), "command");
	assert_string_equal(str_nearest(STR("COMMAND"), keys), "command");
	assert_string_equal(str_nearest(STR("service"), keys), "services");
	assert_string_equal(str_nearest(STR("sotp"), keys), "stop");
	assert_string_equal(str_nearest(STR("cwx"), keys), "cwd");
	assert_null(str_nearest(STR("xyz"), keys));
	/* Two of four letters, two of six, three of eight. */
	assert_null(str_nearest(STR("xtox"), keys));
	assert_string_equal(str_nearest(STR("comxad"), keys), "command");
	assert_null(str_nearest(STR("xxxvices"), keys));
	assert_null(str_nearest(STR("c"), keys));
	assert_null(str_nearest(STR(""), keys));
	assert_null(str_nearest(STR("anything"), &keys[6]));
}

static void test_nearest_equally_near_first_wins(void **state)
{
	static const char *const keys[] = {"abcd", "abce", NULL};

	(void)state;
	assert_string_equal(str_nearest(STR("abcx"), keys), "abcd");
	assert_string_equal(str_nearest(STR("abce"), keys), "abce");
}

static void test_nearest_long_words_within_bounds(void **state)
{
	static char longest[64], longer[65], huge[5000];
	const char *const keys[] = {longer, longest, NULL};

	(void)state;
	memset(longest, 'a', 63);
	memset(longer, 'a', 64);
	memset(huge, 'a', sizeof(huge));
	assert_ptr_equal(str_nearest((struct str){huge, 63}, keys), longest);
	assert_ptr_equal(str_nearest((struct str){huge, 60}, keys), longest);
	assert_null(str_nearest((struct str){huge, sizeof(huge)}, keys));
}

static void test_to_uint64_bounds(void **state)
{
	static const char *const refused[] = {"", "-1", "+1", " 1", "1 ", "1a", "0x1",
		"18446744073709551616", "99999999999999999999999"};
	uint64_t value = 5;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++)
		assert_int_equal(str_to_uint64(str_from(refused[i]), &value), -1);
	assert_int_equal(value, 5);
	assert_int_equal(str_to_uint64(STR("18446744073709551615"), &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(str_to_uint64(STR("007"), &value), 0);
	assert_int_equal(value, 7);
	assert_int_equal(str_to_uint64(STR("1\0"), &value), -1);
}

static void test_to_int64_bounds(void **state)
{
	static const char *const refused[] = {"", "-", "+", "--1", "+-1", "9223372036854775808",
		"-9223372036854775809", "1.0", "1e3"};
	int64_t value = 5;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++)
		assert_int_equal(str_to_int64(str_from(refused[i]), &value), -1);
	assert_int_equal(value, 5);
	assert_int_equal(str_to_int64(STR("9223372036854775807"), &value), 0);
	assert_true(value == INT64_MAX);
	assert_int_equal(str_to_int64(STR("-9223372036854775808"), &value), 0);
	assert_true(value == INT64_MIN);
	assert_int_equal(str_to_int64(STR("-0"), &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(str_to_int64(STR("+12"), &value), 0);
	assert_int_equal(value, 12);
	assert_int_equal(str_to_int64(STR("-12"), &value), 0);
	assert_int_equal(value, -12);
}

static void test_to_int64_random_numbers_read_back(void **state)
{
	unsigned seed = 11;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		uint64_t bits = 0;
		int64_t value, back = 0;
		char text[32];

		for (unsigned i = 0; i < 4; i++)
			bits = bits << 16 | (next_random(&seed) & 0xffff);
		bits >>= next_random(&seed) % 64;
		memcpy(&value, &bits, sizeof(value));
		(void)snprintf(text, sizeof(text), "%lld", (long long)value);
		assert_int_equal(str_to_int64(str_from(text), &back), 0);
		assert_true(back == value);
	}
}

static void test_to_octal_bounds(void **state)
{
	static const char *const refused[] = {"", "8", "0o7", "10000", "000000", "-1", "7 "};
	unsigned value = 5;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++)
		assert_int_equal(str_to_octal(str_from(refused[i]), &value), -1);
	assert_int_equal(value, 5);
	assert_int_equal(str_to_octal(STR("0644"), &value), 0);
	assert_int_equal(value, 0644);
	assert_int_equal(str_to_octal(STR("07777"), &value), 0);
	assert_int_equal(value, 07777);
	assert_int_equal(str_to_octal(STR("0"), &value), 0);
	assert_int_equal(value, 0);
}

static void test_to_duration_units_and_bounds(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{"500ms", 500000000},
		{"10s", INT64_C(10000000000)},
		{"5m", INT64_C(300000000000)},
		{"1h", INT64_C(3600000000000)},
		{"0", 0},
		{"0s", 0},
		{"9223372036s", INT64_C(9223372036000000000)},
		{"2562047h", INT64_C(9223369200000000000)},
	};
	static const char *const refused[] = {"", "10", "s", "-1s", "1 s", " 1s", "1S", "1d",
		"1m30s", "1.5s", "9223372037s", "2562048h", "99999999999999999999s", "1us"};
	int64_t ns = 5;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++)
		assert_int_equal(str_to_duration(str_from(refused[i]), &ns), -1);
	assert_int_equal(ns, 5);
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(str_to_duration(str_from(cases[i].text), &ns), 0);
		assert_true(ns == cases[i].ns);
	}
}

static void test_duration_shown_as_it_is_read(void **state)
{
	char text[STR_DURATION_MAX];

	(void)state;
	assert_string_equal(str_duration(0, text), "0s");
	assert_string_equal(str_duration(INT64_C(90000000000), text), "90s");
	assert_string_equal(str_duration(1500000000, text), "1500ms");
	assert_string_equal(str_duration(INT64_MAX, text), "9223372036854ms");
}

static void test_to_size_units_and_bounds(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{"0", 0},
		{"123", 123},
		{"64k", 65536},
		{"64K", 65536},
		{"512M", 536870912},
		{"512m", 536870912},
		{"2G", UINT64_C(2147483648)},
		{"2g", UINT64_C(2147483648)},
		{"18446744073709551615", UINT64_MAX},
		{"17179869183G", UINT64_C(17179869183) << 30},
	};
	static const char *const refused[] = {"", "k", "-1", "1T", "1kb", "1 k", "1.5G", "1KiB",
		"17179869184G", "18446744073709551616", "0x10"};
	uint64_t bytes = 5;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++)
		assert_int_equal(str_to_size(str_from(refused[i]), &bytes), -1);
	assert_int_equal(bytes, 5);
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(str_to_size(str_from(cases[i].text), &bytes), 0);
		assert_true(bytes == cases[i].bytes);
	}
}

static void test_to_bool_known_words_only(void **state)
{
	static const char *const yes[] = {"true", "yes", "on", "1"};
	static const char *const no[] = {"false", "no", "off", "0"};
	static const char *const refused[] = {"", "True", "y", "2", "true "};
	bool value;

	(void)state;
	for (size_t i = 0; i < COUNT(yes); i++) {
		value = false;
		assert_int_equal(str_to_bool(str_from(yes[i]), &value), 0);
		assert_true(value);
		assert_int_equal(str_to_bool(str_from(no[i]), &value), 0);
		assert_false(value);
	}
	for (size_t i = 0; i < COUNT(refused); i++)
		assert_int_equal(str_to_bool(str_from(refused[i]), &value), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_null_empty),
		cmocka_unit_test(test_eq_bytes_and_length_compared),
		cmocka_unit_test(test_starts_ends_whole_and_longer_affix),
		cmocka_unit_test(test_sub_out_of_range_clamped),
		cmocka_unit_test(test_trim_every_space_of_the_c_locale),
		cmocka_unit_test(test_is_name_ascii_only),
		cmocka_unit_test(test_is_utf8_every_two_bytes_as_the_reference),
		cmocka_unit_test(test_printable_controls_and_broken_zero),
		cmocka_unit_test(test_json_a_character_at_a_time),
		cmocka_unit_test(test_glob_random_patterns_as_fnmatch),
		cmocka_unit_test(test_glob_other_metacharacters_plain),
		cmocka_unit_test(test_glob_many_stars_quick),
		cmocka_unit_test(test_nearest_usual_slips_found),
		cmocka_unit_test(test_nearest_equally_near_first_wins),
		cmocka_unit_test(test_nearest_long_words_within_bounds),
		cmocka_unit_test(test_to_uint64_bounds),
		cmocka_unit_test(test_to_int64_bounds),
		cmocka_unit_test(test_to_int64_random_numbers_read_back),
		cmocka_unit_test(test_to_octal_bounds),
		cmocka_unit_test(test_to_duration_units_and_bounds),
		cmocka_unit_test(test_duration_shown_as_it_is_read),
		cmocka_unit_test(test_to_size_units_and_bounds),
		cmocka_unit_test(test_to_bool_known_words_only),
	};

	return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
