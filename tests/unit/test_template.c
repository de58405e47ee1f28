#include "unit/unit.h"

#include "unit/scope_table.h"

static const struct scope_row rows[] = {
	{"A", {"a", 1}, false},
	{"PORT", {"8080", 4}, false},
	{"EMPTY", {"", 0}, false},
	{"HOSTS", {"one, two\tthree,,", 16}, false},
	{"SEMI", {" a b; c ;;d", 11}, false},
	{"SIX", {"6", 1}, false},
	{"OCTAL", {"08", 2}, false},
	{"SECRET", {"hunter2", 7}, true},
	{"SECRETS", {"x y", 3}, true},
	{"CODE", {"${A} $A $$A ${if A}", 19}, false},
	{"QUOTED", {"\"<&\\", 4}, false},
	{"BYTES", {"\0\xff\r\n", 4}, false},
	{"lower", {"LOW", 3}, false},
	{NULL, {NULL, 0}, false},
};

static const struct template_options usual = {.file = "f"};

struct result {
	int rc;
	bool plain;
	bool secret;
	struct buf out;
	struct buf told;
	struct err err;
};

static void free_result(struct result *r)
{
	buf_fini(&r->out);
	buf_fini(&r->told);
}

/* Compiled and expanded, and in one pass: both must come to the same. */
static struct result expand(struct str text, struct template_options options)
{
	struct arena *arena = arena_new(1 << 20);
	struct scope_table table = {.rows = rows};
	struct scope_table untold = {.rows = rows};
	struct template_scope scope = scope_table_scope(&table, true);
	struct template_scope quiet = scope_table_scope(&untold, false);
	struct result r = {.rc = -1};
	struct template *template = NULL;
	struct out out;
	struct buf again;
	struct err err;
	bool secret = false;
	int rc;

	if (options.file == NULL)
		options.file = "f";
	buf_init(&r.out, 1 << 24);
	buf_init(&again, 1 << 24);
	buf_init(&table.told, 1 << 24);
	err_clear(&r.err);
	err_clear(&err);
	out_init_buf(&out, &r.out);
	if (template_compile(arena, text, &options, &scope, &template, &r.err) == 0) {
		r.plain = template_is_plain(template);
		r.rc = template_expand(template, &scope, &out, &r.secret, &r.err);
	}
	rc = template_expand_text(arena, text, &options, &quiet, &again, &secret, &err);
	assert_int_equal(rc, r.rc);
	if (rc == 0) {
		assert_int_equal(again.len, r.out.len);
		if (again.len > 0)
			assert_memory_equal(again.data, r.out.data, again.len);
		assert_int_equal(secret, r.secret);
	} else {
		assert_int_equal(again.len, 0);
		assert_string_equal(err.message, r.err.message);
		assert_int_equal(err.line, r.err.line);
		assert_int_equal(err.column, r.err.column);
	}
	r.told = table.told;
	buf_fini(&again);
	arena_free(arena);
	return r;
}

static void expect_str(struct str text, struct template_options options, struct str expected)
{
	struct result r = expand(text, options);

	if (r.rc != 0)
		print_message("%.*s: %u:%u: %s\n", STR_ARGS(text), r.err.line, r.err.column,
			r.err.message);
	assert_int_equal(r.rc, 0);
	if (!str_eq(buf_str(&r.out), expected))
		print_message("%.*s gave \"%.*s\"\n", STR_ARGS(text), STR_ARGS(buf_str(&r.out)));
	assert_true(str_eq(buf_str(&r.out), expected));
	free_result(&r);
}

static void expect(const char *text, const char *expected)
{
	expect_str(str_from(text), usual, str_from(expected));
}

static void expect_error(const char *text, struct template_options options, unsigned line,
	unsigned column, const char *message)
{
	struct result r = expand(str_from(text), options);

	if (r.rc == 0)
		print_message("%s: no error\n", text);
	assert_int_equal(r.rc, -1);
	if (r.err.line != line || r.err.column != column || !strstr(r.err.message, message))
		print_message("%s: %u:%u: %s\n", text, r.err.line, r.err.column, r.err.message);
	assert_int_equal(r.err.code, ERR_CONFIG);
	assert_int_equal(r.err.line, line);
	assert_int_equal(r.err.column, column);
	assert_non_null(strstr(r.err.message, message));
	assert_null(strstr(r.err.message, "hunter2"));
	free_result(&r);
}

