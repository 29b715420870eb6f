/* Accepting: addresses, how many at a time, no descriptors left, and what a stop leaves. */
#include "front/listener.h"
#include "tests/support/tls_socket.h"

#include <sys/resource.h>

static struct front_world w;
static struct tls_listener config; /* without TLS unless a test says so */

#define GET "GET /x HTTP/1.1\r\nHost: public.example\r\n\r\n"
#define OK  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

static struct connection_quota quota;

static struct listener *listen_on(struct connection_quota *q, struct tls_server *server,
				  uint16_t *ret_port)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	struct listener *l = NULL;
	struct error err = {0};
	int fd = -1;

	assert_true(endpoint_parse(STR("127.0.0.1:0"), &config.config.endpoint, &err));
	if (!listener_bind(&config.config, &fd, &err))
		fail_msg("%s", err.text);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*ret_port = ntohs(sin.sin_port);
	assert_true(listener_new(w.p.loop, w.http1, &config.config, server, fd, q, &l, &err));
	return l;
}

static struct listener *listen_with(size_t max, struct tls_server *server, uint16_t *ret_port)
{
	quota = (struct connection_quota){.max = max};
	return listen_on(&quota, server, ret_port);
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A client of the listener; its connection is the listener's. */
static void dial(struct front_client *c, uint16_t port)
{
	*c = (struct front_client){.w = &w, .fd = connect_to(port)};
	assert_true(c->fd >= 0);
	buf_init(&c->in, SERVER_BYTES_MAX);
}

static void hang_up(struct front_client *c)
{
	if (c->fd >= 0)
		assert_int_equal(close(c->fd), 0);
	c->fd = -1;
	buf_done(&c->in);
}

static void free_when_empty(struct listener *l)
{
	CHECK("all are gone",
	      WORLD_TURN_UNTIL(&w.p, listener_connections(l) == 0 && quota.open == 0));
	listener_free(l);
	world_skip_logs(&w.p);
}

static void test_accepts(void **state)
{
	struct front_client c;
	struct listener *l;
	uint16_t port;

	(void)state;
	l = listen_with(10, NULL, &port);
	dial(&c, port);
	front_send(&c, GET);
	check_i64("plain", "status", 200, front_status(front_response(&c)));
	check_i64("plain", "connections", 1, (int64_t)listener_connections(l));
	check_cstr("plain", "client_ip", "127.0.0.1", log_text(world_log(&w.p), "client_ip").ptr);
	check_cstr("plain", "tls", "", log_text(json_root(w.p.line), "tls").ptr);
	hang_up(&c);
	free_when_empty(l);
	check_done();
}

/* --- addresses */

static void test_addresses(void **state)
{
	struct listener_config taken = config.config;
	struct error err = {0};
	struct listener *l;
	uint16_t port;
	char text[64];
	int fd = -1;

	(void)state;
	l = listen_with(10, NULL, &port);
	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	taken.address = str_from(text);
	assert_true(endpoint_parse(str_from(text), &taken.endpoint, &err));
	CHECK("in use", !listener_check_address(&taken, &err));
	check_contains("in use", "\"public\"", err.text);
	check_contains("in use", text, err.text);
	CHECK("workers share it", listener_bind(&taken, &fd, NULL));
	assert_int_equal(close(fd), 0);
	listener_free(l);
	error_clear(&err);
	CHECK("free again", listener_check_address(&taken, &err));
	assert_true(endpoint_parse(STR("192.0.2.1:8443"), &taken.endpoint, &err));
	taken.address = STR("192.0.2.1:8443");
	CHECK("of another machine", !listener_bind(&taken, &fd, &err));
	check_i64("of another machine", "kind", ERR_IO, err.kind);
	check_contains("of another machine", "192.0.2.1:8443", err.text);
	check_done();
}

/* --- how many */

static void test_max_connections(void **state)
{
	struct front_client c[4];
	struct listener *l;
	uint16_t port;

	(void)state;
	log_set_level(LOG_ERROR + 1);
	l = listen_with(2, NULL, &port);
	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		dial(&c[i], port);
		front_send(&c[i], GET);
	}
	check_i64("first", "status", 200, front_status(front_response(&c[0])));
	check_i64("second", "status", 200, front_status(front_response(&c[1])));
	CHECK("the third waits in the backlog", front_stays_open(&c[2], 250) && c[2].in.len == 0);
	check_i64("at most", "connections", 2, (int64_t)listener_connections(l));
	hang_up(&c[0]);
	check_i64("a place is free", "status", 200, front_status(front_response(&c[2])));
	check_i64("at most", "connections", 2, (int64_t)listener_connections(l));
	hang_up(&c[1]);
	check_i64("another", "status", 200, front_status(front_response(&c[3])));
	hang_up(&c[2]);
	hang_up(&c[3]);
	free_when_empty(l);
	log_set_level(LOG_ERROR);
	check_done();
}

/* The listeners of a worker share what it may have. */
static void test_shared_quota(void **state)
{
	struct front_client c[2];
	struct listener *l[2];
	uint16_t ports[2];

	(void)state;
	log_set_level(LOG_ERROR + 1);
	l[0] = listen_with(1, NULL, &ports[0]);
	l[1] = listen_on(&quota, NULL, &ports[1]);
	for (size_t i = 0; i < 2; i++) {
		dial(&c[i], ports[i]);
		front_send(&c[i], GET);
		if (i == 0)
			check_i64("one", "status", 200, front_status(front_response(&c[0])));
	}
	CHECK("the other's client waits", front_stays_open(&c[1], 250) && c[1].in.len == 0);
	hang_up(&c[0]);
	check_i64("then it is its turn", "status", 200, front_status(front_response(&c[1])));
	hang_up(&c[1]);
	free_when_empty(l[0]);
	free_when_empty(l[1]);
	log_set_level(LOG_ERROR);
	check_done();
}

