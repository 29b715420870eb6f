/*
 * policy/test.h - the tests inside policy files: facts as a person writes them, and the
 * answer that is expected.
 */
#ifndef SALLYPORT_POLICY_TEST_H
#define SALLYPORT_POLICY_TEST_H

#include "base/arena.h"
#include "policy/place.h"
#include "policy/policy.h"

/* 2026-01-01T12:00:00Z, a Thursday: the moment of a test that names none. */
enum { TEST_NOW_S = 1767268800 };

extern const struct key_table test_test_keys;
extern const struct key_table test_request_keys;
extern const struct key_table test_certificate_keys;

struct test {
	struct str name;
	struct facts facts;
	enum decision_answer expect;
	struct str by; /* the rule that must decide; "" when none is named */
	bool names_time;
};

/*
 * Read one test at the place. Everything in ret lives in the arena or in the place's
 * document. Faults are reported; false when there was one.
 */
MUST_CHECK bool test_read(struct place *at, struct arena *a, const struct policy *p,
			  const struct json *v, struct test *ret);
/* Read all tests of a file, for their faults alone. */
void test_check_all(struct place *at, const struct policy *p, const struct json *tests,
		    bool judges_time);

#endif
