/*
 * Key sets (RFC 7517): which keys are usable, and for which algorithms they are found.
 */
#include "authn/jose/jwks.h"
#include "tests/unit/authn/jose/sign.h"

#define RSA	  RFC7515_A2_JWK
#define EC	  RFC7515_A3_JWK
#define OKP	  RFC8037_JWK
#define SET(keys) "{\"keys\":[" keys "]}"

/* --- One key of a set ---------------------------------------------------------------- */

/* algs: a letter for each algorithm it is found for: R(S256) P(S256) E(S256) D (EdDSA) */
static const struct key_row {
	const char *name, *members, *algs;
} key_rows[] = {
	{"RSA names no alg", RSA, "RP"},
	{"RSA for RS256 (RFC 7515, A.2)", RSA ",\"alg\":\"RS256\"", "R"},
	{"RSA for PS256", RSA ",\"alg\":\"PS256\"", "P"},
	{"RSA for RS512", RSA ",\"alg\":\"RS512\"", ""},
	{"RSA for ES256", RSA ",\"alg\":\"ES256\"", ""},
	{"RSA for HS256", RSA ",\"alg\":\"HS256\"", ""},
	{"RSA for none", RSA ",\"alg\":\"none\"", ""},
	{"RSA for rs256: case counts", RSA ",\"alg\":\"rs256\"", ""},
	{"RSA, alg no string", RSA ",\"alg\":1", ""},
	{"RSA, alg null", RSA ",\"alg\":null", ""},
	{"RSA for encryption by alg", RSA ",\"alg\":\"RSA-OAEP\"", ""},
	{"EC (RFC 7515, A.3)", EC, "E"},
	{"EC for ES256", EC ",\"alg\":\"ES256\"", "E"},
	{"EC for ES384", EC ",\"alg\":\"ES384\"", ""},
	{"OKP (RFC 8037, A.1)", OKP, "D"},
	{"OKP for EdDSA", OKP ",\"alg\":\"EdDSA\"", "D"},
	{"OKP for ES256", OKP ",\"alg\":\"ES256\"", ""},

	{"use sig", EC ",\"use\":\"sig\"", "E"},
	{"use enc", EC ",\"use\":\"enc\"", ""},
	{"use unknown", EC ",\"use\":\"tls\"", ""},
	{"use no string", EC ",\"use\":[\"sig\"]", ""},
	{"key_ops verify", EC ",\"key_ops\":[\"verify\"]", "E"},
	{"key_ops with others", EC ",\"key_ops\":[\"x\",1,\"verify\"]", "E"},
	{"key_ops without", EC ",\"key_ops\":[\"encrypt\"]", ""},
	{"key_ops empty", EC ",\"key_ops\":[]", ""},
	{"key_ops no array", EC ",\"key_ops\":\"verify\"", ""},
	{"members of no meaning here", EC ",\"x5c\":[\"AA\"],\"x5u\":\"http://evil\",\"ext\":true",
	 "E"},
	{"private members are left alone",
	 EC ",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"", "E"},
	{"half a private RSA key", RSA ",\"d\":\"AQAB\"", "RP"},

	{"unknown kty (RFC 7517, 5)", "\"kty\":\"PQC\",\"x\":\"AA\"", ""},
	{"no kty", "\"n\":\"AA\",\"e\":\"AQAB\"", ""},
	{"kty no string", "\"kty\":1", ""},
	{"symmetric", "\"kty\":\"oct\",\"k\":\"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U\"", ""},
	{"symmetric with alg",
	 "\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"c2VjcmV0c2VjcmV0c2VjcmV0\"", ""},
	{"kty in other case",
	 "\"kty\":\"ec\",\"crv\":\"P-256\",\"x\":\"" RFC7515_A3_X "\",\"y\":\"" RFC7515_A3_Y "\"",
	 ""},
	{"EC without curve", "\"kty\":\"EC\",\"x\":\"" RFC7515_A3_X "\",\"y\":\"" RFC7515_A3_Y "\"",
	 ""},
	{"EC of another curve",
	 "\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" RFC7515_A3_X "\",\"y\":\"" RFC7515_A3_Y
	 "\"",
	 ""},
	{"EC by OpenSSL's name of the curve",
	 "\"kty\":\"EC\",\"crv\":\"prime256v1\",\"x\":\"" RFC7515_A3_X "\",\"y\":\"" RFC7515_A3_Y
	 "\"",
	 ""},
	{"EC point off the curve",
	 "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC7515_A3_Y "\",\"y\":\"" RFC7515_A3_X "\"",
	 ""},
	{"EC without y", "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC7515_A3_X "\"", ""},
	{"EC x too short",
	 "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"" RFC7515_A3_Y "\"", ""},
	{"EC x padded",
	 "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC7515_A3_X "=\",\"y\":\"" RFC7515_A3_Y "\"",
	 ""},
	{"EC x no string", "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":1,\"y\":\"" RFC7515_A3_Y "\"",
	 ""},
	{"OKP of X25519", "\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" RFC8037_X "\"", ""},
	{"OKP of Ed448", "\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" RFC8037_X "\"", ""},
	{"OKP too short", "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"", ""},
	{"RSA without e", "\"kty\":\"RSA\",\"n\":\"" RFC7515_A2_N "\"", ""},
	{"RSA e of 1", "\"kty\":\"RSA\",\"e\":\"AQ\",\"n\":\"" RFC7515_A2_N "\"", ""},
	{"RSA e even", "\"kty\":\"RSA\",\"e\":\"AQAA\",\"n\":\"" RFC7515_A2_N "\"", ""},
	{"RSA e of 0", "\"kty\":\"RSA\",\"e\":\"AA\",\"n\":\"" RFC7515_A2_N "\"", ""},
	{"RSA e of 9 bytes", "\"kty\":\"RSA\",\"e\":\"AQAAAAAAAAAB\",\"n\":\"" RFC7515_A2_N "\"",
	 ""},
	{"RSA e of 3", "\"kty\":\"RSA\",\"e\":\"Aw\",\"n\":\"" RFC7515_A2_N "\"", "RP"},
	{"RSA e empty", "\"kty\":\"RSA\",\"e\":\"\",\"n\":\"" RFC7515_A2_N "\"", ""},
	{"RSA n not base64url", "\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"+" RFC7515_A2_N "\"", ""},
};

static const char alg_letters[JWS_ALG_COUNT] = {
	[JWS_RS256] = 'R', [JWS_PS256] = 'P', [JWS_ES256] = 'E', [JWS_EDDSA] = 'D'};

static void found_for(const struct jwks *set, struct str kid, char out[JWS_ALG_COUNT + 1])
{
	size_t len = 0;

	for (int alg = 0; alg < JWS_ALG_COUNT; alg++) {
		if (jwks_find(set, kid, (enum jws_alg)alg))
			out[len++] = alg_letters[alg];
	}
	out[len] = '\0';
}

static void test_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(key_rows); i++) {
		const struct key_row *row = &key_rows[i];
		char text[4096], got[JWS_ALG_COUNT + 1];
		struct jwks *set = NULL;

		snprintf(text, sizeof(text), SET("{\"kid\":\"k1\",%s}"), row->members);
		if (!jwks_parse(str_from(text), &set, NULL)) {
			CHECK(row->name, !"parses");
			continue;
		}
		check_i64(row->name, "count", row->algs[0] != '\0', (int64_t)jwks_count(set));
		found_for(set, STR("k1"), got);
		check_cstr(row->name, "by kid", row->algs, got);
		found_for(set, STR(""), got);
		check_cstr(row->name, "without kid", row->algs, got);
		found_for(set, STR("k"), got);
		check_cstr(row->name, "by another kid", "", got);
		jwks_unref(set);
	}
	check_done();
}

