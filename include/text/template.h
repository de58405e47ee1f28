/*
 * template: the template language, checked once and expanded in one pass.
 *
 *     $NAME  ${NAME}             NAME: [A-Za-z_][A-Za-z0-9_]*
 *     ${NAME|FILTER...}          one |FILTER after the other, at most 8; `none` is one
 *     ${NAME:-WORD}              WORD where NAME is not set or empty        (POSIX 2.6.2)
 *     ${NAME:+WORD}              WORD where NAME is set and not empty, else nothing
 *     ${NAME:?MESSAGE}           an error with MESSAGE, which is literal, where NAME is not set or
 *                                empty; filters may stand before :- :+ :? and apply to the value
 *     $((EXPRESSION))            text/arith.h; names bare, $NAME, ${NAME} or ${NAME:-NUMBER}
 *     ${if NAME}                 NAME is set and not empty
 *     ${if NAME == TEXT}         or !=; not set counts as empty. TEXT is literal, without the
 * blanks around it; "TEXT" and 'TEXT' keep theirs
 *     ${elif ...} ${else} ${end}
 *     ${for X in NAME}...${end}  X is each part of the value between commas and white space
 *     ${for X in NAME by SEP}    ... between SEP (1 to 16 bytes), without white space around it;
 *                                empty parts are left out. X hides another X up to ${end}
 *     $$NAME  $${  $$((          a literal $NAME, ${, $(( where a construct would begin; of N `$`
 *                                half (rounded down) stay, and the construct counts where N is odd
 *
 * WORD holds any construct; each opening in it pairs with a closing, construct or not; `\}` is `}`
 * and `\\` is `\`. A block (if, for) that begins in a word ends in it. A directive (if elif else
 * for end) alone on its line, blanks aside, takes the line with it. if, elif, else, end and for
 * are no names in braces.
 *
 * Other openings: with `open` "${" only the forms in braces; with "%{" the same as %{NAME},
 * %{if NAME}, %%{. The closing mirrors the opening: `}` for "%{", `%>` for "<%", `}}` for "{{",
 * and `$` is plain text. Blanks may stand inside (<% NAME %>) except in a WORD, whose they are. An
 * opening that begins with twice the same byte has no escape. $((...)) belongs to `$` alone.
 *
 * What is a construct and what is text. A construct counts where its name is selected (of
 * arithmetic: all its names). Where it is not, it stays byte for byte, a word and all in it
 * included; of ${if ...} and ${for ...} the directive, its elif and else, and its end stay, and
 * what is between them is expanded. What has none of the forms above is text: $1, ${a.b},
 * ${x+...}, ${NAME-x}, ${NAME:8080}, ${if (x)}, $(( of no arithmetic; so are ${else}, ${elif ...},
 * ${end} where no block is open.
 * What begins as a construct of a selected name is an error where it then goes wrong: after
 * `${NAME|`, `${NAME:-` (:+ :?), `${if NAME`, `${for X in NAME`, `${elif` in an if, or $((...)) of
 * selected names that is no expression.
 *
 * An expansion is never expanded again. Any byte may stand in text and values.
 */
#ifndef HUSK_TEXT_TEMPLATE_H
#define HUSK_TEXT_TEMPLATE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/out.h"
#include "text/filter.h"

enum {
	TEMPLATE_DEPTH_MAX = 32,       /* blocks and nested words */
	TEMPLATE_SIZE_MAX = 256 << 20, /* one template's text */
	TEMPLATE_OPEN_MAX = 8,
	/* What the loops of one text may read again, and what may be written by then: loops in
	 * loops are a second's work, and no start that never ends. */
	TEMPLATE_LOOPS_MAX = 64 << 20,
	TEMPLATE_LOOPS_OUT_MAX = 1 << 30,
};

/* What becomes of `${NAME}` (with filters or not) where NAME is not set. A loop over it is empty,
 * or the error; arithmetic with it is kept, counts it as 0, or is the error. */
enum template_undefined { TEMPLATE_KEEP, TEMPLATE_EMPTY, TEMPLATE_ERROR };

struct template_value {
	struct str text; /* borrowed, valid until the expansion ends */
	bool secret;
};

/* What names mean: implemented by plan/env for real, by tests with a table. Asked about once a
 * name, more or less: answers must not change during a call. */
struct template_scope {
	void *arg;
	/* Is this name one that is substituted at all (`only`)? */
	bool (*selected)(void *arg, struct str name);
	/* Its value; false where it is not set. */
	bool (*lookup)(void *arg, struct str name, struct template_value *value);
	/*
	 * NULL, or told of each construct that stayed as it was, for `check --explain`: by
	 * template_compile of those whose name is not selected, and of what looks like a construct
	 * of a selected name and is none (`${PORT-80}`: told as "${PORT"); by template_expand of
	 * those whose name is not set. In the text's order, once each.
	 */
	void (*kept)(void *arg, const char *file, unsigned line, unsigned column, struct str text);
};

struct template_options {
	const char *file;    /* for messages; borrowed for the template's life */
	const char *open;    /* NULL or "$": all constructs. "${", "%{", "<%" ...: only those */
	unsigned first_line; /* where the text begins in `file`; 0 means 1:1 */
	unsigned first_column;
	enum template_undefined undefined;
	enum filter_id escape; /* applied to each value where no filter is named */
	bool secret;           /* the text is itself secret: errors do not show its line */
};

struct template;

/* Whether `open` can be one: "$", or 2 to TEMPLATE_OPEN_MAX punctuation characters, a bracket among
 * them, no backslash or quote. */
int template_check_open(const char *open, struct err *err);

/* Checks all of the text's form, whether a branch will be taken or not. `text` is borrowed and must
 * outlive the template, which takes no memory in proportion to it. */
int template_compile(struct arena *arena, struct str text, const struct template_options *options,
	const struct template_scope *scope, struct template **out, struct err *err);
/* The text holds no construct: expanding it copies it. */
bool template_is_plain(const struct template *template);
/* `*used_secret` (may be NULL) is set true where a secret's value was written. The caller flushes.
 */
int template_expand(const struct template *template, const struct template_scope *scope,
	struct out *out, bool *used_secret, struct err *err);

/*
 * Both at once, in one pass over the text: for large files whose output is thrown away where it
 * fails, as an error may come after much of it is written. `*substituted` (may be NULL): whether
 * there was a construct.
 */
int template_stream(struct str text, const struct template_options *options,
	const struct template_scope *scope, struct out *out, bool *substituted, bool *used_secret,
	struct err *err);

/* A short text (a value, an argument), appended to `out`; what it held stays where that fails.
 * `arena` may be NULL. */
int template_expand_text(struct arena *arena, struct str text,
	const struct template_options *options, const struct template_scope *scope, struct buf *out,
	bool *used_secret, struct err *err);

#endif
