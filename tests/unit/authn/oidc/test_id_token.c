/*
 * ID tokens: their signature, their kind, and every claim that counts.
 */
#include "authn/oidc/id_token.h"
#include "authn/oidc/signature.h"
#include "tests/unit/authn/jose/sign.h"
#include "tests/unit/authn/oidc/oidc_case.h"

#define NOW	     1800000000
#define NONCE	     "n-0S6_WzA2Mj"
/* OpenID Connect Core 1.0, appendix A.3 */
#define ACCESS_TOKEN "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
#define AT_HASH	     "77QmUPtjPfzWtF2AnpK9RQ"

/* --- Claims. A row's text replaces the member of that name, or leaves it out when NULL. */

static const struct claim_row {
	const char *name, *member, *value;
	const char *more;  /* further members, "" none */
	const char *words; /* "" accepted */
	int64_t max_age_s;
} claim_rows[] = {
	{"usual", "", NULL, "", "", -1},
	{"unknown claims", "", NULL, ",'https://example.com/odd':{'deep':[1,null]}", "", -1},
	{"iss wrong (rp-id_token-issuer-mismatch)", "iss", "'https://evil.example'", "",
	 "issuer is not", -1},
	{"iss with a slash", "iss", "'" ISSUER "/'", "", "issuer is not", -1},
	{"iss missing", "iss", NULL, "", "issuer is not", -1},
	{"iss a list", "iss", "['" ISSUER "']", "", "issuer is not", -1},
	{"iss empty", "iss", "''", "", "issuer is not", -1},
	{"sub missing (rp-id_token-sub)", "sub", NULL, "", "subject is missing", -1},
	{"sub empty", "sub", "''", "", "subject is not a text", -1},
	{"sub a number", "sub", "1001", "", "subject is not a text", -1},
	{"sub null", "sub", "null", "", "subject is not a text", -1},
	{"sub with a line end", "sub", "'a\\nb'", "", "control character", -1},
	{"aud wrong (rp-id_token-aud)", "aud", "'another'", "", "audience is not", -1},
	{"aud missing", "aud", NULL, "", "audience is missing", -1},
	{"aud in other case", "aud", "'Sallyport'", "", "audience is not", -1},
	{"aud array of one", "aud", "['sallyport']", "", "", -1},
	{"aud array of none", "aud", "[]", "", "audience is not", -1},
	{"aud array with a number", "aud", "['sallyport',1]", "", "neither a text", -1},
	{"aud empty", "aud", "''", "", "neither a text", -1},
	{"aud with a stranger, no azp", "aud", "['sallyport','x']", "", "no azp", -1},
	{"aud with a stranger and azp", "aud", "['sallyport','x']", ",'azp':'sallyport'", "", -1},
	{"aud twice the same, no azp", "aud", "['sallyport','sallyport']", "", "no azp", -1},
	{"aud with a stranger, azp his", "aud", "['sallyport','x']", ",'azp':'x'", "azp is not",
	 -1},
	{"azp wrong", "", NULL, ",'azp':'x'", "azp is not", -1},
	{"azp right", "", NULL, ",'azp':'sallyport'", "", -1},
	{"azp null", "", NULL, ",'azp':null", "azp is not", -1},
	{"exp missing", "exp", NULL, "", "exp is missing", -1},
	{"exp now", "exp", "1800000000", "", "", -1},
	{"exp before iat, within the leeway", "exp", "1799999999", "", "behind its expiry", -1},
	{"exp at the end of the leeway", "exp", "1799999971,'iat':1799999900", "", "", -1},
	{"exp behind the leeway", "exp", "1799999970,'iat':1799999900", "", "expired", -1},
	{"exp a text", "exp", "'1800000300'", "", "exp is missing, or no time", -1},
	{"exp null", "exp", "null", "", "exp is missing, or no time", -1},
	{"exp negative", "exp", "-1", "", "exp is missing, or no time", -1},
	{"exp 1e300", "exp", "1e300", "", "exp is missing, or no time", -1},
	{"exp 2^63", "exp", "9223372036854775808", "", "exp is missing, or no time", -1},
	{"exp behind 2038", "exp", "4102444800", "", "", -1},
	{"exp with a fraction (RFC 7519, 2)", "exp", "1800000300.5", "", "", -1},
	{"iat missing (rp-id_token-iat)", "iat", NULL, "", "iat is missing", -1},
	{"iat a text", "iat", "'1800000000'", "", "iat is missing, or no time", -1},
	{"iat within the leeway", "iat", "1800000030", "", "", -1},
	{"iat in the future", "iat", "1800000031", "", "issued in the future", -1},
	{"nbf past", "", NULL, ",'nbf':1799999999", "", -1},
	{"nbf within the leeway", "", NULL, ",'nbf':1800000030", "", -1},
	{"nbf ahead", "", NULL, ",'nbf':1800000031", "not valid yet", -1},
	{"nbf a text", "", NULL, ",'nbf':'0'", "nbf is no time", -1},
	{"nonce missing", "nonce", NULL, "", "nonce is missing", -1},
	{"nonce wrong (rp-nonce-invalid)", "nonce", "'n-0S6_WzA2Mk'", "", "another login", -1},
	{"nonce longer", "nonce", "'" NONCE "x'", "", "another login", -1},
	{"nonce empty", "nonce", "''", "", "another login", -1},
	{"nonce a list", "nonce", "['" NONCE "']", "", "nonce is missing", -1},
	{"at_hash right", "", NULL, ",'at_hash':'" AT_HASH "'", "", -1},
	{"at_hash wrong (rp-id_token-bad-at_hash)", "", NULL, ",'at_hash':'77QmUPtjPfzWtF2AnpK9RR'",
	 "at_hash does not fit", -1},
	{"at_hash empty", "", NULL, ",'at_hash':''", "at_hash does not fit", -1},
	{"at_hash null", "", NULL, ",'at_hash':null", "at_hash does not fit", -1},
	{"auth_time not asked for", "", NULL, ",'auth_time':1", "", -1},
	{"auth_time a text", "", NULL, ",'auth_time':'1'", "auth_time is missing, or no time", -1},
	{"auth_time in the future", "", NULL, ",'auth_time':1800000031", "in the future", -1},
	{"max_age, auth_time missing", "", NULL, "", "auth_time is missing", 600},
	{"max_age, fresh", "", NULL, ",'auth_time':1799999990", "", 600},
	/* asked at NOW - 100 */
	{"max_age, just fresh enough", "", NULL, ",'auth_time':1799999270", "", 600},
	{"max_age, too old", "", NULL, ",'auth_time':1799999269", "older than max_age", 600},
	{"max_age 0, signed in anew", "", NULL, ",'auth_time':1799999950", "", 0},
	{"max_age 0, the old sign-in", "", NULL, ",'auth_time':1799999800", "older than max_age",
	 0},
	{"acr missing though asked for: the policy judges", "", NULL, ",'acr':'low'", "", -1},
};

