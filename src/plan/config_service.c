/* The part of the schema that stands below `services`. */
#include <string.h>

#include "base/signal_name.h"
#include "plan/config_parts.h"

/* In the order of the enums. */
static const char *const restart_names[] = {"never", "failure", "always", NULL};
static const char *const overlap_names[] = {"skip", "replace", NULL};
static const char *const log_names[] = {"raw", "prefix", "json", NULL};

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
	service->limits[service->limit_count++] = (struct plan_limit){key->name, key->id, value};
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

static void read_limits(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	struct plan_service *service = field;

	/* A key stands once in a mapping, an unknown one takes no place. */
	service->limits = arena_array(s->arena, node->count, sizeof(*service->limits));
	if (service->limits)
		schema_mapping(s, key, node, field);
	else
		schema_nomem(s);
}

/* ---- when it runs, and how one knows that it does ---- */

/* A mapping, or a text that stands for the first key of it. */
static void read_short(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	const struct schema_key *first = key->keys;

	if (node->kind == YAML_MAPPING)
		schema_read(s, key->keys, node, field);
	else if (node->kind == YAML_SCALAR && !yaml_is_null(node))
		first->read(s, first, node, (char *)field + first->offset);
	else
		schema_error_type(s, key, node);
}

/* A duration that is not 0. */
static void read_time(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	int64_t value = -1;

	schema_duration(s, key, node, &value);
	if (value == 0)
		schema_error(s, node, "wants a duration of more than 0");
	else if (value > 0)
		*(int64_t *)field = value;
}

static void read_count(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	uint64_t value;

	if (!schema_scalar(s, key, node))
		return;
	if (str_to_uint64(node->value, &value) != 0 || value < 1 || value > (uint64_t)key->id)
		schema_error(s, node, "wants %s", key->type);
	else
		*(unsigned *)field = (unsigned)value;
}

static int parse_time(struct str text, int64_t *ns)
{
	return str_to_duration(text, ns) == 0 && *ns > 0 && *ns <= SCHEMA_DURATION_MAX ? 0 : -1;
}

/* The part before `separator`, and `*rest` behind it; all of it where there is none. */
static struct str cut(struct str text, struct str separator, struct str *rest)
{
	const char *at = memmem(text.data, text.len, separator.data, separator.len);
	size_t len = at ? (size_t)(at - text.data) : text.len;

	*rest = at ? str_sub(text, len + separator.len, text.len) : text;
	return str_sub(text, 0, len);
}

static void read_restart_delay(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	struct plan_service *service = field;
	struct str first, last;
	int64_t least, most;

	if (!schema_scalar(s, key, node))
		return;
	first = cut(node->value, STR(".."), &last);
	if (parse_time(first, &least) != 0 || parse_time(last, &most) != 0) {
		schema_error_unknown(s, node, "wants a duration, or two as in 100ms..30s, not",
			node->value, NULL);
	} else if (least > most) {
		schema_error(s, node, "the first duration is longer than the second");
	} else {
		service->restart_delay = least;
		service->restart_delay_max = most;
	}
}

static void read_restart_limit(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	struct plan_service *service = field;
	struct str count, window;
	uint64_t limit;
	int64_t ns;

	if (!schema_scalar(s, key, node))
		return;
	if (str_eq(node->value, STR("none"))) {
		service->restart_limit = 0;
		return;
	}
	count = cut(node->value, STR(" in "), &window);
	if (str_to_uint64(str_trim(count), &limit) != 0 || parse_time(str_trim(window), &ns) != 0)
		schema_error_unknown(s, node,
			"wants restarts within a time as in \"5 in 60s\", or none, not",
			node->value, NULL);
	else if (limit < 1 || limit > PLAN_RESTART_LIMIT_MAX)
		schema_error(s, node, "wants 1 to %d restarts (to have none: restart: never)",
			PLAN_RESTART_LIMIT_MAX);
	else {
		service->restart_limit = (unsigned)limit;
		service->restart_window = ns;
	}
}

static void read_restart(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	((struct plan_service *)field)->restart = PLAN_RESTART_FAILURE;
	read_short(s, key, node, field);
}

