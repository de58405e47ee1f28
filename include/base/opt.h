/*
 * opt: command-line options from one const table per command, which also prints the usage.
 */
#ifndef HUSK_BASE_OPT_H
#define HUSK_BASE_OPT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct opt {
	int id;               /* what opt_next returns; > 0. A table ends with id 0 */
	char letter;          /* 'c', or 0 */
	const char *name;     /* "config", or NULL */
	const char *argument; /* "FILE", or NULL for a flag */
	const char *help;     /* one line */
};

struct opt_parser {
	const struct opt *table;
	char *const *argv; /* NULL-terminated, argv[0] already skipped */
	int index;         /* the next word: after OPT_END, the first operand */
	int offset;        /* within a cluster of letters */
	bool ended;        /* by `--` */
	const char *value; /* the option's argument, borrowed from argv */
};

enum { OPT_END = 0, OPT_ERROR = -1 };

void opt_init(struct opt_parser *parser, const struct opt *table, char *const *argv);
/* The next option's id, OPT_END at the first operand or after `--`, or OPT_ERROR (ERR_USAGE, with
 * a suggestion). Forms: -c V, -cV, -abc, --name V, --name=V. */
int opt_next(struct opt_parser *parser, struct err *err);
/* For a command whose options may stand behind operands (`husk stop NAME --no-wait`): after OPT_END
 * the operand, or NULL where there is none. Then opt_next goes on. */
char *opt_operand(struct opt_parser *parser);
/* Appends the table as a usage shows it, one option a line. */
int opt_usage(const struct opt *table, struct buf *out);

#endif
