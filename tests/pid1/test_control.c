/* husk's own commands, run beside a husk that is PID 1, in its namespaces, as `docker exec` does.
 */
#include "pid1/pid1.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "init/ctlproto.h"

static char config[256];
static char binary[PATH_MAX]; /* setns leaves the working directory */

static void write_config(const char *services)
{
	int fd;

	(void)unit_path(config, sizeof(config), "husk-control-XXXXXX");
	fd = mkstemp(config);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "version: 1\nservices:\n%s", services) > 0);
	close(fd);
}

/* "CHILD" in the text is the testchild. */
static void start(struct pid1 *pid1, const struct pid1_options *options, const char *services)
{
	char text[8192];
	size_t len = 0;

	for (const char *p = services; *p; p++) {
		if (strncmp(p, "CHILD", 5) == 0) {
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", pid1_child());
			p += 4;
		} else {
			text[len++] = *p;
		}
		assert_true(len < sizeof(text) - 1);
	}
	text[len] = '\0';
	write_config(text);
	pid1_start(pid1, options, WORDS("-c", config));
}

static void finish(struct pid1 *pid1, int status)
{
	pid1_kill(pid1, SIGTERM);
	assert_int_equal(pid1_end(pid1), status);
}

static int set_up(void **state)
{
	(void)snprintf(binary, sizeof(binary), "%s", pid1_husk());
	return pid1_set_up(state);
}

static int tear_down(void **state)
{
	if (config[0] != '\0')
		(void)unlink(config);
	config[0] = '\0';
	return pid1_tear_down(state);
}

/* ---- beside PID 1 ---- */

static bool enter(pid_t pid, const char *name, int kind)
{
	char path[64];
	int fd;
	bool entered;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	entered = fd >= 0 && setns(fd, kind) == 0;
	close(fd);
	return entered;
}

struct beside {
	pid_t pid;
	int out;
};

/* `work` in a process of husk's namespaces; what it writes on 1 and 2 comes out of `out`. */
static struct beside begin_beside(
	const struct pid1 *pid1, void (*work)(const void *arg), const void *arg)
{
	struct beside beside;
	int fds[2], status;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	beside.pid = fork();
	assert_true(beside.pid >= 0);
	if (beside.pid == 0) {
		pid_t pid;

		if ((geteuid() != 0 && !enter(pid1->pid, "user", CLONE_NEWUSER)) ||
			!enter(pid1->pid, "pid", CLONE_NEWPID) ||
			!enter(pid1->pid, "mnt", CLONE_NEWNS))
			_exit(250);
		pid = fork();
		if (pid == 0) {
			if (dup2(fds[1], 1) < 0 || dup2(fds[1], 2) < 0)
				_exit(251);
			work(arg);
			_exit(0);
		}
		close(fds[1]);
		/* Whoever ends us means our child. */
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			_exit(252);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
	close(fds[1]);
	beside.out = fds[0];
	return beside;
}

static char output[65536];

static int end_beside(struct beside *beside)
{
	size_t len = 0;
	ssize_t size;
	int status;

	while ((size = read(beside->out, output + len, sizeof(output) - 1 - len)) > 0)
		len += (size_t)size;
	output[len] = '\0';
	close(beside->out);
	assert_int_equal(waitpid(beside->pid, &status, 0), beside->pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) >= 200)
		fail_msg("beside PID 1: %d: %s", WEXITSTATUS(status), output);
	return WEXITSTATUS(status);
}

static void run_husk(const void *arg)
{
	const char *const *words = arg;
	const char *argv[16] = {"husk"};
	char **writable;

	for (size_t i = 0; words[i]; i++)
		argv[i + 1] = words[i];
	memcpy(&writable, &(const char *const *){argv}, sizeof(writable));
	execve(binary, writable, (char *[]){NULL});
	_exit(253);
}

/* The exit status; what it said is in `output`. */
static int husk(const struct pid1 *pid1, const char *const *words)
{
	struct beside beside = begin_beside(pid1, run_husk, words);

	return end_beside(&beside);
}

/* Until husk's status is that: nothing is looked for longer than any machine needs. */
static void await_text(const struct pid1 *pid1, int status, const char *says)
{
	for (int i = 0; i < PID1_PATIENCE * 100; i++) {
		if (husk(pid1, WORDS("status")) == status && strstr(output, says))
			return;
		usleep(10000);
	}
	fail_msg("the status is never %d, \"%s\":\n%s", status, says, output);
}

