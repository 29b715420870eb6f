/*
 * What must hold for every policy, tried on thousands that were made up: from a fixed
 * seed, so that a failure can be repeated.
 */
#include "policies.h"

#include "base/json.h"
#include "policy/test.h"

enum { POLICIES = 1500, MAX_RULES = 8, MAX_NAMED = 3, MAX_FACTS = 40 };

static uint64_t seed;

static unsigned random_below(unsigned limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % limit;
}

/* Conditions that the made-up policies are built of. */
static const char *const atoms[] = {
	"{\"path\":\"/a/**\"}",
	"{\"method\":\"GET\"}",
	"{\"source_ip\":\"10.0.0.0/8\"}",
	"{\"claim\":\"groups\",\"has\":\"eng\"}",
	"{\"claim\":\"groups\",\"has_any\":[\"ops\",\"eng\"]}",
	"{\"claim\":\"level\",\"at_least\":3}",
	"{\"claim\":\"level\",\"exists\":true}",
	"{\"header\":\"X-Team\",\"is\":\"blue\"}",
	"{\"query\":\"q\",\"has\":\"1\"}",
	"{\"device\":{\"managed\":true}}",
	"{\"authentication\":{\"amr\":\"mfa\"}}",
	"{\"authentication\":{\"acr\":\"high\",\"max_age\":\"10m\"}}",
	"{\"authentication\":{\"max_age\":\"1h\"}}",
	"{\"authentication\":{\"method\":[\"session\",\"bearer\"]}}",
	"{\"client_certificate\":{\"san_dns\":\"bot\"}}",
	"{\"time\":{\"days\":[\"thu\"]}}",
};

/* Who asks: all of one request, so that a login leads from the first to one of the others. */
static const char *const identities[] = {
	"",
	"\"identity\":{},",
	"\"identity\":{\"groups\":[\"eng\"],\"amr\":[\"mfa\"],\"acr\":\"high\",\"auth_age\":\"1m\"}"
	",",
	"\"identity\":{\"groups\":[\"eng\"],\"amr\":[\"pwd\"],\"auth_age\":\"2h\",\"level\":5},",
	"\"identity\":{\"groups\":[],\"acr\":\"low\",\"auth_age\":\"30m\",\"level\":1},",
	"\"identity\":{\"groups\":[\"ops\"],\"level\":\"3\",\"auth_age\":\"1m\",\"amr\":[\"mfa\"]}"
	",",
	"\"identity\":{\"groups\":\"eng\",\"level\":9,\"acr\":\"high\",\"auth_age\":\"5m\"},",
	"\"identity\":{\"method\":\"bearer\",\"groups\":[\"eng\"],\"level\":4},",
};
static const char *const requests[] = {
	"\"request\":{\"path\":\"/a/"
	"b\",\"source_ip\":\"10.0.0.1\",\"headers\":{\"X-Team\":\"blue\"}}",
	"\"request\":{\"path\":\"/"
	"b\",\"method\":\"POST\",\"query\":\"q=1\"},\"device\":{\"managed\":true}",
	"\"request\":{\"path\":\"/"
	"a\",\"query\":\"%\",\"source_ip\":\"192.0.2.1\",\"headers\":{\"X-Team\":[\"a\",\"b\"]}},"
	"\"client_certificate\":{\"san_dns\":\"bot\"}",
};

struct world {
	struct arena *arena;
	struct json_doc *docs[MAX_FACTS];
	struct facts facts[MAX_FACTS];
	size_t count;				/* request by request, identity by identity */
	int truth[ARRAY_LEN(atoms)][MAX_FACTS]; /* 2 true, 1 unknown, 0 false */
};

/* Ask one condition what it is, by way of two policies that a decision tells apart. */
static int truth_of(const char *atom, const struct facts *f)
{
	struct facts facts = *f;
	struct buf text;
	struct policy *p;
	struct decision d;
	int truth = 1;

	facts.can_log_in = false;
	buf_init(&text, 10000);
	buf_appendf(&text,
		    "{\"policy\":\"p\",\"rules\":[{\"id\":\"t\",\"effect\":\"allow\",\"when\":%s},"
		    "{\"id\":\"f\",\"effect\":\"allow\",\"when\":{\"not\":%s}}]}",
		    atom, atom);
	p = policy_of(text.ptr);
	policy_decide(p, &facts, &d);
	if (d.answer == DECISION_ALLOW)
		truth = d.rule[0] == 't' ? 2 : 0;
	policy_unref(p);
	buf_done(&text);
	return truth;
}

