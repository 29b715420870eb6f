/*
 * The schema of policy files: in step with the tables, and of one mind with the reader.
 *
 * What the reader accepts the schema must accept. What is broken must be refused by both,
 * for as far as a schema can see it.
 *
 * SALLYPORT_UPDATE=1 writes conf/policy.schema.json anew.
 */
#include <dirent.h>

#include "base/file.h"
#include "policies.h"
#include "policy/schema.h"
#include "validator.h"

#define SCHEMA TEST_SOURCE_DIR "/conf/policy.schema.json"

/* --- What is asked of it. */

static struct json_doc *schema_doc(void)
{
	struct error err = {0};
	struct json_doc *doc;
	struct buf text;

	buf_init(&text, POLICY_SCHEMA_MAX_BYTES);
	policy_schema_append(&text);
	assert_false(buf_failed(&text));
	assert_true(json_parse(buf_str(&text), POLICY_SCHEMA_MAX_BYTES, NULL, &doc, &err));
	buf_done(&text);
	return doc;
}

/* A text that is no JSON is not valid. */
static bool is_valid(const struct json *root, struct str text)
{
	struct error err = {0};
	struct json_doc *doc;
	bool ok;

	if (!json_parse(text, POLICY_MAX_BYTES, NULL, &doc, &err))
		return false;
	ok = validate(root, root, json_root(doc));
	json_doc_free(doc);
	return ok;
}

static bool is_read(struct str text)
{
	struct policy *p = NULL;
	struct faults faults;
	bool ok;

	faults_init(&faults);
	ok = policy_parse(text, "test.json", &faults, &p);
	faults_done(&faults);
	policy_unref(p);
	return ok;
}

static void test_file_is_in_step(void **state)
{
	struct error err = {0};
	struct buf made, text;

	(void)state;
	buf_init(&made, POLICY_SCHEMA_MAX_BYTES);
	buf_init(&text, POLICY_SCHEMA_MAX_BYTES);
	policy_schema_append(&made);
	assert_false(buf_failed(&made));
	if (getenv("SALLYPORT_UPDATE"))
		assert_true(file_write_atomic(SCHEMA, buf_str(&made), 0644, &err));
	assert_true(file_read(SCHEMA, POLICY_SCHEMA_MAX_BYTES, &text, &err));
	if (!str_equal(buf_str(&text), buf_str(&made)))
		fail_msg("%s is behind the tables: run this test with SALLYPORT_UPDATE=1", SCHEMA);
	buf_done(&made);
	buf_done(&text);
}

static void test_no_room(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 100);
	policy_schema_append(&text);
	assert_true(buf_failed(&text));
	buf_done(&text);
}

/* Each definition is referred to, and nothing refers to what is not defined. */
static void test_definitions(void **state)
{
	struct json_doc *doc = schema_doc();
	const struct json *defs = json_get(json_root(doc), "$defs");
	struct str rest;
	struct buf text;
	size_t at;

	(void)state;
	buf_init(&text, POLICY_SCHEMA_MAX_BYTES);
	json_append_value(&text, json_root(doc));
	for (const struct json *m = json_first(defs); m; m = json_next(m)) {
		char wanted[80];

		snprintf(wanted, sizeof(wanted), "\"#/$defs/%s\"", json_key(m).ptr);
		CHECK(wanted, str_find(buf_str(&text), str_from(wanted)) != STR_NONE);
	}
	rest = buf_str(&text);
	while ((at = str_find(rest, STR("\"#/$defs/"))) != STR_NONE) {
		size_t end;

		rest = str_after(rest, at + strlen("\"#/$defs/"));
		end = str_find_char(rest, '"');
		assert_true(end != STR_NONE);
		if (!json_get_str(defs, str_slice(rest, 0, end)))
			fail_msg("nothing defines %.*s", (int)end, rest.ptr);
	}
	buf_done(&text);
	json_doc_free(doc);
	check_done();
}

/* --- Files: whatever the reader accepts is valid. */

struct tally {
	size_t files, read;
};

static struct tally check_folder(const char *folder)
{
	struct json_doc *schema = schema_doc();
	struct tally tally = {0, 0};
	DIR *dir = opendir(folder);

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));) {
		struct error err = {0};
		struct buf text;
		char path[1024];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		buf_init(&text, POLICY_MAX_BYTES);
		assert_true(file_read(path, POLICY_MAX_BYTES, &text, &err));
		tally.files++;
		if (is_read(buf_str(&text))) {
			tally.read++;
			CHECK(path, is_valid(json_root(schema), buf_str(&text)));
		}
		buf_done(&text);
	}
	closedir(dir);
	json_doc_free(schema);
	return tally;
}

