/* A login from end to end, as the browser and the provider see it, and every way it fails. */
#include "tests/support/failing_store.h"
#include "tests/support/loop_provider.h"

static struct proxy_world w;
static struct loop_provider provider;

/* What the browser holds after it was sent to the provider. */
struct login {
	char state[128];
	char cookie[4096]; /* "__Host-sallyport-login-...=..." */
};

#define NAVIGATE "\nAccept: text/html\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document"

static void start_login(const char *target, struct login *l)
{
	char head[512];
	struct str cookie;

	snprintf(head, sizeof(head), "GET %s HTTP/1.1\nHost: wiki.example" NAVIGATE, target);
	world_ask(&w, head);
	world_skip_logs(&w);
	if (w.status != 302)
		fail_msg("%s: want 302, got %u", target, w.status);
	provider_parameter(world_field(&w, "Location"), "state", l->state, sizeof(l->state));
	provider_parameter(world_field(&w, "Location"), "nonce", provider.nonce,
			   sizeof(provider.nonce));
	cookie = world_field(&w, "Set-Cookie");
	assert_true(str_copy(l->cookie, sizeof(l->cookie),
			     str_slice(cookie, 0, str_find_char(cookie, ';'))));
	assert_true(l->state[0] && provider.nonce[0]);
}

static void come_back(const struct login *l, const char *query, const char *more_cookies)
{
	char head[8192];

	snprintf(head, sizeof(head),
		 "GET /.sallyport/callback?%s&state=%s HTTP/1.1\nHost: wiki.example" NAVIGATE
		 "\nCookie: %s%s",
		 query, l->state, l->cookie, more_cookies);
	world_ask(&w, head);
}

/* The session id of the answer; "" when it sets none. */
static const char *new_session(void)
{
	static char id[SESSION_ID_TEXT + 1];
	struct str rest = buf_str(&w.head), line;

	id[0] = '\0';
	while (str_next(&rest, '\n', &line))
		if (str_starts_with(line, STR("Set-Cookie: __Host-sallyport=")))
			assert_true(str_copy(id, sizeof(id),
					     str_slice(str_after(line, 29), 0, SESSION_ID_TEXT)));
	return id;
}

static unsigned whoami(const char *id)
{
	world_ask_as(&w, "GET /.sallyport/whoami HTTP/1.1\nHost: wiki.example", id);
	world_skip_logs(&w);
	return w.status;
}

static void test_complete(void **state)
{
	const struct json *line;
	struct login l;
	char id[SESSION_ID_TEXT + 1];
	unsigned calls = provider.token_calls;

	(void)state;
	provider.claims = ",\"groups\":[\"eng\"]";
	start_login("/deep/page?q=1&r", &l);
	come_back(&l, "code=the-code", "");
	line = world_log(&w);
	check_i64("callback", "status", 302, w.status);
	check_str("callback", "back to the place asked for", STR("/deep/page?q=1&r"),
		  world_field(&w, "Location"));
	check_cstr("callback", "reason", "login_done", log_text(line, "reason").ptr);
	check_cstr("callback", "user", "ada", log_text(line, "user").ptr);
	check_cstr("callback", "logged without code and state", "/.sallyport/callback",
		   log_text(line, "request_uri").ptr);
	check_i64("callback", "token calls", calls + 1, provider.token_calls);
	CHECK("with the code",
	      str_find(buf_str(&provider.token_request), STR("code=the-code")) != STR_NONE);
	CHECK("with the verifier",
	      str_find(buf_str(&provider.token_request), STR("code_verifier=")) != STR_NONE);
	snprintf(id, sizeof(id), "%s", new_session());
	check_i64("session", "length of its id", SESSION_ID_TEXT, (int64_t)strlen(id));
	CHECK("the cookie's attributes",
	      str_find(buf_str(&w.head), STR("; Path=/; Secure; HttpOnly; SameSite=Lax\n")) !=
		      STR_NONE);
	CHECK("the flow's cookie is deleted",
	      str_find(buf_str(&w.head), STR("Max-Age=0")) != STR_NONE);
	check_i64("session", "signed in", 200, whoami(id));
	loop_server_forget(&w.app);
	world_ask_as(&w, "GET /deep/page HTTP/1.1\nHost: wiki.example", id);
	world_skip_logs(&w);
	check_str("application", "groups", STR("eng"),
		  head_field(buf_str(&w.app.seen), "X-Forwarded-Groups"));
	log_set_level(LOG_ERROR + 1);
	come_back(&l, "code=the-code", "");
	log_set_level(LOG_ERROR);
	world_skip_logs(&w);
	check_i64("the same answer again", "status", 400, w.status);
	check_cstr("the same answer again", "session", "", new_session());
	check_done();
}

/* A session that the browser came with ends with the new one's beginning. */
static void test_session_is_replaced(void **state)
{
	const char *old = world_sign_in(&w, "wiki.example", IDENTITY_ADA);
	char cookies[256], id[SESSION_ID_TEXT + 1];
	struct login l;

	(void)state;
	start_login("/", &l);
	snprintf(cookies, sizeof(cookies), "; __Host-sallyport=%s", old);
	come_back(&l, "code=c", cookies);
	world_skip_logs(&w);
	snprintf(id, sizeof(id), "%s", new_session());
	CHECK("another id", id[0] && strcmp(id, old) != 0);
	check_i64("the old one", "whoami", 401, whoami(old));
	check_i64("the new one", "whoami", 200, whoami(id));
	check_done();
}

