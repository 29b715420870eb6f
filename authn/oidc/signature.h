/*
 * authn/oidc/signature.h - is a token signed by the provider?
 */
#ifndef SALLYPORT_AUTHN_OIDC_SIGNATURE_H
#define SALLYPORT_AUTHN_OIDC_SIGNATURE_H

#include "authn/jose/jwt.h"

enum signature_verdict {
	SIGNATURE_HOLDS,
	SIGNATURE_UNKNOWN_KEY, /* a newer key set may know better */
	SIGNATURE_BROKEN,
};

/* algorithms: bits 1 << enum jws_alg. err, unless it holds: ERR_DENIED, ERR_NOMEM. */
enum signature_verdict signature_check(const struct jwt *token, unsigned algorithms,
				       const struct jwks *keys, struct error *err);

#endif