static void append_claim(struct buf *b, const struct claim_row *row, const char *member,
			 const char *value)
{
	if (strcmp(row->member, member) == 0)
		value = row->value;
	if (value)
		buf_appendf(b, "%s'%s':%s", b->len > 1 ? "," : "", member, value);
}

static const char *claims_of(const struct claim_row *row)
{
	static char text[8192];
	struct buf b;

	buf_init(&b, sizeof(text) - 1);
	buf_append_char(&b, '{');
	append_claim(&b, row, "iss", "'" ISSUER "'");
	append_claim(&b, row, "sub", "'u1'");
	append_claim(&b, row, "aud", "'sallyport'");
	append_claim(&b, row, "exp", "1800000300");
	if (!strstr(b.ptr, "'iat'"))
		append_claim(&b, row, "iat", "1800000000");
	append_claim(&b, row, "nonce", "'" NONCE "'");
	buf_appendf(&b, "%s}", row->more);
	assert_false(buf_failed(&b));
	assert_true(str_copy(text, sizeof(text), buf_str(&b)));
	buf_done(&b);
	return text;
}

static struct id_token_terms usual_terms(const struct provider_config *config)
{
	struct id_token_terms terms = {
		.config = config,
		.nonce = STR(NONCE),
		.access_token = STR(ACCESS_TOKEN),
		.now_s = NOW,
		.asked_s = NOW - 100,
		.max_age_s = -1,
	};

