/*
 * authn/jose/jwks_private.h - a key of a set, as jwt.c needs it.
 */
#ifndef SALLYPORT_AUTHN_JOSE_JWKS_PRIVATE_H
#define SALLYPORT_AUTHN_JOSE_JWKS_PRIVATE_H

#include "authn/jose/jwks.h"

struct jws_verifier;

struct jwk {
	char *kid; /* "" when the key names none; ends in NUL */
	size_t kid_len;
	enum jws_alg alg; /* the one it is pinned to */
	struct jws_verifier *verifier;
};

#endif
