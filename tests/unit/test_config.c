#include "config_fixture.h"

static const struct plan_var *var(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->plan.var_count; i++)
		if (strcmp(f->plan.vars[i].name, name) == 0)
			return &f->plan.vars[i];
	fail_msg("no variable %s", name);
	return NULL;
}

/* ---- the top level ---- */

static void test_load_minimal_defaults(void **state)
{
	struct fixture *f = *state;

	load_good(f, V);
	assert_string_equal(f->plan.file, "husk.yaml");
	assert_true(f->plan.grace == 10 * SECOND);
	assert_null(f->plan.grace_place.file);
	assert_int_equal(f->plan.var_count, 0);
	assert_int_equal(f->plan.template_count, 0);
	assert_int_equal(f->plan.service_count, 0);
	assert_int_equal(f->plan.env_files.count, 0);
	assert_ptr_equal(f->plan.arena, f->arena);
}

static void test_load_top_level_errors(void **state)
{
	static const struct bad cases[] = {
		{"", "husk.yaml:1:1: version: is required and missing: write `version: 1`"},
		{"grace: 5s\n",
			"husk.yaml:1:1: version: is required and missing: write `version: 1`"},
		{"version: 2\n", "husk.yaml:1:10: version: this husk reads version 1, not \"2\""},
		{"version:\n", "husk.yaml:1:9: version: wants 1, not nothing"},
		{"version: [1]\n", "husk.yaml:1:10: version: wants 1, not a list"},
		{"- a\n", "husk.yaml:1:1: wants a mapping of keys: version, env, services ..."},
		{"text\n", "husk.yaml:1:1: wants a mapping of keys: version, env, services ..."},
		{V "servcies: {}\n",
			"husk.yaml:2:1: unknown key \"servcies\" (did you mean services?)"},
		{V "x-y: {}\n", "husk.yaml:2:1: unknown key \"x-y\"" TOP_KEYS},
		{V "\"\": {}\n", "husk.yaml:2:1: unknown key \"\"" TOP_KEYS},
		{V "shell: {allow: entrypoint}\ndecoys: {}\n",
			"husk.yaml:2:1: unknown key \"shell\"" TOP_KEYS "\n"
			"husk.yaml:3:1: unknown key \"decoys\"" TOP_KEYS},
		{V "grace: 10\n",
			"husk.yaml:2:8: grace: wants a duration such as 500ms, 10s, 5m or 1h, not "
			"\"10\""},
		{V "grace: [1s]\n", "husk.yaml:2:8: grace: wants a duration, not a list"},
		{V "grace: 9000h\n", "husk.yaml:2:8: grace: a duration of more than a year"},
		{V "grace: 1s\ngrace: 2s\n", "husk.yaml:3:1: grace: is set twice, first in line 2"},
		{V "env: []\n",
			"husk.yaml:2:6: env: wants a mapping of names to texts or mappings, not a "
			"list"},
		{V "env_file: {}\n",
			"husk.yaml:2:11: env_file: wants a path or a list of paths, not a mapping"},
		{V "env_file: \"\"\n",
			"husk.yaml:2:11: env_file: wants a path or a list of paths, not an empty "
			"text"},
		{V "env_file: [a, \"\"]\n",
			"husk.yaml:2:15: env_file[1]: wants a path, not an empty text"},
		{V "env_file: [[a]]\n", "husk.yaml:2:12: env_file[0]: wants a text, not a list"},
		{V "templates: {}\n",
			"husk.yaml:2:12: templates: wants a list of mappings, not a mapping"},
		{V "services: []\n",
			"husk.yaml:2:11: services: wants a mapping of names to mappings, not a "
			"list"},
		{V "include: {}\n",
			"husk.yaml:2:10: include: wants a path or a list of paths, not a mapping"},
		{V "a: b: c\n", "husk.yaml:2:5: mapping values are not allowed in this context; a "
				"text that holds \": \" needs quotes, and keys beside each other "
				"the same indentation"},
	};

	ASSERT_BAD(*state, cases);
}

