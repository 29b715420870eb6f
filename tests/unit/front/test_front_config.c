/* The options of "server", "listeners" and "admin". */
#include "tests/support/certificates.h"
#include "tests/support/config_case.h"
#include "tests/support/folder.h"

#include <sched.h>

#include "front/front_config.h"

static struct test_folder folder;

static int make_files(void **state)
{
	struct test_certificate site, old, other;

	(void)state;
	folder = test_folder_make();
	site = test_certificate_make("site", test_key_ec(), NULL, 10);
	old = test_certificate_make("old", test_key_ec(), NULL, 0);
	other = test_certificate_make("other", test_key_ec(), NULL, 10);
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(old.certificate), -3600));
	assert_true(X509_sign(old.certificate, old.key, EVP_sha256()) > 0);
	test_chain_write(folder.path, "site.pem", &site, NULL);
	test_key_write(folder.path, "site.key", site.key, 0600, NULL);
	test_key_write(folder.path, "open.key", site.key, 0640, NULL);
	test_chain_write(folder.path, "old.pem", &old, NULL);
	test_key_write(folder.path, "old.key", old.key, 0600, NULL);
	test_key_write(folder.path, "other.key", other.key, 0600, NULL);
	test_certificate_done(&site);
	test_certificate_done(&old);
	test_certificate_done(&other);
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	test_folder_remove(&folder);
	return 0;
}

static void run(const struct config_case *rows, size_t count, const struct option_table *table)
{
	config_run(rows, count, table, test_folder_path(&folder, "sallyport.json"));
}

static const struct config_case servers[] = {
	{"defaults", "{}", ""},
	{"values",
	 "{'workers': 256, 'state_directory': '/var/lib/x', 'trusted_proxies': ['10.0.0.0/8', "
	 "'::1'], 'drain_timeout': '0s', 'max_connections': 1}",
	 ""},
	{"no workers", "{'workers': 0}",
	 "1 /workers: must be \"auto\" or a whole number within 1 and 256, found the number 0"},
	{"too many workers", "{'workers': 257}", "1 /workers: must be \"auto\" or..."},
	{"workers of another word", "{'workers': 'all'}",
	 "1 /workers: must be \"auto\" or a whole number within 1 and 256, found \"all\""},
	{"half a worker", "{'workers': 1.5}", "1 /workers: must be \"auto\" or..."},
	{"trust in everybody", "{'trusted_proxies': ['10.0.0.0/8',\n'0.0.0.0/0',\n'::/0']}",
	 "2 /trusted_proxies/1: trusts every peer there is: name the proxies that stand in front\n"
	 "3 /trusted_proxies/2: trusts every peer..."},
	{"host bits", "{'trusted_proxies': ['10.0.0.1/8']}", "1 /trusted_proxies/0: ..."},
	{"limits", "{'drain_timeout': '2h', 'max_connections': 0}",
	 "1 /drain_timeout: must be within \"0s\" and \"1h\", found \"2h\"\n"
	 "1 /max_connections: must be within 1 and 1000000, found 0"},
};

static void test_server(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	struct server_config server;
	cpu_set_t set;

	(void)state;
	run(servers, ARRAY_LEN(servers), &server_options);
	assert_non_null(arena);
	config_read(&servers[0], &server_options, "conf/x.json", arena, &server);
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	assert_int_equal(server.workers, CPU_COUNT(&set));
	assert_string_equal(server.state_directory.ptr, "conf/state");
	assert_int_equal(server.drain_timeout_ms, 30000);
	assert_int_equal(server.max_connections, 10000);
	config_read(&servers[1], &server_options, "conf/x.json", arena, &server);
	assert_int_equal(server.workers, 256);
	assert_int_equal(server.trusted_proxies.count, 2);
	arena_free(arena);
}

/* "auto" is what the process may use, not what the machine has. */
static void test_workers_of_one_cpu(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	struct server_config server;
	cpu_set_t before, one;

	(void)state;
	assert_non_null(arena);
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &before))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	config_read(&servers[0], &server_options, "x.json", arena, &server);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(server.workers, 1);
	arena_free(arena);
}

#define LISTENER(rest) "{'name': 'public', 'address': '0.0.0.0:443', " rest "}"
#define CERTIFICATE    "{'chain': 'site.pem', 'key': 'site.key'}"
#define TLS(rest)      LISTENER("'tls': {'certificates': [" CERTIFICATE "]" rest "}")

