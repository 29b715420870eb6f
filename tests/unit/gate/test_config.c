/* A whole configuration: loading, and what holds between its sections. */
#include "tests/support/config_case.h"
#include "tests/support/folder.h"

#include "gate/config.h"

static struct test_folder folder;

static const char allow[] =
	"{'policy': '%s', 'rules': [{'id': 'all', 'effect': 'allow', 'when': {'method': "
	"['GET']}}], 'tests': [{'name': 'get', 'request': {'method': 'GET', 'path': '/'}, "
	"'expect': 'allow'}]}";

static void write_policy(const char *sub, const char *name)
{
	char text[512], file[64];

	snprintf(text, sizeof(text), "%.*s", STR_ARG(config_text(allow)));
	snprintf(file, sizeof(file), "%s/%s.json", sub, name);
	for (char *place = strstr(text, "%s"); place; place = NULL) {
		char rest[512];

		snprintf(rest, sizeof(rest), "%s", place + 2);
		snprintf(place, sizeof(text) - (size_t)(place - text), "%s%s", name, rest);
	}
	test_folder_write(&folder, file, text, 0644);
}

static int make_files(void **state)
{
	(void)state;
	folder = test_folder_make();
	test_folder_below(&folder, "policies");
	test_folder_below(&folder, "broken");
	test_folder_below(&folder, "two");
	write_policy("policies", "staff");
	write_policy("two", "staff");
	write_policy("two", "old");
	test_folder_write(&folder, "broken/a.json", "{\n", 0644);
	return setenv("SALLYPORT_TEST_SECRET", "of the test", 1);
}

static int remove_files(void **state)
{
	(void)state;
	test_folder_remove(&folder);
	return 0;
}

static void load(const char *name, const char *text, const char *want, struct gate_config **ret)
{
	struct str bytes = config_text(text);
	struct gate_config *c = NULL;
	struct faults faults;
	bool good;

	faults_init(&faults);
	test_folder_write(&folder, "sallyport.json", bytes.ptr, 0600);
	good = gate_config_load(test_folder_path(&folder, "sallyport.json"), &faults, &c);
	config_expect(name, &faults, want);
	if (good != (faults.errors == 0) || good != (c != NULL)) {
		print_error("%s: loaded %d with %zu errors\n", name, good, faults.errors);
		config_cases_failed++;
	}
	faults_done(&faults);
	if (ret)
		*ret = c;
	else
		gate_config_free(c);
}

/* The parts of a sound configuration, each on lines of its own. */
#define LISTENERS "'listeners': [{'name': 'plain', 'address': '127.0.0.1:8080'}],\n"
#define PROVIDER(name)                                                             \
	"{'name': '" name "', 'type': 'oidc', 'issuer': 'https://id.example.com'," \
	" 'client_id': 'gate', 'client_secret': {'env': 'SALLYPORT_TEST_SECRET'}}"
#define UPSTREAM(name) "{'name': '" name "', 'servers': [{'url': 'http://127.0.0.1:3000'}]}"
#define UPSTREAMS      "'upstreams': [" UPSTREAM("wiki") "],\n"
#define ROUTE(name, host, path, authenticate, policy, upstream)                      \
	"{'name': '" name "', 'match': {'hosts': ['" host "'], 'path': '" path "'}," \
	" 'authenticate': {" authenticate "}, 'policy': '" policy "', 'upstream': '" upstream "'}"
#define NONE	   "'methods': ['none']"
#define GOOD_ROUTE ROUTE("wiki", "wiki.example.com", "/", NONE, "staff", "wiki")
#define ROUTES	   "'routes': [" GOOD_ROUTE "]"
#define TRUSTED	   "'server': {'trusted_proxies': ['10.0.0.1']},\n"

