/*
 * base/clock.c - the time, read once per turn of a loop.
 *
 * A thread that never called clock_update() gets its first reading from the first
 * question: a session that is checked against 1970 never expires.
 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

static _Thread_local struct {
	bool taken;
	int64_t monotonic_us;
	int64_t wall_ms;
} reading;

static int64_t read_us(clockid_t id)
{
	struct timespec now;

	ASSERT(clock_gettime(id, &now) == 0);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void clock_update(void)
{
	reading.monotonic_us = read_us(CLOCK_MONOTONIC);
	reading.wall_ms = read_us(CLOCK_REALTIME) / 1000;
	reading.taken = true;
}

static void need_reading(void)
{
	if (!reading.taken)
		clock_update();
}

int64_t clock_ms(void)
{
	return clock_us() / 1000;
}

int64_t clock_us(void)
{
	need_reading();
	return reading.monotonic_us;
}

int64_t clock_wall_s(void)
{
	return clock_wall_ms() / 1000;
}

int64_t clock_wall_ms(void)
{
	need_reading();
	return reading.wall_ms;
}

int64_t clock_now_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

struct civil {
	int64_t year;
	int month, day;
};

/*
 * The day of the Gregorian calendar that lies so many days behind 1970-01-01. Counted
 * in years that begin on 1 March, so that the leap day comes last; 400 such years
 * (an era) always have 146097 days. gmtime_r would take the lock of the time zone.
 */
static struct civil civil_from_days(int64_t days)
{
	int64_t since = days + 719468; /* since 0000-03-01; not negative in the range below */
	int64_t era = since / 146097;
	int64_t day_of_era = since % 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t march_month = (5 * day_of_year + 2) / 153;
	struct civil c;

	c.day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
	c.month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
	c.year = year_of_era + era * 400 + (c.month <= 2);
	return c;
}

/* value in decimal, zeros in front, over the width characters at out. */
static void put_digits(char *out, int width, int64_t value)
{
	while (width-- > 0) {
		out[width] = (char)('0' + value % 10);
		value /= 10;
	}
}

static const int64_t day_ms = 86400000;
static const int64_t earliest_ms = -62135596800000; /* 0001-01-01T00:00:00.000Z */
static const int64_t latest_ms = 253402300799999;   /* 9999-12-31T23:59:59.999Z */

const char *clock_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE])
{
	int64_t days, in_day;
	struct civil c;

	/* RFC 3339 has years of four digits: what lies outside is shown as the end of them. */
	if (wall_ms < earliest_ms)
		wall_ms = earliest_ms;
	if (wall_ms > latest_ms)
		wall_ms = latest_ms;
	days = wall_ms / day_ms - (wall_ms % day_ms < 0);
	in_day = wall_ms - days * day_ms;
	c = civil_from_days(days);
	memcpy(out, "yyyy-mm-ddThh:mm:ss.mmmZ", sizeof("yyyy-mm-ddThh:mm:ss.mmmZ"));
	put_digits(out, 4, c.year);
	put_digits(out + 5, 2, c.month);
	put_digits(out + 8, 2, c.day);
	put_digits(out + 11, 2, in_day / 3600000);
	put_digits(out + 14, 2, in_day / 60000 % 60);
	put_digits(out + 17, 2, in_day / 1000 % 60);
	put_digits(out + 20, 3, in_day % 1000);
	return out;
}
