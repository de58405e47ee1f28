#include "text/template_read.h"

#include <string.h>

#include "text/arith.h"

struct reader {
	const struct template_syntax *syntax;
	struct str text;
	size_t pos;
	struct construct *construct;
};

static const char mirrors[][2] = {{'{', '}'}, {'[', ']'}, {'(', ')'}, {'<', '>'}};

/* The bracket that closes `c`, or 0. */
static char mirror(char c)
{
	for (size_t i = 0; i < sizeof(mirrors) / sizeof(mirrors[0]); i++) {
		if (mirrors[i][0] == c)
			return mirrors[i][1];
	}
	return 0;
}

int template_check_open(const char *open, struct err *err)
{
	size_t len = strlen(open);
	bool bracket = false;

	if (strcmp(open, "$") == 0)
		return 0;
	for (size_t i = 0; i < len; i++) {
		bracket |= mirror(open[i]) != 0;
		if (open[i] == '\0' || !strchr("!#$%&()*+,-./:;<=>?@[]^`{|}~", open[i]))
			return err_set(err, ERR_CONFIG,
				"an opening is made of punctuation, as ${ %%{ <%% {{ are");
	}
	if (!bracket || len < 2 || len > TEMPLATE_OPEN_MAX)
		return err_set(err, ERR_CONFIG,
			"an opening has 2 to %d characters and holds a bracket, as ${ %%{ <%% {{ "
			"do; $ alone is the usual one",
			TEMPLATE_OPEN_MAX);
	return 0;
}

/*
 * Brackets at the opening's end are mirrored and nothing else is ("%{": "}"); where it ends in
 * something else, all of it is ("<%": "%>").
 */
static void make_close(struct template_syntax *s)
{
	size_t from = s->open_len;

	while (from > 0 && mirror(s->open[from - 1]) != 0)
		from--;
	if (from == s->open_len)
		from = 0;
	for (size_t i = s->open_len; i > from; i--) {
		char c = mirror(s->open[i - 1]);

		s->close[s->close_len++] = c != 0 ? c : s->open[i - 1];
	}
}

int template_syntax_init(struct template_syntax *syntax, const char *open, struct err *err)
{
	memset(syntax, 0, sizeof(*syntax));
	if (open == NULL)
		open = "$";
	if (template_check_open(open, err) < 0)
		return -1;
	syntax->bare = strcmp(open, "$") == 0;
	if (syntax->bare)
		open = "${";
	syntax->open_len = strlen(open);
	memcpy(syntax->open, open, syntax->open_len);
	make_close(syntax);
	syntax->blanks = strcmp(open, "${") != 0;
	syntax->doubled = open[0] != open[1];
	return 0;
}

static char peek(const struct reader *r)
{
	return r->pos < r->text.len ? r->text.data[r->pos] : '\0';
}

static bool at_end(const struct reader *r)
{
	return r->pos == r->text.len || r->text.data[r->pos] == '\n';
}

static inline bool at(const struct reader *r, const char *what, size_t len)
{
	return template_at(r->text, r->pos, what, len);
}

static bool skip_blanks(struct reader *r)
{
	size_t from = r->pos;

	while (peek(r) == ' ' || peek(r) == '\t')
		r->pos++;
	return r->pos != from;
}

/* Empty where there is none. */
static struct str read_name(struct reader *r)
{
	const char *data = r->text.data;
	size_t from = r->pos;
	size_t pos = from;

	if (pos < r->text.len && template_is_name_start(data[pos])) {
		do
			pos++;
		while (pos < r->text.len && template_is_name_char(data[pos]));
	}
	r->pos = pos;
	return (struct str){data + from, pos - from};
}

static bool read_close(struct reader *r)
{
	size_t from = r->pos;

	if (r->syntax->blanks)
		skip_blanks(r);
	if (at(r, r->syntax->close, r->syntax->close_len)) {
		r->pos += r->syntax->close_len;
		return true;
	}
	r->pos = from;
	return false;
}

/* The same in a directive, where a blank more never means anything else. */
static bool read_directive_close(struct reader *r)
{
	skip_blanks(r);
	return read_close(r);
}

static void wrong(struct reader *r, size_t where, const char *what)
{
	r->construct->wrong = what;
	r->construct->wrong_at = where;
}

static bool read_operation(struct reader *r)
{
	char c = r->text.len - r->pos >= 2 && peek(r) == ':' ? r->text.data[r->pos + 1] : '\0';

	if (c != '-' && c != '+' && c != '?')
		return false;
	r->construct->kind = CONSTRUCT_WORD;
	r->construct->operation = c;
	r->pos += 2;
	return true;
}

