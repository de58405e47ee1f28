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

/* ---- when it runs ---- */

#define MS INT64_C(1000000)

static void test_service_supervision_defaults(void **state)
{
	struct fixture *f = *state;
	const struct plan_service *s;

	load_good(f, SVC "  t:\n    command: [t]\n");
	s = &f->plan.services[0];
	assert_false(s->main || s->oneshot || s->restart_given || s->reload_given);
	assert_true(s->every == 0);
	assert_int_equal(s->overlap, PLAN_OVERLAP_SKIP);
	assert_int_equal(s->depend_count, 0);
	assert_int_equal(s->restart, PLAN_RESTART_FAILURE);
	assert_true(s->restart_delay == 100 * MS);
	assert_true(s->restart_delay_max == 30 * SECOND);
	assert_int_equal(s->restart_limit, 5);
	assert_true(s->restart_window == 60 * SECOND);
	assert_null(s->ready.text);
	assert_true(s->ready_timeout == 30 * SECOND);
	assert_null(s->health.text);
	assert_true(s->health_every == 10 * SECOND);
	assert_true(s->health_timeout == 2 * SECOND);
	assert_int_equal(s->health_failures, 3);
	assert_int_equal(s->log, PLAN_LOG_RAW);
}

static void test_service_supervision_every_key(void **state)
{
	struct fixture *f = *state;
	const struct plan_service *s;

	load_good(f,
		SVC "    main: true\n"
		    "    restart: {on: always, delay: 250ms..10s, limit: 7 in 5m}\n"
		    "    ready: {probe: \"tcp://[::1]:${PORT}\", timeout: 5s}\n"
		    "    health: {probe: \"http://h/x\", every: 3s, timeout: 1s, failures: 9}\n"
		    "    reload: {signal: SIGUSR2, watch: true}\n"
		    "    log: json\n"
		    "  t: {command: [t], every: 90s, overlap: replace}\n"
		    "  u: {command: [t], oneshot: true, before: [s]}\n");
	s = &f->plan.services[0];
	assert_true(s->main);
	assert_true(s->restart_given);
	assert_int_equal(s->restart, PLAN_RESTART_ALWAYS);
	assert_true(s->restart_delay == 250 * MS && s->restart_delay_max == 10 * SECOND);
	assert_true(s->restart_limit == 7 && s->restart_window == 300 * SECOND);
	assert_text(&s->ready, "tcp://[::1]:${PORT}", 7, 21);
	assert_true(s->ready_timeout == 5 * SECOND);
	assert_text(&s->health, "http://h/x", 8, 22);
	assert_true(s->health_every == 3 * SECOND && s->health_timeout == 1 * SECOND);
	assert_int_equal(s->health_failures, 9);
	assert_true(s->reload_given && s->reload_watch);
	assert_int_equal(s->reload_signal, SIGUSR2);
	assert_int_equal(s->log, PLAN_LOG_JSON);
	s = &f->plan.services[1];
	assert_true(s->every == 90 * SECOND);
	assert_int_equal(s->overlap, PLAN_OVERLAP_REPLACE);
	assert_int_equal(s->restart, PLAN_RESTART_NEVER);
	s = &f->plan.services[2];
	assert_true(s->oneshot);
	assert_int_equal(s->restart, PLAN_RESTART_NEVER);
}

static void test_service_short_forms(void **state)
{
	struct fixture *f = *state;
	const struct plan_service *s;

	load_good(f, SVC "    restart: always\n    ready: notify\n    health: unix:/s\n"
			 "    reload: HUP\n    after: t\n"
			 "  t:\n    command: [t]\n    restart: {}\n    reload: restart\n"
			 "    ready: fd:3\n"
			 "  u:\n    command: [t]\n    restart: {delay: 2s, limit: none}\n"
			 "    reload: {watch: true}\n    before: u2\n    ready: notify:/run/n\n"
			 "  u2: {command: [t], restart: never, main: false}\n");
	s = &f->plan.services[0];
	assert_int_equal(s->restart, PLAN_RESTART_ALWAYS);
	assert_text(&s->ready, "notify", 6, 12);
	assert_text(&s->health, "unix:/s", 7, 13);
	assert_int_equal(s->reload_signal, SIGHUP);
	assert_false(s->reload_watch);
	assert_int_equal(s->after.count, 1);
	assert_int_equal(s->depend_count, 1);
	s = &f->plan.services[1];
	assert_true(s->restart_given && s->reload_given);
	assert_int_equal(s->restart, PLAN_RESTART_FAILURE);
	assert_int_equal(s->reload_signal, 0);
	assert_string_equal(s->ready.text, "fd:3");
	s = &f->plan.services[2];
	assert_true(s->restart_delay == 2 * SECOND && s->restart_delay_max == 2 * SECOND);
	assert_int_equal(s->restart_limit, 0);
	assert_true(s->reload_given && s->reload_watch);
	assert_int_equal(s->reload_signal, 0);
	assert_int_equal(f->plan.services[3].restart, PLAN_RESTART_NEVER);
	assert_int_equal(f->plan.services[3].depends[0], 2);
}