static const struct config_case listeners[] = {
	{"TLS", TLS(""), ""},
	{"plain on loopback", "{'name': 'a', 'address': '127.0.0.1:80'}", ""},
	{"plain on loopback, IPv6", "{'name': 'a', 'address': '[::1]:80'}", ""},
	{"on a socket of the file system", "{'name': 'a', 'address': 'unix:run/a.sock'}",
	 "1 /address: must be an IP address and a port..."},
	{"plain beyond loopback", "{'name': 'a', 'address': '0.0.0.0:80'}",
	 "1 /address: 0.0.0.0:80 is no loopback address, and plain HTTP can be read and changed on "
	 "its way: give the listener \"tls\", or say \"insecure\": true"},
	{"plain on all of IPv6", "{'name': 'a', 'address': '[::]:80'}",
	 "1 /address: [::]:80 is no..."},
	{"plain beyond loopback, meant", LISTENER("'insecure': true"), ""},
	{"redirect beyond loopback", LISTENER("'redirect_to_https': true"), ""},
	{"what a listener must have", "{}",
	 "1 : \"name\" is missing: ...\n1 : \"address\" is missing: ..."},
	{"no port", "{'name': 'a', 'address': '127.0.0.1'}",
	 "1 /address: \"127.0.0.1\" has no port..."},
	{"a name", "{'name': 'a', 'address': 'localhost:80'}", "1 /address: ..."},
	{"port 0", "{'name': 'a', 'address': '127.0.0.1:0'}",
	 "1 /address: port 0 is no port that clients could know"},
	{"redirect of TLS",
	 LISTENER("'redirect_to_https': true, 'tls': {'certificates': [" CERTIFICATE "]}"),
	 "1 /redirect_to_https: this listener speaks TLS itself; a redirect needs a listener "
	 "without \"tls\""},
	{"insecure for nothing",
	 LISTENER("'insecure': true, 'tls': {'certificates': [" CERTIFICATE "]}"),
	 "1 warning /insecure: has no effect beside \"tls\""},
	{"insecure redirect", LISTENER("'insecure': true, 'redirect_to_https': true"),
	 "1 warning /insecure: has no effect where every request is redirected"},
	{"no certificates", LISTENER("'tls': {}"), "1 /tls: \"certificates\" is missing: ..."},
	{"empty certificates", LISTENER("'tls': {'certificates': []}"),
	 "1 /tls/certificates: is empty: at least 1 is needed"},
	{"tls of another type", "{'name': 'a', 'address': '127.0.0.1:1', 'tls': true}",
	 "1 /tls: must be an object, found true"},
	{"no key", LISTENER("'tls': {'certificates': [{'chain': 'site.pem'}]}"),
	 "1 /tls/certificates/0: \"key\" is missing: ..."},
	{"chain that is not there",
	 LISTENER("'tls': {'certificates': [{'chain': 'a', 'key': 'b'}]}"),
	 "1 /tls/certificates/0: ..."},
	{"key that others can read",
	 LISTENER("'tls': {'certificates': [{'chain': 'site.pem',\n'key': 'open.key'}]}"),
	 "2 /tls/certificates/0/key: ..."},
	{"key of another",
	 LISTENER("'tls': {'certificates': [{'chain': 'site.pem', 'key': 'other.key'}]}"),
	 "1 /tls/certificates/0: the key /tmp/..."},
	{"expired", LISTENER("'tls': {'certificates': [{'chain': 'old.pem', 'key': 'old.key'}]}"),
	 "1 warning /tls/certificates/0/chain: /tmp/..."},
	{"version", TLS(", 'min_version': '1.1'"),
	 "1 /tls/min_version: must be \"1.2\" or \"1.3\", found \"1.1\"..."},
	{"client certificates",
	 TLS(", 'client_certificate': {'mode': 'optional', 'authorities': 'site.pem'}, "
	     "'min_version': '1.3'"),
	 ""},
	{"client certificates of whom", TLS(", 'client_certificate': {'mode': 'required'}"),
	 "1 /tls/client_certificate: \"authorities\" is missing: nothing says whose certificates "
	 "are good"},
	{"client certificates off", TLS(", 'client_certificate': {'authorities': 'site.pem'}"),
	 "1 warning /tls/client_certificate/authorities: has no effect while \"mode\" is \"none\""},
	{"authorities that are none",
	 TLS(", 'client_certificate': {'mode': 'required', 'authorities': 'site.key'}"),
	 "1 /tls/client_certificate/authorities: /tmp/..."},
	{"timeouts",
	 LISTENER("'insecure': true, 'timeouts': {'handshake': '1s', 'head': '1h', 'body': "
		  "'999ms', 'idle': '61m'}"),
	 "1 /timeouts/body: must be within \"1s\" and \"1h\", found \"999ms\"\n"
	 "1 /timeouts/idle: must be within \"1s\" and \"1h\", found \"61m\""},
};

static void test_listener(void **state)
{
	(void)state;
	run(listeners, ARRAY_LEN(listeners), &listener_options);
}

