#include "unit/unit.h"

#include <inttypes.h>

#include "base/buf.h"
#include "text/arith.h"

/* A to Z are 1 to 26; X is unset. */
static int letter_value(
	void *arg, struct str name, struct str fallback, int64_t *out, struct err *err)
{
	(void)arg;
	if (name.data[0] != 'X') {
		*out = name.data[0] - 'A' + 1;
		return 0;
	}
	if (fallback.len != 0 && arith_constant(fallback, out) == 0)
		return 0;
	return err_set(err, ERR_CONFIG, "X is not set");
}

static const struct arith_scope letters = {NULL, letter_value};

static void expect(const char *expression, int64_t expected)
{
	struct err err;
	int64_t got = 0;
	size_t at = 0;

	err_clear(&err);
	if (arith_eval(str_from(expression), &letters, &got, &at, &err) != 0 || got != expected)
		print_message("%s gave %" PRId64 " (%s)\n", expression, got, err.message);
	assert_int_equal(arith_eval(str_from(expression), &letters, &got, &at, &err), 0);
	assert_true(got == expected);
}

static void expect_error(const char *expression, size_t where, const char *message)
{
	struct err err;
	int64_t got = 77;
	size_t at = 999;

	err_clear(&err);
	assert_int_equal(arith_eval(str_from(expression), &letters, &got, &at, &err), -1);
	if (at != where || !strstr(err.message, message))
		print_message("%s: %zu %s\n", expression, at, err.message);
	assert_int_equal(at, where);
	assert_non_null(strstr(err.message, message));
	assert_int_equal(err.code, ERR_CONFIG);
	assert_true(got == 77);
}

static void test_eval_precedence_is_that_of_c(void **state)
{
	(void)state;
	expect("1 + 2 * 3 - 8 / 4 % 3", 1 + 2 * 3 - 8 / 4 % 3);
	expect("1 << 2 + 1", 1 << (2 + 1));
	expect("1 | 6 & 3 ^ 1", 1 | ((6 & 3) ^ 1));
	expect("1 < 2 == 1", (1 < 2) == 1);
	expect("5 > 3 != 1", (5 > 3) != 1);
	expect("2 <= 2 && 3 >= 4 || 1", 1);
	expect("1 || 0 && 0", 1);
	expect("10 - 4 - 3", 3);
	expect("100 / 10 / 5", 2);
	expect("2 * (3 + 4)", 14);
	expect("-2 * -3", 6);
	expect("- - 2 + + 1", 3);
	expect("--2", 2);
	expect("!0 + !5", 1);
	expect("~0", -1);
	expect("!-1", 0);
	expect("-7 / 2", -3);
	expect("-7 % 2", -1);
	expect("-8 >> 1", -4);
	expect("(((((7)))))", 7);
	expect("1?2:3", 2);
	expect("0?2:0?4:5", 5);
	expect("1?0?2:3:4", 3);
	expect("0 ? 1 : 2 + 3", 5);
	expect("1 || 0 ? 7 : 8", 7);
	expect("(1 ? 2 : 3) * 2", 4);
	expect("A + $B * ${C} + ${X:-4} + ${D:-9} + ${X:--4}", 1 + 2 * 3 + 4 + 4 - 4);
	expect("\t1\n+\r\n1 ", 2);
}

static void test_eval_constants_decimal_octal_hexadecimal(void **state)
{
	(void)state;
	expect("0", 0);
	expect("017", 15);
	expect("0x1F + 0Xa", 41);
	expect("9223372036854775807", INT64_MAX);
	expect("0x7fffffffffffffff", INT64_MAX);
	expect("0777777777777777777777", INT64_MAX);
	expect("-9223372036854775807 - 1", INT64_MIN);
	expect_error("9223372036854775808", 0, "does not fit");
	expect_error("1 + 0x8000000000000000", 4, "does not fit");
	expect_error("08", 0, "octal");
	expect_error("1x", 0, "not a number");
	expect_error("0x", 0, "not a number");
	expect_error("0xg", 0, "not a number");
}

static void test_eval_overflow_is_an_error_with_its_place(void **state)
{
	(void)state;
	expect_error("9223372036854775807 + 1", 20, "overflow");
	expect_error("1 - 2 - 9223372036854775807 - 1", 28, "overflow");
	expect_error("9223372036854775807 * 2", 20, "overflow");
	expect_error("(-9223372036854775807 - 1) / -1", 27, "overflow");
	expect_error("-(-9223372036854775807 - 1)", 0, "overflow");
	expect_error("1 << 63", 2, "overflow");
	expect_error("1 << 64", 2, "0 to 63");
	expect_error("1 >> -1", 2, "0 to 63");
	expect_error("1 / 0", 2, "division by zero");
	expect_error("1 % (A - 1)", 2, "division by zero");
	expect_error("1 + (2 / 0) * 3", 7, "division by zero");
	expect_error("2 + X", 4, "X is not set");
	expect("(-9223372036854775807 - 1) % -1", 0);
	expect("-1 << 63", INT64_MIN);
	expect("1 << 62", (int64_t)1 << 62);
}

