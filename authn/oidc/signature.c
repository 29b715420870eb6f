/*
 * authn/oidc/signature.c - the algorithm first, then the key, then the signature.
 *
 * A token without a kid is verified under the only key that fits its algorithm (OpenID
 * Connect Core 1.0, section 10.1), and refused when several do. Should that one key not
 * verify it, the provider may have rotated, which no kid could tell.
 */
#include "authn/oidc/signature.h"

enum signature_verdict signature_check(const struct jwt *token, unsigned algorithms,
				       const struct jwks *keys, struct error *err)
{
	const struct jwk *key;
	struct error fault = {0};

	if (!(algorithms & 1u << token->alg)) {
		error_set(err, ERR_DENIED, "signed with %s, which is not accepted",
			  jws_alg_name(token->alg));
		return SIGNATURE_BROKEN;
	}
	key = jwks_find(keys, token->kid, token->alg);
	if (!key) {
		error_set(err, ERR_DENIED, "%s",
			  str_is_empty(token->kid) ? "names no key, and not exactly one fits"
						   : "signed with an unknown key");
		return SIGNATURE_UNKNOWN_KEY;
	}
	if (jwt_verify(token, key, &fault))
		return SIGNATURE_HOLDS;
	error_set(err, fault.kind, "%s", fault.text);
	return str_is_empty(token->kid) && fault.kind == ERR_DENIED ? SIGNATURE_UNKNOWN_KEY
								    : SIGNATURE_BROKEN;
}
