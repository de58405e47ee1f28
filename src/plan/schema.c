#include "plan/schema.h"

#include <stdarg.h>
#include <string.h>

#include "base/format.h"
#include "text/words.h"

enum {
	PATH_TEXT_MAX = 300,
	VALUE_SHOWN_MAX = 80,
};

/* "services.nginx.stop.signal", "templates[0].from"; cut where it is too long. */
static const char *path_text(const struct schema *s, char out[PATH_TEXT_MAX])
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < s->depth && i < SCHEMA_DEPTH_MAX && len < PATH_TEXT_MAX - 1; i++) {
		const struct schema_step *step = &s->path[i];
		int n;

		if (step->name.data)
			n = format_text(out + len, PATH_TEXT_MAX - len, "%s%.*s", i > 0 ? "." : "",
				STR_ARGS(step->name));
		else
			n = format_text(out + len, PATH_TEXT_MAX - len, "[%zu]", step->index);
		len = n < 0 || (size_t)n >= PATH_TEXT_MAX - len ? PATH_TEXT_MAX - 1
								: len + (size_t)n;
	}
	return out;
}

/* NULL where the list is full. */
static struct err *add_error(struct schema *s, const struct yaml_node *node, const char *message)
{
	struct err *err = err_list_add(s->errors);
	char path[PATH_TEXT_MAX];

	path_text(s, path);
	err_set_at(err, ERR_CONFIG, node->file, node->line, node->column, "%s%s%s", path,
		path[0] ? ": " : "", message);
	return err;
}

void schema_error(struct schema *s, const struct yaml_node *node, const char *format, ...)
{
	char message[ERR_MESSAGE_MAX - PATH_TEXT_MAX];
	va_list args;

	va_start(args, format);
	format_list(message, sizeof(message), format, args);
	va_end(args);
	add_error(s, node, message);
}

void schema_nomem(struct schema *s)
{
	/* Once is enough: the next allocation fails as well. */
	if (s->errors->count == 0 || s->errors->errs[s->errors->count - 1].code != ERR_INTERNAL)
		err_nomem(err_list_add(s->errors));
}

static const char *node_kind(const struct yaml_node *node)
{
	switch (node->kind) {
	case YAML_SCALAR:
		return yaml_is_null(node) ? "nothing" : "a text";
	case YAML_SEQUENCE:
		return "a list";
	case YAML_MAPPING:
		break;
	}
	return "a mapping";
}

void schema_error_type(struct schema *s, const struct schema_key *key, const struct yaml_node *node)
{
	schema_error(s, node, "wants %s, not %s", key->type, node_kind(node));
}

static struct err *add_unknown(
	struct schema *s, const struct yaml_node *node, const char *what, struct str name)
{
	struct err *err = add_error(s, node, what);
	struct str shown = str_sub(name, 0, VALUE_SHOWN_MAX);

	err_append(err, " \"%.*s%s\"", STR_ARGS(shown), shown.len < name.len ? "..." : "");
	return err;
}

void schema_error_unknown(struct schema *s, const struct yaml_node *node, const char *what,
	struct str name, const char *nearest)
{
	struct err *err = add_unknown(s, node, what, name);

	if (nearest)
		err_append(err, " (did you mean %s?)", nearest);
}

void schema_error_choice(struct schema *s, const struct yaml_node *node, const char *what,
	struct str name, const char *const *known)
{
	err_suggest(add_unknown(s, node, what, name), name, known);
}

void schema_push(struct schema *s, struct str name)
{
	if (s->depth < SCHEMA_DEPTH_MAX)
		s->path[s->depth] = (struct schema_step){.name = name};
	s->depth++;
}

void schema_push_index(struct schema *s, size_t index)
{
	schema_push(s, (struct str){NULL, 0});
	if (s->depth <= SCHEMA_DEPTH_MAX)
		s->path[s->depth - 1].index = index;
}

void schema_pop(struct schema *s)
{
	s->depth--;
}

struct plan_place schema_place(const struct yaml_node *node)
{
	return (struct plan_place){node->file, node->line, node->column};
}

void schema_set_text(struct plan_text *text, const struct yaml_node *node)
{
	text->text = node->value.data;
	text->place = (struct plan_place){node->file, node->text_line, node->text_column};
}

bool schema_scalar(struct schema *s, const struct schema_key *key, const struct yaml_node *node)
{
	if (node->kind == YAML_SCALAR && !yaml_is_null(node))
		return true;
	schema_error_type(s, key, node);
	return false;
}

static const struct schema_key *find_key(const struct schema_key *keys, struct str name)
{
	for (const struct schema_key *key = keys; key->name; key++)
		if (str_eq_cstr(name, key->name))
			return key;
	return NULL;
}

