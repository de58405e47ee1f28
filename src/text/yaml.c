#include "text/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/format.h"
#include "text/yaml_source.h"

/* Mappings of up to this many keys are searched for duplicates pair by pair, larger ones sorted. */
enum { PAIRWISE_MAX = 12 };

enum { KEY_PATH_MAX = 256 };

struct anchor {
	const char *name;
	struct yaml_node *node;
	bool open; /* what it names has not ended: an alias to it would be a loop */
	struct anchor *next;
};

/* A sequence or mapping whose end has not been seen. */
struct frame {
	struct yaml_node *node;
	struct yaml_node **tail;
	struct yaml_node *key; /* mapping: the key that waits for its value */
	struct anchor *anchor;
	bool merges;
};

struct reader {
	struct arena *arena;
	struct yaml_source source;
	struct anchor *anchors; /* the latest first */
	size_t anchor_count;
	size_t total;
	struct yaml_node *root;
	unsigned documents;
	unsigned depth;
	struct frame stack[YAML_DEPTH_MAX];
};

/* Where a mapping's entry stands among its own and its merged ones. */
struct entry {
	struct yaml_node *node;
	size_t order;
	bool merged;
	bool dropped;
};

/* "services.nginx.env[2].": the keys of the open containers, for a message about one within. */
static const char *key_path(const struct reader *r, char out[KEY_PATH_MAX])
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 1; i < r->depth; i++) {
		const struct yaml_node *node = r->stack[i].node;
		int n;

		if (node->key)
			n = format_text(out + len, KEY_PATH_MAX - len, "%s%.*s", len > 0 ? "." : "",
				STR_ARGS(node->key->value));
		else
			n = format_text(out + len, KEY_PATH_MAX - len, "[%zu]",
				r->stack[i - 1].node->count - 1);
		if (n < 0 || (size_t)n + 2 >= KEY_PATH_MAX - len) {
			out[len] = '\0';
			break;
		}
		len += (size_t)n;
	}
	if (len > 0)
		memcpy(out + len, ".", 2);
	return out;
}

static void error_duplicate(
	struct reader *r, const struct yaml_node *first, const struct yaml_node *second)
{
	char path[KEY_PATH_MAX];

	/* The mapping itself is still on the stack. */
	err_set_at(yaml_source_add(&r->source), ERR_CONFIG, r->source.file, second->key->line,
		second->key->column, "%s%.*s: is set twice, first in line %u", key_path(r, path),
		STR_ARGS(second->key->value), first->key->line);
}

static struct yaml_node *node_new(struct reader *r, enum yaml_kind kind, const yaml_mark_t *mark)
{
	struct yaml_node *node;
	size_t column;

	if (r->total >= YAML_NODES_MAX) {
		yaml_source_error(&r->source, mark, "more than 100000 values");
		return NULL;
	}
	node = arena_alloc(r->arena, sizeof(*node));
	if (!node) {
		yaml_source_nomem(&r->source);
		return NULL;
	}
	r->total++;
	yaml_source_offset(&r->source, mark, &column);
	node->kind = kind;
	node->file = r->source.file;
	node->line = node->text_line = (unsigned)mark->line + 1;
	node->column = node->text_column = (unsigned)column;
	node->weight = 1;
	return node;
}

/* Adds to the innermost open container, or as the root. */
static int attach(struct reader *r, struct yaml_node *node, const yaml_mark_t *mark)
{
	struct frame *f;

	if (r->depth == 0) {
		r->root = node;
		return 0;
	}
	f = &r->stack[r->depth - 1];
	if (f->node->kind == YAML_MAPPING && !f->key) {
		if (node->kind != YAML_SCALAR)
			return yaml_source_error(&r->source, mark,
				"a key must be a text, not a list or a mapping (a value that "
				"begins with "
				"[ or { needs quotes)");
		f->key = node;
		return 0;
	}
	node->key = f->key;
	if (f->key && f->key->plain && str_eq(f->key->value, STR("<<")))
		f->merges = true;
	f->key = NULL;
	*f->tail = node;
	f->tail = &node->next;
	f->node->count++;
	return 0;
}

/* A value of `node`'s size has been completed within the innermost open container. */
static void account(struct reader *r, const struct yaml_node *node)
{
	struct yaml_node *parent;

	if (r->depth == 0)
		return;
	parent = r->stack[r->depth - 1].node;
	parent->weight += node->weight;
	if (parent->height < node->height + 1)
		parent->height = node->height + 1;
}

