/* The files of a configuration: includes, and what cannot be read. */
#include "config_fixture.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_file(const struct fixture *f, const char *name, const char *text)
{
	char path[320];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int set_up_dir(void **state)
{
	struct fixture *f;
	const char *tmp = getenv("TMPDIR");
	char path[320];

	if (set_up(state) != 0)
		return -1;
	f = *state;
	snprintf(f->dir, sizeof(f->dir), "%.200s/husk-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(path, sizeof(path), "%s/d", f->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	return 0;
}

static int tear_down_dir(void **state)
{
	struct fixture *f = *state;
	char command[320];

	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	assert_int_equal(system(command), 0);
	return tear_down(state);
}

/* The errors with the folder's name left out. */
static const char *load_dir(struct fixture *f, const char *name)
{
	static char out[8192];
	char path[320];
	const char *text, *hit;
	size_t len = 0;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	f->errors.count = f->errors.dropped = 0;
	rc = config_load(f->arena, path, &f->plan, &f->errors);
	assert_int_equal(rc, f->errors.count > 0 ? -1 : 0);
	text = errors_text(f, &f->errors);
	while ((hit = strstr(text, f->dir)) != NULL) {
		len += (size_t)snprintf(
			out + len, sizeof(out) - len, "%.*s", (int)(hit - text), text);
		text = hit + strlen(f->dir);
		text += *text == '/';
	}
	snprintf(out + len, sizeof(out) - len, "%s", text);
	return out;
}

static void test_include_files_add_up_in_order(void **state)
{
	struct fixture *f = *state;

	write_file(f, "husk.yaml",
		V "include: d/*.yaml\nenv: {M: 1}\ngrace: 7s\n"
		  "templates: [{from: m, to: m}]\nenv_file: m.env\n");
	write_file(f, "d/20.yaml", "env: {B: 2, C: 3}\nenv_file: [b.env]\n");
	write_file(f, "d/10.yaml",
		V "include: ../sub.yaml\nenv: {A: 1}\n"
		  "templates: [{from: a, to: a}]\n");
	write_file(f, "sub.yaml", "services: {s: {command: [x]}}\nenv: {S: 0}\n");
	write_file(f, "d/30.yml", "nonsense: 1\n");
	write_file(f, "d/.40.yaml", "nonsense: 1\n");
	assert_string_equal(load_dir(f, "husk.yaml"), "");
	assert_int_equal(f->plan.var_count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_true(f->plan.vars[i].name[0] == "SABCM"[i]);
	assert_string_equal(f->plan.templates[0].from.text, "a");
	assert_string_equal(f->plan.templates[1].from.text, "m");
	assert_int_equal(f->plan.env_files.count, 2);
	assert_string_equal(f->plan.env_files.items[0].text, "b.env");
	assert_string_equal(f->plan.services[0].name, "s");
	assert_true(f->plan.grace == 7 * SECOND);
	assert_non_null(strstr(f->plan.file, "/husk.yaml"));
	assert_non_null(strstr(f->plan.vars[1].place.file, "/d/10.yaml"));
}

static void test_include_twice_set_names_both_places(void **state)
{
	struct fixture *f = *state;

	write_file(f, "husk.yaml",
		V "include: [a.yaml, b.yaml]\nenv: {X: 1}\ngrace: 1s\n"
		  "services: {s: {command: [x]}}\n");
	write_file(f, "a.yaml", "env: {X: 2, Y: 1}\ngrace: 2s\nservices: {s: {command: [x]}}\n");
	write_file(f, "b.yaml", "env:\n  Y: 3\n  X: 4\n");
	assert_string_equal(load_dir(f, "husk.yaml"),
		"husk.yaml:4:1: grace: is set twice, first at a.yaml:2:1\n"
		"b.yaml:3:3: env.X: is set twice, first at a.yaml:1:7\n"
		"husk.yaml:3:7: env.X: is set twice, first at b.yaml:3:3\n"
		"b.yaml:2:3: env.Y: is set twice, first at a.yaml:1:13\n"
		"husk.yaml:5:12: services.s: is set twice, first at a.yaml:3:12");
}

static void test_include_errors_of_all_files(void **state)
{
	struct fixture *f = *state;

	write_file(f, "husk.yaml", V "include: [a.yaml, b.yaml]\nbad: 1\n");
	write_file(f, "a.yaml", "worse: 1\nversion: 2\n");
	write_file(f, "b.yaml", "a: [\n");
	assert_string_equal(load_dir(f, "husk.yaml"),
		"b.yaml:2:1: did not find expected node content (while parsing a flow node in line "
		"2)\n"
		"a.yaml:1:1: unknown key \"worse\"" TOP_KEYS "\n"
		"a.yaml:2:10: version: this husk reads version 1, not \"2\"\n"
		"husk.yaml:3:1: unknown key \"bad\"" TOP_KEYS);
}

static void test_include_missing_and_no_match(void **state)
{
	struct fixture *f = *state;

	write_file(f, "husk.yaml", V "include: [none.yaml, d/*.yaml, no/where/*.yaml]\n");
	assert_string_equal(load_dir(f, "husk.yaml"),
		"husk.yaml:2:11: include: none.yaml: cannot open: No such file or directory");
	write_file(f, "husk.yaml", V "include: \"*/x.yaml\"\n");
	assert_string_equal(load_dir(f, "husk.yaml"),
		"husk.yaml:2:10: include: */x.yaml: * and ? can stand in the last part of the path "
		"only");
	write_file(f, "husk.yaml", V "include: [\"\", ~, {}]\n");
	assert_string_equal(load_dir(f, "husk.yaml"),
		"husk.yaml:2:11: include[0]: wants a path, not an empty text\n"
		"husk.yaml:2:15: include[1]: wants a text, not nothing: write \"\" for an empty "
		"one\n"
		"husk.yaml:2:18: include[2]: wants a text, not a mapping: a text that holds \": \" "
		"needs quotes");
	write_file(f, "husk.yaml", V "include: d\n");
	assert_string_equal(load_dir(f, "husk.yaml"),
		"husk.yaml:2:10: include: d: cannot read: Is a directory");
}

static void test_include_loops_and_diamonds(void **state)
{
	struct fixture *f = *state;

	write_file(f, "husk.yaml", V "include: husk.yaml\n");
	assert_string_equal(load_dir(f, "husk.yaml"),
		"husk.yaml:2:10: include: husk.yaml: this file is being read: the includes are a "
		"loop");
	write_file(f, "husk.yaml", V "include: a.yaml\n");
	write_file(f, "a.yaml", "include: d/../b.yaml\n");
	write_file(f, "b.yaml", "env: {B: 1}\ninclude: a.yaml\n");
	assert_string_equal(load_dir(f, "husk.yaml"),
		"d/../b.yaml:2:10: include: d/../a.yaml: this file is being read: the includes are "
		"a loop");
	/* Twice the same file, by two ways, is read once. */
	write_file(f, "husk.yaml", V "include: [a.yaml, c.yaml]\n");
	write_file(f, "b.yaml", "env: {B: 1}\n");
	write_file(f, "c.yaml", "include: b.yaml\n");
	assert_string_equal(load_dir(f, "husk.yaml"), "");
	assert_int_equal(f->plan.var_count, 1);
}

static void test_include_depth_bounded(void **state)
{
	struct fixture *f = *state;
	char name[16], text[64];

	write_file(f, "husk.yaml", V "include: 1.yaml\n");
	for (unsigned i = 1; i < 9; i++) {
		snprintf(name, sizeof(name), "%u.yaml", i);
		snprintf(text, sizeof(text),
			i < CONFIG_INCLUDE_DEPTH_MAX - 1 ? "include: %u.yaml\n"
							 : "env: {A: 1} #%u\n",
			i + 1);
		write_file(f, name, text);
	}
	assert_string_equal(load_dir(f, "husk.yaml"), "");
	assert_int_equal(f->plan.var_count, 1);
	write_file(f, "7.yaml", "include: 8.yaml\n");
	assert_string_equal(load_dir(f, "husk.yaml"),
		"7.yaml:1:10: include: 8.yaml: more than 8 files within one another");
}

static void test_include_number_bounded(void **state)
{
	struct fixture *f = *state;
	char name[16];

	write_file(f, "husk.yaml", V "include: [d/*]\n");
	for (unsigned i = 0; i < CONFIG_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "d/%03u", i);
		write_file(f, name, "");
	}
	assert_string_equal(
		load_dir(f, "husk.yaml"), "husk.yaml:2:11: include: d/255: more than 256 files");
}

static void test_load_unreadable_names_path_and_reason(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(
		load_dir(f, "none.yaml"), "none.yaml: cannot open: No such file or directory");
	assert_int_equal(f->errors.errs[0].errnum, ENOENT);
	assert_string_equal(load_dir(f, "d"), "d: cannot read: Is a directory");
}

static void test_load_denied_names_the_user(void **state)
{
	struct fixture *f = *state;
	char path[320], expected[256], found[256];
	uid_t user = geteuid();

	write_file(f, "husk.yaml", V "include: a.yaml\n");
	snprintf(path, sizeof(path), "%s/husk.yaml", f->dir);
	assert_int_equal(chmod(path, 0), 0);
	/* Root reads everything; where it cannot become another user there is nothing to see. */
	if (user == 0 && seteuid(65534) != 0)
		skip();
	snprintf(expected, sizeof(expected),
		"husk.yaml: cannot open: Permission denied (husk runs as user %u)", geteuid());
	snprintf(found, sizeof(found), "%s", load_dir(f, "husk.yaml"));
	if (user == 0)
		assert_int_equal(seteuid(0), 0);
	assert_string_equal(found, expected);
}

#define TEST_DIR(name) cmocka_unit_test_setup_teardown(name, set_up_dir, tear_down_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_DIR(test_include_files_add_up_in_order),
		TEST_DIR(test_include_twice_set_names_both_places),
		TEST_DIR(test_include_errors_of_all_files),
		TEST_DIR(test_include_missing_and_no_match),
		TEST_DIR(test_include_loops_and_diamonds),
		TEST_DIR(test_include_depth_bounded),
		TEST_DIR(test_include_number_bounded),
		TEST_DIR(test_load_unreadable_names_path_and_reason),
		TEST_DIR(test_load_denied_names_the_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
