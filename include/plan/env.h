/*
 * env: the environment, composed: what the container was given, env_file, husk.yaml's `env`, the
 * built-in variables; defaults, types, secrets, NAME_FILE, unset, option variables.
 */
#ifndef HUSK_PLAN_ENV_H
#define HUSK_PLAN_ENV_H

#include "plan/plan.h"

enum env_origin {
	ENV_GIVEN,       /* the container's environment */
	ENV_FILE,        /* env_file; `place` says which line */
	ENV_DEFAULT,     /* husk.yaml, default */
	ENV_VALUE,       /* husk.yaml, value */
	ENV_SECRET_FILE, /* NAME_FILE; `source` is its path */
	ENV_COMPOSED,    /* option variable */
	ENV_BUILTIN,     /* HUSK_*: not exported to services unless declared */
};

struct env_var {
	struct str name;
	struct str value; /* ends in NUL */
	enum env_origin origin;
	struct plan_place place; /* file NULL: none */
	const char *source;      /* more about the origin, or NULL */
	bool secret;
	bool declared; /* it has an entry in `env:` */
	bool exported;
};

struct env; /* in the plan's arena */

/*
 * Composes. `environ` is borrowed for env's life. Every error is collected; -1 where there is one.
 */
int env_compose(
	const struct plan *plan, char *const *environ, struct env **env, struct err_list *errors);

const struct env_var *env_find(const struct env *env, struct str name);
/* In the order of: the container's, then declared. NULL after the last. */
const struct env_var *env_at(const struct env *env, size_t index);

/* Sets a built-in for an expansion (HUSK_STAGED). */
int env_set_builtin(struct env *env, const char *name, const char *value, struct err *err);

/* The scope for a template set: `only` decides; not given: every declared name, built-ins, and
 * names without lower-case letters. Lives in the arena. */
int env_scope(const struct env *env, const struct plan_list *only, struct template_scope *scope,
	struct err *err);
/* The scope of configuration texts: every name is selected, and unset ones are an error. Expands
 * to a string in the arena. */
int env_expand(const struct env *env, const struct plan_text *text, const char **out,
	bool *used_secret, struct err *err);
int env_expand_list(const struct env *env, const struct plan_list *list, char ***argv,
	bool *used_secret, struct err *err);

/* The envp for a service: exported variables that `pass` selects, NULL-terminated, in the arena.
 * Names that are no shell names pass untouched. */
int env_export(const struct env *env, const struct plan_list *pass, char ***envp, struct err *err);

#endif
