/*
 * tests/unit/authn/session/fake_clock.h - base/clock.h with a wall clock that a test
 * sets. It stands in the test's own object, so the library's never gets linked. The
 * monotonic clock, which loops sleep by, stays the real one.
 */
#ifndef TESTS_UNIT_AUTHN_SESSION_FAKE_CLOCK_H
#define TESTS_UNIT_AUTHN_SESSION_FAKE_CLOCK_H

#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"

enum { FAKE_CLOCK_START_S = 1700000000 };

static _Atomic int64_t fake_clock_s = FAKE_CLOCK_START_S;

int64_t clock_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void clock_update(void)
{
}

int64_t clock_us(void)
{
	return clock_now_us();
}

int64_t clock_ms(void)
{
	return clock_now_us() / 1000;
}

int64_t clock_wall_s(void)
{
	return fake_clock_s;
}

int64_t clock_wall_ms(void)
{
	return fake_clock_s * 1000;
}

const char *clock_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE])
{
	(void)wall_ms;
	out[0] = '\0';
	return out;
}

#endif
