/*
 * policy/calendar.c - dates and times as policies write them.
 *
 * Written out because the C library's functions read the process's time zone and
 * accept far more than RFC 3339 does.
 */
#include "policy/calendar.h"

/* Years counted from March, so that the leap day is the last of its year. */
int64_t calendar_days(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

int64_t calendar_year(int64_t days)
{
	int64_t since_march_0 = days + 719468;
	int64_t era = (since_march_0 >= 0 ? since_march_0 : since_march_0 - 146096) / 146097;
	int64_t day_of_era = since_march_0 - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t year = era * 400 + year_of_era;

	return days >= calendar_days(year + 1, 1, 1) ? year + 1 : year;
}

unsigned calendar_weekday(int64_t days)
{
	int64_t from_monday = (days + 3) % 7; /* 1970-01-01 was a Thursday */

	return (unsigned)(from_monday < 0 ? from_monday + 7 : from_monday);
}

int64_t calendar_day_of(int64_t seconds)
{
	return seconds / DAY_S - (seconds % DAY_S < 0);
}

/* Exactly len digits at the front of *s. */
static bool take_digits(struct str *s, size_t len, unsigned *ret)
{
	unsigned value = 0;

	if (s->len < len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!ascii_is_digit(s->ptr[i]))
			return false;
		value = value * 10 + (unsigned)(s->ptr[i] - '0');
	}
	*s = str_after(*s, len);
	*ret = value;
	return true;
}

static bool take_char(struct str *s, char c)
{
	if (!s->len || s->ptr[0] != c)
		return false;
	*s = str_after(*s, 1);
	return true;
}

static unsigned days_of_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && is_leap);
}

static bool take_date(struct str *s, int64_t *ret_days)
{
	unsigned year, month, day;

	if (!take_digits(s, 4, &year) || !take_char(s, '-') || !take_digits(s, 2, &month) ||
	    !take_char(s, '-') || !take_digits(s, 2, &day))
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
		return false;
	*ret_days = calendar_days(year, month, day);
	return true;
}

bool calendar_parse_date(struct str s, int64_t *ret_days)
{
	int64_t days;

	if (!take_date(&s, &days) || s.len)
		return false;
	*ret_days = days;
	return true;
}

static bool take_offset(struct str *s, int32_t *ret_s)
{
	unsigned hours, minutes;
	bool is_west;

	if (!s->len || (s->ptr[0] != '+' && s->ptr[0] != '-'))
		return false;
	is_west = s->ptr[0] == '-';
	*s = str_after(*s, 1);
	if (!take_digits(s, 2, &hours) || !take_char(s, ':') || !take_digits(s, 2, &minutes))
		return false;
	if (hours > 23 || minutes > 59)
		return false;
	*ret_s = (int32_t)(hours * 3600 + minutes * 60) * (is_west ? -1 : 1);
	return true;
}

bool calendar_parse_offset(struct str s, int32_t *ret_s)
{
	int32_t offset;

	if (!take_offset(&s, &offset) || s.len)
		return false;
	*ret_s = offset;
	return true;
}

static void skip_fraction(struct str *s)
{
	if (s->len < 2 || s->ptr[0] != '.' || !ascii_is_digit(s->ptr[1]))
		return;
	*s = str_after(*s, 1);
	while (s->len && ascii_is_digit(s->ptr[0]))
		*s = str_after(*s, 1);
}

bool calendar_parse_time(struct str s, int64_t *ret_s)
{
	unsigned hours, minutes, seconds;
	int32_t offset = 0;
	int64_t days;

	if (!take_date(&s, &days) || (!take_char(&s, 'T') && !take_char(&s, 't')))
		return false;
	if (!take_digits(&s, 2, &hours) || !take_char(&s, ':') || !take_digits(&s, 2, &minutes) ||
	    !take_char(&s, ':') || !take_digits(&s, 2, &seconds))
		return false;
	if (hours > 23 || minutes > 59 || seconds > 60) /* 60: a leap second */
		return false;
	skip_fraction(&s);
	if (!take_char(&s, 'Z') && !take_char(&s, 'z') && !take_offset(&s, &offset))
		return false;
	if (s.len)
		return false;
	*ret_s = days * DAY_S + hours * 3600 + minutes * 60 + seconds - offset;
	return true;
}

bool calendar_parse_clock(struct str s, unsigned *ret_minutes)
{
	unsigned hours, minutes;

	if (!take_digits(&s, 2, &hours) || !take_char(&s, ':') || !take_digits(&s, 2, &minutes) ||
	    s.len)
		return false;
	if (minutes > 59 || hours * 60 + minutes > 24 * 60)
		return false;
	*ret_minutes = hours * 60 + minutes;
	return true;
}

const char *calendar_day_name(unsigned weekday)
{
	static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

	return weekday < ARRAY_LEN(names) ? names[weekday] : NULL;
}
