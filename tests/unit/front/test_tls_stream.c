/*
 * A TLS connection joined to HTTP: the handshake's deadline, bytes in whatever pieces, both
 * directions stopped by a side that does not read, and every kind of end.
 */
#include "front/tls_stream.h"
#include "tests/support/tls_socket.h"

static struct front_world w;
static struct test_folder folder;
static struct test_certificate ca, bot;
static struct tls_tickets *tickets;
static struct tls_listener plain_config, mutual_config;
static struct tls_server *plain, *mutual;
static struct tls_stream *stream;
static unsigned closed;
static struct buf body;

#define HOST "Host: public.example\r\n"
#define GET  "GET /x HTTP/1.1\r\n" HOST "\r\n"
#define OK   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

enum { BIG = 24 * 1024 * 1024, SMALL_BUFFER = 64 * 1024 };

static void on_closed(void *arg)
{
	(*(unsigned *)arg)++;
	stream = NULL;
}

/* A connection whose socket buffers are small, so that what the gate holds shows. */
static void open_stream(struct tls_socket *t, struct tls_server *server,
			const struct tls_listener *l, const struct tls_hello *hello)
{
	struct sockaddr_in peer;
	int ends[2], small = SMALL_BUFFER;

	front_pair(ends, &peer);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
				 0);
		assert_int_equal(setsockopt(ends[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)),
				 0);
	}
	closed = 0;
	stream = tls_stream_accept(w.p.loop, server, w.http1, &l->config, ends[1],
				   (struct sockaddr *)&peer, sizeof(peer), on_closed, &closed);
	assert_non_null(stream);
	tls_socket_init(t, &w.p, ends[0], hello);
}

static void open_plain(struct tls_socket *t)
{
	open_stream(t, plain, &plain_config, &(struct tls_hello){.sni = "public.example"});
	assert_true(tls_socket_shake_hands(t));
}

static void say(enum loop_server_mode mode, const char *answer)
{
	while (w.p.app.clients)
		loop_server_drop(w.p.app.clients);
	loop_server_forget(&w.p.app);
	buf_done(&w.p.app.seen);
	loop_server_say(&w.p.app, answer);
	w.p.app.mode = mode;
	world_skip_logs(&w.p);
}

/* The client leaves; everything of the stream goes with it, once. */
static void finish(const char *name, struct tls_socket *t)
{
	tls_socket_done(t);
	CHECK(name, WORLD_TURN_UNTIL(&w.p, closed > 0));
	check_i64(name, "closed", 1, closed);
	check_i64(name, "connections of HTTP", 0, (int64_t)http1_connections(w.http1));
}

/* --- requests */

static void test_requests(void **state)
{
	struct tls_socket t;
	const struct json *line;

	(void)state;
	say(SERVER_ANSWERS, OK);
	open_stream(&t, plain, &plain_config, &(struct tls_hello){.sni = "public.example"});
	for (int i = 0; i < 3; i++) {
		assert_true(tls_socket_shake_hands(&t));
		tls_socket_send(&t, GET);
		check_i64("a request", "status", 200, tls_socket_response(&t, &body));
		check_str("a request", "body", STR("hi"), buf_str(&body));
		line = world_log(&w.p);
		check_cstr("a request", "tls", "TLSv1.3", log_text(line, "tls").ptr);
		check_cstr("a request", "client_ip", "127.0.0.1", log_text(line, "client_ip").ptr);
	}
	check_str("a request", "scheme", STR("https"),
		  head_field(buf_str(&w.p.app.seen), "X-Forwarded-Proto"));
	check_i64("three on one connection", "requests", 3, w.p.app.requests);
	finish("requests", &t);
	check_done();
}