static void test_load_grace_and_env_file(void **state)
{
	struct fixture *f = *state;

	load_good(f, V "grace: 90s\nenv_file: /etc/a.env\n");
	assert_true(f->plan.grace == 90 * SECOND);
	assert_int_equal(f->plan.grace_place.line, 2);
	assert_int_equal(f->plan.env_files.count, 1);
	assert_text(&f->plan.env_files.items[0], "/etc/a.env", 3, 11);

	load_good(f, V "env_file: [a, \"${HOME}/b\"]\n");
	assert_int_equal(f->plan.env_files.count, 2);
	assert_text(&f->plan.env_files.items[1], "${HOME}/b", 2, 16);
}

static void test_load_errors_collected_in_order_up_to_twenty(void **state)
{
	struct fixture *f = *state;
	struct buf yaml;

	load(f, "version: 3\nenv: {A: {requird: true}}\ngrace: x\ngrace: y\n");
	assert_string_equal(errors_text(f, &f->errors),
		"husk.yaml:4:1: grace: is set twice, first in line 3\n"
		"husk.yaml:1:10: version: this husk reads version 1, not \"3\"\n"
		"husk.yaml:2:11: env.A: unknown key \"requird\" (did you mean required?)\n"
		"husk.yaml:3:8: grace: wants a duration such as 500ms, 10s, 5m or 1h, not \"x\"");
	buf_init(&yaml, 1 << 16);
	buf_append_cstr(&yaml, V);
	for (unsigned i = 0; i < 50; i++)
		buf_appendf(&yaml, "bad%u: 1\n", i);
	load(f, buf_cstr(&yaml));
	assert_int_equal(f->errors.count, ERR_LIST_MAX);
	assert_int_equal(f->errors.dropped, 30);
	assert_int_equal(f->errors.errs[19].line, 21);
	buf_fini(&yaml);
}

/* ---- env ---- */

static void test_env_short_forms_default_text(void **state)
{
	struct fixture *f = *state;

	load_good(f,
		V "env:\n  A: text\n  B: 8080\n  C: true\n  D: \"\"\n  e.f: 0x1F\n  G: ${A}:x\n");
	assert_int_equal(f->plan.var_count, 6);
	assert_text(&var(f, "A")->default_value, "text", 3, 6);
	assert_text(&var(f, "B")->default_value, "8080", 4, 6);
	assert_text(&var(f, "C")->default_value, "true", 5, 6);
	assert_text(&var(f, "D")->default_value, "", 6, 7);
	assert_text(&var(f, "e.f")->default_value, "0x1F", 7, 8);
	assert_text(&var(f, "G")->default_value, "${A}:x", 8, 6);
	assert_null(var(f, "A")->value.text);
	assert_int_equal(var(f, "A")->place.line, 3);
	assert_int_equal(var(f, "A")->place.column, 3);
	assert_string_equal(f->plan.vars[5].name, "G");
}