/* A container of one program ends with it; that restarts are wished for does not change that. */
static void test_service_alone_is_main(void **state)
{
	static const struct {
		const char *more;
		bool main;
		enum plan_restart restart;
	} cases[] = {
		{"", true, PLAN_RESTART_NEVER},
		{"    restart: always\n", true, PLAN_RESTART_ALWAYS},
		{"    oneshot: true\n", true, PLAN_RESTART_NEVER},
		{"    main: true\n", true, PLAN_RESTART_NEVER},
		{"    main: false\n", false, PLAN_RESTART_FAILURE},
		{"    every: 5s\n", false, PLAN_RESTART_NEVER},
		{"  t: {command: [t]}\n", false, PLAN_RESTART_FAILURE},
	};
	struct fixture *f = *state;
	char yaml[256];

	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(yaml, sizeof(yaml), SVC "%s", cases[i].more);
		load_good(f, yaml);
		assert_int_equal(f->plan.services[0].main, cases[i].main);
		assert_int_equal(f->plan.services[0].restart, cases[i].restart);
	}
}

static void test_service_health_timeout_fits_every(void **state)
{
	struct fixture *f = *state;

	load_good(f, SVC "    health: {probe: file:/x, every: 500ms}\n");
	assert_true(f->plan.services[0].health_timeout == 500 * MS);
	load_good(f, SVC "    health: {probe: file:/x, every: 500ms, timeout: 500ms}\n");
	assert_true(f->plan.services[0].health_timeout == 500 * MS);
}