static struct str read_filter_name(struct reader *r)
{
	size_t from = r->pos;

	while (r->pos < r->text.len && (template_is_name_char(peek(r)) || peek(r) == '-'))
		r->pos++;
	return str_sub(r->text, from, r->pos - from);
}

static void read_filters(struct reader *r)
{
	struct construct *c = r->construct;

	c->kind = CONSTRUCT_VALUE;
	while (peek(r) == '|') {
		struct str name;
		size_t where;

		r->pos++;
		if (r->syntax->blanks)
			skip_blanks(r);
		where = r->pos;
		name = read_filter_name(r);
		if (name.len == 0) {
			wrong(r, where, "a filter's name is missing behind the |");
			return;
		}
		if (c->filter_count == CONSTRUCT_FILTERS_MAX) {
			wrong(r, where, "more than 8 filters");
			return;
		}
		c->filters[c->filter_count] = filter_find(name);
		if (c->filters[c->filter_count++] == FILTER_COUNT) {
			wrong(r, where, "unknown filter");
			c->wrong_filter = name;
			return;
		}
		if (r->syntax->blanks)
			skip_blanks(r);
	}
	if (!read_operation(r) && !read_close(r))
		wrong(r, r->pos, "|FILTER, :-DEFAULT or the closing is missing here");
}

/* "TEXT" or 'TEXT', if that is all there is up to the closing. */
static bool read_quoted(struct reader *r)
{
	char quote = peek(r);
	size_t from = r->pos + 1;
	size_t end = from;

	if (quote != '"' && quote != '\'')
		return false;
	while (end < r->text.len && r->text.data[end] != quote && r->text.data[end] != '\n')
		end++;
	if (end == r->text.len || r->text.data[end] != quote)
		return false;
	r->construct->operand = str_sub(r->text, from, end - from);
	r->pos = end + 1;
	if (!read_directive_close(r))
		wrong(r, r->pos, "the closing is missing behind the quote");
	return true;
}

static void read_operand(struct reader *r)
{
	const struct template_syntax *s = r->syntax;
	size_t from;

	skip_blanks(r);
	if (read_quoted(r))
		return;
	from = r->pos;
	while (!at_end(r) && !at(r, s->close, s->close_len) && !at(r, s->open, s->open_len))
		r->pos++;
	r->construct->operand = str_trim(str_sub(r->text, from, r->pos - from));
	if (at(r, s->close, s->close_len))
		r->pos += s->close_len;
	else if (at_end(r))
		wrong(r, r->construct->start, "the closing is missing on this line");
	else
		wrong(r, r->pos,
			"a name is compared with literal text: a construct cannot stand here");
}

/* Behind `if` or `elif`. False where it has not even a name. */
static bool read_condition(struct reader *r)
{
	struct construct *c = r->construct;
	size_t where;

	if (!skip_blanks(r))
		return false;
	c->name = read_name(r);
	/* `${if a.b}`, `${if f(x)}`: of another language */
	if (c->name.len == 0 || (peek(r) != ' ' && peek(r) != '\t' && !at_end(r) &&
					peek(r) != '=' && peek(r) != '!' && peek(r) != '\r' &&
					!at(r, r->syntax->close, r->syntax->close_len)))
		return false;
	c->test = TEST_SET;
	where = r->pos;
	skip_blanks(r);
	if (at(r, "==", 2) || at(r, "!=", 2)) {
		c->test = peek(r) == '=' ? TEST_EQUAL : TEST_UNEQUAL;
		r->pos += 2;
		read_operand(r);
	} else if (!read_close(r)) {
		wrong(r, at_end(r) ? where : r->pos,
			"== TEXT, != TEXT or the closing is missing here");
	}
	return true;
}

/* Behind `for`. False where it has not the form `X in NAME`. */
static bool read_loop(struct reader *r)
{
	struct construct *c = r->construct;
	size_t from;

	if (!skip_blanks(r))
		return false;
	c->item = read_name(r);
	if (c->item.len == 0 || !skip_blanks(r) || !str_eq_cstr(read_name(r), "in") ||
		!skip_blanks(r))
		return false;
	c->name = read_name(r);
	if (c->name.len == 0)
		return false;
	c->separator = (struct str){NULL, 0};
	if (read_directive_close(r))
		return true;
	from = r->pos;
	if (!str_eq_cstr(read_name(r), "by") || !skip_blanks(r)) {
		wrong(r, from, "by SEPARATOR or the closing is missing here");
		return true;
	}
	from = r->pos;
	while (!at_end(r) && r->pos - from <= CONSTRUCT_SEPARATOR_MAX && peek(r) != ' ' &&
		peek(r) != '\t' && peek(r) != '\r' &&
		!at(r, r->syntax->close, r->syntax->close_len))
		r->pos++;
	c->separator = str_sub(r->text, from, r->pos - from);
	if (c->separator.len == 0 || c->separator.len > CONSTRUCT_SEPARATOR_MAX)
		wrong(r, from, "by takes a separator of 1 to 16 bytes without blanks");
	else if (!read_directive_close(r))
		wrong(r, r->pos, "the closing is missing here");
	return true;
}