static const struct config_case rows[] = {
	{"least", "{\n" LISTENERS UPSTREAMS ROUTES "}", ""},
	{"nothing", "{}", "1 : \"listeners\" is missing: ...\n1 : \"routes\" is missing: ..."},
	{"no object", "[]", "1 : must be an object, found an array"},
	{"no JSON", "{'listeners': [}", "1 : ..."},
	{"key given twice", "{'log': {},\n'log': {}}", "2 /log: ..."},
	{"unknown key", "{\n" LISTENERS UPSTREAMS "'rotes': [],\n" ROUTES "}",
	 "4 /rotes: unknown key \"rotes\"; did you mean \"routes\"?"},
	{"policies that are not there",
	 "{\n" LISTENERS UPSTREAMS ROUTES ",\n'policies': 'missing'}",
	 "5 /policies: there is no folder /tmp/..."},
	{"policies that are broken", "{\n" LISTENERS UPSTREAMS ROUTES ",\n'policies': 'broken'}",
	 "2 : ..."},
	{"unknown policy",
	 "{\n" LISTENERS UPSTREAMS
	 "'routes': [\n" ROUTE("wiki", "a.example", "/", NONE, "staf", "wiki") "]}",
	 "5 /routes/0/policy: there is no policy \"staf\"; did you mean \"staff\"?"},
	{"unknown upstream",
	 "{\n" LISTENERS UPSTREAMS "'routes': [\n" GOOD_ROUTE
	 ",\n" ROUTE("b", "b.example", "/", NONE, "staff", "wikki") "]}",
	 "6 /routes/1/upstream: there is no upstream \"wikki\"; did you mean \"wiki\"?"},
	{"unknown provider",
	 "{\n" LISTENERS UPSTREAMS TRUSTED "'identity_providers': [" PROVIDER(
		 "corp") "], 'routes': [\n" ROUTE("b", "b.example", "/",
						  "'methods': ['session'], 'provider': 'crop'",
						  "staff", "wiki") "]}",
	 "6 /routes/0/authenticate/provider: there is no identity provider \"crop\"; did you mean "
	 "\"corp\"?"},
	{"provider missing, one there is",
	 "{\n" LISTENERS UPSTREAMS "'identity_providers': [" PROVIDER(
		 "corp") "],\n'routes': [\n" ROUTE("b", "b.example", "/", "'methods': ['bearer']",
						   "staff", "wiki") "]}",
	 "6 /routes/0/authenticate: \"provider\" is missing: whom \"session\" and \"bearer\" rely "
	 "on; did you mean \"corp\"?"},
	{"provider missing, none there is",
	 "{\n" LISTENERS UPSTREAMS
	 "'routes': [\n" ROUTE("b", "b.example", "/", "'methods': ['bearer']", "staff",
			       "wiki") "]}",
	 "5 /routes/0/authenticate: \"provider\" is missing: whom \"session\" and \"bearer\" rely "
	 "on"},
	{"provider for nothing",
	 "{\n" LISTENERS UPSTREAMS
	 "'identity_providers': [" PROVIDER("corp") "],\n'routes': [\n" ROUTE(
		 "b", "b.example", "/", NONE ", 'provider': 'corp'", "staff", "wiki") "]}",
	 "6 warning /routes/0/authenticate/provider: has no effect without \"session\" or "
	 "\"bearer\""},
	{"names used twice",
	 "{\n" LISTENERS "'upstreams': [" UPSTREAM("wiki") ",\n" UPSTREAM(
		 "wiki") "],\n'identity_providers': "
			 "[" PROVIDER("a") ",\n" PROVIDER("a") "],\n'routes': "
							       "[\n" GOOD_ROUTE
							       ",\n" ROUTE("wiki", "b.example", "/",
									   "'methods': ['bearer'], "
									   "'provider': 'a'",
									   "staff", "wiki") "]}",
	 "6 /identity_providers/1/name: another identity provider is called \"a\" too\n"
	 "4 /upstreams/1/name: another upstream is called \"wiki\" too\n"
	 "9 /routes/1/name: another route is called \"wiki\" too"},
	{"unused upstream",
	 "{\n" LISTENERS "'upstreams': [" UPSTREAM("wiki") ",\n" UPSTREAM("old") "],\n" ROUTES "}",
	 "4 warning /upstreams/1: no route uses the upstream \"old\""},
	{"unused provider",
	 "{\n" LISTENERS UPSTREAMS "'identity_providers': [" PROVIDER("corp") "],\n" ROUTES "}",
	 "4 warning /identity_providers/0: no route uses the identity provider \"corp\""},
	{"unused policy", "{\n" LISTENERS UPSTREAMS ROUTES ", 'policies': 'two'}",
	 "0 warning : no route uses the policy \"old\""},
	{"two routes for the same",
	 "{\n" LISTENERS UPSTREAMS "'routes': [\n" GOOD_ROUTE
	 ",\n" ROUTE("b", "b.example", "/x", NONE, "staff",
		     "wiki") ",\n" ROUTE("c", "B.example.", "/x/", NONE, "staff", "wiki") "]}",
	 "7 /routes/2/match: b.example/x is matched by the route \"b\" too"},
	{"two routes for a wildcard",
	 "{\n" LISTENERS UPSTREAMS
	 "'routes': [\n" ROUTE("b", "*.b.example", "/", NONE, "staff",
			       "wiki") ",\n" ROUTE("c", "*.b.example", "/", NONE, "staff",
						   "wiki") ",\n" ROUTE("d", "x.b.example", "/",
								       NONE, "staff", "wiki") "]}",
	 "6 /routes/1/match: *.b.example/ is matched by the route \"b\" too"},
	{"one host, two paths",
	 "{\n" LISTENERS UPSTREAMS
	 "'routes': [\n" ROUTE("b", "b.example", "/b", NONE, "staff",
			       "wiki") ",\n" ROUTE("c", "b.example", "/c", NONE, "staff",
						   "wiki") "]}",
	 ""},
	{"an upstream that is a listener",
	 "{\n" LISTENERS
	 "'upstreams': [\n{'name': 'wiki', 'servers': [{'url': 'http://127.0.0.1:3000'},\n"
	 "{'url': 'http://127.0.0.1:8080'}]}],\n" ROUTES "}",
	 "5 /upstreams/0/servers/1/url: is the gate's own listener \"plain\": requests would go "
	 "round in a circle"},
	{"an upstream that is a listener on every address",
	 "{'listeners': [{'name': 'all', 'address': '0.0.0.0:3000', 'insecure': true}],\n" UPSTREAMS
		 ROUTES "}",
	 "2 /upstreams/0/servers/0/url: is the gate's own listener \"all\": requests would go..."},
	{"an upstream that is the admin address",
	 "{'admin': {'address': '127.0.0.1:3000'},\n" LISTENERS UPSTREAMS ROUTES "}",
	 "3 /upstreams/0/servers/0/url: is the gate's own admin address..."},
	{"an admin address that is a listener",
	 "{\n" LISTENERS UPSTREAMS ROUTES ",\n"
	 "'admin': {'address': '127.0.0.1:8080'}}",
	 "5 /admin/address: the listener \"plain\" has this address already"},
	{"client certificates nobody asks for",
	 "{\n" LISTENERS UPSTREAMS
	 "'routes': [\n" ROUTE("b", "b.example", "/", "'methods': ['client_certificate']", "staff",
			       "wiki") "]}",
	 "5 warning /routes/0/authenticate/methods: \"client_certificate\" has no effect: no "
	 "listener asks for one"},
	{"sessions without TLS",
	 "{\n" LISTENERS UPSTREAMS "'identity_providers': [" PROVIDER(
		 "corp") "],\n'routes': [\n" ROUTE("b", "b.example", "/",
						   "'methods': ['session'], 'provider': 'corp'",
						   "staff", "wiki") "]}",
	 "6 warning /routes/0/authenticate/methods: \"session\" needs https: browsers keep..."},
	{"sessions behind a proxy",
	 "{\n" LISTENERS UPSTREAMS TRUSTED "'identity_providers': [" PROVIDER(
		 "corp") "],\n'routes': [\n" ROUTE("b", "b.example", "/",
						   "'methods': ['session'], 'provider': 'corp'",
						   "staff", "wiki") "]}",
	 ""},
	{"faults of all sections in one run",
	 "{'listeners': [{'name': 'a', 'address': 'x'}],\n"
	 "'identity_providers': [{}],\n'upstreams': [{'name': 'wiki', 'servers': 1}],\n"
	 "'routes': [{'name': 'r', 'upstream': 'wikis'}]}",
	 "1 /listeners/0/address: ...\n"
	 "2 /identity_providers/0: \"name\" is missing...\n2 /identity_providers/0: \"type\" "
	 "is...\n"
	 "2 /identity_providers/0: \"issuer\" is missing...\n2 /identity_providers/0: "
	 "\"client_id\"...\n"
	 "2 /identity_providers/0: \"client_secret\" is missing...\n"
	 "3 /upstreams/0/servers: must be a list of objects, found the number 1\n"
	 "4 /routes/0: \"match\" is missing...\n4 /routes/0: \"authenticate\" is missing...\n"
	 "4 /routes/0: \"policy\" is missing...\n"
	 "4 /routes/0/upstream: there is no upstream \"wikis\"; did you mean \"wiki\"?"},
};