static void test_service_supervision_errors(void **state)
{
	static const struct bad cases[] = {
		{SVC "    main: yes\n", "husk.yaml:5:11: services.s.main: wants true or false, not "
					"\"yes\" (did you mean true?)"},
		{SVC "    every: 0s\n",
			"husk.yaml:5:12: services.s.every: wants a duration of more than 0"},
		{SVC "    every: daily\n",
			"husk.yaml:5:12: services.s.every: wants a duration such as 500ms, 10s, 5m "
			"or 1h, not \"daily\""},
		{SVC "    overlap: skip\n",
			"husk.yaml:5:5: services.s: overlap goes with every, which is missing: "
			"nothing is due twice"},
		{SVC "    every: 1s\n    overlap: wait\n",
			"husk.yaml:6:14: services.s.overlap: wants skip or replace, not \"wait\""},
		{SVC "    after: {}\n",
			"husk.yaml:5:12: services.s.after: wants a name or a list of names, not a "
			"mapping"},
		{SVC "    restart: on-failure\n",
			"husk.yaml:5:14: services.s.restart: wants never, failure or always, not "
			"\"on-failure\" (did you mean failure?)"},
		{SVC "    restart: []\n",
			"husk.yaml:5:14: services.s.restart: wants never, failure, always or a "
			"mapping, not a list"},
		{SVC "    restart:\n",
			"husk.yaml:5:13: services.s.restart: wants never, failure, always or a "
			"mapping, not nothing"},
		{SVC "    restart: {on: no, delay: 1s.., limit: 5}\n",
			"husk.yaml:5:19: services.s.restart.on: wants never, failure or always, "
			"not \"no\"\n"
			"husk.yaml:5:30: services.s.restart.delay: wants a duration, or two as in "
			"100ms..30s, not \"1s..\"\n"
			"husk.yaml:5:43: services.s.restart.limit: wants restarts within a time as "
			"in \"5 in 60s\", or none, not \"5\""},
		{SVC "    restart: {delay: 0s}\n",
			"husk.yaml:5:22: services.s.restart.delay: wants a duration, or two as in "
			"100ms..30s, not \"0s\""},
		{SVC "    restart: {delay: 2s..1s, limit: 0 in 5s}\n",
			"husk.yaml:5:22: services.s.restart.delay: the first duration is longer "
			"than the second\n"
			"husk.yaml:5:37: services.s.restart.limit: wants 1 to 100 restarts (to "
			"have none: restart: never)"},
		{SVC "    restart: {limit: 101 in 5s, delay: 1s..9000h}\n",
			"husk.yaml:5:22: services.s.restart.limit: wants 1 to 100 restarts (to "
			"have none: restart: never)\n"
			"husk.yaml:5:40: services.s.restart.delay: wants a duration, or two as in "
			"100ms..30s, not \"1s..9000h\""},
		{SVC "    restart: {limit: 5 in 0s}\n",
			"husk.yaml:5:22: services.s.restart.limit: wants restarts within a time as "
			"in \"5 in 60s\", or none, not \"5 in 0s\""},
		{SVC "    ready: \"\"\n",
			"husk.yaml:5:12: services.s.ready: wants a target, notify, notify:PATH or "
			"fd:N, not an empty text"},
		{SVC "    ready: {timeout: 5s}\n",
			"husk.yaml:5:5: services.s.ready.probe: is required and missing"},
		{SVC "    ready: {probe: fd:2, timeout: 0}\n",
			"husk.yaml:5:20: services.s.ready.probe: the descriptors 0, 1 and 2 are "
			"the standard streams: fd:3 or higher\n"
			"husk.yaml:5:35: services.s.ready.timeout: wants a duration of more than "
			"0"},
		{SVC "    ready: fd:x\n",
			"husk.yaml:5:12: services.s.ready: wants fd: and a descriptor from 3 to "
			"255, not \"fd:x\""},
		{SVC "    ready: fd:256\n",
			"husk.yaml:5:12: services.s.ready: wants fd: and a descriptor from 3 to "
			"255, not \"fd:256\""},
		{SVC "    health: [x]\n", "husk.yaml:5:13: services.s.health: wants a target or a "
					  "mapping, not a list"},
		{SVC "    health: {probe: \"tcp://h:1\", every: 5s, timeout: 6s}\n",
			"husk.yaml:5:54: services.s.health.timeout: is longer than every, 5s: a "
			"probe ends before the next one begins"},
		{SVC "    health: {probe: \"tcp://h:1\", failures: 0}\n",
			"husk.yaml:5:44: services.s.health.failures: wants a number from 1 to 100"},
		{SVC "    health: {probe: \"tcp://h:1\", failures: 101}\n",
			"husk.yaml:5:44: services.s.health.failures: wants a number from 1 to 100"},
		{SVC "    reload: SIGHPU\n",
			"husk.yaml:5:13: services.s.reload: unknown signal \"SIGHPU\" (did you "
			"mean SIGHUP?)"},
		{SVC "    log: text\n",
			"husk.yaml:5:10: services.s.log: wants raw, prefix or json, not \"text\""},
		{SVC "    every: 5s\n    oneshot: true\n    main: true\n    ready: notify\n"
		     "    health: file:/x\n    restart: never\n    reload: HUP\n",
			"husk.yaml:6:5: services.s: every and oneshot exclude each other: it is "
			"run once, or again and again: remove one of them\n"
			"husk.yaml:7:5: services.s: every and main exclude each other: the end of "
			"a run would end the container: remove one of them\n"
			"husk.yaml:8:5: services.s: every and ready exclude each other: what is "
			"run again and again is never waited for: remove ready\n"
			"husk.yaml:9:5: services.s: every and health exclude each other: a run is "
			"over when it ends: remove health\n"
			"husk.yaml:10:5: services.s: every and restart exclude each other: it is "
			"run again when that is due: remove restart\n"
			"husk.yaml:11:5: services.s: every and reload exclude each other: the next "
			"run finds the new files: remove reload\n"
			"husk.yaml:8:5: services.s: oneshot and ready exclude each other: it is "
			"ready when it has ended well: remove ready\n"
			"husk.yaml:9:5: services.s: oneshot and health exclude each other: it is "
			"to end, not to answer: remove health\n"
			"husk.yaml:11:5: services.s: oneshot and reload exclude each other: it has "
			"ended by then: remove reload"},
		{SVC "    oneshot: true\n    restart: always\n",
			"husk.yaml:6:14: services.s: a oneshot that ended well is not started "
			"again: restart: failure"},
		{SVC "    main: true\n  t: {command: [t], main: true}\n",
			"husk.yaml:6:21: services.t: main is set for s too, at husk.yaml:5:5: the "
			"container ends with one of them"},
	};

	ASSERT_BAD(*state, cases);
}

