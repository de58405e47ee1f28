#include "unit/unit.h"

#include "base/buf.h"
#include "text/words.h"

enum { ARENA_MAX = 16 << 20 };

/* Splits `text` and compares with `expected`, words in [] one after the other. */
static void check(const char *text, const char *expected)
{
	struct arena *arena = arena_new(ARENA_MAX);
	struct buf got;
	char **words;
	size_t count;
	struct err err;

	assert_non_null(arena);
	buf_init(&got, 4096);
	assert_int_equal(words_split(arena, str_from(text), &words, &count, &err), 0);
	for (size_t i = 0; i < count; i++)
		buf_appendf(&got, "[%s]", words[i]);
	assert_null(words[count]);
	assert_string_equal(buf_cstr(&got), expected);
	buf_fini(&got);
	arena_free(arena);
}

static void refused(struct str text, const char *message, unsigned column)
{
	struct arena *arena = arena_new(ARENA_MAX);
	char **words;
	size_t count;
	struct err err;

	assert_non_null(arena);
	assert_int_equal(words_split(arena, text, &words, &count, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_string_equal(err.message, message);
	assert_int_equal(err.column, column);
	arena_free(arena);
}

static void test_words_blanks_separate(void **state)
{
	(void)state;
	check("", "");
	check(" \t\n ", "");
	check("-Xmx1g", "[-Xmx1g]");
	check("  -Xmx1g\t-ea\n-esa ", "[-Xmx1g][-ea][-esa]");
	check("a\rb", "[a\rb]");
}

static void test_words_quotes_are_removed(void **state)
{
	(void)state;
	check("-Da=\"x y\" -Db='p  q'", "[-Da=x y][-Db=p  q]");
	check("'' \"\" a''b", "[][][ab]");
	check("'a\"b' \"a'b\"", "[a\"b][a'b]");
	check("'a\\b'", "[a\\b]");
	check("x'1 2'\"3 4\"y", "[x1 23 4y]");
}

static void test_words_backslash_follows_posix(void **state)
{
	(void)state;
	check("a\\ b \\\"c\\' \\\\", "[a b][\"c'][\\]");
	check("\"\\$ \\` \\\" \\\\ \\n\"", "[$ ` \" \\ \\n]");
	check("a\\\nb", "[ab]");
	check("\"a\\\nb\"", "[ab]");
	check("\\\n\\\n a \\\n b", "[a][b]");
	check("\\\n", "");
}

static void test_words_operators_are_plain(void **state)
{
	(void)state;
	check("a;b|c $X *.jar #d `e` <f", "[a;b|c][$X][*.jar][#d][`e`][<f]");
}

static void test_words_unfinished_is_refused(void **state)
{
	(void)state;
	refused(STR("ab 'c"), "unmatched ' at byte 4", 4);
	refused(STR("\"c'"), "unmatched \" at byte 1", 1);
	refused(STR("\"c\\"), "a backslash with nothing after it at byte 3", 3);
	refused(STR("c\\"), "a backslash with nothing after it at byte 2", 2);
	refused(STR("c\0d"), "a NUL byte at byte 2", 2);
}

static void test_words_too_many_are_refused(void **state)
{
	enum { MANY = WORDS_MAX + 1 };
	char *text = test_malloc(2 * MANY);

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		memcpy(text + 2 * i, "a ", 2);
	refused((struct str){text, 2 * MANY}, "more than 65536 words", 0);

	struct arena *arena = arena_new(ARENA_MAX);
	char **words;
	size_t count;
	struct err err;
	assert_int_equal(
		words_split(arena, (struct str){text, 2 * MANY - 2}, &words, &count, &err), 0);
	assert_int_equal(count, WORDS_MAX);
	arena_free(arena);
	test_free(text);
}

static void test_words_without_memory_fails(void **state)
{
	struct arena *arena = arena_new(64);
	char text[256];
	char **words;
	size_t count;
	struct err err;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(
		words_split(arena, (struct str){text, sizeof(text)}, &words, &count, &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_blanks_separate),
		cmocka_unit_test(test_words_quotes_are_removed),
		cmocka_unit_test(test_words_backslash_follows_posix),
		cmocka_unit_test(test_words_operators_are_plain),
		cmocka_unit_test(test_words_unfinished_is_refused),
		cmocka_unit_test(test_words_too_many_are_refused),
		cmocka_unit_test(test_words_without_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
