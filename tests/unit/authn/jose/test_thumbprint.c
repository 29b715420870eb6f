/*
 * JWK thumbprints (RFC 7638).
 */
#include "authn/jose/thumbprint.h"
#include "tests/unit/authn/jose/sign.h"

#define RFC7638_N                                                                                \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc" \
	"_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQ" \
	"R0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bF" \
	"TWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"

static const struct row {
	const char *name, *jwk, *want; /* want NULL: none */
} rows[] = {
	{"RSA (RFC 7638, 3.1)",
	 "{\"kty\":\"RSA\",\"n\":\"" RFC7638_N "\",\"e\":\"AQAB\",\"alg\":\"RS256\","
	 "\"kid\":\"2011-04-29\"}",
	 "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
	{"Ed25519 (RFC 8037, A.3)", "{" RFC8037_JWK ",\"d\":\"" RFC8037_D "\"}",
	 "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	{"P-256, other order", "{\"use\":\"sig\"," RFC7515_A3_JWK "}",
	 "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"},
	{"symmetric", "{\"kty\":\"oct\",\"k\":\"AAAA\"}", NULL},
	{"member missing", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}", NULL},
	{"member not a string", "{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":65537}", NULL},
	{"no type", "{\"n\":\"AA\",\"e\":\"AQAB\"}", NULL},
	{"no object", "[]", NULL},
};

static void test_thumbprint(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char got[JWK_THUMBPRINT_SIZE];
		struct json_doc *doc = NULL;
		bool ok;

		assert_true(json_parse(str_from(rows[i].jwk), 8192, NULL, &doc, NULL));
		ok = jwk_thumbprint(json_root(doc), got);
		check_cstr(rows[i].name, "thumbprint", rows[i].want, ok ? got : NULL);
		json_doc_free(doc);
	}
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thumbprint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
