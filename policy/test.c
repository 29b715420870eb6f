/*
 * policy/test.c - the tests inside policy files.
 *
 * They are read twice: for their faults when the file is parsed, and to be run, again
 * from the text, so that a running policy does not carry them as values.
 */
#include "policy/test.h"

#include <string.h>

#include "config/option.h"
#include "policy/calendar.h"
#include "policy/compiled.h"

enum {
	ARENA_CEILING = 16 * 1024 * 1024, /* of one test */
	CLAIMS_MAX = 2 * 1024 * 1024,
};

static const char *const answers[] = {"deny", "allow", "login", "step_up"};

static const struct key test_keys[] = {
	{.name = "name", .form = "text", .is_required = true},
	{.name = "description", .form = "string"},
	{.name = "identity", .form = "identity"},
	{.name = "absent_is_empty", .form = "string_or_list"},
	{.name = "client_certificate", .form = "presented_certificate"},
	{.name = "device", .form = "object"},
	{.name = "request", .form = "request"},
	{.name = "can_log_in", .form = "flag"},
	{.name = "expect",
	 .words = answers,
	 .words_count = ARRAY_LEN(answers),
	 .is_required = true},
	{.name = "by", .form = "deciding_rule"},
};
const struct key_table test_test_keys = {test_keys, ARRAY_LEN(test_keys)};

static const struct key request_keys[] = {
	{.name = "method", .form = "string"},
	{.name = "path", .form = "request_path"},
	{.name = "query", .form = "string"},
	{.name = "host", .form = "string"},
	{.name = "source_ip", .form = "request_address"},
	{.name = "headers", .form = "request_headers"},
	{.name = "time", .form = "request_time"},
};
const struct key_table test_request_keys = {request_keys, ARRAY_LEN(request_keys)};

static const struct key certificate_keys[] = {
	{.name = "subject", .form = "string"},
	{.name = "issuer", .form = "string"},
	{.name = "common_name", .form = "string"},
	{.name = "san_dns", .form = "string_or_list"},
	{.name = "san_uri", .form = "string_or_list"},
	{.name = "san_email", .form = "string_or_list"},
	{.name = "fingerprint_sha256", .form = "string"},
};
const struct key_table test_certificate_keys = {certificate_keys, ARRAY_LEN(certificate_keys)};

/* What reading one test needs at hand. */
struct reader {
	struct place *at;
	struct arena *arena;
	struct test *test;
};

/* A string at a key: the default when the key is absent, a fault when it is something else. */
static struct str read_str(struct reader *r, const struct json *object, const char *key,
			   struct str otherwise)
{
	const struct json *v = json_get(object, key);
	size_t mark;
	bool ok;

	if (!v)
		return otherwise;
	mark = place_enter(r->at, str_from(key));
	ok = place_expect(r->at, v, JSON_STRING);
	place_leave(r->at, mark);
	return ok ? json_str(v) : otherwise;
}

/* A string or a list of strings at a key; none when it is absent. */
static const struct str *read_list(struct reader *r, const struct json *object, const char *key,
				   size_t *ret_count)
{
	const struct json *v = json_get(object, key);
	size_t mark = place_enter(r->at, str_from(key)), count = 0;
	struct place_strings walk;
	struct str *list = NULL;
	struct str text;

	*ret_count = 0;
	if (v)
		list = arena_alloc_array(r->arena, json_count(v) + 1, sizeof(*list));
	if (list && !(json_is(v, JSON_ARRAY) && !json_count(v))) {
		for (bool ok = place_strings_first(r->at, v, &walk, &text); ok;
		     ok = place_strings_next(r->at, &walk, &text))
			list[count++] = text;
	}
	place_leave(r->at, mark);
	*ret_count = count;
	return list;
}

/* --- The request. */

static void read_header(struct reader *r, struct headers *h, const struct json *v)
{
	struct place_strings walk;
	struct str text;

	if (!header_name_is_token(json_key(v))) {
		place_fault(r->at, "a header name is a token such as \"X-Team\"");
		return;
	}
	for (bool ok = place_strings_first(r->at, v, &walk, &text); ok;
	     ok = place_strings_next(r->at, &walk, &text)) {
		if (!header_value_is_valid(text))
			place_fault(r->at, "a header value has no control characters and no "
					   "spaces at its ends");
		else if (!headers_add(r->arena, h, json_key(v), text))
			return; /* the arena ended: seen by test_read() */
	}
}

