/*
 * Bearer tokens: the claims that let one in.
 */
#include "authn/oidc/bearer.h"
#include "tests/unit/authn/oidc/oidc_case.h"

#define NOW  1800000000
#define HEAD "{'iss':'" ISSUER "','sub':'u1','exp':1800000300"

static const struct row {
	const char *name, *typ, *claims;
	bool has_audiences; /* "api" and "api2" are configured */
	const char *words;  /* "" accepted */
} rows[] = {
	{"usual", "at+jwt", HEAD ",'aud':'sallyport'}", false, ""},
	{"no typ", "", HEAD ",'aud':'sallyport'}", false, ""},
	{"JWT", "JWT", HEAD ",'aud':'sallyport'}", false, ""},
	{"media type (RFC 9068, 4)", "application/AT+jwt", HEAD ",'aud':'sallyport'}", false, ""},
	{"logout token", "logout+jwt", HEAD ",'aud':'sallyport'}", false, "typ"},
	{"typ odd", "secevent+jwt", HEAD ",'aud':'sallyport'}", false, "typ"},
	{"for the client_id", "JWT", HEAD ",'aud':'sallyport'}", false, ""},
	{"an ID token: nonce", "JWT", HEAD ",'aud':'sallyport','nonce':'x'}", false,
	 "is no access token (nonce)"},
	{"an ID token: at_hash", "JWT", HEAD ",'aud':'sallyport','at_hash':'x'}", false,
	 "is no access token (at_hash)"},
	{"a logout token without its type", "JWT", HEAD ",'aud':'sallyport','events':{}}",
	 false, "is no access token (events)"},
	{"another client's", "at+jwt", HEAD ",'aud':'other'}", false, "none of ours"},
	{"no audience", "at+jwt", HEAD "}", false, "audience is missing"},
	{"audience configured", "at+jwt", HEAD ",'aud':'api'}", true, ""},
	{"the second one", "at+jwt", HEAD ",'aud':['api2']}", true, ""},
	{"the client_id is then none", "at+jwt", HEAD ",'aud':'sallyport'}", true, "none of ours"},
	{"two of ours", "at+jwt", HEAD ",'aud':['api','api2']}", true, ""},
	{"ours and a stranger, no azp", "at+jwt", HEAD ",'aud':['api','x']}", true, "azp"},
	{"ours and a stranger, azp the client", "at+jwt",
	 HEAD ",'aud':['api','x'],'azp':'sallyport'}", true, ""},
	{"ours and a stranger, azp an audience", "at+jwt", HEAD ",'aud':['api','x'],'azp':'api2'}",
	 true, ""},
	{"ours and a stranger, azp his", "at+jwt", HEAD ",'aud':['api','x'],'azp':'x'}", true,
	 "azp"},
	{"ours and a stranger, azp a list", "at+jwt", HEAD ",'aud':['api','x'],'azp':['api']}",
	 true, "azp"},
	{"other issuer", "at+jwt",
	 "{'iss':'https://evil','sub':'u','exp':1800000300,'aud':'sallyport'}", false,
	 "issuer is not"},
	{"no issuer", "at+jwt", "{'sub':'u1','exp':1800000300,'aud':'sallyport'}", false,
	 "issuer is not"},
	{"no exp", "at+jwt", "{'iss':'" ISSUER "','sub':'u1','aud':'sallyport'}", false,
	 "exp"},
	{"expired", "at+jwt", "{'iss':'" ISSUER "','sub':'u1','aud':'sallyport','exp':1799999970}",
	 false, "expired"},
	{"not yet", "at+jwt", HEAD ",'aud':'sallyport','nbf':1800000031}", false, "not valid yet"},
	{"from the future", "at+jwt", HEAD ",'aud':'sallyport','iat':1800000031}", false, "future"},
	{"no subject", "at+jwt", "{'iss':'" ISSUER "','exp':1800000300,'aud':'sallyport'}", false,
	 "subject"},
};

static void test_rows(void **state)
{
	struct str audiences[] = {STR("api"), STR("api2")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct provider_config config = case_config();
		struct json_doc *doc = parsed(rows[i].claims);
		struct jwt token = {.typ = str_from(rows[i].typ), .claims = json_root(doc)};
		struct error err = {0};
		int64_t exp_s = -7;

		if (rows[i].has_audiences)
			config.audiences = (struct str_list){audiences, ARRAY_LEN(audiences)};
		check_i64(rows[i].name, "accepted", rows[i].words[0] == '\0',
			  bearer_check(&token, &config, NOW, &exp_s, &err));
		check_contains(rows[i].name, rows[i].words, err.text);
		if (rows[i].words[0] == '\0')
			check_i64(rows[i].name, "exp", NOW + 300, exp_s);
		json_doc_free(doc);
	}
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
