#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>

#include "base/out.h"

UNIT_MEMORY

/* What writev does: as the kernel, or a few bytes at a time and "try again" between, or nothing. */
static enum { WRITE_REAL, WRITE_LITTLE, WRITE_NOTHING } write_mode;
static unsigned write_calls;

ssize_t __real_sys_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_sys_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_sys_writev(int fd, const struct iovec *iov, int count)
{
	struct iovec first = iov[0];

	if (write_mode == WRITE_REAL)
		return __real_sys_writev(fd, iov, count);
	if (write_mode == WRITE_NOTHING)
		return 0;
	if (write_calls++ % 3 == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (first.iov_len > 7)
		first.iov_len = 7;
	return __real_sys_writev(fd, &first, 1);
}

static struct out out;

static void assert_content(int fd, const char *expected, size_t len)
{
	char *got = malloc(len + 1);

	assert_non_null(got);
	assert_int_equal(pread(fd, got, len + 1, 0), len);
	assert_memory_equal(got, expected, len);
	free(got);
}

static void test_buf_pieces_appended_at_once(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 10);
	out_init_buf(&out, &buf);
	assert_int_equal(out_borrow(&out, STR("abc"), NULL), 0);
	assert_int_equal(out_copy(&out, STR("def"), NULL), 0);
	assert_int_equal(out_borrow(&out, STR(""), NULL), 0);
	assert_int_equal(out_flush(&out, NULL), 0);
	assert_string_equal(buf_cstr(&buf), "abcdef");
	assert_int_equal(out.written, 6);
	buf_fini(&buf);
}

