/*
 * arith: `$((...))`, POSIX's integer arithmetic (POSIX 2.6.4 and 1.1.2.1) in 64 bits.
 *
 *     + - * / %   << >>   < <= > >=   == !=   & ^ |   && ||   ! ~   a ? b : c   ( )
 *
 * Precedence and meaning are C's. There is nothing to assign to, so there is no `=` nor `++`
 * (`++1` is two signs). Constants are decimal, 0 octal or 0x hexadecimal. Overflow, division by
 * zero and a shift by less than 0 or more than 63 are errors, unless && || or ? leaves that part
 * out.
 */
#ifndef HUSK_TEXT_ARITH_H
#define HUSK_TEXT_ARITH_H

#include <stdbool.h>

#include "base/err.h"

enum { ARITH_DEPTH_MAX = 64 }; /* operators and parentheses that wait for their right side */

struct arith_scope {
	void *arg;
	/*
	 * The value of `name`; `fallback` is what `${NAME:-1}` names, or empty. -1 with a message
	 * where there is none. A name in a part that && || or ? leaves out may be asked for too:
	 * its failure then does not count.
	 */
	int (*value)(
		void *arg, struct str name, struct str fallback, int64_t *out, struct err *err);
};

/*
 * How far the bytes from `pos` on are arithmetic: the offset behind the `))` that ends it, or 0
 * where something else comes first. Linear; stops at what is not arithmetic. `each` (may be NULL)
 * is told every name.
 */
size_t arith_scan(struct str text, size_t pos, void (*each)(void *arg, struct str name), void *arg);

/*
 * The value of `expression`, the text between `$((` and `))`. `scope` NULL: only its form is
 * checked. -1: `err` holds a message, `*at` the offset in `expression` where it stands.
 */
int arith_eval(struct str expression, const struct arith_scope *scope, int64_t *out, size_t *at,
	struct err *err);

/* A constant, as in an expression, with a sign and blanks around it allowed; -1 where it is none
 * or does not fit. */
int arith_constant(struct str s, int64_t *out);

#endif
