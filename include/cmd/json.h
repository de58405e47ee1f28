/*
 * json: texts as JSON has them.
 */
#ifndef HUSK_CMD_JSON_H
#define HUSK_CMD_JSON_H

#include "base/buf.h"

/* In quotes. What is no UTF-8 becomes U+FFFD, since JSON has no such bytes; what a terminal would
 * act on is escaped. */
void json_string(struct str text, struct buf *out);
/* "name":"text" */
void json_field(const char *name, struct str text, struct buf *out);

#endif
