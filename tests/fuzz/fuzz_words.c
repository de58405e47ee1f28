/* words_split: words are no longer than the text, and quoted again they split into the same. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "text/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* In single quotes, as a shell wants it. */
static void quote(const char *word, struct buf *out)
{
	buf_append_char(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			buf_append_cstr(out, "'\\''");
		else
			buf_append_char(out, *word);
	}
	buf_append_cstr(out, "' ");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(64 << 20);
	struct str text = {(const char *)data, size};
	struct buf quoted;
	struct err err;
	char **words;
	char **again;
	size_t count;
	size_t count_again;
	size_t total = 0;

	require(arena);
	buf_init(&quoted, 8 << 20);
	if (words_split(arena, text, &words, &count, &err) == 0) {
		for (size_t i = 0; i < count; i++) {
			total += strlen(words[i]);
			quote(words[i], &quoted);
		}
		require(total <= size && !words[count]);
		require(words_split(arena, buf_str(&quoted), &again, &count_again, &err) == 0);
		require(count_again == count);
		for (size_t i = 0; i < count; i++)
			require(strcmp(words[i], again[i]) == 0);
	} else {
		require(err.code == ERR_CONFIG && err.column <= size);
	}
	buf_fini(&quoted);
	arena_free(arena);
	return 0;
}
