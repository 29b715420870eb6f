/*
 * policy/pattern.h - patterns of paths and hosts: whole segments, whole labels.
 *
 * No regular expressions and no part of a segment: every pattern that looks as if it
 * wanted more is refused where it is read, so that none silently matches nothing.
 */
#ifndef SALLYPORT_POLICY_PATTERN_H
#define SALLYPORT_POLICY_PATTERN_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/*
 * A path pattern: '*' is one segment that is not empty, a last segment "**" is any
 * tail, the empty one included. A slash at the end makes no difference, neither in the
 * pattern nor in the path: most applications answer both alike, and a deny must not be
 * passed by adding one.
 */
struct path_pattern {
	struct str text; /* without the tail and without a slash at the end */
	bool has_tail;
	bool has_star;
};
/* Read one; the text is borrowed. False, and err says why, when it looks like a slip. */
MUST_CHECK bool path_pattern_parse(struct str s, struct path_pattern *ret, struct error *err);
bool path_pattern_matches(const struct path_pattern *p, struct str path);

/* "tools.example.com", or "*.example.com" for every name below it, at any depth. */
struct host_pattern {
	struct str text; /* lower case, no dot at the end; of a wildcard ".example.com" */
	bool is_wildcard;
};
/* Read one; the text is copied to the arena where it must be folded. */
MUST_CHECK bool host_pattern_parse(struct arena *a, struct str s, struct host_pattern *ret,
				   struct error *err);
bool host_pattern_matches(const struct host_pattern *p, struct str host);

#endif
