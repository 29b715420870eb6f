/* The options of upstreams. Names in ".invalid" never resolve (RFC 6761, section 6.4). */
#include "tests/support/config_case.h"

#include <unistd.h>

#include "upstream/upstream_config.h"

#define SERVER(url) "{'name': 'wiki', 'servers': [{'url': '" url "'}]}"

static const struct config_case rows[] = {
	{"least", SERVER("http://127.0.0.1:3000"), ""},
	{"slash at the end", SERVER("http://127.0.0.1:3000/"), ""},
	{"IPv6", SERVER("http://[::1]:3000"), ""},
	{"a name of this machine", SERVER("http://localhost:3000"), ""},
	{"Unix socket", SERVER("unix:run/wiki.sock"), ""},
	{"https beyond loopback", SERVER("https://192.0.2.1"), ""},
	{"what an upstream must have", "{}",
	 "1 : \"name\" is missing: ...\n1 : \"servers\" is missing: ..."},
	{"no servers", "{'name': 'a', 'servers': []}",
	 "1 /servers: is empty: at least 1 is needed"},
	{"server without url", "{'name': 'a', 'servers': [{}]}",
	 "1 /servers/0: \"url\" is missing: ..."},
	{"http beyond loopback", SERVER("http://192.0.2.1:3000"),
	 "1 /servers/0/url: http beyond loopback can be read and changed on its way, identity "
	 "headers too: use https, or say \"insecure\": true in the upstream"},
	{"http beyond loopback, meant",
	 "{'name': 'a', 'insecure': true, 'servers': [{'url': 'http://192.0.2.1'}]}", ""},
	{"only the second",
	 "{'name': 'a', 'servers': [{'url': 'http://127.0.0.1'},\n"
	 "{'url': 'http://192.0.2.1'}]}",
	 "2 /servers/1/url: http beyond loopback..."},
	{"path", SERVER("http://127.0.0.1:3000/wiki"),
	 "1 /servers/0/url: must end behind the port: requests keep the path they came with"},
	{"query", SERVER("http://127.0.0.1:3000?a"), "1 /servers/0/url: must ..."},
	{"fragment", SERVER("http://127.0.0.1:3000/#a"), "1 /servers/0/url: must ..."},
	{"user", SERVER("http://u:p@127.0.0.1:3000"), "1 /servers/0/url: must be a URL such as..."},
	{"no scheme", SERVER("127.0.0.1:3000"),
	 "1 /servers/0/url: must be a URL such as \"http://127.0.0.1:3000\" or \"unix:path\": ..."},
	{"another scheme", SERVER("ftp://127.0.0.1"), "1 /servers/0/url: must be a URL such as..."},
	{"port out of range", SERVER("http://127.0.0.1:70000"),
	 "1 /servers/0/url: must be a URL..."},
	{"Unix socket without path", SERVER("unix:"), "1 /servers/0/url: ..."},
	{"name that is nobody's", SERVER("http://wiki.invalid:3000"),
	 "1 /servers/0/url: cannot resolve \"wiki.invalid\": ..."},
	{"authorities that are not there",
	 "{'name': 'a', 'servers': [{'url': 'https://127.0.0.1'}], 'authorities': 'missing.pem'}",
	 "1 /authorities: ..."},
	{"TLS options without TLS",
	 "{'name': 'a', 'servers': [{'url': 'http://127.0.0.1'}], 'server_name': 'a.example'}",
	 "1 warning /server_name: has no effect: no server speaks https"},
	{"host", "{'name': 'a', 'servers': [{'url': 'http://127.0.0.1'}], 'host': 'rewrite'}",
	 "1 /host: must be \"preserve\" or \"upstream\", found \"rewrite\""},
	{"limits",
	 "{'name': 'a', 'servers': [{'url': 'http://127.0.0.1'}], 'connect_timeout': '2h', "
	 "'keepalive_connections': -1, 'max_connections': 0}",
	 "1 /connect_timeout: must be within...\n1 /keepalive_connections: must be within...\n"
	 "1 /max_connections: must be within..."},
};

