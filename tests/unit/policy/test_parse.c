#include "policies.h"

/* A policy around one condition; the condition stands in line 3. */
#define WHEN(condition)                                                                           \
	"{\"policy\":\"p\",\n\"rules\":[{\"id\":\"a\",\"effect\":\"allow\",\"when\":\n" condition \
	"}]}"
#define RULE(members) "{\"policy\":\"p\",\"rules\":[{" members "}]}"
#define NAMED(conditions, condition)                                                  \
	"{\"policy\":\"p\",\"conditions\":{" conditions "},\"rules\":[{\"id\":\"a\"," \
	"\"effect\":\"allow\",\"when\":" condition "}]}"
#define TEST(members)                                                                            \
	"{\"policy\":\"p\",\"rules\":[{\"id\":\"a\",\"effect\":\"allow\",\"when\":{\"path\":\"/" \
	"**\"}}],"                                                                               \
	"\"tests\":[{" members "}]}"
#define AT_WHEN "/rules/0/when"

struct row {
	const char *name;
	const char *text;
	const char *pointer;
	const char *part; /* of the fault's text */
	unsigned line;	  /* 0: not looked at */
};

static const struct row faulty[] = {
	/* the whole */
	{"not JSON", "{", "", "", 0},
	{"not an object", "[]", "", "an object belongs here, not an array", 1},
	{"empty", "{}", "", "\"policy\" is missing", 1},
	{"unknown key", "{\"policy\":\"p\",\n\"rulez\":[]}", "/rulez", "did you mean \"rules\"?",
	 2},
	{"name", "{\"policy\":\"Not A Name\"}", "/policy", "a-z, 0-9", 0},
	{"empty name", "{\"policy\":\"\"}", "/policy", "a-z, 0-9", 0},
	{"no rules", "{\"policy\":\"p\"}", "/rules", "an array is missing", 0},
	{"empty rules", "{\"policy\":\"p\",\"rules\":[]}", "/rules", "empty", 0},
	{"rule is no object", "{\"policy\":\"p\",\"rules\":[1]}", "/rules/0", "an object belongs",
	 0},
	{"description", "{\"policy\":\"p\",\"description\":1}", "/description", "a string", 0},
	{"schema", "{\"policy\":\"p\",\"$schema\":1}", "/$schema", "a string", 0},

	/* rules */
	{"no id", RULE("\"effect\":\"allow\",\"when\":{\"path\":\"/\"}"), "/rules/0",
	 "\"id\" is missing", 0},
	{"bad id", RULE("\"id\":\"A\",\"effect\":\"allow\",\"when\":{\"path\":\"/\"}"),
	 "/rules/0/id", "a-z", 0},
	{"no effect", RULE("\"id\":\"a\",\"when\":{\"path\":\"/\"}"), "/rules/0",
	 "\"effect\" is missing", 0},
	{"bad effect", RULE("\"id\":\"a\",\"effect\":\"alow\",\"when\":{\"path\":\"/\"}"),
	 "/rules/0/effect", "unknown effect \"alow\"; did you mean \"allow\"?", 0},
	{"no when", RULE("\"id\":\"a\",\"effect\":\"allow\""), "/rules/0", "\"when\" is missing",
	 0},
	{"unknown key in rule",
	 RULE("\"id\":\"a\",\"efect\":\"allow\",\"effect\":\"allow\",\"when\":{\"path\":\"/\"}"),
	 "/rules/0/efect", "did you mean \"effect\"?", 0},
	{"bad mode",
	 RULE("\"id\":\"a\",\"effect\":\"allow\",\"mode\":\"shadw\",\"when\":{\"path\":\"/\"}"),
	 "/rules/0/mode", "did you mean \"shadow\"?", 0},
	{"shadow without until",
	 RULE("\"id\":\"a\",\"effect\":\"allow\",\"mode\":\"shadow\",\"when\":{\"path\":\"/\"}"),
	 "/rules/0", "\"until\"", 0},
	{"until without shadow",
	 RULE("\"id\":\"a\",\"effect\":\"allow\",\"until\":\"2099-01-01\",\"when\":{\"path\":\"/"
	      "\"}"),
	 "/rules/0", "belongs to shadow rules", 0},
	{"bad until",
	 RULE("\"id\":\"a\",\"effect\":\"allow\",\"mode\":\"shadow\",\"until\":\"2099-02-30\","
	      "\"when\":{\"path\":\"/\"}"),
	 "/rules/0/until", "is a date", 0},
	{"message of an allow",
	 RULE("\"id\":\"a\",\"effect\":\"allow\",\"message\":\"x\",\"when\":{\"path\":\"/\"}"),
	 "/rules/0/message", "only a deny rule", 0},
	{"empty message",
	 RULE("\"id\":\"a\",\"effect\":\"deny\",\"message\":\"\",\"when\":{\"path\":\"/\"}"),
	 "/rules/0/message", "1 to 500", 0},
	{"line in message",
	 RULE("\"id\":\"a\",\"effect\":\"deny\",\"message\":\"a\\nb\",\"when\":{\"path\":\"/\"}"),
	 "/rules/0/message", "one line", 0},
	{"id twice",
	 "{\"policy\":\"p\",\"rules\":[{\"id\":\"a\",\"effect\":\"allow\",\"when\":{\"path\":\"/"
	 "\"}},\n"
	 "{\"id\":\"a\",\"effect\":\"deny\",\"when\":{\"path\":\"/\"}}]}",
	 "/rules/1/id", "used twice, first by rule 0", 2},

	/* conditions */
	{"condition is no object", WHEN("[]"), AT_WHEN, "an object belongs here, not an array", 3},
	{"empty condition", WHEN("{}"), AT_WHEN, "says what it looks at", 3},
	{"unknown condition word", WHEN("{\"pth\":\"/\"}"), AT_WHEN "/pth",
	 "did you mean \"path\"?", 3},
	{"two conditions", WHEN("{\"path\":\"/\",\"method\":\"GET\"}"), AT_WHEN,
	 "two conditions in one object", 3},
	{"operator alone", WHEN("{\"has\":\"x\"}"), AT_WHEN, "says what it looks at", 3},
	{"operator beside path", WHEN("{\"path\":\"/\",\"is\":\"x\"}"), AT_WHEN,
	 "not beside \"path\"", 3},
	{"empty all", WHEN("{\"all\":[]}"), AT_WHEN "/all", "empty", 3},
	{"empty any", WHEN("{\"any\":[]}"), AT_WHEN "/any", "empty", 3},
	{"all is no list", WHEN("{\"all\":{\"path\":\"/\"}}"), AT_WHEN "/all",
	 "an array belongs here", 3},
	{"not with a list", WHEN("{\"not\":[{\"path\":\"/\"}]}"), AT_WHEN "/not",
	 "exactly one condition", 3},
	{"deep inside",
	 WHEN("{\"all\":[{\"path\":\"/\"},\n{\"any\":[{\"not\":{\"path\":\"x\"}}]}]}"),
	 AT_WHEN "/all/1/any/0/not/path", "starts with '/'", 4},
	{"unknown named condition",
	 NAMED("\"engineer\":{\"path\":\"/\"}", "{\"condition\":\"engneer\"}"),
	 AT_WHEN "/condition", "unknown condition \"engneer\"; did you mean \"engineer\"?", 0},
	{"circle of one", NAMED("\"x\":{\"not\":{\"condition\":\"x\"}}", "{\"condition\":\"x\"}"),
	 "/conditions/x", "in a circle: x -> x", 0},
	{"circle of three",
	 NAMED("\"s\":{\"condition\":\"x\"},\"x\":{\"condition\":\"y\"},\"y\":{\"condition\":\"z\"}"
	       ","
	       "\"z\":{\"condition\":\"x\"}",
	       "{\"condition\":\"s\"}"),
	 NULL, "in a circle: ", 0},
	{"condition name", NAMED("\"A B\":{\"path\":\"/\"}", "{\"condition\":\"A B\"}"),
	 "/conditions/A B", "a-z", 0},

	/* claims, headers, parameters */
	{"no operator", WHEN("{\"claim\":\"groups\"}"), AT_WHEN, "an operator is missing", 3},
	{"two operators", WHEN("{\"claim\":\"groups\",\"has\":\"a\",\"is\":\"b\"}"), AT_WHEN,
	 "exactly one operator", 3},
	{"unknown operator", WHEN("{\"claim\":\"groups\",\"contains\":\"a\"}"), AT_WHEN "/contains",
	 "unknown condition or operator", 3},
	{"misspelt operator", WHEN("{\"claim\":\"groups\",\"has_al\":[\"a\"]}"), AT_WHEN "/has_al",
	 "did you mean \"has_all\"?", 3},
	{"claim name is no string", WHEN("{\"claim\":1,\"has\":\"a\"}"), AT_WHEN "/claim",
	 "a string", 3},
	{"empty claim", WHEN("{\"claim\":\"\",\"has\":\"a\"}"), AT_WHEN "/claim", "empty", 3},
	{"claim path with a slash", WHEN("{\"claim\":\"a//b\",\"has\":\"a\"}"), AT_WHEN "/claim",
	 "claim path", 3},
	{"claim path ends in a slash", WHEN("{\"claim\":\"a/\",\"has\":\"a\"}"), AT_WHEN "/claim",
	 "claim path", 3},
	{"is null", WHEN("{\"claim\":\"a\",\"is\":null}"), AT_WHEN "/is", "not null", 3},
	{"is a list", WHEN("{\"claim\":\"a\",\"is\":[\"x\"]}"), AT_WHEN "/is", "not an array", 3},
	{"in nothing", WHEN("{\"claim\":\"a\",\"in\":[]}"), AT_WHEN "/in", "empty", 3},
	{"in a string", WHEN("{\"claim\":\"a\",\"in\":\"x\"}"), AT_WHEN "/in", "an array belongs",
	 3},
	{"in lists", WHEN("{\"claim\":\"a\",\"in\":[\"x\",[1]]}"), AT_WHEN "/in/1", "not an array",
	 3},
	{"has a number", WHEN("{\"claim\":\"a\",\"has\":1}"), AT_WHEN "/has", "a string belongs",
	 3},
	{"has_any of nothing", WHEN("{\"claim\":\"a\",\"has_any\":[]}"), AT_WHEN "/has_any",
	 "empty", 3},
	{"has_any of a string", WHEN("{\"claim\":\"a\",\"has_any\":\"x\"}"), AT_WHEN "/has_any",
	 "an array", 3},
	{"has_all of numbers", WHEN("{\"claim\":\"a\",\"has_all\":[\"x\",1]}"),
	 AT_WHEN "/has_all/1", "a string", 3},
	{"exists maybe", WHEN("{\"claim\":\"a\",\"exists\":\"yes\"}"), AT_WHEN "/exists",
	 "true or false", 3},
	{"starts with nothing", WHEN("{\"claim\":\"a\",\"starts_with\":\"\"}"),
	 AT_WHEN "/starts_with", "empty", 3},
	{"at least a string", WHEN("{\"claim\":\"a\",\"at_least\":\"3\"}"), AT_WHEN "/at_least",
	 "a number", 3},
	{"header name", WHEN("{\"header\":\"X Team\",\"is\":\"a\"}"), AT_WHEN "/header", "token",
	 3},
	{"header number", WHEN("{\"header\":\"X-Team\",\"is\":1}"), AT_WHEN "/is", "are strings",
	 3},
	{"header bound", WHEN("{\"header\":\"X-Team\",\"at_least\":1}"), AT_WHEN,
	 "compares numbers", 3},
	{"query number", WHEN("{\"query\":\"q\",\"in\":[1]}"), AT_WHEN "/in/0", "are strings", 3},

	/* the request */
	{"method in lower case", WHEN("{\"method\":\"get\"}"), AT_WHEN "/method", "upper case", 3},
	{"method is no token", WHEN("{\"method\":[\"GET\",\"A B\"]}"), AT_WHEN "/method/1", "token",
	 3},
	{"no methods", WHEN("{\"method\":[]}"), AT_WHEN "/method", "empty", 3},
	{"method is a number", WHEN("{\"method\":1}"), AT_WHEN "/method", "a string or a list", 3},
	{"relative path", WHEN("{\"path\":\"grafana/**\"}"), AT_WHEN "/path", "starts with '/'", 3},
	{"dot segment", WHEN("{\"path\":[\"/\",\"/a/../b\"]}"), AT_WHEN "/path/1", "dot segment",
	 3},
	{"host with port", WHEN("{\"host\":\"a.example.com:8443\"}"), AT_WHEN "/host", "port", 3},
	{"host bits", WHEN("{\"source_ip\":\"10.1.2.3/8\"}"), AT_WHEN "/source_ip", "10.0.0.0/8",
	 3},
	{"no address", WHEN("{\"source_ip\":[\"10.0.0.0/8\",\"tomorrow\"]}"),
	 AT_WHEN "/source_ip/1", "", 3},

	/* certificate, authentication, device */
	{"empty certificate", WHEN("{\"client_certificate\":{}}"), AT_WHEN "/client_certificate",
	 "empty", 3},
	{"certificate key", WHEN("{\"client_certificate\":{\"san_dsn\":\"a\"}}"),
	 AT_WHEN "/client_certificate/san_dsn", "did you mean \"san_dns\"?", 3},
	{"fingerprint", WHEN("{\"client_certificate\":{\"fingerprint_sha256\":\"aa:bb\"}}"),
	 AT_WHEN "/client_certificate/fingerprint_sha256", "64 hex digits", 3},
	{"empty authentication", WHEN("{\"authentication\":{}}"), AT_WHEN "/authentication",
	 "empty", 3},
	{"method of authentication", WHEN("{\"authentication\":{\"method\":\"sesion\"}}"),
	 AT_WHEN "/authentication/method", "did you mean \"session\"?", 3},
	{"duration without a unit", WHEN("{\"authentication\":{\"max_age\":\"12\"}}"),
	 AT_WHEN "/authentication/max_age", "with a unit", 3},
	{"duration is a number", WHEN("{\"authentication\":{\"max_age\":12}}"),
	 AT_WHEN "/authentication/max_age", "a string", 3},
	{"no duration", WHEN("{\"authentication\":{\"max_age\":\"0s\"}}"),
	 AT_WHEN "/authentication/max_age", "more than none", 3},
	{"parts of a second", WHEN("{\"authentication\":{\"max_age\":\"1500ms\"}}"),
	 AT_WHEN "/authentication/max_age", "whole seconds", 3},
	{"a list of durations", WHEN("{\"authentication\":{\"max_age\":[\"1h\"]}}"),
	 AT_WHEN "/authentication/max_age", "a string", 3},
	{"empty amr", WHEN("{\"authentication\":{\"amr\":[]}}"), AT_WHEN "/authentication/amr",
	 "empty", 3},
	{"empty device", WHEN("{\"device\":{}}"), AT_WHEN "/device", "empty", 3},
	{"device list", WHEN("{\"device\":{\"os\":[\"a\"]}}"), AT_WHEN "/device/os", "not an array",
	 3},

	/* time */
	{"empty time", WHEN("{\"time\":{}}"), AT_WHEN "/time", "at least one of", 3},
	{"zone alone", WHEN("{\"time\":{\"zone\":\"UTC\"}}"), AT_WHEN "/time", "at least one of",
	 3},
	{"unknown key of time", WHEN("{\"time\":{\"day\":[\"mon\"]}}"), AT_WHEN "/time/day",
	 "did you mean \"days\"?", 3},
	{"day", WHEN("{\"time\":{\"days\":[\"mon\",\"tues\"]}}"), AT_WHEN "/time/days/1",
	 "did you mean \"tue\"?", 3},
	{"no days", WHEN("{\"time\":{\"days\":[]}}"), AT_WHEN "/time/days", "empty", 3},
	{"hours", WHEN("{\"time\":{\"hours\":\"9-17\"}}"), AT_WHEN "/time/hours", "09:00-17:30", 3},
	{"hours of no length", WHEN("{\"time\":{\"hours\":\"09:00-09:00\"}}"),
	 AT_WHEN "/time/hours", "09:00-17:30", 3},
	{"hours too late", WHEN("{\"time\":{\"hours\":\"09:00-24:01\"}}"), AT_WHEN "/time/hours",
	 "09:00-17:30", 3},
	{"date", WHEN("{\"time\":{\"after\":\"2027-13-01\"}}"), AT_WHEN "/time/after", "RFC 3339",
	 3},
	{"time without offset", WHEN("{\"time\":{\"after\":\"2027-12-01T09:00:00\"}}"),
	 AT_WHEN "/time/after", "offset", 3},
	{"never", WHEN("{\"time\":{\"after\":\"2027-12-01\",\"before\":\"2027-12-01\"}}"),
	 AT_WHEN "/time", "never comes", 3},
	{"zone", WHEN("{\"time\":{\"days\":\"mon\",\"zone\":\"Mars/Olympus\"}}"),
	 AT_WHEN "/time/zone", "unknown time zone", 3},
	{"zone as a path", WHEN("{\"time\":{\"days\":\"mon\",\"zone\":\"../../../etc/passwd\"}}"),
	 AT_WHEN "/time/zone", "a zone is", 3},

	/* tests */
	{"test without a name", TEST("\"expect\":\"allow\""), "/tests/0", "\"name\"", 0},
	{"test without expectation", TEST("\"name\":\"x\""), "/tests/0", "\"expect\" is missing",
	 0},
	{"unknown answer", TEST("\"name\":\"x\",\"expect\":\"alow\""), "/tests/0/expect",
	 "did you mean \"allow\"?", 0},
	{"unknown rule", TEST("\"name\":\"x\",\"expect\":\"allow\",\"by\":\"b\""), "/tests/0/by",
	 "unknown rule \"b\"", 0},
	{"unknown key of test", TEST("\"name\":\"x\",\"expect\":\"allow\",\"requst\":{}"),
	 "/tests/0/requst", "did you mean \"request\"?", 0},
	{"unknown key of request",
	 TEST("\"name\":\"x\",\"expect\":\"allow\",\"request\":{\"pth\":\"/\"}"),
	 "/tests/0/request/pth", "did you mean \"path\"?", 0},
	{"path with query",
	 TEST("\"name\":\"x\",\"expect\":\"allow\",\"request\":{\"path\":\"/a?b\"}"),
	 "/tests/0/request/path", "\"query\"", 0},
	{"address",
	 TEST("\"name\":\"x\",\"expect\":\"allow\",\"request\":{\"source_ip\":\"10.0.0.0/8\"}"),
	 "/tests/0/request/source_ip", "no IP address", 0},
	{"header",
	 TEST("\"name\":\"x\",\"expect\":\"allow\",\"request\":{\"headers\":{\"a b\":\"c\"}}"),
	 "/tests/0/request/headers/a b", "token", 0},
	{"time of a test",
	 TEST("\"name\":\"x\",\"expect\":\"allow\",\"request\":{\"time\":\"today\"}"),
	 "/tests/0/request/time", "RFC 3339", 0},
	{"auth_age",
	 TEST("\"name\":\"x\",\"expect\":\"allow\",\"identity\":{\"auth_age\":\"soon\"}"),
	 "/tests/0/identity/auth_age", "with a unit", 0},
	{"method of a test",
	 TEST("\"name\":\"x\",\"expect\":\"allow\",\"identity\":{\"method\":\"none\"}"),
	 "/tests/0/identity/method", "unknown method", 0},
	{"certificate of a test",
	 TEST("\"name\":\"x\",\"expect\":\"allow\",\"client_certificate\":{\"san\":\"x\"}"),
	 "/tests/0/client_certificate/san", "unknown key", 0},
};

