/*
 * Percent-encoding of single values.
 */
#include "http/uri.h"
#include "rows.h"

static void test_encode(void **state)
{
	static const struct {
		const char *name;
		struct str raw;
		const char *want;
	} rows[] = {
		{"empty", STR_INIT(""), ""},
		{"unreserved (RFC 3986, 2.3)", STR_INIT("azAZ09-._~"), "azAZ09-._~"},
		{"reserved (RFC 3986, 2.2)", STR_INIT(":/?#[]@!$&'()*+,;="),
		 "%3A%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D"},
		{"space and percent", STR_INIT("a b%"), "a%20b%25"},
		{"NUL, CR, LF", STR_INIT("\0\r\n"), "%00%0D%0A"},
		{"high bytes", STR_INIT("\xc3\xa9\xff"), "%C3%A9%FF"},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&b);
		uri_append_encoded(&b, rows[i].raw);
		row_str(rows[i].name, "encoded", str_from(rows[i].want), buf_str(&b));
	}
	rows_end();
	buf_done(&b);
}

static void test_decode(void **state)
{
	static const struct {
		const char *name;
		struct str raw;
		bool plus;
		const char *want; /* NULL: refused */
	} rows[] = {
		{"empty", STR_INIT(""), true, ""},
		{"nothing to do", STR_INIT("abc"), true, "abc"},
		{"triplets", STR_INIT("%41%7e%2F"), false, "A~/"},
		{"once only", STR_INIT("%2541"), false, "%41"},
		{"plus is space", STR_INIT("a+b"), true, "a b"},
		{"plus is plus", STR_INIT("a+b"), false, "a+b"},
		{"encoded plus", STR_INIT("a%2Bb+c"), true, "a+b c"},
		{"high bytes", STR_INIT("%c3%a9%ff"), false, "\xc3\xa9\xff"},
		{"raw high bytes", STR_INIT("\xff%41"), false,
		 "\xff"
		 "A"},
		{"control bytes", STR_INIT("%0d%0a"), false, "\r\n"},
		{"%00", STR_INIT("a%00"), false, NULL},
		{"raw NUL", STR_INIT("a\0"), false, NULL},
		{"cut", STR_INIT("%4"), false, NULL},
		{"percent", STR_INIT("%"), false, NULL},
		{"no hex", STR_INIT("%4x"), false, NULL},
		{"no hex at all", STR_INIT("%xx41"), false, NULL},
		{"signs", STR_INIT("%-1"), false, NULL},
	};
	struct arena *a = rows_arena();

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str got = STR("");
		bool decoded = uri_decode(a, rows[i].raw, rows[i].plus, &got);

		row_bool(rows[i].name, "decodes", rows[i].want != NULL, decoded);
		row_str(rows[i].name, "decoded", str_from(rows[i].want), got);
	}
	rows_end();
	arena_free(a);
}

static void test_round_trip(void **state)
{
	struct arena *a = rows_arena();
	char all[255];
	struct str got;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)(i + 1);
	buf_init(&b, 4096);
	uri_append_encoded(&b, str_from_len(all, sizeof(all)));
	assert_true(uri_decode(a, buf_str(&b), true, &got));
	assert_int_equal(got.len, sizeof(all));
	assert_memory_equal(got.ptr, all, sizeof(all));
	buf_done(&b);
	arena_free(a);
}

static void test_decode_overflow(void **state)
{
	struct arena *a = arena_new(16);
	char text[300];
	struct str got;

	(void)state;
	assert_non_null(a);
	memset(text, '+', sizeof(text));
	assert_false(uri_decode(a, str_from_len(text, sizeof(text)), true, &got));
	assert_true(arena_overflowed(a));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_decode_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