/* In the order of enum schema_between. */
static const char *const betweens[] = {"", ".NAME", "[]"};

/* A key that stands one level too high: "stop.signal" for "signal". */
static const char *find_below(const struct schema_key *keys, struct str name, char out[64])
{
	for (const struct schema_key *key = keys; key->name; key++) {
		if (!key->keys || !find_key(key->keys, name))
			continue;
		format_text(
			out, 64, "%s%s.%.*s", key->name, betweens[key->between], STR_ARGS(name));
		return out;
	}
	return NULL;
}

static void error_unknown_key(
	struct schema *s, const struct schema_key *keys, const struct yaml_node *key_node)
{
	const char *names[SCHEMA_KEYS_MAX + 1];
	const char *between;
	char below[64];
	size_t n = 0;

	for (const struct schema_key *key = keys; key->name && n < SCHEMA_KEYS_MAX; key++)
		names[n++] = key->name;
	names[n] = NULL;
	between = find_below(keys, key_node->value, below);
	if (between)
		schema_error_unknown(s, key_node, "unknown key", key_node->value, between);
	else
		schema_error_choice(s, key_node, "unknown key", key_node->value, names);
}

void schema_read(
	struct schema *s, const struct schema_key *keys, const struct yaml_node *node, void *target)
{
	char *base = target;

	for (const struct yaml_node *value = node->first; value; value = value->next) {
		const struct schema_key *key = find_key(keys, value->key->value);

		if (!key) {
			error_unknown_key(s, keys, value->key);
			continue;
		}
		schema_push(s, value->key->value);
		key->read(s, key, value, base + key->offset);
		if (key->given)
			*(bool *)(void *)(base + key->given) = true;
		schema_pop(s);
	}
	for (const struct schema_key *key = keys; key->name; key++) {
		if (!key->required || yaml_get(node, key->name))
			continue;
		schema_push(s, str_from(key->name));
		schema_error(s, node->key ? node->key : node, "is required and missing");
		schema_pop(s);
	}
}

void schema_mapping(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	if (node->kind != YAML_MAPPING)
		schema_error_type(s, key, node);
	else
		schema_read(s, key->keys, node, field);
}

void schema_text(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	if (schema_scalar(s, key, node))
		schema_set_text(field, node);
}

void schema_path(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	if (!schema_scalar(s, key, node))
		return;
	if (node->value.len == 0)
		schema_error(s, node, "wants %s, not an empty text", key->type);
	else
		schema_set_text(field, node);
}

/* YAML 1.2 has true and false; that yes, on and 1 were booleans once is what people remember. */
void schema_bool(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	static const char *const words[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
	bool value;

	if (!schema_scalar(s, key, node))
		return;
	for (size_t i = 0; node->plain && i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_eq_cstr(node->value, words[i])) {
			*(bool *)field = i < 3;
			return;
		}
	}
	schema_error_unknown(s, node, "wants true or false, not", node->value,
		str_to_bool(node->value, &value) != 0 ? NULL
		: value                               ? "true"
						      : "false");
}

void schema_duration(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	int64_t ns;

	if (!schema_scalar(s, key, node))
		return;
	if (str_to_duration(node->value, &ns) != 0)
		schema_error_unknown(s, node, "wants a duration such as 500ms, 10s, 5m or 1h, not",
			node->value, NULL);
	else if (ns > SCHEMA_DURATION_MAX)
		schema_error(s, node, "a duration of more than a year");
	else
		*(int64_t *)field = ns;
}

void schema_choice(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	char what[100];

	if (!schema_scalar(s, key, node))
		return;
	for (int i = 0; key->choices[i]; i++) {
		if (str_eq_cstr(node->value, key->choices[i])) {
			memcpy(field, &i, sizeof(i));
			return;
		}
	}
	format_text(what, sizeof(what), "wants %s, not", key->type);
	schema_error_unknown(s, node, what, node->value, str_nearest(node->value, key->choices));
}

/* 027 means 23 to YAML 1.1 and 27 to YAML 1.2: here the digits are octal, quoted or not. */
void schema_octal(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	unsigned mode;

	if (!schema_scalar(s, key, node))
		return;
	if (str_to_octal(node->value, &mode) != 0 || mode > 0777)
		schema_error_unknown(s, node, "wants octal digits from \"0000\" to \"0777\", not",
			node->value, NULL);
	else
		*(mode_t *)field = (mode_t)mode;
}

/* Whether a word can stand in a YAML list as it is. */
static bool word_is_plain(const char *word)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789_./=+-";

	return word[0] && strcmp(word, "-") != 0 && strcmp(word, "null") != 0 && word[0] != '=' &&
	       strspn(word, safe) == strlen(word);
}

