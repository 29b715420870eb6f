/*
 * Authorization requests, and the proof keys in them.
 */
#include "authn/oidc/pkce.h"
#include "authn/oidc/request.h"
#include "tests/unit/authn/oidc/oidc_case.h"

#define COMMON                                                                        \
	"response_type=code&client_id=sallyport&scope=openid%20profile%20email"       \
	"&redirect_uri=https%3A%2F%2Fwiki.example.com%3A8443%2F.sallyport%2Fcallback" \
	"&state=st&nonce=no%26nce&code_challenge=ch&code_challenge_method=S256"

static const struct row {
	const char *name, *endpoint;
	int64_t max_age_s;
	const char *acr_values;
	bool prompt_login;
	const char *url;
} rows[] = {
	{"usual", ISSUER "/authorize", -1, "", false, ISSUER "/authorize?" COMMON},
	{"a query of its own", ISSUER "/a?tenant=7", -1, "", false, ISSUER "/a?tenant=7&" COMMON},
	{"an empty query", ISSUER "/a?", -1, "", false, ISSUER "/a?" COMMON},
	{"max_age", ISSUER "/a", 3600, "", false, ISSUER "/a?" COMMON "&max_age=3600"},
	{"max_age 0", ISSUER "/a", 0, "", false, ISSUER "/a?" COMMON "&max_age=0"},
	{"acr_values", ISSUER "/a", -1, "urn:mfa hwk", false,
	 ISSUER "/a?" COMMON "&acr_values=urn%3Amfa%20hwk"},
	{"prompt", ISSUER "/a", -1, "", true, ISSUER "/a?" COMMON "&prompt=login"},
};

static void test_url(void **state)
{
	struct provider_config config = case_config();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct metadata m = {.authorization_endpoint = str_from(rows[i].endpoint)};
		struct auth_request request = {
			.origin = STR("https://wiki.example.com:8443"),
			.state = STR("st"),
			.nonce = STR("no&nce"),
			.challenge = STR("ch"),
			.max_age_s = rows[i].max_age_s,
			.acr_values = str_from(rows[i].acr_values),
			.prompt_login = rows[i].prompt_login,
		};
		struct buf b;

		buf_init(&b, 4096);
		auth_request_append(&b, &config, &m, &request);
		CHECK(rows[i].name, !buf_failed(&b));
		check_cstr(rows[i].name, "url", rows[i].url, b.ptr);
		buf_done(&b);
	}
	check_done();
}

static void test_overflow_shows(void **state)
{
	struct provider_config config = case_config();
	struct metadata m = {.authorization_endpoint = STR(ISSUER "/a")};
	struct auth_request request = {.origin = STR("https://h"), .max_age_s = -1};
	struct buf b;

	(void)state;
	for (size_t ceiling = 8; ceiling < 160; ceiling += 8) {
		buf_init(&b, ceiling);
		auth_request_append(&b, &config, &m, &request);
		assert_true(buf_failed(&b));
		buf_done(&b);
	}
}

static void test_pkce(void **state)
{
	char first[PKCE_TEXT_SIZE], second[PKCE_TEXT_SIZE];

	(void)state;
	pkce_challenge(STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), first);
	check_cstr("RFC 7636, appendix B", "challenge",
		   "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", first);
	pkce_make_random(first);
	pkce_make_random(second);
	check_i64("verifier (RFC 7636, 4.1)", "length", 43, (int64_t)strlen(first));
	CHECK("two verifiers", strcmp(first, second) != 0);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_overflow_shows),
		cmocka_unit_test(test_pkce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
