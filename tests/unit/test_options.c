#include "unit/unit.h"

#include "plan/options.h"

enum { ARENA_MAX = 16 << 20 };

static void split(enum options_syntax syntax, const char *text, const char *expected)
{
	struct arena *arena = arena_new(ARENA_MAX);
	struct buf got;
	char **list;
	size_t count;
	struct err err;

	buf_init(&got, 4096);
	assert_int_equal(options_split(syntax, arena, str_from(text), &list, &count, &err), 0);
	for (size_t i = 0; i < count; i++)
		buf_appendf(&got, "[%s]", list[i]);
	assert_null(list[count]);
	assert_string_equal(buf_cstr(&got), expected);
	buf_fini(&got);
	arena_free(arena);
}

static void split_refused(enum options_syntax syntax, const char *text, const char *message)
{
	struct arena *arena = arena_new(ARENA_MAX);
	char **list;
	size_t count;
	struct err err;

	assert_int_equal(options_split(syntax, arena, str_from(text), &list, &count, &err), -1);
	assert_string_equal(err.message, message);
	arena_free(arena);
}

static void append(enum options_syntax syntax, const char *option, const char *expected)
{
	struct buf out;
	struct err err;

	buf_init(&out, 4096);
	buf_append_cstr(&out, "-x");
	assert_int_equal(options_append(syntax, str_from(option), &out, &err), 0);
	assert_string_equal(buf_cstr(&out), expected);
	buf_fini(&out);
}

static void append_refused(enum options_syntax syntax, struct str option, const char *message)
{
	struct buf out;
	struct err err;

	buf_init(&out, 64);
	buf_append_cstr(&out, "-x");
	assert_int_equal(options_append(syntax, option, &out, &err), -1);
	assert_string_equal(err.message, message);
	assert_int_equal(out.len, 2);
	buf_fini(&out);
}

/* NULL: accepted. */
static void check(const char *variable, const char *text, const char *message)
{
	struct arena *arena = arena_new(ARENA_MAX);
	char **list;
	size_t count;
	size_t where = 99;
	struct err err = {.code = ERR_NONE};

	assert_int_equal(options_split(options_syntax_of(str_from(variable)), arena, str_from(text),
				 &list, &count, &err),
		0);
	int rc = options_check(str_from(variable), list, count, &where, &err);
	if (message && rc == 0)
		fail_msg("%s='%s' was accepted", variable, text);
	assert_string_equal(err.message, message ? message : "");
	assert_int_equal(rc, message ? -1 : 0);
	arena_free(arena);
}

static void test_options_syntax_is_by_name(void **state)
{
	(void)state;
	assert_int_equal(options_syntax_of(STR("JAVA_TOOL_OPTIONS")), OPTIONS_JVM);
	assert_int_equal(options_syntax_of(STR("_JAVA_OPTIONS")), OPTIONS_JVM);
	assert_int_equal(options_syntax_of(STR("JDK_JAVA_OPTIONS")), OPTIONS_JDK);
	assert_int_equal(options_syntax_of(STR("NODE_OPTIONS")), OPTIONS_NODE);
	assert_int_equal(options_syntax_of(STR("RUBYOPT")), OPTIONS_PLAIN);
}

static void test_options_split_java_knows_quotes_only(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		enum options_syntax syntax = i ? OPTIONS_JDK : OPTIONS_JVM;

		split(syntax, " -a\t-b\n-c\v-d\f-e\r", "[-a][-b][-c][-d][-e]");
		split(syntax, "-Da=\"x y\"'p \"q'z", "[-Da=x yp \"qz]");
		split(syntax, "a\\\"b\\\"", "[a\\b\\]");
		split(syntax, "\"\" ''", "[][]");
		split(syntax, "", "");
		split_refused(syntax, "-a 'b", "unmatched ' at byte 4");
		split_refused(syntax, "-a \"b'", "unmatched \" at byte 4");
	}
	split(OPTIONS_JDK, "@f @@g", "[@f][@@g]");
}

