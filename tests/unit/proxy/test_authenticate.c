/* The AUTHENTICATE step: sessions, certificates, their order, and a store that cannot answer. */
#include "tests/support/failing_store.h"
#include "tests/support/proxy_world.h"

static struct proxy_world w;

#define ROUTES                                                                                    \
	"[" WORLD_PUBLIC "," WORLD_WIKI                                                           \
	"," ROUTE_TEXT("any", "any.example", "'session', 'client_certificate'", "anyone",         \
		       CORP) "," ROUTE_TEXT("cert", "cert.example", "'client_certificate'",       \
					    "anyone",                                             \
					    "") "," ROUTE_TEXT("first", "first.example",          \
							       "'client_certificate', 'session'", \
							       "anyone", CORP) "]"

#define GET(host) "GET / HTTP/1.1\nHost: " host
#define JSON	  "\nAccept: application/json"

static const char *ada, *guest, *other_provider, *other_issuer, *ada_any, *ada_first, *ada_public;
static struct client_certificate certificate = {
	.subject = STR_INIT("CN=bot"),
	.issuer = STR_INIT("CN=CA"),
	.common_name = STR_INIT("bot"),
	.fingerprint_sha256 = STR_INIT("00"),
	.field = STR_INIT(":AAAA:"),
};

/* What of a session is believed where. */
static void test_sessions(void **state)
{
	char altered[SESSION_ID_TEXT + 1], cut[SESSION_ID_TEXT + 1];
	const struct {
		const char *name, *head, *id;
		unsigned status;
		const char *user, *by;
	} rows[] = {
		{"a session", GET("wiki.example"), ada, 200, "ada", "session"},
		{"host in another case", GET("WIKI.example."), ada, 200, "ada", "session"},
		{"without the group", GET("wiki.example") JSON, guest, 403, "guest", "session"},
		{"made at another host", GET("wiki.example") JSON, ada_any, 401, "", "none"},
		{"of another provider", GET("wiki.example") JSON, other_provider, 401, "", "none"},
		{"of the provider's former issuer", GET("wiki.example") JSON, other_issuer, 401, "",
		 "none"},
		{"an altered id", GET("wiki.example") JSON, altered, 401, "", "none"},
		{"a cut id", GET("wiki.example") JSON, cut, 401, "", "none"},
		{"no id", GET("wiki.example") JSON, "", 401, "", "none"},
		{"an id of something else", GET("wiki.example") JSON, "../../etc/passwd", 401, "",
		 "none"},
		{"a public route looks at none", GET("public.example"), ada_public, 200, "",
		 "none"},
	};

	(void)state;
	snprintf(altered, sizeof(altered), "%s", ada);
	altered[5] = altered[5] == 'A' ? 'B' : 'A';
	snprintf(cut, sizeof(cut), "%.42s", ada);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct json *line;

		loop_server_forget(&w.app);
		world_ask_as(&w, rows[i].head, rows[i].id);
		line = world_log(&w);
		check_i64(rows[i].name, "status", rows[i].status, w.status);
		check_cstr(rows[i].name, "user", rows[i].user, log_text(line, "user").ptr);
		check_cstr(rows[i].name, "by", rows[i].by, log_text(line, "authenticated_by").ptr);
		check_i64(rows[i].name, "application", rows[i].status == 200, w.app.requests);
		CHECK(rows[i].name, !memmem(w.app.seen.ptr ? w.app.seen.ptr : "", w.app.seen.len,
					    "__Host-sallyport", 16));
	}
	check_done();
}

/* The same cookie twice names nobody for sure. */
static void test_two_cookies(void **state)
{
	char head[512];

	(void)state;
	snprintf(head, sizeof(head),
		 GET("wiki.example") JSON "\nCookie: __Host-sallyport=%s\n"
					  "Cookie: __Host-sallyport=%s",
		 guest, ada);
	loop_server_forget(&w.app);
	world_ask(&w, head);
	CHECK("the second is not chosen over the first", w.status == 401 || w.status == 403);
	check_i64("two cookies", "application", 0, (int64_t)w.app.seen.len);
	world_skip_logs(&w);
	check_done();
}