/* The last answer of a connection arrives whole, with its goodbye: no cut can look like it. */
static void test_goodbye(void **state)
{
	struct tls_socket t;

	(void)state;
	say(SERVER_ANSWERS, OK);
	open_plain(&t);
	tls_socket_send(&t, "GET /x HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	check_i64("the last", "status", 200, tls_socket_response(&t, &body));
	CHECK("closed", TLS_TURN_UNTIL(&t, t.ended));
	CHECK("with close_notify", t.said_goodbye);
	finish("goodbye", &t);
	say(SERVER_CUTS, "HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\nhalf");
	log_set_level(LOG_ERROR + 1);
	open_plain(&t);
	tls_socket_send(&t, GET);
	CHECK("cut", TLS_TURN_UNTIL(&t, t.ended));
	CHECK("half of it came", str_ends_with(buf_str(&t.in), STR("half")) || t.in.len == 0);
	finish("cut", &t);
	log_set_level(LOG_ERROR);
	world_skip_logs(&w.p);
	check_done();
}

static void test_byte_by_byte(void **state)
{
	struct tls_socket t;

	(void)state;
	say(SERVER_ANSWERS, OK);
	open_stream(&t, plain, &plain_config, &(struct tls_hello){.sni = "public.example"});
	t.piece = 1;
	assert_true(tls_socket_shake_hands(&t));
	tls_socket_send(&t, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
	check_i64("byte by byte", "status", 200, tls_socket_response(&t, &body));
	CHECK("whole", str_ends_with(buf_str(&w.p.app.seen), STR("\r\n\r\nhello")));
	finish("byte by byte", &t);
	world_skip_logs(&w.p);
	check_done();
}

static void test_certificate_reaches_the_application(void **state)
{
	static char want[8192];
	unsigned char *der = NULL;
	struct tls_socket t;
	int len;

	(void)state;
	len = i2d_X509(bot.certificate, &der);
	want[0] = ':';
	EVP_EncodeBlock((unsigned char *)want + 1, der, len);
	strcat(want, ":");
	OPENSSL_free(der);
	say(SERVER_ANSWERS, OK);
	open_stream(&t, mutual, &mutual_config,
		    &(struct tls_hello){.sni = "public.example", .certificate = &bot});
	assert_true(tls_socket_shake_hands(&t));
	tls_socket_send(&t, "GET /x HTTP/1.1\r\n" HOST "Client-Cert: :AAAA:\r\n\r\n");
	check_i64("certificate", "status", 200, tls_socket_response(&t, &body));
	check_str("certificate", "Client-Cert", str_from(want),
		  head_field(buf_str(&w.p.app.seen), "Client-Cert"));
	check_i64("certificate", "copies", 1,
		  (int64_t)head_count(buf_str(&w.p.app.seen), "Client-Cert"));
	finish("certificate", &t);
	world_skip_logs(&w.p);
	open_stream(&t, mutual, &mutual_config, &(struct tls_hello){.sni = "public.example"});
	(void)tls_socket_shake_hands(&t);
	CHECK("without one", TLS_TURN_UNTIL(&t, t.ended));
	finish("without one", &t);
	CHECK("is no exchange", !world_log(&w.p));
	check_done();
}

/* --- the handshake */

static void test_handshake_deadline(void **state)
{
	static const struct {
		const char *name, *bytes;
		bool half; /* a ClientHello, and then nothing */
	} cases[] = {
		{"silence", "", false},
		{"a hello and silence", "", true},
		{"plain HTTP", GET, false},
		{"noise", "\x16\x03\x01\xff\xff noise", false},
	};

	(void)state;
	say(SERVER_ANSWERS, OK);
	plain_config.config.timeouts.handshake_ms = 150;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t started_us = clock_now_us();
		struct tls_socket t;

		open_stream(&t, plain, &plain_config, &(struct tls_hello){.sni = "public.example"});
		if (cases[i].half) {
			(void)SSL_do_handshake(t.ssl);
			tls_socket_push(&t);
		}
		if (cases[i].bytes[0])
			assert_true(send(t.fd, cases[i].bytes, strlen(cases[i].bytes),
					 MSG_NOSIGNAL) > 0);
		CHECK(cases[i].name, WORLD_TURN_UNTIL(&w.p, closed == 1));
		CHECK(cases[i].name, clock_now_us() - started_us < 1500000);
		CHECK(cases[i].name, cases[i].bytes[0] || clock_now_us() - started_us >= 140000);
		finish(cases[i].name, &t);
		CHECK("no exchange", !world_log(&w.p));
	}
	/* done in time, the deadline is over */
	{
		struct tls_socket t;

		open_plain(&t);
		front_pass(&w, 300);
		tls_socket_send(&t, GET);
		check_i64("later than that", "status", 200, tls_socket_response(&t, &body));
		finish("later than that", &t);
	}
	plain_config.config.timeouts.handshake_ms = 5000;
	world_skip_logs(&w.p);
	check_done();
}

/* --- a side that does not read */

static void fill(struct buf *b, size_t len)
{
	size_t start = b->len;

	assert_true(buf_reserve(b, len));
	for (size_t i = 0; i < len; i++)
		b->ptr[start + i] = (char)('a' + i % 23);
	b->len += len;
}

static bool is_filled(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != (char)('a' + i % 23))
			return false;
	return true;
}

