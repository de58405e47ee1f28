#include "text/yaml_source.h"

#include <string.h>

#include "base/format.h"
#include "text/yaml.h"

static size_t char_size(unsigned char lead)
{
	return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/*
 * The byte offset of a mark. Marks come in the text's order, so that the whole text is walked once
 * forward, and each line once back.
 */
size_t yaml_source_offset(struct yaml_source *source, const yaml_mark_t *mark, size_t *column)
{
	struct yaml_cursor *c = &source->cursor;

	if (source->ascii) {
		*column = mark->column + 1;
		return source->bom + mark->index < source->text.len ? source->bom + mark->index
								    : source->text.len;
	}
	if (c->bytes < source->bom || mark->index < c->chars)
		*c = (struct yaml_cursor){.bytes = source->bom, .line_start = source->bom};
	while (c->chars < mark->index && c->bytes < source->text.len) {
		c->bytes += char_size((unsigned char)source->text.data[c->bytes]);
		c->chars++;
	}
	if (c->bytes > source->text.len)
		c->bytes = source->text.len;
	if (mark->line != c->line) {
		c->line = mark->line;
		c->line_start = c->bytes;
		for (size_t n = mark->column; n > 0 && c->line_start > 0; n--) {
			do
				c->line_start--;
			while (c->line_start > 0 &&
				((unsigned char)source->text.data[c->line_start] & 0xc0) == 0x80);
		}
	}
	*column = c->bytes - c->line_start + 1;
	return c->bytes;
}

/* A place for an error, and a note that there was one. */
struct err *yaml_source_add(struct yaml_source *source)
{
	source->failed = true;
	return err_list_add(source->errors);
}

int yaml_source_error(struct yaml_source *source, const yaml_mark_t *mark, const char *message)
{
	size_t column;

	yaml_source_offset(source, mark, &column);
	return err_set_at(yaml_source_add(source), ERR_CONFIG, source->file,
		(unsigned)mark->line + 1, (unsigned)column, "%s", message);
}

/* The line shown by err_locate is taken off again: it may hold a secret. */
static int error_at_offset(struct yaml_source *source, size_t offset, const char *message)
{
	struct err *err = yaml_source_add(source);

	if (!err)
		return -1;
	err_set(err, ERR_CONFIG, "%s", message);
	err_locate(err, source->file, source->text, offset);
	err_hide_source(err);
	return -1;
}

int yaml_source_nomem(struct yaml_source *source)
{
	return err_nomem(yaml_source_add(source));
}

/*
 * What libyaml would read at length before the first event: its size, a flood of directives (each
 * is compared with all before it), UTF-16.
 */
static int check_text(struct yaml_source *source)
{
	const unsigned char *p = (const unsigned char *)source->text.data;
	size_t len = source->text.len;
	unsigned directives = 0;
	unsigned char seen = 0;
	bool line_start = true;

	if (len > YAML_SIZE_MAX)
		return error_at_offset(source, 0, "the file is larger than 16 MiB");
	if (len >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
		return error_at_offset(source, 0, "the file is UTF-16: save it as UTF-8");
	if (len >= 2 && (p[0] == 0 || p[1] == 0))
		return error_at_offset(
			source, 0, "the file is not text (UTF-16 or UTF-32?): save it as UTF-8");
	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		source->bom = 3;
	for (size_t i = source->bom; i < len; i++) {
		/* YAML 1.1 has more line breaks: NEL, LS and PS end in these bytes. */
		if (line_start && p[i] == '%' && ++directives > YAML_DIRECTIVES_MAX)
			return error_at_offset(source, i, "too many lines that begin with %");
		line_start = p[i] == '\n' || p[i] == '\r' || p[i] == 0x85 || p[i] == 0xa8 ||
			     p[i] == 0xa9;
		seen |= p[i];
	}
	source->ascii = seen < 0x80;
	return 0;
}

/* What most likely has to be done about libyaml's `problem`, or "". */
static const char *hint_for(const char *problem, const char *context, char found)
{
	static const struct {
		const char *problem;
		const char *hint;
	} hints[] = {
		{"did not find expected key", "; keys beside each other need the same indentation, "
					      "and nothing may follow "
					      "a closing quote"},
		{"did not find expected '-' indicator",
			"; the items of a list need the same indentation"},
		{"mapping values are not allowed",
			"; a text that holds \": \" needs quotes, and keys beside each other the "
			"same indentation"},
		{"could not find expected ':'", "; a key is missing, or its `:`"},
		{"cannot start any token", "; a text that begins with @ ` or % needs quotes"},
		{"unexpected end of stream", "; a quote is not closed"},
	};

	if ((found == '[' || found == '{') && str_search(context, "flow"))
		return "; within [] or {} a text that holds [ ] { } or , needs quotes";
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (str_search(problem, hints[i].problem))
			return hints[i].hint;
	return "";
}

static int error_syntax(struct yaml_source *source, const yaml_parser_t *parser)
{
	const char *problem = parser->problem ? parser->problem : "not YAML";
	const char *context = parser->context ? parser->context : "";
	char message[ERR_MESSAGE_MAX], where[200] = "";
	size_t column;
	size_t offset = yaml_source_offset(source, &parser->problem_mark, &column);
	char found = offset < source->text.len ? source->text.data[offset] : '\0';

	if (found == '\t')
		return yaml_source_error(source, &parser->problem_mark,
			"a tab where YAML wants indentation: use blanks");
	if (context[0])
		format_text(where, sizeof(where), " (%s in line %zu)", context,
			parser->context_mark.line + 1);
	format_text(message, sizeof(message), "%s%s%s", problem, where,
		hint_for(problem, context, found));
	return yaml_source_error(source, &parser->problem_mark, message);
}

int yaml_source_syntax(struct yaml_source *source, const yaml_parser_t *parser)
{
	char message[ERR_MESSAGE_MAX];

	switch (parser->error) {
	case YAML_READER_ERROR:
		if (parser->problem && str_search(parser->problem, "control"))
			format_text(message, sizeof(message),
				"the control character 0x%02x cannot stand in YAML",
				(unsigned)parser->problem_value);
		else
			format_text(message, sizeof(message), "not UTF-8 (%s)",
				parser->problem ? parser->problem : "input error");
		return error_at_offset(source, parser->problem_offset, message);
	case YAML_SCANNER_ERROR:
	case YAML_PARSER_ERROR:
		return error_syntax(source, parser);
	case YAML_NO_ERROR:
	case YAML_MEMORY_ERROR:
	case YAML_COMPOSER_ERROR:
	case YAML_WRITER_ERROR:
	case YAML_EMITTER_ERROR:
		break;
	}
	return yaml_source_nomem(source);
}

int yaml_source_init(
	struct yaml_source *source, const char *file, struct str text, struct err_list *errors)
{
	*source = (struct yaml_source){
		.file = file, .text = text.data ? text : STR(""), .errors = errors};
	return check_text(source);
}
