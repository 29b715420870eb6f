/*
 * Tokens (RFC 7519): the structure that is taken, and the signatures that hold.
 */
#include "authn/jose/jwt.h"
#include "tests/unit/authn/jose/sign.h"

#define CLAIMS "{\"sub\":\"u1\"}"

/* base64url of {"alg":"ES256"}, of {"sub":"u1"}, and three bytes for a signature */
#define H "eyJhbGciOiJFUzI1NiJ9"
#define P "eyJzdWIiOiJ1MSJ9"
#define S "AAAA"

/* --- Structure ----------------------------------------------------------------------- */

static const struct shape_row {
	const char *name;
	struct str token;
	enum error_kind kind;
} shape_rows[] = {
	{"three parts", STR_INIT(H "." P "." S), ERR_NONE},
	{"empty", STR_INIT(""), ERR_SYNTAX},
	{"one part", STR_INIT(H), ERR_SYNTAX},
	{"two parts", STR_INIT(H "." P), ERR_SYNTAX},
	{"no signature", STR_INIT(H "." P "."), ERR_SYNTAX},
	{"no claims", STR_INIT(H ".." S), ERR_SYNTAX},
	{"no header", STR_INIT("." P "." S), ERR_SYNTAX},
	{"four parts", STR_INIT(H "." P "." S "." S), ERR_SYNTAX},
	{"four, the last empty", STR_INIT(H "." P "." S "."), ERR_SYNTAX},
	{"five parts (JWE)", STR_INIT(H "." P "." S "." S "." S), ERR_SYNTAX},
	{"dots", STR_INIT(".."), ERR_SYNTAX},
	{"padded header", STR_INIT(H "=." P "." S), ERR_SYNTAX},
	{"padded claims", STR_INIT(H "." P "==." S), ERR_SYNTAX},
	{"padded signature", STR_INIT(H "." P ".AAA="), ERR_SYNTAX},
	{"base64 of the other alphabet", STR_INIT(H "." P ".A+/A"), ERR_SYNTAX},
	{"signature of a length that cannot be", STR_INIT(H "." P ".AAAAA"), ERR_SYNTAX},
	{"signature with bits behind its end", STR_INIT(H "." P ".AB"), ERR_SYNTAX},
	{"space in front", STR_INIT(" " H "." P "." S), ERR_SYNTAX},
	{"line end behind", STR_INIT(H "." P "." S "\n"), ERR_SYNTAX},
	{"NUL behind", STR_INIT(H "." P "." S "\0"), ERR_SYNTAX},
	{"NUL inside", STR_INIT(H "." P "\0." S), ERR_SYNTAX},
	{"beyond ASCII", STR_INIT(H "." P ".AA\xc3\xbc"), ERR_SYNTAX},
	{"header no JSON", STR_INIT(S "." P "." S), ERR_SYNTAX},
	{"claims no JSON", STR_INIT(H "." S "." S), ERR_SYNTAX},
};

static void test_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shape_rows); i++) {
		struct error err = {0};
		struct jwt t = {0};

		check_i64(shape_rows[i].name, "decodes", shape_rows[i].kind == ERR_NONE,
			  jwt_decode(shape_rows[i].token, &t, &err));
		check_i64(shape_rows[i].name, "kind", shape_rows[i].kind, err.kind);
		jwt_done(&t);
	}
	check_done();
}

/* --- Header and claims --------------------------------------------------------------- */

