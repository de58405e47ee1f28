/* Who waits for whom: `after` and `before` as indices, cycles, and the order of start. */
#include <string.h>

#include "plan/config_parts.h"

enum {
	SCRATCH_MAX = 64 << 20,
	KNOWN_SHOWN = 8,  /* services that a message about an unknown one names */
	CYCLE_SHOWN = 12, /* services of a cycle that a message names */
};

enum colour { NEW, OPEN, CLOSED };

struct link {
	struct schema *s;
	struct plan *plan;
	unsigned count; /* of services */
	struct arena *scratch;
	struct config_name *names; /* sorted */
	const char **known;        /* NULL-terminated, for suggestions */
	unsigned *targets;         /* of each item: after and before of each service, in order */
	unsigned *next;            /* of each service: a count, a mark, or what to look at next */
	unsigned *stack;
	unsigned char *colours;
	unsigned *order;
};

/* What stands in `targets` for a name that is none. */
static const unsigned nobody = (unsigned)-1;

static int prepare(struct link *link)
{
	const struct plan *plan = link->plan;
	struct arena *scratch = link->scratch;
	size_t items = 0;

	for (unsigned i = 0; i < link->count; i++)
		items += plan->services[i].after.count + plan->services[i].before.count;
	link->names = arena_array(scratch, link->count, sizeof(*link->names));
	link->known = arena_array(scratch, link->count + 1, sizeof(*link->known));
	link->targets = arena_array(scratch, items, sizeof(*link->targets));
	link->next = arena_array(scratch, link->count, sizeof(*link->next));
	link->stack = arena_array(scratch, link->count, sizeof(*link->stack));
	link->colours = arena_array(scratch, link->count, 1);
	link->order = arena_array(plan->arena, link->count, sizeof(*link->order));
	if (!link->names || !link->known || !link->targets || !link->next || !link->stack ||
		!link->colours || !link->order)
		return -1;
	for (unsigned i = 0; i < link->count; i++) {
		link->names[i] =
			(struct config_name){plan->services[i].name, &plan->services[i].place, i};
		link->known[i] = plan->services[i].name;
	}
	return 0;
}

/* ---- names to indices ---- */

static struct err *error_at(const struct link *link, const struct plan_text *text,
	const struct plan_service *service, const char *key)
{
	const struct plan_place *place = text ? &text->place : &service->place;
	struct err *err = err_list_add(link->s->errors);

	err_set_at(err, ERR_CONFIG, place->file, place->line, place->column,
		"services.%s.%s: ", service->name, key);
	return err;
}

static unsigned find_target(const struct link *link, const struct plan_text *text,
	const struct plan_service *service, const char *key)
{
	const struct config_name *found = config_names_find(link->names, link->count, text->text);
	struct str name = str_from(text->text);
	const char *nearest;
	struct err *err;

	if (found)
		return found->index;
	err = error_at(link, text, service, key);
	if (!err)
		return nobody;
	err_append(err, "unknown service \"%.80s\"", text->text);
	nearest = link->count > KNOWN_SHOWN ? str_nearest(name, link->known) : NULL;
	if (nearest)
		err_append(err, " (did you mean %s?)", nearest);
	else if (link->count <= KNOWN_SHOWN)
		err_suggest(err, name, link->known);
	return nobody;
}

/* Whatever waits for a service that is run again and again waits for ever. */
static bool is_periodic(const struct link *link, const struct plan_service *waited_for,
	const struct plan_text *text, const struct plan_service *service, const char *key)
{
	if (waited_for->every == 0)
		return false;
	err_append(error_at(link, text, service, key),
		"%s is run again and again (every) and never ready: nothing can wait for it",
		waited_for->name);
	return true;
}

/* Fills `targets`, and `next` with how many wait entries each service gets. */
static void find_targets(struct link *link)
{
	struct plan_service *services = link->plan->services;
	unsigned *target = link->targets;

	for (unsigned i = 0; i < link->count; i++) {
		const struct plan_service *service = &services[i];

		for (size_t k = 0; k < service->after.count; k++, target++) {
			const struct plan_text *text = &service->after.items[k];

			*target = find_target(link, text, service, "after");
			if (*target != nobody &&
				is_periodic(link, &services[*target], text, service, "after"))
				*target = nobody;
			link->next[i] += *target != nobody;
		}
		for (size_t k = 0; k < service->before.count; k++, target++) {
			const struct plan_text *text = &service->before.items[k];

			*target = find_target(link, text, service, "before");
			if (*target != nobody &&
				is_periodic(link, service, text, service, "before"))
				*target = nobody;
			if (*target != nobody)
				link->next[*target]++;
		}
	}
}

