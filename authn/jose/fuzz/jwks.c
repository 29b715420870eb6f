/*
 * authn/jose/fuzz/jwks.c - key sets as an issuer may send them.
 */
#include "authn/jose/jwks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct error err = {0};
	struct jwks *set = NULL;
	size_t found = 0;

	if (!jwks_parse(str_from_len((const char *)data, len), &set, &err)) {
		ASSERT(!set && (err.kind == ERR_SYNTAX || err.kind == ERR_LIMIT));
		return 0;
	}
	ASSERT(jwks_count(set) <= JWKS_MAX_KEYS);
	for (int alg = 0; alg < JWS_ALG_COUNT; alg++) {
		found += jwks_find(set, STR(""), (enum jws_alg)alg) != NULL;
		jwks_find(set, STR("k1"), (enum jws_alg)alg);
	}
	ASSERT(jwks_count(set) > 0 || found == 0);
	jwks_unref(set);
	return 0;
}
