/*
 * Many services under one supervisor. Each service is the program `target`, which tells that it
 * runs by a datagram: the kernel adds its pid as we see it.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench.h"

enum {
	/* For one service to be heard of; the slowest supervisor needs some seconds for all. */
	PATIENCE_S = 120,
	/* What is started again within a second waits, with most supervisors. */
	REST_NS = 2000000000,
	IDLE_S = 5,
	IDLE_QUICK_S = 1, /* where it is only to be seen that it works */
	MANY = 100,
	RESTART_PAUSE_NS = 2000000,
};

struct crowd {
	int socket;
	pid_t *pids; /* of the services; a killed one's place is its successor's */
	pid_t *supervisors;
	size_t supervisor_count;
};
static struct crowd crowds[BENCH_CANDIDATES];
static unsigned services;

static struct crowd *crowd_of(const struct bench *bench, const struct bench_candidate *candidate)
{
	return &crowds[candidate - bench->candidates];
}

/* An abstract name: nothing is left of it. */
static void open_socket(struct crowd *crowd)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int on = 1;
	size_t size = offsetof(struct sockaddr_un, sun_path) + 1;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	size += (size_t)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
		"husk-bench-%d-%td", (int)getpid(), crowd - crowds);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, (socklen_t)size) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
		setenv("BENCH_SOCKET", address.sun_path + 1, 1) != 0)
		bench_die("socket: %s", strerror(errno));
	crowd->socket = fd;
}

/* When the next service said that it runs, and its pid. */
static int64_t hear(const struct bench_candidate *candidate, const struct crowd *crowd, pid_t *pid)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	int64_t time = 0;
	struct iovec data = {.iov_base = &time, .iov_len = sizeof(time)};
	struct msghdr message = {.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct ucred sender;

	if (recvmsg(crowd->socket, &message, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(time) ||
		message.msg_controllen < CMSG_LEN(sizeof(sender)))
		bench_die("%s: a service is not heard of", candidate->name);
	memcpy(&sender, CMSG_DATA(&control.header), sizeof(sender));
	*pid = sender.pid;
	return time;
}

/* ns from the start of the supervisor to that of the last service. */
static int64_t start_all(struct bench *bench, struct bench_candidate *candidate)
{
	struct crowd *crowd = crowd_of(bench, candidate);
	int64_t start, last = 0;

	open_socket(crowd);
	start = bench_now();
	bench_start_init(candidate, 0);
	for (unsigned i = 0; i < services; i++) {
		int64_t time = hear(candidate, crowd, &crowd->pids[i]);
		if (time > last)
			last = time;
	}
	return last - start;
}

static void end_all(struct bench *bench, struct bench_candidate *candidate)
{
	struct crowd *crowd = crowd_of(bench, candidate);

	bench_end_init(candidate);
	close(crowd->socket);
	free(crowd->supervisors);
	*crowd = (struct crowd){.pids = crowd->pids};
}

static void set_up(struct bench *bench)
{
	const char *count = getenv("BENCH_SERVICES");

	services = count && atoi(count) > 0 ? (unsigned)atoi(count) : 1000;
	for (size_t i = 0; i < bench->count; i++) {
		crowds[i].pids = calloc(services, sizeof(pid_t));
		if (!crowds[i].pids)
			bench_die("out of memory");
	}
}

void bench_services_start(struct bench *bench)
{
	set_up(bench);
	for (unsigned round = 0; round <= bench->rounds; round++) {
		bench_shuffle(bench);
		for (size_t i = 0; i < bench->count; i++) {
			int64_t took = start_all(bench, bench->order[i]);
			/* The first time is not counted: folders are made, caches are cold. */
			if (round > 0)
				bench_add(bench->order[i], round - 1, (double)took);
			end_all(bench, bench->order[i]);
		}
	}
	bench_print(bench, "services start", "ns");
}

/* ---- at rest ---- */

static int is_service(const struct crowd *crowd, pid_t pid)
{
	for (unsigned i = 0; i < services; i++) {
		if (crowd->pids[i] == pid)
			return 1;
	}
	return 0;
}

static ssize_t read_namespace(long pid, char *out, size_t size)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%ld/ns/pid", pid);
	return readlink(path, out, size);
}

