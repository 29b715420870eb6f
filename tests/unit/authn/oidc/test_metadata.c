/*
 * Discovery documents: which are believed, and what is chosen from them.
 */
#include "authn/oidc/metadata.h"
#include "tests/unit/authn/oidc/oidc_case.h"

#define ENDPOINTS                                          \
	"'authorization_endpoint':'" ISSUER "/authorize'," \
	"'token_endpoint':'" ISSUER "/token','jwks_uri':'https://keys.example.net/jwks?v=7'"
#define ALGS	   "'id_token_signing_alg_values_supported':['RS256','ES256','HS256','none']"
#define HEAD	   "'issuer':'" ISSUER "'," ENDPOINTS
#define LOOP(path) "'http://127.0.0.1:9090" path "'"
#define LOOP_DOC(token)                                                     \
	"{'issuer':'http://127.0.0.1:9090','authorization_endpoint':" LOOP( \
		"/a") ",'token_endpoint':" token ",'jwks_uri':" LOOP("/j") "}"

enum { RS = 1 << JWS_RS256, PS = 1 << JWS_PS256, ES = 1 << JWS_ES256, ED = 1 << JWS_EDDSA };

static const struct row {
	const char *name, *text;
	const char *issuer; /* NULL: the usual one */
	enum error_kind kind;
	const char *words; /* in the error */
	unsigned algorithms;
	bool insecure;
} rows[] = {
	{"usual", "{" HEAD "," ALGS "}", NULL, ERR_NONE, NULL, RS | ES, false},
	{"unknown members", "{" HEAD ",'x':{'y':[1]}}", NULL, ERR_NONE, NULL, RS, false},
	{"no list of algorithms", "{" HEAD "}", NULL, ERR_NONE, NULL, RS, false},
	{"all four",
	 "{" HEAD ",'id_token_signing_alg_values_supported':"
	 "['EdDSA','PS256','RS256','ES256']}",
	 NULL, ERR_NONE, NULL, RS | PS | ES | ED, false},
	{"none of the accepted",
	 "{" HEAD ",'id_token_signing_alg_values_supported':['HS256','none']}", NULL, ERR_PROTOCOL,
	 "signing algorithms", 0, false},
	{"algorithms no array", "{" HEAD ",'id_token_signing_alg_values_supported':'RS256'}", NULL,
	 ERR_SYNTAX, "not an array", 0, false},
	{"other issuer (rp-discovery-issuer-not-matching-config)",
	 "{'issuer':'https://id.example.org'," ENDPOINTS "}", NULL, ERR_DENIED, "issuer is not", 0,
	 false},
	{"issuer with a slash", "{'issuer':'" ISSUER "/'," ENDPOINTS "}", NULL, ERR_DENIED,
	 "issuer is not", 0, false},
	{"issuer in other case", "{'issuer':'https://ID.example.com'," ENDPOINTS "}", NULL,
	 ERR_DENIED, "issuer is not", 0, false},
	{"issuer missing", "{" ENDPOINTS "}", NULL, ERR_SYNTAX, "issuer is missing", 0, false},
	{"issuer a number", "{'issuer':1," ENDPOINTS "}", NULL, ERR_SYNTAX,
	 "issuer is not a string", 0, false},
	{"issuer twice", "{'issuer':'https://evil'," HEAD "}", NULL, ERR_SYNTAX, "stands twice", 0,
	 false},
	{"not an object", "['" ISSUER "']", NULL, ERR_SYNTAX, "not an object", 0, false},
	{"not JSON", "<html>", NULL, ERR_SYNTAX, "discovery: line 1", 0, false},
	{"empty", "", NULL, ERR_SYNTAX, "discovery", 0, false},
	{"token_endpoint missing",
	 "{'issuer':'" ISSUER "','authorization_endpoint':'" ISSUER "/a',"
	 "'jwks_uri':'" ISSUER "/j'}",
	 NULL, ERR_SYNTAX, "token_endpoint is missing", 0, false},
	{"jwks_uri missing",
	 "{'issuer':'" ISSUER "','authorization_endpoint':'" ISSUER "/a',"
	 "'token_endpoint':'" ISSUER "/j'}",
	 NULL, ERR_SYNTAX, "jwks_uri is missing", 0, false},
	{"authorization_endpoint a list",
	 "{'issuer':'" ISSUER "','authorization_endpoint':[],"
	 "'token_endpoint':'" ISSUER "/t','jwks_uri':'" ISSUER "/j'}",
	 NULL, ERR_SYNTAX, "authorization_endpoint is not a string", 0, false},
	{"jwks_uri file:",
	 "{'issuer':'" ISSUER "','authorization_endpoint':'" ISSUER "/a',"
	 "'token_endpoint':'" ISSUER "/t','jwks_uri':'file:///etc/passwd'}",
	 NULL, ERR_DENIED, "jwks_uri", 0, false},
	{"jwks_uri http",
	 "{'issuer':'" ISSUER "','authorization_endpoint':'" ISSUER "/a',"
	 "'token_endpoint':'" ISSUER "/t','jwks_uri':'http://169.254.169.254/'}",
	 NULL, ERR_DENIED, "jwks_uri is http", 0, false},
	{"jwks_uri http on loopback, issuer https",
	 "{'issuer':'" ISSUER "',"
	 "'authorization_endpoint':'" ISSUER "/a','token_endpoint':'" ISSUER "/t',"
	 "'jwks_uri':'http://127.0.0.1/'}",
	 NULL, ERR_DENIED, "jwks_uri is http", 0, false},
	{"user in a URL",
	 "{'issuer':'" ISSUER "','authorization_endpoint':'" ISSUER "/a',"
	 "'token_endpoint':'https://a:b@id.example.com/t','jwks_uri':'" ISSUER "/j'}",
	 NULL, ERR_DENIED, "token_endpoint", 0, false},
	{"fragment in a URL",
	 "{'issuer':'" ISSUER "','authorization_endpoint':'" ISSUER "/a#b',"
	 "'token_endpoint':'" ISSUER "/t','jwks_uri':'" ISSUER "/j'}",
	 NULL, ERR_DENIED, "authorization_endpoint", 0, false},
	{"javascript: as authorization_endpoint",
	 "{'issuer':'" ISSUER "',"
	 "'authorization_endpoint':'javascript:alert(1)','token_endpoint':'" ISSUER "/t',"
	 "'jwks_uri':'" ISSUER "/j'}",
	 NULL, ERR_DENIED, "authorization_endpoint", 0, false},
	{"line end in a URL",
	 "{'issuer':'" ISSUER "','authorization_endpoint':'" ISSUER "/a\\r\\nX: y',"
	 "'token_endpoint':'" ISSUER "/t','jwks_uri':'" ISSUER "/j'}",
	 NULL, ERR_DENIED, "authorization_endpoint", 0, false},
	{"userinfo_endpoint bad", "{" HEAD ",'userinfo_endpoint':'ftp://x/'}", NULL, ERR_DENIED,
	 "userinfo_endpoint", 0, false},
	{"query of the authorization endpoint",
	 "{'issuer':'" ISSUER "',"
	 "'authorization_endpoint':'" ISSUER "/a?tenant=7','token_endpoint':'" ISSUER "/t',"
	 "'jwks_uri':'" ISSUER "/j'}",
	 NULL, ERR_NONE, NULL, RS, false},
	{"query that would repeat ours",
	 "{'issuer':'" ISSUER "',"
	 "'authorization_endpoint':'" ISSUER "/a?state=x','token_endpoint':'" ISSUER "/t',"
	 "'jwks_uri':'" ISSUER "/j'}",
	 NULL, ERR_PROTOCOL, "cannot be extended", 0, false},
	{"loopback issuer", LOOP_DOC(LOOP("/t")), "http://127.0.0.1:9090", ERR_NONE, NULL, RS,
	 false},
	{"loopback issuer, https endpoint", LOOP_DOC("'https://id.example.com/t'"),
	 "http://127.0.0.1:9090", ERR_NONE, NULL, RS, false},
	{"loopback issuer, http elsewhere", LOOP_DOC("'http://10.0.0.1/t'"),
	 "http://127.0.0.1:9090", ERR_DENIED, "token_endpoint is http beyond loopback", 0, false},
	{"insecure, http elsewhere", LOOP_DOC("'http://10.0.0.1/t'"), "http://127.0.0.1:9090",
	 ERR_NONE, NULL, RS, true},
	{"no code flow", "{" HEAD ",'response_types_supported':['id_token']}", NULL, ERR_PROTOCOL,
	 "no code flow", 0, false},
	{"plain PKCE alone", "{" HEAD ",'code_challenge_methods_supported':['plain']}",
	 NULL, ERR_PROTOCOL, "S256", 0, false},
	{"S256 among others", "{" HEAD ",'code_challenge_methods_supported':['plain','S256']}",
	 NULL, ERR_NONE, NULL, RS, false},
	{"promise no boolean", "{" HEAD ",'authorization_response_iss_parameter_supported':'true'}",
	 NULL, ERR_SYNTAX, "not a boolean", 0, false},
	{"only private_key_jwt",
	 "{" HEAD ",'token_endpoint_auth_methods_supported':"
	 "['private_key_jwt']}",
	 NULL, ERR_PROTOCOL, "client_secret_basic", 0, false},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct provider_config config = case_config();
		struct error err = {0};
		struct metadata *m = NULL;

		if (rows[i].issuer)
			config.issuer = str_from(rows[i].issuer);
		config.insecure = rows[i].insecure;
		check_i64(rows[i].name, "parses", rows[i].kind == ERR_NONE,
			  metadata_parse(str_from(quoted(rows[i].text)), &config, &m, &err));
		check_i64(rows[i].name, "kind", rows[i].kind, err.kind);
		if (rows[i].words)
			check_contains(rows[i].name, rows[i].words, err.text);
		if (m)
			check_i64(rows[i].name, "algorithms", rows[i].algorithms, m->algorithms);
		metadata_unref(m);
	}
	check_done();
}

