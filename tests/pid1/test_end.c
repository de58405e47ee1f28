#include "pid1/pid1.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct pid1_options as_subreaper = {.same_namespace = true};

static void test_status_of_the_program_is_husks(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, NULL, WORDS("exit-n", "0"));
	assert_int_equal(pid1_end(pid1), 0);
	assert_string_equal(pid1->errors, "");
	pid1_start_child(pid1, NULL, WORDS("exit-n", "255"));
	assert_int_equal(pid1_end(pid1), 255);
	assert_string_equal(pid1->errors, "");
	pid1_start_child(pid1, NULL, WORDS("close-fds", "42"));
	assert_int_equal(pid1_end(pid1), 42);
}

static void test_killed_by_signal_128_and_reported(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, NULL, WORDS("raise", "11"));
	assert_int_equal(pid1_end(pid1), 128 + SIGSEGV);
	assert_non_null(strstr(pid1->errors, "husk: testchild: killed by SIGSEGV"));
	pid1_start_child(pid1, NULL, WORDS("raise", "64"));
	assert_int_equal(pid1_end(pid1), 192);
	assert_non_null(strstr(pid1->errors, "killed by SIGRTMIN+30"));
}

static void test_killed_by_forwarded_signal_silent(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, NULL, WORDS("pause"));
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	assert_int_equal(pid1_end(pid1), 128 + SIGTERM);
	assert_string_equal(pid1->errors, "");
}

/* pid1_end sees that standard output, which all hold, is closed: nobody is left. */
static void test_left_behind_is_ended_by_term(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, NULL, WORDS("leave", "5"));
	assert_int_equal(pid1_end(pid1), 5);
	pid1_start_child(pid1, NULL, WORDS("leave", "6", "session"));
	assert_int_equal(pid1_end(pid1), 6);
	pid1_start_child(pid1, NULL, WORDS("leave", "7", "session", "stop"));
	assert_int_equal(pid1_end(pid1), 7);
	assert_string_equal(pid1->errors, "");
}

static void test_left_behind_ignoring_term_is_killed(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, NULL, WORDS("leave", "8", "session", "ignore"));
	assert_int_equal(pid1_end(pid1), 8);
	pid1_start_child(pid1, NULL, WORDS("leave", "9", "ignore", "stop"));
	assert_int_equal(pid1_end(pid1), 9);
}

static void test_left_behind_a_tree_is_killed(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, NULL, WORDS("tree", "5"));
	pid1_expect(pid1, "deep");
	/* TERM is ignored by the program too. */
	pid1_kill(pid1, SIGUSR1);
	assert_int_equal(pid1_end(pid1), 128 + SIGUSR1);
}

static void test_left_behind_not_pid1_is_ended(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, &as_subreaper, WORDS("leave", "5"));
	assert_int_equal(pid1_end(pid1), 5);
	pid1_start_child(pid1, &as_subreaper, WORDS("leave", "6", "session"));
	assert_int_equal(pid1_end(pid1), 6);
	pid1_start_child(pid1, &as_subreaper, WORDS("leave", "7", "session", "stop"));
	assert_int_equal(pid1_end(pid1), 7);
	pid1_start_child(pid1, &as_subreaper, WORDS("leave", "8", "session", "ignore"));
	assert_int_equal(pid1_end(pid1), 8);
	pid1_start_child(pid1, &as_subreaper, WORDS("tree", "5"));
	pid1_expect(pid1, "deep");
	pid1_kill(pid1, SIGUSR1);
	assert_int_equal(pid1_end(pid1), 128 + SIGUSR1);
}

/* Not PID 1: a process that is none of husk's survives its end. */
static void test_not_pid1_others_are_left_alone(void **state)
{
	struct pid1 *pid1 = *state;
	int fds[2], status;
	pid_t other;

	assert_int_equal(pipe(fds), 0);
	other = fork();
	if (other == 0) {
		char byte;
		close(fds[1]);
		_exit(read(fds[0], &byte, 1) == 1 ? 33 : 1);
	}
	close(fds[0]);
	pid1_start_child(pid1, &as_subreaper, WORDS("leave", "3", "ignore"));
	assert_int_equal(pid1_end(pid1), 3);
	assert_int_equal(write(fds[1], "x", 1), 1);
	close(fds[1]);
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(WEXITSTATUS(status), 33);
}

