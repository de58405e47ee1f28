#include "unit/unit.h"

#include "probe/probe.h"

static void assert_part(const char *text, const char *what, const char *got, const char *wanted)
{
	if ((got == NULL) != (wanted == NULL) || (got != NULL && strcmp(got, wanted) != 0))
		fail_msg("%s: %s is %s", text, what, got != NULL ? got : "missing");
}

static void test_target_is_taken_apart(void **state)
{
	static const struct {
		const char *text;
		enum probe_kind kind;
		const char *host, *port, *path, *uri, *authority;
	} rows[] = {
		{"tcp://db:5432", PROBE_TCP, "db", "5432", NULL, NULL, NULL},
		{"tcp://127.0.0.1:1", PROBE_TCP, "127.0.0.1", "1", NULL, NULL, NULL},
		{"tcp://[::1]:65535", PROBE_TCP, "::1", "65535", NULL, NULL, NULL},
		{"http://web", PROBE_HTTP, "web", "80", NULL, "/", "web"},
		{"http://web.example.:8080", PROBE_HTTP, "web.example.", "8080", NULL, "/",
			"web.example.:8080"},
		{"http://[fe80::1]/a?b=c:d/e", PROBE_HTTP, "fe80::1", "80", NULL, "/a?b=c:d/e",
			"[fe80::1]"},
		{"http://my_app:80/", PROBE_HTTP, "my_app", "80", NULL, "/", "my_app:80"},
		{"unix:/run/app.sock", PROBE_UNIX, NULL, NULL, "/run/app.sock", NULL, NULL},
		{"unix:@app", PROBE_UNIX, NULL, NULL, "@app", NULL, NULL},
		{"unix:app.sock", PROBE_UNIX, NULL, NULL, "app.sock", NULL, NULL},
		{"fcgi://php:9000/ping", PROBE_FCGI, "php", "9000", NULL, "/ping", NULL},
		{"fcgi+unix:/run/php/fpm.sock:/ping?x", PROBE_FCGI_UNIX, NULL, NULL,
			"/run/php/fpm.sock", "/ping?x", NULL},
		{"fcgi+unix:@fpm:/a:/b", PROBE_FCGI_UNIX, NULL, NULL, "@fpm", "/a:/b", NULL},
		{"file:/run/ready", PROBE_FILE, NULL, NULL, "/run/ready", NULL, NULL},
	};
	struct probe_target target;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (probe_parse(rows[i].text, &target, &err) < 0)
			fail_msg("%s", err.message);
		assert_int_equal(target.kind, rows[i].kind);
		assert_part(rows[i].text, "the host", target.host, rows[i].host);
		assert_part(rows[i].text, "the port", target.port, rows[i].port);
		assert_part(rows[i].text, "the path", target.path, rows[i].path);
		assert_part(rows[i].text, "the uri", target.uri, rows[i].uri);
		assert_part(rows[i].text, "the authority", target.authority, rows[i].authority);
	}
}

static void test_target_malformed_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"", "is no target (known: tcp://HOST:PORT, http://HOST[:PORT][/PATH], "
		     "unix:PATH, "},
		{"db:5432", "is no target (known:"},
		{"ftp://db", "is no target (known:"},
		{"https://web/", "husk does not speak TLS"},
		{"HTTP://web/", "is no target"},
		{"tcp://db", "the port is missing (tcp://HOST:PORT)"},
		{"tcp://db:", "the port is missing behind the host"},
		{"tcp://db:0", "the port is not 1 to 65535"},
		{"tcp://db:65536", "the port is not 1 to 65535"},
		{"tcp://db:http", "the port is not 1 to 65535"},
		{"tcp://db:+1", "the port is not 1 to 65535"},
		{"tcp://db:80/", "a port has no path"},
		{"tcp://:80", "the host is no name"},
		{"tcp://::1:80", "the host is no name"},
		{"tcp://[::1]", "the port is missing"},
		{"tcp://[::1", "a bracket is missing"},
		{"tcp://[::1]80", "the port is missing behind the host"},
		{"tcp://[127.0.0.1]:80", "the host is no name"},
		{"tcp://[fe80::1%eth0]:80", "the host is no name"},
		{"tcp://-db:80", "the host is no name"},
		{"tcp://a..b:80", "the host is no name"},
		{"tcp://a b:80", "the host is no name"},
		{"http://", "the host is no name"},
		{"http://user:"
		 "pass@web/",
			"the port is not"},
		{"http://web:80:90/", "the host is no name"},
		{"http://user@web/", "the host is no name"},
		{"http://web?x", "the host is no name"},
		{"http://web/a b", "no blank, control character or #"},
		{"http://web/a\r\nHost: x", "no blank, control character or #"},
		{"http://web/#top", "no blank, control character or #"},
		{"unix:", "the path is missing"},
		{"unix:@", "the path is missing"},
		{"file:", "the path is missing"},
		{"fcgi://php:9000", "the script is missing"},
		{"fcgi://php/ping", "the port is missing"},
		{"fcgi+unix:/run/fpm.sock", "the script is missing"},
		{"fcgi+unix::/ping", "the path is missing"},
	};
	struct probe_target target;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (probe_parse(rows[i].text, &target, &err) == 0)
			fail_msg("was taken: %s", rows[i].text);
		assert_int_equal(err.code, ERR_USAGE);
		if (strstr(err.message, rows[i].says) == NULL)
			fail_msg("%s", err.message);
	}
}

