/*
 * authn/oidc/id_token.h - the claims of an ID token (OpenID Connect Core 1.0, section
 * 3.1.3.7), whose signature is checked beside this (signature.h).
 */
#ifndef SALLYPORT_AUTHN_OIDC_ID_TOKEN_H
#define SALLYPORT_AUTHN_OIDC_ID_TOKEN_H

#include "authn/jose/jwt.h"
#include "authn/oidc/provider_config.h"

/* What the login that asked for it expects. */
struct id_token_terms {
	const struct provider_config *config;
	struct str nonce;
	struct str access_token; /* what at_hash, where it is, must fit */
	int64_t now_s;
	int64_t asked_s;   /* when the browser was sent to the provider */
	int64_t max_age_s; /* what was asked for; -1 nothing */
};

/*
 * Does the token prove that somebody has just signed in, here? ERR_DENIED, in one clause
 * without a value of the token.
 *
 * acr is not judged even where acr_values asked for one: that is a wish (section 3.1.2.1),
 * and the policy that had it judges what came.
 */
MUST_CHECK bool id_token_check(const struct jwt *token, const struct id_token_terms *terms,
			       struct error *err);

#endif