static void await_status(const struct pid1 *pid1, int status)
{
	await_text(pid1, status, "");
}

static void expect(const struct pid1 *pid1, const char *const *words, int status, const char *says)
{
	int got = husk(pid1, words);

	if (got != status || !strstr(output, says))
		fail_msg("husk %s %s: status %d, \"%s\"", words[0], words[1] ? words[1] : "", got,
			output);
}

/* The pid that the service's row of the table has; 0: none. */
static int pid_of(const struct pid1 *pid1, const char *name)
{
	char row[80], state[32];
	int pid = 0;

	assert_true(husk(pid1, WORDS("status", name)) <= 1);
	(void)snprintf(row, sizeof(row), "\n%s ", name);
	assert_non_null(strstr(output, row));
	(void)sscanf(strstr(output, row) + strlen(row), "%31s %d", state, &pid);
	return pid;
}

#define APP "  app: {command: [CHILD, pause], stop: {signal: KILL}}\n"

/* ---- tests ---- */

static void test_status_tells_each_service(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL,
		APP "  job: {command: [CHILD, exit-n, '0'], oneshot: true}\n"
		    "  tick: {command: [CHILD, exit-n, '1'], every: 1h}\n"
		    "  long-name: {command: [CHILD, pause], after: [job], stop: {signal: KILL}}\n");
	await_text(pid1, 0, "exited with status 1; next run in 59m");
	assert_non_null(strstr(output, "NAME       STATE    PID "));
	assert_non_null(strstr(output, "\napp        running "));
	assert_non_null(strstr(output, "\njob        done     -"));
	assert_non_null(strstr(output, "exited with status 0\n"));
	/* In the order that was asked for. */
	expect(pid1, WORDS("status", "long-name", "app"), 0, "\nlong-name  running ");
	assert_null(strstr(output, "job"));
	assert_true(strstr(output, "\napp ") > strstr(output, "\nlong-name "));
	expect(pid1, WORDS("status", "--json"), 0, "{\"phase\":\"up\",");
	assert_non_null(strstr(output, "{\"name\":\"job\",\"state\":\"done\",\"ready\":true,"));
	expect(pid1, WORDS("status", "--metrics"), 0,
		"husk_service_state{service=\"app\",husk_service_state=\"running\"} 1\n");
	assert_non_null(strstr(output, "husk_service_processes{service=\"app\"} 1\n"));
	assert_string_equal(output + strlen(output) - 6, "# EOF\n");
	finish(pid1, 0);
}

static void test_stop_and_start_wait_until_it_is_so(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL, APP "  other: {command: [CHILD, pause], stop: {signal: KILL}}\n");
	await_status(pid1, 0);
	expect(pid1, WORDS("stop", "app"), 0, "");
	assert_string_equal(output, "");
	assert_int_equal(pid_of(pid1, "app"), 0);
	expect(pid1, WORDS("status"), 1, "\napp    down ");
	assert_non_null(strstr(output, "stopped by a command (process "));
	expect(pid1, WORDS("stop", "app"), 0, "");
	expect(pid1, WORDS("start", "app"), 0, "");
	assert_true(pid_of(pid1, "app") > 1);
	/* Nothing is left to run, and the container goes on. */
	expect(pid1, WORDS("stop", "--all"), 0, "");
	assert_int_equal(pid_of(pid1, "app"), 0);
	assert_int_equal(pid_of(pid1, "other"), 0);
	expect(pid1, WORDS("start"), 0, "");
	expect(pid1, WORDS("status"), 0, "");
	finish(pid1, 0);
}

static void test_restart_makes_another_process(void **state)
{
	struct pid1 *pid1 = *state;
	int before, after;

	start(pid1, NULL, APP "  job: {command: [CHILD, exit-n, '0'], oneshot: true}\n");
	await_status(pid1, 0);
	before = pid_of(pid1, "app");
	expect(pid1, WORDS("restart", "app"), 0, "");
	after = pid_of(pid1, "app");
	assert_true(before > 1 && after > 1 && before != after);
	expect(pid1, WORDS("restart", "--all"), 0, "");
	assert_int_not_equal(pid_of(pid1, "app"), after);
	/* What is down is left alone. */
	expect(pid1, WORDS("stop", "app"), 0, "");
	expect(pid1, WORDS("restart", "--all"), 0, "");
	assert_int_equal(pid_of(pid1, "app"), 0);
	finish(pid1, 0);
}

