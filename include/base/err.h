/*
 * err: one error, of fixed size, so that it works out of memory.
 *
 * A function that can fail takes a `struct err *` as its last parameter, returns 0 or -1 (or a
 * pointer or NULL) and has then filled it. err_wrap adds context on the way up; it is printed
 * once, at the command floor.
 */
#ifndef HUSK_BASE_ERR_H
#define HUSK_BASE_ERR_H

#include <stddef.h>

#include "base/str.h"

/* The value is the exit status (sysexits.h for 64, 70 and 78; POSIX 2.8.2 for 126 and 127). */
enum err_code {
	ERR_NONE = 0,
	ERR_FAILED = 1,           /* what was asked for was refused, or came out badly */
	ERR_USAGE = 64,           /* the command line */
	ERR_INTERNAL = 70,        /* the system refused what must work: memory, fork, pipe */
	ERR_CONFIG = 78,          /* configuration, environment, templates, or where they go */
	ERR_TIMED_OUT = 124,      /* waited for in vain (as timeout(1)) */
	ERR_NOT_EXECUTABLE = 126, /* the program is there and cannot be run */
	ERR_NOT_FOUND = 127,      /* the program, or its interpreter, is not there */
};

enum {
	ERR_FILE_MAX = 512,
	ERR_MESSAGE_MAX = 1024,
	ERR_SOURCE_MAX = 200,
};

struct err {
	enum err_code code;
	int errnum;      /* 0, or the errno behind it */
	unsigned line;   /* from 1; 0: none */
	unsigned column; /* from 1, in bytes; 0: none */
	unsigned caret;  /* column within `source`, from 1; 0: no source line to show */
	char file[ERR_FILE_MAX];
	char message[ERR_MESSAGE_MAX];
	char source[ERR_SOURCE_MAX]; /* the line it stands on, cut around the caret */
};

/* Errors that are collected before a command gives up; more are counted only. */
enum { ERR_LIST_MAX = 20 };
struct err_list {
	struct err errs[ERR_LIST_MAX];
	unsigned count;
	unsigned dropped;
};

void err_clear(struct err *err);

/* Each sets everything anew and returns -1, for `return err_set(...)`. `err` may be NULL. */
int err_set(struct err *err, enum err_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Appends ": " and the text of `errnum`. */
int err_set_errno(struct err *err, enum err_code code, int errnum, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int err_set_at(struct err *err, enum err_code code, const char *file, unsigned line,
	unsigned column, const char *format, ...) __attribute__((format(printf, 6, 7)));
int err_nomem(struct err *err);

/* Puts "context: " before the message; returns -1. */
int err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts more behind the message; returns -1. */
int err_append(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends which of `known` was meant: " (did you mean json?)", or where none is near `given`,
 * " (known: text, json)". `known` ends with NULL; where it is empty, nothing is appended. Returns
 * -1. */
int err_suggest(struct err *err, struct str given, const char *const *known);

/* Sets line, column, source and caret from a byte offset into `text`, the whole file's content. */
void err_locate(struct err *err, const char *file, struct str text, size_t offset);
/* The line stays out of the message: it may hold a secret. */
void err_hide_source(struct err *err);

/*
 * "file:line:column: message", and where there is a source line, two more lines: it, and the
 * caret. No newline at the end. Control characters in it come out as \xNN. Returns the length;
 * always ends in NUL.
 */
size_t err_format(const struct err *err, char *out, size_t size);

/* A place for one more error, cleared; NULL (and counted) where the list is full. */
struct err *err_list_add(struct err_list *list);
/* Adds a copy of `err`; returns -1. */
int err_list_put(struct err_list *list, const struct err *err);
/* Its entries are left as they are: 20 of them are ten pages that a start without an error does not
 * touch. */
static inline void err_list_init(struct err_list *list)
{
	list->count = list->dropped = 0;
}

#endif
