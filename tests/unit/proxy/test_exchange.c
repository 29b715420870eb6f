/*
 * The pipeline's driver: nothing is forwarded without a recorded allow, memory is bounded,
 * and an exchange can end at any moment of its life.
 */
#include "tests/support/proxy_world.h"

#include <stdatomic.h>

static struct proxy_world w;
static char ada[SESSION_ID_TEXT + 1];

#define GET_PUBLIC "GET / HTTP/1.1\nHost: public.example"
#define GET_WIKI   "GET / HTTP/1.1\nHost: wiki.example"
#define TO_LOG_IN  GET_WIKI "\nAccept: text/html\nSec-Fetch-Mode: navigate"

/* --- fail closed */

static void skip_nothing(struct exchange *e)
{
	(void)e;
}

static void forget_decision(struct exchange *e)
{
	e->decision = (struct decision){.answer = DECISION_DENY, .rule = "", .message = ""};
	e->has_decision = true;
	e->is_allowed = false;
}

static void decide_without_recording(struct exchange *e)
{
	e->decision = (struct decision){.answer = DECISION_ALLOW, .rule = "", .message = ""};
	e->has_decision = true;
	e->is_allowed = false;
}

static void allow_without_route(struct exchange *e)
{
	e->is_allowed = true;
	e->route = NULL;
}

static const struct {
	const char *name;
	void (*prepare)(struct exchange *e);
	enum exchange_step step;
	unsigned status;
} closed[] = {
	{"no decision at all", skip_nothing, STEP_FORWARD, 500},
	{"a deny that was passed over", forget_decision, STEP_FORWARD, 500},
	{"an allow that was not recorded", decide_without_recording, STEP_FORWARD, 500},
	{"an allow without a route", allow_without_route, STEP_FORWARD, 500},
	{"a deny in the decision's own step", forget_decision, STEP_AUTHORIZE, 403},
	{"a step that cannot be run", skip_nothing, STEP_PARSE, 500},
	{"another one", skip_nothing, STEP_RESPOND, 500},
	{"behind the end", skip_nothing, STEP_LOG, 500},
};

static void test_fail_closed(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR + 1);
	for (size_t i = 0; i < ARRAY_LEN(closed); i++) {
		world_begin(&w, GET_PUBLIC);
		assert_int_equal(exchange_step_route(w.e), STEP_NEXT);
		closed[i].prepare(w.e);
		w.e->step = closed[i].step;
		assert_int_equal(exchange_run(w.e), EXCHANGE_RESPONDS);
		world_note_response(&w);
		world_end(&w, EXCHANGE_COMPLETE);
		for (int turn = 0; turn < 5; turn++)
			loop_turn(w.loop, 1);
		check_refused(closed[i].name, &w, closed[i].status,
			      closed[i].status == 500 ? "internal" : "denied");
		check_i64(closed[i].name, "connections", 0, w.app.connections);
		CHECK(closed[i].name, closed[i].status != 500 || w.closes);
	}
	log_set_level(LOG_ERROR);
	check_done();
}

/* A 500 says nothing of its cause, and is kept by nobody. */
static void test_internal_error(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR + 1);
	world_begin(&w, GET_PUBLIC);
	w.e->step = STEP_FORWARD;
	assert_int_equal(exchange_run(w.e), EXCHANGE_RESPONDS);
	world_note_response(&w);
	world_end(&w, EXCHANGE_COMPLETE);
	world_skip_logs(&w);
	check_i64("500", "status", 500, w.status);
	check_str("500", "Cache-Control", STR("no-store"), world_field(&w, "Cache-Control"));
	CHECK("no cause", str_find(buf_str(&w.body), STR("decision")) == STR_NONE);
	log_set_level(LOG_ERROR);
	check_done();
}