static void add_facts(struct world *w, const char *identity, const char *request)
{
	struct policy *p =
		policy_of("{\"policy\":\"p\",\"rules\":[{\"id\":\"a\",\"effect\":\"allow\","
			  "\"when\":{\"path\":\"/\"}}]}");
	struct faults faults;
	struct place at = {.file = "facts", .faults = &faults};
	struct error err = {0};
	struct test test;
	struct buf text;

	assert_true(w->count < MAX_FACTS);
	faults_init(&faults);
	buf_init(&text, 10000);
	buf_appendf(&text, "{\"name\":\"x\",\"expect\":\"deny\",%s%s}", identity, request);
	assert_true(json_parse(buf_str(&text), 10000, NULL, &w->docs[w->count], &err));
	at.doc = w->docs[w->count];
	assert_true(test_read(&at, w->arena, p, json_root(at.doc), &test));
	w->facts[w->count++] = test.facts;
	buf_done(&text);
	faults_done(&faults);
	policy_unref(p);
}

static int world_begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->arena = arena_new(1024 * 1024);
	assert_non_null(w->arena);
	for (size_t r = 0; r < ARRAY_LEN(requests); r++) {
		for (size_t i = 0; i < ARRAY_LEN(identities); i++)
			add_facts(w, identities[i], requests[r]);
	}
	for (size_t a = 0; a < ARRAY_LEN(atoms); a++) {
		for (size_t i = 0; i < w->count; i++)
			w->truth[a][i] = truth_of(atoms[a], &w->facts[i]);
	}
	seed = 88172645463325252u;
	*state = w;
	return 0;
}

static int world_end(void **state)
{
	struct world *w = *state;

	arena_free(w->arena);
	for (size_t i = 0; i < w->count; i++)
		json_doc_free(w->docs[i]);
	free(w);
	return 0;
}

/* A made-up condition: its text, and its truth for all facts worked out by minimum and maximum. */
struct made {
	char text[4000];
	int truth[MAX_FACTS];
};

static void make_condition(const struct world *w, const struct made *named, size_t named_count,
			   unsigned depth, struct made *ret)
{
	unsigned choice = random_below(depth ? 10 : 5);
	struct made *member;
	unsigned members;

	if (choice < 4 || (choice == 4 && !named_count)) {
		unsigned atom = random_below(ARRAY_LEN(atoms));

		snprintf(ret->text, sizeof(ret->text), "%s", atoms[atom]);
		memcpy(ret->truth, w->truth[atom], sizeof(ret->truth));
		return;
	}
	if (choice == 4) {
		unsigned name = random_below((unsigned)named_count);

		snprintf(ret->text, sizeof(ret->text), "{\"condition\":\"n%u\"}", name);
		memcpy(ret->truth, named[name].truth, sizeof(ret->truth));
		return;
	}
	member = malloc(sizeof(*member));
	assert_non_null(member);
	members = choice < 7 ? 1 : 1 + random_below(3);
	snprintf(ret->text, sizeof(ret->text), "{\"%s\":%s",
		 choice < 7   ? "not"
		 : choice < 9 ? "all"
			      : "any",
		 choice < 7 ? "" : "[");
	for (unsigned m = 0; m < members; m++) {
		size_t len = strlen(ret->text);

		make_condition(w, named, named_count, depth - 1, member);
		snprintf(ret->text + len, sizeof(ret->text) - len, "%s%s", m ? "," : "",
			 member->text);
		for (size_t i = 0; i < w->count; i++) {
			int t = choice < 7 ? 2 - member->truth[i] : member->truth[i];

			if (!m || (choice < 9 ? t < ret->truth[i] : t > ret->truth[i]))
				ret->truth[i] = t;
		}
	}
	snprintf(ret->text + strlen(ret->text), sizeof(ret->text) - strlen(ret->text), "%s",
		 choice < 7 ? "}" : "]}");
	free(member);
}

struct made_rule {
	bool is_deny, is_shadow;
	unsigned id;
	struct made when;
};

struct made_policy {
	struct made named[MAX_NAMED];
	size_t named_count;
	struct made_rule rules[MAX_RULES];
	size_t rules_count;
};

static void make_policy(const struct world *w, struct made_policy *ret)
{
	ret->named_count = random_below(MAX_NAMED + 1);
	for (size_t i = 0; i < ret->named_count; i++) /* each may name those before it */
		make_condition(w, ret->named, i, 2, &ret->named[i]);
	ret->rules_count = 1 + random_below(MAX_RULES - 1);
	for (size_t i = 0; i < ret->rules_count; i++) {
		struct made_rule *r = &ret->rules[i];

		r->is_deny = random_below(2);
		r->is_shadow = random_below(4) == 0;
		r->id = (unsigned)i;
		make_condition(w, ret->named, ret->named_count, 3, &r->when);
	}
}

enum { WITH_SHADOWS, WITHOUT_SHADOWS };

