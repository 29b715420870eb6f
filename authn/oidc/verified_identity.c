/*
 * authn/oidc/verified_identity.c - see authn/oidc/verified_identity.h.
 */
#include "authn/oidc/verified_identity.h"

#include "authn/oidc/token_claims.h"
#include "authn/oidc/userinfo.h"

/*
 * Only what the provider says: a silent sign-in of a person who authenticated yesterday has
 * a fresh iat too. Unknown makes a policy that wants freshness ask for max_age, and then the
 * provider must say.
 */
static int64_t auth_time_s(const struct json *claims)
{
	int64_t seconds;

	return token_claims_read_date(json_get(claims, "auth_time"), &seconds) ? seconds : 0;
}

bool verified_identity_new(const struct provider_config *config, enum authn_method method,
			   const struct json *token_claims, const struct json *userinfo,
			   struct identity **ret, struct error *err)
{
	struct identity_draft draft = {
		.method = method,
		.provider = config->name,
		.issuer = config->issuer,
		.groups_claim = provider_groups_claim(config),
		.auth_time_s = auth_time_s(token_claims),
	};
	struct json_doc *merged = NULL;
	struct buf text;
	bool ok;

	buf_init(&text, IDENTITY_MAX_BYTES);
	userinfo_append_merged(&text, token_claims, userinfo);
	ok = (!buf_failed(&text) || error_set(err, ERR_LIMIT, "the claims are too large")) &&
	     json_parse(buf_str(&text), IDENTITY_MAX_BYTES, NULL, &merged, err);
	if (ok) {
		buf_clear(&text);
		draft.claims = json_root(merged);
		identity_append_record(&text, &draft);
		ok = (!buf_failed(&text) ||
		      error_set(err, ERR_LIMIT, "the claims are too large")) &&
		     identity_parse(buf_str(&text), ret, err);
	}
	json_doc_free(merged);
	buf_wipe(&text);
	return ok;
}
