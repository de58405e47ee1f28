/*
 * env: the environment, composed: what the container was given, env_file, husk.yaml's `env`, the
 * built-in variables; defaults, types, secrets, NAME_FILE, unset, option variables.
 *
 * Rank, lowest to highest: a built-in, `default`, env_file (a later file over an earlier one, a
 * later line over an earlier one), the container's environment, `value`.
 *
 * - A variable that was given and is empty counts as given: it keeps the default away, and is
 *   checked against its type like any value. `required` refuses it.
 * - Texts of `env` are expanded; they may name variables declared above them. `value` may also
 *   name its own variable and gets what was given: `PATH: {value: "/opt/bin:${PATH}"}`.
 * - A secret NAME is also read from the file that NAME_FILE names, one newline at the end
 *   stripped. NAME_FILE stands at the rank it was given at; NAME and NAME_FILE of one rank, both
 *   not empty, are an error. NAME_FILE is not passed on: a program that knows it itself would find
 *   both set.
 * - A value made with a secret's value is secret.
 * - A name that stands twice in the container's environment: the first is taken, as getenv(3)
 *   does, and only it is passed on. Names that are no shell names pass untouched, and so does a
 *   string without `=`.
 * - An option variable (`append`, `fold`) is what was given or declared, byte for byte, then the
 *   options of each variable in `fold`, then each entry of `append`. An entry that had a
 *   construct and expands to nothing adds nothing. The runtimes let later options win, so
 *   `append` is the image's word.
 */
#ifndef HUSK_PLAN_ENV_H
#define HUSK_PLAN_ENV_H

#include "plan/plan.h"

enum {
	ENV_FILE_MAX = 1 << 20,  /* an env_file */
	ENV_STRING_MAX = 131072, /* NAME=value and its NUL: the kernel's MAX_ARG_STRLEN */
	ENV_VARS_MAX = 1 << 20,
};

/* What stands in every output for a secret's value. */
#define ENV_MASK "***"

enum env_origin {
	ENV_GIVEN,       /* the container's environment */
	ENV_FILE,        /* env_file; `place` says which line */
	ENV_DEFAULT,     /* husk.yaml, default */
	ENV_VALUE,       /* husk.yaml, value */
	ENV_SECRET_FILE, /* NAME_FILE; `source` is its path */
	ENV_COMPOSED,    /* option variable */
	ENV_BUILTIN,     /* HUSK_*: not exported to services unless declared */
	ENV_UNSET,       /* taken away by `unset`, or declared and given by nobody */
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

/* NULL where it is not set. The first built-in asked for makes husk read cgroups and the rest. */
const struct env_var *env_find(const struct env *env, struct str name);
/* In the order of: the container's, declared, then env_file's own; those not set are there too,
 * with the origin ENV_UNSET. NULL after the last. */
const struct env_var *env_at(const struct env *env, size_t index);
/* "container", "env_file", "default" ... */
const char *env_origin_name(enum env_origin origin);
/* Whether `pass` lets it through; it has to be exported besides. */
bool env_passes(const struct env_var *var, const struct plan_list *pass);

/* Sets a built-in for an expansion (HUSK_STAGED); it is never exported. */
int env_set_builtin(struct env *env, const char *name, const char *value, struct err *err);

/* False where memory ran out for the built-ins: what was expanded may lack one. */
bool env_is_whole(const struct env *env);

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
