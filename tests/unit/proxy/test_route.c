#include "../base/check.h"

#include "proxy/route.h"

/* The routes of the table below, in an order that must not matter. */
static struct str hosts_wiki[] = {STR_INIT("wiki.example.com")};
static struct str hosts_both[] = {STR_INIT("wiki.example.com"), STR_INIT("tools.example.com")};
static struct str hosts_wild[] = {STR_INIT("*.example.com")};
static struct str hosts_deep[] = {STR_INIT("*.eu.example.com")};

static const struct route_config configs[] = {
	{.name = STR_INIT("root"), .match = {{hosts_wiki, 1}, STR_INIT("/")}},
	{.name = STR_INIT("a-b"), .match = {{hosts_wiki, 1}, STR_INIT("/a/b")}},
	{.name = STR_INIT("a"), .match = {{hosts_both, 2}, STR_INIT("/a")}},
	{.name = STR_INIT("wild"), .match = {{hosts_wild, 1}, STR_INIT("/")}},
	{.name = STR_INIT("deep"), .match = {{hosts_deep, 1}, STR_INIT("/")}},
};

static const struct {
	const char *name, *host, *path, *want;
} rows[] = {
	{"the root takes what nothing else does", "wiki.example.com", "/x", "root"},
	{"the longest match wins", "wiki.example.com", "/a/b", "a-b"},
	{"below the longest match", "wiki.example.com", "/a/b/c/d/e", "a-b"},
	{"with a slash behind", "wiki.example.com", "/a/b/", "a-b"},
	{"whole segments only: a sibling is another path", "wiki.example.com", "/a/bb", "a"},
	{"whole segments only: at the top", "wiki.example.com", "/ab", "root"},
	{"a shorter one beside", "wiki.example.com", "/a/c", "a"},
	{"the root itself", "wiki.example.com", "/", "root"},
	{"another host of the same route", "tools.example.com", "/a/x", "a"},
	{"an exact host never falls back to a wildcard", "tools.example.com", "/b", ""},
	{"a wildcard", "x.example.com", "/a", "wild"},
	{"a wildcard over two labels", "x.y.example.com", "/", "wild"},
	{"the longer wildcard wins", "x.eu.example.com", "/", "deep"},
	{"a wildcard is not its own suffix", "example.com", "/", ""},
	{"a suffix needs a dot", "evilexample.com", "/", ""},
	{"the name of a longer wildcard's suffix", "eu.example.com", "/", "wild"},
	{"an unknown host", "other.test", "/", ""},
	{"an empty host", "", "/", ""},
	{"a path that starts with no slash", "wiki.example.com", "a/b", ""},
	{"an empty path", "wiki.example.com", "", ""},
};

static void find_all(const struct route *routes, size_t count, const char *order)
{
	struct route_table *table = NULL;
	struct error err = {.kind = ERR_NONE};

	assert_true(route_table_new(routes, count, &table, &err));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct route *r =
			route_find(table, str_from(rows[i].host), str_from(rows[i].path));

		check_str(order, rows[i].name, str_from(rows[i].want), r ? r->config->name : STR(""));
	}
	route_table_free(table);
}

static void test_finding(void **state)
{
	struct route forward[ARRAY_LEN(configs)] = {{0}}, backward[ARRAY_LEN(configs)] = {{0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
		forward[i].config = &configs[i];
		backward[ARRAY_LEN(configs) - 1 - i].config = &configs[i];
	}
	find_all(forward, ARRAY_LEN(configs), "in order");
	find_all(backward, ARRAY_LEN(configs), "in reverse");
	check_done();
}

static void test_hosts_and_logins(void **state)
{
	struct route routes[] = {{.config = &configs[0]}, {.config = &configs[2], .can_log_in = true}};
	struct route_table *table = NULL;
	struct error err = {.kind = ERR_NONE};

	(void)state;
	assert_true(route_table_new(routes, ARRAY_LEN(routes), &table, &err));
	CHECK("a host with a route", route_host_is_known(table, STR("tools.example.com")));
	CHECK("a host without", !route_host_is_known(table, STR("www.example.com")));
	CHECK("the route that logs in", route_find_login(table, STR("wiki.example.com")) == &routes[1]);
	CHECK("none for an unknown host", !route_find_login(table, STR("other.test")));
	route_table_free(table);
	check_done();
}

static void test_many_segments(void **state)
{
	struct route routes[] = {{.config = &configs[0]}};
	struct route_table *table = NULL;
	struct error err = {.kind = ERR_NONE};
	char path[8000];

	(void)state;
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i % 2 ? 'a' : '/';
	assert_true(route_table_new(routes, 1, &table, &err));
	CHECK("thousands of segments", route_find(table, STR("wiki.example.com"),
						  str_from_len(path, sizeof(path))) == &routes[0]);
	route_table_free(table);
	assert_true(route_table_new(NULL, 0, &table, &err));
	CHECK("an empty table knows nothing", !route_find(table, STR("a"), STR("/")));
	route_table_free(table);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finding),
		cmocka_unit_test(test_hosts_and_logins),
		cmocka_unit_test(test_many_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
