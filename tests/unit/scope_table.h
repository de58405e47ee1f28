/*
 * scope_table: a template's scope made of a table, and what it was told of.
 */
#ifndef HUSK_TESTS_SCOPE_TABLE_H
#define HUSK_TESTS_SCOPE_TABLE_H

#include "base/buf.h"
#include "text/template.h"

struct scope_row {
	const char *name;
	struct str value;
	bool secret;
};

struct scope_table {
	const struct scope_row *rows; /* ends with a NULL name */
	struct buf told;              /* "line:column text\n" of each kept(); where `tell` is set */
};

/* Names without lower-case letters are selected, as by default. */
static bool scope_table_selected(void *arg, struct str name)
{
	(void)arg;
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] >= 'a' && name.data[i] <= 'z')
			return false;
	}
	return true;
}

static bool scope_table_lookup(void *arg, struct str name, struct template_value *value)
{
	const struct scope_table *table = arg;

	for (const struct scope_row *row = table->rows; row->name != NULL; row++) {
		if (str_eq_cstr(name, row->name)) {
			*value = (struct template_value){row->value, row->secret};
			return true;
		}
	}
	return false;
}

static void scope_table_kept(
	void *arg, const char *file, unsigned line, unsigned column, struct str text)
{
	struct scope_table *table = arg;

	(void)file;
	buf_appendf(&table->told, "%u:%u ", line, column);
	buf_append_str(&table->told, text);
	buf_append_char(&table->told, '\n');
}

static struct template_scope scope_table_scope(struct scope_table *table, bool told)
{
	return (struct template_scope){
		table, scope_table_selected, scope_table_lookup, told ? scope_table_kept : NULL};
}

#endif
