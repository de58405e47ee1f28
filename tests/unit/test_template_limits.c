/*
 * What templates cost: every allocation and write failing in turn, and texts made to be slow.
 */
#include "unit/unit.h"

#include <errno.h>
#include <sys/uio.h>

#include "base/sys.h"
#include "unit/scope_table.h"

UNIT_MEMORY

static unsigned writes;
static unsigned write_fails_at; /* 0: none */
static struct buf *written;     /* where not NULL, takes what is written */

ssize_t __wrap_sys_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_sys_writev(int fd, const struct iovec *iov, int count)
{
	ssize_t total = 0;

	(void)fd;
	if (++writes == write_fails_at) {
		errno = ENOSPC;
		return -1;
	}
	for (int i = 0; i < count; i++) {
		if (written)
			buf_append(written, iov[i].iov_base, iov[i].iov_len);
		total += (ssize_t)iov[i].iov_len;
	}
	return total;
}

static const struct scope_row rows[] = {
	{"A", {"a<b", 3}, false},
	{"LONG", {NULL, 0}, false},
	{NULL, {NULL, 0}, false},
};

static int stream(struct str text, struct out *out, struct err *err)
{
	struct scope_table table = {.rows = rows};
	struct template_scope scope = scope_table_scope(&table, false);
	struct template_options options = {.file = "f"};
	int rc;

	err_clear(err);
	rc = template_stream(text, &options, &scope, out, NULL, NULL, err);
	return rc == 0 ? out_flush(out, err) : rc;
}

static void append_many(struct buf *text, const char *piece, size_t size)
{
	while (text->len < size)
		buf_append_cstr(text, piece);
	assert_false(text->failed);
}

static void test_expand_every_allocation_failing_is_an_error(void **state)
{
	const struct str text = STR("${A|html|json} $A ${A|base64} ${if A}$((1+1))${end}");
	struct scope_table table = {.rows = rows};
	struct template_scope scope = scope_table_scope(&table, false);
	struct template_options options = {.file = "f"};
	unsigned failures = 0;
	int rc = -1;

	(void)state;
	for (unsigned n = 0; rc != 0; n++) {
		struct arena *arena = arena_new(1 << 16);
		struct template *template;
		struct buf result;
		struct out out;
		struct err err;

		assert_non_null(arena);
		buf_init(&result, 1 << 16);
		out_init_buf(&out, &result);
		err_clear(&err);
		unit_memory_left = (int)n;
		rc = template_compile(arena, text, &options, &scope, &template, &err);
		if (rc == 0)
			rc = template_expand(template, &scope, &out, NULL, &err);
		unit_memory_left = -1;
		if (rc != 0) {
			failures++;
			assert_int_equal(err.code, ERR_INTERNAL);
		} else {
			assert_string_equal(buf_cstr(&result), "a&lt;b a<b YTxi 2");
		}
		buf_fini(&result);
		arena_free(arena);
		assert_in_range(n, 0, 100);
	}
	assert_in_range(failures, 3, 90);
}

/* Four parts, five loops deep, and a body that makes it 1024 times 128 KiB. */
static void test_loops_within_loops_end(void **state)
{
	const struct scope_row four[] = {{"A", {"1,2,3,4", 7}, false}, {NULL, {NULL, 0}, false}};
	struct scope_table table = {.rows = four};
	struct template_scope scope = scope_table_scope(&table, false);
	struct template_options options = {.file = "f"};
	struct buf text;
	struct out out;
	struct err err;

	(void)state;
	for (unsigned depth = 3; depth <= 5; depth += 2) {
		buf_init(&text, 1 << 20);
		for (unsigned i = 0; i < depth; i++)
			buf_append_cstr(&text, "${for X in A}");
		append_many(&text, "0123456789abcdef0123456789abcdef", 128 << 10);
		for (unsigned i = 0; i < depth; i++)
			buf_append_cstr(&text, "${end}");
		writes = write_fails_at = 0;
		out_init_fd(&out, 1, "t");
		err_clear(&err);
		assert_int_equal(
			template_stream(buf_str(&text), &options, &scope, &out, NULL, NULL, &err),
			depth == 3 ? 0 : -1);
		assert_string_equal(err.message,
			depth == 3 ? "" : "the loops go on for too long (loops within loops?)");
		buf_fini(&text);
	}
}