static void expect_told(const char *text, struct template_options options, const char *told)
{
	struct result r = expand(str_from(text), options);

	assert_int_equal(r.rc, 0);
	assert_string_equal(buf_cstr(&r.told), told);
	free_result(&r);
}

static void test_expand_variables_substituted(void **state)
{
	(void)state;
	expect("", "");
	expect("plain", "plain");
	expect("$A", "a");
	expect("${A}", "a");
	expect("x$A-${A}y$A", "xa-aya");
	expect("$A$A${A}${A}", "aaaa");
	expect("${A${PORT}}", "${A8080}");
	expect("$PORT.x", "8080.x");
	expect("[$EMPTY]", "[]");
}

static void test_expand_no_construct_stays(void **state)
{
	static const char *const texts[] = {"$", "$$", "${", "${}", "$1", "$-", "${1}", "${a.b}",
		"${A.b}", "${A", "${A+x}", "${A-x}", "${A?x}", "${A:8080}", "${A:=x}", "${A x}",
		"${ A }", "$uri", "$row['x']", "${name}", "${name|json}", "${name:-x}", "$(A)",
		"$((", "$((a b", "$((1+))", "$((1 2))", "$(())", "$((uri + A))", "$((1+2)",
		"$(((1+2))", "${else}", "${end}", "${elif A}", "${if}", "${for}", "${if:-x}",
		"${if (x)}", "${for (x)}", "${for A of HOSTS}", "${end", "${else", "{A}", "$$",
		"$$$", "$$a", "$${a}", "$${", "$$(1+1)", "\\", "${ if A}", "${if\nA}", "a\r\nb",
		"${for X in lower}", "${if lower}x${end}",
		"${if lower == x}x${elif A}${else}y${end}"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct result r = expand(str_from(texts[i]), usual);

		assert_int_equal(r.rc, 0);
		if (strcmp(buf_cstr(&r.out), texts[i]) != 0 || !r.plain)
			print_message("%s gave %s\n", texts[i], buf_cstr(&r.out));
		assert_string_equal(buf_cstr(&r.out), texts[i]);
		assert_true(r.plain);
		free_result(&r);
	}
}

static void test_expand_unselected_stays_with_its_word(void **state)
{
	(void)state;
	expect("${x:-${A}} ${A}", "${x:-${A}} a");
	expect("${x:-${y:-$A}}$A", "${x:-${y:-$A}}a");
	expect("${x|json:-$A}$A", "${x|json:-$A}a");
	expect("${x:-$A $A", "${x:-a a");
	expect("${x|nofilter}$A", "${x|nofilter}a");
	expect("$((x + $A)) $A", "$((x + $A)) a");
	expect("${if x}$A${else}$A${end}$A", "${if x}a${else}a${end}a");
	expect("${for v in x}$A${end}${end}", "${for v in x}a${end}${end}");
	expect("${if A}${if x}1${end}2${end}3", "${if x}1${end}23");
	expect("${if A}${if (x)}1${else}${end}2${end}3", "${if (x)}1${else}${end}23");
	expect("${if x", "${if x");
	expect("${for v in x by", "${for v in x by");
}

static void test_expand_words_as_posix(void **state)
{
	(void)state;
	expect("${A:-w}|${UNSET:-w}|${EMPTY:-w}", "a|w|w");
	expect("${A:+w}|${UNSET:+w}|${EMPTY:+w}", "w||");
	expect("${A:?m}", "a");
	expect("${UNSET:-${EMPTY:-${A}b}c}", "abc");
	expect("${UNSET:-$A$((1+1))}", "a2");
	expect("${UNSET:-}", "");
	expect("${UNSET:-a\\}b\\\\c\\d}", "a}b\\c\\d");
	expect("${A:-a\\}b}", "a");
	expect("${UNSET:-${x}}", "${x}");
	expect("${UNSET:-${x.y}}", "${x.y}");
	expect("${UNSET:-${x:-}}", "${x:-}");
	expect("${UNSET:-$${A}}", "${A}");
	expect("${UNSET:-$$A}", "$A");
	expect("${UNSET:-{}}", "{}");
	expect("${A:-{}}", "a}");
	expect("${UNSET:-\"q\" 'q'}", "\"q\" 'q'");
	expect("${UNSET:-l1\nl2}", "l1\nl2");
	expect("${UNSET:-${if A}y${else}n${end}}", "y");
	expect("${UNSET:-${for X in HOSTS}<$X>${end}}", "<one><two><three>");
	expect("${PORT:+listen ${PORT};}", "listen 8080;");
	expect("${UNSET:-${A:+${UNSET:-x}}}}", "x}");
}