static void test_rsa_bits(void **state)
{
	static const struct {
		unsigned bits;
		bool usable;
	} sizes[] = {{1024, false}, {2040, false}, {2048, true}, {3072, true}};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		EVP_PKEY *key = sign_rsa_key(sizes[i].bits);
		struct jwks *set = NULL;
		char name[32];

		snprintf(name, sizeof(name), "%u bits", sizes[i].bits);
		buf_init(&b, SIGN_MAX);
		buf_append_cstr(&b, "{\"keys\":[{");
		sign_append_jwk(&b, key);
		buf_append_cstr(&b, "}]}");
		assert_true(jwks_parse(buf_str(&b), &set, NULL));
		check_i64(name, "usable", sizes[i].usable, (int64_t)jwks_count(set));
		jwks_unref(set);
		buf_done(&b);
		EVP_PKEY_free(key);
	}
	check_done();
}

/* Zeros in front make no key longer; a key over the bound is not tried. */
static void test_rsa_zeros(void **state)
{
	static const struct {
		const char *name;
		size_t zeros, ones;
		bool usable;
	} rows[] = {
		{"2048 bits", 0, 256, true},
		{"2048 behind a zero", 1, 256, true},
		{"2040 behind zeros", 100, 255, false},
		{"8192 bits", 0, 1024, true},
		{"8192 behind a zero", 1, 1024, true},
		{"8200 bits", 0, 1025, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned char n[2048] = {0};
		struct jwks *set = NULL;
		struct buf b;

		memset(n + rows[i].zeros, 0xff, rows[i].ones);
		buf_init(&b, SIGN_MAX);
		buf_append_cstr(&b, "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"");
		base64url_append(&b, n, rows[i].zeros + rows[i].ones);
		buf_append_cstr(&b, "\"}]}");
		assert_true(jwks_parse(buf_str(&b), &set, NULL));
		check_i64(rows[i].name, "usable", rows[i].usable, (int64_t)jwks_count(set));
		jwks_unref(set);
		buf_done(&b);
	}
	check_done();
}

/* --- Whole sets ---------------------------------------------------------------------- */

#define KEY(kid, members) "{\"kid\":\"" kid "\"," members "}"

static const struct find_row {
	const char *name, *set;
	struct str kid;
	enum jws_alg alg;
	bool found;
} find_rows[] = {
	{"by kid among several", SET(KEY("a", RSA) "," KEY("b", EC) "," KEY("c", OKP)),
	 STR_INIT("b"), JWS_ES256, true},
	{"kid of a key of another type", SET(KEY("a", RSA) "," KEY("b", EC)), STR_INIT("a"),
	 JWS_ES256, false},
	{"one kid, two types (RFC 7517, 4.5)", SET(KEY("a", RSA) "," KEY("a", EC)), STR_INIT("a"),
	 JWS_ES256, true},
	{"unknown kid", SET(KEY("a", EC)), STR_INIT("b"), JWS_ES256, false},
	{"kid as a path", SET(KEY("a", EC)), STR_INIT("../../../dev/null"), JWS_ES256,
	 false},
	{"kid as SQL", SET(KEY("a", EC)), STR_INIT("a' OR '1'='1"), JWS_ES256, false},
	{"kid with a NUL", SET(KEY("a", EC)), STR_INIT("a\0"), JWS_ES256, false},
	{"kid in other case", SET(KEY("a", EC)), STR_INIT("A"), JWS_ES256, false},
	{"no kid, one fits (OIDC Core, 10.1)", SET(KEY("a", RSA) "," KEY("b", EC)), STR_INIT(""),
	 JWS_ES256, true},
	{"no kid, two fit", SET(KEY("a", EC) "," KEY("b", EC)), STR_INIT(""), JWS_ES256, false},
	{"no kid, one of two unusable", SET(KEY("a", EC) "," KEY("b", EC ",\"use\":\"enc\"")),
	 STR_INIT(""), JWS_ES256, true},
	{"kid, keys without", SET("{" EC "}"), STR_INIT("a"), JWS_ES256, false},
	{"kid no string", SET("{\"kid\":7," EC "}"), STR_INIT("7"), JWS_ES256, false},
	{"empty set", SET(""), STR_INIT(""), JWS_ES256, false},
};

static void test_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(find_rows); i++) {
		const struct find_row *row = &find_rows[i];
		struct jwks *set = NULL;

		assert_true(jwks_parse(str_from(row->set), &set, NULL));
		check_i64(row->name, "found", row->found,
			  jwks_find(set, row->kid, row->alg) != NULL);
		jwks_unref(set);
	}
	check_done();
}

