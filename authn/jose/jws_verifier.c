/*
 * authn/jose/jws_verifier.c - the one user of libjwt.
 *
 * What surprised:
 *  - A checker given an algorithm and a key that names one compares the two, and then
 *    never looks whether the token's algorithm is the same: a key pinned to RS256 would
 *    verify RS512 and PS256. Given a key with an algorithm and none itself, it compares
 *    the token's. So the algorithm stands in the key and is not passed again.
 *  - A checker judges exp and nbf unless told not to, and keeps the error of its last
 *    token: each check makes its own, which is also what lets threads share a key.
 *  - OpenSSL's errors stay queued behind a failed check and would be taken for one of
 *    the next TLS call on the same thread.
 */
#include "authn/jose/jws_verifier.h"

#include <stdlib.h>

#include <jwt.h>
#include <openssl/err.h>

struct jws_verifier {
	jwk_set_t *set; /* owns the key */
	const jwk_item_t *key;
};

static const jwt_alg_t libjwt_algs[JWS_ALG_COUNT] = {
	[JWS_RS256] = JWT_ALG_RS256,
	[JWS_PS256] = JWT_ALG_PS256,
	[JWS_ES256] = JWT_ALG_ES256,
	[JWS_EDDSA] = JWT_ALG_EDDSA,
};

static bool key_is_usable(const jwk_item_t *key, enum jws_alg alg)
{
	return key && !jwks_item_error(key) && jwks_item_alg(key) == libjwt_algs[alg] &&
	       !jwks_item_is_private(key);
}

bool jws_verifier_new(struct str jwk, enum jws_alg alg, struct jws_verifier **ret)
{
	struct jws_verifier *v = calloc(1, sizeof(*v));
	bool ok = false;

	if (!v)
		return false;
	v->set = jwks_create_strn(jwk.ptr, jwk.len);
	if (v->set && !jwks_error(v->set))
		v->key = jwks_item_get(v->set, 0);
	ok = key_is_usable(v->key, alg);
	ERR_clear_error();
	if (ok)
		*ret = v;
	else
		jws_verifier_free(v);
	return ok;
}

void jws_verifier_free(struct jws_verifier *v)
{
	if (!v)
		return;
	jwks_free(v->set);
	free(v);
}

bool jws_verifier_check(const struct jws_verifier *v, const char *compact, struct error *err)
{
	jwt_checker_t *checker = jwt_checker_new();
	bool ok;

	if (!checker)
		return error_set(err, ERR_NOMEM, "out of memory for a signature check");
	ok = jwt_checker_setkey(checker, JWT_ALG_NONE, v->key) == 0 &&
	     jwt_checker_time_leeway(checker, JWT_CLAIM_EXP, -1) == 0 &&
	     jwt_checker_time_leeway(checker, JWT_CLAIM_NBF, -1) == 0 &&
	     jwt_checker_verify(checker, compact) == 0;
	jwt_checker_free(checker);
	ERR_clear_error();
	if (!ok)
		return error_set(err, ERR_DENIED, "the token's signature does not hold");
	return true;
}

const char *jwt_library_version(void)
{
	return JWT_VERSION_STRING;
}
