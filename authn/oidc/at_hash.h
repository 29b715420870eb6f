/*
 * authn/oidc/at_hash.h - the claim that ties an access token to an ID token (OpenID
 * Connect Core 1.0, section 3.1.3.6).
 */
#ifndef SALLYPORT_AUTHN_OIDC_AT_HASH_H
#define SALLYPORT_AUTHN_OIDC_AT_HASH_H

#include "authn/jose/jwks.h"

enum { AT_HASH_SIZE = 44 }; /* the longest, with its NUL */

/* The at_hash of access_token beside an ID token signed with alg. */
void at_hash_of(struct str access_token, enum jws_alg alg, char out[AT_HASH_SIZE]);

#endif