/* Every process of the PID namespace that is no service. */
static void find_supervisors(struct bench *bench, const struct bench_candidate *candidate)
{
	struct crowd *crowd = crowd_of(bench, candidate);
	char own[64], other[64];
	ssize_t size = read_namespace(candidate->pid, own, sizeof(own));
	const struct dirent *entry;
	DIR *dir = opendir("/proc");

	/* Few have more than one for each service. */
	crowd->supervisors = calloc(2 * services + 16, sizeof(pid_t));
	if (!dir || !crowd->supervisors || size <= 0)
		bench_die("%s: cannot look for its processes", candidate->name);
	while ((entry = readdir(dir))) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid <= 0 || read_namespace(pid, other, sizeof(other)) != size ||
			memcmp(own, other, (size_t)size) != 0 || is_service(crowd, (pid_t)pid))
			continue;
		if (crowd->supervisor_count == 2 * services + 16)
			bench_die("%s: too many processes", candidate->name);
		crowd->supervisors[crowd->supervisor_count++] = (pid_t)pid;
	}
	(void)closedir(dir);
}

static double sum(struct bench *bench, const struct bench_candidate *candidate, const char *file,
	const char *const *keys)
{
	const struct crowd *crowd = crowd_of(bench, candidate);
	double result = 0;

	for (size_t i = 0; i < crowd->supervisor_count; i++)
		result += bench_read_proc(crowd->supervisors[i], file, keys);
	return result;
}

static void add_sums(
	struct bench *bench, const char *file, const char *const *keys, unsigned round, double sign)
{
	for (size_t i = 0; i < bench->count; i++) {
		struct bench_candidate *candidate = &bench->candidates[i];
		bench_add(candidate, round,
			candidate->samples[round] + sign * sum(bench, candidate, file, keys));
	}
}

static void clear(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++)
		memset(bench->candidates[i].samples, 0,
			bench->rounds * sizeof(*bench->candidates[i].samples));
}

/* What a measure adds up is the same in every round: one is enough. */
static void print_once(struct bench *bench, const char *measure, const char *unit)
{
	unsigned rounds = bench->rounds;

	bench->rounds = 1;
	bench_print(bench, measure, unit);
	bench->rounds = rounds;
	clear(bench);
}

static void measure_rest(struct bench *bench)
{
	static const char *const pss[] = {"Pss:", NULL};
	static const char *const wakeups[] = {
		"voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:", NULL};
	/* The first number of schedstat: ns on a CPU. */
	static const char *const cpu[] = {"", NULL};

	clear(bench);
	for (size_t i = 0; i < bench->count; i++) {
		const struct crowd *crowd = crowd_of(bench, &bench->candidates[i]);
		bench_add(&bench->candidates[i], 0, (double)crowd->supervisor_count);
	}
	print_once(bench, "services processes", "");
	add_sums(bench, "smaps_rollup", pss, 0, 1);
	print_once(bench, "services pss", "KiB");
	/* One after the other: reading what thousands have used takes its time. */
	for (size_t i = 0; i < bench->count; i++) {
		struct bench_candidate *candidate = &bench->candidates[i];
		double before = sum(bench, candidate, "schedstat", cpu);
		double woken = sum(bench, candidate, "status", wakeups);

		bench_sleep(INT64_C(1000000000) * (services < MANY ? IDLE_QUICK_S : IDLE_S));
		bench_add(candidate, 0, sum(bench, candidate, "schedstat", cpu) - before);
		candidate->extra = sum(bench, candidate, "status", wakeups) - woken;
	}
	print_once(bench, "services cpu", "ns");
	for (size_t i = 0; i < bench->count; i++)
		bench_add(&bench->candidates[i], 0, bench->candidates[i].extra);
	print_once(bench, "services wakeups", "");
}

/* ns from KILL to the successor's running. */
static void measure_restarts(struct bench *bench)
{
	for (unsigned round = 0; round < bench->rounds; round++) {
		bench_shuffle(bench);
		for (size_t i = 0; i < bench->count; i++) {
			struct bench_candidate *candidate = bench->order[i];
			struct crowd *crowd = crowd_of(bench, candidate);
			pid_t *pid = &crowd->pids[round % services];
			int64_t start;

			bench_sleep(RESTART_PAUSE_NS);
			start = bench_now();
			if (kill(*pid, SIGKILL) != 0)
				bench_die("%s: %s", candidate->name, strerror(errno));
			bench_add(candidate, round, (double)(hear(candidate, crowd, pid) - start));
		}
	}
	bench_print(bench, "services restart", "ns");
}

void bench_services_run(struct bench *bench)
{
	set_up(bench);
	for (size_t i = 0; i < bench->count; i++)
		(void)start_all(bench, &bench->candidates[i]);
	bench_sleep(REST_NS);
	sync();
	for (size_t i = 0; i < bench->count; i++)
		find_supervisors(bench, &bench->candidates[i]);
	measure_rest(bench);
	measure_restarts(bench);
	for (size_t i = 0; i < bench->count; i++)
		end_all(bench, &bench->candidates[i]);
}