/* `else` or `end`: nothing but the closing may follow. */
static void read_lone(struct reader *r, enum construct_kind kind)
{
	struct construct *c = r->construct;
	bool blank = skip_blanks(r);

	if (read_close(r)) {
		c->kind = kind;
	} else if (blank && kind == CONSTRUCT_ELSE) {
		c->kind = kind;
		wrong(r, r->pos, "else has no condition; elif has");
	}
}

/* Keywords are no names in braces. False where `name` is none of them. */
static bool read_directive(struct reader *r)
{
	struct construct *c = r->construct;
	struct str word = c->name;
	size_t behind = r->pos;

	if (str_eq_cstr(word, "if") || str_eq_cstr(word, "for")) {
		bool loop = word.data[0] == 'f';

		if (loop ? read_loop(r) : read_condition(r))
			c->kind = loop ? CONSTRUCT_FOR : CONSTRUCT_IF;
		else if (r->pos > behind)
			c->kind = CONSTRUCT_BLOCK;
	} else if (str_eq_cstr(word, "elif")) {
		if (read_condition(r)) {
			c->kind = CONSTRUCT_ELIF;
		} else if (r->pos > behind) {
			c->kind = CONSTRUCT_ELIF;
			wrong(r, r->pos, "elif needs a name");
		}
	} else if (str_eq_cstr(word, "else")) {
		read_lone(r, CONSTRUCT_ELSE);
	} else if (str_eq_cstr(word, "end")) {
		read_lone(r, CONSTRUCT_END);
	} else {
		return false;
	}
	if (c->kind == CONSTRUCT_TEXT)
		c->name.len = 0;
	return true;
}

static void read_braced(struct reader *r)
{
	struct construct *c = r->construct;
	size_t behind;

	r->pos = c->start + r->syntax->open_len;
	c->braced = true;
	c->filter_count = 0;
	if (r->syntax->blanks)
		skip_blanks(r);
	c->name = read_name(r);
	/* Lower-case keywords only: most names are told apart by their first letter. */
	if (c->name.len == 0 || (c->name.data[0] >= 'e' && c->name.len < 5 && read_directive(r)))
		return;
	behind = r->pos;
	if (read_close(r)) {
		c->kind = CONSTRUCT_VALUE;
		return;
	}
	if (r->syntax->blanks)
		skip_blanks(r);
	if (peek(r) == '|') {
		read_filters(r);
		return;
	}
	r->pos = behind;
	read_operation(r);
}

static void read_arith(struct reader *r)
{
	struct construct *c = r->construct;
	size_t from = r->pos + 3;
	size_t end = arith_scan(r->text, from, NULL, NULL);

	r->pos = from;
	if (end == 0)
		return;
	c->kind = CONSTRUCT_ARITH;
	c->body = str_sub(r->text, from, end - 2 - from);
	r->pos = end;
}

void construct_read(const struct template_syntax *syntax, struct str text, size_t pos,
	struct construct *construct)
{
	struct reader r = {syntax, text, pos, construct};

	construct->kind = CONSTRUCT_TEXT;
	construct->braced = false;
	construct->start = pos;
	construct->name = (struct str){NULL, 0};
	construct->wrong = NULL;
	construct->wrong_filter.len = 0;
	if (at(&r, syntax->open, syntax->open_len)) {
		read_braced(&r);
		construct->end = r.pos;
		/* What is text is read on behind its opening: there may be more in it. */
		if (construct->kind == CONSTRUCT_TEXT || construct->kind == CONSTRUCT_BLOCK ||
			construct->wrong != NULL)
			construct->end = pos + syntax->open_len;
		return;
	}
	r.pos = pos + 1;
	construct->end = r.pos;
	if (!syntax->bare || r.pos == text.len)
		return;
	if (at(&r, "((", 2)) {
		r.pos = pos;
		read_arith(&r);
		construct->end = r.pos;
		return;
	}
	construct->name = read_name(&r);
	if (construct->name.len == 0)
		return;
	construct->kind = CONSTRUCT_VALUE;
	construct->filter_count = 0;
	construct->end = r.pos;
}
