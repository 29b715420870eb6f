/* The ROUTE step: unknown hosts, ambiguous paths, redirects, reserved paths, limits. */
#include "tests/support/proxy_world.h"

static struct proxy_world w;

#define ROUTES                                                                           \
	"[" WORLD_PUBLIC ","                                                             \
	"{'name': 'deep', 'match': {'hosts': ['wiki.example'], 'path': '/app'}, "        \
	" 'authenticate': {'methods': ['none']}, 'policy': 'anyone', 'upstream': 'app'," \
	" 'max_body': '10B', 'identity_headers': {'Remote-Nick': 'preferred_username'}}]"

static const struct {
	const char *name, *head;
	unsigned status;
	const char *reason;
} refusals[] = {
	{"unknown host", "GET / HTTP/1.1\nHost: evil.example", 404, "no_route"},
	{"a host below", "GET / HTTP/1.1\nHost: a.public.example", 404, "no_route"},
	{"an address", "GET / HTTP/1.1\nHost: 192.0.2.1", 404, "no_route"},
	{"known host, no path", "GET /other HTTP/1.1\nHost: wiki.example", 404, "no_route"},
	{"a sibling of a path", "GET /apple HTTP/1.1\nHost: wiki.example", 404, "no_route"},
	{"an encoded slash", "GET /app/..%2fx HTTP/1.1\nHost: wiki.example", 400, "bad_request"},
	{"an empty segment", "GET //app HTTP/1.1\nHost: wiki.example", 400, "bad_request"},
	{"a backslash", "GET /app%5c..%5cx HTTP/1.1\nHost: wiki.example", 400, "bad_request"},
	{"dot segments", "GET /other/../app/x HTTP/1.1\nHost: wiki.example", 400, "bad_request"},
	{"an encoded percent", "GET /app/%252e%252e/ HTTP/1.1\nHost: wiki.example", 400,
	 "bad_request"},
	{"OPTIONS *", "OPTIONS * HTTP/1.1\nHost: public.example", 501, "not_implemented"},
	{"OPTIONS * of an unknown host", "OPTIONS * HTTP/1.1\nHost: evil.example", 404, "no_route"},
	{"a body beyond the route's limit",
	 "POST /app HTTP/1.1\nHost: wiki.example\nContent-Length: 11", 413, "too_large"},
	{"no host", "GET / HTTP/1.1", 400, "bad_request"},
	{"two hosts", "GET / HTTP/1.1\nHost: public.example\nHost: wiki.example", 400,
	 "bad_request"},
	{"method that is not served", "TRACE / HTTP/1.1\nHost: public.example", 501,
	 "not_implemented"},
	{"a version", "GET / HTTP/2.0\nHost: public.example", 505, "not_implemented"},
	{"an expectation", "POST / HTTP/1.1\nHost: public.example\nContent-Length: 1\nExpect: cake",
	 417, "not_implemented"},
	{"below the reserved path", "GET /.sallyport/nothing HTTP/1.1\nHost: public.example", 404,
	 "no_route"},
	{"the reserved path itself", "GET /.sallyport HTTP/1.1\nHost: public.example", 404,
	 "no_route"},
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		world_ask(&w, refusals[i].head);
		check_refused(refusals[i].name, &w, refusals[i].status, refusals[i].reason);
		check_str(refusals[i].name, "cache", STR("no-store"),
			  world_field(&w, "Cache-Control"));
		world_skip_logs(&w);
	}
	check_i64("all", "connections to the application", 0, w.app.connections);
	check_done();
}

static const struct {
	const char *name, *head, *route, *line;
} served[] = {
	{"a root", "GET / HTTP/1.1\nHost: public.example", "public", "GET / HTTP/1.1\r\n"},
	{"case and the trailing dot of a host", "GET /a HTTP/1.1\nHost: PUBLIC.example.", "public",
	 "GET /a HTTP/1.1\r\n"},
	{"a port", "GET /a HTTP/1.1\nHost: public.example:8443", "public", "GET /a HTTP/1.1\r\n"},
	{"a path of a route", "GET /app/x?y=1 HTTP/1.1\nHost: wiki.example", "deep",
	 "GET /app/x?y=1 HTTP/1.1\r\n"},
	{"a name that only looks reserved", "GET /.sallyports HTTP/1.1\nHost: public.example",
	 "public", "GET /.sallyports HTTP/1.1\r\n"},
};

static void test_served(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(served); i++) {
		loop_server_forget(&w.app);
		world_ask(&w, served[i].head);
		check_i64(served[i].name, "status", 200, w.status);
		check_cstr(served[i].name, "route", served[i].route,
			   log_text(world_log(&w), "route").ptr);
		CHECK(served[i].name,
		      str_starts_with(buf_str(&w.app.seen), str_from(served[i].line)));
	}
	check_done();
}

