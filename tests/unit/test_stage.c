#include "plan/stage.h"

#include <errno.h>
#include <sys/file.h>

#include "base/fd.h"
#include "base/log.h"
#include "scratch.h"

struct fixture {
	struct arena *arena;
	struct tree tree;
	struct stage stage;
	struct err err;
	const char *to;
};

static int setup(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	fixture.arena = arena_new(1 << 20);
	*state = &fixture;
	log_set_level(LOG_LEVEL_ERROR);
	return fixture.arena == NULL ? -1 : scratch_setup(state);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	return scratch_teardown(state);
}

static void begin(struct fixture *f, const char *to)
{
	struct tree_entry *entry;
	char path[PATH_MAX];

	err_clear(&f->err);
	f->to = arena_strdup(f->arena, scratch_path(to));
	assert_int_equal(
		tree_walk(&f->tree, f->arena, scratch_path("from"), "", false, &f->err), 0);
	for (entry = f->tree.first; entry != NULL; entry = entry->next) {
		assert_true(snprintf(path, sizeof(path), "%s/%s", f->to, entry->target) <
			    (int)sizeof(path));
		entry->path = arena_strdup(f->arena, path);
	}
	stage_init(&f->stage, f->arena, &f->tree, f->to);
}

/* Each file's content is `text`; every mode 0640. */
static int stage_all(struct fixture *f, const char *text)
{
	struct tree_entry *entry;
	int fd;

	for (entry = f->tree.first; entry != NULL; entry = entry->next) {
		if (entry->folder) {
			if (stage_folder(&f->stage, entry, &f->err) < 0)
				return -1;
			continue;
		}
		if (stage_file(&f->stage, entry, &fd, &f->err) < 0)
			return -1;
		assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
		assert_int_equal(stage_finish(&f->stage, entry, &fd, 0640, &f->err), 0);
		assert_int_equal(fd, -1);
	}
	return 0;
}

static int plain(struct fixture *f, const char *to, const char *text)
{
	int result;

	begin(f, to);
	result = stage_open(&f->stage, 0755, false, &f->err);
	if (result == 0)
		result = stage_all(f, text);
	if (result == 0)
		result = stage_commit(&f->stage, &f->err);
	if (result == 0)
		stage_settle(&f->stage);
	stage_fini(&f->stage);
	return result;
}

static int generation(struct fixture *f, const char *to, const char *text)
{
	int result;

	begin(f, to);
	result = stage_open(&f->stage, 0755, true, &f->err);
	if (result == 0)
		result = stage_generation(&f->stage, 0755, &f->err);
	if (result == 0)
		result = stage_all(f, text);
	if (result == 0)
		result = stage_publish(&f->stage, &f->err);
	if (result == 0)
		stage_settle(&f->stage);
	stage_fini(&f->stage);
	return result;
}

static void fill(void)
{
	scratch_mkdir("from");
	scratch_mkdir("from/sub");
	scratch_write("from/a", "");
	scratch_write("from/b", "");
	scratch_write("from/sub/c", "");
	assert_int_equal(chmod(scratch_path("from/sub"), 0550), 0);
}

static void test_stage_missing_folders_made(void **state)
{
	struct fixture *f = *state;
	mode_t mask = umask(077);

	fill();
	assert_int_equal(plain(f, "x/y/to", "one"), 0);
	umask(mask);
	scratch_is("x/y/to/a", "one");
	scratch_is("x/y/to/sub/c", "one");
	assert_int_equal(scratch_mode("x/y/to/a"), S_IFREG | 0640);
	assert_int_equal(scratch_mode("x/y/to/sub"), S_IFDIR | 0750);
	assert_int_equal(scratch_mode("x"), S_IFDIR | 0755);
	assert_int_equal(scratch_count("x/y/to"), 3);
	assert_int_equal(scratch_count("x/y/to/sub"), 1);
}

static void test_stage_existing_files_replaced(void **state)
{
	struct fixture *f = *state;

	fill();
	scratch_mkdir("to");
	scratch_write("to/a", "old");
	scratch_write("to/mine", "mine");
	scratch_write("victim", "victim");
	scratch_link("../victim", "to/b");
	assert_int_equal(plain(f, "to", "two"), 0);
	scratch_is("to/a", "two");
	scratch_is("to/b", "two");
	assert_true(S_ISREG(scratch_mode("to/b")));
	scratch_is("victim", "victim");
	scratch_is("to/mine", "mine");
	assert_int_equal(scratch_count("to"), 4);
}

