#include "policies.h"

#include "policy/match.h"

#define ALLOW(id, when) "{\"id\":\"" id "\",\"effect\":\"allow\",\"when\":" when "}"
#define DENY(id, when) \
	"{\"id\":\"" id "\",\"effect\":\"deny\",\"message\":\"no " id "\",\"when\":" when "}"
#define SHADOW(id, effect, when)                  \
	"{\"id\":\"" id "\",\"effect\":\"" effect \
	"\",\"mode\":\"shadow\",\"until\":\"2030-01-31\",\"when\":" when "}"
#define RULES(rules) "{\"policy\":\"p\",\"rules\":[" rules "]}"
#define ANY_PATH     "{\"path\":\"/**\"}"
#define NO_PATH	     "{\"path\":\"/never\"}"
#define STAFF	     "{\"claim\":\"staff\",\"is\":true}"
#define AGE(age)     "{\"authentication\":{\"max_age\":\"" age "\"}}"
#define ACR(acr)     "{\"authentication\":{\"acr\":" acr "}}"

enum { NOW_S = 1767268800 }; /* 2026-01-01T12:00:00Z */

static struct facts request(void)
{
	return (struct facts){
		.method = STR("GET"),
		.path = STR("/x"),
		.host = STR("a.example.com"),
		.can_log_in = true,
		.now_s = NOW_S,
	};
}

static struct facts session(void)
{
	struct facts f = request();

	f.authenticated_by = FACTS_SESSION;
	f.auth_time_s = NOW_S - 3600;
	f.acr = STR("pwd");
	return f;
}

struct row {
	const char *name;
	const char *rules;
	bool is_signed_in;
	enum decision_answer answer;
	const char *rule, *reason, *message;
};