static const struct set_row {
	const char *name, *text;
	enum error_kind kind;
	size_t count;
} set_rows[] = {
	{"three", SET(KEY("a", RSA) "," KEY("b", EC) "," KEY("c", OKP)), ERR_NONE, 3},
	{"unusable ones are skipped", SET(KEY("a", EC) ",{},{\"kty\":\"x\"}"), ERR_NONE, 1},
	{"none", SET(""), ERR_NONE, 0},
	{"other members", "{\"x\":1,\"keys\":[]}", ERR_NONE, 0},
	{"empty text", "", ERR_SYNTAX, 0},
	{"no JSON", "<html>", ERR_SYNTAX, 0},
	{"no object", "[]", ERR_SYNTAX, 0},
	{"no keys", "{}", ERR_SYNTAX, 0},
	{"a bare key", "{" EC "}", ERR_SYNTAX, 0},
	{"keys no array", "{\"keys\":{}}", ERR_SYNTAX, 0},
	{"key no object", SET("1"), ERR_SYNTAX, 0},
	{"duplicate member", "{\"keys\":[],\"keys\":[]}", ERR_SYNTAX, 0},
	{"duplicate member of a key", SET("{" EC ",\"kty\":\"EC\"}"), ERR_SYNTAX, 0},
	{"more behind", SET("") "{}", ERR_SYNTAX, 0},
};

