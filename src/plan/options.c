#include "plan/options.h"

#include <string.h>

/* isspace() in the C locale, which is the JVM's when it reads these. */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

enum options_syntax options_syntax_of(struct str variable)
{
	if (str_eq_cstr(variable, "JAVA_TOOL_OPTIONS") || str_eq_cstr(variable, "_JAVA_OPTIONS"))
		return OPTIONS_JVM;
	if (str_eq_cstr(variable, "JDK_JAVA_OPTIONS"))
		return OPTIONS_JDK;
	if (str_eq_cstr(variable, "NODE_OPTIONS"))
		return OPTIONS_NODE;
	return OPTIONS_PLAIN;
}

static int refuse_at(size_t at, const char *what, struct err *err)
{
	err_set(err, ERR_CONFIG, "%s at byte %zu", what, at + 1);
	if (err)
		err->column = (unsigned)(at + 1);
	return -1;
}

/* A text that is being split; words are written behind one another to `out`. */
struct splitter {
	struct str text;
	size_t at;
	char *out;
};

static bool skip_spaces(struct splitter *s)
{
	while (s->at < s->text.len && is_space(s->text.data[s->at]))
		s->at++;
	return s->at < s->text.len;
}

/* JVM and JDK: quotes anywhere, nothing escapes. */
static int split_java(struct splitter *s, struct err *err)
{
	while (s->at < s->text.len && !is_space(s->text.data[s->at])) {
		char c = s->text.data[s->at];

		if (c != '"' && c != '\'') {
			*s->out++ = c;
			s->at++;
			continue;
		}
		const char *from = s->text.data + s->at + 1;
		const char *to = memchr(from, c, s->text.len - s->at - 1);

		if (!to)
			return refuse_at(s->at, c == '"' ? "unmatched \"" : "unmatched '", err);
		memcpy(s->out, from, (size_t)(to - from));
		s->out += to - from;
		s->at += (size_t)(to - from) + 2;
	}
	return 0;
}

static void split_plain(struct splitter *s)
{
	while (s->at < s->text.len && !is_space(s->text.data[s->at]))
		*s->out++ = s->text.data[s->at++];
}

/* `*empty`: quotes around nothing, which Node drops. */
static int split_node(struct splitter *s, bool *empty, struct err *err)
{
	const char *start = s->out;
	size_t opened = 0;
	bool quoted = false;

	for (; s->at < s->text.len; s->at++) {
		char c = s->text.data[s->at];

		if (c == '"') {
			opened = s->at;
			quoted = !quoted;
		} else if (c == ' ' && !quoted) {
			break;
		} else if (c == '\\' && quoted) {
			if (s->at + 1 == s->text.len)
				return refuse_at(s->at, "a backslash with nothing after it", err);
			*s->out++ = s->text.data[++s->at];
		} else {
			*s->out++ = c;
		}
	}
	*empty = s->out == start;
	return quoted ? refuse_at(opened, "unmatched \"", err) : 0;
}

static bool skip_separators(enum options_syntax syntax, struct splitter *s)
{
	if (syntax != OPTIONS_NODE)
		return skip_spaces(s);
	while (s->at < s->text.len && s->text.data[s->at] == ' ')
		s->at++;
	return s->at < s->text.len;
}

int options_split(enum options_syntax syntax, struct arena *arena, struct str text, char ***list,
	size_t *count, struct err *err)
{
	/* Two bytes of text hold one word at least; words do not get longer. */
	char **words = arena_array(arena, text.len / 2 + 2, sizeof(*words));
	struct splitter s = {.text = text, .out = arena_alloc(arena, text.len + 1)};
	size_t n = 0;
	int rc = 0;

	if (!words || !s.out)
		return err_nomem(err);
	while (!rc && skip_separators(syntax, &s)) {
		bool empty = false;

		words[n] = s.out;
		switch (syntax) {
		case OPTIONS_JVM:
		case OPTIONS_JDK:
			rc = split_java(&s, err);
			break;
		case OPTIONS_NODE:
			rc = split_node(&s, &empty, err);
			break;
		case OPTIONS_PLAIN:
			split_plain(&s);
			break;
		}
		if (!empty) {
			*s.out++ = '\0';
			n++;
		}
	}
	words[n] = NULL;
	*list = words;
	*count = n;
	return rc;
}

/* Nothing in it separates, quotes or depends on a locale. */
static bool is_bare(struct str option)
{
	for (size_t i = 0; i < option.len; i++) {
		char c = option.data[i];

		if (c <= ' ' || c > '~' || c == '"' || c == '\'')
			return false;
	}
	return option.len > 0;
}

