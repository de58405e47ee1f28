/*
 * Templates that are made at random, with what they must come to: from a tree that is both written
 * down as a template and evaluated by plain recursion.
 */
#include "unit/unit.h"

#include "unit/scope_table.h"

enum { NODES_MAX = 400, BRANCHES = 3, DEPTH = 5, ROUNDS = 4000 };

enum node_kind { TEXT, VALUE, UPPER, DEFAULT, ALTERNATIVE, IF, FOR, ESCAPE, STAYS, ARITH, KINDS };

struct node {
	enum node_kind kind;
	const char *text; /* TEXT, STAYS */
	const char *name; /* the others */
	const char *item; /* FOR */
	int branches;     /* IF: each with its name; the last one is the else */
	const char *names[BRANCHES];
	struct node *children[BRANCHES];
	struct node *next;
};

struct maker {
	uint64_t seed;
	struct node nodes[NODES_MAX];
	unsigned used;
};

static const struct scope_row rows[] = {
	{"A", {"a", 1}, false},
	{"B", {"b }\\$A", 6}, false},
	{"EMPTY", {"", 0}, false},
	{"LIST", {"p q,r", 5}, false},
	{NULL, {NULL, 0}, false},
};
static const char *const names[] = {"A", "B", "EMPTY", "LIST", "NONE", "X", "Y"};
static const char *const texts[] = {
	"t", " ", "}", "{", "\\", "{}", "$ ", "\\}", "a b", "\"", "}}", "\\\\", "|:-x", "#"};
static const char *const stays[] = {"${x}", "${x:-${A}}", "$x ", "${x|upper}", "${x.y}",
	"${if x}${else}${end}", "$((x)) ", "${A+x}"};

static unsigned next_random(struct maker *m, size_t below)
{
	m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((m->seed >> 33) % below);
}

static struct node *make(struct maker *m, int depth)
{
	struct node *first = NULL;
	struct node **tail = &first;

	for (unsigned count = next_random(m, 4); count > 0 && m->used < NODES_MAX; count--) {
		struct node *node = &m->nodes[m->used++];

		memset(node, 0, sizeof(*node));
		node->kind = (enum node_kind)next_random(m, KINDS);
		if (depth == 0 && node->kind >= DEFAULT && node->kind <= FOR)
			node->kind = VALUE;
		node->text = node->kind == STAYS ? stays[next_random(m, COUNT(stays))]
						 : texts[next_random(m, COUNT(texts))];
		node->name = names[next_random(m, COUNT(names))];
		node->item = next_random(m, 2) ? "X" : "Y";
		node->branches = node->kind == IF ? 1 + (int)next_random(m, BRANCHES)
				 : node->kind >= DEFAULT && node->kind <= FOR ? 1
									      : 0;
		for (int i = 0; i < node->branches; i++) {
			node->names[i] = names[next_random(m, COUNT(names))];
			node->children[i] = make(m, depth - 1);
		}
		*tail = node;
		tail = &node->next;
	}
	return first;
}

static void write_text(const char *text, bool word, struct buf *out)
{
	for (; *text; text++) {
		if (word && (*text == '}' || *text == '\\'))
			buf_append_char(out, '\\');
		buf_append_char(out, *text);
	}
}

static void write_down(const struct node *node, bool word, struct buf *out)
{
	for (; node; node = node->next) {
		switch (node->kind) {
		case TEXT:
			write_text(node->text, word, out);
			break;
		case STAYS:
			buf_append_cstr(out, node->text);
			break;
		case VALUE:
			buf_appendf(out, "${%s}", node->name);
			break;
		case UPPER:
			buf_appendf(out, "${%s|upper}", node->name);
			break;
		case DEFAULT:
		case ALTERNATIVE:
			buf_appendf(out, "${%s:%c", node->name, node->kind == DEFAULT ? '-' : '+');
			write_down(node->children[0], true, out);
			buf_append_char(out, '}');
			break;
		case IF:
			for (int i = 0; i < node->branches; i++) {
				if (i == BRANCHES - 1)
					buf_append_cstr(out, "${else}");
				else
					buf_appendf(
						out, "${%s %s}", i ? "elif" : "if", node->names[i]);
				write_down(node->children[i], word, out);
			}
			buf_append_cstr(out, "${end}");
			break;
		case FOR:
			buf_appendf(out, "${for %s in %s}", node->item, node->name);
			write_down(node->children[0], word, out);
			buf_append_cstr(out, "${end}");
			break;
		case ESCAPE:
			buf_appendf(out, "$${%s}$$%s ", node->name, node->name);
			break;
		case ARITH:
			buf_append_cstr(out, "$((3*4))");
			break;
		case KINDS:
			break;
		}
	}
}

struct values {
	const char *x;
	const char *y;
};

