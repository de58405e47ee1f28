#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "base/log.h"
#include "base/signal_name.h"
#include "base/sys.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/metrics.h"
#include "init/supervise.h"

enum {
	OUTPUT_MAX = 64 << 20,
	COLUMNS = 5, /* in front of the last, which is not filled up */
};
#define SECOND     INT64_C(1000000000)
#define WATCH_TIME SECOND

enum { OPTION_JSON = 1, OPTION_METRICS, OPTION_WATCH };
const struct opt cmd_status_options[] = {
	{OPTION_JSON, 0, "json", NULL, "as JSON, in one line"},
	{OPTION_METRICS, 0, "metrics", NULL, "as OpenMetrics text"},
	{OPTION_WATCH, 0, "watch", NULL, "again and again, each second"},
	{0},
};

struct request {
	char *const *names; /* of services; ends with NULL */
	bool json;
	bool metrics;
	bool watch;
	bool terminal;
	bool colour;
};

static int parse(char **argv, struct request *request, struct err *err)
{
	const char *no_colour = getenv("NO_COLOR");
	struct opt_parser parser;
	size_t count = 0;
	int id;

	opt_init(&parser, cmd_status_options, argv + 1);
	/* Operands take the place of words that have been looked at. */
	while ((id = opt_next(&parser, err)) > OPT_END ||
		(id == OPT_END && (argv[count] = opt_operand(&parser)))) {
		count += id == OPT_END;
		request->json |= id == OPTION_JSON;
		request->metrics |= id == OPTION_METRICS;
		request->watch |= id == OPTION_WATCH;
	}
	if (id == OPT_ERROR)
		return -1;
	if (request->json && request->metrics)
		return err_set(err, ERR_USAGE, "status is told as --json or --metrics, not both");
	request->names = argv;
	request->terminal = sys_is_terminal(1);
	request->colour = request->terminal && (!no_colour || !*no_colour);
	return 0;
}

