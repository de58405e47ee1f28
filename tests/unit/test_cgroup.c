#include "unit/unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/cgroup.h"

/* A file tree that stands for the machine: the files are written, watched, changed, compared. */
static char root[200];

static int set_up(void **state)
{
	(void)state;
	(void)unit_path(root, sizeof(root), "husk-cgroup-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[300];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static void write_file(const char *path, const char *text)
{
	char full[400];
	int fd;

	(void)snprintf(full, sizeof(full), "%s", root);
	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		(void)snprintf(full, sizeof(full), "%s/%.*s", root, (int)(slash - path), path);
		(void)mkdir(full, 0755);
	}
	(void)snprintf(full, sizeof(full), "%s/%s", root, path);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static const char events[] = "low 0\nhigh 1\nmax 7\noom 2\noom_kill 3\noom_group_kill 0\n";
static const char more_events[] = "low 0\nhigh 1\nmax 9\noom 3\noom_kill 4\noom_group_kill 0\n";

static void test_v2_kill_counted_with_limit(void **state)
{
	struct cgroup_oom before;
	struct cgroup_oom_record record;

	(void)state;
	write_file("proc/self/cgroup", "0::/\n");
	write_file("sys/fs/cgroup/memory.events", events);
	write_file("sys/fs/cgroup/memory.max", "536870912\n");
	cgroup_oom_watch(&before, root);
	assert_true(before.known);
	assert_false(before.v1);
	assert_int_equal(before.kills, 3);
	cgroup_oom_compare(&before, &record);
	assert_false(record.killed);
	write_file("sys/fs/cgroup/memory.events", more_events);
	cgroup_oom_compare(&before, &record);
	assert_true(record.killed);
	assert_int_equal(record.limit, 536870912);
}

static void test_v2_no_limit_is_zero(void **state)
{
	struct cgroup_oom before;
	struct cgroup_oom_record record;

	(void)state;
	write_file("proc/self/cgroup", "0::/a.slice/b.scope\n");
	write_file("sys/fs/cgroup/a.slice/b.scope/memory.events", events);
	write_file("sys/fs/cgroup/a.slice/b.scope/memory.max", "max\n");
	cgroup_oom_watch(&before, root);
	assert_true(before.known);
	write_file("sys/fs/cgroup/a.slice/b.scope/memory.events", more_events);
	cgroup_oom_compare(&before, &record);
	assert_true(record.killed);
	assert_int_equal(record.limit, 0);
}

/* Without a cgroup namespace the path is the host's, and the mount the container's own. */
static void test_v2_path_of_the_host_mount_root_taken(void **state)
{
	struct cgroup_oom before;

	(void)state;
	write_file("proc/self/cgroup", "0::/kubepods/pod1/c1\n");
	write_file("sys/fs/cgroup/memory.events", events);
	cgroup_oom_watch(&before, root);
	assert_true(before.known);
	assert_int_equal(before.kills, 3);
}

static void test_v1_kill_counted_with_limit(void **state)
{
	struct cgroup_oom before;
	struct cgroup_oom_record record;

	(void)state;
	write_file("proc/self/cgroup", "5:devices:/\n4:cpu,memory:/docker/abc\n0::/unified\n");
	write_file("sys/fs/cgroup/memory/docker/abc/memory.oom_control",
		"oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
	write_file("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "67108864\n");
	cgroup_oom_watch(&before, root);
	assert_true(before.known);
	assert_true(before.v1);
	write_file("sys/fs/cgroup/memory/docker/abc/memory.oom_control",
		"oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
	cgroup_oom_compare(&before, &record);
	assert_true(record.killed);
	assert_int_equal(record.limit, 67108864);
	/* What v1 says where there is no limit. */
	write_file(
		"sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "9223372036854771712\n");
	cgroup_oom_compare(&before, &record);
	assert_int_equal(record.limit, 0);
}

static void test_missing_or_odd_files_unknown(void **state)
{
	static const char *const odd[] = {"", "\n", "0\n", "0:", "::::\n", "4:memor:/\n", "0::\n"};
	struct cgroup_oom before;
	struct cgroup_oom_record record;

	(void)state;
	cgroup_oom_watch(&before, root);
	assert_false(before.known);
	for (size_t i = 0; i < COUNT(odd); i++) {
		write_file("proc/self/cgroup", odd[i]);
		cgroup_oom_watch(&before, root);
		assert_false(before.known);
	}
	cgroup_oom_compare(&before, &record);
	assert_false(record.killed);
	write_file("proc/self/cgroup", "0::/\n");
	write_file("sys/fs/cgroup/memory.events", "oom_kill x\n");
	cgroup_oom_watch(&before, root);
	assert_false(before.known);
	write_file("sys/fs/cgroup/memory.events", "no_oom_kill 3\noom_kill_x 2\n");
	cgroup_oom_watch(&before, root);
	assert_false(before.known);
}

static void test_longest_path_not_cut(void **state)
{
	char text[3000] = "0::/";
	struct cgroup_oom before;

	(void)state;
	memset(text + 4, 'a', 2500);
	write_file("proc/self/cgroup", text);
	write_file("sys/fs/cgroup/memory.events", events);
	cgroup_oom_watch(&before, root);
	/* It does not fit, and the mount's root is taken. */
	assert_true(before.known);
}

/* The group goes away with its container. */
static void test_compare_gone_not_killed(void **state)
{
	struct cgroup_oom before;
	struct cgroup_oom_record record;
	char path[300];

	(void)state;
	write_file("proc/self/cgroup", "0::/\n");
	write_file("sys/fs/cgroup/memory.events", events);
	cgroup_oom_watch(&before, root);
	(void)snprintf(path, sizeof(path), "%s/sys/fs/cgroup/memory.events", root);
	assert_int_equal(unlink(path), 0);
	cgroup_oom_compare(&before, &record);
	assert_false(record.killed);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_v2_kill_counted_with_limit),
		TEST(test_v2_no_limit_is_zero),
		TEST(test_v2_path_of_the_host_mount_root_taken),
		TEST(test_v1_kill_counted_with_limit),
		TEST(test_missing_or_odd_files_unknown),
		TEST(test_longest_path_not_cut),
		TEST(test_compare_gone_not_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
