/*
 * supervise_mutants: supervise's tables with one thing taken out of one cell: where it leads to, or
 * one of its acts. A test that sees nothing of it is no test of that cell. The program has tables
 * of its own, which can be written to: they are compiled with an empty SUPERVISE_TABLE. Included
 * before what includes init/supervise.h.
 */
#ifndef HUSK_TESTS_SUPERVISE_MUTANTS_H
#define HUSK_TESTS_SUPERVISE_MUTANTS_H

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "unit.h"

#undef SUPERVISE_TABLE
#define SUPERVISE_TABLE
#include "init/supervise.h"

struct mutants {
	bool (*holds)(void); /* everything is as it must be; it may also abort, or never return */
	unsigned made;
	unsigned missed;
	char which[256]; /* the last one that was not noticed */
};

/* In a child: supervise may do anything then. */
static inline bool mutants_notice(const struct mutants *mutants)
{
	/* Seconds of computing, some times more than what the checks take. */
	const struct rlimit limit = {2, 2};
	int status;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		(void)dup2(null, STDERR_FILENO);
		(void)setrlimit(RLIMIT_CPU, &limit);
		_exit(mutants->holds() ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status != 0;
}

static inline void mutants_try(struct mutants *mutants, struct supervise_cell *cell,
	struct supervise_cell rest, const char *from, unsigned what)
{
	struct supervise_cell whole = *cell;

	*cell = rest;
	mutants->made++;
	if (!mutants_notice(mutants)) {
		mutants->missed++;
		(void)snprintf(mutants->which, sizeof(mutants->which),
			"%s, event or occasion %u: next %d instead of %d, acts %#x instead of %#x",
			from, what, rest.next, whole.next, rest.acts, whole.acts);
	}
	*cell = whole;
}

static inline void mutants_cell(
	struct mutants *mutants, struct supervise_cell *cell, const char *from, unsigned what)
{
	if (cell->next != 0)
		mutants_try(mutants, cell, (struct supervise_cell){0, cell->acts}, from, what);
	for (unsigned act = 1; act != 0; act <<= 1) {
		if (cell->acts & act)
			mutants_try(mutants, cell,
				(struct supervise_cell){cell->next, cell->acts & ~act}, from, what);
	}
}

/* Each of them must be noticed, and nothing be where all is there. */
static inline void mutants_must_be_noticed(bool (*holds)(void))
{
	struct mutants mutants = {.holds = holds};

	assert_false(mutants_notice(&mutants));
	for (unsigned from = 0; from < SERVICE_STATES; from++) {
		for (unsigned event = 0; event < EVENTS; event++)
			mutants_cell(&mutants, &supervise_services[from][event],
				supervise_state_name((enum supervise_state)from), event);
	}
	for (unsigned phase = 0; phase < PHASES; phase++) {
		for (unsigned occasion = 0; occasion < OCCASIONS; occasion++)
			mutants_cell(&mutants, &supervise_phases[phase][occasion],
				supervise_phase_name((enum supervise_phase)phase), occasion);
	}
	print_message("# %u parts of cells taken out one by one, %u noticed\n", mutants.made,
		mutants.made - mutants.missed);
	if (mutants.missed > 0)
		fail_msg("%u not noticed: %s", mutants.missed, mutants.which);
	assert_true(mutants.made > 150);
}

#endif
