#include "plan/env.h"

#include <string.h>

#include "base/fd.h"
#include "base/format.h"
#include "plan/env_table.h"
#include "plan/options.h"

const char *env_origin_name(enum env_origin origin)
{
	switch (origin) {
	case ENV_GIVEN:
		return "container";
	case ENV_FILE:
		return "env_file";
	case ENV_DEFAULT:
		return "default";
	case ENV_VALUE:
		return "value";
	case ENV_SECRET_FILE:
		return "secret file";
	case ENV_COMPOSED:
		return "options";
	case ENV_BUILTIN:
		return "built-in";
	case ENV_UNSET:
		break;
	}
	return "unset";
}

static int add_given(struct env *env, char *const *environ, struct err *err)
{
	for (; *environ; environ++) {
		const char *equals = strchr(*environ, '=');
		size_t len = equals ? (size_t)(equals - *environ) : strlen(*environ);
		struct str name = {*environ, len};
		struct env_slot *slot;

		if (!equals || len == 0)
			slot = env_table_add_nameless(env, err);
		else
			slot = env_table_add(env, name, err);
		if (!slot)
			return -1;
		/* Given twice: the first counts. */
		if (env_slot_is_set(slot))
			continue;
		slot->var.name = name;
		if (equals)
			slot->var.value = str_from(equals + 1);
		slot->var.origin = ENV_GIVEN;
		slot->var.exported = true;
		slot->entry = *environ;
	}
	return 0;
}

static int add_declared(struct env *env, struct err *err)
{
	for (size_t i = 0; i < env->plan->var_count; i++) {
		const struct plan_var *decl = &env->plan->vars[i];
		struct env_slot *slot = env_table_add(env, str_from(decl->name), err);

		if (!slot)
			return -1;
		slot->decl = decl;
		slot->position = i;
		slot->var.declared = true;
		slot->var.secret = decl->secret;
	}
	return 0;
}

/* `value` or `default`. */
static int take_text(struct env *env, struct env_slot *slot, const struct plan_text *text,
	enum env_origin origin, struct err *err)
{
	bool poisoned = false;
	const char *value;

	if (env_expand_text(env, text, slot, &value, &slot->var.secret, &poisoned, err))
		return -1;
	if (poisoned) {
		slot->failed = true;
		return 0;
	}
	if (env_table_set(env, slot, str_from(value), origin, err))
		return -1;
	slot->var.place = text->place;
	return 0;
}

/* How strongly a slot's value was meant; what is not set or empty says nothing. */
static int rank(const struct env_slot *slot)
{
	if (!env_slot_is_set(slot) || slot->var.value.len == 0)
		return 0;
	switch (slot->var.origin) {
	case ENV_VALUE:
		return 4;
	case ENV_GIVEN:
		return 3;
	case ENV_FILE:
		return 2;
	case ENV_DEFAULT:
	case ENV_SECRET_FILE:
	case ENV_COMPOSED:
	case ENV_BUILTIN:
	case ENV_UNSET:
		break;
	}
	return 1;
}

static int read_secret(struct env *env, struct env_slot *slot, const char *path, struct err *err)
{
	struct buf content;
	struct str value;
	struct err cause;
	int rc;

	if (fd_read_file(path, ENV_STRING_MAX, &content, &cause))
		return err_set(err, ERR_CONFIG, "%s: %s", path, cause.message);
	value = buf_str(&content);
	if (str_ends(value, STR("\n")))
		value.len--;
	if (value.len > 0 && memchr(value.data, '\0', value.len))
		rc = err_set(err, ERR_CONFIG, "%s: a NUL byte, which no variable can hold", path);
	else
		rc = env_table_set(env, slot, value, ENV_SECRET_FILE, err);
	/* The copy that is given back to the allocator. */
	if (content.len > 0)
		explicit_bzero(content.data, content.len);
	buf_fini(&content);
	slot->var.place = (struct plan_place){0};
	slot->var.source = path;
	return rc;
}

