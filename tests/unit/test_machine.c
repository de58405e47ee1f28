#include "unit/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan/machine.h"

/* A tree of files that stands for the machine. */
struct tree {
	char root[PATH_MAX];
	struct arena *arena;
	struct machine machine;
};

static void put(struct tree *tree, const char *path, const char *content)
{
	char full[PATH_MAX + 256];
	int fd;

	snprintf(full, sizeof(full), "%s%s", tree->root, path);
	for (char *slash = full + strlen(tree->root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
}

static int setup(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	const char *tmp = getenv("TMPDIR");

	if (!tree)
		return -1;
	snprintf(tree->root, sizeof(tree->root), "%s/husk-machine-XXXXXX", tmp ? tmp : "/tmp");
	tree->arena = arena_new(1 << 20);
	*state = tree;
	return mkdtemp(tree->root) && tree->arena ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct tree *tree = *state;

	arena_free(tree->arena);
	nftw(tree->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(tree);
	return 0;
}

static void check_cpus(struct tree *tree, unsigned cpus, const char *from)
{
	struct err err;

	assert_int_equal(machine_read(tree->arena, tree->root, &tree->machine, &err), 0);
	assert_string_equal(tree->machine.cpus_from, from);
	assert_int_equal(tree->machine.cpus, cpus);
}

static void check_memory(struct tree *tree, uint64_t memory, const char *from)
{
	struct err err;

	assert_int_equal(machine_read(tree->arena, tree->root, &tree->machine, &err), 0);
	assert_string_equal(tree->machine.memory_from, from);
	assert_int_equal(tree->machine.memory, memory);
}

/* 16 CPUs, 8 GiB, and a container's view of version 2. */
static void put_v2(struct tree *tree)
{
	put(tree, "/sys/devices/system/cpu/online", "0-15\n");
	put(tree, "/proc/self/status",
		"Name:\thusk\nCpus_allowed:\tffff\nCpus_allowed_list:\t0-15\n");
	put(tree, "/proc/meminfo", "MemTotal:        8388608 kB\nMemFree:  1 kB\n");
	put(tree, "/proc/self/cgroup", "0::/\n");
	put(tree, "/proc/self/mountinfo",
		"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
		"31 22 0:26 / /sys/fs/cgroup ro,nosuid shared:4 - cgroup2 cgroup rw\n");
}

static void test_machine_empty_root_falls_back(void **state)
{
	struct tree *tree = *state;
	struct err err;

	assert_int_equal(machine_read(tree->arena, tree->root, &tree->machine, &err), 0);
	assert_true(tree->machine.cpus >= 1);
	assert_true(tree->machine.memory > 0);
	assert_string_equal(tree->machine.resolvers, "");
	assert_non_null(tree->machine.hostname);
}

static void test_machine_real_root_is_read(void **state)
{
	struct tree *tree = *state;
	struct err err;

	assert_int_equal(machine_read(tree->arena, "", &tree->machine, &err), 0);
	assert_true(tree->machine.cpus >= 1);
	assert_true(tree->machine.memory > 0);
}

static void test_machine_without_limits_is_the_machine(void **state)
{
	struct tree *tree = *state;

	put_v2(tree);
	check_cpus(tree, 16, "online");
	check_memory(tree, UINT64_C(8) << 30, "machine");
	put(tree, "/sys/fs/cgroup/cpu.max", "max 100000\n");
	put(tree, "/sys/fs/cgroup/memory.max", "max\n");
	put(tree, "/sys/fs/cgroup/cpuset.cpus.effective", "\n");
	check_cpus(tree, 16, "online");
	check_memory(tree, UINT64_C(8) << 30, "machine");
}

static void test_machine_v2_quota_rounds_up(void **state)
{
	struct tree *tree = *state;

	put_v2(tree);
	put(tree, "/sys/fs/cgroup/cpu.max", "150000 100000\n");
	check_cpus(tree, 2, "cgroup v2 cpu.max");
	put(tree, "/sys/fs/cgroup/cpu.max", "200000 100000\n");
	check_cpus(tree, 2, "cgroup v2 cpu.max");
	put(tree, "/sys/fs/cgroup/cpu.max", "1000 100000\n");
	check_cpus(tree, 1, "cgroup v2 cpu.max");
	put(tree, "/sys/fs/cgroup/cpu.max", "9900000 100000\n");
	check_cpus(tree, 16, "online");
	put(tree, "/sys/fs/cgroup/cpu.max", "9223372036854775807 1\n");
	check_cpus(tree, 16, "online");
}

static void test_machine_garbage_is_ignored(void **state)
{
	struct tree *tree = *state;

	put_v2(tree);
	put(tree, "/sys/fs/cgroup/cpu.max", "50000 0\n");
	put(tree, "/sys/fs/cgroup/memory.max", "-5\n");
	put(tree, "/sys/fs/cgroup/cpuset.cpus.effective", "3-1,x\n");
	check_cpus(tree, 16, "online");
	check_memory(tree, UINT64_C(8) << 30, "machine");
	put(tree, "/sys/devices/system/cpu/online", "0-999999999999\n");
	check_cpus(tree, 16, "affinity");
	put(tree, "/proc/self/mountinfo", "1\n - cgroup2\n1 2 3 4 5 - cgroup2\n\n");
	put(tree, "/proc/self/cgroup", ":::\n0\n\n4:memory\n");
	check_cpus(tree, 16, "affinity");
}

static void test_machine_cpuset_and_affinity_narrow(void **state)
{
	struct tree *tree = *state;

	put_v2(tree);
	put(tree, "/sys/fs/cgroup/cpuset.cpus.effective", "0-3,8,10-11\n");
	check_cpus(tree, 7, "cpuset");
	put(tree, "/proc/self/status", "Cpus_allowed_list:\t8-9\n");
	check_cpus(tree, 1, "affinity");
	put(tree, "/sys/fs/cgroup/cpuset.cpus.effective", "0-15\n");
	check_cpus(tree, 2, "affinity");
	put(tree, "/sys/fs/cgroup/cpu.max", "50000 100000\n");
	check_cpus(tree, 1, "cgroup v2 cpu.max");
}

static void test_machine_v2_smallest_on_the_way_up_binds(void **state)
{
	struct tree *tree = *state;

	put_v2(tree);
	put(tree, "/proc/self/cgroup", "0::/kube/pod 1/app\n");
	put(tree, "/sys/fs/cgroup/kube/pod 1/app/cpu.max", "800000 100000\n");
	put(tree, "/sys/fs/cgroup/kube/pod 1/cpu.max", "300000 100000\n");
	put(tree, "/sys/fs/cgroup/kube/cpu.max", "max 100000\n");
	put(tree, "/sys/fs/cgroup/kube/pod 1/app/memory.max", "max\n");
	put(tree, "/sys/fs/cgroup/kube/memory.max", "1073741824\n");
	check_cpus(tree, 3, "cgroup v2 cpu.max");
	check_memory(tree, UINT64_C(1) << 30, "cgroup v2 memory.max");
}

static void test_machine_mount_of_a_part_is_cut(void **state)
{
	struct tree *tree = *state;

	put_v2(tree);
	put(tree, "/proc/self/cgroup", "0::/docker/abc/inner\n");
	put(tree, "/proc/self/mountinfo",
		"30 22 0:26 /docker/ab /elsewhere ro - cgroup2 cgroup rw\n"
		"31 22 0:26 /docker/abc /sys/fs/c\\040g ro,nosuid shared:4 - cgroup2 cgroup rw\n");
	put(tree, "/sys/fs/c g/cpu.max", "400000 100000\n");
	put(tree, "/sys/fs/c g/inner/memory.max", "2147483648\n");
	put(tree, "/elsewhere/cpu.max", "100000 100000\n");
	check_cpus(tree, 4, "cgroup v2 cpu.max");
	check_memory(tree, UINT64_C(2) << 30, "cgroup v2 memory.max");
}

static void test_machine_group_outside_of_mount_uses_its_top(void **state)
{
	struct tree *tree = *state;

	put_v2(tree);
	put(tree, "/proc/self/cgroup", "0::/../other\n");
	put(tree, "/sys/fs/cgroup/cpu.max", "400000 100000\n");
	put(tree, "/sys/fs/other/cpu.max", "100000 100000\n");
	check_cpus(tree, 4, "cgroup v2 cpu.max");
}

/* As Docker has it: each mount shows the container's own group, /proc/self/cgroup the host's. */
static void put_v1(struct tree *tree)
{
	put_v2(tree);
	put(tree, "/proc/self/cgroup",
		"5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n3:cpuset:/docker/abc\n"
		"1:name=systemd:/docker/abc\n0::/system.slice\n");
	put(tree, "/proc/self/mountinfo",
		"32 31 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup "
		"rw,cpu,cpuacct\n"
		"33 31 0:30 /docker/abc /sys/fs/cgroup/memory ro master:9 - cgroup cgroup "
		"rw,memory\n"
		"34 31 0:31 /docker/abc /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset\n"
		"35 31 0:32 / /sys/fs/cgroup/unified ro - cgroup2 cgroup2 rw\n");
}

static void test_machine_v1_limits_are_read(void **state)
{
	struct tree *tree = *state;

	put_v1(tree);
	put(tree, "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
	put(tree, "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
	put(tree, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	put(tree, "/sys/fs/cgroup/cpuset/cpuset.cpus", "0-15\n");
	check_cpus(tree, 16, "online");
	check_memory(tree, UINT64_C(8) << 30, "machine");

	put(tree, "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n");
	put(tree, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
	check_cpus(tree, 3, "cgroup v1 cpu.cfs_quota_us");
	check_memory(tree, UINT64_C(512) << 20, "cgroup v1 memory.limit_in_bytes");
	put(tree, "/sys/fs/cgroup/cpuset/cpuset.cpus", "1,3\n");
	check_cpus(tree, 2, "cpuset");
}

static void test_machine_hybrid_reads_both(void **state)
{
	struct tree *tree = *state;

	put_v1(tree);
	put(tree, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
	put(tree, "/sys/fs/cgroup/unified/system.slice/cpu.max", "500000 100000\n");
	put(tree, "/sys/fs/cgroup/unified/memory.max", "268435456\n");
	check_cpus(tree, 5, "cgroup v2 cpu.max");
	check_memory(tree, UINT64_C(256) << 20, "cgroup v2 memory.max");
}

static void test_machine_resolvers_bracket_v6(void **state)
{
	struct tree *tree = *state;
	struct err err;

	put(tree, "/etc/resolv.conf",
		"# nameserver 9.9.9.9\nsearch a b\nnameserver 10.0.0.2\n"
		"nameserver\tfd00::1 # near\nnameserver fe80::1%eth0\nnameservers 1.1.1.1\n"
		"nameserver $x;\nnameserver\n nameserver 8.8.8.8\nnameserver  ::ffff:10.0.0.3\r\n"
		"nameserver 1.2.3.4");
	assert_int_equal(machine_read(tree->arena, tree->root, &tree->machine, &err), 0);
	assert_string_equal(
		tree->machine.resolvers, "10.0.0.2 [fd00::1] [::ffff:10.0.0.3] 1.2.3.4");
}

static void test_machine_hostname_is_trimmed(void **state)
{
	struct tree *tree = *state;
	struct err err;

	put(tree, "/proc/sys/kernel/hostname", "web-0\n");
	assert_int_equal(machine_read(tree->arena, tree->root, &tree->machine, &err), 0);
	assert_string_equal(tree->machine.hostname, "web-0");
}

static void test_machine_without_memory_fails(void **state)
{
	struct tree *tree = *state;
	struct arena *small = arena_new(64);
	struct err err;

	assert_int_equal(machine_read(small, tree->root, &tree->machine, &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	arena_free(small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_machine_empty_root_falls_back),
		TEST(test_machine_real_root_is_read),
		TEST(test_machine_without_limits_is_the_machine),
		TEST(test_machine_v2_quota_rounds_up),
		TEST(test_machine_garbage_is_ignored),
		TEST(test_machine_cpuset_and_affinity_narrow),
		TEST(test_machine_v2_smallest_on_the_way_up_binds),
		TEST(test_machine_mount_of_a_part_is_cut),
		TEST(test_machine_group_outside_of_mount_uses_its_top),
		TEST(test_machine_v1_limits_are_read),
		TEST(test_machine_hybrid_reads_both),
		TEST(test_machine_resolvers_bracket_v6),
		TEST(test_machine_hostname_is_trimmed),
		TEST(test_machine_without_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
