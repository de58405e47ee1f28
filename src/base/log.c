#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/sys.h"

enum {
	/* A pipe takes a write of PIPE_BUF bytes whole or not at all, so that lines of several
	 * processes never mix. */
	LINE_MAX_BYTES = PIPE_BUF,
	MESSAGE_MAX = 2048,
	TERMINATION_MAX = 4096,
};

static struct {
	const char *name;
	enum log_level level;
	bool json;
	unsigned lost;
} state = {.name = "husk", .level = LOG_LEVEL_WARN};

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
	NULL,
};

void log_init(const char *name)
{
	state.name = name;
	state.level = LOG_LEVEL_WARN;
	state.json = false;
	state.lost = 0;
}

void log_set_level(enum log_level level)
{
	state.level = level;
}

enum log_level log_get_level(void)
{
	return state.level;
}

static int refuse(
	struct err *err, const char *variable, const char *value, const char *const *known)
{
	(void)err_set(err, ERR_CONFIG, "%s: unknown value \"%s\"", variable, value);
	return err_suggest(err, str_from(value), known);
}

static int configure_level(const char *level, struct err *err)
{
	for (size_t i = 0; level_names[i] != NULL; i++) {
		if (strcmp(level, level_names[i]) == 0) {
			state.level = (enum log_level)i;
			return 0;
		}
	}
	return refuse(err, "HUSK_LOG", level, level_names);
}

static int configure_format(const char *format, struct err *err)
{
	static const char *const formats[] = {"text", "json", NULL};

	for (size_t i = 0; formats[i] != NULL; i++) {
		if (strcmp(format, formats[i]) == 0) {
			state.json = i == 1;
			return 0;
		}
	}
	return refuse(err, "HUSK_LOG_FORMAT", format, formats);
}

/* Set but empty is as good as not set: that is how containers' variables are switched off. */
int log_configure(const char *level, const char *format, struct err *err)
{
	if (format != NULL && *format != '\0' && configure_format(format, err) != 0)
		return -1;
	if (level != NULL && *level != '\0' && configure_level(level, err) != 0)
		return -1;
	return 0;
}

struct line {
	char data[LINE_MAX_BYTES];
	size_t len;
	bool cut;
};

/* What must always find room after a message that was cut: its mark, and what closes it. */
enum { LINE_RESERVE = 256 };

static void put(struct line *line, const char *data, size_t len, size_t reserve)
{
	if (line->cut || line->len + len + reserve > sizeof(line->data)) {
		line->cut = true;
		return;
	}
	memcpy(line->data + line->len, data, len);
	line->len += len;
}

static void put_raw(struct line *line, const char *s)
{
	put(line, s, strlen(s), LINE_RESERVE);
}

static void put_escaped(struct line *line, const char *s)
{
	struct str rest = str_from(s);
	char escape[8];

	while (rest.len != 0) {
		size_t len = str_printable(rest);

		if (len != 0) {
			put(line, rest.data, len, LINE_RESERVE);
		} else {
			len = 1;
			if (rest.data[0] == '\n')
				(void)strcpy(escape, "\\n");
			else
				(void)format_text(escape, sizeof(escape), "\\x%02X",
					(unsigned)(unsigned char)rest.data[0]);
			put_raw(line, escape);
		}
		rest = str_sub(rest, len, rest.len);
	}
}

static void put_json_string(struct line *line, const char *s)
{
	struct str rest = str_from(s);
	char text[STR_JSON_MAX];

	put_raw(line, "\"");
	while (rest.len != 0) {
		size_t taken;
		size_t len = str_json(rest, text, &taken);

		put(line, text, len, LINE_RESERVE);
		rest = str_sub(rest, taken, rest.len);
	}
	if (line->cut) {
		line->cut = false;
		put(line, "...", 3, LINE_RESERVE - 16);
	}
	put(line, "\"", 1, LINE_RESERVE - 32);
}

static void put_json_number(struct line *line, const char *key, int64_t number)
{
	char text[64];
	int len = format_text(text, sizeof(text), ",\"%s\":%lld", key, (long long)number);

	put(line, text, (size_t)len, 16);
}

/* Years are counted from March, so that a leap day is a year's last day, and in cycles of 400
 * years, which are equally long. The time is after 1970. */
static void split_days(int64_t days, int *year, int *month, int *day)
{
	int64_t from_march = days + 719468; /* since 0000-03-01 */
	int64_t cycle = from_march / 146097;
	int64_t in_cycle = from_march % 146097;
	int64_t years = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
	int64_t in_year = in_cycle - (365 * years + years / 4 - years / 100);
	int64_t months = (5 * in_year + 2) / 153;

	*day = (int)(in_year - (153 * months + 2) / 5) + 1;
	*month = (int)(months < 10 ? months + 3 : months - 9);
	*year = (int)(cycle * 400 + years) + (*month <= 2);
}

