/* The one schema table of husk.yaml, and the readers that it needs beside the common ones. */
#include <stdio.h>
#include <string.h>

#include "plan/config_parts.h"

enum { CHOICES_MAX = 256 };

static const char *const type_names[] = {
#define X(id, name) name,
	PLAN_TYPE_TABLE(X)
#undef X
		NULL,
};

/* In the order of enum template_undefined. */
static const char *const others_names[] = {"copy", "skip", NULL};
static const char *const undefined_names[] = {"keep", "empty", "error", NULL};

/* ---- env ---- */

/* "[a, b]" behind enum: the choices, in the arena. */
static const char **read_choices(struct schema *s, const struct yaml_node *node, struct str list)
{
	const char **choices;
	size_t count = 2;
	size_t n = 0;

	for (size_t i = 0; i < list.len; i++)
		count += list.data[i] == ',';
	if (count > CHOICES_MAX) {
		schema_error(s, node, "more than 255 choices");
		return NULL;
	}
	choices = arena_array(s->arena, count, sizeof(*choices));
	while (choices) {
		const char *comma = memchr(list.data, ',', list.len);
		size_t len = comma ? (size_t)(comma - list.data) : list.len;
		struct str choice = str_trim(str_sub(list, 0, len));

		if (choice.len == 0) {
			schema_error(s, node, "an empty choice in enum[...]");
			return NULL;
		}
		choices[n] = arena_strndup(s->arena, choice);
		if (!choices[n++])
			break;
		if (!comma)
			return choices;
		list = str_sub(list, len + 1, list.len);
	}
	schema_nomem(s);
	return NULL;
}

static void read_type(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	struct plan_var *var = field;
	struct str text = node->value;

	if (!schema_scalar(s, key, node))
		return;
	if (str_eq(text, STR("enum"))) {
		schema_error(s, node, "enum wants its choices: \"enum[a,b]\"");
		return;
	}
	if (str_starts(text, STR("enum[")) && str_ends(text, STR("]"))) {
		var->choices = read_choices(s, node, str_sub(text, 5, text.len - 6));
		if (var->choices)
			var->type = PLAN_TYPE_ENUM;
		return;
	}
	for (int i = 0; type_names[i]; i++) {
		if (str_eq_cstr(text, type_names[i])) {
			var->type = (enum plan_type)i;
			return;
		}
	}
	schema_error_choice(s, node, "unknown type", text, type_names);
}

static void read_fold(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	size_t n = 0;

	schema_list(s, key, node, field);
	if (node->kind != YAML_SEQUENCE)
		return;
	for (const struct yaml_node *item = node->first; item; item = item->next, n++) {
		if (item->kind != YAML_SCALAR || yaml_is_null(item))
			continue;
		schema_push_index(s, n);
		if (item->value.len == 0 || memchr(item->value.data, '=', item->value.len))
			schema_error(s, item, "wants a variable's name: not empty, without =");
		schema_pop(s);
	}
}

static const struct schema_key env_keys[] = {
	{"value", schema_text, offsetof(struct plan_var, value), .type = "a text",
		SCHEMA_HELP("its value, whatever the container was given; expanded")},
	{"default", schema_text, offsetof(struct plan_var, default_value), .type = "a text",
		SCHEMA_HELP("its value where the container was given none; expanded")},
	{"required", schema_bool, offsetof(struct plan_var, required), .type = "true or false",
		SCHEMA_DEFAULT("false", "the start is refused where it is not set")},
	{"secret", schema_bool, offsetof(struct plan_var, secret), .type = "true or false",
		SCHEMA_DEFAULT("false",
			"masked in every output; NAME_FILE may name a file that holds it")},
	{"type", read_type, 0,
		.type = "string, int, bool, port, host, url, path, size, duration or "
			"\"enum[a,b]\"",
		SCHEMA_DEFAULT("string", "what its value must be")},
	{"unset", schema_bool, offsetof(struct plan_var, unset), .type = "true or false",
		SCHEMA_DEFAULT("false", "removed from the environment")},
	{"append", schema_list, offsetof(struct plan_var, append), .type = "a list of texts",
		SCHEMA_HELP("options to add to an option variable, quoted in its own syntax; "
			    "expanded")},
	{"fold", read_fold, offsetof(struct plan_var, fold), .type = "a list of names",
		SCHEMA_HELP("variables of a shell's time whose words are added before those of "
			    "append")},
	{0},
};