static void test_memory_ceiling(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR + 1);
	loop_server_forget(&w.app);
	world_begin(&w, GET_PUBLIC);
	(void)arena_alloc(exchange_arena(w.e), EXCHANGE_ARENA_BYTES);
	assert_int_equal(exchange_run(w.e), EXCHANGE_RESPONDS);
	world_note_response(&w);
	world_end(&w, EXCHANGE_COMPLETE);
	check_refused("no memory is left", &w, 500, "internal");
	log_set_level(LOG_ERROR);
	world_ask(&w, GET_PUBLIC);
	world_skip_logs(&w);
	check_i64("the next one has its own", "status", 200, w.status);
	check_done();
}

/* --- the end, whenever it comes */

static void test_end_while_waiting(void **state)
{
	(void)state;
	loop_server_forget(&w.app);
	w.app.mode = SERVER_HOLDS;
	world_begin(&w, GET_PUBLIC);
	assert_int_equal(exchange_run(w.e), EXCHANGE_WAITS);
	assert_true(WORLD_TURN_UNTIL(&w, w.app.requests == 1));
	world_end(&w, EXCHANGE_CLIENT_GONE);
	check_cstr("upstream", "reason", "client_gone", log_text(world_log(&w), "reason").ptr);
	CHECK("its connection is closed, not kept", WORLD_TURN_UNTIL(&w, !w.app.clients));
	w.app.mode = SERVER_ANSWERS;

	world_begin(&w, TO_LOG_IN);
	assert_int_equal(exchange_run(w.e), EXCHANGE_WAITS);
	assert_non_null(w.e->login_op);
	world_end(&w, EXCHANGE_CLIENT_GONE);
	check_cstr("login", "reason", "client_gone", log_text(world_log(&w), "reason").ptr);

	world_begin(&w, "POST /.sallyport/logout HTTP/1.1\nHost: wiki.example\nContent-Length: 0");
	w.e->cookies = arena_printf(exchange_arena(w.e), SESSION_COOKIE "=%s",
				    world_sign_in(&w, "wiki.example", IDENTITY_ADA));
	assert_int_equal(exchange_run(w.e), EXCHANGE_WAITS);
	assert_non_null(w.e->session_op);
	world_end(&w, EXCHANGE_CLIENT_TIMEOUT);
	check_cstr("logout", "reason", "client_timeout", log_text(world_log(&w), "reason").ptr);
	for (int i = 0; i < 20; i++)
		loop_turn(w.loop, 2); /* what was cancelled calls nobody */
	check_done();
}

static void test_end_at_once(void **state)
{
	const struct json *line;

	(void)state;
	w.e = exchange_new(&w.worker, &w.peer, &world_transport, &w);
	assert_non_null(w.e);
	exchange_set_raw_target(w.e, STR("/half?token=abc"));
	exchange_note_refusal(w.e, 431);
	world_end(&w, EXCHANGE_HEAD_REFUSED);
	line = world_log(&w);
	check_cstr("refused head", "reason", "too_large", log_text(line, "reason").ptr);
	check_i64("refused head", "status", 431, (int64_t)json_number(json_get(line, "status")));
	check_cstr("refused head", "target", "/half?token=[redacted]",
		   log_text(line, "request_uri").ptr);
	w.e = exchange_new(&w.worker, &w.peer, &world_transport, &w);
	world_end(&w, EXCHANGE_CLIENT_TIMEOUT);
	line = world_log(&w);
	check_i64("slow head", "status", 408, (int64_t)json_number(json_get(line, "status")));
	w.e = exchange_new(&w.worker, &w.peer, &world_transport, &w);
	world_end(&w, EXCHANGE_CLIENT_GONE);
	line = world_log(&w);
	check_i64("gone", "status", 499, (int64_t)json_number(json_get(line, "status")));
	check_done();
}

