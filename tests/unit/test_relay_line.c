#include "unit/unit.h"

#include "init/relay_line.h"

static const struct relay_label prefix = {.service = "app"};
static const struct relay_label json = {.service = "app", .is_error = true, .json = true};

enum { OUT_MAX = 1 << 20 };
static char out[OUT_MAX];
static size_t out_len;
static size_t rest;        /* of the text that is no whole line */
static unsigned calls;     /* that wrote something */
static unsigned cut_calls; /* of which the last byte was no newline */

/* The moment of a JSON line is replaced by T. */
static void hide_time(void)
{
	static const char begin[] = "{\"time\":\"";
	size_t to = 0;

	for (size_t from = 0; from < out_len;) {
		if (out_len - from > sizeof(begin) + 26 &&
			memcmp(out + from, begin, sizeof(begin) - 1) == 0) {
			const char *time = out + from + sizeof(begin) - 1;

			assert_memory_equal(time + 4, "-", 1);
			assert_memory_equal(time + 10, "T", 1);
			assert_memory_equal(time + 19, ".", 1);
			assert_memory_equal(time + 23, "Z\",", 3);
			memmove(out + to, begin, sizeof(begin) - 1);
			to += sizeof(begin) - 1;
			out[to++] = 'T';
			from += sizeof(begin) - 1 + 24;
		} else {
			out[to++] = out[from++];
		}
	}
	out_len = to;
}

static void compose(const struct relay_label *label, struct str text, bool last, size_t room)
{
	struct relay_cursor cursor = {0};
	size_t len;

	out_len = cut_calls = calls = 0;
	while ((len = relay_compose(label, text, last, &cursor, out + out_len, room)) != 0) {
		assert_true(len <= room);
		out_len += len;
		calls++;
		cut_calls += out[out_len - 1] != '\n';
		assert_true(out_len + room <= OUT_MAX);
	}
	rest = text.len - cursor.at;
	hide_time();
}

static void is(const char *wanted, size_t len)
{
	if (out_len != len || memcmp(out, wanted, len) != 0)
		fail_msg("\"%.*s\" is not \"%s\"", (int)out_len, out, wanted);
}

