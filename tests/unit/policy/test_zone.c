/*
 * Zones: against the C library for the system's own files, and by hand for files that
 * are small, odd or broken.
 */
#include "tests/unit/base/check.h"

#include <time.h>

#include "base/buf.h"
#include "policy/calendar.h"
#include "policy/zone.h"

static const char *const names[] = {
	"Europe/Berlin",     "America/New_York",  "Australia/Sydney", "Asia/Kolkata",
	"Africa/Casablanca", "America/Sao_Paulo", "Pacific/Apia",     "Europe/Dublin",
	"Asia/Tehran",	     "Etc/GMT+5",	  "Antarctica/Troll", "America/Nuuk",
	"Asia/Gaza",	     "Pacific/Chatham",
};

/* Six-hourly from 1970 to 2070: every transition is between two of the moments compared. */
static void test_against_the_library(void **state)
{
	struct arena *a = arena_new(1024 * 1024);

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct zone z;
		struct error err = {0};

		CHECK(names[i], zone_load(a, str_from(names[i]), &z, &err));
		assert_int_equal(setenv("TZ", names[i], 1), 0);
		tzset();
		for (int64_t at = 0; at < (int64_t)100 * 365 * DAY_S && !check_failures;
		     at += DAY_S / 4) {
			time_t t = (time_t)at;
			struct tm local;

			assert_non_null(localtime_r(&t, &local));
			if (zone_offset(&z, at) != local.tm_gmtoff)
				print_error("at %lld\n", (long long)at);
			check_i64(names[i], "offset", local.tm_gmtoff, zone_offset(&z, at));
		}
	}
	arena_free(a);
	check_done();
}

static void test_transition_to_the_second(void **state)
{
	static const struct {
		const char *name, *time;
		int32_t offset;
	} rows[] = {
		{"Europe/Berlin", "2026-03-29T00:59:59Z", 3600},
		{"Europe/Berlin", "2026-03-29T01:00:00Z", 7200},
		{"Europe/Berlin", "2026-10-25T00:59:59Z", 7200},
		{"Europe/Berlin", "2026-10-25T01:00:00Z", 3600},
		{"Europe/Berlin", "2060-03-28T00:59:59Z", 3600},
		{"Europe/Berlin", "2060-03-28T01:00:00Z", 7200},
		{"America/New_York", "2060-03-14T06:59:59Z", -18000},
		{"America/New_York", "2060-03-14T07:00:00Z", -14400},
		{"Australia/Sydney", "2060-01-01T00:00:00Z", 39600},
		{"Australia/Sydney", "2060-07-01T00:00:00Z", 36000},
	};
	struct arena *a = arena_new(1024 * 1024);

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone z;
		struct error err = {0};
		int64_t at;

		CHECK(rows[i].time, zone_load(a, str_from(rows[i].name), &z, &err));
		CHECK(rows[i].time, calendar_parse_time(str_from(rows[i].time), &at));
		check_i64(rows[i].time, rows[i].name, rows[i].offset, zone_offset(&z, at));
	}
	arena_free(a);
	check_done();
}

static void test_moments(void **state)
{
	static const struct {
		const char *name, *zone, *local, *want; /* local is written as if it were UTC */
	} rows[] = {
		{"winter", "Europe/Berlin", "2026-01-31T00:00:00Z", "2026-01-30T23:00:00Z"},
		{"summer", "Europe/Berlin", "2026-07-31T00:00:00Z", "2026-07-30T22:00:00Z"},
		{"the day clocks change", "Europe/Berlin", "2026-03-29T12:00:00Z",
		 "2026-03-29T10:00:00Z"},
		{"shown twice: the earlier", "Europe/Berlin", "2026-10-25T02:30:00Z",
		 "2026-10-25T00:30:00Z"},
		{"west", "America/New_York", "2026-07-01T00:00:00Z", "2026-07-01T04:00:00Z"},
		{"fixed", "+02:00", "2026-07-01T00:00:00Z", "2026-06-30T22:00:00Z"},
		{"UTC", "UTC", "2026-07-01T00:00:00Z", "2026-07-01T00:00:00Z"},
	};
	struct arena *a = arena_new(1024 * 1024);

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone z;
		struct error err = {0};
		int64_t local, want;

		CHECK(rows[i].name, zone_load(a, str_from(rows[i].zone), &z, &err));
		CHECK(rows[i].name, calendar_parse_time(str_from(rows[i].local), &local));
		CHECK(rows[i].name, calendar_parse_time(str_from(rows[i].want), &want));
		check_i64(rows[i].name, "moment", want, zone_moment(&z, local));
	}
	arena_free(a);
	check_done();
}