/* Nothing of one exchange is left in the next one, which uses the same struct again. */
static void test_reuse(void **state)
{
	const struct json *line;
	struct exchange *first;

	(void)state;
	world_begin(&w, GET_WIKI);
	w.e->cookies = arena_printf(exchange_arena(w.e), SESSION_COOKIE "=%s", ada);
	first = w.e;
	assert_true(world_answer(&w, "", 0));
	assert_int_equal(w.status, 200);
	world_end(&w, EXCHANGE_COMPLETE);
	world_skip_logs(&w);
	world_ask(&w, GET_WIKI "\nAccept: application/json");
	CHECK("the same struct", w.worker.free_exchanges == first);
	line = world_log(&w);
	check_i64("the next", "status", 401, w.status);
	check_cstr("the next", "user", "", log_text(line, "user").ptr);
	check_cstr("the next", "upstream", "", log_text(line, "upstream_addr").ptr);
	check_done();
}

static void test_ids(void **state)
{
	char first[EXCHANGE_ID_SIZE];

	(void)state;
	world_begin(&w, GET_PUBLIC);
	memcpy(first, w.e->id, sizeof(first));
	world_end(&w, EXCHANGE_CLIENT_GONE);
	world_begin(&w, GET_PUBLIC);
	check_i64("an id", "length", EXCHANGE_ID_SIZE - 2, (int64_t)strlen(first));
	CHECK("another one", strcmp(first, w.e->id) != 0);
	world_end(&w, EXCHANGE_CLIENT_GONE);
	world_skip_logs(&w);
	check_done();
}

static void test_counters(void **state)
{
	uint64_t all = atomic_load(&w.worker.counters.exchanges);
	uint64_t fine = atomic_load(&w.worker.counters.by_class[2]);
	uint64_t refused = atomic_load(&w.worker.counters.by_class[4]);
	uint64_t no_route = atomic_load(&w.worker.counters.by_reason[REASON_NO_ROUTE]);

	(void)state;
	world_ask(&w, GET_PUBLIC);
	world_ask(&w, "GET / HTTP/1.1\nHost: evil.example");
	world_skip_logs(&w);
	check_i64("all", "by", 2, (int64_t)(atomic_load(&w.worker.counters.exchanges) - all));
	check_i64("2xx", "by", 1, (int64_t)(atomic_load(&w.worker.counters.by_class[2]) - fine));
	check_i64("4xx", "by", 1, (int64_t)(atomic_load(&w.worker.counters.by_class[4]) - refused));
	check_i64("no_route", "by", 1,
		  (int64_t)(atomic_load(&w.worker.counters.by_reason[REASON_NO_ROUTE]) - no_route));
	check_done();
}

/* A scheme and client address that only a trusted proxy may say. */
static void test_scheme_of_untrusted_peer(void **state)
{
	(void)state;
	w.peer.is_tls = false;
	loop_server_forget(&w.app);
	world_ask(&w, GET_PUBLIC "\nX-Forwarded-Proto: https\nX-Forwarded-For: 203.0.113.9\n"
				 "Forwarded: for=203.0.113.9;proto=https");
	w.peer.is_tls = true;
	check_cstr("client", "ip", "192.0.2.7", log_text(world_log(&w), "client_ip").ptr);
	check_str("scheme", "seen by the application", STR("http"),
		  head_field(buf_str(&w.app.seen), "X-Forwarded-Proto"));
	check_str("address", "seen by the application", STR("192.0.2.7"),
		  head_field(buf_str(&w.app.seen), "X-Forwarded-For"));
	check_done();
}

static void test_without_view(void **state)
{
	struct worker_view *view = w.worker.view;

	(void)state;
	w.worker.view = NULL;
	assert_null(exchange_new(&w.worker, &w.peer, &world_transport, &w));
	w.worker.view = view;
}

static int open_world(void **state)
{
	(void)state;
	world_open(&w, NULL);
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
		cmocka_unit_test(test_fail_closed),
		cmocka_unit_test(test_internal_error),
		cmocka_unit_test(test_memory_ceiling),
		cmocka_unit_test(test_end_while_waiting),
		cmocka_unit_test(test_end_at_once),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_scheme_of_untrusted_peer),
		cmocka_unit_test(test_without_view),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
