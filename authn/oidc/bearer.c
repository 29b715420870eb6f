/*
 * authn/oidc/bearer.c - the claims of a bearer token.
 *
 * An audience is what keeps a token made for one service from opening another of the same
 * provider, so there is no way to leave it out.
 */
#include "authn/oidc/bearer.h"

#include "authn/oidc/token_claims.h"

static bool check_type(struct str typ, struct error *err)
{
	if (str_is_empty(typ) || str_equal_fold(typ, STR("JWT")) ||
	    str_equal_fold(typ, STR("at+jwt")) || str_equal_fold(typ, STR("application/at+jwt")))
		return true;
	return error_set(err, ERR_DENIED, "is no access token (typ)");
}

/*
 * An ID token and a logout token are signed by the same keys for the same audience, and travel
 * in places where no access token does: what only they carry gives them away.
 */
static bool check_purpose(const struct json *claims, struct error *err)
{
	static const char *const telltales[] = {"nonce", "at_hash", "c_hash", "s_hash", "events"};

	for (size_t i = 0; i < ARRAY_LEN(telltales); i++)
		if (json_get(claims, telltales[i]))
			return error_set(err, ERR_DENIED, "is no access token (%s)", telltales[i]);
	return true;
}

static bool is_among(struct str s, const struct str_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_equal(s, list->items[i]))
			return true;
	return false;
}

static bool check_audience(const struct json *claims, const struct provider_config *config,
			   struct error *err)
{
	struct str client_id = config->client_id;
	struct str_list ours = {.items = &client_id, .count = 1};
	const struct json *azp = json_get(claims, "azp");
	struct token_audience audience;

	if (config->audiences.count > 0)
		ours = config->audiences;
	if (!token_claims_read_audience(claims, &ours, &audience, err))
		return false;
	if (audience.ours == 0)
		return error_set(err, ERR_DENIED, "audience is none of ours");
	if (audience.others > 0 &&
	    (!json_is(azp, JSON_STRING) ||
	     (!is_among(json_str(azp), &ours) && !str_equal(json_str(azp), client_id))))
		return error_set(err, ERR_DENIED, "is for others too, and azp is none of ours");
	return true;
}

bool bearer_check(const struct jwt *token, const struct provider_config *config, int64_t now_s,
		  int64_t *ret_exp_s, struct error *err)
{
	struct token_times times = {.now_s = now_s, .leeway_s = token_claims_leeway_s(config)};

	return check_type(token->typ, err) && check_purpose(token->claims, err) &&
	       token_claims_check_issuer(token->claims, config->issuer, err) &&
	       check_audience(token->claims, config, err) &&
	       token_claims_check_times(token->claims, &times, ret_exp_s, err) &&
	       token_claims_check_subject(token->claims, err);
}
