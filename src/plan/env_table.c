#include "plan/env_table.h"

#include <string.h>

static size_t probe(const struct env *env, struct str name)
{
	size_t at = (size_t)str_hash(STR_HASH, name) & (env->index_size - 1);

	while (env->index[at] && !str_eq(env->slots[env->index[at] - 1].var.name, name))
		at = (at + 1) & (env->index_size - 1);
	return at;
}

/* What was there before stays in the arena unused: at most as much again. */
static int grow(struct env *env, size_t capacity, struct err *err)
{
	struct env_slot *slots;
	uint32_t *index;
	size_t size = 64;

	if (capacity > ENV_VARS_MAX) {
		err_set(err, ERR_CONFIG, "more than %d variables", ENV_VARS_MAX);
		return -1;
	}
	while (size <= capacity * 2)
		size *= 2;
	slots = arena_array(env->arena, capacity, sizeof(*slots));
	index = arena_array(env->arena, size, sizeof(*index));
	if (!slots || !index) {
		err_nomem(err);
		return -1;
	}
	if (env->slots)
		memcpy(slots, env->slots, env->count * sizeof(*slots));
	env->slots = slots;
	env->capacity = capacity;
	env->index = index;
	env->index_size = size;
	for (size_t i = 0; i < env->count; i++) {
		if (slots[i].var.name.len > 0)
			index[probe(env, slots[i].var.name)] = (uint32_t)(i + 1);
	}
	return 0;
}

int env_table_init(struct env *env, const struct plan *plan, size_t capacity, struct err *err)
{
	*env = (struct env){.arena = plan->arena, .plan = plan, .known = ENV_TABLE_ALL};
	env->lazy = arena_alloc(plan->arena, sizeof(*env->lazy));
	if (!env->lazy)
		return err_nomem(err);
	return grow(env, capacity < 16 ? 16 : capacity, err);
}

struct env_slot *env_table_find(const struct env *env, struct str name)
{
	/* A table that no memory was left for holds nothing. */
	uint32_t found = name.len > 0 && env->index ? env->index[probe(env, name)] : 0;

	return found ? &env->slots[found - 1] : NULL;
}

struct env_slot *env_table_add_nameless(struct env *env, struct err *err)
{
	struct env_slot *slot;

	if ((!env->slots || env->count == env->capacity) && grow(env, env->capacity * 2, err))
		return NULL;
	slot = &env->slots[env->count++];
	slot->var.origin = ENV_UNSET;
	slot->var.name = STR("");
	slot->var.value = STR("");
	slot->position = ENV_TABLE_ALL;
	return slot;
}

struct env_slot *env_table_add(struct env *env, struct str name, struct err *err)
{
	size_t at = probe(env, name);
	const uint32_t *index = env->index;
	struct env_slot *slot;

	if (env->index[at])
		return &env->slots[env->index[at] - 1];
	slot = env_table_add_nameless(env, err);
	if (!slot)
		return NULL;
	slot->var.name = name;
	/* The table may have grown. */
	if (env->index != index)
		at = probe(env, name);
	env->index[at] = (uint32_t)env->count;
	return slot;
}

int env_table_set(struct env *env, struct env_slot *slot, struct str value, enum env_origin origin,
	struct err *err)
{
	size_t len = slot->var.name.len;
	char *entry;

	if (len >= ENV_STRING_MAX || value.len >= ENV_STRING_MAX - len - 1)
		return err_set(err, ERR_CONFIG,
			"%zu bytes: the kernel hands a program at most %d with the name", value.len,
			ENV_STRING_MAX - 1);
	entry = arena_alloc(env->arena, len + value.len + 2);
	if (!entry)
		return err_nomem(err);
	memcpy(entry, slot->var.name.data, len);
	entry[len] = '=';
	if (value.len > 0)
		memcpy(entry + len + 1, value.data, value.len);
	slot->entry = entry;
	slot->var.value = (struct str){entry + len + 1, value.len};
	slot->var.origin = origin;
	return 0;
}
