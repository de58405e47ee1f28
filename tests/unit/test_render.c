#include "plan/render.h"

#include "base/log.h"
#include "plan/config.h"
#include "scratch.h"

struct fixture {
	struct arena *arena;
	struct plan plan;
	struct env *env;
	struct plan_templates sets[4];
	struct plan_text check[2];
	struct err err;
	struct err_list errors;
	struct render_report report;
	/* What the runner saw and says. */
	int refusals;
	unsigned checks;
	char staged[PATH_MAX];
};

static int setup(void **state)
{
	static struct fixture fixture;
	static char given[][16] = {"PORT=80", "SECRET=hush", "EMPTY=", "lower=no"};
	static char *list[] = {given[0], given[1], given[2], given[3], NULL};
	struct plan_var *var;

	memset(&fixture, 0, sizeof(fixture));
	*state = &fixture;
	log_set_level(LOG_LEVEL_ERROR);
	fixture.arena = arena_new(16 << 20);
	if (fixture.arena == NULL || scratch_setup(state) < 0)
		return -1;
	config_empty(fixture.arena, &fixture.plan);
	var = arena_alloc(fixture.arena, sizeof(*var));
	*var = (struct plan_var){.name = "SECRET", .place = {"husk.yaml", 3, 3}, .secret = true};
	fixture.plan.vars = var;
	fixture.plan.var_count = 1;
	return env_compose(&fixture.plan, list, &fixture.env, &fixture.errors);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	return scratch_teardown(state);
}

static struct plan_templates *add_set(struct fixture *f, const char *from, const char *to)
{
	struct plan_templates *set = &f->sets[f->plan.template_count++];

	set->from.text = arena_strdup(f->arena, scratch_path(from));
	set->to.text = arena_strdup(f->arena, scratch_path(to));
	set->suffix.text = ".template";
	set->mode_inherit = true;
	f->plan.templates = f->sets;
	return set;
}

static void add_check(struct fixture *f, struct plan_templates *set)
{
	f->check[0] = (struct plan_text){"checker", {"husk.yaml", 9, 9}};
	f->check[1] = (struct plan_text){"${HUSK_STAGED}/a", {"husk.yaml", 9, 20}};
	set->check = (struct plan_list){f->check, 2, true};
}

static int runner_run(void *arg, char *const argv[], struct err *err)
{
	struct fixture *f = arg;

	f->checks++;
	assert_string_equal(argv[0], "checker");
	snprintf(f->staged, sizeof(f->staged), "%s", argv[1]);
	assert_int_equal(access(argv[1], R_OK), 0);
	return f->refusals-- > 0 ? err_set(err, ERR_NOT_FOUND, "no") : 0;
}

static int render(struct fixture *f)
{
	struct render_runner runner = {.arg = f, .run = runner_run};

	err_clear(&f->err);
	return render_all(&f->plan, f->env, &runner, &f->report, &f->err);
}

static int render_as_one(struct fixture *f)
{
	struct render_runner runner = {.arg = f, .run = runner_run};

	err_clear(&f->err);
	return render_together(&f->plan, f->env, &runner, &f->report, &f->err);
}

static void test_render_tree_rendered_and_copied(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_mkdir("t/sub");
	scratch_write("t/a.template", "port ${PORT} $lower $$PORT\n");
	scratch_write("t/b", "${PORT}\n");
	scratch_write("t/sub/plain.template", "text\n");
	assert_int_equal(chmod(scratch_path("t/b"), 04755), 0);
	add_set(f, "t", "out");
	assert_int_equal(render(f), 0);
	scratch_is("out/a", "port 80 $lower $PORT\n");
	scratch_is("out/b", "${PORT}\n");
	scratch_is("out/sub/plain", "text\n");
	assert_int_equal(scratch_mode("out/b"), S_IFREG | 0755);
	assert_int_equal(f->report.files, 3);
	assert_int_equal(f->report.rendered, 1);
	assert_int_equal(scratch_count("out"), 3);
}