static void read_headers(struct reader *r, const struct json *v)
{
	struct headers *h = arena_alloc(r->arena, sizeof(*h));
	size_t mark = place_enter(r->at, STR("headers"));

	if (h && v && place_expect(r->at, v, JSON_OBJECT)) {
		for (const struct json *m = json_first(v); m; m = json_next(m)) {
			size_t inner = place_enter(r->at, json_key(m));

			read_header(r, h, m);
			place_leave(r->at, inner);
		}
	}
	r->test->facts.headers = h;
	place_leave(r->at, mark);
}

static void fault_at(struct reader *r, const char *key, const char *what)
{
	size_t mark = place_enter(r->at, str_from(key));

	place_fault(r->at, "%s", what);
	place_leave(r->at, mark);
}

static void read_request(struct reader *r, const struct json *v)
{
	struct facts *f = &r->test->facts;
	size_t mark = place_enter(r->at, STR("request"));
	struct str text;

	if (v && place_expect(r->at, v, JSON_OBJECT))
		place_check_keys(r->at, v, &test_request_keys);
	f->method = read_str(r, v, "method", STR("GET"));
	f->host = read_str(r, v, "host", STR(""));
	f->query = read_str(r, v, "query", STR(""));
	f->path = read_str(r, v, "path", STR("/"));
	if (!str_starts_with(f->path, STR("/")) || str_find_char(f->path, '?') != STR_NONE)
		fault_at(r, "path",
			 "a path starts with '/'; what stands behind '?' is the \"query\"");
	text = read_str(r, v, "source_ip", STR(""));
	f->has_source_ip = text.len > 0;
	if (text.len && !ip_parse(text, &f->source_ip))
		fault_at(r, "source_ip", "this is no IP address");
	read_headers(r, json_get(v, "headers"));
	text = read_str(r, v, "time", STR(""));
	r->test->names_time = text.len > 0;
	f->now_s = TEST_NOW_S;
	if (text.len && !calendar_parse_time(text, &f->now_s))
		fault_at(r, "time", "a time is written \"2027-01-31T09:00:00Z\" (RFC 3339)");
	place_leave(r->at, mark);
}

/* --- Who asks. */

static void free_doc(void *doc)
{
	json_doc_free(doc);
}

/* Keys of an identity that are no claims. */
static bool is_identity_key(struct str key)
{
	return str_equal(key, STR("method")) || str_equal(key, STR("provider")) ||
	       str_equal(key, STR("auth_age"));
}

/* The claims alone; an address counts as verified unless the test says otherwise. */
static void write_claims(struct buf *b, const struct json *identity)
{
	struct json_writer w;

	json_write_begin(&w, b);
	json_write_object(&w, NULL);
	for (const struct json *m = json_first(identity); m; m = json_next(m)) {
		if (!is_identity_key(json_key(m)))
			json_write_value(&w, json_key(m).ptr, m);
	}
	if (json_get(identity, "email") && !json_get(identity, "email_verified"))
		json_write_bool(&w, "email_verified", true);
	json_write_end(&w);
}

static const struct json *read_claims(struct reader *r, const struct json *identity)
{
	struct json_doc *doc = NULL;
	struct error err = {0};
	struct buf text;
	bool ok;

	buf_init(&text, CLAIMS_MAX);
	write_claims(&text, identity);
	ok = !buf_failed(&text) && json_parse(buf_str(&text), CLAIMS_MAX, NULL, &doc, &err);
	buf_done(&text);
	if (!ok || !arena_on_cleanup(r->arena, free_doc, doc)) {
		json_doc_free(doc);
		place_fault(r->at, "this identity cannot be read%s%s", err.text[0] ? ": " : "",
			    err.text);
		return NULL;
	}
	return json_root(doc);
}

static void read_auth_age(struct reader *r, const struct json *identity)
{
	struct str text = read_str(r, identity, "auth_age", STR(""));
	int64_t ms;

	if (!text.len)
		return;
	if (option_parse_duration(text, &ms) && ms >= 0)
		r->test->facts.auth_time_s = r->test->facts.now_s - ms / 1000;
	else
		fault_at(r, "auth_age", "a duration is a number with a unit: \"30s\", \"12h\"");
}

