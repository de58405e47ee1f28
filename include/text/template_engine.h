/*
 * template_engine: what the parts of template_run share: its state, and what they do with it. Only
 * they include this.
 */
#ifndef HUSK_TEXT_TEMPLATE_ENGINE_H
#define HUSK_TEXT_TEMPLATE_ENGINE_H

#include "text/template_run.h"

enum {
	ENGINE_NAMES = 256,
	ENGINE_NAME_MAX = 64, /* longer ones are asked about each time, and cut in messages */
	ENGINE_MESSAGE_MAX = 400,
};

/* For "%.*s", cut where it is long. */
#define ENGINE_SHOWN(name) \
	((name).len < ENGINE_NAME_MAX ? (int)(name).len : ENGINE_NAME_MAX), (name).data

enum frame_kind { FRAME_TEXT, FRAME_WORD, FRAME_IF, FRAME_FOR };

/* What is open: the text itself at the bottom, then words and blocks. */
struct frame {
	enum frame_kind kind;
	bool live;      /* whether output was written around it */
	bool taken;     /* IF: one of its branches was */
	bool otherwise; /* IF: its else has come */
	bool secret;    /* FOR: the value is one */
	bool repeated;  /* FOR: not the first time */
	size_t start;
	size_t braces;   /* openings of no construct that wait for their closing */
	size_t blocks;   /* blocks that are text and wait for their end */
	size_t body;     /* FOR: where to go back to */
	struct str item; /* FOR: its name, the part it stands for, and what is left */
	struct str part;
	struct str rest;
	struct str separator;
};

/* What the scope said of a name. */
struct name {
	struct str name; /* len 0: free */
	uint64_t hash;
	bool selected;
	bool asked; /* for the value */
	bool set;
	struct template_value value;
};

struct engine {
	struct template_run *run;
	struct str text;
	size_t pos;
	size_t from;       /* where the text begins that is not yet written */
	bool live;         /* what is read is written */
	bool quick_braced; /* ${NAME} has the usual form, and no filter */
	bool quick_bare;   /* $NAME */
	unsigned words;
	unsigned loops;
	unsigned quiet; /* loops that repeat: what stayed in them was told */
	size_t spent;   /* of TEMPLATE_LOOPS_MAX */
	unsigned depth;
	size_t line_pos; /* `line` is known up to here; it began at `line_start` */
	size_t line_start;
	unsigned line;
	struct buf filtered[2];
	char *block; /* NULL, or where short pieces are gathered */
	size_t block_from;
	size_t block_len;
	struct name *last;
	struct frame frames[TEMPLATE_DEPTH_MAX + 1];
	struct name names[ENGINE_NAMES + 1]; /* the last is for long names, which are not kept */
};

static inline struct frame *engine_top(struct engine *e)
{
	return &e->frames[e->depth];
}

static inline bool engine_at(const struct engine *e, size_t pos, const char *what, size_t len)
{
	return template_at(e->text, pos, what, len);
}

/* A loop's own name is always selected and has the value of the part it stands for. */
bool engine_selected(struct engine *e, struct str name);
bool engine_lookup(struct engine *e, struct str name, struct template_value *value);

/* Writes the text from `from` up to `end`, where what is read is written at all. */
int engine_put_text(struct engine *e, size_t end, struct err *err);
/* Writes bytes that do not last. */
int engine_put_copy(struct engine *e, struct str piece, struct err *err);

/* Opens a word or a block; what was written before it is so again after engine_pop. */
int engine_push(struct engine *e, enum frame_kind kind, size_t start, struct err *err);
void engine_pop(struct engine *e);

/* template_place.c. Each engine_fail* returns -1. */
int engine_fail(const struct engine *e, size_t offset, struct err *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* `err` has its message and gets its place. */
int engine_fail_at(const struct engine *e, size_t offset, struct err *err);
int engine_fail_unset(const struct engine *e, const struct construct *c, struct err *err);
/* What construct_read found wrong. */
int engine_fail_wrong(const struct engine *e, const struct construct *c, struct err *err);
/* scope->kept hears of the text between two offsets, if that is `wanted` and is the first time. */
void engine_tell(struct engine *e, bool wanted, size_t start, size_t end);

/* template_arith.c. All its names are selected; without a name, what is no expression is text. */
bool engine_arith_counts(struct engine *e, const struct construct *c);
int engine_arith(struct engine *e, const struct construct *c, struct err *err);

/* template_block.c: if elif else for end; `alone` where nothing of it is an escape. */
int engine_directive(struct engine *e, const struct construct *c, bool alone, struct err *err);

#endif