static int anchor_add(struct reader *r, const yaml_char_t *name, struct yaml_node *node,
	const yaml_mark_t *mark, struct anchor **out)
{
	struct anchor *anchor;

	*out = NULL;
	if (!name)
		return 0;
	if (r->anchor_count++ >= YAML_ANCHORS_MAX)
		return yaml_source_error(&r->source, mark, "more than 1024 anchors");
	anchor = arena_alloc(r->arena, sizeof(*anchor));
	if (!anchor)
		return yaml_source_nomem(&r->source);
	anchor->name = arena_strdup(r->arena, (const char *)name);
	if (!anchor->name)
		return yaml_source_nomem(&r->source);
	anchor->node = node;
	anchor->next = r->anchors;
	r->anchors = anchor;
	*out = anchor;
	return 0;
}

/* Only YAML's own types are known; those of strings make a scalar no number. */
static int check_tag(
	struct reader *r, const yaml_event_t *event, const yaml_char_t *tag, struct yaml_node *node)
{
	static const char prefix[] = "tag:yaml.org,2002:";
	const char *name = (const char *)tag;
	bool known;

	if (!tag)
		return 0;
	if (strcmp(name, "!") == 0) {
		node->plain = false;
		return 0;
	}
	known = strncmp(name, prefix, sizeof(prefix) - 1) == 0;
	name += known ? sizeof(prefix) - 1 : 0;
	if (known && node->kind == YAML_SCALAR) {
		if (strcmp(name, "str") == 0)
			node->plain = false;
		else if (strcmp(name, "int") == 0 || strcmp(name, "float") == 0 ||
			 strcmp(name, "bool") == 0 || strcmp(name, "null") == 0)
			node->plain = true;
		else
			known = false;
	} else if (known) {
		known = strcmp(name, node->kind == YAML_MAPPING ? "map" : "seq") == 0;
	}
	if (!known)
		return yaml_source_error(&r->source, &event->start_mark,
			"this tag (!...) has no meaning here: remove it");
	return 0;
}

/* The text of a block scalar begins below its header, at the first line's indentation. */
static void place_block(const struct reader *r, struct yaml_node *node, size_t offset)
{
	const char *p = r->source.text.data + offset;
	const char *end = r->source.text.data + r->source.text.len;
	unsigned column = 1;

	while (p < end && *p != '\n')
		p++;
	while (p < end && (*p == '\n' || *p == ' ' || *p == '\r')) {
		column = *p == ' ' ? column + 1 : 1;
		p++;
	}
	node->text_line = node->line + 1;
	node->text_column = column;
}

static int read_scalar(struct reader *r, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	yaml_scalar_style_t style = event->data.scalar.style;
	struct yaml_node *node;
	struct anchor *anchor;
	size_t column;

	if (len > YAML_SCALAR_MAX)
		return yaml_source_error(
			&r->source, &event->start_mark, "a text of more than 1 MiB");
	if (memchr(value, '\0', len))
		return yaml_source_error(
			&r->source, &event->start_mark, "a text with a NUL byte (\\0) in it");
	node = node_new(r, YAML_SCALAR, &event->start_mark);
	if (!node)
		return -1;
	node->plain = style == YAML_PLAIN_SCALAR_STYLE;
	if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE)
		place_block(r, node, yaml_source_offset(&r->source, &event->start_mark, &column));
	else if (!node->plain)
		node->text_column++;
	node->value.data = arena_strndup(r->arena, (struct str){value, len});
	node->value.len = len;
	if (!node->value.data)
		return yaml_source_nomem(&r->source);
	if (check_tag(r, event, event->data.scalar.tag, node) != 0 ||
		anchor_add(r, event->data.scalar.anchor, node, &event->start_mark, &anchor) != 0 ||
		attach(r, node, &event->start_mark) != 0)
		return -1;
	account(r, node);
	return 0;
}

