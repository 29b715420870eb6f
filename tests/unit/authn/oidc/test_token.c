/*
 * The token endpoint: what is sent, and what is taken of the answer.
 */
#include "authn/oidc/at_hash.h"
#include "authn/oidc/token.h"
#include "tests/unit/authn/oidc/oidc_case.h"

#define FORM                                       \
	"grant_type=authorization_code&code=c%2F1" \
	"&redirect_uri=https%3A%2F%2Fwiki.example.com%2F.sallyport%2Fcallback&code_verifier=ver"

static void write_request(enum provider_client_authentication how, struct buf *body,
			  struct buf *authorization)
{
	struct provider_config config = case_config();
	struct token_request request = {
		.client_authentication = how,
		.code = STR("c/1"),
		.verifier = STR("ver"),
		.origin = STR("https://wiki.example.com"),
	};

	config.client_id = STR("a:b");
	buf_init(body, 4096);
	buf_init(authorization, 4096);
	token_request_append(body, authorization, &config, &request);
	assert_false(buf_failed(body));
	assert_false(buf_failed(authorization));
}

/* RFC 6749, section 2.3.1: "a%3Ab:s3cr%25t%3A%2B%20x" */
static void test_basic(void **state)
{
	struct buf body, authorization;

	(void)state;
	write_request(CLIENT_AUTH_BASIC, &body, &authorization);
	check_cstr("basic", "form", FORM, body.ptr);
	check_cstr("basic", "header", "Authorization: Basic YSUzQWI6czNjciUyNXQlM0ElMkIlMjB4",
		   authorization.ptr);
	buf_wipe(&body);
	buf_wipe(&authorization);
	check_done();
}

static void test_post(void **state)
{
	struct buf body, authorization;

	(void)state;
	write_request(CLIENT_AUTH_POST, &body, &authorization);
	check_cstr("post", "form", FORM "&client_id=a%3Ab&client_secret=s3cr%25t%3A%2B%20x",
		   body.ptr);
	check_i64("post", "header", 0, (int64_t)authorization.len);
	buf_wipe(&body);
	buf_wipe(&authorization);
	check_done();
}

#define TOKENS "'access_token':'at-secret','id_token':'e.y.J'"

static const struct row {
	const char *name;
	unsigned status;
	const char *body;
	enum login_outcome outcome;
	const char *text;
} rows[] = {
	{"usual", 200, "{'token_type':'Bearer'," TOKENS ",'expires_in':3600}", LOGIN_OK, ""},
	{"type in other case", 200, "{'token_type':'bEARER'," TOKENS "}", LOGIN_OK, ""},
	{"no expires_in", 200, "{'token_type':'Bearer'," TOKENS "}", LOGIN_OK, ""},
	{"refresh token and others are ignored", 200,
	 "{'token_type':'Bearer'," TOKENS ",'refresh_token':1,'x':[]}", LOGIN_OK, ""},
	{"no type", 200, "{" TOKENS "}", LOGIN_PROVIDER_FAILED,
	 "token endpoint: token_type is missing"},
	{"another type", 200, "{'token_type':'mac'," TOKENS "}", LOGIN_PROVIDER_FAILED,
	 "token endpoint: token_type is not Bearer"},
	{"no ID token", 200, "{'token_type':'Bearer','access_token':'a'}", LOGIN_PROVIDER_FAILED,
	 "token endpoint: id_token is missing"},
	{"ID token no text", 200, "{'token_type':'Bearer','access_token':'a','id_token':{}}",
	 LOGIN_PROVIDER_FAILED, "token endpoint: id_token is not a text"},
	{"no access token", 200, "{'token_type':'Bearer','id_token':'a'}", LOGIN_PROVIDER_FAILED,
	 "token endpoint: access_token is missing"},
	{"access token empty", 200, "{'token_type':'Bearer','access_token':'','id_token':'a'}",
	 LOGIN_PROVIDER_FAILED, "token endpoint: access_token is not a text"},
	{"access token that ends a header line", 200,
	 "{'token_type':'Bearer','access_token':'a\\r\\nX: y','id_token':'a'}",
	 LOGIN_PROVIDER_FAILED, "token endpoint: access_token is not printable ASCII"},
	{"ID token twice", 200, "{'token_type':'Bearer'," TOKENS ",'id_token':'x'}",
	 LOGIN_PROVIDER_FAILED, "token endpoint: the key stands twice"},
	{"an error with 200", 200, "{'error':'x','token_type':'Bearer'," TOKENS "}",
	 LOGIN_PROVIDER_FAILED, "token endpoint answered 200 with an error"},
	{"no JSON", 200, "access_token=a&id_token=b", LOGIN_PROVIDER_FAILED, "token endpoint: "},
	{"cut", 200, "{'token_type':'Bear", LOGIN_PROVIDER_FAILED, "token endpoint: "},
	{"empty", 200, "", LOGIN_PROVIDER_FAILED, "token endpoint: "},
	{"an array", 200, "[]", LOGIN_PROVIDER_FAILED,
	 "token endpoint: the answer is not an object"},
	{"invalid_grant", 400,
	 "{'error':'invalid_grant','error_description':'code at-secret used'}", LOGIN_BAD_REQUEST,
	 "token endpoint answered 400 invalid_grant"},
	{"invalid_client", 401, "{'error':'invalid_client'}", LOGIN_PROVIDER_FAILED,
	 "token endpoint answered 401 invalid_client"},
	{"an error that is no word", 400, "{'error':'at-secret at-secret'}", LOGIN_PROVIDER_FAILED,
	 "token endpoint answered 400"},
	{"400 without JSON", 400, "at-secret", LOGIN_PROVIDER_FAILED,
	 "token endpoint answered 400"},
	{"500", 500, "{'error':'server_error'}", LOGIN_UNAVAILABLE, "token endpoint answered 500"},
	{"503", 503, "", LOGIN_UNAVAILABLE, "token endpoint answered 503"},
	{"429", 429, "", LOGIN_UNAVAILABLE, "token endpoint answered 429"},
	{"a redirect", 302, "", LOGIN_PROVIDER_FAILED, "token endpoint answered 302"},
	{"201", 201, "{'token_type':'Bearer'," TOKENS "}", LOGIN_PROVIDER_FAILED,
	 "token endpoint answered 201"},
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct token_answer t = {0};
		struct error err = {0};

		check_i64(rows[i].name, "outcome", rows[i].outcome,
			  token_answer_read(rows[i].status, str_from(quoted(rows[i].body)), &t,
					    &err));
		check_contains(rows[i].name, rows[i].text, err.text);
		CHECK(rows[i].name, !strstr(err.text, "at-secret"));
		CHECK(rows[i].name, (t.doc != NULL) == (rows[i].outcome == LOGIN_OK));
		if (t.doc) {
			check_str(rows[i].name, "access token", STR("at-secret"), t.access_token);
			check_str(rows[i].name, "ID token", STR("e.y.J"), t.id_token);
		}
		token_answer_done(&t);
	}
	check_done();
}

static void test_at_hash(void **state)
{
	char hash[AT_HASH_SIZE];

	(void)state;
	at_hash_of(STR("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), JWS_RS256, hash);
	check_cstr("OpenID Connect Core, appendix A.3", "at_hash", "77QmUPtjPfzWtF2AnpK9RQ", hash);
	at_hash_of(STR("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), JWS_EDDSA, hash);
	check_cstr("EdDSA: half of a SHA-512", "at_hash",
		   "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM", hash);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_basic),
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_at_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
