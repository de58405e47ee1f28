/* The part of the schema that stands below `services`. */
#include <string.h>

#include "base/signal_name.h"
#include "plan/config_parts.h"

static void read_signal(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	int number;
	struct err err;

	if (!schema_scalar(s, key, node))
		return;
	if (signal_parse(node->value, &number, &err) != 0)
		schema_error(s, node, "%s", err.message);
	else
		*(int *)field = number;
}

static void read_stop(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	struct plan_service *service = field;

	service->stop_place = schema_place(node->key);
	schema_mapping(s, key, node, field);
}

static void read_nice(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	int64_t value;

	if (!schema_scalar(s, key, node))
		return;
	if (str_to_int64(node->value, &value) != 0 || value < -20 || value > 19)
		schema_error_unknown(
			s, node, "wants a number from -20 to 19, not", node->value, NULL);
	else
		*(int *)field = (int)value;
}

static void read_limit_value(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	uint64_t value;

	if (!schema_scalar(s, key, node))
		return;
	if (str_eq(node->value, STR("unlimited")))
		*(rlim_t *)field = RLIM_INFINITY;
	else if (str_to_size(node->value, &value) != 0 || value >= RLIM_INFINITY)
		schema_error_unknown(s, node,
			"wants a number, a size such as 64k, or unlimited, not", node->value, NULL);
	else
		*(rlim_t *)field = (rlim_t)value;
}

static const struct schema_key limit_keys[] = {
	{"soft", read_limit_value, offsetof(struct rlimit, rlim_cur), .required = true,
		.type = "a number, a size or unlimited", SCHEMA_HELP("the limit that holds")},
	{"hard", read_limit_value, offsetof(struct rlimit, rlim_max), .required = true,
		.type = "a number, a size or unlimited",
		SCHEMA_HELP("how far the program may raise it itself")},
	{0},
};

static void read_limit(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	struct plan_service *service = field;
	struct rlimit value = {0, RLIM_INFINITY};

	if (node->kind == YAML_MAPPING) {
		schema_read(s, limit_keys, node, &value);
		if (value.rlim_cur > value.rlim_max)
			schema_error(s, node->key, "soft is larger than hard");
	} else {
		read_limit_value(s, key, node, &value.rlim_cur);
		value.rlim_max = value.rlim_cur;
	}
	if (service->limit_count < PLAN_LIMITS_MAX)
		service->limits[service->limit_count++] =
			(struct plan_limit){key->name, key->id, value};
}

#define LIMIT(name, id_, what) \
	{ \
		name, read_limit, 0, .id = (id_), \
				     .type = "a number, a size, unlimited or {soft:, hard:}", \
				     SCHEMA_HELP(what) \
	}
/* The names are those of prlimit(1). */
static const struct schema_key limits_keys[] = {
	LIMIT("as", RLIMIT_AS, "address space, bytes"),
	LIMIT("core", RLIMIT_CORE, "core file, bytes"),
	LIMIT("cpu", RLIMIT_CPU, "processor time, seconds"),
	LIMIT("data", RLIMIT_DATA, "data segment, bytes"),
	LIMIT("fsize", RLIMIT_FSIZE, "file written, bytes"),
	LIMIT("locks", RLIMIT_LOCKS, "file locks"),
	LIMIT("memlock", RLIMIT_MEMLOCK, "locked memory, bytes"),
	LIMIT("msgqueue", RLIMIT_MSGQUEUE, "POSIX message queues, bytes"),
	LIMIT("nice", RLIMIT_NICE, "how far nice may be lowered: 20 less the value"),
	LIMIT("nofile", RLIMIT_NOFILE, "open descriptors"),
	LIMIT("nproc", RLIMIT_NPROC, "processes of the user"),
	LIMIT("rss", RLIMIT_RSS, "resident memory, bytes; Linux ignores it"),
	LIMIT("rtprio", RLIMIT_RTPRIO, "real-time priority"),
	LIMIT("sigpending", RLIMIT_SIGPENDING, "queued signals"),
	LIMIT("stack", RLIMIT_STACK, "stack, bytes"),
	{0},
};

