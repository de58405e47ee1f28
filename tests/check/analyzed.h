/*
 * Read before each file by clang-tidy alone, which does not look into other files: what always
 * returns -1 is said to.
 */
#ifndef HUSK_TESTS_CHECK_ANALYZED_H
#define HUSK_TESTS_CHECK_ANALYZED_H

#include "base/err.h"

#define err_set(...)       ((err_set)(__VA_ARGS__), -1)
#define err_set_errno(...) ((err_set_errno)(__VA_ARGS__), -1)
#define err_set_at(...)    ((err_set_at)(__VA_ARGS__), -1)
#define err_nomem(...)     ((err_nomem)(__VA_ARGS__), -1)
#define err_wrap(...)      ((err_wrap)(__VA_ARGS__), -1)

#endif