static void test_policies_are_valid(void **state)
{
	static const char *const folders[] = {
		TEST_SOURCE_DIR "/tests/unit/policy/cases",
		TEST_SOURCE_DIR "/demo/policies",
		TEST_SOURCE_DIR "/conf/policies",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		struct tally tally = check_folder(folders[i]);

		CHECK(folders[i], tally.files > 0);
		check_i64(folders[i], "read", (int64_t)tally.files, (int64_t)tally.read);
	}
	check_done();
}

/* Not all of those are good, so only what is read counts. */
static void test_corpus_is_valid(void **state)
{
	(void)state;
	CHECK("some are read", check_folder(TEST_SOURCE_DIR "/tests/corpus/policy").read >= 4);
	check_done();
}

/* --- Rows: both accept, or both refuse. */

#define POLICY(members) "{\"policy\":\"p\"," members "}"
#define WHEN(condition) \
	POLICY("\"rules\":[{\"id\":\"a\",\"effect\":\"allow\",\"when\":" condition "}]")
#define GOOD_RULE	  "{\"id\":\"a\",\"effect\":\"allow\",\"when\":{\"path\":\"/\"}}"
#define RULE(members)	  POLICY("\"rules\":[{\"id\":\"a\",\"when\":{\"path\":\"/\"}," members "}]")
#define TEST(members)	  POLICY("\"rules\":[" GOOD_RULE "],\"tests\":[{" members "}]")
#define REQUEST(members)  TEST("\"name\":\"x\",\"expect\":\"allow\",\"request\":{" members "}")
#define IDENTITY(members) TEST("\"name\":\"x\",\"expect\":\"allow\",\"identity\":{" members "}")
#define SHADOW(until)	  RULE("\"effect\":\"deny\",\"mode\":\"shadow\",\"until\":\"" until "\"")

struct row {
	const char *name;
	const char *text;
};