static void test_options_split_node_separates_at_space_only(void **state)
{
	(void)state;
	split(OPTIONS_NODE, "  --a --b\t--c\n ", "[--a][--b\t--c\n]");
	split(OPTIONS_NODE, "\"a b\\\"\\\\c\"d 'e f'", "[a b\"\\cd]['e][f']");
	split(OPTIONS_NODE, "a\\b\\", "[a\\b\\]");
	split(OPTIONS_NODE, "\"\" a \"\"", "[a]");
	split_refused(OPTIONS_NODE, "--a \"b", "unmatched \" at byte 5");
	split_refused(OPTIONS_NODE, "\"b\\", "a backslash with nothing after it at byte 3");
}

static void test_options_split_plain_knows_no_quotes(void **state)
{
	(void)state;
	split(OPTIONS_PLAIN, "-W \"a b\"", "[-W][\"a][b\"]");
}

static void test_options_append_quotes_as_needed(void **state)
{
	(void)state;
	append(OPTIONS_JVM, "-Da=b", "-x -Da=b");
	append(OPTIONS_JVM, "-Da=b c", "-x \"-Da=b c\"");
	append(OPTIONS_JVM, "-Da=\"b", "-x '-Da=\"b'");
	append(OPTIONS_JVM, "'a\"b", "-x \"'a\"'\"b'");
	append(OPTIONS_JVM, "@a", "-x @a");
	append(OPTIONS_JDK, "@a b", "-x @\"@a b\"");
	append(OPTIONS_JDK, "@", "-x @");
	append(OPTIONS_JDK, "", "-x \"\"");
	append(OPTIONS_NODE, "--a=b\tc\\", "-x --a=b\tc\\");
	append(OPTIONS_NODE, "--a=b c\\\"", "-x \"--a=b c\\\\\\\"\"");
	append(OPTIONS_PLAIN, "-W:no'x\"", "-x -W:no'x\"");
}

static void test_options_append_unwritable_is_refused(void **state)
{
	(void)state;
	append_refused(OPTIONS_JVM, STR(""), "an empty option: the JVM refuses it");
	append_refused(OPTIONS_NODE, STR(""), "an empty option: Node would not see it");
	append_refused(OPTIONS_PLAIN, STR(""), "an empty option: this variable cannot hold one");
	append_refused(OPTIONS_PLAIN, STR("a\vb"),
		"white space within an option: this variable has no quotes, so it would be split");
	append_refused(OPTIONS_JDK, STR("a\0b"), "an option cannot hold a NUL byte");
	char text[65];
	memset(text, 'a', sizeof(text));
	append_refused(OPTIONS_JVM, (struct str){text, sizeof(text)},
		"the options are too long: more than 64 bytes");
}

