/*
 * Ways not to get an answer: refusals, deadlines, cancelled calls; and Unix sockets.
 */
#include <sys/resource.h>

#include "tests/unit/upstream/site.h"

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void stop_listening(struct site *s, size_t i)
{
	close(s->listeners[i]);
	s->listeners[i] = -1;
}

static void check_answered(struct site *s, size_t server, const char *name)
{
	struct caller r;
	int peer;

	caller_start(&r, s, "GET");
	peer = site_accept(s, server);
	peer_read(s, peer, "\r\n\r\n");
	peer_send(s, peer, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
	caller_finish(&r);
	check_i64(name, "outcome", UPSTREAM_END, r.outcome);
	check_cstr(name, "address", s->texts[server][1], upstream_call_address(r.call));
	caller_done(&r);
	close(peer);
}

static void test_refused(void **state)
{
	struct site s;
	struct caller r;
	char want[200];

	(void)state;
	site_open(&s, 1);
	stop_listening(&s, 0);
	caller_start(&r, &s, "GET");
	check_i64("refused", "failures within the call", 0, r.failures);
	assert_true(SITE_TURN_UNTIL(&s, r.failures));
	check_i64("refused", "failure", UPSTREAM_REFUSED, r.failure);
	snprintf(want, sizeof(want), "upstream \"wiki\" %s: Connection refused", s.texts[0][1]);
	check_cstr("refused", "error", want, r.error.text);
	check_cstr("refused", "address", s.texts[0][1], upstream_call_address(r.call));
	check_i64("refused", "read", UPSTREAM_CUT, upstream_call_read(r.call, want, 1));
	caller_done(&r);
	site_close(&s);
	check_done();
}

static void listen_again(struct site *s, size_t i)
{
	struct sockaddr_in sin;

	memcpy(&sin, &s->servers[i].addresses[0].addr, sizeof(sin));
	s->listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(s->listeners[i] >= 0);
	assert_int_equal(bind(s->listeners[i], (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(s->listeners[i], 4), 0);
}

static void test_next_server(void **state)
{
	struct site s;

	(void)state;
	site_open(&s, 2);
	stop_listening(&s, 0);
	check_answered(&s, 1, "refused by the first");
	/* It would take connections, but rests for a second. */
	listen_again(&s, 0);
	check_answered(&s, 1, "first one rests");
	check_answered(&s, 1, "and still does");
	usleep(1050 * 1000);
	loop_turn(s.loop, 0);
	check_answered(&s, 0, "rested");
	check_answered(&s, 1, "the second one's turn");
	check_answered(&s, 0, "the first one's turn");
	site_close(&s);
	check_done();
}

/* The Host field is the name of the server that is asked in the end. */
static void test_host_of_next_server(void **state)
{
	struct site s;
	struct caller r;
	char want[200];
	int peer;

	(void)state;
	site_prepare(&s, 2);
	s.config.host = UPSTREAM_HOST_UPSTREAM;
	s.servers[0].authority = STR("a-rather-long-name-of-a-server-that-is-down.example:8080");
	site_start(&s);
	stop_listening(&s, 0);
	caller_start(&r, &s, "GET");
	peer = site_accept(&s, 1);
	snprintf(want, sizeof(want), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", s.texts[1][1]);
	check_cstr("host", "request", want, peer_read(&s, peer, "\r\n\r\n"));
	caller_done(&r);
	close(peer);
	site_close(&s);
	check_done();
}

static void test_next_address(void **state)
{
	struct site s;

	(void)state;
	site_open(&s, 2);
	/* One server with two addresses, of which the first refuses. */
	s.servers[0].addresses[1] = s.servers[1].addresses[0];
	s.servers[0].addresses_count = 2;
	upstream_free(s.upstream);
	s.config.servers.count = 1;
	site_start(&s);
	stop_listening(&s, 0);
	s.config.servers.count = 2;
	check_answered(&s, 1, "second address");
	site_close(&s);
	check_done();
}

/* Rested or not: when no other server is left it is asked. */
static void test_all_servers_down(void **state)
{
	struct site s;
	struct caller r;

	(void)state;
	site_open(&s, 1);
	stop_listening(&s, 0);
	caller_start(&r, &s, "GET");
	assert_true(SITE_TURN_UNTIL(&s, r.failures));
	caller_done(&r);
	listen_again(&s, 0);
	check_answered(&s, 0, "back again");
	site_close(&s);
	check_done();
}

/* A listener whose backlog is full: the kernel then answers no further SYN. */
static int fill_backlog(struct site *s, int *fds, int max)
{
	int count = 0;

	listen(s->listeners[0], 0);
	while (count < max) {
		const struct endpoint *e = &s->servers[0].addresses[0];
		struct pollfd ready;

		fds[count] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_true(fds[count] >= 0);
		connect(fds[count], (const struct sockaddr *)&e->addr, e->len);
		ready = (struct pollfd){.fd = fds[count++], .events = POLLOUT};
		if (poll(&ready, 1, 50) == 0)
			break;
	}
	return count;
}

static void test_connect_timeout(void **state)
{
	struct site s;
	struct caller r;
	int fds[16];
	int count;

	(void)state;
	site_prepare(&s, 1);
	s.config.connect_timeout_ms = 80;
	site_start(&s);
	count = fill_backlog(&s, fds, 16);
	loop_turn(s.loop, 0);
	caller_start(&r, &s, "GET");
	assert_true(SITE_TURN_UNTIL(&s, r.failures));
	check_i64("silent", "failure", UPSTREAM_CONNECT_TIMEOUT, r.failure);
	check_contains("silent", "timed out", r.error.text);
	caller_done(&r);
	while (count)
		close(fds[--count]);
	site_close(&s);
	check_done();
}

/* A server that stays silent is passed over for one that does not. */
static void test_connect_timeout_next_server(void **state)
{
	struct site s;
	int fds[16];
	int count;

	(void)state;
	site_prepare(&s, 2);
	s.config.connect_timeout_ms = 80;
	site_start(&s);
	count = fill_backlog(&s, fds, 16);
	loop_turn(s.loop, 0);
	check_answered(&s, 1, "second server");
	while (count)
		close(fds[--count]);
	site_close(&s);
	check_done();
}

static void test_response_timeout(void **state)
{
	static const char *const starts[] = {"", "HTTP/1.1 200 OK\r\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		struct site s;
		struct caller r;
		int64_t start_us;
		int peer;

		site_prepare(&s, 1);
		s.config.response_timeout_ms = 80;
		site_start(&s);
		loop_turn(s.loop, 0);
		start_us = clock_now_us();
		caller_start(&r, &s, "GET");
		peer = site_accept(&s, 0);
		peer_read(&s, peer, "\r\n\r\n");
		peer_send(&s, peer, starts[i]);
		assert_true(SITE_TURN_UNTIL(&s, r.failures));
		check_i64(starts[i], "failure", UPSTREAM_TIMEOUT, r.failure);
		check_contains(starts[i], "response_timeout", r.error.text);
		CHECK(starts[i], clock_now_us() - start_us >= 75 * 1000);
		CHECK(starts[i], peer_is_gone(&s, peer));
		caller_done(&r);
		close(peer);
		site_close(&s);
	}
	check_done();
}

static void test_idle_timeout(void **state)
{
	struct site s;
	struct caller r;
	int peer;

	(void)state;
	site_prepare(&s, 1);
	s.config.idle_timeout_ms = 100;
	site_start(&s);
	caller_start(&r, &s, "GET");
	peer = site_accept(&s, 0);
	peer_read(&s, peer, "\r\n\r\n");
	peer_send(&s, peer, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
	/* As long as bytes come now and then, all is well. */
	for (int i = 0; i < 4; i++) {
		usleep(50 * 1000);
		peer_send(&s, peer, "x");
		assert_true(SITE_TURN_UNTIL(&s, r.heads));
		assert_true(SITE_TURN_UNTIL(&s, (caller_read(&r), r.body.len == (size_t)i + 1)));
		check_i64("dripping", "outcome", 0, r.outcome);
	}
	caller_finish(&r);
	check_i64("silent", "outcome", UPSTREAM_CUT, r.outcome);
	CHECK("told once or more", r.readables > 0);
	check_contains("silent", "idle_timeout", upstream_call_error(r.call)->text);
	check_i64("silent", "kind", ERR_TIMEOUT, upstream_call_error(r.call)->kind);
	caller_done(&r);
	close(peer);
	site_close(&s);
	check_done();
}

/* A client that does not read is not the upstream's silence. */
static void test_slow_reader_is_no_timeout(void **state)
{
	struct site s;
	struct caller r;
	int peer;

	(void)state;
	site_prepare(&s, 1);
	s.config.idle_timeout_ms = 40;
	s.config.response_timeout_ms = 40;
	site_start(&s);
	caller_start(&r, &s, "GET");
	peer = site_accept(&s, 0);
	peer_read(&s, peer, "\r\n\r\n");
	peer_send(&s, peer, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
	assert_true(SITE_TURN_UNTIL(&s, r.heads));
	caller_read(&r);
	peer_send(&s, peer, "full");
	assert_true(SITE_TURN_UNTIL(&s, r.readables));
	for (int i = 0; i < 10; i++)
		loop_turn(s.loop, 15);
	caller_read(&r);
	check_i64("slow reader", "outcome", UPSTREAM_END, r.outcome);
	check_str("slow reader", "body", STR("full"), buf_str(&r.body));
	caller_done(&r);
	close(peer);
	site_close(&s);
	check_done();
}

/* Ended in each state, from outside and from inside a callback: nothing is left behind. */
static void test_cancelled(void **state)
{
	enum stage { STARTED, CONNECTED, SENT, HALF_HEAD, IN_BODY, BLOCKED, COMPLETE, STAGES };

	(void)state;
	for (int stage = STARTED; stage < STAGES; stage++) {
		for (int i = 0; i < 2; i++) {
			char name[32];
			struct site s;
			struct caller r;
			int peer = -1;

			snprintf(name, sizeof(name), "stage %d, %s", stage, i ? "POST" : "GET");
			site_open(&s, 1);
			caller_start_body(&r, &s, i ? "POST" : "GET",
					  i ? HTTP_BODY_CHUNKED : HTTP_BODY_NONE, 0);
			if (stage >= CONNECTED)
				peer = site_accept(&s, 0);
			if (stage >= SENT)
				peer_read(&s, peer, "\r\n\r\n");
			if (stage >= HALF_HEAD)
				peer_send(&s, peer, "HTTP/1.1 200 OK\r\n");
			if (stage >= HALF_HEAD)
				site_turn(&s);
			if (stage >= IN_BODY) {
				peer_send(&s, peer, "Content-Length: 3\r\n\r\na");
				assert_true(SITE_TURN_UNTIL(&s, r.heads));
			}
			if (stage >= BLOCKED)
				caller_read(&r);
			if (stage == COMPLETE) {
				peer_send(&s, peer, "bc");
				caller_finish(&r);
			}
			caller_done(&r);
			/* Kept only if both halves are complete. */
			if (stage == COMPLETE && !i)
				CHECK(name, peer_is_kept(&s, peer));
			else if (peer >= 0)
				CHECK(name, peer_is_gone(&s, peer));
			site_turn(&s);
			if (peer >= 0)
				close(peer);
			site_close(&s);
		}
	}
	check_done();
}

static void test_cancelled_inside_callbacks(void **state)
{
	struct site s;
	struct caller r;
	int peer;

	(void)state;
	site_open(&s, 1);
	caller_start(&r, &s, "HEAD");
	r.ends_at_head = true;
	peer = site_accept(&s, 0);
	peer_read(&s, peer, "\r\n\r\n");
	peer_send(&s, peer, OK_EMPTY);
	assert_true(SITE_TURN_UNTIL(&s, r.heads));
	buf_done(&r.body);
	CHECK("complete, so kept", peer_is_kept(&s, peer));

	caller_start(&r, &s, "GET");
	r.ends_at_head = true;
	peer_read(&s, peer, "\r\n\r\n");
	peer_send(&s, peer, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmo");
	assert_true(SITE_TURN_UNTIL(&s, r.heads));
	buf_done(&r.body);
	CHECK("incomplete, so closed", peer_is_gone(&s, peer));
	close(peer);

	stop_listening(&s, 0);
	caller_start(&r, &s, "GET");
	r.ends_at_failure = true;
	assert_true(SITE_TURN_UNTIL(&s, r.failures));
	buf_done(&r.body);
	site_turn(&s);
	site_close(&s);
	check_done();
}

static void test_unix_socket(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char folder[] = "/tmp/sallyport-test-XXXXXX";
	struct site s;
	struct caller r;
	int peer;

	(void)state;
	assert_non_null(mkdtemp(folder));
	site_prepare(&s, 1);
	close(s.listeners[0]);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/app.sock", folder);
	s.listeners[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(s.listeners[0] >= 0);
	assert_int_equal(bind(s.listeners[0], (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(s.listeners[0], 4), 0);
	site_set_endpoint(&s, 0, (struct sockaddr *)&sun, sizeof(sun));
	s.config.host = UPSTREAM_HOST_UPSTREAM;
	site_start(&s);

	caller_start(&r, &s, "GET");
	peer = site_accept(&s, 0);
	check_cstr("unix", "request", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		   peer_read(&s, peer, "\r\n\r\n"));
	peer_send(&s, peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	caller_finish(&r);
	check_str("unix", "body", STR("ok"), buf_str(&r.body));
	check_cstr("unix", "address", s.texts[0][0], upstream_call_address(r.call));
	caller_done(&r);
	CHECK("kept", peer_is_kept(&s, peer));
	close(peer);
	site_turn(&s);

	unlink(sun.sun_path);
	caller_start(&r, &s, "GET");
	check_i64("unix", "failures within the call", 0, r.failures);
	assert_true(SITE_TURN_UNTIL(&s, r.failures));
	check_i64("unix", "failure", UPSTREAM_REFUSED, r.failure);
	check_contains("unix", "No such file", r.error.text);
	caller_done(&r);
	rmdir(folder);
	site_close(&s);
	check_done();
}

/* No descriptor left is our own trouble: 503, and the server is not blamed for it. */
static void test_no_descriptors(void **state)
{
	struct rlimit before, few;
	struct site s;
	struct caller r;
	int fds[256];
	size_t count = 0;

	(void)state;
	site_open(&s, 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (count < ARRAY_LEN(fds) && (fds[count] = dup(0)) >= 0)
		count++;
	caller_start(&r, &s, "GET");
	assert_true(SITE_TURN_UNTIL(&s, r.failures));
	while (count)
		close(fds[--count]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	check_i64("no descriptors", "failure", UPSTREAM_BUSY, r.failure);
	check_contains("no descriptors", "Too many open files", r.error.text);
	caller_done(&r);
	check_answered(&s, 0, "descriptors again");
	site_close(&s);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_next_server),
		cmocka_unit_test(test_host_of_next_server),
		cmocka_unit_test(test_next_address),
		cmocka_unit_test(test_all_servers_down),
		cmocka_unit_test(test_connect_timeout),
		cmocka_unit_test(test_connect_timeout_next_server),
		cmocka_unit_test(test_response_timeout),
		cmocka_unit_test(test_idle_timeout),
		cmocka_unit_test(test_slow_reader_is_no_timeout),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_cancelled_inside_callbacks),
		cmocka_unit_test(test_unix_socket),
		cmocka_unit_test(test_no_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