/* A probe's target is looked at when it has been expanded; fd:N is no probe. */
static void read_ready_probe(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	uint64_t number;

	schema_path(s, key, node, field);
	if (node->kind != YAML_SCALAR || !str_starts(node->value, STR("fd:")))
		return;
	if (str_to_uint64(str_sub(node->value, 3, node->value.len), &number) != 0 ||
		number > CONFIG_READY_FD_MAX)
		schema_error_unknown(s, node, "wants fd: and a descriptor from 3 to 255, not",
			node->value, NULL);
	else if (number < 3)
		schema_error(s, node,
			"the descriptors 0, 1 and 2 are the standard streams: fd:3 or higher");
}

/* A service that is told by no signal is started anew. */
static void read_reload_signal(
	struct schema *s, const struct schema_key *key, const struct yaml_node *node, void *field)
{
	if (node->kind == YAML_SCALAR && str_eq(node->value, STR("restart")))
		*(int *)field = 0;
	else
		read_signal(s, key, node, field);
}

static const struct schema_key restart_keys[] = {
	{"on", schema_choice, offsetof(struct plan_service, restart), .choices = restart_names,
		.type = "never, failure or always",
		SCHEMA_DEFAULT("failure", "which end: none, one that is no success, or any")},
	{"delay", read_restart_delay, 0, .type = "a duration, or two as in 100ms..30s",
		SCHEMA_DEFAULT("100ms..30s",
			"the least time between two starts; it doubles up to the second")},
	{"limit", read_restart_limit, 0, .type = "restarts within a time, or none",
		SCHEMA_DEFAULT("5 in 60s",
			"when one more would be needed the service has failed, and the "
			"container ends with its status")},
	{0},
};

static const struct schema_key ready_keys[] = {
	{"probe", read_ready_probe, offsetof(struct plan_service, ready), .required = true,
		.type = "a target, notify, notify:PATH or fd:N",
		SCHEMA_HELP("what must answer, as husk probe has it; expanded")},
	{"timeout", read_time, offsetof(struct plan_service, ready_timeout), .type = "a duration",
		SCHEMA_DEFAULT("30s", "a start that is not ready by then has failed")},
	{0},
};

static const struct schema_key health_keys[] = {
	{"probe", schema_path, offsetof(struct plan_service, health), .required = true,
		.type = "a target",
		SCHEMA_HELP("what must answer, as husk probe has it; expanded")},
	{"every", read_time, offsetof(struct plan_service, health_every), .type = "a duration",
		SCHEMA_DEFAULT("10s", "the time from one probe to the next")},
	{"timeout", read_time, offsetof(struct plan_service, health_timeout), .type = "a duration",
		SCHEMA_DEFAULT("2s, at most every", "the time that an answer may take")},
	{"failures", read_count, offsetof(struct plan_service, health_failures),
		.id = CONFIG_HEALTH_FAILURES_MAX, .type = "a number from 1 to 100",
		SCHEMA_DEFAULT(
			"3", "after so many in a row the service is stopped, and has failed")},
	{0},
};

static const struct schema_key reload_keys[] = {
	{"signal", read_reload_signal, offsetof(struct plan_service, reload_signal),
		.type = "a signal or restart",
		SCHEMA_DEFAULT("restart", "what tells it that its files are new")},
	{"watch", schema_bool, offsetof(struct plan_service, reload_watch), .type = "true or false",
		SCHEMA_DEFAULT("false",
			"a change of templates, secrets and files of env_file is a reload")},
	{0},
};

static const struct schema_key stop_keys[] = {
	{"delay", schema_duration, offsetof(struct plan_service, stop_delay), .type = "a duration",
		SCHEMA_DEFAULT("0s", "waits before the signal, while endpoints drain")},
	{"signal", read_signal, offsetof(struct plan_service, stop_signal), .type = "a signal",
		SCHEMA_DEFAULT("TERM", "asks the program to end")},
	{"timeout", schema_duration, offsetof(struct plan_service, stop_timeout),
		.type = "a duration",
		SCHEMA_DEFAULT("what is left of grace",
			"waits after the signal; then the program is killed")},
	{0},
};