#define K256                                                               \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct content_row {
	const char *name, *header, *claims;
	enum error_kind kind;
	const char *kid, *typ;
} content_rows[] = {
	{"least", "{\"alg\":\"ES256\"}", CLAIMS, ERR_NONE, "", ""},
	{"kid and typ", "{\"typ\":\"at+jwt\",\"alg\":\"EdDSA\",\"kid\":\"k1\"}", CLAIMS, ERR_NONE,
	 "k1", "at+jwt"},
	{"none", "{\"alg\":\"none\"}", CLAIMS, ERR_DENIED, NULL, NULL},
	{"None", "{\"alg\":\"None\"}", CLAIMS, ERR_DENIED, NULL, NULL},
	{"HS256", "{\"alg\":\"HS256\"}", CLAIMS, ERR_DENIED, NULL, NULL},
	{"RS512", "{\"alg\":\"RS512\"}", CLAIMS, ERR_DENIED, NULL, NULL},
	{"alg in other case", "{\"alg\":\"es256\"}", CLAIMS, ERR_DENIED, NULL, NULL},
	{"alg with a space", "{\"alg\":\"ES256 \"}", CLAIMS, ERR_DENIED, NULL, NULL},
	{"alg missing", "{\"kid\":\"k1\"}", CLAIMS, ERR_SYNTAX, NULL, NULL},
	{"alg empty", "{\"alg\":\"\"}", CLAIMS, ERR_SYNTAX, NULL, NULL},
	{"alg null", "{\"alg\":null}", CLAIMS, ERR_SYNTAX, NULL, NULL},
	{"alg a list", "{\"alg\":[\"ES256\"]}", CLAIMS, ERR_SYNTAX, NULL, NULL},
	{"alg twice", "{\"alg\":\"ES256\",\"alg\":\"none\"}", CLAIMS, ERR_SYNTAX, NULL, NULL},
	{"kid twice", "{\"alg\":\"ES256\",\"kid\":\"a\",\"kid\":\"b\"}", CLAIMS, ERR_SYNTAX, NULL,
	 NULL},
	{"alg spelled with an escape", "{\"\\u0061lg\":\"ES256\"}", CLAIMS, ERR_NONE, "", ""},
	{"alg twice, once escaped", "{\"alg\":\"ES256\",\"\\u0061lg\":\"none\"}", CLAIMS,
	 ERR_SYNTAX, NULL, NULL},
	{"alg with a NUL", "{\"alg\":\"ES256\\u0000\"}", CLAIMS, ERR_SYNTAX, NULL, NULL},
	{"Alg", "{\"Alg\":\"ES256\"}", CLAIMS, ERR_SYNTAX, NULL, NULL},
	{"crit (RFC 7515, 4.1.11)", "{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}", CLAIMS,
	 ERR_DENIED, NULL, NULL},
	{"crit empty", "{\"alg\":\"ES256\",\"crit\":[]}", CLAIMS, ERR_DENIED, NULL, NULL},
	{"crit null", "{\"alg\":\"ES256\",\"crit\":null}", CLAIMS, ERR_DENIED, NULL, NULL},
	{"b64 (RFC 7797)", "{\"alg\":\"ES256\",\"b64\":false,\"crit\":[\"b64\"]}", CLAIMS,
	 ERR_DENIED, NULL, NULL},
	{"kid as a path", "{\"alg\":\"ES256\",\"kid\":\"../../../dev/null\"}", CLAIMS,
	 ERR_NONE, "../../../dev/null", ""},
	{"kid of 256", "{\"alg\":\"ES256\",\"kid\":\"" K256 "\"}", CLAIMS, ERR_NONE, K256, ""},
	{"kid of 257", "{\"alg\":\"ES256\",\"kid\":\"" K256 "x\"}", CLAIMS, ERR_LIMIT, NULL, NULL},
	{"kid no string", "{\"alg\":\"ES256\",\"kid\":1}", CLAIMS, ERR_SYNTAX, NULL, NULL},
	{"kid null", "{\"alg\":\"ES256\",\"kid\":null}", CLAIMS, ERR_SYNTAX, NULL, NULL},
	{"typ no string", "{\"alg\":\"ES256\",\"typ\":{}}", CLAIMS, ERR_SYNTAX, NULL, NULL},
	{"header array", "[\"alg\"]", CLAIMS, ERR_SYNTAX, NULL, NULL},
	{"header empty object", "{}", CLAIMS, ERR_SYNTAX, NULL, NULL},
	{"claims empty object", "{\"alg\":\"ES256\"}", "{}", ERR_NONE, "", ""},
	{"claims array", "{\"alg\":\"ES256\"}", "[]", ERR_SYNTAX, NULL, NULL},
	{"claims string", "{\"alg\":\"ES256\"}", "\"x\"", ERR_SYNTAX, NULL, NULL},
	{"claims twice", "{\"alg\":\"ES256\"}", "{\"sub\":\"a\",\"sub\":\"b\"}", ERR_SYNTAX, NULL,
	 NULL},
	{"claims with more behind", "{\"alg\":\"ES256\"}", "{}{}", ERR_SYNTAX, NULL, NULL},
	{"claims of bad UTF-8", "{\"alg\":\"ES256\"}", "{\"sub\":\"\xff\"}", ERR_SYNTAX, NULL,
	 NULL},
};

