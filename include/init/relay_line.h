/*
 * relay_line: a service's output, cut into lines and written out anew, each with the service's
 * name. Pure: bytes in, bytes out.
 *
 *     php-fpm | the line                         prefix: its bytes as they are
 *     {"time":"2026-01-31T09:30:00.125Z","service":"php-fpm","stream":"stderr","message":"..."}
 *
 * A line of more than RELAY_LINE_MAX bytes becomes several pieces, each a line of its own. With a
 * prefix every piece but the first begins with `php-fpm + `; in JSON every piece but the last has
 * the member "partial":true. No piece ends within a UTF-8 character.
 */
#ifndef HUSK_INIT_RELAY_LINE_H
#define HUSK_INIT_RELAY_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
	RELAY_LINE_MAX = 65536,
	/* The least room for relay_compose: more than what stands around a line. */
	RELAY_ROOM_LEAST = 512,
};

/* Where the lines come from. */
struct relay_label {
	const char *service; /* at most 200 bytes of it are shown */
	bool is_error;       /* standard error */
	bool json;
};

/* How far the lines have been written. All zero: nothing of `text`. */
struct relay_cursor {
	uint32_t at;  /* the next byte of the text */
	uint32_t end; /* of the piece that is begun */
	bool begun;   /* what stands before a piece has been written */
	bool goes_on; /* the next piece is of the same line as the last one */
};

/*
 * Writes whole lines of `text` from the cursor on into `out`, as many as find room, and of a line
 * that finds none in an empty `out` what there is room for. `last`: nothing follows the text, so
 * that what stands behind its last newline is a line too, and gets one.
 *
 * Returns the bytes written; 0: from `cursor->at` on there is no whole line, and at most
 * RELAY_LINE_MAX bytes.
 */
size_t relay_compose(const struct relay_label *label, struct str text, bool last,
	struct relay_cursor *cursor, char *out, size_t size);

#endif
