/* The FORWARD step: the request as the application gets it, and its answer as ours. */
#include "tests/support/proxy_world.h"

static struct proxy_world w;
static char ada[SESSION_ID_TEXT + 1];

#define ROUTES                                                                     \
	"[" WORLD_PUBLIC "," WORLD_WIKI ","                                        \
	"{'name': 'dead', 'match': {'hosts': ['dead.example']}, 'authenticate':"   \
	" {'methods': ['none']}, 'policy': 'anyone', 'upstream': 'dead'},"         \
	"{'name': 'small', 'match': {'hosts': ['small.example']}, 'authenticate':" \
	" {'methods': ['none']}, 'policy': 'anyone', 'upstream': 'app', 'max_body': '8B'}]"

#define TO   "Host: public.example"
#define POST "POST /in HTTP/1.1\n" TO

static void say(const char *answer)
{
	loop_server_forget(&w.app);
	loop_server_say(&w.app, answer);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

/* --- the request */

static const struct {
	const char *name, *head;
	const char *field, *want; /* of what the application saw; "(none)" */
} requests[] = {
	{"Host is kept", "GET / HTTP/1.1\nHost: public.example:8443", "Host",
	 "public.example:8443"},
	{"an end-to-end field", "GET / HTTP/1.1\n" TO "\nX-A: b", "X-A", "b"},
	{"credentials for the application",
	 "GET / HTTP/1.1\n" TO "\nAuthorization: Basic eA==", "Authorization", "Basic eA=="},
	{"TE", "GET / HTTP/1.1\n" TO "\nTE: trailers", "TE", "(none)"},
	{"Proxy-Authorization", "GET / HTTP/1.1\n" TO "\nProxy-Authorization: x",
	 "Proxy-Authorization", "(none)"},
	{"Upgrade", "GET / HTTP/1.1\n" TO "\nConnection: upgrade\nUpgrade: h2c", "Upgrade",
	 "(none)"},
	{"named by Connection", "GET / HTTP/1.1\n" TO "\nConnection: X-Hop\nX-Hop: 1", "X-Hop",
	 "(none)"},
	{"Connection cannot remove ours",
	 "GET / HTTP/1.1\n" TO "\nConnection: X-Request-Id, X-Forwarded-For, X-Real-IP",
	 "X-Real-IP", "192.0.2.7"},
	{"Expect", POST "\nContent-Length: 0\nExpect: 100-continue", "Expect", "(none)"},
	{"our cookie", "GET / HTTP/1.1\n" TO "\nCookie: a=1; __Host-sallyport=zzz; b=2", "Cookie",
	 "a=1; b=2"},
	{"only our cookie", "GET / HTTP/1.1\n" TO "\nCookie: __Host-sallyport=zzz", "Cookie",
	 "(none)"},
	{"our cookie, twice",
	 "GET / HTTP/1.1\n" TO "\nCookie: __Host-sallyport=a; __Host-sallyport=b; c=3", "Cookie",
	 "c=3"},
	{"flows of a login", "GET / HTTP/1.1\n" TO "\nCookie: __Host-sallyport-login-00aa=s; d=4",
	 "Cookie", "d=4"},
	{"a step-up of ours", "GET / HTTP/1.1\n" TO "\nCookie: e=5; __Host-sallyport-step-up=wiki",
	 "Cookie", "e=5"},
	{"an empty length", POST "\nContent-Length: 0", "Content-Length", "0"},
	{"a request id of the client's", "GET / HTTP/1.1\n" TO "\nX-Request-Id: mine",
	 "X-Request-Id", ""},
};

static void test_requests(void **state)
{
	(void)state;
	say(OK);
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct str got;

		loop_server_forget(&w.app);
		world_ask(&w, requests[i].head);
		world_skip_logs(&w);
		check_i64(requests[i].name, "status", 200, w.status);
		check_i64(requests[i].name, "requests", 1, w.app.requests);
		got = head_field(buf_str(&w.app.seen), requests[i].field);
		if (requests[i].want[0])
			check_str(requests[i].name, requests[i].field, str_from(requests[i].want),
				  got);
		else
			CHECK(requests[i].name,
			      str_find(got, STR("mine")) == STR_NONE && got.len == 26);
	}
	check_done();
}

