/* Durations and sizes, read and written. */
#include "tests/support/config_case.h"

struct row {
	const char *text;
	bool good;
	int64_t value;
	const char *shortest;
};

static const struct row durations[] = {
	{"0s", true, 0, "0s"},
	{"0ms", true, 0, "0s"},
	{"250ms", true, 250, "250ms"},
	{"1000ms", true, 1000, "1s"},
	{"30s", true, 30000, "30s"},
	{"90s", true, 90000, "90s"},
	{"60s", true, 60000, "1m"},
	{"5m", true, 300000, "5m"},
	{"12h", true, 43200000, "12h"},
	{"24h", true, 86400000, "1d"},
	{"7d", true, 604800000, "7d"},
	{"030s", true, 30000, "30s"},
	{"9223372036854775807ms", true, INT64_MAX, "9223372036854775807ms"},
	{"9223372036854775808ms", false, 0, NULL},
	{"9223372036854776s", false, 0, NULL},
	{"99999999999999999999999s", false, 0, NULL},
	{"", false, 0, NULL},
	{"30", false, 0, NULL},
	{"s", false, 0, NULL},
	{"-1s", false, 0, NULL},
	{"+1s", false, 0, NULL},
	{"1.5s", false, 0, NULL},
	{"1 s", false, 0, NULL},
	{" 1s", false, 0, NULL},
	{"1s ", false, 0, NULL},
	{"1S", false, 0, NULL},
	{"1h30m", false, 0, NULL},
	{"1sec", false, 0, NULL},
	{"0x1s", false, 0, NULL},
};

static const struct row sizes[] = {
	{"0B", true, 0, "0B"},
	{"0GiB", true, 0, "0B"},
	{"1B", true, 1, "1B"},
	{"1023B", true, 1023, "1023B"},
	{"1024B", true, 1024, "1KiB"},
	{"64KiB", true, 65536, "64KiB"},
	{"1536KiB", true, 1572864, "1536KiB"},
	{"3MiB", true, 3145728, "3MiB"},
	{"2GiB", true, INT64_C(2147483648), "2GiB"},
	{"1TiB", true, INT64_C(1099511627776), "1TiB"},
	{"8388607TiB", true, INT64_C(9223370937343148032), "8388607TiB"},
	{"8388608TiB", false, 0, NULL},
	{"64", false, 0, NULL},
	{"64K", false, 0, NULL},
	{"64KB", false, 0, NULL},
	{"64kib", false, 0, NULL},
	{"KiB", false, 0, NULL},
	{"", false, 0, NULL},
};

static void test_durations(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		const struct row *row = &durations[i];
		char out[OPTION_UNIT_SIZE];
		int64_t got = -1;
		bool good = option_parse_duration(str_from(row->text), &got);

		if (good != row->good || got != (row->good ? row->value : -1) ||
		    (good && strcmp(option_format_duration(got, out), row->shortest) != 0)) {
			print_error("%s: want %d %lld, got %d %lld\n", row->text, row->good,
				    (long long)row->value, good, (long long)got);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

static void test_sizes(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		const struct row *row = &sizes[i];
		char out[OPTION_UNIT_SIZE];
		uint64_t got = 77;
		bool good = option_parse_size(str_from(row->text), &got);

		if (good != row->good || got != (row->good ? (uint64_t)row->value : 77) ||
		    (good && strcmp(option_format_size(got, out), row->shortest) != 0)) {
			print_error("%s: want %d %lld, got %d %llu\n", row->text, row->good,
				    (long long)row->value, good, (unsigned long long)got);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
