/*
 * http/form.h - application/x-www-form-urlencoded: queries and form bodies.
 */
#ifndef SALLYPORT_HTTP_FORM_H
#define SALLYPORT_HTTP_FORM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum { FORM_MAX_PAIRS = 128 };

struct form_pair {
	struct str name;	/* decoded, UTF-8, no NUL */
	struct str value;
};
struct form {
	struct form_pair *items;
	size_t count;
};

/* Decode all pairs into the arena. False on a bad triplet, invalid UTF-8, %00 or too many pairs. */
MUST_CHECK bool form_parse(struct arena *a, struct str raw, struct form *ret);

/* How a parameter stands in a form: once is good, twice is an attack or a bug. */
enum form_presence { FORM_ABSENT, FORM_ONCE, FORM_REPEATED };
enum form_presence form_get(const struct form *f, const char *name, struct str *ret_value);

/* Append "name=value", with '&' before it unless *b is empty or ends in '?' or '&'. */
void form_append(struct buf *b, struct str name, struct str value);

#endif