static void test_stage_link_in_the_way_refused(void **state)
{
	struct fixture *f = *state;

	fill();
	scratch_mkdir("to");
	scratch_mkdir("outside");
	scratch_link("../outside", "to/sub");
	assert_int_equal(plain(f, "to", "x"), -1);
	assert_non_null(strstr(f->err.message, "to/sub: a symbolic link stands where a folder"));
	assert_int_equal(scratch_count("outside"), 0);
	assert_int_equal(scratch_count("to"), 1);
}

/* The link is put there after the folder was looked at. */
static void test_stage_link_put_in_later_refused(void **state)
{
	struct fixture *f = *state;

	fill();
	scratch_mkdir("to");
	scratch_mkdir("outside");
	for (int by_hand = 0; by_hand < 2; by_hand++) {
		begin(f, "to");
		f->stage.where.by_hand = by_hand != 0;
		assert_int_equal(stage_open(&f->stage, 0755, false, &f->err), 0);
		f->stage.where.by_hand = by_hand != 0;
		assert_int_equal(stage_all(f, "x"), 0);
		assert_int_equal(rename(scratch_path("to/sub"), scratch_path("moved")), 0);
		scratch_link("../outside", "to/sub");
		assert_int_equal(stage_commit(&f->stage, &f->err), -1);
		assert_int_equal(unlink(scratch_path("to/sub")), 0);
		assert_int_equal(rename(scratch_path("moved"), scratch_path("to/sub")), 0);
		stage_fini(&f->stage);
		assert_int_equal(scratch_count("outside"), 0);
		assert_int_equal(scratch_count("to"), 0);
	}
}

static void test_stage_file_and_folder_confused_refused(void **state)
{
	struct fixture *f = *state;

	fill();
	scratch_mkdir("to");
	scratch_mkdir("to/b");
	assert_int_equal(plain(f, "to", "x"), -1);
	assert_non_null(strstr(f->err.message, "to/b: a folder stands in its place"));
	assert_int_equal(rmdir(scratch_path("to/b")), 0);
	scratch_write("to/sub", "");
	assert_int_equal(plain(f, "to", "x"), -1);
	assert_non_null(strstr(f->err.message, "to/sub: a file stands where a folder"));
	assert_int_equal(unlink(scratch_path("to/sub")), 0);
	scratch_link("/dev/null", "to/a");
	assert_int_equal(plain(f, "to", "x"), -1);
	assert_non_null(strstr(f->err.message, "to/a: a device stands in its place"));
	assert_int_equal(scratch_count("to"), 1);
	assert_int_equal(plain(f, "from/a", "x"), -1);
	assert_non_null(strstr(f->err.message, "is a file and not a folder"));
	assert_int_equal(plain(f, "from/a/deeper", "x"), -1);
}

/* A rename fails after others were done: those are taken back, and every folder made is gone. */
static void test_stage_failed_rename_changes_nothing(void **state)
{
	struct fixture *f = *state;

	fill();
	scratch_mkdir("to");
	scratch_write("to/a", "old");
	begin(f, "to");
	assert_int_equal(stage_open(&f->stage, 0755, false, &f->err), 0);
	assert_int_equal(stage_all(f, "new"), 0);
	scratch_mkdir("to/sub/c");
	assert_int_equal(stage_commit(&f->stage, &f->err), -1);
	assert_int_equal(rmdir(scratch_path("to/sub/c")), 0);
	stage_fini(&f->stage);
	scratch_is("to/a", "old");
	assert_int_equal(scratch_count("to"), 1);
}

/* In its place, and then given up: another stage could not be. */
static void test_stage_unsettled_is_taken_back(void **state)
{
	struct fixture *f = *state;

	fill();
	scratch_mkdir("to");
	scratch_write("to/a", "old");
	begin(f, "to");
	assert_int_equal(stage_open(&f->stage, 0755, false, &f->err), 0);
	assert_int_equal(stage_all(f, "new"), 0);
	assert_int_equal(stage_commit(&f->stage, &f->err), 0);
	scratch_is("to/a", "new");
	scratch_is("to/sub/c", "new");
	stage_fini(&f->stage);
	scratch_is("to/a", "old");
	assert_int_equal(scratch_count("to"), 1);
}

