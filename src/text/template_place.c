#include <stdarg.h>
#include <string.h>

#include "base/format.h"

#include "text/template_engine.h"

/* `err` has its message: it gets its place. */
int engine_fail_at(const struct engine *e, size_t offset, struct err *err)
{
	const struct template_options *o = e->run->options;

	if (err == NULL)
		return -1;
	err_locate(err, o->file, e->text, offset);
	if (o->first_column > 1 && err->line == 1)
		err->column += o->first_column - 1;
	if (o->first_line > 1)
		err->line += o->first_line - 1;
	if (o->secret) {
		err_hide_source(err);
	}
	return -1;
}

int engine_fail(const struct engine *e, size_t offset, struct err *err, const char *format, ...)
{
	char message[ENGINE_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	format_list(message, sizeof(message), format, args);
	va_end(args);
	err_set(err, ERR_CONFIG, "%s", message);
	return engine_fail_at(e, offset, err);
}

/* What construct_read found wrong; "the closing" in it is said by its name. */
int engine_fail_wrong(const struct engine *e, const struct construct *c, struct err *err)
{
	static const char closing[] = "the closing";
	const char *split = str_search(c->wrong, closing);

	if (c->wrong_filter.len != 0) {
		(void)engine_fail(e, c->wrong_at, err, "unknown filter \"%.*s\"",
			ENGINE_SHOWN(c->wrong_filter));
		return err_suggest(err, c->wrong_filter, filter_names);
	}
	if (split == NULL)
		return engine_fail(e, c->wrong_at, err, "%s", c->wrong);
	split += sizeof(closing) - 1;
	return engine_fail(e, c->wrong_at, err, "%.*s %s%s", (int)(split - c->wrong), c->wrong,
		e->run->syntax->close, split);
}

static void count_lines(struct engine *e, size_t pos)
{
	while (e->line_pos < pos) {
		const char *start = e->text.data + e->line_pos;
		const char *newline = memchr(start, '\n', pos - e->line_pos);

		if (newline == NULL)
			break;
		e->line++;
		e->line_pos += (size_t)(newline - start) + 1;
		e->line_start = e->line_pos;
	}
	e->line_pos = pos;
}

void engine_tell(struct engine *e, bool wanted, size_t start, size_t end)
{
	const struct template_options *o = e->run->options;
	const struct template_scope *s = e->run->scope;
	unsigned column;

	if (!wanted || s->kept == NULL || e->quiet != 0)
		return;
	count_lines(e, start);
	column = (unsigned)(start - e->line_start) + 1;
	if (e->line == 1 && o->first_column > 1)
		column += o->first_column - 1;
	s->kept(s->arg, o->file, e->line + (o->first_line > 1 ? o->first_line - 1 : 0), column,
		str_sub(e->text, start, end - start));
}

int engine_fail_unset(const struct engine *e, const struct construct *c, struct err *err)
{
	return engine_fail(e, c->start, err, "%.*s is not set: give it a value or a default (:-)",
		ENGINE_SHOWN(c->name));
}
