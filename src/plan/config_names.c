/* Names that several files may set, looked up without comparing each with each. */
#include <stdlib.h>
#include <string.h>

#include "plan/config_parts.h"

static int compare(const void *a, const void *b)
{
	const struct config_name *x = a, *y = b;
	int diff = strcmp(x->name, y->name);

	/* The first one is the one that was read first. */
	return diff != 0 ? diff : x->index < y->index ? -1 : x->index > y->index;
}

void config_names_sort(struct schema *s, const char *key, struct config_name *names, size_t count)
{
	qsort(names, count, sizeof(*names), compare);
	for (size_t i = 1; i < count; i++) {
		const struct plan_place *first = names[i - 1].place;
		const struct plan_place *place = names[i].place;

		if (strcmp(names[i - 1].name, names[i].name) == 0)
			err_set_at(err_list_add(s->errors), ERR_CONFIG, place->file, place->line,
				place->column, "%s.%s: is set twice, first at %s:%u:%u", key,
				names[i].name, first->file, first->line, first->column);
	}
}

const struct config_name *config_names_find(
	const struct config_name *names, size_t count, const char *name)
{
	size_t low = 0;

	while (count > 0) {
		size_t half = count / 2;
		int diff = strcmp(name, names[low + half].name);

		if (diff == 0)
			return &names[low + half];
		if (diff > 0) {
			low += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return NULL;
}