static void add_depend(struct plan_service *service, unsigned index)
{
	service->depends[service->depend_count++] = index;
}

/* Each once: `next` holds who had it last. */
static void drop_repeated(struct link *link, unsigned index)
{
	struct plan_service *service = &link->plan->services[index];
	unsigned count = 0;

	for (unsigned k = 0; k < service->depend_count; k++) {
		unsigned depend = service->depends[k];

		if (link->next[depend] == index)
			continue;
		link->next[depend] = index;
		service->depends[count++] = depend;
	}
	service->depend_count = count;
}

static int fill_depends(struct link *link)
{
	struct plan_service *services = link->plan->services;
	const unsigned *target = link->targets;

	for (unsigned i = 0; i < link->count; i++) {
		if (link->next[i] == 0)
			continue;
		services[i].depends =
			arena_array(link->plan->arena, link->next[i], sizeof(*services[i].depends));
		if (!services[i].depends)
			return -1;
	}
	for (unsigned i = 0; i < link->count; i++) {
		for (size_t k = 0; k < services[i].after.count; k++, target++)
			if (*target != nobody)
				add_depend(&services[i], *target);
		for (size_t k = 0; k < services[i].before.count; k++, target++)
			if (*target != nobody)
				add_depend(&services[*target], i);
	}
	for (unsigned i = 0; i < link->count; i++)
		link->next[i] = nobody;
	for (unsigned i = 0; i < link->count; i++)
		drop_repeated(link, i);
	return 0;
}

/* ---- cycles, and the order ---- */

static const struct plan_text *find_item(const struct plan_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].text, name) == 0)
			return &list->items[i];
	return NULL;
}

/* `stack` from `from` to its top waits for the one before, and the top for `from` again. */
static void error_cycle(const struct link *link, unsigned from, unsigned depth)
{
	const struct plan_service *services = link->plan->services;
	const struct plan_service *waits = &services[link->stack[from]];
	const struct plan_service *waited_for =
		&services[link->stack[from + 1 < depth ? from + 1 : from]];
	const struct plan_text *text = find_item(&waits->after, waited_for->name);
	struct err *err;

	err = text ? error_at(link, text, waits, "after")
		   : error_at(link, find_item(&waited_for->before, waits->name), waited_for,
			     "before");
	err_append(err, "a cycle: ");
	for (unsigned i = from; i < depth; i++) {
		if (i - from < CYCLE_SHOWN)
			err_append(err, "%s -> ", services[link->stack[i]].name);
		else if (i - from == CYCLE_SHOWN)
			err_append(err, "... -> ");
	}
	err_append(err, "%s (each waits for the next)", waits->name);
}

/* What `root` waits for, however far, in the order in which it can start. False at a cycle. */
static bool walk(struct link *link, unsigned root, unsigned *ordered)
{
	unsigned depth = 0;
	unsigned from;

	link->stack[depth++] = root;
	link->colours[root] = OPEN;
	while (depth > 0) {
		unsigned top = link->stack[depth - 1];
		const struct plan_service *service = &link->plan->services[top];
		unsigned depend;

		if (link->next[top] == service->depend_count) {
			link->colours[top] = CLOSED;
			link->order[(*ordered)++] = top;
			depth--;
			continue;
		}
		depend = service->depends[link->next[top]++];
		if (link->colours[depend] == NEW) {
			link->colours[depend] = OPEN;
			link->stack[depth++] = depend;
		} else if (link->colours[depend] == OPEN) {
			for (from = 0; link->stack[from] != depend;)
				from++;
			error_cycle(link, from, depth);
			break;
		}
	}
	/* One cycle at a time is told of: what leads to it is not looked at again. */
	for (unsigned i = 0; i < depth; i++)
		link->colours[link->stack[i]] = CLOSED;
	return depth == 0;
}

static int link_services(struct link *link)
{
	bool sound = true;
	unsigned ordered = 0;

	if (prepare(link) != 0)
		return -1;
	config_names_sort(link->s, "services", link->names, link->count);
	find_targets(link);
	if (fill_depends(link) != 0)
		return -1;
	memset(link->next, 0, link->count * sizeof(*link->next));
	for (unsigned i = 0; i < link->count; i++)
		if (link->colours[i] == NEW && !walk(link, i, &ordered))
			sound = false;
	if (sound)
		link->plan->order = link->order;
	return 0;
}

void config_services_link(struct schema *s, struct plan *plan)
{
	struct link link = {.s = s, .plan = plan, .count = (unsigned)plan->service_count};

	if (link.count == 0)
		return;
	link.scratch = arena_new(SCRATCH_MAX);
	if (!link.scratch || link_services(&link) != 0)
		schema_nomem(s);
	arena_free(link.scratch);
}
