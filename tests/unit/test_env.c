#include "unit/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "plan/env.h"

enum { VARS = 32 };

struct fixture {
	char dir[PATH_MAX];
	struct arena *arena;
	struct plan plan;
	struct plan_var vars[VARS];
	struct plan_text files[4];
	struct err_list errors;
	struct env *env;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *tmp = getenv("TMPDIR");

	if (!f)
		return -1;
	log_init("test: ");
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(f->dir, sizeof(f->dir), "%s/husk-env-XXXXXX", tmp ? tmp : "/tmp");
	f->arena = arena_new(64 << 20);
	f->plan = (struct plan){.arena = f->arena,
		.file = "husk.yaml",
		.vars = f->vars,
		.env_files = {.items = f->files}};
	*state = f;
	return mkdtemp(f->dir) && f->arena ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* In the test's folder; the path stays in the arena. */
static const char *put_bytes(struct fixture *f, const char *name, const void *data, size_t len)
{
	char path[PATH_MAX + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
	return arena_strdup(f->arena, path);
}

static const char *put(struct fixture *f, const char *name, const char *content)
{
	return put_bytes(f, name, content, strlen(content));
}

static struct plan_text text(const struct fixture *f, const char *s)
{
	return (struct plan_text){s, {"husk.yaml", (unsigned)f->plan.var_count, 9}};
}

/* The next entry of `env:`, on a line of its own. */
static struct plan_var *declare(struct fixture *f, const char *name)
{
	assert_true(f->plan.var_count < VARS);
	struct plan_var *var = &f->vars[f->plan.var_count++];

	*var = (struct plan_var){
		.name = name, .place = {"husk.yaml", (unsigned)f->plan.var_count, 3}};
	return var;
}

static struct plan_var *with_default(struct fixture *f, const char *name, const char *value)
{
	struct plan_var *var = declare(f, name);

	var->default_value = text(f, value);
	return var;
}

static struct plan_var *with_value(struct fixture *f, const char *name, const char *value)
{
	struct plan_var *var = declare(f, name);

	var->value = text(f, value);
	return var;
}

static void list(struct fixture *f, struct plan_list *out, const char *const *items)
{
	size_t count = 0;

	while (items[count])
		count++;
	out->items = arena_array(f->arena, count + 1, sizeof(*out->items));
	out->count = count;
	out->given = true;
	for (size_t i = 0; i < count; i++)
		out->items[i] = text(f, items[i]);
}
#define LIST(f, out, ...) list(f, out, (const char *const[]){__VA_ARGS__, NULL})

static void add_env_file(struct fixture *f, const char *path)
{
	f->files[f->plan.env_files.count++] = (struct plan_text){path, {"husk.yaml", 99, 11}};
}

/* `given`: strings, NULL at the end; borrowed, as environ is. */
static int compose_all(struct fixture *f, const char *const *given)
{
	size_t count = 0;
	char **copy;

	while (given[count])
		count++;
	copy = arena_array(f->arena, count + 1, sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = arena_strdup(f->arena, given[i]);
	memset(&f->errors, 0, sizeof(f->errors));
	return env_compose(&f->plan, copy, &f->env, &f->errors);
}

static void show_errors(const struct fixture *f)
{
	char line[2048];

	for (unsigned i = 0; i < f->errors.count; i++) {
		err_format(&f->errors.errs[i], line, sizeof(line));
		print_message("%s\n", line);
	}
}

#define COMPOSE(f, ...) \
	do { \
		int rc_ = compose_all(f, (const char *const[]){__VA_ARGS__, NULL}); \
		if (rc_) \
			show_errors(f); \
		assert_int_equal(rc_, 0); \
		assert_int_equal((f)->errors.count, 0); \
	} while (0)

/* Exactly one error, and it reads so. */
#define REFUSED(f, expected, ...) \
	do { \
		char line_[2048]; \
		assert_int_equal(compose_all(f, (const char *const[]){__VA_ARGS__, NULL}), -1); \
		assert_int_equal((f)->errors.count, 1); \
		err_format(&(f)->errors.errs[0], line_, sizeof(line_)); \
		assert_string_equal(line_, expected); \
		assert_int_equal((f)->errors.errs[0].code, ERR_CONFIG); \
	} while (0)

static const struct env_var *find(const struct fixture *f, const char *name)
{
	return env_find(f->env, str_from(name));
}

static void is(const struct fixture *f, const char *name, const char *value, enum env_origin origin)
{
	const struct env_var *var = find(f, name);

	assert_non_null(var);
	assert_string_equal(var->value.data, value);
	assert_int_equal(var->value.len, strlen(value));
	assert_int_equal(var->origin, origin);
}

/* What a program gets, each in []. */
static void exports(const struct fixture *f, const struct plan_list *pass, const char *expected)
{
	struct buf got;
	struct err err;
	char **envp;

	buf_init(&got, 4096);
	assert_int_equal(env_export(f->env, pass, &envp, &err), 0);
	for (; *envp; envp++)
		buf_appendf(&got, "[%s]", *envp);
	buf_append_cstr(&got, "");
	assert_string_equal(buf_cstr(&got), expected);
	buf_fini(&got);
}

static void test_env_rank_is_default_file_given_value(void **state)
{
	struct fixture *f = *state;

	add_env_file(f, put(f, "a.env", "B=file\nC=file\nD=file\n"));
	with_default(f, "A", "default");
	with_default(f, "B", "default");
	with_default(f, "C", "default");
	with_value(f, "D", "value");
	COMPOSE(f, "C=given", "D=given", "E=given");
	is(f, "A", "default", ENV_DEFAULT);
	is(f, "B", "file", ENV_FILE);
	is(f, "C", "given", ENV_GIVEN);
	is(f, "D", "value", ENV_VALUE);
	is(f, "E", "given", ENV_GIVEN);
	assert_null(find(f, "F"));
	exports(f, NULL, "[C=given][D=value][E=given][A=default][B=file]");
	assert_int_equal(find(f, "A")->place.line, 1);
	assert_true(find(f, "A")->declared);
	assert_false(find(f, "E")->declared);
}

static void test_env_given_empty_counts_as_given(void **state)
{
	struct fixture *f = *state;

	with_default(f, "A", "default");
	COMPOSE(f, "A=");
	is(f, "A", "", ENV_GIVEN);
}

static void test_env_strange_names_pass_untouched(void **state)
{
	struct fixture *f = *state;

	COMPOSE(f, "spring.main.x=1", "=weird", "noequals", "\xc3\xa9=2", "a b=3", "A==4");
	exports(f, NULL, "[spring.main.x=1][=weird][noequals][\xc3\xa9=2][a b=3][A==4]");
	is(f, "spring.main.x", "1", ENV_GIVEN);
	assert_null(find(f, "noequals"));
	assert_null(find(f, ""));
}

static void test_env_duplicate_first_wins(void **state)
{
	struct fixture *f = *state;

	COMPOSE(f, "A=1", "B=2", "A=3");
	is(f, "A", "1", ENV_GIVEN);
	exports(f, NULL, "[A=1][B=2]");
}

static void test_env_unset_takes_it_away(void **state)
{
	struct fixture *f = *state;

	declare(f, "LD_PRELOAD")->unset = true;
	declare(f, "NEVER");
	COMPOSE(f, "LD_PRELOAD=x", "A=1");
	assert_null(find(f, "LD_PRELOAD"));
	assert_null(find(f, "NEVER"));
	exports(f, NULL, "[A=1]");
	assert_int_equal(env_at(f->env, 0)->origin, ENV_UNSET);
	assert_string_equal(env_at(f->env, 2)->name.data, "NEVER");
	assert_null(env_at(f->env, 3));
}

static void test_env_pass_selects(void **state)
{
	struct fixture *f = *state;
	struct plan_list pass = {0};
	struct plan_list nothing = {.given = true};

	COMPOSE(f, "PHP_A=1", "PHP_B=2", "X=3", "DB=4");
	LIST(f, &pass, "PHP_*", "DB");
	exports(f, &pass, "[PHP_A=1][PHP_B=2][DB=4]");
	exports(f, &nothing, "");
}

static void test_env_text_uses_what_is_above(void **state)
{
	struct fixture *f = *state;

	with_default(f, "HOST", "db");
	with_default(f, "URL", "postgres://${HOST}/${NAME:-app}");
	with_value(f, "PATH", "/opt/bin:${PATH}");
	with_value(f, "PRICE", "$$5 and $");
	COMPOSE(f, "PATH=/bin", "HOST=h");
	is(f, "URL", "postgres://h/app", ENV_DEFAULT);
	is(f, "PATH", "/opt/bin:/bin", ENV_VALUE);
}

static void test_env_text_below_is_refused(void **state)
{
	struct fixture *f = *state;

	with_default(f, "URL", "http://${HOST:-x}/");
	with_default(f, "HOST", "db");
	REFUSED(f,
		"husk.yaml:1:9: URL: HOST is declared further down (line 2): a text can use only "
		"what stands above it",
		"HOST=given");
}

static void test_env_text_unset_is_refused_once(void **state)
{
	struct fixture *f = *state;

	with_value(f, "A", "x${MISSING}");
	with_value(f, "B", "${A}");
	with_value(f, "C", "${B}")->required = true;
	assert_int_equal(compose_all(f, (const char *const[]){NULL}), -1);
	assert_int_equal(f->errors.count, 1);
	assert_string_equal(f->errors.errs[0].file, "husk.yaml");
	assert_int_equal(f->errors.errs[0].line, 1);
	assert_non_null(strstr(f->errors.errs[0].message, "A: "));
	assert_non_null(strstr(f->errors.errs[0].message, "MISSING"));
}

static void test_env_required_missing_is_refused(void **state)
{
	struct fixture *f = *state;

	declare(f, "DB_HOST")->required = true;
	REFUSED(f,
		"husk.yaml:1:3: DB_HOST: required, and not set: set it in the container's "
		"environment",
		"OTHER=1");
	REFUSED(f,
		"husk.yaml:1:3: DB_HOST: required, and not set: set it in the container's "
		"environment (DB_HOTS is set: a misspelling?)",
		"OTHER=1", "DB_HOTS=2");
	REFUSED(f, "husk.yaml:1:3: DB_HOST: required, and set to nothing (container)", "DB_HOST=");
	f->vars[0].secret = true;
	REFUSED(f,
		"husk.yaml:1:3: DB_HOST: required, and not set: set it in the container's "
		"environment, or name its file in DB_HOST_FILE",
		"OTHER=1");
	COMPOSE(f, "DB_HOST=x");
}

static void test_env_errors_are_collected(void **state)
{
	struct fixture *f = *state;

	add_env_file(f, "/nowhere/app.env");
	declare(f, "A")->required = true;
	declare(f, "B")->required = true;
	assert_int_equal(compose_all(f, (const char *const[]){NULL}), -1);
	assert_int_equal(f->errors.count, 3);
	assert_int_equal(f->errors.errs[0].line, 99);
	assert_non_null(strstr(f->errors.errs[0].message, "/nowhere/app.env"));
}

struct type_case {
	enum plan_type type;
	const char *expected;
	const char *good[8];
	const char *bad[10];
};

static void test_env_types_are_checked(void **state)
{
	static const char *choices[] = {"dev", "production", NULL};
	static const struct type_case cases[] = {
		{PLAN_TYPE_STRING, "", {"", "x y", "\x01"}, {NULL}},
		{PLAN_TYPE_INT, "a whole number", {"0", "-5", "12"}, {"", "1.5", "0x1", " 1", "a"}},
		{PLAN_TYPE_BOOL, "true, false, yes, no, on, off, 1 or 0", {"true", "off", "1"},
			{"", "2", "maybe"}},
		{PLAN_TYPE_PORT, "a port, 1 to 65535", {"1", "65535"},
			{"", "0", "65536", "-1", "80a", "+80", "000080"}},
		{PLAN_TYPE_HOST, "a host name or an address", {"db", "db.x.org", "10.0.0.1"},
			{"", "a b", "a;b", "-a/"}},
		{PLAN_TYPE_URL, "a URL such as https://host/path",
			{"http://x", "jdbc:postgresql://db/a", "unix:///run/x"},
			{"", "localhost:80", "://x", "http://", "http://a b", "1http://x",
				"a_b://x", "ht tp://x"}},
		{PLAN_TYPE_PATH, "an absolute path", {"/", "/a b/../c"}, {"", "a", "/a\nb"}},
		{PLAN_TYPE_SIZE, "a size such as 512M", {"512M", "64k", "10"},
			{"", "M", "1X", "-1"}},
		{PLAN_TYPE_DURATION, "a duration such as 10s", {"500ms", "5m"}, {"", "5", "s"}},
		{PLAN_TYPE_ENUM, "one of dev, production", {"dev", "production"}, {"", "d", "x y"}},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		char given[128];

		f->plan.var_count = 0;
		struct plan_var *var = declare(f, "V");
		var->type = cases[i].type;
		var->choices = choices;
		for (const char *const *good = cases[i].good; *good; good++) {
			snprintf(given, sizeof(given), "V=%s", *good);
			COMPOSE(f, given);
		}
		for (const char *const *bad = cases[i].bad; *bad; bad++) {
			char message[256];

			snprintf(given, sizeof(given), "V=%s", *bad);
			snprintf(message, sizeof(message), "V: wants %s, not \"%s\" (container)",
				cases[i].expected, *bad);
			if (compose_all(f, (const char *const[]){given, NULL}) == 0)
				fail_msg("type %d took \"%s\"", (int)cases[i].type, *bad);
			assert_string_equal(f->errors.errs[0].message, message);
		}
	}
}

static void test_env_type_error_suggests_a_choice(void **state)
{
	static const char *choices[] = {"dev", "production", NULL};
	struct fixture *f = *state;
	struct plan_var *var = declare(f, "V");

	var->type = PLAN_TYPE_ENUM;
	var->choices = choices;
	REFUSED(f,
		"husk.yaml:1:3: V: wants one of dev, production, not \"prodcution\" "
		"(container) (did you mean production?)",
		"V=prodcution");
}

static void test_env_default_is_checked_too(void **state)
{
	struct fixture *f = *state;

	with_default(f, "V", "http")->type = PLAN_TYPE_PORT;
	REFUSED(f, "husk.yaml:1:3: V: wants a port, 1 to 65535, not \"http\" (default)", "A=1");
}

static void test_env_secret_value_is_not_in_messages(void **state)
{
	struct fixture *f = *state;
	struct plan_var *var = declare(f, "PASSWORD");

	var->secret = true;
	var->type = PLAN_TYPE_PORT;
	REFUSED(f,
		"husk.yaml:1:3: PASSWORD: wants a port, 1 to 65535 (container; the value is "
		"secret)",
		"PASSWORD=hunter2");
}

/* Other errors in an expansion show the line with a caret. */
static void test_env_secret_default_is_not_in_messages(void **state)
{
	struct fixture *f = *state;

	with_default(f, "PASSWORD", "hunter2${X|nope}")->secret = true;
	assert_int_equal(compose_all(f, (const char *const[]){NULL}), -1);
	assert_int_equal(f->errors.count, 1);
	assert_non_null(strstr(f->errors.errs[0].message, "unknown filter \"nope\""));
	assert_string_equal(f->errors.errs[0].source, "");
	assert_int_equal(f->errors.errs[0].caret, 0);
}

static void test_env_secret_taints_what_is_made_of_it(void **state)
{
	struct fixture *f = *state;

	declare(f, "PASSWORD")->secret = true;
	with_default(f, "URL", "pg://u:${PASSWORD}@h");
	with_default(f, "AGAIN", "${URL}");
	with_default(f, "PLAIN", "${USER}");
	LIST(f, &declare(f, "RUBYOPT")->append, "-r${PASSWORD}");
	LIST(f, &declare(f, "PERL5OPT")->fold, "PASSWORD");
	COMPOSE(f, "PASSWORD=hunter2", "USER=u");
	assert_true(find(f, "PASSWORD")->secret);
	assert_true(find(f, "URL")->secret);
	assert_true(find(f, "AGAIN")->secret);
	assert_false(find(f, "PLAIN")->secret);
	assert_false(find(f, "USER")->secret);
	assert_true(find(f, "RUBYOPT")->secret);
	assert_true(find(f, "PERL5OPT")->secret);
}

static void test_env_secret_file_is_read(void **state)
{
	struct fixture *f = *state;
	char given[PATH_MAX + 64];
	const char *path = put(f, "db", "hunter2 \n\n");

	declare(f, "DB")->secret = true;
	declare(f, "DB_FILE");
	f->plan.var_count = 1;
	snprintf(given, sizeof(given), "DB_FILE=%s", path);
	COMPOSE(f, given, "A=1");
	is(f, "DB", "hunter2 \n", ENV_SECRET_FILE);
	assert_string_equal(find(f, "DB")->source, path);
	assert_true(find(f, "DB")->secret);
	exports(f, NULL, "[A=1][DB=hunter2 \n]");
}

static void test_env_secret_file_only_for_secrets(void **state)
{
	struct fixture *f = *state;

	declare(f, "DB");
	COMPOSE(f, "DB_FILE=/nowhere");
	exports(f, NULL, "[DB_FILE=/nowhere]");
}

static void test_env_secret_and_its_file_exclude_each_other(void **state)
{
	struct fixture *f = *state;
	char given[PATH_MAX + 64];

	declare(f, "DB")->secret = true;
	snprintf(given, sizeof(given), "DB_FILE=%s", put(f, "db", "from file"));
	REFUSED(f, "husk.yaml:1:3: DB: both it and DB_FILE are set: set one of them", given,
		"DB=hunter2");
	COMPOSE(f, given, "DB=");
	is(f, "DB", "from file", ENV_SECRET_FILE);
	COMPOSE(f, "DB_FILE=", "DB=x");
	exports(f, NULL, "[DB=x]");
}

static void test_env_secret_file_has_the_rank_it_was_given_at(void **state)
{
	struct fixture *f = *state;
	char given[PATH_MAX + 64];
	const char *path = put(f, "db", "from file");

	with_default(f, "DB_FILE", path);
	declare(f, "DB")->secret = true;
	COMPOSE(f, "A=1");
	is(f, "DB", "from file", ENV_SECRET_FILE);
	exports(f, NULL, "[A=1][DB=from file]");
	COMPOSE(f, "DB=given");
	is(f, "DB", "given", ENV_GIVEN);

	add_env_file(f, put(f, "env", "DB=dev\n"));
	f->vars[0].default_value.text = NULL;
	snprintf(given, sizeof(given), "DB_FILE=%s", path);
	COMPOSE(f, given);
	is(f, "DB", "from file", ENV_SECRET_FILE);
	f->vars[1].value = text(f, "always");
	COMPOSE(f, given);
	exports(f, NULL, "[DB=always]");
}

static void test_env_secret_file_declared_below_is_refused(void **state)
{
	struct fixture *f = *state;

	declare(f, "DB")->secret = true;
	with_default(f, "DB_FILE", "/x");
	REFUSED(f,
		"husk.yaml:1:3: DB: DB_FILE is declared further down (line 2): it must stand above",
		"A=1");
}

static void test_env_secret_file_that_cannot_be_read_is_refused(void **state)
{
	struct fixture *f = *state;
	char given[PATH_MAX + 64];

	declare(f, "DB")->secret = true;
	assert_int_equal(compose_all(f, (const char *const[]){"DB_FILE=/nowhere/db", NULL}), -1);
	assert_int_equal(f->errors.count, 1);
	assert_non_null(strstr(f->errors.errs[0].message, "DB: DB_FILE: "));
	assert_non_null(strstr(f->errors.errs[0].message, "/nowhere/db"));

	snprintf(given, sizeof(given), "DB_FILE=%s", put_bytes(f, "nul", "hun\0ter2", 8));
	assert_int_equal(compose_all(f, (const char *const[]){given, NULL}), -1);
	assert_non_null(strstr(f->errors.errs[0].message, "a NUL byte"));

	char *big = calloc(1, 200000);
	memset(big, 'x', 199999);
	snprintf(given, sizeof(given), "DB_FILE=%s", put(f, "big", big));
	assert_int_equal(compose_all(f, (const char *const[]){given, NULL}), -1);
	assert_int_equal(f->errors.count, 1);
	free(big);

	snprintf(given, sizeof(given), "DB_FILE=%s", f->dir);
	assert_int_equal(compose_all(f, (const char *const[]){given, NULL}), -1);
	assert_int_equal(f->errors.count, 1);
}

static void test_env_file_is_docker_format(void **state)
{
	struct fixture *f = *state;

	add_env_file(f, put(f, "a.env",
				"\xef\xbb\xbf"
				"A=1\r\n# comment\n\n  \t\n B=2 \nexport C=\"3\" # x\nD=\nE==\n"
				"exportF=4\nexport\t G=5\na.b='q'\n\t#H=1\nA=7\nI=no newline"));
	add_env_file(f, put(f, "b.env", "B=later\n"));
	COMPOSE(f, "X=1");
	exports(f, NULL,
		"[X=1][A=7][B=later][C=\"3\" # x][D=][E==][exportF=4][G=5][a.b='q'][I=no newline]");
	assert_int_equal(find(f, "C")->place.line, 6);
	assert_non_null(strstr(find(f, "C")->place.file, "/a.env"));
}

static void test_env_file_errors_name_the_line(void **state)
{
	struct fixture *f = *state;
	const char *path = put(f, "a.env", "A=1\nhunter2\n=x\nA B=3\nC =4\nD=5\n");
	static const unsigned lines[] = {2, 3, 4, 5};
	static const unsigned columns[] = {1, 1, 2, 2};
	static const char *const messages[] = {"wants NAME=value", "wants a name before \"=\"",
		"a blank in a name, or before \"=\"", "a blank in a name, or before \"=\""};

	add_env_file(f, path);
	assert_int_equal(compose_all(f, (const char *const[]){NULL}), -1);
	assert_int_equal(f->errors.count, COUNT(lines));
	for (size_t i = 0; i < COUNT(lines); i++) {
		assert_string_equal(f->errors.errs[i].file, path);
		assert_int_equal(f->errors.errs[i].line, lines[i]);
		assert_int_equal(f->errors.errs[i].column, columns[i]);
		assert_string_equal(f->errors.errs[i].message, messages[i]);
	}
}

static void test_env_file_with_nul_is_refused(void **state)
{
	struct fixture *f = *state;

	add_env_file(f, put_bytes(f, "a.env", "A=1\nB=\0x\n", 9));
	assert_int_equal(compose_all(f, (const char *const[]){NULL}), -1);
	assert_int_equal(f->errors.count, 1);
	assert_int_equal(f->errors.errs[0].line, 2);
	assert_int_equal(f->errors.errs[0].column, 3);
	/* The line may be a secret's. */
	assert_string_equal(f->errors.errs[0].source, "");
}

static void test_env_file_path_is_expanded(void **state)
{
	struct fixture *f = *state;
	char given[PATH_MAX + 64];

	put(f, "prod.env", "A=prod\n");
	add_env_file(f, "${DIR}/prod.env");
	snprintf(given, sizeof(given), "DIR=%s", f->dir);
	COMPOSE(f, given);
	is(f, "A", "prod", ENV_FILE);
}

static void test_env_options_keep_fold_append(void **state)
{
	struct fixture *f = *state;
	struct plan_var *var;

	declare(f, "APP")->default_value = text(f, "a b");
	var = declare(f, "JAVA_TOOL_OPTIONS");
	LIST(f, &var->fold, "JVM_OPTS", "MISSING", "JAVA_OPTS");
	LIST(f, &var->append, "-XX:MaxRAMPercentage=75", "-Dname=${APP}",
		"${DEBUG:+-agentlib:jdwp=x}");
	COMPOSE(f, "JAVA_TOOL_OPTIONS= -Dx='1 2'", "JVM_OPTS=-Xmx1g -Da=\"x y\" -Db=\\'",
		"JAVA_OPTS=");
	is(f, "JAVA_TOOL_OPTIONS",
		" -Dx='1 2' -Xmx1g \"-Da=x y\" \"-Db='\" -XX:MaxRAMPercentage=75 \"-Dname=a b\"",
		ENV_COMPOSED);
	assert_string_equal(
		find(f, "JAVA_TOOL_OPTIONS")->source, "container + JVM_OPTS + JAVA_OPTS + append");
	COMPOSE(f, "DEBUG=1");
	is(f, "JAVA_TOOL_OPTIONS", "-XX:MaxRAMPercentage=75 \"-Dname=a b\" -agentlib:jdwp=x",
		ENV_COMPOSED);
}

static void test_env_options_without_additions_stay(void **state)
{
	struct fixture *f = *state;

	LIST(f, &declare(f, "NODE_OPTIONS")->fold, "NODE_OPTS");
	COMPOSE(f, "NODE_OPTIONS=--a  --b");
	is(f, "NODE_OPTIONS", "--a  --b", ENV_GIVEN);
	COMPOSE(f, "A=1");
	assert_null(find(f, "NODE_OPTIONS"));
}

static void test_env_options_refused_names_variable_option_and_source(void **state)
{
	struct fixture *f = *state;
	struct plan_var *var = declare(f, "JAVA_TOOL_OPTIONS");
	const char *java = "-jar cannot stand here: it is an option of the java command, put it "
			   "into the service's "
			   "command";
	char message[512];

	LIST(f, &var->fold, "JVM_OPTS");
	LIST(f, &var->append, "-Da=b");
	snprintf(message, sizeof(message), "husk.yaml:1:9: JAVA_TOOL_OPTIONS: JVM_OPTS: %s", java);
	REFUSED(f, message, "JAVA_TOOL_OPTIONS=-ea", "JVM_OPTS=-Xmx1g -jar x");
	snprintf(message, sizeof(message), "husk.yaml:1:3: JAVA_TOOL_OPTIONS: container: %s", java);
	REFUSED(f, message, "JAVA_TOOL_OPTIONS=-jar");
	REFUSED(f, "husk.yaml:1:3: JAVA_TOOL_OPTIONS: container: unmatched ' at byte 5",
		"JAVA_TOOL_OPTIONS=-ea '");
	REFUSED(f, "husk.yaml:1:3: JAVA_TOOL_OPTIONS: JVM_OPTS: unmatched \" at byte 1",
		"JVM_OPTS=\"x");
	LIST(f, &var->append, "-Da=b", "");
	REFUSED(f, "husk.yaml:1:9: JAVA_TOOL_OPTIONS: append: an empty option: the JVM refuses it",
		"A=1");
}

static void test_env_options_declared_are_checked(void **state)
{
	struct fixture *f = *state;

	with_default(f, "NODE_OPTIONS", "-e 1");
	REFUSED(f,
		"husk.yaml:1:3: NODE_OPTIONS: default: -e cannot stand here: node refuses "
		"it "
		"there, put it into the service's command",
		"A=1");
}

static void test_env_options_fold_below_is_refused(void **state)
{
	struct fixture *f = *state;

	LIST(f, &declare(f, "RUBYOPT")->fold, "OPTS");
	with_default(f, "OPTS", "-W");
	REFUSED(f,
		"husk.yaml:1:9: RUBYOPT: OPTS is declared further down (line 2): fold can use only "
		"what stands above it",
		"A=1");
}

static void test_env_too_long_for_the_kernel_is_refused(void **state)
{
	struct fixture *f = *state;
	char *big = calloc(1, ENV_STRING_MAX + 1);

	memset(big, 'x', ENV_STRING_MAX - 3);
	with_value(f, "A", big);
	COMPOSE(f, "B=1");
	big[ENV_STRING_MAX - 3] = 'x';
	REFUSED(f,
		"husk.yaml:1:3: A: 131070 bytes: the kernel hands a program at most 131071 with "
		"the name",
		"B=1");
	big[0] = '-';
	f->vars[0].value.text = NULL;
	LIST(f, &f->vars[0].append, "-a", big);
	assert_int_equal(compose_all(f, (const char *const[]){NULL}), -1);
	assert_non_null(strstr(f->errors.errs[0].message, "too long"));
	free(big);
}

static void test_env_builtins_are_found_not_exported(void **state)
{
	struct fixture *f = *state;
	const struct env_var *cpus;
	int64_t number;
	struct err err;

	with_default(f, "WORKERS", "$((HUSK_CPUS * 2))");
	COMPOSE(f, "A=1");
	cpus = find(f, "HUSK_CPUS");
	assert_non_null(cpus);
	assert_int_equal(cpus->origin, ENV_BUILTIN);
	assert_int_equal(str_to_int64(cpus->value, &number), 0);
	assert_true(number >= 1);
	assert_non_null(cpus->source);
	assert_non_null(find(f, "HUSK_MEMORY_MIB"));
	assert_non_null(find(f, "HUSK_RESOLVERS"));
	assert_non_null(find(f, "HUSK_HOSTNAME"));
	assert_null(find(f, "HUSK_STAGED"));
	assert_null(find(f, "HUSK_OTHER"));
	assert_null(env_at(f->env, 2));

	assert_int_equal(env_set_builtin(f->env, "HUSK_STAGED", "/run/x", &err), 0);
	is(f, "HUSK_STAGED", "/run/x", ENV_BUILTIN);
	assert_int_equal(env_set_builtin(f->env, "HUSK_STAGED", "/run/y", &err), 0);
	is(f, "HUSK_STAGED", "/run/y", ENV_BUILTIN);
	assert_int_equal(env_set_builtin(f->env, "OTHER", "/run/y", &err), -1);
}

static void test_env_builtin_gives_way(void **state)
{
	struct fixture *f = *state;
	struct err err;

	declare(f, "HUSK_HOSTNAME");
	COMPOSE(f, "HUSK_CPUS=77", "HUSK_STAGED=given");
	is(f, "HUSK_CPUS", "77", ENV_GIVEN);
	assert_true(find(f, "HUSK_HOSTNAME")->exported);
	assert_int_equal(find(f, "HUSK_HOSTNAME")->origin, ENV_BUILTIN);
	assert_int_equal(env_set_builtin(f->env, "HUSK_STAGED", "/run/x", &err), 0);
	is(f, "HUSK_STAGED", "/run/x", ENV_BUILTIN);
}

static void test_env_scope_selects(void **state)
{
	struct fixture *f = *state;
	struct template_scope scope;
	struct template_value value;
	struct plan_list only = {0};
	struct err err;

	declare(f, "secret_token")->secret = true;
	COMPOSE(f, "secret_token=s", "uri=/x", "PORT=80");
	assert_int_equal(env_scope(f->env, NULL, &scope, &err), 0);
	assert_true(scope.selected(scope.arg, STR("PORT")));
	assert_true(scope.selected(scope.arg, STR("NOT_SET_1")));
	assert_true(scope.selected(scope.arg, STR("secret_token")));
	assert_true(scope.selected(scope.arg, STR("HUSK_CPUS")));
	assert_false(scope.selected(scope.arg, STR("uri")));
	assert_true(scope.lookup(scope.arg, STR("secret_token"), &value));
	assert_true(value.secret);
	assert_true(str_eq_cstr(value.text, "s"));
	assert_false(scope.lookup(scope.arg, STR("NOT_SET_1"), &value));

	LIST(f, &only, "u*", "PORT");
	assert_int_equal(env_scope(f->env, &only, &scope, &err), 0);
	assert_true(scope.selected(scope.arg, STR("uri")));
	assert_true(scope.selected(scope.arg, STR("PORT")));
	assert_false(scope.selected(scope.arg, STR("HUSK_CPUS")));
	only.count = 0;
	assert_false(scope.selected(scope.arg, STR("uri")));
}

static void test_env_expand_gives_strings(void **state)
{
	struct fixture *f = *state;
	struct plan_list words = {0};
	bool secret = false;
	const char *out;
	struct err err;
	char **argv;

	declare(f, "PW")->secret = true;
	COMPOSE(f, "PW=hunter2", "dir=/srv");
	LIST(f, &words, "nginx", "${dir}/x", "$dir");
	assert_int_equal(env_expand_list(f->env, &words, &argv, &secret, &err), 0);
	assert_string_equal(argv[0], "nginx");
	assert_string_equal(argv[1], "/srv/x");
	assert_string_equal(argv[2], "/srv");
	assert_null(argv[3]);
	assert_false(secret);
	struct plan_text with_secret = text(f, "x${PW}");
	assert_int_equal(env_expand(f->env, &with_secret, &out, &secret, &err), 0);
	assert_string_equal(out, "xhunter2");
	assert_true(secret);
	struct plan_text with_unset = text(f, "${NOWHERE}");
	assert_int_equal(env_expand(f->env, &with_unset, &out, &secret, &err), -1);
	assert_int_equal(err.line, 1);
}

static void test_env_many_variables_are_quick(void **state)
{
	enum { MANY = 20000, LEN = 24 };
	struct fixture *f = *state;
	char *strings = calloc(MANY, LEN);
	char **given = calloc(MANY + 1, sizeof(*given));

	assert_non_null(strings);
	assert_non_null(given);
	for (size_t i = 0; i < MANY; i++) {
		given[i] = strings + i * LEN;
		snprintf(given[i], LEN, "NAME_%zu=%zu", i, i);
	}
	assert_int_equal(env_compose(&f->plan, given, &f->env, &f->errors), 0);
	for (size_t i = 0; i < MANY; i++) {
		struct str name = {given[i], strcspn(given[i], "=")};

		assert_ptr_equal(env_find(f->env, name)->value.data, given[i] + name.len + 1);
	}
	free(given);
	free(strings);
}

static void test_env_without_memory_fails(void **state)
{
	struct fixture *f = *state;
	char a[] = "A=1";
	char *given[] = {a, NULL};
	bool worked = false;

	with_default(f, "B", "${A}x");
	LIST(f, &declare(f, "RUBYOPT")->append, "-W");
	for (size_t max = 0; max < 20000 && !worked; max += 64) {
		f->plan.arena = arena_new(max);
		memset(&f->errors, 0, sizeof(f->errors));
		if (env_compose(&f->plan, given, &f->env, &f->errors) == 0)
			worked = true;
		else
			assert_true(f->errors.count >= 1);
		arena_free(f->plan.arena);
	}
	assert_true(worked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_env_rank_is_default_file_given_value),
		TEST(test_env_given_empty_counts_as_given),
		TEST(test_env_strange_names_pass_untouched),
		TEST(test_env_duplicate_first_wins),
		TEST(test_env_unset_takes_it_away),
		TEST(test_env_pass_selects),
		TEST(test_env_text_uses_what_is_above),
		TEST(test_env_text_below_is_refused),
		TEST(test_env_text_unset_is_refused_once),
		TEST(test_env_required_missing_is_refused),
		TEST(test_env_errors_are_collected),
		TEST(test_env_types_are_checked),
		TEST(test_env_type_error_suggests_a_choice),
		TEST(test_env_default_is_checked_too),
		TEST(test_env_secret_value_is_not_in_messages),
		TEST(test_env_secret_default_is_not_in_messages),
		TEST(test_env_secret_taints_what_is_made_of_it),
		TEST(test_env_secret_file_is_read),
		TEST(test_env_secret_file_only_for_secrets),
		TEST(test_env_secret_and_its_file_exclude_each_other),
		TEST(test_env_secret_file_has_the_rank_it_was_given_at),
		TEST(test_env_secret_file_declared_below_is_refused),
		TEST(test_env_secret_file_that_cannot_be_read_is_refused),
		TEST(test_env_file_is_docker_format),
		TEST(test_env_file_errors_name_the_line),
		TEST(test_env_file_with_nul_is_refused),
		TEST(test_env_file_path_is_expanded),
		TEST(test_env_options_keep_fold_append),
		TEST(test_env_options_without_additions_stay),
		TEST(test_env_options_refused_names_variable_option_and_source),
		TEST(test_env_options_declared_are_checked),
		TEST(test_env_options_fold_below_is_refused),
		TEST(test_env_too_long_for_the_kernel_is_refused),
		TEST(test_env_builtins_are_found_not_exported),
		TEST(test_env_builtin_gives_way),
		TEST(test_env_scope_selects),
		TEST(test_env_expand_gives_strings),
		TEST(test_env_many_variables_are_quick),
		TEST(test_env_without_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
