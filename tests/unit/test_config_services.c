/* What stands below `services` in husk.yaml. */
#include "config_fixture.h"

#include <signal.h>

static void test_service_defaults(void **state)
{
	struct fixture *f = *state;
	const struct plan_service *s;

	load_good(f, SVC);
	assert_int_equal(f->plan.service_count, 1);
	s = &f->plan.services[0];
	assert_string_equal(s->name, "s");
	assert_int_equal(s->place.line, 3);
	assert_int_equal(s->command.count, 1);
	assert_text(&s->command.items[0], "/bin/s", 4, 15);
	assert_false(s->pass.given);
	assert_null(s->cwd.text);
	assert_true(s->stop_delay == 0);
	assert_int_equal(s->stop_signal, SIGTERM);
	assert_true(s->stop_timeout == -1);
	assert_null(s->stop_place.file);
	assert_false(s->umask_given || s->nice_given || s->adhoc);
	assert_int_equal(s->limit_count, 0);
}

static void test_service_every_key(void **state)
{
	struct fixture *f = *state;
	const struct plan_service *s;

	load_good(f, V "services:\n  php-fpm_8.2:\n"
		       "    command: [php-fpm, -F, \"-d ${X}\", 10, true]\n"
		       "    pass: [\"PHP_*\", DB_PASSWORD]\n"
		       "    stop: {delay: 5s, signal: SIGQUIT, timeout: 25s}\n"
		       "    cwd: /srv\n    umask: \"027\"\n    nice: -5\n"
		       "    limits:\n      nofile: 65535\n      core: unlimited\n"
		       "      stack: 8M\n      nproc: {soft: 10, hard: 20}\n"
		       "      as: {soft: 1G, hard: unlimited}\n");
	s = &f->plan.services[0];
	assert_string_equal(s->name, "php-fpm_8.2");
	assert_int_equal(s->command.count, 5);
	assert_string_equal(s->command.items[2].text, "-d ${X}");
	assert_string_equal(s->command.items[3].text, "10");
	assert_int_equal(s->pass.count, 2);
	assert_true(s->stop_delay == 5 * SECOND);
	assert_int_equal(s->stop_signal, SIGQUIT);
	assert_true(s->stop_timeout == 25 * SECOND);
	assert_int_equal(s->stop_place.line, 6);
	assert_int_equal(s->stop_place.column, 5);
	assert_string_equal(s->cwd.text, "/srv");
	assert_true(s->umask_given);
	assert_int_equal(s->umask, 027);
	assert_true(s->nice_given);
	assert_int_equal(s->nice, -5);
	assert_int_equal(s->limit_count, 5);
	assert_int_equal(s->limits[0].resource, RLIMIT_NOFILE);
	assert_true(s->limits[0].value.rlim_cur == 65535);
	assert_true(s->limits[0].value.rlim_max == 65535);
	assert_true(s->limits[1].value.rlim_cur == RLIM_INFINITY);
	assert_true(s->limits[2].value.rlim_max == 8 << 20);
	assert_true(s->limits[3].value.rlim_cur == 10 && s->limits[3].value.rlim_max == 20);
	assert_true(s->limits[4].value.rlim_cur == 1 << 30);
	assert_true(s->limits[4].value.rlim_max == RLIM_INFINITY);
}