static const struct fault *find_fault(const struct faults *faults, const struct row *row)
{
	for (size_t i = 0; i < faults->count; i++) {
		const struct error *e = &faults->items[i].error;

		if (faults->items[i].severity == FAULT_ERROR && strstr(e->text, row->part) &&
		    (!row->pointer || strcmp(e->pointer, row->pointer) == 0))
			return &faults->items[i];
	}
	return NULL;
}

static void test_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faulty); i++) {
		const struct row *row = &faulty[i];
		const struct fault *fault;
		struct policy *p = NULL;
		struct faults faults;

		faults_init(&faults);
		CHECK(row->name, !policy_parse(str_from(row->text), "x.json", &faults, &p));
		CHECK(row->name, p == NULL);
		fault = find_fault(&faults, row);
		if (!fault) {
			check_failures++;
			print_error("%s: want %s: ...%s..., got:\n", row->name,
				    row->pointer ? row->pointer : "(anywhere)", row->part);
			faults_print(&faults);
		} else {
			check_cstr(row->name, "file", "x.json", fault->error.file);
			if (row->line)
				check_i64(row->name, "line", row->line, fault->error.line);
		}
		policy_unref(p);
		faults_done(&faults);
	}
	check_done();
}

/* One run names them all. */
static void test_all_faults_at_once(void **state)
{
	static const char text[] =
		"{\"policy\":\"P\",\"extra\":1,\"conditions\":{\"x\":{\"pth\":\"/"
		"\"},\"y\":{\"all\":[]}},"
		"\"rules\":[{\"id\":\"a\",\"effect\":\"allow\",\"when\":{\"all\":["
		"{\"source_ip\":\"10.1.0.0/8\"},{\"path\":\"x\"},{\"condition\":\"z\"}]}},"
		"{\"id\":\"a\",\"effect\":\"perhaps\",\"when\":{}}],"
		"\"tests\":[{\"name\":\"t\",\"expect\":\"no\"}]}";
	struct policy *p = NULL;
	struct faults faults;

	(void)state;
	faults_init(&faults);
	assert_false(policy_parse(str_from(text), "x.json", &faults, &p));
	/* name, extra, pth, empty all, host bits, path, unknown condition, id twice, effect, empty condition, expect */
	check_i64("all", "errors", 11, (int64_t)faults.errors);
	check_i64("all", "warnings", 2, (int64_t)faults.warnings); /* x and y are unused */
	if (check_failures)
		faults_print(&faults);
	faults_done(&faults);
	check_done();
}

