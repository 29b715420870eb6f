/* The options of identity providers. */
#include "tests/support/config_case.h"

#include "authn/jose/jwks.h"
#include "authn/oidc/provider_config.h"

#define PROVIDER(rest)                                          \
	"{'name': 'corp', 'type': 'oidc', 'client_id': 'gate'," \
	" 'client_secret': {'env': 'SALLYPORT_TEST_SECRET'}, " rest "}"
#define ISSUER(issuer) PROVIDER("'issuer': '" issuer "'")
#define GOOD	       "'issuer': 'https://id.example.com', "

static const struct config_case rows[] = {
	{"least", ISSUER("https://id.example.com"), ""},
	{"issuer with a path", ISSUER("https://id.example.com/realms/corp/"), ""},
	{"what a provider must have", "{}",
	 "1 : \"name\" is missing: ...\n1 : \"type\" is missing: ...\n1 : \"issuer\" is missing: "
	 "...\n"
	 "1 : \"client_id\" is missing: ...\n1 : \"client_secret\" is missing: ..."},
	{"misspelt", PROVIDER("'isuer': 'https://id.example.com'"),
	 "1 : \"issuer\" is missing: ...\n1 /isuer: unknown key \"isuer\"; did you mean "
	 "\"issuer\"?"},
	{"another type",
	 "{'name': 'a', 'type': 'saml', 'issuer': 'https://a.example', 'client_id': 'a', "
	 "'client_secret': {'env': 'SALLYPORT_TEST_SECRET'}}",
	 "1 /type: must be \"oidc\", found \"saml\""},
	{"secret in place",
	 "{'name': 'a', 'type': 'oidc', 'issuer': 'https://a.example', 'client_id': 'a', "
	 "'client_secret': 'hush'}",
	 "1 warning /client_secret: a secret in the configuration is read by all who read that..."},
	{"http on loopback", ISSUER("http://127.0.0.1:9000/x"), ""},
	{"http on loopback, IPv6", ISSUER("http://[::1]:9000"), ""},
	{"http on localhost", ISSUER("http://localhost:9000"), ""},
	{"http beyond loopback", ISSUER("http://id.example.com"),
	 "1 /issuer: http beyond loopback lets anybody on the way sign in as anybody: use https, "
	 "or say \"insecure\": true"},
	{"a name that only begins like loopback", ISSUER("http://localhost.example.com"),
	 "1 /issuer: http beyond loopback..."},
	{"a name that looks like an address", ISSUER("http://127.0.0.1.example.com"),
	 "1 /issuer: http beyond loopback..."},
	{"http beyond loopback, meant",
	 PROVIDER("'issuer': 'http://id.example.com', 'insecure': true"), ""},
	{"insecure for nothing", PROVIDER(GOOD "'insecure': true"),
	 "1 warning /insecure: has no effect on this issuer"},
	{"query", ISSUER("https://id.example.com/?a=b"),
	 "1 /issuer: an issuer has neither query nor..."},
	{"fragment", ISSUER("https://id.example.com/#a"),
	 "1 /issuer: an issuer has neither query nor..."},
	{"no URL", ISSUER("id.example.com"),
	 "1 /issuer: must be a URL such as \"https://id.example.com\": ..."},
	{"user", ISSUER("https://u@id.example.com"), "1 /issuer: must be a URL such as..."},
	{"scopes without openid", PROVIDER(GOOD "'scopes': ['profile']"),
	 "1 /scopes: \"openid\" is missing: without it a provider sends no ID token"},
	{"scopes in one text", PROVIDER(GOOD "'scopes': 'openid profile'"),
	 "1 /scopes/0: a scope holds no space...\n1 /scopes: \"openid\" is missing: ..."},
	{"scope with a quote", PROVIDER(GOOD "'scopes': ['openid', 'a\\\\b']"),
	 "1 /scopes/1: a scope holds no space..."},
	{"no scopes", PROVIDER(GOOD "'scopes': []"), "1 /scopes: is empty: at least 1 is needed"},
	{"how the secret is sent", PROVIDER(GOOD "'client_authentication': 'basic'"),
	 "1 /client_authentication: must be \"auto\", \"client_secret_basic\" or "
	 "\"client_secret_post\", found \"basic\""},
	{"algorithms", PROVIDER(GOOD "'signing_algorithms': ['HS256', 'none', 'RS256']"),
	 "1 /signing_algorithms/0: must be \"RS256\", \"PS256\", \"ES256\" or \"EdDSA\", found "
	 "\"HS256\"...\n1 /signing_algorithms/1: must be..."},
	{"limits", PROVIDER(GOOD "'timeout': '61s', 'clock_leeway': '6m', 'login_timeout': '59s'"),
	 "1 /timeout: must be within...\n1 /clock_leeway: must be within \"0s\" and \"5m\", found "
	 "\"6m\"\n1 /login_timeout: must be within..."},
	{"authorities", PROVIDER(GOOD "'authorities': 'missing.pem'"), "1 /authorities: ..."},
	{"claims",
	 PROVIDER(GOOD "'claims': {'groups': {'claim': 'realm_access/roles', 'absent': 'empty'}, "
		       "'department': {'absent': 'unknown'}}"),
	 ""},
	{"claims of another type", PROVIDER(GOOD "'claims': ['groups']"),
	 "1 /claims: must be an object of claims by name, found an array"},
	{"claim of another type", PROVIDER(GOOD "'claims': {'groups': 'roles'}"),
	 "1 /claims/groups: must be an object, found \"roles\""},
	{"claim with an unknown key", PROVIDER(GOOD "'claims': {'groups': {'absnt': 'empty'}}"),
	 "1 /claims/groups/absnt: unknown key \"absnt\"; did you mean \"absent\"?"},
	{"absence", PROVIDER(GOOD "'claims': {'groups': {'absent': 'none'}}"),
	 "1 /claims/groups/absent: must be \"unknown\" or \"empty\", found \"none\""},
	{"another claim moved", PROVIDER(GOOD "'claims': {'mail': {'claim': 'email'}}"),
	 "1 /claims/mail/claim: only \"groups\" can be moved..."},
	{"claim path", PROVIDER(GOOD "'claims': {'groups': {'claim': 'a//b'}}"),
	 "1 /claims/groups/claim: a claim path is names joined by '/'..."},
};