static void test_eval_left_out_parts_do_not_fail(void **state)
{
	(void)state;
	expect("0 && 1 / 0", 0);
	expect("1 || X", 1);
	expect("1 ? 2 : 1 / 0", 2);
	expect("0 ? X : 3", 3);
	expect("A == 1 || X > 3 && 9223372036854775807 + 1", 1);
	expect_error("1 && 1 / 0", 7, "division");
	expect_error("0 || X", 5, "X is not set");
	expect_error("X ? 1 : 2", 0, "X is not set");
	expect_error("1 / 0 ? 1 : 2", 2, "division");
}

static void test_eval_wrong_form_named_with_its_place(void **state)
{
	(void)state;
	expect_error("", 0, "a number or a name");
	expect_error("  ", 2, "a number or a name");
	expect_error("1 +", 3, "a number or a name");
	expect_error("* 2", 0, "a number or a name");
	expect_error("1 * * 2", 4, "a number or a name");
	expect_error("1 2", 2, "an operator");
	expect_error("A B", 2, "an operator");
	expect_error("1 (2)", 2, "an operator");
	expect_error("A = 2", 2, "assign");
	expect_error("(1", 0, "not closed");
	expect_error("2 * (1 + (3)", 4, "not closed");
	expect_error("1)", 1, "closes nothing");
	expect_error("()", 1, "a number or a name");
	expect_error("1 ? 2", 2, "no :");
	expect_error("(1 ? 2)", 3, "no :");
	expect_error("1 : 2", 2, "no ?");
	expect_error("1 ? 2 : 3 : 4", 10, "no ?");
	expect_error("${A", 0, "a number or a name");
	expect_error("$", 0, "a number or a name");
	expect_error("1 ! 2", 2, "an operator");
}

static void test_eval_form_only_asks_for_nothing(void **state)
{
	int64_t out = 5;
	size_t at = 0;

	(void)state;
	assert_int_equal(arith_eval(STR("X / 0"), NULL, &out, &at, NULL), 0);
	assert_int_equal(arith_eval(STR("X /"), NULL, &out, &at, NULL), -1);
}

static void test_eval_nesting_bounded(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	for (int i = 0; i < ARITH_DEPTH_MAX; i++)
		buf_append_char(&text, i % 3 == 0 ? '(' : i % 3 == 1 ? '-' : '!');
	buf_append_char(&text, '0');
	for (int i = 0; i < ARITH_DEPTH_MAX; i += 3)
		buf_append_char(&text, ')');
	expect(buf_cstr(&text), -1);
	buf_reset(&text);
	for (int i = 0; i <= ARITH_DEPTH_MAX; i++)
		buf_append_char(&text, '~');
	buf_append_char(&text, '0');
	expect_error(buf_cstr(&text), ARITH_DEPTH_MAX, "too deep");
	buf_reset(&text);
	for (int i = 0; i < ARITH_DEPTH_MAX; i++)
		buf_append_cstr(&text, "0?1:");
	buf_append_char(&text, '2');
	expect(buf_cstr(&text), 2);
	buf_reset(&text);
	for (int i = 0; i < ARITH_DEPTH_MAX; i++)
		buf_append_cstr(&text, "1?");
	buf_append_char(&text, '2');
	for (int i = 0; i < ARITH_DEPTH_MAX; i++)
		buf_append_cstr(&text, ":3");
	expect(buf_cstr(&text), 2);
	buf_reset(&text);
	for (int i = 0; i < 5000; i++)
		buf_append_cstr(&text, "1+");
	buf_append_char(&text, '0');
	expect(buf_cstr(&text), 5000);
	buf_fini(&text);
}

static void test_constant_forms(void **state)
{
	int64_t out = 0;

	(void)state;
	assert_int_equal(arith_constant(STR(" 42\n"), &out), 0);
	assert_int_equal(out, 42);
	assert_int_equal(arith_constant(STR("-0x10"), &out), 0);
	assert_int_equal(out, -16);
	assert_int_equal(arith_constant(STR("+7"), &out), 0);
	assert_int_equal(out, 7);
	assert_int_equal(arith_constant(STR("-9223372036854775808"), &out), 0);
	assert_true(out == INT64_MIN);
	assert_int_equal(arith_constant(STR(""), &out), -1);
	assert_int_equal(arith_constant(STR("-"), &out), -1);
	assert_int_equal(arith_constant(STR("--1"), &out), -1);
	assert_int_equal(arith_constant(STR("1 2"), &out), -1);
	assert_int_equal(arith_constant(STR("08"), &out), -1);
	assert_int_equal(arith_constant(STR("1+1"), &out), -1);
	assert_int_equal(arith_constant(STR("9223372036854775808"), &out), -1);
	assert_int_equal(arith_constant(STR("1\0"), &out), -1);
}