/* Compile it; NULL when no rule is left. */
static struct policy *compile(const struct made_policy *made, int shadows)
{
	struct policy *p = NULL;
	size_t written = 0;
	struct buf text;

	buf_init(&text, POLICY_MAX_BYTES);
	buf_append_cstr(&text, "{\"policy\":\"p\",\"conditions\":{");
	for (size_t i = 0; i < made->named_count; i++)
		buf_appendf(&text, "%s\"n%zu\":%s", i ? "," : "", i, made->named[i].text);
	buf_append_cstr(&text, "},\"rules\":[");
	for (size_t i = 0; i < made->rules_count; i++) {
		const struct made_rule *r = &made->rules[i];

		if (r->is_shadow && shadows == WITHOUT_SHADOWS)
			continue;
		buf_appendf(&text, "%s{\"id\":\"r%u\",\"effect\":\"%s\",%s\"when\":%s}",
			    written++ ? "," : "", r->id, r->is_deny ? "deny" : "allow",
			    r->is_shadow ? "\"mode\":\"shadow\",\"until\":\"2099-01-01\"," : "",
			    r->when.text);
	}
	buf_append_cstr(&text, "]}");
	assert_false(buf_failed(&text));
	if (written)
		p = policy_of(text.ptr);
	buf_done(&text);
	return p;
}

/* Everything of a decision but the hash, for comparing. */
static void decision_text(const struct policy *p, const struct facts *f, char *out, size_t size)
{
	struct decision d;
	size_t len;

	policy_decide(p, f, &d);
	snprintf(out, size, "%s by %s: %s, max_age %lld, acr %s, would",
		 decision_answer_name(d.answer), d.rule, d.reason, (long long)d.step_up_max_age_s,
		 d.step_up_acr);
	for (size_t i = 0; i < d.would_count; i++) {
		len = strlen(out);
		snprintf(out + len, size - len, " %s", d.would[i]);
	}
}

/* The answer by the letter of the language: a deny that is not false denies, then a true allow allows. */
static bool is_allowed(const struct made_policy *made, size_t fact)
{
	bool has_allow = false;

	for (size_t i = 0; i < made->rules_count; i++) {
		const struct made_rule *r = &made->rules[i];

		if (r->is_shadow)
			continue;
		if (r->is_deny && r->when.truth[fact] != 0)
			return false;
		has_allow |= !r->is_deny && r->when.truth[fact] == 2;
	}
	return has_allow;
}

static void test_agrees_with_the_letter(void **state)
{
	const struct world *w = *state;
	static struct made_policy made;
	size_t allowed = 0, invited = 0;

	for (int n = 0; n < POLICIES; n++) {
		struct policy *p;

		make_policy(w, &made);
		p = compile(&made, WITH_SHADOWS);
		for (size_t i = 0; i < w->count; i++) {
			struct decision d;

			policy_decide(p, &w->facts[i], &d);
			check_i64("policy", "allowed", is_allowed(&made, i),
				  d.answer == DECISION_ALLOW);
			allowed += d.answer == DECISION_ALLOW;
			invited += d.answer == DECISION_LOGIN || d.answer == DECISION_STEP_UP;
		}
		policy_unref(p);
	}
	CHECK("many were allowed", allowed > 1000);
	CHECK("many were invited", invited > 1000);
	check_done();
}

static void test_order_never_matters(void **state)
{
	const struct world *w = *state;
	static struct made_policy made;

	for (int n = 0; n < POLICIES; n++) {
		struct policy *p, *shuffled;
		char want[500], got[500];

		make_policy(w, &made);
		p = compile(&made, WITH_SHADOWS);
		for (size_t i = made.rules_count; i > 1; i--) {
			size_t other = random_below((unsigned)i);
			static struct made_rule swap;

			swap = made.rules[i - 1];
			made.rules[i - 1] = made.rules[other];
			made.rules[other] = swap;
		}
		shuffled = compile(&made, WITH_SHADOWS);
		for (size_t i = 0; i < w->count; i++) {
			decision_text(p, &w->facts[i], want, sizeof(want));
			decision_text(shuffled, &w->facts[i], got, sizeof(got));
			check_cstr("shuffled", "decision", want, got);
		}
		policy_unref(p);
		policy_unref(shuffled);
	}
	check_done();
}