static void test_render_bytes_survive(void **state)
{
	struct fixture *f = *state;
	char bytes[70000];
	char read_back[sizeof(bytes) + 8];
	FILE *file;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 + i / 256);
	for (size_t i = 0; i < sizeof(bytes); i++)
		if (bytes[i] == '$')
			bytes[i] = '\0';
	memcpy(bytes + 100, "${PORT}", 7);
	file = fopen(scratch_path("in"), "we");
	assert_int_equal(fwrite(bytes, 1, sizeof(bytes), file), sizeof(bytes));
	fclose(file);
	add_set(f, "in", "out");
	assert_int_equal(render(f), 0);
	file = fopen(scratch_path("out"), "re");
	assert_int_equal(fread(read_back, 1, sizeof(read_back), file), sizeof(bytes) - 5);
	fclose(file);
	assert_memory_equal(read_back, bytes, 100);
	assert_memory_equal(read_back + 100, "80", 2);
	assert_memory_equal(read_back + 102, bytes + 107, sizeof(bytes) - 107);
}

static void test_render_secret_narrows_mode(void **state)
{
	struct fixture *f = *state;
	struct plan_templates *set;

	scratch_mkdir("t");
	scratch_write("t/s.template", "${SECRET}");
	scratch_write("t/r.template", "${SECRET}");
	scratch_write("t/p.template", "${PORT}");
	assert_int_equal(chmod(scratch_path("t/r.template"), 0444), 0);
	set = add_set(f, "t", "out");
	assert_int_equal(render(f), 0);
	scratch_is("out/s", "hush");
	assert_int_equal(scratch_mode("out/s"), S_IFREG | 0600);
	assert_int_equal(scratch_mode("out/r"), S_IFREG | 0400);
	assert_int_equal(scratch_mode("out/p"), S_IFREG | 0644);
	set->mode_inherit = false;
	set->mode = 0640;
	assert_int_equal(render(f), 0);
	assert_int_equal(scratch_mode("out/s"), S_IFREG | 0640);
	assert_int_equal(scratch_mode("out/p"), S_IFREG | 0640);
}

static void test_render_file_to_file_or_folder(void **state)
{
	struct fixture *f = *state;

	scratch_write("a.conf.template", "${PORT}");
	scratch_mkdir("dir");
	add_set(f, "a.conf.template", "x/y.conf");
	add_set(f, "a.conf.template", "dir");
	add_set(f, "a.conf.template", "new/");
	assert_int_equal(render(f), 0);
	scratch_is("x/y.conf", "80");
	scratch_is("dir/a.conf", "80");
	scratch_is("new/a.conf", "80");
}

static void test_render_in_place_leaves_other_files(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_write("t/a.template", "${PORT}");
	scratch_write("t/b", "b");
	add_set(f, "t", "t");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(render(f), 0);
		scratch_is("t/a", "80");
		assert_int_equal(scratch_count("t"), 3);
	}
}

static void test_render_same_target_in_two_sets_refused(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_mkdir("u");
	scratch_write("t/a", "1");
	scratch_write("u/a.template", "2");
	add_set(f, "t", "out");
	add_set(f, "u", "out//.");
	assert_int_equal(render_check(&f->plan, f->env, NULL, NULL, &f->errors), -1);
	assert_int_equal(f->errors.count, 1);
	assert_non_null(strstr(f->errors.errs[0].message, "the same target"));
	assert_false(scratch_exists("out"));
	assert_int_equal(render(f), -1);
	assert_non_null(strstr(f->err.message, "u/a.template"));
}

static void test_render_failed_template_changes_nothing(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_write("t/a.template", "1");
	scratch_write("t/b.template", "${PORT|nonsense}");
	scratch_mkdir("out");
	scratch_write("out/a", "old");
	add_set(f, "t", "out");
	assert_int_equal(render(f), -1);
	assert_int_equal(f->err.code, ERR_CONFIG);
	assert_int_equal(f->err.line, 1);
	assert_non_null(strstr(f->err.file, "t/b.template"));
	scratch_is("out/a", "old");
	assert_int_equal(scratch_count("out"), 1);
}

static void test_render_check_passes_then_published(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_write("t/a.template", "${PORT}");
	add_check(f, add_set(f, "t", "out"));
	assert_int_equal(render(f), 0);
	assert_int_equal(f->checks, 1);
	assert_non_null(strstr(f->staged, "/out/..gen-"));
	scratch_is("out/a", "80");
	assert_true(S_ISLNK(scratch_mode("out/a")));
	assert_int_equal(render(f), 0);
	assert_int_equal(scratch_count("out"), 3);
}