static const struct row rows[] = {
	{"nothing matches", RULES(ALLOW("a", NO_PATH)), false, DECISION_DENY, "", "no rule allows",
	 ""},
	{"allowed", RULES(ALLOW("a", ANY_PATH)), false, DECISION_ALLOW, "a", "allowed by rule", ""},
	{"the first by id allows",
	 RULES(ALLOW("b", ANY_PATH) "," ALLOW("a", ANY_PATH) "," ALLOW("c", ANY_PATH)), false,
	 DECISION_ALLOW, "a", "allowed by rule", ""},
	{"a deny beats an allow", RULES(ALLOW("a", ANY_PATH) "," DENY("z", ANY_PATH)), false,
	 DECISION_DENY, "z", "denied by rule", "no z"},
	{"the first by id denies", RULES(DENY("z", ANY_PATH) "," DENY("y", ANY_PATH)), false,
	 DECISION_DENY, "y", "denied by rule", "no y"},
	{"an unknown deny denies", RULES(ALLOW("a", ANY_PATH) "," DENY("z", STAFF)), true,
	 DECISION_DENY, "z", "a deny rule could not be evaluated", "no z"},
	{"a true deny is named before an unknown one",
	 RULES(DENY("b", STAFF) "," DENY("c", ANY_PATH)), true, DECISION_DENY, "c",
	 "denied by rule", "no c"},
	{"an unknown allow allows nothing", RULES(ALLOW("a", STAFF)), true, DECISION_DENY, "",
	 "no rule allows", ""},
	{"signing in could allow", RULES(ALLOW("a", NO_PATH) "," ALLOW("b", STAFF)), false,
	 DECISION_LOGIN, "b", "signing in could change the answer", ""},
	{"signing in could remove a deny", RULES(ALLOW("a", ANY_PATH) "," DENY("z", STAFF)), false,
	 DECISION_LOGIN, "a", "signing in could change the answer", ""},
	{"signing in does not remove this deny", RULES(ALLOW("a", STAFF) "," DENY("z", ANY_PATH)),
	 false, DECISION_DENY, "z", "denied by rule", "no z"},
	{"a denial of anonymous clients",
	 RULES(ALLOW("a", ANY_PATH) "," DENY("z", "{\"authentication\":{\"method\":\"none\"}}")),
	 false, DECISION_LOGIN, "a", "signing in could change the answer", ""},
	{"signing in makes a session only",
	 RULES(ALLOW("a", "{\"all\":[" STAFF ",{\"authentication\":{\"method\":\"bearer\"}}]}")),
	 false, DECISION_DENY, "", "no rule allows", ""},
	{"signing in shows no certificate",
	 RULES(ALLOW("a", "{\"all\":[" STAFF ",{\"client_certificate\":{\"subject\":\"x\"}}]}")),
	 false, DECISION_DENY, "", "no rule allows", ""},
	{"too old", RULES(ALLOW("a", AGE("30m"))), true, DECISION_STEP_UP, "a",
	 "a fresh sign-in could change the answer", ""},
	{"too weak", RULES(ALLOW("a", ACR("\"mfa\""))), true, DECISION_STEP_UP, "a",
	 "a fresh sign-in could change the answer", ""},
	{"young enough", RULES(ALLOW("a", AGE("60m"))), true, DECISION_ALLOW, "a",
	 "allowed by rule", ""},
	{"a fresh sign-in is never old enough", RULES(ALLOW("a", "{\"not\":" AGE("1d") "}")), true,
	 DECISION_DENY, "", "no rule allows", ""},
	{"a fresh sign-in makes no staff",
	 RULES(ALLOW("a", "{\"all\":[" AGE("30m") "," STAFF "]}")), true, DECISION_DENY, "",
	 "no rule allows", ""},
	{"a deny of weak sign-ins", RULES(ALLOW("a", ANY_PATH) "," DENY("z", ACR("\"pwd\""))), true,
	 DECISION_STEP_UP, "a", "a fresh sign-in could change the answer", ""},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct facts f = row->is_signed_in ? session() : request();
		struct policy *p = policy_of(row->rules);
		struct decision d;

		policy_decide(p, &f, &d);
		check_cstr(row->name, "answer", decision_answer_name(row->answer),
			   decision_answer_name(d.answer));
		check_cstr(row->name, "rule", row->rule, d.rule);
		check_cstr(row->name, "reason", row->reason, d.reason);
		check_cstr(row->name, "message", row->message, d.message);
		check_cstr(row->name, "hash", policy_hash(p), d.policy_hash);
		policy_unref(p);
	}
	check_done();
}

static void test_login_only_where_possible(void **state)
{
	struct policy *p = policy_of(RULES(ALLOW("a", STAFF) "," ALLOW("b", AGE("30m"))));
	struct facts f = request();
	struct decision d;

	(void)state;
	f.can_log_in = false;
	policy_decide(p, &f, &d);
	check_cstr("no login here", "answer", "deny", decision_answer_name(d.answer));
	f = session();
	f.authenticated_by = FACTS_BEARER;
	policy_decide(p, &f, &d);
	check_cstr("a token", "answer", "deny", decision_answer_name(d.answer));
	f.authenticated_by = FACTS_CLIENT_CERTIFICATE;
	policy_decide(p, &f, &d);
	check_cstr("a certificate", "answer", "deny", decision_answer_name(d.answer));
	policy_unref(p);
	check_done();
}

