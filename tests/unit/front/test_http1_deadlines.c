/*
 * Connections that wait: for their application, for their client, for a drain. Each has a
 * deadline and notices that the other end left; each leaves one line in the log.
 */
#include "tests/support/front_world.h"

static struct front_world w;

#define HOST "Host: public.example\r\n"
#define GET  "GET /x HTTP/1.1\r\n" HOST "\r\n"
#define OK   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

enum { SHORT_MS = 120, LONG_MS = 5000 };

static void say(enum loop_server_mode mode, const char *answer)
{
	while (w.p.app.clients)
		loop_server_drop(w.p.app.clients);
	loop_server_forget(&w.p.app);
	loop_server_say(&w.p.app, answer);
	w.p.app.mode = mode;
	world_skip_logs(&w.p);
}

static void check_logged(const char *name, const char *reason, int status)
{
	const struct json *line = world_log(&w.p);

	if (!line) {
		check_cstr(name, "log", "a line", "none");
		return;
	}
	check_cstr(name, "reason", reason, log_text(line, "reason").ptr);
	check_i64(name, "status", status, (int64_t)json_number(json_get(line, "status")));
}

/* --- the client leaves */

static void test_client_leaves_while_waiting(void **state)
{
	struct front_client c;

	(void)state;
	say(SERVER_HOLDS, "");
	front_connect(&w, &c);
	front_send(&c, GET);
	assert_true(WORLD_TURN_UNTIL(&w.p, w.p.app.requests == 1));
	front_disconnect(&c);
	CHECK("the application's connection is closed at once",
	      WORLD_TURN_UNTIL(&w.p, !w.p.app.clients));
	check_logged("waiting", "client_gone", 499);
	check_done();
}