/* NAME_FILE, as Docker's images have it. */
static int take_secret_file(struct env *env, struct env_slot *slot, struct err *err)
{
	struct str name = slot->var.name;
	struct env_slot *file;
	char file_name[256];

	if (name.len + 6 > sizeof(file_name))
		return 0;
	memcpy(file_name, name.data, name.len);
	memcpy(file_name + name.len, "_FILE", 6);
	file = env_table_find(env, str_from(file_name));
	if (!file)
		return 0;
	file->withheld = true;
	if (file->decl && file->position > slot->position)
		return err_set(err, ERR_CONFIG,
			"%s is declared further down (line %u): it must stand above", file_name,
			file->decl->place.line);
	if (file->failed) {
		slot->failed = true;
		return 0;
	}
	if (slot->decl->value.text || rank(file) < rank(slot) || rank(file) == 0)
		return 0;
	if (rank(file) == rank(slot))
		return err_set(
			err, ERR_CONFIG, "both it and %s are set: set one of them", file_name);
	if (read_secret(env, slot, file->var.value.data, err))
		return err_wrap(err, "%s", file_name);
	return 0;
}

static int take_builtin(struct env *env, struct env_slot *slot, struct err *err)
{
	const struct env_var *builtin = env_builtin_find(env, slot->var.name);

	if (!builtin)
		return 0;
	slot->var.source = builtin->source;
	return env_table_set(env, slot, builtin->value, ENV_BUILTIN, err);
}

/* A variable that was given and looks like `name`, for a variable that is missing. */
static const char *find_misspelt(const struct env *env, struct str name)
{
	const char **names = arena_array(env->arena, env->count + 1, sizeof(*names));
	size_t count = 0;

	for (size_t i = 0; names && i < env->count; i++) {
		const struct env_slot *slot = &env->slots[i];

		if (slot->decl || !env_slot_is_set(slot))
			continue;
		names[count] = arena_strndup(env->arena, slot->var.name);
		count += names[count] != NULL;
	}
	return names ? str_nearest(name, names) : NULL;
}

static int refuse_missing(const struct env *env, const struct env_slot *slot, struct err *err)
{
	const struct env_var *var = &slot->var;
	const char *near = NULL;
	char or_file[280] = "";

	if (env_slot_is_set(slot))
		return err_set(err, ERR_CONFIG, "required, and set to nothing (%s)",
			env_origin_name(var->origin));
	if (slot->decl->secret)
		format_text(or_file, sizeof(or_file), ", or name its file in %.*s_FILE",
			STR_ARGS(str_sub(var->name, 0, 200)));
	near = find_misspelt(env, var->name);
	if (near)
		return err_set(err, ERR_CONFIG,
			"required, and not set: set it in the container's environment%s (%s is "
			"set: a misspelling?)",
			or_file, near);
	return err_set(err, ERR_CONFIG,
		"required, and not set: set it in the container's environment%s", or_file);
}

/* Adds to what env_type_check says what is there instead, unless it is secret. */
static int refuse_type(const struct env_slot *slot, struct err *err)
{
	const struct env_var *var = &slot->var;
	const char *near = NULL;
	char expected[ERR_MESSAGE_MAX / 2];

	strncpy(expected, err->message, sizeof(expected) - 1);
	expected[sizeof(expected) - 1] = '\0';
	if (var->secret)
		return err_set(err, ERR_CONFIG, "%s (%s; the value is secret)", expected,
			env_origin_name(var->origin));
	if (slot->decl->type == PLAN_TYPE_ENUM)
		near = str_nearest(var->value, slot->decl->choices);
	return err_set(err, ERR_CONFIG, "%s, not \"%.*s\"%s (%s)%s%s%s", expected,
		STR_ARGS(str_sub(var->value, 0, 100)), var->value.len > 100 ? "..." : "",
		env_origin_name(var->origin), near ? " (did you mean " : "", near ? near : "",
		near ? "?)" : "");
}

static int check(const struct env *env, const struct env_slot *slot, struct err *err)
{
	const struct plan_var *decl = slot->decl;

	if (decl->required && (!env_slot_is_set(slot) || slot->var.value.len == 0))
		return refuse_missing(env, slot, err);
	if (env_slot_is_set(slot) && env_type_check(decl, slot->var.value, err))
		return refuse_type(slot, err);
	return 0;
}

static void clear(struct env_slot *slot)
{
	slot->var.origin = ENV_UNSET;
	slot->var.value = STR("");
}

