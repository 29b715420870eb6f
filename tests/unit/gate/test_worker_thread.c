/*
 * One worker in a thread of its own: it serves, takes over a new snapshot under its own
 * exchanges, drains, and leaves nothing behind.
 */
#include <stdatomic.h>

#include "gate/worker_thread.h"
#include "tests/support/tls_socket.h"

static struct front_world w; /* without HTTP of its own: its loop runs the application */
static struct listener_config listener = {.name = STR_INIT("public"),
					  .address = STR_INIT("127.0.0.1:0"),
					  .timeouts = {5000, 5000, 5000, 5000}};
static uint16_t port;
static struct worker_thread *worker;
static struct proxy_worker *group_workers[1];
static struct worker_group group;
static _Atomic unsigned freed;

#define GET "GET /x HTTP/1.1\r\nHost: public.example\r\n\r\n"
#define OK  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

static int bind_one(void)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int fd = -1;

	assert_true(endpoint_parse(STR("127.0.0.1:0"), &listener.endpoint, NULL));
	assert_true(listener_bind(&listener, &fd, NULL));
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	port = ntohs(sin.sin_port);
	return fd;
}

static void on_freed(void *owner)
{
	(void)owner;
	atomic_fetch_add(&freed, 1);
}

/* A snapshot that tells when it goes; one reference. */
static struct snapshot *make_snapshot(size_t routes)
{
	struct snapshot_params params = w.p.snapshot->params;
	struct snapshot *s = NULL;
	struct error err = {0};

	params.routes_count = routes;
	params.owner_free = on_freed;
	if (!snapshot_new(&params, &s, &err))
		fail_msg("%s", err.text);
	return s;
}

static void start(int64_t drain_timeout_ms, size_t max_connections, bool runs)
{
	struct worker_listener one = {.config = &listener, .fd = bind_one()};
	struct snapshot *s = make_snapshot(1);
	struct worker_thread_params params = {
		.snapshot = s,
		.store = w.p.store,
		.group = &group,
		.access_log = w.p.access,
		.decision_log = w.p.decisions,
		.listeners = &one,
		.listeners_count = 1,
		.max_connections = max_connections,
		.drain_timeout_ms = drain_timeout_ms,
	};
	struct error err = {0};

	atomic_store(&freed, 0);
	if (!worker_thread_new(&params, &worker, &err))
		fail_msg("%s", err.text);
	check_i64("taken", "descriptor", -1, one.fd);
	snapshot_unref(s);
	group_workers[0] = worker_thread_proxy(worker);
	group = (struct worker_group){.workers = group_workers, .count = 1, .store = w.p.store};
	if (runs)
		assert_true(worker_thread_start(worker, &err));
	loop_server_forget(&w.p.app);
	loop_server_say(&w.p.app, OK);
	w.p.app.mode = SERVER_ANSWERS;
}

