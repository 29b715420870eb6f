/*
 * authn/jose/jws_verifier.h - the door to libjwt: checks a JWS signature under one
 * public key, pinned to one algorithm when it is made.
 *
 * Immutable, so that threads may share one.
 */
#ifndef SALLYPORT_AUTHN_JOSE_JWS_VERIFIER_H
#define SALLYPORT_AUTHN_JOSE_JWS_VERIFIER_H

#include "authn/jose/jwks.h"

struct jws_verifier;

/*
 * The verifier of a public JWK (its JSON text, "alg" being that of alg and no private
 * member among it). False when the key is no such key, or out of memory.
 */
MUST_CHECK bool jws_verifier_new(struct str jwk, enum jws_alg alg, struct jws_verifier **ret);
void jws_verifier_free(struct jws_verifier *v); /* NULL is fine */

/*
 * Is compact, which jwt_decode() has taken apart, signed by this key with this
 * algorithm? ERR_DENIED, ERR_NOMEM. compact ends in NUL.
 */
MUST_CHECK bool jws_verifier_check(const struct jws_verifier *v, const char *compact,
				   struct error *err);

/* The version of libjwt that is built in, "3.3.3". */
const char *jwt_library_version(void);

#endif