static void test_adding_a_rule(void **state)
{
	const struct world *w = *state;
	static struct made_policy made;

	for (int n = 0; n < POLICIES; n++) {
		struct policy *p, *more;
		struct made_rule *added;

		make_policy(w, &made);
		p = compile(&made, WITH_SHADOWS);
		added = &made.rules[made.rules_count];
		added->is_deny = random_below(2);
		added->is_shadow = false;
		added->id = (unsigned)made.rules_count++;
		make_condition(w, made.named, made.named_count, 3, &added->when);
		more = compile(&made, WITH_SHADOWS);
		for (size_t i = 0; i < w->count; i++) {
			struct decision before, after;

			policy_decide(p, &w->facts[i], &before);
			policy_decide(more, &w->facts[i], &after);
			if (added->is_deny)
				CHECK("a deny allows nothing",
				      before.answer == DECISION_ALLOW ||
					      after.answer != DECISION_ALLOW);
			else
				CHECK("an allow takes nothing",
				      before.answer != DECISION_ALLOW ||
					      after.answer == DECISION_ALLOW);
		}
		policy_unref(p);
		policy_unref(more);
	}
	check_done();
}

static void test_shadows_change_nothing(void **state)
{
	const struct world *w = *state;
	static struct made_policy made;

	for (int n = 0; n < POLICIES; n++) {
		struct policy *p, *without;

		make_policy(w, &made);
		p = compile(&made, WITH_SHADOWS);
		without = compile(&made, WITHOUT_SHADOWS);
		for (size_t i = 0; i < w->count; i++) {
			struct decision with = {0},
					plain = {.rule = "", .reason = "no rule allows"};

			policy_decide(p, &w->facts[i], &with);
			if (without)
				policy_decide(without, &w->facts[i], &plain);
			check_cstr("shadow", "answer", decision_answer_name(plain.answer),
				   decision_answer_name(with.answer));
			check_cstr("shadow", "rule", plain.rule, with.rule);
			check_cstr("shadow", "reason", plain.reason, with.reason);
			check_i64("no shadow", "would", 0, (int64_t)plain.would_count);
		}
		policy_unref(p);
		policy_unref(without);
	}
	check_done();
}

/* Does anybody who could come out of a login get in? The request stays, a session comes. */
static bool login_helps(const struct world *w, const struct policy *p, size_t anonymous)
{
	for (size_t i = anonymous; i < anonymous + ARRAY_LEN(identities); i++) {
		struct decision d;

		policy_decide(p, &w->facts[i], &d);
		if (w->facts[i].authenticated_by == FACTS_SESSION && d.answer == DECISION_ALLOW)
			return true;
	}
	return false;
}

/* Does the same person get in after a new login, weaker or stronger? */
static bool step_up_helps(const struct world *w, const struct policy *p, size_t fact)
{
	static const struct str methods[] = {STR_INIT("mfa"), STR_INIT("pwd")};

	for (unsigned variant = 0; variant < 9; variant++) {
		struct facts f = w->facts[fact];
		struct decision d;

		f.auth_time_s = f.now_s;
		f.amr = methods + variant % 3 % 2;
		f.amr_count = variant % 3 < 2;
		f.acr = variant / 3 == 0 ? STR("high") : variant / 3 == 1 ? STR("low") : STR("");
		policy_decide(p, &f, &d);
		if (d.answer == DECISION_ALLOW)
			return true;
	}
	return false;
}

static void test_an_invitation_is_never_withheld(void **state)
{
	const struct world *w = *state;
	static struct made_policy made;
	size_t in_vain = 0, invited = 0;

	for (int n = 0; n < POLICIES; n++) {
		struct policy *p;

		make_policy(w, &made);
		p = compile(&made, WITH_SHADOWS);
		for (size_t i = 0; i < w->count; i++) {
			enum facts_method by = w->facts[i].authenticated_by;
			struct decision d;
			bool helps;

			policy_decide(p, &w->facts[i], &d);
			if (by == FACTS_BEARER || d.answer == DECISION_ALLOW)
				continue;
			helps = by == FACTS_ANONYMOUS ? login_helps(w, p, i)
						      : step_up_helps(w, p, i);
			if (helps)
				CHECK("invited", d.answer != DECISION_DENY);
			invited += d.answer != DECISION_DENY;
			in_vain += by == FACTS_SESSION && d.answer != DECISION_DENY && !helps;
			if (by == FACTS_ANONYMOUS)
				CHECK("no step-up", d.answer != DECISION_STEP_UP);
			else
				CHECK("no login", d.answer != DECISION_LOGIN);
		}
		policy_unref(p);
	}
	/* Conditions on one authentication exclude each other now and then; that stays rare. */
	CHECK("rarely in vain", in_vain * 10 < invited);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_agrees_with_the_letter, world_begin,
						world_end),
		cmocka_unit_test_setup_teardown(test_order_never_matters, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_adding_a_rule, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_shadows_change_nothing, world_begin,
						world_end),
		cmocka_unit_test_setup_teardown(test_an_invitation_is_never_withheld, world_begin,
						world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
