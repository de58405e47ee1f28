/*
 * supervise: the state machine: (state, event) -> actions. Pure: no system call, no allocation,
 * the time is given. A plan of one service is a plan of many.
 */
#ifndef HUSK_INIT_SUPERVISE_H
#define HUSK_INIT_SUPERVISE_H

/* Its owner designs this; see the design's section 5. */

#endif
