/* Services of a plan, resolved, and what is kept of them. */
#include "config_fixture.h"

#include "cmd/service.h"

static char own_listen_pid[32];

/* The plan of a text, with an environment. */
static void load_all(struct fixture *f, struct load *load, const char *yaml)
{
	static char strings[][16] = {"A=1", "PHP_X=2", "PATH=/bin"};
	static char *environment[] = {strings[0], own_listen_pid, strings[1], strings[2], NULL};

	snprintf(own_listen_pid, sizeof(own_listen_pid), "LISTEN_PID=%d", (int)getpid());
	load_good(f, yaml);
	*load = (struct load){.arena = f->arena, .plan = f->plan};
	assert_int_equal(env_compose(&load->plan, environment, &load->env, &f->errors), 0);
}

static struct init_service *resolve_all(struct load *load)
{
	struct init_service *services;
	struct err_list errors;

	err_list_init(&errors);
	if (service_resolve(load, &services, &errors) < 0)
		fail_msg("%s", errors.errs[0].message);
	return services;
}

static void assert_list(char *const *list, const char *const *expected, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_string_equal(list[i], expected[i]);
	assert_null(list[count]);
}

#define ASSERT_LIST(list, ...) \
	assert_list((list), (const char *const[]){__VA_ARGS__}, \
		COUNT(((const char *const[]){__VA_ARGS__})))

static void test_resolve_environment_shared_where_all_is_passed(void **state)
{
	struct fixture *f = *state;
	struct init_service *services;
	struct load load;

	load_all(f, &load,
		V "services:\n  a: {command: [/a]}\n  b: {command: [/b], pass: [\"PHP_*\"]}\n"
		  "  c: {command: [/c]}\n  d: {command: [/d], pass: [\"*\"]}\n");
	services = resolve_all(&load);
	assert_ptr_equal(services[0].spec.envp, services[2].spec.envp);
	assert_ptr_equal(services[0].spec.listen_pid, services[2].spec.listen_pid);
	assert_non_null(services[0].spec.listen_pid);
	ASSERT_LIST(services[1].spec.envp, "PHP_X=2");
	assert_null(services[1].spec.listen_pid);
	assert_non_null(services[3].spec.listen_pid);
	assert_ptr_not_equal(services[3].spec.envp, services[0].spec.envp);
}

/* What is wrong with the first service of the text. */
static void assert_refused(struct fixture *f, const char *yaml, const char *expected)
{
	struct init_service *services;
	struct load load;
	struct err_list errors;
	char text[2048];

	load_all(f, &load, yaml);
	err_list_init(&errors);
	assert_int_equal(service_resolve(&load, &services, &errors), -1);
	(void)err_format(&errors.errs[0], text, sizeof(text));
	assert_string_equal(text, expected);
}

static void test_resolve_targets_expanded_and_taken_apart(void **state)
{
	struct fixture *f = *state;
	struct init_service *services;
	struct load load;

	load_all(f, &load,
		V "services:\n"
		  "  a: {command: [/a], ready: \"tcp://h:8${A}\", health: \"unix:${PATH}/s\"}\n"
		  "  b: {command: [/b], ready: fd:10}\n"
		  "  c: {command: [/c], ready: \"notify:/run/c\"}\n");
	services = resolve_all(&load);
	assert_int_equal(services[0].ready, INIT_READY_PROBE);
	assert_string_equal(services[0].ready_target->port, "81");
	assert_int_equal(services[0].health_target->kind, PROBE_UNIX);
	assert_string_equal(services[0].health_target->path, "/bin/s");
	assert_true(services[0].rules->ready_timeout > 0 && services[0].rules->health_every > 0);
	assert_null(services[1].health_target);
	assert_true(services[1].rules->health_every == 0);
	assert_int_equal(services[2].ready, INIT_READY_NOTIFY);
	assert_string_equal(services[2].notify, "/run/c");
}

static void test_resolve_targets_errors(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, SVC "    ready: htp://h\n",
		"husk.yaml:5:12: services.s.ready: \"htp://h\" is no target (known: "
		"tcp://HOST:PORT, http://HOST[:PORT][/PATH], unix:PATH, fcgi://HOST:PORT/SCRIPT, "
		"fcgi+unix:PATH:/SCRIPT, file:PATH)");
	assert_refused(f, SVC "    health: {probe: \"tcp://h:${A}x\"}\n",
		"husk.yaml:5:22: services.s.health: \"tcp://h:1x\": the port is not 1 to 65535 "
		"(tcp://HOST:PORT)");
	assert_refused(f, SVC "    health: notify\n",
		"husk.yaml:5:13: services.s.health: \"notify\" is no target (known: "
		"tcp://HOST:PORT, http://HOST[:PORT][/PATH], unix:PATH, fcgi://HOST:PORT/SCRIPT, "
		"fcgi+unix:PATH:/SCRIPT, file:PATH)");
	assert_refused(f, SVC "    health: \"unix:/${S}\"\nenv: {S: {secret: true, value: x}}\n",
		"husk.yaml:5:14: services.s.health: a secret must not be a part of a target");
	assert_refused(f, SVC "    ready: \"file:${NONE}\"\n",
		"husk.yaml:5:18: NONE is not set: give it a value or a default (:-)\n"
		"  file:${NONE}\n       ^");
}

