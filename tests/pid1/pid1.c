#include "pid1/pid1.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A service may have another working directory. */
static const char *absolute(const char *variable, const char *otherwise, char path[PATH_MAX])
{
	const char *given = getenv(variable);

	if (given)
		return given;
	return realpath(otherwise, path) ? path : otherwise;
}

const char *pid1_husk(void)
{
	static char path[PATH_MAX];

	return absolute("HUSK", "build/husk", path);
}

const char *pid1_child(void)
{
	static char path[PATH_MAX];

	return absolute("TESTCHILD", "build/test/testchild", path);
}

int pid1_count_descriptors(pid_t pid)
{
	char path[64];
	DIR *dir;
	int count = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

int pid1_set_up(void **state)
{
	struct pid1 *pid1 = calloc(1, sizeof(*pid1));

	if (!pid1)
		return -1;
	/* What a husk that is not PID 1 leaves behind comes to us. */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid1->in = pid1->out = pid1->err = pid1->terminal = pid1->slave = -1;
	pid1->descriptors = pid1_count_descriptors(getpid());
	*state = pid1;
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_all(struct pid1 *pid1)
{
	close_fd(&pid1->in);
	close_fd(&pid1->out);
	close_fd(&pid1->err);
	close_fd(&pid1->terminal);
	close_fd(&pid1->slave);
}

static void remove_config(struct pid1 *pid1)
{
	if (pid1->config[0] != '\0')
		(void)unlink(pid1->config);
	pid1->config[0] = '\0';
}

int pid1_tear_down(void **state)
{
	struct pid1 *pid1 = *state;
	int left = 0, descriptors, before = pid1->descriptors;
	pid_t pid;

	if (pid1->pid > 0) {
		kill(pid1->pid, SIGKILL);
		waitpid(pid1->pid, NULL, 0);
	}
	close_all(pid1);
	remove_config(pid1);
	free(pid1);
	while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) >= 0) {
		left++;
		if (pid == 0) {
			pid_t child = pid1_child_of(getpid());
			/* kill(0) would be our own group. */
			if (child > 0) {
				kill(child, SIGKILL);
				waitpid(child, NULL, 0);
			}
		}
	}
	descriptors = pid1_count_descriptors(getpid());
	if (left > 0 || descriptors != before)
		print_error("%d processes left, %d descriptors before and %d after\n", left, before,
			descriptors);
	return left > 0 || descriptors != before ? -1 : 0;
}

/* Everything up to the exec runs in the child: its failures are exit statuses from 200 on. */
static void must(int ok, int status)
{
	if (!ok)
		_exit(status);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), 200);
	close(fd);
}

static void map_user(uid_t uid, gid_t gid)
{
	char text[64];

	write_file("/proc/self/setgroups", "deny");
	(void)snprintf(text, sizeof(text), "0 %u 1", (unsigned)uid);
	write_file("/proc/self/uid_map", text);
	(void)snprintf(text, sizeof(text), "0 %u 1", (unsigned)gid);
	write_file("/proc/self/gid_map", text);
}

/* The C library refuses 32 to 34. */
static void set_signals(const struct pid1_options *options)
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		uint64_t mask;
	} action = {.handler = SIG_DFL};

	for (int n = 1; n <= 64; n++) {
		action.handler = options->ignored >> (n - 1) & 1 ? SIG_IGN : SIG_DFL;
		if (n != SIGKILL && n != SIGSTOP)
			must(syscall(SYS_rt_sigaction, n, &action, NULL, sizeof(uint64_t)) == 0,
				201);
	}
	must(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &options->blocked, NULL, sizeof(uint64_t)) ==
			0,
		202);
}

static void take_terminal(int slave)
{
	must(setsid() >= 0, 203);
	must(ioctl(slave, TIOCSCTTY, 0) == 0, 204);
}

static void become(const struct pid1_options *options, const char *const *argv, const int fds[3],
	uid_t uid, gid_t gid)
{
	static const char *const plain[] = {"PATH=/usr/bin:/bin", NULL};
	const char *const *environment = options->environment ? options->environment : plain;
	char **words;

	if (!options->same_namespace) {
		if (uid != 0)
			map_user(uid, gid);
		must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, 205);
		must(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0,
			206);
	}
	if (options->prepare)
		options->prepare(options->prepare_arg);
	if (options->terminal)
		take_terminal(fds[0]);
	for (int fd = 0; fd <= 2; fd++)
		must(dup2(fds[fd], fd) == fd, 207);
	/* Whatever the test was started with is not husk's. */
	must(syscall(SYS_close_range, 3U, ~0U, 0U) == 0, 208);
	for (int fd = 3; fd < 3 + options->extra; fd++)
		must(dup2(0, fd) == fd, 210);
	for (int fd = 0; fd <= 2; fd++) {
		if (options->closed >> fd & 1)
			close(fd);
	}
	set_signals(options);
	memcpy(&words, &argv, sizeof(words));
	char **variables;
	memcpy(&variables, &environment, sizeof(variables));
	execve(argv[0], words, variables);
	_exit(209);
}