/* The gate names itself; a request that bears its name has been here before. */
static void test_via(void **state)
{
	const char *name = w.snapshot->via;
	char head[512], want[64];
	static const struct {
		const char *before, *behind; /* the name */
		unsigned status;
	} loops[] = {
		{"1.1 ", "", 508},
		{"1.1 other, HTTP/1.0 ", " (comment)", 508},
		{"1.1 other\nVia: 1.1 ", "", 508},
		{"1.1 not-", "", 200},
		{"1.1 ", "x", 200},
	};

	(void)state;
	log_set_level(LOG_ERROR + 1);
	say(OK);
	world_ask(&w, "GET / HTTP/1.1\n" TO);
	world_skip_logs(&w);
	snprintf(want, sizeof(want), "1.1 %s", name);
	check_str("ours", "Via", str_from(want), head_field(buf_str(&w.app.seen), "Via"));
	for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
		loop_server_forget(&w.app);
		snprintf(head, sizeof(head), "GET / HTTP/1.1\n" TO "\nVia: %s%s%s", loops[i].before,
			 name, loops[i].behind);
		world_ask(&w, head);
		check_i64(loops[i].before, "status", loops[i].status, w.status);
		check_cstr(loops[i].before, "reason", loops[i].status == 508 ? "loop" : "served",
			   log_text(world_log(&w), "reason").ptr);
		check_i64(loops[i].before, "requests", loops[i].status == 200, w.app.requests);
	}
	log_set_level(LOG_ERROR);
	check_done();
}

static const struct {
	const char *name, *target, *line;
} targets[] = {
	{"a query as it came", "/a?b=%20c&d", "GET /a?b=%20c&d HTTP/1.1\r\n"},
	{"an empty query", "/a?", "GET /a? HTTP/1.1\r\n"},
	{"encoded bytes of a path", "/caf%C3%A9/%20", "GET /caf%C3%A9/%20 HTTP/1.1\r\n"},
	{"absolute-form", "https://public.example/x?y", "GET /x?y HTTP/1.1\r\n"},
};

static void test_targets(void **state)
{
	char head[512];

	(void)state;
	say(OK);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		loop_server_forget(&w.app);
		snprintf(head, sizeof(head), "GET %s HTTP/1.1\n" TO, targets[i].target);
		world_ask(&w, head);
		world_skip_logs(&w);
		check_str(targets[i].name, "line", str_from(targets[i].line),
			  str_slice(buf_str(&w.app.seen), 0, strlen(targets[i].line)));
	}
	check_done();
}

static void test_request_bodies(void **state)
{
	static char big[300 * 1024];
	const struct json *line;
	char head[256];

	(void)state;
	memset(big, 'x', sizeof(big));
	say(OK);
	world_ask_body(&w, POST "\nContent-Length: 5", "hello", 5);
	line = world_log(&w);
	check_i64("length", "bytes_received", 5,
		  (int64_t)json_number(json_get(line, "bytes_received")));
	CHECK("length", str_ends_with(buf_str(&w.app.seen), STR("\r\n\r\nhello")));
	loop_server_forget(&w.app);
	world_ask_body(&w, POST "\nTransfer-Encoding: chunked", "hello", 5);
	world_skip_logs(&w);
	CHECK("chunked", str_ends_with(buf_str(&w.app.seen), STR("5\r\nhello\r\n0\r\n\r\n")));
	check_i64("chunked", "lengths", 0,
		  (int64_t)head_count(buf_str(&w.app.seen), "Content-Length"));
	loop_server_forget(&w.app);
	snprintf(head, sizeof(head), POST "\nContent-Length: %zu", sizeof(big));
	world_ask_body(&w, head, big, sizeof(big));
	world_skip_logs(&w);
	check_i64("big", "status", 200, w.status);
	CHECK("big",
	      w.app.seen.len > sizeof(big) &&
		      !memcmp(w.app.seen.ptr + w.app.seen.len - sizeof(big), big, sizeof(big)));
	check_done();
}

/* A body without a length is measured as it comes: past the limit nothing of it counts. */
static void test_body_limit(void **state)
{
	(void)state;
	say(OK);
	world_ask_body(&w, "POST / HTTP/1.1\nHost: small.example\nTransfer-Encoding: chunked",
		       "123456789", 9);
	check_i64("too large", "status", 413, w.status);
	check_cstr("too large", "reason", "too_large", log_text(world_log(&w), "reason").ptr);
	check_i64("too large", "complete requests", 0, w.app.requests);
	world_ask_body(&w, "POST / HTTP/1.1\nHost: small.example\nTransfer-Encoding: chunked",
		       "12345678", 8);
	world_skip_logs(&w);
	check_i64("at the limit", "status", 200, w.status);
	check_done();
}

/* --- the answer */

