/*
 * Each cell of supervise's tables, one by one.
 */
#include "unit/supervise_mutants.h"

#include "unit/supervise_cells.h"

static void test_service_each_cell_as_meant(void **state)
{
	char why[CELLS_WHY_MAX] = "";

	(void)state;
	for (unsigned from = 0; from < SERVICE_STATES; from++) {
		for (unsigned event = 0; event < EVENTS; event++) {
			if (!cells_check_service(from, event, why))
				fail_msg("%s", why);
		}
	}
}

static void test_container_each_cell_as_meant(void **state)
{
	char why[CELLS_WHY_MAX] = "";

	(void)state;
	for (unsigned phase = 0; phase < PHASES; phase++) {
		for (unsigned occasion = 0; occasion < OCCASIONS; occasion++) {
			if (!cells_check_phase(phase, occasion, why))
				fail_msg("%s", why);
		}
	}
}

static bool holds(void)
{
	char why[CELLS_WHY_MAX];

	return cells_check_all(why);
}

static void test_cell_without_any_of_its_parts_is_noticed(void **state)
{
	(void)state;
	mutants_must_be_noticed(holds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_service_each_cell_as_meant),
		cmocka_unit_test(test_container_each_cell_as_meant),
		cmocka_unit_test(test_cell_without_any_of_its_parts_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
