/*
 * proxy/identity_headers.h - what the application receives about the client.
 *
 * The client's own copies were removed while parsing, under the fold of
 * http/header.h; these are added afterwards, so that each arrives exactly once.
 */
#ifndef SALLYPORT_PROXY_IDENTITY_HEADERS_H
#define SALLYPORT_PROXY_IDENTITY_HEADERS_H

#include "proxy/exchange_state.h"

/*
 * Append X-Forwarded-User and its kin, the route's identity_headers, Client-Cert, the
 * signed X-Sallyport-Assertion, X-Forwarded-For and its kin, X-Request-Id. A value that
 * cannot be a field value (control bytes) is left out; in lists, '%', ',' and control
 * bytes of an element are percent-encoded. False: nothing may be forwarded.
 */
MUST_CHECK bool identity_headers_add(struct exchange *e, struct headers *out, struct error *err);

#endif