static const struct auth_row {
	const char *name, *methods;
	int configured;
	int chosen;
} auth_rows[] = {
	{"nothing said (Discovery, 3: basic is the default)", "", CLIENT_AUTH_AUTO,
	 CLIENT_AUTH_BASIC},
	{"both", "['client_secret_post','client_secret_basic']", CLIENT_AUTH_AUTO,
	 CLIENT_AUTH_BASIC},
	{"post alone", "['client_secret_post']", CLIENT_AUTH_AUTO, CLIENT_AUTH_POST},
	{"post configured", "['client_secret_basic']", CLIENT_AUTH_POST, CLIENT_AUTH_POST},
	{"basic configured", "['client_secret_post']", CLIENT_AUTH_BASIC, CLIENT_AUTH_BASIC},
};

static void test_client_authentication(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(auth_rows); i++) {
		struct provider_config config = case_config();
		struct metadata *m = NULL;
		char text[2048];

		config.client_authentication = auth_rows[i].configured;
		snprintf(text, sizeof(text), "{" HEAD "%s%s}",
			 auth_rows[i].methods[0] ? ",'token_endpoint_auth_methods_supported':" : "",
			 auth_rows[i].methods);
		assert_true(metadata_parse(str_from(quoted(text)), &config, &m, NULL));
		check_i64(auth_rows[i].name, "chosen", auth_rows[i].chosen,
			  m->client_authentication);
		metadata_unref(m);
	}
	check_done();
}