static void test_faults(void **state)
{
	(void)state;
	config_cases_failed = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		load(rows[i].name, rows[i].text, rows[i].want, NULL);
	assert_int_equal(config_cases_failed, 0);
}

static void test_values(void **state)
{
	struct gate_config *c, *other;

	(void)state;
	config_cases_failed = 0;
	load("values", rows[0].text, "", &c);
	assert_non_null(c);
	assert_int_equal(c->listeners.count, 1);
	assert_int_equal(c->providers.count, 0);
	assert_int_equal(c->upstreams.count, 1);
	assert_int_equal(c->routes.count, 1);
	assert_false(c->has_admin);
	assert_int_equal(c->sessions.lifetime_ms, INT64_C(12) * 3600 * 1000);
	assert_string_equal(c->policies_folder.ptr, test_folder_path(&folder, "policies"));
	assert_string_equal(c->log.access.to.ptr, "stdout");
	assert_int_equal(policy_set_count(c->policies), 1);
	assert_int_equal(policy_set_tests_run(c->policies), 1);
	assert_int_equal(strlen(c->hash), 16);
	load("admin", "{'admin': {'address': '127.0.0.1:9901'},\n" LISTENERS UPSTREAMS ROUTES "}",
	     "", &other);
	assert_non_null(other);
	assert_true(other->has_admin);
	assert_string_not_equal(c->hash, other->hash);
	assert_int_equal(config_cases_failed, 0);
	gate_config_free(other);
	gate_config_free(c);
	gate_config_free(NULL);
}