static void make_pipe(int fds[2])
{
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
}

static void open_terminal(struct pid1 *pid1)
{
	char name[64];
	unsigned index;
	int unlock = 0;

	pid1->terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pid1->terminal < 0)
		skip();
	assert_int_equal(ioctl(pid1->terminal, TIOCSPTLCK, &unlock), 0);
	assert_int_equal(ioctl(pid1->terminal, TIOCGPTN, &index), 0);
	(void)snprintf(name, sizeof(name), "/dev/pts/%u", index);
	pid1->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(pid1->slave >= 0);
}

static void fill_pipe(int fd)
{
	char block[4096];
	int flags = fcntl(fd, F_GETFL);

	memset(block, 'x', sizeof(block));
	assert_int_equal(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	while (write(fd, block, 1) > 0)
		;
	assert_int_equal(fcntl(fd, F_SETFL, flags), 0);
}

/* A fork into new namespaces, which the C library has no call for. */
static pid_t start_process(const struct pid1_options *options)
{
	unsigned long flags = SIGCHLD;

	if (!options->same_namespace) {
		flags |= CLONE_NEWPID | CLONE_NEWNS;
		if (geteuid() != 0)
			flags |= CLONE_NEWUSER;
	}
	return (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
}

static void set_words(const char **argv, size_t max, const struct pid1_options *options,
	const char *const *arguments)
{
	size_t count = 0;

	if (options->shell) {
		argv[count++] = pid1_child();
		argv[count++] = "shell";
	}
	if (options->background)
		argv[count++] = "background";
	argv[count++] = pid1_husk();
	for (; *arguments; arguments++) {
		assert_true(count < max - 1);
		argv[count++] = *arguments;
	}
	argv[count] = NULL;
}

void pid1_start(struct pid1 *pid1, const struct pid1_options *options, const char *const *arguments)
{
	static const struct pid1_options none;
	const char *argv[64];
	int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
	uid_t uid = geteuid();
	gid_t gid = getegid();

	options = options ? options : &none;
	pid1->errors_len = 0;
	pid1->errors[0] = '\0';
	set_words(argv, COUNT(argv), options, arguments);
	if (options->terminal) {
		open_terminal(pid1);
	} else {
		make_pipe(in);
		make_pipe(out);
		make_pipe(err);
		if (options->full_stderr)
			fill_pipe(err[1]);
	}
	pid1->pid = start_process(options);
	if (pid1->pid == 0) {
		const int pipes[3] = {in[0], out[1], err[1]},
			  terminal[3] = {pid1->slave, pid1->slave, pid1->slave};
		become(options, argv, options->terminal ? terminal : pipes, uid, gid);
	}
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&err[1]);
	pid1->in = in[1];
	pid1->out = out[0];
	pid1->err = err[0];
	if (pid1->pid < 0 && (errno == EPERM || errno == ENOSYS || errno == EINVAL)) {
		pid1->pid = 0;
		skip();
	}
	assert_true(pid1->pid > 0);
}

void pid1_start_child(
	struct pid1 *pid1, const struct pid1_options *options, const char *const *words)
{
	const char *arguments[32] = {"--", pid1_child()};

	for (size_t i = 0; words[i]; i++) {
		assert_true(i < COUNT(arguments) - 3);
		arguments[i + 2] = words[i];
	}
	pid1_start(pid1, options, arguments);
}

static void await(int fd, short events, int64_t deadline, const char *what)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};
	int64_t left = deadline - now_ms();

	if (left < 0 || poll(&poll_fd, 1, (int)left) <= 0)
		fail_msg("%s: nothing for %d s", what, PID1_PATIENCE);
}

static bool take_line(struct pid1 *pid1)
{
	char *end = memchr(pid1->text, '\n', pid1->text_len);
	size_t len, skipped;

	if (!end)
		return false;
	len = (size_t)(end - pid1->text);
	skipped = len + 1;
	/* A terminal's line ends. */
	while (len > 0 && pid1->text[len - 1] == '\r')
		len--;
	memcpy(pid1->line, pid1->text, len);
	pid1->line[len] = '\0';
	memmove(pid1->text, pid1->text + skipped, pid1->text_len - skipped);
	pid1->text_len -= skipped;
	return true;
}

const char *pid1_line(struct pid1 *pid1)
{
	int64_t deadline = now_ms() + PID1_PATIENCE * 1000;
	int fd = pid1->terminal >= 0 ? pid1->terminal : pid1->out;

	while (!take_line(pid1)) {
		ssize_t size;

		await(fd, POLLIN, deadline, "standard output");
		assert_true(pid1->text_len < sizeof(pid1->text));
		size = read(fd, pid1->text + pid1->text_len, sizeof(pid1->text) - pid1->text_len);
		if (size <= 0)
			return NULL;
		pid1->text_len += (size_t)size;
	}
	return pid1->line;
}

void pid1_expect(struct pid1 *pid1, const char *line)
{
	const char *got = pid1_line(pid1);

	if (!got)
		fail_msg("standard output ended before \"%s\"", line);
	else
		assert_string_equal(got, line);
}