static void test_expand_filters_apply_to_the_value(void **state)
{
	(void)state;
	expect("${QUOTED|json}", "\\\"\\u003c&\\\\");
	expect("${QUOTED|html}", "&quot;&lt;&amp;\\");
	expect("${A|upper|lower|upper}", "A");
	expect("${SEMI|trim}", "a b; c ;;d");
	expect("${PORT|port:-1}", "8080");
	expect("${UNSET|port:-x y}", "x y");
	expect("${QUOTED|url:+w}", "w");
	expect("${A|none}", "a");
	expect("${A|none|upper|none}", "A");
	expect_str(STR("$QUOTED ${QUOTED|none} ${QUOTED|url} ${UNSET:-<} $((1))"),
		(struct template_options){.escape = FILTER_HTML},
		STR("&quot;&lt;&amp;\\ \"<&\\ %22%3C%26%5C < 1"));
	expect_str(STR("${for X in A}$X${end}"), (struct template_options){.escape = FILTER_SH},
		STR("'a'"));
	expect_str(STR("[${UNSET|ini}]"), (struct template_options){.undefined = TEMPLATE_EMPTY},
		STR("['']"));
}

static void test_expand_undefined_as_said(void **state)
{
	struct template_options empty = {.undefined = TEMPLATE_EMPTY};
	struct template_options error = {.undefined = TEMPLATE_ERROR};

	(void)state;
	expect("$UNSET ${UNSET} ${UNSET|json} $((UNSET+1))",
		"$UNSET ${UNSET} ${UNSET|json} $((UNSET+1))");
	expect("$$$UNSET", "$$UNSET");
	expect("${if UNSET}x${end}${for X in UNSET}x${end}", "");
	expect_str(STR("$UNSET-${UNSET}-$((UNSET+1))-$((EMPTY))"), empty, STR("--1-0"));
	expect_str(STR("${for X in UNSET}x${end}"), empty, STR(""));
	expect_error("a $UNSET", error, 1, 3, "UNSET is not set");
	expect_error("a\n ${UNSET}", error, 2, 2, "UNSET is not set");
	expect_error("$((1 + UNSET))", error, 1, 8, "UNSET is not set");
	expect_error("${for X in UNSET}${end}", error, 1, 1, "UNSET is not set");
	expect_str(STR("${UNSET:-x}${UNSET:+y}${if UNSET}${end}$((${UNSET:-3}))$EMPTY"), error,
		STR("x3"));
}

static void test_expand_values_never_expanded_again(void **state)
{
	(void)state;
	expect("$CODE", "${A} $A $$A ${if A}");
	expect("${CODE}${A}", "${A} $A $$A ${if A}a");
	expect("${UNSET:-$CODE}", "${A} $A $$A ${if A}");
	expect("${for X in CODE}[$X]${end}", "[${A}][$A][$$A][${if][A}]");
}

static void test_expand_any_byte_passes(void **state)
{
	(void)state;
	expect_str(STR("\0$BYTES\0\xfe"), usual, STR("\0\0\xff\r\n\0\xfe"));
	expect_str(STR("${UNSET:-\0\xff}"), usual, STR("\0\xff"));
	expect_str(STR("${A\0}$\0{A}"), usual, STR("${A\0}$\0{A}"));
	expect_str(STR("${if A == \0}x${end}"), usual, STR(""));
}

static void test_expand_escapes_each_two_are_one(void **state)
{
	(void)state;
	expect("$$A", "$A");
	expect("$${A}", "${A}");
	expect("$$$A", "$a");
	expect("$$$$A", "$$A");
	expect("$$$$$A", "$$a");
	expect("$${A:-$A}", "${A:-a}");
	expect("$${if A}$${end}", "${if A}$${end}");
	expect("${if A}$${end}${end}", "${end}");
	expect("$$((1+1))", "$((1+1))");
	expect("$$$((1+1))", "$2");
	expect("$${A|nofilter}", "${A|nofilter}");
	expect("$$UNSET", "$UNSET");
	expect("$$uri$A", "$$uria");
}