/* --- no descriptors left */

static void test_descriptors_exhausted(void **state)
{
	struct front_client before, c[3];
	struct rlimit limit, few;
	struct listener *l;
	int64_t until_us;
	unsigned turns = 0;
	uint16_t port;
	int next;

	(void)state;
	log_set_level(LOG_ERROR + 1);
	l = listen_with(10, NULL, &port);
	dial(&before, port);
	front_send(&before, GET);
	check_i64("before", "status", 200, front_status(front_response(&before)));
	for (size_t i = 0; i < ARRAY_LEN(c); i++)
		dial(&c[i], port);
	next = dup(0);
	assert_true(next >= 0);
	assert_int_equal(close(next), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	until_us = clock_now_us() + 350000;
	for (; clock_now_us() < until_us; turns++)
		loop_turn(w.p.loop, 50);
	check_i64("exhausted", "connections", 1, (int64_t)listener_connections(l));
	CHECK("it does not spin", turns < 60);
	front_send(&before, GET);
	check_i64("the others go on", "status", 200, front_status(front_response(&before)));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		front_send(&c[i], GET);
		check_i64("those that waited", "status", 200, front_status(front_response(&c[i])));
		hang_up(&c[i]);
	}
	hang_up(&before);
	free_when_empty(l);
	log_set_level(LOG_ERROR);
	check_done();
}

/* --- stop and abort */

static void test_stop(void **state)
{
	struct front_client c;
	struct listener *l;
	uint16_t port;

	(void)state;
	l = listen_with(10, NULL, &port);
	dial(&c, port);
	front_send(&c, GET);
	check_i64("before", "status", 200, front_status(front_response(&c)));
	listener_stop(l);
	listener_stop(l);
	check_i64("nobody is accepted", "descriptor", -1, connect_to(port));
	front_send(&c, GET);
	check_i64("who is in stays", "status", 200, front_status(front_response(&c)));
	check_i64("who is in stays", "connections", 1, (int64_t)listener_connections(l));
	hang_up(&c);
	free_when_empty(l);
	listener_free(NULL);
	check_done();
}

/* --- what a listener tells its connections */

static void test_kinds(void **state)
{
	struct front_client c;
	struct listener *l;
	uint16_t port;
	struct str r;

	(void)state;
	config.config.redirect_to_https = true;
	config.config.redirect_port = STR("8443");
	l = listen_with(10, NULL, &port);
	dial(&c, port);
	front_send(&c, GET);
	r = front_response(&c);
	check_i64("redirects", "status", 308, front_status(r));
	check_str("redirects", "Location", STR("https://public.example:8443/x"),
		  head_field(r, "Location"));
	hang_up(&c);
	free_when_empty(l);
	config.config.redirect_to_https = false;
	l = listen_with(10, NULL, &port);
	listener_set_admin(l);
	dial(&c, port);
	front_send(&c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	check_i64("admin", "status", 200, front_status(front_response(&c)));
	front_send(&c, GET);
	check_i64("admin serves no route", "status", 404, front_status(front_response(&c)));
	hang_up(&c);
	free_when_empty(l);
	check_done();
}

/* --- TLS: accepted ones, new certificates, abort */

static void test_tls(void **state)
{
	struct test_folder folder = test_folder_make();
	struct tls_tickets *tickets = tls_tickets_new();
	struct tls_server *servers[2];
	struct tls_socket t[2];
	struct listener *l;
	struct buf body;
	uint16_t port;

	(void)state;
	buf_init(&body, 65536);
	for (int i = 0; i < 2; i++) {
		struct test_certificate c = tls_make(
			(struct tls_spec){.name = i ? "second" : "first", .names = "DNS:a"}, NULL);
		struct tls_listener with_tls;

		tls_write(&folder, i ? "second" : "first", &c, NULL);
		test_certificate_done(&c);
		tls_listener_init(&with_tls, "public");
		tls_listener_add(&with_tls, &folder, i ? "second" : "first");
		servers[i] = tls_listener_server(&with_tls, tickets);
	}
	l = listen_with(10, servers[0], &port);
	for (int i = 0; i < 2; i++) {
		X509 *shown;

		tls_socket_init(&t[i], &w.p, connect_to(port), &(struct tls_hello){.sni = "a"});
		assert_true(tls_socket_shake_hands(&t[i]));
		shown = SSL_get1_peer_certificate(t[i].ssl);
		check_cstr("certificate", i ? "after" : "before", i ? "second" : "first",
			   tls_name_of(shown));
		X509_free(shown);
		listener_set_tls(l, servers[1]);
		tls_server_unref(servers[i]); /* the listener and the stream hold their own */
	}
	for (int i = 0; i < 2; i++) {
		tls_socket_send(&t[i], GET);
		check_i64("both go on", "status", 200, tls_socket_response(&t[i], &body));
	}
	check_i64("both", "connections", 2, (int64_t)listener_connections(l));
	listener_abort(l);
	CHECK("cut", TLS_TURN_UNTIL(&t[0], t[0].ended) && TLS_TURN_UNTIL(&t[1], t[1].ended));
	tls_socket_done(&t[0]);
	tls_socket_done(&t[1]);
	free_when_empty(l);
	tls_tickets_free(tickets);
	test_folder_remove(&folder);
	buf_done(&body);
	check_done();
}

static int open_front(void **state)
{
	(void)state;
	front_open(&w, NULL);
	tls_listener_init(&config, "public");
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
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_max_connections),
		cmocka_unit_test(test_shared_quota),
		cmocka_unit_test(test_descriptors_exhausted),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_tls),
	};

	return cmocka_run_group_tests(tests, open_front, close_front);
}