/* Enough for the block in which short pieces are gathered to be filled several times. */
static void make_large(struct buf *text, struct buf *expected)
{
	char line[640];

	for (int i = 0; i < 6000; i++) {
		size_t len = (size_t)i % sizeof(line);

		memset(line, 'a' + i % 26, len);
		buf_append(text, line, len);
		buf_append(expected, line, len);
		if (i % 3 != 0) {
			buf_append_cstr(text, "$((2*3))${A}");
			buf_append_cstr(expected, "6a<b");
		} else {
			buf_appendf(text, "$((%d*2))\n", i);
			buf_appendf(expected, "%d\n", i * 2);
		}
	}
	assert_false(text->failed || expected->failed);
}

static void test_stream_large_text_with_and_without_its_block_same(void **state)
{
	struct buf text, expected, got;
	struct out out;
	struct err err;

	(void)state;
	buf_init(&text, 1 << 24);
	buf_init(&expected, 1 << 24);
	make_large(&text, &expected);
	for (int memory = -1; memory <= 0; memory++) {
		buf_init(&got, 1 << 24);
		append_many(&got, "x", 1 << 23);
		buf_reset(&got);
		out_init_fd(&out, 1, "o");
		written = &got;
		unit_memory_left = memory;
		assert_int_equal(stream(buf_str(&text), &out, &err), 0);
		unit_memory_left = -1;
		written = NULL;
		assert_int_equal(out.written, expected.len);
		assert_true(str_eq(buf_str(&got), buf_str(&expected)));
		buf_fini(&got);
	}
	buf_fini(&text);
	buf_fini(&expected);
}

static void test_stream_every_write_failing_is_an_error(void **state)
{
	struct buf text, expected;
	struct out out;
	struct err err;
	unsigned n = 0;
	int rc = -1;

	(void)state;
	buf_init(&text, 1 << 24);
	buf_init(&expected, 1 << 24);
	make_large(&text, &expected);
	while (rc != 0) {
		out_init_fd(&out, 1, "o");
		writes = 0;
		write_fails_at = ++n;
		rc = stream(buf_str(&text), &out, &err);
		if (rc != 0) {
			assert_int_equal(err.errnum, ENOSPC);
			assert_int_equal(out.count, 0);
		}
	}
	assert_in_range(n, 5, 100000);
	write_fails_at = 0;
	buf_fini(&text);
	buf_fini(&expected);
}

/* No clock: were it the square of 1 MB, none of these would end before the runner ends it. */
static void test_expand_pathological_texts_take_linear_time(void **state)
{
	static const char *const pieces[] = {"${", "$((", "$((1+", "${x:-", "${A:-", "$", "$$", "(",
		"${if x}", "${if ", "${if x == ", "${if x == \"", "${if x == '", "${for x in y by ",
		"${x|", "${x|upper:-", "${A", "$((x+", "${x:-}", "${x:-${y}", " ", "\n",
		" ${if x} ", "${x:-\\", "$((A+", "$((1)", "${x:-$", "$x", "${x}", "$$x", "${end}",
		"}", "$A"};

	struct buf text, result;
	struct out out;
	struct err err;

	(void)state;
	buf_init(&text, 1 << 22);
	buf_init(&result, 1 << 24);
	for (size_t i = 0; i < COUNT(pieces); i++) {
		buf_reset(&text);
		buf_reset(&result);
		append_many(&text, pieces[i], 1 << 20);
		out_init_buf(&out, &result);
		if (stream(buf_str(&text), &out, &err) == 0)
			assert_true(result.len > 0);
		else
			assert_int_equal(err.code, ERR_CONFIG);
	}
	buf_fini(&text);
	buf_fini(&result);
}

static void test_compile_too_large_refused(void **state)
{
	struct scope_table table = {.rows = rows};
	struct template_scope scope = scope_table_scope(&table, false);
	struct template_options options = {.file = "f"};
	struct err err;
	struct template *template;

	(void)state;
	assert_int_equal(template_compile(NULL, (struct str){"", (size_t)TEMPLATE_SIZE_MAX + 1},
				 &options, &scope, &template, &err),
		-1);
	assert_string_equal(err.file, "f");
	assert_non_null(strstr(err.message, "256 MiB"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expand_every_allocation_failing_is_an_error),
		cmocka_unit_test(test_loops_within_loops_end),
		cmocka_unit_test(test_stream_large_text_with_and_without_its_block_same),
		cmocka_unit_test(test_stream_every_write_failing_is_an_error),
		cmocka_unit_test(test_expand_pathological_texts_take_linear_time),
		cmocka_unit_test(test_compile_too_large_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
