/*
 * pid1: starts the static husk as PID 1 of new PID and mount namespaces (and a user namespace where
 * the tests do not run as root), and talks with what it starts through pipes.
 *
 * Every wait has a limit of PID1_PATIENCE seconds, after which the test fails. Use pid1_set_up and
 * pid1_tear_down for each test: the latter ends what is left, and fails where husk has left a
 * process, a zombie or a descriptor.
 */
#ifndef HUSK_TESTS_PID1_H
#define HUSK_TESTS_PID1_H

#include "unit/unit.h"

#include <sys/types.h>

enum { PID1_PATIENCE = 120, PID1_LINE_MAX = 4096, PID1_TEXT_MAX = 65536 };

struct pid1_options {
	bool same_namespace; /* husk is not PID 1 */
	unsigned closed;     /* bit n: husk starts with descriptor n closed */
	int extra;           /* descriptors 3, 4 ... that husk is given besides */
	bool full_stderr;    /* a pipe that is full, and that nobody reads */
	bool terminal;       /* a session of its own with a new terminal as 0, 1 and 2 */
	bool shell;          /* below a shell with job control, which pid1->pid then is ... */
	bool background;     /* ... that does not give it the terminal at first */
	uint64_t blocked;    /* husk starts with these signals blocked ... */
	uint64_t ignored;    /* ... and these ignored */
	const char *const *environment; /* NULL: PATH alone */
	/* In husk's process, in its namespaces, before it is executed. Leaves by _exit where it
	 * fails. */
	void (*prepare)(void *arg);
	void *prepare_arg;
};

struct pid1 {
	pid_t pid; /* 0: not started, or ended */
	int in;    /* -1: closed */
	int out;
	int err;
	int terminal; /* the master's side; in, out and err are then -1 */
	int slave;    /* the other side: without one the master would read as hung up */
	int descriptors;
	size_t text_len;
	char text[PID1_LINE_MAX]; /* read, and no line yet */
	char line[PID1_LINE_MAX];
	size_t errors_len;
	char errors[PID1_TEXT_MAX];
	char config[256]; /* pid1_configure's file; "": none */
};

/* The state is a struct pid1. */
int pid1_set_up(void **state);
int pid1_tear_down(void **state);

/* Paths of the binaries under test. */
const char *pid1_husk(void);
const char *pid1_child(void);

/*
 * Writes a husk.yaml with the services `text`, in which each @ stands for the testchild's path;
 * with a grace that no test waits for. Its path is pid1->config, until the next one or
 * pid1_tear_down.
 */
void pid1_configure(struct pid1 *pid1, const char *text);

/* `arguments` follow "husk"; ends with NULL. Skips the test where namespaces are not allowed. */
void pid1_start(
	struct pid1 *pid1, const struct pid1_options *options, const char *const *arguments);
/* husk -- testchild WORD... */
void pid1_start_child(
	struct pid1 *pid1, const struct pid1_options *options, const char *const *words);
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The next line of its standard output (or terminal) without the newline; NULL at its end. */
const char *pid1_line(struct pid1 *pid1);
void pid1_expect(struct pid1 *pid1, const char *line);
/* Two lines in any order: a service that does not say when it is ready is not waited for longer
 * than to its exec. */
void pid1_expect_both(struct pid1 *pid1, const char *one, const char *other);
/* Reads lines until one holds `text` (a terminal's echo may stand before it); what follows it. */
const char *pid1_find(struct pid1 *pid1, const char *text);
/* Reads standard error until it holds `text`. */
void pid1_find_error(struct pid1 *pid1, const char *text);
/* Standard error as it was read so far, or to its end, holds `text`. */
void pid1_expect_error(const struct pid1 *pid1, const char *text);
void pid1_kill(const struct pid1 *pid1, int signal);
/* Waits for the end: the exit status, or 128+N. `errors` then holds standard error. Standard output
 * must be at its end, so that nobody has it open any more. */
int pid1_end(struct pid1 *pid1);
/* The same, and fails where the status is another. */
void pid1_finish(struct pid1 *pid1, int status);
/* Waits until the process is in a state of `states` ("T": stopped). */
void pid1_await_state(pid_t pid, const char *states);
/* The first child of a process, which is the program where it is husk's: helpers come later. 0: it
 * has none. */
pid_t pid1_child_of(pid_t pid);
/* Waits until there is one. */
pid_t pid1_await_child(pid_t pid);
int pid1_count_descriptors(pid_t pid);

#endif
