#include "proc/runcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/signal_name.h"
#include "text/filter.h"

enum {
	WORDS_KEPT = 4096,
	WORDS_SHOWN = 600,
	PIECE = 6,
	ENCODED_MAX = 1 << 20,
	READS_MAX = 64,
};
static const int64_t SECOND = 1000000000;
static const int64_t STEP_FIRST = 1000000;
static const int64_t STEP_LAST = 20000000;

/* The end of what the check wrote. */
struct words {
	struct loop *loop;
	struct loop_source source;
	bool open;
	size_t len;
	char text[WORDS_KEPT];
	bool hidden[WORDS_KEPT];
};

static void keep(struct words *words, const char *data, size_t len)
{
	size_t over;

	if (words->len + len > WORDS_KEPT) {
		over = words->len + len - WORDS_KEPT;
		memmove(words->text, words->text + over, words->len - over);
		words->len -= over;
	}
	memcpy(words->text + words->len, data, len);
	words->len += len;
}

static void hear(struct loop_source *source, unsigned events)
{
	struct words *words = source->arg;
	char data[1024];
	ssize_t got = 0;
	int reads;

	(void)events;
	/* Not for ever: something that left the group may write as fast as it is read. */
	for (reads = 0; reads < READS_MAX; reads++) {
		got = sys_read(source->fd, data, sizeof(data));
		if (got <= 0)
			break;
		keep(words, data, (size_t)got);
	}
	if (got > 0 || (got < 0 && errno == EAGAIN))
		return;
	loop_remove(words->loop, source);
	words->open = false;
}

static inline char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
}