/* One that a runtime splits is checked even where nothing is added to it. */
static bool is_option_variable(const struct plan_var *decl)
{
	return decl->append.count > 0 || decl->fold.count > 0 ||
	       options_syntax_of(str_from(decl->name)) != OPTIONS_PLAIN;
}

static int compose_var(struct env *env, struct env_slot *slot, struct err *err)
{
	const struct plan_var *decl = slot->decl;

	if (decl->secret && take_secret_file(env, slot, err))
		return -1;
	if (decl->unset) {
		clear(slot);
		return 0;
	}
	if (decl->value.text && take_text(env, slot, &decl->value, ENV_VALUE, err))
		return -1;
	if (!slot->failed && !env_slot_is_set(slot) && decl->default_value.text &&
		take_text(env, slot, &decl->default_value, ENV_DEFAULT, err))
		return -1;
	if (!slot->failed && !env_slot_is_set(slot) && take_builtin(env, slot, err))
		return -1;
	if (!slot->failed && is_option_variable(decl) && env_options_compose(env, slot, err))
		return -1;
	return slot->failed ? 0 : check(env, slot, err);
}

/* With the variable's name before it, and its place where it has none. */
static void report(const struct plan_var *decl, struct err *err, struct err_list *errors)
{
	err_wrap(err, "%s", decl->name);
	/* It may be written there, as a default. */
	if (decl->secret)
		err_hide_source(err);
	if (err->file[0] == '\0' && decl->place.file)
		err_set_at(err, err->code, decl->place.file, decl->place.line, decl->place.column,
			"%s", err->message);
	(void)err_list_put(errors, err);
}

static int compose_declared(struct env *env, struct err_list *errors)
{
	int rc = 0;

	for (size_t i = 0; i < env->plan->var_count; i++) {
		const struct plan_var *decl = &env->plan->vars[i];
		struct env_slot *slot = env_table_find(env, str_from(decl->name));
		struct err err;

		env->known = i;
		err_clear(&err);
		if (compose_var(env, slot, &err)) {
			slot->failed = true;
			report(decl, &err, errors);
			rc = -1;
		}
	}
	env->known = ENV_TABLE_ALL;
	for (size_t i = 0; i < env->count; i++) {
		struct env_slot *slot = &env->slots[i];

		slot->var.exported = env_slot_is_set(slot) && !slot->withheld;
		if (!env_slot_is_set(slot) && slot->decl)
			slot->var.place = slot->decl->place;
	}
	return rc;
}

static size_t count_strings(char *const *strings)
{
	size_t count = 0;

	while (strings[count])
		count++;
	return count;
}

int env_compose(
	const struct plan *plan, char *const *environ, struct env **env, struct err_list *errors)
{
	struct env *new = arena_alloc(plan->arena, sizeof(*new));
	struct err err;
	int rc = 0;

	*env = new;
	if (!new)
		return err_nomem(err_list_add(errors));
	if (env_table_init(new, plan, count_strings(environ) + plan->var_count, &err) ||
		add_given(new, environ, &err) || add_declared(new, &err))
		return err_list_put(errors, &err);
	new->known = 0;
	for (size_t i = 0; i < plan->env_files.count; i++)
		rc |= env_file_load(new, &plan->env_files.items[i], errors);
	return compose_declared(new, errors) | rc;
}

const struct env_var *env_find(const struct env *env, struct str name)
{
	const struct env_slot *slot = env_table_find(env, name);

	if (env_slot_is_set(slot) && !env_builtin_is_forced(env, name))
		return &slot->var;
	return env_builtin_find(env, name);
}

const struct env_var *env_at(const struct env *env, size_t index)
{
	return index < env->count ? &env->slots[index].var : NULL;
}

int env_export(const struct env *env, const struct plan_list *pass, char ***envp, struct err *err)
{
	char **list = arena_array(env->arena, env->count + 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return err_nomem(err);
	for (size_t i = 0; i < env->count; i++) {
		const struct env_slot *slot = &env->slots[i];

		if (slot->var.exported && env_passes(&slot->var, pass))
			list[count++] = slot->entry;
	}
	*envp = list;
	return 0;
}
