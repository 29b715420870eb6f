/* The gate's own paths: their names, methods, and who may use them. */
#include "tests/support/failing_store.h"
#include "tests/support/proxy_world.h"

static struct proxy_world w;

/* --- names */

static const struct {
	const char *path;
	enum own_path want;
} names[] = {
	{"/.sallyport/login", OWN_PATH_LOGIN},
	{"/.sallyport/callback", OWN_PATH_CALLBACK},
	{"/.sallyport/logout", OWN_PATH_LOGOUT},
	{"/.sallyport/whoami", OWN_PATH_WHOAMI},
	{"/.sallyport/jwks.json", OWN_PATH_JWKS},
	{"/.sallyport/static/style.css", OWN_PATH_STATIC},
	{"/.sallyport/static/", OWN_PATH_STATIC},
	{"/.sallyport/static", OWN_PATH_UNKNOWN},
	{"/.sallyport", OWN_PATH_UNKNOWN},
	{"/.sallyport/", OWN_PATH_UNKNOWN},
	{"/.sallyport/login/", OWN_PATH_UNKNOWN},
	{"/.sallyport/login/x", OWN_PATH_UNKNOWN},
	{"/.sallyport/LOGIN", OWN_PATH_UNKNOWN},
	{"/.sallyport/loginx", OWN_PATH_UNKNOWN},
	{"/.sallyportx", OWN_PATH_NONE},
	{"/.Sallyport/login", OWN_PATH_NONE},
	{"/x/.sallyport/login", OWN_PATH_NONE},
	{"/", OWN_PATH_NONE},
	{"", OWN_PATH_NONE},
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		check_i64(names[i].path, "path", names[i].want,
			  own_path_find(str_from(names[i].path)));
	for (enum own_path p = OWN_PATH_NONE; p <= OWN_PATH_UNKNOWN; p++)
		check_i64("session", "wanted", p == OWN_PATH_LOGOUT || p == OWN_PATH_WHOAMI,
			  own_path_wants_session(p));
	check_done();
}

/* --- methods */

static const struct {
	const char *path, *method;
	unsigned status;
	const char *allow;
} methods[] = {
	{"login", "POST", 405, "GET, HEAD"},
	{"callback", "POST", 405, "GET"},
	{"callback", "HEAD", 405, "GET"},
	{"logout", "GET", 405, "POST"},
	{"logout", "HEAD", 405, "POST"},
	{"whoami", "POST", 405, "GET, HEAD"},
	{"whoami", "DELETE", 405, "GET, HEAD"},
	{"jwks.json", "PUT", 405, "GET, HEAD"},
	{"jwks.json", "GET", 200, "(none)"},
	{"jwks.json", "HEAD", 200, "(none)"},
	{"static/style.css", "GET", 200, "(none)"},
	{"static/style.css", "POST", 405, "GET, HEAD"},
	{"static/nothing", "GET", 404, "(none)"},
	{"static/../../etc", "GET", 400, "(none)"},
	{"static/page.html", "GET", 404, "(none)"},
	{"nothing", "POST", 404, "(none)"},
};

static void test_methods(void **state)
{
	char head[256], name[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		snprintf(name, sizeof(name), "%s %s", methods[i].method, methods[i].path);
		snprintf(head, sizeof(head),
			 "%s /.sallyport/%s HTTP/1.1\nHost: wiki.example\n"
			 "Content-Length: 0",
			 methods[i].method, methods[i].path);
		world_ask(&w, head);
		world_skip_logs(&w);
		check_i64(name, "status", methods[i].status, w.status);
		check_str(name, "Allow", str_from(methods[i].allow), world_field(&w, "Allow"));
		check_str(name, "cache", STR("no-store"), world_field(&w, "Cache-Control"));
	}
	check_i64("all", "application", 0, (int64_t)w.app.seen.len);
	check_done();
}

static void test_key_set(void **state)
{
	(void)state;
	world_ask(&w, "GET /.sallyport/jwks.json HTTP/1.1\nHost: public.example");
	world_skip_logs(&w);
	check_str("key set", "body", keyring_public_jwks(w.keys), buf_str(&w.body));
	check_str("key set", "type", STR("application/json"), world_field(&w, "Content-Type"));
	CHECK("no private key", str_find(buf_str(&w.body), STR("\"d\"")) == STR_NONE);
	check_done();
}

/* --- logout */

static const struct {
	const char *name, *fields;
	unsigned status;
} logouts[] = {
	{"our own form", "\nSec-Fetch-Site: same-origin\nOrigin: https://wiki.example", 200},
	{"an older browser", "\nOrigin: https://wiki.example", 200},
	{"no browser", "", 200},
	{"typed by the person", "\nSec-Fetch-Site: none", 200},
	{"another site", "\nSec-Fetch-Site: cross-site", 403},
	{"a sister host", "\nSec-Fetch-Site: same-site", 403},
	{"a word nobody knows", "\nSec-Fetch-Site: whatever", 403},
	{"another origin", "\nOrigin: https://evil.example", 403},
	{"another origin that claims to be the same site",
	 "\nSec-Fetch-Site: same-origin\nOrigin: https://evil.example", 403},
	{"another scheme", "\nOrigin: http://wiki.example", 403},
	{"another port", "\nOrigin: https://wiki.example:8443", 403},
	{"a longer name", "\nOrigin: https://wiki.example.evil.example", 403},
	{"an opaque origin", "\nOrigin: null", 403},
};

