/*
 * authn/oidc/id_token.c - the claims of an ID token.
 *
 * max_age is about the moment of the request: somebody who signed in within it and then
 * took a minute over a consent page has done what was asked. So auth_time is measured
 * against the begin of the login, not against now.
 */
#include "authn/oidc/id_token.h"

#include "authn/oidc/at_hash.h"
#include "authn/oidc/token_claims.h"
#include "base/secret.h"

/* Other kinds of token say so (RFC 8725, section 3.11): "at+jwt", "logout+jwt". */
static bool check_type(const struct jwt *token, struct error *err)
{
	struct str suffix = STR("+jwt");
	size_t len = token->typ.len;

	if (len >= suffix.len && str_equal_fold(str_after(token->typ, len - suffix.len), suffix))
		return error_set(err, ERR_DENIED, "is another kind of token (typ)");
	return true;
}

static bool check_audience(const struct json *claims, const struct provider_config *config,
			   struct error *err)
{
	struct str client_id = config->client_id;
	struct str_list ours = {.items = &client_id, .count = 1};
	const struct json *azp = json_get(claims, "azp");
	struct token_audience audience;

	if (!token_claims_read_audience(claims, &ours, &audience, err))
		return false;
	if (audience.ours == 0)
		return error_set(err, ERR_DENIED, "audience is not \"%.*s\"", STR_ARG(client_id));
	if (!azp && audience.ours + audience.others > 1)
		return error_set(err, ERR_DENIED, "has several audiences and no azp");
	if (azp && (!json_is(azp, JSON_STRING) || !str_equal(json_str(azp), client_id)))
		return error_set(err, ERR_DENIED, "azp is not \"%.*s\"", STR_ARG(client_id));
	return true;
}

static bool check_nonce(const struct json *claims, struct str nonce, struct error *err)
{
	const struct json *v = json_get(claims, "nonce");

	if (!json_is(v, JSON_STRING))
		return error_set(err, ERR_DENIED, "nonce is missing");
	return secret_equal(json_str(v), nonce) ||
	       error_set(err, ERR_DENIED, "nonce is that of another login");
}

static bool check_at_hash(const struct jwt *token, struct str access_token, struct error *err)
{
	const struct json *v = json_get(token->claims, "at_hash");
	char want[AT_HASH_SIZE];

	if (!v)
		return true;
	at_hash_of(access_token, token->alg, want);
	if (!json_is(v, JSON_STRING) || !secret_equal(json_str(v), str_from(want)))
		return error_set(err, ERR_DENIED, "at_hash does not fit the access token");
	return true;
}

static bool check_auth_time(const struct json *claims, const struct id_token_terms *terms,
			    struct error *err)
{
	const struct json *v = json_get(claims, "auth_time");
	int64_t leeway_s = token_claims_leeway_s(terms->config);
	int64_t auth_time_s;

	if (!v && terms->max_age_s < 0)
		return true;
	if (!token_claims_read_date(v, &auth_time_s))
		return error_set(err, ERR_DENIED, "auth_time is missing, or no time");
	if (auth_time_s > terms->now_s + leeway_s)
		return error_set(err, ERR_DENIED, "auth_time is in the future");
	if (terms->max_age_s >= 0 && auth_time_s < terms->asked_s - terms->max_age_s - leeway_s)
		return error_set(err, ERR_DENIED, "auth_time is older than max_age allows");
	return true;
}

bool id_token_check(const struct jwt *token, const struct id_token_terms *terms, struct error *err)
{
	const struct json *claims = token->claims;
	struct token_times times = {
		.now_s = terms->now_s,
		.leeway_s = token_claims_leeway_s(terms->config),
		.needs_iat = true,
	};

	return check_type(token, err) &&
	       token_claims_check_issuer(claims, terms->config->issuer, err) &&
	       check_audience(claims, terms->config, err) &&
	       token_claims_check_times(claims, &times, NULL, err) &&
	       check_nonce(claims, terms->nonce, err) &&
	       check_at_hash(token, terms->access_token, err) &&
	       token_claims_check_subject(claims, err) && check_auth_time(claims, terms, err);
}