static void test_order_of_methods(void **state)
{
	const struct {
		const char *name, *head, *id;
		bool certificate;
		unsigned status;
		const char *user, *by;
	} rows[] = {
		{"certificate alone", GET("cert.example"), "", true, 200, "bot",
		 "client_certificate"},
		{"no certificate", GET("cert.example") JSON, "", false, 401, "", "none"},
		{"session first", GET("any.example"), ada_any, true, 200, "ada", "session"},
		{"certificate where there is no session", GET("any.example"), "", true, 200, "bot",
		 "client_certificate"},
		{"certificate first", GET("first.example"), ada_first, true, 200, "bot",
		 "client_certificate"},
		{"a certificate is no session", GET("wiki.example") JSON, "", true, 401, "",
		 "none"},
		{"a public route names nobody", GET("public.example"), "", true, 200, "", "none"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct json *line;

		loop_server_forget(&w.app);
		w.peer.certificate = rows[i].certificate ? &certificate : NULL;
		world_ask_as(&w, rows[i].head, rows[i].id);
		line = world_log(&w);
		check_i64(rows[i].name, "status", rows[i].status, w.status);
		check_cstr(rows[i].name, "user", rows[i].user, log_text(line, "user").ptr);
		check_cstr(rows[i].name, "by", rows[i].by, log_text(line, "authenticated_by").ptr);
		check_i64(rows[i].name, "application", rows[i].status == 200, w.app.requests);
	}
	w.peer.certificate = NULL;
	check_done();
}

/* A store that cannot be read is no reason to let anybody in, nor to send anybody to log in. */
static void test_store_failure(void **state)
{
	static const struct {
		const char *name, *head;
		unsigned status;
		const char *reason;
	} rows[] = {
		{"a page", GET("wiki.example") "\nAccept: text/html\nSec-Fetch-Mode: navigate", 503,
		 "session_store"},
		{"a call", GET("wiki.example") JSON, 503, "session_store"},
		{"another method comes after it", GET("any.example"), 503, "session_store"},
		{"whoami", "GET /.sallyport/whoami HTTP/1.1\nHost: wiki.example", 503,
		 "session_store"},
		{"logout", "POST /.sallyport/logout HTTP/1.1\nHost: wiki.example", 503,
		 "session_store"},
		{"login", "GET /.sallyport/login HTTP/1.1\nHost: public.example", 404, "no_route"},
	};
	struct session_cache *fresh = NULL, *before = w.worker.sessions;

	(void)state;
	assert_true(session_cache_new(w.store, w.loop, 10, &fresh, NULL));
	w.worker.sessions = fresh; /* that has not seen the session yet */
	w.peer.certificate = &certificate;
	log_set_level(LOG_ERROR + 1);
	atomic_store(&store_reads_fail, true);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		loop_server_forget(&w.app);
		world_ask_as(&w, rows[i].head, ada);
		check_refused(rows[i].name, &w, rows[i].status, rows[i].reason);
		check_i64(rows[i].name, "cookies", 0,
			  (int64_t)head_count(buf_str(&w.head), "Set-Cookie"));
	}
	atomic_store(&store_reads_fail, false);
	world_ask_as(&w, GET("wiki.example"), ada);
	check_i64("when it works again", "status", 200, w.status);
	world_skip_logs(&w);
	log_set_level(LOG_ERROR);
	w.peer.certificate = NULL;
	w.worker.sessions = before;
	session_cache_free(fresh);
	check_done();
}

static const char *keep(const char *id)
{
	static char ids[8][SESSION_ID_TEXT + 1];
	static unsigned next;

	memcpy(ids[next], id, SESSION_ID_TEXT + 1);
	return ids[next++];
}

static int open_world(void **state)
{
	(void)state;
	world_open(&w, ROUTES);
	ada = keep(world_sign_in(&w, "wiki.example", IDENTITY_ADA));
	ada_any = keep(world_sign_in(&w, "any.example", IDENTITY_ADA));
	ada_first = keep(world_sign_in(&w, "first.example", IDENTITY_ADA));
	ada_public = keep(world_sign_in(&w, "public.example", IDENTITY_ADA));
	guest = keep(
		world_sign_in(&w, "wiki.example", IDENTITY_OF("corp", "guest", ",'groups':[]")));
	other_provider = keep(world_sign_in(&w, "wiki.example",
					    IDENTITY_OF("other", "eve", ",'groups':['eng']")));
	other_issuer = keep(world_sign_in(&w, "wiki.example",
					  IDENTITY_FROM("https://former.example", "corp", "eve",
							",'groups':['eng']")));
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
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_two_cookies),
		cmocka_unit_test(test_order_of_methods),
		cmocka_unit_test(test_store_failure),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