static const struct row good[] = {
	{"the least", POLICY("\"rules\":[" GOOD_RULE "]")},
	{"no tests", POLICY("\"rules\":[" GOOD_RULE "],\"tests\":[],\"conditions\":{}")},
	{"for people", POLICY("\"$schema\":\"\",\"description\":\"\",\"rules\":[" GOOD_RULE "]")},
	{"a shadow rule", SHADOW("2099-01-31")},
	{"a shadow rule to a minute", SHADOW("2099-01-31T09:00:00.5+01:00")},
	{"enforced", RULE("\"effect\":\"deny\",\"mode\":\"enforce\",\"message\":\"No.\"")},
	{"scalars",
	 WHEN("{\"all\":[{\"claim\":\"a\",\"is\":1},{\"claim\":\"a\",\"is\":true},"
	      "{\"claim\":\"a\",\"in\":[\"\",2,false]},{\"claim\":\"n\",\"at_most\":1}]}")},
	{"empty strings", WHEN("{\"any\":[{\"claim\":\"a\",\"has\":\"\"},"
			       "{\"header\":\"X\",\"is\":\"\"},{\"query\":\"q\",\"in\":[\"\"]}]}")},
	{"a claim that is a URL", WHEN("{\"claim\":\"https://example.com/roles\",\"has\":\"a\"}")},
	{"a claim path", WHEN("{\"claim\":\"realm_access/roles\",\"has_any\":[\"a\"]}")},
	{"not exists", WHEN("{\"not\":{\"header\":\"X-Team\",\"exists\":false}}")},
	{"methods", WHEN("{\"method\":[\"GET\",\"M-SEARCH\"]}")},
	{"paths", WHEN("{\"path\":[\"/\",\"/**\",\"/a/*/b/\",\"/a/*/**\",\"/...\",\"/.a/..b\","
		       "\"/50%\",\"/\\u00e9 x\"]}")},
	{"hosts", WHEN("{\"host\":[\"a\",\"*.Example.com\",\"a_b.c.\",\"[::1]\",\"192.0.2.1\"]}")},
	{"prefixes", WHEN("{\"source_ip\":[\"10.0.0.0/8\",\"192.0.2.1\",\"0.0.0.0/0\",\"::/0\","
			  "\"::1\",\"2001:db8::/32\",\"::ffff:10.0.0.0/104\",\"fe80::1/128\"]}")},
	{"certificate", WHEN("{\"client_certificate\":{\"subject\":\"CN=a\",\"san_dns\":[\"a\"],"
			     "\"fingerprint_sha256\":\"00112233445566778899aabbccddeeff"
			     "00112233445566778899AABBCCDDEEFF\"}}")},
	{"authentication", WHEN("{\"authentication\":{\"method\":[\"session\",\"none\"],"
				"\"provider\":\"corp\",\"amr\":[\"mfa\"],\"max_age\":\"12h\"}}")},
	{"seconds in thousands", WHEN("{\"authentication\":{\"max_age\":\"5000ms\"}}")},
	{"zeros in front", WHEN("{\"authentication\":{\"max_age\":\"007d\"}}")},
	{"device", WHEN("{\"device\":{\"managed\":true,\"os\":\"\",\"version\":14}}")},
	{"time", WHEN("{\"time\":{\"after\":\"2027-01-31\",\"before\":\"2028-02-29t09:00:60z\","
		      "\"days\":[\"mon\"],\"hours\":\"22:00-24:00\",\"zone\":\"+02:00\"}}")},
	{"a day and a zone", WHEN("{\"time\":{\"days\":\"sun\",\"zone\":\"UTC\"}}")},
	{"hours to a minute past midnight", WHEN("{\"time\":{\"hours\":\"23:59-00:01\"}}")},
	{"an empty request", REQUEST("")},
	{"a request", REQUEST("\"method\":\"get\",\"path\":\"/a#b\",\"query\":\"\",\"host\":\"\","
			      "\"source_ip\":\"::1\",\"time\":\"2026-01-01T12:00:00Z\","
			      "\"headers\":{\"X\":\"\",\"Y\":[\"a\",\"b\"]}")},
	{"a request of nothing", REQUEST("\"source_ip\":\"\",\"time\":\"\"")},
	{"an identity", IDENTITY("\"method\":\"bearer\",\"provider\":\"\",\"auth_age\":\"0s\","
				 "\"amr\":[],\"acr\":\"\",\"groups\":{\"any\":[1,null]}")},
	{"who has an age of no age", IDENTITY("\"auth_age\":\"\",\"amr\":\"mfa\"")},
	{"the rest of a test",
	 TEST("\"name\":\"x\",\"description\":\"\",\"expect\":\"deny\",\"by\":\"\","
	      "\"absent_is_empty\":\"groups\",\"can_log_in\":false,\"device\":{\"a\":[]},"
	      "\"client_certificate\":{\"common_name\":\"\",\"san_uri\":[],\"san_dns\":\"a\"}")},
};

