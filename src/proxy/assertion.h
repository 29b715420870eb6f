/*
 * proxy/assertion.h - X-Sallyport-Assertion: the identity as a JWT that applications
 * can verify with the keys at /.sallyport/jwks.json (ES256, RFC 7519).
 *
 * iss is the gate's origin, aud the route's name, so that an assertion for one
 * application is worth nothing at another. It lives 60 seconds and is cached in the
 * session for half of that.
 */
#ifndef SALLYPORT_PROXY_ASSERTION_H
#define SALLYPORT_PROXY_ASSERTION_H

#include "proxy/exchange_state.h"

enum { ASSERTION_LIFETIME_S = 60, ASSERTION_CACHED = 4 };

/* The compact JWT for the exchange's identity and route; lives in its arena or session. */
MUST_CHECK bool assertion_get(struct exchange *e, struct str *ret_jwt, struct error *err);

#endif