static void test_faults(void **state)
{
	(void)state;
	config_run(rows, ARRAY_LEN(rows), &upstream_options, "conf/sallyport.json");
}

static const struct upstream_server_config *read_server(const char *text, struct arena *arena,
							struct upstream_config *upstream)
{
	const struct config_case row = {text, text, ""};

	config_cases_failed = 0;
	config_read(&row, &upstream_options, "conf/sallyport.json", arena, upstream);
	assert_int_equal(config_cases_failed, 0);
	assert_int_equal(upstream->servers.count, 1);
	return upstream->servers.items;
}

static void test_values(void **state)
{
	static const struct {
		const char *text, *host, *authority, *address;
		bool is_https;
	} urls[] = {
		{SERVER("http://127.0.0.1:3000"), "127.0.0.1", "127.0.0.1:3000", "127.0.0.1:3000",
		 false},
		{SERVER("http://127.0.0.1"), "127.0.0.1", "127.0.0.1", "127.0.0.1:80", false},
		{SERVER("https://127.0.0.1"), "127.0.0.1", "127.0.0.1", "127.0.0.1:443", true},
		{SERVER("https://127.0.0.1:443/"), "127.0.0.1", "127.0.0.1", "127.0.0.1:443", true},
		{SERVER("https://[::1]:80"), "::1", "[::1]:80", "[::1]:80", true},
		{SERVER("http://[::1]"), "::1", "[::1]", "[::1]:80", false},
		{SERVER("unix:/run/a.sock"), "localhost", "localhost", "unix:/run/a.sock", false},
	};
	char text[ENDPOINT_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct arena *arena = arena_new(1 << 20);
		const struct upstream_server_config *server;
		struct upstream_config upstream;

		assert_non_null(arena);
		server = read_server(urls[i].text, arena, &upstream);
		assert_string_equal(server->host.ptr, urls[i].host);
		assert_string_equal(server->authority.ptr, urls[i].authority);
		assert_int_equal(server->is_https, urls[i].is_https);
		assert_int_equal(server->addresses_count, 1);
		assert_string_equal(endpoint_format(&server->addresses[0], text), urls[i].address);
		arena_free(arena);
	}
}

/* A relative socket is below the configuration's folder, which is itself made absolute. */
static void test_relative_socket(void **state)
{
	char folder[4096], want[4200], got[ENDPOINT_TEXT_SIZE];
	struct arena *arena = arena_new(1 << 20);
	const struct upstream_server_config *server;
	struct upstream_config upstream;

	(void)state;
	assert_non_null(arena);
	assert_int_equal(chdir("/tmp"), 0);
	assert_non_null(getcwd(folder, sizeof(folder)));
	server = read_server(SERVER("unix:run/a.sock"), arena, &upstream);
	snprintf(want, sizeof(want), "unix:%s/conf/run/a.sock", folder);
	assert_string_equal(endpoint_format(&server->addresses[0], got), want);
	arena_free(arena);
}

static void test_localhost(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	const struct upstream_server_config *server;
	struct upstream_config upstream;

	(void)state;
	assert_non_null(arena);
	server = read_server(SERVER("http://LocalHost:3000"), arena, &upstream);
	assert_string_equal(server->authority.ptr, "localhost:3000");
	assert_in_range(server->addresses_count, 1, UPSTREAM_MAX_ADDRESSES);
	for (size_t i = 0; i < server->addresses_count; i++)
		assert_true(endpoint_is_loopback(&server->addresses[i]));
	assert_int_equal(upstream.host, UPSTREAM_HOST_PRESERVE);
	assert_int_equal(upstream.connect_timeout_ms, 5000);
	assert_int_equal(upstream.response_timeout_ms, 60000);
	assert_int_equal(upstream.idle_timeout_ms, 60000);
	assert_int_equal(upstream.keepalive_ms, 60000);
	assert_int_equal(upstream.keepalive_connections, 64);
	assert_int_equal(upstream.max_connections, 1024);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_relative_socket),
		cmocka_unit_test(test_localhost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
