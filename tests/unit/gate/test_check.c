/* "sallyport check": what it prints, in which order, and its exit status. */
#include "tests/support/config_case.h"
#include "tests/support/folder.h"

#include <fcntl.h>

#include "gate/check.h"

static struct test_folder folder;

static const char good[] =
	"{'listeners': [{'name': 'plain', 'address': '127.0.0.1:8080'}],\n"
	" 'upstreams': [{'name': 'wiki', 'servers': [{'url': 'http://127.0.0.1:3000'}]}],\n"
	" 'routes': [{'name': 'wiki', 'match': {'hosts': ['a.example']}, 'authenticate': "
	"{'methods': ['none']}, 'policy': 'all', 'upstream': 'wiki'}]}\n";
static const char warned[] =
	"{'listeners': [{'name': 'plain', 'address': '127.0.0.1:8080'}],\n"
	" 'upstreams': [{'name': 'wiki', 'servers': [{'url': 'http://127.0.0.1:3000'}]},\n"
	" {'name': 'old', 'servers': [{'url': 'http://127.0.0.1:3001'}]}],\n"
	" 'routes': [{'name': 'wiki', 'match': {'hosts': ['a.example']}, 'authenticate': "
	"{'methods': ['none']}, 'policy': 'all', 'upstream': 'wiki'}]}\n";
static const char bad[] =
	"{\n'routes': [{'name': 'wiki', 'match': {'hosts': ['a.example']}, 'authenticate': "
	"{'methods': ['none']}, 'policy': 'all', 'upstream': 'wiki'}],\n"
	" 'sessions': {'lifetime': '30m'},\n"
	" 'listeners': [{'name': 'plain', 'adress': '127.0.0.1:8080', 'address': "
	"'127.0.0.1:1'}]}\n";
static const char policy[] = "{'policy': 'all', 'rules': [{'id': 'all', 'effect': 'allow', 'when': "
			     "{'method': ['GET']}}], 'tests': [{'name': 'get', 'request': "
			     "{'method': 'GET', 'path': '/'}, 'expect': 'allow'}]}";
static const char failing_policy[] = "{'policy': 'all',\n'rules': [{'id': 'all', 'effect': "
				     "'allow', 'when': {'method': ['GET']}}],\n"
				     " 'tests': [{'name': 'get', 'request': {'method': 'POST', "
				     "'path': '/'}, 'expect': 'allow'}]}";

static int make_files(void **state)
{
	(void)state;
	folder = test_folder_make();
	test_folder_below(&folder, "policies");
	assert_int_equal(chdir(folder.path), 0);
	return unsetenv("NO_COLOR");
}

static int remove_files(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	test_folder_remove(&folder);
	return 0;
}

