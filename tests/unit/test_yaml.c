#include "unit/unit.h"

#include "base/buf.h"
#include "text/yaml.h"

enum { ARENA_MAX = 64 << 20 };

struct fixture {
	struct arena *arena;
	struct err_list errors;
	struct yaml_node *root;
	int rc;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->arena = arena_new(ARENA_MAX);
	*state = f;
	return f->arena ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	free(f);
	return 0;
}

static struct yaml_node *parse_str(struct fixture *f, struct str text)
{
	f->errors.count = f->errors.dropped = 0;
	f->rc = yaml_parse(f->arena, "t.yaml", text, &f->root, &f->errors);
	assert_int_equal(f->rc, f->errors.count > 0 ? -1 : 0);
	return f->root;
}

static struct yaml_node *parse(struct fixture *f, const char *text)
{
	return parse_str(f, str_from(text));
}

static void assert_error(const struct fixture *f, unsigned index, const char *expected)
{
	char text[2048];

	assert_true(index < f->errors.count);
	err_format(&f->errors.errs[index], text, sizeof(text));
	assert_string_equal(text, expected);
}

static void assert_one_error(struct fixture *f, const char *yaml, const char *expected)
{
	parse(f, yaml);
	assert_int_equal(f->errors.count, 1);
	assert_error(f, 0, expected);
}

/* The tree as text: "{a:1,b:[x,{}]}"; a quoted scalar stands in quotes. Of bounded depth. */
static void show(const struct yaml_node *node, struct buf *out)
{
	if (node->kind == YAML_SCALAR) {
		buf_appendf(out, node->plain ? "%s" : "'%s'", node->value.data);
		return;
	}
	buf_append_char(out, node->kind == YAML_MAPPING ? '{' : '[');
	for (const struct yaml_node *child = node->first; child; child = child->next) {
		if (node->kind == YAML_MAPPING)
			buf_appendf(out, "%s:", child->key->value.data);
		show(child, out);
		if (child->next)
			buf_append_char(out, ',');
	}
	buf_append_char(out, node->kind == YAML_MAPPING ? '}' : ']');
}

static void assert_tree(struct fixture *f, const char *yaml, const char *expected)
{
	struct buf out;

	parse(f, yaml);
	if (f->errors.count > 0)
		assert_error(f, 0, "");
	assert_non_null(f->root);
	buf_init(&out, 1 << 20);
	show(f->root, &out);
	assert_string_equal(buf_cstr(&out), expected);
	buf_fini(&out);
}

static void test_parse_kinds_tree(void **state)
{
	struct fixture *f = *state;

	assert_tree(f, "a: 1\nb: [x, \"y\", 'z', {}]\nc:\n  d: |\n    t\n",
		"{a:1,b:[x,'y','z',{}],c:{d:'t\n'}}");
	assert_tree(f, "- a\n-\n  - b\n- {c: }\n", "[a,[b],{c:}]");
	assert_tree(f, "plain text\n", "plain text");
	assert_tree(f, "%YAML 1.1\n---\na: b\n...\n", "{a:b}");
	assert_tree(f,
		"\xef\xbb\xbf"
		"a: \xc3\xa9\n",
		"{a:\xc3\xa9}");
	assert_tree(f, "a: \"x\\ty\\u00e9\"\r\nb: 2\r\n", "{a:'x\ty\xc3\xa9',b:2}");
}

static void test_parse_empty_null_root(void **state)
{
	struct fixture *f = *state;

	assert_null(parse(f, ""));
	assert_int_equal(f->rc, 0);
	assert_null(parse(f, "# only this\n\n"));
	assert_int_equal(f->rc, 0);
	assert_null(parse(f, "---\n"));
	assert_int_equal(f->rc, 0);
	assert_null(parse(f, "~\n"));
	assert_null(parse_str(f, (struct str){NULL, 0}));
	assert_int_equal(f->rc, 0);
}

static void assert_place(const struct yaml_node *node, unsigned line, unsigned column)
{
	assert_non_null(node);
	assert_int_equal(node->line, line);
	assert_int_equal(node->column, column);
	assert_string_equal(node->file, "t.yaml");
}

