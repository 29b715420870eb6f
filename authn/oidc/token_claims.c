/*
 * authn/oidc/token_claims.c - issuer, subject, audience, times.
 *
 * Numbers of JSON reach beyond what any clock shows: 1e300 must not wrap into the past,
 * nor a date of a negative year pass as one long gone (see token_claims_read_date).
 */
#include "authn/oidc/token_claims.h"

static const double latest = 9007199254740992.0; /* 2^53: above, seconds are not exact */

bool token_claims_check_issuer(const struct json *claims, struct str issuer, struct error *err)
{
	const struct json *iss = json_get(claims, "iss");

	if (!json_is(iss, JSON_STRING) || !str_equal(json_str(iss), issuer))
		return error_set(err, ERR_DENIED, "issuer is not \"%.*s\"", STR_ARG(issuer));
	return true;
}

bool token_claims_check_subject(const struct json *claims, struct error *err)
{
	const struct json *v = json_get(claims, "sub");
	struct str sub = json_str(v);

	if (!json_is(v, JSON_STRING) || str_is_empty(sub))
		return error_set(err, ERR_DENIED, "subject is %s", v ? "not a text" : "missing");
	if (sub.len > TOKEN_CLAIMS_MAX_SUBJECT)
		return error_set(err, ERR_DENIED, "subject is over %d bytes",
				 TOKEN_CLAIMS_MAX_SUBJECT);
	for (size_t i = 0; i < sub.len; i++)
		if ((unsigned char)sub.ptr[i] < 0x20 || sub.ptr[i] == 0x7f)
			return error_set(err, ERR_DENIED, "subject has a control character");
	return true;
}

static bool count_audience(const struct json *v, const struct str_list *ours,
			   struct token_audience *a)
{
	if (!json_is(v, JSON_STRING) || str_is_empty(json_str(v)))
		return false;
	for (size_t i = 0; i < ours->count; i++) {
		if (str_equal(json_str(v), ours->items[i])) {
			a->ours++;
			return true;
		}
	}
	a->others++;
	return true;
}

bool token_claims_read_audience(const struct json *claims, const struct str_list *ours,
				struct token_audience *ret, struct error *err)
{
	const struct json *aud = json_get(claims, "aud");
	struct token_audience a = {0};
	bool ok = true;

	if (json_is(aud, JSON_ARRAY)) {
		ok = json_count(aud) <= TOKEN_CLAIMS_MAX_AUDIENCES;
		for (const struct json *v = json_first(aud); ok && v; v = json_next(v))
			ok = count_audience(v, ours, &a);
	} else {
		ok = count_audience(aud, ours, &a);
	}
	if (!ok)
		return error_set(err, ERR_DENIED, "audience is %s",
				 aud ? "neither a text nor a list of them" : "missing");
	*ret = a;
	return true;
}

bool token_claims_read_date(const struct json *v, int64_t *ret)
{
	double seconds = json_number(v);

	/* Written so that a NaN would fail, too. */
	if (!json_is(v, JSON_NUMBER) || !(seconds >= 0 && seconds < latest))
		return false;
	*ret = (int64_t)seconds;
	return true;
}

bool token_claims_check_times(const struct json *claims, const struct token_times *times,
			      int64_t *ret_exp_s, struct error *err)
{
	const struct json *nbf = json_get(claims, "nbf");
	const struct json *iat = json_get(claims, "iat");
	int64_t exp_s = 0, nbf_s = 0, iat_s = 0;

	if (!token_claims_read_date(json_get(claims, "exp"), &exp_s))
		return error_set(err, ERR_DENIED, "exp is missing, or no time");
	if (nbf && !token_claims_read_date(nbf, &nbf_s))
		return error_set(err, ERR_DENIED, "nbf is no time");
	if ((iat || times->needs_iat) && !token_claims_read_date(iat, &iat_s))
		return error_set(err, ERR_DENIED, "iat is missing, or no time");
	if (times->now_s >= exp_s + times->leeway_s)
		return error_set(err, ERR_DENIED, "has expired");
	if (nbf_s > times->now_s + times->leeway_s)
		return error_set(err, ERR_DENIED, "is not valid yet (nbf)");
	if (iat_s > times->now_s + times->leeway_s)
		return error_set(err, ERR_DENIED, "was issued in the future");
	if (iat_s > exp_s)
		return error_set(err, ERR_DENIED, "was issued behind its expiry");
	if (ret_exp_s)
		*ret_exp_s = exp_s;
	return true;
}

int64_t token_claims_leeway_s(const struct provider_config *config)
{
	return (config->clock_leeway_ms + 999) / 1000;
}