/* Nothing that is kept lies in what is freed: the sanitizer looks. */
static void test_keep_everything_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct arena *kept = arena_new(1 << 20);
	struct probe_target target = {.kind = PROBE_HTTP,
		.text = "h\0"
			"80\0/x"};
	const struct init_service *s;
	struct init_service *services;
	struct load load;

	load_all(f, &load,
		V "services:\n"
		  "  a: {command: [/a, \"x y\", \"${A}\"], after: b, restart: always,\n"
		  "    limits: {nofile: 7, core: 0}, cwd: /srv}\n"
		  "  b: {command: [sh], pass: [PHP_X, \"LISTEN_*\"]}\n"
		  "  c: {command: [/c]}\n");
	services = resolve_all(&load);
	target.host = target.text;
	target.path = target.text + 5;
	services[2].health_target = &target;
	services[2].notify = target.host;
	s = service_keep(kept, &load, services, 3);
	arena_free(f->arena);
	f->arena = NULL;
	memset(&target, 0, sizeof(target));
	assert_non_null(s);

	assert_string_equal(s[0].spec.name, "a");
	assert_string_equal(s[0].spec.path, "/a");
	ASSERT_LIST(s[0].spec.argv, "/a", "x y", "1");
	assert_string_equal(s[0].spec.cwd, "/srv");
	assert_int_equal(s[0].spec.limit_count, 2);
	assert_int_equal(s[0].spec.limits[0].value.rlim_cur, 7);
	assert_string_equal(s[0].spec.limits[1].name, "core");
	assert_ptr_equal(s[1].rules, s[0].rules + 1);
	assert_int_equal(s[0].rules->depend_count, 1);
	assert_int_equal(s[0].rules->depends[0], 1);
	s[0].rules->restart_times[s[0].rules->restart_limit - 1] = 1;
	assert_string_equal(s[0].spec.envp[0], "A=1");
	assert_string_equal(s[0].spec.envp[3], "PATH=/bin");
	assert_null(s[0].spec.envp[4]);
	assert_ptr_equal(s[0].spec.listen_pid, s[0].spec.envp[1] + strlen("LISTEN_PID="));
	assert_ptr_equal(s[0].spec.envp, s[2].spec.envp);

	assert_non_null(strstr(s[1].spec.path, "/sh"));
	ASSERT_LIST(s[1].spec.argv, "sh");
	assert_null(s[1].spec.cwd);
	assert_string_equal(s[1].spec.envp[1], "PHP_X=2");
	assert_ptr_equal(s[1].spec.envp[1], s[0].spec.envp[2]);
	assert_ptr_equal(s[1].spec.listen_pid, s[1].spec.envp[0] + strlen("LISTEN_PID="));

	assert_string_equal(s[2].health_target->host, "h");
	assert_string_equal(s[2].health_target->path, "/x");
	assert_null(s[2].health_target->uri);
	assert_null(s[2].ready_target);
	assert_string_equal(s[2].notify, "h");
	arena_free(kept);
}

static void test_keep_without_memory_is_refused(void **state)
{
	struct fixture *f = *state;
	struct init_service *services;
	struct load load;
	bool kept = false;

	load_all(f, &load,
		V "services:\n  a: {command: [/a, x], restart: always, limits: {core: 0}}\n"
		  "  b: {command: [/b], pass: [A, PATH], cwd: /, after: a}\n");
	services = resolve_all(&load);
	for (size_t max = 0; !kept && max < 8192; max += 16) {
		struct arena *arena = arena_new(max);

		kept = service_keep(arena, &load, services, 2);
		assert_true(!kept || max > 500);
		arena_free(arena);
	}
	assert_true(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_resolve_environment_shared_where_all_is_passed),
		TEST(test_resolve_targets_expanded_and_taken_apart),
		TEST(test_resolve_targets_errors),
		TEST(test_keep_everything_and_nothing_else),
		TEST(test_keep_without_memory_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
