/*
 * yaml_source: the text under libyaml's parser: what is refused before it is parsed, where
 * libyaml's marks stand in it, and libyaml's errors as ours.
 */
#ifndef HUSK_TEXT_YAML_SOURCE_H
#define HUSK_TEXT_YAML_SOURCE_H

#include <stdbool.h>
#include <yaml.h>

#include "base/err.h"

/* libyaml counts characters, we count bytes: a mark that has been translated. */
struct yaml_cursor {
	size_t chars;
	size_t bytes;
	size_t line;
	size_t line_start;
};

struct yaml_source {
	const char *file;
	struct str text;
	struct err_list *errors;
	bool failed; /* an error was added */
	bool ascii;
	size_t bom; /* bytes of a byte order mark */
	struct yaml_cursor cursor;
};

/* -1 where the text is too large, UTF-16, or would keep libyaml busy for long. */
int yaml_source_init(
	struct yaml_source *source, const char *file, struct str text, struct err_list *errors);

/* The byte offset of a mark, and its column in bytes, from 1. Fast where marks come in order. */
size_t yaml_source_offset(struct yaml_source *source, const yaml_mark_t *mark, size_t *column);

/* A place for an error, NULL where the list is full. */
struct err *yaml_source_add(struct yaml_source *source);
/* Each adds an error and returns -1. */
int yaml_source_error(struct yaml_source *source, const yaml_mark_t *mark, const char *message);
int yaml_source_nomem(struct yaml_source *source);
/* What the parser has stopped at. */
int yaml_source_syntax(struct yaml_source *source, const yaml_parser_t *parser);

#endif
