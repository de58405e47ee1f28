/* Any bytes as YAML: a tree within its bounds, or errors with a place; never both or neither. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The tree is walked as its users do, by recursion: the height must be what it says. */
static size_t walk(const struct yaml_node *node, unsigned height)
{
	size_t nodes = 1;
	size_t count = 0;

	if (node->height > height || node->line == 0 || node->column == 0)
		abort();
	if (node->kind == YAML_SCALAR &&
		(node->first || node->value.data[node->value.len] != '\0' ||
			strlen(node->value.data) != node->value.len))
		abort();
	for (const struct yaml_node *child = node->first; child; child = child->next, count++) {
		if ((node->kind == YAML_MAPPING) != (child->key != NULL) || height == 0)
			abort();
		nodes += walk(child, height - 1);
	}
	if (count != node->count || nodes > node->weight)
		abort();
	return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct err_list errors;
	struct arena *arena = arena_new(64 << 20);
	struct str text = {(const char *)data, size};
	struct yaml_node *root;

	if (!arena)
		return 0;
	errors.count = errors.dropped = 0;
	if (yaml_parse(arena, "fuzz.yaml", text, &root, &errors) != (errors.count > 0 ? -1 : 0))
		abort();
	if (root && walk(root, YAML_DEPTH_MAX) > YAML_NODES_MAX)
		abort();
	for (unsigned i = 0; i < errors.count; i++)
		if (!errors.errs[i].message[0] || errors.errs[i].source[0])
			abort();
	arena_free(arena);
	return 0;
}