static void test_warnings(void **state)
{
	static const struct row rows[] = {
		{"unused condition", NAMED("\"x\":{\"path\":\"/\"}", "{\"path\":\"/\"}"),
		 "/conditions/x", "nothing refers", 0},
		{"shadow rule has run out",
		 "{\"policy\":\"p\",\"rules\":[{\"id\":\"a\",\"effect\":\"deny\","
		 "\"mode\":\"shadow\",\"until\":\"2020-01-31\",\"when\":{\"path\":\"/\"}}]}",
		 "/rules/0/until", "no longer evaluated", 0},
		{"test without time",
		 "{\"policy\":\"p\",\"rules\":[{\"id\":\"a\",\"effect\":\"allow\",\"when\":"
		 "{\"time\":{\"days\":\"mon\"}}}],\"tests\":[{\"name\":\"t\",\"expect\":\"deny\"}]"
		 "}",
		 "/tests/0", "names none", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy *p = NULL;
		struct faults faults;

		faults_init(&faults);
		CHECK(rows[i].name, policy_parse(str_from(rows[i].text), "x.json", &faults, &p));
		check_i64(rows[i].name, "errors", 0, (int64_t)faults.errors);
		check_i64(rows[i].name, "warnings", 1, (int64_t)faults.warnings);
		if (faults.count == 1 && faults.items) {
			check_cstr(rows[i].name, "pointer", rows[i].pointer,
				   faults.items[0].error.pointer);
			check_contains(rows[i].name, rows[i].part, faults.items[0].error.text);
		}
		policy_unref(p);
		faults_done(&faults);
	}
	check_done();
}

static void test_names(void **state)
{
	struct policy *p = policy_of(WHEN("{\"path\":\"/\"}")),
		      *other = policy_of(WHEN("{\"path\":\"/x\"}"));

	(void)state;
	check_cstr("name", "policy_name", "p", policy_name(p));
	check_cstr("file", "policy_file", "test.json", policy_file(p));
	check_i64("hash", "length", 16, (int64_t)strlen(policy_hash(p)));
	CHECK("hash is hex", strspn(policy_hash(p), "0123456789abcdef") == 16);
	CHECK("hash differs", strcmp(policy_hash(p), policy_hash(other)) != 0);
	CHECK("ref", policy_ref(p) == p);
	policy_unref(p);
	check_cstr("after one unref", "policy_name", "p", policy_name(p));
	policy_unref(p);
	policy_unref(other);
	policy_unref(NULL);
	check_done();
}

/* Texts past each limit, built rather than written. */
struct limit {
	const char *name;
	const char *head, *item, *tail; /* "%zu" in item is its number */
	size_t good, bad;		/* how many items pass, and how many do not */
	const char *part;
};

static bool parse_repeated(const struct limit *l, size_t count, struct faults *faults)
{
	struct policy *p = NULL;
	struct buf text;
	bool ok;

	buf_init(&text, POLICY_MAX_BYTES * 2);
	buf_append_cstr(&text, l->head);
	for (size_t i = 0; i < count; i++) {
		const char *mark = l->item;

		buf_append_cstr(&text, i ? "," : "");
		for (const char *at; (at = strchr(mark, '#')); mark = at + 1) {
			buf_append(&text, str_from_len(mark, (size_t)(at - mark)));
			buf_append_u64(&text, i);
		}
		buf_append_cstr(&text, mark);
	}
	buf_append_cstr(&text, l->tail);
	ok = policy_parse(buf_str(&text), "x.json", faults, &p);
	policy_unref(p);
	buf_done(&text);
	return ok;
}

static void test_limits(void **state)
{
	static const struct limit limits[] = {
		{"rules", "{\"policy\":\"p\",\"rules\":[",
		 "{\"id\":\"r#\",\"effect\":\"allow\",\"when\":{\"path\":\"/\"}}", "]}", 1000, 1001,
		 "at most 1000 rules"},
		{"nodes",
		 "{\"policy\":\"p\",\"rules\":[{\"id\":\"a\",\"effect\":\"allow\",\"when\":{"
		 "\"any\":[",
		 "{\"path\":\"/#\"}", "]}}]}", 19999, 20000, "at most 20000 conditions"},
		{"subjects",
		 "{\"policy\":\"p\",\"rules\":[{\"id\":\"a\",\"effect\":\"allow\",\"when\":{"
		 "\"any\":[",
		 "{\"claim\":\"c#\",\"is\":\"x\"}", "]}}]}", 256, 257, "at most 256 different"},
		{"values",
		 "{\"policy\":\"p\",\"rules\":[{\"id\":\"a\",\"effect\":\"allow\",\"when\":"
		 "{\"claim\":\"c\",\"in\":[",
		 "\"#\"", "]}}]}", 32768, 32769, "at most 32768 different"},
		{"named conditions",
		 "{\"policy\":\"p\",\"rules\":[{\"id\":\"a\",\"effect\":\"allow\",\"when\":"
		 "{\"path\":\"/\"}}],\"conditions\":{",
		 "\"c#\":{\"path\":\"/\"}", "}}", 1000, 1001, "at most 1000 named"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct faults faults;

		faults_init(&faults);
		CHECK(limits[i].name, parse_repeated(&limits[i], limits[i].good, &faults));
		check_i64(limits[i].name, "errors", 0, (int64_t)faults.errors);
		CHECK(limits[i].name, !parse_repeated(&limits[i], limits[i].bad, &faults));
		check_i64(limits[i].name, "errors", 1, (int64_t)faults.errors);
		CHECK(limits[i].name, faults.count > 0);
		for (size_t j = 0; j < faults.count; j++) {
			if (faults.items[j].severity == FAULT_ERROR)
				check_contains(limits[i].name, limits[i].part,
					       faults.items[j].error.text);
		}
		faults_done(&faults);
	}
	check_done();
}

/* A chain of references: as deep as allowed, and one deeper. */
static bool parse_chain(size_t length, const char **ret_text)
{
	struct policy *p = NULL;
	struct faults faults;
	struct buf text;
	bool ok;

	buf_init(&text, POLICY_MAX_BYTES);
	buf_append_cstr(&text, "{\"policy\":\"p\",\"conditions\":{\"c0\":{\"path\":\"/\"}");
	for (size_t i = 1; i < length; i++)
		buf_appendf(&text, ",\"c%zu\":{\"condition\":\"c%zu\"}", i, i - 1);
	buf_appendf(&text,
		    "},\"rules\":[{\"id\":\"a\",\"effect\":\"allow\",\"when\":{\"condition\":"
		    "\"c%zu\"}}]}",
		    length - 1);
	faults_init(&faults);
	ok = policy_parse(buf_str(&text), "x.json", &faults, &p);
	*ret_text = ok							      ? ""
		    : strstr(faults.items[0].error.text, "more than 64 deep") ? "deep"
									      : "other";
	faults_done(&faults);
	policy_unref(p);
	buf_done(&text);
	return ok;
}

static void test_depth(void **state)
{
	const char *why;

	(void)state;
	CHECK("63 references and the path", parse_chain(63, &why));
	CHECK("one more", !parse_chain(64, &why));
	check_cstr("one more", "why", "deep", why);
	CHECK("many more", !parse_chain(900, &why));
	check_cstr("many more", "why", "deep", why);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),	 cmocka_unit_test(test_all_faults_at_once),
		cmocka_unit_test(test_warnings), cmocka_unit_test(test_names),
		cmocka_unit_test(test_limits),	 cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
