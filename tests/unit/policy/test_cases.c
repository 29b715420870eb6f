/*
 * The policies in cases/ say what the language means, in the language itself; those of
 * the demo must be good as well.
 */
#include <dirent.h>

#include "base/file.h"
#include "policies.h"

static size_t run_folder(const char *folder)
{
	struct policy_set *set = NULL;
	struct faults faults;
	size_t run = 0;

	faults_init(&faults);
	CHECK(folder, policy_set_load(folder, &faults, &set));
	check_i64(folder, "errors", 0, (int64_t)faults.errors);
	check_i64(folder, "warnings", 0, (int64_t)faults.warnings);
	faults_print(&faults);
	faults_done(&faults);
	if (set)
		run = policy_set_tests_run(set);
	policy_set_free(set);
	return run;
}

static void test_cases(void **state)
{
	size_t run = run_folder(TEST_SOURCE_DIR "/tests/unit/policy/cases");

	(void)state;
	CHECK("at least so many were written", run >= 180);
	check_done();
}

static void test_demo(void **state)
{
	(void)state;
	CHECK("tests ran", run_folder(TEST_SOURCE_DIR "/demo/policies") > 0);
	check_done();
}

/* A test must be able to fail: turned around, each one of the cases does. */
static void test_cases_turned_around(void **state)
{
	struct buf text, turned;
	struct faults faults;
	struct error err = {0};
	struct policy *p = NULL;
	size_t run = 0, failed = 0;
	const char *at;

	(void)state;
	buf_init(&text, POLICY_MAX_BYTES);
	buf_init(&turned, POLICY_MAX_BYTES);
	faults_init(&faults);
	assert_true(file_read(TEST_SOURCE_DIR "/tests/unit/policy/cases/claims.json",
			      POLICY_MAX_BYTES, &text, &err));
	at = text.ptr;
	for (const char *end; (end = strstr(at, "\"expect\": ")); at = end) {
		bool was_allow;

		end += strlen("\"expect\": ");
		was_allow = strncmp(end, "\"allow\"", 7) == 0;
		buf_append(&turned, str_from_len(at, (size_t)(end - at)));
		buf_append_cstr(&turned, was_allow ? "\"deny\"" : "\"allow\"");
		end += was_allow ? 7 : 6;
	}
	buf_append_cstr(&turned, at);
	assert_true(policy_parse(buf_str(&turned), "turned.json", &faults, &p));
	policy_run_tests(p, &faults, &run, &failed);
	CHECK("all run", run > 40);
	check_i64("turned around", "failed", (int64_t)run, (int64_t)failed);
	check_i64("turned around", "faults", (int64_t)run, (int64_t)faults.errors);
	check_contains("first",
		       "test \"the same text\" expected deny, the answer is allow: allowed "
		       "by rule, rule is-text",
		       faults.items[0].error.text);
	check_cstr("first", "pointer", "/tests/0", faults.items[0].error.pointer);
	CHECK("line", faults.items[0].error.line > 10);
	policy_unref(p);
	faults_done(&faults);
	buf_done(&text);
	buf_done(&turned);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_demo),
		cmocka_unit_test(test_cases_turned_around),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
