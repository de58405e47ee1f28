#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/str.h"

UNIT_MEMORY

/* One write an event is part of the contract. */
static unsigned write_calls;

ssize_t __real_fd_write_nowait(int fd, const void *data, size_t size);
ssize_t __wrap_fd_write_nowait(int fd, const void *data, size_t size);
ssize_t __wrap_fd_write_nowait(int fd, const void *data, size_t size)
{
	write_calls++;
	assert_int_equal(fd, 2);
	assert_true(size <= PIPE_BUF);
	size = (size_t)__real_fd_write_nowait(fd, data, size);
	/* As a call that found its way in the end may leave it. */
	errno = EIO;
	return (ssize_t)size;
}

static struct unit_capture capture;

static void begin(void)
{
	log_init("husk");
	unit_capture_begin(&capture, 2);
}

static const char *end(void)
{
	return unit_capture_end(&capture);
}

static void test_text_each_level_named(void **state)
{
	(void)state;
	begin();
	log_set_level(LOG_LEVEL_DEBUG);
	log_error("a %d", 1);
	log_warn("b %s", "x");
	log_info("c");
	log_debug("d");
	assert_string_equal(end(), "husk: a 1\nhusk: warning: b x\nhusk: c\nhusk: debug: d\n");
}

static void test_event_one_write_and_no_memory(void **state)
{
	unsigned calls;
	struct err err;

	(void)state;
	err_set(&err, ERR_CONFIG, "unknown filter");
	err_locate(&err, "nginx.conf", STR("listen ${PORT|prot};\n"), 14);
	for (int json = 0; json < 2; json++) {
		begin();
		assert_int_equal(log_configure(NULL, json != 0 ? "json" : "text", NULL), 0);
		write_calls = 0;
		unit_memory_left = 0;
		log_err(&err);
		log_error("%d %s", 1, "x");
		log_warn_errno("y");
		unit_memory_left = -1;
		calls = write_calls;
		(void)end();
		assert_int_equal(calls, 3);
	}
}

static void test_level_below_nothing_written(void **state)
{
	(void)state;
	begin();
	log_info("not by default");
	log_debug("nor this");
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("nor this");
	log_warn_errno("nor this");
	assert_int_equal(log_get_level(), LOG_LEVEL_ERROR);
	log_error("but this");
	assert_string_equal(end(), "husk: but this\n");
}

static void test_text_untrusted_bytes_escaped(void **state)
{
	(void)state;
	begin();
	log_error("%s", "a\nb\033[2J\xff\xc2\x9b\xc3\xa9\x7f\t");
	assert_string_equal(end(), "husk: a\\nb\\x1B[2J\\xFF\\xC2\\x9B\xc3\xa9\\x7F\\x09\n");
}

static void test_text_errno_kept(void **state)
{
	int kept;

	(void)state;
	begin();
	errno = ENOENT;
	log_warn_errno("cannot open %s", "x");
	kept = errno;
	errno = EACCES;
	log_error("x");
	kept = kept == ENOENT ? errno : 0;
	assert_string_equal(end(), "husk: warning: cannot open x: No such file or directory\n"
				   "husk: x\n");
	assert_int_equal(kept, EACCES);
}

static void test_text_error_with_place_and_caret(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, ERR_CONFIG, "unknown filter");
	err_locate(&err, "nginx.conf", STR("listen ${PORT|prot};\n"), 14);
	begin();
	log_err(&err);
	assert_string_equal(end(), "husk: nginx.conf:1:15: unknown filter\n"
				   "  listen ${PORT|prot};\n"
				   "                ^\n");
}

