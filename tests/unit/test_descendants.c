#include "unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/descendants.h"

/* A /proc of files about processes that are real, and children of the test in truth. */
static char proc[200];
static pid_t processes[4];
enum { ANCESTOR = 7 };

static int set_up(void **state)
{
	(void)state;
	(void)unit_path(proc, sizeof(proc), "husk-proc-XXXXXX");
	for (size_t i = 0; i < COUNT(processes); i++) {
		processes[i] = fork();
		if (processes[i] == 0) {
			for (;;)
				(void)pause();
		}
	}
	return mkdtemp(proc) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[300];

	(void)state;
	for (size_t i = 0; i < COUNT(processes); i++) {
		kill(processes[i], SIGKILL);
		waitpid(processes[i], NULL, 0);
	}
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", proc);
	return system(command);
}

static void add(pid_t pid, const char *name, pid_t parent)
{
	char path[300], text[200];
	int fd, len;

	(void)snprintf(path, sizeof(path), "%s/%d", proc, (int)pid);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/%d/stat", proc, (int)pid);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	len = snprintf(text, sizeof(text), "%d (%s) S %d 1 1 0 -1 4194560 8 0\n", (int)pid, name,
		(int)parent);
	assert_int_equal(write(fd, text, (size_t)len), len);
	close(fd);
}

static bool is_gone(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status);
}

static void test_signal_reaches_all_below_and_none_beside(void **state)
{
	(void)state;
	add(1, "init", 0);
	add(ANCESTOR, "husk", 1);
	add(processes[0], "child", ANCESTOR);
	add(processes[1], "grandchild", processes[0]);
	add(processes[2], "great", processes[1]);
	add(processes[3], "beside", 1);
	assert_int_equal(descendants_signal(proc, ANCESTOR, SIGTERM), 3);
	assert_true(is_gone(processes[0]));
	assert_true(is_gone(processes[1]));
	assert_true(is_gone(processes[2]));
	assert_int_equal(kill(processes[3], 0), 0);
}

/* A process chooses its own name. */
static void test_names_that_look_like_fields_are_names(void **state)
{
	(void)state;
	add(ANCESTOR, "husk", 1);
	add(processes[0], "a) S 1 ", ANCESTOR);
	add(processes[1], ") S 7 (", 1);
	assert_int_equal(descendants_signal(proc, ANCESTOR, SIGTERM), 1);
	assert_true(is_gone(processes[0]));
	assert_int_equal(kill(processes[1], 0), 0);
}

/* Pids may have been given anew while the table was read. */
static void test_ring_of_parents_ends(void **state)
{
	(void)state;
	add(processes[0], "a", processes[1]);
	add(processes[1], "b", processes[0]);
	assert_int_equal(descendants_signal(proc, ANCESTOR, SIGTERM), 0);
}

static void test_no_proc_nothing_sent(void **state)
{
	(void)state;
	assert_int_equal(descendants_signal("/no/such/proc", ANCESTOR, SIGTERM), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_signal_reaches_all_below_and_none_beside),
		TEST(test_names_that_look_like_fields_are_names),
		TEST(test_ring_of_parents_ends),
		TEST(test_no_proc_nothing_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