/* As above, a first generation in the place of a file, and one after another. */
static void test_stage_unsettled_generation_is_taken_back(void **state)
{
	struct fixture *f = *state;

	fill();
	scratch_mkdir("to");
	scratch_write("to/a", "old");
	for (int round = 0; round < 2; round++) {
		begin(f, "to");
		assert_int_equal(stage_open(&f->stage, 0755, true, &f->err), 0);
		assert_int_equal(stage_generation(&f->stage, 0755, &f->err), 0);
		assert_int_equal(stage_all(f, "new"), 0);
		assert_int_equal(stage_publish(&f->stage, &f->err), 0);
		scratch_is("to/a", "new");
		scratch_is("to/sub/c", "new");
		stage_fini(&f->stage);
		scratch_is("to/a", round == 0 ? "old" : "one");
		assert_int_equal(scratch_count("to"), round == 0 ? 1 : 5);
		if (round == 0)
			assert_int_equal(generation(f, "to", "one"), 0);
	}
	assert_true(S_ISLNK(scratch_mode("to/a")));
}

static void test_stage_unsettled_single_generation_is_taken_back(void **state)
{
	struct fixture *f = *state;

	scratch_write("from", "");
	scratch_mkdir("to");
	scratch_write("to/from", "old");
	begin(f, "to");
	assert_int_equal(stage_open(&f->stage, 0755, true, &f->err), 0);
	assert_int_equal(stage_generation(&f->stage, 0755, &f->err), 0);
	assert_int_equal(stage_all(f, "new"), 0);
	assert_int_equal(stage_publish(&f->stage, &f->err), 0);
	scratch_is("to/from", "new");
	stage_fini(&f->stage);
	scratch_is("to/from", "old");
	assert_int_equal(scratch_count("to"), 1);
}

static void test_stage_abandoned_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	fill();
	begin(f, "x/to");
	assert_int_equal(stage_open(&f->stage, 0755, false, &f->err), 0);
	assert_int_equal(stage_all(f, "new"), 0);
	stage_fini(&f->stage);
	assert_false(scratch_exists("x"));
	begin(f, "x/to");
	assert_int_equal(stage_open(&f->stage, 0755, true, &f->err), 0);
	assert_int_equal(stage_generation(&f->stage, 0755, &f->err), 0);
	assert_int_equal(stage_all(f, "new"), 0);
	stage_fini(&f->stage);
	assert_false(scratch_exists("x"));
}