static void test_slow_reader(void **state)
{
	struct tls_socket t;

	(void)state;
	say(SERVER_ANSWERS, "");
	buf_appendf(&w.p.app.answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BIG);
	fill(&w.p.app.answer, BIG);
	open_plain(&t);
	tls_socket_send(&t, GET);
	t.reads = false;
	front_pass(&w, 150);
	CHECK("most of it waits at the application",
	      w.p.app.clients && w.p.app.clients->out.len > BIG / 4);
	t.reads = true;
	check_i64("then", "status", 200, tls_socket_response(&t, &body));
	CHECK("all of it comes, in order", body.len == BIG && is_filled(buf_str(&body)));
	finish("slow reader", &t);
	buf_done(&w.p.app.answer);
	buf_done(&body);
	world_skip_logs(&w.p);
	check_done();
}

static void test_slow_application(void **state)
{
	struct tls_socket t;
	struct buf upload;
	char head[128];
	size_t sent = 0, stalled_at;
	int64_t until_us;

	(void)state;
	buf_init(&upload, BIG);
	fill(&upload, BIG);
	say(SERVER_IGNORES, OK);
	open_plain(&t);
	snprintf(head, sizeof(head), "POST /x HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", BIG);
	tls_socket_send(&t, head);
	until_us = clock_now_us() + 150000;
	while (clock_now_us() < until_us) {
		while (sent < BIG && BIO_ctrl_pending(SSL_get_wbio(t.ssl)) < 65536) {
			size_t n = BIG - sent < 16384 ? BIG - sent : 16384;

			assert_int_equal(SSL_write(t.ssl, upload.ptr + sent, (int)n), (int)n);
			sent += n;
		}
		tls_socket_turn(&t);
	}
	stalled_at = sent;
	CHECK("most of it waits at the client", stalled_at < BIG / 4 * 3);
	w.p.app.mode = SERVER_ANSWERS;
	if (w.p.app.clients)
		watch_set_events(&w.p.app.clients->watch, EPOLLIN);
	while (sent < BIG) {
		size_t n = BIG - sent < 65536 ? BIG - sent : 65536;

		assert_int_equal(SSL_write(t.ssl, upload.ptr + sent, (int)n), (int)n);
		sent += n;
		assert_true(TLS_TURN_UNTIL(&t, !tls_socket_has_unsent(&t)));
	}
	check_i64("then", "status", 200, tls_socket_response(&t, &body));
	CHECK("all of it arrives, in order",
	      w.p.app.seen.len > BIG &&
		      is_filled(str_after(buf_str(&w.p.app.seen), w.p.app.seen.len - BIG)));
	finish("slow application", &t);
	buf_done(&upload);
	world_skip_logs(&w.p);
	check_done();
}

/* --- ends */

static void test_client_leaves(void **state)
{
	static const bool says_goodbye[] = {true, false};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(says_goodbye); i++) {
		const char *name = says_goodbye[i] ? "close_notify" : "cut";
		struct tls_socket t;

		say(SERVER_HOLDS, "");
		open_plain(&t);
		tls_socket_send(&t, GET);
		assert_true(WORLD_TURN_UNTIL(&w.p, w.p.app.requests == 1));
		if (says_goodbye[i]) {
			(void)SSL_shutdown(t.ssl);
			tls_socket_push(&t);
		}
		finish(name, &t);
		CHECK("the application's connection is closed",
		      WORLD_TURN_UNTIL(&w.p, !w.p.app.clients));
		check_cstr(name, "reason", "client_gone", log_text(world_log(&w.p), "reason").ptr);
	}
	check_done();
}