static void test_env_long_form_every_key(void **state)
{
	struct fixture *f = *state;
	const struct plan_var *v;

	load_good(f, V "env:\n"
		       "  A: {value: \"7\"}\n"
		       "  B: {default: 1, type: port, secret: true}\n"
		       "  C: {required: true, type: \"enum[ a , b]\"}\n"
		       "  D: {unset: true}\n"
		       "  E:\n"
		       "    default: x\n"
		       "    append: [\"-Dx=a b\", -y, \"\"]\n"
		       "    fold: [JVM_OPTS, JAVA_OPTS]\n"
		       "  F: {}\n"
		       "  G: {unset: false, required: false, secret: False}\n"
		       "  H: {append: [], fold: []}\n");
	assert_text(&var(f, "A")->value, "7", 3, 15);
	assert_null(var(f, "A")->default_value.text);
	v = var(f, "B");
	assert_string_equal(v->default_value.text, "1");
	assert_int_equal(v->type, PLAN_TYPE_PORT);
	assert_true(v->secret);
	assert_null(v->choices);
	v = var(f, "C");
	assert_true(v->required);
	assert_int_equal(v->type, PLAN_TYPE_ENUM);
	assert_string_equal(v->choices[0], "a");
	assert_string_equal(v->choices[1], "b");
	assert_null(v->choices[2]);
	assert_true(var(f, "D")->unset);
	v = var(f, "E");
	assert_int_equal(v->append.count, 3);
	assert_text(&v->append.items[0], "-Dx=a b", 9, 15);
	assert_text(&v->append.items[2], "", 9, 30);
	assert_int_equal(v->fold.count, 2);
	assert_string_equal(v->fold.items[1].text, "JAVA_OPTS");
	assert_true(v->append.given && v->fold.given);
	v = var(f, "F");
	assert_false(v->required || v->secret || v->unset || v->append.given);
	assert_int_equal(v->type, PLAN_TYPE_STRING);
	assert_true(var(f, "H")->append.given && var(f, "H")->append.count == 0);
}

static void test_env_every_type_known(void **state)
{
#define X(id, name) {PLAN_TYPE_##id, name},
	static const struct {
		enum plan_type type;
		const char *name;
	} types[] = {PLAN_TYPE_TABLE(X)};
#undef X
	struct fixture *f = *state;
	char yaml[128];

	for (size_t i = 0; i < COUNT(types); i++) {
		if (types[i].type == PLAN_TYPE_ENUM)
			continue;
		snprintf(yaml, sizeof(yaml), V "env: {A: {type: %s}}\n", types[i].name);
		load_good(f, yaml);
		assert_int_equal(f->plan.vars[0].type, types[i].type);
	}
}

static void test_env_block_scalar_place_of_content(void **state)
{
	struct fixture *f = *state;

	load_good(f, V "env:\n  A:\n    default: |\n      x ${B}\n");
	assert_text(&var(f, "A")->default_value, "x ${B}\n", 5, 7);
}

static void test_env_merge_keys_and_anchors(void **state)
{
	struct fixture *f = *state;

	load_good(f, V "env:\n"
		       "  A: &base {type: int, required: true}\n"
		       "  B:\n    <<: *base\n    required: false\n    default: 5\n"
		       "  C: *base\n");
	assert_int_equal(var(f, "B")->type, PLAN_TYPE_INT);
	assert_false(var(f, "B")->required);
	assert_string_equal(var(f, "B")->default_value.text, "5");
	assert_true(var(f, "C")->required);
	assert_int_equal(var(f, "C")->place.line, 8);
}