static void note_name(void *arg, struct str name)
{
	buf_append_str(arg, name);
	buf_append_char(arg, ',');
}

static void test_scan_ends_at_the_matching_parentheses(void **state)
{
	struct buf names;

	(void)state;
	buf_init(&names, 1 << 10);
	assert_int_equal(arith_scan(STR("1+(2)) )"), 0, NULL, NULL), 0);
	assert_int_equal(arith_scan(STR("1+(2)))x"), 0, NULL, NULL), 7);
	assert_int_equal(arith_scan(STR("$((A))"), 3, note_name, &names), 6);
	assert_int_equal(arith_scan(STR("A+$B*${CD}/${E:-1}))"), 0, note_name, &names), 20);
	assert_string_equal(buf_cstr(&names), "A,A,B,CD,E,");
	assert_int_equal(arith_scan(STR("))"), 0, NULL, NULL), 2);
	assert_int_equal(arith_scan(STR("1"), 0, NULL, NULL), 0);
	assert_int_equal(arith_scan(STR("1;))"), 0, NULL, NULL), 0);
	assert_int_equal(arith_scan(STR("1,2))"), 0, NULL, NULL), 0);
	assert_int_equal(arith_scan(STR("'a'))"), 0, NULL, NULL), 0);
	assert_int_equal(arith_scan(STR("$((1))))"), 0, NULL, NULL), 0);
	assert_int_equal(arith_scan(STR("${a.b}))"), 0, NULL, NULL), 0);
	assert_int_equal(arith_scan(STR("${A:-x y}))"), 0, NULL, NULL), 0);
	assert_int_equal(arith_scan(STR("1\0))"), 0, NULL, NULL), 0);
	assert_int_equal(arith_scan(STR("1) )"), 0, NULL, NULL), 0);
	buf_fini(&names);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

/* A random expression, and its value by recursion on the way it was made. */
static int64_t make(uint64_t *seed, int depth, struct buf *text)
{
	static const char *const operators[] = {
		"+", "-", "*", "<", ">", "<=", ">=", "==", "!=", "&", "|", "^", "&&", "||"};
	int64_t number = (int64_t)(next_random(seed) % 10);
	int64_t a, b;
	size_t which;

	if (depth == 0) {
		buf_appendf(text, "%" PRId64, number);
		return number;
	}
	which = (size_t)(next_random(seed) % (COUNT(operators) + 2));
	buf_append_char(text, '(');
	if (which >= COUNT(operators)) {
		buf_append_cstr(text, which == COUNT(operators) ? "- " : "!");
		a = make(seed, depth - 1, text);
		buf_append_char(text, ')');
		return which == COUNT(operators) ? -a : !a;
	}
	a = make(seed, depth - 1, text);
	buf_append_cstr(text, operators[which]);
	b = make(seed, depth - 1, text);
	buf_append_char(text, ')');
	switch (which) {
	case 0:
		return a + b;
	case 1:
		return a - b;
	case 2:
		return a * b;
	case 3:
		return a < b;
	case 4:
		return a > b;
	case 5:
		return a <= b;
	case 6:
		return a >= b;
	case 7:
		return a == b;
	case 8:
		return a != b;
	case 9:
		return a & b;
	case 10:
		return a | b;
	case 11:
		return a ^ b;
	case 12:
		return a && b;
	default:
		return a || b;
	}
}

static void test_eval_random_expressions_as_made(void **state)
{
	struct buf text;
	uint64_t seed = 20240607;

	(void)state;
	buf_init(&text, 1 << 20);
	for (int i = 0; i < 3000; i++) {
		int64_t expected;

		buf_reset(&text);
		expected = make(&seed, i % 5, &text);
		expect(buf_cstr(&text), expected);
	}
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eval_precedence_is_that_of_c),
		cmocka_unit_test(test_eval_constants_decimal_octal_hexadecimal),
		cmocka_unit_test(test_eval_overflow_is_an_error_with_its_place),
		cmocka_unit_test(test_eval_left_out_parts_do_not_fail),
		cmocka_unit_test(test_eval_wrong_form_named_with_its_place),
		cmocka_unit_test(test_eval_form_only_asks_for_nothing),
		cmocka_unit_test(test_eval_nesting_bounded),
		cmocka_unit_test(test_constant_forms),
		cmocka_unit_test(test_scan_ends_at_the_matching_parentheses),
		cmocka_unit_test(test_eval_random_expressions_as_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
