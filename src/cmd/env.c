#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/load.h"

enum {
	OUTPUT_MAX = 64 << 20,
	ORIGIN_COLUMN_MAX = 48,
};

enum { OPTION_CONFIG = 1, OPTION_JSON };
const struct opt cmd_env_options[] = {
	{OPTION_CONFIG, 'c', "config", "FILE", "the configuration"},
	{OPTION_JSON, 0, "json", NULL, "as JSON; the value of a secret is null"},
	{0},
};

struct request {
	const char *config;
	const char *service;
	bool json;
};

static int parse(char **argv, struct request *request, struct err *err)
{
	struct opt_parser parser;
	int id;

	opt_init(&parser, cmd_env_options, argv + 1);
	while ((id = opt_next(&parser, err)) > OPT_END) {
		if (id == OPTION_CONFIG)
			request->config = parser.value;
		else
			request->json = true;
	}
	if (id == OPT_ERROR)
		return -1;
	request->service = parser.argv[parser.index];
	if (request->service && parser.argv[parser.index + 1])
		return err_set(err, ERR_USAGE, "env takes one service at most");
	return 0;
}

/* `*pass` is NULL where no service was named: then all is shown. */
static int find_service(
	const struct load *load, const char *name, const struct plan_list **pass, struct err *err)
{
	const struct plan *plan = &load->plan;
	const char **names;

	*pass = NULL;
	if (!name)
		return 0;
	names = arena_array(load->arena, plan->service_count + 1, sizeof(*names));
	if (!names)
		return err_nomem(err);
	for (size_t i = 0; i < plan->service_count; i++) {
		names[i] = plan->services[i].name;
		if (strcmp(name, names[i]) == 0) {
			*pass = &plan->services[i].pass;
			return 0;
		}
	}
	if (plan->service_count == 0)
		return err_set(err, ERR_USAGE, "no service \"%s\": none is configured", name);
	(void)err_set(err, ERR_USAGE, "no service \"%s\"", name);
	return err_suggest(err, str_from(name), names);
}

/* "default (husk.yaml:6)", "secret file (/run/secrets/db)" */
static void append_origin(const struct env_var *var, struct buf *out)
{
	if (!var->exported && var->origin != ENV_UNSET)
		buf_append_cstr(out, "not passed on, ");
	buf_append_cstr(out, env_origin_name(var->origin));
	if (var->source)
		buf_appendf(out, " (%s)", var->source);
	else if (var->place.file)
		buf_appendf(out, " (%s:%u)", var->place.file, var->place.line);
}

static bool is_printable(struct str text)
{
	while (text.len > 0) {
		size_t len = str_printable(text);

		if (len == 0)
			return false;
		text = str_sub(text, len, text.len);
	}
	return true;
}

/* As it is where a terminal shows it so, else as bash's $'...', which can be read back. */
static void append_printable(struct str text, struct buf *out)
{
	static const char escapes[] = "\a\b\t\n\v\f\r\033\\'";
	static const char letters[] = "abtnvfre\\'";

	if (is_printable(text)) {
		buf_append_str(out, text);
		return;
	}
	buf_append_cstr(out, "$'");
	while (text.len > 0) {
		size_t len = str_printable(text);
		const char *found = memchr(escapes, text.data[0], sizeof(escapes) - 1);

		if (found)
			buf_appendf(out, "\\%c", letters[found - escapes]);
		else if (len == 0)
			buf_appendf(out, "\\x%02x", (unsigned)(unsigned char)text.data[0]);
		else
			buf_append_str(out, str_sub(text, 0, len));
		text = str_sub(text, found || len == 0 ? 1 : len, text.len);
	}
	buf_append_char(out, '\'');
}

static bool is_shown(const struct env_var *var, const struct plan_list *pass)
{
	return !pass || (var->exported && env_passes(var, pass));
}

static void append_text(const struct env *env, const struct plan_list *pass, struct buf *out)
{
	const struct env_var *var;
	size_t width = 0;
	struct buf origin;

	buf_init(&origin, OUTPUT_MAX);
	for (size_t i = 0; (var = env_at(env, i)); i++) {
		buf_reset(&origin);
		append_origin(var, &origin);
		if (is_shown(var, pass) && origin.len > width && origin.len <= ORIGIN_COLUMN_MAX)
			width = origin.len;
	}
	for (size_t i = 0; (var = env_at(env, i)); i++) {
		if (!is_shown(var, pass))
			continue;
		buf_reset(&origin);
		append_origin(var, &origin);
		size_t start = out->len;
		append_printable(buf_str(&origin), out);
		buf_append_char(out, ' ');
		do {
			buf_append_char(out, ' ');
		} while (out->len < start + width + 2 && !out->failed);
		append_printable(var->name, out);
		if (var->origin != ENV_UNSET) {
			buf_append_char(out, '=');
			append_printable(var->secret ? STR(ENV_MASK) : var->value, out);
		}
		buf_append_char(out, '\n');
	}
	out->failed = out->failed || origin.failed;
	buf_fini(&origin);
}

static void append_json(const struct env *env, const struct plan_list *pass, struct buf *out)
{
	const struct env_var *var;
	const char *separator = "[\n";

	for (size_t i = 0; (var = env_at(env, i)); i++) {
		if (!is_shown(var, pass))
			continue;
		buf_appendf(out, "%s{", separator);
		json_field("name", var->name, out);
		if (var->secret || var->origin == ENV_UNSET)
			buf_append_cstr(out, ",\"value\":null,");
		else {
			buf_append_char(out, ',');
			json_field("value", var->value, out);
			buf_append_char(out, ',');
		}
		json_field("origin", str_from(env_origin_name(var->origin)), out);
		if (var->source) {
			buf_append_char(out, ',');
			json_field("source", str_from(var->source), out);
		}
		if (var->place.file) {
			buf_append_char(out, ',');
			json_field("file", str_from(var->place.file), out);
			buf_appendf(out, ",\"line\":%u", var->place.line);
		}
		buf_appendf(out, ",\"secret\":%s,\"passed\":%s}", var->secret ? "true" : "false",
			var->exported ? "true" : "false");
		separator = ",\n";
	}
	buf_append_cstr(out, *separator == '[' ? "[]\n" : "\n]\n");
}

static int print(const struct load *load, const struct request *request)
{
	const struct plan_list *pass;
	struct buf text;
	struct err err;
	int status;

	if (find_service(load, request->service, &pass, &err))
		return cmd_fail(&err);
	buf_init(&text, OUTPUT_MAX);
	if (request->json)
		append_json(load->env, pass, &text);
	else
		append_text(load->env, pass, &text);
	status = cmd_print(&text);
	buf_fini(&text);
	return status;
}

int cmd_env(int argc, char **argv)
{
	struct err_list errors;
	struct request request = {0};
	struct load load = {0};
	struct err err;
	int status;

	(void)argc;
	if (log_configure(getenv("HUSK_LOG"), getenv("HUSK_LOG_FORMAT"), &err) ||
		parse(argv, &request, &err))
		return cmd_fail(&err);
	err_list_init(&errors);
	if (load_init(&load, request.config, &errors))
		status = cmd_fail_list(&errors);
	else
		status = print(&load, &request);
	load_fini(&load);
	return status;
}
