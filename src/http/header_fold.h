/*
 * http/header_fold.h - a field name folded once, for all the questions asked of it.
 *
 * Internal to src/http. A request carries some twenty names, and each is asked whether
 * it is a token, steers framing, or tells an identity. Folding it once into a short
 * buffer turns those questions into a switch on the length and one memcmp each.
 */
#ifndef SALLYPORT_HTTP_HEADER_FOLD_H
#define SALLYPORT_HTTP_HEADER_FOLD_H

#include <string.h>

#include "base/str.h"

enum { HEADER_FOLD_MAX = 32 };	/* longer than every name and prefix that is looked up */

struct header_fold {
	char text[HEADER_FOLD_MAX];	/* the folded name, cut; not closed by a NUL */
	size_t len;			/* of the whole name: a cut one matches no name in full */
	bool is_plain;			/* letters, digits and '-' only: nothing but case folded */
};

/* Fold a name. False when it is no token; *ret is then not to be used. */
MUST_CHECK bool header_fold_name(struct str name, struct header_fold *ret);

/* Does it tell an application who is asking or from where? The list is in message.h. */
bool header_fold_is_identity(const struct header_fold *f);

/* literal is folded text: lower case, '-'. */
#define HEADER_FOLD_IS(f, literal)					\
	((f)->len == sizeof(literal) - 1 &&				\
	 memcmp((f)->text, "" literal, sizeof(literal) - 1) == 0)
#define HEADER_FOLD_STARTS_WITH(f, literal)				\
	((f)->len >= sizeof(literal) - 1 &&				\
	 memcmp((f)->text, "" literal, sizeof(literal) - 1) == 0)

#endif
