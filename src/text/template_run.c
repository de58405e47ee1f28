#include "text/template_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text/arith.h"

enum {
	NAMES = 256,    /* a power of 2 */
	NAME_KEPT = 64, /* longer ones are asked about each time */
	MESSAGE_MAX = 400,
};

enum frame_kind { FRAME_TEXT, FRAME_WORD, FRAME_IF, FRAME_FOR };

/* What is open: the text itself at the bottom, then words and blocks. */
struct frame {
	enum frame_kind kind;
	bool live;      /* whether output was written around it */
	bool taken;     /* IF: one of its branches was */
	bool otherwise; /* IF: its else has come */
	bool secret;    /* FOR: the value is one */
	bool repeated;  /* FOR: not the first time */
	size_t start;
	size_t braces;   /* openings of no construct that wait for their closing */
	size_t blocks;   /* blocks that are text and wait for their end */
	size_t body;     /* FOR: where to go back to */
	struct str item; /* FOR: its name, the part it stands for, and what is left */
	struct str part;
	struct str rest;
	struct str separator;
};

/* What the scope said of a name. */
struct name {
	struct str name; /* len 0: free */
	bool selected;
	bool asked; /* for the value */
	bool set;
	struct template_value value;
};

struct engine {
	struct template_run *run;
	struct str text;
	size_t pos;
	size_t from; /* where the text begins that is not yet written */
	bool live;   /* what is read is written */
	unsigned words;
	unsigned loops;
	unsigned quiet; /* loops that repeat: what stayed in them was told */
	unsigned depth;
	size_t line_pos; /* `line` is known up to here; it began at `line_start` */
	size_t line_start;
	unsigned line;
	struct buf filtered[2];
	struct frame frames[TEMPLATE_DEPTH_MAX + 1];
	struct name names[NAMES];
};

static struct frame *top(struct engine *e)
{
	return &e->frames[e->depth];
}

static bool at(const struct engine *e, size_t pos, const char *what, size_t len)
{
	return pos < e->text.len && e->text.len - pos >= len &&
	       memcmp(e->text.data + pos, what, len) == 0;
}

static bool at_close(const struct engine *e, size_t pos)
{
	return at(e, pos, e->run->syntax->close, e->run->syntax->close_len);
}

/* `err` has its message: it gets its place. */
static int fail_at(const struct engine *e, size_t offset, struct err *err)
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
		err->source[0] = '\0';
		err->caret = 0;
	}
	return -1;
}

