#include "unit/unit.h"

#include <limits.h>

#include "base/format.h"

/* What the C library makes of it, for every size of the output. */
#define ASSERT_SAME(...) \
	do { \
		char wanted[128], got[128]; \
		for (size_t size = 0; size <= sizeof(got); size++) { \
			int wanted_len, got_len; \
			memset(wanted, 'Z', sizeof(wanted)); \
			memset(got, 'Z', sizeof(got)); \
			wanted_len = snprintf(wanted, size, __VA_ARGS__); \
			got_len = format_write(got, size, __VA_ARGS__); \
			assert_int_equal(got_len, wanted_len); \
			/* Past the end neither writes; what it would hold differs in nothing. */ \
			assert_memory_equal(got, wanted, sizeof(got)); \
		} \
	} while (0)

static void test_write_plain_text_as_libc(void **state)
{
	(void)state;
	ASSERT_SAME("plain");
	ASSERT_SAME("100%% of %s", "it");
	ASSERT_SAME("%s%s", "", "x");
}

static void test_write_strings_as_libc(void **state)
{
	(void)state;
	ASSERT_SAME("[%s] [%10s] [%-10s] [%2s]", "text", "text", "text", "text");
	ASSERT_SAME(
		"[%.2s] [%.0s] [%.9s] [%5.2s] [%-5.2s]", "text", "text", "text", "text", "text");
	ASSERT_SAME("[%.*s] [%*s] [%-*s] [%*s]", 3, "text", 7, "text", 7, "text", -7, "text");
	ASSERT_SAME("[%.*s]", -1, "text");
	ASSERT_SAME("[%c] [%3c] [%-3c]", 'a', 'b', 'c');
	/* A precision's string need not end in NUL. */
	ASSERT_SAME("%.*s", 2, ((char[]){'a', 'b'}));
	ASSERT_SAME("%.2s", ((char[]){'a', 'b'}));
}

static void test_write_numbers_as_libc(void **state)
{
	static const int64_t numbers[] = {0, 1, -1, 7, 8, 10, -10, 99, 255, 256, INT_MAX, INT_MIN,
		UINT_MAX, INT64_MAX, INT64_MIN, INT64_C(1234567890123456789)};

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		int n = (int)numbers[i];
		unsigned u = (unsigned)numbers[i];
		long l = (long)numbers[i];
		unsigned long long ull = (unsigned long long)numbers[i];

		ASSERT_SAME("%d %i %u %x %X %o", n, n, u, u, u, u);
		ASSERT_SAME("%5d|%05d|%-5d|%2d|%02d|%03d", n, n, n, n, n, n);
		ASSERT_SAME("%8x|%08x|%-8x|%02X|%04x|%04o", u, u, u, u, u, u);
		ASSERT_SAME(
			"%ld %lu %lx %lo", l, (unsigned long)l, (unsigned long)l, (unsigned long)l);
		ASSERT_SAME("%lld %llu %016llx", (long long)l, ull, ull);
		ASSERT_SAME("%zu %zx %20zu", (size_t)l, (size_t)l, (size_t)l);
		ASSERT_SAME("%*d|%-*d|%0*d", 6, n, 6, n, 6, n);
	}
}

static void test_write_null_string_shown(void **state)
{
	const char *volatile null = NULL;
	char got[32];

	(void)state;
	assert_int_equal(format_write(got, sizeof(got), "[%s]", null), 8);
	assert_string_equal(got, "[(null)]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_plain_text_as_libc),
		cmocka_unit_test(test_write_strings_as_libc),
		cmocka_unit_test(test_write_numbers_as_libc),
		cmocka_unit_test(test_write_null_string_shown),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