static void test_env_errors(void **state)
{
#define E V "env:\n  "
	static const struct bad cases[] = {
		{E "A:\n", "husk.yaml:3:5: env.A: has no value: write \"\" for an empty default, "
			   "{} to declare the name alone"},
		{E "A: ~\n", "husk.yaml:3:6: env.A: has no value: write \"\" for an empty default, "
			     "{} to declare the name alone"},
		{E "A: [x]\n", "husk.yaml:3:6: env.A: wants a text or a mapping, not a list (of "
			       "options: append)"},
		{E "A=B: x\n",
			"husk.yaml:3:3: env.A=B: a variable's name is not empty and has no ="},
		{E "\"\": x\n", "husk.yaml:3:3: env.: a variable's name is not empty and has no ="},
		{E "A: {defualt: x}\n",
			"husk.yaml:3:7: env.A: unknown key \"defualt\" (did you mean default?)"},
		{E "A: {default: [x]}\n",
			"husk.yaml:3:16: env.A.default: wants a text, not a list"},
		{E "A: {default: }\n", "husk.yaml:3:16: env.A.default: wants a text, not nothing"},
		{E "A: {required: yes}\n", "husk.yaml:3:17: env.A.required: wants true or false, "
					   "not \"yes\" (did you mean true?)"},
		{E "A: {secret: \"true\"}\n", "husk.yaml:3:15: env.A.secret: wants true or false, "
					      "not \"true\" (did you mean true?)"},
		{E "A: {secret: 0}\n", "husk.yaml:3:15: env.A.secret: wants true or false, not "
				       "\"0\" (did you mean false?)"},
		{E "A: {unset: {}}\n",
			"husk.yaml:3:14: env.A.unset: wants true or false, not a mapping"},
		{E "A: {type: prot}\n",
			"husk.yaml:3:13: env.A.type: unknown type \"prot\" (did you mean port?)"},
		{E "A: {type: strin}\n", "husk.yaml:3:13: env.A.type: unknown type \"strin\" (did "
					 "you mean string?)"},
		{E "A: {type: enum}\n",
			"husk.yaml:3:13: env.A.type: enum wants its choices: \"enum[a,b]\""},
		{E "A: {type: \"enum[]\"}\n",
			"husk.yaml:3:13: env.A.type: an empty choice in enum[...]"},
		{E "A: {type: \"enum[a,,b]\"}\n",
			"husk.yaml:3:13: env.A.type: an empty choice in enum[...]"},
		{E "A: {type: \"enum[a\"}\n",
			"husk.yaml:3:13: env.A.type: unknown type \"enum[a\" (did you mean enum?)"},
		{E "A: {value: a, default: b}\n",
			"husk.yaml:3:3: env.A: value and default exclude each other: with value "
			"the default is never used"},
		{E "A: {value: a, required: true}\n",
			"husk.yaml:3:3: env.A: value and required exclude each other: what has a "
			"value is never missing"},
		{E "A: {default: a, required: true}\n",
			"husk.yaml:3:3: env.A: default and required exclude each other: what has a "
			"default is never missing"},
		{E "A: {unset: true, secret: true}\n",
			"husk.yaml:3:3: env.A: unset stands alone: a variable that is removed has "
			"nothing else"},
		{E "A: {append: [x], value: y}\n",
			"husk.yaml:3:3: env.A: value excludes append and fold: write the options "
			"into append alone"},
		{E "A: {append: [x], type: int}\n",
			"husk.yaml:3:3: env.A: type excludes append and fold: an option variable "
			"has no type"},
		{E "A: {fold: [x], type: string}\n",
			"husk.yaml:3:3: env.A: type excludes append and fold: an option variable "
			"has no type"},
		{E "A: {append: x}\n",
			"husk.yaml:3:15: env.A.append: wants a list of texts, not a text"},
		{E "A: {append: [x, a: b]}\n", "husk.yaml:3:19: env.A.append[1]: wants a text, not "
					       "a mapping: a text that holds \": \" needs quotes"},
		{E "A:\n    append:\n      -\n      - x\n",
			"husk.yaml:5:8: env.A.append[0]: wants a text, not nothing: write \"\" for "
			"an empty one"},
		{E "A: {fold: [\"\", A=B, OK]}\n", "husk.yaml:3:14: env.A.fold[0]: wants a "
						   "variable's name: not empty, without "
						   "=\n"
						   "husk.yaml:3:18: env.A.fold[1]: wants a "
						   "variable's name: not empty, without "
						   "="},
		{E "A: x\n  A: y\n", "husk.yaml:4:3: env.A: is set twice, first in line 3"},
	};
#undef E

	ASSERT_BAD(*state, cases);
}

/* A value of `env` may be a secret, wherever it was put by mistake. */
static void test_env_errors_never_show_values(void **state)
{
	static const char *const yamls[] = {
		V "env: {A: {value: hunter2, default: hunter2}}\n",
		V "env: {A: {default: [hunter2]}}\n",
		V "env: {A: {secret: true, value: {a: hunter2}}}\n",
		V "env: {A: [hunter2]}\n",
		V "env: {A: \"hunter2\" x}\n",
		V "env: {A: hunter2, A: hunter2}\n",
		V "env: hunter2\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(yamls); i++) {
		load(f, yamls[i]);
		assert_int_not_equal(f->errors.count, 0);
		assert_null(strstr(errors_text(f, &f->errors), "hunter2"));
	}
}

