#include "text/arith.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { UNARY_RANK = 12 };

/*
 * An operand that cannot be computed is carried as a value with a reason, so that && || and ? can
 * leave it out without control flow: only the reason in the final value is an error.
 */
struct operand {
	int64_t number;
	const char *wrong; /* NULL, or why it cannot be computed */
	size_t at;
};

enum operator{
	OP_PAREN,
	OP_QUESTION,
	OP_CHOOSE,
	OP_OR,
	OP_AND,
	OP_BIT_OR,
	OP_BIT_XOR,
	OP_BIT_AND,
	OP_EQUAL,
	OP_UNEQUAL,
	OP_LESS_EQUAL,
	OP_GREATER_EQUAL,
	OP_SHIFT_LEFT,
	OP_SHIFT_RIGHT,
	OP_LESS,
	OP_GREATER,
	OP_ADD,
	OP_SUBTRACT,
	OP_MULTIPLY,
	OP_DIVIDE,
	OP_MODULO,
	OP_PLUS,
	OP_MINUS,
	OP_NOT,
	OP_COMPLEMENT,
};

struct symbol {
	char text[3];
	unsigned char rank; /* binds tighter the higher it is */
	enum operator op;
};

/* The longer first where one begins with the other. */
static const struct symbol binaries[] = {
	{"||", 2, OP_OR},
	{"&&", 3, OP_AND},
	{"==", 7, OP_EQUAL},
	{"!=", 7, OP_UNEQUAL},
	{"<<", 9, OP_SHIFT_LEFT},
	{">>", 9, OP_SHIFT_RIGHT},
	{"<=", 8, OP_LESS_EQUAL},
	{">=", 8, OP_GREATER_EQUAL},
	{"|", 4, OP_BIT_OR},
	{"^", 5, OP_BIT_XOR},
	{"&", 6, OP_BIT_AND},
	{"<", 8, OP_LESS},
	{">", 8, OP_GREATER},
	{"+", 10, OP_ADD},
	{"-", 10, OP_SUBTRACT},
	{"*", 11, OP_MULTIPLY},
	{"/", 11, OP_DIVIDE},
	{"%", 11, OP_MODULO},
	{"?", 1, OP_QUESTION},
	{":", 1, OP_CHOOSE},
};

static const struct symbol unaries[] = {
	{"+", UNARY_RANK, OP_PLUS},
	{"-", UNARY_RANK, OP_MINUS},
	{"!", UNARY_RANK, OP_NOT},
	{"~", UNARY_RANK, OP_COMPLEMENT},
	{"(", 0, OP_PAREN},
};

static const char too_deep[] = "the expression is nested too deep";
static const char variable[] = "variable"; /* told apart by its address */

struct pending {
	enum operator op;
	unsigned char rank;
	size_t at;
};

