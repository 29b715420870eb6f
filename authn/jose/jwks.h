/*
 * authn/jose/jwks.h - an issuer's public keys: a JWK Set (RFC 7517, section 5).
 * A set never changes once parsed, so threads share it by reference; a rotation
 * replaces the set, and whoever is verifying keeps the one it holds.
 */
#ifndef SALLYPORT_AUTHN_JOSE_JWKS_H
#define SALLYPORT_AUTHN_JOSE_JWKS_H

#include "base/error.h"
#include "base/str.h"

enum { JWKS_MAX_BYTES = 256 * 1024, JWKS_MAX_KEYS = 64 };	/* what an issuer may hand us */

enum jws_alg { JWS_RS256, JWS_PS256, JWS_ES256, JWS_EDDSA, JWS_ALG_COUNT };
const char *jws_alg_name(enum jws_alg alg);			/* "RS256" ... */
MUST_CHECK bool jws_alg_parse(struct str name, enum jws_alg *ret);	/* exact case */

struct jwks;
struct jwk;

/*
 * Parse a JWK Set document, strictly (base/json.h). Keys of an unknown kty or curve,
 * symmetric ones, RSA under 2048 bits, and those whose use is not "sig" are skipped,
 * as section 5 asks. A key is pinned to its own "alg" when it names one, otherwise to
 * those its type allows. One reference, the caller's. ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK bool jwks_parse(struct str text, struct jwks **ret_set, struct error *err);
struct jwks *jwks_ref(struct jwks *set);
void jwks_unref(struct jwks *set);				/* NULL is fine */
size_t jwks_count(const struct jwks *set);			/* usable keys */

/*
 * The key that verifies alg under kid; NULL when there is none. An empty kid finds a
 * key only when exactly one fits alg (OpenID Connect Core, section 10.1). Borrowed.
 */
const struct jwk *jwks_find(const struct jwks *set, struct str kid, enum jws_alg alg);

#endif