static void test_start_that_fails_says_why(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL,
		APP "  bad: {command: [CHILD, exit-n, '3'],\n"
		    "    restart: {on: failure, delay: 1h, limit: 100 in 1s}}\n");
	await_text(pid1, 1, "backoff");
	expect(pid1, WORDS("start", "bad"), 1, "bad: backoff: exited with status 3");
	expect(pid1, WORDS("restart", "bad"), 1, "bad: backoff: exited with status 3");
	expect(pid1, WORDS("status", "bad"), 1, "started again in ");
	finish(pid1, 0);
}

/* What another client has had started meanwhile is not waited for. */
static void test_stop_that_is_taken_back_is_told(void **state)
{
	struct pid1 *pid1 = *state;
	struct beside stop;

	start(pid1, NULL,
		"  app: {command: [CHILD, ignore-term], stop: {timeout: 9m}}\n"
		"  other: {command: [CHILD, pause], stop: {signal: KILL}}\n");
	await_status(pid1, 0);
	pid1_expect(pid1, "ready");
	pid1_expect(pid1, "ready");
	stop = begin_beside(pid1, run_husk, WORDS("stop", "app", "--timeout", "1h"));
	await_text(pid1, 1, "stopping");
	expect(pid1, WORDS("start", "app", "--no-wait"), 0, "");
	expect(pid1, WORDS("signal", "KILL", "app"), 0, "");
	assert_int_equal(end_beside(&stop), 1);
	assert_non_null(strstr(output, "husk: app: "));
	pid1_expect(pid1, "ready");
	expect(pid1, WORDS("stop", "--no-wait", "app"), 0, "");
	expect(pid1, WORDS("signal", "KILL", "app"), 0, "");
	expect(pid1, WORDS("stop", "app"), 0, "");
	finish(pid1, 0);
}

static void test_timeout_over_is_124(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL,
		"  app: {command: [CHILD, ignore-term], stop: {timeout: 9m}}\n"
		"  other: {command: [CHILD, pause], after: [job], stop: {signal: KILL}}\n"
		"  job: {command: [CHILD, pause], oneshot: true, stop: {signal: KILL}}\n");
	pid1_expect(pid1, "ready");
	pid1_expect(pid1, "ready");
	expect(pid1, WORDS("stop", "app", "--timeout", "50ms"), 124, "stop: not done after 50ms");
	assert_non_null(strstr(output, "app: stopping"));
	expect(pid1, WORDS("stop", "--no-wait", "app"), 0, "");
	expect(pid1, WORDS("start", "--timeout=10ms", "other"), 124, "waiting: waits for job");
	expect(pid1, WORDS("signal", "KILL", "app"), 0, "");
	expect(pid1, WORDS("stop", "app"), 0, "");
	finish(pid1, 0);
}

static void test_signal_and_reload_reach_the_process(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL,
		"  app: {command: [CHILD, report-signals, '15'], reload: {signal: HUP}}\n"
		"  plain: {command: [CHILD, pause], stop: {signal: KILL}}\n");
	pid1_expect(pid1, "ready");
	pid1_expect(pid1, "ready");
	await_status(pid1, 0);
	expect(pid1, WORDS("signal", "usr1", "app"), 0, "");
	pid1_expect(pid1, "signal 10");
	expect(pid1, WORDS("signal", "RTMAX", "app"), 0, "");
	pid1_expect(pid1, "signal 64");
	expect(pid1, WORDS("reload"), 0, "");
	pid1_expect(pid1, "signal 1");
	expect(pid1, WORDS("reload", "app"), 0, "");
	pid1_expect(pid1, "signal 1");
	expect(pid1, WORDS("reload", "plain"), 1, "plain: it has no `reload` in husk.yaml");
	expect(pid1, WORDS("stop", "plain"), 0, "");
	expect(pid1, WORDS("signal", "USR1", "plain"), 1, "plain: nothing of it runs");
	expect(pid1, WORDS("signal", "USR2", "--all"), 0, "");
	pid1_expect(pid1, "signal 12");
	finish(pid1, 0);
}

