#include "tests/unit/base/check.h"

#include "policy/calendar.h"

static void test_days(void **state)
{
	(void)state;
	/* Every day of 400 years, counted by hand. */
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t day = 0;

	for (int year = 1970; year < 2370; year++) {
		bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		for (int month = 1; month <= 12; month++) {
			int length = lengths[month - 1] + (month == 2 && is_leap);

			for (int d = 1; d <= length; d++, day++) {
				assert_int_equal(calendar_days(year, (unsigned)month, (unsigned)d),
						 day);
				assert_int_equal(calendar_year(day), year);
				assert_int_equal(calendar_weekday(day), (day + 3) % 7);
			}
		}
	}
	check_i64("before 1970", "day", -1, calendar_days(1969, 12, 31));
	check_i64("before 1970", "year", 1969, calendar_year(-1));
	check_i64("before 1970", "weekday", 2, calendar_weekday(-1));
	check_i64("year 1600", "year", 1600, calendar_year(calendar_days(1600, 2, 29)));
	check_i64("last second", "day", -1, calendar_day_of(-1));
	check_i64("midnight", "day", 1, calendar_day_of(DAY_S));
	check_i64("midnight before", "day", -1, calendar_day_of(-DAY_S));
	check_done();
}

static void test_dates(void **state)
{
	static const struct {
		const char *text;
		int64_t days; /* -1: refused */
	} rows[] = {
		{"1970-01-01", 0},     {"2026-01-01", 20454},
		{"2024-02-29", 19782}, {"9999-12-31", 2932896},
		{"2025-02-29", -1},    {"2100-02-29", -1},
		{"2026-00-01", -1},    {"2026-13-01", -1},
		{"2026-01-00", -1},    {"2026-04-31", -1},
		{"1969-12-31", -1},    {"2026-1-1", -1},
		{"2026-01-01 ", -1},   {"", -1},
		{"2026-01-0a", -1},    {"02026-01-01", -1},
		{"2026/01/01", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t days = -1;

		check_i64(rows[i].text, "good", rows[i].days >= 0,
			  calendar_parse_date(str_from(rows[i].text), &days));
		check_i64(rows[i].text, "days", rows[i].days, days);
	}
	check_done();
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} rows[] = {
		/* RFC 3339, section 5.8 */
		{"1985-04-12T23:20:50.52Z", 482196050},
		{"1996-12-19T16:39:57-08:00", 851042397},
		{"1990-12-31T23:59:60Z", 662688000},
		{"1990-12-31T15:59:60-08:00", 662688000},
		{"2026-01-01T12:00:00Z", 1767268800},
		{"2026-01-01t12:00:00z", 1767268800},
		{"2026-01-01T13:30:00+01:30", 1767268800},
		{"2026-01-01T12:00:00", -1},
		{"2026-01-01 12:00:00Z", -1},
		{"2026-01-01T24:00:00Z", -1},
		{"2026-01-01T12:60:00Z", -1},
		{"2026-01-01T12:00:61Z", -1},
		{"2026-01-01T12:00Z", -1},
		{"2026-01-01T12:00:00.Z", -1},
		{"2026-01-01T12:00:00+1:00", -1},
		{"2026-01-01T12:00:00+24:00", -1},
		{"2026-01-01T12:00:00+01:60", -1},
		{"2026-01-01T12:00:00Zx", -1},
		{"2026-01-01", -1},
		{"", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t seconds = -1;

		check_i64(rows[i].text, "good", rows[i].seconds >= 0,
			  calendar_parse_time(str_from(rows[i].text), &seconds));
		check_i64(rows[i].text, "seconds", rows[i].seconds, seconds);
	}
	check_done();
}

static void test_clocks_and_offsets(void **state)
{
	static const struct {
		const char *text;
		int minutes; /* -1: refused */
	} clocks[] = {
		{"00:00", 0}, {"09:30", 570}, {"23:59", 1439}, {"24:00", 1440},	 {"24:01", -1},
		{"9:30", -1}, {"09:60", -1},  {"0930", -1},    {"09:30:00", -1}, {"", -1},
	};
	int32_t offset = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
		unsigned minutes = (unsigned)-1;

		check_i64(clocks[i].text, "good", clocks[i].minutes >= 0,
			  calendar_parse_clock(str_from(clocks[i].text), &minutes));
		check_i64(clocks[i].text, "minutes", clocks[i].minutes, (int)minutes);
	}
	CHECK("east", calendar_parse_offset(STR("+02:00"), &offset) && offset == 7200);
	CHECK("west", calendar_parse_offset(STR("-09:30"), &offset) && offset == -34200);
	CHECK("no sign", !calendar_parse_offset(STR("02:00"), &offset));
	CHECK("no colon", !calendar_parse_offset(STR("+0200"), &offset));
	CHECK("untouched", offset == -34200);
	check_cstr("first day", "name", "mon", calendar_day_name(0));
	check_cstr("last day", "name", "sun", calendar_day_name(6));
	CHECK("no day", !calendar_day_name(7));
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_clocks_and_offsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
