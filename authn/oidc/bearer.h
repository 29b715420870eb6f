/*
 * authn/oidc/bearer.h - the claims of a bearer token (RFC 6750; RFC 9068), whose signature
 * is checked beside this (signature.h).
 */
#ifndef SALLYPORT_AUTHN_OIDC_BEARER_H
#define SALLYPORT_AUTHN_OIDC_BEARER_H

#include "authn/jose/jwt.h"
#include "authn/oidc/provider_config.h"

/*
 * Is the token one of this provider, for us, now? typ is "at+jwt", "JWT" or absent. It may
 * be an ID token where the provider's audiences are left at the client_id, for that is
 * whom those are for. A token that is for strangers as well must name an authorised party
 * (azp) among our audiences or our client_id. ERR_DENIED.
 */
MUST_CHECK bool bearer_check(const struct jwt *token, const struct provider_config *config,
			     int64_t now_s, int64_t *ret_exp_s, struct error *err);

#endif