static void test_files(void **state)
{
	struct gate_config *c = NULL;
	struct faults faults;

	(void)state;
	faults_init(&faults);
	assert_false(gate_config_load(test_folder_path(&folder, "missing.json"), &faults, &c));
	assert_int_equal(faults.errors, 1);
	assert_string_equal(faults.items[0].error.file, test_folder_path(&folder, "missing.json"));
	assert_non_null(strstr(faults.items[0].error.text, "No such file"));
	assert_false(gate_config_load(folder.path, &faults, &c));
	assert_int_equal(faults.errors, 2);
	assert_null(c);
	faults_done(&faults);
}

/* Faults of an earlier load in the same list do not fail a later one. */
static void test_faults_before(void **state)
{
	struct gate_config *c = NULL;
	struct faults faults;

	(void)state;
	faults_init(&faults);
	faults_addf(&faults, FAULT_ERROR, "other", 1, NULL, "of another file");
	test_folder_write(&folder, "sallyport.json", config_text(rows[0].text).ptr, 0600);
	assert_true(gate_config_load(test_folder_path(&folder, "sallyport.json"), &faults, &c));
	assert_int_equal(faults.errors, 1);
	gate_config_free(c);
	faults_done(&faults);
}

/* Ten thousand routes are looked through in well under a second, sanitizers included. */
static void test_many_routes(void **state)
{
	enum { COUNT = 10000 };
	FILE *file = fopen(test_folder_path(&folder, "sallyport.json"), "w");
	struct gate_config *c = NULL;
	struct faults faults;

	(void)state;
	assert_non_null(file);
	fprintf(file, "%.*s", STR_ARG(config_text("{\n" LISTENERS UPSTREAMS "'routes': [\n")));
	for (int i = 0; i < COUNT; i++)
		fprintf(file,
			"{\"name\":\"r%d\",\"match\":{\"hosts\":[\"h%d.example\"]},"
			"\"authenticate\":{\"methods\":[\"none\"]},\"policy\":\"staff\","
			"\"upstream\":\"wiki\"}%s\n",
			i, i, i < COUNT - 1 ? "," : "]}");
	assert_int_equal(fclose(file), 0);
	faults_init(&faults);
	assert_true(gate_config_load(test_folder_path(&folder, "sallyport.json"), &faults, &c));
	assert_int_equal(c->routes.count, COUNT);
	assert_int_equal(faults.count, 0);
	gate_config_free(c);
	faults_done(&faults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),	    cmocka_unit_test(test_values),
		cmocka_unit_test(test_files),	    cmocka_unit_test(test_faults_before),
		cmocka_unit_test(test_many_routes),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