static size_t span_without(struct str s, char c)
{
	const char *found = memchr(s.data, c, s.len);

	return found ? (size_t)(found - s.data) : s.len;
}

/* Pieces in the one quote or the other, whichever reaches further. */
static void append_java(struct str option, struct buf *out)
{
	if (is_bare(option)) {
		buf_append_str(out, option);
		return;
	}
	if (option.len == 0)
		buf_append_cstr(out, "\"\"");
	while (option.len > 0) {
		size_t in_double = span_without(option, '"');
		size_t in_single = span_without(option, '\'');
		bool use_double = in_double >= in_single;
		size_t len = use_double ? in_double : in_single;

		buf_append_char(out, use_double ? '"' : '\'');
		buf_append_str(out, str_sub(option, 0, len));
		buf_append_char(out, use_double ? '"' : '\'');
		option = str_sub(option, len, option.len);
	}
}

static void append_node(struct str option, struct buf *out)
{
	if (!memchr(option.data, ' ', option.len) && !memchr(option.data, '"', option.len)) {
		buf_append_str(out, option);
		return;
	}
	buf_append_char(out, '"');
	for (size_t i = 0; i < option.len; i++) {
		if (option.data[i] == '"' || option.data[i] == '\\')
			buf_append_char(out, '\\');
		buf_append_char(out, option.data[i]);
	}
	buf_append_char(out, '"');
}

/* Why the syntax has no way to write `option`; NULL where it has one. */
static const char *unwritable(enum options_syntax syntax, struct str option)
{
	if (memchr(option.data, '\0', option.len))
		return "an option cannot hold a NUL byte";
	switch (syntax) {
	case OPTIONS_JVM:
		return option.len ? NULL : "an empty option: the JVM refuses it";
	case OPTIONS_NODE:
		return option.len ? NULL : "an empty option: Node would not see it";
	case OPTIONS_PLAIN:
		for (size_t i = 0; i < option.len; i++) {
			if (is_space(option.data[i]))
				return "white space within an option: this variable has no "
				       "quotes, so it would be split";
		}
		return option.len ? NULL : "an empty option: this variable cannot hold one";
	case OPTIONS_JDK:
		break;
	}
	return NULL;
}

int options_append(enum options_syntax syntax, struct str option, struct buf *out, struct err *err)
{
	struct str text = {option.data ? option.data : "", option.len};
	const char *why = unwritable(syntax, text);
	size_t before = out->len;

	if (why)
		return err_set(err, ERR_CONFIG, "%s", why);
	if (out->len > 0)
		buf_append_char(out, ' ');
	switch (syntax) {
	case OPTIONS_JDK:
		/* "@" alone is an option like any other to the launcher. */
		if (text.len > 1 && text.data[0] == '@')
			buf_append_char(out, '@');
		append_java(text, out);
		break;
	case OPTIONS_JVM:
		append_java(text, out);
		break;
	case OPTIONS_NODE:
		append_node(text, out);
		break;
	case OPTIONS_PLAIN:
		buf_append_str(out, text);
		break;
	}
	if (out->failed) {
		out->len = before;
		/* Three bytes for one is the most that quoting takes. */
		if (text.len > (out->max - before) / 3)
			return err_set(err, ERR_CONFIG,
				"the options are too long: more than %zu bytes", out->max);
		return err_nomem(err);
	}
	return 0;
}

/* The launcher's own options, which libjvm does not know. A `*` at the end stands for any rest. */
static const char *const jvm_refused[] = {"-cp", "-classpath", "--class-path*", "-jar", "-m",
	"--module", "--module=*", "-p", "-version", "-version:*", "--version", "-showversion",
	"--show-version", "-fullversion", "--full-version", "-help", "--help", "-h", "-?", "-X",
	"--help-extra", "-Xdiag", "-XshowSettings", "-XshowSettings:*", "-splash:*", "--dry-run",
	"--validate-modules", "--list-modules", "-d", "--describe-module*", "--source", "-J*",
	"--disable-@files", "-", "--", NULL};
/* libjvm takes these with `=` only; the launcher takes the next word. */
static const char *const java_two_words[] = {"--add-modules", "--add-opens", "--add-exports",
	"--add-reads", "--limit-modules", "--patch-module", "--module-path",
	"--upgrade-module-path", "--enable-native-access", NULL};
/* args.c isTerminalOpt, and what the launcher no longer knows. */
static const char *const jdk_refused[] = {"-jar", "-m", "--module", "--module=*", "--dry-run", "-h",
	"-?", "-help", "--help", "-X", "--help-extra", "-version", "-version:*", "--version",
	"-fullversion", "--full-version", "--disable-@files", "-jre-restrict-search", "-J*", "-",
	"--", NULL};