static void test_expand_arithmetic_computed(void **state)
{
	(void)state;
	expect("$((1+2*3))", "7");
	expect("$(( (1+2)*3 ))", "9");
	expect("$((SIX*7)) $(($SIX*7)) $((${SIX}*7)) $((${UNSET:-5}*7))", "42 42 42 35");
	expect("a$((0-1))b", "a-1b");
	expect("$((1\n+\n1))", "2");
	expect("$((1+1))$((2+2))", "24");
	expect("$((0 && 1/0))", "0");
	expect("$((SIX > 5 ? 1 : 2))", "1");
	expect("$((((1))))", "1");
}

static void test_expand_conditions_choose(void **state)
{
	(void)state;
	expect("${if A}y${end}", "y");
	expect("${if EMPTY}y${end}", "");
	expect("${if A}y${else}n${end}", "y");
	expect("${if UNSET}y${else}n${end}", "n");
	expect("${if UNSET}1${elif EMPTY}2${elif A}3${elif A}4${else}5${end}", "3");
	expect("${if PORT == 8080}y${else}n${end}", "y");
	expect("${if PORT != 8080}y${else}n${end}", "n");
	expect("${if PORT==8080}y${end}", "y");
	expect("${if PORT == \"8080\"}y${end}${if PORT == '8080'}y${end}", "yy");
	expect("${if PORT == \" 8080\"}y${end}", "");
	expect("${if A == \"}\"}y${end}", "");
	expect("${if A == \"}y${end}", "");
	expect("${if UNSET == }y${end}${if EMPTY == ''}y${end}", "yy");
	expect("${if SEMI == ' a b; c ;;d'}y${end}", "y");
	expect("${if\tA\t}y${else }n${end\t}", "y");
	expect("${if A}${if EMPTY}1${else}2${end}${else}${if A}3${end}${end}", "2");
	expect("${if EMPTY}${if A}1${else}2${end}${else}${if A}3${end}${end}", "3");
}

static void test_expand_loops_split(void **state)
{
	(void)state;
	expect("${for X in HOSTS}[$X]${end}", "[one][two][three]");
	expect("${for X in SEMI by ;}[${X}]${end}", "[a b][c][d]");
	expect("${for X in SEMI by b; }[${X}]${end}", "[a][c ;;d]");
	expect("${for X in EMPTY}[$X]${end}", "");
	expect("${for host in HOSTS}[$host]${end}$host", "[one][two][three]$host");
	expect("${for X in HOSTS}${for Y in HOSTS by ,}$X-$Y;${end}${end}",
		"one-one;one-two\tthree;two-one;two-two\tthree;three-one;three-two\tthree;");
	expect("${for X in HOSTS}${for X in A}$X${end}$X${end}", "aoneatwoathree");
	expect("${for A in HOSTS}$A${end}$A", "onetwothreea");
	expect("${for X in HOSTS}${if X == two}!${else}$X${end}${end}", "one!three");
	expect("${for X in HOSTS}${for Y in X}$Y${end}${end}", "onetwothree");
	expect("${for X in HOSTS}${X|upper}${UNSET:-,}${end}", "ONE,TWO,THREE,");
	expect("${if EMPTY}${for X in HOSTS}$X${end}${end}", "");
}

static void test_expand_directive_alone_takes_its_line(void **state)
{
	(void)state;
	expect("a\n${if A}\nb\n${end}\nc\n", "a\nb\nc\n");
	expect("a\n  ${if A}  \n  b\n\t${else}\t\n  c\n${end}\nd", "a\n  b\nd");
	expect("${if A}\r\nb\r\n${end}\r\nc", "b\r\nc");
	expect("${if A}\nb\n${end}", "b\n");
	expect(" ${if A} \nb\n ${end} ", "b\n");
	expect("x ${if A}\nb\n${end}\n", "x \nb\n");
	expect("${if A} x\nb${end}\n", " x\nb\n");
	expect("${if A}${if A}\nb\n${end}${end}\n", "\nb\n\n");
	expect("${for X in HOSTS}\n- $X\n${end}\nend\n", "- one\n- two\n- three\nend\n");
	expect("${if lower}\nb\n${end}\n", "${if lower}\nb\n${end}\n");
	expect("${if A}\n\nb\n\n${end}\n", "\nb\n\n");
	expect("$${if A}\nb\n", "${if A}\nb\n");
	expect("  $A\n  ${UNSET:-x}\n", "  a\n  x\n");
	expect("${UNSET:-\n${if A}\ny\n${end}\n}", "\ny\n");
}