const char *pid1_find(struct pid1 *pid1, const char *text)
{
	for (;;) {
		const char *line = pid1_line(pid1), *found;

		if (!line)
			fail_msg("standard output ended before \"%s\"", text);
		else if ((found = strstr(line, text)))
			return found + strlen(text);
	}
}

void pid1_kill(const struct pid1 *pid1, int number)
{
	assert_int_equal(kill(pid1->pid, number), 0);
}

/* False at its end. */
static bool read_some_errors(struct pid1 *pid1, int64_t deadline)
{
	size_t len = pid1->errors_len;
	ssize_t size;

	await(pid1->err, POLLIN, deadline, "standard error");
	size = read(pid1->err, pid1->errors + len, sizeof(pid1->errors) - 1 - len);
	pid1->errors_len += size > 0 ? (size_t)size : 0;
	pid1->errors[pid1->errors_len] = '\0';
	return size > 0;
}

static void read_errors(struct pid1 *pid1)
{
	int64_t deadline = now_ms() + PID1_PATIENCE * 1000;

	while (pid1->err >= 0 && read_some_errors(pid1, deadline))
		;
}

void pid1_find_error(struct pid1 *pid1, const char *text)
{
	int64_t deadline = now_ms() + PID1_PATIENCE * 1000;

	while (!strstr(pid1->errors, text)) {
		if (!read_some_errors(pid1, deadline))
			fail_msg("standard error ended before \"%s\"", text);
	}
}

void pid1_configure(struct pid1 *pid1, const char *text)
{
	const char *child = pid1_child();
	int fd;

	remove_config(pid1);
	(void)unit_path(pid1->config, sizeof(pid1->config), "husk-pid1-XXXXXX");
	fd = mkstemp(pid1->config);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "version: 1\ngrace: 10h\nservices:\n") > 0);
	for (const char *at = text; *at; at++)
		assert_true(*at == '@' ? dprintf(fd, "%s", child) > 0 : write(fd, at, 1) == 1);
	close(fd);
}

void pid1_expect_both(struct pid1 *pid1, const char *one, const char *other)
{
	const char *line = pid1_line(pid1);

	assert_non_null(line);
	if (strcmp(line, one) == 0) {
		pid1_expect(pid1, other);
	} else {
		assert_string_equal(line, other);
		pid1_expect(pid1, one);
	}
}

void pid1_expect_error(const struct pid1 *pid1, const char *text)
{
	if (!strstr(pid1->errors, text))
		fail_msg("\"%s\" is not in:\n%s", text, pid1->errors);
}

int pid1_end(struct pid1 *pid1)
{
	int status = 0, pid_fd = (int)syscall(SYS_pidfd_open, pid1->pid, 0);
	struct pollfd poll_fd = {.fd = pid_fd, .events = POLLIN};
	int ready = poll(&poll_fd, 1, PID1_PATIENCE * 1000);

	close(pid_fd);
	if (ready != 1)
		fail_msg("husk does not end");
	assert_int_equal(waitpid(pid1->pid, &status, 0), pid1->pid);
	pid1->pid = 0;
	if (pid1->terminal < 0) {
		read_errors(pid1);
		while (pid1_line(pid1))
			;
	}
	close_all(pid1);
	pid1->text_len = 0;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void pid1_finish(struct pid1 *pid1, int status)
{
	int got = pid1_end(pid1);

	if (got != status)
		fail_msg("status %d, not %d:\n%s", got, status, pid1->errors);
}

/* The fields of /proc/PID/stat behind the name. */
static bool read_stat(pid_t pid, char *state, pid_t *parent)
{
	char path[64], text[512], *end = NULL;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fgets(text, sizeof(text), file))
		end = strrchr(text, ')');
	(void)fclose(file);
	return end && sscanf(end, ") %c %d", state, parent) == 2;
}

/* /proc has no event for it: short pauses, the only ones of these tests. */
static void pause_until(int64_t deadline, const char *what)
{
	if (now_ms() > deadline)
		fail_msg("%s: not so for %d s", what, PID1_PATIENCE);
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

void pid1_await_state(pid_t pid, const char *states)
{
	int64_t deadline = now_ms() + PID1_PATIENCE * 1000;
	char state;
	pid_t parent;

	while (!read_stat(pid, &state, &parent) || !strchr(states, state))
		pause_until(deadline, states);
}

pid_t pid1_child_of(pid_t parent)
{
	DIR *dir = opendir("/proc");
	pid_t found = 0;

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char state;
		pid_t pid = atoi(entry->d_name), above;

		if (pid > 0 && (found == 0 || pid < found) && read_stat(pid, &state, &above) &&
			above == parent)
			found = pid;
	}
	closedir(dir);
	return found;
}

pid_t pid1_await_child(pid_t parent)
{
	int64_t deadline = now_ms() + PID1_PATIENCE * 1000;
	pid_t child;

	while ((child = pid1_child_of(parent)) == 0)
		pause_until(deadline, "a child");
	return child;
}
