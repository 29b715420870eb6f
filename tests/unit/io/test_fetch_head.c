/*
 * tests of io/fetch_head.h
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "io/fetch_head.h"

#define SIXTEEN "aaaaaaaaaaaaaaaa"
#define TYPE_OF_127 SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN "aaaaaaa/aaaaaaa"

static void test_lines(void **state)
{
	static const struct {
		const char *name;
		const char *lines[4];
		const char *content_type;
		int64_t max_age_s;
	} rows[] = {
		{"nothing", {"HTTP/1.1 200 OK\r\n", "\r\n"}, "", -1},
		{"both", {"Content-Type: a/b\r\n", "Cache-Control: max-age=60\r\n"}, "a/b", 60},
		{"names and types in any case", {"CONTENT-TYPE:A/B\r\n", "cache-control:MAX-AGE=60\r\n"},
		 "a/b", 60},
		{"parameters go", {"Content-Type: a/b ; charset=x\r\n"}, "a/b", -1},
		{"a bare newline ends a line, too", {"Content-Type: a/b\n"}, "a/b", -1},
		{"no end", {"Content-Type: a/b"}, "a/b", -1},
		{"no value", {"Content-Type:\r\n"}, "", -1},
		{"the longest type", {"Content-Type: " TYPE_OF_127 "\r\n"}, TYPE_OF_127, -1},
		{"a longer one is none", {"Content-Type: " TYPE_OF_127 "a\r\n"}, "", -1},
		{"a longer one replaces", {"Content-Type: a/b\r\n",
					   "Content-Type: " TYPE_OF_127 "a\r\n"}, "", -1},
		{"a name that begins alike", {"Content-Type-X: a/b\r\n"}, "", -1},
		{"no colon", {"Content-Type\r\n"}, "", -1},

		{"zero", {"Cache-Control: max-age=0\r\n"}, "", 0},
		{"among others", {"Cache-Control: private,max-age=60 ,x=y\r\n"}, "", 60},
		{"the first of two", {"Cache-Control: max-age=60, max-age=70\r\n"}, "", 60},
		{"over two lines", {"Cache-Control: private\r\n", "Cache-Control: max-age=5\r\n"}, "", 5},
		{"no-store wins", {"Cache-Control: max-age=60\r\n", "Cache-Control: No-Store\r\n"}, "", 0},
		{"no-cache wins", {"Cache-Control: no-cache, max-age=60\r\n"}, "", 0},
		{"s-maxage is for shared caches", {"Cache-Control: s-maxage=60\r\n"}, "", -1},
		{"not a number", {"Cache-Control: max-age=x, max-age=-1, max-age=, max-age\r\n"}, "", -1},
		{"a number in quotes", {"Cache-Control: max-age=\"60\"\r\n"}, "", -1},
		{"a great number (RFC 9111, 1.2.2)", {"Cache-Control: max-age=2147483649\r\n"}, "",
		 INT64_C(2147483648)},
		{"more than any number", {"Cache-Control: max-age=99999999999999999999999\r\n"}, "",
		 INT64_C(2147483648)},
		{"a status line begins anew", {"Content-Type: a/b\r\n", "Cache-Control: no-store\r\n",
					       "HTTP/1.1 200 OK\r\n", "X: y\r\n"}, "", -1},
	};
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fetch_head head;
		fetch_head_init(&head);
		for (size_t k = 0; k < ARRAY_LEN(rows[i].lines) && rows[i].lines[k]; k++)
			assert_true(fetch_head_take(&head, str_from(rows[i].lines[k]), 1000));
		if (strcmp(head.content_type, rows[i].content_type) != 0 ||
		    fetch_head_max_age_s(&head) != rows[i].max_age_s) {
			print_error("%s: want \"%s\" %lld, got \"%s\" %lld\n", rows[i].name,
				    rows[i].content_type, (long long)rows[i].max_age_s,
				    head.content_type, (long long)fetch_head_max_age_s(&head));
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

/* Interim responses count, so that they cannot come for ever. */
static void test_limit(void **state)
{
	struct fetch_head head;

	(void)state;
	fetch_head_init(&head);
	assert_true(fetch_head_take(&head, STR("HTTP/1.1 103\n"), 20));
	assert_true(fetch_head_take(&head, STR("HTTP/1."), 20));
	assert_false(fetch_head_take(&head, STR("x"), 20));
	assert_true(fetch_head_take(&head, STR(""), 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests_name("io/fetch_head", tests, NULL, NULL);
}
