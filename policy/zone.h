/*
 * policy/zone.h - how far a zone's clocks are from UTC at a moment.
 *
 * Read once, when a policy is loaded, from the system's zone files (TZif, RFC 8536);
 * asking is arithmetic. The C library's own zones are one per process and re-read
 * files behind the caller's back, so they are not used.
 */
#ifndef SALLYPORT_POLICY_ZONE_H
#define SALLYPORT_POLICY_ZONE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum {
	ZONE_MAX_BYTES = 64 * 1024,
	ZONE_MAX_TRANSITIONS = 4096,
};

/* A day and time of each year at which clocks change. */
struct zone_change {
	enum { ZONE_MONTH_WEEK_DAY, ZONE_JULIAN, ZONE_DAY_OF_YEAR } form;
	unsigned month, week, weekday; /* "M3.5.0"; weekday 0 is Sunday here, as in the file */
	unsigned day;		       /* "J60" counts no leap day, "59" does */
	int32_t time_s;		       /* after local midnight */
};

struct zone {
	struct str name;
	size_t count;		 /* transitions, ascending */
	const int64_t *at;	 /* when each happens */
	const int32_t *offset_s; /* what holds from then on */
	int32_t first_s;	 /* what held before */
	bool has_rule;		 /* for the time behind the last transition */
	bool has_summer;
	int32_t standard_s;
	int32_t summer_s;
	struct zone_change start; /* of summer time */
	struct zone_change end;
};

/* "UTC", "+02:00" or a name of the IANA database. The arena owns what the zone points to. */
MUST_CHECK bool zone_load(struct arena *a, struct str name, struct zone *ret, struct error *err);
/* Read the bytes of a TZif file, version 2 or later. ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM. */
MUST_CHECK bool zone_parse(struct arena *a, struct str data, struct zone *ret, struct error *err);
/* Seconds east of Greenwich at a moment. */
int32_t zone_offset(const struct zone *z, int64_t at_s);
/* The moment at which a zone's clocks show this local time; the earlier one of two. */
int64_t zone_moment(const struct zone *z, int64_t local_s);

#endif
