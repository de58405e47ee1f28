#include "plan/tree.h"

#include <errno.h>

#include "base/log.h"
#include "scratch.h"

struct fixture {
	struct arena *arena;
	struct tree tree;
	struct err err;
};

static int setup(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	fixture.arena = arena_new(1 << 20);
	*state = &fixture;
	log_set_level(LOG_LEVEL_ERROR); /* skipped links are warned of */
	return fixture.arena == NULL ? -1 : scratch_setup(state);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	return scratch_teardown(state);
}

static int walk(struct fixture *f, const char *from)
{
	return tree_walk(&f->tree, f->arena, scratch_path(from), ".template", false, &f->err);
}

/* "target>" for a copy, "target!" for a template, "target/" for a folder; in the list's order. */
static const char *listing(const struct fixture *f)
{
	static char text[4096];
	const struct tree_entry *entry;

	text[0] = '\0';
	for (entry = f->tree.first; entry != NULL; entry = entry->next) {
		strcat(text, entry->target);
		strcat(text, entry->folder ? "/ " : entry->render ? "! " : "> ");
	}
	return text;
}

static void test_tree_folder_listed_in_order(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_mkdir("t/sub");
	scratch_mkdir("t/sub/deep");
	scratch_write("t/b.conf.template", "");
	scratch_write("t/a.conf", "");
	scratch_write("t/sub/deep/x.template", "");
	scratch_write("t/.template", "");
	scratch_write("t/..template", "");
	scratch_write("t/..hidden", "");
	scratch_mkdir("t/..2024");
	assert_int_equal(chmod(scratch_path("t/sub"), 0750), 0);
	assert_int_equal(chmod(scratch_path("t/a.conf"), 04711), 0);
	assert_int_equal(walk(f, "t"), 0);
	assert_string_equal(listing(f), ".template> a.conf> b.conf! sub/ sub/deep/ sub/deep/x! ");
	assert_int_equal(f->tree.files, 4);
	assert_int_equal(f->tree.first->next->mode, 0711);
	assert_string_equal(f->tree.last->name, "x");
}

static void test_tree_empty_suffix_renders_all(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_write("t/a.template", "");
	scratch_write("t/b", "");
	assert_int_equal(tree_walk(&f->tree, f->arena, scratch_path("t"), "", false, &f->err), 0);
	assert_string_equal(listing(f), "a.template! b! ");
}

static void test_tree_templates_only_leaves_the_rest(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_write("t/a.template", "");
	scratch_write("t/a", "");
	assert_int_equal(
		tree_walk(&f->tree, f->arena, scratch_path("t"), ".template", true, &f->err), 0);
	assert_string_equal(listing(f), "a! ");
}

static void test_tree_single_file_rendered(void **state)
{
	struct fixture *f = *state;

	scratch_write("x.conf", "");
	assert_int_equal(walk(f, "x.conf"), 0);
	assert_true(f->tree.single);
	assert_string_equal(listing(f), "x.conf! ");
}

/* As a ConfigMap volume looks: names through ..data to a folder of a date. */
static void test_tree_links_followed(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_mkdir("t/..1");
	scratch_mkdir("t/..1/dir");
	scratch_write("t/..1/a.template", "");
	scratch_write("t/..1/dir/b", "");
	scratch_link("..1", "t/..data");
	scratch_link("..data/a.template", "t/a.template");
	scratch_link("..data/dir", "t/dir");
	scratch_link("nowhere", "t/dangling");
	assert_int_equal(walk(f, "t"), 0);
	assert_string_equal(listing(f), "a! dir/ dir/b> ");
}

static void test_tree_shared_folder_is_no_loop(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_mkdir("t/a");
	scratch_write("t/a/x", "");
	scratch_link("a", "t/b");
	assert_int_equal(walk(f, "t"), 0);
	assert_string_equal(listing(f), "a/ b/ a/x> b/x> ");
}

static void test_tree_loop_refused(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_mkdir("t/a");
	scratch_link("..", "t/a/up");
	assert_int_equal(walk(f, "t"), -1);
	assert_non_null(strstr(f->err.message, "t/a/up: a link leads back"));
	assert_int_equal(unlink(scratch_path("t/a/up")), 0);
	scratch_link("../a", "t/a/self");
	assert_int_equal(walk(f, "t"), -1);
	assert_non_null(strstr(f->err.message, "t/a/self: a link leads back"));
	assert_int_equal(unlink(scratch_path("t/a/self")), 0);
	scratch_link("self", "t/a/self");
	assert_int_equal(walk(f, "t"), -1);
	assert_non_null(strstr(f->err.message, "t/a/self: a symbolic link leads back to itself"));
}

static void test_tree_same_target_twice_refused(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_write("t/a.conf", "");
	scratch_write("t/a.conf.template", "");
	assert_int_equal(walk(f, "t"), -1);
	assert_non_null(strstr(f->err.message, "t/a.conf"));
	assert_non_null(strstr(f->err.message, "t/a.conf.template"));
	assert_int_equal(unlink(scratch_path("t/a.conf")), 0);
	scratch_mkdir("t/a.conf");
	assert_int_equal(walk(f, "t"), -1);
	assert_non_null(strstr(f->err.message, "same target"));
}

static void test_tree_special_files_refused(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	assert_int_equal(mkfifo(scratch_path("t/pipe"), 0600), 0);
	assert_int_equal(walk(f, "t"), -1);
	assert_non_null(strstr(f->err.message, "t/pipe is a FIFO"));
	assert_int_equal(walk(f, "t/pipe"), -1);
	assert_non_null(strstr(f->err.message, "is a FIFO"));
	assert_int_equal(unlink(scratch_path("t/pipe")), 0);
	scratch_link("/dev/null", "t/null");
	assert_int_equal(walk(f, "t"), -1);
	assert_non_null(strstr(f->err.message, "t/null is a device"));
}

static void test_tree_missing_source_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(walk(f, "missing"), -1);
	assert_int_equal(f->err.code, ERR_CONFIG);
	assert_int_equal(f->err.errnum, ENOENT);
}

static void test_tree_too_deep_refused(void **state)
{
	struct fixture *f = *state;
	char name[PATH_MAX] = "t";

	scratch_mkdir("t");
	for (int i = 0; i <= TREE_DEPTH_MAX; i++) {
		strcat(name, "/d");
		scratch_mkdir(name);
	}
	assert_int_equal(walk(f, "t"), -1);
	assert_non_null(strstr(f->err.message, "nested more than"));
}

static void test_tree_many_files_listed(void **state)
{
	struct fixture *f = *state;
	char name[32];

	scratch_mkdir("t");
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "t/%04d.template", i);
		scratch_write(name, "");
	}
	assert_int_equal(walk(f, "t"), 0);
	assert_int_equal(f->tree.files, 1000);
	assert_string_equal(f->tree.first->target, "0000");
	assert_string_equal(f->tree.last->target, "0999");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tree_folder_listed_in_order),
		TEST(test_tree_empty_suffix_renders_all),
		TEST(test_tree_templates_only_leaves_the_rest),
		TEST(test_tree_single_file_rendered),
		TEST(test_tree_links_followed),
		TEST(test_tree_shared_folder_is_no_loop),
		TEST(test_tree_loop_refused),
		TEST(test_tree_same_target_twice_refused),
		TEST(test_tree_special_files_refused),
		TEST(test_tree_missing_source_refused),
		TEST(test_tree_too_deep_refused),
		TEST(test_tree_many_files_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
