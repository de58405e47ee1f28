/*
 * render_file: one template to one descriptor, and what is looked for in the result.
 *
 * Large templates are mapped, others are read into a buffer that is used again for the next one.
 */
#ifndef HUSK_PLAN_RENDER_FILE_H
#define HUSK_PLAN_RENDER_FILE_H

#include "base/buf.h"
#include "base/out.h"
#include "plan/plan.h"
#include "plan/tree.h"

struct render_file {
	char *text; /* what is read */
	size_t len;
	size_t cap;
	struct buf sink; /* takes results that are not written */
	struct out out;
	/* The set's. */
	const struct plan_templates *set;
	const struct template_scope *scope;
	/* Of the last file. */
	mode_t mode; /* what the result shall have */
	size_t bytes;
	bool rendered;
	bool secret;
};

struct render_file *render_file_new(void);
/* Accepts NULL. */
void render_file_free(struct render_file *file);

/* Renders or copies `entry` to `fd`, into `sink` where that is -1. `errnum` of the error is set
 * where it was the target that failed, and 0 where it was the source or the template. */
int render_file_run(
	struct render_file *file, const struct tree_entry *entry, int fd, struct err *err);
/* The whole result as text: from `sink`, or read back from `fd`. */
int render_file_result(struct render_file *file, int fd, struct str *result, struct err *err);
/*
 * A result that names a part of its own set by the absolute path `to`: while the set is checked,
 * that is still the old one. Other names below `to` (a pid file) do no harm.
 */
int render_file_scan(const struct tree *tree, const struct tree_entry *entry, const char *to,
	struct str result, struct err *err);

#endif