static void test_listener_values(void **state)
{
	const struct config_case row = {"values", "{'name': 'a', 'address': '127.0.0.1:80'}", ""};
	struct arena *arena = arena_new(1 << 20);
	const struct certificate_config *certificates;
	struct listener_config l;

	(void)state;
	assert_non_null(arena);
	config_read(&row, &listener_options, "x.json", arena, &l);
	assert_false(l.has_tls);
	assert_int_equal(l.timeouts.handshake_ms, 10000);
	assert_int_equal(l.timeouts.head_ms, 10000);
	assert_int_equal(l.timeouts.body_ms, 30000);
	assert_int_equal(l.timeouts.idle_ms, 75000);
	config_read(&listeners[0], &listener_options, test_folder_path(&folder, "x.json"), arena,
		    &l);
	assert_true(l.has_tls);
	assert_int_equal(l.tls.certificates.count, 1);
	certificates = l.tls.certificates.items;
	assert_string_equal(certificates[0].chain.ptr, test_folder_path(&folder, "site.pem"));
	assert_int_equal(l.tls.min_version, TLS_1_2);
	assert_int_equal(l.tls.client_certificate.mode, CLIENT_CERT_NONE);
	arena_free(arena);
}

/* --- among listeners */

struct listeners_only {
	struct object_list listeners;
};

static const struct option list_rows[] = {
	{.key = "listeners",
	 .type = OPTION_OBJECTS,
	 .max = 64,
	 .table = &listener_options,
	 .offset = offsetof(struct listeners_only, listeners),
	 .help = "L."},
};

static void check_list(struct option_reader *r, void *object)
{
	struct listeners_only *all = object;
	size_t mark = option_enter(r, STR("listeners"));

	listeners_check(r, &all->listeners);
	option_leave(r, mark);
}

static const struct option_table list_table = {
	.name = "listeners",
	.options = list_rows,
	.count = ARRAY_LEN(list_rows),
	.size = sizeof(struct listeners_only),
	.check = check_list,
};

#define REDIRECT "{'name': 'plain', 'address': '0.0.0.0:80', 'redirect_to_https': true}"

static const struct config_case lists[] = {
	{"redirect", "{'listeners': [" REDIRECT ", " TLS("") "]}", ""},
	{"redirect to nowhere",
	 "{'listeners': [{'name': 'a', 'address': '127.0.0.1:1'},\n" REDIRECT "]}",
	 "2 /listeners/1/redirect_to_https: there is no listener with \"tls\" to redirect to"},
	{"name used twice",
	 "{'listeners': [{'name': 'a', 'address': '127.0.0.1:1'},\n"
	 "{'name': 'a', 'address': '127.0.0.1:2'}]}",
	 "2 /listeners/1/name: another listener is called \"a\" too"},
	{"address used twice",
	 "{'listeners': [{'name': 'a', 'address': '127.0.0.1:1'},\n"
	 "{'name': 'b', 'address': '127.0.0.1:1'}]}",
	 "2 /listeners/1/address: the listener \"a\" has this address already"},
	{"one port, two families",
	 "{'listeners': [{'name': 'a', 'address': '127.0.0.1:1'},{'name': 'b', 'address': "
	 "'[::1]:1'}]}",
	 ""},
	{"faults of their own do not repeat", "{'listeners': [{'address': 'x'}, {'address': 'x'}]}",
	 "1 /listeners/0: \"name\" is missing: ...\n1 /listeners/0/address: ...\n"
	 "1 /listeners/1: \"name\" is missing: ...\n1 /listeners/1/address: ..."},
};

static void test_listeners(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	const struct listener_config *items;
	struct listeners_only all;

	(void)state;
	run(lists, ARRAY_LEN(lists), &list_table);
	assert_non_null(arena);
	config_read(&lists[0], &list_table, test_folder_path(&folder, "x.json"), arena, &all);
	items = all.listeners.items;
	assert_string_equal(items[0].redirect_port.ptr, "443");
	assert_int_equal(items[1].redirect_port.len, 0);
	arena_free(arena);
}

static const struct config_case admins[] = {
	{"loopback", "{'address': '127.0.0.1:9901'}", ""},
	{"none", "{}", "1 : \"address\" is missing: ..."},
	{"beyond loopback", "{'address': '0.0.0.0:9901'}",
	 "1 /address: 0.0.0.0:9901 is no loopback address, and the admin address asks nobody who they "
	 "are: choose one, or say \"insecure\": true"},
	{"beyond loopback, meant", "{'address': '10.0.0.1:9901', 'insecure': true}", ""},
	{"no address", "{'address': '9901'}", "1 /address: ..."},
};

static void test_admin(void **state)
{
	(void)state;
	run(admins, ARRAY_LEN(admins), &admin_options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server),	  cmocka_unit_test(test_workers_of_one_cpu),
		cmocka_unit_test(test_listener),  cmocka_unit_test(test_listener_values),
		cmocka_unit_test(test_listeners), cmocka_unit_test(test_admin),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
