#include "proc/execblock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "unit/unit.h"

enum { SPECS = 3 };

static char shared[] = "SHARED=x";
static char listen_text[11 + LAUNCH_PID_SIZE] = "LISTEN_PID=";
static char *const argv_a[] = {(char[]){"a"}, (char[]){"-x y"}, (char[]){""}, NULL};
static char *const argv_b[] = {(char[]){"b"}, NULL};
static char *const envp_a[] = {shared, (char[]){"A=1"}, NULL};
static char *const envp_b[] = {shared, listen_text, NULL};
static char *const envp_c[] = {NULL};
static const struct launch_spec spec_a = {.path = "/bin/a", .argv = argv_a, .envp = envp_a};
static const struct launch_spec spec_b = {.path = "b/b",
	.argv = argv_b,
	.envp = envp_b,
	.cwd = "/srv",
	.listen_pid = listen_text + 11};
static const struct launch_spec spec_c = {.path = "c", .argv = argv_b, .envp = envp_c};
static const struct launch_spec *const specs[SPECS] = {&spec_a, &spec_b, &spec_c};

static void make(struct buf *block)
{
	struct err err;

	buf_init(block, EXECBLOCK_MAX);
	assert_int_equal(execblock_make(block, specs, SPECS, &err), 0);
}

static int keep(struct str block, bool sealed)
{
	int fd = sys_memfd("test");
	struct err err;

	assert_true(fd >= 0);
	if (sealed)
		assert_int_equal(execblock_write(fd, block, &err), 0);
	else
		assert_int_equal(fd_write_all(fd, block.data, block.len), 0);
	return fd;
}

static void assert_list(char *const *list, char *const *wanted)
{
	for (; *wanted; list++, wanted++) {
		assert_non_null(*list);
		assert_string_equal(*list, *wanted);
	}
	assert_null(*list);
}

static void test_execblock_every_spec_as_it_was(void **state)
{
	struct launch_spec spec = {.nice = 5};
	struct buf block;
	int fd;

	(void)state;
	make(&block);
	fd = keep(buf_str(&block), true);
	for (unsigned i = 0; i < SPECS; i++) {
		assert_true(execblock_apply(fd, i, &spec));
		assert_string_equal(spec.path, specs[i]->path);
		assert_list(spec.argv, specs[i]->argv);
		assert_list(spec.envp, specs[i]->envp);
		assert_int_equal(spec.nice, 5);
		assert_int_equal(spec.cwd != NULL, specs[i]->cwd != NULL);
		assert_int_equal(spec.listen_pid != NULL, i == 1);
		if (i == 1) {
			assert_string_equal(spec.cwd, "/srv");
			assert_ptr_equal(spec.listen_pid, spec.envp[1] + 11);
			memset(spec.listen_pid, '9', LAUNCH_PID_SIZE - 1);
			assert_string_equal(spec.envp[1], "LISTEN_PID=99999999999");
			assert_string_equal(spec.envp[0], shared);
			assert_string_equal(spec.cwd, "/srv");
		}
	}
	close(fd);
	buf_fini(&block);
}

/* A copy of one's own: what one process writes into it, no other sees. */
static void test_execblock_applied_copy_is_private(void **state)
{
	struct launch_spec one = {0}, other = {0};
	struct buf block;
	int fd;

	(void)state;
	make(&block);
	fd = keep(buf_str(&block), true);
	assert_true(execblock_apply(fd, 1, &one));
	one.listen_pid[0] = '7';
	assert_true(execblock_apply(fd, 1, &other));
	assert_string_equal(other.envp[1], "LISTEN_PID=");
	assert_true(execblock_holds(fd, buf_str(&block)));
	close(fd);
	buf_fini(&block);
}

static void test_execblock_shared_string_stands_once(void **state)
{
	struct buf block;
	const char *at;
	size_t left;

	(void)state;
	make(&block);
	at = memmem(block.data, block.len, shared, sizeof(shared));
	assert_non_null(at);
	left = block.len - (size_t)(at + 1 - block.data);
	assert_null(memmem(at + 1, left, shared, sizeof(shared)));
	buf_fini(&block);
}

/* Whether strings are shared in memory is not seen. */
static void test_execblock_equal_specs_equal_blocks(void **state)
{
	char *const envp[] = {(char[]){"SHARED=x"}, (char[]){"A=1"}, NULL};
	struct launch_spec copy = spec_a;
	const struct launch_spec *const copied[SPECS] = {&copy, &spec_b, &spec_c};
	struct buf block, other;
	struct err err;

	(void)state;
	copy.envp = envp;
	make(&block);
	buf_init(&other, EXECBLOCK_MAX);
	assert_int_equal(execblock_make(&other, copied, SPECS, &err), 0);
	assert_int_equal(other.len, block.len);
	assert_memory_equal(other.data, block.data, block.len);
	buf_fini(&block);
	buf_fini(&other);
}

