/* The options of routes and logs. */
#include "tests/support/config_case.h"

#include "base/log.h"
#include "proxy/proxy_config.h"

/* The rest of a route, around what a row is about. */
#define MATCH(match)                                                                  \
	"{'name': 'wiki', 'match': " match ", 'authenticate': {'methods': ['none']}," \
	" 'policy': 'all', 'upstream': 'wiki'}"
#define AUTHENTICATE(authenticate)                                                            \
	"{'name': 'wiki', 'match': {'hosts': 'a.example'}, 'authenticate': " authenticate "," \
	" 'policy': 'all', 'upstream': 'wiki'}"
#define HEADERS(headers)                                                               \
	"{'name': 'wiki', 'match': {'hosts': 'a.example'},"                            \
	" 'authenticate': {'methods': ['none']}, 'policy': 'all', 'upstream': 'wiki'," \
	" 'identity_headers': " headers "}"

static const struct config_case routes[] = {
	{"least", MATCH("{'hosts': ['wiki.example.com']}"), ""},
	{"what a route must have", "{}",
	 "1 : \"name\" is missing: ...\n1 : \"match\" is missing: ...\n"
	 "1 : \"authenticate\" is missing: ...\n1 : \"policy\" is missing: ...\n"
	 "1 : \"upstream\" is missing: ..."},
	{"no hosts", MATCH("{'hosts': []}"), "1 /match/hosts: is empty: at least 1 is needed"},
	{"hosts missing", MATCH("{}"), "1 /match: \"hosts\" is missing: ..."},
	{"kinds of hosts",
	 MATCH("{'hosts': ['*.example.com', 'Example.COM.', '127.0.0.1', '[::1]', 'a_b.example', "
	       "'localhost']}"),
	 ""},
	{"host with a port", MATCH("{'hosts': ['a.example:443']}"),
	 "1 /match/hosts/0: a route's host has no port: it is served on every listener"},
	{"IPv6 host with a port", MATCH("{'hosts': ['[::1]:443']}"),
	 "1 /match/hosts/0: a route's host has no port..."},
	{"host that is a URL", MATCH("{'hosts': ['https://a.example']}"),
	 "1 /match/hosts/0: must be a host such as \"wiki.example.com\"..."},
	{"host with user", MATCH("{'hosts': ['u@a.example']}"),
	 "1 /match/hosts/0: must be a host..."},
	{"all hosts", MATCH("{'hosts': ['*']}"),
	 "1 /match/hosts/0: a '*' stands for the whole first label: \"*.example.com\""},
	{"star inside", MATCH("{'hosts': ['a.*.example']}"), "1 /match/hosts/0: a '*' stands..."},
	{"two stars", MATCH("{'hosts': ['*.*.example']}"), "1 /match/hosts/0: a '*' stands..."},
	{"star without name", MATCH("{'hosts': ['*.']}"), "1 /match/hosts/0: must be a host..."},
	{"half a label", MATCH("{'hosts': ['a*.example']}"), "1 /match/hosts/0: a '*' stands..."},
	{"names below an address", MATCH("{'hosts': ['*.127.0.0.1', '*.[::1]']}"),
	 "1 /match/hosts/0: an address has no names below it\n"
	 "1 /match/hosts/1: an address has no names below it"},
	{"same host in two spellings", MATCH("{'hosts': ['b.example', 'a.example', 'A.example.']}"),
	 "1 /match/hosts/2: is the same host as entry 1"},
	{"letters beyond ASCII", MATCH("{'hosts': ['b\\u00fccher.example']}"),
	 "1 /match/hosts/0: must be a host..."},

	{"paths", MATCH("{'hosts': 'a.example', 'path': '/a/b-c_d~e.f/@:!$&()+,='}"), ""},
	{"dots that are none", MATCH("{'hosts': 'a.example', 'path': '/...'}"), ""},
	{"path without slash", MATCH("{'hosts': 'a.example', 'path': 'wiki'}"),
	 "1 /match/path: must start with '/'"},
	{"dot segment", MATCH("{'hosts': 'a.example', 'path': '/a/../b'}"),
	 "1 /match/path: must have no dot segment"},
	{"dot segment at the end", MATCH("{'hosts': 'a.example', 'path': '/a/.'}"),
	 "1 /match/path: must have no dot segment"},
	{"empty segment", MATCH("{'hosts': 'a.example', 'path': '/a//b'}"),
	 "1 /match/path: must have no empty segment (\"//\")"},
	{"empty segment at the end", MATCH("{'hosts': 'a.example', 'path': '/a//'}"),
	 "1 /match/path: must have no empty segment (\"//\")"},
	{"two slashes", MATCH("{'hosts': 'a.example', 'path': '//'}"),
	 "1 /match/path: must have no empty segment (\"//\")"},
	{"percent", MATCH("{'hosts': 'a.example', 'path': '/a%2fb'}"),
	 "1 /match/path: must hold none of % ; ? #..."},
	{"parameter", MATCH("{'hosts': 'a.example', 'path': '/a;b'}"),
	 "1 /match/path: must hold..."},
	{"query", MATCH("{'hosts': 'a.example', 'path': '/a?b'}"), "1 /match/path: must hold..."},
	{"fragment", MATCH("{'hosts': 'a.example', 'path': '/a#b'}"),
	 "1 /match/path: must hold..."},
	{"pattern", MATCH("{'hosts': 'a.example', 'path': '/a/**'}"),
	 "1 /match/path: must hold..."},
	{"backslash", MATCH("{'hosts': 'a.example', 'path': '/a\\\\b'}"),
	 "1 /match/path: must hold..."},
	{"space", MATCH("{'hosts': 'a.example', 'path': '/a b'}"),
	 "1 /match/path: must be visible ASCII characters"},
	{"beyond ASCII", MATCH("{'hosts': 'a.example', 'path': '/caf\\u00e9'}"),
	 "1 /match/path: must be visible ASCII characters"},
	{"reserved", MATCH("{'hosts': 'a.example', 'path': '/.sallyport'}"),
	 "1 /match/path: everything below /.sallyport is the gate's own"},
	{"reserved, with slash", MATCH("{'hosts': 'a.example', 'path': '/.sallyport/'}"),
	 "1 /match/path: everything below /.sallyport is the gate's own"},
	{"reserved, below", MATCH("{'hosts': 'a.example', 'path': '/.sallyport/login'}"),
	 "1 /match/path: everything below /.sallyport is the gate's own"},
	{"not reserved", MATCH("{'hosts': 'a.example', 'path': '/.sallyports'}"), ""},

	{"no method", AUTHENTICATE("{}"), "1 /authenticate: \"methods\" is missing: ..."},
	{"empty methods", AUTHENTICATE("{'methods': []}"),
	 "1 /authenticate/methods: is empty: at least 1 is needed"},
	{"none among others", AUTHENTICATE("{'methods': ['session', 'none'], 'provider': 'a'}"),
	 "1 /authenticate/methods: \"none\" makes a public route, so it stands alone"},
	{"none among all",
	 AUTHENTICATE("{'methods': ['session', 'bearer', 'client_certificate', 'none']}"),
	 "1 /authenticate/methods: \"none\" makes a public route, so it stands alone"},
	{"unknown method", AUTHENTICATE("{'methods': ['sesion']}"),
	 "1 /authenticate/methods/0: must be \"none\", \"session\", \"bearer\" or "
	 "\"client_certificate\", found \"sesion\"; did you mean \"session\"?"},

	{"headers",
	 HEADERS("{'Remote-User': 'preferred_username', 'X-Roles': 'realm_access/roles'}"), ""},
	{"a name that is none", HEADERS("{'Remote User': 'sub'}"),
	 "1 /identity_headers/Remote User: \"Remote User\" is no header name: choose another name"},
	{"hop by hop", HEADERS("{'connection': 'sub'}"),
	 "1 /identity_headers/connection: \"connection\" belongs to one connection..."},
	{"framing", HEADERS("{'Content-Length': 'sub', 'transfer-encoding': 'sub'}"),
	 "1 /identity_headers/Content-Length: \"Content-Length\" says how...\n"
	 "1 /identity_headers/transfer-encoding: \"transfer-encoding\" belongs..."},
	{"Host, under the fold of applications",
	 HEADERS("{'HOST': 'sub', 'content_length': 'sub'}"),
	 "1 /identity_headers/HOST: \"HOST\" says how...\n"
	 "1 /identity_headers/content_length: \"content_length\" says how..."},
	{"credentials", HEADERS("{'Cookie': 'sub', 'Authorization': 'sub'}"),
	 "1 /identity_headers/Cookie: \"Cookie\" carries the client's own...\n"
	 "1 /identity_headers/Authorization: \"Authorization\" carries..."},
	{"ours",
	 HEADERS("{'X-Sallyport-Assertion': 'sub', 'x_forwarded_user': 'sub', 'X-Real-IP': 'sub', "
		 "'Forwarded': 'sub', 'Client-Cert': 'sub'}"),
	 "1 /identity_headers/X-Sallyport-Assertion: \"X-Sallyport-Assertion\" is set by...\n"
	 "1 /identity_headers/x_forwarded_user: \"x_forwarded_user\" is set by the gate itself...\n"
	 "1 /identity_headers/X-Real-IP: \"X-Real-IP\" is set by the gate itself...\n"
	 "1 /identity_headers/Forwarded: \"Forwarded\" is set by the gate itself...\n"
	 "1 /identity_headers/Client-Cert: \"Client-Cert\" is set by the gate itself..."},
	{"one name to applications", HEADERS("{'Remote-User': 'sub', 'REMOTE_USER': 'email'}"),
	 "1 /identity_headers/REMOTE_USER: many applications read \"Remote-User\" and "
	 "\"REMOTE_USER\" as one name"},
	{"claim paths", HEADERS("{'A': '/roles', 'B': 'roles/', 'C': 'a//b'}"),
	 "1 /identity_headers/A: a claim path is names joined by '/'...\n"
	 "1 /identity_headers/B: a claim path...\n1 /identity_headers/C: a claim path..."},
};