static void dial(struct front_client *c)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	*c = (struct front_client){.w = &w, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	assert_int_equal(connect(c->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	buf_init(&c->in, SERVER_BYTES_MAX);
}

static void hang_up(struct front_client *c)
{
	assert_int_equal(close(c->fd), 0);
	buf_done(&c->in);
}

static void end(void)
{
	worker_thread_drain(worker);
	worker_thread_join(worker);
	worker = NULL;
	while (w.p.app.clients)
		loop_server_drop(w.p.app.clients);
	world_skip_logs(&w.p);
}

/* The line of an exchange that a client has seen the end of: written soon after. */
static const struct json *next_line(void)
{
	const struct json *line = NULL;

	CHECK("a line", WORLD_TURN_UNTIL(&w.p, (line = world_log(&w.p)) != NULL));
	return line;
}

static void test_serves(void **state)
{
	struct front_client c;

	(void)state;
	start(1000, 10, true);
	dial(&c);
	for (int i = 0; i < 3; i++) {
		front_send(&c, GET);
		check_i64("a request", "status", 200, front_status(front_response(&c)));
		check_cstr("a request", "reason", "served", log_text(next_line(), "reason").ptr);
	}
	check_i64("counted", "exchanges", 3,
		  (int64_t)atomic_load(&worker_thread_proxy(worker)->counters.exchanges));
	hang_up(&c);
	end();
	check_i64("ended", "snapshots freed", 1, atomic_load(&freed));
	check_done();
}

static void test_never_started(void **state)
{
	(void)state;
	start(1000, 10, false);
	end();
	check_i64("freed", "snapshots", 1, atomic_load(&freed));
	worker_thread_join(NULL);
	check_done();
}

/* What fails leaves what it did not take to its caller. */
static void test_failure(void **state)
{
	struct upstream_server_config server = {.url = STR_INIT("https://127.0.0.1:1"),
						.is_https = true,
						.host = STR_INIT("127.0.0.1"),
						.authority = STR_INIT("127.0.0.1:1")};
	struct upstream_config broken = {.name = STR_INIT("app"),
					 .servers = {&server, 1},
					 .authorities = STR_INIT("/nonexistent/ca.pem")};
	struct snapshot_params snapshot_params = w.p.snapshot->params;
	struct worker_listener one = {.config = &listener, .fd = bind_one()};
	struct worker_thread_params params = {.store = w.p.store,
					      .group = &group,
					      .listeners = &one,
					      .listeners_count = 1,
					      .max_connections = 10};
	struct worker_thread *none = NULL;
	struct snapshot *s = NULL;
	struct error err = {0};

	(void)state;
	snapshot_params.upstreams = &broken;
	snapshot_params.upstreams_count = 1;
	assert_true(snapshot_new(&snapshot_params, &s, NULL));
	params.snapshot = s;
	CHECK("fails", !worker_thread_new(&params, &none, &err));
	CHECK("and says why", err.text[0]);
	CHECK("nothing made", !none);
	CHECK("the descriptor stays the caller's", one.fd >= 0 && close(one.fd) == 0);
	snapshot_unref(s);
	check_done();
}

/* --- a new snapshot */

static unsigned status_of(struct front_client *c, const char *host)
{
	char request[128];

	snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n\r\n",
		 host);
	front_send(c, request);
	return front_status(front_response(c));
}

static void test_reload(void **state)
{
	struct front_client c, busy;
	struct snapshot *s;

	(void)state;
	start(1000, 10, true);
	dial(&c);
	check_i64("before", "the second route", 404, status_of(&c, "wiki.example"));
	dial(&busy);
	w.p.app.mode = SERVER_HOLDS;
	front_send(&busy, GET);
	assert_true(WORLD_TURN_UNTIL(&w.p, w.p.app.requests == 1));
	s = make_snapshot(2);
	worker_thread_reload(worker, s, NULL, 0);
	snapshot_unref(s);
	CHECK("after, on the same connection",
	      WORLD_TURN_UNTIL(&w.p, status_of(&c, "wiki.example") == 401));
	check_i64("the old one is in use", "snapshots freed", 0, atomic_load(&freed));
	assert_non_null(w.p.app.clients);
	buf_append_cstr(&w.p.app.clients->out, OK);
	loop_server_flush(w.p.app.clients);
	check_i64("what runs under it ends well", "status", 200,
		  front_status(front_response(&busy)));
	CHECK("then it goes", WORLD_TURN_UNTIL(&w.p, atomic_load(&freed) == 1));
	hang_up(&c);
	hang_up(&busy);
	end();
	check_i64("ended", "snapshots freed", 2, atomic_load(&freed));
	check_done();
}

/* Messages that were posted and never ran are released all the same. */
static void test_reload_before_start(void **state)
{
	struct snapshot *s;

	(void)state;
	start(1000, 10, false);
	s = make_snapshot(2);
	worker_thread_reload(worker, s, NULL, 0);
	snapshot_unref(s);
	end();
	check_i64("ended", "snapshots freed", 2, atomic_load(&freed));
	check_done();
}

/* --- draining */

static void test_drain(void **state)
{
	struct front_client idle, busy;

	(void)state;
	start(5000, 10, true);
	dial(&idle);
	check_i64("idle", "status", 200, status_of(&idle, "public.example"));
	loop_server_forget(&w.p.app);
	w.p.app.mode = SERVER_HOLDS;
	dial(&busy);
	front_send(&busy, GET);
	assert_true(WORLD_TURN_UNTIL(&w.p, w.p.app.requests == 1));
	worker_thread_drain(worker);
	CHECK("idle ones go", front_is_closed(&idle));
	CHECK("busy ones stay", front_stays_open(&busy, 100));
	for (struct loop_server_client *c = w.p.app.clients; c; c = c->next)
		buf_append_cstr(&c->out, c->in.len ? OK : "");
	for (struct loop_server_client *c = w.p.app.clients, *next; c; c = next) {
		next = c->next;
		loop_server_flush(c);
	}
	check_i64("busy", "status", 200, front_status(front_response(&busy)));
	CHECK("then it goes", front_is_closed(&busy));
	worker_thread_join(worker);
	check_i64("all is freed", "snapshots", 1, atomic_load(&freed));
	hang_up(&idle);
	hang_up(&busy);
	while (w.p.app.clients)
		loop_server_drop(w.p.app.clients);
	world_skip_logs(&w.p);
	check_done();
}

static void test_drain_deadline(void **state)
{
	int64_t started_us;
	struct front_client busy;

	(void)state;
	log_set_level(LOG_ERROR + 1);
	start(150, 10, true);
	w.p.app.mode = SERVER_HOLDS;
	dial(&busy);
	front_send(&busy, GET);
	assert_true(WORLD_TURN_UNTIL(&w.p, w.p.app.requests == 1));
	started_us = clock_now_us();
	worker_thread_drain(worker);
	CHECK("cut", front_is_closed(&busy));
	CHECK("not before its time", clock_now_us() - started_us >= 140000);
	worker_thread_join(worker);
	CHECK("and soon", clock_now_us() - started_us < 2000000);
	check_i64("all is freed", "snapshots", 1, atomic_load(&freed));
	hang_up(&busy);
	while (w.p.app.clients)
		loop_server_drop(w.p.app.clients);
	log_set_level(LOG_ERROR);
	world_skip_logs(&w.p);
	check_done();
}

static int open_front(void **state)
{
	(void)state;
	world_open(&w.p, NULL);
	return 0;
}

static int close_front(void **state)
{
	(void)state;
	world_close(&w.p);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serves),
		cmocka_unit_test(test_never_started),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_reload_before_start),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_deadline),
	};

	return cmocka_run_group_tests(tests, open_front, close_front);
}
