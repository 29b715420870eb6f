/* The signed assertion: its claims, whom it is for, and how long it is used again. */
#include "tests/unit/authn/session/fake_clock.h"

#include "authn/jose/jwt.h"
#include "base/encode.h"
#include "tests/support/proxy_world.h"

static struct proxy_world w;
static char ada[SESSION_ID_TEXT + 1];

#define ROUTES                                                                              \
	"[" WORLD_PUBLIC "," WORLD_WIKI ","                                                 \
	"{'name': 'second', 'match': {'hosts': ['wiki.example'], 'path': '/second'},"       \
	" 'authenticate': {'methods': ['session'], 'provider': 'corp'}, 'policy': 'staff'," \
	" 'upstream': 'app'}," ROUTE_TEXT("cert", "cert.example", "'client_certificate'",   \
					  "anyone", "") "]"

static char latest[8192];

/* The assertion that the application got for a path. */
static const char *assertion_at(const char *path, const char *host)
{
	char head[256];
	struct str field;

	loop_server_forget(&w.app);
	snprintf(head, sizeof(head), "GET %s HTTP/1.1\nHost: %s", path, host);
	world_ask_as(&w, head, ada);
	world_skip_logs(&w);
	assert_int_equal(w.status, 200);
	field = head_field(buf_str(&w.app.seen), "X-Sallyport-Assertion");
	assert_true(str_copy(latest, sizeof(latest), field));
	return latest;
}

/* The claims, once the signature holds under the published keys; the caller frees. */
static struct jwt verified(const char *token)
{
	struct jwks *keys = NULL;
	struct jwt jwt = {0};
	struct error err = {0};

	assert_true(jwks_parse(keyring_public_jwks(w.keys), &keys, &err));
	if (!jwt_decode(str_from(token), &jwt, &err) ||
	    !jwt_verify(&jwt, jwks_find(keys, jwt.kid, JWS_ES256), &err))
		fail_msg("%s: %s", token, err.text);
	assert_int_equal(jwt.alg, JWS_ES256);
	jwks_unref(keys);
	return jwt;
}

static int64_t number_of(const struct jwt *jwt, const char *claim)
{
	int64_t value = -1;

	return json_i64(json_get(jwt->claims, claim), &value) ? value : -1;
}

static void test_claims(void **state)
{
	struct jwt jwt = verified(assertion_at("/", "wiki.example"));
	const struct json *c = jwt.claims;
	struct session *s = NULL;

	(void)state;
	check_str("claims", "iss", STR("https://wiki.example"), json_str(json_get(c, "iss")));
	check_str("claims", "aud", STR("wiki"), json_str(json_get(c, "aud")));
	check_str("claims", "sub", STR("ada"), json_str(json_get(c, "sub")));
	check_str("claims", "email", STR("ada@example.com"), json_str(json_get(c, "email")));
	check_i64("claims", "groups", 2, (int64_t)json_count(json_get(c, "groups")));
	check_str("claims", "first group", STR("eng"), json_str(json_first(json_get(c, "groups"))));
	check_i64("claims", "iat", fake_clock_s, number_of(&jwt, "iat"));
	check_i64("claims", "exp", fake_clock_s + 60, number_of(&jwt, "exp"));
	assert_int_equal(session_find(w.worker.sessions, str_from(ada), &s, NULL), SESSION_FOUND);
	check_str("claims", "sid", str_from(s->public_id), json_str(json_get(c, "sid")));
	CHECK("the sid is not the id", !strstr(ada, s->public_id));
	session_unref(s);
	jwt_done(&jwt);
	check_done();
}

static void test_header(void **state)
{
	const char *token = assertion_at("/", "wiki.example");
	struct str part = str_slice(str_from(token), 0, str_find_char(str_from(token), '.'));
	unsigned char text[512];
	struct json_doc *doc = NULL;
	struct str kid;
	size_t len;

	(void)state;
	assert_true(base64url_decode(part, text, sizeof(text), &len));
	assert_true(json_parse(str_from_len((char *)text, len), 512, NULL, &doc, NULL));
	check_str("header", "alg", STR("ES256"), json_str(json_get(json_root(doc), "alg")));
	kid = json_str(json_get(json_root(doc), "kid"));
	check_i64("header", "kid: SHA-256 thumbprint", 43, (int64_t)kid.len);
	CHECK("which is published", str_find(keyring_public_jwks(w.keys), kid) != STR_NONE);
	json_doc_free(doc);
	check_done();
}