static void test_routes(void **state)
{
	(void)state;
	config_run(routes, ARRAY_LEN(routes), &route_options, "conf/sallyport.json");
}

static void test_route_values(void **state)
{
	const struct config_case row = {
		"values",
		"{'name': 'wiki', 'match': {'hosts': ['*.Example.COM.', 'WIKI.example.com'], "
		"'path': '/wiki/'}, 'authenticate': {'methods': ['bearer', 'client_certificate'], "
		"'provider': 'corp'}, 'policy': 'staff', 'upstream': 'app', 'max_body': '1MiB'}",
		""};
	struct arena *arena = arena_new(1 << 20);
	struct route_config route;

	(void)state;
	assert_non_null(arena);
	config_read(&row, &route_options, "x.json", arena, &route);
	assert_string_equal(route.match.hosts.items[0].ptr, "*.example.com");
	assert_string_equal(route.match.hosts.items[1].ptr, "wiki.example.com");
	assert_string_equal(route.match.path.ptr, "/wiki");
	assert_int_equal(route.match.path.len, 5);
	assert_int_equal(route.max_body_bytes, 1 << 20);
	assert_true(route_needs_provider(&route));
	assert_true(route_has_method(&route, AUTHN_BEARER));
	assert_true(route_has_method(&route, AUTHN_CLIENT_CERTIFICATE));
	assert_false(route_has_method(&route, AUTHN_SESSION));
	assert_int_equal(route.authenticate.methods.items[0], AUTHN_BEARER);
	assert_string_equal(route.authenticate.provider.ptr, "corp");
	arena_free(arena);
}