static void test_names(void **state)
{
	static const char *const bad[] = {
		"",
		"utc",
		"../UTC",
		"/etc/passwd",
		"Europe/../../../etc/passwd",
		"+2:00",
		"+25:00",
		"Nowhere/Land",
		"Europe",
		"a b",
		".",
		"Europe/Berlin\n",
	};
	struct arena *a = arena_new(1024 * 1024);

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct zone z;
		struct error err = {0};

		if (zone_load(a, str_from(bad[i]), &z, &err)) {
			check_failures++;
			print_error("\"%s\" was taken\n", bad[i]);
		}
		CHECK(bad[i], err.text[0]);
	}
	arena_free(a);
	check_done();
}

/* --- Files made by hand. */

struct file {
	char version;
	unsigned times, types;
	int64_t at[3];
	unsigned char index[3];
	int32_t offset[2];
	const char *footer; /* with its newlines */
};

static void put_be(struct buf *b, uint64_t value, unsigned len)
{
	while (len--)
		buf_append_char(b, (char)(value >> (len * 8)));
}

static void put_head(struct buf *b, char version, unsigned times, unsigned types)
{
	buf_append_cstr(b, "TZif");
	buf_append_char(b, version);
	for (int i = 0; i < 15 + 4 * 3; i++)
		buf_append_char(b, 0);
	put_be(b, times, 4);
	put_be(b, types, 4);
	put_be(b, types ? 4 : 0, 4);
}

static void put_file(struct buf *b, const struct file *f)
{
	buf_init(b, ZONE_MAX_BYTES * 2);
	put_head(b, f->version, 0, 0);
	put_head(b, f->version, f->times, f->types);
	for (unsigned i = 0; i < f->times; i++)
		put_be(b, (uint64_t)f->at[i % 3] + i / 3 * 3, 8);
	for (unsigned i = 0; i < f->times; i++)
		put_be(b, f->index[i % 3], 1);
	for (unsigned i = 0; i < f->types; i++) {
		put_be(b, (uint32_t)f->offset[i], 4);
		put_be(b, 0, 2);
	}
	if (f->types)
		buf_append(b, str_from_len("AAA\0", 4));
	buf_append_cstr(b, f->footer);
}