struct machine {
	struct str text;
	size_t pos;
	const struct arith_scope *scope;
	size_t value_count;
	size_t op_count;
	struct operand values[2 * ARITH_DEPTH_MAX + 2]; /* a ? holds two */
	struct pending ops[ARITH_DEPTH_MAX];
	const char *wrong; /* a wrong form */
	size_t wrong_at;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_name_char(char c)
{
	return is_name_start(c) || is_digit(c);
}

static size_t skip_name(struct str s, size_t pos)
{
	while (pos < s.len && is_name_char(s.data[pos]))
		pos++;
	return pos;
}

/*
 * The variable at `pos`: NAME, $NAME, ${NAME}, ${NAME:-constant}. The offset behind it, or 0.
 */
static size_t read_variable(struct str s, size_t pos, struct str *name, struct str *fallback)
{
	size_t end;
	bool braced = false;

	*fallback = (struct str){NULL, 0};
	if (pos < s.len && s.data[pos] == '$') {
		pos++;
		braced = pos < s.len && s.data[pos] == '{';
		pos += braced;
	}
	if (pos >= s.len || !is_name_start(s.data[pos]))
		return 0;
	end = skip_name(s, pos);
	*name = str_sub(s, pos, end - pos);
	if (!braced)
		return end;
	if (end + 2 < s.len && s.data[end] == ':' && s.data[end + 1] == '-') {
		pos = end + 2;
		end = pos + (s.data[pos] == '-' || s.data[pos] == '+');
		end = skip_name(s, end);
		*fallback = str_sub(s, pos, end - pos);
		if (fallback->len == 0)
			return 0;
	}
	return end < s.len && s.data[end] == '}' ? end + 1 : 0;
}

size_t arith_scan(struct str text, size_t pos, void (*each)(void *arg, struct str name), void *arg)
{
	struct str name;
	struct str fallback;
	size_t depth = 0;

	while (pos < text.len) {
		char c = text.data[pos];

		if (is_name_start(c) || c == '$') {
			pos = read_variable(text, pos, &name, &fallback);
			if (pos == 0)
				return 0;
			if (each != NULL)
				each(arg, name);
			continue;
		}
		if (c == ')' && depth == 0)
			return pos + 1 < text.len && text.data[pos + 1] == ')' ? pos + 2 : 0;
		if (c == '\0' || (!is_digit(c) && !is_blank(c) && !strchr("+-*/%<>=!&|^~?:()", c)))
			return 0;
		if (is_digit(c)) {
			pos = skip_name(text, pos);
			continue;
		}
		depth += c == '(';
		depth -= c == ')';
		pos++;
	}
	return 0;
}

/* 0, or -1 with `*wrong` set. */
static int parse_digits(struct str s, int64_t *out, const char **wrong)
{
	int64_t base = 10;
	int64_t number = 0;
	size_t i = 0;

	if (s.len > 2 && s.data[0] == '0' && (s.data[1] == 'x' || s.data[1] == 'X')) {
		base = 16;
		i = 2;
	} else if (s.len > 1 && s.data[0] == '0') {
		base = 8;
	}
	*wrong = base == 8 ? "not a number (a leading 0 makes it octal)" : "not a number";
	if (s.len == 0)
		return -1;
	for (; i < s.len; i++) {
		char c = s.data[i];
		int64_t digit = 99;

		if (is_digit(c))
			digit = c - '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			digit = (c | 32) - 'a' + 10;
		if (digit >= base)
			return -1;
		if (__builtin_mul_overflow(number, base, &number) ||
			__builtin_add_overflow(number, digit, &number)) {
			*wrong = "the number does not fit in 64 bits";
			return -1;
		}
	}
	*out = number;
	return 0;
}

int arith_constant(struct str s, int64_t *out)
{
	const char *wrong;
	int64_t number;
	bool negative;

	s = str_trim(s);
	negative = s.len > 0 && s.data[0] == '-';
	if (s.len > 0 && (s.data[0] == '-' || s.data[0] == '+'))
		s = str_sub(s, 1, s.len - 1);
	/* The least number has no positive counterpart. */
	if (negative && (str_eq_cstr(s, "9223372036854775808"))) {
		*out = INT64_MIN;
		return 0;
	}
	if (parse_digits(s, &number, &wrong) < 0)
		return -1;
	*out = negative ? -number : number;
	return 0;
}

static int64_t shift(enum operator op, struct operand a, struct operand b, bool *overflow)
{
	int64_t result;

	if (op == OP_SHIFT_RIGHT)
		return a.number >> b.number;
	result = (int64_t)((uint64_t)a.number << b.number);
	*overflow = result >> b.number != a.number;
	return result;
}

/* Arithmetic that can fail. */
static struct operand compute(enum operator op, struct operand a, struct operand b, size_t at)
{
	struct operand result = {.at = at};
	bool overflow = false;