static void test_expand_open_makes_dollar_plain(void **state)
{
	struct template_options brace = {.open = "${"};
	struct template_options percent = {.open = "%{"};
	struct template_options angle = {.open = "<%"};
	struct template_options curly = {.open = "{{"};

	(void)state;
	expect_str(STR("$A ${A} $((1+1)) $$A $${A} ${ A }"), brace,
		STR("$A a $((1+1)) $$A ${A} ${ A }"));
	expect_str(STR("$A ${A} %{A} %{ A } %A %%{A} %%%{A} %%A"), percent,
		STR("$A ${A} a a %A %{A} %a %%A"));
	expect_str(STR("%{if A}%{UNSET:-%{A|upper}}%{else}n%{end}"), percent, STR("A"));
	expect_str(STR("%{for X in HOSTS}<%{X}>%{end}"), percent, STR("<one><two><three>"));
	expect_str(STR("<%A%> <% A %> <%A|upper%> <% A | upper %> <<%A%> <%A> <%UNSET:- x %>"),
		angle, STR("a a A A <%A%> <%A>  x "));
	expect_str(STR("<% if A == 1 %>y<% else %>n<% end %>"), angle, STR("n"));
	expect_str(STR("<%UNSET:-a\\%>b%>"), angle, STR("a%>b"));
	expect_str(STR("{{A}} {{ A }} {{{A}}} {A}"), curly, STR("a a {a} {A}"));
	expect_str(STR("[[A]]"), (struct template_options){.open = "[["}, STR("a"));
	expect_str(STR("#{A}"), (struct template_options){.open = "#{"}, STR("a"));
	expect_str(STR("{%A%}"), (struct template_options){.open = "{%"}, STR("a"));
	expect_str(STR("$A"), (struct template_options){.open = "$"}, STR("a"));
}

static void test_check_open_refuses_what_cannot_be_one(void **state)
{
	static const char *const bad[] = {"", "{", "x{", "%%", "\\{", "\"{", "{ {", "%{%{%{%{%"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(template_check_open(bad[i], &err), -1);
		assert_int_equal(err.code, ERR_CONFIG);
	}
	expect_error("x", (struct template_options){.open = "%%"}, 0, 0, "an opening");
}

