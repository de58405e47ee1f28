#include "unit/unit.h"

#include <getopt.h>
#include <signal.h>

#include "cmd/compat.h"

/* One way to read a command line, and what was made of it. */
struct style {
	const char *letters; /* with getopt's + where options end at the first operand */
	const char *const *names;
	const struct option *options;
};

enum { WORDS_MAX = 4, TEXT_MAX = 512 };

static void add(char text[TEXT_MAX], const char *a, const char *b)
{
	size_t len = strlen(text);

	(void)snprintf(text + len, TEXT_MAX - len, "%s%s,", a, b ? b : "");
}

static void add_letter(char text[TEXT_MAX], int letter, const char *value)
{
	const char name[] = {(char)letter, value ? '=' : ' ', '\0'};

	add(text, name, value);
}

/* Both stop at the first mistake, as the programs do. */
static void read_glibc(const struct style *style, char **argv, char text[TEXT_MAX])
{
	int argc = 0, letter = 0;

	while (argv[argc])
		argc++;
	optind = 0;
	while (letter != '?' &&
		(letter = style->options
				  ? getopt_long(argc, argv, style->letters, style->options, NULL)
				  : getopt(argc, argv, style->letters)) != -1)
		add_letter(text, letter, letter == '?' ? NULL : optarg);
	for (int i = optind; letter == -1 && argv[i]; i++)
		add(text, "|", argv[i]);
}

static void read_husk(const struct style *style, char **argv, char text[TEXT_MAX])
{
	struct compat_opt opt = {.argv = argv,
		.letters = style->letters + (style->letters[0] == '+'),
		.names = style->names,
		.leading = style->letters[0] == '+'};
	int letter = 0;

	while (letter != '?' && (letter = compat_opt_next(&opt)) != 0)
		add_letter(text, letter, opt.value);
	for (int i = 1; letter == 0 && argv[i]; i++)
		add(text, "|", argv[i]);
}

static void compare(const struct style *style, char *const words[WORDS_MAX])
{
	char name[] = "prog";
	char *one[WORDS_MAX + 2] = {name}, *two[WORDS_MAX + 2] = {name};
	char wanted[TEXT_MAX] = "", got[TEXT_MAX] = "";
	static struct unit_capture wanted_said, got_said;

	memcpy(one + 1, words, WORDS_MAX * sizeof(words[0]));
	memcpy(two + 1, words, WORDS_MAX * sizeof(words[0]));
	unit_capture_begin(&wanted_said, STDERR_FILENO);
	read_glibc(style, one, wanted);
	(void)unit_capture_end(&wanted_said);
	unit_capture_begin(&got_said, STDERR_FILENO);
	read_husk(style, two, got);
	(void)unit_capture_end(&got_said);
	assert_string_equal(got, wanted);
	assert_string_equal(got_said.text, wanted_said.text);
}

/* Every list of up to three of the words, and some longer. */
static void compare_lists(const struct style *style, char *const *vocabulary, size_t count)
{
	char *words[WORDS_MAX] = {NULL};

	for (size_t i = 0; i < count * count * count; i++) {
		words[0] = vocabulary[i % count];
		words[1] = vocabulary[i / count % count];
		words[2] = vocabulary[i / count / count];
		words[3] = vocabulary[(i * 7) % count];
		compare(style, words);
	}
}

static char *const short_words[] = {
	NULL, "a", "-", "--", "-v", "-e", "-ve", "-e5", "-:", "--x", "-vz", ""};

static void test_opt_as_getopt_same(void **state)
{
	const struct style style = {.letters = "p:hvwgle:s"};

	(void)state;
	compare_lists(&style, short_words, COUNT(short_words));
}

static void test_opt_posixly_correct_same(void **state)
{
	const struct style style = {.letters = "p:hvwgle:s"};

	(void)state;
	(void)setenv("POSIXLY_CORRECT", "", 1);
	compare_lists(&style, short_words, COUNT(short_words));
	(void)unsetenv("POSIXLY_CORRECT");
}

static char *const long_words[] = {NULL, "a", "--", "-r", "--rewrite", "--re=1:2", "--v", "--verb",
	"--version", "--help=x", "--=", "--yolo=1", "-cv"};

static const char *const names[] = {
	"hhelp", "csingle-child", "rrewrite", "vverbose", "Vversion", NULL};
static const struct option options[] = {
	{"help", no_argument, NULL, 'h'},
	{"single-child", no_argument, NULL, 'c'},
	{"rewrite", required_argument, NULL, 'r'},
	{"verbose", no_argument, NULL, 'v'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

static void test_opt_as_getopt_long_same(void **state)
{
	const struct style style = {.letters = "hvVcr:", .names = names, .options = options};

	(void)state;
	compare_lists(&style, long_words, COUNT(long_words));
}

static void test_opt_leading_same(void **state)
{
	const struct style style = {.letters = "+hvVcr:", .names = names, .options = options};

	(void)state;
	compare_lists(&style, long_words, COUNT(long_words));
}

static void test_number_as_scanf_same(void **state)
{
	static const char *const texts[] = {
		"", "5", " 5", "+5", "-5", "- 5", "5x", "x", "\t\n007", "2147483647", "--5", "5:6"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		const char *text = texts[i];
		int wanted = 77, got = 77, end = 0;
		bool number = sscanf(text, "%d%n", &wanted, &end) == 1;

		assert_int_equal(compat_number(&text, &got), number);
		assert_int_equal(got, wanted);
		assert_int_equal(text - texts[i], end);
	}
}

static void test_number_out_of_range_refused(void **state)
{
	const char *text = "2147483648", *same = text;
	int number = 77;

	(void)state;
	assert_false(compat_number(&text, &number));
	assert_ptr_equal(text, same);
	assert_int_equal(number, 77);
	text = "99999999999999999999999999999";
	assert_false(compat_number(&text, &number));
}

static void test_fault_signals_are_the_kernels(void **state)
{
	uint64_t bits = compat_fault_signals().bits;

	(void)state;
	assert_true(bits >> (SIGSEGV - 1) & 1 && bits >> (SIGSYS - 1) & 1);
	assert_int_equal(__builtin_popcountll(bits), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opt_as_getopt_same),
		cmocka_unit_test(test_opt_posixly_correct_same),
		cmocka_unit_test(test_opt_as_getopt_long_same),
		cmocka_unit_test(test_opt_leading_same),
		cmocka_unit_test(test_number_as_scanf_same),
		cmocka_unit_test(test_number_out_of_range_refused),
		cmocka_unit_test(test_fault_signals_are_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