static void test_stage_leftovers_removed(void **state)
{
	struct fixture *f = *state;
	int lock;

	fill();
	scratch_mkdir("to");
	scratch_mkdir("to/sub");
	scratch_write("to/..husk-00-1", "");
	scratch_write("to/sub/..husk-00-2", "");
	scratch_mkdir("to/..gen-0");
	scratch_write("to/..gen-0/x", "");
	/* Somebody else is at work there: it may be theirs. */
	lock = open(scratch_path("to"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(generation(f, "to2", "x"), 0);
	assert_int_equal(plain(f, "to", "x"), 0);
	assert_true(scratch_exists("to/..husk-00-1"));
	close(lock);
	assert_int_equal(plain(f, "to", "x"), 0);
	assert_false(scratch_exists("to/..husk-00-1"));
	assert_false(scratch_exists("to/sub/..husk-00-2"));
	assert_true(scratch_exists("to/..gen-0/x")); /* another set's */
	assert_int_equal(beneath_remove(AT_FDCWD, scratch_path("to/sub")), 0);
	assert_int_equal(generation(f, "to", "y"), 0);
	assert_false(scratch_exists("to/..gen-0"));
}

static void test_stage_generation_published(void **state)
{
	struct fixture *f = *state;
	char link[64] = "";

	fill();
	scratch_mkdir("to");
	scratch_write("to/b", "plain");
	assert_int_equal(generation(f, "to", "one"), 0);
	scratch_is("to/a", "one");
	scratch_is("to/b", "one");
	scratch_is("to/sub/c", "one");
	assert_true(readlink(scratch_path("to/a"), link, sizeof(link) - 1) > 0);
	assert_string_equal(link, "..data/a");
	/* a, b, sub, ..data and one generation. */
	assert_int_equal(scratch_count("to"), 5);

	assert_int_equal(unlink(scratch_path("from/a")), 0);
	scratch_write("from/new", "");
	scratch_write("to/mine", "mine");
	scratch_link("elsewhere", "to/link");
	assert_int_equal(generation(f, "to", "two"), 0);
	scratch_is("to/new", "two");
	scratch_is("to/b", "two");
	scratch_is("to/mine", "mine");
	assert_false(scratch_exists("to/a"));
	assert_true(scratch_exists("to/link"));
	assert_int_equal(scratch_count("to"), 7);
}

static void test_stage_refused_publication_changes_nothing(void **state)
{
	struct fixture *f = *state;

	fill();
	assert_int_equal(generation(f, "to", "one"), 0);
	scratch_write("from/new", "");
	scratch_mkdir("to/new");
	assert_int_equal(generation(f, "to", "two"), -1);
	assert_non_null(strstr(f->err.message, "to/new: a folder stands in its place"));
	scratch_is("to/a", "one");
	assert_int_equal(scratch_count("to"), 6);
}

static void test_stage_single_generation_is_a_file(void **state)
{
	struct fixture *f = *state;

	scratch_write("from", "");
	scratch_mkdir("to");
	scratch_write("to/from", "old");
	assert_int_equal(generation(f, "to", "new"), 0);
	scratch_is("to/from", "new");
	assert_true(S_ISREG(scratch_mode("to/from")));
	assert_int_equal(scratch_count("to"), 1);
}

static void test_stage_owner_that_is_right_needs_no_root(void **state)
{
	struct fixture *f = *state;

	fill();
	begin(f, "to");
	f->stage.owned = true;
	f->stage.uid = geteuid();
	f->stage.gid = getegid();
	assert_int_equal(stage_open(&f->stage, 0755, false, &f->err), 0);
	assert_int_equal(stage_all(f, "x"), 0);
	assert_int_equal(stage_commit(&f->stage, &f->err), 0);
	stage_settle(&f->stage);
	stage_fini(&f->stage);
	scratch_is("to/a", "x");
}

static void test_stage_error_names_user_and_way_out(void **state)
{
	struct fixture *f = *state;
	char user[32];

	snprintf(user, sizeof(user), "as user %u", (unsigned)geteuid());
	stage_error("write", "/tmp/x/y", EROFS, &f->err);
	assert_int_equal(f->err.code, ERR_CONFIG);
	assert_non_null(strstr(f->err.message, "/tmp/x/y"));
	assert_non_null(strstr(f->err.message, user));
	assert_non_null(strstr(f->err.message, "read-only: mount a tmpfs"));
	stage_error("write", scratch_path("y"), EACCES, &f->err);
	assert_non_null(strstr(f->err.message, "not read-only"));
	assert_non_null(strstr(f->err.message, "tmpfs"));
	stage_error("write", scratch_path("y"), ENOSPC, &f->err);
	assert_non_null(strstr(f->err.message, "is full"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stage_missing_folders_made),
		TEST(test_stage_existing_files_replaced),
		TEST(test_stage_link_in_the_way_refused),
		TEST(test_stage_link_put_in_later_refused),
		TEST(test_stage_file_and_folder_confused_refused),
		TEST(test_stage_failed_rename_changes_nothing),
		TEST(test_stage_unsettled_is_taken_back),
		TEST(test_stage_unsettled_generation_is_taken_back),
		TEST(test_stage_unsettled_single_generation_is_taken_back),
		TEST(test_stage_abandoned_leaves_nothing),
		TEST(test_stage_leftovers_removed),
		TEST(test_stage_generation_published),
		TEST(test_stage_refused_publication_changes_nothing),
		TEST(test_stage_single_generation_is_a_file),
		TEST(test_stage_owner_that_is_right_needs_no_root),
		TEST(test_stage_error_names_user_and_way_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
