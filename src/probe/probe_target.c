#include <string.h>

#include "probe/address.h"
#include "probe/probe.h"
#include "text/filter.h"

enum { STATUS_LEAST = 100, STATUS_MOST = 999 };

/* The beginning of each form tells it from the others. */
static const struct form {
	enum probe_kind kind;
	size_t prefix;
	const char *text;
} forms[] = {
	{PROBE_TCP, 6, "tcp://HOST:PORT"},
	{PROBE_HTTP, 7, "http://HOST[:PORT][/PATH]"},
	{PROBE_UNIX, 5, "unix:PATH"},
	{PROBE_FCGI, 7, "fcgi://HOST:PORT/SCRIPT"},
	{PROBE_FCGI_UNIX, 10, "fcgi+unix:PATH:/SCRIPT"},
	{PROBE_FILE, 5, "file:PATH"},
};
enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

struct parser {
	struct probe_target *target;
	const struct form *form;
	const char *given;
	size_t len; /* of the target's text */
	struct err *err;
};

static int refuse(const struct parser *parser, const char *what)
{
	return err_set(
		parser->err, ERR_USAGE, "\"%s\": %s (%s)", parser->given, what, parser->form->text);
}

/* A copy that ends in NUL. The parts together may be longer than the target is. */
static int keep(struct parser *parser, struct str part, const char **kept)
{
	char *out = parser->target->text + parser->len;

	if (part.len >= sizeof(parser->target->text) - parser->len)
		return refuse(parser, "it is too long");
	memcpy(out, part.data, part.len);
	out[part.len] = '\0';
	parser->len += part.len + 1;
	*kept = out;
	return 0;
}

static int keep_path(struct parser *parser, struct str path)
{
	if (path.len == 0 || (path.len == 1 && path.data[0] == '@'))
		return refuse(parser, "the path is missing");
	if (parser->form->kind != PROBE_FILE && path.len > ADDRESS_PATH_MAX)
		return refuse(parser, "the path is longer than a socket's can be");
	return keep(parser, path, &parser->target->path);
}

/* What would not reach the server as it stands here. */
static int keep_uri(struct parser *parser, struct str uri)
{
	for (size_t i = 0; i < uri.len; i++) {
		unsigned char c = (unsigned char)uri.data[i];

		if (c <= ' ' || c == 0x7f || c == '#')
			return refuse(parser, "no blank, control character or # can be asked for");
	}
	return keep(parser, uri, &parser->target->uri);
}

static int keep_host(struct parser *parser, struct str host, bool in_brackets)
{
	struct address address;
	struct buf out;
	bool fits, no_memory = false;

	if (in_brackets) {
		fits = memchr(host.data, ':', host.len) != NULL &&
		       address_parse(host, 0, &address) == 0;
	} else {
		buf_init(&out, PROBE_TARGET_MAX);
		fits = memchr(host.data, ':', host.len) == NULL &&
		       filter_apply(FILTER_HOST, host, &out, NULL) == 0;
		no_memory = out.failed;
		buf_fini(&out);
	}
	if (no_memory)
		return err_nomem(parser->err);
	if (!fits)
		return refuse(parser, "the host is no name, IPv4 address or [IPv6 address]");
	return keep(parser, host, &parser->target->host);
}

static int keep_port(struct parser *parser, struct str port)
{
	uint64_t number;

	if (port.len == 0 && parser->form->kind == PROBE_HTTP)
		port = STR("80");
	if (port.len == 0)
		return refuse(parser, "the port is missing");
	if (port.len > 5 || str_to_uint64(port, &number) < 0 || number == 0 || number > UINT16_MAX)
		return refuse(parser, "the port is not 1 to 65535");
	return keep(parser, port, &parser->target->port);
}

/* HOST[:PORT] */
static int parse_authority(struct parser *parser, struct str text)
{
	bool in_brackets = text.len > 0 && text.data[0] == '[';
	const char *end =
		in_brackets ? memchr(text.data, ']', text.len) : memrchr(text.data, ':', text.len);
	size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
	struct str host = in_brackets ? str_sub(text, 1, len - 1) : str_sub(text, 0, len);
	struct str rest = str_sub(text, len + in_brackets, text.len);

	if (in_brackets && end == NULL)
		return refuse(parser, "a bracket is missing");
	if (keep_host(parser, host, in_brackets) < 0)
		return -1;
	if (rest.len == 1 || (rest.len > 1 && rest.data[0] != ':'))
		return refuse(parser, "the port is missing behind the host");
	if (keep_port(parser, str_sub(rest, 1, rest.len)) < 0)
		return -1;
	return parser->form->kind == PROBE_HTTP ? keep(parser, text, &parser->target->authority)
						: 0;
}

