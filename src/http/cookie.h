/*
 * http/cookie.h - the Cookie and Set-Cookie fields (RFC 6265 and its successor).
 */
#ifndef SALLYPORT_HTTP_COOKIE_H
#define SALLYPORT_HTTP_COOKIE_H

#include "base/buf.h"
#include "base/str.h"

enum { COOKIE_MAX_PAIRS = 256 };	/* pairs read of one request; the rest is not looked at */

/*
 * Take the next name=value pair of a Cookie value. Pairs without '=' or with an empty
 * name are skipped; a value in double quotes comes without them.
 */
bool cookie_next(struct str *rest, struct str *ret_name, struct str *ret_value);

/*
 * The value of a cookie. False when it is absent, and also when it is there twice:
 * a cookie that a sibling domain may have planted beside ours must not be chosen.
 */
bool cookie_find(struct str cookie_header, struct str name, struct str *ret_value);

/*
 * Copy a Cookie value without the pairs whose name starts with prefix (ours never
 * reach the application). out is empty when nothing is left.
 */
void cookie_append_without(struct buf *out, struct str cookie_header, struct str prefix);

/*
 * Write a Set-Cookie value: "name=value; Path=/; Secure; HttpOnly; SameSite=Lax" and
 * Max-Age when max_age_s >= 0; max_age_s 0 deletes the cookie.
 */
void cookie_append_set(struct buf *out, struct str name, struct str value, int64_t max_age_s);

#endif
