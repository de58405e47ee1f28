/*
 * target: the static program that the benchmark starts under each init. Its verb says what it does;
 * what it has to tell goes to descriptor 3, records of eight bytes.
 *
 *   exit        ends
 *   idle        tells that it runs, and waits
 *   signal      tells that it runs, then at each USR1 the time (CLOCK_MONOTONIC, ns) it got it
 *   service     tells the socket $BENCH_SOCKET (an abstract name) the time at which it runs, and
 *               waits; also without a verb, by the name `run`, as s6 and runit start a service
 *   orphans N   has N processes end without their parent, and tells the ns until the last is reaped
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REPORT = 3, FAILED = 70 };

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void tell(int64_t value)
{
	if (write(REPORT, &value, sizeof(value)) != (ssize_t)sizeof(value))
		_exit(FAILED);
}

static int idle(void)
{
	tell(0);
	/* A signal with a handler would end it; there is none. */
	return pause() == 0 ? 0 : FAILED;
}

static int serve(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *name = getenv("BENCH_SOCKET");
	int64_t time = now();
	socklen_t size;
	int fd;

	if (!name || strlen(name) > sizeof(address.sun_path) - 1)
		return FAILED;
	memcpy(address.sun_path + 1, name, strlen(name));
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, &time, sizeof(time), 0, (const struct sockaddr *)&address, size) !=
			      (ssize_t)sizeof(time))
		return FAILED;
	close(fd);
	return pause() == 0 ? 0 : FAILED;
}

static int answer_signals(void)
{
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	tell(0);
	while (sigwait(&set, &number) == 0)
		tell(now());
	return FAILED;
}

/* Makes the dead of one process group, whose parent then ends without having waited. */
static void make_dead(int count, int go, int made)
{
	pid_t last = 0;
	char byte;

	setpgid(0, 0);
	for (int i = 0; i < count; i++) {
		last = fork();
		if (last == 0)
			_exit(0);
		if (last < 0)
			_exit(FAILED);
	}
	/* All are dead when the last is: WNOWAIT leaves it as it is. */
	for (siginfo_t info; waitid(P_PID, (id_t)last, &info, WEXITED | WNOWAIT) != 0;) {
		if (errno != EINTR)
			_exit(FAILED);
	}
	if (write(made, &last, sizeof(last)) != (ssize_t)sizeof(last) || read(go, &byte, 1) < 0)
		_exit(FAILED);
	_exit(0);
}

/*
 * The time between the end of their parent, which makes them the init's, and the end of the last.
 * An init waits for its children in the order in which it got them.
 */
static int orphans(int count)
{
	const struct timespec pause = {.tv_nsec = 20000};
	int go[2], made[2], status;
	int64_t start;
	pid_t parent, last;

	if (count < 1 || pipe(go) != 0 || pipe(made) != 0)
		return FAILED;
	parent = fork();
	if (parent == 0) {
		close(go[1]);
		make_dead(count, go[0], made[1]);
	}
	close(made[1]);
	if (parent < 0 || read(made[0], &last, sizeof(last)) != (ssize_t)sizeof(last))
		return FAILED;
	start = now();
	close(go[1]);
	if (waitpid(parent, &status, 0) != parent || status != 0)
		return FAILED;
	while (kill(last, 0) == 0 || kill(-parent, 0) == 0)
		nanosleep(&pause, NULL);
	tell(now() - start);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;

	if (argc > 0 && strcmp(slash ? slash + 1 : argv[0], "run") == 0)
		return serve();
	if (strcmp(verb, "exit") == 0)
		return 0;
	if (strcmp(verb, "idle") == 0)
		return idle();
	if (strcmp(verb, "service") == 0)
		return serve();
	if (strcmp(verb, "signal") == 0)
		return answer_signals();
	if (strcmp(verb, "orphans") == 0)
		return orphans(argc > 2 ? atoi(argv[2]) : 0);
	return 64;
}
