#include <string.h>

#include "plan/config_parts.h"

/* As much as the plan itself may have. */
enum { READ_AGAIN_MAX = 256 << 20 };

int config_snapshot_take(struct config_snapshot *snapshot, const struct config_files *files)
{
	struct config_text **tail = &snapshot->first;

	*tail = NULL;
	for (const struct config_file *f = files->first; f; f = f->next) {
		struct config_text *text = arena_alloc(snapshot->arena, sizeof(*text));

		if (!text)
			return -1;
		text->path = arena_strdup(snapshot->arena, f->path);
		if (!text->path)
			return -1;
		text->text = f->text;
		*tail = text;
		tail = &text->next;
	}
	return 0;
}

static bool is_same(const struct config_snapshot *snapshot, const struct config_files *files)
{
	const struct config_file *f = files->first;
	const struct config_text *t = snapshot->first;

	for (; f && t; f = f->next, t = t->next) {
		if (strcmp(f->path, t->path) != 0 || !str_eq(f->text, t->text))
			return false;
	}
	return !f && !t;
}

bool config_snapshot_is_old(const struct config_snapshot *snapshot)
{
	struct arena *arena = arena_new(READ_AGAIN_MAX);
	const struct config_text *last = snapshot->first;
	struct config_files files;
	struct err_list errors;
	bool old = false;

	while (last && last->next)
		last = last->next;
	/* What cannot be known is not said. */
	if (arena && last) {
		err_list_init(&errors);
		config_files_init(&files, arena, arena, &errors);
		config_files_read(&files, last->path, NULL);
		old = !is_same(snapshot, &files);
	}
	arena_free(arena);
	return old;
}