static void test_service_every_limit(void **state)
{
	static const struct {
		const char *name;
		int resource;
	} limits[] = {
		{"nofile", RLIMIT_NOFILE},
		{"nproc", RLIMIT_NPROC},
		{"core", RLIMIT_CORE},
		{"cpu", RLIMIT_CPU},
		{"as", RLIMIT_AS},
		{"fsize", RLIMIT_FSIZE},
		{"memlock", RLIMIT_MEMLOCK},
		{"stack", RLIMIT_STACK},
		{"data", RLIMIT_DATA},
		{"rss", RLIMIT_RSS},
		{"sigpending", RLIMIT_SIGPENDING},
		{"msgqueue", RLIMIT_MSGQUEUE},
		{"nice", RLIMIT_NICE},
		{"rtprio", RLIMIT_RTPRIO},
		{"locks", RLIMIT_LOCKS},
	};
	struct fixture *f = *state;
	struct buf yaml;

	buf_init(&yaml, 4096);
	buf_append_cstr(&yaml, SVC "    limits:\n");
	for (size_t i = 0; i < COUNT(limits); i++)
		buf_appendf(&yaml, "      %s: %zu\n", limits[i].name, i);
	load_good(f, buf_cstr(&yaml));
	assert_int_equal(f->plan.services[0].limit_count, COUNT(limits));
	for (size_t i = 0; i < COUNT(limits); i++) {
		assert_int_equal(f->plan.services[0].limits[i].resource, limits[i].resource);
		assert_string_equal(f->plan.services[0].limits[i].name, limits[i].name);
		assert_true(f->plan.services[0].limits[i].value.rlim_cur == i);
	}
	buf_fini(&yaml);
}

static void test_service_modes_and_signals_forms(void **state)
{
	static const struct {
		const char *text;
		unsigned mode;
	} modes[] = {{"022", 022}, {"\"0027\"", 027}, {"77", 077}, {"0", 0}, {"'777'", 0777}};
	static const struct {
		const char *text;
		int number;
	} signals[] = {{"QUIT", SIGQUIT}, {"SIGHUP", SIGHUP}, {"RTMIN+3", 37}, {"10", 10}};
	struct fixture *f = *state;
	char yaml[256];

	for (size_t i = 0; i < COUNT(modes); i++) {
		snprintf(yaml, sizeof(yaml), SVC "    umask: %s\n", modes[i].text);
		load_good(f, yaml);
		assert_int_equal(f->plan.services[0].umask, modes[i].mode);
	}
	for (size_t i = 0; i < COUNT(signals); i++) {
		snprintf(yaml, sizeof(yaml), SVC "    stop: {signal: %s}\n", signals[i].text);
		load_good(f, yaml);
		assert_int_equal(f->plan.services[0].stop_signal, signals[i].number);
	}
}

