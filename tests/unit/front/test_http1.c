/*
 * HTTP/1.1 on a socket: framing, refusals before a body is asked for, waiting, deadlines
 * and the end. What the application saw is asserted beside what the client got.
 */
#include "tests/support/front_world.h"

static struct front_world w;

#define HOST "Host: public.example\r\n"
#define GET  "GET /x HTTP/1.1\r\n" HOST "\r\n"
#define GONE "Host: evil.example\r\n"
#define OK   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

static void say(const char *answer)
{
	loop_server_forget(&w.p.app);
	loop_server_say(&w.p.app, answer);
	w.p.app.mode = SERVER_ANSWERS;
}

static size_t seen(const char *part)
{
	struct str text = buf_str(&w.p.app.seen);
	size_t count = 0, at;

	while ((at = str_find(text, str_from(part))) != STR_NONE) {
		count++;
		text = str_after(text, at + strlen(part));
	}
	return count;
}

/* --- one request */

static const struct {
	const char *name, *request, *answer;
	unsigned status;
	const char *body;
	const char *at_application; /* NULL: nothing */
	bool keeps;		    /* the connection serves another request */
} rows[] = {
	{"without a body", GET, OK, 200, "hi", "GET /x HTTP/1.1\r\n", true},
	{"with a body", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", OK, 200, "hi",
	 "\r\n\r\nhello", true},
	{"with an empty body", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", OK, 200,
	 "hi", "Content-Length: 0\r\n", true},
	{"in chunks",
	 "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n"
	 "0\r\n\r\n",
	 OK, 200, "hi", "0\r\n\r\n", true},
	{"trailers end here",
	 "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
	 "X-Forwarded-User: root\r\n\r\n",
	 OK, 200, "hi", "1\r\nx\r\n0\r\n\r\n", true},
	{"HTTP/1.0", "GET /x HTTP/1.0\r\n" HOST "\r\n", OK, 200, "hi", "GET /x HTTP/1.1\r\n",
	 false},
	{"the client wants to end", "GET /x HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", OK, 200,
	 "hi", "GET /x HTTP/1.1\r\n", false},
	{"a query that looks odd", "GET /x?a=%00&b=%zz+ HTTP/1.1\r\n" HOST "\r\n", OK, 400, NULL,
	 NULL, false},
	{"encoded bytes reach the application as they are",
	 "GET /a%20b?c=%26+ HTTP/1.1\r\n" HOST "\r\n", OK, 200, "hi",
	 "GET /a%20b?c=%26+ HTTP/1.1\r\n", true},
	{"no route", "GET / HTTP/1.1\r\n" GONE "\r\n", OK, 404, NULL, NULL, true},
	{"no route, with a body", "POST / HTTP/1.1\r\n" GONE "Content-Length: 5\r\n\r\nhello", OK,
	 404, NULL, NULL, false},
	{"no Host", "GET / HTTP/1.1\r\n\r\n", OK, 400, NULL, NULL, false},
	{"two Hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", OK, 400, NULL, NULL, false},
	{"two lengths",
	 "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", OK, 400,
	 NULL, NULL, false},
	{"length and chunks",
	 "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
	 "\r\n0\r\n\r\n",
	 OK, 400, NULL, NULL, false},
	{"a coding that is none",
	 "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"
	 "0\r\n\r\n",
	 OK, 501, NULL, NULL, false},
	{"space before the colon", "GET / HTTP/1.1\r\n" HOST "X-Y : z\r\n\r\n", OK, 400, NULL, NULL,
	 false},
	{"a folded line", "GET / HTTP/1.1\r\n" HOST "X-Y: z\r\n w\r\n\r\n", OK, 400, NULL, NULL,
	 false},
	{"a control byte", "GET / HTTP/1.1\r\n" HOST "X-Y: z\x01\r\n\r\n", OK, 400, NULL, NULL,
	 false},
	{"a method in small letters", "get / HTTP/1.1\r\n" HOST "\r\n", OK, 400, NULL, NULL, false},
	{"TRACE", "TRACE / HTTP/1.1\r\n" HOST "\r\n", OK, 501, NULL, NULL, false},
	{"CONNECT", "CONNECT public.example:443 HTTP/1.1\r\n" HOST "\r\n", OK, 501, NULL, NULL,
	 false},
	{"an ambiguous path", "GET /a%2fb HTTP/1.1\r\n" HOST "\r\n", OK, 400, NULL, NULL, false},
	{"an empty value from the application", GET,
	 "HTTP/1.1 200 OK\r\nX-Empty:\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", "GET", true},
	{"an answer of its own length", GET, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nwhole",
	 200, NULL, "GET", true},
};

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct front_client c;
		struct str r;

		say(rows[i].answer);
		if (strstr(rows[i].answer, "Connection: close"))
			w.p.app.mode = SERVER_CUTS;
		front_connect(&w, &c);
		front_send(&c, rows[i].request);
		r = front_response(&c);
		check_i64(rows[i].name, "status", rows[i].status, front_status(r));
		if (rows[i].body)
			check_str(rows[i].name, "body", str_from(rows[i].body), front_body(r));
		if (rows[i].at_application)
			check_i64(rows[i].name, "at the application", 1,
				  (int64_t)seen(rows[i].at_application));
		else
			check_i64(rows[i].name, "bytes at the application", 0,
				  (int64_t)w.p.app.seen.len);
		CHECK("no trailer field as a field", !seen("root"));
		if (rows[i].keeps) {
			say(OK);
			front_send(&c, GET);
			check_i64(rows[i].name, "the next one", 200,
				  front_status(front_response(&c)));
		} else {
			CHECK(rows[i].name, front_is_closed(&c));
			check_i64(rows[i].name, "bytes behind the answer", 0, (int64_t)c.in.len);
		}
		front_disconnect(&c);
		world_skip_logs(&w.p);
	}
	check_done();
}

