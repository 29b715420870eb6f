/* A worker's views: each lives as long as exchanges run under it, and not longer. */
#include "tests/support/proxy_world.h"

static struct proxy_world w;
static unsigned freed;

static void on_owner_freed(void *owner)
{
	(*(unsigned *)owner)++;
}

/* A snapshot that tells when it goes. */
static struct snapshot *telling_snapshot(void)
{
	struct snapshot_params params = w.snapshot->params;
	struct snapshot *s = NULL;

	params.owner = &freed;
	params.owner_free = on_owner_freed;
	assert_true(snapshot_new(&params, &s, NULL));
	return s;
}

/* Use a telling snapshot, held by nobody but the view. */
static void use_telling(void)
{
	struct snapshot *s = telling_snapshot();

	world_use(&w, s);
	snapshot_unref(s);
	freed = 0;
}

#define GET "GET / HTTP/1.1\nHost: public.example"

static void test_idle_view_goes_at_once(void **state)
{
	(void)state;
	use_telling();
	check_i64("current", "freed", 0, freed);
	world_use(&w, w.snapshot);
	check_i64("replaced", "freed", 1, freed);
	check_done();
}

static void test_view_stays_for_its_exchanges(void **state)
{
	struct exchange *first, *second;

	(void)state;
	use_telling();
	world_begin(&w, GET);
	first = w.e;
	world_begin(&w, GET);
	second = w.e;
	world_use(&w, w.snapshot);
	check_i64("two run", "freed", 0, freed);
	CHECK("they keep their view", first->view != w.worker.view && first->view == second->view);
	CHECK("it is retired", first->view->retired);
	check_i64("two run", "pinned", 2, (int64_t)first->view->exchanges);
	exchange_end(second, EXCHANGE_CLIENT_GONE);
	check_i64("one runs", "freed", 0, freed);
	w.e = first;
	assert_true(world_answer(&w, "", 0));
	check_i64("the last one is served under it", "status", 200, w.status);
	check_i64("still held", "freed", 0, freed);
	world_end(&w, EXCHANGE_COMPLETE);
	check_i64("none runs", "freed", 1, freed);
	check_done();
}

static void test_new_exchanges_use_the_new_view(void **state)
{
	struct exchange *old;

	(void)state;
	use_telling();
	world_begin(&w, GET);
	old = w.e;
	world_use(&w, w.snapshot);
	world_begin(&w, GET);
	CHECK("the new one", w.e->view == w.worker.view && w.e->view->snapshot == w.snapshot);
	world_end(&w, EXCHANGE_CLIENT_GONE);
	check_i64("the old one runs", "freed", 0, freed);
	exchange_end(old, EXCHANGE_CLIENT_GONE);
	check_i64("the old one ended", "freed", 1, freed);
	check_done();
}

/* A kept connection of the old view's upstream goes with it. */
static void test_connections_go_with_the_view(void **state)
{
	(void)state;
	use_telling();
	world_ask(&w, GET);
	CHECK("kept", WORLD_TURN_UNTIL(&w, w.app.clients != NULL));
	world_use(&w, w.snapshot);
	check_i64("replaced", "freed", 1, freed);
	while (w.app.clients && WORLD_TURN_UNTIL(&w, !w.app.clients))
		;
	CHECK("closed", !w.app.clients);
	check_done();
}

static void test_failing_view_changes_nothing(void **state)
{
	struct upstream_config broken = {.name = STR_INIT("app")};
	struct upstream_server_config server = {.url = STR_INIT("https://127.0.0.1:1"),
						.is_https = true,
						.host = STR_INIT("127.0.0.1"),
						.authority = STR_INIT("127.0.0.1:1")};
	struct snapshot_params params = w.snapshot->params;
	struct worker_view *before = w.worker.view, *view = NULL;
	struct error err = {0};
	struct snapshot *s = NULL;

	(void)state;
	broken.servers = (struct object_list){&server, 1};
	broken.authorities = STR("/nonexistent/ca.pem");
	params.upstreams = &broken;
	params.upstreams_count = 1;
	params.owner = &freed;
	params.owner_free = on_owner_freed;
	freed = 0;
	assert_true(snapshot_new(&params, &s, NULL));
	CHECK("fails", !worker_view_new(&w.worker, s, &view, &err));
	CHECK("says why", err.kind != ERR_NONE && err.text[0]);
	CHECK("the old one stays", w.worker.view == before);
	snapshot_unref(s);
	check_i64("the snapshot is not kept", "freed", 1, freed);
	world_ask(&w, GET);
	check_i64("served", "status", 200, w.status);
	check_done();
}

static void test_release(void **state)
{
	struct exchange *many[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = exchange_new(&w.worker, &w.peer, &world_transport, &w);
		assert_non_null(many[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		exchange_end(many[i], EXCHANGE_CLIENT_GONE);
	check_i64("bounded", "kept for reuse", 256, (int64_t)w.worker.free_exchanges_count);
	worker_release(&w.worker);
	check_i64("released", "kept for reuse", 0, (int64_t)w.worker.free_exchanges_count);
	CHECK("none", !w.worker.free_exchanges);
	buf_init(&w.worker.log_line, 64 * 1024);
	world_ask(&w, GET);
	check_i64("and goes on", "status", 200, w.status);
	check_done();
}

static int open_world(void **state)
{
	(void)state;
	world_open(&w, NULL);
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
		cmocka_unit_test(test_idle_view_goes_at_once),
		cmocka_unit_test(test_view_stays_for_its_exchanges),
		cmocka_unit_test(test_new_exchanges_use_the_new_view),
		cmocka_unit_test(test_connections_go_with_the_view),
		cmocka_unit_test(test_failing_view_changes_nothing),
		cmocka_unit_test(test_release),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
