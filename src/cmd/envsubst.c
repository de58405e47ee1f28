/*
 * envsubst: GNU gettext's, by its name: the same options, output, messages and exit status. None of
 * the template language is in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/out.h"
#include "base/str.h"
#include "base/sys.h"
#include "cmd/cmd.h"

enum {
	READ_SIZE = 256 << 10,
	NAME_MAX_KEPT = 1 << 30, /* a name's length: it is held in memory whole */
};

static const struct opt envsubst_options[] = {
	{'v', 'v', "variables", NULL, "print the names in SHELL-FORMAT, one a line"},
	{'h', 'h', "help", NULL, "print this help and exit"},
	{'V', 'V', "version", NULL, "print the version and exit"},
	{0, 0, NULL, NULL, NULL},
};

struct command {
	const char *program; /* as it was called: messages begin with it */
	bool help;
	bool version;
	bool variables;
	const char *format; /* NULL: not given */
	unsigned operands;
};

struct variable {
	struct str name; /* len 0: free */
	struct str value;
	bool set;
	bool selected;
};

/* Names of the environment and of SHELL-FORMAT; open addressing. */
struct variables {
	struct variable *slots;
	size_t mask;
	bool all; /* no SHELL-FORMAT: each name is selected */
};

/* $NAME or ${NAME} at a `$`. */
enum reference_kind { REFERENCE_NONE, REFERENCE_NAME, REFERENCE_CUT };
struct reference {
	enum reference_kind kind;
	struct str name;
	size_t end; /* where to read on */
};