/* ---- templates ---- */

static void test_templates_defaults(void **state)
{
	struct fixture *f = *state;
	const struct plan_templates *t;

	load_good(f, V "templates:\n  - from: /a\n    to: /b\n");
	assert_int_equal(f->plan.template_count, 1);
	t = &f->plan.templates[0];
	assert_text(&t->from, "/a", 3, 11);
	assert_text(&t->to, "/b", 4, 9);
	assert_int_equal(t->place.line, 3);
	assert_int_equal(t->place.column, 5);
	assert_string_equal(t->suffix.text, ".template");
	assert_int_equal(t->others, PLAN_OTHERS_COPY);
	assert_false(t->only.given);
	assert_int_equal(t->undefined, TEMPLATE_KEEP);
	assert_null(t->open);
	assert_int_equal(t->escape, FILTER_NONE);
	assert_null(t->owner.text);
	assert_true(t->mode_inherit);
	assert_int_equal(t->check.count, 0);
	assert_false(t->sync);
}

static void test_templates_every_key(void **state)
{
	struct fixture *f = *state;
	const struct plan_templates *t;

	load_good(f,
		V "templates:\n"
		  "  - from: /a\n    to: \"${D}/b\"\n    suffix: \"${S}\"\n"
		  "    others: skip\n    only: [PORT, \"NGINX_*\"]\n    undefined: error\n    "
		  "open: \"<%\"\n"
		  "    escape: nginx\n    owner: www-data\n    mode: 0640\n"
		  "    check: [/bin/nginx, -t, \"${HUSK_STAGED}\"]\n    sync: true\n"
		  "  - {from: x, to: y, undefined: empty, mode: inherit, only: [], escape: none,\n"
		  "    suffix: \"\"}\n");
	assert_int_equal(f->plan.template_count, 2);
	t = &f->plan.templates[0];
	assert_string_equal(t->to.text, "${D}/b");
	assert_text(&t->suffix, "${S}", 5, 14);
	assert_int_equal(t->others, PLAN_OTHERS_SKIP);
	assert_string_equal(f->plan.templates[1].suffix.text, "");
	assert_int_equal(t->only.count, 2);
	assert_string_equal(t->only.items[1].text, "NGINX_*");
	assert_int_equal(t->undefined, TEMPLATE_ERROR);
	assert_string_equal(t->open, "<%");
	assert_int_equal(t->escape, FILTER_NGINX);
	assert_string_equal(t->owner.text, "www-data");
	assert_false(t->mode_inherit);
	assert_int_equal(t->mode, 0640);
	assert_int_equal(t->check.count, 3);
	assert_string_equal(t->check.items[2].text, "${HUSK_STAGED}");
	assert_true(t->sync);
	t++;
	assert_int_equal(t->undefined, TEMPLATE_EMPTY);
	assert_true(t->mode_inherit);
	assert_true(t->only.given);
	assert_int_equal(t->only.count, 0);
}