static const struct row broken[] = {
	/* the file */
	{"not JSON", "{"},
	{"a list", "[]"},
	{"no policy", "{\"rules\":[" GOOD_RULE "]}"},
	{"a bad name", "{\"policy\":\"Not A Name\",\"rules\":[" GOOD_RULE "]}"},
	{"no rules", "{\"policy\":\"p\"}"},
	{"empty rules", POLICY("\"rules\":[]")},
	{"rules in an object", POLICY("\"rules\":{}")},
	{"an unknown key", POLICY("\"rules\":[" GOOD_RULE "],\"rulez\":[]")},
	{"a description of no text", POLICY("\"description\":1,\"rules\":[" GOOD_RULE "]")},
	{"a condition's bad name", POLICY("\"conditions\":{\"A B\":{\"path\":\"/\"}},"
					  "\"rules\":[" GOOD_RULE "]")},
	{"a condition of no object", POLICY("\"conditions\":{\"a\":[]},\"rules\":[" GOOD_RULE "]")},

	/* rules */
	{"a rule of no object", POLICY("\"rules\":[1]")},
	{"no id", POLICY("\"rules\":[{\"effect\":\"allow\",\"when\":{\"path\":\"/\"}}]")},
	{"an empty id",
	 POLICY("\"rules\":[{\"id\":\"\",\"effect\":\"allow\",\"when\":{\"path\":\"/\"}}]")},
	{"no effect", RULE("\"description\":\"\"")},
	{"no when", POLICY("\"rules\":[{\"id\":\"a\",\"effect\":\"allow\"}]")},
	{"a bad effect", RULE("\"effect\":\"alow\"")},
	{"an unknown key of a rule", RULE("\"effect\":\"allow\",\"unless\":{\"path\":\"/\"}")},
	{"a bad mode", RULE("\"effect\":\"allow\",\"mode\":\"log\"")},
	{"shadow without until", RULE("\"effect\":\"allow\",\"mode\":\"shadow\"")},
	{"until without shadow", RULE("\"effect\":\"allow\",\"until\":\"2099-01-01\"")},
	{"until beside enforce",
	 RULE("\"effect\":\"allow\",\"mode\":\"enforce\",\"until\":\"2099-01-01\"")},
	{"until the month 13", SHADOW("2099-13-01")},
	{"until some day", SHADOW("some day")},
	{"a message of an allow", RULE("\"effect\":\"allow\",\"message\":\"x\"")},
	{"an empty message", RULE("\"effect\":\"deny\",\"message\":\"\"")},
	{"two lines of message", RULE("\"effect\":\"deny\",\"message\":\"a\\nb\"")},

	/* conditions */
	{"an empty condition", WHEN("{}")},
	{"a list of conditions", WHEN("[{\"path\":\"/\"}]")},
	{"two conditions", WHEN("{\"path\":\"/\",\"method\":\"GET\"}")},
	{"two subjects", WHEN("{\"claim\":\"a\",\"header\":\"b\",\"is\":\"c\"}")},
	{"a subject and a path", WHEN("{\"claim\":\"a\",\"path\":\"/\"}")},
	{"an unknown word", WHEN("{\"pth\":\"/\"}")},
	{"empty all", WHEN("{\"all\":[]}")},
	{"empty any", WHEN("{\"any\":[]}")},
	{"all of one object", WHEN("{\"all\":{\"path\":\"/\"}}")},
	{"not with a list", WHEN("{\"not\":[{\"path\":\"/\"}]}")},
	{"a fault deep inside", WHEN("{\"all\":[{\"any\":[{\"not\":{\"path\":\"x\"}}]}]}")},
	{"a name of no text", WHEN("{\"condition\":1}")},

	/* operators */
	{"no operator", WHEN("{\"claim\":\"groups\"}")},
	{"two operators", WHEN("{\"claim\":\"groups\",\"has\":\"a\",\"is\":\"b\"}")},
	{"an unknown operator", WHEN("{\"claim\":\"groups\",\"contains\":\"a\"}")},
	{"an operator alone", WHEN("{\"has\":\"a\"}")},
	{"an operator beside path", WHEN("{\"path\":\"/\",\"is\":\"a\"}")},
	{"a claim of no text", WHEN("{\"claim\":1,\"has\":\"a\"}")},
	{"an empty claim", WHEN("{\"claim\":\"\",\"has\":\"a\"}")},
	{"a slash too many", WHEN("{\"claim\":\"a//b\",\"has\":\"a\"}")},
	{"a slash at the end", WHEN("{\"claim\":\"a/\",\"has\":\"a\"}")},
	{"is null", WHEN("{\"claim\":\"a\",\"is\":null}")},
	{"is a list", WHEN("{\"claim\":\"a\",\"is\":[\"b\"]}")},
	{"in nothing", WHEN("{\"claim\":\"a\",\"in\":[]}")},
	{"in a text", WHEN("{\"claim\":\"a\",\"in\":\"b\"}")},
	{"has a number", WHEN("{\"claim\":\"a\",\"has\":1}")},
	{"has any of a text", WHEN("{\"claim\":\"a\",\"has_any\":\"b\"}")},
	{"has all of nothing", WHEN("{\"claim\":\"a\",\"has_all\":[]}")},
	{"exists perhaps", WHEN("{\"claim\":\"a\",\"exists\":\"yes\"}")},
	{"starts with nothing", WHEN("{\"claim\":\"a\",\"starts_with\":\"\"}")},
	{"at least a text", WHEN("{\"claim\":\"a\",\"at_least\":\"3\"}")},
	{"a header that is no token", WHEN("{\"header\":\"X Team\",\"is\":\"a\"}")},
	{"a header's number", WHEN("{\"header\":\"X-Team\",\"is\":1}")},
	{"a header's bound", WHEN("{\"header\":\"X-Team\",\"at_least\":1}")},
	{"a parameter's numbers", WHEN("{\"query\":\"q\",\"in\":[1]}")},
	{"an empty parameter", WHEN("{\"query\":\"\",\"is\":\"a\"}")},

	/* the request */
	{"a method in lower case", WHEN("{\"method\":\"get\"}")},
	{"no methods", WHEN("{\"method\":[]}")},
	{"a method that is a number", WHEN("{\"method\":[\"GET\",1]}")},
	{"a relative path", WHEN("{\"path\":\"a/**\"}")},
	{"a dot segment", WHEN("{\"path\":\"/a/../b\"}")},
	{"a dot at the end", WHEN("{\"path\":\"/a/.\"}")},
	{"an empty segment", WHEN("{\"path\":\"/a//b\"}")},
	{"a tail in the middle", WHEN("{\"path\":\"/**/a\"}")},
	{"part of a segment", WHEN("{\"path\":\"/a*\"}")},
	{"part of a segment behind", WHEN("{\"path\":\"/*a\"}")},
	{"three stars", WHEN("{\"path\":\"/***\"}")},
	{"an encoded path", WHEN("{\"path\":\"/a%20b\"}")},
	{"a path with a query", WHEN("{\"path\":\"/a?b\"}")},
	{"a path with a backslash", WHEN("{\"path\":\"/a\\\\b\"}")},
	{"a path with a tabulator", WHEN("{\"path\":\"/a\\tb\"}")},
	{"a host with a port", WHEN("{\"host\":\"example.com:8443\"}")},
	{"a star in a host", WHEN("{\"host\":\"a.*.com\"}")},
	{"an empty label", WHEN("{\"host\":\"a..com\"}")},
	{"an address of words", WHEN("{\"source_ip\":\"tomorrow\"}")},
	{"a prefix that is too long", WHEN("{\"source_ip\":[\"10.0.0.0/33\"]}")},
	{"a number that is too large", WHEN("{\"source_ip\":\"256.0.0.0\"}")},

	/* objects whose members must all hold */
	{"an empty certificate", WHEN("{\"client_certificate\":{}}")},
	{"an unknown key of it", WHEN("{\"client_certificate\":{\"san\":\"a\"}}")},
	{"a fingerprint with colons",
	 WHEN("{\"client_certificate\":{\"fingerprint_sha256\":\"aa:bb\"}}")},
	{"empty authentication", WHEN("{\"authentication\":{}}")},
	{"an unknown method of it", WHEN("{\"authentication\":{\"method\":\"password\"}}")},
	{"a duration without unit", WHEN("{\"authentication\":{\"max_age\":\"12\"}}")},
	{"a duration that is a number", WHEN("{\"authentication\":{\"max_age\":12}}")},
	{"a duration of nothing", WHEN("{\"authentication\":{\"max_age\":\"0s\"}}")},
	{"parts of a second", WHEN("{\"authentication\":{\"max_age\":\"1500ms\"}}")},
	{"two durations", WHEN("{\"authentication\":{\"max_age\":[\"1h\"]}}")},
	{"an empty device", WHEN("{\"device\":{}}")},
	{"a device's list", WHEN("{\"device\":{\"os\":[\"a\"]}}")},
	{"an empty time", WHEN("{\"time\":{}}")},
	{"a zone alone", WHEN("{\"time\":{\"zone\":\"UTC\"}}")},
	{"a zone that is a path", WHEN("{\"time\":{\"days\":\"mon\",\"zone\":\"../passwd\"}}")},
	{"an unknown day", WHEN("{\"time\":{\"days\":[\"mon\",\"tues\"]}}")},
	{"no days", WHEN("{\"time\":{\"days\":[]}}")},
	{"short hours", WHEN("{\"time\":{\"hours\":\"9-17\"}}")},
	{"hours from the end of a day", WHEN("{\"time\":{\"hours\":\"24:00-01:00\"}}")},
	{"hours to the start of a day", WHEN("{\"time\":{\"hours\":\"22:00-00:00\"}}")},
	{"hours past the end of a day", WHEN("{\"time\":{\"hours\":\"22:00-24:01\"}}")},
	{"a time without offset", WHEN("{\"time\":{\"after\":\"2027-12-01T09:00:00\"}}")},
	{"a year before 1970", WHEN("{\"time\":{\"after\":\"1969-12-31\"}}")},

	/* tests */
	{"tests in an object", POLICY("\"rules\":[" GOOD_RULE "],\"tests\":{}")},
	{"a test without name", TEST("\"expect\":\"allow\"")},
	{"a test with an empty name", TEST("\"name\":\"\",\"expect\":\"allow\"")},
	{"a test that expects nothing", TEST("\"name\":\"x\"")},
	{"an unknown answer", TEST("\"name\":\"x\",\"expect\":\"perhaps\"")},
	{"an unknown key of a test", TEST("\"name\":\"x\",\"expect\":\"allow\",\"requst\":{}")},
	{"a flag of words", TEST("\"name\":\"x\",\"expect\":\"allow\",\"can_log_in\":\"yes\"")},
	{"a device of no object", TEST("\"name\":\"x\",\"expect\":\"allow\",\"device\":[]")},
	{"a list of numbers", TEST("\"name\":\"x\",\"expect\":\"allow\",\"absent_is_empty\":[1]")},
	{"a rule's bad id", TEST("\"name\":\"x\",\"expect\":\"allow\",\"by\":\"A B\"")},
	{"an unknown key of a test's certificate",
	 TEST("\"name\":\"x\",\"expect\":\"allow\",\"client_certificate\":{\"san\":\"a\"}")},
	{"an unknown key of a request", REQUEST("\"pth\":\"/\"")},
	{"a request's relative path", REQUEST("\"path\":\"a\"")},
	{"a request's path with a query", REQUEST("\"path\":\"/a?b\"")},
	{"a request's prefix", REQUEST("\"source_ip\":\"10.0.0.0/8\"")},
	{"a request's day", REQUEST("\"time\":\"2026-01-01\"")},
	{"a header's name", REQUEST("\"headers\":{\"a b\":\"c\"}")},
	{"no values of a header", REQUEST("\"headers\":{\"a\":[]}")},
	{"a value of a header", REQUEST("\"headers\":{\"a\":1}")},
	{"nobody's identity", IDENTITY("\"method\":\"none\"")},
	{"an age without unit", IDENTITY("\"auth_age\":\"12\"")},
	{"an age that is a number", IDENTITY("\"auth_age\":12")},
	{"a list of classes", IDENTITY("\"acr\":[\"gold\"]")},
	{"methods that are numbers", IDENTITY("\"amr\":[1]")},
};

