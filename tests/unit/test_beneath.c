#include "plan/beneath.h"

#include <errno.h>

#include "scratch.h"

static int open_root(void)
{
	int fd = open(scratch_path("root"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void fill(void)
{
	scratch_mkdir("root");
	scratch_mkdir("root/a");
	scratch_mkdir("root/a/b");
	scratch_mkdir("outside");
	scratch_write("root/file", "");
	scratch_link("a", "root/inner");
	scratch_link("../outside", "root/outer");
	scratch_link("../../outside", "root/a/outer");
}

static void check(struct beneath *beneath)
{
	static const struct {
		const char *path;
		int errnum;
	} cases[] = {
		{"", 0},
		{"a", 0},
		{"a/b", 0},
		{"missing", ENOENT},
		{"file", ENOTDIR},
		{"file/x", ENOTDIR},
		{"inner", ELOOP},
		{"inner/b", ELOOP},
		{"outer", ELOOP},
		{"a/outer", ELOOP},
		{"..", EXDEV},
		{"a/../../outside", EXDEV},
		{"/etc", EXDEV},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int fd = beneath_open(beneath, cases[i].path);

		if (cases[i].errnum != 0) {
			assert_int_equal(fd, -1);
			assert_int_equal(errno, cases[i].errnum);
			continue;
		}
		assert_true(fd >= 0);
		close(fd);
	}
}

static void test_beneath_by_hand_never_follows(void **state)
{
	struct beneath beneath = {.by_hand = true};

	(void)state;
	fill();
	beneath.root = open_root();
	check(&beneath);
	close(beneath.root);
}

static void test_beneath_by_kernel_never_follows(void **state)
{
	struct beneath beneath = {0};
	int fd;

	(void)state;
	fill();
	beneath.root = open_root();
	fd = beneath_open(&beneath, "a/b");
	assert_true(fd >= 0);
	close(fd);
	if (beneath.by_hand) {
		close(beneath.root);
		skip(); /* this kernel has no openat2 */
	}
	check(&beneath);
	assert_false(beneath.by_hand);
	close(beneath.root);
}

static void test_beneath_remove_takes_trees(void **state)
{
	char name[PATH_MAX] = "root/x";

	(void)state;
	fill();
	scratch_write("outside/kept", "kept");
	scratch_mkdir("root/x");
	for (int i = 0; i < 40; i++) {
		strcat(name, "/d");
		scratch_mkdir(name);
	}
	scratch_link("../../outside", "root/x/link");
	scratch_write("root/x/file", "");
	assert_int_equal(beneath_remove(AT_FDCWD, scratch_path("root/x")), 0);
	assert_false(scratch_exists("root/x"));
	scratch_is("outside/kept", "kept");
}

static void test_beneath_remove_link_leaves_what_it_names(void **state)
{
	(void)state;
	fill();
	scratch_write("outside/kept", "kept");
	assert_int_equal(beneath_remove(AT_FDCWD, scratch_path("root/outer")), 0);
	assert_false(scratch_exists("root/outer"));
	scratch_is("outside/kept", "kept");
	assert_int_equal(beneath_remove(AT_FDCWD, scratch_path("root/missing")), 0);
}

static void test_beneath_remove_too_deep_refused(void **state)
{
	int fd;
	int next;

	(void)state;
	fill();
	fd = open_root();
	for (int i = 0; i < 200; i++) {
		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(beneath_remove(AT_FDCWD, scratch_path("root")), -1);
	assert_int_equal(errno, ELOOP);
	/* So that the folder can be removed: the lower half first. */
	fd = open_root();
	for (int i = 0; i < 100; i++) {
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	assert_int_equal(beneath_remove(fd, "d"), 0);
	close(fd);
}

/* Somebody makes a name anew as fast as it is removed. */
static bool refilled;
int __real_sys_unlinkat(int dir, const char *path, int flags);
int __wrap_sys_unlinkat(int dir, const char *path, int flags);
int __wrap_sys_unlinkat(int dir, const char *path, int flags)
{
	return refilled && strcmp(path, "again") == 0 ? 0 : __real_sys_unlinkat(dir, path, flags);
}

static void test_beneath_remove_refilled_folder_given_up(void **state)
{
	char name[32];

	(void)state;
	fill();
	scratch_mkdir("root/x");
	scratch_mkdir("root/x/again.d");
	scratch_write("root/x/again", "");
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "root/x/%d", i);
		scratch_write(name, "");
	}
	refilled = true;
	assert_int_equal(beneath_remove(AT_FDCWD, scratch_path("root/x")), -1);
	assert_int_equal(errno, EBUSY);
	refilled = false;
	assert_int_equal(scratch_count("root/x"), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_beneath_by_hand_never_follows),
		TEST(test_beneath_by_kernel_never_follows),
		TEST(test_beneath_remove_takes_trees),
		TEST(test_beneath_remove_link_leaves_what_it_names),
		TEST(test_beneath_remove_too_deep_refused),
		TEST(test_beneath_remove_refilled_folder_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
