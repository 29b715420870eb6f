/*
 * policy/match.h - what a condition says about the facts.
 *
 * A value is a set of truths it could have, as bits. With the facts as they are every
 * set holds one truth: true, false or unknown. To find out whether a login could change
 * an answer, the same conditions are asked again with what a login decides left open;
 * a condition on it then holds every truth it could have afterwards.
 *
 * The sets of a group's members are combined as if the members did not depend on each
 * other. Two conditions on one claim may thus be thought true together that never are,
 * so a login may be offered in vain; it is never withheld where it would help.
 */
#ifndef SALLYPORT_POLICY_MATCH_H
#define SALLYPORT_POLICY_MATCH_H

#include "http/form.h"
#include "http/uri.h"
#include "policy/compiled.h"

enum {
	MAY_BE_TRUE = 1,
	MAY_BE_FALSE = 2,
	MAY_BE_UNKNOWN = 4,
	MAY_BE_ANY = 7,
};
typedef unsigned truths;

/* Kleene's logic, for sets. */
static inline truths truths_not(truths a)
{
	return (a & MAY_BE_UNKNOWN) | (a & MAY_BE_TRUE) << 1 | (a & MAY_BE_FALSE) >> 1;
}
static inline truths truths_and(truths a, truths b)
{
	bool a_passes = a & (MAY_BE_TRUE | MAY_BE_UNKNOWN),
	     b_passes = b & (MAY_BE_TRUE | MAY_BE_UNKNOWN);

	return (a & b & MAY_BE_TRUE) | ((a | b) & MAY_BE_FALSE) |
	       (b_passes ? a & MAY_BE_UNKNOWN : 0) | (a_passes ? b & MAY_BE_UNKNOWN : 0);
}
static inline truths truths_or(truths a, truths b)
{
	return truths_not(truths_and(truths_not(a), truths_not(b)));
}

enum world {
	WORLD_NOW,     /* the facts as they are */
	WORLD_LOGIN,   /* after a login of anybody: identity and authentication are open */
	WORLD_STEP_UP, /* after a new login of the same person: how and when is open */
};

/* What the facts say about one subject; looked up once per decision. */
struct seen {
	enum { SEEN_NOT_YET = 0, SEEN } state;
	truths exists;
	bool is_list;	      /* its strings are in matcher.has */
	struct scalar scalar; /* SCALAR_NONE: no single value */
	struct str text;      /* of a string */
};

enum { QUERY_MAX_BYTES = URI_MAX_TARGET };
struct query {
	enum { QUERY_UNREAD = 0, QUERY_GOOD, QUERY_BAD } state;
	size_t count;
	struct form_pair pairs[FORM_MAX_PAIRS];
	char bytes[QUERY_MAX_BYTES];
};

/* One decision's working memory: on the stack of policy_decide(), never all of it touched. */
struct matcher {
	const struct policy *p;
	const struct facts *f;
	enum world world;
	uint64_t *has;	   /* one bit per value of the policy that a list holds */
	struct seen *seen; /* one per subject */
	struct query *query;
};

/* The truths of a condition that is no group and no reference. */
truths match_node(struct matcher *m, const struct node *n);
/* The facts about a subject, looked up on first use. */
const struct seen *match_subject(struct matcher *m, uint32_t index);
/* Decode a query into q as http/form.h does, without an arena; QUERY_BAD when malformed. */
void query_read(struct query *q, struct str raw);

#endif