static void read_method(struct reader *r, const struct json *identity)
{
	struct str text = read_str(r, identity, "method", STR("session"));
	const char *names[FACTS_CLIENT_CERTIFICATE];
	size_t mark;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) { /* all but "none", the first */
		names[i] = facts_method_name((enum facts_method)(i + 1));
		if (str_equal(text, str_from(names[i]))) {
			r->test->facts.authenticated_by = (enum facts_method)(i + 1);
			return;
		}
	}
	mark = place_enter(r->at, STR("method"));
	place_unknown(r->at, "method of authentication", text, names, ARRAY_LEN(names));
	place_leave(r->at, mark);
}

/* Read behind the request, whose time the age counts from. */
static void read_identity(struct reader *r, const struct json *v)
{
	struct facts *f = &r->test->facts;
	size_t mark = place_enter(r->at, STR("identity"));

	if (v && place_expect(r->at, v, JSON_OBJECT)) {
		read_method(r, v);
		read_auth_age(r, v);
		f->provider = read_str(r, v, "provider", STR(""));
		f->acr = read_str(r, v, "acr", STR(""));
		f->amr = read_list(r, v, "amr", &f->amr_count);
		f->claims = read_claims(r, v);
	}
	place_leave(r->at, mark);
}

static void read_certificate(struct reader *r, const struct json *v)
{
	struct client_certificate *c = arena_alloc(r->arena, sizeof(*c));
	size_t mark = place_enter(r->at, STR("client_certificate"));

	if (c && v && place_expect(r->at, v, JSON_OBJECT)) {
		place_check_keys(r->at, v, &test_certificate_keys);
		c->subject = read_str(r, v, "subject", STR(""));
		c->issuer = read_str(r, v, "issuer", STR(""));
		c->common_name = read_str(r, v, "common_name", STR(""));
		c->fingerprint_sha256 = read_str(r, v, "fingerprint_sha256", STR(""));
		c->san_dns = read_list(r, v, "san_dns", &c->san_dns_count);
		c->san_uri = read_list(r, v, "san_uri", &c->san_uri_count);
		c->san_email = read_list(r, v, "san_email", &c->san_email_count);
		r->test->facts.certificate = c;
	}
	place_leave(r->at, mark);
}

/* --- What is expected. */

static void read_expect(struct reader *r, const struct json *v)
{
	struct str text = read_str(r, v, "expect", STR(""));
	size_t mark;

	if (!json_get(v, "expect")) {
		place_fault(r->at, "\"expect\" is missing: allow, deny, login or step_up");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		enum decision_answer answer = (enum decision_answer)i;

		if (str_equal(text, str_from(decision_answer_name(answer)))) {
			r->test->expect = answer;
			return;
		}
	}
	mark = place_enter(r->at, STR("expect"));
	place_unknown(r->at, "answer", text, answers, ARRAY_LEN(answers));
	place_leave(r->at, mark);
}

static void read_by(struct reader *r, const struct policy *p, const struct json *v)
{
	struct str text = read_str(r, v, "by", STR(""));
	const char **ids = arena_alloc_array(r->arena, p->rules_count, sizeof(*ids));
	size_t mark = place_enter(r->at, STR("by")), i = 0;

	r->test->by = text;
	if (ids && text.len && p->rules_count) { /* no rules: a fault of its own */
		for (; i < p->rules_count; i++) {
			ids[i] = p->rules[i].id;
			if (str_equal(text, str_from(ids[i])))
				break;
		}
		if (i == p->rules_count)
			place_unknown(r->at, "rule", text, ids, i);
		else if (p->rules[i].is_shadow)
			place_fault(r->at, "a shadow rule never decides");
	}
	place_leave(r->at, mark);
}

static void read_flag(struct reader *r, const struct json *v, const char *key, bool *flag)
{
	const struct json *member = json_get(v, key);
	size_t mark = place_enter(r->at, str_from(key));

	if (member && place_expect(r->at, member, JSON_BOOL))
		*flag = json_bool(member);
	place_leave(r->at, mark);
}

static void read_device(struct reader *r, const struct json *v)
{
	size_t mark = place_enter(r->at, STR("device"));

	if (v && place_expect(r->at, v, JSON_OBJECT))
		r->test->facts.device = v;
	place_leave(r->at, mark);
}