static void test_sets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(set_rows); i++) {
		struct jwks *set = NULL;
		struct error err = {0};
		bool ok = jwks_parse(str_from(set_rows[i].text), &set, &err);

		check_i64(set_rows[i].name, "parses", set_rows[i].kind == ERR_NONE, ok);
		check_i64(set_rows[i].name, "kind", set_rows[i].kind, err.kind);
		if (ok)
			check_i64(set_rows[i].name, "count", (int64_t)set_rows[i].count,
				  (int64_t)jwks_count(set));
		jwks_unref(set);
	}
	check_done();
}

static void test_limits(void **state)
{
	(void)state;
	for (int extra = 0; extra <= 1; extra++) {
		struct jwks *set = NULL;
		struct error err = {0};
		struct buf b;

		buf_init(&b, SIGN_MAX);
		buf_append_cstr(&b, "{\"keys\":[{" RSA "}");
		for (int i = 1; i < JWKS_MAX_KEYS + extra; i++)
			buf_append_cstr(&b, ",{" RSA "}");
		buf_append_cstr(&b, "]}");
		check_i64("keys", "parses", !extra, jwks_parse(buf_str(&b), &set, &err));
		check_i64("keys", "kind", extra ? ERR_LIMIT : ERR_NONE, err.kind);
		if (set)
			check_i64("keys", "count", JWKS_MAX_KEYS, (int64_t)jwks_count(set));
		jwks_unref(set);
		set = NULL;
		error_clear(&err);
		buf_clear(&b);
		buf_append_cstr(&b, SET(""));
		while (b.len < (size_t)(JWKS_MAX_BYTES + extra))
			buf_append_char(&b, ' ');
		check_i64("bytes", "parses", !extra, jwks_parse(buf_str(&b), &set, &err));
		check_i64("bytes", "kind", extra ? ERR_LIMIT : ERR_NONE, err.kind);
		jwks_unref(set);
		buf_done(&b);
	}
	check_done();
}

static void test_references(void **state)
{
	struct jwks *set = NULL;

	(void)state;
	assert_true(jwks_parse(STR(SET(KEY("a", EC))), &set, NULL));
	assert_ptr_equal(jwks_ref(set), set);
	jwks_unref(set);
	assert_non_null(jwks_find(set, STR("a"), JWS_ES256));
	jwks_unref(set);
	jwks_unref(NULL);
}

static const struct alg_row {
	const char *name;
	bool known;
	enum jws_alg alg;
} alg_rows[] = {
	{"RS256", true, JWS_RS256}, {"PS256", true, JWS_PS256}, {"ES256", true, JWS_ES256},
	{"EdDSA", true, JWS_EDDSA}, {"none", false, 0},		{"None", false, 0},
	{"HS256", false, 0},	    {"RS512", false, 0},	{"rs256", false, 0},
	{"RS256 ", false, 0},	    {"RS25", false, 0},		{"", false, 0},
	{"EDDSA", false, 0},	    {"ES256K", false, 0},
};

static void test_algs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(alg_rows); i++) {
		enum jws_alg alg = JWS_ALG_COUNT;

		check_i64(alg_rows[i].name, "known", alg_rows[i].known,
			  jws_alg_parse(str_from(alg_rows[i].name), &alg));
		check_i64(alg_rows[i].name, "alg",
			  alg_rows[i].known ? alg_rows[i].alg : JWS_ALG_COUNT, alg);
		if (alg_rows[i].known)
			check_cstr(alg_rows[i].name, "name", alg_rows[i].name, jws_alg_name(alg));
	}
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),	   cmocka_unit_test(test_rsa_bits),
		cmocka_unit_test(test_rsa_zeros),  cmocka_unit_test(test_find),
		cmocka_unit_test(test_sets),	   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_references), cmocka_unit_test(test_algs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
