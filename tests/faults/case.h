/*
 * case: one run of husk in a process of its own, with one fault.
 */
#ifndef HUSK_TESTS_FAULTS_CASE_H
#define HUSK_TESTS_FAULTS_CASE_H

#include "faults/inject.h"

enum case_errors { ERRORS_PIPE, ERRORS_SOCKET, ERRORS_NO_READER };

struct scene {
	const char *name;
	/* The command line; "@NAME" stands for a path of the world, "@CHILD" for the program,
	 * "@HTTP" for a server that answers. */
	const char *words[9];
	const char *environment[4]; /* besides what all scenes have */
	enum case_errors errors;    /* what standard error is */
	bool init;                  /* husk is PID 1 of namespaces of its own */
	bool served;                /* it is not, but something that answers as if it were one */
	bool probes;                /* it asks a peer, and says by its status what came of it */
	bool closed;                /* the standard descriptors but the third are closed */
	bool terminal;              /* standard input is the controlling terminal */
	bool child_ignored;         /* SIGCHLD is, at the start */
	bool fresh;                 /* nothing has been rendered before */
	bool renders;
	const char *writes; /* a file without a `$` in it; NULL: none */
	bool runs;          /* the program */
	bool configured;    /* and it is that of husk.yaml */
	bool leaves;        /* something behind, which husk ends */
	enum call only;     /* fails; 0: each function in turn */
	unsigned every;     /* only each so-manieth call of a function fails; 0: each */
	int status;         /* what it ends with */
	bool compat;        /* another init by its name, with statuses of its own */
	const char *says;   /* on standard error; NULL: nothing */
	struct given given[INJECT_GIVEN];
};

struct outcome {
	bool late; /* it was killed */
	int status;
	char text[8192]; /* standard error */
	long output;     /* bytes on standard output */
};

/* 0, or -1. */
int case_init(const char *child);
void case_run(const struct scene *scene, const struct fault *fault, struct outcome *outcome);

#endif