static void test_content(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(content_rows); i++) {
		const struct content_row *row = &content_rows[i];
		struct error err = {0};
		struct jwt t = {0};
		struct buf b;

		buf_init(&b, SIGN_MAX);
		base64url_append(&b, row->header, strlen(row->header));
		buf_append_char(&b, '.');
		base64url_append(&b, row->claims, strlen(row->claims));
		buf_append_cstr(&b, "." S);
		check_i64(row->name, "decodes", row->kind == ERR_NONE,
			  jwt_decode(buf_str(&b), &t, &err));
		check_i64(row->name, "kind", row->kind, err.kind);
		if (t.claims) {
			check_str(row->name, "kid", str_from(row->kid), t.kid);
			check_str(row->name, "typ", str_from(row->typ), t.typ);
			CHECK(row->name, json_is(t.claims, JSON_OBJECT));
			check_str(row->name, "compact", buf_str(&b), t.compact);
		}
		jwt_done(&t);
		buf_done(&b);
	}
	check_done();
}

/* The whole token at the bound; and a kid of 64 KB, which is over it. */
static void test_size(void **state)
{
	static char token[70000];

	(void)state;
	for (int extra = 0; extra <= 1; extra++) {
		struct error err = {0};
		struct jwt t = {0};
		size_t len = JWT_MAX_BYTES + (size_t)extra;

		memset(token, 'A', sizeof(token));
		memcpy(token, H "." P ".", strlen(H "." P "."));
		if ((len - strlen(H "." P ".")) % 4 == 1) /* no length of base64 */
			memcpy(token, H "." P "AA.", strlen(H "." P "AA."));
		check_i64("size", "kind is LIMIT", extra,
			  !jwt_decode(str_from_len(token, len), &t, &err) && err.kind == ERR_LIMIT);
		jwt_done(&t);
	}
	for (size_t len = 60000; len <= sizeof(token); len += 5000) {
		struct error err = {0};
		struct jwt t = {0};

		assert_false(jwt_decode(str_from_len(token, len), &t, &err));
		check_i64("size", "kind", ERR_LIMIT, err.kind);
	}
	check_done();
}

/* --- Signatures ---------------------------------------------------------------------- */

#define SET(members) "{\"keys\":[{" members "}]}"

/* Decode, find the key as a caller would, verify. */
static bool holds(struct str token, struct str keys, struct error *err)
{
	struct jwks *set = NULL;
	const struct jwk *key;
	struct jwt t = {0};
	bool ok;

	assert_true(jwks_parse(keys, &set, NULL));
	ok = jwt_decode(token, &t, err);
	if (ok) {
		key = jwks_find(set, t.kid, t.alg);
		ok = key ? jwt_verify(&t, key, err) : error_set(err, ERR_NOT_FOUND, "no such key");
	}
	jwt_done(&t);
	jwks_unref(set);
	return ok;
}

