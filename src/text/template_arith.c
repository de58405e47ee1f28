#include <string.h>

#include "base/format.h"
#include "text/arith.h"
#include "text/template_engine.h"

struct arith_names {
	struct engine *engine;
	unsigned count;
	bool all_selected;
	bool unset; /* the last one asked for that had no value */
	bool secret;
};

static void note_name(void *arg, struct str name)
{
	struct arith_names *names = arg;

	names->count++;
	names->all_selected = names->all_selected && engine_selected(names->engine, name);
}

static int arith_value(
	void *arg, struct str name, struct str fallback, int64_t *out, struct err *err)
{
	struct arith_names *names = arg;
	struct engine *e = names->engine;
	struct template_value value;
	bool set = engine_lookup(e, name, &value);
	int shown = name.len < ENGINE_NAME_MAX ? (int)name.len : ENGINE_NAME_MAX;

	if ((!set || value.text.len == 0) && fallback.len != 0) {
		value = (struct template_value){fallback, false};
		set = true;
	}
	if (!set || value.text.len == 0) {
		*out = 0;
		if (e->run->options->undefined == TEMPLATE_EMPTY)
			return 0;
		names->unset = !set;
		return err_set(err, ERR_CONFIG, "%.*s is %s: give it a value or a default (:-)",
			shown, name.data, set ? "empty" : "not set");
	}
	names->secret |= value.secret;
	names->unset = false;
	if (arith_constant(value.text, out) == 0)
		return 0;
	return err_set(err, ERR_CONFIG, "the value of %.*s is not an integer of 64 bits%s", shown,
		name.data, value.text.data[0] == '0' ? " (a leading 0 makes it octal)" : "");
}

/* All its names are selected; without a name, an expression that is none is text. */
bool engine_arith_counts(struct engine *e, const struct construct *c)
{
	struct arith_names names = {.engine = e, .all_selected = true};
	int64_t number;
	size_t where;

	arith_scan(str_sub(e->text, 0, c->end), c->start + 3, note_name, &names);
	return names.all_selected &&
	       (names.count > 0 || arith_eval(c->body, NULL, &number, &where, NULL) == 0);
}

int engine_arith(struct engine *e, const struct construct *c, struct err *err)
{
	struct arith_names names = {.engine = e};
	struct arith_scope scope = {&names, arith_value};
	char digits[24];
	int64_t number = 0;
	size_t where = 0;
	int len;

	e->pos = c->end;
	/* Its form alone first: a name that is not set must not hide that it is wrong. */
	if (arith_eval(c->body, NULL, &number, &where, err) < 0)
		return engine_fail_at(e, c->start + 3 + where, err);
	if (e->live && arith_eval(c->body, &scope, &number, &where, err) < 0) {
		/* A name's own failure is the last that was asked for; an operator's is another. */
		if (!names.unset || strchr("+-*/%<>", c->body.data[where]) != NULL ||
			e->run->options->undefined != TEMPLATE_KEEP)
			return engine_fail_at(e, c->start + 3 + where, err);
		err_clear(err);
		engine_tell(e, e->run->tell_unset, c->start, c->end);
		return 0;
	}
	e->from = c->end;
	if (!e->live)
		return 0;
	e->run->used_secret |= names.secret;
	len = format_text(digits, sizeof(digits), "%lld", (long long)number);
	return engine_put_copy(e, (struct str){digits, (size_t)len}, err);
}