static void test_step_up_names_what_it_needs(void **state)
{
	static const struct {
		const char *name, *rules;
		int64_t max_age_s;
		const char *acr;
	} needs[] = {
		{"age", RULES(ALLOW("a", AGE("30m"))), 1800, ""},
		{"acr, the first that is named", RULES(ALLOW("a", ACR("[\"mfa\",\"hwk\"]"))), -1,
		 "mfa"},
		{"both", RULES(ALLOW("a", "{\"all\":[" AGE("30m") "," ACR("\"mfa\"") "]}")), 1800,
		 "mfa"},
		{"all that the rule asks, so that one login suffices",
		 RULES(ALLOW("a", "{\"all\":[" AGE("2h") "," ACR("\"mfa\"") "]}")), 7200, "mfa"},
		{"the strictest",
		 RULES(ALLOW("a", "{\"all\":[" AGE("30m") "," AGE("10m") "," AGE("20m") "]}")), 600,
		 ""},
		{"of the allow that could win",
		 RULES(ALLOW("a", "{\"all\":[" NO_PATH "," AGE("1m") "]}") "," ALLOW("b",
										     AGE("30m"))),
		 1800, ""},
		{"of the deny in the way",
		 RULES(ALLOW("a", ANY_PATH) "," DENY("z", "{\"not\":" AGE("5m") "}")), 300, ""},
		{"not of a deny that passes",
		 RULES(ALLOW("a", AGE("30m")) "," DENY("z", "{\"all\":[" NO_PATH
							    ",{\"not\":" AGE("5m") "}]}")),
		 1800, ""},
		{"strong authentication alone",
		 RULES(ALLOW("a", "{\"authentication\":{\"amr\":\"mfa\"}}")), -1, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
		struct policy *p = policy_of(needs[i].rules);
		struct facts f = session();
		struct decision d;

		policy_decide(p, &f, &d);
		check_cstr(needs[i].name, "answer", "step_up", decision_answer_name(d.answer));
		check_i64(needs[i].name, "max_age", needs[i].max_age_s, d.step_up_max_age_s);
		check_cstr(needs[i].name, "acr", needs[i].acr, d.step_up_acr);
		policy_unref(p);
	}
	check_done();
}

static void test_shadows(void **state)
{
	static const struct {
		const char *name, *rules, *answer, *would;
	} shadows[] = {
		{"a deny of what is allowed",
		 RULES(ALLOW("a", ANY_PATH) "," SHADOW("s", "deny", ANY_PATH)), "allow", "s"},
		{"an unknown deny",
		 RULES(ALLOW("a", ANY_PATH) "," SHADOW("s", "deny", "{\"device\":{\"x\":1}}")),
		 "allow", "s"},
		{"a deny that does not match",
		 RULES(ALLOW("a", ANY_PATH) "," SHADOW("s", "deny", NO_PATH)), "allow", ""},
		{"a deny of what is denied",
		 RULES(DENY("a", ANY_PATH) "," SHADOW("s", "deny", ANY_PATH)), "deny", ""},
		{"an allow for lack of one",
		 RULES(ALLOW("a", NO_PATH) "," SHADOW("s", "allow", ANY_PATH)), "deny", "s"},
		{"an unknown allow",
		 RULES(ALLOW("a", NO_PATH) "," SHADOW("s", "allow", "{\"device\":{\"x\":1}}")),
		 "deny", ""},
		{"an allow against a deny",
		 RULES(DENY("a", ANY_PATH) "," SHADOW("s", "allow", ANY_PATH)), "deny", ""},
		{"an allow of what is allowed",
		 RULES(ALLOW("a", ANY_PATH) "," SHADOW("s", "allow", ANY_PATH)), "allow", ""},
		{"several, by id",
		 RULES(SHADOW("t", "deny",
			      ANY_PATH) "," ALLOW("a", ANY_PATH) "," SHADOW("s", "deny", ANY_PATH)),
		 "allow", "s t"},
		{"more than are named",
		 RULES(ALLOW("a", ANY_PATH) "," SHADOW("s1", "deny", ANY_PATH) "," SHADOW("s2", "deny", ANY_PATH) "," SHADOW("s3", "deny", ANY_PATH) "," SHADOW(
			 "s4", "deny",
			 ANY_PATH) "," SHADOW("s5", "deny",
					      ANY_PATH) "," SHADOW("s6", "deny",
								   ANY_PATH) "," SHADOW("s7",
											"deny",
											ANY_PATH) "," SHADOW("s8",
													     "deny",
													     ANY_PATH) "," SHADOW("s9",
																  "deny",
																  ANY_PATH)),
		 "allow", "s1 s2 s3 s4 s5 s6 s7 s8"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shadows); i++) {
		struct policy *p = policy_of(shadows[i].rules);
		struct facts f = session();
		struct decision d;
		struct buf would;

		buf_init(&would, 1000);
		policy_decide(p, &f, &d);
		for (size_t j = 0; j < d.would_count; j++)
			buf_appendf(&would, "%s%s", j ? " " : "", d.would[j]);
		check_cstr(shadows[i].name, "answer", shadows[i].answer,
			   decision_answer_name(d.answer));
		check_str(shadows[i].name, "would", str_from(shadows[i].would), buf_str(&would));
		buf_done(&would);
		policy_unref(p);
	}
	check_done();
}

/* "until" 2030-01-31 is the last day; 1896134400 is the start of the next one. */
static void test_shadow_runs_out(void **state)
{
	struct policy *p = policy_of(RULES(ALLOW("a", ANY_PATH) "," SHADOW("s", "deny", ANY_PATH)));
	struct facts f = request();
	struct decision d;

	(void)state;
	f.now_s = 1896134399;
	policy_decide(p, &f, &d);
	check_i64("last second", "would", 1, (int64_t)d.would_count);
	f.now_s++;
	policy_decide(p, &f, &d);
	check_i64("over", "would", 0, (int64_t)d.would_count);
	policy_unref(p);
	check_done();
}

static void test_ages(void **state)
{
	static const struct {
		const char *name;
		int64_t auth_time_s;
		const char *answer;
	} ages[] = {
		{"now", NOW_S, "allow"},
		{"exactly", NOW_S - 1800, "allow"},
		{"a second too old", NOW_S - 1801, "step_up"},
		{"unknown", 0, "step_up"},
		{"a minute in the future, clocks differ", NOW_S + 60, "allow"},
		{"further in the future", NOW_S + 61, "step_up"},
		{"the end of time", INT64_MAX, "step_up"},
		{"before time", INT64_MIN, "step_up"},
	};
	struct policy *p = policy_of(RULES(ALLOW("a", AGE("30m"))));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ages); i++) {
		struct facts f = session();
		struct decision d;

		f.auth_time_s = ages[i].auth_time_s;
		policy_decide(p, &f, &d);
		check_cstr(ages[i].name, "answer", ages[i].answer, decision_answer_name(d.answer));
	}
	policy_unref(p);
	check_done();
}