static int fail(const struct engine *e, size_t offset, struct err *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static int fail(const struct engine *e, size_t offset, struct err *err, const char *format, ...)
{
	char message[MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	err_set(err, ERR_CONFIG, "%s", message);
	return fail_at(e, offset, err);
}

/* What construct_read found wrong; "the closing" in it is said by its name. */
static int fail_wrong(const struct engine *e, const struct construct *c, struct err *err)
{
	static const char closing[] = "the closing";
	const char *split = strstr(c->wrong, closing);
	const char *near;

	if (c->wrong_filter.len != 0) {
		near = c->wrong_filter.len < NAME_KEPT ? filter_nearest(c->wrong_filter) : NULL;
		return fail(e, c->wrong_at, err, "unknown filter \"%.*s\"%s%s%s",
			c->wrong_filter.len < NAME_KEPT ? (int)c->wrong_filter.len : NAME_KEPT,
			c->wrong_filter.data, near != NULL ? " (did you mean " : "",
			near != NULL ? near : "", near != NULL ? "?)" : "");
	}
	if (split == NULL)
		return fail(e, c->wrong_at, err, "%s", c->wrong);
	split += sizeof(closing) - 1;
	return fail(e, c->wrong_at, err, "%.*s %s%s", (int)(split - c->wrong), c->wrong,
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

static void tell(struct engine *e, bool wanted, size_t start, size_t end)
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

static const struct frame *find_item(const struct engine *e, struct str name)
{
	for (unsigned i = e->loops == 0 ? 0 : e->depth; i > 0; i--) {
		if (e->frames[i].kind == FRAME_FOR && str_eq(e->frames[i].item, name))
			return &e->frames[i];
	}
	return NULL;
}

/* The name's entry; `spare` where it is too long to be kept. */
static struct name *find_name(struct engine *e, struct str name, struct name *spare)
{
	struct name *entry = spare;
	uint32_t hash = 2166136261u;

	if (name.len <= NAME_KEPT) {
		for (size_t i = 0; i < name.len; i++)
			hash = (hash ^ (unsigned char)name.data[i]) * 16777619u;
		entry = &e->names[(hash ^ hash >> 16) % NAMES];
		if (entry->name.len == name.len &&
			memcmp(entry->name.data, name.data, name.len) == 0)
			return entry;
	}
	entry->name = name;
	entry->selected = e->run->scope->selected(e->run->scope->arg, name);
	entry->asked = false;
	return entry;
}

static bool selected(struct engine *e, struct str name)
{
	struct name spare;

	return find_item(e, name) != NULL || find_name(e, name, &spare)->selected;
}

static bool lookup(struct engine *e, struct str name, struct template_value *value)
{
	const struct frame *loop = find_item(e, name);
	struct name spare;
	struct name *entry;

	if (loop != NULL) {
		*value = (struct template_value){loop->part, loop->secret};
		return true;
	}
	entry = find_name(e, name, &spare);
	if (!entry->asked) {
		entry->asked = true;
		entry->value = (struct template_value){{NULL, 0}, false};
		entry->set = e->run->scope->lookup(e->run->scope->arg, name, &entry->value);
	}
	*value = entry->value;
	return entry->set;
}

/* Writes the text from `from` up to `end`. */
static int put_text(struct engine *e, size_t end, struct err *err)
{
	struct str piece = str_sub(e->text, e->from, end - e->from);

	e->from = end;
	return e->live ? out_borrow(e->run->out, piece, err) : 0;
}

static int put_filtered(struct engine *e, const struct construct *c, const enum filter_id *filters,
	unsigned count, struct str text, struct err *err)
{
	struct buf *buf = NULL;

	for (unsigned i = 0; i < count; i++) {
		if (filters[i] == FILTER_NONE)
			continue;
		buf = buf == &e->filtered[0] ? &e->filtered[1] : &e->filtered[0];
		buf_reset(buf);
		if (filter_apply(filters[i], text, buf, err) < 0) {
			err_wrap(err, "%.*s|%s",
				c->name.len < NAME_KEPT ? (int)c->name.len : NAME_KEPT,
				c->name.data, filter_name(filters[i]));
			return fail_at(e, c->start, err);
		}
		text = buf_str(buf);
	}
	return buf == NULL ? out_borrow(e->run->out, text, err) : out_copy(e->run->out, text, err);
}

static int put_value(struct engine *e, const struct construct *c,
	const struct template_value *value, struct err *err)
{
	const enum filter_id *filters = c->filters;
	unsigned count = c->filter_count;

	e->run->used_secret |= value->secret;
	if (count == 0) {
		filters = &e->run->options->escape;
		count = 1;
	}
	return put_filtered(e, c, filters, count, value->text, err);
}

static int fail_unset(const struct engine *e, const struct construct *c, struct err *err)
{
	return fail(e, c->start, err, "%.*s is not set: give it a value or a default (:-)",
		c->name.len < NAME_KEPT ? (int)c->name.len : NAME_KEPT, c->name.data);
}

static int on_value(struct engine *e, const struct construct *c, struct err *err)
{
	struct template_value value = {{NULL, 0}, false};

	e->pos = c->end;
	if (e->live && !lookup(e, c->name, &value)) {
		switch (e->run->options->undefined) {
		case TEMPLATE_KEEP:
			tell(e, e->run->tell_unset, c->start, c->end);
			return 0;
		case TEMPLATE_ERROR:
			return fail_unset(e, c, err);
		case TEMPLATE_EMPTY:
			break;
		}
	}
	e->from = c->end;
	return e->live ? put_value(e, c, &value, err) : 0;
}

/* The offset behind the closing of the word that begins at `pos`, or 0. The depth is bounded so
 * that unclosed ones cannot have the text read again and again. */
static size_t skip_word(const struct engine *e, size_t pos)
{
	const struct template_syntax *s = e->run->syntax;
	unsigned depth = 1;

	while (pos < e->text.len) {
		char c = e->text.data[pos];

		if (c == '\\' && pos + 1 < e->text.len &&
			(e->text.data[pos + 1] == '\\' || at_close(e, pos + 1))) {
			pos += 2;
		} else if (c == s->close[0] && at_close(e, pos)) {
			pos += s->close_len;
			if (--depth == 0)
				return pos;
		} else if (c == s->open[0] && at(e, pos, s->open, s->open_len)) {
			if (++depth > TEMPLATE_DEPTH_MAX)
				return 0;
			pos += s->open_len;
		} else {
			pos++;
		}
	}
	return 0;
}

static int push(struct engine *e, enum frame_kind kind, size_t start, struct err *err)
{
	struct frame *frame;

	if (e->depth == TEMPLATE_DEPTH_MAX)
		return fail(e, start, err, "nested deeper than %d words and blocks",
			TEMPLATE_DEPTH_MAX);
	frame = &e->frames[++e->depth];
	*frame = (struct frame){.kind = kind, .live = e->live, .start = start};
	e->words += kind == FRAME_WORD;
	e->loops += kind == FRAME_FOR;
	return 0;
}

static void pop(struct engine *e)
{
	struct frame *frame = top(e);

	e->live = frame->live;
	e->words -= frame->kind == FRAME_WORD;
	e->loops -= frame->kind == FRAME_FOR;
	e->quiet -= frame->repeated;
	e->depth--;
}

/* ${NAME:?MESSAGE}: the message is shown as it stands, so that no value can come into it. */
static int on_required(struct engine *e, const struct construct *c, bool empty,
	const struct template_value *value, struct err *err)
{
	size_t end = skip_word(e, c->end);
	struct str message;

	if (end == 0)
		return fail(e, c->start, err, "the closing %s of this message is missing",
			e->run->syntax->close);
	message = str_trim(str_sub(e->text, c->end, end - e->run->syntax->close_len - c->end));
	if (message.len == 0)
		message = STR("is not set or empty");
	e->from = e->pos = end;
	if (!e->live)
		return 0;
	if (empty)
		return fail(e, c->start, err, "%.*s: %.*s",
			c->name.len < NAME_KEPT ? (int)c->name.len : NAME_KEPT, c->name.data,
			message.len < MESSAGE_MAX ? (int)message.len : MESSAGE_MAX, message.data);
	return put_value(e, c, value, err);
}

static int on_word(struct engine *e, const struct construct *c, struct err *err)
{
	struct template_value value = {{NULL, 0}, false};
	bool empty = !e->live || !lookup(e, c->name, &value) || value.text.len == 0;

	if (c->operation == '?')
		return on_required(e, c, empty, &value, err);
	if (e->live && c->operation == '-' && !empty && put_value(e, c, &value, err) < 0)
		return -1;
	if (push(e, FRAME_WORD, c->start, err) < 0)
		return -1;
	e->live = e->live && (c->operation == '-') == empty;
	e->from = e->pos = c->end;
	return 0;
}

static int close_word(struct engine *e, struct err *err)
{
	struct frame *frame = top(e);
	size_t end = e->pos + e->run->syntax->close_len;

	if (frame->braces > 0) {
		frame->braces--;
		e->pos = end;
		return 0;
	}
	if (frame->kind != FRAME_WORD)
		return fail(e, frame->start, err, "this block has no %send%s before the word ends",
			e->run->syntax->open, e->run->syntax->close);
	if (put_text(e, e->pos, err) < 0)
		return -1;
	e->from = e->pos = end;
	pop(e);
	return 0;
}

/* In a word: what is neither its end nor an escape is text. */
static int on_word_byte(struct engine *e, struct err *err)
{
	size_t next = e->pos + 1;

	if (at_close(e, e->pos))
		return close_word(e, err);
	if (e->text.data[e->pos] == '\\' && next < e->text.len &&
		(e->text.data[next] == '\\' || at_close(e, next))) {
		if (put_text(e, e->pos, err) < 0)
			return -1;
		e->from = next++;
	}
	e->pos = next;
	return 0;
}

struct arith_names {
	struct engine *engine;
	const struct construct *construct;
	unsigned count;
	bool all_selected;
	bool unset;
	bool secret;
};

static void note_name(void *arg, struct str name)
{
	struct arith_names *names = arg;

	names->count++;
	names->all_selected = names->all_selected && selected(names->engine, name);
}

static int arith_value(
	void *arg, struct str name, struct str fallback, int64_t *out, struct err *err)
{
	struct arith_names *names = arg;
	struct engine *e = names->engine;
	struct template_value value;
	bool set = lookup(e, name, &value);
	int shown = name.len < NAME_KEPT ? (int)name.len : NAME_KEPT;

	if ((!set || value.text.len == 0) && fallback.len != 0) {
		value = (struct template_value){fallback, false};
		set = true;
	}
	if (!set || value.text.len == 0) {
		*out = 0;
		if (e->run->options->undefined == TEMPLATE_EMPTY)
			return 0;
		names->unset |= !set;
		return err_set(err, ERR_CONFIG, "%.*s is %s: give it a value or a default (:-)",
			shown, name.data, set ? "empty" : "not set");
	}
	names->secret |= value.secret;
	if (arith_constant(value.text, out) == 0)
		return 0;
	return err_set(err, ERR_CONFIG, "the value of %.*s is not an integer of 64 bits%s", shown,
		name.data, value.text.data[0] == '0' ? " (a leading 0 makes it octal)" : "");
}

/* All its names are selected; without a name, an expression that is none is text. */
static bool arith_counts(struct engine *e, const struct construct *c)
{
	struct arith_names names = {.engine = e, .all_selected = true};
	int64_t number;
	size_t where;

	arith_scan(str_sub(e->text, 0, c->end), c->start + 3, note_name, &names);
	return names.all_selected &&
	       (names.count > 0 || arith_eval(c->body, NULL, &number, &where, NULL) == 0);
}

static int on_arith(struct engine *e, const struct construct *c, struct err *err)
{
	struct arith_names names = {.engine = e, .construct = c};
	struct arith_scope scope = {&names, arith_value};
	char digits[24];
	int64_t number = 0;
	size_t where = 0;
	int len;

	e->pos = c->end;
	if (arith_eval(c->body, e->live ? &scope : NULL, &number, &where, err) < 0) {
		if (!names.unset || e->run->options->undefined != TEMPLATE_KEEP)
			return fail_at(e, c->start + 3 + where, err);
		err_clear(err);
		tell(e, e->run->tell_unset, c->start, c->end);
		return 0;
	}
	e->from = c->end;
	if (!e->live)
		return 0;
	e->run->used_secret |= names.secret;
	len = snprintf(digits, sizeof(digits), "%lld", (long long)number);
	return out_copy(e->run->out, (struct str){digits, (size_t)len}, err);
}

/*
 * Writes the text up to a directive and goes behind it; where it is alone on its line, the line
 * goes with it.
 */
static int take_directive(struct engine *e, const struct construct *c, bool alone, struct err *err)
{
	const char *data = e->text.data;
	size_t start = c->start;
	size_t end = c->end;

	while (alone && start > e->from && (data[start - 1] == ' ' || data[start - 1] == '\t'))
		start--;
	while (alone && end < e->text.len && (data[end] == ' ' || data[end] == '\t'))
		end++;
	if (at(e, end, "\r\n", 2))
		end++;
	if (alone && (start == 0 || data[start - 1] == '\n') &&
		(end == e->text.len || data[end] == '\n')) {
		if (put_text(e, start, err) < 0)
			return -1;
		e->from = e->pos = end + (end < e->text.len);
		return 0;
	}
	if (put_text(e, c->start, err) < 0)
		return -1;
	e->from = e->pos = c->end;
	return 0;
}

static bool holds(struct engine *e, const struct construct *c)
{
	struct template_value value = {{NULL, 0}, false};
	bool set = lookup(e, c->name, &value);

	switch (c->test) {
	case TEST_EQUAL:
		return str_eq(value.text, c->operand);
	case TEST_UNEQUAL:
		return !str_eq(value.text, c->operand);
	case TEST_SET:
		break;
	}
	return set && value.text.len != 0;
}

static int on_if(struct engine *e, const struct construct *c, struct err *err)
{
	if (push(e, FRAME_IF, c->start, err) < 0)
		return -1;
	top(e)->taken = e->live && holds(e, c);
	e->live = top(e)->taken;
	return 0;
}

static int on_branch(struct engine *e, const struct construct *c, struct err *err)
{
	struct frame *frame = top(e);
	bool last = c->kind == CONSTRUCT_ELSE;

	if (frame->kind != FRAME_IF)
		return fail(e, c->start, err, "%s in a loop: close the loop with %send%s first",
			last ? "else" : "elif", e->run->syntax->open, e->run->syntax->close);
	if (frame->otherwise)
		return fail(e, c->start, err, "%s behind the block's else", last ? "else" : "elif");
	if (!last && !selected(e, c->name))
		return fail(e, c->start, err,
			"%.*s is not selected (only), but the block's first name is",
			c->name.len < NAME_KEPT ? (int)c->name.len : NAME_KEPT, c->name.data);
	frame->otherwise = last;
	e->live = frame->live && !frame->taken && (last || holds(e, c));
	frame->taken |= e->live;
	return 0;
}

static bool is_between(char c)
{
	return c == ',' || c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next part of a loop's value that is not empty; false where none is left. */
static bool next_part(struct frame *loop)
{
	struct str rest = loop->rest;
	struct str part = {NULL, 0};

	while (rest.len != 0 && part.len == 0) {
		size_t end = 0;
		size_t gap = 1;

		if (loop->separator.len != 0) {
			const char *found = memmem(
				rest.data, rest.len, loop->separator.data, loop->separator.len);

			gap = loop->separator.len;
			end = found != NULL ? (size_t)(found - rest.data) : rest.len;
		} else {
			while (end < rest.len && !is_between(rest.data[end]))
				end++;
		}
		part = str_sub(rest, 0, end);
		if (loop->separator.len != 0)
			part = str_trim(part);
		rest = str_sub(rest, end + gap, rest.len);
	}
	loop->rest = rest;
	loop->part = part;
	return part.len != 0;
}

static int on_for(struct engine *e, const struct construct *c, struct err *err)
{
	struct template_value value = {{NULL, 0}, false};
	struct frame *loop;

	if (e->live && !lookup(e, c->name, &value) && e->run->options->undefined == TEMPLATE_ERROR)
		return fail_unset(e, c, err);
	if (push(e, FRAME_FOR, c->start, err) < 0)
		return -1;
	loop = top(e);
	loop->item = c->item;
	loop->separator = c->separator;
	loop->rest = value.text;
	loop->secret = value.secret;
	loop->body = e->pos;
	e->live = e->live && next_part(loop);
	return 0;
}

static int on_end(struct engine *e)
{
	struct frame *frame = top(e);

	if (frame->kind == FRAME_FOR && e->live && next_part(frame)) {
		e->from = e->pos = frame->body;
		e->quiet += !frame->repeated;
		frame->repeated = true;
		frame->braces = 0;
		return 0;
	}
	pop(e);
	return 0;
}

static int on_directive(struct engine *e, const struct construct *c, bool alone, struct err *err)
{
	if (take_directive(e, c, alone, err) < 0)
		return -1;
	if (c->kind == CONSTRUCT_IF)
		return on_if(e, c, err);
	if (c->kind == CONSTRUCT_FOR)
		return on_for(e, c, err);
	if (c->kind == CONSTRUCT_END)
		return on_end(e);
	return on_branch(e, c, err);
}

/* Whether it is one of ours: what it names is selected, or it belongs to a block that is. */
static bool counts(struct engine *e, const struct construct *c)
{
	const struct frame *frame = top(e);

	switch (c->kind) {
	case CONSTRUCT_TEXT:
	case CONSTRUCT_BLOCK:
		break;
	case CONSTRUCT_VALUE:
	case CONSTRUCT_WORD:
	case CONSTRUCT_IF:
	case CONSTRUCT_FOR:
		return selected(e, c->name);
	case CONSTRUCT_ARITH:
		return arith_counts(e, c);
	case CONSTRUCT_ELIF:
	case CONSTRUCT_ELSE:
	case CONSTRUCT_END:
		return frame->blocks == 0 && (frame->kind == FRAME_IF || frame->kind == FRAME_FOR);
	}
	return false;
}

/* It is none of ours: it stays, in the text that is not yet written. */
static void stay(struct engine *e, const struct construct *c)
{
	struct frame *frame = top(e);
	size_t end = c->wrong == NULL && c->kind == CONSTRUCT_WORD ? skip_word(e, c->end) : c->end;
	bool whole = c->wrong == NULL && c->kind != CONSTRUCT_TEXT && c->kind != CONSTRUCT_BLOCK &&
		     end != 0;

	if (c->kind == CONSTRUCT_IF || c->kind == CONSTRUCT_FOR || c->kind == CONSTRUCT_BLOCK)
		frame->blocks++;
	else if (c->kind == CONSTRUCT_END && frame->blocks > 0)
		frame->blocks--;
	frame->braces += c->braced && !whole;
	e->pos = whole ? end : c->braced ? c->start + e->run->syntax->open_len : c->end;
	if (whole)
		tell(e, e->run->tell_unselected, c->start, end);
	else if (c->braced && c->name.len != 0 && selected(e, c->name))
		tell(e, e->run->tell_unselected, c->start,
			(size_t)(c->name.data + c->name.len - e->text.data));
}

static int on_construct(struct engine *e, const struct construct *c, bool alone, struct err *err)
{
	if (c->wrong != NULL)
		return fail_wrong(e, c, err);
	switch (c->kind) {
	case CONSTRUCT_TEXT:
	case CONSTRUCT_BLOCK:
		break;
	case CONSTRUCT_VALUE:
		return on_value(e, c, err);
	case CONSTRUCT_WORD:
		return on_word(e, c, err);
	case CONSTRUCT_ARITH:
		return on_arith(e, c, err);
	case CONSTRUCT_IF:
	case CONSTRUCT_ELIF:
	case CONSTRUCT_ELSE:
	case CONSTRUCT_END:
	case CONSTRUCT_FOR:
		return on_directive(e, c, alone, err);
	}
	return 0;
}

static int on_open(struct engine *e, struct err *err)
{
	const struct template_syntax *s = e->run->syntax;
	struct construct c;
	size_t first = e->pos;
	size_t last = first;
	size_t count;

	/* Of a run of the first byte only the last can begin a construct: each two before are one.
	 */
	while (s->doubled && last + 1 < e->text.len && e->text.data[last + 1] == s->open[0])
		last++;
	while (!s->doubled && at(e, last + 1, s->open, s->open_len))
		first = ++last;
	construct_read(s, e->text, last, &c);
	if (!counts(e, &c)) {
		stay(e, &c);
		return 0;
	}
	e->run->constructs = true;
	count = last - first + 1;
	if (count % 2 == 0) {
		if (put_text(e, first + count / 2 - 1, err) < 0)
			return -1;
		e->from = last;
		e->pos = last + (c.braced ? s->open_len : 1);
		top(e)->braces += c.braced;
		return 0;
	}
	/* A directive alone on its line takes the blanks before it, too: it writes for itself. */
	if (c.kind < CONSTRUCT_IF || count > 1) {
		if (put_text(e, first + count / 2, err) < 0)
			return -1;
		e->from = last;
	}
	return on_construct(e, &c, count == 1, err);
}

/* The next byte that may begin something. */
static size_t find(const struct engine *e)
{
	const char *data = e->text.data;
	char open = e->run->syntax->open[0];
	char close = e->run->syntax->close[0];
	size_t pos = e->pos;

	if (e->words == 0) {
		const char *found =
			pos < e->text.len ? memchr(data + pos, open, e->text.len - pos) : NULL;

		return found != NULL ? (size_t)(found - data) : e->text.len;
	}
	while (pos < e->text.len && data[pos] != open && data[pos] != close && data[pos] != '\\')
		pos++;
	return pos;
}

static int walk(struct engine *e, struct err *err)
{
	const struct template_syntax *s = e->run->syntax;

	while ((e->pos = find(e)) < e->text.len) {
		int rc;

		if (e->words != 0 && (e->text.data[e->pos] != s->open[0] || at_close(e, e->pos)))
			rc = on_word_byte(e, err);
		else
			rc = on_open(e, err);
		if (rc < 0)
			return -1;
	}
	if (e->depth == 0)
		return put_text(e, e->text.len, err);
	if (top(e)->kind == FRAME_WORD)
		return fail(
			e, top(e)->start, err, "the closing %s of this word is missing", s->close);
	return fail(e, top(e)->start, err, "this block has no %send%s", s->open, s->close);
}

int template_run(struct template_run *run, struct err *err)
{
	struct engine e;
	int rc;

	e.run = run;
	e.text = run->text;
	e.pos = 0;
	e.from = 0;
	e.live = run->out != NULL;
	e.words = 0;
	e.loops = 0;
	e.quiet = 0;
	e.depth = 0;
	e.line_pos = 0;
	e.line_start = 0;
	e.line = 1;
	buf_init(&e.filtered[0], TEMPLATE_SIZE_MAX);
	buf_init(&e.filtered[1], TEMPLATE_SIZE_MAX);
	memset(&e.frames[0], 0, sizeof(e.frames[0]));
	memset(e.names, 0, sizeof(e.names));
	rc = walk(&e, err);
	buf_fini(&e.filtered[0]);
	buf_fini(&e.filtered[1]);
	return rc;
}