static void check_rows(const struct row *rows, size_t count, bool is_good)
{
	struct json_doc *schema = schema_doc();

	for (size_t i = 0; i < count; i++) {
		struct str text = str_from(rows[i].text);

		check_i64(rows[i].name, "read", is_good, is_read(text));
		check_i64(rows[i].name, "valid", is_good, is_valid(json_root(schema), text));
	}
	json_doc_free(schema);
	check_done();
}

static void test_good(void **state)
{
	(void)state;
	check_rows(good, ARRAY_LEN(good), true);
}

static void test_broken(void **state)
{
	(void)state;
	check_rows(broken, ARRAY_LEN(broken), false);
}

/* A policy whose name, message, rules or named conditions are so many. */
static void check_limit_of(const char *what, const char *before, const char *one, size_t most,
			   const char *after)
{
	struct json_doc *schema = schema_doc();

	for (size_t more = 0; more < 2; more++) {
		struct buf text;

		buf_init(&text, POLICY_MAX_BYTES);
		buf_append_cstr(&text, before);
		for (size_t i = 0; i < most + more; i++) {
			const char *number = strchr(one, '%');

			if (!number) {
				buf_append_cstr(&text, one);
				continue;
			}
			buf_appendf(&text, "%s%.*s%zu%s", i ? "," : "", (int)(number - one), one, i,
				    number + 1);
		}
		buf_append_cstr(&text, after);
		assert_false(buf_failed(&text));
		check_i64(what, "read", !more, is_read(buf_str(&text)));
		check_i64(what, "valid", !more, is_valid(json_root(schema), buf_str(&text)));
		buf_done(&text);
	}
	json_doc_free(schema);
}

static void test_limits(void **state)
{
	(void)state;
	check_limit_of("name", "{\"policy\":\"", "a", 100, "\",\"rules\":[" GOOD_RULE "]}");
	check_limit_of("message",
		       "{\"policy\":\"p\",\"rules\":[{\"id\":\"a\",\"effect\":\"deny\","
		       "\"when\":{\"path\":\"/\"},\"message\":\"",
		       "m", 500, "\"}]}");
	check_limit_of("rules", "{\"policy\":\"p\",\"rules\":[",
		       "{\"id\":\"a%\",\"effect\":\"allow\",\"when\":{\"path\":\"/\"}}", 1000,
		       "]}");
	check_limit_of("conditions", "{\"policy\":\"p\",\"rules\":[" GOOD_RULE "],\"conditions\":{",
		       "\"a%\":{\"path\":\"/\"}", 1000, "}}");
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_is_in_step), cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_definitions),	cmocka_unit_test(test_policies_are_valid),
		cmocka_unit_test(test_corpus_is_valid), cmocka_unit_test(test_good),
		cmocka_unit_test(test_broken),		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