bool test_read(struct place *at, struct arena *a, const struct policy *p, const struct json *v,
	       struct test *ret)
{
	struct test test = {.facts = {.can_log_in = true}};
	struct reader r = {.at = at, .arena = a, .test = &test};
	struct facts *f = &test.facts;
	size_t errors = at->errors;

	if (!place_expect(at, v, JSON_OBJECT))
		return false;
	place_check_keys(at, v, &test_test_keys);
	test.name = read_str(&r, v, "name", STR(""));
	if (!test.name.len)
		place_fault(at, "a test has a \"name\"");
	(void)read_str(&r, v, "description", STR(""));
	read_request(&r, json_get(v, "request"));
	read_identity(&r, json_get(v, "identity"));
	read_certificate(&r, json_get(v, "client_certificate"));
	read_device(&r, json_get(v, "device"));
	f->absent_is_empty = read_list(&r, v, "absent_is_empty", &f->absent_is_empty_count);
	read_flag(&r, v, "can_log_in", &f->can_log_in);
	read_expect(&r, v);
	read_by(&r, p, v);
	if (arena_overflowed(a))
		place_fault(at, "this test is too large");
	if (at->errors != errors)
		return false;
	*ret = test;
	return true;
}

/* Call fn for each test with the place standing there. */
static void each_test(struct place *at, const struct policy *p, const struct json *tests,
		      void (*fn)(struct place *at, const struct policy *p, const struct test *test,
				 void *arg),
		      void *arg)
{
	struct arena *a = arena_new(ARENA_CEILING);
	size_t mark = place_enter(at, STR("tests")), index = 0;
	struct test test;

	if (!a)
		place_fault(at, "out of memory");
	else if (place_expect(at, tests, JSON_ARRAY)) {
		for (const struct json *m = json_first(tests); m; m = json_next(m)) {
			size_t inner = place_enter_index(at, index++);

			arena_reset(a);
			if (test_read(at, a, p, m, &test))
				fn(at, p, &test, arg);
			place_leave(at, inner);
		}
	}
	arena_free(a);
	place_leave(at, mark);
}

static void check_one(struct place *at, const struct policy *p, const struct test *test, void *arg)
{
	const bool *judges_time = arg;

	(void)p;
	if (*judges_time && !test->names_time)
		place_warn(at, "this policy judges the time, and the test names none in its "
			       "request: it is tested at 2026-01-01T12:00:00Z");
}

void test_check_all(struct place *at, const struct policy *p, const struct json *tests,
		    bool judges_time)
{
	each_test(at, p, tests, check_one, &judges_time);
}

struct tally {
	size_t run, failed;
};

static void run_one(struct place *at, const struct policy *p, const struct test *test, void *arg)
{
	struct tally *tally = arg;
	struct str name = place_excerpt(test->name);
	struct decision d;

	policy_decide(p, &test->facts, &d);
	tally->run++;
	if (d.answer != test->expect)
		place_fault(at, "test \"%.*s\" expected %s, the answer is %s: %s%s%s",
			    STR_ARG(name), decision_answer_name(test->expect),
			    decision_answer_name(d.answer), d.reason, d.rule[0] ? ", rule " : "",
			    d.rule);
	else if (test->by.len && !str_equal(test->by, str_from(d.rule)))
		place_fault(at, "test \"%.*s\" expected %s by rule %.*s, it was %s%s",
			    STR_ARG(name), decision_answer_name(d.answer), STR_ARG(test->by),
			    d.rule[0] ? "rule " : "no rule", d.rule);
	else
		return;
	tally->failed++;
}

void policy_run_tests(const struct policy *p, struct faults *faults, size_t *ret_run,
		      size_t *ret_failed)
{
	struct place at = {.file = p->file, .faults = faults};
	struct tally tally = {0, 0};
	struct json_doc *doc;
	struct error err = {0};

	if (!json_parse(p->text, POLICY_MAX_BYTES, p->file, &doc, &err)) {
		faults_add(faults, FAULT_ERROR, &err); /* it was parsed before: no memory */
		*ret_run = 0;
		*ret_failed = 1;
		return;
	}
	at.doc = doc;
	if (json_get(json_root(doc), "tests"))
		each_test(&at, p, json_get(json_root(doc), "tests"), run_one, &tally);
	if (at.errors > tally.failed) /* a test that could not even be read has failed */
		tally.failed = at.errors;
	json_doc_free(doc);
	*ret_run = tally.run;
	*ret_failed = tally.failed;
}