	if ((op == OP_DIVIDE || op == OP_MODULO) && b.number == 0) {
		result.wrong = "division by zero";
		return result;
	}
	if ((op == OP_SHIFT_LEFT || op == OP_SHIFT_RIGHT) && (b.number < 0 || b.number > 63)) {
		result.wrong = "a shift must be by 0 to 63";
		return result;
	}
	if (op == OP_ADD)
		overflow = __builtin_add_overflow(a.number, b.number, &result.number);
	else if (op == OP_SUBTRACT)
		overflow = __builtin_sub_overflow(a.number, b.number, &result.number);
	else if (op == OP_MULTIPLY)
		overflow = __builtin_mul_overflow(a.number, b.number, &result.number);
	else if (op == OP_SHIFT_LEFT || op == OP_SHIFT_RIGHT)
		result.number = shift(op, a, b, &overflow);
	else if (b.number == -1) /* the processor traps on the least number */
		overflow = __builtin_sub_overflow(0, a.number, &result.number);
	else
		result.number = a.number / b.number;
	if (op == OP_MODULO) {
		overflow = false;
		result.number = b.number == -1 ? 0 : a.number % b.number;
	}
	if (overflow)
		result.wrong = "overflow: the result does not fit in 64 bits";
	return result;
}

static struct operand binary(enum operator op, struct operand a, struct operand b, size_t at)
{
	struct operand result = {.at = at};

