#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* linux/sched.h, which musl's headers come without */
#ifndef CLONE_NEWPID
#define CLONE_NEWPID 0x20000000
#endif

void bench_die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)fputs("bench: ", stderr);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
	va_end(args);
	exit(1);
}

int64_t bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void bench_sleep(int64_t ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = ns % 1000000000};

	while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
		continue;
}

/*
 * As fork, into a new PID namespace: this process's own stays as it is, and the child ends with
 * us. The kernel's clone takes (flags, stack, ...) on amd64 and arm64.
 */
static pid_t fork_init(void)
{
	return (pid_t)syscall(SYS_clone, (long)(CLONE_NEWPID | SIGCHLD), 0L, 0L, 0L, 0L);
}

/* In the child. */
static void redirect(const struct bench_candidate *candidate)
{
	int fd = candidate->output ? open(candidate->output, O_WRONLY | O_CREAT | O_APPEND, 0644)
				   : -1;

	if (candidate->output && (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0))
		_exit(126);
	if (fd > 2)
		close(fd);
}

void bench_start_init(struct bench_candidate *candidate, int report)
{
	int fds[2] = {-1, -1};

	if (report && pipe2(fds, O_CLOEXEC) != 0)
		bench_die("pipe: %s", strerror(errno));
	candidate->pid = fork_init();
	if (candidate->pid < 0)
		bench_die("cannot make a PID namespace: %s", strerror(errno));
	if (candidate->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		redirect(candidate);
		if (report && dup2(fds[1], 3) < 0)
			_exit(126);
		/* A pipe that came to be 3 already stays close-on-exec. */
		if (report)
			(void)fcntl(3, F_SETFD, 0);
		execv(candidate->words[0], candidate->words);
		_exit(127);
	}
	if (report)
		close(fds[1]);
	candidate->report = fds[0];
}

void bench_end_init(struct bench_candidate *candidate)
{
	int status;

	kill(candidate->pid, SIGKILL);
	waitpid(candidate->pid, &status, 0);
	close(candidate->report);
}

int64_t bench_hear(const struct bench_candidate *candidate)
{
	int64_t value;

	if (read(candidate->report, &value, sizeof(value)) != (ssize_t)sizeof(value))
		bench_die("%s: the target does not answer", candidate->name);
	return value;
}

void bench_expect_success(const struct bench_candidate *candidate, int status)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		bench_die("%s: %s %d", candidate->name,
			WIFEXITED(status) ? "exited with status" : "killed by signal",
			WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

void bench_add(struct bench_candidate *candidate, unsigned round, double value)
{
	candidate->samples[round] = value;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void bench_print(const struct bench *bench, const char *measure, const char *unit)
{
	unsigned n = bench->rounds, tenth = n / 10 > 0 ? n / 10 : 1;

	for (size_t i = 0; i < bench->count; i++) {
		double *samples = bench->candidates[i].samples, sum = 0, median;

		qsort(samples, n, sizeof(*samples), by_value);
		for (unsigned k = 0; k < tenth; k++)
			sum += samples[k];
		median = (samples[n / 2] + samples[(n - 1) / 2]) / 2;
		(void)printf("%s\t%s\t%s\t%u\t%.0f\t%.0f\n", measure, bench->candidates[i].name,
			unit, n, median, sum / tenth);
	}
	(void)fflush(stdout);
}

static void take_word(struct bench_candidate *candidate, char *word)
{
	if (*word == '<')
		candidate->input = word + 1;
	else if (*word == '>')
		candidate->output = word + 1;
	else if (candidate->count < BENCH_WORDS)
		candidate->words[candidate->count++] = word;
	else
		bench_die("%s: too many words", candidate->name);
}

static void take_candidate(struct bench *bench, char *text)
{
	struct bench_candidate *candidate = &bench->candidates[bench->count];
	char *command = strchr(text, '='), *rest;

	if (!command || bench->count == BENCH_CANDIDATES)
		bench_die("not NAME=COMMAND, or too many: %s", text);
	*command++ = '\0';
	*candidate = (struct bench_candidate){.name = text, .report = -1};
	for (char *word = strtok_r(command, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		take_word(candidate, word);
	candidate->samples = calloc(bench->rounds, sizeof(*candidate->samples));
	if (candidate->count == 0 || !candidate->samples)
		bench_die("%s: no command, or no memory", candidate->name);
	bench->count++;
}

static const struct {
	const char *verb;
	void (*run)(struct bench *bench);
} measures[] = {
	{"idle", bench_idle},
	{"orphans", bench_orphans},
	{"services-run", bench_services_run},
	{"services-start", bench_services_start},
	{"signals", bench_signals},
	{"starts", bench_starts},
	{"times", bench_times},
	{"wakeups", bench_wakeups},
};

int main(int argc, char **argv)
{
	static struct bench bench;

	if (argc < 4 || atoi(argv[2]) < 1)
		bench_die("usage: bench MEASURE ROUNDS NAME=COMMAND...");
	bench.rounds = (unsigned)atoi(argv[2]);
	for (int i = 3; i < argc; i++)
		take_candidate(&bench, argv[i]);
	for (size_t i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
		if (strcmp(argv[1], measures[i].verb) == 0) {
			measures[i].run(&bench);
			return 0;
		}
	}
	bench_die("no measure %s", argv[1]);
}
