/*
 * authn/jose/jwt.h - a signed JWT (RFC 7519) in compact form: taken apart strictly,
 * then its signature verified under one key and one pinned algorithm.
 *
 * Claims are judged by the caller (oidc/id_token.h): here a token is only its
 * structure and its signature. Nothing in a header chooses a key's location: jku,
 * x5u and jwk are never followed.
 */
#ifndef SALLYPORT_AUTHN_JOSE_JWT_H
#define SALLYPORT_AUTHN_JOSE_JWT_H

#include "authn/jose/jwks.h"
#include "base/json.h"

enum { JWT_MAX_BYTES = 16 * 1024 };

struct jwt {
	struct str compact;		/* the token as received; borrowed */
	struct json_doc *header_doc;
	struct json_doc *claims_doc;
	enum jws_alg alg;
	struct str kid;			/* "" when absent */
	struct str typ;			/* "" when absent */
	const struct json *claims;	/* an object; NOT trustworthy before jwt_verify() */
};

/*
 * Take a token apart: at most JWT_MAX_BYTES, exactly three non-empty parts of
 * unpadded base64url, header and claims strict JSON objects, an alg of enum jws_alg
 * ("none", HS* and the rest are ERR_DENIED), "crit" refused, kid a string of at most
 * 256 bytes. ERR_SYNTAX, ERR_LIMIT, ERR_DENIED, ERR_NOMEM.
 */
MUST_CHECK bool jwt_decode(struct str compact, struct jwt *ret, struct error *err);
void jwt_done(struct jwt *t);			/* wipes; fine on a zeroed one */

/* Verify the signature under key, which must have been found for t->alg. ERR_DENIED. */
MUST_CHECK bool jwt_verify(const struct jwt *t, const struct jwk *key, struct error *err);

#endif
