/*
 * options: variables that a runtime splits into options itself, each in its own syntax.
 *
 * Sources: JVM arguments.cpp (JAVA_TOOL_OPTIONS, _JAVA_OPTIONS), java launcher args.c
 * (JDK_JAVA_OPTIONS), node_options parser (NODE_OPTIONS), measured on OpenJDK 17 and Node 20.
 */
#ifndef HUSK_PLAN_OPTIONS_H
#define HUSK_PLAN_OPTIONS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum options_syntax { OPTIONS_JVM, OPTIONS_JDK, OPTIONS_NODE, OPTIONS_PLAIN };

enum options_syntax options_syntax_of(struct str variable);
/* What the runtime would see; an error where it would refuse the text. */
int options_split(enum options_syntax syntax, struct arena *arena, struct str text, char ***list,
	size_t *count, struct err *err);
/* Appends `option`, quoted so that the runtime sees exactly it (a separator first where `out` is
 * not empty); an error where the syntax cannot say it. */
int options_append(enum options_syntax syntax, struct str option, struct buf *out, struct err *err);
/* What the runtime refuses in this variable (-cp, -jar in JAVA_TOOL_OPTIONS), naming it. */
int options_check(struct str variable, char *const *list, size_t count, struct err *err);

#endif
