/*
 * plan: what husk.yaml, the command line and nothing else say, as one struct in one arena.
 *
 * Made by config.c, read by env.c, render.c and init. Texts that the template language expands
 * are kept as they stand, with their place; who uses them expands them (env_expand).
 */
#ifndef HUSK_PLAN_PLAN_H
#define HUSK_PLAN_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/arena.h"
#include "text/filter.h"
#include "text/template.h"

struct plan_place {
	const char *file;
	unsigned line;
	unsigned column;
};

/* One string of the configuration. */
struct plan_text {
	const char *text; /* NULL: not given */
	struct plan_place place;
};

struct plan_list {
	struct plan_text *items;
	size_t count;
	bool given;
};

#define PLAN_TYPE_TABLE(X) \
	X(STRING, "string") \
	X(INT, "int") \
	X(BOOL, "bool") \
	X(PORT, "port") \
	X(HOST, "host") \
	X(URL, "url") \
	X(PATH, "path") \
	X(SIZE, "size") \
	X(DURATION, "duration") \
	X(ENUM, "enum")
enum plan_type {
#define X(id, name) PLAN_TYPE_##id,
	PLAN_TYPE_TABLE(X)
#undef X
};

/* An entry of `env:`. */
struct plan_var {
	const char *name;
	struct plan_place place;
	struct plan_text value;         /* always this */
	struct plan_text default_value; /* where the container gave none */
	enum plan_type type;
	const char **choices; /* enum[a,b]: ends with NULL */
	bool required;
	bool secret;
	bool unset;
	struct plan_list append; /* option variable: arguments to add */
	struct plan_list fold;   /* option variable: names of shell-era variables */
};

enum plan_others { PLAN_OTHERS_COPY, PLAN_OTHERS_SKIP };

/* An entry of `templates:`. */
struct plan_templates {
	struct plan_place place;
	struct plan_text from;
	struct plan_text to;
	struct plan_text suffix; /* ".template"; "" renders every file */
	enum plan_others others; /* files without the suffix */
	struct plan_list only;   /* name patterns; not given: the default selection */
	enum template_undefined undefined;
	const char *open; /* NULL: "$" */
	enum filter_id escape;
	struct plan_text owner; /* name or uid[:gid] */
	bool mode_inherit;      /* the template's mode */
	mode_t mode;
	struct plan_list check; /* argv; empty: none */
	bool sync;
};

struct plan_limit {
	const char *name; /* as husk.yaml and prlimit(1) have it */
	int resource;     /* RLIMIT_* */
	struct rlimit value;
};

enum plan_restart { PLAN_RESTART_NEVER, PLAN_RESTART_FAILURE, PLAN_RESTART_ALWAYS };
/* What becomes of a run of `every` that is not over when the next is due. */
enum plan_overlap { PLAN_OVERLAP_SKIP, PLAN_OVERLAP_REPLACE };
enum plan_log { PLAN_LOG_RAW, PLAN_LOG_PREFIX, PLAN_LOG_JSON };

/* An entry of `services:`, or the PROGRAM of the command line. Times are nanoseconds. */
struct plan_service {
	const char *name;
	struct plan_place place;
	struct plan_list command; /* argv; [0] is found through PATH where it holds no slash. Of an
				     ad-hoc service it is literal: not to be expanded */
	struct plan_list pass;    /* patterns of variables it gets; not given: all */
	struct plan_text cwd;
	struct plan_limit *limits;
	size_t limit_count;
	bool adhoc; /* from the command line: signals pass unchanged, no stop sequence */
	bool umask_given;
	bool nice_given;
	bool restart_given;
	bool reload_given;
	bool reload_watch; /* a change of the sources is a reload */
	bool main;         /* its end ends the container; set too where it is the only one */
	bool oneshot;      /* runs to its end once; what comes after it waits for that */
	mode_t umask;
	int nice;
	int reload_signal; /* 0: it is restarted instead */
	int stop_signal;   /* TERM */

	int64_t stop_delay;
	int64_t stop_timeout;         /* -1: what `grace` leaves */
	struct plan_place stop_place; /* of the key `stop`; file NULL: not given */

	/* What it waits for: names as written, and what `after` here and `before` elsewhere come
	 * to: indices into plan->services, each once, without cycles. */
	struct plan_list after;
	struct plan_list before;
	unsigned *depends;
	unsigned depend_count;

	enum plan_log log;
	enum plan_overlap overlap;
	enum plan_restart restart; /* not given: FAILURE; NEVER of main, oneshot, periodic */
	int64_t every;             /* 0: not periodic */
	int64_t restart_delay;     /* least time between two starts; 100 ms */
	int64_t restart_delay_max; /* it doubles up to here; 30 s */
	int64_t restart_window;    /* 5 in 60 s */
	unsigned restart_limit;    /* restarts within the window before it has failed; 0: none */

	unsigned health_failures; /* in a row; 3 */
	int64_t health_every;     /* 10 s */
	int64_t health_timeout;   /* 2 s, at most `every` */
	struct plan_text health;  /* a probe's target */
	struct plan_text ready;   /* a probe's target, `notify`, `notify:PATH` or `fd:N` */
	int64_t ready_timeout;    /* 30 s */
};
enum { PLAN_SERVICES_MAX = 4096, PLAN_RESTART_LIMIT_MAX = 100 };

struct plan {
	struct arena *arena;           /* borrowed */
	const char *file;              /* husk.yaml's path, NULL: no configuration */
	int64_t grace;                 /* ns; default 10 s */
	struct plan_place grace_place; /* file NULL: not given */
	struct plan_list env_files;
	struct plan_var *vars; /* in the file's order */
	size_t var_count;
	struct plan_templates *templates;
	size_t template_count;
	struct plan_service *services; /* in the files' order */
	size_t service_count;
	/* Indices of services, `service_count` of them: the order of start. Each stands behind
	 * those that it depends on. */
	const unsigned *order;
};

#endif