/* What it prints, in storage of its own; the status in ret. */
static const char *check(const char *config, const char *policy_text, bool as_json, int *ret)
{
	static char *text;
	size_t size;
	FILE *out;

	free(text);
	text = NULL;
	test_folder_write(&folder, "gate.json", config_text(config).ptr, 0600);
	test_folder_write(&folder, "policies/all.json", config_text(policy_text).ptr, 0600);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	*ret = gate_check("gate.json", as_json, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void test_fine(void **state)
{
	int status;

	(void)state;
	assert_string_equal(
		check(good, policy, false, &status),
		"gate.json: configuration and 1 policy are fine, 1 policy test passed\n");
	assert_int_equal(status, 0);
	assert_string_equal(check(good, policy, true, &status),
			    "{\"file\":\"gate.json\",\"ok\":true,\"errors\":0,\"warnings\":0,"
			    "\"policies\":1,\"policy_tests\":1,\"faults\":[]}\n");
	assert_int_equal(status, 0);
}

static void test_warnings(void **state)
{
	int status;

	(void)state;
	assert_string_equal(
		check(warned, policy, false, &status),
		"gate.json:3: warning: /upstreams/1: no route uses the upstream \"old\"\n"
		"gate.json: configuration and 1 policy are fine, 1 policy test passed\n");
	assert_int_equal(status, 0);
	assert_string_equal(
		check(warned, policy, true, &status),
		"{\"file\":\"gate.json\",\"ok\":true,\"errors\":0,\"warnings\":1,\"policies\":1,"
		"\"policy_tests\":1,\"faults\":[{\"severity\":\"warning\",\"file\":\"gate.json\","
		"\"line\":3,\"pointer\":\"/upstreams/1\",\"text\":\"no "
		"route uses the upstream \\\"old\\\"\"}]}\n");
	assert_int_equal(status, 0);
}

/* By file, the configuration first, and by line: not in the order in which they were found. */
static void test_errors(void **state)
{
	const char *text, *sessions, *listeners, *routes, *policies;
	int status;

	(void)state;
	text = check(bad, failing_policy, false, &status);
	assert_int_equal(status, 1);
	routes = strstr(text, "gate.json:2: /routes/0/upstream: there is no upstream \"wiki\"\n");
	sessions = strstr(text, "gate.json:3: warning: /sessions/idle_timeout: has no effect");
	listeners = strstr(text,
			   "gate.json:4: /listeners/0/adress: unknown key \"adress\"; did you mean "
			   "\"address\"?\n");
	policies = strstr(text, "policies/all.json:3: /tests/0");
	assert_ptr_equal(routes, text);
	assert_non_null(sessions);
	assert_true(routes < sessions && sessions < listeners && listeners < policies);
	assert_null(
		strstr(text, "there is no policy")); /* none could be loaded: nothing is known */
	assert_null(strstr(text, "fine"));
	assert_null(strchr(text, '\033'));

	text = check(bad, failing_policy, true, &status);
	assert_int_equal(status, 1);
	assert_non_null(strstr(text, "{\"file\":\"gate.json\",\"ok\":false,\"errors\":"));
	assert_null(strstr(text, "policy_tests"));
}

static void test_missing(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	assert_int_equal(gate_check("missing.json", false, out), 1);
	assert_int_equal(fclose(out), 0);
	assert_true(str_starts_with(str_from(text), STR("missing.json: ")));
	free(text);
}

/* More than are kept are counted. */
static void test_many(void **state)
{
	static char config[FAULTS_MAX * 16];
	const char *text;
	size_t used = 1;
	int status;

	(void)state;
	config[0] = '{';
	for (int i = 0; i < FAULTS_MAX + 10; i++)
		used += (size_t)snprintf(config + used, sizeof(config) - used, "'zz%d': 1,\n", i);
	snprintf(config + used, sizeof(config) - used, "'zz': 1}");
	text = check(config, policy, false, &status);
	assert_int_equal(status, 1);
	assert_non_null(strstr(text, "\nand 13 more\n")); /* 211 keys, listeners and routes */
}

/* A terminal gets colours, unless NO_COLOR says that it must not. */
static void test_colour(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct faults faults;
	char seen[256];
	ssize_t count;
	FILE *out;

	(void)state;
	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	out = fdopen(slave, "w");
	assert_non_null(out);
	faults_init(&faults);
	faults_addf(&faults, FAULT_WARNING, "a.json", 7, "/x", "is odd");
	assert_int_equal(setenv("TERM", "xterm", 1), 0);
	gate_faults_print(&faults, out);
	assert_int_equal(fflush(out), 0);
	count = read(master, seen, sizeof(seen) - 1);
	assert_true(count > 0);
	seen[count] = '\0';
	assert_string_equal(seen, "\033[1ma.json:7: \033[0m\033[33mwarning: \033[0m/x: is odd\r\n");
	assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
	gate_faults_print(&faults, out);
	assert_int_equal(fflush(out), 0);
	count = read(master, seen, sizeof(seen) - 1);
	assert_true(count > 0);
	seen[count] = '\0';
	assert_string_equal(seen, "a.json:7: warning: /x: is odd\r\n");
	faults_done(&faults);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(close(master), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fine),   cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_errors), cmocka_unit_test(test_missing),
		cmocka_unit_test(test_many),   cmocka_unit_test(test_colour),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