static void test_render_check_refuses_then_old_stays(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_write("t/a.template", "one");
	add_check(f, add_set(f, "t", "out"));
	f->refusals = 1;
	assert_int_equal(render(f), -1);
	assert_int_equal(f->err.code, ERR_CONFIG); /* not the check's own */
	assert_non_null(strstr(f->err.message, "refused it, nothing was changed: no"));
	assert_false(scratch_exists("out"));
	assert_int_equal(render(f), 0);
	scratch_write("t/a.template", "two");
	f->refusals = 1;
	assert_int_equal(render(f), -1);
	scratch_is("out/a", "one");
	assert_int_equal(scratch_count("out"), 3);
}

static void test_render_check_of_one_file(void **state)
{
	struct fixture *f = *state;

	scratch_write("a", "new ${PORT}");
	scratch_mkdir("out");
	scratch_write("out/a", "old");
	add_check(f, add_set(f, "a", "out/a"));
	f->refusals = 1;
	assert_int_equal(render(f), -1);
	scratch_is("out/a", "old");
	assert_int_equal(render(f), 0);
	scratch_is("out/a", "new 80");
	assert_int_equal(scratch_count("out"), 1);
}

static void test_render_together_refused_changes_no_set(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_write("t/a.template", "one");
	add_set(f, "t", "plain");
	add_check(f, add_set(f, "t", "checked"));
	add_set(f, "t/a.template", "single/a");
	assert_int_equal(render_as_one(f), 0);
	scratch_is("plain/a", "one");
	scratch_is("checked/a", "one");
	scratch_is("single/a", "one");
	scratch_write("t/a.template", "two");
	f->refusals = 1;
	assert_int_equal(render_as_one(f), -1);
	scratch_is("plain/a", "one");
	scratch_is("checked/a", "one");
	scratch_is("single/a", "one");
	assert_int_equal(scratch_count("plain"), 1);
	assert_int_equal(scratch_count("checked"), 3);
	assert_int_equal(render_as_one(f), 0);
	scratch_is("plain/a", "two");
	scratch_is("single/a", "two");
	assert_int_equal(scratch_count("plain"), 1);
	assert_int_equal(scratch_count("checked"), 3);
	assert_int_equal(scratch_count("single"), 1);
	assert_int_equal(f->report.files, 8);
}

/* The second set passes its check and cannot be put in its place. */
static void test_render_together_unpublished_takes_the_others_back(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_write("t/a.template", "new");
	scratch_mkdir("plain");
	scratch_write("plain/a", "old");
	scratch_mkdir("checked");
	scratch_mkdir("checked/a");
	add_set(f, "t", "plain");
	add_set(f, "t", "fresh/deep");
	add_check(f, add_set(f, "t", "checked"));
	assert_int_equal(render_as_one(f), -1);
	assert_non_null(strstr(f->err.message, "checked/a: a folder stands in its place"));
	scratch_is("plain/a", "old");
	assert_int_equal(scratch_count("plain"), 1);
	assert_int_equal(scratch_count("checked"), 1);
	assert_false(scratch_exists("fresh"));
}

/* What another set renders is read when it is there. */
static void test_render_together_source_of_another_set(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	scratch_write("t/a.template.template", "$${PORT} one ${PORT}");
	add_set(f, "t", "middle");
	add_set(f, "middle/", "out");
	assert_int_equal(render_as_one(f), 0);
	scratch_is("out/a", "80 one 80");
	scratch_write("t/a.template.template", "$${PORT} two ${PORT}");
	assert_int_equal(render_as_one(f), 0);
	scratch_is("out/a", "80 two 80");
}