static void test_parse_places_line_and_byte_column(void **state)
{
	struct fixture *f = *state;
	struct yaml_node *root = parse(f, "a: 1\nbb:\n  c: [x, yy]\n");

	assert_place(root, 1, 1);
	assert_place(yaml_get(root, "a"), 1, 4);
	assert_place(yaml_get(root, "a")->key, 1, 1);
	assert_place(yaml_get(root, "bb"), 3, 3);
	assert_place(yaml_get(root, "bb")->key, 2, 1);
	assert_place(yaml_get(yaml_get(root, "bb"), "c")->first->next, 3, 10);

	/* Columns are bytes, though libyaml counts characters. */
	root = parse(f, "# \xe2\x82\xac\n\xc3\xa9\xc3\xa9: \xf0\x9f\x98\x80\n\"\xc3\xa9\": "
			"[\xc3\xa9, z]\nlast: 1\n");
	assert_place(root->first->key, 2, 1);
	assert_place(root->first, 2, 7);
	assert_place(root->first->next->first->next, 3, 12);
	assert_place(yaml_get(root, "last"), 4, 7);

	root = parse(f, "\xef\xbb\xbf"
			"a: b\n");
	assert_place(root->first->key, 1, 1);
	root = parse(f, "\xef\xbb\xbf"
			"\xc3\xa9: b\n");
	assert_place(root->first->key, 1, 1);
	assert_place(root->first, 1, 5);
}

static void test_parse_text_place_is_the_content(void **state)
{
	struct fixture *f = *state;
	struct yaml_node *root =
		parse(f, "a: plain\nb: \"quoted\"\nc: |\n  block\nd: >-  # why\n\n     folded\n");
	const struct yaml_node *c = yaml_get(root, "c");

	assert_int_equal(yaml_get(root, "a")->text_column, 4);
	assert_int_equal(yaml_get(root, "b")->column, 4);
	assert_int_equal(yaml_get(root, "b")->text_column, 5);
	assert_place(c, 3, 4);
	assert_int_equal(c->text_line, 4);
	assert_int_equal(c->text_column, 3);
	assert_int_equal(yaml_get(root, "d")->text_line, 6);
	assert_int_equal(yaml_get(root, "d")->text_column, 6);
}

static void test_parse_tags_decide_what_is_plain(void **state)
{
	struct fixture *f = *state;

	assert_tree(f, "[!!str 1, ! 2, !!int \"3\", !!seq [], !!map {}, !!bool true]",
		"['1','2',3,[],{},true]");
	assert_one_error(
		f, "a: !custom 1\n", "t.yaml:1:4: this tag (!...) has no meaning here: remove it");
	assert_one_error(f, "a: !!binary aaaa\n",
		"t.yaml:1:4: this tag (!...) has no meaning here: remove it");
	assert_one_error(
		f, "a: !!map []\n", "t.yaml:1:4: this tag (!...) has no meaning here: remove it");
	assert_one_error(
		f, "a: !!seq {}\n", "t.yaml:1:4: this tag (!...) has no meaning here: remove it");
}

static void test_alias_shares_the_value(void **state)
{
	struct fixture *f = *state;

	assert_tree(f, "a: &x [1, 2]\nb: *x\nc: &y s\nd: [*y, *x]\n",
		"{a:[1,2],b:[1,2],c:s,d:[s,[1,2]]}");
	assert_tree(f, "a: &x 1\nb: &x 2\nc: *x\n", "{a:1,b:2,c:2}");
	assert_tree(f, "a: &k key\n*k : v\n", "{a:key,key:v}");
	assert_tree(f, "[&e '', *e]", "['','']");
}

static void test_alias_unknown_error_and_tree(void **state)
{
	struct fixture *f = *state;

	assert_one_error(f, "a: *nope\nb: 1\n",
		"t.yaml:1:4: unknown alias *nope: no anchor &nope before it");
	assert_non_null(yaml_get(f->root, "b"));
	assert_true(yaml_is_null(yaml_get(f->root, "a")));
}

static void test_alias_within_itself_error(void **state)
{
	struct fixture *f = *state;

	assert_one_error(
		f, "a: &x [1, *x]\n", "t.yaml:1:11: an alias within the value that it names");
	assert_null(f->root);
	assert_one_error(
		f, "&r {a: {b: *r}}\n", "t.yaml:1:12: an alias within the value that it names");
}

