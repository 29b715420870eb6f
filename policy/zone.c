/*
 * policy/zone.c - zone files (TZif, RFC 8536) and the rule behind their last transition.
 *
 * The file is trusted no more than any other input: every count is checked against the
 * bytes that are there. A slim file holds few transitions and leaves the present to the
 * rule in its footer, so the rule matters today, not only after 2037.
 */
#include "policy/zone.h"

#include <stdio.h>

#include "base/file.h"
#include "policy/calendar.h"

enum {
	HEAD_LEN = 44,
	OFFSET_LIMIT_S = 26 * 3600, /* RFC 8536, section 3.2: -25 h to 26 h */
};

struct head {
	unsigned char version;
	uint64_t is_ut, is_std, leaps, times, types, chars;
};

static uint64_t read_be(const char *p, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | (unsigned char)p[i];
	return value;
}

static bool read_head(struct str data, struct head *ret)
{
	if (data.len < HEAD_LEN || !str_starts_with(data, STR("TZif")))
		return false;
	*ret = (struct head){
		.version = (unsigned char)data.ptr[4],
		.is_ut = read_be(data.ptr + 20, 4),
		.is_std = read_be(data.ptr + 24, 4),
		.leaps = read_be(data.ptr + 28, 4),
		.times = read_be(data.ptr + 32, 4),
		.types = read_be(data.ptr + 36, 4),
		.chars = read_be(data.ptr + 40, 4),
	};
	return true;
}

/* Bytes behind a head; counts are 32 bits each, so the sum does not overflow. */
static uint64_t body_len(const struct head *h, unsigned time_size)
{
	return h->times * time_size + h->times + h->types * 6 + h->chars +
	       h->leaps * (time_size + 4) + h->is_std + h->is_ut;
}

static bool read_offset(const char *types, uint64_t type, int32_t *ret)
{
	int32_t offset = (int32_t)(uint32_t)read_be(types + type * 6, 4);

	if (offset < -OFFSET_LIMIT_S || offset > OFFSET_LIMIT_S)
		return false;
	*ret = offset;
	return true;
}

static bool read_transitions(struct arena *a, const struct head *h, const char *body,
			     struct zone *z, struct error *err)
{
	const char *indexes = body + h->times * 8;
	const char *types = indexes + h->times;
	int64_t *at = arena_alloc_array(a, h->times, sizeof(*at));
	int32_t *offset = arena_alloc_array(a, h->times, sizeof(*offset));

	if (!at || !offset)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (!read_offset(types, 0, &z->first_s))
		return error_set(err, ERR_SYNTAX, "the zone file names an impossible offset");
	for (uint64_t i = 0; i < h->times; i++) {
		unsigned char type = (unsigned char)indexes[i];

		at[i] = (int64_t)read_be(body + i * 8, 8);
		if (i && at[i] <= at[i - 1])
			return error_set(err, ERR_SYNTAX,
					 "the zone file's transitions are not in order");
		if (type >= h->types || !read_offset(types, type, &offset[i]))
			return error_set(err, ERR_SYNTAX,
					 "the zone file names an impossible offset");
	}
	z->at = at;
	z->offset_s = offset;
	z->count = h->times;
	return true;
}

/* The footer is a POSIX TZ value (RFC 8536, section 3.3.1): "CET-1CEST,M3.5.0,M10.5.0/3". */

