/*
 * record: what an init does in one case, as text, so that the original and husk under its name can
 * be compared: the lines of both outputs in order of the alphabet (who is first is chance), and the
 * status. Process ids, paths and husk's own additions are taken out.
 */
#ifndef HUSK_TESTS_RECORD_H
#define HUSK_TESTS_RECORD_H

#include "pid1/pid1.h"

enum { RECORD_MAX = 16384, RECORD_WORDS_MAX = 24 };

struct record {
	struct pid1 *pid1;
	size_t len;
	size_t said_len;
	char text[RECORD_MAX];
	char said[RECORD_MAX]; /* by the init, on standard output, so far */
};

struct record_case {
	const char *words;       /* behind the init's name; % is testchild */
	const char *environment; /* NULL, or a variable besides PATH */
	/* NULL, or what is done meanwhile. */
	void (*play)(struct record *record);
	struct pid1_options options; /* its environment is this one's */
};

/* Runs the case under each and compares; shows both where they differ. `name`: "tini". Skips the
 * test where the original is not there. */
bool record_is_same(struct pid1 *pid1, const char *name, const struct record_case *record_case);

/* For `play`. */
void record_add(struct record *record, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The next line of standard output. */
void record_line(struct record *record);
/* At the terminal. */
void record_type(struct record *record, const char *text);
/* The program's pid, as long as the init has no other child. */
pid_t record_child(const struct record *record);

/* Starts the original, or husk under its name. */
void record_start(struct pid1 *pid1, const char *name, bool original, const char *words,
	const struct pid1_options *options);

/* A folder with husk by the names of others; for the whole program. */
int record_set_up(void **state);
int record_tear_down(void **state);

#endif