	if (a.wrong != NULL)
		return a;
	if (op == OP_AND && a.number == 0)
		return result;
	if (op == OP_OR && a.number != 0) {
		result.number = 1;
		return result;
	}
	if (b.wrong != NULL)
		return b;
	switch ((int)op) {
	case OP_AND:
	case OP_OR:
		result.number = b.number != 0;
		break;
	case OP_BIT_OR:
		result.number = a.number | b.number;
		break;
	case OP_BIT_XOR:
		result.number = a.number ^ b.number;
		break;
	case OP_BIT_AND:
		result.number = a.number & b.number;
		break;
	case OP_EQUAL:
		result.number = a.number == b.number;
		break;
	case OP_UNEQUAL:
		result.number = a.number != b.number;
		break;
	case OP_LESS_EQUAL:
		result.number = a.number <= b.number;
		break;
	case OP_GREATER_EQUAL:
		result.number = a.number >= b.number;
		break;
	case OP_LESS:
		result.number = a.number < b.number;
		break;
	case OP_GREATER:
		result.number = a.number > b.number;
		break;
	default:
		return compute(op, a, b, at);
	}
	return result;
}

static struct operand unary(enum operator op, struct operand a, size_t at)
{
	if (a.wrong != NULL)
		return a;
	if (op == OP_NOT)
		a.number = !a.number;
	else if (op == OP_COMPLEMENT)
		a.number = ~a.number;
	else if (op == OP_MINUS && __builtin_sub_overflow(0, a.number, &a.number))
		a = (struct operand){
			.wrong = "overflow: the result does not fit in 64 bits", .at = at};
	return a;
}

/* Performs the topmost operator that waits. Its operands are there: the grammar saw to it. */
static void reduce(struct machine *m)
{
	struct pending p = m->ops[--m->op_count];
	struct operand *v = m->values + m->value_count;

	if (p.rank == UNARY_RANK) {
		v[-1] = unary(p.op, v[-1], p.at);
	} else if (p.op == OP_CHOOSE) {
		if (v[-3].wrong == NULL)
			v[-3] = v[-3].number != 0 ? v[-2] : v[-1];
		m->value_count -= 2;
	} else {
		v[-2] = binary(p.op, v[-2], v[-1], p.at);
		m->value_count--;
	}
}

static int fail(struct machine *m, const char *wrong, size_t at)
{
	m->wrong = wrong;
	m->wrong_at = at;
	return -1;
}

static int push(struct machine *m, const struct symbol *symbol)
{
	if (m->op_count == ARITH_DEPTH_MAX)
		return fail(m, too_deep, m->pos);
	m->ops[m->op_count++] = (struct pending){symbol->op, symbol->rank, m->pos};
	m->pos += strlen(symbol->text);
	return 0;
}

static const struct symbol *find_symbol(
	const struct machine *m, const struct symbol *table, size_t count)
{
	struct str rest = str_sub(m->text, m->pos, 2);

	for (size_t i = 0; i < count; i++) {
		if (str_starts(rest, str_from(table[i].text)))
			return &table[i];
	}
	return NULL;
}

/* A constant or a variable. */
static int read_operand(struct machine *m, struct err *err)
{
	struct operand value = {.at = m->pos};
	struct str name;
	struct str fallback;
	size_t end;

	if (is_digit(m->text.data[m->pos])) {
		end = skip_name(m->text, m->pos);
		name = str_sub(m->text, m->pos, end - m->pos);
		if (parse_digits(name, &value.number, &value.wrong) < 0)
			return fail(m, value.wrong, m->pos);
		value.wrong = NULL;
	} else {
		end = read_variable(m->text, m->pos, &name, &fallback);
		if (end == 0)
			return fail(m, "a number or a name is expected here", m->pos);
		if (m->scope != NULL &&
			m->scope->value(m->scope->arg, name, fallback, &value.number, err) < 0)
			value.wrong = variable;
	}
	m->pos = end;
	/* The stack of operators bounds this one. */
	m->values[m->value_count++] = value;
	return 0;
}

static int close_paren(struct machine *m)
{
	while (m->op_count > 0 && m->ops[m->op_count - 1].op != OP_PAREN) {
		if (m->ops[m->op_count - 1].op == OP_QUESTION)
			return fail(m, "this ? has no :", m->ops[m->op_count - 1].at);
		reduce(m);
	}
	if (m->op_count == 0)
		return fail(m, "this ) closes nothing", m->pos);
	m->op_count--;
	m->pos++;
	return 0;
}

static int read_operator(struct machine *m)
{
	const struct symbol *s = find_symbol(m, binaries, COUNT(binaries));

	if (s == NULL)
		return fail(m,
			m->text.data[m->pos] == '='
				? "there is nothing to assign to here; == compares"
				: "an operator is expected here",
			m->pos);
	/* All but ? group from the left. */
	while (m->op_count > 0 && m->ops[m->op_count - 1].rank >= s->rank + (s->rank == 1))
		reduce(m);
	if (s->op != OP_CHOOSE)
		return push(m, s);
	while (m->op_count > 0 && m->ops[m->op_count - 1].op == OP_CHOOSE)
		reduce(m);
	if (m->op_count == 0 || m->ops[m->op_count - 1].op != OP_QUESTION)
		return fail(m, "this : belongs to no ?", m->pos);
	m->ops[m->op_count - 1].op = OP_CHOOSE;
	m->pos++;
	return 0;
}

static int finish(struct machine *m)
{
	while (m->op_count > 0) {
		const struct pending *top = &m->ops[m->op_count - 1];

		if (top->op == OP_PAREN)
			return fail(m, "this ( is not closed", top->at);
		if (top->op == OP_QUESTION)
			return fail(m, "this ? has no :", top->at);
		reduce(m);
	}
	return 0;
}

static int run(struct machine *m, struct err *err)
{
	bool operand_next = true;

	for (;;) {
		const struct symbol *symbol;
		int rc;

		while (m->pos < m->text.len && is_blank(m->text.data[m->pos]))
			m->pos++;
		if (m->pos == m->text.len)
			break;
		symbol = operand_next ? find_symbol(m, unaries, COUNT(unaries)) : NULL;
		if (symbol != NULL) {
			rc = push(m, symbol);
		} else if (operand_next) {
			rc = read_operand(m, err);
			operand_next = false;
		} else if (m->text.data[m->pos] == ')') {
			rc = close_paren(m);
		} else {
			rc = read_operator(m);
			operand_next = true;
		}
		if (rc < 0)
			return -1;
	}
	if (operand_next)
		return fail(m, "a number or a name is expected here", m->pos);
	return finish(m);
}

int arith_eval(struct str expression, const struct arith_scope *scope, int64_t *out, size_t *at,
	struct err *err)
{
	struct machine m;
	struct str name = {NULL, 0};
	struct str fallback = {NULL, 0};
	const struct operand *value = &m.values[0];

	m.text = expression;
	m.pos = 0;
	m.scope = scope;
	m.value_count = 0;
	m.op_count = 0;
	if (run(&m, err) < 0) {
		*at = m.wrong_at;
		return err_set(err, ERR_CONFIG, "%s", m.wrong);
	}
	if (value->wrong == NULL) {
		*out = value->number;
		return 0;
	}
	*at = value->at;
	if (value->wrong != variable)
		return scope == NULL ? 0 : err_set(err, ERR_CONFIG, "%s", value->wrong);
	/* Asked again: a failure that did not count may have been told since. */
	read_variable(expression, value->at, &name, &fallback);
	return scope->value(scope->arg, name, fallback, out, err);
}