static const struct vector_row {
	const char *name, *token, *keys;
	enum error_kind kind;
} vector_rows[] = {
	{"RS256 (RFC 7515, A.2)", RFC7515_A2_TOKEN, SET(RFC7515_A2_JWK), ERR_NONE},
	{"RS256, key pinned", RFC7515_A2_TOKEN, SET(RFC7515_A2_JWK ",\"alg\":\"RS256\""), ERR_NONE},
	{"RS256, key pinned to PS256", RFC7515_A2_TOKEN, SET(RFC7515_A2_JWK ",\"alg\":\"PS256\""),
	 ERR_NOT_FOUND},
	{"RS256, key for encryption", RFC7515_A2_TOKEN, SET(RFC7515_A2_JWK ",\"use\":\"enc\""),
	 ERR_NOT_FOUND},
	{"ES256 (RFC 7515, A.3)", RFC7515_A3_TOKEN, SET(RFC7515_A3_JWK), ERR_NONE},
	{"ES256, RSA key", RFC7515_A3_TOKEN, SET(RFC7515_A2_JWK), ERR_NOT_FOUND},
	/* A.1 is signed with HMAC, A.5 not at all. */
	{"HS256 (RFC 7515, A.1)",
	 "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC7515_PAYLOAD
	 ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
	 SET("\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
	     "1qS0gZH75aKtMN3Yj0"
	     "iPS4hcgUuTwjAzZr1Z9CAow\""),
	 ERR_DENIED},
	{"none (RFC 7515, A.5)", "eyJhbGciOiJub25lIn0." RFC7515_PAYLOAD ".", SET(RFC7515_A2_JWK),
	 ERR_SYNTAX},
	{"none with a signature", "eyJhbGciOiJub25lIn0." RFC7515_PAYLOAD ".AAAA",
	 SET(RFC7515_A2_JWK), ERR_DENIED},
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vector_rows); i++) {
		struct error err = {0};

		check_i64(vector_rows[i].name, "holds", vector_rows[i].kind == ERR_NONE,
			  holds(str_from(vector_rows[i].token), str_from(vector_rows[i].keys),
				&err));
		check_i64(vector_rows[i].name, "kind", vector_rows[i].kind, err.kind);
	}
	check_done();
}

/*
 * RFC 8037, A.4 signs a text that is no JSON, so it is no JWT. It shows that the signer of
 * these tests is right; a token by that signer shows that the verifier is.
 */
static void test_eddsa(void **state)
{
	EVP_PKEY *key = sign_ed25519_key(RFC8037_D);
	struct error err = {0};
	struct buf b;

	(void)state;
	sign_token(&b, "{\"alg\":\"EdDSA\"}", "Example of Ed25519 signing", key, SIGN_EDDSA);
	check_str("RFC 8037, A.4", "token",
		  STR("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
		      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvp"
		      "Ar_MuM0KAg"),
		  buf_str(&b));
	CHECK("no JSON", !holds(buf_str(&b), STR(SET(RFC8037_JWK)), &err));
	check_i64("no JSON", "kind", ERR_SYNTAX, err.kind);
	buf_done(&b);
	sign_token(&b, "{\"alg\":\"EdDSA\"}", CLAIMS, key, SIGN_EDDSA);
	CHECK("EdDSA", holds(buf_str(&b), STR(SET(RFC8037_JWK)), NULL));
	buf_done(&b);
	EVP_PKEY_free(key);
	check_done();
}

/* A key of its own for RSA and for EC, and the set of both. */
struct fixture {
	EVP_PKEY *rsa, *ec, *other_ec;
	struct buf keys;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->rsa = sign_rsa_key(2048);
	f->ec = sign_ec_key("P-256");
	f->other_ec = sign_ec_key("P-256");
	buf_init(&f->keys, SIGN_MAX);
	buf_append_cstr(&f->keys, "{\"keys\":[{\"kid\":\"r\",");
	sign_append_jwk(&f->keys, f->rsa);
	buf_append_cstr(&f->keys, "},{\"kid\":\"e\",");
	sign_append_jwk(&f->keys, f->ec);
	buf_append_cstr(&f->keys, "}]}");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	EVP_PKEY_free(f->rsa);
	EVP_PKEY_free(f->ec);
	EVP_PKEY_free(f->other_ec);
	buf_done(&f->keys);
	free(f);
	return 0;
}

