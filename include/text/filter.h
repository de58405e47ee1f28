/*
 * filter: what `${NAME|filter}` does to a value: escape it, or check it.
 */
#ifndef HUSK_TEXT_FILTER_H
#define HUSK_TEXT_FILTER_H

#include "base/buf.h"
#include "base/err.h"

/* One line a filter: identifier, name, what it does. */
#define FILTER_TABLE(X) \
	X(HTML, "html", "escapes & < > \" and ' for HTML text and attributes") \
	X(JSON, "json", "escapes for the inside of a JSON string") \
	X(URL, "url", "percent-encodes all but RFC 3986's unreserved characters") \
	X(XML, "xml", "escapes for XML text and attributes; refuses what XML 1.0 cannot hold") \
	X(NGINX, "nginx", "a quoted nginx string") \
	X(INI, "ini", "a quoted PHP ini value") \
	X(SH, "sh", "one word for a POSIX shell") \
	X(BASE64, "base64", "RFC 4648 base64, padded, one line") \
	X(UPPER, "upper", "ASCII letters in upper case") \
	X(LOWER, "lower", "ASCII letters in lower case") \
	X(TRIM, "trim", "without white space at both ends") \
	X(INT, "int", "checks: a decimal integer") \
	X(PORT, "port", "checks: 1 to 65535") \
	X(HOST, "host", "checks: a host name, an IPv4 address, or an IPv6 address") \
	X(PATH, "path", "checks: an absolute path without .. and of harmless characters") \
	X(WORD, "word", "checks: letters, digits and . _ - : @ % + only, not empty") \
	X(BOOL, "bool", "checks: true false yes no on off 1 0") \
	X(SIZE, "size", "checks: digits and one of k K m M g G, or digits") \
	X(DURATION, "duration", "checks: digits and ms s m h d, or digits")

enum filter_id {
	FILTER_NONE,
#define X(id, name, help) FILTER_##id,
	FILTER_TABLE(X)
#undef X
		FILTER_COUNT
};

/* FILTER_NONE for the name "none"; FILTER_COUNT where it is unknown. */
enum filter_id filter_find(struct str name);
const char *filter_name(enum filter_id id);
/* By id, "none" first; ends with NULL. */
extern const char *const filter_names[];
/* Appends the filtered value; a failed check sets only the error's message ("not a port"), the
 * caller adds the place. The value itself is not in the message (it may be secret). */
int filter_apply(enum filter_id id, struct str value, struct buf *out, struct err *err);

#endif
