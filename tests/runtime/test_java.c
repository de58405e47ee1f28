/*
 * Option variables against the real java. `-XshowSettings:properties` prints every property, sorted
 * by key, so what -Dhusk000001=... brought in is one stretch of known text.
 */
#include "runtime/runtime.h"

static int is_java_missing(void)
{
	char java[] = "java";
	char version[] = "-version";
	char *argv[] = {java, version, NULL};
	struct buf out;

	buf_init(&out, OUTPUT_MAX);
	int status = runtime_run(argv, "HUSK_NOTHING", STR(""), &out);
	buf_fini(&out);
	return status;
}

static int run_java(const char *variable, struct str value, struct buf *out)
{
	char java[] = "java";
	char no_files[] = "-XX:-UsePerfData";
	char show[] = "-XshowSettings:properties";
	char version[] = "-version";
	char *argv[] = {java, no_files, show, version, NULL};

	return runtime_run(argv, variable, value, out);
}

/* Options with keys that sort as they come. */
static void make_list(uint64_t *seed, struct list *list, unsigned *key)
{
	list->count = runtime_random(seed) % (LIST_MAX - 1);
	for (size_t i = 0; i < list->count; i++) {
		int len = snprintf(list->bytes[i], 32, "-Dhusk%06u=", (*key)++);

		list->items[i].data = list->bytes[i];
		list->items[i].len = runtime_fill(seed, list->bytes[i], (size_t)len);
		list->bytes[i][list->items[i].len] = '\0';
	}
}

/* Adds a string that no java takes: empty, or without a dash. */
static void spoil(uint64_t *seed, struct list *list)
{
	char *bytes = list->bytes[list->count];
	size_t len = 0;

	if (runtime_random(seed) % 4 != 0) {
		bytes[0] = 'z';
		len = runtime_fill(seed, bytes, 1);
	}
	bytes[len] = '\0';
	list->items[list->count++] = (struct str){bytes, len};
}

/* One start: what was composed so far, and the text that java should print of it. */
static void run_batch(const char *variable, struct buf *value, struct buf *wanted)
{
	struct buf out;

	buf_init(&out, OUTPUT_MAX);
	int status = run_java(variable, buf_str(value), &out);
	/* The variable itself is printed before. */
	const char *from = memmem(out.data, out.len, "\nProperty settings:\n", 20);
	if (status != 0 || !from)
		fail_msg(
			"java: status %d: %.*s", status, STR_ARGS(str_sub(buf_str(&out), 0, 2000)));
	struct str rest = str_sub(buf_str(&out), (size_t)(from - out.data), out.len);
	const char *first = memmem(rest.data, rest.len, "    husk", 8);
	assert_non_null(first);
	rest = str_sub(rest, (size_t)(first - rest.data), rest.len);
	if (!str_starts(rest, buf_str(wanted)) ||
		!str_starts(str_sub(rest, wanted->len, rest.len), STR("    java."))) {
		runtime_show_difference(rest, buf_str(wanted));
		fail_msg("%s: java got something else", variable);
	}
	buf_reset(value);
	buf_reset(wanted);
	buf_fini(&out);
}

static void check_variable(const char *variable)
{
	uint64_t seed = runtime_seed();
	unsigned key = 0;
	unsigned refused = 0;
	unsigned starts = 0;
	struct list *list = malloc(sizeof(*list));
	struct buf value;
	struct buf one;
	struct buf wanted;

	assert_non_null(list);
	buf_init(&value, ENV_STRING_MAX);
	buf_init(&one, ENV_STRING_MAX);
	buf_init(&wanted, OUTPUT_MAX);
	for (unsigned i = 0; i < LISTS; i++) {
		make_list(&seed, list, &key);
		bool spoilt = runtime_random(&seed) % 16 == 0;
		if (spoilt)
			spoil(&seed, list);
		buf_reset(&one);
		int rc = runtime_compose(variable, list, &one);
		assert_int_equal(rc, spoilt ? -1 : 0);
		if (spoilt) {
			refused++;
			continue;
		}
		if (value.len + one.len + strlen(variable) + 3 > ENV_STRING_MAX) {
			run_batch(variable, &value, &wanted);
			starts++;
		}
		if (value.len > 0 && one.len > 0)
			buf_append_char(&value, ' ');
		buf_append_str(&value, buf_str(&one));
		for (size_t j = 0; j < list->count; j++) {
			struct str key_value = str_sub(list->items[j], 2, OPTION_MAX);

			buf_appendf(&wanted, "    %.*s = %.*s\n", 10, key_value.data,
				STR_ARGS(str_sub(key_value, 11, OPTION_MAX)));
		}
	}
	run_batch(variable, &value, &wanted);
	print_message("# %s: seed %llu, %d lists, %u options, %u refused, %u starts\n", variable,
		(unsigned long long)runtime_seed(), LISTS, key, refused, starts + 1);
	buf_fini(&wanted);
	buf_fini(&one);
	buf_fini(&value);
	free(list);
}

static void test_java_tool_options_arrive_exactly(void **state)
{
	(void)state;
	check_variable("JAVA_TOOL_OPTIONS");
}

static void test_java_options_arrive_exactly(void **state)
{
	(void)state;
	check_variable("_JAVA_OPTIONS");
}

static void test_jdk_java_options_arrive_exactly(void **state)
{
	(void)state;
	check_variable("JDK_JAVA_OPTIONS");
}

