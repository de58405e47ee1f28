#include "base/map.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "unit.h"

enum { PAGES = 64 };

static int file_of(size_t size)
{
	int fd = unit_file();
	char byte = 'x';

	assert_int_equal(pwrite(fd, &byte, 1, 0), 1);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)size - 1), 1);
	return fd;
}

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void test_map_whole_file_read(void **state)
{
	struct map map;
	size_t size = PAGES * page() - 5;
	int fd = file_of(size);

	(void)state;
	assert_int_equal(map_open(&map, fd, size), 0);
	assert_int_equal(map.data[0], 'x');
	assert_int_equal(map.data[size - 1], 'x');
	assert_int_equal(map_close(&map), 0);
	close(fd);
}

static void test_map_file_cut_short_reads_as_zeros(void **state)
{
	struct map map;
	size_t size = PAGES * page();
	struct sys_sigset all = {.bits = UINT64_MAX};
	struct sys_sigset old;
	int fd = file_of(size);

	(void)state;
	/* As in PID 1, where every signal is blocked. */
	assert_int_equal(sys_sigmask(SIG_SETMASK, &all, &old), 0);
	assert_int_equal(map_open(&map, fd, size), 0);
	assert_int_equal(ftruncate(fd, (off_t)page()), 0);
	assert_int_equal(map.data[size - 1], 0);
	assert_int_equal(map.data[page()], 0);
	assert_int_equal(map.data[0], 'x');
	assert_int_equal(map_close(&map), -1);
	assert_int_equal(sys_sigmask(SIG_SETMASK, &old, &all), 0);
	assert_true((all.bits & UINT64_C(1) << (SIGBUS - 1)) != 0);
	close(fd);
}

static void test_map_signal_sent_is_passed_on(void **state)
{
	struct sys_sigset bus = {.bits = UINT64_C(1) << (SIGBUS - 1)};
	struct sys_sigset old;
	struct map map;
	int fd = file_of(page());

	(void)state;
	assert_int_equal(sys_sigmask(SIG_BLOCK, &bus, &old), 0);
	assert_int_equal(map_open(&map, fd, page()), 0);
	assert_int_equal(kill(getpid(), SIGBUS), 0);
	assert_int_equal(map_close(&map), 0);
	assert_int_equal(sys_sigtake(&bus), SIGBUS);
	assert_int_equal(sys_sigmask(SIG_SETMASK, &old, NULL), 0);
	close(fd);
}

static void test_map_ignored_signal_stays_ignored(void **state)
{
	struct map map;
	int fd = file_of(page());

	(void)state;
	assert_int_equal(sys_sigaction_ignore(SIGBUS), 0);
	assert_int_equal(map_open(&map, fd, page()), 0);
	assert_int_equal(map_close(&map), 0);
	assert_int_equal(sys_is_ignored(SIGBUS), 1);
	assert_int_equal(sys_sigaction_default(SIGBUS), 0);
	close(fd);
}

static void test_map_unmappable_refused(void **state)
{
	struct map map;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(map_open(&map, fds[0], page()), -1);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_whole_file_read),
		cmocka_unit_test(test_map_file_cut_short_reads_as_zeros),
		cmocka_unit_test(test_map_signal_sent_is_passed_on),
		cmocka_unit_test(test_map_ignored_signal_stays_ignored),
		cmocka_unit_test(test_map_unmappable_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