static void test_route_defaults(void **state)
{
	const struct config_case row = {"defaults", MATCH("{'hosts': 'a.example'}"), ""};
	struct arena *arena = arena_new(1 << 20);
	struct route_config route;

	(void)state;
	assert_non_null(arena);
	config_read(&row, &route_options, "x.json", arena, &route);
	assert_string_equal(route.match.path.ptr, "/");
	assert_int_equal(route.max_body_bytes, 0);
	assert_int_equal(route.identity_headers.count, 0);
	assert_false(route_needs_provider(&route));
	arena_free(arena);
}

static const struct config_case logs[] = {
	{"defaults", "{}", ""},
	{"words", "{'access': {'to': 'stderr'}, 'decisions': {'to': 'off'}, 'level': 'debug'}", ""},
	{"level", "{'level': 'warn'}",
	 "1 /level: must be \"debug\", \"info\", \"warning\" or \"error\", found \"warn\"..."},
	{"decisions to the terminal", "{'decisions': {'to': 'stdout'}}",
	 "1 /decisions/to: decisions are written to a file: give a path, or \"off\""},
	{"empty", "{'access': {'to': ''}}",
	 "1 /access/to: is empty: \"off\" says that there is no such log"},
	{"of another type", "{'access': {'to': false}, 'decisions': 'off'}",
	 "1 /access/to: must be a path or a word, found false\n"
	 "1 /decisions: must be an object, found \"off\""},
};

static void test_logs(void **state)
{
	const struct config_case row = {"values",
					"{'access': {'to': 'log/access.jsonl'}, 'level': 'error'}",
					""};
	struct arena *arena = arena_new(1 << 20);
	struct log_config log;

	(void)state;
	config_run(logs, ARRAY_LEN(logs), &log_options, "conf/sallyport.json");
	assert_non_null(arena);
	config_read(&row, &log_options, "conf/x.json", arena, &log);
	assert_string_equal(log.access.to.ptr, "conf/log/access.jsonl");
	assert_string_equal(log.decisions.to.ptr, "off");
	assert_int_equal(log.level, LOG_ERROR);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_route_values),
		cmocka_unit_test(test_route_defaults),
		cmocka_unit_test(test_logs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