static void test_compile_wrong_form_named_with_its_place(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		unsigned column;
		const char *message;
	} cases[] = {
		{"a\n  ${PORT|prot}", 2, 10, "unknown filter \"prot\" (did you mean port?)"},
		{"${PORT|zzzzzz}", 1, 8, "unknown filter \"zzzzzz\""},
		{"${PORT|}", 1, 8, "a filter's name is missing"},
		{"${PORT|port|}", 1, 13, "a filter's name is missing"},
		{"${PORT|port", 1, 12, "the closing } is missing"},
		{"${PORT|port x}", 1, 12, "|FILTER, :-DEFAULT or the closing } is missing here"},
		{"${PORT|port-x}", 1, 8, "unknown filter \"port-x\""},
		{"${A|trim|trim|trim|trim|trim|trim|trim|trim|trim}", 1, 45, "more than 8"},
		{"x ${PORT:-unclosed", 1, 3, "the closing } of this word is missing"},
		{"${PORT:-${A:-x}", 1, 1, "the closing } of this word is missing"},
		{"${PORT:-${x}", 1, 1, "the closing } of this word is missing"},
		{"${PORT:+x\n", 1, 1, "the closing } of this word is missing"},
		{"${PORT:?x\n", 1, 1, "the closing } of this message is missing"},
		{"${if PORT", 1, 10, "== TEXT, != TEXT or the closing } is missing here"},
		{"${if PORT\n}", 1, 10, "the closing } is missing here"},
		{"${if PORT = 80}x${end}", 1, 11, "== TEXT"},
		{"${if PORT A}x${end}", 1, 11, "== TEXT"},
		{"${if PORT == 80\n}", 1, 1, "the closing } is missing on this line"},
		{"${if PORT == ${A}}", 1, 14, "a construct cannot stand here"},
		{"${if PORT == \"a\" b}", 1, 18, "the closing } is missing behind the quote"},
		{"a\n${if A}\nb\n", 2, 1, "this block has no ${end}"},
		{"${for X in HOSTS}", 1, 1, "this block has no ${end}"},
		{"${for X in HOSTS of}", 1, 18, "by SEPARATOR or the closing } is missing"},
		{"${for X in HOSTS by }", 1, 21, "by takes a separator"},
		{"${for X in HOSTS by 12345678901234567}", 1, 21, "by takes a separator"},
		{"${for X in HOSTS by ; x}", 1, 23, "the closing } is missing here"},
		{"${for X in HOSTS", 1, 17, "the closing } is missing"},
		{"${if A}${else}${else}${end}", 1, 15, "else behind the block's else"},
		{"${if A}${else}${elif A}${end}", 1, 15, "elif behind the block's else"},
		{"${if A}${else if A}${end}", 1, 15, "else has no condition; elif has"},
		{"${if A}${elif (x)}${end}", 1, 15, "elif needs a name"},
		{"${if A}${elif x}${end}", 1, 8, "x is not selected"},
		{"${if A}${elif A = 1}${end}", 1, 17, "== TEXT"},
		{"${for X in A}${else}${end}", 1, 14, "else in a loop"},
		{"${if A}${for X in A}${elif A}${end}${end}", 1, 21, "elif in a loop"},
		{"${UNSET:-${if A}x}y${end}}", 1, 10, "this block has no ${end} before the word"},
		{"$((SIX +))", 1, 9, "a number or a name is expected here"},
		{"$((UNSET + SIX : 1))", 1, 16, "this : belongs to no ?"},
		{"$((SIX = 1))", 1, 8, "nothing to assign to"},
		{"$((SIX SIX))", 1, 8, "an operator is expected here"},
		{"${if EMPTY}${PORT|prot}${end}", 1, 19, "unknown filter"},
		{"${A:-${PORT|prot}}", 1, 13, "unknown filter"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		expect_error(
			cases[i].text, usual, cases[i].line, cases[i].column, cases[i].message);
	}
	expect_error("<%if A%>", (struct template_options){.open = "<%"}, 1, 1, "no <%end%>");
	expect_error("<%A:-x", (struct template_options){.open = "<%"}, 1, 1, "closing %> of");
}

static void test_expand_wrong_value_named_with_its_place(void **state)
{
	(void)state;
	expect_error("listen ${CODE|port};", usual, 1, 8, "CODE|port: not a port");
	expect_error("\n\n ${SECRET|port}", usual, 3, 2, "SECRET|port");
	expect_error("$SECRET", (struct template_options){.escape = FILTER_INT}, 1, 1,
		"SECRET|int: not a decimal integer");
	expect_error("$((10 / (SIX - 6)))", usual, 1, 7, "division by zero");
	expect_error("$(((0 && UNSET) + 1 / 0))", usual, 1, 21, "division by zero");
	expect_error("$((SECRET))", usual, 1, 4, "the value of SECRET is not an integer");
	expect_error("$((OCTAL))", usual, 1, 4, "octal");
	expect_error("$((EMPTY))", usual, 1, 4, "EMPTY is empty");
	expect_error("$((9223372036854775807 + 1))", usual, 1, 24, "overflow");
	expect_error("a\n${UNSET:?give ${SECRET} it}", usual, 2, 1, "UNSET: give ${SECRET} it");
	expect_error("${EMPTY:?}", usual, 1, 1, "EMPTY: is not set or empty");
	expect("${if EMPTY}${CODE|port}$((1/0))${UNSET:?x}${end}", "");
}

static void test_errors_place_within_a_file(void **state)
{
	struct template_options options = {
		.file = "husk.yaml", .first_line = 12, .first_column = 8};
	struct result r;

	(void)state;
	expect_error("a ${PORT|prot}", options, 12, 17, "unknown filter");
	expect_error("a\n${PORT|prot}", options, 13, 8, "unknown filter");
	r = expand(STR("a ${PORT|prot}"), options);
	assert_string_equal(r.err.file, "husk.yaml");
	assert_string_equal(r.err.source, "a ${PORT|prot}");
	assert_int_equal(r.err.caret, 10);
	free_result(&r);
	options.secret = true;
	r = expand(STR("a ${PORT|prot}"), options);
	assert_string_equal(r.err.source, "");
	assert_int_equal(r.err.caret, 0);
	free_result(&r);
}

