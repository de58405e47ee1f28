#include "text/template_run.h"

#include <stdlib.h>
#include <string.h>

#include "text/template_engine.h"

enum {
	SHORT_MAX = 512,
	LARGE_MIN = 64 << 10,   /* a text for which a block is worth it */
	BLOCK_SIZE = 256 << 10, /* so that malloc gives it back to the system */
};

static inline bool at_close(const struct engine *e, size_t pos)
{
	return engine_at(e, pos, e->run->syntax->close, e->run->syntax->close_len);
}

static const struct frame *find_item(const struct engine *e, struct str name)
{
	for (unsigned i = e->loops == 0 ? 0 : e->depth; i > 0; i--) {
		if (e->frames[i].kind == FRAME_FOR && str_eq(e->frames[i].item, name))
			return &e->frames[i];
	}
	return NULL;
}

static inline uint64_t load(const char *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return word;
}

/* The last up to eight bytes, as a number. */
static inline uint64_t load_tail(const char *data, size_t len)
{
	uint32_t first, last;

	if (len >= 8)
		return load(data + len - 8);
	if (len < 4)
		return (uint64_t)(unsigned char)data[0] << 16 |
		       (uint64_t)(unsigned char)data[len / 2] << 8 | (unsigned char)data[len - 1];
	memcpy(&first, data, sizeof(first));
	memcpy(&last, data + len - 4, sizeof(last));
	return (uint64_t)first << 32 | last;
}

/* Every byte of the name counts. */
static inline uint64_t hash(struct str name)
{
	const uint64_t factor = 0x9e3779b97f4a7c15u;
	uint64_t sum = name.len * factor;

	for (size_t i = 0; i + 8 < name.len; i += 8)
		sum = (sum ^ load(name.data + i)) * factor;
	sum = (sum ^ load_tail(name.data, name.len)) * factor;
	return sum ^ sum >> 32;
}

/* Both are names. */
static inline bool same(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i + 8 < a.len; i += 8) {
		if (load(a.data + i) != load(b.data + i))
			return false;
	}
	return load_tail(a.data, a.len) == load_tail(b.data, b.len);
}

/* What is known of the name. It stays so until another name is asked for. */
static struct name *find_name(struct engine *e, struct str name)
{
	struct name *entry = e->last;
	uint64_t sum;

	if (entry->name.data == name.data && entry->name.len == name.len)
		return entry;
	sum = hash(name);
	entry = name.len <= ENGINE_NAME_MAX ? &e->names[sum % ENGINE_NAMES]
					    : &e->names[ENGINE_NAMES];
	e->last = entry;
	if (entry->hash == sum && same(entry->name, name)) {
		entry->name.data = name.data;
		return entry;
	}
	entry->name = name;
	entry->hash = sum;
	entry->selected = e->run->scope->selected(e->run->scope->arg, name);
	entry->asked = false;
	return entry;
}

bool engine_selected(struct engine *e, struct str name)
{
	return find_item(e, name) != NULL || find_name(e, name)->selected;
}

bool engine_lookup(struct engine *e, struct str name, struct template_value *value)
{
	const struct frame *loop = find_item(e, name);
	struct name *entry;

	if (loop != NULL) {
		*value = (struct template_value){loop->part, loop->secret};
		return true;
	}
	entry = find_name(e, name);
	if (!entry->asked) {
		entry->asked = true;
		entry->value = (struct template_value){{NULL, 0}, false};
		entry->set = e->run->scope->lookup(e->run->scope->arg, name, &entry->value);
	}
	*value = entry->value;
	return entry->set;
}

/* Hands over what the block has gathered. It keeps its place there until `out` is flushed. */
static int send_block(struct engine *e, struct err *err)
{
	struct str piece = {e->block + e->block_from, e->block_len - e->block_from};

	e->block_from = e->block_len;
	return piece.len != 0 ? out_borrow(e->run->out, piece, err) : 0;
}

/* The C library's pays for a short piece as for a long one. */
static inline void copy_short(char *to, struct str piece)
{
	const char *from = piece.data;
	size_t len = piece.len;

	if (len >= 16) {
		for (size_t i = 0; i + 16 < len; i += 16)
			memcpy(to + i, from + i, 16);
		memcpy(to + len - 16, from + len - 16, 16);
	} else if (len >= 8) {
		memcpy(to, from, 8);
		memcpy(to + len - 8, from + len - 8, 8);
	} else {
		for (size_t i = 0; i < len; i++)
			to[i] = from[i];
	}
}