static void test_merge_own_keys_win(void **state)
{
	struct fixture *f = *state;

	assert_tree(f, "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n", "{a:{x:1,y:2},b:{y:3,x:1}}");
	assert_tree(f, "a: &a {x: 1, y: 2}\nb:\n  y: 3\n  <<: *a\n  z: 4\n",
		"{a:{x:1,y:2},b:{y:3,z:4,x:1}}");
	assert_int_equal(yaml_get(f->root, "b")->count, 3);
	/* What is merged keeps the place where it stands. */
	assert_place(yaml_get(yaml_get(f->root, "b"), "x"), 1, 11);
	assert_place(yaml_get(yaml_get(f->root, "b"), "x")->key, 1, 8);
}

static void test_merge_list_first_wins(void **state)
{
	struct fixture *f = *state;

	assert_tree(f, "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b], z: 3}\n",
		"{a:{x:1},b:{x:2,y:2},c:{z:3,x:1,y:2}}");
	assert_tree(f, "a: &a {x: 1}\nb: &b\n  <<: *a\n  y: 2\nc:\n  <<: *b\n",
		"{a:{x:1},b:{y:2,x:1},c:{y:2,x:1}}");
	assert_tree(f, "{<<: {x: 1}, <<x: 2}", "{<<x:2,x:1}");
	assert_tree(f, "{<<: []}", "{}");
	assert_tree(f, "{\"<<\": 1}", "{<<:1}");
}

static void test_merge_of_no_mapping_error(void **state)
{
	struct fixture *f = *state;

	assert_one_error(f, "a: {<<: 1}\n",
		"t.yaml:1:5: <<: wants a mapping or a list of mappings, as in `<<: *name`");
	assert_one_error(f, "a: {<<: [{}, 1]}\n",
		"t.yaml:1:5: <<: wants a mapping or a list of mappings, as in `<<: *name`");
	parse(f, "a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n");
	assert_int_equal(f->errors.count, 1);
	assert_error(f, 0, "t.yaml:4:3: b.<<: is set twice, first in line 3");
}

static void test_duplicate_keys_each_an_error_with_path(void **state)
{
	struct fixture *f = *state;

	parse(f, "a: 1\nb:\n  - c: 1\n    d: 2\n    c: 3\na: 4\nz: 5\n");
	assert_int_equal(f->errors.count, 2);
	assert_error(f, 0, "t.yaml:5:5: b[0].c: is set twice, first in line 3");
	assert_error(f, 1, "t.yaml:6:1: a: is set twice, first in line 1");
	assert_non_null(f->root);
	assert_string_equal(yaml_get(f->root, "a")->value.data, "1");
	assert_int_equal(f->root->count, 3);
	assert_one_error(f, "{a: 1, \"a\": 2}", "t.yaml:1:8: a: is set twice, first in line 1");
	assert_one_error(f, "{x: {y: [[{k: 1, k: 2}]]}}",
		"t.yaml:1:18: x.y[0][0].k: is set twice, first in line 1");
}

/* Mappings large enough to be sorted, in an order that is not sorted. */
static void test_duplicate_in_large_mapping_error(void **state)
{
	struct fixture *f = *state;
	struct buf text;

	buf_init(&text, 1 << 20);
	for (unsigned i = 0; i < 5000; i++)
		buf_appendf(&text, "k%u: %u\n", i * 7919 % 5000, i);
	assert_non_null(parse_str(f, buf_str(&text)));
	assert_int_equal(f->rc, 0);
	assert_int_equal(f->root->count, 5000);
	assert_string_equal(f->root->first->next->key->value.data, "k2919");
	buf_append_cstr(&text, "k7: x\n");
	parse_str(f, buf_str(&text));
	assert_int_equal(f->errors.count, 1);
	assert_true(strstr(f->errors.errs[0].message, "k7: is set twice, first in line ") != NULL);
	assert_int_equal(f->errors.errs[0].line, 5001);
	assert_int_equal(f->root->count, 5000);
	buf_fini(&text);
}

static void test_key_of_no_scalar_error(void **state)
{
	struct fixture *f = *state;

	assert_one_error(f, "? [a, b]\n: c\n",
		"t.yaml:1:3: a key must be a text, not a list or a mapping (a value that begins "
		"with [ or { needs quotes)");
	assert_one_error(f, "a: &a [1]\n*a : 2\n",
		"t.yaml:2:1: a key must be a text, not a list or a mapping (a value that begins "
		"with [ or { needs quotes)");
	assert_one_error(f, "{{a}: 1}\n",
		"t.yaml:1:2: a key must be a text, not a list or a mapping (a value that begins "
		"with [ or { needs quotes)");
}