static bool take_number(struct str *s, unsigned max, unsigned *ret)
{
	unsigned value = 0;
	size_t i = 0;

	while (i < s->len && i < 4 && ascii_is_digit(s->ptr[i]))
		value = value * 10 + (unsigned)(s->ptr[i++] - '0');
	if (!i || value > max)
		return false;
	*s = str_after(*s, i);
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

static bool take_abbreviation(struct str *s)
{
	size_t len = 0;

	if (take_char(s, '<')) {
		size_t end = str_find_char(*s, '>');

		if (end == STR_NONE)
			return false;
		*s = str_after(*s, end + 1);
		return end >= 3;
	}
	while (len < s->len && ascii_is_alpha(s->ptr[len]))
		len++;
	*s = str_after(*s, len);
	return len >= 3;
}

/* [+-]h[h[h]][:mm[:ss]], in seconds. */
static bool take_hms(struct str *s, int32_t *ret)
{
	unsigned hours, minutes = 0, seconds = 0;
	bool is_negative = take_char(s, '-');

	if (!is_negative)
		(void)take_char(s, '+');
	if (!take_number(s, 167, &hours))
		return false;
	if (take_char(s, ':') && !take_number(s, 59, &minutes))
		return false;
	if (take_char(s, ':') && !take_number(s, 59, &seconds))
		return false;
	*ret = (int32_t)(hours * 3600 + minutes * 60 + seconds) * (is_negative ? -1 : 1);
	return true;
}

static bool take_change(struct str *s, struct zone_change *ret)
{
	struct zone_change c = {.time_s = 2 * 3600};

	if (!take_char(s, ','))
		return false;
	if (take_char(s, 'M')) {
		c.form = ZONE_MONTH_WEEK_DAY;
		if (!take_number(s, 12, &c.month) || !take_char(s, '.') ||
		    !take_number(s, 5, &c.week) || !take_char(s, '.') ||
		    !take_number(s, 6, &c.weekday) || !c.month || !c.week)
			return false;
	} else if (take_char(s, 'J')) {
		c.form = ZONE_JULIAN;
		if (!take_number(s, 365, &c.day) || !c.day)
			return false;
	} else {
		c.form = ZONE_DAY_OF_YEAR;
		if (!take_number(s, 365, &c.day))
			return false;
	}
	if (take_char(s, '/') && !take_hms(s, &c.time_s))
		return false;
	*ret = c;
	return true;
}

static bool read_rule(struct str s, struct zone *z)
{
	int32_t west;

	if (!take_abbreviation(&s) || !take_hms(&s, &west) || west < -OFFSET_LIMIT_S ||
	    west > OFFSET_LIMIT_S)
		return false;
	z->standard_s = -west; /* POSIX counts west of Greenwich */
	z->has_rule = true;
	if (!s.len)
		return true;
	if (!take_abbreviation(&s))
		return false;
	z->summer_s = z->standard_s + 3600;
	if (s.len && s.ptr[0] != ',') {
		if (!take_hms(&s, &west) || west < -OFFSET_LIMIT_S || west > OFFSET_LIMIT_S)
			return false;
		z->summer_s = -west;
	}
	z->has_summer = true;
	return take_change(&s, &z->start) && take_change(&s, &z->end) && !s.len;
}

static bool read_footer(struct str rest, struct zone *z, struct error *err)
{
	size_t end;

	if (!take_char(&rest, '\n') || (end = str_find_char(rest, '\n')) == STR_NONE)
		return error_set(err, ERR_SYNTAX, "the zone file has no footer");
	rest.len = end;
	if (rest.len && !read_rule(rest, z))
		return error_set(err, ERR_SYNTAX, "the zone file's footer is not a time zone rule");
	return true;
}

bool zone_parse(struct arena *a, struct str data, struct zone *ret, struct error *err)
{
	struct zone z = {0};
	struct head h;
	uint64_t len;

	if (data.len > ZONE_MAX_BYTES)
		return error_set(err, ERR_LIMIT, "a zone file has at most %d bytes",
				 ZONE_MAX_BYTES);
	if (!read_head(data, &h) || h.version < '2')
		return error_set(err, ERR_SYNTAX, "not a zone file of version 2 or later");
	len = body_len(&h, 4); /* the old 32-bit half, skipped */
	if (len > data.len - HEAD_LEN)
		return error_set(err, ERR_SYNTAX, "the zone file is cut short");
	data = str_after(data, HEAD_LEN + (size_t)len);
	if (!read_head(data, &h) || body_len(&h, 8) > data.len - HEAD_LEN)
		return error_set(err, ERR_SYNTAX, "the zone file is cut short");
	if (h.times > ZONE_MAX_TRANSITIONS)
		return error_set(err, ERR_LIMIT, "a zone file has at most %d transitions",
				 ZONE_MAX_TRANSITIONS);
	if (!h.types || h.types > 256)
		return error_set(err, ERR_SYNTAX, "the zone file names no offset");
	if (!read_transitions(a, &h, data.ptr + HEAD_LEN, &z, err) ||
	    !read_footer(str_after(data, HEAD_LEN + (size_t)body_len(&h, 8)), &z, err))
		return false;
	*ret = z;
	return true;
}

/* Names go into a path: letters, digits and the few others that the database uses. */
static bool is_zone_name(struct str name)
{
	if (!name.len || name.len > 64 || !ascii_is_alpha(name.ptr[0]))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!ascii_is_alnum(c) && c != '_' && c != '-' && c != '+' && c != '/')
			return false;
	}
	return true;
}