/* An anonymous client has no claims, even where the facts carry some. */
static void test_anonymous_claims_do_not_count(void **state)
{
	struct policy *p = policy_of(RULES(
		ALLOW("a", STAFF) "," ALLOW("b", "{\"claim\":\"staff\",\"exists\":true}") "," ALLOW(
			"c", "{\"not\":{\"claim\":\"groups\",\"has\":\"x\"}}")));
	static const struct str empty[] = {STR_INIT("groups")};
	struct facts f = request();
	struct json_doc *doc;
	struct error err = {0};
	struct decision d;

	(void)state;
	assert_true(json_parse(STR("{\"staff\":true}"), 100, NULL, &doc, &err));
	f.can_log_in = false;
	f.claims = json_root(doc);
	f.absent_is_empty = empty;
	f.absent_is_empty_count = 1;
	policy_decide(p, &f, &d);
	check_cstr("anonymous", "answer", "deny", decision_answer_name(d.answer));
	f.authenticated_by = FACTS_SESSION;
	policy_decide(p, &f, &d);
	check_cstr("signed in", "rule", "a", d.rule);
	f.claims = NULL;
	policy_decide(p, &f, &d);
	check_cstr("signed in without claims, groups declared empty", "rule", "c", d.rule);
	json_doc_free(doc);
	policy_unref(p);
	check_done();
}

