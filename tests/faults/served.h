/*
 * served: a PID 1 of a new namespace that is not husk and answers like one, for its clients'
 * faults.
 */
#ifndef HUSK_TESTS_FAULTS_SERVED_H
#define HUSK_TESTS_FAULTS_SERVED_H

/* In PID 1: runs `client` in a child, with standard error and the descriptors from `kept` on its
 * alone, and answers until that has ended. Does not return. */
void served_run(void (*client)(void *arg), void *arg, int kept) __attribute__((noreturn));

#endif
