/*
 * options: variables that a runtime splits into options itself, each in its own syntax.
 *
 * Sources: HotSpot arguments.cpp (JAVA_TOOL_OPTIONS, _JAVA_OPTIONS), the java launcher's args.c
 * (JDK_JAVA_OPTIONS), Node's node_options.cc (NODE_OPTIONS); measured on OpenJDK 17 and Node 20.
 *
 *   JVM    split at isspace(); ' and " quote anywhere; no escapes; an unmatched quote is fatal
 *   JDK    the same; then a word @FILE is replaced by the file's words and @@X stands for @X
 *   NODE   split at the space only; " quotes; \ escapes, inside quotes only; "" alone vanishes
 *   PLAIN  split at isspace(); no quotes: RUBYOPT, PERL5OPT and whatever else
 */
#ifndef HUSK_PLAN_OPTIONS_H
#define HUSK_PLAN_OPTIONS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum options_syntax { OPTIONS_JVM, OPTIONS_JDK, OPTIONS_NODE, OPTIONS_PLAIN };

/* One string of an environment: the kernel takes no longer one (MAX_ARG_STRLEN, its NUL counted).
 */
enum { OPTIONS_TEXT_MAX = 131072 };

enum options_syntax options_syntax_of(struct str variable);

/*
 * The words that the runtime makes of `text`: `*count` strings and a NULL, in the arena; an error
 * where it would refuse the text. JDK: before it looks at @FILE and @@X, which stay as they are.
 */
int options_split(enum options_syntax syntax, struct arena *arena, struct str text, char ***list,
	size_t *count, struct err *err);

/*
 * Appends `option`, quoted so that the runtime sees exactly it (a separator first where `out` is
 * not empty); an error where the syntax cannot say it, and nothing is then appended. JDK: an
 * option that begins with @ is escaped, never read as a file. `option` is not in the message.
 */
int options_append(enum options_syntax syntax, struct str option, struct buf *out, struct err *err);

/*
 * Refuses what the runtime would refuse in this variable, or not see: -cp, -jar in
 * JAVA_TOOL_OPTIONS, a main class in JDK_JAVA_OPTIONS, a word that is no option in NODE_OPTIONS.
 * `list` is options_split's. The message names the option only where it is one of those known to
 * be refused; `*where` (may be NULL) is its index.
 */
int options_check(
	struct str variable, char *const *list, size_t count, size_t *where, struct err *err);

#endif