static void test_buf_over_max_error_names_it(void **state)
{
	struct buf buf;
	struct err err;

	(void)state;
	buf_init(&buf, 5);
	out_init_buf(&out, &buf);
	assert_int_equal(out_borrow(&out, STR("abc"), &err), 0);
	assert_int_equal(out_copy(&out, STR("def"), &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_string_equal(err.message, "the result is larger than 5 bytes");
	buf_fini(&buf);
}

static void test_buf_out_of_memory_error_says_so(void **state)
{
	struct buf buf;
	struct err err;

	(void)state;
	buf_init(&buf, 1000);
	out_init_buf(&out, &buf);
	unit_memory_left = 0;
	assert_int_equal(out_borrow(&out, STR("abc"), &err), -1);
	unit_memory_left = -1;
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_string_equal(err.message, "out of memory");
	buf_fini(&buf);
}

/* A file takes no memory at all, however much is written. */
static void test_fd_no_memory_needed(void **state)
{
	static char piece[3000];
	int fd = unit_file();

	(void)state;
	memset(piece, 'a', sizeof(piece));
	unit_memory_left = 0;
	out_init_fd(&out, fd, "f");
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(out_borrow(&out, (struct str){piece, i * 3}, NULL), 0);
		assert_int_equal(out_copy(&out, (struct str){piece, i * 3}, NULL), 0);
	}
	assert_int_equal(out_flush(&out, NULL), 0);
	unit_memory_left = -1;
	assert_int_equal(lseek(fd, 0, SEEK_END), 2 * 3 * 999 * 1000 / 2);
	close(fd);
}

static void test_fd_nothing_written_before_flush(void **state)
{
	int fd = unit_file();

	(void)state;
	out_init_fd(&out, fd, "f");
	assert_int_equal(out_copy(&out, STR("abc"), NULL), 0);
	assert_content(fd, "", 0);
	assert_int_equal(out_flush(&out, NULL), 0);
	assert_content(fd, "abc", 3);
	assert_int_equal(out_flush(&out, NULL), 0);
	assert_content(fd, "abc", 3);
	close(fd);
}

/* A copied piece may change at once; its bytes were taken. */
static void test_fd_copied_piece_may_change(void **state)
{
	char piece[] = "abc";
	int fd = unit_file();

	(void)state;
	out_init_fd(&out, fd, "f");
	assert_int_equal(out_copy(&out, (struct str){piece, 3}, NULL), 0);
	memset(piece, 'x', 3);
	assert_int_equal(out_flush(&out, NULL), 0);
	assert_content(fd, "abc", 3);
	close(fd);
}

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

/* Short, long, longer than the scratch, next to each other: the order is kept, no byte is lost. */
static void test_fd_random_pieces_in_order(void **state)
{
	enum { SOURCE = 200000, TOTAL = 3000000 };
	char *source = malloc(SOURCE), *expected = malloc(TOTAL);
	unsigned seed = 3;
	size_t len = 0, from = 0;
	int fd = unit_file();

	(void)state;
	assert_non_null(source);
	assert_non_null(expected);
	for (size_t i = 0; i < SOURCE; i++)
		source[i] = (char)next_random(&seed);
	out_init_fd(&out, fd, "f");
	for (;;) {
		unsigned kind = next_random(&seed) % 100;
		size_t size = kind < 60   ? next_random(&seed) % 60
			      : kind < 98 ? next_random(&seed) % 3000
					  : next_random(&seed) % 60000;
		struct str piece;

		if (kind % 3 == 0 || from + size > SOURCE)
			from = next_random(&seed) % (SOURCE - 60000);
		if (len + size > TOTAL)
			break;
		piece = (struct str){source + from, size};
		assert_int_equal(next_random(&seed) % 2 != 0 ? out_copy(&out, piece, NULL)
							     : out_borrow(&out, piece, NULL),
			0);
		memcpy(expected + len, piece.data, size);
		len += size;
		from += size;
	}
	assert_int_equal(out.written, len);
	assert_int_equal(out_flush(&out, NULL), 0);
	assert_content(fd, expected, len);
	close(fd);
	free(source);
	free(expected);
}

static void test_fd_many_separate_pieces_flushed_between(void **state)
{
	enum { PIECE = 600, PIECES = 3 * OUT_PIECES };
	static char source[2 * PIECE];
	static char expected[PIECE * PIECES];
	int fd = unit_file();

	(void)state;
	memset(source, 'a', PIECE);
	memset(source + PIECE, 'b', PIECE);
	out_init_fd(&out, fd, "f");
	for (size_t i = 0; i < PIECES; i++) {
		/* b before a: never next to the one before. */
		size_t from = i % 2 == 0 ? PIECE : 0;

		memcpy(expected + i * PIECE, source + from, PIECE);
		assert_int_equal(out_borrow(&out, (struct str){source + from, PIECE}, NULL), 0);
	}
	assert_int_equal(out_flush(&out, NULL), 0);
	assert_content(fd, expected, sizeof(expected));
	close(fd);
}

static void test_fd_little_at_a_time_whole(void **state)
{
	static char piece[1000];
	int fd = unit_file();

	(void)state;
	for (size_t i = 0; i < sizeof(piece); i++)
		piece[i] = (char)i;
	out_init_fd(&out, fd, "f");
	assert_int_equal(out_copy(&out, STR("abc"), NULL), 0);
	assert_int_equal(out_borrow(&out, (struct str){piece, sizeof(piece)}, NULL), 0);
	assert_int_equal(out_copy(&out, STR("def"), NULL), 0);
	write_mode = WRITE_LITTLE;
	assert_int_equal(out_flush(&out, NULL), 0);
	write_mode = WRITE_REAL;
	assert_int_equal(lseek(fd, 0, SEEK_END), sizeof(piece) + 6);
	assert_true(write_calls > sizeof(piece) / 7);
	for (size_t i = 0; i < sizeof(piece) + 6; i++) {
		char got;

		assert_int_equal(pread(fd, &got, 1, (off_t)i), 1);
		assert_int_equal(got, i < 3                   ? "abc"[i]
				      : i < sizeof(piece) + 3 ? piece[i - 3]
							      : "def"[i - 3 - sizeof(piece)]);
	}
	close(fd);
}

static void test_fd_no_progress_error_not_a_spin(void **state)
{
	int fd = unit_file();
	struct err err;

	(void)state;
	out_init_fd(&out, fd, "f");
	assert_int_equal(out_copy(&out, STR("abc"), NULL), 0);
	write_mode = WRITE_NOTHING;
	assert_int_equal(out_flush(&out, &err), -1);
	write_mode = WRITE_REAL;
	assert_int_equal(err.errnum, EIO);
	close(fd);
}

static void test_fd_refused_write_error_names_path(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct err err;

	(void)state;
	assert_true(fd >= 0);
	out_init_fd(&out, fd, "/run/x");
	assert_int_equal(out_copy(&out, STR("abc"), &err), 0);
	assert_int_equal(out_flush(&out, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_string_equal(err.file, "/run/x");
	assert_string_equal(err.message, "cannot write: Bad file descriptor");
	/* What could not be written is not tried again. */
	assert_int_equal(out_flush(&out, &err), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_pieces_appended_at_once),
		cmocka_unit_test(test_buf_over_max_error_names_it),
		cmocka_unit_test(test_buf_out_of_memory_error_says_so),
		cmocka_unit_test(test_fd_no_memory_needed),
		cmocka_unit_test(test_fd_nothing_written_before_flush),
		cmocka_unit_test(test_fd_copied_piece_may_change),
		cmocka_unit_test(test_fd_random_pieces_in_order),
		cmocka_unit_test(test_fd_many_separate_pieces_flushed_between),
		cmocka_unit_test(test_fd_little_at_a_time_whole),
		cmocka_unit_test(test_fd_no_progress_error_not_a_spin),
		cmocka_unit_test(test_fd_refused_write_error_names_path),
	};

	return cmocka_run_group_tests_name("out", tests, NULL, NULL);
}