/* HEAD: the length is told, the body is not sent, and the next answer is where it should be. */
static void test_head(void **state)
{
	struct front_client c;
	struct str r;

	(void)state;
	front_connect(&w, &c);
	say("HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n");
	front_send(&c, "HEAD /x HTTP/1.1\r\n" HOST "\r\n");
	r = front_response_of(&c, true);
	check_str("HEAD", "Content-Length", STR("77"), head_field(r, "Content-Length"));
	front_send(&c, "HEAD / HTTP/1.1\r\n" GONE "\r\n");
	r = front_response_of(&c, true);
	check_i64("HEAD of our own", "status", 404, front_status(r));
	say("HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\n\r\n");
	front_send(&c, GET);
	check_i64("304", "status", 304, front_status(front_response(&c)));
	say("HTTP/1.1 204 No Content\r\n\r\n");
	front_send(&c, GET);
	r = front_response(&c);
	check_i64("204", "status", 204, front_status(r));
	check_i64("204", "lengths", 0, (int64_t)head_count(r, "Content-Length"));
	say(OK);
	front_send(&c, GET);
	check_str("the next one", "body", STR("hi"), front_body(front_response(&c)));
	front_disconnect(&c);
	world_skip_logs(&w.p);
	check_done();
}

static void test_pipelining(void **state)
{
	struct front_client c;
	char all[4096] = "";
	char body[32];

	(void)state;
	say(OK);
	front_connect(&w, &c);
	for (int i = 0; i < 5; i++) {
		size_t len = strlen(all);

		snprintf(all + len, sizeof(all) - len,
			 "POST /n%d HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nb%d", i, i);
	}
	strncat(all, "GET /last HTTP/1.1\r\n" GONE "Connection: close\r\n\r\n",
		sizeof(all) - strlen(all) - 1);
	front_send(&c, all);
	for (int i = 0; i < 5; i++) {
		check_i64("pipelined", "status", 200, front_status(front_response(&c)));
		snprintf(body, sizeof(body), "\r\n\r\nb%d", i);
		check_i64(body, "at the application", 1, (int64_t)seen(body));
	}
	check_i64("the last one", "status", 404, front_status(front_response(&c)));
	CHECK("closed", front_is_closed(&c));
	check_i64("all", "requests", 5, w.p.app.requests);
	front_disconnect(&c);
	world_skip_logs(&w.p);
	check_done();
}

