#include <string.h>

#include "text/template_engine.h"

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
	if (engine_at(e, end, "\r\n", 2))
		end++;
	if (alone && (start == 0 || data[start - 1] == '\n') &&
		(end == e->text.len || data[end] == '\n')) {
		if (engine_put_text(e, start, err) < 0)
			return -1;
		e->from = e->pos = end + (end < e->text.len);
		return 0;
	}
	if (engine_put_text(e, c->start, err) < 0)
		return -1;
	e->from = e->pos = c->end;
	return 0;
}

static bool holds(struct engine *e, const struct construct *c)
{
	struct template_value value = {{NULL, 0}, false};
	bool set = engine_lookup(e, c->name, &value);

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
	if (engine_push(e, FRAME_IF, c->start, err) < 0)
		return -1;
	engine_top(e)->taken = e->live && holds(e, c);
	e->live = engine_top(e)->taken;
	return 0;
}

static int on_branch(struct engine *e, const struct construct *c, struct err *err)
{
	struct frame *frame = engine_top(e);
	bool last = c->kind == CONSTRUCT_ELSE;

	if (frame->kind != FRAME_IF)
		return engine_fail(e, c->start, err,
			"%s in a loop: close the loop with %send%s first", last ? "else" : "elif",
			e->run->syntax->open, e->run->syntax->close);
	if (frame->otherwise)
		return engine_fail(
			e, c->start, err, "%s behind the block's else", last ? "else" : "elif");
	if (!last && !engine_selected(e, c->name))
		return engine_fail(e, c->start, err,
			"%.*s is not selected (only), but the block's first name is",
			ENGINE_SHOWN(c->name));
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

/* A pass costs something even where its text is short. */
static int spend(struct engine *e, size_t size, size_t start, struct err *err)
{
	enum { PASS = 32 };

	e->spent += size + PASS;
	if (e->spent <= TEMPLATE_LOOPS_MAX &&
		(e->run->out == NULL || e->run->out->written <= TEMPLATE_LOOPS_OUT_MAX))
		return 0;
	return engine_fail(e, start, err, "the loops go on for too long (loops within loops?)");
}

static int on_for(struct engine *e, const struct construct *c, struct err *err)
{
	struct template_value value = {{NULL, 0}, false};
	struct frame *loop;

	if (e->live && !engine_lookup(e, c->name, &value) &&
		e->run->options->undefined == TEMPLATE_ERROR)
		return engine_fail_unset(e, c, err);
	if (spend(e, value.text.len, c->start, err) < 0 ||
		engine_push(e, FRAME_FOR, c->start, err) < 0)
		return -1;
	loop = engine_top(e);
	loop->item = c->item;
	loop->separator = c->separator;
	loop->rest = value.text;
	loop->secret = value.secret;
	loop->body = e->pos;
	e->live = e->live && next_part(loop);
	return 0;
}

static int on_end(struct engine *e, const struct construct *c, struct err *err)
{
	struct frame *frame = engine_top(e);

	if (frame->kind == FRAME_FOR && e->live && next_part(frame)) {
		if (spend(e, c->end - frame->body, frame->start, err) < 0)
			return -1;
		e->from = e->pos = frame->body;
		e->quiet += !frame->repeated;
		frame->repeated = true;
		frame->braces = 0;
		return 0;
	}
	engine_pop(e);
	return 0;
}

int engine_directive(struct engine *e, const struct construct *c, bool alone, struct err *err)
{
	if (take_directive(e, c, alone, err) < 0)
		return -1;
	if (c->kind == CONSTRUCT_IF)
		return on_if(e, c, err);
	if (c->kind == CONSTRUCT_FOR)
		return on_for(e, c, err);
	if (c->kind == CONSTRUCT_END)
		return on_end(e, c, err);
	return on_branch(e, c, err);
}
