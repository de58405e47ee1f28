/* husk's own main, under a name that leaves room for the test's. */
#include "faults/inject.h"

#define main husk_main
#include "../../src/cmd/main.c"