	return terms;
}

static void test_claims(void **state)
{
	struct provider_config config = case_config();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(claim_rows); i++) {
		const struct claim_row *row = &claim_rows[i];
		struct json_doc *doc = parsed(claims_of(row));
		struct jwt token = {.alg = JWS_RS256, .claims = json_root(doc)};
		struct id_token_terms terms = usual_terms(&config);
		struct error err = {0};

		terms.max_age_s = row->max_age_s;
		check_i64(row->name, "accepted", row->words[0] == '\0',
			  id_token_check(&token, &terms, &err));
		check_i64(row->name, "kind", row->words[0] ? ERR_DENIED : ERR_NONE, err.kind);
		check_contains(row->name, row->words, err.text);
		CHECK(row->name, !strstr(err.text, NONCE));
		json_doc_free(doc);
	}
	check_done();
}

static void test_long_subject(void **state)
{
	static const struct {
		int len;
		bool ok;
	} rows[] = {{255, true}, {256, false}};
	struct provider_config config = case_config();
	struct id_token_terms terms = usual_terms(&config);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct claim_row row = {.member = "sub", .more = ""};
		char sub[300];
		struct json_doc *doc;
		struct jwt token = {.alg = JWS_RS256};

		memset(sub, 'a', sizeof(sub));
		sub[0] = sub[rows[i].len + 1] = '\'';
		sub[rows[i].len + 2] = '\0';
		row.value = sub;
		doc = parsed(claims_of(&row));
		token.claims = json_root(doc);
		check_i64("sub (Core, 2)", "accepted", rows[i].ok,
			  id_token_check(&token, &terms, NULL));
		json_doc_free(doc);
	}
	check_done();
}

static void test_no_nonce_equals_none(void **state)
{
	struct provider_config config = case_config();
	struct id_token_terms terms = usual_terms(&config);
	struct claim_row row = {.member = "nonce", .value = "''", .more = ""};
	struct json_doc *doc = parsed(claims_of(&row));
	struct jwt token = {.alg = JWS_RS256, .claims = json_root(doc)};

	(void)state;
	terms.nonce = STR("");
	assert_false(id_token_check(&token, &terms, NULL));
	json_doc_free(doc);
}

static const struct {
	const char *typ;
	bool ok;
} type_rows[] = {
	{"", true},
	{"JWT", true},
	{"jwt", true},
	{"at+jwt", false},
	{"AT+JWT", false},
	{"logout+jwt", false},
	{"application/logout+jwt", false},
	{"+jwt", false},
};

static void test_types(void **state)
{
	struct provider_config config = case_config();
	struct id_token_terms terms = usual_terms(&config);
	struct json_doc *doc = parsed(claims_of(&claim_rows[0]));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(type_rows); i++) {
		struct jwt token = {.alg = JWS_RS256,
				    .claims = json_root(doc),
				    .typ = str_from(type_rows[i].typ)};

		check_i64(type_rows[i].typ, "accepted", type_rows[i].ok,
			  id_token_check(&token, &terms, NULL));
	}
	json_doc_free(doc);
	check_done();
}

/* --- Signatures */

enum { ALL = 1 << JWS_RS256 | 1 << JWS_PS256 | 1 << JWS_ES256 | 1 << JWS_EDDSA };

/* Key sets by letter: e an EC key "e1", f another "f1", r an RSA key "r1". */
static EVP_PKEY *ec, *ec2, *rsa;