static int read_alias(struct reader *r, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	const struct anchor *anchor = r->anchors;
	struct yaml_node *node;
	char message[160];

	while (anchor && strcmp(anchor->name, name) != 0)
		anchor = anchor->next;
	if (anchor && anchor->open)
		return yaml_source_error(
			&r->source, &event->start_mark, "an alias within the value that it names");
	node = node_new(r, YAML_SCALAR, &event->start_mark);
	if (!node)
		return -1;
	if (!anchor) {
		format_text(message, sizeof(message),
			"unknown alias *%.100s: no anchor &%.20s before it", name, name);
		yaml_source_error(&r->source, &event->start_mark, message);
		node->plain = true;
		node->value = STR("");
	} else {
		const struct yaml_node *target = anchor->node;

		if (target->weight - 1 > YAML_NODES_MAX - r->total)
			return yaml_source_error(&r->source, &event->start_mark,
				"more than 100000 values, aliases resolved");
		if (r->depth + target->height > YAML_DEPTH_MAX)
			return yaml_source_error(&r->source, &event->start_mark,
				"more than 64 levels, aliases resolved");
		r->total += target->weight - 1;
		*node = *target;
		node->key = NULL;
		node->next = NULL;
	}
	if (attach(r, node, &event->start_mark) != 0)
		return -1;
	account(r, node);
	return 0;
}

