/*
 * The engine where no helper can be made for a while, as in a full table of processes: husk is a
 * process forked from the test, whose forks fail, but for the first, as long as a file is there.
 * And where husk is late: it does not see what a helper has answered before its time is over.
 */
#include "pid1/pid1.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "init/init.h"

static char full[128]; /* the file */

/* In husk's process. */
static unsigned forks;
static unsigned spared; /* so many do not fail */
static bool late;
static pid_t last; /* the helper that was forked last; 0: it has been waited for */

static pid_t fork_late(void)
{
	pid_t pid = fork();

	if (pid <= 0 || forks++ == 0)
		return pid;
	if (write(1, "forked\n", 7) != 7)
		_exit(240);
	last = pid;
	return pid;
}

int __real_sys_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout);
int __wrap_sys_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout);
int __wrap_sys_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout)
{
	siginfo_t ended;

	if (!late || last == 0 || timeout <= 0)
		return __real_sys_epoll_wait(epoll, events, max, timeout);
	(void)waitid(P_PID, (id_t)last, &ended, WEXITED | WNOWAIT);
	last = 0;
	nanosleep(
		&(struct timespec){.tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L},
		NULL);
	return 0;
}

pid_t __real_sys_fork(void);
pid_t __wrap_sys_fork(void);
pid_t __wrap_sys_fork(void)
{
	if (late)
		return fork_late();
	if (forks++ < spared || access(full, F_OK) < 0)
		return __real_sys_fork();
	if (write(1, "refused\n", 8) != 8)
		_exit(240);
	errno = EAGAIN;
	return -1;
}

static int set_up(void **state)
{
	late = false;
	spared = 1;
	(void)unit_path(full, sizeof(full), "husk-helpers-XXXXXX");
	close(mkstemp(full));
	return pid1_set_up(state);
}

static int tear_down(void **state)
{
	(void)unlink(full);
	return pid1_tear_down(state);
}

static int run_engine(struct init_service *service)
{
	struct init_policy policy = {.leave_rest = late};
	struct launch_signals signals;
	struct init_end end = {0};
	struct err err = {0};

	log_set_level(LOG_LEVEL_INFO);
	if (launch_signals_take(&signals, &err) < 0 ||
		init_run(service, 1, INT64_C(1000000000) * 3600, &signals, &policy, &end, &err) < 0)
		_exit(241);
	return end.status;
}

static struct init_words words_said;

static void start(struct pid1 *pid1, struct init_service *service, char **words)
{
	static char *const envp[] = {NULL};
	int out[2], err[2];

	service->spec = (struct launch_spec){.name = "one",
		.path = words[0],
		.argv = words,
		.envp = envp,
		.extra_as = 3,
		.terminal = -1};
	service->rules->main = true;
	service->rules->timeout = -1;
	service->words = &words_said;
	service->stop_signal = 15;
	forks = 0;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	pid1->pid = fork();
	if (pid1->pid == 0) {
		(void)setpgid(0, 0);
		if (dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0)
			_exit(243);
		close(out[0]);
		close(err[0]);
		_exit(run_engine(service));
	}
	close(out[1]);
	close(err[1]);
	pid1->out = out[0];
	pid1->err = err[0];
	assert_true(pid1->pid > 0);
}

static unsigned count(const char *text, const char *part)
{
	unsigned found = 0;

	while ((text = strstr(text, part))) {
		found++;
		text += strlen(part);
	}
	return found;
}

static void expect_refusals(struct pid1 *pid1)
{
	for (int i = 0; i < 5; i++)
		(void)pid1_find(pid1, "refused");
}

static char *child(void)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s", pid1_child());
	return path;
}

static void test_ready_no_helper_for_a_while_is_ready_all_the_same(void **state)
{
	struct pid1 *pid1 = *state;
	char steps[] = "steps", write_step[] = "write=3";
	char *words[] = {child(), steps, write_step, NULL};
	struct supervise_service rules = {.ready_timeout = INT64_C(1000000000) * 3600};
	struct init_service service = {.rules = &rules, .ready = INIT_READY_FD};

	start(pid1, &service, words);
	expect_refusals(pid1);
	assert_int_equal(unlink(full), 0);
	pid1_find_error(pid1, "one: ready");
	pid1_kill(pid1, 15);
	assert_int_equal(pid1_end(pid1), 128 + 15);
	/* Once: that of a full table there is nothing new to say. */
	assert_int_equal(count(pid1->errors, "cannot fork a helper"), 1);
}

/* Silence for as long as that takes would be no answer. */
static void test_start_no_process_for_a_while_is_told_once(void **state)
{
	struct pid1 *pid1 = *state;
	char steps[] = "steps", say_step[] = "say=up";
	char *words[] = {child(), steps, say_step, NULL};
	struct supervise_service rules = {.ready_timeout = -1, .policy = RESTART_FAILURE};
	struct init_service service = {.rules = &rules};

	spared = 0;
	start(pid1, &service, words);
	expect_refusals(pid1);
	assert_int_equal(unlink(full), 0);
	(void)pid1_find(pid1, "up");
	pid1_kill(pid1, 15);
	assert_int_equal(pid1_end(pid1), 128 + 15);
	assert_int_equal(count(pid1->errors, "one: cannot fork: "), 1);
	assert_int_equal(count(pid1->errors, "tried again until it works"), 1);
}

/* That husk cannot ask says nothing about the service. */
static void test_health_no_helper_for_a_while_is_not_sick(void **state)
{
	struct pid1 *pid1 = *state;
	struct probe_target target = {.kind = PROBE_FILE, .path = "/no/such/file"};
	char steps[] = "steps", say_step[] = "say=up";
	char *words[] = {child(), steps, say_step, NULL};
	struct supervise_service rules = {
		.ready_timeout = -1, .health_every = 20000000, .health_failures = 2};
	struct init_service service = {
		.rules = &rules, .health_timeout = 20000000, .health_target = &target};

	start(pid1, &service, words);
	expect_refusals(pid1);
	assert_int_equal(unlink(full), 0);
	assert_int_equal(pid1_end(pid1), 128 + 15);
	assert_int_equal(count(pid1->errors, "one: unhealthy: "), 2);
	assert_int_equal(count(pid1->errors, "one: unhealthy 2 times in a row: "), 1);
}

static void test_health_heard_late_is_not_sick(void **state)
{
	struct pid1 *pid1 = *state;
	struct probe_target target = {.kind = PROBE_FILE, .path = full};
	char steps[] = "steps", say_step[] = "say=up";
	char *words[] = {child(), steps, say_step, NULL};
	struct supervise_service rules = {
		.ready_timeout = -1, .health_every = 20000000, .health_failures = 1};
	struct init_service service = {.rules = &rules,
		.health_timeout = INT64_C(1000000000) * 3600,
		.health_target = &target};

	late = true;
	start(pid1, &service, words);
	for (int i = 0; i < 5; i++)
		(void)pid1_find(pid1, "forked");
	pid1_kill(pid1, 15);
	assert_int_equal(pid1_end(pid1), 128 + 15);
	assert_int_equal(count(pid1->errors, "unhealthy"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_ready_no_helper_for_a_while_is_ready_all_the_same),
		TEST(test_start_no_process_for_a_while_is_told_once),
		TEST(test_health_no_helper_for_a_while_is_not_sick),
		TEST(test_health_heard_late_is_not_sick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