static void test_render_absolute_path_of_own_set_refused(void **state)
{
	static const struct {
		const char *text; /* @ stands for `to` */
		bool refused;
	} cases[] = {
		{"\nx include @/conf.d/x;", true},
		{"include @/*.conf;", true},
		{"prefix @;", true},
		{"prefix @/", true},
		{"unix:@/a", true},
		{"include @//a", true},
		{"@/..data/a", true},
		{"pid @/nginx.pid;", false},
		{"pid @.pid;", false},
		{"pid /srv@/a;", false}, /* only ends like `to` */
		{"include conf.d/x;", false},
		{"@-other/a", false},
	};
	struct fixture *f = *state;
	char text[4 * PATH_MAX];

	scratch_mkdir("t");
	scratch_mkdir("t/conf.d");
	scratch_write("t/conf.d/x", "");
	add_check(f, add_set(f, "t", "out"));
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *at = strchr(cases[i].text, '@');

		if (at == NULL)
			snprintf(text, sizeof(text), "%s", cases[i].text);
		else
			snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - cases[i].text),
				cases[i].text, scratch_path("out"), at + 1);
		scratch_write("t/a.template", text);
		if ((render(f) < 0) != cases[i].refused)
			fail_msg("%s: %s", text, f->err.message);
		if (cases[i].refused)
			assert_non_null(strstr(f->err.message, "absolute path"));
	}
}

static void test_render_path_with_secret_refused(void **state)
{
	struct fixture *f = *state;
	struct plan_templates *set;

	scratch_mkdir("t");
	set = add_set(f, "t", "x");
	set->to = (struct plan_text){"/tmp/${SECRET}", {"husk.yaml", 7, 5}};
	assert_int_equal(render(f), -1);
	assert_string_equal(f->err.file, "husk.yaml");
	assert_int_equal(f->err.line, 7);
	assert_null(strstr(f->err.message, "hush"));
}

static void test_render_suffix_expanded_and_others_skipped(void **state)
{
	struct fixture *f = *state;
	struct plan_templates *set;

	scratch_mkdir("t");
	scratch_mkdir("t/sub");
	scratch_write("t/a.80", "${PORT}");
	scratch_write("t/b.template", "b");
	scratch_write("t/sub/c.80", "c");
	set = add_set(f, "t", "out");
	set->suffix = (struct plan_text){".${PORT}", {"husk.yaml", 7, 5}};
	set->others = PLAN_OTHERS_SKIP;
	assert_int_equal(render(f), 0);
	scratch_is("out/a", "80");
	scratch_is("out/sub/c", "c");
	assert_int_equal(scratch_count("out"), 2);
}

static void test_render_suffix_refused(void **state)
{
	static const char *const wrong[] = {"/${PORT}", ".${SECRET}", ".${NONE}"};
	struct fixture *f = *state;
	struct plan_templates *set;

	scratch_mkdir("t");
	set = add_set(f, "t", "out");
	for (size_t i = 0; i < COUNT(wrong); i++) {
		set->suffix = (struct plan_text){wrong[i], {"husk.yaml", 7, 5}};
		assert_int_equal(render(f), -1);
		assert_string_equal(f->err.file, "husk.yaml");
		assert_int_equal(f->err.line, 7);
		assert_null(strstr(f->err.message, "hush"));
	}
	assert_false(scratch_exists("out"));
}

static void test_render_owner_unknown_refused(void **state)
{
	struct fixture *f = *state;

	scratch_mkdir("t");
	add_set(f, "t", "out")->owner =
		(struct plan_text){"no-such-user-here", {"husk.yaml", 8, 5}};
	assert_int_equal(render(f), -1);
	assert_int_equal(f->err.line, 8);
	assert_false(scratch_exists("out"));
}

static void test_render_owner_given(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	if (geteuid() != 0)
		skip();
	scratch_mkdir("t");
	scratch_mkdir("t/sub");
	scratch_write("t/sub/a", "");
	add_set(f, "t", "out")->owner = (struct plan_text){"4321:8765", {"husk.yaml", 8, 5}};
	assert_int_equal(render(f), 0);
	assert_int_equal(lstat(scratch_path("out/sub/a"), &st), 0);
	assert_int_equal(st.st_uid, 4321);
	assert_int_equal(st.st_gid, 8765);
	assert_int_equal(lstat(scratch_path("out/sub"), &st), 0);
	assert_int_equal(st.st_uid, 4321);
}

