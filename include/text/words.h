/*
 * words: text to words as a POSIX shell splits and unquotes it (POSIX 2.2), without expansions.
 *
 * For shell-era variables (JVM_OPTS='-Da="x y" -Xmx1g'): quotes and backslashes are understood;
 * `$`, globs and operators are plain characters here.
 */
#ifndef HUSK_TEXT_WORDS_H
#define HUSK_TEXT_WORDS_H

#include "base/arena.h"
#include "base/err.h"

enum { WORDS_MAX = 65536 };

/* `*words`: an array of `*count` strings and a NULL, in the arena. An unmatched quote or a
 * trailing backslash is an error whose column is the byte's. */
int words_split(
	struct arena *arena, struct str text, char ***words, size_t *count, struct err *err);

#endif
