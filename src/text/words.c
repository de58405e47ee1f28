#include "text/words.h"

#include <string.h>

struct words {
	struct str text;
	size_t at;
	char *out; /* where the next byte of the current word goes */
};

/* IFS as a shell starts with it (POSIX 2.5.3). */
static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static int refuse(size_t at, const char *what, struct err *err)
{
	err_set(err, ERR_CONFIG, "%s at byte %zu", what, at + 1);
	if (err)
		err->column = (unsigned)(at + 1);
	return -1;
}

/* At a backslash outside single quotes. */
static int take_escape(struct words *w, bool in_double, struct err *err)
{
	if (w->at + 1 == w->text.len)
		return refuse(w->at, "a backslash with nothing after it", err);
	char c = w->text.data[w->at + 1];

	w->at += 2;
	if (c == '\n')
		return 0;
	if (in_double && !strchr("$`\"\\", c))
		*w->out++ = '\\';
	*w->out++ = c;
	return 0;
}

/* At the opening quote. */
static int take_quoted(struct words *w, struct err *err)
{
	size_t opened = w->at;
	char quote = w->text.data[w->at++];

	while (w->at < w->text.len && w->text.data[w->at] != quote) {
		if (quote == '"' && w->text.data[w->at] == '\\') {
			if (take_escape(w, true, err))
				return -1;
		} else {
			*w->out++ = w->text.data[w->at++];
		}
	}
	if (w->at == w->text.len)
		return refuse(opened, quote == '"' ? "unmatched \"" : "unmatched '", err);
	w->at++;
	return 0;
}

/* At a separator or an escaped newline; false at the end. */
static bool skip_separators(struct words *w)
{
	for (; w->at < w->text.len; w->at++) {
		const char *p = w->text.data + w->at;

		if (p[0] == '\\' && w->at + 1 < w->text.len && p[1] == '\n')
			w->at++;
		else if (!is_separator(p[0]))
			return true;
	}
	return false;
}

static int take_word(struct words *w, struct err *err)
{
	int rc = 0;

	while (!rc && w->at < w->text.len && !is_separator(w->text.data[w->at])) {
		char c = w->text.data[w->at];

		if (c == '\'' || c == '"')
			rc = take_quoted(w, err);
		else if (c == '\\')
			rc = take_escape(w, false, err);
		else
			*w->out++ = w->text.data[w->at++];
	}
	*w->out++ = '\0';
	return rc;
}

int words_split(struct arena *arena, struct str text, char ***words, size_t *count, struct err *err)
{
	/* Words never get longer by unquoting: two bytes of text hold one word at least. */
	size_t most = text.len / 2 + 1;
	size_t limit = most < WORDS_MAX ? most : WORDS_MAX;
	char **list = arena_array(arena, limit + 1, sizeof(*list));
	struct words w = {.text = text, .out = arena_alloc(arena, text.len + 1)};
	size_t n = 0;

	if (!list || !w.out)
		return err_nomem(err);
	const char *nul = text.len ? memchr(text.data, '\0', text.len) : NULL;
	if (nul)
		return refuse((size_t)(nul - text.data), "a NUL byte", err);
	while (skip_separators(&w)) {
		if (n == limit)
			return err_set(err, ERR_CONFIG, "more than %d words", WORDS_MAX);
		list[n++] = w.out;
		if (take_word(&w, err))
			return -1;
	}
	*words = list;
	*count = n;
	return 0;
}