/* What is false excludes nothing. */
static void test_service_false_excludes_nothing(void **state)
{
	struct fixture *f = *state;

	load_good(f, SVC "    every: 5s\n    oneshot: false\n    main: false\n");
	load_good(f, SVC "    oneshot: False\n    ready: notify\n");
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

static void assert_warnings(struct fixture *f, const struct bad *cases, size_t count)
{
	struct err_list warnings;

	for (size_t i = 0; i < count; i++) {
		load_good(f, cases[i].yaml);
		warnings.count = warnings.dropped = 0;
		config_warnings(&f->plan, &warnings);
		assert_string_equal(errors_text(f, &warnings), cases[i].errors);
	}
}

static void test_warnings_of_watch_without_sources(void **state)
{
	static const struct bad cases[] = {
		{SVC "    reload: {watch: true}\n",
			"husk.yaml:3:3: services.s.reload.watch: there is nothing to watch: no "
			"templates, no env_file and no secret"},
		{SVC "    reload: {watch: true}\nenv: {A: {secret: true}}\n", ""},
		{SVC "    reload: {watch: true}\nenv_file: x\n", ""},
		{SVC "    reload: {watch: true}\ntemplates: [{from: a, to: b}]\n", ""},
		{SVC "    reload: HUP\nenv: {A: x}\n", ""},
	};

	assert_warnings(*state, cases, COUNT(cases));
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
		/* They are stopped at once. */
		{SVC "    stop: {timeout: 8s}\n  t: {command: [t], stop: {timeout: 8s}}\n", ""},
		/* One after the other. */
		{SVC "    stop: {delay: 1s, timeout: 6s}\n    after: t\n"
		     "  t: {command: [t], stop: {timeout: 4s}}\n",
			"husk.yaml:5:5: services.s.stop: s, t are stopped one after the other, "
			"which takes 11s, and grace is 10s: what still runs then is killed"},
		{SVC "    stop: {delay: 1s, timeout: 6s}\n    after: t\n"
		     "  t: {command: [t], stop: {timeout: 3s}}\n",
			""},
		/* Nothing is left for t. */
		{SVC "    stop: {timeout: 10s}\n    after: t\n  t: {command: [t]}\n",
			"husk.yaml:5:5: services.s.stop: s, t are stopped one after the other, "
			"which takes 10s, and grace is 10s: what still runs then is killed"},
		/* A oneshot has long ended, and is no part of it. */
		{SVC "    stop: {timeout: 10s}\n    after: t\n"
		     "  t: {command: [t], oneshot: true, stop: {timeout: 9s}}\n",
			""},
		/* And nothing for s, which is stopped first. */
		{SVC "    after: t\n  t: {command: [t], stop: {timeout: 10s}}\n",
			"husk.yaml:6:21: services.t.stop: s, t are stopped one after the other, "
			"which takes 10s, and grace is 10s: what still runs then is killed"},
		/* The longest of two ways; the first that says something of its stop. */
		{SVC "    after: [u, t]\n"
		     "  t: {command: [t], stop: {timeout: 8s}, after: v}\n"
		     "  u: {command: [t], stop: {timeout: 9s}}\n"
		     "  v: {command: [t], stop: {timeout: 5s}}\n",
			"husk.yaml:6:21: services.t.stop: s, t, v are stopped one after the other, "
			"which takes 13s, and grace is 10s: what still runs then is killed"},
	};

	assert_warnings(*state, cases, COUNT(cases));
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
		TEST(test_service_supervision_defaults),
		TEST(test_service_supervision_every_key),
		TEST(test_service_short_forms),
		TEST(test_service_alone_is_main),
		TEST(test_service_health_timeout_fits_every),
		TEST(test_service_supervision_errors),
		TEST(test_service_false_excludes_nothing),
		TEST(test_program_replaces_the_services),
		TEST(test_warnings_of_grace),
		TEST(test_warnings_of_watch_without_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
