/*
 * authn/oidc/verified_identity.h - from verified claims to an identity.
 */
#ifndef SALLYPORT_AUTHN_OIDC_VERIFIED_IDENTITY_H
#define SALLYPORT_AUTHN_OIDC_VERIFIED_IDENTITY_H

#include "authn/identity.h"
#include "authn/oidc/provider_config.h"

/*
 * The identity that a provider vouched for: of a login (AUTHN_SESSION), where the time of
 * authentication is auth_time or else iat; or of a bearer token (AUTHN_BEARER), whose iat
 * says only when it was last renewed. userinfo may be NULL. One reference, the caller's.
 * ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK bool verified_identity_new(const struct provider_config *config,
				      enum authn_method method, const struct json *token_claims,
				      const struct json *userinfo, struct identity **ret,
				      struct error *err);

#endif
