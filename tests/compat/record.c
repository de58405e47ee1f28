#include "compat/record.h"

#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static const char *const names[] = {
	"catatonit", "docker-init", "dumb-init", "podman-init", "tini", "tini-static"};
static char folder[256];

static const char *link_path(char path[320], const char *name)
{
	(void)snprintf(path, 320, "%s/%s", folder, name);
	return path;
}

int record_set_up(void **state)
{
	char path[320];

	(void)state;
	(void)unit_path(folder, sizeof(folder), "husk-compat-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	for (size_t i = 0; i < COUNT(names); i++) {
		if (symlink(pid1_husk(), link_path(path, names[i])) < 0)
			return -1;
	}
	return 0;
}

int record_tear_down(void **state)
{
	char path[320];

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		(void)unlink(link_path(path, names[i]));
	return rmdir(folder);
}

void record_add(struct record *record, const char *format, ...)
{
	size_t room = sizeof(record->text) - record->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(record->text + record->len, room, format, args);
	va_end(args);
	assert_true(len >= 0 && (size_t)len < room);
	record->len += (size_t)len;
}

void record_line(struct record *record)
{
	size_t room = sizeof(record->said) - record->said_len;
	const char *line;

	/* tini's own lines, some of which it keeps for its end. */
	while ((line = pid1_line(record->pid1)) && line[0] == '[') {
		int len = snprintf(record->said + record->said_len, room, "%s\n", line);

		assert_true(len > 0 && (size_t)len < room);
		record->said_len += (size_t)len;
		room -= (size_t)len;
	}
	record_add(record, "%s\n", line ? line : "(end)");
}

/* Cuts `line` before `text`, if it is there, and puts `instead` there. */
static void cut(char *line, const char *text, const char *instead)
{
	char *found = strstr(line, text);

	if (found)
		memcpy(found, instead, strlen(instead) + 1);
}

/* The number behind `text` is chance. */
static void hide_number(char *line, const char *text)
{
	char *found = strstr(line, text), *end;

	if (!found)
		return;
	found += strlen(text);
	end = found + strspn(found, "0123456789");
	if (end == found)
		return;
	*found++ = 'N';
	memmove(found, end, strlen(end) + 1);
}

static void hide_path(char *line, const char *program)
{
	const char *slash = strrchr(program, '/');
	char *found;

	while (slash && (found = strstr(line, program))) {
		const char *end = found + strlen(program);
		size_t len = strlen(slash + 1);

		memcpy(found, slash + 1, len);
		memmove(found + len, end, strlen(end) + 1);
	}
}