/* A half upload does not become a whole one by its connection's end. */
static void test_cut_upload(void **state)
{
	struct tls_socket t;

	(void)state;
	say(SERVER_ANSWERS, OK);
	open_plain(&t);
	tls_socket_send(&t, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nhalf");
	finish("cut upload", &t);
	CHECK("gone", WORLD_TURN_UNTIL(&w.p, !w.p.app.clients));
	check_i64("cut upload", "complete requests", 0, w.p.app.requests);
	world_skip_logs(&w.p);
	check_done();
}

static void test_abort(void **state)
{
	struct tls_socket t;

	(void)state;
	say(SERVER_HOLDS, "");
	open_plain(&t);
	tls_socket_send(&t, GET);
	assert_true(WORLD_TURN_UNTIL(&w.p, w.p.app.requests == 1));
	tls_stream_abort(stream);
	check_i64("not from inside the call", "closed", 0, closed);
	CHECK("the client sees it", TLS_TURN_UNTIL(&t, t.ended));
	CHECK("the application sees it", WORLD_TURN_UNTIL(&w.p, !w.p.app.clients));
	finish("abort", &t);
	world_skip_logs(&w.p);
	/* amid a handshake too */
	open_stream(&t, plain, &plain_config, &(struct tls_hello){.sni = "public.example"});
	tls_stream_abort(stream);
	CHECK("amid a handshake", TLS_TURN_UNTIL(&t, t.ended));
	finish("amid a handshake", &t);
	check_done();
}

/* A client that never closes its side is waited for shortly, not for ever. */
static void test_linger(void **state)
{
	struct tls_socket t;

	(void)state;
	say(SERVER_ANSWERS, OK);
	open_plain(&t);
	tls_socket_send(&t, "GET /x HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	check_i64("linger", "status", 200, tls_socket_response(&t, &body));
	CHECK("released although the client stays", WORLD_TURN_UNTIL(&w.p, closed == 1));
	finish("linger", &t);
	world_skip_logs(&w.p);
	check_done();
}

static int open_front(void **state)
{
	struct test_certificate site;

	(void)state;
	front_open(&w, NULL);
	folder = test_folder_make();
	site = tls_make((struct tls_spec){.name = "site", .names = "DNS:public.example"}, NULL);
	tls_write(&folder, "site", &site, NULL);
	test_certificate_done(&site);
	ca = tls_make((struct tls_spec){.name = "ca", .is_ca = true}, NULL);
	tls_write(&folder, "ca", &ca, NULL);
	bot = tls_make((struct tls_spec){.name = "bot", .purpose = "clientAuth"}, &ca);
	tickets = tls_tickets_new();
	assert_non_null(tickets);
	tls_listener_init(&plain_config, "plain");
	tls_listener_add(&plain_config, &folder, "site");
	plain = tls_listener_server(&plain_config, tickets);
	tls_listener_init(&mutual_config, "mutual");
	tls_listener_add(&mutual_config, &folder, "site");
	tls_listener_demand(&mutual_config, &folder, CLIENT_CERT_REQUIRED, "ca");
	mutual = tls_listener_server(&mutual_config, tickets);
	buf_init(&body, SERVER_BYTES_MAX);
	return 0;
}

static int close_front(void **state)
{
	(void)state;
	front_close(&w);
	tls_server_unref(plain);
	tls_server_unref(mutual);
	tls_tickets_free(tickets);
	test_certificate_done(&ca);
	test_certificate_done(&bot);
	test_folder_remove(&folder);
	buf_done(&body);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_goodbye),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_certificate_reaches_the_application),
		cmocka_unit_test(test_handshake_deadline),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_slow_application),
		cmocka_unit_test(test_client_leaves),
		cmocka_unit_test(test_cut_upload),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_linger),
	};

	return cmocka_run_group_tests(tests, open_front, close_front);
}