static void test_prefix_lines_have_the_name(void **state)
{
	const struct {
		struct str text;
		bool last;
		struct str wanted;
		size_t rest;
	} rows[] = {
		{STR("a\n"), false, STR("app | a\n"), 0},
		{STR("a\nb\n"), false, STR("app | a\napp | b\n"), 0},
		{STR("a\nb"), false, STR("app | a\n"), 1},
		{STR("a\nb"), true, STR("app | a\napp | b\n"), 0},
		{STR("\n\n"), false, STR("app | \napp | \n"), 0},
		{STR("a\r\n"), false, STR("app | a\r\n"), 0},
		{STR("a\0\xff\x1b[1m\n"), false, STR("app | a\0\xff\x1b[1m\n"), 0},
		{STR("a"), false, STR(""), 1},
		{STR(""), false, STR(""), 0},
		{STR(""), true, STR(""), 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		compose(&prefix, rows[i].text, rows[i].last, 4096);
		is(rows[i].wanted.data, rows[i].wanted.len);
		assert_int_equal(rest, rows[i].rest);
	}
}

static void test_json_lines_are_escaped(void **state)
{
	const struct {
		struct str text;
		const char *message;
	} rows[] = {
		{STR("plain\n"), "plain"},
		{STR("\n"), ""},
		{STR("say \"hi\" \\o/\n"), "say \\\"hi\\\" \\\\o/"},
		{STR("\t\x1b[1m\0\r\n"), "\\u0009\\u001b[1m\\u0000\\u000d"},
		{STR("gr\xc3\xbc\xc3\x9f\n"), "gr\xc3\xbc\xc3\x9f"},
		{STR("\xff \xe2\x82\n"), "\\\\xFF \\\\xE2\\\\x82"},
		{STR("\xe2\x80\xae\n"), "\\\\xE2\\\\x80\\\\xAE"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char wanted[256];

		(void)snprintf(wanted, sizeof(wanted),
			"{\"time\":\"T\",\"service\":\"app\",\"stream\":\"stderr\",\"message\":\"%"
			"s\"}"
			"\n",
			rows[i].message);
		compose(&json, rows[i].text, false, 4096);
		is(wanted, strlen(wanted));
	}
}

static void test_name_longer_than_shown_is_cut(void **state)
{
	char name[600];
	const struct relay_label label = {.service = name, .json = true};

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	compose(&label, STR("a\n"), false, RELAY_ROOM_LEAST);
	assert_true(out_len > 200 && out_len < 300);
	assert_int_equal(out[out_len - 1], '\n');
}

static char *make_line(size_t len, char fill)
{
	char *line = malloc(len + 8);

	assert_non_null(line);
	memset(line, fill, len + 8);
	return line;
}

static void test_line_of_the_most_bytes_is_whole(void **state)
{
	char *line = make_line(RELAY_LINE_MAX, 'x');

	(void)state;
	compose(&prefix, (struct str){line, RELAY_LINE_MAX}, false, 4096);
	assert_int_equal(out_len, 0);
	assert_int_equal(rest, RELAY_LINE_MAX);
	line[RELAY_LINE_MAX] = '\n';
	compose(&prefix, (struct str){line, RELAY_LINE_MAX + 1}, false, 4096);
	assert_int_equal(out_len, RELAY_LINE_MAX + 7);
	assert_int_equal(rest, 0);
	free(line);
}

static void test_line_too_long_prefix_goes_on_with_a_plus(void **state)
{
	char *line = make_line(RELAY_LINE_MAX + 2, 'x');

	(void)state;
	line[RELAY_LINE_MAX + 2] = '\n';
	line[RELAY_LINE_MAX + 3] = 'y';
	line[RELAY_LINE_MAX + 4] = '\n';
	compose(&prefix, (struct str){line, RELAY_LINE_MAX + 5}, false, 4096);
	assert_int_equal(out_len, RELAY_LINE_MAX + 7 + 9 + 8);
	assert_memory_equal(out, "app | x", 7);
	assert_memory_equal(out + RELAY_LINE_MAX + 6, "\napp + xx\napp | y\n", 18);
	free(line);
}

static void test_line_too_long_json_is_partial_but_for_the_end(void **state)
{
	char *line = make_line(2 * RELAY_LINE_MAX + 1, 'x');
	const char *first, *second;

	(void)state;
	compose(&json, (struct str){line, 2 * RELAY_LINE_MAX + 1}, true, 4096);
	out[out_len] = '\0';
	first = strchr(out, '\n');
	assert_non_null(first);
	assert_memory_equal(first - 17, "\",\"partial\":true}", 17);
	second = strchr(first + 1, '\n');
	assert_non_null(second);
	assert_memory_equal(second - 17, "\",\"partial\":true}", 17);
	assert_string_equal(second + 1,
		"{\"time\":\"T\",\"service\":\"app\",\"stream\":\"stderr\",\"message\":\"x\"}\n");
	free(line);
}

static void test_line_too_long_is_cut_between_characters(void **state)
{
	char *line = make_line(RELAY_LINE_MAX + 8, 'x');
	const char *second;

	(void)state;
	memcpy(line + RELAY_LINE_MAX - 2, "\xf0\x9f\x98\x80", 4);
	compose(&prefix, (struct str){line, RELAY_LINE_MAX + 8}, true, 4096);
	second = memchr(out, '\n', out_len);
	assert_non_null(second);
	assert_memory_equal(second + 1, "app + \xf0\x9f\x98\x80x", 11);
	/* What is no UTF-8 is cut where the room ends. */
	memset(line, '\x80', RELAY_LINE_MAX + 8);
	compose(&prefix, (struct str){line, RELAY_LINE_MAX + 8}, true, 4096);
	second = memchr(out, '\n', out_len);
	assert_int_equal(second - out, RELAY_LINE_MAX + 6);
	free(line);
}

static void test_room_a_line_that_fits_elsewhere_is_not_torn(void **state)
{
	char text[3 * 301];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[300] = text[601] = text[902] = '\n';
	compose(&prefix, (struct str){text, sizeof(text)}, false, RELAY_ROOM_LEAST);
	assert_int_equal(calls, 3);
	assert_int_equal(cut_calls, 0);
	compose(&prefix, (struct str){text, sizeof(text)}, false, 1024);
	assert_int_equal(calls, 1);
}

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16;
}

/* However little room there is, the same comes out. */
static void test_random_text_the_same_with_any_room(void **state)
{
	static const char *const parts[] = {"a", "\n", "\"", "\xc3\xa9", "\xff", "\x01",
		"words of a line ", "\xe2\x82\xac", "\\", "a line\n"};
	static char whole[OUT_MAX];
	char text[8192];
	unsigned seed = 11;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		const struct relay_label *label = round % 2 == 0 ? &prefix : &json;
		size_t len = 0, most = next_random(&seed) % 4000, whole_len, whole_rest;
		bool last = next_random(&seed) % 2 == 0;

		while (len < most) {
			const char *part = parts[next_random(&seed) % COUNT(parts)];

			memcpy(text + len, part, strlen(part));
			len += strlen(part);
		}
		compose(label, (struct str){text, len}, last, OUT_MAX / 2);
		memcpy(whole, out, out_len);
		whole_len = out_len;
		whole_rest = rest;
		compose(label, (struct str){text, len}, last,
			RELAY_ROOM_LEAST + next_random(&seed) % 600);
		assert_int_equal(out_len, whole_len);
		assert_memory_equal(out, whole, whole_len);
		assert_int_equal(rest, whole_rest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix_lines_have_the_name),
		cmocka_unit_test(test_json_lines_are_escaped),
		cmocka_unit_test(test_name_longer_than_shown_is_cut),
		cmocka_unit_test(test_line_of_the_most_bytes_is_whole),
		cmocka_unit_test(test_line_too_long_prefix_goes_on_with_a_plus),
		cmocka_unit_test(test_line_too_long_json_is_partial_but_for_the_end),
		cmocka_unit_test(test_line_too_long_is_cut_between_characters),
		cmocka_unit_test(test_room_a_line_that_fits_elsewhere_is_not_torn),
		cmocka_unit_test(test_random_text_the_same_with_any_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