/* The entry's keys that cannot stand together. */
static void check_var(struct schema *s, const struct yaml_node *node, const struct plan_var *var)
{
	bool composed = var->append.given || var->fold.given;
	const char *message = NULL;

	if (var->unset && node->count > 1)
		message = "unset stands alone: a variable that is removed has nothing else";
	else if (var->value.text && var->default_value.text)
		message = "value and default exclude each other: with value the default is never "
			  "used";
	else if (var->value.text && var->required)
		message =
			"value and required exclude each other: what has a value is never missing";
	else if (var->default_value.text && var->required)
		message = "default and required exclude each other: what has a default is never "
			  "missing";
	else if (composed && var->value.text)
		message = "value excludes append and fold: write the options into append alone";
	else if (composed && (var->type != PLAN_TYPE_STRING || yaml_get(node, "type")))
		message = "type excludes append and fold: an option variable has no type";
	if (message)
		schema_error(s, node->key, "%s", message);
}

static void read_var(struct schema *s, const struct schema_key *key, const struct yaml_node *node,
	struct plan_var *var)
{
	struct str name = node->key->value;

	var->name = name.data;
	var->place = schema_place(node->key);
	if (name.len == 0 || memchr(name.data, '=', name.len))
		schema_error(s, node->key, "a variable's name is not empty and has no =");
	if (node->kind == YAML_MAPPING) {
		schema_read(s, key->keys, node, var);
		check_var(s, node, var);
	} else if (node->kind == YAML_SEQUENCE) {
		schema_error(s, node, "wants a text or a mapping, not a list (of options: append)");
	} else if (yaml_is_null(node)) {
		schema_error(s, node,
			"has no value: write \"\" for an empty default, {} to declare the name "
			"alone");
	} else {
		schema_set_text(&var->default_value, node);
	}
}

static void read_env(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	struct config_state *state = field;
	struct plan *plan = state->plan;

	if (node->kind != YAML_MAPPING) {
		schema_error_type(s, key, node);
		return;
	}
	for (const struct yaml_node *entry = node->first; entry; entry = entry->next) {
		if (plan->var_count >= state->vars_max)
			return;
		schema_push(s, entry->key->value);
		read_var(s, key, entry, &plan->vars[plan->var_count++]);
		schema_pop(s);
	}
}

/* ---- templates ---- */

static void read_suffix(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	if (!schema_scalar(s, key, node))
		return;
	if (memchr(node->value.data, '/', node->value.len))
		schema_error(s, node, "a suffix has no /");
	else
		schema_set_text(field, node);
}

static void read_open(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	if (!schema_scalar(s, key, node))
		return;
	for (size_t i = 0; i < node->value.len; i++) {
		unsigned char c = (unsigned char)node->value.data[i];

		/* Letters and digits would be taken for a part of the name that follows. */
		if (c <= ' ' || c >= 0x7f || str_is_name(str_sub(node->value, i, 1)) ||
			(c >= '0' && c <= '9')) {
			schema_error(s, node,
				"wants punctuation such as \"${\" or \"<%%\": no letters, digits "
				"or "
				"blanks");
			return;
		}
	}
	if (node->value.len == 0 || node->value.len > 8)
		schema_error(s, node, "wants %s of 1 to 8 characters", key->type);
	else
		*(const char **)field = node->value.data;
}

static void read_escape(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	enum filter_id id;

	if (!schema_scalar(s, key, node))
		return;
	id = filter_find(node->value);
	if (id == FILTER_COUNT)
		schema_error_choice(s, node, "unknown filter", node->value, filter_names);
	else
		*(enum filter_id *)field = id;
}

static void read_mode(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	struct plan_templates *set = field;

	if (node->kind == YAML_SCALAR && str_eq(node->value, STR("inherit"))) {
		set->mode_inherit = true;
		return;
	}
	set->mode_inherit = false;
	schema_octal(s, key, node, &set->mode);
}