static int open_container(struct reader *r, const yaml_event_t *event, enum yaml_kind kind,
	const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct yaml_node *node;
	struct frame *f;

	if (r->depth >= YAML_DEPTH_MAX)
		return yaml_source_error(&r->source, &event->start_mark, "more than 64 levels");
	node = node_new(r, kind, &event->start_mark);
	if (!node || attach(r, node, &event->start_mark) != 0)
		return -1;
	node->height = 1;
	f = &r->stack[r->depth++];
	*f = (struct frame){.node = node, .tail = &node->first};
	if (check_tag(r, event, tag, node) != 0 ||
		anchor_add(r, anchor, node, &event->start_mark, &f->anchor) != 0)
		return -1;
	if (f->anchor)
		f->anchor->open = true;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	struct str s = x->node->key->value, t = y->node->key->value;
	int diff = memcmp(s.data, t.data, s.len < t.len ? s.len : t.len);

	if (diff != 0)
		return diff;
	if (s.len != t.len)
		return s.len < t.len ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int by_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

/* True where the mapping has no duplicate, which nearly all are. */
static bool pairwise_unique(const struct yaml_node *mapping)
{
	for (const struct yaml_node *a = mapping->first; a; a = a->next)
		for (const struct yaml_node *b = a->next; b; b = b->next)
			if (str_eq(a->key->value, b->key->value))
				return false;
	return true;
}

static bool is_merge(const struct yaml_node *node)
{
	return node->key->plain && str_eq(node->key->value, STR("<<"));
}

/* How many entries the merge value brings; -1 where it is of the wrong kind. */
static int merge_count(struct reader *r, const struct yaml_node *value, size_t *count)
{
	bool list = value->kind == YAML_SEQUENCE;

	for (const struct yaml_node *m = list ? value->first : value; m;
		m = list ? m->next : NULL) {
		if (m->kind != YAML_MAPPING)
			return err_set_at(yaml_source_add(&r->source), ERR_CONFIG, r->source.file,
				value->key->line, value->key->column,
				"<<: wants a mapping or a list of mappings, as in `<<: *name`");
		*count += m->count;
	}
	return 0;
}

static size_t merge_entries(const struct yaml_node *value, struct entry *entries, size_t n)
{
	bool list = value->kind == YAML_SEQUENCE;

	for (const struct yaml_node *m = list ? value->first : value; m; m = list ? m->next : NULL)
		for (struct yaml_node *e = m->first; e; e = e->next, n++)
			entries[n] = (struct entry){.node = e, .order = n, .merged = true};
	return n;
}

/* The mapping's own entries that are no merge, then what merges bring, the first one first. */
static size_t list_entries(const struct yaml_node *mapping, struct entry *entries)
{
	size_t n = 0;

	for (struct yaml_node *e = mapping->first; e; e = e->next)
		if (!is_merge(e)) {
			entries[n] = (struct entry){.node = e, .order = n};
			n++;
		}
	for (const struct yaml_node *e = mapping->first; e; e = e->next)
		if (is_merge(e))
			n = merge_entries(e, entries, n);
	return n;
}

/* Marks what another entry of the same key has displaced; two of the mapping's own are an error. */
static void drop_losers(struct reader *r, struct entry *entries, size_t n)
{
	size_t winner = 0;

	qsort(entries, n, sizeof(*entries), by_key);
	for (size_t i = 1; i < n; i++) {
		if (!str_eq(entries[i].node->key->value, entries[winner].node->key->value)) {
			winner = i;
			continue;
		}
		entries[i].dropped = true;
		if (!entries[i].merged)
			error_duplicate(r, entries[winner].node, entries[i].node);
	}
	qsort(entries, n, sizeof(*entries), by_order);
}

static int relink(struct reader *r, struct frame *f, const struct entry *entries, size_t n)
{
	f->tail = &f->node->first;
	f->node->count = 0;
	for (size_t i = 0; i < n; i++) {
		struct yaml_node *node = entries[i].node;

		if (entries[i].dropped)
			continue;
		if (entries[i].merged) {
			/* It stays a member of the mapping that it came from, too. */
			node = arena_alloc(r->arena, sizeof(*node));
			if (!node)
				return yaml_source_nomem(&r->source);
			*node = *entries[i].node;
		}
		*f->tail = node;
		f->tail = &node->next;
		f->node->count++;
	}
	*f->tail = NULL;
	return 0;
}

/* Duplicate keys and merges, once the mapping is complete. */
static int resolve_mapping(struct reader *r, struct frame *f)
{
	size_t count = f->node->count;
	struct entry *entries;
	size_t n;
	int rc;

	if (!f->merges && count <= PAIRWISE_MAX && pairwise_unique(f->node))
		return 0;
	for (const struct yaml_node *e = f->node->first, *merge = NULL; e; e = e->next) {
		if (!is_merge(e))
			continue;
		if (merge)
			error_duplicate(r, merge, e);
		if (merge_count(r, e, &count) != 0)
			return -1;
		merge = e;
	}
	entries = calloc(count > 0 ? count : 1, sizeof(*entries));
	if (!entries)
		return yaml_source_nomem(&r->source);
	n = list_entries(f->node, entries);
	drop_losers(r, entries, n);
	rc = relink(r, f, entries, n);
	free(entries);
	return rc;
}

static int close_container(struct reader *r)
{
	struct frame *f = &r->stack[r->depth - 1];

	if (f->node->kind == YAML_MAPPING && resolve_mapping(r, f) != 0)
		return -1;
	if (f->anchor)
		f->anchor->open = false;
	r->depth--;
	account(r, f->node);
	return 0;
}

static int read_event(struct reader *r, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(r, event);
	case YAML_ALIAS_EVENT:
		return read_alias(r, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_container(r, event, YAML_SEQUENCE, event->data.sequence_start.anchor,
			event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_container(r, event, YAML_MAPPING, event->data.mapping_start.anchor,
			event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_container(r);
	case YAML_DOCUMENT_START_EVENT:
		if (r->documents++ > 0)
			return yaml_source_error(&r->source, &event->start_mark,
				"a second document (---): one file holds one");
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return 0;
}

static int read_stream(struct reader *r)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool end = false;
	int rc = 0;

	if (!yaml_parser_initialize(&parser))
		return yaml_source_nomem(&r->source);
	yaml_parser_set_input_string(
		&parser, (const unsigned char *)r->source.text.data, r->source.text.len);
	while (rc == 0 && !end) {
		if (!yaml_parser_parse(&parser, &event)) {
			rc = yaml_source_syntax(&r->source, &parser);
			break;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		rc = read_event(r, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return rc;
}

int yaml_parse(struct arena *arena, const char *file, struct str text, struct yaml_node **root,
	struct err_list *errors)
{
	/* Not zeroed as a whole: the stack is filled as it is used. */
	struct reader r;

	memset(&r, 0, offsetof(struct reader, stack));
	r.arena = arena;
	*root = NULL;
	if (yaml_source_init(&r.source, file, text, errors) != 0 || read_stream(&r) != 0)
		return -1;
	if (r.root && !yaml_is_null(r.root))
		*root = r.root;
	return r.source.failed ? -1 : 0;
}

struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
	struct yaml_node *node = mapping && mapping->kind == YAML_MAPPING ? mapping->first : NULL;

	while (node && !str_eq_cstr(node->key->value, key))
		node = node->next;
	return node;
}

bool yaml_is_null(const struct yaml_node *node)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

	if (node->kind != YAML_SCALAR || !node->plain)
		return false;
	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		if (str_eq_cstr(node->value, nulls[i]))
			return true;
	return false;
}
