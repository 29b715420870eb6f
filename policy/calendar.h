/*
 * policy/calendar.h - dates and times as policies write them; no clock, no time zone of
 * the process.
 */
#ifndef SALLYPORT_POLICY_CALENDAR_H
#define SALLYPORT_POLICY_CALENDAR_H

#include "base/base.h"
#include "base/str.h"

enum { DAY_S = 24 * 60 * 60 };

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
int64_t calendar_days(int64_t year, unsigned month, unsigned day);
int64_t calendar_year(int64_t days);	  /* the year such a day falls in */
unsigned calendar_weekday(int64_t days);  /* 0 is Monday */
int64_t calendar_day_of(int64_t seconds); /* seconds / DAY_S, rounded down */

/* "2027-01-31", years 1970 to 9999. */
MUST_CHECK bool calendar_parse_date(struct str s, int64_t *ret_days);
/* An RFC 3339 date-time with its offset, "2027-01-31T09:00:00+01:00"; fractions are dropped. */
MUST_CHECK bool calendar_parse_time(struct str s, int64_t *ret_s);
/* "09:30", up to "24:00": minutes since midnight. */
MUST_CHECK bool calendar_parse_clock(struct str s, unsigned *ret_minutes);
/* "+02:00" or "-09:30": seconds east of Greenwich, less than a day. */
MUST_CHECK bool calendar_parse_offset(struct str s, int32_t *ret_s);
const char *calendar_day_name(unsigned weekday); /* "mon" ... "sun" */

#endif