static void test_orphans_are_reaped_and_not_taken_for_the_program(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, NULL, WORDS("orphans", "10000", "11", "wait"));
	pid1_expect(pid1, "ready");
	pid1_expect(pid1, "made 10000");
	pid1_expect(pid1, "zombies 0");
	/* 0 to 2, epoll and the signal descriptor. */
	assert_int_equal(pid1_count_descriptors(pid1->pid), 5);
	assert_int_equal(write(pid1->in, "x", 1), 1);
	assert_int_equal(pid1_end(pid1), 11);
	assert_string_equal(pid1->errors, "");
}

static void test_orphans_not_pid1_are_reaped_by_the_subreaper(void **state)
{
	struct pid1 *pid1 = *state;
	char husk[32];

	pid1_start_child(pid1, &as_subreaper, WORDS("double-fork"));
	(void)snprintf(husk, sizeof(husk), "%d", (int)pid1->pid);
	assert_string_equal(pid1_find(pid1, "parent "), husk);
	pid1_kill(pid1, SIGTERM);
	assert_int_equal(pid1_end(pid1), 128 + SIGTERM);
}

/* A flood of orphans does not keep TERM waiting for its end. */
static void test_orphans_flood_term_is_forwarded(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, NULL, WORDS("orphans", "1000000"));
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	assert_int_equal(pid1_end(pid1), 128 + SIGTERM);
}

static void test_stdin_of_the_program_is_husks(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start(pid1, NULL, WORDS("--", "/bin/cat"));
	assert_int_equal(write(pid1->in, "through\n", 8), 8);
	pid1_expect(pid1, "through");
	close(pid1->in);
	pid1->in = -1;
	assert_int_equal(pid1_end(pid1), 0);
}

/* The container's file, on a /dev of its own. */
struct last_words {
	char path[256];
	int fd;
};

static void mount_termination_log(void *arg)
{
	const struct last_words *words = arg;
	int fd = -1;

	if (mount("none", "/dev", "tmpfs", MS_NOSUID, "mode=755") == 0)
		fd = open("/dev/termination-log", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || mount(words->path, "/dev/termination-log", NULL, MS_BIND, NULL) < 0)
		_exit(230);
	close(fd);
}

static void open_words(struct last_words *words)
{
	const char *folder = getenv("TMPDIR");

	(void)snprintf(
		words->path, sizeof(words->path), "%s/husk-last-XXXXXX", folder ? folder : "/tmp");
	words->fd = mkstemp(words->path);
	assert_true(words->fd >= 0);
}

static void expect_words(struct last_words *words, const char *expected)
{
	char text[4200];
	ssize_t size = pread(words->fd, text, sizeof(text) - 1, 0);

	assert_true(size >= 0 && size <= 4096);
	text[size] = '\0';
	assert_string_equal(text, expected);
	close(words->fd);
	assert_int_equal(unlink(words->path), 0);
}

static void check_last_words(
	struct pid1 *pid1, const char *const *arguments, int status, const char *expected)
{
	struct last_words words;
	const struct pid1_options options = {
		.prepare = mount_termination_log, .prepare_arg = &words};

	open_words(&words);
	pid1_start(pid1, &options, arguments);
	assert_int_equal(pid1_end(pid1), status);
	expect_words(&words, expected);
}

static void test_termination_log_holds_the_reason(void **state)
{
	const char *child = pid1_child();

	check_last_words(*state, WORDS("--", child, "exit-n", "0"), 0, "");
	check_last_words(
		*state, WORDS("--", child, "exit-n", "3"), 3, "testchild: exited with status 3");
	check_last_words(
		*state, WORDS("--", child, "raise", "6"), 134, "testchild: killed by SIGABRT");
	check_last_words(*state, WORDS("--", "/no/such/program"), 127,
		"cannot run /no/such/program: it does not exist");
	check_last_words(*state, WORDS("--no-such-option"), 64,
		"unknown option --no-such-option (known: --config, --parent-death-signal)");
	check_last_words(*state, WORDS("-c", "/no/such.yaml"), 78,
		"/no/such.yaml: cannot open: No such file or directory");
}

