#include "cmd/explain.h"

#include <stdlib.h>
#include <string.h>

#include "plan/machine.h"

enum {
	TEXT_MAX = 16 << 20,
	VALUE_SHOWN = 200,
	KEPT_SHOWN = 20,
	NEAR_NAMES = 1024,
};

struct explain {
	const struct load *load;
	struct buf text;
	struct buf kept; /* of the set being told of */
	unsigned kept_count;
	bool ordered; /* the order of start has been told */
	struct render_observer observer;
};

/* On one line, whatever it holds. */
static void append_printable(struct buf *out, struct str rest)
{
	size_t len;

	while (rest.len > 0) {
		len = str_printable(rest);
		if (len > 0)
			(void)buf_append_str(out, str_sub(rest, 0, len));
		else
			(void)buf_appendf(out, "\\x%02x", (unsigned char)rest.data[0]);
		rest = str_sub(rest, len > 0 ? len : 1, rest.len);
	}
}

void explain_value(struct buf *out, struct str value)
{
	append_printable(out, str_sub(value, 0, VALUE_SHOWN));
	if (value.len > VALUE_SHOWN)
		(void)buf_appendf(out, "... (%zu bytes)", value.len);
}

void explain_word(struct buf *out, const char *word)
{
	bool plain = *word != '\0' && strpbrk(word, " \t\n\"'\\$`*?[;&|<>(){}#~") == NULL;

	if (!plain)
		(void)buf_append_char(out, '\'');
	explain_value(out, str_from(word));
	if (!plain)
		(void)buf_append_char(out, '\'');
}

static void append_place(struct buf *out, const struct plan_place *place)
{
	if (place->file != NULL)
		(void)buf_appendf(out, ", %s:%u", place->file, place->line);
}

/* ---- the environment ---- */

static void tell_variable(struct explain *explain, const struct env_var *var)
{
	struct buf *out = &explain->text;

	(void)buf_append_cstr(out, "  ");
	explain_value(out, var->name);
	if (var->origin != ENV_UNSET) {
		(void)buf_append_char(out, '=');
		if (var->secret)
			(void)buf_append_cstr(out, ENV_MASK);
		else
			explain_value(out, var->value);
	}
	(void)buf_appendf(out, "    (%s", env_origin_name(var->origin));
	append_place(out, &var->place);
	if (var->source != NULL)
		(void)buf_appendf(out, ", %s", var->source);
	if (var->secret)
		(void)buf_append_cstr(out, ", secret");
	(void)buf_append_cstr(out, ")\n");
}

static void tell_environment(struct explain *explain)
{
	const struct env_var *var;
	size_t passed = 0;
	size_t told = 0;
	size_t i;

	(void)buf_append_cstr(&explain->text, "\nEnvironment:\n");
	for (i = 0; (var = env_at(explain->load->env, i)) != NULL; i++) {
		if (var->origin == ENV_BUILTIN)
			continue;
		if (!var->declared && var->origin == ENV_GIVEN) {
			passed++;
			continue;
		}
		tell_variable(explain, var);
		told++;
	}
	(void)buf_appendf(&explain->text, "  %s%zu variable%s as the container was given %s\n",
		told == 0 ? "" : "and ", passed, passed == 1 ? "" : "s",
		passed == 1 ? "it" : "them");
}

static void tell_machine(struct explain *explain)
{
	struct machine machine;
	struct err err;

	if (machine_read(explain->load->arena, "", &machine, &err) < 0)
		return;
	(void)buf_appendf(&explain->text,
		"\nThe container may use:\n"
		"  HUSK_CPUS=%u    (%s)\n"
		"  HUSK_MEMORY_MIB=%llu    (%s)\n",
		machine.cpus, machine.cpus_from, (unsigned long long)(machine.memory >> 20),
		machine.memory_from);
}

void explain_begin(struct explain *explain)
{
	const struct plan *plan = &explain->load->plan;

	(void)buf_appendf(&explain->text, "Configuration: %s\n",
		plan->file == NULL ? "none (no -c, no HUSK_CONFIG, no " CONFIG_PATH ")"
				   : plan->file);
	tell_environment(explain);
	tell_machine(explain);
}

/* ---- template sets ---- */

/* What the set before kept, and then nothing of it is left. */
static void end_set(struct explain *explain)
{
	struct buf *out = &explain->text;

	if (explain->kept_count > 0) {
		(void)buf_append_cstr(out, "  kept as text:\n");
		(void)buf_append_str(out, buf_str(&explain->kept));
	}
	if (explain->kept_count > KEPT_SHOWN)
		(void)buf_appendf(out, "    and %u more\n", explain->kept_count - KEPT_SHOWN);
	buf_reset(&explain->kept);
	explain->kept_count = 0;
}

