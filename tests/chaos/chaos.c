/*
 * chaos PID SECONDS SEED: makes everything go wrong around the husk that PID is, which runs as
 * another user, and says how often each kind of fault was made. The seed gives the same faults in
 * the same order; which process each hits depends on what is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init/ctlproto.h"

#define KINDS(X) \
	X(KILL, "a process killed") \
	X(STOP, "a process stopped") \
	X(FORKS, "a service told to fork") \
	X(ORPHANS, "a service told to leave orphans") \
	X(FILES, "no descriptor left") \
	X(PROCESSES, "no process left to make") \
	X(SIGNALS, "husk sent a storm of signals") \
	X(CLIENT, "a client that stalls") \
	X(GARBAGE, "a client that sends garbage")
enum kind {
#define X(id, text) KIND_##id,
	KINDS(X)
#undef X
		KIND_COUNT
};
static const char *const kind_names[] = {
#define X(id, text) text,
	KINDS(X)
#undef X
};

enum { CHILDREN_MAX = 4096, STOPPED_MAX = 16, STALLED_MAX = 100 };

struct chaos {
	pid_t husk;
	uid_t user;
	uint64_t random;
	unsigned long made[KIND_COUNT];
	pid_t children[CHILDREN_MAX];
	unsigned child_count;
	int stopped[STOPPED_MAX]; /* pidfds */
	unsigned stopped_count;
	pid_t stalled[STALLED_MAX];
	unsigned stalled_count;
	int limited; /* RLIMIT_*; -1: none is */
	struct rlimit limit;
	int64_t lift_at;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(unsigned ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

/* splitmix64 */
static unsigned draw(struct chaos *chaos, unsigned below)
{
	uint64_t z = chaos->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (unsigned)((z ^ z >> 31) % below);
}

static void list_children(struct chaos *chaos)
{
	char path[64];
	FILE *file;
	int pid;

	chaos->child_count = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)chaos->husk,
		(int)chaos->husk);
	file = fopen(path, "re");
	while (file && chaos->child_count < CHILDREN_MAX && fscanf(file, "%d", &pid) == 1)
		chaos->children[chaos->child_count++] = pid;
	if (file)
		(void)fclose(file);
}

/* A pidfd, so that no other process that has got its pid is hit. -1: there is none. */
static int pick_child(struct chaos *chaos, unsigned number)
{
	list_children(chaos);
	if (chaos->child_count == 0)
		return -1;
	return (int)syscall(SYS_pidfd_open, chaos->children[number % chaos->child_count], 0);
}

static bool send_to(int pid_fd, int signal)
{
	return pid_fd >= 0 && syscall(SYS_pidfd_send_signal, pid_fd, signal, NULL, 0) == 0;
}

static bool signal_child(struct chaos *chaos, int signal)
{
	int pid_fd = pick_child(chaos, draw(chaos, CHILDREN_MAX));
	bool done = send_to(pid_fd, signal);

	if (pid_fd >= 0)
		close(pid_fd);
	return done;
}

static void go_on(struct chaos *chaos, unsigned index)
{
	(void)send_to(chaos->stopped[index], SIGCONT);
	close(chaos->stopped[index]);
	chaos->stopped[index] = chaos->stopped[--chaos->stopped_count];
}

static bool stop_child(struct chaos *chaos)
{
	int pid_fd = pick_child(chaos, draw(chaos, CHILDREN_MAX));

	if (chaos->stopped_count == STOPPED_MAX)
		go_on(chaos, draw(chaos, STOPPED_MAX));
	if (!send_to(pid_fd, SIGSTOP)) {
		if (pid_fd >= 0)
			close(pid_fd);
		return false;
	}
	chaos->stopped[chaos->stopped_count++] = pid_fd;
	return true;
}

/* As husk's user: not every root may change another user's limits. */
static bool set_limit(const struct chaos *chaos, int resource, const struct rlimit *limit)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0) {
		if (setgid(chaos->user) < 0 || setuid(chaos->user) < 0)
			_exit(1);
		_exit(syscall(SYS_prlimit64, chaos->husk, resource, limit, NULL) < 0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void lift(struct chaos *chaos)
{
	if (chaos->limited >= 0)
		(void)set_limit(chaos, chaos->limited, &chaos->limit);
	chaos->limited = -1;
}

/* For a while husk itself may have no more of it. Its limits are ours: it was started beside us. */
static bool exhaust(struct chaos *chaos, int resource, rlim_t soft)
{
	struct rlimit limit;

	if (chaos->limited >= 0 || syscall(SYS_prlimit64, 0, resource, NULL, &chaos->limit) < 0)
		return false;
	limit = (struct rlimit){.rlim_cur = soft, .rlim_max = chaos->limit.rlim_max};
	if (!set_limit(chaos, resource, &limit))
		return false;
	chaos->limited = resource;
	chaos->lift_at = now_ms() + 20 + draw(chaos, 300);
	return true;
}

static bool storm(struct chaos *chaos)
{
	static const int signals[] = {SIGUSR1, SIGUSR2, SIGCHLD, SIGALRM, SIGWINCH, SIGPIPE};

	for (unsigned i = 0; i < 2000; i++) {
		if (kill(chaos->husk, signals[i % 6]) < 0)
			return false;
	}
	return true;
}

/* In husk's PID namespace and as its user: connects, and says nothing or nonsense until it is
 * killed. It does not wait where husk, out of descriptors, takes nobody: that would be for us. */
static void be_client(const struct chaos *chaos, bool garbage) __attribute__((noreturn));
static void be_client(const struct chaos *chaos, bool garbage)
{
	struct ctl_address address;
	char junk[300];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (setgid(chaos->user) < 0 || setuid(chaos->user) < 0 || ctl_address_own(&address) < 0 ||
		fd < 0 ||
		connect(fd, (const struct sockaddr *)&address.address, (socklen_t)address.size) < 0)
		_exit(1);
	memset(junk, 0xa5, sizeof(junk));
	if (garbage && send(fd, junk, 1 + (size_t)getpid() % sizeof(junk), MSG_NOSIGNAL) < 0)
		_exit(1);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || write(3, "", 1) != 1)
		_exit(1);
	close(3);
	if (garbage)
		_exit(0);
	for (;;)
		pause();
}

/* /proc must be the namespace's own, for the address: a mount namespace is husk's, too. */
static bool enter(const struct chaos *chaos, const char *name, int flag)
{
	char path[64];
	int fd;
	bool done;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)chaos->husk, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	done = fd >= 0 && setns(fd, flag) == 0;
	if (fd >= 0)
		close(fd);
	return done;
}