static void test_templates_errors(void **state)
{
#define T V "templates:\n  - {from: a, to: b, "
	static const struct bad cases[] = {
		{V "templates:\n  - to: b\n",
			"husk.yaml:3:5: templates[0].from: is required and missing"},
		{V "templates: [{}, {from: a, to: b, form: c}]\n",
			"husk.yaml:2:13: templates[0].from: is required and missing\n"
			"husk.yaml:2:13: templates[0].to: is required and missing\n"
			"husk.yaml:2:34: templates[1]: unknown key \"form\" (did you mean from?)"},
		{V "templates: [x]\n", "husk.yaml:2:13: templates[0]: wants a mapping: `- from: "
				       "...` and below it `to: ...`"},
		{V "templates: [{from: \"\", to: []}]\n",
			"husk.yaml:2:20: templates[0].from: wants a path, not an empty text\n"
			"husk.yaml:2:28: templates[0].to: wants a path, not a list"},
		{T "suffix: a/b}\n", "husk.yaml:3:30: templates[0].suffix: a suffix has no /"},
		{T "suffix: []}\n",
			"husk.yaml:3:30: templates[0].suffix: wants a text, not a list"},
		{T "others: keep}\n",
			"husk.yaml:3:30: templates[0].others: wants copy or skip, not \"keep\""},
		{T "only: PORT}\n",
			"husk.yaml:3:28: templates[0].only: wants a list of patterns, not a text"},
		{T "undefined: kep}\n",
			"husk.yaml:3:33: templates[0].undefined: wants keep, empty or error, not "
			"\"kep\" (did you mean keep?)"},
		{T "undefined: fail}\n",
			"husk.yaml:3:33: templates[0].undefined: wants keep, empty "
			"or error, not \"fail\""},
		{T "open: \"\"}\n", "husk.yaml:3:28: templates[0].open: wants punctuation of 1 to "
				    "8 characters"},
		{T "open: \"a{\"}\n",
			"husk.yaml:3:28: templates[0].open: wants punctuation such as \"${\" or "
			"\"<%\": no letters, digits or blanks"},
		{T "open: \"< \"}\n",
			"husk.yaml:3:28: templates[0].open: wants punctuation such as \"${\" or "
			"\"<%\": no letters, digits or blanks"},
		{T "open: \"((((((((( \"}\n",
			"husk.yaml:3:28: templates[0].open: wants punctuation such as \"${\" or "
			"\"<%\": no letters, digits or blanks"},
		{T "open: \"(((((((((\"}\n", "husk.yaml:3:28: templates[0].open: wants punctuation "
					     "of 1 to 8 characters"},
		{T "escape: htm}\n", "husk.yaml:3:30: templates[0].escape: unknown filter \"htm\" "
				     "(did you mean html?)"},
		{T "owner: \"\"}\n", "husk.yaml:3:29: templates[0].owner: wants a name or "
				     "uid[:gid], not an empty text"},
		{T "mode: u=rw}\n", "husk.yaml:3:28: templates[0].mode: wants octal digits from "
				    "\"0000\" to \"0777\", not \"u=rw\""},
		{T "mode: 4755}\n", "husk.yaml:3:28: templates[0].mode: wants octal digits from "
				    "\"0000\" to \"0777\", not \"4755\""},
		{T "mode: [0]}\n", "husk.yaml:3:28: templates[0].mode: wants inherit or octal "
				   "digits, not a list"},
		{T "check: []}\n", "husk.yaml:3:29: templates[0].check: the list is empty: it "
				   "wants a program and its arguments"},
		{T "check: nginx -t}\n", "husk.yaml:3:29: templates[0].check: wants a list of "
					 "arguments, not a text: check: [nginx, -t]"},
		{T "sync: on}\n", "husk.yaml:3:28: templates[0].sync: wants true or false, not "
				  "\"on\" (did you mean true?)"},
	};
#undef T

	ASSERT_BAD(*state, cases);
}

/* ---- the rest ---- */

static void test_find_option_environment_default(void **state)
{
	(void)state;
	assert_string_equal(config_find("/a", "/b"), "/a");
	assert_string_equal(config_find("", "/b"), "");
	assert_string_equal(config_find(NULL, "/b"), "/b");
	if (access(CONFIG_PATH, F_OK) == 0) {
		assert_string_equal(config_find(NULL, NULL), CONFIG_PATH);
	} else {
		assert_null(config_find(NULL, NULL));
		assert_null(config_find(NULL, ""));
	}
}

