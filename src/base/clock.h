/*
 * base/clock.h - the time, read once per turn of a loop.
 *
 * Each thread has its own reading, taken by clock_update(); the loop takes one per
 * turn, so that all decisions of a turn agree and the request path makes no system
 * call for the time. A thread without a loop calls clock_update() itself.
 */
#ifndef SALLYPORT_BASE_CLOCK_H
#define SALLYPORT_BASE_CLOCK_H

#include "base/base.h"

void clock_update(void);
int64_t clock_ms(void);			/* monotonic milliseconds of the last reading */
int64_t clock_us(void);			/* monotonic microseconds of the last reading */
int64_t clock_wall_s(void);		/* seconds since 1970 of the last reading */
int64_t clock_wall_ms(void);
int64_t clock_now_us(void);		/* monotonic, read now */

enum { CLOCK_RFC3339_SIZE = 32 };
/* "2026-11-20T21:42:07.123Z" of a wall-clock time in milliseconds. Returns out. */
const char *clock_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE]);

#endif