static void test_second_document_error(void **state)
{
	struct fixture *f = *state;

	assert_one_error(
		f, "a: 1\n---\nb: 2\n", "t.yaml:2:1: a second document (---): one file holds one");
	assert_one_error(
		f, "---\n---\n", "t.yaml:2:1: a second document (---): one file holds one");
	assert_tree(f, "---\na: 1\n...\n# end\n", "{a:1}");
}

static void test_encoding_errors(void **state)
{
	struct fixture *f = *state;

	assert_one_error(f, "a: \xff\n", "t.yaml:1:4: not UTF-8 (invalid leading UTF-8 octet)");
	assert_one_error(
		f, "a: 1\nb: \xc3(\n", "t.yaml:2:5: not UTF-8 (invalid trailing UTF-8 octet)");
	assert_one_error(
		f, "a: \xed\xa0\x80\n", "t.yaml:1:4: not UTF-8 (invalid Unicode character)");
	assert_one_error(f, "a: \xc3", "t.yaml:1:4: not UTF-8 (incomplete UTF-8 octet sequence)");
	assert_one_error(f, "a: 1\nb: \x01\n",
		"t.yaml:2:4: the control character 0x01 cannot stand in YAML");
	parse_str(f, STR("a: 1\nbc\0\n"));
	assert_error(f, 0, "t.yaml:2:3: the control character 0x00 cannot stand in YAML");
	parse_str(f, STR("\xff\xfe"
			 "a\0:\0"));
	assert_error(f, 0, "t.yaml:1:1: the file is UTF-16: save it as UTF-8");
	parse_str(f, STR("\xfe\xff\0a\0:"));
	assert_error(f, 0, "t.yaml:1:1: the file is UTF-16: save it as UTF-8");
	parse_str(f, STR("a\0:\0"));
	assert_error(
		f, 0, "t.yaml:1:1: the file is not text (UTF-16 or UTF-32?): save it as UTF-8");
	assert_one_error(f, "a: \"\\0\"\n", "t.yaml:1:4: a text with a NUL byte (\\0) in it");
}

static void test_syntax_errors_place_and_hint(void **state)
{
	struct fixture *f = *state;

	assert_one_error(
		f, "a:\n\tb: 1\n", "t.yaml:2:1: a tab where YAML wants indentation: use blanks");
	assert_one_error(f, "a: {type: enum[a,b]}\n",
		"t.yaml:1:15: did not find expected ',' or '}' (while parsing a flow mapping in "
		"line 1); within [] or {} a text that holds [ ] { } or , needs quotes");
	assert_one_error(f, "a: [1, 2\nb: 3\n",
		"t.yaml:2:2: did not find expected ',' or ']' (while parsing a flow sequence in "
		"line 1)");
	assert_one_error(f, "a: \"x\n",
		"t.yaml:2:1: found unexpected end of stream (while scanning a quoted scalar in "
		"line 1); a quote is not closed");
	assert_one_error(f, "a: b: c\n",
		"t.yaml:1:5: mapping values are not allowed in this context; a text that holds \": "
		"\" needs quotes, and keys beside each other the same indentation");
	assert_one_error(f, "a: @x\n",
		"t.yaml:1:4: found character that cannot start any token (while scanning for the "
		"next token in line 1); a text that begins with @ ` or % needs quotes");
	assert_one_error(f, "a:\n   b: 1\n  c: 2\n",
		"t.yaml:3:3: did not find expected key (while parsing a block mapping in line 1); "
		"keys beside each other need the same indentation, and nothing may follow a "
		"closing quote");
	assert_one_error(
		f, "%YAML 3.0\n---\na: 1\n", "t.yaml:1:1: found incompatible YAML document");
	/* A wrong line never shows: it may hold a secret. */
	parse(f, "P: {default: \"hunter2\" x}\n");
	assert_int_equal(f->errors.count, 1);
	assert_null(strstr(f->errors.errs[0].message, "hunter2"));
	assert_string_equal(f->errors.errs[0].source, "");
}