/* A small generator of its own, so that the lists are the same everywhere. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

static size_t make_option(uint32_t *seed, char *out, size_t max)
{
	static const char bytes[] = "a -'\"\\\t\n\v\r\f@=$*\xc3\xa9";
	size_t len = next_random(seed) % max;

	for (size_t i = 0; i < len; i++)
		out[i] = bytes[next_random(seed) % (sizeof(bytes) - 1)];
	out[len] = '\0';
	return len;
}

static void test_options_append_then_split_gives_the_same(void **state)
{
	enum { ROUNDS = 20000, LIST = 5, LENGTH = 12 };
	uint32_t seed = 1;
	struct buf out;
	struct err err;

	(void)state;
	buf_init(&out, 4096);
	for (int round = 0; round < ROUNDS; round++) {
		enum options_syntax syntax = (enum options_syntax)(round % 4);
		struct arena *arena = arena_new(ARENA_MAX);
		char options[LIST][LENGTH];
		size_t kept = 0;
		char **list;
		size_t count;

		buf_reset(&out);
		for (size_t i = 0; i < LIST; i++) {
			struct str option = {
				options[kept], make_option(&seed, options[kept], LENGTH)};

			if (options_append(syntax, option, &out, &err) == 0)
				kept++;
		}
		assert_int_equal(
			options_split(syntax, arena, buf_str(&out), &list, &count, &err), 0);
		assert_int_equal(count, kept);
		for (size_t i = 0; i < count; i++) {
			bool escaped =
				syntax == OPTIONS_JDK && options[i][0] == '@' && options[i][1];

			assert_string_equal(list[i] + escaped, options[i]);
		}
		arena_free(arena);
	}
	buf_fini(&out);
}

static void test_options_check_refuses_launcher_options_in_jvm(void **state)
{
	const char *java = "it is an option of the java command, put it into the service's command";
	static const char *const launcher[] = {"-cp", "-jar", "-version", "--version", "-m", "-X",
		"-?", "--dry-run", "-XshowSettings", "-classpath"};
	char text[64];
	char message[200];

	(void)state;
	for (size_t i = 0; i < COUNT(launcher); i++) {
		snprintf(text, sizeof(text), "-ea %s", launcher[i]);
		snprintf(message, sizeof(message), "%s cannot stand here: %s", launcher[i], java);
		check("_JAVA_OPTIONS", text, message);
	}
	snprintf(message, sizeof(message), "--class-path cannot stand here: %s", java);
	check("JAVA_TOOL_OPTIONS", "--class-path=secret", message);
	check("JAVA_TOOL_OPTIONS", "hello",
		"a word that does not begin with - cannot stand here: the JVM would "
		"not start");
	check("JAVA_TOOL_OPTIONS", "-ea \"\"",
		"an empty option cannot stand here: the JVM would not start");
	check("JAVA_TOOL_OPTIONS", "--add-opens a/b=c",
		"--add-opens cannot stand here: the JVM takes its value only after an "
		"equals sign");
	check("JAVA_TOOL_OPTIONS",
		"-Xmx1g -XX:+UseG1GC --add-opens=a/b=c -javaagent:x -ea -version-x", NULL);
}

static void test_options_check_refuses_main_class_in_jdk(void **state)
{
	const char *main_class = "a word that does not begin with - cannot stand here: "
				 "java takes it for the main class";

	(void)state;
	check("JDK_JAVA_OPTIONS", "-cp a:b -Xmx1g -p x --add-opens a/b=c --class-path \"\"", NULL);
	check("JDK_JAVA_OPTIONS", "@args x", NULL);
	check("JDK_JAVA_OPTIONS", "-cp @@x", NULL);
	check("JDK_JAVA_OPTIONS", "@ x", main_class);
	check("JDK_JAVA_OPTIONS", "-ea Main", main_class);
	check("JDK_JAVA_OPTIONS", "-cp a Main", main_class);
	check("JDK_JAVA_OPTIONS", "\"\"", main_class);
	check("JDK_JAVA_OPTIONS", "@@x",
		"a literal word that begins with @ cannot stand here: java takes it for "
		"the main class (to have a file of arguments read, write @FILE in `default` or "
		"`value`)");
	check("JDK_JAVA_OPTIONS", "-cp a -jar",
		"-jar cannot stand here: java refuses it there, put it into the "
		"service's command");
	check("JDK_JAVA_OPTIONS", "--module=a/b",
		"--module= cannot stand here: java refuses it there, put it into the "
		"service's command");
}

static void test_options_check_refuses_what_node_ignores(void **state)
{
	const char *ignored = "a word that does not begin with - cannot stand here: node "
			      "would ignore it and all that follows";

	(void)state;
	check("NODE_OPTIONS", "--require ./x --max-old-space-size=100 -r y", NULL);
	check("NODE_OPTIONS", "hello", ignored);
	check("NODE_OPTIONS", "--a=b hello", ignored);
	check("NODE_OPTIONS", "-r a b", ignored);
	check("NODE_OPTIONS", "--expose_internals",
		"--expose-internals cannot stand here: node refuses it there, put it into "
		"the service's command");
	check("NODE_OPTIONS", "-e 1",
		"-e cannot stand here: node refuses it there, put it into the service's "
		"command");
}

static void test_options_check_leaves_others_alone(void **state)
{
	(void)state;
	check("RUBYOPT", "-W0 hello -jar", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_syntax_is_by_name),
		cmocka_unit_test(test_options_split_java_knows_quotes_only),
		cmocka_unit_test(test_options_split_node_separates_at_space_only),
		cmocka_unit_test(test_options_split_plain_knows_no_quotes),
		cmocka_unit_test(test_options_append_quotes_as_needed),
		cmocka_unit_test(test_options_append_unwritable_is_refused),
		cmocka_unit_test(test_options_append_then_split_gives_the_same),
		cmocka_unit_test(test_options_check_refuses_launcher_options_in_jvm),
		cmocka_unit_test(test_options_check_refuses_main_class_in_jdk),
		cmocka_unit_test(test_options_check_refuses_what_node_ignores),
		cmocka_unit_test(test_options_check_leaves_others_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