static void test_render_thousands_of_files(void **state)
{
	struct fixture *f = *state;
	char name[64];

	scratch_mkdir("t");
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "t/%02d", i);
		scratch_mkdir(name);
		for (int k = 0; k < 100; k++) {
			snprintf(name, sizeof(name), "t/%02d/%02d.template", i, k);
			scratch_write(name, "${PORT}");
		}
	}
	add_set(f, "t", "out");
	assert_int_equal(render(f), 0);
	assert_int_equal(f->report.files, 2000);
	scratch_is("out/19/99", "80");
	assert_int_equal(scratch_count("out/07"), 100);
}

struct heard {
	char text[1024];
};

static void on_set(
	void *arg, const struct plan_templates *set, const char *from, const char *to, size_t files)
{
	struct heard *heard = arg;

	(void)set;
	(void)from;
	(void)to;
	sprintf(heard->text + strlen(heard->text), "set %zu;", files);
}

static void on_file(
	void *arg, const char *source, const char *target, mode_t mode, bool rendered, bool secret)
{
	struct heard *heard = arg;

	(void)source;
	sprintf(heard->text + strlen(heard->text), "%s %o%s%s;", strrchr(target, '/') + 1,
		(unsigned)mode, rendered ? " rendered" : "", secret ? " secret" : "");
}

static void on_kept(void *arg, const char *file, unsigned line, unsigned column, struct str text)
{
	struct heard *heard = arg;

	(void)file;
	sprintf(heard->text + strlen(heard->text), "kept %u:%u %.*s;", line, column,
		STR_ARGS(text));
}

static void test_render_check_only_tells_and_writes_nothing(void **state)
{
	struct fixture *f = *state;
	struct heard heard = {""};
	struct render_observer observer = {
		.arg = &heard, .set = on_set, .file = on_file, .kept = on_kept};

	scratch_mkdir("t");
	scratch_write("t/a.template", "${PORT}\n $uri");
	scratch_write("t/b", "");
	scratch_write("t/c.template", "${SECRET}");
	add_set(f, "t", "out");
	assert_int_equal(render_check(&f->plan, f->env, &observer, &f->report, &f->errors), 0);
	assert_string_equal(heard.text, "set 3;kept 2:2 $uri;a 644 rendered;b 644;"
					"c 600 rendered secret;");
	assert_false(scratch_exists("out"));
	assert_int_equal(f->report.files, 3);
}

static void test_render_check_collects_errors(void **state)
{
	struct fixture *f = *state;
	char name[32];

	scratch_mkdir("t");
	for (int i = 0; i < 25; i++) {
		snprintf(name, sizeof(name), "t/%02d.template", i);
		scratch_write(name, "${PORT:?}${EMPTY:?needed}");
	}
	add_set(f, "missing", "out");
	add_set(f, "t", "out");
	assert_int_equal(render_check(&f->plan, f->env, NULL, NULL, &f->errors), -1);
	assert_int_equal(f->errors.count, ERR_LIST_MAX);
	assert_int_equal(f->errors.dropped, 6);
	assert_non_null(strstr(f->errors.errs[0].message, "missing"));
	assert_non_null(strstr(f->errors.errs[1].message, "needed"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_render_tree_rendered_and_copied),
		TEST(test_render_bytes_survive),
		TEST(test_render_secret_narrows_mode),
		TEST(test_render_file_to_file_or_folder),
		TEST(test_render_in_place_leaves_other_files),
		TEST(test_render_same_target_in_two_sets_refused),
		TEST(test_render_failed_template_changes_nothing),
		TEST(test_render_check_passes_then_published),
		TEST(test_render_check_refuses_then_old_stays),
		TEST(test_render_check_of_one_file),
		TEST(test_render_together_refused_changes_no_set),
		TEST(test_render_together_unpublished_takes_the_others_back),
		TEST(test_render_together_source_of_another_set),
		TEST(test_render_absolute_path_of_own_set_refused),
		TEST(test_render_path_with_secret_refused),
		TEST(test_render_suffix_expanded_and_others_skipped),
		TEST(test_render_suffix_refused),
		TEST(test_render_owner_unknown_refused),
		TEST(test_render_owner_given),
		TEST(test_render_thousands_of_files),
		TEST(test_render_check_only_tells_and_writes_nothing),
		TEST(test_render_check_collects_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