static void repeat(struct buf *out, const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_append_cstr(out, text);
	assert_false(out->failed);
}

static void test_nesting_ten_megabytes_error(void **state)
{
	static const char *const units[] = {"[", "{a: ", "- ", "? ", "[[{", "{"};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(units); i++) {
		struct buf text;

		buf_init(&text, 11 << 20);
		repeat(&text, units[i], (10 << 20) / strlen(units[i]));
		assert_null(parse_str(f, buf_str(&text)));
		assert_int_equal(f->errors.count, 1);
		assert_int_equal(f->errors.errs[0].line, 1);
		assert_non_null(strstr(f->errors.errs[0].message,
			i == 3 || i == 4 || i == 5 ? "a key must be" : "more than 64 levels"));
		buf_fini(&text);
	}
}

static void test_nesting_limit_is_exact(void **state)
{
	struct fixture *f = *state;
	struct buf text;

	buf_init(&text, 1 << 20);
	repeat(&text, "[", YAML_DEPTH_MAX);
	repeat(&text, "]", YAML_DEPTH_MAX);
	assert_non_null(parse_str(f, buf_str(&text)));
	assert_int_equal(f->root->height, YAML_DEPTH_MAX);
	buf_reset(&text);
	repeat(&text, "[", YAML_DEPTH_MAX + 1);
	assert_null(parse_str(f, buf_str(&text)));
	assert_error(f, 0, "t.yaml:1:65: more than 64 levels");

	/* The same depth, by aliases. */
	buf_reset(&text);
	buf_append_cstr(&text,
		"- &a [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ x ]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n");
	buf_append_cstr(
		&text, "- [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ *a ]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n");
	assert_non_null(parse_str(f, buf_str(&text)));
	buf_append_cstr(
		&text, "- [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ *a ]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n");
	assert_null(parse_str(f, buf_str(&text)));
	assert_error(f, 0, "t.yaml:3:36: more than 64 levels, aliases resolved");
	buf_fini(&text);
}

static void test_alias_bomb_error(void **state)
{
	struct fixture *f = *state;
	struct buf text;

	buf_init(&text, 1 << 20);
	buf_append_cstr(&text, "a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n");
	for (unsigned i = 1; i < 40; i++) {
		buf_appendf(&text, "a%u: &a%u [", i, i);
		for (unsigned k = 0; k < 9; k++)
			buf_appendf(&text, "%s*a%u", k > 0 ? "," : "", i - 1);
		buf_append_cstr(&text, "]\n");
	}
	assert_null(parse_str(f, buf_str(&text)));
	assert_int_equal(f->errors.count, 1);
	assert_string_equal(f->errors.errs[0].message, "more than 100000 values, aliases resolved");
	assert_int_equal(f->errors.errs[0].line, 6);

	/* And by merges. */
	buf_reset(&text);
	buf_append_cstr(&text, "a0: &a0 {k: v}\n");
	for (unsigned i = 1; i < 60; i++)
		buf_appendf(&text, "a%u: &a%u\n  x%u: {<<: [*a%u, *a%u]}\n  <<: [*a%u, *a%u]\n", i,
			i, i, i - 1, i - 1, i - 1, i - 1);
	assert_null(parse_str(f, buf_str(&text)));
	assert_int_equal(f->errors.count, 1);
	assert_string_equal(f->errors.errs[0].message, "more than 100000 values, aliases resolved");
	buf_fini(&text);
}

static void test_limits_of_values_anchors_scalars_size(void **state)
{
	struct fixture *f = *state;
	struct buf text;

	buf_init(&text, 20 << 20);
	buf_append_cstr(&text, "[");
	repeat(&text, "1,", YAML_NODES_MAX - 1);
	buf_append_cstr(&text, "]");
	assert_non_null(parse_str(f, buf_str(&text)));
	assert_int_equal(f->root->count, YAML_NODES_MAX - 1);
	text.data[text.len - 1] = '1';
	parse_str(f, buf_str(&text));
	assert_error(f, 0, "t.yaml:1:200000: more than 100000 values");

	buf_reset(&text);
	repeat(&text, "- &a x\n", YAML_ANCHORS_MAX + 1);
	parse_str(f, buf_str(&text));
	assert_error(f, 0, "t.yaml:1025:3: more than 1024 anchors");

	buf_reset(&text);
	buf_append_cstr(&text, "a: 1\nb: ");
	repeat(&text, "xxxxxxxx", YAML_SCALAR_MAX / 8);
	assert_non_null(parse_str(f, buf_str(&text)));
	buf_append_cstr(&text, "x");
	parse_str(f, buf_str(&text));
	assert_error(f, 0, "t.yaml:2:4: a text of more than 1 MiB");

	buf_reset(&text);
	repeat(&text, "# xxxxxx", (YAML_SIZE_MAX >> 3) + 1);
	parse_str(f, buf_str(&text));
	assert_error(f, 0, "t.yaml:1:1: the file is larger than 16 MiB");
	buf_fini(&text);
}

