#include <string.h>

#include "base/format.h"

#include "plan/env_table.h"

/* HUSK_STAGED has no value of its own: env_set_builtin gives it one. */
static const char *const names[ENV_BUILTINS] = {
	"HUSK_CPUS", "HUSK_MEMORY_MIB", "HUSK_RESOLVERS", "HUSK_HOSTNAME", "HUSK_STAGED"};

static int find(struct str name)
{
	/* All begin alike: a name that does not is no reason to compare. */
	if (!str_starts(name, STR("HUSK_")))
		return -1;
	for (int i = 0; i < ENV_BUILTINS; i++) {
		if (str_eq_cstr(name, names[i]))
			return i;
	}
	return -1;
}

bool env_builtin_is_name(struct str name)
{
	return find(name) != -1;
}

bool env_builtin_is_forced(const struct env *env, struct str name)
{
	int i = find(name);

	return i != -1 && env->lazy->forced >> i & 1;
}

static void set(struct env_lazy *lazy, int i, const char *value, const char *source)
{
	struct env_var *var = &lazy->builtins[i];

	lazy->no_memory = lazy->no_memory || !value;
	/* What env_set_builtin said before stands. */
	if (var->name.len > 0 || !value)
		return;
	*var = (struct env_var){.name = str_from(names[i]),
		.value = str_from(value),
		.origin = ENV_BUILTIN,
		.source = source};
}

static void read_machine(struct arena *arena, struct env_lazy *lazy)
{
	struct machine machine;
	char number[24];

	/* Fails without memory only. */
	lazy->no_memory = machine_read(arena, "", &machine, NULL) != 0;
	if (lazy->no_memory)
		return;
	format_text(number, sizeof(number), "%u", machine.cpus);
	set(lazy, 0, arena_strdup(arena, number), machine.cpus_from);
	format_text(number, sizeof(number), "%llu", (unsigned long long)(machine.memory >> 20));
	set(lazy, 1, arena_strdup(arena, number), machine.memory_from);
	set(lazy, 2, machine.resolvers, "resolv.conf");
	set(lazy, 3, machine.hostname, NULL);
}

bool env_is_whole(const struct env *env)
{
	return !env->lazy->no_memory;
}

const struct env_var *env_builtin_find(const struct env *env, struct str name)
{
	struct env_lazy *lazy = env->lazy;
	int i = find(name);

	if (i == -1)
		return NULL;
	if (!lazy->read && lazy->builtins[i].name.len == 0) {
		lazy->read = true;
		read_machine(env->arena, lazy);
	}
	return lazy->builtins[i].name.len > 0 ? &lazy->builtins[i] : NULL;
}

int env_set_builtin(struct env *env, const char *name, const char *value, struct err *err)
{
	int i = find(str_from(name));

	if (i == -1)
		return err_set(err, ERR_INTERNAL, "%s is no built-in variable", name);
	char *copy = arena_strdup(env->arena, value);
	if (!copy)
		return err_nomem(err);
	env->lazy->builtins[i] = (struct env_var){
		.name = str_from(names[i]), .value = str_from(copy), .origin = ENV_BUILTIN};
	env->lazy->forced |= 1u << i;
	return 0;
}
