#include "unit/unit.h"

#include "base/opt.h"

enum { ID_CONFIG = 1, ID_ALL, ID_BRIEF, ID_LEVEL, ID_QUIET };

static const struct opt table[] = {
	{ID_CONFIG, 'c', "config", "FILE", "read FILE"},
	{ID_ALL, 'a', "all", NULL, "everything"},
	{ID_BRIEF, 'b', NULL, NULL, "in few words"},
	{ID_LEVEL, 0, "level-of-everything-there-is", "NUMBER", "how much"},
	{ID_QUIET, 'q', "quiet", NULL, "nothing"},
	{0},
};

/* Every option as "id=value ", then "|" and the operands. */
static const char *parsed(char *const *argv)
{
	static char text[1024];
	struct opt_parser parser;
	struct err err;
	size_t len = 0;
	int id;

	opt_init(&parser, table, argv);
	while ((id = opt_next(&parser, &err)) > 0)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%d%s%s ", id,
			parser.value != NULL ? "=" : "", parser.value != NULL ? parser.value : "");
	if (id == OPT_ERROR) {
		assert_int_equal(err.code, ERR_USAGE);
		(void)snprintf(text + len, sizeof(text) - len, "%s", err.message);
		return text;
	}
	len += (size_t)snprintf(text + len, sizeof(text) - len, "|");
	for (int i = parser.index; argv[i] != NULL; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s,", argv[i]);
	return text;
}

#define PARSED(...) parsed((char *[]){__VA_ARGS__, NULL})

static void test_next_every_form_understood(void **state)
{
	(void)state;
	assert_string_equal(PARSED("-c", "f"), "1=f |");
	assert_string_equal(PARSED("-cf"), "1=f |");
	assert_string_equal(PARSED("-c=f"), "1==f |");
	assert_string_equal(PARSED("--config", "f"), "1=f |");
	assert_string_equal(PARSED("--config=f"), "1=f |");
	assert_string_equal(PARSED("--config=f=g"), "1=f=g |");
	assert_string_equal(PARSED("--config="), "1= |");
	assert_string_equal(PARSED("-c", ""), "1= |");
	assert_string_equal(PARSED("-c", "--"), "1=-- |");
	assert_string_equal(PARSED("-ab", "-q"), "2 3 5 |");
	assert_string_equal(PARSED("-abcf", "x"), "2 3 1=f |x,");
	assert_string_equal(PARSED("-abc", "f", "x"), "2 3 1=f |x,");
}

static void test_next_operands_end_options(void **state)
{
	(void)state;
	assert_string_equal(parsed((char *[]){NULL}), "|");
	assert_string_equal(PARSED("x", "-a"), "|x,-a,");
	assert_string_equal(PARSED("-a", "--", "-b"), "2 |-b,");
	assert_string_equal(PARSED("-a", "--"), "2 |");
	assert_string_equal(PARSED("-", "-a"), "|-,-a,");
	assert_string_equal(PARSED("", "-a"), "|,-a,");
	assert_string_equal(PARSED("-a", "--", "--", "x"), "2 |--,x,");
}

#define KNOWN " (known: --config, --all, -b, --level-of-everything-there-is, --quiet)"
static void test_next_mistakes_explained(void **state)
{
	(void)state;
	assert_string_equal(PARSED("--cofnig"), "unknown option --cofnig (did you mean --config?)");
	assert_string_equal(
		PARSED("--cofnig=x"), "unknown option --cofnig (did you mean --config?)");
	assert_string_equal(PARSED("--nonsense"), "unknown option --nonsense" KNOWN);
	assert_string_equal(
		PARSED("--conf", "x"), "unknown option --conf (did you mean --config?)");
	assert_string_equal(PARSED("--="), "unknown option --" KNOWN);
	assert_string_equal(PARSED("-x"), "unknown option -x" KNOWN);
	assert_string_equal(PARSED("-a-"), "2 unknown option --" KNOWN);
	assert_string_equal(PARSED("-ax"), "2 unknown option -x" KNOWN);
	assert_string_equal(PARSED("-c"), "option -c needs FILE");
	assert_string_equal(PARSED("-ac"), "2 option -c needs FILE");
	assert_string_equal(PARSED("--config"), "option --config needs FILE");
	assert_string_equal(PARSED("--all=yes"), "option --all takes no value");
}

/* A letter that is none of ASCII's is shown whole. */
static void test_next_unknown_letter_of_many_bytes_shown_whole(void **state)
{
	(void)state;
	assert_string_equal(PARSED("-\xc3\xa9x"), "unknown option -\xc3\xa9" KNOWN);
}

static void test_usage_columns_aligned(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(opt_usage(table, &out), 0);
	assert_string_equal(buf_cstr(&out), "  -c, --config FILE         read FILE\n"
					    "  -a, --all                 everything\n"
					    "  -b                        in few words\n"
					    "      --level-of-everything-there-is NUMBER\n"
					    "                            how much\n"
					    "  -q, --quiet               nothing\n");
	buf_fini(&out);
}

static void test_usage_no_room_fails(void **state)
{
	struct buf out;

	(void)state;
	for (size_t max = 0; max < 100; max++) {
		buf_init(&out, max);
		assert_int_equal(opt_usage(table, &out), -1);
		buf_fini(&out);
	}
}

/* Behind `--` every word is one. */
static void test_operands_among_options_taken(void **state)
{
	static char *const argv[] = {
		"one", "--config=a", "two", "-a", "-", "--", "-a", "--quiet", NULL};
	static const char *const operands[] = {"one", "two", "-", "-a", "--quiet"};
	struct opt_parser parser;
	struct err err;
	size_t count = 0, options = 0;
	const char *word = "";
	int id;

	(void)state;
	opt_init(&parser, table, argv);
	while (word) {
		id = opt_next(&parser, &err);
		assert_int_not_equal(id, OPT_ERROR);
		if (id > OPT_END) {
			options++;
			continue;
		}
		word = opt_operand(&parser);
		if (word)
			assert_string_equal(word, operands[count++]);
	}
	assert_int_equal(count, COUNT(operands));
	assert_int_equal(options, 2);
	assert_null(opt_operand(&parser));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next_every_form_understood),
		cmocka_unit_test(test_next_operands_end_options),
		cmocka_unit_test(test_operands_among_options_taken),
		cmocka_unit_test(test_next_mistakes_explained),
		cmocka_unit_test(test_next_unknown_letter_of_many_bytes_shown_whole),
		cmocka_unit_test(test_usage_columns_aligned),
		cmocka_unit_test(test_usage_no_room_fails),
	};

	return cmocka_run_group_tests_name("opt", tests, NULL, NULL);
}