static const struct {
	const char *name, *method, *answer;
	unsigned status;
	const char *field, *want, *body;
} answers[] = {
	{"a body", "GET", OK, 200, "X", "(none)", "hi"},
	{"status and fields", "GET", "HTTP/1.1 404 Nope\r\nX-A: b\r\nContent-Length: 0\r\n\r\n",
	 404, "X-A", "b", ""},
	{"chunked", "GET",
	 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200,
	 "Transfer-Encoding", "(none)", "abc"},
	{"hop by hop", "GET",
	 "HTTP/1.1 200 OK\r\nKeep-Alive: x\r\nConnection: X-H\r\nX-H: 1\r\nContent-Length: "
	 "0\r\n\r\n",
	 200, "X-H", "(none)", ""},
	{"a cookie of the application", "GET",
	 "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n", 200, "Set-Cookie",
	 "a=b", ""},
	{"our cookie, from the application", "GET",
	 "HTTP/1.1 200 OK\r\nSet-Cookie: __Host-sallyport=x; Path=/\r\nContent-Length: 0\r\n\r\n",
	 200, "Set-Cookie", "(none)", ""},
	{"a flow of ours, from the application", "GET",
	 "HTTP/1.1 200 OK\r\nSet-Cookie: __Host-sallyport-login-1=x\r\nContent-Length: 0\r\n\r\n",
	 200, "Set-Cookie", "(none)", ""},
	{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n", 200, "Content-Length",
	 "(none)", ""},
	{"204", "GET", "HTTP/1.1 204 No Content\r\nX-A: c\r\n\r\n", 204, "X-A", "c", ""},
	{"304", "GET", "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\n\r\n", 304, "ETag", "\"e\"",
	 ""},
	{"an interim answer is swallowed", "GET", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK,
	 200, "Link", "(none)", "hi"},
	{"no caching rule for the public", "GET", OK, 200, "Cache-Control", "(none)", "hi"},
};

static void test_answers(void **state)
{
	char head[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		say(answers[i].answer);
		snprintf(head, sizeof(head), "%s / HTTP/1.1\n" TO, answers[i].method);
		world_ask(&w, head);
		check_i64(answers[i].name, "status", answers[i].status, w.status);
		check_cstr(answers[i].name, "reason", "served",
			   log_text(world_log(&w), "reason").ptr);
		check_str(answers[i].name, answers[i].field, str_from(answers[i].want),
			  world_field(&w, answers[i].field));
		check_str(answers[i].name, "body", str_from(answers[i].body), buf_str(&w.body));
	}
	check_done();
}

/* The length that HEAD would have is told although there is no body. */
static void test_head_length(void **state)
{
	(void)state;
	say("HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n");
	world_begin(&w, "HEAD / HTTP/1.1\n" TO);
	assert_true(world_answer(&w, "", 0));
	CHECK("known", exchange_response(w.e)->has_length);
	check_i64("HEAD", "length", 77, (int64_t)exchange_response(w.e)->length);
	world_end(&w, EXCHANGE_COMPLETE);
	world_skip_logs(&w);
	check_done();
}

static void test_signed_in_answers_are_private(void **state)
{
	(void)state;
	say(OK);
	world_ask_as(&w, "GET / HTTP/1.1\nHost: wiki.example", ada);
	check_str("none said", "Cache-Control", STR("private"), world_field(&w, "Cache-Control"));
	say("HTTP/1.1 200 OK\r\nCache-Control: public\r\nContent-Length: 0\r\n\r\n");
	world_ask_as(&w, "GET / HTTP/1.1\nHost: wiki.example", ada);
	check_str("one said", "Cache-Control", STR("public"), world_field(&w, "Cache-Control"));
	check_i64("one said", "copies", 1, (int64_t)head_count(buf_str(&w.head), "Cache-Control"));
	world_skip_logs(&w);
	check_done();
}

static void test_streamed_answer(void **state)
{
	static char big[1024 * 1024];
	const struct json *line;

	(void)state;
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)('a' + i % 23);
	say("");
	buf_appendf(&w.app.answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", sizeof(big));
	buf_append(&w.app.answer, str_from_len(big, sizeof(big)));
	world_ask(&w, "GET / HTTP/1.1\n" TO);
	line = world_log(&w);
	CHECK("whole", w.body.len == sizeof(big) && !memcmp(w.body.ptr, big, sizeof(big)));
	check_i64("streamed", "bytes_sent", sizeof(big),
		  (int64_t)json_number(json_get(line, "bytes_sent")));
	CHECK("upstream_time", json_is(json_get(line, "upstream_time"), JSON_NUMBER));
	CHECK("upstream_addr", str_starts_with(log_text(line, "upstream_addr"), STR("127.0.0.1:")));
	check_done();
}

