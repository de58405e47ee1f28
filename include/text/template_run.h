/*
 * template_run: walks over a template's text once and writes what it expands to. Its state is of
 * fixed size; a loop's body is read again for each of its parts.
 */
#ifndef HUSK_TEXT_TEMPLATE_RUN_H
#define HUSK_TEXT_TEMPLATE_RUN_H

#include "text/template_read.h"

struct template_run {
	const struct template_syntax *syntax;
	struct str text;
	const struct template_options *options;
	const struct template_scope *scope;
	struct out *out;      /* NULL: the form is checked, and no value is asked for */
	bool tell_unselected; /* scope->kept hears of what has no selected name */
	bool tell_unset;      /* ... of what has no value */
	bool constructs;      /* set where there was one */
	bool used_secret;     /* set where a secret's value was written */
};

int template_run(struct template_run *run, struct err *err);

#endif
