#include "plan/config.h"

#include "scratch.h"

enum { ARENA_MAX = 4 << 20 };

#define MAIN "version: 1\ninclude: d/*.yaml\ngrace: 7s\nenv: {M: main}\n"

struct fixture {
	struct arena *arena;
	struct arena *kept;
	struct config_snapshot snapshot;
	struct plan plan;
	struct err_list errors;
};

static int setup(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	fixture.arena = arena_new(ARENA_MAX);
	fixture.kept = arena_new(ARENA_MAX);
	fixture.snapshot.arena = fixture.kept;
	*state = &fixture;
	if (fixture.arena == NULL || fixture.kept == NULL || scratch_setup(state) < 0)
		return -1;
	scratch_mkdir("d");
	scratch_write("husk.yaml", MAIN);
	scratch_write("d/b.yaml", "env: {B: b}\ninclude: ../more\n");
	scratch_write("d/a.yaml", "env: {A: a}\n");
	scratch_write("more", "env: {C: c}\n");
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	arena_free(f->kept);
	return scratch_teardown(state);
}

static void load(struct fixture *f)
{
	assert_int_equal(config_load_kept(f->arena, scratch_path("husk.yaml"), &f->plan,
				 &f->snapshot, &f->errors),
		0);
	assert_int_equal(f->errors.count, 0);
}

/* What was kept, or a copy of it, outlives the reading. */
static void load_again(struct fixture *f)
{
	struct config_snapshot copy = {.arena = arena_new(ARENA_MAX)};

	assert_int_equal(config_snapshot_copy(&copy, &f->snapshot), 0);
	arena_free(f->kept);
	f->kept = copy.arena;
	f->snapshot = copy;
	arena_free(f->arena);
	f->arena = arena_new(ARENA_MAX);
	assert_non_null(f->arena);
	assert_int_equal(config_load_snapshot(f->arena, &f->snapshot, &f->plan, &f->errors), 0);
	assert_int_equal(f->errors.count, 0);
}

static void assert_plan(const struct fixture *f)
{
	static const char *const names[] = {"A", "C", "B", "M"};

	assert_int_equal(f->plan.var_count, COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++)
		assert_string_equal(f->plan.vars[i].name, names[i]);
	assert_int_equal(f->plan.grace, INT64_C(7000000000));
	assert_string_equal(f->plan.file, scratch_path("husk.yaml"));
}

static void test_snapshot_files_gone_same_plan(void **state)
{
	struct fixture *f = *state;

	load(f);
	assert_plan(f);
	assert_false(config_snapshot_is_old(&f->snapshot));
	assert_int_equal(unlink(scratch_path("husk.yaml")), 0);
	assert_int_equal(unlink(scratch_path("more")), 0);
	scratch_write("d/a.yaml", "env: {OTHER: a}\n");
	load_again(f);
	assert_plan(f);
	assert_string_equal(f->plan.vars[1].place.file, scratch_path("d/../more"));
	assert_true(config_snapshot_is_old(&f->snapshot));
}

static void test_snapshot_changed_file_is_old(void **state)
{
	struct fixture *f = *state;

	load(f);
	scratch_write("more", "env: {C: d}\n");
	assert_true(config_snapshot_is_old(&f->snapshot));
	scratch_write("more", "env: {C: c}\n");
	assert_false(config_snapshot_is_old(&f->snapshot));
	scratch_write("husk.yaml", MAIN "{");
	assert_true(config_snapshot_is_old(&f->snapshot));
	scratch_write("husk.yaml", MAIN);
	assert_false(config_snapshot_is_old(&f->snapshot));
}

static void test_snapshot_new_or_missing_include_is_old(void **state)
{
	struct fixture *f = *state;

	load(f);
	scratch_write("d/z.yaml", "");
	assert_true(config_snapshot_is_old(&f->snapshot));
	assert_int_equal(rename(scratch_path("d/z.yaml"), scratch_path("d/z")), 0);
	assert_false(config_snapshot_is_old(&f->snapshot));
	assert_int_equal(unlink(scratch_path("d/b.yaml")), 0);
	assert_true(config_snapshot_is_old(&f->snapshot));
}

/* A start without a configuration has none. */
static void test_snapshot_of_nothing_is_not_old(void **state)
{
	struct fixture *f = *state;

	assert_false(config_snapshot_is_old(&f->snapshot));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_snapshot_files_gone_same_plan),
		TEST(test_snapshot_changed_file_is_old),
		TEST(test_snapshot_new_or_missing_include_is_old),
		TEST(test_snapshot_of_nothing_is_not_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
