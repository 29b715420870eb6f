/*
 * config/option_units.c - durations and sizes: a whole number and its unit, "30s", "64KiB".
 *
 * A unit is never optional. A bare 30 has been read as seconds by one person and as
 * milliseconds by the next one for as long as there have been timeouts.
 */
#include <inttypes.h>
#include <stdio.h>

#include "config/option_values.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* From large to small: the first that divides a value gives its shortest spelling. */
static const struct unit duration_units[] = {
	{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
static const struct unit size_units[] = {
	{"TiB", (uint64_t)1 << 40},
	{"GiB", (uint64_t)1 << 30},
	{"MiB", (uint64_t)1 << 20},
	{"KiB", (uint64_t)1 << 10},
	{"B", 1},
};

static bool parse_with_unit(struct str text, const struct unit *units, size_t count, uint64_t *ret)
{
	size_t digits = 0;
	uint64_t number;

	while (digits < text.len && ascii_is_digit(text.ptr[digits]))
		digits++;
	if (!str_to_u64(str_slice(text, 0, digits), &number))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!str_equal(str_after(text, digits), str_from(units[i].name)))
			continue;
		if (number > INT64_MAX / units[i].factor)
			return false;
		*ret = number * units[i].factor;
		return true;
	}
	return false;
}

static const char *format_with_unit(uint64_t value, const struct unit *units, size_t count,
				    char out[OPTION_UNIT_SIZE])
{
	const struct unit *unit = &units[count - 1];
	int written;

	if (value == 0) /* every unit divides it; seconds and bytes read best */
		unit = units == duration_units ? &units[count - 2] : unit;
	for (size_t i = 0; value > 0 && i < count; i++) {
		if (value % units[i].factor == 0) {
			unit = &units[i];
			break;
		}
	}
	written =
		snprintf(out, OPTION_UNIT_SIZE, "%" PRIu64 "%s", value / unit->factor, unit->name);
	ASSERT(written > 0 && written < OPTION_UNIT_SIZE);
	return out;
}

bool option_parse_duration(struct str text, int64_t *ret_ms)
{
	uint64_t value;

	if (!parse_with_unit(text, duration_units, ARRAY_LEN(duration_units), &value))
		return false;
	*ret_ms = (int64_t)value;
	return true;
}

bool option_parse_size(struct str text, uint64_t *ret_bytes)
{
	return parse_with_unit(text, size_units, ARRAY_LEN(size_units), ret_bytes);
}

const char *option_format_duration(int64_t ms, char out[OPTION_UNIT_SIZE])
{
	ASSERT(ms >= 0);
	return format_with_unit((uint64_t)ms, duration_units, ARRAY_LEN(duration_units), out);
}

const char *option_format_size(uint64_t bytes, char out[OPTION_UNIT_SIZE])
{
	return format_with_unit(bytes, size_units, ARRAY_LEN(size_units), out);
}

bool option_read_duration(struct option_reader *r, const struct option *o, const struct json *value,
			  void *field)
{
	char found[OPTION_FOUND_SIZE], low[OPTION_UNIT_SIZE], high[OPTION_UNIT_SIZE];
	int64_t ms;

	if (!json_is(value, JSON_STRING) || !option_parse_duration(json_str(value), &ms)) {
		option_fault(r, NULL,
			     "must be a whole number and one of the units ms, s, m, h, d, such as "
			     "\"30s\"; found %s",
			     option_found(value, found));
		return false;
	}
	if ((o->min != 0 || o->max != 0) && (ms < o->min || ms > o->max)) {
		option_fault(r, NULL, "must be within \"%s\" and \"%s\", found %s",
			     option_format_duration(o->min, low),
			     option_format_duration(o->max, high), option_found(value, found));
		return false;
	}
	*(int64_t *)field = ms;
	return true;
}

bool option_read_size(struct option_reader *r, const struct option *o, const struct json *value,
		      void *field)
{
	char found[OPTION_FOUND_SIZE], low[OPTION_UNIT_SIZE], high[OPTION_UNIT_SIZE];
	uint64_t bytes;

	if (!json_is(value, JSON_STRING) || !option_parse_size(json_str(value), &bytes)) {
		option_fault(r, NULL,
			     "must be a whole number and one of the units B, KiB, MiB, GiB, TiB, "
			     "such as \"64KiB\"; found %s",
			     option_found(value, found));
		return false;
	}
	if ((o->min != 0 || o->max != 0) &&
	    (bytes < (uint64_t)o->min || bytes > (uint64_t)o->max)) {
		option_fault(r, NULL, "must be within \"%s\" and \"%s\", found %s",
			     option_format_size((uint64_t)o->min, low),
			     option_format_size((uint64_t)o->max, high),
			     option_found(value, found));
		return false;
	}
	*(uint64_t *)field = bytes;
	return true;
}
