/*
 * authn/oidc/metadata.h - what a provider says about itself: its discovery document
 * (OpenID Connect Discovery 1.0, sections 3 and 4; RFC 8414).
 *
 * Never changes once parsed; counted, because logins keep the one they began with. Of the
 * identity thread alone.
 */
#ifndef SALLYPORT_AUTHN_OIDC_METADATA_H
#define SALLYPORT_AUTHN_OIDC_METADATA_H

#include "authn/jose/jwks.h"
#include "authn/oidc/provider_config.h"
#include "base/json.h"

enum {
	METADATA_MAX_BYTES = 256 * 1024,
	METADATA_MAX_ENDPOINT = 2048,
};

struct metadata {
	unsigned refs;
	struct json_doc *doc;		   /* what the strings below point into */
	struct str authorization_endpoint; /* may have a query */
	struct str token_endpoint;
	struct str jwks_uri;
	struct str userinfo_endpoint;				   /* "" when there is none */
	enum provider_client_authentication client_authentication; /* BASIC or POST */
	unsigned algorithms; /* bits 1 << enum jws_alg: listed there, allowed here */
	bool promises_iss;   /* in authorization responses (RFC 9207, section 3) */
};

/*
 * Parse a discovery document for a configured provider. Refused is one
 *
 *   - whose issuer is not the configured one, byte for byte;
 *   - whose endpoints are no https URLs; http is one only where the issuer is http itself,
 *     and then on a loopback address alone, unless the configuration says "insecure";
 *   - that leaves no signing algorithm, no way to authenticate, no code flow or no S256.
 *
 * One reference, the caller's. ERR_SYNTAX, ERR_LIMIT, ERR_DENIED, ERR_PROTOCOL, ERR_NOMEM.
 */
MUST_CHECK bool metadata_parse(struct str text, const struct provider_config *config,
			       struct metadata **ret, struct error *err);
struct metadata *metadata_ref(struct metadata *m);
void metadata_unref(struct metadata *m); /* NULL is fine */

/* Where the document of an issuer is: appended to b (Discovery, section 4.1). */
void metadata_append_url(struct buf *b, struct str issuer);

#endif