static int put_block(struct engine *e, struct str piece, struct err *err)
{
	if (piece.len > BLOCK_SIZE - e->block_len) {
		if (send_block(e, err) < 0 || out_flush(e->run->out, err) < 0)
			return -1;
		e->block_len = e->block_from = 0;
	}
	copy_short(e->block + e->block_len, piece);
	e->block_len += piece.len;
	return 0;
}

/* Short pieces are cheaper copied than handed to the kernel one by one. */
static inline int put_piece(struct engine *e, struct str piece, struct err *err)
{
	if (piece.len == 0)
		return 0;
	if (e->block != NULL && piece.len <= SHORT_MAX)
		return put_block(e, piece, err);
	if (e->block != NULL && send_block(e, err) < 0)
		return -1;
	return out_borrow(e->run->out, piece, err);
}

/* Writes the text from `from` up to `end`. */
int engine_put_text(struct engine *e, size_t end, struct err *err)
{
	struct str piece = {e->text.data, end - e->from};

	if (piece.len == 0 || !e->live) {
		e->from = end;
		return 0;
	}
	piece.data += e->from;
	e->from = end;
	return put_piece(e, piece, err);
}

/* Writes bytes that do not last. */
int engine_put_copy(struct engine *e, struct str piece, struct err *err)
{
	if (e->block != NULL && piece.len <= SHORT_MAX)
		return piece.len != 0 ? put_block(e, piece, err) : 0;
	if (e->block != NULL && send_block(e, err) < 0)
		return -1;
	return out_copy(e->run->out, piece, err);
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
			err_wrap(err, "%.*s|%s", ENGINE_SHOWN(c->name), filter_name(filters[i]));
			return engine_fail_at(e, c->start, err);
		}
		text = buf_str(buf);
	}
	return buf == NULL ? put_piece(e, text, err) : engine_put_copy(e, text, err);
}

static int put_value(struct engine *e, const struct construct *c,
	const struct template_value *value, struct err *err)
{
	const enum filter_id *filters = c->filters;
	unsigned count = c->filter_count;

	e->run->used_secret |= value->secret;
	if (count == 0) {
		if (e->run->options->escape == FILTER_NONE)
			return put_piece(e, value->text, err);
		filters = &e->run->options->escape;
		count = 1;
	}
	return put_filtered(e, c, filters, count, value->text, err);
}

static int on_value(struct engine *e, const struct construct *c, struct err *err)
{
	struct template_value value = {{NULL, 0}, false};

	e->pos = c->end;
	if (e->live && !engine_lookup(e, c->name, &value)) {
		switch (e->run->options->undefined) {
		case TEMPLATE_KEEP:
			engine_tell(e, e->run->tell_unset, c->start, c->end);
			return 0;
		case TEMPLATE_ERROR:
			return engine_fail_unset(e, c, err);
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
		} else if (c == s->open[0] && engine_at(e, pos, s->open, s->open_len)) {
			if (++depth > TEMPLATE_DEPTH_MAX)
				return 0;
			pos += s->open_len;
		} else {
			pos++;
		}
	}
	return 0;
}

int engine_push(struct engine *e, enum frame_kind kind, size_t start, struct err *err)
{
	struct frame *frame;

	if (e->depth == TEMPLATE_DEPTH_MAX)
		return engine_fail(e, start, err, "nested deeper than %d words and blocks",
			TEMPLATE_DEPTH_MAX);
	frame = &e->frames[++e->depth];
	*frame = (struct frame){.kind = kind, .live = e->live, .start = start};
	e->words += kind == FRAME_WORD;
	e->loops += kind == FRAME_FOR;
	return 0;
}

void engine_pop(struct engine *e)
{
	struct frame *frame = engine_top(e);

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
		return engine_fail(e, c->start, err, "the closing %s of this message is missing",
			e->run->syntax->close);
	message = str_trim(str_sub(e->text, c->end, end - e->run->syntax->close_len - c->end));
	if (message.len == 0)
		message = STR("is not set or empty");
	e->from = e->pos = end;
	if (!e->live)
		return 0;
	if (empty)
		return engine_fail(e, c->start, err, "%.*s: %.*s", ENGINE_SHOWN(c->name),
			message.len < ENGINE_MESSAGE_MAX ? (int)message.len : ENGINE_MESSAGE_MAX,
			message.data);
	return put_value(e, c, value, err);
}

