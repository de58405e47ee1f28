#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum {
	SETTLE_NS = 500000000,
	/* Between signals: everybody sleeps again. */
	SIGNAL_PAUSE_NS = 300000,
};

/*
 * Each round in an order of its own, by chance: what one leaves to be done (a namespace is taken
 * down after its end) is not always the same one's burden.
 */
void bench_shuffle(struct bench *bench)
{
	static uint64_t state = 1;

	for (size_t i = 0; i < bench->count; i++)
		bench->order[i] = &bench->candidates[i];
	for (size_t i = bench->count; i > 1; i--) {
		struct bench_candidate *last = bench->order[i - 1];
		size_t other;

		/* Knuth's MMIX */
		state = state * 6364136223846793005u + 1442695040888963407u;
		other = (size_t)(state >> 33) % i;
		bench->order[i - 1] = bench->order[other];
		bench->order[other] = last;
	}
}

static pid_t start_command(const struct bench_candidate *candidate)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (candidate->input) {
		int fd = open(candidate->input, O_RDONLY);
		if (fd < 0 || dup2(fd, 0) < 0)
			_exit(126);
	}
	if (candidate->output) {
		int fd = open(candidate->output, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		if (fd < 0 || dup2(fd, 1) < 0)
			_exit(126);
	}
	execv(candidate->words[0], candidate->words);
	_exit(127);
}

static void time_one(struct bench_candidate *candidate, unsigned round, int in_namespace)
{
	int64_t start = bench_now();
	int status;

	if (in_namespace)
		bench_start_init(candidate, 0);
	else
		candidate->pid = start_command(candidate);
	if (candidate->pid < 0 || waitpid(candidate->pid, &status, 0) != candidate->pid)
		bench_die("%s: %s", candidate->name, strerror(errno));
	bench_add(candidate, round, (double)(bench_now() - start));
	bench_expect_success(candidate, status);
}

/* The first time, with cold caches, is not counted. */
static void time_all(struct bench *bench, int in_namespace)
{
	for (size_t i = 0; i < bench->count; i++)
		time_one(&bench->candidates[i], 0, in_namespace);
	for (unsigned round = 0; round < bench->rounds; round++) {
		bench_shuffle(bench);
		for (size_t i = 0; i < bench->count; i++)
			time_one(bench->order[i], round, in_namespace);
	}
}

void bench_starts(struct bench *bench)
{
	time_all(bench, 1);
	bench_print(bench, "start", "ns");
}

void bench_times(struct bench *bench)
{
	time_all(bench, 0);
	bench_print(bench, "time", "ns");
}

static void start_targets(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++)
		bench_start_init(&bench->candidates[i], 1);
	for (size_t i = 0; i < bench->count; i++)
		(void)bench_hear(&bench->candidates[i]);
	/* The inits, too, have come to rest. */
	bench_sleep(SETTLE_NS);
}

static void end_targets(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++)
		bench_end_init(&bench->candidates[i]);
}

double bench_read_proc(pid_t pid, const char *file, const char *const *keys)
{
	char path[64], line[256];
	double sum = 0;
	int found = 0;
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	in = fopen(path, "re");
	if (!in)
		bench_die("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), in)) {
		for (size_t i = 0; keys[i]; i++) {
			if (strncmp(line, keys[i], strlen(keys[i])) == 0) {
				sum += strtod(line + strlen(keys[i]), NULL);
				found = 1;
			}
		}
	}
	(void)fclose(in);
	if (!found)
		bench_die("%s: no %s in it", path, keys[0]);
	return sum;
}

static const char *const pss[] = {"Pss:", NULL};
static const char *const dirty[] = {"Private_Dirty:", NULL};
static const char *const switches[] = {
	"voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:", NULL};

static void sample(struct bench *bench, const char *measure, const char *unit, const char *file,
	const char *const *keys)
{
	for (unsigned round = 0; round < bench->rounds; round++) {
		start_targets(bench);
		/* Pages just written to a file count as dirty until they are on the disk. */
		sync();
		for (size_t i = 0; i < bench->count; i++) {
			struct bench_candidate *candidate = &bench->candidates[i];
			bench_add(candidate, round, bench_read_proc(candidate->pid, file, keys));
		}
		end_targets(bench);
	}
	bench_print(bench, measure, unit);
}

void bench_idle(struct bench *bench)
{
	sample(bench, "pss", "KiB", "smaps_rollup", pss);
	sample(bench, "dirty", "KiB", "smaps_rollup", dirty);
}

/* A round is a second. */
void bench_wakeups(struct bench *bench)
{
	start_targets(bench);
	for (unsigned round = 0; round < bench->rounds; round++) {
		for (size_t i = 0; i < bench->count; i++) {
			struct bench_candidate *candidate = &bench->candidates[i];
			bench_add(candidate, round,
				-bench_read_proc(candidate->pid, "status", switches));
		}
		bench_sleep(1000000000);
		for (size_t i = 0; i < bench->count; i++) {
			struct bench_candidate *candidate = &bench->candidates[i];
			double after = bench_read_proc(candidate->pid, "status", switches);
			bench_add(candidate, round, candidate->samples[round] + after);
		}
	}
	end_targets(bench);
	bench_print(bench, "wakeups", "1/s");
}

void bench_signals(struct bench *bench)
{
	start_targets(bench);
	for (unsigned round = 0; round < bench->rounds; round++) {
		bench_shuffle(bench);
		for (size_t i = 0; i < bench->count; i++) {
			struct bench_candidate *candidate = bench->order[i];
			int64_t start;

			bench_sleep(SIGNAL_PAUSE_NS);
			start = bench_now();
			if (kill(candidate->pid, SIGUSR1) != 0)
				bench_die("%s: %s", candidate->name, strerror(errno));
			bench_add(candidate, round, (double)(bench_hear(candidate) - start));
		}
	}
	end_targets(bench);
	bench_print(bench, "signal", "ns");
}

void bench_orphans(struct bench *bench)
{
	for (unsigned round = 0; round < bench->rounds; round++) {
		bench_shuffle(bench);
		for (size_t i = 0; i < bench->count; i++) {
			struct bench_candidate *candidate = bench->order[i];
			bench_start_init(candidate, 1);
			bench_add(candidate, round, (double)bench_hear(candidate));
			bench_end_init(candidate);
		}
	}
	bench_print(bench, "orphans", "ns");
}