static const struct schema_key template_keys[] = {
	{"from", schema_path, offsetof(struct plan_templates, from), .required = true,
		.type = "a path",
		SCHEMA_HELP(
			"the template, or a tree of them; names that begin with .. are skipped; "
			"expanded")},
	{"to", schema_path, offsetof(struct plan_templates, to), .required = true, .type = "a path",
		SCHEMA_HELP(
			"the file or folder to write, created if missing; links in it are never "
			"followed; expanded")},
	{"suffix", read_suffix, offsetof(struct plan_templates, suffix), .type = "a text",
		SCHEMA_DEFAULT(".template",
			"the ending of templates in a tree, stripped; \"\" renders every file; "
			"expanded")},
	{"others", schema_choice, offsetof(struct plan_templates, others), .choices = others_names,
		.type = "copy or skip",
		SCHEMA_DEFAULT(
			"copy", "what becomes of files in a tree that do not have the suffix")},
	{"only", schema_list, offsetof(struct plan_templates, only), .type = "a list of patterns",
		SCHEMA_DEFAULT("declared names, built-ins, and names without lower-case letters",
			"the names that are substituted; * and ? match")},
	{"undefined", schema_choice, offsetof(struct plan_templates, undefined),
		.choices = undefined_names, .type = "keep, empty or error",
		SCHEMA_DEFAULT("keep", "what becomes of a name that is selected and not set")},
	{"open", read_open, offsetof(struct plan_templates, open), .type = "punctuation",
		SCHEMA_DEFAULT("$",
			"how a construct begins, such as \"${\" or \"<%\"; all else is then text")},
	{"escape", read_escape, offsetof(struct plan_templates, escape), .type = "a filter",
		SCHEMA_DEFAULT("none", "applied to each substitution that names no filter")},
	{"owner", schema_path, offsetof(struct plan_templates, owner),
		.type = "a name or uid[:gid]",
		SCHEMA_DEFAULT("husk's user", "who owns what is written")},
	{"mode", read_mode, 0, .type = "inherit or octal digits",
		SCHEMA_DEFAULT("inherit",
			"the mode of what is written; inherit: the template's, 0600 where a secret "
			"was substituted")},
	{"check", schema_argv, offsetof(struct plan_templates, check),
		.type = "a list of arguments",
		SCHEMA_HELP("a command that must end with 0 before anything of the set is seen; "
			    "${HUSK_STAGED} is the folder to check; expanded")},
	{"sync", schema_bool, offsetof(struct plan_templates, sync), .type = "true or false",
		SCHEMA_DEFAULT("false", "fsync(2) what is written")},
	{0},
};

static void read_templates(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	struct config_state *state = field;
	struct plan *plan = state->plan;
	size_t n = 0;

	if (node->kind != YAML_SEQUENCE) {
		schema_error_type(s, key, node);
		return;
	}
	for (const struct yaml_node *item = node->first; item; item = item->next, n++) {
		struct plan_templates *set;

		if (plan->template_count >= state->templates_max)
			return;
		schema_push_index(s, n);
		set = &plan->templates[plan->template_count++];
		*set = (struct plan_templates){.place = schema_place(item),
			.suffix = {.text = ".template"},
			.mode_inherit = true};
		if (item->kind == YAML_MAPPING)
			schema_read(s, key->keys, item, set);
		else
			schema_error(
				s, item, "wants a mapping: `- from: ...` and below it `to: ...`");
		schema_pop(s);
	}
}

/* ---- the top level ---- */

static void read_version(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	(void)field;
	if (schema_scalar(s, key, node) && !str_eq(node->value, STR("1")))
		schema_error_unknown(s, node, "this husk reads version 1, not", node->value, NULL);
}

/* Followed before the schema is read; here it is only looked at. */
static void read_include(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	struct plan_list paths;

	(void)field;
	schema_paths(s, key, node, &paths);
}

static void read_grace(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	struct plan *plan = ((struct config_state *)field)->plan;

	if (plan->grace_place.file) {
		schema_error(s, node->key, "is set twice, first at %s:%u:%u",
			plan->grace_place.file, plan->grace_place.line, plan->grace_place.column);
		return;
	}
	plan->grace_place = schema_place(node->key);
	schema_duration(s, key, node, &plan->grace);
}

static void read_env_file(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	struct config_state *state = field;
	struct plan_list *files = &state->plan->env_files;
	struct plan_list list = {NULL, 0, false};

	schema_paths(s, key, node, &list);
	for (size_t i = 0; i < list.count && files->count < state->env_files_max; i++)
		files->items[files->count++] = list.items[i];
	files->given = true;
}

const struct schema_key config_keys[] = {
	{"version", read_version, 0, .type = "1",
		SCHEMA_DEFAULT("required",
			"the version of this format; may be missing in an included file")},
	{"include", read_include, 0, .type = "a path or a list of paths",
		SCHEMA_HELP(
			"more files, relative to this one; * and ? in the last part match, sorted; "
			"they count before this file")},
	{"grace", read_grace, 0, .type = "a duration",
		SCHEMA_DEFAULT("10s", "the time that the whole stop may take")},
	{"env", read_env, 0, .keys = env_keys, .between = SCHEMA_NAMED,
		.type = "a mapping of names to texts or mappings",
		SCHEMA_HELP("the environment; NAME: text is short for NAME: {default: text}")},
	{"env_file", read_env_file, 0, .type = "a path or a list of paths",
		SCHEMA_HELP("files of NAME=value lines, of lower rank than the container's "
			    "environment; "
			    "expanded")},
	{"templates", read_templates, 0, .keys = template_keys, .between = SCHEMA_LISTED,
		.type = "a list of mappings", SCHEMA_HELP("what is rendered before the start")},
	{"services", config_services_read, 0, .keys = config_service_keys, .between = SCHEMA_NAMED,
		.type = "a mapping of names to mappings", SCHEMA_HELP("the programs to run")},
	{0},
};
