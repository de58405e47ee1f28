/* after and before: who waits for whom, cycles, and the order of start. */
#include "config_fixture.h"

/* "a: b c, b: , ..." : each service with the names of those it depends on. */
static const char *depends(struct fixture *f)
{
	buf_reset(&f->text);
	for (size_t i = 0; i < f->plan.service_count; i++) {
		const struct plan_service *s = &f->plan.services[i];

		buf_appendf(&f->text, "%s%s:", i > 0 ? ", " : "", s->name);
		for (unsigned k = 0; k < s->depend_count; k++)
			buf_appendf(&f->text, " %s", f->plan.services[s->depends[k]].name);
	}
	return buf_cstr(&f->text);
}

static const char *order(struct fixture *f)
{
	buf_reset(&f->text);
	for (size_t i = 0; i < f->plan.service_count; i++)
		buf_appendf(&f->text, "%s%s", i > 0 ? " " : "",
			f->plan.services[f->plan.order[i]].name);
	return buf_cstr(&f->text);
}

/* A service with these keys. */
#define S(name, keys) "  " name ": {command: [x]" keys "}\n"
#define SERVICES      V "services:\n"

static void test_order_without_any_is_the_files(void **state)
{
	struct fixture *f = *state;

	load_good(f, SERVICES S("c", "") S("a", "") S("b", ""));
	assert_string_equal(depends(f), "c:, a:, b:");
	assert_string_equal(order(f), "c a b");
}

static void test_order_after_and_before_are_one(void **state)
{
	struct fixture *f = *state;

	load_good(f, SERVICES S("web", ", after: [php, log]") S("php", ", after: db") S("log", "")
			     S("db", ", before: [log, web]") S("init", ", before: [db]"));
	assert_string_equal(depends(f), "web: php log db, php: db, log: db, db: init, init:");
	assert_string_equal(order(f), "init db php log web");
}

static void test_order_said_twice_is_once(void **state)
{
	struct fixture *f = *state;

	load_good(f, SERVICES S("a", ", after: [b, b, c, b]") S("b", ", before: [a, a]")
			     S("c", ", before: a"));
	assert_string_equal(depends(f), "a: b c, b:, c:");
}

static void test_order_periodic_waits_and_is_not_waited_for(void **state)
{
	static const struct bad cases[] = {
		{SERVICES S("cron", ", every: 1m") S("web", ", after: [cron]"),
			"husk.yaml:4:31: services.web.after: cron is run again and again (every) "
			"and never ready: nothing can wait for it"},
		{SERVICES S("cron", ", every: 1m, before: web") S("web", ""),
			"husk.yaml:3:43: services.cron.before: cron is run again and again (every) "
			"and never ready: nothing can wait for it"},
	};
	struct fixture *f = *state;

	load_good(f, SERVICES S("cron", ", every: 1m, after: web") S("web", ""));
	assert_string_equal(order(f), "web cron");
	ASSERT_BAD(f, cases);
}

static void test_order_unknown_names_suggested(void **state)
{
	static const struct bad cases[] = {
		{SERVICES S("nginx", ", after: [php-fmp]") S("php-fpm", ""),
			"husk.yaml:3:33: services.nginx.after: unknown service \"php-fmp\" (did "
			"you mean php-fpm?)"},
		{SERVICES S("a", ", before: zzz") S("b", ""),
			"husk.yaml:3:29: services.a.before: unknown service \"zzz\" (known: a, b)"},
		{SERVICES S("a", ", after: \"\"") S("b", ""),
			"husk.yaml:3:29: services.a.after: unknown service \"\" (known: a, b)"},
		{SERVICES S("a", ", after: [{}, b, ~, c]") S("b", ""),
			"husk.yaml:3:29: services.a.after[0]: wants a text, not a mapping: a text "
			"that holds \": \" needs quotes\n"
			"husk.yaml:3:36: services.a.after[2]: wants a text, not nothing: write "
			"\"\" for an empty one\n"
			"husk.yaml:3:39: services.a.after: unknown service \"c\" (known: a, b)"},
		/* Too many to name. */
		{SERVICES S("a", ", after: zzz") S("b", "") S("c", "") S("d", "") S("e", "") S(
			 "f", "") S("g", "") S("h", "") S("i", ", after: servicf") S("service", ""),
			"husk.yaml:3:28: services.a.after: unknown service \"zzz\"\n"
			"husk.yaml:11:28: services.i.after: unknown service \"servicf\" (did you "
			"mean service?)"},
	};

	ASSERT_BAD(*state, cases);
}

