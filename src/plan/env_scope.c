#include <string.h>

#include "plan/env_table.h"

struct scope {
	const struct env *env;
	const struct plan_list *only;
	/* A text of `env` besides: */
	const struct env_slot *self;
	const struct env_slot *later; /* it names this one, which is declared below */
	bool poisoned;
};

static bool matches(const struct plan_list *patterns, struct str name)
{
	for (size_t i = 0; i < patterns->count; i++) {
		if (str_glob(str_from(patterns->items[i].text), name))
			return true;
	}
	return false;
}

static bool has_lower_case(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] >= 'a' && name.data[i] <= 'z')
			return true;
	}
	return false;
}

static bool select_by_default(void *arg, struct str name)
{
	const struct scope *scope = arg;
	const struct env_slot *slot;

	if (!has_lower_case(name))
		return true;
	slot = env_table_find(scope->env, name);
	return slot && slot->decl;
}

static bool select_listed(void *arg, struct str name)
{
	const struct scope *scope = arg;

	return matches(scope->only, name);
}

static bool select_all(void *arg, struct str name)
{
	(void)arg;
	(void)name;
	return true;
}

static bool lookup(void *arg, struct str name, struct template_value *value)
{
	const struct scope *scope = arg;
	const struct env_var *var = env_find(scope->env, name);

	if (!var)
		return false;
	*value = (struct template_value){var->value, var->secret};
	return true;
}

static bool lookup_text(void *arg, struct str name, struct template_value *value)
{
	struct scope *scope = arg;
	const struct env_slot *slot = env_table_find(scope->env, name);

	if (slot && slot != scope->self && slot->decl && slot->position >= scope->env->known) {
		scope->later = slot;
		return false;
	}
	if (slot && slot->failed) {
		scope->poisoned = true;
		*value = (struct template_value){STR(""), true};
		return true;
	}
	return lookup(arg, name, value);
}

bool env_passes(const struct env_var *var, const struct plan_list *pass)
{
	return !pass || !pass->given || matches(pass, var->name);
}

int env_scope(const struct env *env, const struct plan_list *only, struct template_scope *scope,
	struct err *err)
{
	struct scope *arg = arena_alloc(env->arena, sizeof(*arg));

	if (!arg)
		return err_nomem(err);
	*arg = (struct scope){.env = env, .only = only};
	*scope = (struct template_scope){.arg = arg,
		.selected = only && only->given ? select_listed : select_by_default,
		.lookup = lookup};
	return 0;
}

static int refuse_later(const struct scope *scope, const struct plan_text *text, struct err *err)
{
	const struct env_slot *later = scope->later;

	return err_set_at(err, ERR_CONFIG, text->place.file, text->place.line, text->place.column,
		"%.*s is declared further down (line %u): a text can use only what stands above it",
		STR_ARGS(later->var.name), later->decl->place.line);
}

int env_expand_text(const struct env *env, const struct plan_text *text,
	const struct env_slot *self, const char **out, bool *used_secret, bool *poisoned,
	struct err *err)
{
	struct scope arg = {.env = env, .self = self};
	struct template_scope scope = {.arg = &arg, .selected = select_all, .lookup = lookup_text};
	struct template_options options = {.file = text->place.file,
		.first_line = text->place.line,
		.first_column = text->place.column,
		.undefined = TEMPLATE_ERROR};
	struct buf buf;
	int rc;

	*out = text->text;
	if (!strchr(text->text, '$'))
		return 0;
	buf_init(&buf, ENV_STRING_MAX);
	rc = template_expand_text(
		env->arena, str_from(text->text), &options, &scope, &buf, used_secret, err);
	*poisoned = *poisoned || arg.poisoned;
	if (arg.later) {
		rc = refuse_later(&arg, text, err);
	} else if (rc == 0) {
		*out = arena_strndup(env->arena, buf_str(&buf));
		rc = *out ? 0 : err_nomem(err);
	} else if (!env_is_whole(env)) {
		rc = err_nomem(err);
	}
	buf_fini(&buf);
	return rc;
}

int env_expand(const struct env *env, const struct plan_text *text, const char **out,
	bool *used_secret, struct err *err)
{
	bool poisoned = false;
	bool secret = false;
	int rc = env_expand_text(env, text, NULL, out, &secret, &poisoned, err);

	if (secret && used_secret)
		*used_secret = true;
	return rc;
}

int env_expand_list(const struct env *env, const struct plan_list *list, char ***argv,
	bool *used_secret, struct err *err)
{
	char **items = arena_array(env->arena, list->count + 1, sizeof(*items));

	if (!items)
		return err_nomem(err);
	for (size_t i = 0; i < list->count; i++) {
		const char *text;

		if (env_expand(env, &list->items[i], &text, used_secret, err))
			return -1;
		/* argv is not const in execve's signature; nobody writes to it. */
		items[i] = arena_strdup(env->arena, text);
		if (!items[i])
			return err_nomem(err);
	}
	*argv = items;
	return 0;
}