/* gmtime_r(3) would bring time zones along. */
size_t log_time(char out[LOG_TIME_MAX])
{
	int64_t ms = sys_wall_clock() / 1000000;
	int year, month, day;

	if (ms < 0)
		ms = 0;
	split_days(ms / 86400000, &year, &month, &day);
	return (size_t)format_text(out, LOG_TIME_MAX,
		"\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\",", year, month, day,
		(int)(ms / 3600000 % 24), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60),
		(int)(ms % 1000));
}

static void build_json(
	struct line *line, enum log_level level, const char *message, const struct err *err)
{
	char time[LOG_TIME_MAX];

	put_raw(line, "{");
	put(line, time, log_time(time), LINE_RESERVE);
	put_raw(line, "\"level\":\"");
	put_raw(line, level_names[level]);
	put_raw(line, "\",\"name\":");
	put_json_string(line, state.name);
	if (err != NULL && err->file[0] != '\0') {
		put_raw(line, ",\"file\":");
		put_json_string(line, err->file);
		if (err->line != 0)
			put_json_number(line, "line", err->line);
		if (err->column != 0)
			put_json_number(line, "column", err->column);
	}
	if (err != NULL && err->errnum != 0)
		put_json_number(line, "errno", err->errnum);
	put_raw(line, ",\"message\":");
	put_json_string(line, message);
	put(line, "}\n", 2, 0);
}

static void build_text(
	struct line *line, enum log_level level, const char *message, const struct err *err)
{
	put_raw(line, state.name);
	put_raw(line, ": ");
	if (level == LOG_LEVEL_WARN)
		put_raw(line, "warning: ");
	else if (level == LOG_LEVEL_DEBUG)
		put_raw(line, "debug: ");
	if (err != NULL) {
		size_t room = sizeof(line->data) - LINE_RESERVE - line->len;

		line->len += err_format(err, line->data + line->len, room);
	} else {
		put_escaped(line, message);
	}
	if (line->cut) {
		line->cut = false;
		put(line, "...", 3, 8);
	}
	put(line, "\n", 1, 0);
}

static int write_event(enum log_level level, const char *message, const struct err *err)
{
	struct line line;

	line.len = 0;
	line.cut = false;
	if (state.json)
		build_json(&line, level, message, err);
	else
		build_text(&line, level, message, err);
	return fd_write_nowait(2, line.data, line.len) > 0 ? 0 : -1;
}

static void emit(enum log_level level, const char *message, const struct err *err)
{
	int saved = errno;

	if (state.lost != 0) {
		char notice[64];

		(void)format_text(notice, sizeof(notice), "%u message%s lost: nobody read them",
			state.lost, state.lost == 1 ? "" : "s");
		if (write_event(LOG_LEVEL_WARN, notice, NULL) == 0)
			state.lost = 0;
	}
	if (write_event(level, message, err) != 0 && state.lost != UINT_MAX)
		state.lost++;
	errno = saved;
}

static void emit_format(enum log_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
static void emit_format(enum log_level level, const char *format, va_list args)
{
	char message[MESSAGE_MAX];
	int saved = errno;

	if (level > state.level)
		return;
	if (format_list(message, sizeof(message), format, args) < 0)
		message[0] = '\0';
	errno = saved;
	emit(level, message, NULL);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	emit_format(LOG_LEVEL_ERROR, format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	emit_format(LOG_LEVEL_WARN, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	emit_format(LOG_LEVEL_INFO, format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	emit_format(LOG_LEVEL_DEBUG, format, args);
	va_end(args);
}

void log_warn_errno(const char *format, ...)
{
	char message[MESSAGE_MAX];
	int saved = errno;
	va_list args;

	va_start(args, format);
	if (format_list(message, sizeof(message), format, args) < 0)
		message[0] = '\0';
	va_end(args);
	log_warn("%s: %s", message, strerror(saved));
	errno = saved;
}

void log_err(const struct err *err)
{
	emit(LOG_LEVEL_ERROR, err->message, err);
}

void log_termination_to(const char *path, const char *message)
{
	int flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	int saved = errno;
	int fd = sys_open(path, flags, 0);
	struct stat st;

	if (fd != -1 && sys_fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		struct str text = str_sub(str_from(message), 0, TERMINATION_MAX);

		(void)sys_write(fd, text.data, text.len);
	}
	fd_close(&fd);
	errno = saved;
}

void log_termination(const char *message)
{
	log_termination_to("/dev/termination-log", message);
}