static const char *value_of(const char *name, const struct values *v)
{
	if (strcmp(name, "X") == 0)
		return v->x;
	if (strcmp(name, "Y") == 0)
		return v->y;
	for (const struct scope_row *row = rows; row->name; row++) {
		if (strcmp(row->name, name) == 0)
			return row->value.data;
	}
	return NULL;
}

static void evaluate(const struct node *node, const struct values *v, struct buf *out);

static void evaluate_loop(const struct node *node, const struct values *v, struct buf *out)
{
	static const char between[] = " ,";
	const char *value = value_of(node->name, v);
	char copy[32];
	char *rest;

	snprintf(copy, sizeof(copy), "%s", value ? value : "");
	for (char *part = strtok_r(copy, between, &rest); part;
		part = strtok_r(NULL, between, &rest)) {
		struct values inner = *v;

		*(strcmp(node->item, "X") == 0 ? &inner.x : &inner.y) = part;
		evaluate(node->children[0], &inner, out);
	}
}

static void evaluate(const struct node *node, const struct values *v, struct buf *out)
{
	for (; node; node = node->next) {
		const char *value = value_of(node->name, v);
		bool empty = !value || !*value;

		switch (node->kind) {
		case TEXT:
		case STAYS:
			buf_append_cstr(out, node->text);
			break;
		case VALUE:
			if (value)
				buf_append_cstr(out, value);
			else
				buf_appendf(out, "${%s}", node->name);
			break;
		case UPPER:
			if (!value)
				buf_appendf(out, "${%s|upper}", node->name);
			for (; value && *value; value++)
				buf_append_char(
					out, (char)(*value >= 'a' && *value <= 'z' ? *value - 32
										   : *value));
			break;
		case DEFAULT:
			if (!empty)
				buf_append_cstr(out, value);
			else
				evaluate(node->children[0], v, out);
			break;
		case ALTERNATIVE:
			if (!empty)
				evaluate(node->children[0], v, out);
			break;
		case IF:
			for (int i = 0; i < node->branches; i++) {
				const char *test = value_of(node->names[i], v);

				if (i == BRANCHES - 1 || (test && *test)) {
					evaluate(node->children[i], v, out);
					break;
				}
			}
			break;
		case FOR:
			evaluate_loop(node, v, out);
			break;
		case ESCAPE:
			buf_appendf(out, "${%s}$%s ", node->name, node->name);
			break;
		case ARITH:
			buf_append_cstr(out, "12");
			break;
		case KINDS:
			break;
		}
	}
}

static void check_same(struct str text, const struct buf *expected, struct buf *got)
{
	struct scope_table table = {.rows = rows};
	struct template_scope scope = scope_table_scope(&table, false);
	struct template_options options = {.file = "f"};
	struct err err;

	buf_reset(got);
	err_clear(&err);
	if (template_expand_text(NULL, text, &options, &scope, got, NULL, &err) != 0 ||
		!str_eq(buf_str(got), buf_str(expected)))
		print_message("template %.*s\nwanted %.*s\ngot %.*s\n%s\n", STR_ARGS(text),
			STR_ARGS(buf_str(expected)), STR_ARGS(buf_str(got)), err.message);
	assert_int_equal(err.code, ERR_NONE);
	assert_true(str_eq(buf_str(got), buf_str(expected)));
}

static void test_expand_random_trees_as_evaluated(void **state)
{
	static struct maker maker = {.seed = 77};
	struct buf text, expected, got;

	(void)state;
	buf_init(&text, 1 << 24);
	buf_init(&expected, 1 << 24);
	buf_init(&got, 1 << 24);
	for (int round = 0; round < ROUNDS; round++) {
		const struct values none = {NULL, NULL};
		struct node *tree;

		maker.used = 0;
		tree = make(&maker, 1 + round % DEPTH);
		buf_reset(&text);
		buf_reset(&expected);
		write_down(tree, false, &text);
		evaluate(tree, &none, &expected);
		check_same(buf_str(&text), &expected, &got);
	}
	buf_fini(&text);
	buf_fini(&expected);
	buf_fini(&got);
}

static void test_expand_random_bytes_without_dollar_unchanged(void **state)
{
	struct maker m = {.seed = 5};
	struct buf text, got;

	(void)state;
	buf_init(&text, 1 << 20);
	buf_init(&got, 1 << 20);
	for (int round = 0; round < 500; round++) {
		buf_reset(&text);
		for (unsigned i = next_random(&m, 300); i > 0; i--) {
			char c = (char)next_random(&m, 256);

			buf_append_char(&text, c == '$' ? '{' : c);
		}
		check_same(buf_str(&text), &text, &got);
	}
	buf_fini(&text);
	buf_fini(&got);
}

