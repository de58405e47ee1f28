/* start, stop, restart, reload, signal: ask husk, and wait until it is so. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/signal_name.h"
#include "base/sys.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "init/supervise.h"

#define TIMEOUT_DEFAULT INT64_C(60000000000)
/* A service without a `ready` is so once its program has been executed: a moment later it is known
 * whether that was all. */
#define LASTING         INT64_C(100000000)
enum {
	LOOK_FIRST = 1000000, /* ns until the first look; then twice as long each time */
	LOOK_LAST = 100000000,
};

enum { OPTION_ALL = 1, OPTION_TIMEOUT, OPTION_NO_WAIT };
#define ALL \
	{ \
		OPTION_ALL, 0, "all", NULL, "every service" \
	}
#define WAITING \
	{OPTION_TIMEOUT, 0, "timeout", "DURATION", "how long to wait; 60s"}, \
	{ \
		OPTION_NO_WAIT, 0, "no-wait", NULL, "do not wait until it is so" \
	}
const struct opt cmd_start_options[4] = {ALL, WAITING, {0}};
/* The same table by other names. */
#define SAME __attribute__((alias("cmd_start_options")))
extern const struct opt cmd_stop_options[4] SAME;
extern const struct opt cmd_restart_options[4] SAME;
extern const struct opt cmd_reload_options[4] SAME;
const struct opt cmd_signal_options[] = {ALL, {0}};

struct order {
	enum ctl_command command;
	const char *verb;
	int signal;
	char *const *names; /* of services; ends with NULL */
	bool all;
	bool no_wait;
	const char *timeout; /* as given */
	int64_t limit;
	struct client client;
	struct client_status known; /* before anything is done */
	struct client_status given; /* the targets, just after the order was given */
	struct client_status now;
	size_t *targets; /* in `known` */
	size_t count;
};

static int parse_operands(struct order *order, char *const *words, struct err *err)
{
	bool harmless = order->command == CTL_START || order->command == CTL_RELOAD;

	if (order->command == CTL_SIGNAL) {
		if (!*words)
			return err_set(
				err, ERR_USAGE, "signal needs a SIGNAL, and a SERVICE or --all");
		if (signal_parse(str_from(*words++), &order->signal, err) < 0) {
			err->code = ERR_USAGE;
			return -1;
		}
	}
	order->names = words;
	if (order->all && *words)
		return err_set(err, ERR_USAGE, "%s takes services or --all, not both", order->verb);
	if (!order->all && !*words && !harmless)
		return err_set(err, ERR_USAGE, "%s needs a SERVICE, or --all", order->verb);
	order->all = !*words;
	return 0;
}

static int parse(struct order *order, char **argv, struct err *err)
{
	struct opt_parser parser;
	int64_t timeout = TIMEOUT_DEFAULT;
	size_t count = 0;
	int id;

	order->timeout = "60s";
	opt_init(&parser, cmd_find(order->verb)->options, argv + 1);
	/* Operands take the place of words that have been looked at. */
	while ((id = opt_next(&parser, err)) > OPT_END ||
		(id == OPT_END && (argv[count] = opt_operand(&parser)))) {
		if (id == OPT_END)
			count++;
		else if (id == OPTION_ALL)
			order->all = true;
		else if (id == OPTION_NO_WAIT)
			order->no_wait = true;
		else if (str_to_duration(str_from(parser.value), &timeout) < 0)
			return err_set(err, ERR_USAGE,
				"--timeout wants a duration, as 500ms, 60s or 5m, not \"%s\"",
				parser.value);
		else
			order->timeout = parser.value;
	}
	order->limit = sys_now() + timeout;
	return id == OPT_ERROR ? -1 : parse_operands(order, argv, err);
}

/* Every name is known before anything is done. */
static int find_targets(struct order *order, struct err *err)
{
	size_t room = order->known.count + 1;

	for (size_t i = 0; order->names[i]; i++)
		room++;
	order->targets = calloc(room, sizeof(*order->targets));
	if (!order->targets)
		return err_nomem(err);
	for (; order->names[order->count]; order->count++) {
		if (client_find(&order->known, order->names[order->count],
			    &order->targets[order->count], err) < 0)
			return -1;
	}
	for (; order->all && order->count < order->known.count; order->count++)
		order->targets[order->count] = order->count;
	return 0;
}

static int command_one(struct order *order, const char *name, struct err *err)
{
	if (client_command(
		    &order->client, order->command, order->signal, name, &order->given, err) < 0)
		return -1;
	if (order->given.end.result == CTL_RESULT_OK)
		return 0;
	(void)err_set(
		err, ERR_FAILED, "%s", ctl_result_text((enum ctl_result)order->given.end.result));
	return name ? err_wrap(err, "%s", name) : -1;
}

static int command_all(struct order *order, struct err *err)
{
	if (order->all)
		return command_one(order, NULL, err);
	for (size_t i = 0; order->names[i]; i++) {
		if (command_one(order, order->names[i], err) < 0)
			return -1;
	}
	return 0;
}

enum verdict { IT_IS_SO, NOT_YET, NEVER };

