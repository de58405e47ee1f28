#include "cmd/load.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARENA_MAX = 256 << 20 };

static int no_memory(struct err_list *errors)
{
	return err_nomem(err_list_add(errors));
}

static int begin(struct load *load, const char *path, struct err_list *errors)
{
	memset(load, 0, sizeof(*load));
	load->arena = arena_new(ARENA_MAX);
	if (load->arena == NULL)
		return no_memory(errors);
	if (path == NULL)
		config_empty(load->arena, &load->plan);
	else if (config_load(load->arena, path, &load->plan, errors) < 0)
		return -1;
	return env_compose(&load->plan, environ, &load->env, errors);
}

int load_init(struct load *load, const char *option, struct err_list *errors)
{
	return begin(load, config_find(option, getenv("HUSK_CONFIG")), errors);
}

int load_bare(struct load *load, struct err_list *errors)
{
	return begin(load, NULL, errors);
}

void load_fini(struct load *load)
{
	arena_free(load->arena);
	load->arena = NULL;
}
