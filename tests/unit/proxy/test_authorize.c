/*
 * The AUTHORIZE step: what a decision becomes for a browser and for a program, and that a
 * route which is not public needs somebody, whatever its policy says.
 */
#include "tests/unit/authn/session/fake_clock.h"

#include "tests/support/proxy_world.h"

static struct proxy_world w;
static char ada[SESSION_ID_TEXT + 1], contractor[SESSION_ID_TEXT + 1], stale[SESSION_ID_TEXT + 1];

#define ROUTES                                                                                   \
	"[" WORLD_PUBLIC "," WORLD_WIKI                                                          \
	"," ROUTE_TEXT("open", "open.example", "'session'", "anyone", CORP) "," ROUTE_TEXT(      \
		"cert", "cert.example", "'client_certificate'", "anyone",                        \
		"") "," ROUTE_TEXT("bearer", "bearer.example", "'bearer'", "anyone",             \
				   CORP) "," ROUTE_TEXT("fresh", "fresh.example", "'session'",   \
							"fresh",                                 \
							CORP) "," ROUTE_TEXT("nobody",           \
									     "nobody.example",   \
									     "'none'", "nobody", \
									     "") "]"

#define PAGE(host)	 "GET /deep/page?q=1 HTTP/1.1\nHost: " host "\nAccept: text/html"
#define NAVIGATION(host) PAGE(host) "\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document"
#define CALL(host)	 "GET /deep/page?q=1 HTTP/1.1\nHost: " host "\nAccept: application/json"

/* Nobody is signed in. */
static const struct {
	const char *name, *head;
	unsigned status;
	const char *reason, *decision;
} anonymous[] = {
	{"allowed to all, but not public: a page", NAVIGATION("open.example"), 302, "login_started",
	 "login"},
	{"allowed to all, but not public: a call", CALL("open.example"), 401, "not_signed_in",
	 "login"},
	{"no way to log in: a page", NAVIGATION("cert.example"), 401, "not_signed_in", "login"},
	{"no way to log in: a token is missing", CALL("bearer.example"), 401, "not_signed_in",
	 "login"},
	{"signing in could help: a page", NAVIGATION("wiki.example"), 302, "login_started",
	 "login"},
	{"a browser without Fetch Metadata", PAGE("wiki.example"), 302, "login_started", "login"},
	{"a script's request", PAGE("wiki.example") "\nX-Requested-With: XMLHttpRequest", 401,
	 "not_signed_in", "login"},
	{"an image", PAGE("wiki.example") "\nSec-Fetch-Mode: no-cors\nSec-Fetch-Dest: image", 401,
	 "not_signed_in", "login"},
	{"a frame", PAGE("wiki.example") "\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: iframe", 401,
	 "not_signed_in", "login"},
	{"a form",
	 "POST / HTTP/1.1\nHost: wiki.example\nAccept: text/html\nSec-Fetch-Mode: navigate\n"
	 "Content-Length: 0",
	 401, "not_signed_in", "login"},
	{"a call", CALL("wiki.example"), 401, "not_signed_in", "login"},
	{"public, and refused", CALL("nobody.example"), 403, "denied", "deny"},
	{"public, refused, and no login is asked for", NAVIGATION("nobody.example"), 403, "denied",
	 "deny"},
};

static void test_anonymous(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(anonymous); i++) {
		const struct json *line;

		world_ask(&w, anonymous[i].head);
		line = world_log(&w);
		check_i64(anonymous[i].name, "status", anonymous[i].status, w.status);
		check_cstr(anonymous[i].name, "reason", anonymous[i].reason,
			   log_text(line, "reason").ptr);
		check_cstr(anonymous[i].name, "decision", anonymous[i].decision,
			   log_text(line, "decision").ptr);
		check_i64(anonymous[i].name, "challenges", anonymous[i].status == 401,
			  (int64_t)head_count(buf_str(&w.head), "WWW-Authenticate"));
		check_i64(anonymous[i].name, "flow cookies", anonymous[i].status == 302,
			  (int64_t)head_count(buf_str(&w.head), "Set-Cookie"));
		check_str(anonymous[i].name, "cache", STR("no-store"),
			  world_field(&w, "Cache-Control"));
		check_i64(anonymous[i].name, "application", 0, (int64_t)w.app.seen.len);
	}
	check_done();
}

static void test_login_location(void **state)
{
	char want[128];
	struct str location;

	(void)state;
	snprintf(want, sizeof(want), "http://127.0.0.1:%u/authorize?", w.idp.port);
	world_ask(&w, NAVIGATION("wiki.example"));
	world_skip_logs(&w);
	location = world_field(&w, "Location");
	CHECK("to the provider", str_starts_with(location, str_from(want)));
	CHECK("back to this host",
	      str_find(location,
		       STR("redirect_uri=https%3A%2F%2Fwiki.example%2F.sallyport%2Fcallback")) !=
		      STR_NONE);
	CHECK("with PKCE", str_find(location, STR("code_challenge_method=S256")) != STR_NONE);
	CHECK("without the place, which is sealed", str_find(location, STR("deep")) == STR_NONE);
	CHECK("no prompt", str_find(location, STR("prompt=")) == STR_NONE);
	CHECK("the cookie is the flow's",
	      str_starts_with(world_field(&w, "Set-Cookie"), STR("__Host-sallyport-login-")));
	check_done();
}