static bool make_client(struct chaos *chaos, bool garbage)
{
	char byte;
	int fds[2];
	ssize_t got;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		if (dup2(fds[1], 3) < 0 || !enter(chaos, "pid", CLONE_NEWPID) ||
			!enter(chaos, "mnt", CLONE_NEWNS))
			_exit(1);
		/* A child is in the namespace, we are not. */
		pid = fork();
		if (pid == 0)
			be_client(chaos, garbage);
		close(3);
		close(fds[1]);
		if (pid > 0)
			(void)waitpid(pid, NULL, 0);
		_exit(0);
	}
	close(fds[1]);
	got = pid < 0 ? -1 : read(fds[0], &byte, 1);
	close(fds[0]);
	if (garbage || got != 1) {
		if (pid > 0)
			(void)waitpid(pid, NULL, 0);
		return got == 1;
	}
	chaos->stalled[chaos->stalled_count++] = pid;
	return true;
}

static void end_client(struct chaos *chaos, unsigned index)
{
	(void)kill(chaos->stalled[index], SIGKILL);
	(void)waitpid(chaos->stalled[index], NULL, 0);
	chaos->stalled[index] = chaos->stalled[--chaos->stalled_count];
}

static bool stall(struct chaos *chaos)
{
	if (chaos->stalled_count == STALLED_MAX)
		end_client(chaos, draw(chaos, STALLED_MAX));
	return make_client(chaos, false);
}

/* Descriptors: standard streams, and a few more. Processes: as the user has some already, none. */
static bool make(struct chaos *chaos, enum kind kind)
{
	switch (kind) {
	case KIND_KILL:
		return signal_child(chaos, SIGKILL);
	case KIND_STOP:
		return stop_child(chaos);
	case KIND_FORKS:
		return signal_child(chaos, SIGUSR2);
	case KIND_ORPHANS:
		return signal_child(chaos, SIGUSR1);
	case KIND_FILES:
		return exhaust(chaos, RLIMIT_NOFILE, 3 + draw(chaos, 8));
	case KIND_PROCESSES:
		return exhaust(chaos, RLIMIT_NPROC, 1);
	case KIND_SIGNALS:
		return storm(chaos);
	case KIND_CLIENT:
		return stall(chaos);
	case KIND_GARBAGE:
		return make_client(chaos, true);
	case KIND_COUNT:
		break;
	}
	return false;
}

static void run(struct chaos *chaos, int64_t until)
{
	while (now_ms() < until) {
		enum kind kind = (enum kind)draw(chaos, KIND_COUNT);
		unsigned rest = draw(chaos, 12);

		if (chaos->limited >= 0 && now_ms() >= chaos->lift_at)
			lift(chaos);
		if (make(chaos, kind))
			chaos->made[kind]++;
		if (chaos->stopped_count > 0 && draw(chaos, 4) == 0)
			go_on(chaos, draw(chaos, chaos->stopped_count));
		pause_ms(rest);
	}
	lift(chaos);
	while (chaos->stopped_count > 0)
		go_on(chaos, 0);
	while (chaos->stalled_count > 0)
		end_client(chaos, 0);
}

int main(int argc, char **argv)
{
	struct chaos chaos = {.limited = -1};
	struct stat st;
	char path[64];
	bool all = true;

	if (argc != 4)
		return 64;
	chaos.husk = (pid_t)atoi(argv[1]);
	chaos.random = strtoull(argv[3], NULL, 10);
	(void)snprintf(path, sizeof(path), "/proc/%d", (int)chaos.husk);
	if (stat(path, &st) < 0)
		return 1;
	chaos.user = st.st_uid;
	run(&chaos, now_ms() + 1000 * (int64_t)atoi(argv[2]));
	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		printf("%8lu %s\n", chaos.made[kind], kind_names[kind]);
		all = all && chaos.made[kind] > 0;
	}
	return all ? 0 : 1;
}
