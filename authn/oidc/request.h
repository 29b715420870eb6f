/*
 * authn/oidc/request.h - the authorization request: the URL a browser is sent to
 * (OpenID Connect Core 1.0, section 3.1.2.1).
 */
#ifndef SALLYPORT_AUTHN_OIDC_REQUEST_H
#define SALLYPORT_AUTHN_OIDC_REQUEST_H

#include "authn/oidc/metadata.h"

/* Below every origin; registered at the provider for each. */
#define LOGIN_CALLBACK_PATH "/.sallyport/callback"

struct auth_request {
	struct str origin;
	struct str state;
	struct str nonce;
	struct str challenge;  /* S256 (RFC 7636) */
	int64_t max_age_s;     /* -1: not asked for */
	struct str acr_values; /* "": not asked for */
	bool prompt_login;
};

/* Append the URL; a query that the endpoint has stays in front. */
void auth_request_append(struct buf *b, const struct provider_config *config,
			 const struct metadata *metadata, const struct auth_request *request);
/* Append the redirect_uri of an origin. */
void auth_request_append_redirect_uri(struct buf *b, struct str origin);

#endif
