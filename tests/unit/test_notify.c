#include "unit/unit.h"

#include "init/notify.h"

static struct notify_record parse(const char *text)
{
	struct notify_record record = {0};

	notify_parse(str_from(text), &record);
	return record;
}

static void test_parse_known_lines_taken(void **state)
{
	struct notify_record record = parse("READY=1\nSTATUS=serving\nMAINPID=42\n");

	(void)state;
	assert_true(record.ready);
	assert_false(record.reloading || record.stopping);
	assert_true(record.status_given);
	assert_string_equal(record.status, "serving");
	assert_int_equal(record.main_pid, 42);
	assert_true(parse("STOPPING=1").stopping);
	assert_true(parse("MONOTONIC_USEC=7\nRELOADING=1").reloading);
}

static void test_parse_other_lines_ignored(void **state)
{
	static const char *const texts[] = {"", "\n\n", "READY", "READY=", "READY=0", "READY=11",
		"ready=1", " READY=1", "READY=1\r\n", "XREADY=1", "=1", "MAINPID=", "MAINPID=0",
		"MAINPID=-1", "MAINPID=+1", "MAINPID=1x", "MAINPID=2147483648",
		"MAINPID=99999999999999999999", "STATU", "WATCHDOG=1", "BARRIER=1"};
	const struct notify_record nothing = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct notify_record record = parse(texts[i]);

		assert_memory_equal(&record, &nothing, sizeof(record));
	}
}

static void test_parse_later_message_counts_for_more(void **state)
{
	struct notify_record record = {0};

	(void)state;
	notify_parse(STR("STATUS=a long one\nMAINPID=7"), &record);
	notify_parse(STR("READY=1\nSTATUS=short"), &record);
	assert_string_equal(record.status, "short");
	notify_parse(STR("STATUS="), &record);
	assert_string_equal(record.status, "");
	assert_true(record.status_given && record.ready);
	assert_int_equal(record.main_pid, 7);
	/* A reload is over when it is ready again. */
	notify_parse(STR("RELOADING=1"), &record);
	assert_true(record.reloading);
	notify_parse(STR("READY=1"), &record);
	assert_false(record.reloading);
}

static void test_parse_status_escaped_and_cut(void **state)
{
	char text[300] = "STATUS=", wanted[NOTIFY_STATUS_MAX + 1];
	struct notify_record record;

	(void)state;
	assert_string_equal(
		parse("STATUS=\033[31mr\303\244d\377").status, "\\x1B[31mr\303\244d\\xFF");
	memset(text + 7, 'x', 200);
	memset(wanted, 'x', NOTIFY_STATUS_MAX);
	wanted[NOTIFY_STATUS_MAX] = '\0';
	assert_string_equal(parse(text).status, wanted);
	/* Never within a character or an escape. */
	memcpy(text + 7 + NOTIFY_STATUS_MAX - 2, "\342\202\254", 3);
	wanted[NOTIFY_STATUS_MAX - 2] = '\0';
	assert_string_equal(parse(text).status, wanted);
	text[7 + NOTIFY_STATUS_MAX - 2] = '\t';
	assert_string_equal(parse(text).status, wanted);
	record = (struct notify_record){0};
	notify_parse(STR("STATUS=a\0b"), &record);
	assert_string_equal(record.status, "a\\x00b");
}

static void test_parse_too_long_ignored(void **state)
{
	static char text[NOTIFY_MESSAGE_MAX + 1];
	struct notify_record record = {0};

	(void)state;
	memset(text, '\n', sizeof(text));
	memcpy(text, "READY=1", 7);
	notify_parse((struct str){text, sizeof(text)}, &record);
	assert_false(record.ready);
	notify_parse((struct str){text, sizeof(text) - 1}, &record);
	assert_true(record.ready);
}

static void test_address_path_or_abstract(void **state)
{
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	struct sockaddr_un address;
	char text[200];
	size_t size;

	(void)state;
	assert_true(notify_address("/run/a", &address, &size));
	assert_int_equal(size, head + 7);
	assert_string_equal(address.sun_path, "/run/a");
	assert_true(notify_address("@a", &address, &size));
	assert_int_equal(size, head + 2);
	assert_memory_equal(address.sun_path, "\0a", 2);
	assert_false(notify_address("", &address, &size));
	assert_false(notify_address("@", &address, &size));
	assert_false(notify_address("run/a", &address, &size));
	assert_false(notify_address("vsock:2:3", &address, &size));
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	text[108] = '\0';
	assert_false(notify_address(text, &address, &size));
	text[107] = '\0';
	assert_true(notify_address(text, &address, &size));
	assert_int_equal(size, sizeof(address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_known_lines_taken),
		cmocka_unit_test(test_parse_other_lines_ignored),
		cmocka_unit_test(test_parse_later_message_counts_for_more),
		cmocka_unit_test(test_parse_status_escaped_and_cut),
		cmocka_unit_test(test_parse_too_long_ignored),
		cmocka_unit_test(test_address_path_or_abstract),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