static void test_logout(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(logouts); i++) {
		const char *id = world_sign_in(&w, "wiki.example", IDENTITY_ADA);
		char head[512];

		snprintf(
			head, sizeof(head),
			"POST /.sallyport/logout HTTP/1.1\nHost: wiki.example\nContent-Length: 0%s",
			logouts[i].fields);
		world_ask_as(&w, head, id);
		check_i64(logouts[i].name, "status", logouts[i].status, w.status);
		check_cstr(logouts[i].name, "reason",
			   logouts[i].status == 200 ? "own_page" : "cross_site",
			   log_text(world_log(&w), "reason").ptr);
		check_i64(logouts[i].name, "cookies cleared", logouts[i].status == 200,
			  (int64_t)head_count(buf_str(&w.head), "Set-Cookie"));
		world_ask_as(&w, "GET / HTTP/1.1\nHost: wiki.example\nAccept: application/json",
			     id);
		world_skip_logs(&w);
		check_i64(logouts[i].name, "afterwards", logouts[i].status == 200 ? 401 : 200,
			  w.status);
	}
	world_ask(&w, "POST /.sallyport/logout HTTP/1.1\nHost: wiki.example\nContent-Length: 0");
	world_skip_logs(&w);
	check_i64("nobody signed in", "status", 200, w.status);
	check_done();
}

/* "Signed out" is said only when it is so. */
static void test_logout_without_store(void **state)
{
	const char *id = world_sign_in(&w, "wiki.example", IDENTITY_ADA);

	(void)state;
	log_set_level(LOG_ERROR + 1);
	atomic_store(&store_writes_fail, true);
	world_ask_as(&w, "POST /.sallyport/logout HTTP/1.1\nHost: wiki.example\nContent-Length: 0",
		     id);
	atomic_store(&store_writes_fail, false);
	check_i64("logout", "status", 503, w.status);
	check_cstr("logout", "reason", "session_store", log_text(world_log(&w), "reason").ptr);
	check_str("logout", "cookie", STR("(none)"), world_field(&w, "Set-Cookie"));
	log_set_level(LOG_ERROR);
	check_done();
}

/* --- whoami */

static void test_whoami(void **state)
{
	const char *id = world_sign_in(&w, "wiki.example", IDENTITY_ADA);
	struct json_doc *doc = NULL;

	(void)state;
	world_ask_as(&w, "GET /.sallyport/whoami HTTP/1.1\nHost: wiki.example", id);
	check_i64("JSON", "status", 200, w.status);
	assert_true(json_parse(buf_str(&w.body), 65536, NULL, &doc, NULL));
	check_str("JSON", "user", STR("ada"), json_str(json_get(json_root(doc), "user")));
	check_str("JSON", "email", STR("ada@example.com"),
		  json_str(json_get(json_root(doc), "email")));
	check_i64("JSON", "groups", 2, (int64_t)json_count(json_get(json_root(doc), "groups")));
	check_str("JSON", "by", STR("session"),
		  json_str(json_get(json_root(doc), "authenticated_by")));
	CHECK("not the id", str_find(buf_str(&w.body), str_from(id)) == STR_NONE);
	json_doc_free(doc);
	world_ask_as(&w, "GET /.sallyport/whoami HTTP/1.1\nHost: wiki.example\nAccept: text/html",
		     id);
	CHECK("HTML", str_find(buf_str(&w.body), STR("ada@example.com")) != STR_NONE);
	world_ask(&w, "GET /.sallyport/whoami HTTP/1.1\nHost: wiki.example");
	check_i64("a program", "status", 401, w.status);
	check_i64("a program", "challenges", 1,
		  (int64_t)head_count(buf_str(&w.head), "WWW-Authenticate"));
	world_ask(&w, "GET /.sallyport/whoami HTTP/1.1\nHost: wiki.example\nAccept: text/html\n"
		      "Sec-Fetch-Mode: navigate");
	check_i64("a page", "status", 302, w.status);
	world_ask(&w, "GET /.sallyport/whoami HTTP/1.1\nHost: public.example\nAccept: text/html\n"
		      "Sec-Fetch-Mode: navigate");
	check_i64("a page, where nobody can sign in", "status", 401, w.status);
	world_ask_as(&w, "GET /.sallyport/whoami HTTP/1.1\nHost: public.example", id);
	check_i64("a session of another host", "status", 401, w.status);
	check_done();
}

static int open_world(void **state)
{
	(void)state;
	world_open(&w, NULL);
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
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_key_set),
		cmocka_unit_test(test_logout),
		cmocka_unit_test(test_logout_without_store),
		cmocka_unit_test(test_whoami),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
