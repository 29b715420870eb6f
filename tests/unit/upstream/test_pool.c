/*
 * Which connections serve a second call, what happens when a kept one turns out dead, and
 * which server is asked.
 */
#include "tests/unit/upstream/site.h"

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/* One GET that is answered; the connection is then idle. Returns the server's end. */
static int serve_one(struct site *s, size_t server)
{
	struct caller r;
	int peer;

	caller_start(&r, s, "GET");
	peer = site_accept(s, server);
	peer_read(s, peer, "\r\n\r\n");
	peer_send(s, peer, OK_EMPTY);
	caller_finish(&r);
	assert_int_equal(r.outcome, UPSTREAM_END);
	caller_done(&r);
	return peer;
}

static void test_kept_connection_serves_again(void **state)
{
	struct site s;
	struct caller r;
	int peer;

	(void)state;
	site_open(&s, 1);
	peer = serve_one(&s, 0);
	for (int i = 0; i < 3; i++) {
		caller_start(&r, &s, i == 1 ? "POST" : "GET");
		/* The request of a kept connection goes out at once, before the loop turns. */
		char text[512];
		size_t len = 0;

		CHECK("sent at once", peer_take(peer, text, sizeof(text), &len) > 0);
		peer_send(&s, peer, OK_EMPTY);
		caller_finish(&r);
		check_i64("again", "outcome", UPSTREAM_END, r.outcome);
		caller_done(&r);
	}
	CHECK("one connection", nobody_connects(&s, 0));
	close(peer);
	site_close(&s);
	check_done();
}

static void test_last_used_is_first(void **state)
{
	struct site s;
	struct caller a, b, c;
	int first, second;

	(void)state;
	site_open(&s, 1);
	caller_start(&a, &s, "GET");
	first = site_accept(&s, 0);
	caller_start(&b, &s, "GET");
	second = site_accept(&s, 0);
	peer_read(&s, first, "\r\n\r\n");
	peer_read(&s, second, "\r\n\r\n");
	peer_send(&s, first, OK_EMPTY);
	peer_send(&s, second, OK_EMPTY);
	caller_finish(&a);
	caller_finish(&b);
	caller_done(&b);
	caller_done(&a);
	caller_start(&c, &s, "GET");
	peer_read(&s, first, "\r\n\r\n");
	CHECK("the other one rests", peer_is_kept(&s, second));
	caller_done(&c);
	close(first);
	close(second);
	site_close(&s);
	check_done();
}

static void test_idle_connections_are_bounded(void **state)
{
	struct site s;
	struct caller a, b;
	int first, second;

	(void)state;
	site_prepare(&s, 1);
	s.config.keepalive_connections = 1;
	site_start(&s);
	caller_start(&a, &s, "GET");
	first = site_accept(&s, 0);
	caller_start(&b, &s, "GET");
	second = site_accept(&s, 0);
	peer_read(&s, first, "\r\n\r\n");
	peer_read(&s, second, "\r\n\r\n");
	peer_send(&s, first, OK_EMPTY);
	peer_send(&s, second, OK_EMPTY);
	caller_finish(&a);
	caller_finish(&b);
	caller_done(&a);
	caller_done(&b);
	CHECK("the older one goes", peer_is_gone(&s, first));
	CHECK("the newer one stays", peer_is_kept(&s, second));
	close(first);
	close(second);
	site_close(&s);
	check_done();
}

static void test_keepalive_ends(void **state)
{
	struct site s;
	int64_t start_us;
	int peer;

	(void)state;
	site_prepare(&s, 1);
	s.config.keepalive_ms = 60;
	site_start(&s);
	peer = serve_one(&s, 0);
	start_us = clock_now_us();
	CHECK("is closed", peer_is_gone(&s, peer));
	CHECK("not before its time", clock_now_us() - start_us > 40 * 1000);
	close(peer);
	site_close(&s);
	check_done();
}

