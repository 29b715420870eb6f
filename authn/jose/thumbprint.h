/*
 * authn/jose/thumbprint.h - the JWK thumbprint with SHA-256 (RFC 7638), our kid.
 */
#ifndef SALLYPORT_AUTHN_JOSE_THUMBPRINT_H
#define SALLYPORT_AUTHN_JOSE_THUMBPRINT_H

#include "base/json.h"

enum { JWK_THUMBPRINT_SIZE = 44 }; /* 43 characters of base64url and a NUL */

/* Of an EC, RSA or OKP key; false for other types and when a required member is missing. */
MUST_CHECK bool jwk_thumbprint(const struct json *jwk, char out[JWK_THUMBPRINT_SIZE]);

#endif