static int complain(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int complain(const struct command *command, const char *format, ...)
{
	char line[1024];
	va_list args;
	int head = format_text(line, sizeof(line) / 2, "%s: ", command->program);
	size_t len = head < 0 ? 0 : strlen(line);

	va_start(args, format);
	format_list(line + len, sizeof(line) - len - 1, format, args);
	va_end(args);
	len = strlen(line);
	line[len++] = '\n';
	(void)fd_write_all(STDERR_FILENO, line, len);
	return EXIT_FAILURE;
}

static int complain_usage(const struct command *command)
{
	char line[512];
	int len = format_text(
		line, sizeof(line), "Try '%s --help' for more information.\n", command->program);

	if (len > 0)
		(void)fd_write_all(STDERR_FILENO, line, strlen(line));
	return EXIT_FAILURE;
}

/* husk fills closed descriptors with ones that are close-on-exec; what was inherited is not. */
static bool is_closed(int fd)
{
	int flags = sys_get_fd_flags(fd);

	return flags == -1 || (flags & FD_CLOEXEC) != 0;
}

static int print(const struct command *command, struct buf *text)
{
	if (text->failed)
		return complain(command, "memory exhausted");
	if (text->len != 0 && is_closed(STDOUT_FILENO))
		return complain(command, "write error: %s", strerror(EBADF));
	if (fd_write_all(STDOUT_FILENO, text->data, text->len) == 0)
		return EXIT_SUCCESS;
	return complain(command, "write error: %s", strerror(errno));
}

static int print_help(const struct command *command)
{
	struct buf text;
	int status;

	buf_init(&text, 1 << 16);
	buf_appendf(&text,
		"Usage: %s [OPTION] [SHELL-FORMAT]\n\n"
		"Copies standard input to standard output with $NAME and ${NAME} replaced by the\n"
		"environment's values; nothing where NAME is not set. With SHELL-FORMAT, only the\n"
		"names that it refers to in the same way.\n\n",
		command->program);
	opt_usage(envsubst_options, &text);
	status = print(command, &text);
	buf_fini(&text);
	return status;
}

static int print_version(const struct command *command)
{
	const char *slash = strrchr(command->program, '/');
	struct buf text;
	int status;

	buf_init(&text, 1 << 16);
	buf_appendf(&text, "%s (husk %s, as GNU gettext-runtime) 0.21\n",
		slash != NULL ? slash + 1 : command->program, HUSK_VERSION);
	status = print(command, &text);
	buf_fini(&text);
	return status;
}

/* `word` is behind the dashes. */
static int parse_long(struct command *command, const char *word)
{
	/* In the order in which GNU's names them. */
	static const char *const options[] = {"help", "variables", "version"};
	size_t len = strcspn(word, "=");
	char possible[64] = "";
	size_t found = 0;
	unsigned count = 0;

	for (size_t i = 0; i < 3; i++) {
		if (strncmp(options[i], word, len) != 0)
			continue;
		found = i;
		count++;
		strcat(strcat(strcat(possible, " '--"), options[i]), "'");
	}
	if (count == 0)
		complain(command, "unrecognized option '--%s'", word);
	else if (count > 1)
		complain(command, "option '--%s' is ambiguous; possibilities:%s", word, possible);
	else if (word[len] == '=')
		complain(command, "option '--%s' doesn't allow an argument", options[found]);
	if (count != 1 || word[len] == '=')
		return complain_usage(command);
	command->help |= found == 0;
	command->variables |= found == 1;
	command->version |= found == 2;
	return EXIT_SUCCESS;
}

static int parse_short(struct command *command, const char *letters)
{
	for (; *letters != '\0'; letters++) {
		if (strchr("hvV", *letters) == NULL) {
			complain(command, "invalid option -- '%c'", *letters);
			return complain_usage(command);
		}
		command->help |= *letters == 'h';
		command->variables |= *letters == 'v';
		command->version |= *letters == 'V';
	}
	return EXIT_SUCCESS;
}

/* Options count wherever they stand before `--`; with POSIXLY_CORRECT only before the first
 * operand. */
static int parse(struct command *command, char *const *words)
{
	bool options = true;
	bool posix = getenv("POSIXLY_CORRECT") != NULL;

	for (; *words != NULL; words++) {
		const char *word = *words;
		int status = EXIT_SUCCESS;

		if (options && strcmp(word, "--") == 0) {
			options = false;
		} else if (options && word[0] == '-' && word[1] == '-') {
			status = parse_long(command, word + 2);
		} else if (options && word[0] == '-' && word[1] != '\0') {
			status = parse_short(command, word + 1);
		} else {
			if (command->operands++ == 0)
				command->format = word;
			options = options && !posix;
		}
		if (status != EXIT_SUCCESS)
			return status;
	}
	return EXIT_SUCCESS;
}

static bool is_name_start(char c)
{
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

static bool is_name_char(char c)
{
	return is_name_start(c) || (c >= '0' && c <= '9');
}

/* REFERENCE_CUT: the text ends before it can be told. */
static struct reference read_reference(struct str text, size_t pos)
{
	struct reference r = {.kind = REFERENCE_CUT};
	const char *data = text.data;
	size_t name = pos + 1;
	bool braced = name < text.len && data[name] == '{';

	name += braced;
	r.end = name;
	if (name == text.len)
		return r;
	if (!is_name_start(data[name])) {
		r.kind = REFERENCE_NONE;
		return r;
	}
	while (r.end < text.len && is_name_char(data[r.end]))
		r.end++;
	r.name = str_sub(text, name, r.end - name);
	if (r.end == text.len)
		return r;
	r.kind = !braced || data[r.end] == '}' ? REFERENCE_NAME : REFERENCE_NONE;
	r.end += braced && r.kind == REFERENCE_NAME;
	return r;
}

/* The same where nothing follows the text. */
static struct reference read_last_reference(struct str text, size_t pos)
{
	struct reference r = read_reference(text, pos);

	if (r.kind == REFERENCE_CUT)
		r.kind = r.name.len != 0 && text.data[pos + 1] != '{' ? REFERENCE_NAME
								      : REFERENCE_NONE;
	return r;
}

static struct variable *find_slot(const struct variables *v, struct str name)
{
	size_t hash = 2166136261u;

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (unsigned char)name.data[i]) * 16777619u;
	for (hash ^= hash >> 15;; hash++) {
		struct variable *slot = &v->slots[hash & v->mask];

		if (slot->name.len == 0 || str_eq(slot->name, name))
			return slot;
	}
}

/* Of a name that stands there twice the first counts, as for getenv. */
static void add_environment(struct variables *v, char *const *environment)
{
	for (; *environment != NULL; environment++) {
		const char *equals = strchr(*environment, '=');
		struct variable *slot;

		if (equals == NULL || equals == *environment)
			continue;
		slot = find_slot(v, (struct str){*environment, (size_t)(equals - *environment)});
		if (slot->set)
			continue;
		slot->name = (struct str){*environment, (size_t)(equals - *environment)};
		slot->value = str_from(equals + 1);
		slot->set = true;
	}
}

/* Calls for each name that SHELL-FORMAT refers to, in order. */
static void each_reference(const char *format, void (*each)(void *arg, struct str name), void *arg)
{
	struct str text = str_from(format);
	size_t pos = 0;

	while (pos < text.len) {
		struct reference r;

		if (text.data[pos] != '$') {
			pos++;
			continue;
		}
		r = read_last_reference(text, pos);
		if (r.kind == REFERENCE_NAME)
			each(arg, r.name);
		pos = r.end;
	}
}

static void select_name(void *arg, struct str name)
{
	struct variable *slot = find_slot(arg, name);

	slot->name = name;
	slot->selected = true;
}

static void print_name(void *arg, struct str name)
{
	buf_append_str(arg, name);
	buf_append_char(arg, '\n');
}

static int init_variables(struct variables *v, const char *format, char *const *environment)
{
	/* Each name in SHELL-FORMAT takes two bytes of it. */
	size_t count = format != NULL ? strlen(format) / 2 : 0;
	size_t size = 64;

	for (char *const *e = environment; *e != NULL; e++)
		count++;
	while (size < count * 2)
		size *= 2;
	v->slots = calloc(size, sizeof(*v->slots));
	if (v->slots == NULL)
		return -1;
	v->mask = size - 1;
	v->all = format == NULL;
	add_environment(v, environment);
	if (format != NULL)
		each_reference(format, select_name, v);
	return 0;
}

/*
 * Writes what `text` stands for. `*used`: how much of it, short of its end where a reference is cut
 * there and more may come (`more`).
 */
static int substitute(const struct variables *v, struct str text, bool more, size_t *used,
	struct out *out, struct err *err)
{
	size_t from = 0;
	size_t pos = 0;

	while (pos < text.len) {
		const char *dollar = memchr(text.data + pos, '$', text.len - pos);
		const struct variable *slot;
		struct reference r;

		if (dollar == NULL) {
			pos = text.len;
			break;
		}
		pos = (size_t)(dollar - text.data);
		r = more ? read_reference(text, pos) : read_last_reference(text, pos);
		if (r.kind == REFERENCE_CUT)
			break;
		slot = r.kind == REFERENCE_NAME ? find_slot(v, r.name) : NULL;
		if (slot != NULL && (v->all || slot->selected)) {
			if (out_borrow(out, str_sub(text, from, pos - from), err) < 0 ||
				(slot->set && out_borrow(out, slot->value, err) < 0))
				return -1;
			from = r.end;
		}
		pos = r.end;
	}
	*used = pos;
	return out_borrow(out, str_sub(text, from, pos - from), err);
}

/* Makes room for another READ_SIZE bytes. */
static int make_room(char **data, size_t *cap, size_t len)
{
	size_t wanted = *cap == 0 ? 2 * READ_SIZE : *cap * 2;
	char *grown;

	if (*cap - len >= READ_SIZE)
		return 0;
	grown = wanted > NAME_MAX_KEPT ? NULL : realloc(*data, wanted);
	if (grown == NULL)
		return -1;
	*data = grown;
	*cap = wanted;
	return 0;
}

/* To standard output, at once: the text does not last. */
static int flush(struct out *out, struct err *err)
{
	if (out->written == 0 || !is_closed(STDOUT_FILENO))
		return out_flush(out, err);
	err->errnum = EBADF;
	return -1;
}

static int copy(const struct command *command, const struct variables *v, struct out *out)
{
	bool closed = is_closed(STDIN_FILENO);
	char *data = NULL;
	size_t cap = 0;
	size_t len = 0;
	int status = EXIT_FAILURE;
	ssize_t got;
	size_t used;
	struct err err;

	do {
		if (make_room(&data, &cap, len) < 0) {
			complain(command, "memory exhausted");
			goto out;
		}
		errno = EBADF;
		got = closed ? -1 : sys_read(STDIN_FILENO, data + len, READ_SIZE);
		if (got < 0) {
			complain(command, "error while reading \"standard input\": %s",
				strerror(errno));
			goto out;
		}
		len += (size_t)got;
		err_clear(&err);
		if (substitute(v, (struct str){data, len}, got != 0, &used, out, &err) < 0 ||
			flush(out, &err) < 0) {
			complain(command, "write error: %s", strerror(err.errnum));
			goto out;
		}
		memmove(data, data + used, len - used);
		len -= used;
	} while (got != 0);
	status = EXIT_SUCCESS;
out:
	free(data);
	return status;
}

static int run(const struct command *command)
{
	struct variables v;
	struct buf names;
	struct out out;
	int status;

	if (command->variables) {
		if (command->operands == 0)
			return complain(command, "missing arguments");
		buf_init(&names, SIZE_MAX);
		each_reference(command->format, print_name, &names);
		status = print(command, &names);
		buf_fini(&names);
		return status;
	}
	if (init_variables(&v, command->format, environ) < 0)
		return complain(command, "memory exhausted");
	out_init_fd(&out, STDOUT_FILENO, "standard output");
	status = copy(command, &v, &out);
	free(v.slots);
	return status;
}

int cmd_envsubst(int argc, char **argv)
{
	struct command command = {.program = argc > 0 ? argv[0] : "envsubst"};
	int status = parse(&command, argc > 0 ? argv + 1 : argv);

	if (status != EXIT_SUCCESS)
		return status;
	if (command.version)
		return print_version(&command);
	if (command.help)
		return print_help(&command);
	if (command.operands > 1)
		return complain(&command, "too many arguments");
	return run(&command);
}