/* Upper and lower case are one: there are filters for both. */
static bool is_same(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

/*
 * Marks every piece of the secret: a check shows one line of a key that has many, or the end of
 * what did not fit. Shorter pieces than PIECE say little, and are words of any message.
 */
static void mark(struct words *words, struct str secret)
{
	size_t piece = secret.len < PIECE ? secret.len : PIECE;

	for (size_t at = 0; piece > 0 && at + piece <= words->len; at++) {
		for (size_t from = 0; from + piece <= secret.len; from++) {
			if (!is_same(words->text + at, secret.data + from, piece))
				continue;
			memset(words->hidden + at, true, piece);
			break;
		}
	}
}

/* Replaces what is marked by *** (as many bytes as it has, three at most). */
static void mask(struct words *words)
{
	size_t len = 0;
	size_t run = 0;

	for (size_t at = 0; at < words->len; at++) {
		run = words->hidden[at] ? run + 1 : 0;
		if (run <= 3)
			words->text[len++] = run > 0 ? '*' : words->text[at];
	}
	words->len = len;
}

/* As it is, and as the filter for it writes it. */
static void mark_secret(struct words *words, struct str secret)
{
	struct buf encoded;

	mark(words, secret);
	buf_init(&encoded, ENCODED_MAX);
	if (filter_apply(FILTER_BASE64, secret, &encoded, NULL) == 0)
		mark(words, buf_str(&encoded));
	buf_fini(&encoded);
}

/* The last words as one line without secrets. */
static struct str last_words(struct words *words, const struct env *env)
{
	const struct env_var *var;
	struct str text;
	const char *line;
	size_t i;

	for (i = 0; (var = env_at(env, i)) != NULL; i++)
		if (var->secret)
			mark_secret(words, var->value);
	mask(words);
	text = str_trim((struct str){words->text, words->len});
	if (text.len > WORDS_SHOWN) {
		text = str_sub(text, text.len - WORDS_SHOWN, WORDS_SHOWN);
		line = memchr(text.data, '\n', text.len);
		if (line != NULL)
			text = str_sub(text, (size_t)(line - text.data) + 1, text.len);
	}
	for (i = 0; i < words->len; i++)
		if (words->text[i] == '\n')
			words->text[i] = ' ';
	return text;
}

/*
 * Until it has ended. The end shows on its pipe first, unless something it left behind holds that
 * open: so look for it now and then as well.
 */
static int await(struct words *words, pid_t pid, int64_t limit, int *status, struct err *err)
{
	int64_t end = sys_now() + limit;
	int64_t step = STEP_FIRST;
	char name[SIGNAL_NAME_MAX];
	int64_t now;
	pid_t ended;
	int stop;

	for (;;) {
		ended = sys_wait(pid, status, WNOHANG);
		if (ended == pid)
			return 0;
		if (ended < 0)
			return err_set_errno(err, ERR_INTERNAL, errno, "cannot wait for the check");
		now = sys_now();
		stop = signal_pending_stop();
		if (stop != 0)
			return err_set(err, ERR_CONFIG, "the check was ended by %s",
				signal_name(stop, name));
		if (now >= end)
			return err_set(err, ERR_CONFIG,
				"the check had not ended after %lld s and was killed",
				(long long)(limit / SECOND));
		loop_wait(words->loop, now + step < end ? now + step : end);
		if (step < STEP_LAST)
			step *= 2;
	}
}

static int judge(const struct launch_spec *spec, int status, int error_pipe, struct words *words,
	const struct env *env, struct err *err)
{
	struct launch_failure failure;
	char name[SIGNAL_NAME_MAX];
	struct str text;

	if (sys_read(error_pipe, &failure, sizeof(failure)) == (ssize_t)sizeof(failure))
		return launch_explain(spec, &failure, err);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	text = last_words(words, env);
	if (WIFSIGNALED(status))
		return err_set(err, ERR_CONFIG, "%s: killed by %s%s%.*s", spec->name,
			signal_name(WTERMSIG(status), name), text.len == 0 ? "" : ": ",
			STR_ARGS(text));
	return err_set(err, ERR_CONFIG, "%s: status %d%s%.*s", spec->name, WEXITSTATUS(status),
		text.len == 0 ? "" : ": ", STR_ARGS(text));
}

/* None of them is a standard stream: main has filled those. */
static int open_streams(int fds[2], int *null, struct err *err)
{
	if (sys_pipe(fds, 0) < 0) {
		fds[0] = fds[1] = -1;
		return err_set_errno(err, ERR_INTERNAL, errno, "cannot make a pipe");
	}
	if (sys_set_status_flags(fds[0], O_NONBLOCK) < 0)
		return err_set_errno(err, ERR_INTERNAL, errno, "cannot set up a pipe");
	/* An image may have no /dev: then standard input stays as it is. */
	*null = sys_open("/dev/null", O_RDONLY | O_NOCTTY, 0);
	return 0;
}

/* One that has ended, and all that it left in its group. */
static void end_group(pid_t pid, bool running)
{
	int status;

	(void)sys_kill(-pid, SIGKILL);
	if (running) {
		(void)sys_kill(pid, SIGKILL);
		(void)sys_wait(pid, &status, 0);
	}
}

static int run(const struct runcheck *check, const struct launch_spec *spec, struct words *words,
	int out, struct err *err)
{
	int64_t limit = check->limit == 0 ? 60 * SECOND : check->limit;
	int error_pipe = -1;
	int status = 0;
	int result = -1;
	int output = spec->output;
	pid_t pid;

	pid = launch_start(spec, check->signals, &error_pipe, err);
	fd_close(&output);
	if (pid < 0)
		return -1;
	words->source = (struct loop_source){.fd = out, .arg = words, .ready = hear};
	words->open = loop_add(words->loop, &words->source, LOOP_READ) == 0;
	if (!words->open)
		err_set_errno(err, ERR_INTERNAL, errno, "cannot wait for the check");
	else if (await(words, pid, limit, &status, err) == 0)
		result = 0;
	end_group(pid, result < 0);
	if (words->open)
		hear(&words->source, LOOP_READ);
	if (words->open)
		loop_remove(words->loop, &words->source);
	if (result == 0)
		result = judge(spec, status, error_pipe, words, check->env, err);
	fd_close(&error_pipe);
	return result;
}

int runcheck_run(void *arg, char *const argv[], struct err *err)
{
	const struct runcheck *check = arg;
	const struct env_var *path = env_find(check->env, STR("PATH"));
	struct launch_spec spec = {
		.name = argv[0], .argv = argv, .new_group = true, .terminal = -1};
	struct words *words = NULL;
	struct loop loop = {.epoll = -1};
	char **envp;
	int fds[2] = {-1, -1};
	int null = -1;
	int result = -1;

	if (env_export(check->env, NULL, &envp, err) < 0 ||
		launch_find(check->arena, argv[0], path == NULL ? NULL : path->value.data,
			&spec.path, err) < 0)
		return -1;
	words = calloc(1, sizeof(*words));
	if (words == NULL)
		return err_nomem(err);
	words->loop = &loop;
	spec.envp = envp;
	if (loop_init(&loop, err) < 0 || open_streams(fds, &null, err) < 0)
		goto out;
	spec.input = null < 0 ? 0 : null;
	spec.output = fds[1];
	fds[1] = -1; /* run closes it */
	result = run(check, &spec, words, fds[0], err);
out:
	fd_close(&fds[0]);
	fd_close(&fds[1]);
	fd_close(&null);
	loop_fini(&loop);
	free(words);
	return result;
}
