/*
 * template_read: recognises one construct at a place in a text. Knows the forms (template.h), not
 * what names mean nor which block is open.
 */
#ifndef HUSK_TEXT_TEMPLATE_READ_H
#define HUSK_TEXT_TEMPLATE_READ_H

#include <stdbool.h>

#include "text/template.h"

enum { CONSTRUCT_FILTERS_MAX = 8, CONSTRUCT_SEPARATOR_MAX = 16 };

struct template_syntax {
	char open[TEMPLATE_OPEN_MAX + 1];
	char close[TEMPLATE_OPEN_MAX + 1];
	size_t open_len;
	size_t close_len;
	bool bare;    /* $NAME and $((...)) count */
	bool blanks;  /* blanks may stand inside */
	bool doubled; /* the first byte doubled is the escape */
};

enum construct_kind {
	CONSTRUCT_TEXT,  /* none; `name` is what stands in it as one, or empty */
	CONSTRUCT_VALUE, /* $NAME ${NAME} ${NAME|filter} */
	CONSTRUCT_WORD,  /* ${NAME:- :+ :? */
	CONSTRUCT_ARITH,
	CONSTRUCT_IF,
	CONSTRUCT_ELIF,
	CONSTRUCT_ELSE,
	CONSTRUCT_END,
	CONSTRUCT_FOR,
	CONSTRUCT_BLOCK, /* `${if ` or `${for ` of another form: text, but it has an end */
};

enum construct_test { TEST_SET, TEST_EQUAL, TEST_UNEQUAL };

/* Only the fields that its kind has are set. */
struct construct {
	enum construct_kind kind;
	bool braced;
	size_t start;
	size_t end; /* behind its closing; WORD: where the word begins; TEXT, BLOCK: where to read
		       on */
	struct str name;
	char operation;        /* WORD: - + ? */
	unsigned filter_count; /* VALUE, WORD */
	enum filter_id filters[CONSTRUCT_FILTERS_MAX];
	struct str body;          /* ARITH: the expression */
	enum construct_test test; /* IF, ELIF */
	struct str operand;
	struct str item; /* FOR */
	struct str separator;
	/* NULL, or what is wrong with it, if it counts at all; then `end` is where to read on. */
	const char *wrong;
	size_t wrong_at;
	struct str wrong_filter; /* the unknown filter, else empty */
};

/* -1 with a message where `open` (NULL is "$") cannot be one. */
int template_syntax_init(struct template_syntax *syntax, const char *open, struct err *err);
/* What stands at `pos`, where text has the first byte of the opening. */
void construct_read(const struct template_syntax *syntax, struct str text, size_t pos,
	struct construct *construct);

static inline bool template_is_name_start(char c)
{
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

static inline bool template_is_name_char(char c)
{
	return template_is_name_start(c) || (c >= '0' && c <= '9');
}

/* Whether `what`, a byte or more, stands at `pos`; called for every other byte. */
static inline bool template_at(struct str text, size_t pos, const char *what, size_t len)
{
	if (pos >= text.len || text.len - pos < len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text.data[pos + i] != what[i])
			return false;
	}
	return true;
}

#endif