static void write_template(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_refused_reload_says_why(void **state)
{
	struct pid1 *pid1 = *state;
	char from[256], to[300], services[1024];

	(void)unit_path(from, sizeof(from), "husk-template-XXXXXX");
	close(mkstemp(from));
	(void)snprintf(to, sizeof(to), "%s.out", from);
	write_template(from, "first");
	(void)snprintf(services, sizeof(services),
		"  app: {command: [CHILD, report-signals, '15'], reload: HUP}\n"
		"templates:\n- {from: %s, to: %s}\n",
		from, to);
	start(pid1, NULL, services);
	pid1_expect(pid1, "ready");
	await_status(pid1, 0);
	write_template(from, "${NOBODY:?has said it}");
	expect(pid1, WORDS("reload"), 1, "husk: reload refused: ");
	assert_non_null(strstr(output, "has said it"));
	/* The services are as they were. */
	expect(pid1, WORDS("status"), 0, "\nthe last reload, ");
	assert_non_null(strstr(output, "has said it"));
	expect(pid1, WORDS("status", "--json"), 0, "\"reloads\":0,\"reload_failures\":1,");
	write_template(from, "second");
	expect(pid1, WORDS("reload"), 0, "");
	pid1_expect(pid1, "signal 1");
	expect(pid1, WORDS("status", "--metrics"), 0, "\nhusk_reloads_total 1\n");
	assert_non_null(strstr(output, "\nhusk_reload_failures_total 1\n"));
	expect(pid1, WORDS("status"), 0, "running");
	assert_null(strstr(output, "reload"));
	finish(pid1, 0);
	assert_int_equal(unlink(from), 0);
	assert_int_equal(unlink(to), 0);
}

/* In KiB. */
static int resident(const struct pid1 *pid1)
{
	char path[64], line[256];
	int size = -1;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid1->pid);
	file = fopen(path, "re");
	while (file && size < 0 && fgets(line, sizeof(line), file))
		(void)sscanf(line, "Rss: %d", &size);
	if (file)
		(void)fclose(file);
	return size;
}

static void await_resident(const struct pid1 *pid1, int most)
{
	for (int i = 0; resident(pid1) > most; i++) {
		if (i == PID1_PATIENCE * 100)
			fail_msg("%d KiB", resident(pid1));
		usleep(10000);
	}
}

/* What an answer takes is given back, so that who looks often pays for it, and nobody else. */
static void test_memory_of_an_answer_given_back(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL, APP);
	await_status(pid1, 0);
	await_resident(pid1, 160);
	expect(pid1, WORDS("status"), 0, "running");
	await_resident(pid1, 160);
	finish(pid1, 137);
}

static void test_wrong_words_are_64(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL, APP);
	await_status(pid1, 0);
	expect(pid1, WORDS("stop", "appp"), 64, "no service \"appp\" (did you mean app?)");
	expect(pid1, WORDS("status", "ap"), 64, "no service \"ap\" (did you mean app?)");
	expect(pid1, WORDS("stop"), 64, "stop needs a SERVICE, or --all");
	expect(pid1, WORDS("restart"), 64, "restart needs a SERVICE, or --all");
	expect(pid1, WORDS("stop", "--all", "app"), 64, "not both");
	expect(pid1, WORDS("signal"), 64, "signal needs a SIGNAL");
	expect(pid1, WORDS("signal", "USR1"), 64, "signal needs a SERVICE");
	expect(pid1, WORDS("signal", "SIGNOT", "app"), 64, "unknown signal");
	expect(pid1, WORDS("start", "--timeout", "soon"), 64, "\"soon\"");
	expect(pid1, WORDS("status", "--json", "--metrics"), 64, "not both");
	/* All names are known before anything is done. */
	expect(pid1, WORDS("stop", "app", "nobody"), 64, "nobody");
	expect(pid1, WORDS("status"), 0, "running");
	finish(pid1, 137);
}

static void test_nobody_to_ask_is_said(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, NULL, WORDS("ignore-term"));
	pid1_expect(pid1, "ready");
	expect(pid1, WORDS("status"), 1, "no husk to talk to at PID 1 (@husk/");
	assert_non_null(strstr(output, "; /run/husk/control: "));
	expect(pid1, WORDS("stop", "app"), 1, "no husk to talk to");
	pid1_kill(pid1, SIGKILL);
	assert_int_equal(pid1_end(pid1), 137);
}

