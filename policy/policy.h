/*
 * policy/policy.h - the door: policies are parsed and compiled once, then asked.
 *
 * A policy answers one question about one request: allow, deny, log in, or step up.
 * Order never changes an answer: a matching deny beats every allow, no allow is a deny,
 * and what cannot be evaluated counts against the request (three-valued logic, Kleene).
 */
#ifndef SALLYPORT_POLICY_POLICY_H
#define SALLYPORT_POLICY_POLICY_H

#include "base/error.h"
#include "policy/facts.h"

enum {
	POLICY_MAX_BYTES = 1024 * 1024,	/* of one file */
	POLICY_MAX_RULES = 1000,	/* in one policy */
	POLICY_MAX_NODES = 20000,	/* conditions in one policy: bounds the steps of a decision */
	POLICY_MAX_FILES = 20000,	/* in one folder */
	DECISION_MAX_WOULD = 8,
};

struct policy;		/* immutable; shared by reference, safe to read from any thread */

/*
 * Compile one policy file.
 *
 *   text, file   its bytes, and the name for messages
 *   faults       every fault found, with line, pointer and the nearest valid word
 *
 * Does not run the tests inside; see policy_run_tests(). False when there was an error.
 */
MUST_CHECK bool policy_parse(struct str text, const char *file, struct faults *faults,
			     struct policy **ret_policy);
struct policy *policy_ref(struct policy *p);
void policy_unref(struct policy *p);			/* NULL is fine */
const char *policy_name(const struct policy *p);
const char *policy_file(const struct policy *p);
const char *policy_hash(const struct policy *p);	/* 16 hex digits of SHA-256 of the text */

/* Run the tests in the file; each failing one is a fault that says what happened instead. */
void policy_run_tests(const struct policy *p, struct faults *faults, size_t *ret_run,
		      size_t *ret_failed);

enum decision_answer {
	DECISION_DENY = 0,		/* so that a zeroed decision denies */
	DECISION_ALLOW,
	DECISION_LOGIN,			/* not signed in, and signing in could change the answer */
	DECISION_STEP_UP,		/* signed in too long ago or too weakly; a new login could help */
};
const char *decision_answer_name(enum decision_answer answer);	/* "deny", "allow", ... */

struct decision {
	enum decision_answer answer;
	const char *rule;		/* the id of the deciding rule; "" when none matched */
	const char *reason;		/* a static clause: "no rule allows", "denied by rule" ... */
	const char *message;		/* the rule's text for the person; "" when none */
	const char *would[DECISION_MAX_WOULD];	/* shadow rules that would have changed the answer:
						   their ids */
	size_t would_count;
	/* what a step-up must reach: all that the rule asks of it, so that one login suffices */
	int64_t step_up_max_age_s;	/* -1 when age does not matter */
	const char *step_up_acr;	/* "" when none is named */
	const char *policy_hash;
};

/*
 * Decide. Allocates nothing, does no I/O, takes at most POLICY_MAX_NODES steps for
 * each of its passes. The strings of ret borrow from the policy.
 */
void policy_decide(const struct policy *p, const struct facts *f, struct decision *ret);

/* All policies of a folder, by name. */
struct policy_set;
/*
 * Load every *.json of a folder (not of folders below), run their tests, and refuse
 * two policies of one name. Every fault of every file is reported. False on any error.
 */
MUST_CHECK bool policy_set_load(const char *folder, struct faults *faults,
				struct policy_set **ret_set);
void policy_set_free(struct policy_set *set);		/* drops its references; NULL is fine */
struct policy *policy_set_find(const struct policy_set *set, struct str name);	/* borrowed or NULL */
size_t policy_set_count(const struct policy_set *set);
const struct policy *policy_set_at(const struct policy_set *set, size_t index);	/* sorted by name */
size_t policy_set_tests_run(const struct policy_set *set);

#endif