static void test_files(void **state)
{
	static const struct {
		const char *name;
		struct file file;
		const char *part; /* of the error; "" when it is good */
		int64_t at;
		int32_t offset;
	} rows[] = {
		{"no transition, no rule", {'2', 0, 1, {0}, {0}, {100}, "\n\n"}, "", 5, 100},
		{"no transition, a rule", {'2', 0, 1, {0}, {0}, {100}, "\nABC-2\n"}, "", 5, 7200},
		{"before the first", {'3', 2, 2, {10, 20}, {1, 0}, {100, 200}, "\n\n"}, "", 9, 100},
		{"at the first", {'3', 2, 2, {10, 20}, {1, 0}, {100, 200}, "\n\n"}, "", 10, 200},
		{"between", {'3', 2, 2, {10, 20}, {1, 0}, {100, 200}, "\n\n"}, "", 19, 200},
		{"behind the last", {'3', 2, 2, {10, 20}, {1, 0}, {100, 200}, "\n\n"}, "", 20, 100},
		{"behind the last, a rule",
		 {'3', 2, 2, {10, 20}, {1, 0}, {100, 200}, "\n<+03>-3:30\n"},
		 "",
		 20,
		 12600},
		{"Julian days",
		 {'2', 0, 1, {0}, {0}, {0}, "\nAAA0BBB,J60/0,J300/0\n"},
		 "",
		 59 * DAY_S,
		 3600},
		{"a day before",
		 {'2', 0, 1, {0}, {0}, {0}, "\nAAA0BBB,J60/0,J300/0\n"},
		 "",
		 59 * DAY_S - 1,
		 0},
		{"a leap day has no Julian number",
		 {'2', 0, 1, {0}, {0}, {0}, "\nAAA0BBB,J60/0,J300/0\n"},
		 "",
		 (2 * 365 + 60) * DAY_S - 1,
		 0},
		{"the day behind it has the usual one",
		 {'2', 0, 1, {0}, {0}, {0}, "\nAAA0BBB,J60/0,J300/0\n"},
		 "",
		 (2 * 365 + 60) * DAY_S,
		 3600},
		{"days counted from none",
		 {'2', 0, 1, {0}, {0}, {0}, "\nAAA0BBB,59/0,300/0\n"},
		 "",
		 59 * DAY_S,
		 3600},
		{"an offset of its own",
		 {'2', 0, 1, {0}, {0}, {0}, "\nAAA0BBB-2,0/0,J365/25\n"},
		 "",
		 0,
		 7200},
		{"version 1", {0, 0, 1, {0}, {0}, {0}, "\n\n"}, "version 2", 0, 0},
		{"no type", {'2', 0, 0, {0}, {0}, {0}, "\n\n"}, "no offset", 0, 0},
		{"type out of range", {'2', 1, 1, {0}, {1}, {0}, "\n\n"}, "impossible", 0, 0},
		{"offset out of range", {'2', 0, 1, {0}, {0}, {93601}, "\n\n"}, "impossible", 0, 0},
		{"not in order", {'2', 2, 1, {10, 10}, {0}, {0}, "\n\n"}, "not in order", 0, 0},
		{"too many", {'2', 4097, 1, {0, 1, 2}, {0}, {0}, "\n\n"}, "4096", 0, 0},
		{"no footer", {'2', 0, 1, {0}, {0}, {0}, ""}, "no footer", 0, 0},
		{"open footer", {'2', 0, 1, {0}, {0}, {0}, "\nABC-2"}, "no footer", 0, 0},
		{"short abbreviation",
		 {'2', 0, 1, {0}, {0}, {0}, "\nAB-2\n"},
		 "not a time zone rule",
		 0,
		 0},
		{"no offset", {'2', 0, 1, {0}, {0}, {0}, "\nABC\n"}, "not a time zone rule", 0, 0},
		{"no change",
		 {'2', 0, 1, {0}, {0}, {0}, "\nABC0DEF\n"},
		 "not a time zone rule",
		 0,
		 0},
		{"one change",
		 {'2', 0, 1, {0}, {0}, {0}, "\nABC0DEF,J1\n"},
		 "not a time zone rule",
		 0,
		 0},
		{"month 13",
		 {'2', 0, 1, {0}, {0}, {0}, "\nABC0DEF,M13.1.0,M3.1.0\n"},
		 "not a time zone rule",
		 0,
		 0},
		{"week 0",
		 {'2', 0, 1, {0}, {0}, {0}, "\nABC0DEF,M1.0.0,M3.1.0\n"},
		 "not a time zone rule",
		 0,
		 0},
		{"week 6",
		 {'2', 0, 1, {0}, {0}, {0}, "\nABC0DEF,M1.6.0,M3.1.0\n"},
		 "not a time zone rule",
		 0,
		 0},
		{"Julian day 0",
		 {'2', 0, 1, {0}, {0}, {0}, "\nABC0DEF,J0,J3\n"},
		 "not a time zone rule",
		 0,
		 0},
		{"trailing", {'2', 0, 1, {0}, {0}, {0}, "\nABC0 \n"}, "not a time zone rule", 0, 0},
	};
	struct arena *a = arena_new(1024 * 1024);

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone z;
		struct error err = {0};
		struct buf data;
		bool ok;

		put_file(&data, &rows[i].file);
		ok = zone_parse(a, buf_str(&data), &z, &err);
		check_i64(rows[i].name, "good", !rows[i].part[0], ok);
		check_contains(rows[i].name, rows[i].part, err.text);
		if (ok)
			check_i64(rows[i].name, "offset", rows[i].offset,
				  zone_offset(&z, rows[i].at));
		/* Cut anywhere, it is refused; the sanitizer watches the reading. */
		for (size_t len = 0; ok && len < data.len; len++) {
			char *cut = malloc(len ? len : 1);

			assert_non_null(cut);
			memcpy(cut, data.ptr, len);
			CHECK(rows[i].name, !zone_parse(a, str_from_len(cut, len), &z, &err));
			free(cut);
		}
		buf_done(&data);
	}
	arena_free(a);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_the_library),
		cmocka_unit_test(test_transition_to_the_second),
		cmocka_unit_test(test_moments),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
