#include "policies.h"

#include "policy/compiled.h"

enum { SUBJECTS = 4, TEXTS = 2000 };

/* The same texts under several subjects: each pair has one number of its own. */
static void test_values(void **state)
{
	struct policy p = {.arena = arena_new(10 * 1024 * 1024)};
	uint32_t next = 0;
	char text[20];

	(void)state;
	assert_non_null(p.arena);
	CHECK("empty table", policy_find_value(&p, 0, STR("x")) == VALUE_NONE);
	for (uint32_t t = 0; t < TEXTS; t++) {
		for (uint32_t s = 0; s < SUBJECTS; s++) {
			snprintf(text, sizeof(text), "value-%u", t);
			assert_int_equal(policy_find_value(&p, s, str_from(text)), VALUE_NONE);
			assert_int_equal(policy_add_value(&p, s, str_from(text)), next);
			assert_int_equal(policy_add_value(&p, s, str_from(text)), next);
			next++;
		}
	}
	next = 0;
	for (uint32_t t = 0; t < TEXTS; t++) {
		for (uint32_t s = 0; s < SUBJECTS; s++) {
			snprintf(text, sizeof(text), "value-%u", t);
			assert_int_equal(policy_find_value(&p, s, str_from(text)), next++);
		}
	}
	CHECK("another subject", policy_find_value(&p, SUBJECTS, STR("value-1")) == VALUE_NONE);
	CHECK("another text", policy_find_value(&p, 0, STR("value-")) == VALUE_NONE);
	arena_free(p.arena);
	check_done();
}

static void test_scalars(void **state)
{
	static const struct scalar sorted[] = {
		{SCALAR_STRING, 0, 0},	  {SCALAR_STRING, 7, 0}, {SCALAR_STRING, VALUE_NONE, 0},
		{SCALAR_NUMBER, 0, -1.5}, {SCALAR_NUMBER, 0, 0}, {SCALAR_NUMBER, 0, 1e300},
		{SCALAR_BOOL, 0, 0},	  {SCALAR_BOOL, 0, 1},
	};

	(void)state;
	for (int i = 0; i < (int)ARRAY_LEN(sorted); i++) {
		for (int j = 0; j < (int)ARRAY_LEN(sorted); j++)
			check_i64("order", "sign", (i > j) - (i < j),
				  scalar_compare(&sorted[i], &sorted[j]));
	}
	check_done();
}

static void test_names(void **state)
{
	(void)state;
	check_cstr("answer", "deny", "deny", decision_answer_name(DECISION_DENY));
	check_cstr("answer", "allow", "allow", decision_answer_name(DECISION_ALLOW));
	check_cstr("answer", "login", "login", decision_answer_name(DECISION_LOGIN));
	check_cstr("answer", "step_up", "step_up", decision_answer_name(DECISION_STEP_UP));
	check_cstr("method", "none", "none", facts_method_name(FACTS_ANONYMOUS));
	check_cstr("method", "session", "session", facts_method_name(FACTS_SESSION));
	check_cstr("method", "bearer", "bearer", facts_method_name(FACTS_BEARER));
	check_cstr("method", "certificate", "client_certificate",
		   facts_method_name(FACTS_CLIENT_CERTIFICATE));
	CHECK("a decision that nobody made denies", (struct decision){0}.answer == DECISION_DENY);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
