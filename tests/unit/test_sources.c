#include "plan/sources.h"

#include <errno.h>
#include <sys/inotify.h>

#include "base/log.h"
#include "base/sys.h"
#include "plan/config.h"
#include "scratch.h"

struct fixture {
	struct arena *arena;
	struct plan plan;
	struct env *env;
	struct plan_templates sets[2];
	struct plan_text env_file;
	struct plan_var var;
	char secret[PATH_MAX];
	struct err_list errors;
	struct err err;
	int watch;
};

static int refused_errno; /* 0, or why no watch is to be had */
static size_t adds;

int __real_sys_inotify_add(int fd, const char *path, uint32_t mask);
int __wrap_sys_inotify_add(int fd, const char *path, uint32_t mask);
int __wrap_sys_inotify_add(int fd, const char *path, uint32_t mask)
{
	adds++;
	if (refused_errno == 0)
		return __real_sys_inotify_add(fd, path, mask);
	errno = refused_errno;
	return -1;
}

/* As a Kubernetes volume: names lead through `..data`. */
static void fill_volume(const char *name, const char *text)
{
	char path[200];

	(void)snprintf(path, sizeof(path), "v/..%s", name);
	scratch_mkdir(path);
	(void)snprintf(path, sizeof(path), "v/..%s/a.template", name);
	scratch_write(path, text);
}

static int setup(void **state)
{
	static struct fixture fixture;
	static char *list[2];
	struct fixture *f = &fixture;

	memset(f, 0, sizeof(*f));
	*state = f;
	refused_errno = 0;
	adds = 0;
	log_set_level(LOG_LEVEL_ERROR);
	f->arena = arena_new(16 << 20);
	f->watch = sys_inotify_init();
	if (f->arena == NULL || f->watch < 0 || scratch_setup(state) < 0)
		return -1;
	scratch_mkdir("t");
	scratch_mkdir("t/sub");
	scratch_write("t/a.template", "one");
	scratch_write("t/sub/b", "two");
	scratch_mkdir("v");
	fill_volume("first", "one");
	scratch_link("..first", "v/..data");
	scratch_link("..data/a.template", "v/a.template");
	scratch_mkdir("e");
	scratch_write("e/app.env", "A=1\n");
	scratch_mkdir("s");
	scratch_write("s/password", "hush");
	config_empty(f->arena, &f->plan);
	f->env_file.text = arena_strdup(f->arena, scratch_path("e/app.env"));
	f->plan.env_files = (struct plan_list){&f->env_file, 1, true};
	f->var = (struct plan_var){.name = "PASSWORD", .secret = true};
	f->plan.vars = &f->var;
	f->plan.var_count = 1;
	(void)snprintf(
		f->secret, sizeof(f->secret), "PASSWORD_FILE=%s", scratch_path("s/password"));
	list[0] = f->secret;
	for (size_t i = 0; i < COUNT(f->sets); i++) {
		struct plan_templates *set = &f->sets[i];

		set->from.text = arena_strdup(f->arena, scratch_path(i == 0 ? "t" : "v"));
		set->to.text = arena_strdup(f->arena, scratch_path("out"));
		set->suffix.text = ".template";
	}
	f->plan.templates = f->sets;
	f->plan.template_count = COUNT(f->sets);
	return env_compose(&f->plan, list, &f->env, &f->errors);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->watch);
	arena_free(f->arena);
	return scratch_teardown(state);
}

static uint64_t look(struct fixture *f, int watch)
{
	struct sources sources;

	assert_int_equal(sources_look(&f->plan, f->env, watch, &sources, &f->err), 0);
	assert_false(sources.blind);
	assert_true(sources.print != 0);
	return sources.print;
}

/* Whether anything was told since the last time. */
static bool told(struct fixture *f)
{
	char events[65536];
	bool any = false;

	while (sys_read(f->watch, events, sizeof(events)) > 0)
		any = true;
	assert_int_equal(errno, EAGAIN);
	return any;
}

static void assert_changed(struct fixture *f, uint64_t *print)
{
	uint64_t now = look(f, -1);

	assert_true(now != *print);
	*print = now;
}

static void test_sources_print_of_contents_names_and_modes(void **state)
{
	struct fixture *f = *state;
	uint64_t print = look(f, -1);

	assert_true(look(f, -1) == print);
	/* The same again, later. */
	scratch_write("t/a.template", "one");
	assert_true(look(f, -1) == print);
	scratch_write("t/a.template", "onf");
	assert_changed(f, &print);
	assert_int_equal(chmod(scratch_path("t/sub/b"), 0600), 0);
	assert_changed(f, &print);
	assert_int_equal(rename(scratch_path("t/sub/b"), scratch_path("t/sub/c")), 0);
	assert_changed(f, &print);
	scratch_mkdir("t/empty");
	assert_changed(f, &print);
	scratch_write("e/app.env", "A=2\n");
	assert_changed(f, &print);
	scratch_write("s/password", "hushed");
	assert_changed(f, &print);
	assert_int_equal(unlink(scratch_path("s/password")), 0);
	assert_changed(f, &print);
	scratch_write("elsewhere", "x");
	assert_true(look(f, -1) == print);
	assert_int_equal(adds, 0);
}

/* Only what is rendered counts where `from` is `to`: else what husk has made would. */
static void test_sources_print_in_place_of_templates_only(void **state)
{
	struct fixture *f = *state;
	uint64_t print;

	f->sets[0].to = f->sets[0].from;
	print = look(f, -1);
	scratch_write("t/a", "rendered");
	assert_true(look(f, -1) == print);
	scratch_write("t/a.template", "other");
	assert_changed(f, &print);
}