static void test_allowed(void **state)
{
	const struct json *line;

	(void)state;
	loop_server_forget(&w.app);
	world_ask_as(&w, "GET /hidden/x HTTP/1.1\nHost: wiki.example", ada);
	line = world_log(&w);
	check_i64("an engineer", "status", 200, w.status);
	check_cstr("an engineer", "decision", "allow", log_text(line, "decision").ptr);
	check_cstr("an engineer", "rule", "engineers", log_text(line, "rule").ptr);
	check_i64("an engineer", "shadow rules", 1, (int64_t)json_count(json_get(line, "would")));
	check_str("an engineer", "would", STR("no-hidden"),
		  json_str(json_first(json_get(line, "would"))));
	check_i64("an engineer", "hash", 16, (int64_t)log_text(line, "policy_hash").len);
	check_i64("an engineer", "application", 1, w.app.requests);
	check_done();
}

static void test_denied(void **state)
{
	const struct json *line;

	(void)state;
	loop_server_forget(&w.app);
	world_ask_as(&w, PAGE("wiki.example"), contractor);
	line = world_log(&w);
	check_i64("a page", "status", 403, w.status);
	check_cstr("a page", "rule", "no-contractors", log_text(line, "rule").ptr);
	CHECK("the rule's message, escaped",
	      str_find(buf_str(&w.body), STR("Contractors use the &lt;partner&gt; portal.")) !=
		      STR_NONE);
	CHECK("the request id",
	      str_find(buf_str(&w.body), log_text(line, "request_id")) != STR_NONE);
	CHECK("a way to sign out",
	      str_find(buf_str(&w.body), STR("/.sallyport/logout")) != STR_NONE);
	world_ask_as(&w, CALL("wiki.example"), contractor);
	line = world_log(&w);
	check_i64("a call", "status", 403, w.status);
	CHECK("is JSON",
	      str_find(buf_str(&w.body),
		       STR("\"message\":\"Contractors use the <partner> portal.\"")) != STR_NONE);
	check_i64("a refusal", "application", 0, (int64_t)w.app.seen.len);
	check_done();
}

/* Ask for the stale session's page, with more fields; answers the log's line. */
static const struct json *ask_stale(const char *more)
{
	char head[512];

	snprintf(head, sizeof(head),
		 "GET / HTTP/1.1\nHost: fresh.example\nCookie: __Host-sallyport=%s%s", stale, more);
	world_ask(&w, head);
	return world_log(&w);
}

#define BROWSES "\nAccept: text/html\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document"

/* auth_time is long ago. Asked once; a second time within a minute shows that asking is vain. */
static void test_step_up(void **state)
{
	const struct json *line;

	(void)state;
	loop_server_forget(&w.app);
	line = ask_stale(BROWSES);
	check_i64("a page", "status", 302, w.status);
	check_cstr("a page", "reason", "step_up", log_text(line, "reason").ptr);
	check_cstr("a page", "decision", "step_up", log_text(line, "decision").ptr);
	CHECK("asks for an age",
	      str_find(world_field(&w, "Location"), STR("max_age=3600")) != STR_NONE);
	CHECK("the browser remembers it",
	      str_find(buf_str(&w.head), STR("__Host-sallyport-step-up=fresh; ")) != STR_NONE);
	line = ask_stale("; __Host-sallyport-step-up=fresh" BROWSES);
	check_i64("just asked", "status", 403, w.status);
	check_cstr("just asked", "reason", "denied", log_text(line, "reason").ptr);
	(void)ask_stale("; __Host-sallyport-step-up=other" BROWSES);
	check_i64("asked for another route", "status", 302, w.status);
	fake_clock_s += 61;
	(void)ask_stale("; __Host-sallyport-step-up=fresh" BROWSES);
	check_i64("a session that is older", "status", 302, w.status);
	line = ask_stale("\nAccept: application/json");
	check_i64("a call", "status", 401, w.status);
	check_cstr("a call", "reason", "step_up", log_text(line, "reason").ptr);
	CHECK("says so (RFC 9470)", str_find(world_field(&w, "WWW-Authenticate"),
					     STR("insufficient_user_authentication")) != STR_NONE);
	check_i64("step up", "application", 0, (int64_t)w.app.seen.len);
	check_done();
}

/* What the decision log adds: who, where, why; one line per decision, none without one. */
static void test_decision_log(void **state)
{
	const struct json *line;

	(void)state;
	world_skip_logs(&w);
	world_ask_as(&w, PAGE("wiki.example"), contractor);
	line = world_decision(&w);
	assert_non_null(line);
	check_cstr("decision", "policy", "staff", log_text(line, "policy").ptr);
	check_cstr("decision", "rule", "no-contractors", log_text(line, "rule").ptr);
	check_cstr("decision", "path", "/deep/page", log_text(line, "path").ptr);
	check_cstr("decision", "user", "carl", log_text(line, "user").ptr);
	CHECK("because", log_text(line, "because").len > 0);
	world_ask(&w, "GET /.sallyport/jwks.json HTTP/1.1\nHost: wiki.example");
	CHECK("none for our own pages", !world_decision(&w));
	check_done();
}

static int open_world(void **state)
{
	(void)state;
	world_open(&w, ROUTES);
	fake_clock_s += 7200;
	memcpy(stale, world_sign_in(&w, "fresh.example", IDENTITY_ADA), sizeof(stale));
	memcpy(ada, world_sign_in(&w, "wiki.example", IDENTITY_ADA), sizeof(ada));
	memcpy(contractor,
	       world_sign_in(&w, "wiki.example",
			     IDENTITY_OF("corp", "carl", ",'groups':['eng','contractors']")),
	       sizeof(contractor));
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
		cmocka_unit_test(test_anonymous), cmocka_unit_test(test_login_location),
		cmocka_unit_test(test_allowed),	  cmocka_unit_test(test_denied),
		cmocka_unit_test(test_step_up),	  cmocka_unit_test(test_decision_log),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
