/*
 * runtime: what the tests against a real java and node share: generated lists of options, the
 * variable that husk composes of each, and a program's output.
 *
 * HUSK_TEST_SEED=N gives other lists; the seed is printed.
 */
#ifndef HUSK_TESTS_RUNTIME_H
#define HUSK_TESTS_RUNTIME_H

#include "unit/unit.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "plan/env.h"
#include "plan/options.h"

enum {
	LISTS = 5000,      /* for each variable */
	LIST_MAX = 8,      /* options in one list */
	OPTION_MAX = 4200, /* bytes of one option */
	OUTPUT_MAX = 64 << 20,
};

struct list {
	size_t count;
	struct str items[LIST_MAX];
	char bytes[LIST_MAX][OPTION_MAX];
};

static inline uint64_t runtime_seed(void)
{
	const char *text = getenv("HUSK_TEST_SEED");

	return text ? strtoull(text, NULL, 10) : 1;
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static inline uint64_t runtime_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Appends a random string behind `len` bytes of `out`; the new length. */
static inline size_t runtime_fill(uint64_t *seed, char *out, size_t len)
{
	static const char *const pieces[] = {" ", "  ", "\"", "'", "\\", "\\\\", "\\\"", "\t", "\n",
		"\r", "\v", "\f", "=", "@", "#", "$", "${X}", "$((", "*", "-", "-cp", "a", "B", "7",
		"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x01", "\x1b[", "\x7f", "\"\"",
		"''"};
	size_t want = runtime_random(seed) % 200 == 0 ? 4000 : runtime_random(seed) % 16;

	for (size_t end = len + want; len < end;) {
		const char *piece = pieces[runtime_random(seed) % COUNT(pieces)];
		size_t size = strlen(piece);

		if (len + size > end)
			piece = "x", size = 1;
		memcpy(out + len, piece, size);
		len += size;
	}
	return len;
}

/* In single quotes, as a deployer writes it for a shell. */
static inline void runtime_quote(struct str word, struct buf *out)
{
	buf_append_cstr(out, " '");
	for (size_t i = 0; i < word.len; i++) {
		if (word.data[i] == '\'')
			buf_append_cstr(out, "'\\''");
		else
			buf_append_char(out, word.data[i]);
	}
	buf_append_char(out, '\'');
}

/*
 * The variable as a start would set it: a list with a dollar comes in through `fold`, quoted for a
 * shell, since `append` would expand it; the others are appended. -1 where husk refuses it, and
 * then the error says why.
 */
static inline int runtime_compose(const char *variable, const struct list *list, struct buf *out)
{
	struct arena *arena = arena_new(4 << 20);
	struct plan_text appended[LIST_MAX];
	struct plan_text fold = {"SHELL_OPTS", {"husk.yaml", 1, 1}};
	struct plan_var var = {.name = variable,
		.place = {"husk.yaml", 1, 1},
		.append = {.items = appended, .given = true},
		.fold = {.items = &fold, .count = 1, .given = true}};
	struct plan plan = {.arena = arena, .vars = &var, .var_count = 1};
	static struct err_list errors;
	bool dollar = false;
	struct buf given;
	struct env *env;
	int rc;

	assert_non_null(arena);
	buf_init(&given, 1 << 20);
	for (size_t i = 0; i < list->count; i++)
		dollar = dollar || memchr(list->items[i].data, '$', list->items[i].len);
	buf_append_cstr(&given, "SHELL_OPTS=");
	for (size_t i = 0; i < list->count; i++) {
		if (dollar)
			runtime_quote(list->items[i], &given);
		else
			appended[var.append.count++] =
				(struct plan_text){list->items[i].data, {"husk.yaml", 1, 1}};
	}
	assert_non_null(buf_cstr(&given));
	char *environment[] = {given.data, NULL};
	memset(&errors, 0, sizeof(errors));
	rc = env_compose(&plan, environment, &env, &errors);
	const struct env_var *composed = rc ? NULL : env_find(env, str_from(variable));
	if (rc)
		assert_true(errors.count > 0 && errors.errs[0].message[0]);
	if (composed)
		buf_append_str(out, composed->value);
	buf_fini(&given);
	arena_free(arena);
	return rc;
}

/* argv in an environment of its own; standard output and error together to `out`. */
static inline int runtime_run(
	char *const argv[], const char *variable, struct str value, struct buf *out)
{
	struct buf entry;
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char locale[] = "LC_ALL=C.UTF-8";
	int fds[2];
	int status;
	pid_t pid;
	char chunk[65536];
	ssize_t got;

	buf_init(&entry, ENV_STRING_MAX + 64);
	buf_append_cstr(&entry, variable);
	buf_append_char(&entry, '=');
	buf_append_str(&entry, value);
	assert_non_null(buf_cstr(&entry));
	char *environment[] = {path, locale, entry.data, NULL};
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		execvpe(argv[0], argv, environment);
		_exit(127);
	}
	close(fds[1]);
	while ((got = read(fds[0], chunk, sizeof(chunk))) > 0)
		buf_append(out, chunk, (size_t)got);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	buf_fini(&entry);
	assert_non_null(buf_cstr(out));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Where `got` stops being `wanted`, for a person to see. */
static inline void runtime_show_difference(struct str got, struct str wanted)
{
	size_t at = 0;

	while (at < got.len && at < wanted.len && got.data[at] == wanted.data[at])
		at++;
	size_t from = at > 100 ? at - 100 : 0;
	print_message("differs at byte %zu: got \"%.*s\", wanted \"%.*s\"\n", at,
		STR_ARGS(str_sub(got, from, 200)), STR_ARGS(str_sub(wanted, from, 200)));
}

#endif
