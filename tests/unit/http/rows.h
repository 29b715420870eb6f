/*
 * tests/unit/http/rows.h - checks for tables: a row that fails says so and the next one runs.
 *
 *     rows_begin();
 *     for (size_t i = 0; i < ARRAY_LEN(rows); i++)
 *             row_str(rows[i].name, "path", rows[i].want, got);
 *     rows_end();
 */
#ifndef SALLYPORT_TESTS_UNIT_HTTP_ROWS_H
#define SALLYPORT_TESTS_UNIT_HTTP_ROWS_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

static unsigned rows_failed;
static unsigned rows_checked;

static inline void rows_begin(void)
{
	rows_failed = rows_checked = 0;
}

static inline void rows_end(void)
{
	assert_int_not_equal(rows_checked, 0);
	if (rows_failed)
		fail_msg("%u of %u checks failed", rows_failed, rows_checked);
}

static inline void row_print_str(const char *label, struct str s)
{
	fprintf(stderr, "    %s \"", label);
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			fprintf(stderr, "\\x%02x", c);
		else
			fputc(c, stderr);
	}
	fprintf(stderr, "\" (%zu bytes)\n", s.len);
}

static inline bool row_count(bool is_good, const char *name, const char *what)
{
	rows_checked++;
	if (!is_good) {
		rows_failed++;
		fprintf(stderr, "  row \"%s\": %s\n", name, what);
	}
	return is_good;
}

static inline bool row_str(const char *name, const char *what, struct str want, struct str got)
{
	if (row_count(str_equal(want, got), name, what))
		return true;
	row_print_str("want", want);
	row_print_str("got ", got);
	return false;
}

static inline bool row_u64(const char *name, const char *what, uint64_t want, uint64_t got)
{
	if (row_count(want == got, name, what))
		return true;
	fprintf(stderr, "    want %" PRIu64 "\n    got  %" PRIu64 "\n", want, got);
	return false;
}

static inline bool row_bool(const char *name, const char *what, bool want, bool got)
{
	if (row_count(want == got, name, what))
		return true;
	fprintf(stderr, "    want %s\n    got  %s\n", want ? "true" : "false", got ? "true" : "false");
	return false;
}

/* An arena for a test; never NULL. */
static inline struct arena *rows_arena(void)
{
	struct arena *a = arena_new(1024 * 1024);

	assert_non_null(a);
	return a;
}

#endif