static void test_text_long_message_cut_one_line(void **state)
{
	static char text[10000];
	const char *line;

	(void)state;
	memset(text, '\001', sizeof(text) - 1);
	begin();
	log_error("%s", text);
	line = end();
	assert_true(strlen(line) <= PIPE_BUF);
	assert_string_equal(line + strlen(line) - 8, "\\x01...\n");
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

/* The rest of a line after its time. */
static const char *after_time(const char *line)
{
	static const char pattern[] = "{\"time\":\"dddd-dd-ddTdd:dd:dd.dddZ\",";

	for (size_t i = 0; i < sizeof(pattern) - 1; i++) {
		if (pattern[i] == 'd' && i > 8)
			assert_in_range(line[i], '0', '9');
		else
			assert_int_equal(line[i], pattern[i]);
	}
	return line + sizeof(pattern) - 1;
}

static void test_json_levels_and_escapes(void **state)
{
	(void)state;
	begin();
	assert_int_equal(log_configure(NULL, "json", NULL), 0);
	log_warn("%s", "say \"a\\b\"\n\xff\xc3\xa9");
	assert_string_equal(after_time(end()), "\"level\":\"warn\",\"name\":\"husk\","
					       "\"message\":\"say \\\"a\\\\b\\\"\\u000a\\\\xFF"
					       "\xc3\xa9\"}\n");
}

static void test_json_error_fields(void **state)
{
	struct err err;

	(void)state;
	err_set_at(&err, ERR_CONFIG, "a\"b", 3, 7, "bad");
	err.errnum = 2;
	begin();
	assert_int_equal(log_configure(NULL, "json", NULL), 0);
	log_err(&err);
	assert_string_equal(after_time(end()),
		"\"level\":\"error\",\"name\":\"husk\",\"file\":\"a\\\"b\",\"line\":3,"
		"\"column\":7,\"errno\":2,\"message\":\"bad\"}\n");
}

static void test_json_long_message_still_whole_json(void **state)
{
	static char text[10000];
	struct err err;
	const char *line;
	size_t len;

	(void)state;
	memset(text, '\001', sizeof(text) - 1);
	err_set_at(&err, ERR_CONFIG, text, UINT_MAX, UINT_MAX, "%s", text);
	begin();
	assert_int_equal(log_configure(NULL, "json", NULL), 0);
	log_err(&err);
	log_error("%s", text);
	line = end();
	len = (size_t)(strchr(line, '\n') - line);
	assert_true(len < PIPE_BUF);
	assert_memory_equal(line + len - 11, "\\u0001...\"}", 11);
	line += len + 1;
	len = strlen(line);
	assert_true(len <= PIPE_BUF);
	assert_memory_equal(line + len - 12, "\\u0001...\"}\n", 12);
}

static void test_lost_messages_counted_and_told(void **state)
{
	char got[PIPE_BUF + 1];
	int fds[2], saved = dup(2);
	ssize_t len;

	(void)state;
	log_init("husk");
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	memset(got, 'x', sizeof(got));
	while (write(fds[1], got, PIPE_BUF) > 0)
		;
	assert_int_equal(fcntl(fds[1], F_SETFL, 0), 0);
	assert_int_equal(dup2(fds[1], 2), 2);
	log_error("lost");
	log_error("lost as well");
	/* Standard error is a file now. */
	unit_capture_begin(&capture, 2);
	log_error("comes through");
	log_error("nothing lost");
	(void)end();
	assert_int_equal(dup2(saved, 2), 2);
	assert_string_equal(capture.text, "husk: warning: 2 messages lost: nobody read them\n"
					  "husk: comes through\nhusk: nothing lost\n");
	/* In the pipe there is only what filled it. */
	close(fds[1]);
	while ((len = read(fds[0], got, PIPE_BUF)) > 0) {
		for (ssize_t i = 0; i < len; i++)
			assert_int_equal(got[i], 'x');
	}
	close(fds[0]);
	close(saved);
}

static void test_closed_standard_error_survived(void **state)
{
	int saved = dup(2);

	(void)state;
	log_init("husk");
	close(2);
	log_error("to nobody");
	assert_int_equal(dup2(saved, 2), 2);
	close(saved);
}

static void test_configure_known_values(void **state)
{
	static const struct {
		const char *text;
		enum log_level level;
	} cases[] = {
		{"error", LOG_LEVEL_ERROR},
		{"warn", LOG_LEVEL_WARN},
		{"info", LOG_LEVEL_INFO},
		{"debug", LOG_LEVEL_DEBUG},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		log_init("husk");
		assert_int_equal(log_configure(cases[i].text, NULL, NULL), 0);
		assert_int_equal(log_get_level(), cases[i].level);
		assert_int_equal(log_configure("", "", NULL), 0);
		assert_int_equal(log_configure(NULL, NULL, NULL), 0);
		assert_int_equal(log_get_level(), cases[i].level);
	}
	begin();
	assert_int_equal(log_configure(NULL, "json", NULL), 0);
	log_error("x");
	assert_int_equal(log_configure(NULL, "text", NULL), 0);
	log_error("y");
	(void)end();
	assert_string_equal(strchr(capture.text, '\n'), "\nhusk: y\n");
}

static void test_configure_unknown_values_suggested(void **state)
{
	struct err err;

	(void)state;
	log_init("husk");
	assert_int_equal(log_configure("warm", NULL, &err), -1);
	assert_string_equal(err.message, "HUSK_LOG: unknown value \"warm\" (did you mean warn?)");
	assert_int_equal(err.code, ERR_CONFIG);
	assert_int_equal(log_configure("nonsense", NULL, &err), -1);
	assert_string_equal(err.message,
		"HUSK_LOG: unknown value \"nonsense\" (known: error, warn, info, debug)");
	assert_int_equal(log_configure(NULL, "xml", &err), -1);
	assert_string_equal(
		err.message, "HUSK_LOG_FORMAT: unknown value \"xml\" (known: text, json)");
}

static void test_termination_appended_at_most_4096(void **state)
{
	static char text[5000], got[10000];
	char path[256];
	int fd;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	(void)unit_path(path, sizeof(path), "husk-termination-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "own\n", 4), 4);
	errno = ENOENT;
	log_termination_to(path, text);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(pread(fd, got, sizeof(got), 0), 4 + 4096);
	assert_memory_equal(got, "own\naaaa", 8);
	close(fd);
}

static void test_termination_no_regular_file_untouched(void **state)
{
	char path[256], link[300];
	struct stat st;
	int fd;

	(void)state;
	log_termination_to("/nonexistent/termination-log", "x");
	log_termination_to("/dev/null", "x");
	(void)unit_path(path, sizeof(path), "husk-termination-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	(void)snprintf(link, sizeof(link), "%s.link", path);
	assert_int_equal(symlink(path, link), 0);
	log_termination_to(link, "x");
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(unlink(path), 0);
	close(fd);
	/* A FIFO without a reader: no wait. */
	assert_int_equal(mkfifo(path, 0600), 0);
	log_termination_to(path, "x");
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_each_level_named),
		cmocka_unit_test(test_event_one_write_and_no_memory),
		cmocka_unit_test(test_level_below_nothing_written),
		cmocka_unit_test(test_text_untrusted_bytes_escaped),
		cmocka_unit_test(test_text_errno_kept),
		cmocka_unit_test(test_text_error_with_place_and_caret),
		cmocka_unit_test(test_text_long_message_cut_one_line),
		cmocka_unit_test(test_json_levels_and_escapes),
		cmocka_unit_test(test_json_error_fields),
		cmocka_unit_test(test_json_long_message_still_whole_json),
		cmocka_unit_test(test_lost_messages_counted_and_told),
		cmocka_unit_test(test_closed_standard_error_survived),
		cmocka_unit_test(test_configure_known_values),
		cmocka_unit_test(test_configure_unknown_values_suggested),
		cmocka_unit_test(test_termination_appended_at_most_4096),
		cmocka_unit_test(test_termination_no_regular_file_untouched),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
