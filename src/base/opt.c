#include "base/opt.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum {
	/* Names that are looked at for "did you mean". */
	OPT_NAMES_MAX = 64,
	/* Where the help begins; longer options push it to the next line. */
	OPT_HELP_COLUMN = 28,
};

void opt_init(struct opt_parser *parser, const struct opt *table, char *const *argv)
{
	*parser = (struct opt_parser){.table = table, .argv = argv};
}

static const struct opt *find_letter(const struct opt *table, char letter)
{
	for (; table->id != 0; table++) {
		if (table->letter == letter)
			return table;
	}
	return NULL;
}

static const struct opt *find_name(const struct opt *table, struct str name)
{
	for (; table->id != 0; table++) {
		if (table->name != NULL && str_eq_cstr(name, table->name))
			return table;
	}
	return NULL;
}

static void append_known(const struct opt *table, struct err *err)
{
	const char *separator = " (known: ";

	for (; table->id != 0; table++) {
		if (table->name != NULL)
			(void)err_append(err, "%s--%s", separator, table->name);
		else
			(void)err_append(err, "%s-%c", separator, table->letter);
		separator = ", ";
	}
	if (*separator == ',')
		(void)err_append(err, ")");
}

static int unknown_name(const struct opt *table, struct str name, struct err *err)
{
	const char *names[OPT_NAMES_MAX + 1];
	const char *near;
	size_t count = 0;

	(void)err_set(err, ERR_USAGE, "unknown option --%.*s", STR_ARGS(name));
	for (const struct opt *opt = table; opt->id != 0 && count < OPT_NAMES_MAX; opt++) {
		if (opt->name != NULL)
			names[count++] = opt->name;
	}
	names[count] = NULL;
	near = str_nearest(name, names);
	if (near != NULL)
		(void)err_append(err, " (did you mean --%s?)", near);
	else
		append_known(table, err);
	return OPT_ERROR;
}

/* The word after the option; a word that begins with `-` is as good as any. */
static int next_word(
	struct opt_parser *parser, const char *option, const struct opt *opt, struct err *err)
{
	parser->value = parser->argv[parser->index];
	if (parser->value == NULL) {
		(void)err_set(err, ERR_USAGE, "option %s needs %s", option, opt->argument);
		return OPT_ERROR;
	}
	parser->index++;
	return opt->id;
}

static int next_long(struct opt_parser *parser, const char *word, struct err *err)
{
	const char *equals = strchr(word, '=');
	struct str name = equals == NULL ? str_from(word + 2)
					 : (struct str){word + 2, (size_t)(equals - word - 2)};
	const struct opt *opt = find_name(parser->table, name);

	if (opt == NULL)
		return unknown_name(parser->table, name, err);
	parser->index++;
	if (opt->argument == NULL) {
		if (equals == NULL)
			return opt->id;
		(void)err_set(err, ERR_USAGE, "option --%s takes no value", opt->name);
		return OPT_ERROR;
	}
	if (equals == NULL)
		return next_word(parser, word, opt, err);
	parser->value = equals + 1;
	return opt->id;
}

static int next_letter(struct opt_parser *parser, const char *word, struct err *err)
{
	const char *letter = word + parser->offset;
	const struct opt *opt = find_letter(parser->table, *letter);
	char option[] = {'-', *letter, '\0'};

	if (opt == NULL) {
		/* At least the byte, where it is no UTF-8. */
		size_t len = str_printable(str_from(letter));

		(void)err_set(
			err, ERR_USAGE, "unknown option -%.*s", (int)(len == 0 ? 1 : len), letter);
		append_known(parser->table, err);
		return OPT_ERROR;
	}
	if (opt->argument == NULL) {
		parser->offset++;
		if (letter[1] == '\0') {
			parser->offset = 0;
			parser->index++;
		}
		return opt->id;
	}
	parser->offset = 0;
	parser->index++;
	if (letter[1] == '\0')
		return next_word(parser, option, opt, err);
	parser->value = letter + 1;
	return opt->id;
}

int opt_next(struct opt_parser *parser, struct err *err)
{
	const char *word = parser->argv[parser->index];

	parser->value = NULL;
	if (parser->offset > 0)
		return next_letter(parser, word, err);
	if (parser->ended || word == NULL || word[0] != '-' || word[1] == '\0')
		return OPT_END;
	if (strcmp(word, "--") == 0) {
		parser->ended = true;
		parser->index++;
		return OPT_END;
	}
	if (word[1] == '-')
		return next_long(parser, word, err);
	parser->offset = 1;
	return next_letter(parser, word, err);
}

char *opt_operand(struct opt_parser *parser)
{
	char *word = parser->argv[parser->index];

	parser->index += word != NULL;
	return word;
}

int opt_usage(const struct opt *table, struct buf *out)
{
	for (; table->id != 0; table++) {
		size_t start = out->len;

		(void)buf_append_cstr(out, "  ");
		if (table->letter != 0)
			(void)buf_appendf(
				out, "-%c%s", table->letter, table->name != NULL ? ", " : "");
		else
			(void)buf_append_cstr(out, "    ");
		if (table->name != NULL)
			(void)buf_appendf(out, "--%s", table->name);
		if (table->argument != NULL)
			(void)buf_appendf(out, " %s", table->argument);
		if (out->len - start > OPT_HELP_COLUMN - 2) {
			(void)buf_append_char(out, '\n');
			start = out->len;
		}
		while (!out->failed && out->len - start < OPT_HELP_COLUMN)
			(void)buf_append_char(out, ' ');
		(void)buf_appendf(out, "%s\n", table->help);
	}
	return out->failed ? -1 : 0;
}