static int on_word(struct engine *e, const struct construct *c, struct err *err)
{
	struct template_value value = {{NULL, 0}, false};
	bool empty = !e->live || !engine_lookup(e, c->name, &value) || value.text.len == 0;

	if (c->operation == '?')
		return on_required(e, c, empty, &value, err);
	if (e->live && c->operation == '-' && !empty && put_value(e, c, &value, err) < 0)
		return -1;
	if (engine_push(e, FRAME_WORD, c->start, err) < 0)
		return -1;
	e->live = e->live && (c->operation == '-') == empty;
	e->from = e->pos = c->end;
	return 0;
}

static int close_word(struct engine *e, struct err *err)
{
	struct frame *frame = engine_top(e);
	size_t end = e->pos + e->run->syntax->close_len;

	if (frame->braces > 0) {
		frame->braces--;
		e->pos = end;
		return 0;
	}
	if (frame->kind != FRAME_WORD)
		return engine_fail(e, frame->start, err,
			"this block has no %send%s before the word ends", e->run->syntax->open,
			e->run->syntax->close);
	if (engine_put_text(e, e->pos, err) < 0)
		return -1;
	e->from = e->pos = end;
	engine_pop(e);
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
		if (engine_put_text(e, e->pos, err) < 0)
			return -1;
		e->from = next++;
	}
	e->pos = next;
	return 0;
}

