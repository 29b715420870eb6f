/*
 * tests/unit/policy/policies.h - policies made and asked inside a test.
 */
#ifndef TESTS_UNIT_POLICY_POLICIES_H
#define TESTS_UNIT_POLICY_POLICIES_H

#include "tests/unit/base/check.h"

#include "policy/policy.h"

/* Print every fault that was found. */
static inline void faults_print(const struct faults *f)
{
	char line[ERROR_FORMAT_MAX];

	for (size_t i = 0; i < f->count; i++)
		print_error("  %s%s\n", f->items[i].severity == FAULT_WARNING ? "warning: " : "",
			    error_format(&f->items[i].error, line, sizeof(line)));
}

/* Compile a text that must be good. */
static inline struct policy *policy_of(const char *text)
{
	struct policy *p = NULL;
	struct faults faults;

	faults_init(&faults);
	if (!policy_parse(str_from(text), "test.json", &faults, &p)) {
		print_error("in %s\n", text);
		faults_print(&faults);
	}
	faults_done(&faults);
	assert_non_null(p);
	return p;
}

#endif
