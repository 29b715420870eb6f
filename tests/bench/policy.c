/*
 * tests/bench/policy.c - what a decision over 50 rules costs, in nanoseconds.
 *
 *     gcc -O2 -Isrc -I. tests/bench/policy.c LIBRARIES && ./a.out
 *
 * The answer is looked for everywhere: the rule that allows comes last, so every rule is
 * asked. "paths" is the usual shape, a path per team; "claims" has nothing but claims.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "policy/policy.h"

enum { RULES = 50, ROUNDS = 1000000 };

static const char claims_text[] =
	"{\"iss\":\"https://"
	"id.example.com\",\"sub\":\"248289761001\",\"aud\":\"sallyport\",\"exp\":1,\"iat\":1,"
	"\"auth_time\":1,\"nonce\":\"n\",\"acr\":\"mfa\",\"name\":\"Jane "
	"Doe\",\"email\":\"jane@example.com\","
	"\"email_verified\":true,\"preferred_username\":\"jane\",\"groups\":[\"staff\",\"eng\","
	"\"wiki\",\"mail\","
	"\"vpn\",\"oncall\",\"berlin\",\"floor-3\",\"parking\",\"team-49\"]}";

static struct policy *make(const char *format)
{
	struct policy *p = NULL;
	struct faults faults;
	struct buf text;

	buf_init(&text, POLICY_MAX_BYTES);
	buf_append_cstr(&text,
			"{\"policy\":\"bench\",\"rules\":[{\"id\":\"deny\",\"effect\":\"deny\","
			"\"when\":{\"claim\":\"groups\",\"has\":\"contractors\"}}");
	for (int i = 1; i < RULES; i++) {
		buf_appendf(&text, ",{\"id\":\"r%02d\",\"effect\":\"allow\",\"when\":", i);
		for (const char *c = format; *c; c++) {
			if (*c == '#')
				buf_append_u64(&text, (uint64_t)i);
			else
				buf_append_char(&text, *c);
		}
		buf_append_cstr(&text, "}");
	}
	buf_append_cstr(&text, "]}");
	faults_init(&faults);
	if (!policy_parse(buf_str(&text), "bench.json", &faults, &p))
		abort();
	faults_done(&faults);
	buf_done(&text);
	return p;
}

static void measure(const char *name, const char *format, const struct facts *f)
{
	struct policy *p = make(format);
	struct decision d;
	int64_t started_us = clock_now_us(), allowed = 0;

	for (int i = 0; i < ROUNDS; i++) {
		policy_decide(p, f, &d);
		allowed += d.answer == DECISION_ALLOW;
	}
	printf("%-8s %5.0f ns a decision (%s by %s)\n", name,
	       (double)(clock_now_us() - started_us) * 1000 / ROUNDS,
	       decision_answer_name(d.answer), d.rule);
	if (allowed != ROUNDS)
		abort();
	policy_unref(p);
}

int main(void)
{
	struct json_doc *doc;
	struct error err = {0};
	struct facts f = {
		.method = STR("GET"),
		.path = STR("/team-49/board/7"),
		.host = STR("tools.example.com"),
		.authenticated_by = FACTS_SESSION,
		.auth_time_s = 1767268000,
		.now_s = 1767268800,
		.has_source_ip = ip_parse(STR("10.1.2.3"), &f.source_ip),
	};

	if (!json_parse(str_from(claims_text), sizeof(claims_text), NULL, &doc, &err))
		return 1;
	f.claims = json_root(doc);
	measure("paths",
		"{\"all\":[{\"claim\":\"groups\",\"has\":\"team-#\"},{\"method\":[\"GET\",\"HEAD\"]"
		"},"
		"{\"path\":\"/team-#/**\"},{\"source_ip\":\"10.0.0.0/8\"}]}",
		&f);
	measure("claims",
		"{\"all\":[{\"claim\":\"email\",\"ends_with\":\"@example.com\"},"
		"{\"claim\":\"groups\",\"has_all\":[\"staff\",\"team-#\"]}]}",
		&f);
	json_doc_free(doc);
	return 0;
}
