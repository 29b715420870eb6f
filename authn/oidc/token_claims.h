/*
 * authn/oidc/token_claims.h - the checks that ID tokens and bearer tokens share (RFC 7519,
 * section 4.1; OpenID Connect Core 1.0, section 2).
 *
 * Each writes ERR_DENIED and a clause that never repeats a value of the token.
 */
#ifndef SALLYPORT_AUTHN_OIDC_TOKEN_CLAIMS_H
#define SALLYPORT_AUTHN_OIDC_TOKEN_CLAIMS_H

#include "authn/oidc/provider_config.h"
#include "base/json.h"

enum { TOKEN_CLAIMS_MAX_SUBJECT = 255, TOKEN_CLAIMS_MAX_AUDIENCES = 64 };

MUST_CHECK bool token_claims_check_issuer(const struct json *claims, struct str issuer,
					  struct error *err);
/* sub is a text of 1 to 255 bytes without control characters. */
MUST_CHECK bool token_claims_check_subject(const struct json *claims, struct error *err);

/* How many audiences are among ours, and how many are not. */
struct token_audience {
	size_t ours;
	size_t others;
};
MUST_CHECK bool token_claims_read_audience(const struct json *claims, const struct str_list *ours,
					   struct token_audience *ret, struct error *err);

/*
 * A NumericDate (RFC 7519, section 2): whole seconds, a fraction cut off. False for what is no
 * number, negative, or beyond 2^53.
 */
MUST_CHECK bool token_claims_read_date(const struct json *v, int64_t *ret);

struct token_times {
	int64_t now_s;
	int64_t leeway_s;
	bool needs_iat;
};
/* exp is there and ahead; nbf and iat, where they are, are not. ret_exp_s may be NULL. */
MUST_CHECK bool token_claims_check_times(const struct json *claims, const struct token_times *times,
					 int64_t *ret_exp_s, struct error *err);

/* The configured leeway in seconds, rounded up. */
int64_t token_claims_leeway_s(const struct provider_config *config);

#endif