static const struct {
	const char *name, *query;
	bool other_state, no_cookie, provider_fails, nonce_differs;
	unsigned status;
} failures[] = {
	{"no such flow", "code=c", true, false, false, false, 400},
	{"another browser", "code=c", false, true, false, false, 400},
	{"neither code nor error", "x=y", false, false, false, false, 400},
	{"code twice", "code=c&code=d", false, false, false, false, 400},
	{"refused by the provider", "error=access_denied", false, false, false, false, 403},
	{"code refused by the provider", "code=c", false, false, true, false, 400},
	{"ID token of another login", "code=c", false, false, false, true, 502},
	{"another issuer", "code=c&iss=https%3A%2F%2Fevil.example", false, false, false, false,
	 400},
};

static void test_failures(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR + 1);
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		struct login l;

		start_login("/", &l);
		if (failures[i].other_state)
			l.state[3] = l.state[3] == 'A' ? 'B' : 'A';
		if (failures[i].no_cookie)
			snprintf(l.cookie, sizeof(l.cookie), "a=b");
		if (failures[i].nonce_differs)
			provider.nonce[0] = provider.nonce[0] == 'A' ? 'B' : 'A';
		provider.answers_errors = failures[i].provider_fails;
		come_back(&l, failures[i].query, "");
		provider.answers_errors = false;
		check_i64(failures[i].name, "status", failures[i].status, w.status);
		check_cstr(failures[i].name, "reason", "login_failed",
			   log_text(world_log(&w), "reason").ptr);
		check_cstr(failures[i].name, "session", "", new_session());
		check_str(failures[i].name, "cache", STR("no-store"),
			  world_field(&w, "Cache-Control"));
		CHECK("nothing of the query in the page",
		      str_find(buf_str(&w.body), STR("evil.example")) == STR_NONE);
	}
	log_set_level(LOG_ERROR);
	check_done();
}

/* Signed in is who is in the store: without it there is no cookie. */
static void test_store_failure(void **state)
{
	struct login l;

	(void)state;
	log_set_level(LOG_ERROR + 1);
	start_login("/", &l);
	atomic_store(&store_writes_fail, true);
	come_back(&l, "code=c", "");
	atomic_store(&store_writes_fail, false);
	check_i64("login", "status", 503, w.status);
	check_cstr("login", "reason", "session_store", log_text(world_log(&w), "reason").ptr);
	check_cstr("login", "session", "", new_session());
	log_set_level(LOG_ERROR);
	check_done();
}

/* --- /.sallyport/login?rd= */

static const struct {
	const char *name, *query, *want; /* where the browser ends */
} places[] = {
	{"a place", "?rd=/a/b", "/a/b"},
	{"with a query of its own", "?rd=%2Fa%3Fb%3Dc", "/a?b=c"},
	{"none", "", "/"},
	{"empty", "?rd=", "/"},
	{"another site", "?rd=https://evil.example/", "/"},
	{"without a scheme", "?rd=//evil.example/", "/"},
	{"backslashes", "?rd=/%5Cevil.example/", "/"},
	{"a tab between slashes", "?rd=/%09/evil.example/", "/"},
	{"a line end", "?rd=/a%0d%0aSet-Cookie:x=y", "/"},
	{"relative", "?rd=evil", "/"},
	{"a script", "?rd=javascript:alert(1)", "/"},
	{"twice", "?rd=/a&rd=/b", "/"},
};

static void test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char target[256];
		struct login l;

		snprintf(target, sizeof(target), "/.sallyport/login%s", places[i].query);
		start_login(target, &l);
		come_back(&l, "code=c", "");
		world_skip_logs(&w);
		check_i64(places[i].name, "status", 302, w.status);
		check_str(places[i].name, "Location", str_from(places[i].want),
			  world_field(&w, "Location"));
	}
	world_ask(&w, "GET /.sallyport/login?rd=%zz HTTP/1.1\nHost: wiki.example" NAVIGATE);
	world_skip_logs(&w);
	check_i64("an odd form", "status", 400, w.status);
	world_ask(&w, "GET /.sallyport/login HTTP/1.1\nHost: public.example" NAVIGATE);
	world_skip_logs(&w);
	check_i64("a host where nobody can sign in", "status", 404, w.status);
	check_done();
}

/* A provider that is down is ours to say, not a page that never comes. */
static void test_provider_down(void **state)
{
	struct proxy_world down;

	(void)state;
	world_open(&down, NULL);
	down.idp.mode = SERVER_CLOSES;
	down.idp.on_request = NULL;
	log_set_level(LOG_ERROR + 1);
	world_ask(&down, "GET / HTTP/1.1\nHost: wiki.example" NAVIGATE);
	check_i64("down", "status", 503, down.status);
	check_cstr("down", "reason", "login_failed", log_text(world_log(&down), "reason").ptr);
	check_i64("down", "application", 0, down.app.connections);
	world_ask(&down, "GET / HTTP/1.1\nHost: public.example");
	check_i64("the rest goes on", "status", 200, down.status);
	log_set_level(LOG_ERROR);
	world_close(&down);
	check_done();
}

static int open_world(void **state)
{
	(void)state;
	world_open(&w, NULL);
	provider_start(&w, &provider);
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	world_close(&w);
	provider_done(&provider);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete), cmocka_unit_test(test_session_is_replaced),
		cmocka_unit_test(test_failures), cmocka_unit_test(test_store_failure),
		cmocka_unit_test(test_places),	 cmocka_unit_test(test_provider_down),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