static void test_sources_missing_and_unreadable_have_a_print(void **state)
{
	struct fixture *f = *state;
	uint64_t print = look(f, -1);

	assert_int_equal(rename(scratch_path("t"), scratch_path("gone")), 0);
	assert_changed(f, &print);
	(void)look(f, f->watch);
	assert_false(told(f));
	assert_int_equal(rename(scratch_path("gone"), scratch_path("t")), 0);
	assert_true(told(f));
	assert_changed(f, &print);
	assert_int_equal(mkfifo(scratch_path("t/fifo"), 0600), 0);
	assert_changed(f, &print);
	assert_true(look(f, -1) == print);
}

static void test_sources_changes_told(void **state)
{
	struct fixture *f = *state;
	int fd;

	scratch_mkdir("other");
	(void)look(f, f->watch);
	assert_false(told(f));
	scratch_write("t/sub/b", "in place");
	assert_true(told(f));
	/* As an editor does. */
	scratch_write("t/.a.swp", "");
	assert_true(told(f));
	assert_int_equal(rename(scratch_path("t/.a.swp"), scratch_path("t/a.template")), 0);
	assert_true(told(f));
	scratch_write("e/new", "A=3\n");
	assert_true(told(f));
	assert_int_equal(rename(scratch_path("e/new"), scratch_path("e/app.env")), 0);
	assert_true(told(f));
	assert_int_equal(chmod(scratch_path("s/password"), 0600), 0);
	assert_true(told(f));
	/* Half written is not a change yet; reading never is one. */
	fd = open(scratch_path("t/sub/b"), O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "half", 4), 4);
	scratch_is("t/a.template", "");
	(void)look(f, -1);
	assert_false(told(f));
	close(fd);
	assert_true(told(f));
	scratch_write("other/x", "x");
	assert_false(told(f));
}

/* A folder that is new is watched after the next look. */
static void test_sources_new_folder_watched_when_looked_at(void **state)
{
	struct fixture *f = *state;

	(void)look(f, f->watch);
	scratch_mkdir("t/new");
	assert_true(told(f));
	(void)look(f, f->watch);
	assert_false(told(f));
	scratch_write("t/new/c", "");
	assert_true(told(f));
	/* The whole of it gone, and another one in its place. */
	assert_int_equal(rename(scratch_path("t"), scratch_path("old")), 0);
	assert_true(told(f));
	scratch_mkdir("t");
	assert_true(told(f));
}

static void test_sources_kubernetes_swap_told(void **state)
{
	struct fixture *f = *state;
	uint64_t print = look(f, f->watch);

	for (int round = 0; round < 3; round++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "round%d", round);
		fill_volume(name, name);
		(void)snprintf(name, sizeof(name), "..round%d", round);
		scratch_link(name, "v/..data_tmp");
		(void)told(f);
		assert_int_equal(rename(scratch_path("v/..data_tmp"), scratch_path("v/..data")), 0);
		assert_true(told(f));
		assert_changed(f, &print);
		(void)look(f, f->watch);
		assert_false(told(f));
	}
	/* The file itself, where it stands now. */
	scratch_write("v/..round2/a.template", "in place");
	assert_true(told(f));
	assert_changed(f, &print);
}

/* releases/N behind a link, as deployments do: the link may be anywhere on the way. */
static void test_sources_link_on_the_way_told(void **state)
{
	struct fixture *f = *state;
	char target[PATH_MAX];

	scratch_mkdir("releases");
	scratch_mkdir("releases/1");
	scratch_mkdir("releases/2");
	scratch_mkdir("releases/1/t");
	scratch_mkdir("releases/2/t");
	scratch_mkdir("here");
	scratch_write("releases/1/t/x", "1");
	scratch_write("releases/2/t/x", "2");
	scratch_link("../releases/1", "here/current");
	(void)snprintf(target, sizeof(target), "%s", scratch_path("here"));
	scratch_link(target, "way");
	f->sets[0].from.text = arena_strdup(f->arena, scratch_path("way/current/t"));
	(void)look(f, f->watch);
	scratch_link("../releases/2", "here/next");
	(void)told(f);
	assert_int_equal(rename(scratch_path("here/next"), scratch_path("here/current")), 0);
	assert_true(told(f));
	(void)look(f, f->watch);
	scratch_write("releases/2/t/x", "3");
	assert_true(told(f));
	/* One that leads to itself ends somewhere. */
	scratch_link("loop", "loop");
	f->sets[0].from.text = arena_strdup(f->arena, scratch_path("loop/t"));
	(void)look(f, f->watch);
}

static void test_sources_without_watches_blind(void **state)
{
	struct fixture *f = *state;
	struct sources sources;

	refused_errno = ENOSPC;
	assert_int_equal(sources_look(&f->plan, f->env, f->watch, &sources, &f->err), 0);
	assert_true(sources.blind);
	assert_true(sources.print == look(f, -1));
	/* It was there a moment ago. */
	refused_errno = ENOENT;
	(void)look(f, f->watch);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sources_print_of_contents_names_and_modes),
		TEST(test_sources_print_in_place_of_templates_only),
		TEST(test_sources_missing_and_unreadable_have_a_print),
		TEST(test_sources_changes_told),
		TEST(test_sources_new_folder_watched_when_looked_at),
		TEST(test_sources_kubernetes_swap_told),
		TEST(test_sources_link_on_the_way_told),
		TEST(test_sources_without_watches_blind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