static void append_word(struct buf *out, const char *word)
{
	if (word_is_plain(word)) {
		buf_append_cstr(out, word);
		return;
	}
	buf_append_char(out, '"');
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;

		if (c == '"' || c == '\\')
			buf_append_char(out, '\\');
		if (c < 0x20 || c == 0x7f)
			buf_appendf(out, "\\x%02x", c);
		else
			buf_append_char(out, (char)c);
	}
	buf_append_char(out, '"');
}

/* A command line where a list is wanted: the message shows the list. */
static void error_wants_list(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node)
{
	struct buf shown;
	struct err err;
	const char *text;
	char **words;
	size_t count;

	buf_init(&shown, 400);
	if (words_split(s->arena, node->value, &words, &count, &err) == 0) {
		for (size_t i = 0; i < count; i++) {
			buf_append_cstr(&shown, i > 0 ? ", " : "");
			append_word(&shown, words[i]);
		}
	} else {
		shown.failed = true;
	}
	text = buf_cstr(&shown);
	if (text)
		schema_error(s, node, "wants a list of arguments, not a text: %s: [%s]", key->name,
			text);
	else
		schema_error(s, node, "wants a list of arguments, not a text");
	buf_fini(&shown);
}

/* What stands in a list: a text; a path is not empty. */
static bool check_item(struct schema *s, const struct yaml_node *item, size_t index, bool path)
{
	bool text = item->kind == YAML_SCALAR && !yaml_is_null(item);

	if (text && (!path || item->value.len > 0))
		return true;
	schema_push_index(s, index);
	if (text)
		schema_error(s, item, "wants a path, not an empty text");
	else if (item->kind == YAML_SCALAR)
		schema_error(s, item, "wants a text, not nothing: write \"\" for an empty one");
	else if (item->kind == YAML_MAPPING)
		schema_error(s, item,
			"wants a text, not a mapping: a text that holds \": \" needs quotes");
	else
		schema_error(s, item, "wants a text, not a list");
	schema_pop(s);
	return false;
}

static void read_list(struct schema *s, const struct schema_key *key, const struct yaml_node *node,
	struct plan_list *list, bool paths)
{
	struct plan_text *items;
	size_t n = 0, count = 0;

	if (node->kind != YAML_SEQUENCE) {
		schema_error_type(s, key, node);
		return;
	}
	items = arena_array(s->arena, node->count > 0 ? node->count : 1, sizeof(*items));
	if (!items) {
		schema_nomem(s);
		return;
	}
	/* What is no text is left out, so that names can be looked up all the same. */
	for (const struct yaml_node *item = node->first; item; item = item->next)
		if (check_item(s, item, n++, paths))
			schema_set_text(&items[count++], item);
	*list = (struct plan_list){.items = items, .count = count, .given = true};
}

void schema_list(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	read_list(s, key, node, field, false);
}

/* One text is a list of one. */
static void read_one_or_list(struct schema *s, const struct schema_key *key,
	const struct yaml_node *node, struct plan_list *list, bool paths)
{
	struct plan_text one = {0};

	if (node->kind == YAML_SEQUENCE) {
		read_list(s, key, node, list, paths);
		return;
	}
	(paths ? schema_path : schema_text)(s, key, node, &one);
	if (!one.text)
		return;
	list->items = arena_alloc(s->arena, sizeof(one));
	if (!list->items) {
		schema_nomem(s);
		return;
	}
	list->items[0] = one;
	list->count = 1;
	list->given = true;
}

void schema_paths(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	read_one_or_list(s, key, node, field, true);
}

void schema_names(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	read_one_or_list(s, key, node, field, false);
}

void schema_argv(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	if (node->kind == YAML_SCALAR && !yaml_is_null(node))
		error_wants_list(s, key, node);
	else if (node->kind == YAML_SEQUENCE && node->count == 0)
		schema_error(s, node, "the list is empty: it wants a program and its arguments");
	else if (node->kind == YAML_SEQUENCE && node->first->kind == YAML_SCALAR &&
		 !yaml_is_null(node->first) && node->first->value.len == 0)
		schema_error(s, node->first, "the program's name is empty");
	else
		schema_list(s, key, node, field);
}

#ifndef HUSK_WITHOUT_HELP
void schema_describe(const struct schema_key *keys, const char *prefix, struct buf *out)
{
	char below[PATH_TEXT_MAX];

	/* The depth is that of the tables. */
	for (const struct schema_key *key = keys; key->name; key++) {
		buf_appendf(out, "%s%s\t%s\t%s\t%s\n", prefix, key->name, key->type,
			key->required   ? "required"
			: key->fallback ? key->fallback
					: "",
			key->help);
		if (!key->keys)
			continue;
		format_text(
			below, sizeof(below), "%s%s%s.", prefix, key->name, betweens[key->between]);
		schema_describe(key->keys, below, out);
	}
}
#endif