/* ---- others ---- */

static void set_address(struct ctl_address *address, pid_t pid)
{
	char path[64], *name = address->address.sun_path + 1;
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	assert_int_equal(stat(path, &st), 0);
	*address = (struct ctl_address){.address.sun_family = AF_UNIX};
	(void)snprintf(name, 64, "husk/%llu", (unsigned long long)st.st_ino);
	address->size = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
}

static int connected(const struct ctl_address *address)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address->address,
			       (socklen_t)address->size) == 0)
		return fd;
	close(fd);
	return -1;
}

/* It shares the network namespace, as a container with host networking does. */
static void test_other_pid_namespace_is_refused(void **state)
{
	static const struct ctl_request request = {
		.magic = CTL_MAGIC, .command = CTL_STOP, .service = "app"};
	struct pid1 *pid1 = *state;
	struct ctl_address address;
	char byte;
	int fd;

	start(pid1, NULL, APP);
	await_status(pid1, 0);
	set_address(&address, pid1->pid);
	fd = connected(&address);
	assert_true(fd >= 0);
	(void)send(fd, &request, sizeof(request), MSG_NOSIGNAL);
	assert_true(recv(fd, &byte, 1, 0) <= 0);
	close(fd);
	expect(pid1, WORDS("status"), 0, "running");
	finish(pid1, 137);
}

static void ask_as_nobody(const void *arg)
{
	if (setgid(65534) != 0 || setuid(65534) != 0)
		_exit(254);
	run_husk(arg);
}

static void test_other_user_is_refused(void **state)
{
	struct pid1 *pid1 = *state;
	struct beside beside;

	if (geteuid() != 0)
		skip();
	start(pid1, NULL, APP);
	await_status(pid1, 0);
	beside = begin_beside(pid1, ask_as_nobody, WORDS("stop", "app"));
	assert_int_equal(end_beside(&beside), 1);
	assert_non_null(strstr(output, "not permitted: only root and husk's own user (uid 0)"));
	expect(pid1, WORDS("status"), 0, "running");
	finish(pid1, 137);
}

enum { STALLED = 100 };

/* Says so, and stays until it is ended. */
static void stall(const void *arg)
{
	static const struct ctl_request request = {.magic = CTL_MAGIC};
	const struct ctl_address *address = arg;

	for (int i = 0; i < STALLED; i++) {
		int fd = connected(address);

		if (fd < 0)
			_exit(254);
		/* Some ask, and do not listen. */
		if (i % 3 == 0 && send(fd, &request, sizeof(request), MSG_NOSIGNAL) < 0)
			_exit(254);
	}
	(void)!write(1, "x", 1);
	pause();
}

static void test_stalled_clients_cost_nothing(void **state)
{
	struct pid1 *pid1 = *state;
	struct ctl_address address;
	struct beside stalled;
	pid_t child;
	int before;
	char byte;

	start(pid1, NULL, APP);
	await_status(pid1, 0);
	set_address(&address, pid1->pid);
	before = pid1_count_descriptors(pid1->pid);
	stalled = begin_beside(pid1, stall, &address);
	assert_int_equal(read(stalled.out, &byte, 1), 1);
	for (int i = 0; i < 10; i++)
		expect(pid1, WORDS("status"), 0, "running");
	assert_true(pid1_count_descriptors(pid1->pid) <= before + 32);
	expect(pid1, WORDS("restart", "app"), 0, "");
	child = pid1_await_child(stalled.pid);
	kill(child, SIGKILL);
	assert_int_equal(end_beside(&stalled), 137);
	for (int i = 0; pid1_count_descriptors(pid1->pid) > before; i++) {
		assert_true(i < PID1_PATIENCE * 1000);
		usleep(1000);
	}
	finish(pid1, 137);
}

static void talk_nonsense(const void *arg)
{
	static char garbage[70000];
	const struct ctl_address *address = arg;

	memset(garbage, 0x68, sizeof(garbage));
	for (size_t i = 0; i < 200; i++) {
		int fd = connected(address);
		struct ctl_request request = {.magic = CTL_MAGIC, .command = (uint8_t)i};

		if (fd < 0)
			_exit(254);
		memset(request.service, (int)i, sizeof(request.service));
		(void)send(fd, &request, sizeof(request), MSG_NOSIGNAL);
		(void)send(fd, garbage, i * 350, MSG_NOSIGNAL);
		close(fd);
	}
}

