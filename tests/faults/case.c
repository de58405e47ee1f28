#include "faults/case.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "faults/served.h"
#include "faults/world.h"

enum {
	LIMIT_MS = 20000,
	/* Where the process keeps what is not husk's. */
	KEPT_LEAST = 40,
	WORDS = 9,
};

static const char *program;
static int output = -1; /* a file */
static struct {
	int listener;
	int peer;
	char url[64];
} server = {-1, -1, ""};

/* The process's end of things; the test's are closed in it. */
struct ends {
	int errors[2];
	int life[2]; /* open as long as any process of the case lives */
	int terminal[2];
};

static int open_server(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(server.listener, (struct sockaddr *)&address, size) < 0 ||
		getsockname(server.listener, (struct sockaddr *)&address, &size) < 0 ||
		listen(server.listener, 8) < 0)
		return -1;
	(void)snprintf(
		server.url, sizeof(server.url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
	return 0;
}

/* Without having heard the question. What it answers is read before its end is seen, and until the
 * next one comes it does not close what it may not have read. */
static void serve(void)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\n\r\nbody";
	int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (server.peer >= 0)
		(void)close(server.peer);
	server.peer = fd;
	(void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
}

int case_init(const char *child)
{
	program = child;
	if (open_server() < 0)
		return -1;
	/* What husk leaves comes to us, and is seen. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || inject_init() < 0)
		return -1;
	output = open(world_path("output"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return output < 0 ? -1 : 0;
}

static const char *resolve(const char *word)
{
	if (word[0] != '@')
		return word;
	if (strcmp(word, "@HTTP") == 0)
		return server.url;
	return strcmp(word, "@CHILD") == 0 ? program : world_path(word + 1);
}

static void close_both(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

static int open_terminal(int fds[2])
{
	char *name;

	fds[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fds[0] < 0 || grantpt(fds[0]) < 0 || unlockpt(fds[0]) < 0 ||
		(name = ptsname(fds[0])) == NULL)
		return -1;
	fds[1] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return fds[1] < 0 ? -1 : 0;
}

static int open_ends(const struct scene *scene, struct ends *ends)
{
	*ends = (struct ends){{-1, -1}, {-1, -1}, {-1, -1}};
	if (scene->errors == ERRORS_SOCKET
			? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends->errors) < 0
			: pipe2(ends->errors, O_CLOEXEC) < 0)
		return -1;
	if (pipe2(ends->life, O_CLOEXEC) < 0)
		return -1;
	return scene->terminal ? open_terminal(ends->terminal) : 0;
}

static void set_environment(const struct scene *scene)
{
	static char password[600];

	(void)clearenv();
	(void)snprintf(password, sizeof(password), "PASSWORD_FILE=%s", world_path("password"));
	(void)putenv(password);
	(void)setenv("VERSION", "new", 1);
	(void)setenv("GONE", "1", 1);
	(void)setenv("JVM_OPTS", "-Xmx1g '-Dx=y z'", 1);
	for (size_t i = 0; i < 4 && scene->environment[i] != NULL; i++)
		(void)putenv((char *)(uintptr_t)scene->environment[i]);
}

/* A session of its own: what husk does to its group and terminal reaches no test. */
static void become_case(const struct scene *scene, struct ends *ends)
{
	struct sigaction action = {.sa_handler = scene->child_ignored ? SIG_IGN : SIG_DFL};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	(void)setsid();
	(void)sigaction(SIGCHLD, &action, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (scene->terminal)
		(void)ioctl(ends->terminal[1], TIOCSCTTY, 0);
	if (dup2(scene->terminal ? ends->terminal[1] : null, 0) < 0 || dup2(output, 1) < 0 ||
		dup2(ends->errors[1], 2) < 0 || fcntl(ends->life[1], F_DUPFD, KEPT_LEAST) < 0)
		_exit(250);
	close_both(ends->errors);
	close_both(ends->life);
	close_both(ends->terminal);
	(void)close(null);
	if (scene->closed) {
		(void)close(0);
		(void)close(1);
	}
	(void)umask(022);
	set_environment(scene);
	log_init("husk");
}

/* In the process of the case: does not return. */
static void run_husk(const struct scene *scene, const struct fault *fault)
{
	char *words[WORDS + 1] = {NULL};
	int count = 0;
	int status;

	for (; count < WORDS && scene->words[count] != NULL; count++)
		words[count] = strdup(resolve(scene->words[count]));
	inject_begin(fault, scene->given);
	status = husk_main(count, words);
	inject_end();
	_exit(status);
}

struct run {
	const struct scene *scene;
	const struct fault *fault;
};

static void run_client(void *arg)
{
	const struct run *run = arg;

	run_husk(run->scene, run->fault);
}

/* PID 1 of a namespace of its own, where /run is nobody else's. */
static void isolate(void)
{
	int status, user = geteuid() == 0 ? 0 : CLONE_NEWUSER;
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS | user) < 0 ||
		mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0)
		_exit(245);
	pid = fork();
	if (pid < 0)
		_exit(246);
	if (pid > 0) {
		(void)close(2);
		(void)close_range(KEPT_LEAST, ~0U, 0);
		/* Whoever ends us ends all of it. */
		if (waitpid(pid, &status, 0) != pid)
			_exit(247);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 248);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static void run_case(const struct scene *scene, const struct fault *fault)
{
	struct run run = {scene, fault};

	if (scene->init || scene->served)
		isolate();
	if (scene->served)
		served_run(run_client, &run, KEPT_LEAST);
	run_husk(scene, fault);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads until nobody can write any more; false where the time was over. */
static bool listen_to(struct ends *ends, struct outcome *outcome)
{
	struct pollfd fds[4] = {{ends->errors[0], POLLIN, 0}, {ends->life[0], POLLIN, 0},
		{ends->terminal[0], POLLIN, 0}, {server.listener, POLLIN, 0}};
	int64_t end = now_ms() + LIMIT_MS;
	char other[512];
	size_t len = 0;

	while (fds[1].fd >= 0 || fds[0].fd >= 0) {
		int64_t left = end - now_ms();

		if (left <= 0)
			return false;
		(void)poll(fds, 4, (int)left);
		if (fds[0].revents != 0) {
			ssize_t got = read(fds[0].fd,
				len < sizeof(outcome->text) - 1 ? outcome->text + len : other,
				len < sizeof(outcome->text) - 1 ? sizeof(outcome->text) - 1 - len
								: sizeof(other));
			if (got <= 0)
				fds[0].fd = -1;
			else if (len < sizeof(outcome->text) - 1)
				len += (size_t)got;
		}
		if (fds[1].revents != 0)
			fds[1].fd = -1;
		/* What it writes to its terminal is not looked at. */
		if (fds[2].revents != 0 && read(fds[2].fd, other, sizeof(other)) <= 0)
			fds[2].fd = -1;
		if (fds[3].revents != 0)
			serve();
		outcome->text[len] = '\0';
	}
	return true;
}

/* The children of this process, one at a time, until there are none. */
static void kill_rest(void)
{
	char path[64];
	int pid;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	while (waitpid(-1, NULL, WNOHANG) >= 0) {
		FILE *file = fopen(path, "re");

		if (file == NULL || fscanf(file, "%d", &pid) != 1)
			pid = 0;
		if (file != NULL)
			(void)fclose(file);
		if (pid > 0)
			(void)kill(pid, SIGKILL);
	}
}

void case_run(const struct scene *scene, const struct fault *fault, struct outcome *outcome)
{
	struct ends ends;
	pid_t pid;

	*outcome = (struct outcome){.status = -1};
	memset(inject_shared->count, 0, sizeof(inject_shared->count));
	inject_shared->program = (struct program){0};
	inject_shared->hit = inject_shared->ended = inject_shared->child = false;
	inject_shared->forks = 0;
	if (scene->renders)
		world_reset(scene->fresh);
	if (world_grow() < 0 || open_ends(scene, &ends) < 0 || ftruncate(output, 0) < 0)
		abort();
	(void)lseek(output, 0, SEEK_SET);
	(void)fflush(NULL);
	/* A machine that has no process left for us for a moment is not what is tested. */
	do
		pid = fork();
	while (pid < 0 && errno == EAGAIN && poll(NULL, 0, 20) == 0);
	if (pid < 0)
		abort();
	if (pid == 0) {
		become_case(scene, &ends);
		run_case(scene, fault);
	}
	(void)close(ends.errors[1]);
	(void)close(ends.life[1]);
	ends.errors[1] = ends.life[1] = -1;
	if (ends.terminal[1] >= 0)
		(void)close(ends.terminal[1]);
	ends.terminal[1] = -1;
	if (scene->errors == ERRORS_NO_READER) {
		(void)close(ends.errors[0]);
		ends.errors[0] = -1;
	}
	outcome->late = !listen_to(&ends, outcome);
	if (outcome->late)
		(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &outcome->status, 0);
	kill_rest();
	close_both(ends.errors);
	close_both(ends.life);
	close_both(ends.terminal);
	outcome->output = (long)lseek(output, 0, SEEK_END);
}