/* Byte by byte nothing changes. */
static void test_dripping(void **state)
{
	static const char request[] = "POST /x HTTP/1.1\r\n" HOST
				      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
	struct front_client c;

	(void)state;
	say(OK);
	front_connect(&w, &c);
	for (size_t i = 0; i < sizeof(request) - 1; i++) {
		front_send_len(&c, request + i, 1);
		front_turn(&w, 1);
	}
	check_i64("dripped", "status", 200, front_status(front_response(&c)));
	check_i64("dripped", "requests", 1, w.p.app.requests);
	front_disconnect(&c);
	world_skip_logs(&w.p);
	check_done();
}

/* --- Expect: a body is asked for only when somebody wants it */

static void test_expect(void **state)
{
	static const struct {
		const char *name, *head;
		unsigned status;
		bool asks;
	} cases[] = {
		{"wanted",
		 "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
		 200, true},
		{"no route",
		 "POST / HTTP/1.1\r\n" GONE "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
		 404, false},
		{"not signed in",
		 "POST / HTTP/1.1\r\nHost: wiki.example\r\nContent-Length: 5\r\nExpect: "
		 "100-continue\r\n\r\n",
		 401, false},
		{"malformed",
		 "POST /%2f HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
		 400, false},
		{"another expectation",
		 "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: tea\r\n\r\n", 417, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct front_client c;
		struct str r;

		say(OK);
		front_connect(&w, &c);
		front_send(&c, cases[i].head);
		r = front_response(&c);
		check_i64(cases[i].name, "first status", cases[i].asks ? 100 : cases[i].status,
			  front_status(r));
		if (cases[i].asks) {
			front_send(&c, "hello");
			check_i64(cases[i].name, "status", cases[i].status,
				  front_status(front_response(&c)));
			check_i64(cases[i].name, "body", 1, (int64_t)seen("\r\n\r\nhello"));
		} else {
			check_i64(cases[i].name, "application", 0, (int64_t)w.p.app.seen.len);
		}
		front_disconnect(&c);
		world_skip_logs(&w.p);
	}
	check_done();
}

/* --- big bodies */

static void test_big_bodies(void **state)
{
	static char big[2 * 1024 * 1024];
	struct front_client c;
	char head[128];
	struct str r;

	(void)state;
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)('a' + i % 25);
	say(OK);
	front_connect(&w, &c);
	snprintf(head, sizeof(head), "PUT /x HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
		 sizeof(big));
	front_send(&c, head);
	front_send_len(&c, big, sizeof(big));
	check_i64("up", "status", 200, front_status(front_response(&c)));
	CHECK("up",
	      w.p.app.seen.len > sizeof(big) &&
		      !memcmp(w.p.app.seen.ptr + w.p.app.seen.len - sizeof(big), big, sizeof(big)));
	say("");
	buf_appendf(&w.p.app.answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", sizeof(big));
	buf_append(&w.p.app.answer, str_from_len(big, sizeof(big)));
	front_send(&c, GET);
	r = front_body(front_response(&c));
	CHECK("down", r.len == sizeof(big) && !memcmp(r.ptr, big, sizeof(big)));
	front_disconnect(&c);
	world_skip_logs(&w.p);
	check_done();
}

/* A refused upload: small ones are swallowed so that the answer arrives, endless ones are cut. */
static void test_refused_uploads(void **state)
{
	static char piece[256 * 1024];
	struct front_client c;

	(void)state;
	say(OK);
	front_connect(&w, &c);
	front_send(&c, "POST / HTTP/1.1\r\nHost: small.example\r\nContent-Length: 100\r\n\r\n");
	check_i64("before the body", "status", 413, front_status(front_response(&c)));
	front_disconnect(&c);
	for (int endless = 0; endless < 2; endless++) {
		size_t chunks = endless ? HTTP1_SWALLOW_BYTES / sizeof(piece) + 8 : 2;

		world_skip_logs(&w.p);
		front_connect(&w, &c);
		front_send(&c, "POST / HTTP/1.1\r\nHost: small.example\r\nTransfer-Encoding: "
			       "chunked\r\n\r\n");
		for (size_t i = 0; i < chunks && !c.ended; i++) {
			front_send(&c, "40000\r\n");
			front_send_len(&c, piece, sizeof(piece));
			front_send(&c, "\r\n");
			front_take(&c);
		}
		if (endless)
			break;
		front_send(&c, "0\r\n\r\n");
		check_i64("swallowed", "status", 413, front_status(front_response(&c)));
		front_disconnect(&c);
	}
	CHECK("endless: cut", front_is_closed(&c));
	check_i64("all", "complete requests", 0, w.p.app.requests);
	front_disconnect(&c);
	check_cstr("endless", "reason", "too_large", log_text(world_log(&w.p), "reason").ptr);
	check_i64("endless", "status", 413,
		  (int64_t)json_number(json_get(json_root(w.p.line), "status")));
	check_done();
}

/* --- heads at the limit */

static void test_big_heads(void **state)
{
	static char request[64 * 1024], answer[64 * 1024];
	static const struct {
		const char *name;
		size_t request, answer;
		unsigned status;
	} cases[] = {
		{"both small", 1000, 1000, 200},
		{"a big request", 16000, 1000, 200},
		{"a big answer", 1000, 16000, 200},
		{"both big: said, not cut", 16000, 20000, 502},
		{"a request beyond all", 60000, 1000, 431},
	};

	(void)state;
	log_set_level(LOG_ERROR + 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct front_client c;
		size_t n;

		n = (size_t)snprintf(request, sizeof(request),
				     "GET /x HTTP/1.1\r\n" HOST "X-Big: ");
		memset(request + n, 'r', cases[i].request);
		snprintf(request + n + cases[i].request, 5, "\r\n\r\n");
		n = (size_t)snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nX-Big: ");
		memset(answer + n, 'a', cases[i].answer);
		snprintf(answer + n + cases[i].answer, 64, "\r\nContent-Length: 2\r\n\r\nhi");
		say(answer);
		front_connect(&w, &c);
		front_send(&c, request);
		check_i64(cases[i].name, "status", cases[i].status,
			  front_status(front_response(&c)));
		front_disconnect(&c);
		CHECK(cases[i].name, world_log(&w.p) != NULL);
	}
	log_set_level(LOG_ERROR);
	check_done();
}

static int open_front(void **state)
{
	(void)state;
	front_open(&w, "[" WORLD_PUBLIC "," WORLD_WIKI ","
		       "{'name': 'small', 'match': {'hosts': ['small.example']}, 'authenticate':"
		       " {'methods': ['none']}, 'policy': 'anyone', 'upstream': 'app', 'max_body': "
		       "'8B'}]");
	return 0;
}

static int close_front(void **state)
{
	(void)state;
	front_close(&w);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),	cmocka_unit_test(test_head),
		cmocka_unit_test(test_pipelining),	cmocka_unit_test(test_dripping),
		cmocka_unit_test(test_expect),		cmocka_unit_test(test_big_bodies),
		cmocka_unit_test(test_refused_uploads), cmocka_unit_test(test_big_heads),
	};

	return cmocka_run_group_tests(tests, open_front, close_front);
}
