/* The manual pages say what the tables of the program say: commands, options, keys, filters. */
#include <ctype.h>

#include "unit.h"

#include "base/fd.h"
#include "cmd/cmd.h"
#include "plan/config.h"
#include "text/filter.h"

enum { PAGE_MAX = 1 << 20 };

struct pages {
	struct buf commands;
	struct buf config;
};

static void read_page(struct buf *page, const char *path)
{
	struct err err;

	buf_init(page, PAGE_MAX);
	if (fd_read_file(path, PAGE_MAX, page, &err) < 0)
		fail_msg("%s", err.message);
	assert_non_null(buf_cstr(page));
}

static int set_up(void **state)
{
	static struct pages pages;

	read_page(&pages.commands, "src/husk.1");
	read_page(&pages.config, "src/husk.yaml.5");
	*state = &pages;
	return 0;
}

static int tear_down(void **state)
{
	struct pages *pages = *state;

	buf_fini(&pages->commands);
	buf_fini(&pages->config);
	return 0;
}

static void assert_holds(const struct buf *page, const char *block)
{
	if (!strstr(page->data, block))
		fail_msg("the page does not hold:\n%s", block);
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		count++;
	return count;
}

static void test_manual_commands_are_all_there(void **state)
{
	struct pages *pages = *state;
	size_t count = 0;
	char block[256];

	for (const struct cmd *command = cmd_commands; command->name; command++, count++) {
		(void)snprintf(block, sizeof(block), "\n.It Cm %s\n", command->name);
		assert_holds(&pages->commands, block);
	}
	assert_int_equal(count_of(pages->commands.data, "\n.It Cm "), count);
}

/* `.It Fl c Ar FILE , Fl -config Ar FILE` */
static void option_item(char *block, size_t size, const struct opt *option)
{
	const char *argument = option->argument ? option->argument : "";
	const char *gap = option->argument ? " Ar " : "";

	if (option->letter && option->name)
		(void)snprintf(block, size, "\n.It Fl %c%s%s , Fl -%s%s%s\n", option->letter, gap,
			argument, option->name, gap, argument);
	else if (option->letter)
		(void)snprintf(block, size, "\n.It Fl %c%s%s\n", option->letter, gap, argument);
	else
		(void)snprintf(block, size, "\n.It Fl -%s%s%s\n", option->name, gap, argument);
}

static void test_manual_options_are_all_there(void **state)
{
	struct pages *pages = *state;
	struct buf seen;
	char block[256];

	buf_init(&seen, PAGE_MAX);
	for (const struct cmd *command = cmd_commands; command->name; command++) {
		for (const struct opt *option = command->options; option->id; option++) {
			option_item(block, sizeof(block), option);
			assert_holds(&pages->commands, block);
			if (!seen.data || !strstr(buf_cstr(&seen), block))
				assert_int_equal(buf_append_cstr(&seen, block), 0);
		}
	}
	assert_int_equal(count_of(pages->commands.data, "\n.It Fl "),
		count_of(buf_cstr(&seen), "\n.It Fl "));
	buf_fini(&seen);
}

/* The next field of a row, ended by NUL. */
static char *field(char **rest)
{
	char *start = *rest;
	size_t len = strcspn(start, "\t\n");

	*rest = start + len + (start[len] != '\0');
	start[len] = '\0';
	return start;
}

static void key_item(char *block, size_t size, char **rest)
{
	const char *key = field(rest);
	const char *type = field(rest);
	const char *fallback = field(rest);
	char *help = field(rest);

	help[0] = (char)toupper((unsigned char)help[0]);
	if (strcmp(fallback, "required") == 0)
		(void)snprintf(block, size, "\n.It Ic %s\n%s; required.\n%s.\n", key, type, help);
	else if (fallback[0])
		(void)snprintf(block, size, "\n.It Ic %s\n%s; default: %s.\n%s.\n", key, type,
			fallback, help);
	else
		(void)snprintf(block, size, "\n.It Ic %s\n%s.\n%s.\n", key, type, help);
}

static void test_manual_keys_are_those_of_the_schema(void **state)
{
	struct pages *pages = *state;
	struct buf rows;
	size_t count = 0;
	char block[1024];

	buf_init(&rows, PAGE_MAX);
	assert_int_equal(config_describe(&rows), 0);
	for (char *rest = rows.data; rest && buf_cstr(&rows) && *rest; count++) {
		key_item(block, sizeof(block), &rest);
		assert_holds(&pages->config, block);
	}
	assert_true(count > 0);
	assert_int_equal(count_of(pages->config.data, "\n.It Ic "), count);
	buf_fini(&rows);
}

static void test_manual_filters_are_all_there(void **state)
{
	static const char *const helps[] = {
#define X(id, name, help) help,
		FILTER_TABLE(X)
#undef X
	};
	struct pages *pages = *state;
	char block[256];

	for (size_t i = 0; i < COUNT(helps); i++) {
		(void)snprintf(block, sizeof(block), "\n.It Cm %s\n%c%s.\n",
			filter_name((enum filter_id)(i + 1)), toupper((unsigned char)helps[i][0]),
			helps[i] + 1);
		assert_holds(&pages->config, block);
	}
	assert_int_equal(count_of(pages->config.data, "\n.It Cm "), COUNT(helps));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manual_commands_are_all_there),
		cmocka_unit_test(test_manual_options_are_all_there),
		cmocka_unit_test(test_manual_keys_are_those_of_the_schema),
		cmocka_unit_test(test_manual_filters_are_all_there),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
