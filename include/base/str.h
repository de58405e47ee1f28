/*
 * str: borrowed byte slices and the small parsers that work on them.
 *
 * A `struct str` never owns its bytes, need not end in NUL and may hold any byte.
 */
#ifndef HUSK_BASE_STR_H
#define HUSK_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *data;
	size_t len;
};

/* A slice of a string literal. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

/* Where `part` begins in `text`, or NULL: strstr(3), which is a second memmem(3) in size. */
const char *str_search(const char *text, const char *part);
/* For printf's "%.*s": two arguments. Cuts at INT_MAX. */
#define STR_ARGS(s) ((int)((s).len > 0x7fffffff ? 0x7fffffff : (s).len)), ((s).data)

/* NULL gives the empty slice. */
struct str str_from(const char *cstr);
bool str_eq(struct str a, struct str b);
bool str_eq_cstr(struct str a, const char *b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* The part from `from` on, `len` bytes at most; both are clamped. */
struct str str_sub(struct str s, size_t from, size_t len);
/* Without blanks, tabs, CR, LF, VT and FF at both ends (C locale). */
struct str str_trim(struct str s);

/* FNV-1a, 64 bits: begins with STR_HASH, and goes on with what it has returned. */
#define STR_HASH UINT64_C(0xcbf29ce484222325)
uint64_t str_hash(uint64_t hash, struct str s);
/* [A-Za-z_][A-Za-z0-9_]*, ASCII only (POSIX 3.235). */
bool str_is_name(struct str s);
bool str_is_utf8(struct str s);
/* The length of the UTF-8 character that `s` begins with where it can be shown as it is; 0 for a
 * control character, one that turns the direction of text, a byte that is no UTF-8, and the empty
 * slice. */
size_t str_printable(struct str s);
/*
 * How the first character of `s`, which is not empty, stands in a JSON string: its length in `out`;
 * `*taken` is what it has in `s`. A JSON string cannot hold a byte that is no UTF-8: \xNN stands
 * for it as text.
 */
enum { STR_JSON_MAX = 8 };
size_t str_json(struct str s, char out[STR_JSON_MAX], size_t *taken);
/* `*` any run, `?` one byte; nothing else is special. Iterative. */
bool str_glob(struct str pattern, struct str s);

/*
 * The candidate nearest to `s` by edit distance, for "did you mean"; NULL where none is near
 * (more than a third of the longer one's letters differ). `candidates` ends with NULL.
 */
const char *str_nearest(struct str s, const char *const *candidates);

/* Each: 0, or -1 where `s` is not exactly of the form or overflows; `*out` is then untouched. */
int str_to_int64(struct str s, int64_t *out);   /* optional sign, decimal digits */
int str_to_uint64(struct str s, uint64_t *out); /* decimal digits */
int str_to_octal(struct str s, unsigned *out);  /* 1 to 5 octal digits, at most 07777 */
int str_to_duration(struct str s, int64_t *ns); /* 500ms 10s 5m 1h (also 0); nanoseconds */
int str_to_size(struct str s, uint64_t *bytes); /* 64k 512M 2G, powers of 1024, or digits */
int str_to_bool(struct str s, bool *out);       /* true false yes no on off 1 0 */

enum { STR_DURATION_MAX = 32 };
/* The reverse of str_to_duration: "20s", "1500ms". Returns `out`. */
const char *str_duration(int64_t ns, char out[STR_DURATION_MAX]);

#endif