static void test_describe_rows_of_every_key(void **state)
{
	static const char *const rows[] = {
		"version\t1\trequired\t",
		"grace\ta duration\t10s\t",
		"env.NAME.append\ta list of texts\t\t",
		"templates[].from\ta path\trequired\t",
		"templates[].undefined\tkeep, empty or error\tkeep\t",
		"services.NAME.command\ta list of arguments\trequired\t",
		"services.NAME.stop.signal\ta signal\tTERM\t",
		"services.NAME.limits.nofile\ta number, a size, unlimited or {soft:, hard:}\t\t",
	};
	struct fixture *f = *state;
	struct buf out;
	const char *text;

	(void)f;
	buf_init(&out, 1 << 16);
	assert_int_equal(config_describe(&out), 0);
	text = buf_cstr(&out);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *hit = strstr(text, rows[i]);

		assert_non_null(hit);
		assert_true(hit == text || hit[-1] == '\n');
	}
	/* Four fields a row, none of the first, second and last empty. */
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		size_t tabs = 0;

		assert_true(*line != '\t');
		for (const char *p = line; *p != '\n'; p++) {
			tabs += *p == '\t';
			if (*p == '\t' && tabs == 3)
				assert_true(p[1] != '\n');
		}
		assert_int_equal(tabs, 3);
	}
	buf_fini(&out);
	buf_init(&out, 100);
	assert_int_equal(config_describe(&out), -1);
	buf_fini(&out);
}

/* A file that uses aliases to be large: refused by the reader, not by memory. */
static void test_load_bomb_error(void **state)
{
	struct fixture *f = *state;
	struct buf yaml;

	buf_init(&yaml, 1 << 16);
	buf_append_cstr(&yaml, V "env:\n  A0: &a0 {append: [x, x, x, x, x, x, x, x, x, x]}\n");
	for (unsigned i = 1; i < 12; i++)
		buf_appendf(&yaml, "  A%u: &a%u [*a%u,*a%u,*a%u,*a%u,*a%u,*a%u]\n", i, i, i - 1,
			i - 1, i - 1, i - 1, i - 1, i - 1);
	load(f, buf_cstr(&yaml));
	assert_int_equal(f->errors.count, 1);
	assert_string_equal(f->errors.errs[0].message, "more than 100000 values, aliases resolved");
	buf_fini(&yaml);
}

static void test_load_arena_exhausted_one_error(void **state)
{
	struct fixture *f = *state;
	bool succeeded = false;

	for (size_t max = 0; max < 40000 && !succeeded; max += 64) {
		struct arena *arena = arena_new(max);
		struct plan plan;

		assert_non_null(arena);
		f->errors.count = f->errors.dropped = 0;
		succeeded = config_load_text(arena, "husk.yaml",
				    STR(SVC "env: {A: {append: [x, y]}, B: {type: \"enum[a,b]\"}}\n"
					    "templates: [{from: a, to: b, only: [c]}]\n"
					    "env_file: [x, y]\n"),
				    &plan, &f->errors) == 0;
		if (!succeeded) {
			assert_int_equal(f->errors.errs[0].code, ERR_INTERNAL);
			assert_int_equal(f->errors.errs[f->errors.count - 1].code, ERR_INTERNAL);
		}
		arena_free(arena);
	}
	assert_true(succeeded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_load_minimal_defaults),
		TEST(test_load_top_level_errors),
		TEST(test_load_grace_and_env_file),
		TEST(test_load_errors_collected_in_order_up_to_twenty),
		TEST(test_env_short_forms_default_text),
		TEST(test_env_long_form_every_key),
		TEST(test_env_every_type_known),
		TEST(test_env_block_scalar_place_of_content),
		TEST(test_env_merge_keys_and_anchors),
		TEST(test_env_errors),
		TEST(test_env_errors_never_show_values),
		TEST(test_templates_defaults),
		TEST(test_templates_every_key),
		TEST(test_templates_errors),
		TEST(test_find_option_environment_default),
		TEST(test_describe_rows_of_every_key),
		TEST(test_load_bomb_error),
		TEST(test_load_arena_exhausted_one_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
