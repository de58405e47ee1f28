/* `husk check --explain`: what is told of services. */
#include "config_fixture.h"

#include "cmd/explain.h"

/* Everything from the order of start on. */
static const char *told(struct fixture *f, const char *yaml)
{
	static char text[16384];
	char *environment[] = {(char[]){"PATH=/nonexistent"}, (char[]){"N=nginx"}, NULL};
	struct load loaded = {0};
	struct explain *explain;
	struct err err;
	const char *start;
	char **argv;

	load_good(f, yaml);
	loaded.arena = f->arena;
	loaded.plan = f->plan;
	assert_int_equal(env_compose(&loaded.plan, environment, &loaded.env, &f->errors), 0);
	explain = explain_new(&loaded);
	assert_non_null(explain);
	explain_begin(explain);
	for (size_t i = 0; i < f->plan.service_count; i++) {
		bool secret;

		assert_int_equal(env_expand_list(loaded.env, &f->plan.services[i].command, &argv,
					 &secret, &err),
			0);
		explain_service(explain, &f->plan.services[i], argv);
	}
	snprintf(text, sizeof(text), "%.*s", STR_ARGS(buf_str(explain_text(explain))));
	explain_free(explain);
	start = strstr(text, "\nOrder");
	start = start ? start : strstr(text, "\nService");
	assert_non_null(start);
	return start;
}

static void test_explain_one_program(void **state)
{
	assert_string_equal(
		told(*state, V "services:\n  app:\n    command: [/, \"a b\", \"${N}\"]\n"
			       "    cwd: /srv\n    umask: 027\n    nice: 5\n"
			       "    limits: {nofile: {soft: 10, hard: unlimited}}\n"
			       "    stop: {delay: 2s, signal: INT}\n"),
		"\nService app:\n"
		"  runs / 'a b' nginx\n"
		"  in /srv\n"
		"  gets 2 variables\n"
		"  umask 027\n"
		"  nice 5\n"
		"  limit nofile 10, at most unlimited\n"
		"  its end ends the container, with its status\n"
		"  to stop: wait 2s, then SIGINT, and SIGKILL after 8s; the whole stop has 10s\n");
}

static void test_explain_missing_programs(void **state)
{
	const char *text = told(*state, V "services:\n"
					  "  a: {command: [/nonexistent/a]}\n"
					  "  b: {command: [nonexistent-b]}\n");

	assert_non_null(strstr(text, "  runs /nonexistent/a\n"
				     "  but: cannot look at /nonexistent/a: No such file or "
				     "directory\n"));
	assert_non_null(strstr(text, "  runs nonexistent-b\n  but: nonexistent-b: "));
}

static void test_explain_many_services(void **state)
{
	assert_string_equal(
		told(*state,
			V "grace: 30s\n"
			  "services:\n"
			  "  web:\n"
			  "    command: [/]\n    after: [php, log]\n    main: true\n"
			  "    restart: failure\n    log: prefix\n"
			  "    health: {probe: \"http://${N}/\", failures: 1}\n"
			  "    reload: {signal: HUP, watch: true}\n"
			  "  php: {command: [/], ready: {probe: notify, timeout: 5s}, reload: "
			  "restart}\n"
			  "  log: {command: [/], restart: {on: always, delay: 1s, limit: none}}\n"
			  "  set-up: {command: [/], oneshot: true, before: php}\n"
			  "  cron: {command: [/], every: 90s, overlap: replace, after: web, log: "
			  "json}\n"
			  "  rest: {command: [/], restart: never}\n"),
		"\nOrder of start:\n"
		"  set-up, once\n"
		"  php, when set-up has ended well\n"
		"  log\n"
		"  web, when php is ready and log runs; the container ends with it\n"
		"  cron, every 90s, when web runs\n"
		"  rest\n"
		"\nService web:\n"
		"  runs /\n"
		"  gets 2 variables\n"
		"  is asked by http://nginx/ every 10s, within 2s; has failed after 1 bad answer "
		"in "
		"a row\n"
		"  is started again when it fails, 100ms to 30s after its last start, at most 5 "
		"times in 60s; then the container ends with its status; another end ends the "
		"container\n"
		"  a reload, or a change of its sources, sends it SIGHUP\n"
		"  writes lines that begin with its name\n"
		"  to stop: SIGTERM, and SIGKILL after 30s; the whole stop has 30s\n"
		"\nService php:\n"
		"  runs /\n"
		"  gets 2 variables\n"
		"  is ready by notify, within 5s; else it has failed\n"
		"  is started again when it fails, 100ms to 30s after its last start, at most 5 "
		"times in 60s; then the container ends with its status\n"
		"  a reload starts it anew\n"
		"  to stop: SIGTERM, and SIGKILL after 30s; the whole stop has 30s\n"
		"\nService log:\n"
		"  runs /\n"
		"  gets 2 variables\n"
		"  is started again whenever it ends, 1s after its last start\n"
		"  to stop: SIGTERM, and SIGKILL after 30s; the whole stop has 30s\n"
		"\nService set-up:\n"
		"  runs /\n"
		"  gets 2 variables\n"
		"  is run once\n"
		"  where it fails, the container ends with its status\n"
		"  to stop: SIGTERM, and SIGKILL after 30s; the whole stop has 30s\n"
		"\nService cron:\n"
		"  runs /\n"
		"  gets 2 variables\n"
		"  is run every 90s; a run that is due before the last is over takes its place\n"
		"  writes lines that become JSON objects\n"
		"  to stop: SIGTERM, and SIGKILL after 30s; the whole stop has 30s\n"
		"\nService rest:\n"
		"  runs /\n"
		"  gets 2 variables\n"
		"  where it fails, the container ends with its status\n"
		"  to stop: SIGTERM, and SIGKILL after 30s; the whole stop has 30s\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_explain_one_program),
		TEST(test_explain_missing_programs),
		TEST(test_explain_many_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
