#include "cmd/load.h"

#include <stdlib.h>
#include <unistd.h>

enum { ARENA_MAX = 256 << 20 };

static int begin(struct load *load, struct err_list *errors)
{
	load->env = NULL;
	load->whole = NULL;
	load->listen_pid = NULL;
	load->arena = load->room == NULL ? arena_new(ARENA_MAX)
					 : arena_new_in(load->room, sizeof(*load->room), ARENA_MAX);
	if (load->arena == NULL)
		return err_nomem(err_list_add(errors));
	config_empty(load->arena, &load->plan);
	load->snapshot.arena = load->arena;
	return 0;
}

int load_init(struct load *load, const char *option, struct err_list *errors)
{
	const char *path = config_find(option, getenv("HUSK_CONFIG"));

	if (begin(load, errors) < 0)
		return -1;
	if (path != NULL && config_load_kept(load->arena, path, &load->plan,
				    load->keep ? &load->snapshot : NULL, errors) < 0)
		return -1;
	return env_compose(&load->plan, environ, &load->env, errors);
}

int load_again(struct load *load, const struct config_snapshot *snapshot, struct err_list *errors)
{
	if (begin(load, errors) < 0 ||
		config_load_snapshot(load->arena, snapshot, &load->plan, errors) < 0)
		return -1;
	return env_compose(&load->plan, environ, &load->env, errors);
}

int load_bare(struct load *load, struct err_list *errors)
{
	if (begin(load, errors) < 0)
		return -1;
	return env_compose(&load->plan, environ, &load->env, errors);
}

int load_require(const struct load *load, const char *verb, struct err_list *errors)
{
	if (load->plan.file != NULL)
		return 0;
	return err_set(err_list_add(errors), ERR_USAGE,
		"nothing to %s: there is no %s: name a configuration with -c", verb, CONFIG_PATH);
}

void load_fini(struct load *load)
{
	arena_free(load->arena);
	load->arena = NULL;
}