static void test_execblock_seals_looked_at(void **state)
{
	struct buf block;
	char byte;
	int fd, open_one;

	(void)state;
	make(&block);
	fd = keep(buf_str(&block), true);
	open_one = keep(buf_str(&block), false);
	assert_true(execblock_is_sealed(fd, block.len));
	assert_false(execblock_is_sealed(fd, block.len - 1));
	assert_false(execblock_is_sealed(fd, 0));
	assert_false(execblock_is_sealed(open_one, block.len));
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(pread(fd, &byte, 1, 0), 1);
	assert_true(execblock_holds(fd, buf_str(&block)));
	block.data[block.len - 2] ^= 1;
	assert_false(execblock_holds(fd, buf_str(&block)));
	close(fd);
	close(open_one);
	buf_fini(&block);
}

/* Cut short anywhere, or with any word of it another one: refused, or at least sound. */
static void test_execblock_damaged_is_never_read_outside(void **state)
{
	static const uint32_t values[] = {0, 1, 7, 1000, 1u << 20, UINT32_MAX};
	struct buf block;
	unsigned refused = 0;
	int fd;

	(void)state;
	make(&block);
	for (size_t len = 0; len < block.len; len++) {
		struct launch_spec spec = {0};

		fd = keep((struct str){block.data, len}, false);
		assert_false(execblock_apply(fd, 0, &spec));
		assert_null(spec.path);
		close(fd);
	}
	for (size_t at = 0; at + sizeof(uint32_t) <= block.len; at += sizeof(uint32_t)) {
		for (size_t v = 0; v < COUNT(values); v++) {
			char saved[sizeof(uint32_t)];

			memcpy(saved, block.data + at, sizeof(saved));
			memcpy(block.data + at, &values[v], sizeof(values[v]));
			fd = keep(buf_str(&block), false);
			for (unsigned i = 0; i < SPECS + 1; i++) {
				struct launch_spec spec = {0};

				if (!execblock_apply(fd, i, &spec)) {
					refused++;
					continue;
				}
				(void)strlen(spec.path);
				for (char *const *word = spec.argv; *word; word++)
					(void)strlen(*word);
				for (char *const *word = spec.envp; *word; word++)
					(void)strlen(*word);
				if (spec.listen_pid)
					memset(spec.listen_pid, '1', LAUNCH_PID_SIZE);
			}
			close(fd);
			memcpy(block.data + at, saved, sizeof(saved));
		}
	}
	assert_true(refused > COUNT(values) * SPECS);
	buf_fini(&block);
}

static void test_execblock_no_block_refused(void **state)
{
	struct launch_spec spec = {0};
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_false(execblock_apply(-1, 0, &spec));
	assert_false(execblock_apply(fds[0], 0, &spec));
	assert_false(execblock_is_sealed(fds[0], 1));
	assert_false(execblock_holds(-1, STR("x")));
	close(fds[0]);
	close(fds[1]);
}

static void test_execblock_too_large_refused(void **state)
{
	struct buf block;
	struct err err;

	(void)state;
	for (size_t max = 1; max < 700; max += 13) {
		buf_init(&block, max);
		if (execblock_make(&block, specs, SPECS, &err) < 0)
			assert_non_null(strstr(err.message, "memory"));
		else
			assert_true(max > 200);
		buf_fini(&block);
	}
}

/* Run for real: the block's program, not the spec's; and the spec's where the block is not sound.
 */
static void test_execblock_launched(void **state)
{
	char *const argv[] = {(char[]){"sh"}, (char[]){"-c"},
		(char[]){"test \"$WORD\" = new && test \"$LISTEN_PID\" = $$"}, NULL};
	char *const old_argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"exit 3"}, NULL};
	char *const envp[] = {(char[]){"WORD=new"}, listen_text, NULL};
	struct launch_spec new = {
		.path = "/bin/sh", .argv = argv, .envp = envp, .listen_pid = listen_text + 11};
	const struct launch_spec *const list[] = {&new};
	struct launch_spec spec = {
		.name = "sh", .path = "/bin/sh", .argv = old_argv, .envp = envp_c, .terminal = -1};
	const struct launch_signals signals = {0};
	struct buf block;
	struct err err;
	int status, error_pipe;
	pid_t pid;

	(void)state;
	buf_init(&block, EXECBLOCK_MAX);
	assert_int_equal(execblock_make(&block, list, 1, &err), 0);
	spec.block = keep(buf_str(&block), true);
	for (unsigned index = 0; index < 2; index++) {
		spec.block_index = index;
		pid = launch_start(&spec, &signals, &error_pipe, &err);
		assert_true(pid > 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		close(error_pipe);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), index == 0 ? 0 : 3);
	}
	close(spec.block);
	buf_fini(&block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_execblock_every_spec_as_it_was),
		cmocka_unit_test(test_execblock_applied_copy_is_private),
		cmocka_unit_test(test_execblock_shared_string_stands_once),
		cmocka_unit_test(test_execblock_equal_specs_equal_blocks),
		cmocka_unit_test(test_execblock_seals_looked_at),
		cmocka_unit_test(test_execblock_damaged_is_never_read_outside),
		cmocka_unit_test(test_execblock_no_block_refused),
		cmocka_unit_test(test_execblock_too_large_refused),
		cmocka_unit_test(test_execblock_launched),
	};

	return cmocka_run_group_tests_name("execblock", tests, NULL, NULL);
}
