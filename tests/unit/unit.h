/*
 * unit: what every cmocka program of husk includes, in the order cmocka wants.
 */
#ifndef HUSK_TESTS_UNIT_H
#define HUSK_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After the standard headers. */
#include <cmocka.h>

/* Rows of a table of cases. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
