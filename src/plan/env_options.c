#include <string.h>

#include "base/log.h"
#include "plan/env_table.h"
#include "plan/options.h"
#include "text/words.h"

/* What Java 8 reads of JAVA_TOOL_OPTIONS and _JAVA_OPTIONS. */
enum { JAVA8_BYTES = 1024, JAVA8_OPTIONS = 64 };

/* Words of the variable that came from one place, to be named when one of them is refused. */
struct source {
	size_t end; /* words of this and of the sources before it */
	const char *name;
	struct plan_place place; /* file NULL: the declaration's */
};

struct composition {
	struct env *env;
	struct env_slot *slot;
	enum options_syntax syntax;
	struct buf out;
	struct source *sources;
	size_t count;
	size_t words;
};

static void add_source(struct composition *c, const char *name, struct plan_place place)
{
	c->sources[c->count++] = (struct source){.end = c->words, .name = name, .place = place};
}

static int take_given(struct composition *c, struct err *err)
{
	const struct env_var *var = &c->slot->var;
	char **list;
	size_t count;

	if (!env_slot_is_set(c->slot))
		return 0;
	if (options_split(c->syntax, c->env->arena, var->value, &list, &count, err))
		return err_wrap(err, "%s", env_origin_name(var->origin));
	c->words += count;
	if (buf_append_str(&c->out, var->value))
		return err_nomem(err);
	add_source(c, env_origin_name(var->origin), (struct plan_place){0});
	return 0;
}

static int take_folded(struct composition *c, const struct plan_text *name, struct err *err)
{
	const struct env_slot *slot = env_table_find(c->env, str_from(name->text));
	char **words;
	size_t count;

	if (slot && slot->decl && slot->position >= c->env->known)
		return err_set_at(err, ERR_CONFIG, name->place.file, name->place.line,
			name->place.column,
			"%s is declared further down (line %u): fold can use only what stands "
			"above it",
			name->text, slot->decl->place.line);
	if (slot && slot->failed) {
		c->slot->failed = true;
		return 0;
	}
	if (!env_slot_is_set(slot))
		return 0;
	if (words_split(c->env->arena, slot->var.value, &words, &count, err)) {
		err->column = 0;
		return err_wrap(err, "%s", name->text);
	}
	c->slot->var.secret = c->slot->var.secret || slot->var.secret;
	for (size_t i = 0; i < count; i++) {
		if (options_append(c->syntax, str_from(words[i]), &c->out, err))
			return err_wrap(err, "%s", name->text);
	}
	c->words += count;
	add_source(c, name->text, name->place);
	return 0;
}

static int take_appended(struct composition *c, const struct plan_text *text, struct err *err)
{
	bool poisoned = false;
	const char *option;

	if (env_expand_text(c->env, text, NULL, &option, &c->slot->var.secret, &poisoned, err))
		return -1;
	if (poisoned) {
		c->slot->failed = true;
		return 0;
	}
	/* ${DEBUG:+-agentlib:jdwp=...} */
	if (option[0] == '\0' && text->text[0] != '\0')
		return 0;
	if (options_append(c->syntax, str_from(option), &c->out, err))
		return err_set_at(err, ERR_CONFIG, text->place.file, text->place.line,
			text->place.column, "append: %s", err->message);
	c->words++;
	add_source(c, "append", text->place);
	return 0;
}

static int check(struct composition *c, struct err *err)
{
	struct str name = c->slot->var.name;
	struct source *source = c->sources;
	size_t where = 0;
	size_t count;
	char **list;

	if (options_split(c->syntax, c->env->arena, buf_str(&c->out), &list, &count, err))
		return -1;
	if (c->syntax == OPTIONS_JVM && (c->out.len >= JAVA8_BYTES || count > JAVA8_OPTIONS))
		log_debug("%.*s: %zu bytes in %zu options; Java 8 reads the first %d and %d",
			STR_ARGS(name), c->out.len, count, JAVA8_BYTES - 1, JAVA8_OPTIONS);
	if (options_check(name, list, count, &where, err) == 0)
		return 0;
	while (where >= source->end)
		source++;
	err_wrap(err, "%s", source->name);
	if (source->place.file)
		err_set_at(err, ERR_CONFIG, source->place.file, source->place.line,
			source->place.column, "%s", err->message);
	return -1;
}

/* "container + JVM_OPTS + append" */
static const char *describe(const struct composition *c)
{
	struct buf text;
	const char *result;

	buf_init(&text, ENV_STRING_MAX);
	for (size_t i = 0; i < c->count; i++) {
		/* Each entry of append is a source of its own. */
		if (i > 0 && strcmp(c->sources[i].name, c->sources[i - 1].name) == 0)
			continue;
		buf_appendf(&text, "%s%s", text.len ? " + " : "", c->sources[i].name);
	}
	result = arena_strndup(c->env->arena, buf_str(&text));
	buf_fini(&text);
	return result;
}

static int compose(struct composition *c, struct err *err)
{
	const struct plan_var *decl = c->slot->decl;
	size_t given;

	if (take_given(c, err))
		return -1;
	given = c->words;
	for (size_t i = 0; i < decl->fold.count; i++) {
		if (take_folded(c, &decl->fold.items[i], err))
			return -1;
	}
	for (size_t i = 0; i < decl->append.count; i++) {
		if (take_appended(c, &decl->append.items[i], err))
			return -1;
	}
	if (c->slot->failed || c->count == 0)
		return 0;
	if (check(c, err))
		return -1;
	if (c->words == given)
		return 0;
	if (env_table_set(c->env, c->slot, buf_str(&c->out), ENV_COMPOSED, err))
		return -1;
	c->slot->var.place = decl->place;
	c->slot->var.source = describe(c);
	if (c->slot->var.secret && (c->syntax == OPTIONS_JVM || c->syntax == OPTIONS_JDK))
		log_warn(
			"%.*s holds a secret, and Java writes this variable to standard error when "
			"it starts: let the program read the secret's own variable or file",
			STR_ARGS(c->slot->var.name));
	return 0;
}

int env_options_compose(struct env *env, struct env_slot *slot, struct err *err)
{
	const struct plan_var *decl = slot->decl;
	struct composition c = {
		.env = env, .slot = slot, .syntax = options_syntax_of(slot->var.name)};
	int rc;

	c.sources = arena_array(
		env->arena, decl->fold.count + decl->append.count + 1, sizeof(*c.sources));
	if (!c.sources)
		return err_nomem(err);
	buf_init(&c.out, ENV_STRING_MAX - 2 - slot->var.name.len);
	rc = compose(&c, err);
	buf_fini(&c.out);
	return rc;
}