/* The timer of a kept connection follows lazily: each call moves its end. */
static void test_keepalive_starts_anew(void **state)
{
	struct site s;
	struct caller r;
	int64_t start_us;
	int peer;

	(void)state;
	site_prepare(&s, 1);
	s.config.keepalive_ms = 200;
	site_start(&s);
	peer = serve_one(&s, 0);
	usleep(120 * 1000);
	loop_turn(s.loop, 0);
	caller_start(&r, &s, "GET");
	peer_read(&s, peer, "\r\n\r\n");
	peer_send(&s, peer, OK_EMPTY);
	caller_finish(&r);
	caller_done(&r);
	start_us = clock_now_us();
	CHECK("is closed", peer_is_gone(&s, peer));
	CHECK("not before its time", clock_now_us() - start_us > 150 * 1000);
	close(peer);
	site_close(&s);
	check_done();
}

static void test_keepalive_off(void **state)
{
	struct site s;
	int peer;

	(void)state;
	site_prepare(&s, 1);
	s.config.keepalive_ms = 0;
	site_start(&s);
	peer = serve_one(&s, 0);
	CHECK("is closed", peer_is_gone(&s, peer));
	close(peer);
	site_close(&s);
	check_done();
}

/* Poisoning: what a server sends unasked must never answer somebody's request. */
static void test_unasked_bytes_close(void **state)
{
	struct site s;
	struct caller r;
	int peer, other;

	(void)state;
	site_open(&s, 1);
	peer = serve_one(&s, 0);
	peer_send(&s, peer, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
	CHECK("is closed", peer_is_gone(&s, peer));
	caller_start(&r, &s, "GET");
	other = site_accept(&s, 0);
	peer_read(&s, other, "\r\n\r\n");
	peer_send(&s, other, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
	caller_finish(&r);
	check_str("unasked", "body", STR("good"), buf_str(&r.body));
	caller_done(&r);
	close(peer);
	close(other);
	site_close(&s);
	check_done();
}

enum idle_end { IDLE_CLOSED, IDLE_RESET, IDLE_SPOKE };

/*
 * A kept connection ends, or the server speaks on it, and the loop has not looked yet when
 * the next call starts. Or it ends when the request has been sent.
 */
static const struct {
	const char *name;
	const char *method;
	enum http_body body;
	size_t length;
	enum idle_end end;
	bool after_send; /* of the head, and of the body if there is one */
	bool is_retried;
} stale_rows[] = {
	{"GET, closed before", "GET", HTTP_BODY_NONE, 0, IDLE_CLOSED, false, true},
	{"GET, reset before", "GET", HTTP_BODY_NONE, 0, IDLE_RESET, false, true},
	{"GET, spoke before", "GET", HTTP_BODY_NONE, 0, IDLE_SPOKE, false, true},
	{"POST, closed before", "POST", HTTP_BODY_NONE, 0, IDLE_CLOSED, false, true},
	{"POST, spoke before", "POST", HTTP_BODY_NONE, 0, IDLE_SPOKE, false, true},
	{"POST with a body, closed before", "POST", HTTP_BODY_LENGTH, 5, IDLE_CLOSED, false, true},
	{"POST in chunks, reset before", "POST", HTTP_BODY_CHUNKED, 5, IDLE_RESET, false, true},
	{"GET, closed behind", "GET", HTTP_BODY_NONE, 0, IDLE_CLOSED, true, true},
	{"HEAD, reset behind", "HEAD", HTTP_BODY_NONE, 0, IDLE_RESET, true, true},
	{"DELETE, closed behind", "DELETE", HTTP_BODY_NONE, 0, IDLE_CLOSED, true, true},
	{"PUT with an empty body, closed behind", "PUT", HTTP_BODY_LENGTH, 0, IDLE_CLOSED, true,
	 true},
	{"POST, closed behind", "POST", HTTP_BODY_NONE, 0, IDLE_CLOSED, true, false},
	{"POST, empty body, closed behind", "POST", HTTP_BODY_LENGTH, 0, IDLE_CLOSED, true, false},
	{"POST with a body, closed behind", "POST", HTTP_BODY_LENGTH, 5, IDLE_CLOSED, true, false},
	{"PUT with a body, closed behind", "PUT", HTTP_BODY_LENGTH, 5, IDLE_CLOSED, true, false},
	{"PATCH, closed behind", "PATCH", HTTP_BODY_NONE, 0, IDLE_CLOSED, true, false},
};

static void end_idle(int peer, enum idle_end end)
{
	static const char evil[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

	if (end == IDLE_SPOKE)
		assert_int_equal(send(peer, evil, strlen(evil), MSG_NOSIGNAL), strlen(evil));
	else if (end == IDLE_RESET)
		peer_reset(peer);
	else
		close(peer);
}

/* On a fresh connection the call goes as if nothing had been. */
static void check_fresh_start(struct site *s, struct caller *r, size_t i)
{
	int peer = site_accept(s, 0);
	size_t length = stale_rows[i].length;
	const char *end = stale_rows[i].body == HTTP_BODY_CHUNKED ? "0\r\n\r\n"
			  : length				  ? "hello"
								  : "\r\n\r\n";

	if (length) {
		assert_true(SITE_TURN_UNTIL(s, r->writables));
		while (r->call && upstream_call_write(r->call, "hello", 5) == 0)
			loop_turn(s->loop, 1);
		upstream_call_write_end(r->call);
	}
	check_contains(stale_rows[i].name, stale_rows[i].method, peer_read(s, peer, end));
	peer_send(s, peer, OK_EMPTY);
	caller_finish(r);
	check_i64(stale_rows[i].name, "outcome", UPSTREAM_END, r->outcome);
	check_i64(stale_rows[i].name, "failures", 0, r->failures);
	caller_done(r);
	CHECK(stale_rows[i].name, nobody_connects(s, 0));
	close(peer);
}

static void check_stale(size_t i)
{
	struct site s;
	struct caller r;
	int peer;

	site_open(&s, 1);
	peer = serve_one(&s, 0);
	if (!stale_rows[i].after_send)
		end_idle(peer, stale_rows[i].end);
	caller_start_body(&r, &s, stale_rows[i].method, stale_rows[i].body, stale_rows[i].length);
	if (stale_rows[i].after_send) {
		if (stale_rows[i].length)
			check_i64(stale_rows[i].name, "taken", 5,
				  (int64_t)upstream_call_write(r.call, "hello", 5));
		peer_read(&s, peer, stale_rows[i].length ? "hello" : "\r\n\r\n");
		end_idle(peer, stale_rows[i].end);
	}
	if (stale_rows[i].is_retried) {
		check_fresh_start(&s, &r, i);
	} else {
		caller_finish(&r);
		check_i64(stale_rows[i].name, "failures", 1, r.failures);
		check_i64(stale_rows[i].name, "failure", UPSTREAM_RESET, r.failure);
		caller_done(&r);
		CHECK(stale_rows[i].name, nobody_connects(&s, 0));
	}
	if (stale_rows[i].end == IDLE_SPOKE)
		close(peer);
	site_close(&s);
}

static void test_stale_connections(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stale_rows); i++)
		check_stale(i);
	check_done();
}

/* Only once: a server that closes a fresh connection as well has said no. */
static void test_retried_once(void **state)
{
	struct site s;
	struct caller r;
	int peer;

	(void)state;
	site_open(&s, 1);
	close(serve_one(&s, 0));
	caller_start(&r, &s, "GET");
	peer = site_accept(&s, 0);
	peer_read(&s, peer, "\r\n\r\n");
	close(peer);
	caller_finish(&r);
	check_i64("once", "failure", UPSTREAM_RESET, r.failure);
	check_i64("once", "failures", 1, r.failures);
	caller_done(&r);
	CHECK("once", nobody_connects(&s, 0));
	site_close(&s);
	check_done();
}

/* A response that has begun is not asked for again. */
static void test_not_retried_behind_first_byte(void **state)
{
	static const char *const starts[] = {"H", "HTTP/1.1 103 Early Hints\r\n\r\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		struct site s;
		struct caller r;
		int peer;

		site_open(&s, 1);
		peer = serve_one(&s, 0);
		caller_start(&r, &s, "GET");
		peer_read(&s, peer, "\r\n\r\n");
		peer_send(&s, peer, starts[i]);
		site_turn(&s);
		close(peer);
		caller_finish(&r);
		check_i64(starts[i], "failure", UPSTREAM_RESET, r.failures ? (int)r.failure : -1);
		caller_done(&r);
		CHECK(starts[i], nobody_connects(&s, 0));
		site_close(&s);
	}
	check_done();
}

/* Servers */

static void test_servers_take_turns(void **state)
{
	struct site s;
	struct caller r[3];
	int peers[3];

	(void)state;
	site_open(&s, 3);
	for (size_t i = 0; i < 3; i++) {
		caller_start(&r[i], &s, "GET");
		peers[i] = site_accept(&s, i);
	}
	for (size_t i = 0; i < 3; i++) {
		caller_done(&r[i]);
		close(peers[i]);
	}
	site_close(&s);
	check_done();
}

static void test_full_servers(void **state)
{
	struct site s;
	struct caller r[3];
	int peers[2];

	(void)state;
	site_prepare(&s, 2);
	s.config.max_connections = 1;
	site_start(&s);
	for (size_t i = 0; i < 2; i++) {
		caller_start(&r[i], &s, "GET");
		peers[i] = site_accept(&s, i);
	}
	caller_start(&r[2], &s, "GET");
	check_i64("full", "failures within the call", 0, r[2].failures);
	assert_true(SITE_TURN_UNTIL(&s, r[2].failures));
	check_i64("full", "failure", UPSTREAM_BUSY, r[2].failure);
	check_contains("full", "max_connections", r[2].error.text);
	check_cstr("full", "address", "", upstream_call_address(r[2].call));
	caller_done(&r[2]);

	/* Room again. */
	caller_done(&r[0]);
	close(peers[0]);
	caller_start(&r[0], &s, "GET");
	peers[0] = site_accept(&s, 0);
	for (size_t i = 0; i < 2; i++) {
		caller_done(&r[i]);
		close(peers[i]);
	}
	site_close(&s);
	check_done();
}

/* A full server whose connections are idle serves on. */
static void test_full_of_idle(void **state)
{
	struct site s;
	struct caller r;
	int peer;

	(void)state;
	site_prepare(&s, 1);
	s.config.max_connections = 1;
	site_start(&s);
	peer = serve_one(&s, 0);
	caller_start(&r, &s, "GET");
	peer_read(&s, peer, "\r\n\r\n");
	/* The kept one dies: its replacement has its place. */
	close(peer);
	peer = site_accept(&s, 0);
	peer_read(&s, peer, "\r\n\r\n");
	peer_send(&s, peer, OK_EMPTY);
	caller_finish(&r);
	check_i64("idle", "outcome", UPSTREAM_END, r.outcome);
	caller_done(&r);
	close(peer);
	site_close(&s);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_connection_serves_again),
		cmocka_unit_test(test_last_used_is_first),
		cmocka_unit_test(test_idle_connections_are_bounded),
		cmocka_unit_test(test_keepalive_ends),
		cmocka_unit_test(test_keepalive_starts_anew),
		cmocka_unit_test(test_keepalive_off),
		cmocka_unit_test(test_unasked_bytes_close),
		cmocka_unit_test(test_stale_connections),
		cmocka_unit_test(test_retried_once),
		cmocka_unit_test(test_not_retried_behind_first_byte),
		cmocka_unit_test(test_servers_take_turns),
		cmocka_unit_test(test_full_servers),
		cmocka_unit_test(test_full_of_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
