#include "unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "proc/processes.h"

static char proc[200];

static int set_up(void **state)
{
	(void)state;
	(void)unit_path(proc, sizeof(proc), "husk-proc-XXXXXX");
	return mkdtemp(proc) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[300];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", proc);
	return system(command);
}

static void add(const char *pid, const char *text)
{
	char path[300];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", proc, pid);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/%s/stat", proc, pid);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_fields_of_stat_read(void **state)
{
	struct processes processes;
	const struct process *process;
	struct process one;

	(void)state;
	add("20", "20 (a) S 1 (b)) R 7 8 9 34816 -1 4194560 1 2 3 4 100 20 3 4 20 0 1 0 99 5000000 "
		  "321 18446744073709551615 1 1\n");
	add("3", "3 (short) S 1\n");
	add("4", "");
	add("self", "1 (no number) S 1 1 1\n");
	processes_init(&processes, proc);
	assert_int_equal(processes.count, 3);
	assert_int_equal(processes.items[0].pid, 3);
	assert_int_equal(processes.items[0].parent, 1);
	assert_int_equal(processes.items[0].pages, 0);
	assert_int_equal(processes.items[1].parent, -1);
	process = processes_find(&processes, 20);
	assert_ptr_equal(process, &processes.items[2]);
	assert_int_equal(process->parent, 7);
	assert_int_equal(process->group, 8);
	assert_int_equal(process->session, 9);
	assert_int_equal(process->ticks, 127);
	assert_int_equal(process->pages, 321);
	assert_int_equal(process->state, 'R');
	assert_false(process->exiting);
	assert_null(processes_find(&processes, 5));
	processes_fini(&processes);
	add("21", "21 (a) S 1) Z 7 8 9 34816 -1 4194564 1 2 3 4\n");
	assert_true(process_read(proc, 21, &one));
	assert_int_equal(one.parent, 7);
	assert_int_equal(one.state, 'Z');
	assert_true(one.exiting);
	assert_false(process_read(proc, 4, &one));
	assert_false(process_read(proc, 5, &one));
}

static void test_own_process_found(void **state)
{
	struct processes processes;
	const struct process *own;

	(void)state;
	processes_init(&processes, "/proc");
	own = processes_find(&processes, getpid());
	assert_non_null(own);
	assert_int_equal(own->parent, getppid());
	assert_int_equal(own->group, getpgrp());
	assert_int_equal(own->session, getsid(0));
	assert_true(own->pages > 0);
	processes_fini(&processes);
}

static void test_one_read_until_it_is_reaped(void **state)
{
	struct process process;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		for (;;)
			pause();
	assert_true(process_read("/proc", pid, &process));
	assert_int_equal(process.parent, getpid());
	assert_int_equal(process.group, getpgrp());
	assert_false(process.exiting);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT), 0);
	assert_true(process_read("/proc", pid, &process));
	assert_int_equal(process.state, 'Z');
	assert_true(process.exiting);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(process_read("/proc", pid, &process));
}

static void test_no_proc_nothing_found(void **state)
{
	struct processes processes;
	struct process one;

	(void)state;
	processes_init(&processes, "/no/such/proc");
	assert_int_equal(processes.count, 0);
	assert_null(processes_find(&processes, 1));
	assert_false(process_read("/no/such/proc", getpid(), &one));
	processes_fini(&processes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fields_of_stat_read, set_up, tear_down),
		cmocka_unit_test(test_own_process_found),
		cmocka_unit_test(test_one_read_until_it_is_reaped),
		cmocka_unit_test(test_no_proc_nothing_found),
	};

	return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