/* HOST[:PORT][/URI] */
static int parse_url(struct parser *parser, struct str rest)
{
	const char *slash = memchr(rest.data, '/', rest.len);
	size_t len = slash != NULL ? (size_t)(slash - rest.data) : rest.len;
	struct str uri = str_sub(rest, len, rest.len);

	if (parse_authority(parser, str_sub(rest, 0, len)) < 0)
		return -1;
	switch (parser->form->kind) {
	case PROBE_TCP:
		return uri.len == 0 ? 0 : refuse(parser, "a port has no path");
	case PROBE_HTTP:
		return keep_uri(parser, uri.len == 0 ? STR("/") : uri);
	case PROBE_FCGI:
		return uri.len == 0 ? refuse(parser, "the script is missing")
				    : keep_uri(parser, uri);
	case PROBE_UNIX:
	case PROBE_FCGI_UNIX:
	case PROBE_FILE:
		break;
	}
	return -1;
}

static int parse_fcgi_unix(struct parser *parser, struct str rest)
{
	const char *colon = memmem(rest.data, rest.len, ":/", 2);
	size_t len = colon != NULL ? (size_t)(colon - rest.data) : rest.len;

	if (colon == NULL)
		return refuse(parser, "the script is missing");
	if (keep_path(parser, str_sub(rest, 0, len)) < 0)
		return -1;
	return keep_uri(parser, str_sub(rest, len + 1, rest.len));
}

static int parse_rest(struct parser *parser, struct str rest)
{
	parser->target->kind = parser->form->kind;
	switch (parser->form->kind) {
	case PROBE_TCP:
	case PROBE_HTTP:
	case PROBE_FCGI:
		return parse_url(parser, rest);
	case PROBE_UNIX:
	case PROBE_FILE:
		return keep_path(parser, rest);
	case PROBE_FCGI_UNIX:
		return parse_fcgi_unix(parser, rest);
	}
	return -1;
}

static int refuse_form(const char *text, struct err *err)
{
	const char *known[FORMS + 1] = {NULL};

	if (strncmp(text, "https:", 6) == 0)
		return err_set(err, ERR_USAGE,
			"\"%s\": husk does not speak TLS; tcp:// tells whether the port answers, "
			"and many servers have a plain port for http:// probes",
			text);
	for (size_t i = 0; i < FORMS; i++)
		known[i] = forms[i].text;
	(void)err_set(err, ERR_USAGE, "\"%s\" is no target", text);
	return err_suggest(err, str_from(text), known);
}

int probe_parse(const char *text, struct probe_target *target, struct err *err)
{
	struct parser parser = {.target = target, .given = text, .err = err};

	*target = (struct probe_target){.kind = PROBE_FILE};
	for (size_t i = 0; i < FORMS; i++) {
		parser.form = &forms[i];
		if (strncmp(text, parser.form->text, parser.form->prefix) == 0)
			return parse_rest(&parser, str_from(text + parser.form->prefix));
	}
	return refuse_form(text, err);
}

static int parse_status(struct str text, unsigned *status)
{
	uint64_t number;

	if (text.len != 3 || str_to_uint64(text, &number) < 0 || number < STATUS_LEAST)
		return -1;
	*status = (unsigned)number;
	return 0;
}

static int parse_range(struct str text, struct probe_range *range)
{
	struct str least = str_sub(text, 0, 3);
	struct str rest = str_sub(text, 3, text.len);

	if (parse_status(least, &range->least) < 0)
		return -1;
	range->most = range->least;
	if (rest.len == 0)
		return 0;
	return rest.data[0] == '-' && parse_status(str_sub(rest, 1, rest.len), &range->most) == 0 &&
			       range->least <= range->most
		       ? 0
		       : -1;
}

int probe_parse_expect(const char *text, struct probe_expect *expect, struct err *err)
{
	*expect = (struct probe_expect){.count = 0};
	for (const char *part = text;; part++) {
		size_t len = strcspn(part, ",");

		if (expect->count == PROBE_RANGES_MAX)
			return err_set(err, ERR_USAGE, "more than %d statuses and ranges: %s",
				PROBE_RANGES_MAX, text);
		if (parse_range((struct str){part, len}, &expect->ranges[expect->count++]) < 0)
			return err_set(err, ERR_USAGE,
				"\"%s\" is no status, range or list: 200, 200-399, 200,301-308",
				text);
		part += len;
		if (*part == '\0')
			return 0;
	}
}
