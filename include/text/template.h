/*
 * template: the template language: compiled once, expanded in one pass.
 *
 * What is no construct, and any name that is not selected, stays as it is, byte for byte; an
 * expansion is never expanded again. The compiled form borrows the text it was made from.
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
};

enum template_undefined { TEMPLATE_KEEP, TEMPLATE_EMPTY, TEMPLATE_ERROR };

struct template_value {
	struct str text; /* borrowed, valid until the expansion ends */
	bool secret;
};

/* What names mean: implemented by plan/env for real, by tests with a table. */
struct template_scope {
	void *arg;
	/* Is this name one that is substituted at all (`only`)? */
	bool (*selected)(void *arg, struct str name);
	/* Its value; false where it is not set. */
	bool (*lookup)(void *arg, struct str name, struct template_value *value);
	/* NULL, or told of each construct that stayed as it was, for `check --explain`. */
	void (*kept)(void *arg, const char *file, unsigned line, unsigned column, struct str text);
};

struct template_options {
	const char *file;    /* for messages; borrowed for the template's life */
	const char *open;    /* NULL or "$": all constructs. "${", "%{", "<%" ...: only those */
	unsigned first_line; /* where the text begins in `file`; 0 means 1:1 */
	unsigned first_column;
	enum template_undefined undefined;
	enum filter_id escape; /* applied where no filter is named; FILTER_NONE: none */
};

struct template;

/* `text` is borrowed and must outlive the template. */
int template_compile(struct arena *arena, struct str text, const struct template_options *options,
	const struct template_scope *scope, struct template **out, struct err *err);
/* The text holds no construct: expanding it copies it. */
bool template_is_plain(const struct template *template);
/* `*used_secret` (may be NULL) is set true where a secret's value was written. The caller flushes.
 */
int template_expand(const struct template *template, const struct template_scope *scope,
	struct out *out, bool *used_secret, struct err *err);

/* Compile and expand a short text (a value, an argument) into `out`. */
int template_expand_text(struct arena *arena, struct str text,
	const struct template_options *options, const struct template_scope *scope, struct buf *out,
	bool *used_secret, struct err *err);

#endif