static void test_garbage_changes_nothing(void **state)
{
	struct pid1 *pid1 = *state;
	struct ctl_address address;
	struct beside beside;
	int pid;

	start(pid1, NULL, APP);
	await_status(pid1, 0);
	pid = pid_of(pid1, "app");
	set_address(&address, pid1->pid);
	beside = begin_beside(pid1, talk_nonsense, &address);
	assert_int_equal(end_beside(&beside), 0);
	expect(pid1, WORDS("status"), 0, "running");
	assert_int_equal(pid_of(pid1, "app"), pid);
	finish(pid1, 137);
}

/* Before husk is there, somebody else has its name; it is then husk's child, as any orphan. */
static void take_name(void *arg)
{
	struct ctl_address address;
	int fd, fds[2];
	char byte;

	(void)arg;
	if (pipe(fds) != 0)
		_exit(219);
	if (mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") != 0)
		_exit(220);
	set_address(&address, getpid());
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (bind(fd, (const struct sockaddr *)&address.address, (socklen_t)address.size) != 0)
		_exit(221);
	switch (fork()) {
	case -1:
		_exit(223);
	case 0:
		for (int i = 0; i < 3; i++)
			close(i);
		/* It is the one who listens that the kernel tells of. */
		if (listen(fd, 10) != 0 || write(fds[1], "x", 1) != 1)
			_exit(224);
		pause();
		_exit(0);
	default:
		if (read(fds[0], &byte, 1) != 1)
			_exit(225);
	}
}

static void test_name_taken_path_used(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, &(struct pid1_options){.prepare = take_name}, APP);
	await_status(pid1, 0);
	expect(pid1, WORDS("restart", "app"), 0, "");
	finish(pid1, 137);
	assert_non_null(strstr(pid1->errors, "husk: warning: the control socket's name, @husk/"));
	assert_non_null(strstr(pid1->errors, "Address in use"));
	assert_null(strstr(pid1->errors, "no control socket"));
}

/* A folder of that name that others may look into is not husk's. */
static void take_both(void *arg)
{
	take_name(arg);
	if (mkdir("/run/husk", 0755) != 0)
		_exit(222);
}

static void test_name_and_path_taken_runs_without(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, &(struct pid1_options){.prepare = take_both},
		"  app: {command: [CHILD, ignore-term], stop: {signal: KILL}}\n");
	pid1_expect(pid1, "ready");
	expect(pid1, WORDS("status"), 1, "held by process 2, which is not PID 1; ");
	finish(pid1, 137);
	assert_non_null(strstr(pid1->errors, "no control socket, also not /run/husk/control: "));
}

static void test_container_being_stopped_is_said(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL, "  app: {command: [CHILD, ignore-term], stop: {timeout: 5s}}\n");
	pid1_expect(pid1, "ready");
	await_status(pid1, 0);
	pid1_kill(pid1, SIGTERM);
	await_status(pid1, 1);
	assert_non_null(strstr(output, "the container is being stopped (halting)"));
	expect(pid1, WORDS("restart", "app"), 1, "app: the container is being stopped");
	/* Its own end may come before its word, as everybody's then. */
	(void)husk(pid1, WORDS("signal", "KILL", "app"));
	assert_int_equal(pid1_end(pid1), 137);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_status_tells_each_service),
		TEST(test_stop_and_start_wait_until_it_is_so),
		TEST(test_restart_makes_another_process),
		TEST(test_start_that_fails_says_why),
		TEST(test_stop_that_is_taken_back_is_told),
		TEST(test_timeout_over_is_124),
		TEST(test_signal_and_reload_reach_the_process),
		TEST(test_refused_reload_says_why),
		TEST(test_memory_of_an_answer_given_back),
		TEST(test_wrong_words_are_64),
		TEST(test_nobody_to_ask_is_said),
		TEST(test_other_pid_namespace_is_refused),
		TEST(test_other_user_is_refused),
		TEST(test_stalled_clients_cost_nothing),
		TEST(test_garbage_changes_nothing),
		TEST(test_name_taken_path_used),
		TEST(test_name_and_path_taken_runs_without),
		TEST(test_container_being_stopped_is_said),
#undef TEST
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