/* Signing is dear: the same one serves half its life, and not a second longer. */
static void test_cache(void **state)
{
	char first[8192];
	struct jwt jwt;

	(void)state;
	fake_clock_s += 100;
	snprintf(first, sizeof(first), "%s", assertion_at("/", "wiki.example"));
	check_cstr("at once", "again", first, assertion_at("/x?y", "wiki.example"));
	fake_clock_s += 29;
	check_cstr("29 s", "again", first, assertion_at("/", "wiki.example"));
	fake_clock_s += 1;
	CHECK("30 s: a new one", strcmp(first, assertion_at("/", "wiki.example")) != 0);
	jwt = verified(latest);
	check_i64("30 s", "iat", fake_clock_s, number_of(&jwt, "iat"));
	jwt_done(&jwt);
	check_done();
}

/* One for a route and an origin is worth nothing at another. */
static void test_audiences(void **state)
{
	static const struct {
		const char *path, *host, *iss, *aud;
		bool plain;
	} rows[] = {
		{"/", "wiki.example", "https://wiki.example", "wiki", false},
		{"/second", "wiki.example", "https://wiki.example", "second", false},
		{"/", "wiki.example:8443", "https://wiki.example:8443", "wiki", false},
		{"/", "wiki.example", "http://wiki.example", "wiki", true},
		{"/second/x", "wiki.example:8443", "https://wiki.example:8443", "second", false},
	};
	char first[ARRAY_LEN(rows)][sizeof(latest)];

	(void)state;
	fake_clock_s += 100;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			struct jwt jwt;

			w.peer.is_tls = !rows[i].plain;
			jwt = verified(assertion_at(rows[i].path, rows[i].host));
			check_str(rows[i].path, "iss", str_from(rows[i].iss),
				  json_str(json_get(jwt.claims, "iss")));
			check_str(rows[i].path, "aud", str_from(rows[i].aud),
				  json_str(json_get(jwt.claims, "aud")));
			jwt_done(&jwt);
			snprintf(first[i], sizeof(first[i]), "%s", latest);
		}
	}
	w.peer.is_tls = true;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t j = 0; j < i; j++)
			CHECK("no two alike", strcmp(first[i], first[j]) != 0);
	check_done();
}

/* Two people never share one, nor two sessions of a person: sid differs. */
static void test_sessions(void **state)
{
	char first[8192], mine[SESSION_ID_TEXT + 1];

	(void)state;
	snprintf(first, sizeof(first), "%s", assertion_at("/", "wiki.example"));
	memcpy(mine, ada, sizeof(mine));
	memcpy(ada, world_sign_in(&w, "wiki.example", IDENTITY_ADA), sizeof(ada));
	CHECK("another session, another assertion",
	      strcmp(first, assertion_at("/", "wiki.example")) != 0);
	memcpy(ada, mine, sizeof(mine));
	check_cstr("the first one", "still has its own", first, assertion_at("/", "wiki.example"));
	check_done();
}

/* Without a session there is no sid, and nothing to keep it in. */
static void test_certificate(void **state)
{
	static const struct client_certificate certificate = {.common_name = STR_INIT("bot"),
							      .field = STR_INIT(":AAAA:"),
							      .fingerprint_sha256 = STR_INIT("00")};
	struct jwt jwt;

	(void)state;
	w.peer.certificate = &certificate;
	jwt = verified(assertion_at("/", "cert.example"));
	w.peer.certificate = NULL;
	check_str("certificate", "sub", STR("bot"), json_str(json_get(jwt.claims, "sub")));
	CHECK("no sid", !json_get(jwt.claims, "sid"));
	CHECK("no e-mail", !json_get(jwt.claims, "email"));
	check_i64("certificate", "groups", 0, (int64_t)json_count(json_get(jwt.claims, "groups")));
	jwt_done(&jwt);
	check_done();
}

static int open_world(void **state)
{
	(void)state;
	world_open(&w, ROUTES);
	memcpy(ada, world_sign_in(&w, "wiki.example", IDENTITY_ADA), sizeof(ada));
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),	 cmocka_unit_test(test_header),
		cmocka_unit_test(test_cache),	 cmocka_unit_test(test_audiences),
		cmocka_unit_test(test_sessions), cmocka_unit_test(test_certificate),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
