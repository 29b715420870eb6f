/*
 * authn/oidc/userinfo.h - claims beyond the ID token (OpenID Connect Core 1.0, section 5.3).
 */
#ifndef SALLYPORT_AUTHN_OIDC_USERINFO_H
#define SALLYPORT_AUTHN_OIDC_USERINFO_H

#include "authn/oidc/metadata.h"
#include "io/fetch.h"

enum { USERINFO_MAX_BYTES = 512 * 1024 };

/*
 * Is there something to ask for? "always": yes. "auto": when the provider has the endpoint
 * and the ID token lacks a claim that a scope stands for, or the groups.
 */
bool userinfo_is_wanted(const struct provider_config *config, const struct metadata *metadata,
			const struct json *id_claims);

/*
 * Take the answer of a call that came with status 200: a JSON object (a signed one is not
 * supported) about the ID token's subject. The caller releases ret. ERR_PROTOCOL,
 * ERR_SYNTAX, ERR_DENIED (another subject), ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK bool userinfo_read(const struct fetch_result *result, const struct json *id_claims,
			      struct json_doc **ret, struct error *err);

/*
 * Append one object: the claims of the ID token, and those of userinfo (NULL: none) that it
 * does not have. What the protocol speaks with (iss, exp, acr, amr ...) comes from the ID
 * token alone, and an address is never verified by a document that does not hold it.
 */
void userinfo_append_merged(struct buf *b, const struct json *id_claims,
			    const struct json *userinfo);

#endif
