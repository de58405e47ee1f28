/*
 * explain: `husk check --explain`: what would happen, step by step, as a person reads it.
 */
#ifndef HUSK_CMD_EXPLAIN_H
#define HUSK_CMD_EXPLAIN_H

#include "base/buf.h"
#include "cmd/load.h"
#include "plan/render.h"

struct explain;

/* NULL where memory has run out. `load` is borrowed. */
struct explain *explain_new(const struct load *load);
/* Accepts NULL. */
void explain_free(struct explain *explain);

/* The configuration, the environment, the machine. */
void explain_begin(struct explain *explain);
/* What render_check tells; borrowed from `explain`. */
const struct render_observer *explain_observer(struct explain *explain);
/* `argv`: its command, expanded. */
void explain_service(
	struct explain *explain, const struct plan_service *service, char *const *argv);
void explain_end(struct explain *explain, const struct err_list *warnings);
/* All of it. */
const struct buf *explain_text(const struct explain *explain);

/* The rest is explain_service.c's, and what it uses. */

/* In which order the services start, and what each waits for; nothing where there is only one. */
void explain_order(const struct plan *plan, struct buf *out);
/* One service. */
void explain_one(const struct load *load, const struct plan_service *service, char *const *argv,
	struct buf *out);
/* On one line, whatever it holds, and not for ever. */
void explain_value(struct buf *out, struct str value);
/* As a shell would take it, so that one sees where it ends. */
void explain_word(struct buf *out, const char *word);

#endif
