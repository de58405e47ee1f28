/*
 * supervise_cells: what each cell of supervise's two tables must do, written from the meaning, not
 * from the tables; and the checks, which say what is wrong instead of ending the test, so that
 * tables with a cell taken out can be checked as well.
 */
#ifndef HUSK_TESTS_SUPERVISE_CELLS_H
#define HUSK_TESTS_SUPERVISE_CELLS_H

#include <stdbool.h>
#include <stddef.h>

#include "init/supervise.h"

enum { CELLS_WHY_MAX = 256 };

extern const char *const cells_event_names[EVENTS];

/* A service in `state` that meets `event`, while services are up or the container is halting, with
 * each intent. False, and `why`, where one of them is not as it must be. */
bool cells_check_service(unsigned state, unsigned event, char *why);
bool cells_check_phase(unsigned phase, unsigned occasion, char *why);
/* All of both; stops at the first that fails. */
bool cells_check_all(char *why);

#endif