static void test_service_errors(void **state)
{
#define S V "services:\n  s:\n    "
	static const struct bad cases[] = {
		{V "services:\n  s: {}\n",
			"husk.yaml:3:3: services.s.command: is required and missing"},
		{V "services:\n  s:\n",
			"husk.yaml:3:5: services.s: wants a mapping with `command:`"},
		{V "services:\n  s: [a]\n",
			"husk.yaml:3:6: services.s: wants a mapping with `command:`"},
		{V "services:\n  Nginx: {command: [a]}\n",
			"husk.yaml:3:3: services.Nginx: a service's name has 1 to 64 of a-z 0-9 _ "
			". "
			"- and begins with a letter or digit"},
		{V "services:\n  -a: {command: [a]}\n",
			"husk.yaml:3:3: services.-a: a service's name has 1 to 64 of a-z 0-9 _ . - "
			"and begins with a letter or digit"},
		{V "services:\n  a b: {command: [a]}\n", "husk.yaml:3:3: services.a b: a service's "
							 "name has 1 to 64 of a-z 0-9 _ . - "
							 "and begins with a letter or digit"},
		{S "command: nginx -g 'daemon off;'\n", "husk.yaml:4:14: services.s.command: wants "
							"a list of arguments, not a text: "
							"command: [nginx, -g, \"daemon off;\"]"},
		{S "command: a \"\" - \"q\\\"\\\\\" 1:2\n",
			"husk.yaml:4:14: services.s.command: wants a list of arguments, not a "
			"text: "
			"command: [a, \"\", \"-\", \"q\\\"\\\\\", \"1:2\"]"},
		{S "command: a 'b\n", "husk.yaml:4:14: services.s.command: wants a list of "
				      "arguments, not a text"},
		{S "command: {}\n",
			"husk.yaml:4:14: services.s.command: wants a list of arguments, not a "
			"mapping"},
		{S "command:\n",
			"husk.yaml:4:13: services.s.command: wants a list of arguments, not "
			"nothing"},
		{S "command: []\n", "husk.yaml:4:14: services.s.command: the list is empty: it "
				    "wants a program and its arguments"},
		{S "command: [\"\", x]\n",
			"husk.yaml:4:15: services.s.command: the program's name is empty"},
		{S "command: [a, [b], ~]\n",
			"husk.yaml:4:18: services.s.command[1]: wants a text, not a list\n"
			"husk.yaml:4:23: services.s.command[2]: wants a text, not nothing: write "
			"\"\" for an empty one"},
		{SVC "    comand: [x]\n", "husk.yaml:5:5: services.s: unknown key \"comand\" (did "
					  "you mean command?)"},
		{SVC "    signal: QUIT\n", "husk.yaml:5:5: services.s: unknown key \"signal\" (did "
					   "you mean stop.signal?)"},
		{SVC "    nofile: 1\n", "husk.yaml:5:5: services.s: unknown key \"nofile\" (did "
					"you mean limits.nofile?)"},
		{V "command: [a]\n", "husk.yaml:2:1: unknown key \"command\" (did you mean "
				     "services.NAME.command?)"},
		{SVC "    user: www-data\n",
			"husk.yaml:5:5: services.s: unknown key \"user\" (known: command, pass, "
			"stop, after, before, main, oneshot, every, overlap, restart, ready, "
			"health, reload, log, cwd, umask, nice, limits)"},
		{SVC "    pass: X\n",
			"husk.yaml:5:11: services.s.pass: wants a list of patterns, not a text"},
		{SVC "    stop: QUIT\n", "husk.yaml:5:11: services.s.stop: wants a mapping, not a "
					 "text"},
		{SVC "    stop: {signal: SIGQIUT}\n",
			"husk.yaml:5:20: services.s.stop.signal: unknown signal \"SIGQIUT\" (did "
			"you mean SIGQUIT?)"},
		{SVC "    stop: {signal: 99}\n",
			"husk.yaml:5:20: services.s.stop.signal: unknown signal \"99\" (known: "
			"names such as TERM, RTMIN+1, and numbers from 1 to 64)"},
		{SVC "    stop: {dely: 1s, timeout: 1x, delay: -1s}\n",
			"husk.yaml:5:12: services.s.stop: unknown key \"dely\" (did you mean "
			"delay?)\n"
			"husk.yaml:5:31: services.s.stop.timeout: wants a duration such as 500ms, "
			"10s, 5m or 1h, not \"1x\"\n"
			"husk.yaml:5:42: services.s.stop.delay: wants a duration such as 500ms, "
			"10s, 5m or 1h, not \"-1s\""},
		{SVC "    cwd: \"\"\n",
			"husk.yaml:5:10: services.s.cwd: wants a path, not an empty text"},
		{SVC "    umask: 0o27\n", "husk.yaml:5:12: services.s.umask: wants octal digits "
					  "from \"0000\" to \"0777\", not \"0o27\""},
		{SVC "    umask: 28\n", "husk.yaml:5:12: services.s.umask: wants octal digits from "
					"\"0000\" to \"0777\", not \"28\""},
		{SVC "    umask: []\n",
			"husk.yaml:5:12: services.s.umask: wants octal digits, not a list"},
		{SVC "    nice: 20\n", "husk.yaml:5:11: services.s.nice: wants a number from -20 "
				       "to 19, not \"20\""},
		{SVC "    nice: low\n", "husk.yaml:5:11: services.s.nice: wants a number from -20 "
					"to 19, not \"low\""},
		{SVC "    limits: {nofiles: 1}\n",
			"husk.yaml:5:14: services.s.limits: unknown key \"nofiles\" (did you mean "
			"nofile?)"},
		{SVC "    limits: {nofile: -1}\n",
			"husk.yaml:5:22: services.s.limits.nofile: wants a number, a size such as "
			"64k, or unlimited, not \"-1\""},
		{SVC "    limits: {nofile: [1]}\n",
			"husk.yaml:5:22: services.s.limits.nofile: wants a number, a size, "
			"unlimited or {soft:, hard:}, not a list"},
		{SVC "    limits: {nofile: {soft: 1}}\n",
			"husk.yaml:5:14: services.s.limits.nofile.hard: is required and missing"},
		{SVC "    limits: {nofile: {soft: 2, hard: 1}}\n",
			"husk.yaml:5:14: services.s.limits.nofile: soft is larger than hard"},
		{SVC "    limits: {nofile: {soft: 2, hrd: 1, hard: 18446744073709551615}}\n",
			"husk.yaml:5:32: services.s.limits.nofile: unknown key \"hrd\" (did you "
			"mean "
			"hard?)\n"
			"husk.yaml:5:46: services.s.limits.nofile.hard: wants a number, a size "
			"such "
			"as 64k, or unlimited, not \"18446744073709551615\""},
	};
#undef S

	ASSERT_BAD(*state, cases);
}