static const struct schema_key stop_keys[] = {
	{"delay", schema_duration, offsetof(struct plan_service, stop_delay), .type = "a duration",
		.fallback = "0s", SCHEMA_HELP("waits before the signal, while endpoints drain")},
	{"signal", read_signal, offsetof(struct plan_service, stop_signal), .type = "a signal",
		.fallback = "TERM", SCHEMA_HELP("asks the program to end")},
	{"timeout", schema_duration, offsetof(struct plan_service, stop_timeout),
		.type = "a duration", .fallback = "what is left of grace",
		SCHEMA_HELP("waits after the signal; then the program is killed")},
	{0},
};

const struct schema_key config_service_keys[] = {
	{"command", schema_argv, offsetof(struct plan_service, command), .required = true,
		.type = "a list of arguments",
		SCHEMA_HELP("the program, found through PATH where it has no /, and its arguments; "
			    "expanded")},
	{"pass", schema_list, offsetof(struct plan_service, pass), .type = "a list of patterns",
		.fallback = "all", SCHEMA_HELP("the variables it gets; * and ? match")},
	{"stop", read_stop, 0, .keys = stop_keys, .type = "a mapping",
		SCHEMA_HELP("how it is ended")},
	{"cwd", schema_path, offsetof(struct plan_service, cwd), .type = "a path",
		.fallback = "husk's", SCHEMA_HELP("the folder that it starts in; expanded")},
	{"umask", schema_octal, offsetof(struct plan_service, umask),
		offsetof(struct plan_service, umask_given), .type = "octal digits",
		.fallback = "husk's", SCHEMA_HELP("the mode bits that new files do not get")},
	{"nice", read_nice, offsetof(struct plan_service, nice),
		offsetof(struct plan_service, nice_given), .type = "a number from -20 to 19",
		.fallback = "husk's", SCHEMA_HELP("its scheduling priority; 19 is the lowest")},
	{"limits", schema_mapping, 0, .keys = limits_keys, .type = "a mapping",
		SCHEMA_HELP("its resource limits, see setrlimit(2)")},
	{0},
};

static bool is_service_name(struct str name)
{
	if (name.len == 0 || name.len > CONFIG_SERVICE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			continue;
		if (i == 0 || (c != '_' && c != '.' && c != '-'))
			return false;
	}
	return true;
}

static void read_service(struct schema *s, const struct schema_key *key,
	const struct yaml_node *node, struct plan *plan)
{
	struct plan_service *service = &plan->services[0];

	if (!is_service_name(node->key->value)) {
		schema_error(s, node->key,
			"a service's name has 1 to 64 of a-z 0-9 _ . - and begins with a letter or "
			"digit");
		return;
	}
	if (plan->service_count > 0) {
		if (str_eq_cstr(node->key->value, service->name))
			schema_error(s, node->key, "is set twice, first at %s:%u:%u",
				service->place.file, service->place.line, service->place.column);
		else
			schema_error(s, node->key,
				"this version runs one service, and \"%s\" stands at %s:%u:%u: "
				"remove one of them",
				service->name, service->place.file, service->place.line,
				service->place.column);
		return;
	}
	plan->service_count = 1;
	service->name = node->key->value.data;
	service->place = schema_place(node->key);
	if (node->kind == YAML_MAPPING)
		schema_read(s, key->keys, node, service);
	else
		schema_error(s, node, "wants a mapping with `command:`");
}

void config_services_read(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	struct config_state *state = field;

	if (node->kind != YAML_MAPPING) {
		schema_error_type(s, key, node);
		return;
	}
	for (const struct yaml_node *entry = node->first; entry; entry = entry->next) {
		schema_push(s, entry->key->value);
		read_service(s, key, entry, state->plan);
		schema_pop(s);
	}
}
