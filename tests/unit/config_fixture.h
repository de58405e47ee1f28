/*
 * config_fixture: what the tests of husk.yaml share: a text is read into a plan, or into errors.
 */
#ifndef HUSK_TESTS_CONFIG_FIXTURE_H
#define HUSK_TESTS_CONFIG_FIXTURE_H

#include "unit/unit.h"

#include "base/buf.h"
#include "plan/config.h"

enum { ARENA_MAX = 64 << 20 };

#define V        "version: 1\n"
#define TOP_KEYS " (known: version, include, grace, env, env_file, templates, services)"
#define SVC      V "services:\n  s:\n    command: [/bin/s]\n"
#define SECOND   INT64_C(1000000000)

struct fixture {
	struct arena *arena;
	struct err_list errors;
	struct plan plan;
	struct buf text;
	char dir[256];
};

static inline int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->arena = arena_new(ARENA_MAX);
	buf_init(&f->text, 1 << 20);
	*state = f;
	return f->arena ? 0 : -1;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	buf_fini(&f->text);
	free(f);
	return 0;
}

/* Every error, a line each. */
static inline const char *errors_text(struct fixture *f, const struct err_list *errors)
{
	char one[2048];

	buf_reset(&f->text);
	for (unsigned i = 0; i < errors->count; i++) {
		err_format(&errors->errs[i], one, sizeof(one));
		buf_appendf(&f->text, "%s%s", i > 0 ? "\n" : "", one);
	}
	return buf_cstr(&f->text);
}

static inline void load(struct fixture *f, const char *yaml)
{
	int rc;

	f->errors.count = f->errors.dropped = 0;
	rc = config_load_text(f->arena, "husk.yaml", str_from(yaml), &f->plan, &f->errors);
	assert_int_equal(rc, f->errors.count > 0 ? -1 : 0);
}

static inline void load_good(struct fixture *f, const char *yaml)
{
	load(f, yaml);
	assert_string_equal(errors_text(f, &f->errors), "");
}

struct bad {
	const char *yaml;
	const char *errors;
};

static inline void assert_bad(struct fixture *f, const struct bad *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		load(f, cases[i].yaml);
		assert_string_equal(errors_text(f, &f->errors), cases[i].errors);
	}
}

#define ASSERT_BAD(f, cases) assert_bad((f), (cases), COUNT(cases))

static inline void assert_text(
	const struct plan_text *text, const char *expected, unsigned line, unsigned column)
{
	assert_string_equal(text->text, expected);
	assert_string_equal(text->place.file, "husk.yaml");
	assert_int_equal(text->place.line, line);
	assert_int_equal(text->place.column, column);
}

/* Each test has a plan of its own. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
