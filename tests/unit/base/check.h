/*
 * tests/unit/base/check.h - comparisons for tables of cases: a row that fails prints its
 * name, what was wanted and what came, and the others still run.
 */
#ifndef TESTS_UNIT_BASE_CHECK_H
#define TESTS_UNIT_BASE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static int check_failures;

static inline void check_i64(const char *name, const char *what, int64_t want, int64_t got)
{
	if (want == got)
		return;
	check_failures++;
	print_error("%s: %s: want %lld, got %lld\n", name, what, (long long)want, (long long)got);
}

static inline void check_str(const char *name, const char *what, struct str want, struct str got)
{
	if (str_equal(want, got))
		return;
	check_failures++;
	print_error("%s: %s: want \"%.*s\" (%zu bytes), got \"%.*s\" (%zu bytes)\n", name, what,
		    STR_ARG(want), want.len, STR_ARG(got), got.len);
}

static inline void check_cstr(const char *name, const char *what, const char *want, const char *got)
{
	check_str(name, what, str_from(want ? want : "(none)"), str_from(got ? got : "(none)"));
}

static inline void check_contains(const char *name, const char *part, const char *got)
{
	if (strstr(got, part))
		return;
	check_failures++;
	print_error("%s: want something with \"%s\", got \"%s\"\n", name, part, got);
}

/* At the end of a test: fails it when a row has failed. */
static inline void check_done(void)
{
	int failures = check_failures;

	check_failures = 0;
	assert_int_equal(failures, 0);
}

#define CHECK(name, condition) check_i64(name, #condition, 1, (condition) ? 1 : 0)

#endif