/* A literal @ where the launcher takes a value, and an empty one. */
static void test_jdk_java_options_class_path_arrives(void **state)
{
	static const char *const paths[] = {"@a b", "@@", "@", "x'\"y", "@'\"@"};
	struct list list = {.count = 2, .items = {STR("-cp")}};
	struct buf value;
	struct buf out;
	char wanted[128];

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		buf_init(&value, ENV_STRING_MAX);
		buf_init(&out, OUTPUT_MAX);
		list.items[1] = str_from(paths[i]);
		assert_int_equal(runtime_compose("JDK_JAVA_OPTIONS", &list, &value), 0);
		assert_int_equal(run_java("JDK_JAVA_OPTIONS", buf_str(&value), &out), 0);
		snprintf(wanted, sizeof(wanted), "\n    java.class.path = %s\n", paths[i]);
		if (!strstr(buf_cstr(&out), wanted))
			fail_msg("\"%s\": %s", paths[i], buf_cstr(&out));
		buf_fini(&out);
		buf_fini(&value);
	}
}

/* An option that only java knows to be wrong reaches it whole: its message shows it. */
static void test_java_unknown_option_arrives_exactly(void **state)
{
	static const char *const options[] = {"-husk a\"b'c", "--\t\\ x", "-\xc3\xa9 ''\"\" @#*"};
	static const char *const variables[] = {
		"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS"};
	struct list list = {.count = 1};
	struct buf value;
	struct buf out;
	char wanted[128];

	(void)state;
	for (size_t i = 0; i < COUNT(options) * COUNT(variables); i++) {
		const char *variable = variables[i % COUNT(variables)];
		const char *option = options[i / COUNT(variables)];

		buf_init(&value, ENV_STRING_MAX);
		buf_init(&out, OUTPUT_MAX);
		list.items[0] = str_from(option);
		assert_int_equal(runtime_compose(variable, &list, &value), 0);
		assert_int_equal(run_java(variable, buf_str(&value), &out), 1);
		snprintf(wanted, sizeof(wanted), "Unrecognized option: %s\n", option);
		if (!strstr(buf_cstr(&out), wanted))
			fail_msg("%s=\"%s\": %s", variable, option, buf_cstr(&out));
		buf_fini(&out);
		buf_fini(&value);
	}
}

struct refusal {
	const char *variable;
	const char *text;
};

/* What husk refuses, java refuses: no start is forbidden that would have worked. */
static void test_java_refuses_what_husk_refuses(void **state)
{
	static const struct refusal refusals[] = {{"JAVA_TOOL_OPTIONS", "-cp x"},
		{"JAVA_TOOL_OPTIONS", "-jar x"}, {"JAVA_TOOL_OPTIONS", "-version"},
		{"_JAVA_OPTIONS", "--version"}, {"JAVA_TOOL_OPTIONS", "\"\""},
		{"JAVA_TOOL_OPTIONS", "hello"}, {"_JAVA_OPTIONS", "-Da='b"},
		{"JAVA_TOOL_OPTIONS", "--add-opens x"}, {"_JAVA_OPTIONS", "-X"},
		{"JAVA_TOOL_OPTIONS", "-XshowSettings:vm"}, {"JAVA_TOOL_OPTIONS", "-splash:x"},
		{"JAVA_TOOL_OPTIONS", "--class-path=x"}, {"JAVA_TOOL_OPTIONS", "-p x"},
		{"JDK_JAVA_OPTIONS", "-jar x"}, {"JDK_JAVA_OPTIONS", "--module=x"},
		{"JDK_JAVA_OPTIONS", "-m x"}, {"JDK_JAVA_OPTIONS", "--dry-run"},
		{"JDK_JAVA_OPTIONS", "-version"}, {"JDK_JAVA_OPTIONS", "--help"},
		{"JDK_JAVA_OPTIONS", "Main"}, {"JDK_JAVA_OPTIONS", "@@x"},
		{"JDK_JAVA_OPTIONS", "\"\""}, {"JDK_JAVA_OPTIONS", "-Da=\"b"},
		{"JDK_JAVA_OPTIONS", "--disable-@files"}, {"JDK_JAVA_OPTIONS", "-J-Xint"}};
	struct arena *arena = arena_new(1 << 20);

	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct str variable = str_from(refusals[i].variable);
		struct str text = str_from(refusals[i].text);
		struct buf out;
		struct err err;
		char **list;
		size_t count;

		int rc = options_split(
			options_syntax_of(variable), arena, text, &list, &count, &err);
		if (rc == 0)
			rc = options_check(variable, list, count, NULL, &err);
		if (rc == 0)
			fail_msg("husk takes %s=%s", variable.data, text.data);
		buf_init(&out, OUTPUT_MAX);
		if (run_java(variable.data, text, &out) == 0)
			fail_msg("java takes %s=%s", variable.data, text.data);
		buf_fini(&out);
	}
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_java_tool_options_arrive_exactly),
		cmocka_unit_test(test_java_options_arrive_exactly),
		cmocka_unit_test(test_jdk_java_options_arrive_exactly),
		cmocka_unit_test(test_jdk_java_options_class_path_arrives),
		cmocka_unit_test(test_java_unknown_option_arrives_exactly),
		cmocka_unit_test(test_java_refuses_what_husk_refuses),
	};

	log_init("test: ");
	log_set_level(LOG_LEVEL_ERROR);
	if (is_java_missing()) {
		puts("1..0 # SKIP no java");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