static int set_secret(void **state)
{
	(void)state;
	return setenv("SALLYPORT_TEST_SECRET", "of the test", 1);
}

static void test_faults(void **state)
{
	(void)state;
	config_run(rows, ARRAY_LEN(rows), &provider_options, "conf/sallyport.json");
}

static void read_provider(const char *text, struct arena **ret, struct provider_config *p)
{
	const struct config_case row = {text, text, ""};

	*ret = arena_new(1 << 20);
	assert_non_null(*ret);
	config_cases_failed = 0;
	config_read(&row, &provider_options, "conf/sallyport.json", *ret, p);
	assert_int_equal(config_cases_failed, 0);
}

static void test_defaults(void **state)
{
	struct provider_config p;
	struct arena *arena;

	(void)state;
	read_provider(ISSUER("https://id.example.com/"), &arena, &p);
	assert_string_equal(p.issuer.ptr, "https://id.example.com/");
	assert_int_equal(p.type, PROVIDER_OIDC);
	assert_int_equal(p.client_authentication, CLIENT_AUTH_AUTO);
	assert_int_equal(p.scopes.count, 3);
	assert_string_equal(p.scopes.items[0].ptr, "openid");
	assert_int_equal(p.audiences.count, 0);
	assert_int_equal(p.signing_algorithms.count, 0);
	assert_int_equal(p.userinfo, USERINFO_AUTO);
	assert_int_equal(p.timeout_ms, 10000);
	assert_int_equal(p.clock_leeway_ms, 30000);
	assert_int_equal(p.login_timeout_ms, 600000);
	assert_int_equal(p.claims_count, 0);
	assert_true(str_equal(provider_groups_claim(&p), STR("groups")));
	assert_true(str_equal(secret_str(&p.client_secret), STR("of the test")));
	option_done(&provider_options, &p);
	assert_false(secret_is_set(&p.client_secret));
	arena_free(arena);
}

static void test_claims(void **state)
{
	struct provider_config p;
	struct arena *arena;

	(void)state;
	read_provider(PROVIDER(GOOD "'claims': {'department': {'absent': 'empty'}, 'groups': "
				    "{'claim': 'realm_access/roles'}}"),
		      &arena, &p);
	assert_int_equal(p.claims_count, 2);
	assert_string_equal(p.claims[0].name.ptr, "department");
	assert_string_equal(p.claims[0].claim.ptr, "department");
	assert_true(p.claims[0].absent_is_empty);
	assert_false(p.claims[1].absent_is_empty);
	assert_true(str_equal(provider_groups_claim(&p), STR("realm_access/roles")));
	option_done(&provider_options, &p);
	arena_free(arena);

	read_provider(PROVIDER(GOOD "'claims': {'groups': {'absent': 'empty'}}"), &arena, &p);
	assert_true(str_equal(provider_groups_claim(&p), STR("groups")));
	assert_true(p.claims[0].absent_is_empty);
	option_done(&provider_options, &p);
	arena_free(arena);
}

/* The words stand for enum jws_alg by their order. */
static void test_algorithms(void **state)
{
	static const int want[] = {JWS_EDDSA, JWS_ES256, JWS_PS256, JWS_RS256};
	struct provider_config p;
	struct arena *arena;

	(void)state;
	assert_int_equal(JWS_ALG_COUNT, ARRAY_LEN(want));
	read_provider(PROVIDER(GOOD "'signing_algorithms': ['EdDSA', 'ES256', 'PS256', 'RS256']"),
		      &arena, &p);
	assert_int_equal(p.signing_algorithms.count, ARRAY_LEN(want));
	assert_memory_equal(p.signing_algorithms.items, want, sizeof(want));
	option_done(&provider_options, &p);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_algorithms),
	};

	return cmocka_run_group_tests(tests, set_secret, NULL);
}
