/*
 * policy/compiled.h - what a policy file becomes: flat arrays, no pointers to walk.
 *
 * Conditions stand in preorder: a group (all, any, not) is followed by its members, and
 * says how many nodes it spans. Members are arranged so that the cheap ones are asked
 * first; Kleene's logic gives the same answer in every order. A named condition is
 * compiled once and referred to; a decision remembers its value, so no file can make a
 * decision take more steps than the policy has nodes.
 */
#ifndef SALLYPORT_POLICY_COMPILED_H
#define SALLYPORT_POLICY_COMPILED_H

#include "base/arena.h"
#include "policy/policy.h"
#include "policy/pattern.h"
#include "policy/zone.h"

enum {
	POLICY_MAX_CONDITIONS = 1000, /* named ones in one policy */
	POLICY_MAX_DEPTH = 64,	      /* of conditions in conditions, references followed */
	POLICY_MAX_SUBJECTS = 256,    /* different claims, headers, parameters, device facts */
	POLICY_MAX_VALUES = 32768,    /* different strings compared with those */
	POLICY_MAX_ZONES = 32,
	POLICY_MAX_MESSAGE = 500, /* bytes of a rule's message */
	POLICY_MAX_NAME = 100,	  /* bytes of a name or an id */
};

/* In the order in which members of a group are asked: the cheap ones first. */
enum node_kind {
	NODE_PATH, /* tells most rules from the one that is meant */
	NODE_METHOD,
	NODE_AUTHENTICATED_BY,
	NODE_AFTER,
	NODE_BEFORE,
	NODE_DAYS,
	NODE_HOURS,
	NODE_MAX_AGE,
	NODE_HOST,
	NODE_SOURCE_IP,
	NODE_PROVIDER,
	NODE_AMR,
	NODE_ACR,
	NODE_CERTIFICATE,
	NODE_SUBJECT, /* a claim, header, parameter or device fact */
	NODE_NOT,
	NODE_ALL,
	NODE_ANY,
	NODE_REFERENCE, /* to a named condition */
};

/* What NODE_SUBJECT asks of its subject. */
enum subject_operator {
	OPERATOR_IS,
	OPERATOR_IN,
	OPERATOR_HAS,
	OPERATOR_HAS_ANY,
	OPERATOR_HAS_ALL,
	OPERATOR_EXISTS,
	OPERATOR_STARTS_WITH,
	OPERATOR_ENDS_WITH,
	OPERATOR_AT_LEAST,
	OPERATOR_AT_MOST,
};

enum certificate_field {
	CERTIFICATE_SUBJECT,
	CERTIFICATE_ISSUER,
	CERTIFICATE_SAN_DNS,
	CERTIFICATE_SAN_URI,
	CERTIFICATE_SAN_EMAIL,
	CERTIFICATE_FINGERPRINT,
};

struct node {
	uint8_t kind;	/* enum node_kind */
	uint8_t detail; /* operator, certificate field, bits of days (1 is Monday) */
	uint16_t index; /* of the subject, the zone or the named condition */
	uint32_t first; /* of its operands; EXISTS: the bool; HOURS: the first minute */
	uint32_t count; /* of operands; groups: nodes spanned, itself included;
					   HOURS: the minute after the last */
};

enum scalar_type { SCALAR_NONE, SCALAR_STRING, SCALAR_NUMBER, SCALAR_BOOL };
struct scalar {
	enum scalar_type type;
	uint32_t value; /* of a string: its number in policy.values */
	double number;	/* of a bool: 0 or 1 */
};

union operand {
	struct str text;
	struct path_pattern path;
	struct host_pattern host;
	struct ip_prefix prefix;
	struct scalar scalar; /* those of a node are sorted by scalar_compare() */
	int64_t seconds;      /* a time since 1970, or a duration */
	uint32_t method;      /* enum facts_method */
};

enum subject_kind { SUBJECT_CLAIM, SUBJECT_HEADER, SUBJECT_QUERY, SUBJECT_DEVICE };
struct subject {
	enum subject_kind kind;
	struct str name;
	const struct str *parts; /* of a claim path */
	size_t parts_count;
	bool is_email; /* the claim that counts only when it is verified */
};

/* A string that some condition compares with a subject; found by subject and text. */
struct value {
	uint32_t subject;
	struct str text;
};

struct rule {
	const char *id;
	const char *message; /* "" when none */
	uint32_t node;
	bool is_deny;
	bool is_shadow;
	int64_t until_s; /* of a shadow rule: the moment from which it is silent */
};

struct policy {
	_Atomic unsigned references;
	struct arena *arena; /* owns everything below */
	const char *name;
	const char *file;
	char hash[17];
	struct str text; /* of the file: the tests are read from it */

	struct node *nodes;
	size_t nodes_count;
	union operand *operands;
	size_t operands_count;
	struct subject *subjects;
	size_t subjects_count;
	struct value *values;
	size_t values_count;
	uint32_t *value_table;	 /* open addressing: number of a value + 1, or 0 */
	size_t value_table_size; /* a power of two, at least twice values_count; or 0 */
	uint32_t *conditions;	 /* the node each named condition starts at */
	size_t conditions_count;
	struct zone *zones;
	size_t zones_count;
	struct rule *rules; /* enforced denies, enforced allows, shadow rules; each by id */
	size_t denies_count;
	size_t allows_count;
	size_t rules_count;
};

enum { VALUE_NONE = UINT32_MAX };
/* The number of a string that the policy compares with a subject, or VALUE_NONE. */
uint32_t policy_find_value(const struct policy *p, uint32_t subject, struct str text);
/* The same, adding it when it is new. VALUE_NONE when there are too many or memory ended. */
uint32_t policy_add_value(struct policy *p, uint32_t subject, struct str text);

int scalar_compare(const struct scalar *a, const struct scalar *b);
const char *facts_method_name(enum facts_method method); /* "none", "session", ... */

#endif
