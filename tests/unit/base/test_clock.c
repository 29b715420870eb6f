#include "check.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static void test_rfc3339(void **state)
{
	static const struct {
		int64_t ms;
		const char *want;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{1, "1970-01-01T00:00:00.001Z"},
		{-1, "1969-12-31T23:59:59.999Z"},
		{1795297327123, "2026-11-21T21:42:07.123Z"},
		{951782399999, "2000-02-28T23:59:59.999Z"},
		{951782400000, "2000-02-29T00:00:00.000Z"},
		{951868800000, "2000-03-01T00:00:00.000Z"},
		{4107542399000, "2100-02-28T23:59:59.000Z"},
		{4107542400000, "2100-03-01T00:00:00.000Z"},
		{2147483648000, "2038-01-19T03:14:08.000Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z"},
		{253402300800000, "9999-12-31T23:59:59.999Z"},
		{INT64_MAX, "9999-12-31T23:59:59.999Z"},
		{INT64_MIN, "0001-01-01T00:00:00.000Z"},
	};
	char out[CLOCK_RFC3339_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_cstr(rows[i].want, "text", rows[i].want, clock_rfc3339(rows[i].ms, out));
	check_done();
}

/* Every day of 400 years and some, against the C library. */
static void test_calendar(void **state)
{
	char want[CLOCK_RFC3339_SIZE], got[CLOCK_RFC3339_SIZE];

	(void)state;
	for (int64_t day = -100000; day < 100000; day += 1) {
		time_t seconds = (time_t)(day * 86400 + 3661);
		struct tm tm;

		assert_non_null(gmtime_r(&seconds, &tm));
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
		if (strcmp(want, clock_rfc3339((int64_t)seconds * 1000, got)) != 0)
			check_cstr("day", "date", want, got);
	}
	check_done();
}

static void *first_reading(void *arg)
{
	int64_t *wall = arg;

	*wall = clock_wall_s();
	return NULL;
}

static void test_reading(void **state)
{
	struct timespec pause = {.tv_nsec = 3000000};
	int64_t us, wall_ms, now, elsewhere = 0;
	pthread_t thread;

	(void)state;
	clock_update();
	us = clock_us();
	wall_ms = clock_wall_ms();
	nanosleep(&pause, NULL);
	CHECK("a turn has one time", clock_us() == us && clock_wall_ms() == wall_ms);
	CHECK("units agree", clock_ms() == us / 1000 && clock_wall_s() == wall_ms / 1000);
	now = clock_now_us();
	CHECK("now is later", now >= us + 3000);
	CHECK("and leaves the reading", clock_us() == us);
	clock_update();
	CHECK("update moves it", clock_us() >= now);
	CHECK("wall too", clock_wall_ms() > wall_ms);
	CHECK("wall is the system's", llabs(clock_wall_s() - (int64_t)time(NULL)) <= 1);
	assert_int_equal(pthread_create(&thread, NULL, first_reading, &elsewhere), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	CHECK("a new thread has the time", llabs(elsewhere - (int64_t)time(NULL)) <= 1);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc3339),
		cmocka_unit_test(test_calendar),
		cmocka_unit_test(test_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
