#include "tests/unit/base/check.h"

#include "policy/pattern.h"

static void test_paths(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool matches;
	} rows[] = {
		{"/", "/", true},
		{"/", "/a", false},
		{"/", "", false},
		{"/", "a", false},
		{"/**", "/", true},
		{"/**", "/a/b", true},
		{"/**", "a", false},
		{"/a", "/a", true},
		{"/a", "/a/", true},
		{"/a/", "/a", true},
		{"/a", "/a/b", false},
		{"/a", "/ab", false},
		{"/a", "/A", false},
		{"/a", "/a//", false},
		{"/grafana/**", "/grafana", true},
		{"/grafana/**", "/grafana/", true},
		{"/grafana/**", "/grafana/d/1", true},
		{"/grafana/**", "/grafana-admin/", false},
		{"/grafana/**", "/grafan", false},
		{"/grafana/**", "/x/grafana/", false},
		{"/*", "/", false},
		{"/*", "/a", true},
		{"/*", "/a/", true},
		{"/*", "/a/b", false},
		{"/a/*", "/a/", false},
		{"/a/*", "/a", false},
		{"/a/*/c", "/a/b/c", true},
		{"/a/*/c", "/a/b/c/", true},
		{"/a/*/c", "/a//c", false},
		{"/a/*/c", "/a/b/b/c", false},
		{"/a/*/c", "/a/b/d", false},
		{"/a/*/c", "/a/b", false},
		{"/a/*/c", "/a/b/cc", false},
		{"/a/*/**", "/a/b", true},
		{"/a/*/**", "/a/b/c/d", true},
		{"/a/*/**", "/a/", false},
		{"/*/*", "/a/b", true},
		{"/*/*", "/a", false},
		{"/a b/\xc3\xa9", "/a b/\xc3\xa9", true},
		{"/100%", "/100%", true},
		{"/a/...", "/a/...", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct path_pattern p;
		struct error err = {0};
		char name[100];

		snprintf(name, sizeof(name), "%s on %s", rows[i].pattern, rows[i].path);
		CHECK(name, path_pattern_parse(str_from(rows[i].pattern), &p, &err));
		check_i64(name, "matches", rows[i].matches,
			  path_pattern_matches(&p, str_from(rows[i].path)));
	}
	check_done();
}

static void test_bad_paths(void **state)
{
	static const struct {
		const char *pattern, *part;
	} rows[] = {
		{"", "starts with '/'"},
		{"a", "starts with '/'"},
		{"**", "starts with '/'"},
		{"/a/../b", "dot segment"},
		{"/..", "dot segment"},
		{"/./a", "dot segment"},
		{"/a/.", "dot segment"},
		{"//", "empty segment"},
		{"//a", "empty segment"},
		{"/a//b", "empty segment"},
		{"/a//", "empty segment"},
		{"/**/a", "the last segment"},
		{"/**/", "the last segment"},
		{"/a*", "whole segment"},
		{"/*.html", "whole segment"},
		{"/a/***", "whole segment"},
		{"/a?b", "no '?'"},
		{"/a#b", "no '#'"},
		{"/a\\b", "no '\\'"},
		{"/a%2fb", "instead of \"%2f\""},
		{"/a%20b/**", "instead of \"%20\""},
		{"/a\x01", "control"},
		{"/a\x7f", "control"},
		{"/a\nb", "control"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct path_pattern p;
		struct error err = {0};

		CHECK(rows[i].pattern, !path_pattern_parse(str_from(rows[i].pattern), &p, &err));
		check_contains(rows[i].pattern, rows[i].part, err.text);
	}
	check_done();
}

static void test_hosts(void **state)
{
	static const struct {
		const char *pattern, *host;
		bool matches;
	} rows[] = {
		{"a.example.com", "a.example.com", true},
		{"A.Example.COM", "a.example.com", true},
		{"a.example.com.", "a.example.com", true},
		{"a.example.com", "b.a.example.com", false},
		{"a.example.com", "aXexample.com", false},
		{"*.example.com", "a.example.com", true},
		{"*.example.com", "a.b.example.com", true},
		{"*.example.com", "example.com", false},
		{"*.example.com", ".example.com", false},
		{"*.example.com", "notexample.com", false},
		{"*.EXAMPLE.com.", "a.example.com", true},
		{"localhost", "localhost", true},
		{"192.0.2.1", "192.0.2.1", true},
		{"[2001:db8::1]", "[2001:db8::1]", true},
		{"[2001:DB8::1]", "[2001:db8::1]", true},
	};
	struct arena *a = arena_new(100000);

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct host_pattern p;
		struct error err = {0};
		char name[100];

		snprintf(name, sizeof(name), "%s on %s", rows[i].pattern, rows[i].host);
		CHECK(name, host_pattern_parse(a, str_from(rows[i].pattern), &p, &err));
		check_i64(name, "matches", rows[i].matches,
			  host_pattern_matches(&p, str_from(rows[i].host)));
	}
	arena_free(a);
	check_done();
}

static void test_bad_hosts(void **state)
{
	static const struct {
		const char *pattern, *part;
	} rows[] = {
		{"", "1 to 253"},
		{".", "1 to 253"},
		{"*", "whole front"},
		{"*.", "1 to 253"},
		{"a..b", "empty label"},
		{".a", "empty label"},
		{"a..", "empty label"},
		{"a.*.b", "whole front"},
		{"a*.b", "whole front"},
		{"*.*.b", "whole front"},
		{"a.example.com:443", "without its port"},
		{"https://a", "without its port"},
		{"a/b", "letters, digits"},
		{"b\xc3\xbc"
		 "cher.example",
		 "letters, digits"},
		{"*.[::1]", "letters, digits"},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b", "63"},
	};
	struct arena *a = arena_new(100000);

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct host_pattern p;
		struct error err = {0};

		CHECK(rows[i].pattern, !host_pattern_parse(a, str_from(rows[i].pattern), &p, &err));
		check_contains(rows[i].pattern, rows[i].part, err.text);
	}
	arena_free(a);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_bad_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
