/*
 * tests of io/ring.h: whole records or none, wrapping, drops, two threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "io/ring.h"

/* Everything in the ring, taken. */
static size_t take_all(struct ring *r, char *out, size_t size)
{
	const char *part1, *part2;
	size_t len1, len2;
	size_t len = ring_peek(r, &part1, &len1, &part2, &len2);

	assert_int_equal(len, len1 + len2);
	assert_true(len <= size);
	memcpy(out, part1, len1);
	memcpy(out + len1, part2, len2);
	ring_consume(r, len);
	return len;
}

static void test_capacity(void **state)
{
	static const struct {
		const char *name;
		size_t asked;
		size_t holds;
	} rows[] = {
		{"the least", 0, 64},
		{"a power of two", 128, 128},
		{"rounded up", 129, 256},
	};
	static char bytes[512];
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ring *r = ring_new(rows[i].asked);
		assert_non_null(r);
		bool more = ring_write(r, bytes, rows[i].holds + 1);
		bool all = ring_write(r, bytes, rows[i].holds);
		bool then = ring_write(r, bytes, 1);
		if (more || !all || then) {
			print_error("%s: want %zu bytes to fit; one more %d, all %d, then one %d\n",
				    rows[i].name, rows[i].holds, more, all, then);
			failed++;
		}
		assert_int_equal(ring_dropped(r), 2);
		ring_free(r);
	}
	assert_int_equal(failed, 0);
	assert_null(ring_new(SIZE_MAX));
	assert_null(ring_new(((size_t)1 << 30) + 1));
	ring_free(NULL);
}

static void test_records_wrap(void **state)
{
	struct ring *r = ring_new(64);
	char record[64], got[64];

	(void)state;
	assert_non_null(r);
	/* 37 is prime to 64: every place is once the start. */
	for (int round = 0; round < 200; round++) {
		memset(record, 'a' + round % 26, 37);
		assert_true(ring_write(r, record, 37));
		assert_int_equal(take_all(r, got, sizeof(got)), 37);
		assert_memory_equal(got, record, 37);
	}
	assert_int_equal(take_all(r, got, sizeof(got)), 0);
	assert_int_equal(ring_dropped(r), 0);
	ring_free(r);
}

static void test_consumed_in_part(void **state)
{
	struct ring *r = ring_new(64);
	char got[64];

	(void)state;
	assert_non_null(r);
	assert_true(ring_write(r, "hello ", 6));
	assert_true(ring_write(r, "world", 5));
	ring_consume(r, 4);
	assert_int_equal(take_all(r, got, sizeof(got)), 7);
	assert_memory_equal(got, "o world", 7);
	assert_true(ring_write(r, "", 0));
	assert_int_equal(take_all(r, got, sizeof(got)), 0);
	ring_free(r);
}

static void test_half_full(void **state)
{
	struct ring *r = ring_new(64);
	char bytes[64] = {0};

	(void)state;
	assert_non_null(r);
	assert_false(ring_is_half_full(r));
	assert_true(ring_write(r, bytes, 31));
	assert_false(ring_is_half_full(r));
	assert_true(ring_write(r, bytes, 1));
	assert_true(ring_is_half_full(r));
	ring_consume(r, 1);
	assert_false(ring_is_half_full(r));
	ring_free(r);
}

/* Two threads. Records "NNN...N\n" of varying length; the digit tells the number. */

enum { RECORDS = 200000 };

static void *producer_main(void *arg)
{
	struct ring *r = arg;
	char record[32];

	for (unsigned i = 0; i < RECORDS;) {
		size_t len = i % 30 + 1;
		memset(record, '0' + (int)(i % 10), len);
		record[len] = '\n';
		if (ring_write(r, record, len + 1))
			i++;
		else
			sched_yield();
	}
	return NULL;
}

/* Follows the bytes of the stream and knows each one in advance. */
struct reader {
	unsigned record;
	size_t at;
	bool wrong;
};

static void reader_take(struct reader *reader, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool at_end = reader->at == reader->record % 30 + 1;
		char want = at_end ? '\n' : (char)('0' + reader->record % 10);
		reader->wrong = reader->wrong || bytes[i] != want;
		reader->at = at_end ? 0 : reader->at + 1;
		reader->record += at_end;
	}
}

static void test_two_threads(void **state)
{
	struct ring *r = ring_new(256);
	struct reader reader = {0};
	pthread_t thread;

	(void)state;
	assert_non_null(r);
	assert_int_equal(pthread_create(&thread, NULL, producer_main, r), 0);
	while (reader.record < RECORDS) {
		const char *part1, *part2;
		size_t len1, len2;
		size_t len = ring_peek(r, &part1, &len1, &part2, &len2);
		if (len == 0)
			sched_yield();
		reader_take(&reader, part1, len1);
		reader_take(&reader, part2, len2);
		/* what is visible is whole records */
		reader.wrong = reader.wrong || reader.at != 0;
		ring_consume(r, len);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(reader.wrong);
	ring_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capacity),
		cmocka_unit_test(test_records_wrap),
		cmocka_unit_test(test_consumed_in_part),
		cmocka_unit_test(test_half_full),
		cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests_name("io/ring", tests, NULL, NULL);
}