static void test_configuration_narrows(void **state)
{
	int es[] = {JWS_ES256}, ps[] = {JWS_PS256};
	struct provider_config config = case_config();
	struct metadata *m = NULL;
	struct error err = {0};

	(void)state;
	config.signing_algorithms = (struct int_list){es, 1};
	assert_true(metadata_parse(str_from(quoted("{" HEAD "," ALGS "}")), &config, &m, NULL));
	assert_int_equal(m->algorithms, ES);
	metadata_unref(m);
	config.signing_algorithms = (struct int_list){ps, 1};
	assert_false(metadata_parse(str_from(quoted("{" HEAD "," ALGS "}")), &config, &m, &err));
	config.signing_algorithms = (struct int_list){0};
	config.userinfo = USERINFO_ALWAYS;
	error_clear(&err);
	assert_false(metadata_parse(str_from(quoted("{" HEAD "}")), &config, &m, &err));
	check_contains("userinfo always", "userinfo_endpoint is missing", err.text);
	check_done();
}

static void test_members(void **state)
{
	struct provider_config config = case_config();
	struct metadata *m = NULL;

	(void)state;
	assert_true(metadata_parse(
		str_from(quoted("{" HEAD ",'userinfo_endpoint':'" ISSUER "/me',"
				"'authorization_response_iss_parameter_supported':true}")),
		&config, &m, NULL));
	check_cstr("", "authorization", ISSUER "/authorize", m->authorization_endpoint.ptr);
	check_cstr("", "token", ISSUER "/token", m->token_endpoint.ptr);
	check_cstr("", "jwks", "https://keys.example.net/jwks?v=7", m->jwks_uri.ptr);
	check_cstr("", "userinfo", ISSUER "/me", m->userinfo_endpoint.ptr);
	CHECK("", m->promises_iss);
	metadata_unref(metadata_ref(m));
	metadata_unref(m);
	check_done();
}

static void test_url(void **state)
{
	static const struct {
		const char *issuer, *url;
	} urls[] = {
		{ISSUER, ISSUER "/.well-known/openid-configuration"},
		{ISSUER "/", ISSUER "/.well-known/openid-configuration"},
		{ISSUER "/realm/a", ISSUER "/realm/a/.well-known/openid-configuration"},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		buf_clear(&b);
		metadata_append_url(&b, str_from(urls[i].issuer));
		check_cstr(urls[i].issuer, "url (Discovery, 4.1)", urls[i].url, b.ptr);
	}
	buf_done(&b);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_client_authentication),
		cmocka_unit_test(test_configuration_narrows),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
