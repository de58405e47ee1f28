#include "unit/unit.h"

#include <stdalign.h>

#include "base/arena.h"

UNIT_MEMORY

static void test_alloc_many_sizes_zeroed_aligned_distinct(void **state)
{
	struct arena *arena = arena_new(1 << 20);

	(void)state;
	assert_non_null(arena);
	for (size_t size = 0; size < 300; size++) {
		char *piece = arena_alloc(arena, size);

		assert_non_null(piece);
		assert_int_equal((uintptr_t)piece % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(piece[i], 0);
		/* A later piece that overlapped would not be zero. */
		memset(piece, 0xa5, size);
	}
	arena_free(arena);
}

static void test_alloc_zero_size_distinct_pieces(void **state)
{
	struct arena *arena = arena_new(4096);
	void *first = arena_alloc(arena, 0);

	(void)state;
	assert_non_null(first);
	assert_ptr_not_equal(first, arena_alloc(arena, 0));
	arena_free(arena);
}

static void test_alloc_large_keeps_filling_the_small_chunk(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	char *before = arena_alloc(arena, 16);
	char *large = arena_alloc(arena, 100000);
	char *after = arena_alloc(arena, 16);

	(void)state;
	assert_non_null(large);
	memset(large, 1, 100000);
	assert_ptr_equal(after, before + 16);
	arena_free(arena);
}

static void test_alloc_over_max_null_and_rest_usable(void **state)
{
	struct arena *arena = arena_new(10000);

	(void)state;
	assert_null(arena_alloc(arena, 10001));
	assert_null(arena_alloc(arena, SIZE_MAX));
	assert_null(arena_alloc(arena, SIZE_MAX - 20));
	assert_non_null(arena_alloc(arena, 4000));
	assert_non_null(arena_alloc(arena, 4000));
	assert_null(arena_alloc(arena, 4000));
	arena_free(arena);
}

static void test_alloc_exactly_max_served(void **state)
{
	struct arena *arena = arena_new(8192);

	(void)state;
	assert_non_null(arena_alloc(arena, 8192));
	assert_null(arena_alloc(arena, 1));
	arena_free(arena);
}

static void test_array_overflow_null(void **state)
{
	struct arena *arena = arena_new(1 << 20);

	(void)state;
	assert_null(arena_array(arena, SIZE_MAX / 2, 3));
	assert_non_null(arena_array(arena, 10, 0));
	assert_non_null(arena_array(arena, 10, 10));
	arena_free(arena);
}

static void test_strdup_copies_and_ends_in_nul(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	char *copy = arena_strndup(arena, (struct str){"ab\0cd", 5});

	(void)state;
	assert_memory_equal(copy, "ab\0cd", 6);
	assert_string_equal(arena_strdup(arena, "text"), "text");
	assert_string_equal(arena_strndup(arena, (struct str){NULL, 0}), "");
	assert_null(arena_strndup(arena, (struct str){"", SIZE_MAX}));
	arena_free(arena);
}

static void test_alloc_out_of_memory_null_and_rest_usable(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	char *before = arena_strdup(arena, "kept");

	(void)state;
	unit_memory_left = 0;
	assert_null(arena_alloc(arena, 100000));
	assert_null(arena_strndup(arena, (struct str){"", 100000}));
	/* What the first chunk still holds needs no memory. */
	assert_non_null(arena_alloc(arena, 100));
	assert_null(arena_new(4096));
	unit_memory_left = -1;
	assert_non_null(arena_alloc(arena, 100000));
	assert_string_equal(before, "kept");
	arena_free(arena);
}

static void test_new_in_room_used_first_then_memory(void **state)
{
	_Alignas(16) char room[1024];
	struct arena *arena;
	char *inside, *outside;

	(void)state;
	assert_null(arena_new_in(room, 16, 1 << 20));
	assert_null(arena_new_in(room, sizeof(room), 512));
	memset(room, 0xa5, sizeof(room));
	unit_memory_left = 0;
	arena = arena_new_in(room, sizeof(room), 1 << 20);
	assert_non_null(arena);
	inside = arena_alloc(arena, 500);
	assert_non_null(inside);
	assert_in_range((uintptr_t)inside, (uintptr_t)room, (uintptr_t)(room + sizeof(room) - 500));
	for (int i = 0; i < 500; i++)
		assert_int_equal(inside[i], 0);
	assert_null(arena_alloc(arena, 800));
	unit_memory_left = -1;
	outside = arena_alloc(arena, 800);
	assert_non_null(outside);
	memset(outside, 1, 800);
	arena_free(arena);
}

static void test_free_null_accepted(void **state)
{
	(void)state;
	arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc_many_sizes_zeroed_aligned_distinct),
		cmocka_unit_test(test_alloc_zero_size_distinct_pieces),
		cmocka_unit_test(test_alloc_large_keeps_filling_the_small_chunk),
		cmocka_unit_test(test_alloc_over_max_null_and_rest_usable),
		cmocka_unit_test(test_alloc_exactly_max_served),
		cmocka_unit_test(test_array_overflow_null),
		cmocka_unit_test(test_strdup_copies_and_ends_in_nul),
		cmocka_unit_test(test_alloc_out_of_memory_null_and_rest_usable),
		cmocka_unit_test(test_new_in_room_used_first_then_memory),
		cmocka_unit_test(test_free_null_accepted),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