const struct schema_key config_service_keys[] = {
	{"command", schema_argv, offsetof(struct plan_service, command), .required = true,
		.type = "a list of arguments",
		SCHEMA_HELP("the program, found through PATH where it has no /, and its arguments; "
			    "expanded")},
	{"pass", schema_list, offsetof(struct plan_service, pass), .type = "a list of patterns",
		SCHEMA_DEFAULT("all", "the variables it gets; * and ? match")},
	{"stop", read_stop, 0, .keys = stop_keys, .type = "a mapping",
		SCHEMA_HELP("how it is ended")},
	{"after", schema_names, offsetof(struct plan_service, after),
		.type = "a name or a list of names",
		SCHEMA_HELP("services that it waits for, until they are ready; a oneshot until it "
			    "has ended well")},
	{"before", schema_names, offsetof(struct plan_service, before),
		.type = "a name or a list of names",
		SCHEMA_HELP("services that wait for it in the same way")},
	{"main", schema_bool, offsetof(struct plan_service, main), .type = "true or false",
		SCHEMA_DEFAULT("false, or true where it is the only one",
			"its end ends the container, with its status")},
	{"oneshot", schema_bool, offsetof(struct plan_service, oneshot), .type = "true or false",
		SCHEMA_DEFAULT("false", "it is run to its end, once")},
	{"every", read_time, offsetof(struct plan_service, every), .type = "a duration",
		SCHEMA_HELP("it is run again and again, so long from one start to the next")},
	{"overlap", schema_choice, offsetof(struct plan_service, overlap), .choices = overlap_names,
		.type = "skip or replace",
		SCHEMA_DEFAULT("skip",
			"where a run of every is due and the last is not over: it is left out, "
			"or the last is stopped first")},
	{"restart", read_restart, 0, offsetof(struct plan_service, restart_given),
		.keys = restart_keys, .type = "never, failure, always or a mapping",
		SCHEMA_DEFAULT("failure, or never where main, oneshot or every is set",
			"whether it is started again; a text is short for {on: text}")},
	{"ready", read_short, 0, .keys = ready_keys, .type = "a target or a mapping",
		SCHEMA_DEFAULT("as soon as it runs",
			"when it is ready; a text is short for {probe: text}")},
	{"health", read_short, 0, .keys = health_keys, .type = "a target or a mapping",
		SCHEMA_HELP("whether it still works; a text is short for {probe: text}")},
	{"reload", read_short, 0, offsetof(struct plan_service, reload_given), .keys = reload_keys,
		.type = "a signal, restart or a mapping",
		SCHEMA_HELP("what a reload does to it, nothing without this key; a text is short "
			    "for {signal: text}")},
	{"log", schema_choice, offsetof(struct plan_service, log), .choices = log_names,
		.type = "raw, prefix or json",
		SCHEMA_DEFAULT("raw",
			"what it writes: as it is, each line with its name before it, or as a "
			"JSON object")},
	{"cwd", schema_path, offsetof(struct plan_service, cwd), .type = "a path",
		SCHEMA_DEFAULT("husk's", "the folder that it starts in; expanded")},
	{"umask", schema_octal, offsetof(struct plan_service, umask),
		offsetof(struct plan_service, umask_given), .type = "octal digits",
		SCHEMA_DEFAULT("husk's", "the mode bits that new files do not get")},
	{"nice", read_nice, offsetof(struct plan_service, nice),
		offsetof(struct plan_service, nice_given), .type = "a number from -20 to 19",
		SCHEMA_DEFAULT("husk's", "its scheduling priority; 19 is the lowest")},
	{"limits", read_limits, 0, .keys = limits_keys, .type = "a mapping",
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
	const struct yaml_node *node, struct config_state *state)
{
	struct plan *plan = state->plan;
	struct plan_service *service;

	if (!is_service_name(node->key->value)) {
		schema_error(s, node->key,
			"a service's name has 1 to 64 of a-z 0-9 _ . - and begins with a letter or "
			"digit");
		return;
	}
	if (node->kind != YAML_MAPPING) {
		schema_error(s, node, "wants a mapping with `command:`");
		return;
	}
	service = &plan->services[plan->service_count++];
	config_service_defaults(service);
	service->name = node->key->value.data;
	service->place = schema_place(node->key);
	schema_read(s, key->keys, node, service);
	config_service_check(s, node, state, service);
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
		if (state->plan->service_count >= state->services_max) {
			schema_error(s, entry->key, "more than %d services", PLAN_SERVICES_MAX);
			return;
		}
		schema_push(s, entry->key->value);
		read_service(s, key, entry, state);
		schema_pop(s);
	}
}