/* Nothing known at all: every condition is unknown or false, nothing crashes. */
static void test_no_facts(void **state)
{
	struct policy *p = policy_of(RULES(ALLOW("a", "{\"path\":\"/**\"}") "," ALLOW("b", "{\"not"
											   "\":{"
											   "\"host"
											   "\":"
											   "\"a\"}"
											   "}") "," ALLOW(
		"c",
		"{\"not\":{\"source_ip\":\"10.0.0.0/8\"}}") "," ALLOW("d",
								      "{\"time\":{\"after\":\"1970-"
								      "01-01\"}}") "," ALLOW("e",
											     "{\"no"
											     "t\":{"
											     "\"hea"
											     "der\""
											     ":\"a"
											     "\","
											     "\"is"
											     "\":"
											     "\"b\""
											     "}"
											     "}")));
	struct facts f = {0};
	struct decision d;

	(void)state;
	policy_decide(p, &f, &d);
	check_cstr("nothing", "answer", "deny", decision_answer_name(d.answer));
	check_cstr("nothing", "rule", "", d.rule);
	policy_unref(p);
	check_done();
}

/* Thirty conditions, each naming the one before three times: 3^30 steps unless remembered. */
static void test_doubling_is_not_slow(void **state)
{
	struct facts f = session();
	struct decision d;
	struct policy *p;
	struct buf text;

	(void)state;
	buf_init(&text, 100000);
	buf_append_cstr(&text,
			"{\"policy\":\"p\",\"conditions\":{\"c0\":{\"claim\":\"x\",\"is\":1}");
	for (int i = 1; i < 30; i++)
		buf_appendf(&text,
			    ",\"c%d\":{\"all\":[{\"condition\":\"c%d\"},{\"condition\":\"c%d\"},"
			    "{\"condition\":\"c%d\"}]}",
			    i, i - 1, i - 1, i - 1);
	buf_append_cstr(&text, "},\"rules\":[" ALLOW("a", "{\"condition\":\"c29\"}") "]}");
	p = policy_of(text.ptr);
	for (int i = 0; i < 1000; i++)
		policy_decide(p, &f, &d);
	check_cstr("doubling", "answer", "deny", decision_answer_name(d.answer));
	policy_unref(p);
	buf_done(&text);
	check_done();
}

/* The tables of Kleene's logic, and that sets are the union of what their members give. */
static void test_truths(void **state)
{
	static const truths and_table[3][3] = {
		/* true, unknown, false */
		{MAY_BE_TRUE, MAY_BE_UNKNOWN, MAY_BE_FALSE},
		{MAY_BE_UNKNOWN, MAY_BE_UNKNOWN, MAY_BE_FALSE},
		{MAY_BE_FALSE, MAY_BE_FALSE, MAY_BE_FALSE},
	};
	static const truths one[3] = {MAY_BE_TRUE, MAY_BE_UNKNOWN, MAY_BE_FALSE};
	char name[40];

	(void)state;
	CHECK("not true", truths_not(MAY_BE_TRUE) == MAY_BE_FALSE);
	CHECK("not false", truths_not(MAY_BE_FALSE) == MAY_BE_TRUE);
	CHECK("not unknown", truths_not(MAY_BE_UNKNOWN) == MAY_BE_UNKNOWN);
	for (truths a = 1; a < 8; a++) {
		for (truths b = 1; b < 8; b++) {
			truths want = 0, want_or = 0;

			for (int i = 0; i < 3; i++) {
				for (int j = 0; j < 3; j++) {
					if (!(a & one[i]) || !(b & one[j]))
						continue;
					want |= and_table[i][j];
					want_or |= truths_not(and_table[2 - i][2 - j]);
				}
			}
			snprintf(name, sizeof(name), "%u with %u", a, b);
			check_i64(name, "and", want, truths_and(a, b));
			check_i64(name, "or", want_or, truths_or(a, b));
		}
	}
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_login_only_where_possible),
		cmocka_unit_test(test_step_up_names_what_it_needs),
		cmocka_unit_test(test_shadows),
		cmocka_unit_test(test_shadow_runs_out),
		cmocka_unit_test(test_ages),
		cmocka_unit_test(test_anonymous_claims_do_not_count),
		cmocka_unit_test(test_no_facts),
		cmocka_unit_test(test_doubling_is_not_slow),
		cmocka_unit_test(test_truths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