static void test_service_name_length(void **state)
{
	struct fixture *f = *state;
	char yaml[256];

	snprintf(yaml, sizeof(yaml), V "services: {%.*s: {command: [a]}}\n",
		CONFIG_SERVICE_NAME_MAX,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	load_good(f, yaml);
	snprintf(yaml, sizeof(yaml), V "services: {%.*s: {command: [a]}}\n",
		CONFIG_SERVICE_NAME_MAX + 1,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	load(f, yaml);
	assert_int_equal(f->errors.count, 1);
}

static void test_program_replaces_the_services(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {(char[]){"/bin/echo"}, (char[]){"${X}"}, (char[]){""}, NULL};
	struct err err;

	load_good(f, SVC "env: {A: 1}\n");
	assert_int_equal(config_program(&f->plan, argv, &err), 0);
	assert_int_equal(f->plan.service_count, 1);
	assert_string_equal(f->plan.services[0].name, "echo");
	assert_true(f->plan.services[0].adhoc);
	assert_int_equal(f->plan.services[0].command.count, 3);
	assert_ptr_equal(f->plan.services[0].command.items[1].text, argv[1]);
	assert_null(f->plan.services[0].command.items[1].place.file);
	assert_int_equal(f->plan.services[0].stop_signal, SIGTERM);
	assert_true(f->plan.services[0].stop_timeout == -1);
	assert_int_equal(f->plan.var_count, 1);

	config_empty(f->arena, &f->plan);
	assert_null(f->plan.file);
	assert_int_equal(f->plan.service_count, 0);
	assert_true(f->plan.grace == 10 * SECOND);
	argv[0][4] = '\0';
	argv[0] += 1;
	assert_int_equal(config_program(&f->plan, argv, &err), 0);
	assert_string_equal(f->plan.services[0].name, "bin");
}

static void test_warnings_of_grace(void **state)
{
	static const struct bad cases[] = {
		{SVC, ""},
		{SVC "    stop: {delay: 5s}\n", ""},
		{SVC "    stop: {delay: 2s, timeout: 8s}\n", ""},
		{SVC "    stop: {timeout: 11s}\n",
			"husk.yaml:5:5: services.s.stop: delay and timeout take 11s, and grace is "
			"10s: the program is killed when that is over"},
		{SVC "    stop: {delay: 5s, timeout: 5500ms}\n",
			"husk.yaml:5:5: services.s.stop: delay and timeout take 10500ms, and grace "
			"is 10s: the program is killed when that is over"},
		{SVC "    stop: {delay: 10s}\n",
			"husk.yaml:5:5: services.s.stop: a delay of 10s leaves no time to stop "
			"within the grace of 10s"},
		{SVC "    stop: {timeout: 60s}\ngrace: 1m\n", ""},
	};
	struct fixture *f = *state;
	struct err_list warnings;

	for (size_t i = 0; i < COUNT(cases); i++) {
		load_good(f, cases[i].yaml);
		warnings.count = warnings.dropped = 0;
		config_warnings(&f->plan, &warnings);
		assert_string_equal(errors_text(f, &warnings), cases[i].errors);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_service_defaults),
		TEST(test_service_every_key),
		TEST(test_service_every_limit),
		TEST(test_service_modes_and_signals_forms),
		TEST(test_service_errors),
		TEST(test_service_name_length),
		TEST(test_program_replaces_the_services),
		TEST(test_warnings_of_grace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
