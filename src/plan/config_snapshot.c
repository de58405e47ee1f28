#include <string.h>

#include "plan/config_parts.h"

/* As much as the plan itself may have. */
enum { READ_AGAIN_MAX = 256 << 20 };

/* `text` is there already. */
static struct config_text **add(struct config_snapshot *snapshot, struct config_text **tail,
	const char *path, struct str text)
{
	struct config_text *new = arena_alloc(snapshot->arena, sizeof(*new));

	if (!new || !text.data)
		return NULL;
	new->text = text;
	new->path = arena_strdup(snapshot->arena, path);
	*tail = new;
	return new->path ? &new->next : NULL;
}

int config_snapshot_take(struct config_snapshot *snapshot, const struct config_files *files)
{
	struct config_text **tail = &snapshot->first;

	*tail = NULL;
	for (const struct config_file *f = files->first; f && tail; f = f->next)
		tail = add(snapshot, tail, f->path, f->text);
	return tail ? 0 : -1;
}

int config_snapshot_copy(struct config_snapshot *to, const struct config_snapshot *from)
{
	struct config_text **tail = &to->first;

	*tail = NULL;
	for (const struct config_text *t = from->first; t && tail; t = t->next)
		tail = add(to, tail, t->path,
			(struct str){arena_strndup(to->arena, t->text), t->text.len});
	return tail ? 0 : -1;
}

static bool is_same(const struct config_snapshot *snapshot, const struct config_files *files)
{
	const struct config_file *f = files->first;
	const struct config_text *t = snapshot->first;

	for (; f && t; f = f->next, t = t->next) {
		/* Without memory for it: what cannot be known is not said. */
		if (!f->text.data)
			return true;
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
	if (arena && last) {
		err_list_init(&errors);
		config_files_init(&files, arena, arena, &errors);
		config_files_read(&files, last->path, NULL);
		old = !is_same(snapshot, &files);
	}
	arena_free(arena);
	return old;
}