/* Whether it is one of ours: what it names is selected, or it belongs to a block that is. */
static bool counts(struct engine *e, const struct construct *c)
{
	const struct frame *frame = engine_top(e);

	switch (c->kind) {
	case CONSTRUCT_TEXT:
	case CONSTRUCT_BLOCK:
		break;
	case CONSTRUCT_VALUE:
	case CONSTRUCT_WORD:
	case CONSTRUCT_IF:
	case CONSTRUCT_FOR:
		return engine_selected(e, c->name);
	case CONSTRUCT_ARITH:
		return engine_arith_counts(e, c);
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
	struct frame *frame = engine_top(e);
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
		engine_tell(e, e->run->tell_unselected, c->start, end);
	else if (c->braced && c->name.len != 0 && engine_selected(e, c->name))
		engine_tell(e, e->run->tell_unselected, c->start,
			(size_t)(c->name.data + c->name.len - e->text.data));
}

static int on_construct(struct engine *e, const struct construct *c, bool alone, struct err *err)
{
	if (c->wrong != NULL)
		return engine_fail_wrong(e, c, err);
	switch (c->kind) {
	case CONSTRUCT_TEXT:
	case CONSTRUCT_BLOCK:
		break;
	case CONSTRUCT_VALUE:
		return on_value(e, c, err);
	case CONSTRUCT_WORD:
		return on_word(e, c, err);
	case CONSTRUCT_ARITH:
		return engine_arith(e, c, err);
	case CONSTRUCT_IF:
	case CONSTRUCT_ELIF:
	case CONSTRUCT_ELSE:
	case CONSTRUCT_END:
	case CONSTRUCT_FOR:
		return engine_directive(e, c, alone, err);
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
	while (!s->doubled && engine_at(e, last + 1, s->open, s->open_len))
		first = ++last;
	construct_read(s, e->text, last, &c);
	if (!counts(e, &c)) {
		stay(e, &c);
		return 0;
	}
	e->run->constructs = true;
	count = last - first + 1;
	if (count % 2 == 0) {
		if (engine_put_text(e, first + count / 2 - 1, err) < 0)
			return -1;
		e->from = last;
		e->pos = last + (c.braced ? s->open_len : 1);
		engine_top(e)->braces += c.braced;
		return 0;
	}
	/* A directive alone on its line takes the blanks before it, too: it writes for itself. */
	if (c.kind < CONSTRUCT_IF || count > 1) {
		if (engine_put_text(e, first + count / 2, err) < 0)
			return -1;
		e->from = last;
	}
	return on_construct(e, &c, count == 1, err);
}

static inline size_t find_byte(struct str text, size_t pos, char byte)
{
	const char *found;

	if (pos >= text.len)
		return text.len;
	found = memchr(text.data + pos, byte, text.len - pos);
	return found != NULL ? (size_t)(found - text.data) : text.len;
}

/* The next byte that may begin something. */
static size_t find(const struct engine *e)
{
	const char *data = e->text.data;
	char open = e->run->syntax->open[0];
	char close = e->run->syntax->close[0];
	size_t pos = e->pos;

	if (e->words == 0)
		return find_byte(e->text, pos, open);
	while (pos < e->text.len && data[pos] != open && data[pos] != close && data[pos] != '\\')
		pos++;
	return pos;
}

/*
 * The usual case at a third of the cost: $NAME or ${NAME} of a value that is known and that nothing
 * filters. False where it is anything else; what this does, on_open would do, too.
 */
static inline bool quick_value(struct engine *e, int *rc, struct err *err)
{
	const char *data = e->text.data;
	size_t start = e->pos + 1;
	bool braced = start < e->text.len && data[start] == '{';
	const struct name *name;
	size_t end;

	start += braced;
	/* Keywords, which are no names in braces, begin with e, f and i. */
	if (!(braced ? e->quick_braced : e->quick_bare) || e->loops != 0 || start >= e->text.len ||
		!template_is_name_start(data[start]) || (braced && data[start] >= 'e'))
		return false;
	for (end = start + 1; end < e->text.len && template_is_name_char(data[end]);)
		end++;
	if (braced && (end == e->text.len || data[end] != '}'))
		return false;
	name = find_name(e, (struct str){data + start, end - start});
	if (!name->selected || (e->live && !(name->asked && name->set)))
		return false;
	e->run->constructs = true;
	if (e->live) {
		e->run->used_secret |= name->value.secret;
		*rc = engine_put_text(e, e->pos, err);
		if (*rc == 0)
			*rc = put_piece(e, name->value.text, err);
	}
	e->from = e->pos = end + braced;
	return true;
}

static int walk(struct engine *e, struct err *err)
{
	const struct template_syntax *s = e->run->syntax;

	while ((e->pos = find(e)) < e->text.len) {
		int rc = 0;

		if (e->words != 0 && (e->text.data[e->pos] != s->open[0] || at_close(e, e->pos)))
			rc = on_word_byte(e, err);
		else if (!quick_value(e, &rc, err))
			rc = on_open(e, err);
		if (rc < 0)
			return -1;
	}
	if (e->depth == 0)
		return engine_put_text(e, e->text.len, err);
	if (engine_top(e)->kind == FRAME_WORD)
		return engine_fail(e, engine_top(e)->start, err,
			"the closing %s of this word is missing", s->close);
	return engine_fail(
		e, engine_top(e)->start, err, "this block has no %send%s", s->open, s->close);
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
	e.quick_braced =
		strcmp(run->syntax->open, "${") == 0 && run->options->escape == FILTER_NONE;
	e.quick_bare = e.quick_braced && run->syntax->bare;
	e.words = 0;
	e.loops = 0;
	e.quiet = 0;
	e.spent = 0;
	e.depth = 0;
	e.line_pos = 0;
	e.line_start = 0;
	e.line = 1;
	e.block = NULL;
	e.block_from = 0;
	e.block_len = 0;
	e.last = &e.names[ENGINE_NAMES];
	buf_init(&e.filtered[0], TEMPLATE_SIZE_MAX);
	buf_init(&e.filtered[1], TEMPLATE_SIZE_MAX);
	memset(&e.frames[0], 0, sizeof(e.frames[0]));
	memset(e.names, 0, sizeof(e.names));
	if (e.live && run->text.len >= LARGE_MIN && run->out->buf == NULL)
		e.block = malloc(BLOCK_SIZE);
	rc = walk(&e, err);
	if (e.block != NULL) {
		/* What was gathered goes with the block. */
		if (rc == 0 && (send_block(&e, err) < 0 || out_flush(run->out, err) < 0))
			rc = -1;
		if (rc < 0)
			run->out->count = 0;
		free(e.block);
	}
	buf_fini(&e.filtered[0]);
	buf_fini(&e.filtered[1]);
	return rc;
}
