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

#endif