/* Wherever a value stands, any other value would stand just so. */
static void test_expand_structure_independent_of_values(void **state)
{
	static const char *const hostile[] = {"${B}", "$A", "$$", "}", "\\}", "${if A}", "${end}",
		"$((1+1))", "${", "x; location /pwn {", "${A:-", "\n${end}\n", "\xff"};
	static struct maker maker = {.seed = 99};
	struct buf text, marked, expected, got;

	(void)state;
	buf_init(&text, 1 << 24);
	buf_init(&marked, 1 << 24);
	buf_init(&expected, 1 << 24);
	buf_init(&got, 1 << 24);
	for (int round = 0; round < 500; round++) {
		const char *value = hostile[next_random(&maker, COUNT(hostile))];
		struct scope_row mark[] = {{"A", {"\1", 1}, false}, {"B", {"\2", 1}, false},
			{"LIST", {"\3", 1}, false}, {NULL, {NULL, 0}, false}};
		struct scope_row real[] = {{"A", str_from(value), false}, {"B", {"\2", 1}, false},
			{"LIST", {"\3", 1}, false}, {NULL, {NULL, 0}, false}};
		struct scope_table table = {.rows = mark};
		struct template_scope scope = scope_table_scope(&table, false);
		struct template_options options = {.file = "f"};
		struct node *tree;

		maker.used = 0;
		tree = make(&maker, 3);
		for (unsigned i = 0; i < maker.used; i++) {
			/* A loop splits, and a filter changes, what it is given. */
			if (maker.nodes[i].kind == UPPER)
				maker.nodes[i].kind = VALUE;
			if (maker.nodes[i].kind == FOR)
				maker.nodes[i].name = "LIST";
		}
		buf_reset(&text);
		write_down(tree, false, &text);
		buf_reset(&marked);
		buf_reset(&got);
		buf_reset(&expected);
		assert_int_equal(template_expand_text(NULL, buf_str(&text), &options, &scope,
					 &marked, NULL, NULL),
			0);
		table.rows = real;
		assert_int_equal(template_expand_text(
					 NULL, buf_str(&text), &options, &scope, &got, NULL, NULL),
			0);
		for (size_t i = 0; i < marked.len; i++) {
			if (marked.data[i] == '\1')
				buf_append_cstr(&expected, value);
			else
				buf_append_char(&expected, marked.data[i]);
		}
		assert_true(str_eq(buf_str(&got), buf_str(&expected)));
	}
	buf_fini(&text);
	buf_fini(&marked);
	buf_fini(&expected);
	buf_fini(&got);
}

/* Pieces of constructs in any order: an error has a place in the text, or compiling and streaming
 * come to the same. */
static void test_expand_random_pieces_error_or_same(void **state)
{
	static const char *const pieces[] = {"${", "}", "$", "A", "B", "x", ":-", ":+", ":?", "|",
		"upper", "port", "${if A", "${if x}", "${end}", "${else}", "${elif B}", "\n", " ",
		"\\", "${for X in LIST}", "$((", "))", "1", "+", "${A}", "$$", "${A:-", "==", "if ",
		"\"", "by ;", "\r\n"};
	struct maker m = {.seed = 1234};
	struct scope_table table = {.rows = rows};
	struct template_scope scope = scope_table_scope(&table, false);
	struct buf text, streamed, expanded;

	(void)state;
	buf_init(&text, 1 << 20);
	buf_init(&streamed, 1 << 20);
	buf_init(&expanded, 1 << 20);
	for (int round = 0; round < 8000; round++) {
		struct template_options options = {
			.file = "f", .undefined = (enum template_undefined)(round % 3)};
		struct arena *arena = arena_new(1 << 16);
		struct template *template;
		struct out out;
		struct err err, again;
		int rc;

		buf_reset(&text);
		buf_reset(&streamed);
		buf_reset(&expanded);
		err_clear(&err);
		for (unsigned i = next_random(&m, 30); i > 0; i--)
			buf_append_cstr(&text, pieces[next_random(&m, COUNT(pieces))]);
		rc = template_expand_text(
			arena, buf_str(&text), &options, &scope, &streamed, NULL, &err);
		out_init_buf(&out, &expanded);
		if (template_compile(arena, buf_str(&text), &options, &scope, &template, &again) ==
			0)
			assert_int_equal(template_expand(template, &scope, &out, NULL, &again), rc);
		else
			assert_int_equal(rc, -1);
		if (rc == 0) {
			assert_true(str_eq(buf_str(&streamed), buf_str(&expanded)));
		} else {
			assert_int_equal(err.code, ERR_CONFIG);
			assert_in_range(err.line, 1, 31);
			assert_in_range(err.column, 1, text.len + 1);
			assert_int_equal(streamed.len, 0);
		}
		arena_free(arena);
	}
	buf_fini(&text);
	buf_fini(&streamed);
	buf_fini(&expanded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expand_random_trees_as_evaluated),
		cmocka_unit_test(test_expand_random_bytes_without_dollar_unchanged),
		cmocka_unit_test(test_expand_structure_independent_of_values),
		cmocka_unit_test(test_expand_random_pieces_error_or_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