static const struct signed_row {
	const char *name, *header;
	char key; /* r, e, or o: another EC key */
	enum sign_how how;
	enum error_kind kind;
} signed_rows[] = {
	{"RS256", "{\"alg\":\"RS256\",\"kid\":\"r\"}", 'r', SIGN_RS256, ERR_NONE},
	{"PS256", "{\"alg\":\"PS256\",\"kid\":\"r\"}", 'r', SIGN_PS256, ERR_NONE},
	{"ES256", "{\"alg\":\"ES256\",\"kid\":\"e\"}", 'e', SIGN_ES256, ERR_NONE},
	{"ES256, no kid, one fits", "{\"alg\":\"ES256\"}", 'e', SIGN_ES256, ERR_NONE},
	{"says RS256, signed PS256", "{\"alg\":\"RS256\",\"kid\":\"r\"}", 'r', SIGN_PS256,
	 ERR_DENIED},
	{"says PS256, signed RS256", "{\"alg\":\"PS256\",\"kid\":\"r\"}", 'r', SIGN_RS256,
	 ERR_DENIED},
	{"says RS256, signed RS512", "{\"alg\":\"RS256\",\"kid\":\"r\"}", 'r', SIGN_RS512,
	 ERR_DENIED},
	{"RS512", "{\"alg\":\"RS512\",\"kid\":\"r\"}", 'r', SIGN_RS512, ERR_DENIED},
	{"says RS256, signed ES256", "{\"alg\":\"RS256\",\"kid\":\"r\"}", 'e', SIGN_ES256,
	 ERR_DENIED},
	{"kid of the other type", "{\"alg\":\"ES256\",\"kid\":\"r\"}", 'e', SIGN_ES256,
	 ERR_NOT_FOUND},
	{"another key", "{\"alg\":\"ES256\",\"kid\":\"e\"}", 'o', SIGN_ES256, ERR_DENIED},
	{"unknown kid", "{\"alg\":\"ES256\",\"kid\":\"x\"}", 'e', SIGN_ES256, ERR_NOT_FOUND},
	{"jku is not followed", "{\"alg\":\"ES256\",\"kid\":\"e\",\"jku\":\"http://127.0.0.1:1/\"}",
	 'o', SIGN_ES256, ERR_DENIED},
	{"x5u is not followed", "{\"alg\":\"ES256\",\"kid\":\"e\",\"x5u\":\"http://127.0.0.1:1/\"}",
	 'o', SIGN_ES256, ERR_DENIED},
	{"harmless jku", "{\"alg\":\"ES256\",\"kid\":\"e\",\"jku\":\"http://127.0.0.1:1/\"}", 'e',
	 SIGN_ES256, ERR_NONE},
};

static EVP_PKEY *key_of(const struct fixture *f, char letter)
{
	return letter == 'r' ? f->rsa : letter == 'e' ? f->ec : f->other_ec;
}

static void test_signed(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(signed_rows); i++) {
		const struct signed_row *row = &signed_rows[i];
		struct error err = {0};
		struct buf b;

		sign_token(&b, row->header, CLAIMS, key_of(f, row->key), row->how);
		check_i64(row->name, "holds", row->kind == ERR_NONE,
			  holds(buf_str(&b), buf_str(&f->keys), &err));
		check_i64(row->name, "kind", row->kind, err.kind);
		buf_done(&b);
	}
	check_done();
}

/* Row 62: a token that brings its own key, which verifies it. */
static void test_embedded_key(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};
	struct buf header, b;

	buf_init(&header, SIGN_MAX);
	buf_append_cstr(&header, "{\"alg\":\"ES256\",\"kid\":\"e\",\"jwk\":{");
	sign_append_jwk(&header, f->other_ec);
	buf_append_cstr(&header, "}}");
	sign_token(&b, header.ptr, CLAIMS, f->other_ec, SIGN_ES256);
	CHECK("embedded key", !holds(buf_str(&b), buf_str(&f->keys), &err));
	check_i64("embedded key", "kind", ERR_DENIED, err.kind);
	buf_done(&b);
	buf_done(&header);
	check_done();
}