/* False: the line is not compared. */
static bool normalise(char *line, const char *program)
{
	static const char *const before_numbers[] = {"tini (", "catatonit:", "PID ", "pid '",
		"pid: '", "pid=", "pid1 (", "child process ", "parent "};

	/* What husk adds, and lines that depend on how often the original looks. */
	if (strncmp(line, "husk: ", 6) == 0 || strstr(line, "No child to ") ||
		strstr(line, "got ECHILD: ") || strstr(line, "tcsetpgrp failed: no tty") ||
		strstr(line, "Unable to attach to controlling tty") ||
		strstr(line, "using stdin as tty fd") ||
		strstr(line, "setting foreground process failed: no tty present"))
		return false;
	hide_path(line, program);
	for (size_t i = 0; i < COUNT(before_numbers); i++)
		hide_number(line, before_numbers[i]);
	cut(line, " - husk ", "");
	/* Errors are named by the C library. */
	cut(line, "(errno=25", "(errno=25)");
	return true;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Help is each program's own text. */
static bool begins_help(const char *line)
{
	return strstr(line, " (tini version ") || strcmp(line, "options:") == 0 ||
	       strncmp(line, "  -g   ", 7) == 0;
}

static bool is_sigchld(const char *line)
{
	return strstr(line, "Received SIGCHLD") || strstr(line, "Received signal 17.");
}

static void add_sorted(struct record *record, char *text, const char *program)
{
	char *lines[512], *next = NULL;
	size_t count = 0;

	for (char *line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		assert_true(count < COUNT(lines));
		if (begins_help(line)) {
			record_add(record, "(help)\n");
			break;
		}
		if (normalise(line, program))
			lines[count++] = line;
	}
	qsort(lines, count, sizeof(lines[0]), compare_lines);
	for (size_t i = 0; i < count; i++) {
		/* How many ends of children one SIGCHLD stands for is chance. */
		if (i == 0 || strcmp(lines[i], lines[i - 1]) != 0 || !is_sigchld(lines[i]))
			record_add(record, "%s\n", lines[i]);
	}
}

/* The rest of standard output, standard error, and the status. */
static void finish(struct record *record, const char *program)
{
	static char out[PID1_TEXT_MAX];
	size_t len = 0;
	const char *line;
	int status;

	if (record->pid1->terminal >= 0) {
		/* Open on this side it would not be at its end. */
		pid1_await_state(record->pid1->pid, "Z");
		close(record->pid1->slave);
		record->pid1->slave = -1;
	}
	memcpy(out, record->said, record->said_len);
	len = record->said_len;
	while ((line = pid1_line(record->pid1)))
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s\n", line);
	out[len] = '\0';
	status = pid1_end(record->pid1);
	/* Orphans that were not the init's; they are at their end, since nobody has standard
	 * output. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	record_add(record, "-- output\n");
	add_sorted(record, out, program);
	record_add(record, "-- errors\n");
	add_sorted(record, record->pid1->errors, program);
	record_add(record, "-- status %d\n", status);
}

/* When an echo comes, before or after the program's answer, is chance. */
static void stop_echo(int terminal)
{
	struct termios settings;

	assert_int_equal(tcgetattr(terminal, &settings), 0);
	settings.c_lflag &= ~(tcflag_t)ECHO;
	assert_int_equal(tcsetattr(terminal, TCSANOW, &settings), 0);
}

/* `words` are behind the init's name. */
static void start(struct pid1 *pid1, const char *program, const char *words,
	const struct pid1_options *options)
{
	const char *argv[RECORD_WORDS_MAX + 1] = {NULL};
	char text[512], *next = NULL, *was = strdup(pid1_husk());
	size_t count = 0;

	assert_non_null(was);
	(void)snprintf(text, sizeof(text), "%s", words);
	for (char *word = strtok_r(text, " ", &next); word; word = strtok_r(NULL, " ", &next)) {
		assert_true(count < RECORD_WORDS_MAX);
		argv[count++] = strcmp(word, "%") == 0    ? pid1_child()
				: strcmp(word, "''") == 0 ? ""
							  : word;
	}
	(void)setenv("HUSK", program, 1);
	pid1_start(pid1, options, argv);
	if (pid1->terminal >= 0)
		stop_echo(pid1->terminal);
	(void)setenv("HUSK", was, 1);
	free(was);
}

static void run(struct record *record, const char *program, const struct record_case *record_case)
{
	struct pid1_options options = record_case->options;
	const char *environment[] = {"PATH=/usr/bin:/bin", record_case->environment, NULL};

	options.environment = environment;
	start(record->pid1, program, record_case->words, &options);
	if (record_case->play)
		record_case->play(record);
	finish(record, program);
}

/* docker-init and podman-init are others' under a name of their own. The path is that of the
 * original or of husk. */
static bool find(const char *name, bool original, char path[320])
{
	if (!original)
		return link_path(path, name);
	if (strcmp(name, "docker-init") == 0)
		name = "tini";
	if (strcmp(name, "podman-init") == 0)
		name = "catatonit";
	(void)snprintf(path, 320, "/usr/bin/%s", name);
	return access(path, X_OK) == 0;
}

void record_start(struct pid1 *pid1, const char *name, bool original, const char *words,
	const struct pid1_options *options)
{
	char path[320];

	if (!find(name, original, path))
		skip();
	start(pid1, path, words, options);
}

void record_type(struct record *record, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(write(record->pid1->terminal, text, len), len);
}

pid_t record_child(const struct record *record)
{
	return pid1_await_child(record->pid1->pid);
}

bool record_is_same(struct pid1 *pid1, const char *name, const struct record_case *record_case)
{
	static struct record wanted, got;
	char path[320];

	if (!find(name, true, path))
		skip();
	wanted = (struct record){.pid1 = pid1};
	got = wanted;
	run(&wanted, path, record_case);
	(void)find(name, false, path);
	run(&got, path, record_case);
	if (strcmp(got.text, wanted.text) == 0)
		return true;
	/* cmocka's own would cut it. */
	(void)fprintf(stderr, "%s %s%s%s\n-- the original:\n%s-- husk:\n%s", name,
		record_case->words, record_case->environment ? " with " : "",
		record_case->environment ? record_case->environment : "", wanted.text, got.text);
	return false;
}