/* java.c IsWhiteSpaceOption, besides java_two_words and what is refused anyway. */
static const char *const jdk_two_words[] = {
	"-cp", "-classpath", "--class-path", "-p", "-d", "--describe-module", "--source", NULL};
/* What no version of Node takes from its environment. */
static const char *const node_refused[] = {"-e", "--eval", "--eval=*", "-p", "--print", "-pe", "-c",
	"--check", "-i", "--interactive", "-v", "--version", "-h", "--help", "--v8-options",
	"--completion-bash", "--expose-internals", "--prof-process", "--build-snapshot", "--",
	NULL};

/* The entry that stands for `word`, without its `*`: what follows in `word` may be secret. */
static struct str find_listed(const char *const *list, struct str word)
{
	for (; *list; list++) {
		struct str entry = str_from(*list);
		bool prefix = entry.data[entry.len - 1] == '*';

		if (prefix)
			entry.len--;
		if (prefix ? str_starts(word, entry) : str_eq(entry, word))
			return entry;
	}
	return (struct str){NULL, 0};
}

static int refuse_option(struct str word, const char *why, struct err *err)
{
	return err_set(err, ERR_CONFIG, "%.*s cannot stand here: %s", STR_ARGS(word), why);
}

static int check_jvm(char *const *list, size_t i, struct err *err)
{
	struct str word = str_from(list[i]);
	struct str known = find_listed(jvm_refused, word);

	if (word.len == 0)
		return refuse_option(STR("an empty option"), "the JVM would not start", err);
	if (known.data)
		return refuse_option(known,
			"it is an option of the java command, put it into the service's command",
			err);
	known = find_listed(java_two_words, word);
	if (known.data)
		return refuse_option(
			known, "the JVM takes its value only after an equals sign", err);
	if (word.data[0] != '-')
		return refuse_option(
			STR("a word that does not begin with -"), "the JVM would not start", err);
	return 0;
}

/* `expected`: the word before takes this one as its value. */
static int check_jdk(char *const *list, size_t i, bool *expected, struct err *err)
{
	struct str word = str_from(list[i]);
	bool is_value = *expected;

	*expected = false;
	if (word.len > 0 && word.data[0] == '-') {
		struct str known = find_listed(jdk_refused, word);
		if (known.data)
			return refuse_option(known,
				"java refuses it there, put it into the service's command", err);
		*expected = find_listed(java_two_words, word).data ||
			    find_listed(jdk_two_words, word).data;
		return 0;
	}
	if (word.len > 1 && word.data[0] == '@' && word.data[1] != '@') {
		/* What the file ends with is not known here. */
		*expected = true;
		return 0;
	}
	if (is_value)
		return 0;
	if (word.len > 1 && word.data[0] == '@')
		return refuse_option(STR("a literal word that begins with @"),
			"java takes it for the main class (to have a file of arguments read, write "
			"@FILE in `default` or `value`)",
			err);
	return refuse_option(
		STR("a word that does not begin with -"), "java takes it for the main class", err);
}

/* Node takes underscores in a name for dashes. The result lives in the table. */
static struct str node_refusal(struct str word)
{
	char name[40];
	bool in_value = false;

	if (word.len > sizeof(name))
		return (struct str){NULL, 0};
	for (size_t i = 0; i < word.len; i++) {
		in_value = in_value || word.data[i] == '=';
		name[i] = word.data[i] == '_' && !in_value ? '-' : word.data[i];
	}
	return find_listed(node_refused, (struct str){name, word.len});
}

static int check_node(char *const *list, size_t i, struct err *err)
{
	struct str word = str_from(list[i]);

	if (word.len > 1 && word.data[0] == '-') {
		struct str known = node_refusal(word);
		if (!known.data)
			return 0;
		return refuse_option(
			known, "node refuses it there, put it into the service's command", err);
	}
	/* It may be the value of the option before it; else node stops reading and says nothing. */
	if (i > 0 && list[i - 1][0] == '-' && !strchr(list[i - 1], '='))
		return 0;
	return refuse_option(STR("a word that does not begin with -"),
		"node would ignore it and all that follows", err);
}

int options_check(
	struct str variable, char *const *list, size_t count, size_t *where, struct err *err)
{
	enum options_syntax syntax = options_syntax_of(variable);
	bool expected = false;
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++) {
		if (where)
			*where = i;
		switch (syntax) {
		case OPTIONS_JVM:
			rc = check_jvm(list, i, err);
			break;
		case OPTIONS_JDK:
			rc = check_jdk(list, i, &expected, err);
			break;
		case OPTIONS_NODE:
			rc = check_node(list, i, err);
			break;
		case OPTIONS_PLAIN:
			break;
		}
	}
	return rc;
}