/* Row 61: the public key, which everybody has, as the secret of an HMAC. */
static void test_public_key_as_secret(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"HS256\",\"kid\":\"r\"}",
		"{\"alg\":\"RS256\",\"kid\":\"r\"}",
	};
	struct fixture *f = *state;
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;
	long len;

	assert_non_null(bio);
	assert_int_equal(PEM_write_bio_PUBKEY(bio, f->rsa), 1);
	len = BIO_get_mem_data(bio, &pem);
	assert_true(len > 0);
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		struct error err = {0};
		struct buf b;

		sign_token_hmac(&b, headers[i], CLAIMS, str_from_len(pem, (size_t)len));
		CHECK(headers[i], !holds(buf_str(&b), buf_str(&f->keys), &err));
		check_i64(headers[i], "kind", ERR_DENIED, err.kind);
		buf_done(&b);
	}
	BIO_free(bio);
	check_done();
}

/* The key decides: one found for another algorithm than the token's verifies nothing. */
static void test_key_of_another_alg(void **state)
{
	struct fixture *f = *state;
	struct jwks *set = NULL;
	struct error err = {0};
	struct jwt t = {0};
	struct buf b;

	assert_true(jwks_parse(buf_str(&f->keys), &set, NULL));
	sign_token(&b, "{\"alg\":\"PS256\",\"kid\":\"r\"}", CLAIMS, f->rsa, SIGN_PS256);
	assert_true(jwt_decode(buf_str(&b), &t, NULL));
	assert_true(jwt_verify(&t, jwks_find(set, STR("r"), JWS_PS256), NULL));
	assert_false(jwt_verify(&t, jwks_find(set, STR("r"), JWS_RS256), &err));
	assert_int_equal(err.kind, ERR_DENIED);
	t.alg = JWS_RS256; /* even if the token lied about it to us */
	assert_false(jwt_verify(&t, jwks_find(set, STR("r"), JWS_RS256), NULL));
	jwt_done(&t);
	jwks_unref(set);
	buf_done(&b);
}

/* Times are the caller's to judge: exp in the past and nbf in the future verify here. */
static void test_times_are_not_judged(void **state)
{
	struct fixture *f = *state;
	struct buf b;

	sign_token(&b, "{\"alg\":\"ES256\",\"kid\":\"e\"}", "{\"exp\":1,\"nbf\":9999999999}", f->ec,
		   SIGN_ES256);
	assert_true(holds(buf_str(&b), buf_str(&f->keys), NULL));
	buf_done(&b);
}

/* Any other character in any place, and the token does not hold. */
static void test_every_character_counts(void **state)
{
	struct fixture *f = *state;
	struct buf b;

	sign_token(&b, "{\"alg\":\"ES256\",\"kid\":\"e\"}", CLAIMS, f->ec, SIGN_ES256);
	for (size_t i = 0; i < b.len; i++) {
		char before = b.ptr[i];

		b.ptr[i] = before == 'A' ? 'B' : 'A';
		if (holds(buf_str(&b), buf_str(&f->keys), NULL))
			fail_msg("holds with character %zu changed", i);
		b.ptr[i] = before;
	}
	assert_true(holds(buf_str(&b), buf_str(&f->keys), NULL));
	buf_done(&b);
}

/* r and s of 0, or of the wrong size, which some verifiers took for a signature. */
static void test_blank_signatures(void **state)
{
	static const size_t sizes[] = {1, 32, 63, 64, 65, 72, 96, 128};
	static const unsigned char zeros[128];
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct error err = {0};
		struct buf b;

		buf_init(&b, SIGN_MAX);
		buf_append_cstr(&b, H "." P ".");
		base64url_append(&b, zeros, sizes[i]);
		CHECK("blank signature", !holds(buf_str(&b), buf_str(&f->keys), &err));
		check_i64("blank signature", "kind", ERR_DENIED, err.kind);
		buf_done(&b);
	}
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_eddsa),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_embedded_key),
		cmocka_unit_test(test_public_key_as_secret),
		cmocka_unit_test(test_key_of_another_alg),
		cmocka_unit_test(test_times_are_not_judged),
		cmocka_unit_test(test_every_character_counts),
		cmocka_unit_test(test_blank_signatures),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