static void test_order_cycles_printed_with_their_place(void **state)
{
	static const struct bad cases[] = {
		{SERVICES S("a", ", after: [a]") S("b", ""),
			"husk.yaml:3:29: services.a.after: a cycle: a -> a (each waits for the "
			"next)"},
		{SERVICES S("a", ", after: [x, b]") S("b", ", after: c") S("c", ", after: [a]")
				S("x", ""),
			"husk.yaml:3:32: services.a.after: a cycle: a -> b -> c -> a (each waits "
			"for the next)"},
		{SERVICES S("a", ", after: b") S("b", "") S("c", ", before: b, after: d")
				S("d", ", after: [b]"),
			"husk.yaml:5:29: services.c.before: a cycle: b -> c -> d -> b (each waits "
			"for the next)"},
		/* Two, without a part in common; what waits for one of them is not told of. */
		{SERVICES S("w", ", after: a") S("a", ", after: b") S("b", ", after: a")
				S("c", ", after: d") S("d", ", before: c, after: c"),
			"husk.yaml:4:28: services.a.after: a cycle: a -> b -> a (each waits for "
			"the next)\n"
			"husk.yaml:6:28: services.c.after: a cycle: c -> d -> c (each waits for "
			"the next)"},
	};

	ASSERT_BAD(*state, cases);
}

static void test_order_long_cycle_shortened(void **state)
{
	struct fixture *f = *state;
	struct buf yaml;

	buf_init(&yaml, 1 << 16);
	buf_append_cstr(&yaml, SERVICES);
	for (unsigned i = 0; i < 30; i++)
		buf_appendf(&yaml, "  s%u: {command: [x], after: s%u}\n", i, (i + 1) % 30);
	load(f, buf_cstr(&yaml));
	assert_string_equal(errors_text(f, &f->errors),
		"husk.yaml:3:29: services.s0.after: a cycle: s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> "
		"s6 -> s7 -> s8 -> s9 -> s10 -> s11 -> ... -> s0 (each waits for the next)");
	buf_fini(&yaml);
}

static void test_order_number_bounded(void **state)
{
	struct fixture *f = *state;
	struct buf yaml;

	buf_init(&yaml, 1 << 20);
	buf_append_cstr(&yaml, SERVICES);
	for (unsigned i = 0; i < PLAN_SERVICES_MAX; i++)
		buf_appendf(&yaml, "  s%u: {command: [x]}\n", i);
	load_good(f, buf_cstr(&yaml));
	assert_int_equal(f->plan.service_count, PLAN_SERVICES_MAX);
	buf_append_cstr(&yaml, "  t: {command: [x]}\n  u: {command: [x]}\n");
	load(f, buf_cstr(&yaml));
	assert_string_equal(
		errors_text(f, &f->errors), "husk.yaml:4099:3: services: more than 4096 services");
	buf_fini(&yaml);
}

/* A chain as long as can be: neither the stack nor the time grows with it as a square. */
static void test_order_long_chain_linear(void **state)
{
	struct fixture *f = *state;
	struct buf yaml;

	buf_init(&yaml, 1 << 20);
	buf_append_cstr(&yaml, SERVICES);
	for (unsigned i = 0; i + 1 < PLAN_SERVICES_MAX; i++)
		buf_appendf(&yaml, "  s%u: {command: [x], after: [s%u]}\n", i, i + 1);
	buf_appendf(&yaml, "  s%u: {command: [x]}\n", PLAN_SERVICES_MAX - 1);
	load_good(f, buf_cstr(&yaml));
	for (unsigned i = 0; i < PLAN_SERVICES_MAX; i++)
		assert_int_equal(f->plan.order[i], PLAN_SERVICES_MAX - 1 - i);
	buf_fini(&yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order_without_any_is_the_files),
		TEST(test_order_after_and_before_are_one),
		TEST(test_order_said_twice_is_once),
		TEST(test_order_periodic_waits_and_is_not_waited_for),
		TEST(test_order_unknown_names_suggested),
		TEST(test_order_cycles_printed_with_their_place),
		TEST(test_order_long_cycle_shortened),
		TEST(test_order_number_bounded),
		TEST(test_order_long_chain_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