static void test_termination_log_says_who_asked_for_the_stop(void **state)
{
	struct pid1 *pid1 = *state;
	struct last_words words;
	const struct pid1_options options = {
		.prepare = mount_termination_log, .prepare_arg = &words};
	char config[256];
	int fd;

	(void)unit_path(config, sizeof(config), "husk-end-XXXXXX");
	fd = mkstemp(config);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "version: 1\nservices:\n  app: {command: [%s, pause]}\n",
			    pid1_child()) > 0);
	close(fd);
	open_words(&words);
	pid1_start(pid1, &options, WORDS("-c", config));
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGTERM);
	assert_int_equal(pid1_end(pid1), 128 + SIGTERM);
	assert_string_equal(pid1->errors, "");
	expect_words(&words, "app: killed by SIGTERM; the container was asked to stop by SIGTERM");
	assert_int_equal(unlink(config), 0);
}

/* The memory controller of a v1 hierarchy; where there is none, or it is not ours to use, what
 * is tested here is tested on file trees by test_cgroup alone. */
static const char memory_root[] = "/sys/fs/cgroup/memory";
static char memory_group[128];

static bool write_to(const char *folder, const char *name, const char *text)
{
	char path[256];
	int fd;
	bool ok;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool make_memory_group(void)
{
	(void)snprintf(
		memory_group, sizeof(memory_group), "%s/husk-test-%d", memory_root, (int)getpid());
	if (mkdir(memory_group, 0755) < 0)
		return false;
	if (write_to(memory_group, "memory.limit_in_bytes", "33554432"))
		return true;
	(void)rmdir(memory_group);
	return false;
}

static void join_memory_group(void *arg)
{
	(void)arg;
	if (!write_to(memory_group, "cgroup.procs", "0"))
		_exit(231);
}

static void test_out_of_memory_is_named(void **state)
{
	struct pid1 *pid1 = *state;
	const char *const environment[] = {"HUSK_LOG=debug", NULL};
	const struct pid1_options options = {
		.prepare = join_memory_group, .environment = environment};

	if (!make_memory_group())
		skip();
	pid1_start_child(pid1, &options, WORDS("take-memory", "100"));
	/* husk has noted how many kills there were. */
	pid1_find_error(pid1, "memory cgroup: ");
	assert_int_equal(write(pid1->in, "x", 1), 1);
	assert_int_equal(pid1_end(pid1), 128 + SIGKILL);
	/* The kernel may still be taking the last process out of it. */
	for (int i = 0; i < 1000 && rmdir(memory_group) < 0; i++)
		(void)poll(NULL, 0, 1);
	assert_non_null(
		strstr(pid1->errors, "testchild: killed by SIGKILL (out of memory: limit 32 MiB)"));
}

static void test_killed_from_outside_is_not_out_of_memory(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start_child(pid1, NULL, WORDS("raise", "9"));
	assert_int_equal(pid1_end(pid1), 128 + SIGKILL);
	assert_string_equal(pid1->errors, "husk: testchild: killed by SIGKILL\n");
}

static void test_parent_death_signal_reaches_the_program(void **state)
{
	struct pid1 *pid1 = *state;

	pid1_start(pid1, &as_subreaper,
		WORDS("--parent-death-signal", "USR2", "--", pid1_child(), "report-signals", "12"));
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGUSR2);
	pid1_expect(pid1, "signal 12");
	assert_int_equal(pid1_end(pid1), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pid1_set_up, pid1_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_status_of_the_program_is_husks),
		TEST(test_killed_by_signal_128_and_reported),
		TEST(test_killed_by_forwarded_signal_silent),
		TEST(test_left_behind_is_ended_by_term),
		TEST(test_left_behind_ignoring_term_is_killed),
		TEST(test_left_behind_a_tree_is_killed),
		TEST(test_left_behind_not_pid1_is_ended),
		TEST(test_not_pid1_others_are_left_alone),
		TEST(test_orphans_are_reaped_and_not_taken_for_the_program),
		TEST(test_orphans_not_pid1_are_reaped_by_the_subreaper),
		TEST(test_orphans_flood_term_is_forwarded),
		TEST(test_stdin_of_the_program_is_husks),
		TEST(test_termination_log_holds_the_reason),
		TEST(test_termination_log_says_who_asked_for_the_stop),
		TEST(test_out_of_memory_is_named),
		TEST(test_killed_from_outside_is_not_out_of_memory),
		TEST(test_parent_death_signal_reaches_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
