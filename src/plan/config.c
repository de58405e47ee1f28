#include "plan/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "plan/config_parts.h"

static const int64_t second = 1000000000;

const char *config_find(const char *option, const char *environment)
{
	struct stat st;

	if (option)
		return option;
	if (environment && environment[0])
		return environment;
	/* Where it is there and cannot be looked at, reading it says why. */
	if (sys_fstatat(AT_FDCWD, CONFIG_PATH, &st, 0) != 0 &&
		(errno == ENOENT || errno == ENOTDIR))
		return NULL;
	return CONFIG_PATH;
}

void config_empty(struct arena *arena, struct plan *plan)
{
	*plan = (struct plan){.arena = arena, .grace = 10 * second};
}

/* How many values the files have below a key of the top level. */
static size_t count_below(const struct config_files *files, const char *key, enum yaml_kind kind)
{
	size_t count = 0;

	for (const struct config_file *f = files->first; f; f = f->next) {
		const struct yaml_node *node = yaml_get(f->root, key);

		if (node)
			count += node->kind == kind ? node->count : 1;
	}
	return count;
}

/* Room for what the files hold, each array once. */
static int make_room(const struct config_files *files, struct config_state *state)
{
	struct plan *plan = state->plan;

	state->vars_max = count_below(files, "env", YAML_MAPPING);
	state->templates_max = count_below(files, "templates", YAML_SEQUENCE);
	state->env_files_max = count_below(files, "env_file", YAML_SEQUENCE);
	state->services_max = count_below(files, "services", YAML_MAPPING);
	if (state->services_max > PLAN_SERVICES_MAX)
		state->services_max = PLAN_SERVICES_MAX;
	plan->vars = arena_array(plan->arena, state->vars_max + 1, sizeof(*plan->vars));
	plan->templates =
		arena_array(plan->arena, state->templates_max + 1, sizeof(*plan->templates));
	plan->env_files.items =
		arena_array(plan->arena, state->env_files_max + 1, sizeof(*plan->env_files.items));
	plan->services = arena_array(plan->arena, state->services_max, sizeof(*plan->services));
	if (!plan->vars || !plan->templates || !plan->env_files.items || !plan->services)
		return -1;
	return 0;
}

/* Names that two files set; those of one file are the YAML reader's to find. */
static void check_twice(struct schema *s, const struct plan *plan)
{
	struct config_name *names = calloc(plan->var_count, sizeof(*names));

	if (!names) {
		schema_nomem(s);
		return;
	}
	for (size_t i = 0; i < plan->var_count; i++)
		names[i] =
			(struct config_name){plan->vars[i].name, &plan->vars[i].place, (unsigned)i};
	config_names_sort(s, "env", names, plan->var_count);
	free(names);
}

static void read_file(struct schema *s, const struct config_file *file, struct config_state *state,
	bool main_file)
{
	if (file->broken)
		return;
	if (file->root && file->root->kind != YAML_MAPPING) {
		schema_error(s, file->root, "wants a mapping of keys: version, env, services ...");
		return;
	}
	if (file->root)
		schema_read(s, config_keys, file->root, state);
	if (main_file && !yaml_get(file->root, "version"))
		err_set_at(err_list_add(s->errors), ERR_CONFIG, file->path, 1, 1,
			"version: is required and missing: write `version: 1`");
}

/* The files, to a plan; `before`: the errors that there were before they were read. */
static int load(const struct config_files *files, struct plan *plan, unsigned before)
{
	struct config_state state = {.plan = plan};
	struct schema s = {.arena = files->arena, .errors = files->errors};

	config_empty(files->arena, plan);
	if (make_room(files, &state) != 0) {
		schema_nomem(&s);
		return -1;
	}
	for (const struct config_file *f = files->first; f; f = f->next) {
		read_file(&s, f, &state, !f->next);
		plan->file = f->path;
	}
	if (files->count > 1 && plan->var_count > 1)
		check_twice(&s, plan);
	config_services_complete(&state);
	config_services_link(&s, plan);
	return files->errors->count > before ? -1 : 0;
}

int config_load(struct arena *arena, const char *path, struct plan *plan, struct err_list *errors)
{
	return config_load_kept(arena, path, plan, NULL, errors);
}

int config_load_text(struct arena *arena, const char *path, struct str text, struct plan *plan,
	struct err_list *errors)
{
	unsigned before = errors->count;
	struct config_files files;

	config_files_init(&files, arena, NULL, errors);
	config_files_read(&files, path, &text);
	return load(&files, plan, before);
}

int config_load_kept(struct arena *arena, const char *path, struct plan *plan,
	struct config_snapshot *snapshot, struct err_list *errors)
{
	unsigned before = errors->count;
	struct config_files files;

	config_files_init(&files, arena, snapshot ? snapshot->arena : NULL, errors);
	config_files_read(&files, path, NULL);
	if (snapshot && config_snapshot_take(snapshot, &files) != 0)
		err_nomem(err_list_add(errors));
	return load(&files, plan, before);
}

int config_load_snapshot(struct arena *arena, const struct config_snapshot *snapshot,
	struct plan *plan, struct err_list *errors)
{
	unsigned before = errors->count;
	struct config_files files;

	config_files_init(&files, arena, NULL, errors);
	config_files_replay(&files, snapshot);
	return load(&files, plan, before);
}

int config_program(struct plan *plan, char *const argv[], struct err *err)
{
	static const unsigned first = 0;
	struct plan_service *service = arena_alloc(plan->arena, sizeof(*service));
	const char *slash = strrchr(argv[0], '/');
	size_t count = 0;

	while (argv[count])
		count++;
	if (!service)
		return err_nomem(err);
	config_service_defaults(service);
	service->main = true;
	service->name = slash && slash[1] ? slash + 1 : argv[0];
	service->adhoc = true;
	service->command.items = arena_array(plan->arena, count, sizeof(*service->command.items));
	if (!service->command.items)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++)
		service->command.items[i].text = argv[i];
	service->command.count = count;
	service->command.given = true;
	plan->services = service;
	plan->service_count = 1;
	plan->order = &first;
	return 0;
}

#ifndef HUSK_WITHOUT_HELP
int config_describe(struct buf *out)
{
	schema_describe(config_keys, "", out);
	return out->failed ? -1 : 0;
}
#endif