static void test_client_leaves_amid_upload(void **state)
{
	struct front_client c;

	(void)state;
	say(SERVER_ANSWERS, OK);
	front_connect(&w, &c);
	front_send(&c, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nhalf of");
	assert_true(WORLD_TURN_UNTIL(&w.p,
				     str_find(buf_str(&w.p.app.seen), STR("half of")) != STR_NONE));
	front_disconnect(&c);
	CHECK("a half request is not completed", WORLD_TURN_UNTIL(&w.p, !w.p.app.clients));
	check_i64("upload", "complete requests", 0, w.p.app.requests);
	check_logged("upload", "client_gone", 499);
	check_done();
}

static void test_client_leaves_amid_answer(void **state)
{
	struct front_client c;

	(void)state;
	say(SERVER_ANSWERS, "");
	buf_append_cstr(&w.p.app.answer, "HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n");
	assert_true(buf_reserve(&w.p.app.answer, 30000000));
	memset(w.p.app.answer.ptr + w.p.app.answer.len, 'x', 30000000);
	w.p.app.answer.len += 30000000;
	front_connect(&w, &c);
	front_send(&c, GET);
	assert_true(WORLD_TURN_UNTIL(&w.p, (front_take(&c), c.in.len > 100000)));
	front_disconnect(&c);
	CHECK("the application is not read to its end", WORLD_TURN_UNTIL(&w.p, !w.p.app.clients));
	check_logged("answer", "client_gone", 200);
	buf_done(&w.p.app.answer);
	check_done();
}

/* A client that sends its end first still sees what is answered at once, or nothing: never half. */
static void test_half_close(void **state)
{
	struct front_client c;
	struct str r;

	(void)state;
	say(SERVER_ANSWERS, OK);
	front_connect(&w, &c);
	front_send(&c, GET);
	assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
	assert_true(front_is_closed(&c));
	r = buf_str(&c.in);
	CHECK("whole or nothing", r.len == 0 || str_ends_with(r, STR("\r\n\r\nhi")));
	front_disconnect(&c);
	CHECK("logged", world_log(&w.p) != NULL);
	check_done();
}

/* --- deadlines */

static void test_head_deadline(void **state)
{
	struct front_client c;

	(void)state;
	say(SERVER_ANSWERS, OK);
	w.timeouts = (struct front_timeouts){LONG_MS, SHORT_MS, LONG_MS, LONG_MS};
	front_connect(&w, &c);
	CHECK("nothing is sent", front_is_closed(&c));
	front_disconnect(&c);
	CHECK("a silent connection is no exchange", !world_log(&w.p));

	front_connect(&w, &c);
	front_send(&c, "GET /slow HTTP/1.1\r\nHost: publ");
	CHECK("half a head", front_is_closed(&c));
	front_disconnect(&c);
	check_logged("half a head", "client_timeout", 408);

	/* bytes now and then do not buy time */
	front_connect(&w, &c);
	front_send(&c, "GET /drip HTTP/1.1\r\nX-A: ");
	for (int i = 0; i < 40 && !c.ended; i++) {
		front_send(&c, "a");
		front_pass(&w, SHORT_MS / 6);
		front_take(&c);
	}
	CHECK("a dripping head", c.ended);
	front_disconnect(&c);
	check_logged("a dripping head", "client_timeout", 408);
	check_i64("all", "application", 0, (int64_t)w.p.app.seen.len);
	check_done();
}

static void test_body_deadline(void **state)
{
	struct front_client c;

	(void)state;
	say(SERVER_ANSWERS, OK);
	w.timeouts = (struct front_timeouts){LONG_MS, LONG_MS, SHORT_MS, LONG_MS};
	front_connect(&w, &c);
	front_send(&c, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nhalf");
	CHECK("half a body", front_is_closed(&c));
	front_disconnect(&c);
	check_logged("half a body", "client_timeout", 408);
	check_i64("half a body", "complete requests", 0, w.p.app.requests);

	front_connect(&w, &c);
	front_send(&c, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n");
	for (int i = 0; i < 40 && !c.ended; i++) {
		front_send(&c, "b");
		front_pass(&w, SHORT_MS / 6);
		front_take(&c);
	}
	CHECK("a dripping body", c.ended);
	front_disconnect(&c);
	check_logged("a dripping body", "client_timeout", 408);
	check_done();
}

/* A slow application is not the client's fault: its own deadline answers 504. */
static void test_slow_application(void **state)
{
	struct front_client c;

	(void)state;
	log_set_level(LOG_ERROR + 1);
	say(SERVER_HOLDS, "");
	w.timeouts = (struct front_timeouts){SHORT_MS, SHORT_MS, SHORT_MS, SHORT_MS};
	front_connect(&w, &c);
	front_send(&c, GET); /* its own deadline is longer than the client's */
	check_i64("slow", "status", 504, front_status(front_response(&c)));
	front_disconnect(&c);
	check_logged("slow", "upstream_timeout", 504);
	log_set_level(LOG_ERROR);
	check_done();
}

static void test_idle_deadline(void **state)
{
	struct front_client c;

	(void)state;
	say(SERVER_ANSWERS, OK);
	w.timeouts = (struct front_timeouts){LONG_MS, LONG_MS, LONG_MS, SHORT_MS};
	front_connect(&w, &c);
	CHECK("the first request is not idle time", front_stays_open(&c, 2 * SHORT_MS));
	front_send(&c, GET);
	check_i64("first", "status", 200, front_status(front_response(&c)));
	CHECK("idle", front_is_closed(&c));
	check_i64("idle", "bytes", 0, (int64_t)c.in.len);
	front_disconnect(&c);
	check_logged("idle: only the one that was served", "served", 200);
	w.timeouts = (struct front_timeouts){LONG_MS, SHORT_MS, LONG_MS, LONG_MS};
	front_connect(&w, &c);
	front_send(&c, GET);
	check_i64("first", "status", 200, front_status(front_response(&c)));
	CHECK("idle longer than a head may take", front_stays_open(&c, 2 * SHORT_MS));
	front_send(&c, GET);
	check_i64("second", "status", 200, front_status(front_response(&c)));
	front_disconnect(&c);
	world_skip_logs(&w.p);
	check_done();
}

/* A client that does not read holds its connection no longer than body_ms. */
static void test_client_that_does_not_read(void **state)
{
	struct front_client c;

	(void)state;
	say(SERVER_ANSWERS, "");
	buf_append_cstr(&w.p.app.answer, "HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n");
	assert_true(buf_reserve(&w.p.app.answer, 30000000));
	memset(w.p.app.answer.ptr + w.p.app.answer.len, 'x', 30000000);
	w.p.app.answer.len += 30000000;
	log_set_level(LOG_ERROR + 1);
	w.timeouts = (struct front_timeouts){LONG_MS, LONG_MS, SHORT_MS, LONG_MS};
	front_connect(&w, &c);
	front_send(&c, GET);
	CHECK("cut", WORLD_TURN_UNTIL(&w.p, w.closed && !c.connection.mhd));
	CHECK("and the application's with it", WORLD_TURN_UNTIL(&w.p, !w.p.app.clients));
	front_disconnect(&c);
	check_logged("does not read", "client_timeout", 200);
	log_set_level(LOG_ERROR);
	buf_done(&w.p.app.answer);
	check_done();
}

/* What cannot be read as a request line still leaves its line. */
static void test_unreadable(void **state)
{
	static const char *const texts[] = {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 \r\n\r\n",
					    "GET\r\n\r\n", "GET /x y HTTP/1.1\r\n\r\n",
					    "GET /x HTTP/9.9\r\n\r\n"};

	(void)state;
	say(SERVER_ANSWERS, OK);
	w.timeouts = (struct front_timeouts){LONG_MS, SHORT_MS, LONG_MS, LONG_MS};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct front_client c;
		const struct json *line;

		front_connect(&w, &c);
		front_send(&c, texts[i]);
		CHECK("closed", front_is_closed(&c));
		CHECK("never served", c.in.len == 0 || front_status(buf_str(&c.in)) >= 400);
		front_disconnect(&c);
		line = world_log(&w.p);
		CHECK("a line", line && json_number(json_get(line, "status")) >= 400);
	}
	check_i64("all", "application", 0, (int64_t)w.p.app.seen.len);
	check_done();
}

/* --- drain and abort; last, since there is no way back */

static void test_drain(void **state)
{
	struct front_client idle, fresh, busy;
	struct str r;

	(void)state;
	w.timeouts = (struct front_timeouts){LONG_MS, LONG_MS, LONG_MS, LONG_MS};
	say(SERVER_ANSWERS, OK);
	front_connect(&w, &idle);
	front_send(&idle, GET);
	check_i64("idle", "status", 200, front_status(front_response(&idle)));
	front_connect(&w, &fresh);
	say(SERVER_HOLDS, "");
	front_connect(&w, &busy);
	front_send(&busy, GET);
	assert_true(WORLD_TURN_UNTIL(&w.p, w.p.app.requests == 1));
	http1_drain(w.http1);
	CHECK("idle ones go", front_is_closed(&idle));
	CHECK("silent ones too", front_is_closed(&fresh));
	CHECK("the busy one stays", front_stays_open(&busy, 50));
	check_i64("left", "connections", 1, (int64_t)http1_connections(w.http1));
	buf_append_cstr(&w.p.app.clients->out, OK);
	loop_server_flush(w.p.app.clients);
	r = front_response(&busy);
	check_i64("busy", "status", 200, front_status(r));
	check_str("busy", "Connection", STR("close"), head_field(r, "Connection"));
	check_str("busy", "body", STR("hi"), front_body(r));
	CHECK("then it goes", front_is_closed(&busy));
	check_i64("left", "connections", 0, (int64_t)http1_connections(w.http1));
	front_disconnect(&idle);
	front_disconnect(&fresh);
	front_disconnect(&busy);
	world_skip_logs(&w.p);
	check_done();
}

static void test_abort(void **state)
{
	struct front_client c;

	(void)state;
	say(SERVER_HOLDS, "");
	front_connect(&w, &c);
	front_send(&c, GET);
	assert_true(WORLD_TURN_UNTIL(&w.p, w.p.app.requests == 1));
	http1_abort(w.http1);
	CHECK("cut", front_is_closed(&c));
	CHECK("upstream too", WORLD_TURN_UNTIL(&w.p, !w.p.app.clients));
	check_i64("left", "connections", 0, (int64_t)http1_connections(w.http1));
	front_disconnect(&c);
	check_logged("abort", "client_gone", 499);
	check_done();
}

static int open_front(void **state)
{
	(void)state;
	front_open(&w, NULL);
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
		cmocka_unit_test(test_client_leaves_while_waiting),
		cmocka_unit_test(test_client_leaves_amid_upload),
		cmocka_unit_test(test_client_leaves_amid_answer),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_head_deadline),
		cmocka_unit_test(test_body_deadline),
		cmocka_unit_test(test_slow_application),
		cmocka_unit_test(test_idle_deadline),
		cmocka_unit_test(test_client_that_does_not_read),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_abort),
	};

	return cmocka_run_group_tests(tests, open_front, close_front);
}