/* --- failures */

static const struct {
	const char *name, *host;
	enum loop_server_mode mode;
	const char *answer;
	unsigned status;
	const char *reason;
	bool cut;
} failures[] = {
	{"nobody listens", "dead.example", SERVER_ANSWERS, "", 502, "upstream_refused", false},
	{"closed before an answer", "public.example", SERVER_CLOSES, "", 502, "upstream_reset",
	 false},
	{"closed within the head", "public.example", SERVER_CUTS, "HTTP/1.1 200", 502,
	 "upstream_reset", false},
	{"silence", "public.example", SERVER_HOLDS, "", 504, "upstream_timeout", false},
	{"no HTTP", "public.example", SERVER_CUTS, "SSH-2.0-x\r\n\r\n", 502, "upstream_malformed",
	 false},
	{"two lengths", "public.example", SERVER_CUTS,
	 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 502,
	 "upstream_malformed", false},
	{"a body cut short", "public.example", SERVER_CUTS,
	 "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nabc", 200, "upstream_cut", true},
	{"chunks cut short", "public.example", SERVER_CUTS,
	 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 200, "upstream_cut", true},
	{"chunks that are none", "public.example", SERVER_ANSWERS,
	 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", 200,
	 "upstream_cut", true},
};

static void test_failures(void **state)
{
	char head[256];

	(void)state;
	log_set_level(LOG_ERROR + 1);
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		say(failures[i].answer);
		w.app.mode = failures[i].mode;
		snprintf(head, sizeof(head), "POST / HTTP/1.1\nHost: %s\nContent-Length: 0",
			 failures[i].host);
		world_ask(&w, head);
		check_i64(failures[i].name, "status", failures[i].status, w.status);
		check_cstr(failures[i].name, "reason", failures[i].reason,
			   log_text(world_log(&w), "reason").ptr);
		check_i64(failures[i].name, "cut", failures[i].cut, w.was_cut);
		CHECK(failures[i].name,
		      failures[i].cut ||
			      str_equal(world_field(&w, "Cache-Control"), STR("no-store")));
		w.app.mode = SERVER_ANSWERS;
		while (w.app.clients)
			loop_server_drop(w.app.clients);
	}
	log_set_level(LOG_ERROR);
	check_done();
}

/* An answer in the middle of an upload: the rest of it is for nobody. */
static void early_refusal(struct loop_server *s, struct str request, struct buf *out)
{
	(void)s;
	(void)request;
	buf_append_cstr(out, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
}

static void test_early_answer(void **state)
{
	static char piece[10];
	struct loop_server_client *c;

	(void)state;
	say("");
	w.app.mode = SERVER_HOLDS;
	world_begin(&w, POST "\nContent-Length: 20");
	assert_true(WORLD_TURN_UNTIL(&w, exchange_run(w.e) == EXCHANGE_WANTS_BODY &&
						 exchange_body(w.e, piece, sizeof(piece)) ==
							 sizeof(piece)));
	assert_true(WORLD_TURN_UNTIL(&w, w.app.clients && w.app.seen.len > 10 &&
						 str_find(buf_str(&w.app.seen), STR("\r\n\r\n")) !=
							 STR_NONE));
	c = w.app.clients;
	buf_append_cstr(&c->out, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
	loop_server_flush(c);
	assert_true(WORLD_TURN_UNTIL(&w, w.e->head != NULL));
	assert_int_equal(exchange_body(w.e, piece, sizeof(piece)), sizeof(piece));
	check_i64("the rest", "dropped", sizeof(piece), (int64_t)exchange_dropped_bytes(w.e));
	exchange_body_end(w.e);
	assert_int_equal(exchange_run(w.e), EXCHANGE_RESPONDS);
	world_note_response(&w);
	check_i64("early", "status", 403, w.status);
	if (exchange_response(w.e)->is_stream)
		world_read_stream(&w);
	check_str("early", "body", STR("no"), buf_str(&w.body));
	world_end(&w, EXCHANGE_COMPLETE);
	w.app.mode = SERVER_ANSWERS;
	w.app.on_request = early_refusal;
	world_ask_body(&w, POST "\nContent-Length: 3", "abc", 3);
	check_str("whole", "body", STR("late"), buf_str(&w.body));
	w.app.on_request = NULL;
	world_skip_logs(&w);
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
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_via),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_request_bodies),
		cmocka_unit_test(test_body_limit),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_head_length),
		cmocka_unit_test(test_signed_in_answers_are_private),
		cmocka_unit_test(test_streamed_answer),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_early_answer),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