static void test_expand_nesting_bounded(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	for (unsigned i = 0; i < TEMPLATE_DEPTH_MAX; i++)
		buf_append_cstr(&text, i % 2 ? "${if A}" : "${UNSET:-");
	buf_append_cstr(&text, "x");
	for (unsigned i = TEMPLATE_DEPTH_MAX; i > 0; i--)
		buf_append_cstr(&text, i % 2 ? "}" : "${end}");
	expect(buf_cstr(&text), "x");
	buf_reset(&text);
	for (unsigned i = 0; i <= TEMPLATE_DEPTH_MAX; i++)
		buf_append_cstr(&text, "${UNSET:-");
	expect_error(buf_cstr(&text), usual, 1, 32 * 9 + 1, "nested deeper than 32");
	buf_fini(&text);
}

static void test_expand_secret_reported_where_written(void **state)
{
	static const struct {
		const char *text;
		bool secret;
	} cases[] = {
		{"$A", false},
		{"$SECRET", true},
		{"${UNSET:-${SECRET|upper}}", true},
		{"${A:-$SECRET}", false},
		{"${SECRET:+x}", false},
		{"${if SECRET == x}y${end}", false},
		{"${if EMPTY}$SECRET${end}", false},
		{"${for X in SECRETS}$X${end}", true},
		{"${for X in SECRETS}-${end}", false},
		{"$$SECRET", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct result r = expand(str_from(cases[i].text), usual);

		assert_int_equal(r.rc, 0);
		assert_int_equal(r.secret, cases[i].secret);
		free_result(&r);
	}
}

static void test_kept_told_once_in_order(void **state)
{
	struct template_options options = {.first_line = 5, .first_column = 3};

	(void)state;
	expect_told("$uri\n ${name}$A", usual, "1:1 $uri\n2:2 ${name}\n");
	expect_told("$uri\n$x", options, "5:3 $uri\n6:1 $x\n");
	expect_told("${x:-${A}} ${A:8080} ${A-1}", usual, "1:1 ${x:-${A}}\n1:12 ${A\n1:22 ${A\n");
	expect_told("${if x}${end} $((x+1)) ${end}", usual,
		"1:1 ${if x}\n1:8 ${end}\n1:15 $((x+1))\n1:24 ${end}\n");
	expect_told("${for X in HOSTS}$UNSET$uri${end}\n$UNSET", usual,
		"1:24 $uri\n1:18 $UNSET\n2:1 $UNSET\n");
	expect_told("$A ${A:-x} $ $1 ${a.b} ${}", usual, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expand_variables_substituted),
		cmocka_unit_test(test_expand_no_construct_stays),
		cmocka_unit_test(test_expand_unselected_stays_with_its_word),
		cmocka_unit_test(test_expand_words_as_posix),
		cmocka_unit_test(test_expand_filters_apply_to_the_value),
		cmocka_unit_test(test_expand_undefined_as_said),
		cmocka_unit_test(test_expand_values_never_expanded_again),
		cmocka_unit_test(test_expand_any_byte_passes),
		cmocka_unit_test(test_expand_escapes_each_two_are_one),
		cmocka_unit_test(test_expand_arithmetic_computed),
		cmocka_unit_test(test_expand_conditions_choose),
		cmocka_unit_test(test_expand_loops_split),
		cmocka_unit_test(test_expand_directive_alone_takes_its_line),
		cmocka_unit_test(test_expand_open_makes_dollar_plain),
		cmocka_unit_test(test_check_open_refuses_what_cannot_be_one),
		cmocka_unit_test(test_compile_wrong_form_named_with_its_place),
		cmocka_unit_test(test_expand_wrong_value_named_with_its_place),
		cmocka_unit_test(test_errors_place_within_a_file),
		cmocka_unit_test(test_expand_nesting_bounded),
		cmocka_unit_test(test_expand_secret_reported_where_written),
		cmocka_unit_test(test_kept_told_once_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