static void on_set(
	void *arg, const struct plan_templates *set, const char *from, const char *to, size_t files)
{
	struct explain *explain = arg;
	struct buf *out = &explain->text;
	size_t i;

	end_set(explain);
	(void)buf_append_cstr(out, "\nTemplates: ");
	append_printable(out, str_from(from));
	(void)buf_append_cstr(out, " -> ");
	append_printable(out, str_from(to));
	(void)buf_appendf(out, ", %zu file%s\n", files, files == 1 ? "" : "s");
	if (set->owner.text != NULL)
		(void)buf_appendf(out, "  given to %s\n", set->owner.text);
	if (set->check.count == 0)
		return;
	(void)buf_append_cstr(out, "  published as a whole, after this check passes:\n   ");
	for (i = 0; i < set->check.count; i++) {
		(void)buf_append_char(out, ' ');
		explain_word(out, set->check.items[i].text);
	}
	(void)buf_append_char(out, '\n');
}

static void on_file(
	void *arg, const char *source, const char *target, mode_t mode, bool rendered, bool secret)
{
	struct explain *explain = arg;

	(void)source;
	(void)buf_append_cstr(&explain->text, "  ");
	append_printable(&explain->text, str_from(target));
	(void)buf_appendf(&explain->text, "    %04o, %s%s\n", (unsigned)mode,
		rendered ? "rendered" : "copied", secret ? ", holds a secret" : "");
}

/* The name in "${NAME:-x}", "$NAME" ... */
static struct str name_in(struct str text)
{
	size_t start = 0;
	size_t len;

	while (start < text.len && !str_is_name(str_sub(text, start, 1)))
		start++;
	for (len = 0; start + len < text.len; len++)
		if (!str_is_name(str_sub(text, start, len + 1)))
			break;
	return str_sub(text, start, len);
}

/* A name that is set, or declared, and nearly the one that was written. */
static const char *near_name(const struct explain *explain, struct str name)
{
	static const size_t most = NEAR_NAMES - 1;
	const char *names[NEAR_NAMES];
	const struct env_var *var;
	size_t count = 0;
	size_t i;

	if (name.len < 3)
		return NULL;
	for (i = 0; count < most && (var = env_at(explain->load->env, i)) != NULL; i++) {
		if (str_eq(var->name, name))
			return NULL;
		/* Only where it can be used as a C string. */
		if (var->declared || var->origin == ENV_BUILTIN)
			names[count++] = arena_strndup(explain->load->arena, var->name);
		if (count > 0 && names[count - 1] == NULL)
			return NULL;
	}
	names[count] = NULL;
	return str_nearest(name, names);
}

static void on_kept(void *arg, const char *file, unsigned line, unsigned column, struct str text)
{
	struct explain *explain = arg;
	struct buf *out = &explain->kept;
	const struct env_var *var;
	const char *near;

	if (++explain->kept_count > KEPT_SHOWN)
		return;
	(void)buf_append_cstr(out, "    ");
	append_printable(out, str_from(file));
	(void)buf_appendf(out, ":%u:%u: ", line, column);
	explain_value(out, text);
	var = env_find(explain->load->env, name_in(text));
	near = near_name(explain, name_in(text));
	if (var != NULL && var->origin != ENV_UNSET)
		(void)buf_append_cstr(out, " (set, and not selected: see `only`)");
	else if (near != NULL)
		(void)buf_appendf(out, " (not set: did you mean %s?)", near);
	else
		(void)buf_append_cstr(out, " (not set)");
	(void)buf_append_char(out, '\n');
}

void explain_service(struct explain *explain, const struct plan_service *service, char *const *argv)
{
	end_set(explain);
	if (!explain->ordered)
		explain_order(&explain->load->plan, &explain->text);
	explain->ordered = true;
	explain_one(explain->load, service, argv, &explain->text);
}

void explain_end(struct explain *explain, const struct err_list *warnings)
{
	char text[ERR_FILE_MAX + ERR_MESSAGE_MAX + ERR_SOURCE_MAX];
	unsigned i;

	end_set(explain);
	if (warnings->count > 0)
		(void)buf_append_cstr(&explain->text, "\nWarnings:\n");
	for (i = 0; i < warnings->count; i++) {
		(void)err_format(&warnings->errs[i], text, sizeof(text));
		(void)buf_appendf(&explain->text, "  %s\n", text);
	}
}

struct explain *explain_new(const struct load *load)
{
	struct explain *explain = calloc(1, sizeof(*explain));

	if (explain == NULL)
		return NULL;
	explain->load = load;
	buf_init(&explain->text, TEXT_MAX);
	buf_init(&explain->kept, TEXT_MAX);
	explain->observer = (struct render_observer){
		.arg = explain, .set = on_set, .file = on_file, .kept = on_kept};
	return explain;
}

void explain_free(struct explain *explain)
{
	if (explain == NULL)
		return;
	buf_fini(&explain->text);
	buf_fini(&explain->kept);
	free(explain);
}

const struct render_observer *explain_observer(struct explain *explain)
{
	return &explain->observer;
}

const struct buf *explain_text(const struct explain *explain)
{
	return &explain->text;
}
