#include "unit/unit.h"

#include <limits.h>
#include <stdint.h>

#include "base/format.h"

/* What printf makes of the same. */
#define SAME(...) \
	do { \
		char ours[128], theirs[128]; \
		/* Volatile: the compiler would warn of what is meant to be cut. */ \
		for (volatile size_t size = 0; size <= sizeof(ours); size++) { \
			memset(ours, 'x', sizeof(ours)); \
			memset(theirs, 'x', sizeof(theirs)); \
			assert_int_equal(format_text(ours, size, __VA_ARGS__), \
				snprintf(theirs, size, __VA_ARGS__)); \
			assert_memory_equal(ours, theirs, sizeof(ours)); \
		} \
	} while (0)

static void test_format_as_printf(void **state)
{
	volatile int minus = -7;

	(void)state;
	SAME("%s", "plain");
	SAME("a %s, b %s%%", "one", "two");
	SAME("%c%c", 'a', '\0');
	SAME("%d %d %d %i", 0, INT_MIN, INT_MAX, -1);
	SAME("%u %x %X %o", UINT_MAX, 0xdeadbeefU, 0xdeadbeefU, 0755U);
	SAME("%ld %lu %lld %llu %zu", LONG_MIN, ULONG_MAX, LLONG_MIN, ULLONG_MAX, SIZE_MAX);
	SAME("%02d:%03d:%04o:%016llx", 7, 1234, 0644U, 255ULL);
	SAME("%02d %05d", -3, -42);
	SAME("[%8s] [%-8s] [%3s]", "right", "left", "longer");
	SAME("[%*s] [%*s] [%-*s]", 6, "a", minus, "b", 4, "c");
	SAME("[%.2s] [%.*s] [%.*s] [%6.3s]", "abc", 1, "xyz", minus, "all", "precise");
	SAME("[%5d] [%-5d] [%-5u]", 42, 42, 42U);
	SAME("%s", "");
}

static void test_format_bytes_without_end_are_read_to_the_precision(void **state)
{
	const char bytes[3] = {'a', 'b', 'c'};
	char out[8];

	(void)state;
	assert_int_equal(format_text(out, sizeof(out), "%.*s", 3, bytes), 3);
	assert_string_equal(out, "abc");
}

static void test_format_no_room_counts(void **state)
{
	(void)state;
	assert_int_equal(format_text(NULL, 0, "%s-%d", "four", 12), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format_as_printf),
		cmocka_unit_test(test_format_bytes_without_end_are_read_to_the_precision),
		cmocka_unit_test(test_format_no_room_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
