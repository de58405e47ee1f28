/*
 * options: the first byte chooses the syntax. The rest is split and checked; then, cut at
 * newlines, it is appended, and must come back as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "plan/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
	"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "NODE_OPTIONS", "RUBYOPT"};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool same(enum options_syntax syntax, struct str option, const char *seen)
{
	if (syntax == OPTIONS_JDK && option.len > 1 && option.data[0] == '@')
		seen++;
	return str_eq_cstr(option, seen);
}

static void split_all(
	struct arena *arena, enum options_syntax syntax, const char *name, struct str text)
{
	char **list;
	size_t count;
	size_t where;
	struct err err = {.code = ERR_NONE};

	if (options_split(syntax, arena, text, &list, &count, &err)) {
		require(err.code == ERR_CONFIG);
		return;
	}
	require(!list[count]);
	if (options_check(str_from(name), list, count, &where, &err))
		require(where < count && err.code == ERR_CONFIG);
}

static void append_all(struct arena *arena, enum options_syntax syntax, struct str text)
{
	enum { OPTIONS = 64 };
	struct str options[OPTIONS];
	size_t kept = 0;
	struct buf out;
	struct err err;
	char **list;
	size_t count;

	buf_init(&out, 4 << 20);
	while (text.len > 0 && kept < OPTIONS) {
		const char *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;

		options[kept] = str_sub(text, 0, len);
		text = str_sub(text, len + 1, text.len);
		kept += options_append(syntax, options[kept], &out, &err) == 0;
	}
	require(options_split(syntax, arena, buf_str(&out), &list, &count, &err) == 0);
	require(count == kept);
	for (size_t i = 0; i < count; i++)
		require(same(syntax, options[i], list[i]));
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct arena *arena = arena_new(64 << 20);
	enum options_syntax syntax = (enum options_syntax)(data[0] % 4);
	struct str text = {(const char *)data + 1, size - 1};

	require(arena);
	split_all(arena, syntax, names[syntax], text);
	append_all(arena, syntax, text);
	arena_free(arena);
	return 0;
}
