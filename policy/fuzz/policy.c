/*
 * policy/fuzz/policy.c - any bytes as a policy file. One that is accepted answers the
 * same question twice in the same way, and allows nothing without naming a rule.
 */
#include <string.h>

#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void ask(const struct policy *p)
{
	struct facts f = {
		.method = STR("GET"),
		.path = STR("/a/b"),
		.host = STR("a.example.com"),
		.query = STR("a=b&a=c"),
		.can_log_in = true,
		.now_s = 1767268800,
	};

	for (enum facts_method by = FACTS_ANONYMOUS; by <= FACTS_CLIENT_CERTIFICATE; by++) {
		struct decision first, second;

		f.authenticated_by = by;
		policy_decide(p, &f, &first);
		policy_decide(p, &f, &second);
		ASSERT(first.answer == second.answer && first.rule == second.rule &&
		       first.reason == second.reason && first.would_count == second.would_count);
		ASSERT(first.answer != DECISION_ALLOW || first.rule[0]);
		ASSERT(first.answer != DECISION_LOGIN || by == FACTS_ANONYMOUS);
		ASSERT(first.answer != DECISION_STEP_UP || by == FACTS_SESSION);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct policy *p = NULL;
	struct faults faults;
	size_t run = 0, failed = 0;

	faults_init(&faults);
	if (policy_parse(str_from_len((const char *)data, len), "fuzz.json", &faults, &p)) {
		ASSERT(!faults_has_errors(&faults));
		policy_run_tests(p, &faults, &run, &failed);
		ASSERT(failed <= run && failed == faults.errors);
		ask(p);
		policy_unref(p);
	} else {
		ASSERT(faults_has_errors(&faults));
	}
	faults_done(&faults);
	return 0;
}