/* Is the start that was asked for still to come? */
static bool is_before_start(const struct ctl_service *service)
{
	return service->state == SERVICE_WAITING || service->state == SERVICE_DELAY ||
	       service->state == SERVICE_STOPPING || service->state == SERVICE_KILLING;
}

static enum verdict judge_start(const struct ctl_service *given, const struct ctl_service *now)
{
	uint32_t starts = now->starts - given->starts;
	uint32_t expected = is_before_start(given);

	if (now->flags & (CTL_READY | CTL_DECLARED) && starts == expected)
		return now->pid == 0 || now->uptime >= LASTING ? IT_IS_SO : NOT_YET;
	/* husk may try again, as its `restart` says: what was asked for has failed. */
	if (starts > expected || (starts == expected && now->pid == 0) || now->flags & CTL_RESTING)
		return NEVER;
	return NOT_YET;
}

static enum verdict judge(
	const struct order *order, const struct ctl_service *given, const struct ctl_service *now)
{
	/* "All" is what runs; the rest was left alone. */
	if (order->command == CTL_RESTART && order->all && given->flags & CTL_RESTING)
		return IT_IS_SO;
	if (order->command != CTL_STOP)
		return judge_start(given, now);
	if (now->pid == 0 && now->flags & CTL_RESTING)
		return IT_IS_SO;
	/* Somebody else has had it started since. */
	return now->starts != given->starts ? NEVER : NOT_YET;
}

/* Says which, and why. */
static void report(const struct ctl_service *service, const char *what)
{
	log_error("%s: %s%s%s%s", service->name,
		supervise_state_name((enum supervise_state)service->state),
		*service->reason ? ": " : "", service->reason, what);
}

/* One service is asked for alone: husk may have thousands. */
static int look(struct order *order, struct err *err)
{
	const char *name = order->all || order->count != 1 ? NULL : order->names[0];

	return client_status(&order->client, name, &order->now, err);
}

/* What is so for all of them; `say`: those for which it is not. */
static enum verdict judge_all(const struct order *order, const char *say)
{
	bool whole = order->now.count == order->known.count;
	enum verdict verdict = IT_IS_SO;

	if (order->command == CTL_RELOAD && order->now.end.reloading)
		return NOT_YET;
	if (order->command == CTL_RELOAD)
		return order->now.end.refusal[0] == '\0' ? IT_IS_SO : NEVER;
	for (size_t i = 0; i < order->count && i < order->given.count; i++) {
		size_t target = order->targets[i];
		const struct ctl_service *now = &order->now.services[whole ? target : 0];
		enum verdict one = judge(order, &order->given.services[i], now);

		if (say && one != IT_IS_SO)
			report(now, one == NOT_YET ? say : "");
		if (one == NOT_YET || verdict == IT_IS_SO)
			verdict = one;
	}
	return verdict;
}

static int await(struct order *order, struct err *err)
{
	enum verdict verdict;
	int64_t pause = LOOK_FIRST;

	for (;;) {
		if (look(order, err) < 0)
			return (int)cmd_fail(err);
		verdict = judge_all(order, NULL);
		if (verdict != NOT_YET || sys_now() >= order->limit)
			break;
		sys_sleep(pause);
		pause = pause * 2 > LOOK_LAST ? LOOK_LAST : pause * 2;
	}
	if (order->command == CTL_RELOAD && verdict == NEVER)
		log_error("reload refused: %s", order->now.end.refusal);
	if (verdict != IT_IS_SO)
		(void)judge_all(order, " (still so when the time-out was over)");
	if (verdict == NOT_YET)
		log_error("%s: not done after %s", order->verb, order->timeout);
	return verdict == IT_IS_SO ? 0 : verdict == NOT_YET ? ERR_TIMED_OUT : ERR_FAILED;
}

static int carry_out(struct order *order, struct err *err)
{
	if (client_connect(&order->client, err) < 0 ||
		client_status(&order->client, NULL, &order->known, err) < 0 ||
		find_targets(order, err) < 0 || command_all(order, err) < 0)
		return cmd_fail(err);
	return order->no_wait ? 0 : await(order, err);
}

static int give(char **argv, enum ctl_command command)
{
	struct order order = {.command = command,
		.verb = argv[0],
		.no_wait = command == CTL_SIGNAL,
		.client = {.fd = -1}};
	struct err err;
	int status;

	if (parse(&order, argv, &err) < 0)
		return cmd_fail(&err);
	status = carry_out(&order, &err);
	client_close(&order.client);
	client_status_fini(&order.known);
	client_status_fini(&order.given);
	client_status_fini(&order.now);
	free(order.targets);
	return status;
}

#define COMMAND(name, command) \
	int cmd_##name(int argc, char **argv) \
	{ \
		(void)argc; \
		return give(argv, (command)); \
	}
COMMAND(start, CTL_START)
COMMAND(stop, CTL_STOP)
COMMAND(restart, CTL_RESTART)
COMMAND(reload, CTL_RELOAD)
COMMAND(signal, CTL_SIGNAL)