static bool zone_read_file(struct arena *a, struct str name, struct zone *ret, struct error *err)
{
	char path[128];
	struct buf data;
	struct error why = {0};
	bool ok;

	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", STR_ARG(name));
	buf_init(&data, ZONE_MAX_BYTES + 1);
	ok = file_read(path, ZONE_MAX_BYTES, &data, &why);
	if (!ok)
		error_set(err, ERR_NOT_FOUND,
			  "unknown time zone \"%.*s\": name one of the system's "
			  "zone database (package tzdata), such as \"Europe/Berlin\"",
			  STR_ARG(name));
	else
		ok = zone_parse(a, buf_str(&data), ret, err);
	buf_done(&data);
	return ok;
}

bool zone_load(struct arena *a, struct str name, struct zone *ret, struct error *err)
{
	struct zone z = {.has_rule = true};

	if (!str_equal(name, STR("UTC")) && !calendar_parse_offset(name, &z.standard_s)) {
		if (!is_zone_name(name))
			return error_set(err, ERR_SYNTAX,
					 "a zone is \"UTC\", an offset such as "
					 "\"+02:00\", or a name such as \"Europe/Berlin\"");
		if (!zone_read_file(a, name, &z, err))
			return false;
	}
	z.name = arena_str(a, name);
	*ret = z;
	return true;
}

/* The day, counted from 1970, on which a change falls in a year. */
static int64_t change_day(const struct zone_change *c, int64_t year)
{
	bool is_leap = calendar_days(year, 3, 1) - calendar_days(year, 2, 28) == 2;
	int64_t first, day, next;

	switch (c->form) {
	case ZONE_MONTH_WEEK_DAY:
		first = calendar_days(year, c->month, 1);
		next = c->month == 12 ? calendar_days(year + 1, 1, 1)
				      : calendar_days(year, c->month + 1, 1);
		/* calendar_weekday() has Monday first, the rule Sunday */
		day = first + (c->weekday + 6 - calendar_weekday(first)) % 7 + (c->week - 1) * 7;
		return day < next ? day : day - 7; /* week 5 is the last one */
	case ZONE_JULIAN: return calendar_days(year, 1, 1) + c->day - 1 + (is_leap && c->day > 59);
	case ZONE_DAY_OF_YEAR: break;
	}
	return calendar_days(year, 1, 1) + c->day;
}

static int32_t rule_offset(const struct zone *z, int64_t at_s)
{
	int64_t year, start, end;
	bool is_summer;

	if (!z->has_summer)
		return z->standard_s;
	year = calendar_year(calendar_day_of(at_s + z->standard_s));
	start = change_day(&z->start, year) * DAY_S + z->start.time_s - z->standard_s;
	end = change_day(&z->end, year) * DAY_S + z->end.time_s - z->summer_s;
	if (start < end)
		is_summer = at_s >= start && at_s < end;
	else /* south of the equator summer spans the turn of the year */
		is_summer = at_s >= start || at_s < end;
	return is_summer ? z->summer_s : z->standard_s;
}

int32_t zone_offset(const struct zone *z, int64_t at_s)
{
	size_t low = 0, high = z->count;

	while (low < high) { /* the first transition behind the moment */
		size_t middle = low + (high - low) / 2;

		if (z->at[middle] <= at_s)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == z->count && z->has_rule)
		return rule_offset(z, at_s);
	return low ? z->offset_s[low - 1] : z->first_s;
}

int64_t zone_moment(const struct zone *z, int64_t local_s)
{
	int32_t before = zone_offset(z, local_s - DAY_S);
	int32_t after = zone_offset(z, local_s + DAY_S);

	/* The earlier candidate first; it holds unless clocks had already changed then. */
	if (before < after) {
		int32_t swap = before;

		before = after;
		after = swap;
	}
	if (zone_offset(z, local_s - before) == before)
		return local_s - before;
	return local_s - after;
}