static const struct {
	const char *name, *port, *head, *location;
} redirects[] = {
	{"the standard port", "", "GET /a/b?c=d&e HTTP/1.1\nHost: public.example",
	 "https://public.example/a/b?c=d&e"},
	{"443 is not written", "443", "GET / HTTP/1.1\nHost: public.example",
	 "https://public.example/"},
	{"another port", "8443", "GET /x HTTP/1.1\nHost: public.example:8080",
	 "https://public.example:8443/x"},
	{"an empty query stays", "", "GET /x? HTTP/1.1\nHost: public.example",
	 "https://public.example/x?"},
	{"encoded bytes stay encoded", "", "GET /a%20b HTTP/1.1\nHost: public.example",
	 "https://public.example/a%20b"},
	{"reserved paths too", "", "GET /.sallyport/login HTTP/1.1\nHost: public.example",
	 "https://public.example/.sallyport/login"},
};

static void test_redirects(void **state)
{
	(void)state;
	loop_server_forget(&w.app);
	w.peer.redirect_to_https = true;
	w.peer.is_tls = false;
	for (size_t i = 0; i < ARRAY_LEN(redirects); i++) {
		w.peer.redirect_port = str_from(redirects[i].port);
		world_ask(&w, redirects[i].head);
		check_refused(redirects[i].name, &w, 308, "redirect_to_https");
		check_str(redirects[i].name, "Location", str_from(redirects[i].location),
			  world_field(&w, "Location"));
	}
	world_ask(&w, "GET / HTTP/1.1\nHost: evil.example");
	check_refused("an unknown host is sent nowhere", &w, 404, "no_route");
	w.peer.redirect_to_https = false;
	w.peer.is_tls = true;
	check_done();
}

static bool covers_wiki(const struct exchange_peer *peer, struct str host)
{
	(void)peer;
	return str_equal(host, STR("wiki.example"));
}

/* A connection made for one name serves another only under the same certificate. */
static void test_misdirected(void **state)
{
	static const struct {
		const char *name, *sni, *head;
		unsigned status;
	} cases[] = {
		{"the name it was made for", "public.example",
		 "GET / HTTP/1.1\nHost: public.example", 200},
		{"with a port", "public.example", "GET / HTTP/1.1\nHost: public.example:8443", 200},
		{"another, of the same certificate", "public.example",
		 "GET /app HTTP/1.1\nHost: wiki.example", 200},
		{"another, of another certificate", "wiki.example",
		 "GET / HTTP/1.1\nHost: public.example", 421},
		{"its reserved paths", "wiki.example",
		 "GET /.sallyport/login HTTP/1.1\nHost: public.example", 421},
		{"no name was sent", "", "GET / HTTP/1.1\nHost: public.example", 200},
	};

	(void)state;
	w.peer.covers = covers_wiki;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		loop_server_forget(&w.app);
		w.peer.sni = cases[i].sni;
		world_ask(&w, cases[i].head);
		check_i64(cases[i].name, "status", cases[i].status, w.status);
		check_cstr(cases[i].name, "reason",
			   cases[i].status == 200 ? "served" : "misdirected",
			   log_text(world_log(&w), "reason").ptr);
		check_i64(cases[i].name, "application", cases[i].status == 200, w.app.requests);
		check_i64(cases[i].name, "closes", cases[i].status == 421, w.closes);
	}
	w.peer.covers = NULL;
	w.peer.sni = "";
	check_done();
}

/* The names a route maps claims to are removed from what the client sent, on a public route too. */
static void test_mapped_names_are_removed(void **state)
{
	(void)state;
	loop_server_forget(&w.app);
	world_ask(&w,
		  "GET /app HTTP/1.1\nHost: wiki.example\nRemote-Nick: root\nremote_NICK: root\n"
		  "Remote-User: root\nX-Kept: yes");
	world_skip_logs(&w);
	check_i64("mapped", "copies", 0, (int64_t)head_count(buf_str(&w.app.seen), "Remote-Nick"));
	check_i64("folded", "copies", 0, (int64_t)head_count(buf_str(&w.app.seen), "remote_NICK"));
	check_i64("known", "copies", 0, (int64_t)head_count(buf_str(&w.app.seen), "Remote-User"));
	check_i64("others", "copies", 1, (int64_t)head_count(buf_str(&w.app.seen), "X-Kept"));
	check_done();
}

static void test_body_at_the_limit(void **state)
{
	(void)state;
	loop_server_forget(&w.app);
	world_ask_body(&w, "POST /app HTTP/1.1\nHost: wiki.example\nContent-Length: 10",
		       "0123456789", 10);
	world_skip_logs(&w);
	check_i64("ten bytes", "status", 200, w.status);
	CHECK("arrive", str_ends_with(buf_str(&w.app.seen), STR("\r\n\r\n0123456789")));
	check_done();
}

static int open_world(void **state)
{
	(void)state;
	world_open(&w, ROUTES);
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
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_served),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_misdirected),
		cmocka_unit_test(test_mapped_names_are_removed),
		cmocka_unit_test(test_body_at_the_limit),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