static void test_target_long_fits_or_not(void **state)
{
	char text[2 * PROBE_TARGET_MAX];
	struct probe_target target;
	struct err err;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "unix:/", 6);
	text[5 + 107] = '\0';
	assert_int_equal(probe_parse(text, &target, &err), 0);
	text[5 + 107] = 'x';
	text[5 + 108] = '\0';
	assert_int_equal(probe_parse(text, &target, &err), -1);
	assert_non_null(strstr(err.message, "longer than a socket's can be"));

	memset(text, 'x', sizeof(text));
	memcpy(text, "file:/", 6);
	text[5 + PROBE_TARGET_MAX - 1] = '\0';
	assert_int_equal(probe_parse(text, &target, &err), 0);
	text[5 + PROBE_TARGET_MAX - 1] = 'x';
	text[5 + PROBE_TARGET_MAX] = '\0';
	assert_int_equal(probe_parse(text, &target, &err), -1);
	assert_non_null(strstr(err.message, "too long"));

	/* The parts together: "h", "80", "h" and the path, each with its end. */
	memset(text, 'x', sizeof(text));
	memcpy(text, "http://h/", 9);
	text[8 + PROBE_TARGET_MAX - 8] = '\0';
	assert_int_equal(probe_parse(text, &target, &err), 0);
	text[8 + PROBE_TARGET_MAX - 8] = 'x';
	text[8 + PROBE_TARGET_MAX - 7] = '\0';
	assert_int_equal(probe_parse(text, &target, &err), -1);
	assert_non_null(strstr(err.message, "too long"));
}

static void test_expect_ranges_are_read(void **state)
{
	struct probe_expect expect;
	struct err err;

	(void)state;
	assert_int_equal(probe_parse_expect("204", &expect, &err), 0);
	assert_int_equal(expect.count, 1);
	assert_int_equal(expect.ranges[0].least, 204);
	assert_int_equal(expect.ranges[0].most, 204);
	assert_int_equal(probe_parse_expect("200,301-308,404-404", &expect, &err), 0);
	assert_int_equal(expect.count, 3);
	assert_int_equal(expect.ranges[1].least, 301);
	assert_int_equal(expect.ranges[1].most, 308);
	assert_int_equal(expect.ranges[2].most, 404);
	assert_int_equal(probe_parse_expect("200,201,202,203,204,205,206,207", &expect, &err), 0);
}

static void test_expect_malformed_is_refused(void **state)
{
	static const char *const texts[] = {"", "20", "2000", "abc", "099", "200-", "-200",
		"399-200", "200-39", "200 ", "200,", ",200", "200,,201", "200-300-400", "+20",
		"200,201,202,203,204,205,206,207,208"};
	struct probe_expect expect;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		if (probe_parse_expect(texts[i], &expect, &err) == 0)
			fail_msg("was taken: %s", texts[i]);
		assert_int_equal(err.code, ERR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target_is_taken_apart),
		cmocka_unit_test(test_target_malformed_is_refused),
		cmocka_unit_test(test_target_long_fits_or_not),
		cmocka_unit_test(test_expect_ranges_are_read),
		cmocka_unit_test(test_expect_malformed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