static const struct signature_row {
	const char *name, *keys, *header;
	char key;
	enum sign_how how;
	unsigned algorithms;
	enum signature_verdict verdict;
} signature_rows[] = {
	{"ES256", "e", "{'alg':'ES256','kid':'e1'}", 'e', SIGN_ES256, ALL, SIGNATURE_HOLDS},
	{"RS256 (rp-id_token-sig-rs256)", "er", "{'alg':'RS256','kid':'r1'}", 'r', SIGN_RS256, ALL,
	 SIGNATURE_HOLDS},
	{"PS256", "er", "{'alg':'PS256','kid':'r1'}", 'r', SIGN_PS256, ALL, SIGNATURE_HOLDS},
	{"algorithm not accepted", "er", "{'alg':'RS256','kid':'r1'}", 'r', SIGN_RS256,
	 1 << JWS_ES256, SIGNATURE_BROKEN},
	{"header says PS256, signed RS256", "r", "{'alg':'PS256','kid':'r1'}", 'r', SIGN_RS256, ALL,
	 SIGNATURE_BROKEN},
	{"other key under a known kid", "e", "{'alg':'ES256','kid':'e1'}", 'f', SIGN_ES256, ALL,
	 SIGNATURE_BROKEN},
	{"unknown kid", "e", "{'alg':'ES256','kid':'f1'}", 'f', SIGN_ES256, ALL,
	 SIGNATURE_UNKNOWN_KEY},
	{"kid of a key of another type", "er", "{'alg':'ES256','kid':'r1'}", 'e', SIGN_ES256, ALL,
	 SIGNATURE_UNKNOWN_KEY},
	{"kid a path", "e", "{'alg':'ES256','kid':'../../dev/null'}", 'f', SIGN_ES256, ALL,
	 SIGNATURE_UNKNOWN_KEY},
	{"key in the header", "e",
	 "{'alg':'ES256','kid':'x','jku':'https://evil/',"
	 "'jwk':{'kty':'EC'}}",
	 'f', SIGN_ES256, ALL, SIGNATURE_UNKNOWN_KEY},
	{"no kid, one key (rp-id_token-kid-absent-single-jwks)", "er", "{'alg':'RS256'}", 'r',
	 SIGN_RS256, ALL, SIGNATURE_HOLDS},
	{"no kid, several (rp-id_token-kid-absent-multiple-jwks)", "ef", "{'alg':'ES256'}", 'e',
	 SIGN_ES256, ALL, SIGNATURE_UNKNOWN_KEY},
	{"no kid, rotated", "e", "{'alg':'ES256'}", 'f', SIGN_ES256, ALL, SIGNATURE_UNKNOWN_KEY},
};

static EVP_PKEY *key_of(char letter)
{
	return letter == 'e' ? ec : letter == 'f' ? ec2 : rsa;
}

static struct jwks *key_set(const char *letters)
{
	struct jwks *set = NULL;
	struct buf b;

	buf_init(&b, 65536);
	buf_append_cstr(&b, "{\"keys\":[");
	for (const char *c = letters; *c; c++) {
		buf_appendf(&b, "%s{\"kid\":\"%c1\",", c == letters ? "" : ",", *c);
		sign_append_jwk(&b, key_of(*c));
		buf_append_char(&b, '}');
	}
	buf_append_cstr(&b, "]}");
	assert_true(jwks_parse(buf_str(&b), &set, NULL));
	buf_done(&b);
	return set;
}

static void test_signatures(void **state)
{
	(void)state;
	ec = sign_ec_key("P-256");
	ec2 = sign_ec_key("P-256");
	rsa = sign_rsa_key(2048);
	for (size_t i = 0; i < ARRAY_LEN(signature_rows); i++) {
		const struct signature_row *row = &signature_rows[i];
		struct jwks *set = key_set(row->keys);
		struct error err = {0};
		struct jwt t = {0};
		struct buf b;

		sign_token(&b, quoted(row->header), "{\"sub\":\"u1\"}", key_of(row->key), row->how);
		assert_true(jwt_decode(buf_str(&b), &t, NULL));
		check_i64(row->name, "verdict", row->verdict,
			  signature_check(&t, row->algorithms, set, &err));
		check_i64(row->name, "kind",
			  row->verdict == SIGNATURE_HOLDS ? ERR_NONE : ERR_DENIED, err.kind);
		jwt_done(&t);
		buf_done(&b);
		jwks_unref(set);
	}
	EVP_PKEY_free(ec);
	EVP_PKEY_free(ec2);
	EVP_PKEY_free(rsa);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_long_subject),
		cmocka_unit_test(test_no_nonce_equals_none),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_signatures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
