/*
 * template: any text, with each opening and `undefined`. Compiling and streaming agree; what is
 * plain stays as it is; an error has a place in the text.
 */
#include <stdlib.h>
#include <string.h>

#include "text/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool is_selected(void *arg, struct str name)
{
	(void)arg;
	return name.data[0] < 'a';
}

/* By the first letter; a value holds constructs, which must not be expanded. */
static bool find_value(void *arg, struct str name, struct template_value *value)
{
	(void)arg;
	switch (name.data[0]) {
	case 'A':
		value->text = STR("${B}$A \"<\\'");
		return true;
	case 'B':
		value->text = STR("12");
		return true;
	case 'C':
		value->text = STR("");
		return true;
	case 'L':
		value->text = STR("x, y;z");
		value->secret = true;
		return true;
	default:
		return false;
	}
}

static void note_kept(void *arg, const char *file, unsigned line, unsigned column, struct str text)
{
	(void)file;
	require(line >= 1 && column >= 1 && text.len > 0);
	++*(size_t *)arg;
}

static void check(struct str text, const struct template_options *options)
{
	size_t kept = 0;
	struct template_scope scope = {&kept, is_selected, find_value, note_kept};
	struct arena *arena = arena_new(1 << 16);
	struct template *template;
	struct buf expanded, streamed;
	struct out out;
	struct err err, again;
	int rc;

	require(arena);
	buf_init(&expanded, 1 << 20);
	buf_init(&streamed, 1 << 20);
	out_init_buf(&out, &expanded);
	err_clear(&again);
	rc = template_compile(arena, text, options, &scope, &template, &err);
	if (rc == 0)
		rc = template_expand(template, &scope, &out, NULL, &err);
	require(template_expand_text(arena, text, options, &scope, &streamed, NULL, &again) == rc);
	if (rc == 0) {
		require(str_eq(buf_str(&expanded), buf_str(&streamed)));
		require(!template_is_plain(template) || str_eq(buf_str(&expanded), text));
	} else if (again.line != 0) {
		require(again.code == ERR_CONFIG && again.column >= 1 &&
			again.column <= text.len + 1);
	}
	buf_fini(&expanded);
	buf_fini(&streamed);
	arena_free(arena);
}

/* The first byte chooses the options. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const opens[] = {NULL, "${", "%{", "<%", "{{", "[["};
	struct template_options options = {.file = "f"};

	if (size == 0 || size > 1 << 14)
		return 0;
	options.open = opens[(data[0] & 7) % 6];
	options.undefined = (enum template_undefined)((data[0] >> 3) % 3);
	options.escape = (enum filter_id)((data[0] >> 5) % 4);
	check((struct str){(const char *)data + 1, size - 1}, &options);
	return 0;
}