/* libyaml compares each %TAG with all before it. */
static void test_directive_flood_error(void **state)
{
	struct fixture *f = *state;
	struct buf text;

	buf_init(&text, 20 << 20);
	for (unsigned i = 0; i < 400000; i++)
		buf_appendf(&text, "%%TAG !%u! x\n", i);
	buf_append_cstr(&text, "---\na: 1\n");
	parse_str(f, buf_str(&text));
	assert_error(f, 0, "t.yaml:17:1: too many lines that begin with %");
	buf_fini(&text);
}

static void test_errors_beyond_the_list_counted(void **state)
{
	struct fixture *f = *state;
	struct buf text;

	buf_init(&text, 1 << 20);
	repeat(&text, "- {a: 1, a: 2}\n", 30);
	parse_str(f, buf_str(&text));
	assert_int_equal(f->errors.count, ERR_LIST_MAX);
	assert_int_equal(f->errors.dropped, 10);
	buf_fini(&text);
}

static void test_arena_exhausted_internal_error(void **state)
{
	struct fixture *f = *state;
	struct arena *arena = arena_new(1000);
	struct yaml_node *root;

	assert_int_equal(yaml_parse(arena, "t.yaml",
				 STR("[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q]"), &root,
				 &f->errors),
		-1);
	assert_null(root);
	assert_int_equal(f->errors.count, 1);
	assert_int_equal(f->errors.errs[0].code, ERR_INTERNAL);
	arena_free(arena);
}

static void test_get_and_is_null(void **state)
{
	struct fixture *f = *state;
	struct yaml_node *root = parse(f, "a: ~\nb: \"\"\nc:\nd: null\ne: NULL\nf: nil\ng: []\n");

	assert_true(yaml_is_null(yaml_get(root, "a")));
	assert_false(yaml_is_null(yaml_get(root, "b")));
	assert_true(yaml_is_null(yaml_get(root, "c")));
	assert_true(yaml_is_null(yaml_get(root, "d")));
	assert_true(yaml_is_null(yaml_get(root, "e")));
	assert_false(yaml_is_null(yaml_get(root, "f")));
	assert_false(yaml_is_null(yaml_get(root, "g")));
	assert_null(yaml_get(root, "h"));
	assert_null(yaml_get(yaml_get(root, "g"), "a"));
	assert_null(yaml_get(NULL, "a"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_parse_kinds_tree),
		TEST(test_parse_empty_null_root),
		TEST(test_parse_places_line_and_byte_column),
		TEST(test_parse_text_place_is_the_content),
		TEST(test_parse_tags_decide_what_is_plain),
		TEST(test_alias_shares_the_value),
		TEST(test_alias_unknown_error_and_tree),
		TEST(test_alias_within_itself_error),
		TEST(test_merge_own_keys_win),
		TEST(test_merge_list_first_wins),
		TEST(test_merge_of_no_mapping_error),
		TEST(test_duplicate_keys_each_an_error_with_path),
		TEST(test_duplicate_in_large_mapping_error),
		TEST(test_key_of_no_scalar_error),
		TEST(test_second_document_error),
		TEST(test_encoding_errors),
		TEST(test_syntax_errors_place_and_hint),
		TEST(test_nesting_ten_megabytes_error),
		TEST(test_nesting_limit_is_exact),
		TEST(test_alias_bomb_error),
		TEST(test_limits_of_values_anchors_scalars_size),
		TEST(test_directive_flood_error),
		TEST(test_errors_beyond_the_list_counted),
		TEST(test_arena_exhausted_internal_error),
		TEST(test_get_and_is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
