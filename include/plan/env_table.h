/*
 * env_table: the variables of an environment, found by name; what env's own files share.
 */
#ifndef HUSK_PLAN_ENV_TABLE_H
#define HUSK_PLAN_ENV_TABLE_H

#include "plan/env.h"
#include "plan/machine.h"

/* No declared variable: above every position. */
#define ENV_TABLE_ALL SIZE_MAX

struct env_slot {
	struct env_var var;          /* origin ENV_UNSET: not set */
	char *entry;                 /* "NAME=value", what a program gets */
	const struct plan_var *decl; /* NULL: not declared */
	size_t position;             /* of `decl` in the plan */
	bool failed;   /* its error is reported: what refers to it says nothing more */
	bool withheld; /* not passed on: NAME_FILE */
};

enum { ENV_BUILTINS = 5 };

/* What is read when it is first asked for. */
struct env_lazy {
	bool read;
	bool no_memory;  /* reading ran out of it: what is not known may well be */
	unsigned forced; /* bit i: env_set_builtin gave builtins[i] its value, above all else */
	struct env_var builtins[ENV_BUILTINS]; /* name empty: not known */
};

struct env {
	struct arena *arena;
	const struct plan *plan;
	struct env_slot *slots;
	size_t count;
	size_t capacity;
	uint32_t *index;   /* open addressing: slot + 1, 0 is free */
	size_t index_size; /* a power of two, more than twice `count` */
	struct env_lazy *lazy;
	/* Declared variables from this position on are not known yet; env_compose moves it up. */
	size_t known;
};

int env_table_init(struct env *env, const struct plan *plan, size_t capacity, struct err *err);
struct env_slot *env_table_find(const struct env *env, struct str name);
/* A slot for `name`, not set where it is new. It moves when the next one is added. */
struct env_slot *env_table_add(struct env *env, struct str name, struct err *err);
/* A slot that no name finds: a string without `=`. */
struct env_slot *env_table_add_nameless(struct env *env, struct err *err);
/* Makes the entry and the value in it. */
int env_table_set(struct env *env, struct env_slot *slot, struct str value, enum env_origin origin,
	struct err *err);
static inline bool env_slot_is_set(const struct env_slot *slot)
{
	return slot && slot->var.origin != ENV_UNSET;
}

bool env_builtin_is_name(struct str name);
bool env_builtin_is_forced(const struct env *env, struct str name);
/* NULL where it is not known. */
const struct env_var *env_builtin_find(const struct env *env, struct str name);

/* Reads an env_file into variables that nothing of higher rank has set. Collects. */
int env_file_load(struct env *env, const struct plan_text *path, struct err_list *errors);

/* -1 where `value` is not of the variable's type: `err`'s message says what is expected, without
 * the value. */
int env_type_check(const struct plan_var *var, struct str value, struct err *err);

/*
 * Expands a text of `env`: as env_expand. `*poisoned` is set where it names a variable that has
 * failed, and then there may be no more to say. Names declared at env->known or later are an
 * error, but for `self`.
 */
int env_expand_text(const struct env *env, const struct plan_text *text,
	const struct env_slot *self, const char **out, bool *used_secret, bool *poisoned,
	struct err *err);

/* Composes an option variable on top of what the slot holds. */
int env_options_compose(struct env *env, struct env_slot *slot, struct err *err);

#endif