/* Two units at most: "3d4h", "12m5s", "0s". */
static void append_time(int64_t ns, struct buf *out)
{
	static const struct {
		int64_t seconds;
		char name;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	int64_t seconds = ns / SECOND;
	size_t i = 0;

	while (i < 3 && seconds < units[i].seconds)
		i++;
	buf_appendf(out, "%" PRId64 "%c", seconds / units[i].seconds, units[i].name);
	seconds %= units[i].seconds;
	if (i < 3 && seconds >= units[i + 1].seconds)
		buf_appendf(
			out, "%" PRId64 "%c", seconds / units[i + 1].seconds, units[i + 1].name);
}

/* ---- for people ---- */

static void append_cell(const struct ctl_service *service, unsigned column, struct buf *out)
{
	switch (column) {
	case 0:
		buf_append_cstr(out, service->name);
		break;
	case 1:
		buf_append_cstr(out, supervise_state_name((enum supervise_state)service->state));
		break;
	case 2:
		if (service->pid != 0)
			buf_appendf(out, "%d", (int)service->pid);
		else
			buf_append_char(out, '-');
		break;
	case 3:
		append_time(service->since, out);
		break;
	default:
		buf_appendf(out, "%u", (unsigned)service->restarts);
		break;
	}
}

/* Why, what comes next, and what it says of itself. */
static void append_detail(const struct ctl_service *service, struct buf *out)
{
	size_t start = out->len;

	client_append_printable(service->reason, out);
	if (service->due >= 0 &&
		(service->state == SERVICE_BACKOFF || service->state == SERVICE_IDLE)) {
		buf_appendf(out, "%s%s in ", out->len > start ? "; " : "",
			service->state == SERVICE_IDLE ? "next run" : "started again");
		append_time(service->due, out);
	}
	if (service->status[0] != '\0') {
		if (out->len > start)
			buf_append_cstr(out, "; ");
		client_append_printable(service->status, out);
	}
}

/* Green: as declared; yellow: on its way; red: neither. */
static int colour_of(const struct ctl_service *service)
{
	if (service->flags & CTL_DECLARED)
		return 32;
	return service->pid != 0 || service->state == SERVICE_WAITING ? 33 : 31;
}

static void fill(size_t from, size_t width, struct buf *out)
{
	while (!out->failed && out->len - from < width + 2)
		buf_append_char(out, ' ');
}

static void append_row(const struct request *request, const struct ctl_service *service,
	const size_t *widths, struct buf *out)
{
	for (unsigned column = 0; column < COLUMNS; column++) {
		bool coloured = request->colour && column == 1;
		size_t start;

		if (coloured)
			buf_appendf(out, "\033[%dm", colour_of(service));
		start = out->len;
		append_cell(service, column, out);
		fill(start, widths[column], out);
		if (coloured)
			buf_append_cstr(out, "\033[0m");
	}
	append_detail(service, out);
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->len--;
	buf_append_char(out, '\n');
}

static void append_table(
	const struct request *request, const struct client_status *status, struct buf *out)
{
	static const char *const titles[COLUMNS] = {"NAME", "STATE", "PID", "SINCE", "RESTARTS"};
	size_t widths[COLUMNS];

	for (unsigned column = 0; column < COLUMNS; column++) {
		size_t start = out->len;

		widths[column] = strlen(titles[column]);
		for (size_t i = 0; i < status->count; i++) {
			append_cell(&status->services[i], column, out);
			if (out->len - start > widths[column])
				widths[column] = out->len - start;
			out->len = start;
		}
	}
	for (unsigned column = 0; column < COLUMNS; column++) {
		size_t start = out->len;

		buf_append_cstr(out, titles[column]);
		fill(start, widths[column], out);
	}
	buf_append_cstr(out, "DETAIL\n");
	for (size_t i = 0; i < status->count; i++)
		append_row(request, &status->services[i], widths, out);
}

static void append_text(
	const struct request *request, const struct client_status *status, struct buf *out)
{
	const struct ctl_end *end = &status->end;

	append_table(request, status, out);
	if (end->phase != PHASE_UP)
		buf_appendf(out, "the container is being stopped (%s)\n",
			supervise_phase_name((enum supervise_phase)end->phase));
	if (end->reloading)
		buf_append_cstr(out, "a reload is under way\n");
	if (end->refusal[0] != '\0') {
		buf_append_cstr(out, "the last reload, ");
		append_time(end->reloaded, out);
		buf_append_cstr(out, " ago, was refused: ");
		client_append_printable(end->refusal, out);
		buf_append_char(out, '\n');
	}
}

/* ---- for programs ---- */

enum { NUMBER_MAX = 24 };

static const char *seconds(int64_t ns, char out[NUMBER_MAX])
{
	if (ns < 0)
		return "null";
	(void)format_text(
		out, NUMBER_MAX, "%" PRId64 ".%03d", ns / SECOND, (int)(ns % SECOND / 1000000));
	return out;
}

static const char *boolean(unsigned value)
{
	return value ? "true" : "false";
}

static void append_json_end(const struct ctl_service *service, struct buf *out)
{
	static const char *const causes[] = {
		[CTL_EXITED] = "exited",
		[CTL_SIGNALLED] = "signalled",
		[CTL_NOT_STARTED] = "not started",
		[CTL_NOT_RUN] = "not run",
		[CTL_GIVEN_UP] = "given up",
	};
	char name[SIGNAL_NAME_MAX], ago[NUMBER_MAX];

	if (service->cause == CTL_NOT_ENDED) {
		buf_append_cstr(out, "null,");
		return;
	}
	buf_appendf(out, "{\"cause\":\"%s\",\"ago\":%s,\"out_of_memory\":%s",
		causes[service->cause], seconds(service->ended, ago),
		boolean(service->flags & CTL_OOM));
	if (service->cause == CTL_EXITED)
		buf_appendf(out, ",\"status\":%d", (int)service->number);
	if (service->cause == CTL_SIGNALLED)
		buf_appendf(out, ",\"signal\":\"%s\"", signal_name(service->number, name));
	buf_append_cstr(out, "},");
}

/* Names of services and states have no letter that JSON would mind. */
static void append_json_service(const struct ctl_service *service, struct buf *out)
{
	char since[NUMBER_MAX], uptime[NUMBER_MAX], due[NUMBER_MAX], pid[NUMBER_MAX] = "null";

	if (service->pid != 0)
		(void)format_text(pid, sizeof(pid), "%d", (int)service->pid);
	buf_appendf(out,
		"{\"name\":\"%s\",\"state\":\"%s\",\"ready\":%s,\"as_declared\":%s,\"pid\":%s,"
		"\"since\":%s,\"uptime\":%s,\"due\":%s,"
		"\"starts\":%u,\"restarts\":%u,\"health_failures\":%u,\"last_end\":",
		service->name, supervise_state_name((enum supervise_state)service->state),
		boolean(service->flags & CTL_READY), boolean(service->flags & CTL_DECLARED), pid,
		seconds(service->since, since), seconds(service->uptime, uptime),
		seconds(service->due, due), (unsigned)service->starts, (unsigned)service->restarts,
		(unsigned)service->sick);
	append_json_end(service, out);
	json_field("status", str_from(service->status), out);
	buf_append_char(out, ',');
	json_field("reason", str_from(service->reason), out);
	buf_append_char(out, '}');
}

/* One line, so that --watch makes JSON lines. */
static void append_json(const struct client_status *status, struct buf *out)
{
	const struct ctl_end *end = &status->end;
	char uptime[NUMBER_MAX], reloaded[NUMBER_MAX];

	buf_appendf(out,
		"{\"phase\":\"%s\",\"uptime\":%s,\"reloads\":%u,\"reload_failures\":%u,"
		"\"reloading\":%s,\"last_reload\":%s,",
		supervise_phase_name((enum supervise_phase)end->phase),
		seconds(end->uptime, uptime), (unsigned)end->reloads, (unsigned)end->refusals,
		boolean(end->reloading), seconds(end->reloaded, reloaded));
	json_field("last_reload_refusal", str_from(end->refusal), out);
	buf_append_cstr(out, ",\"services\":[");
	for (size_t i = 0; i < status->count; i++) {
		if (i > 0)
			buf_append_char(out, ',');
		append_json_service(&status->services[i], out);
	}
	buf_append_cstr(out, "]}\n");
}

/* ---- the command ---- */

/* Those that were asked for, in that order. */
static int select_services(
	const struct request *request, struct client_status *status, struct err *err)
{
	struct client_status chosen = {.end = status->end};
	size_t index;

	if (!*request->names)
		return 0;
	while (request->names[chosen.room])
		chosen.room++;
	chosen.services = calloc(chosen.room, sizeof(*chosen.services));
	if (!chosen.services)
		return err_nomem(err);
	for (; chosen.count < chosen.room; chosen.count++) {
		if (client_find(status, request->names[chosen.count], &index, err) < 0) {
			client_status_fini(&chosen);
			return -1;
		}
		chosen.services[chosen.count] = status->services[index];
	}
	client_status_fini(status);
	*status = chosen;
	return 0;
}

static bool is_well(const struct client_status *status)
{
	for (size_t i = 0; i < status->count; i++) {
		if (!(status->services[i].flags & CTL_DECLARED))
			return false;
	}
	return status->end.phase == PHASE_UP;
}

static int show(const struct request *request, const struct client_status *status)
{
	struct buf text;
	int printed;

	buf_init(&text, OUTPUT_MAX);
	if (request->watch && request->terminal)
		buf_append_cstr(&text, "\033[H\033[J");
	if (request->json)
		append_json(status, &text);
	else if (request->metrics)
		metrics_append(status, "/proc", &text);
	else
		append_text(request, status, &text);
	printed = cmd_print(&text);
	buf_fini(&text);
	if (printed != 0)
		return printed;
	/* What collects metrics takes any other status for a failure to do so. */
	return request->metrics || is_well(status) ? 0 : ERR_FAILED;
}

int cmd_status(int argc, char **argv)
{
	struct request request = {0};
	struct client client = {.fd = -1};
	struct client_status status = {0};
	struct err err;
	int result;

	(void)argc;
	if (parse(argv, &request, &err) < 0 || client_connect(&client, &err) < 0)
		return cmd_fail(&err);
	for (;;) {
		if (client_status(&client, NULL, &status, &err) < 0 ||
			select_services(&request, &status, &err) < 0) {
			result = cmd_fail(&err);
			break;
		}
		result = show(&request, &status);
		if (!request.watch || result > ERR_FAILED)
			break;
		sys_sleep(WATCH_TIME);
	}
	client_close(&client);
	client_status_fini(&status);
	return result;
}
