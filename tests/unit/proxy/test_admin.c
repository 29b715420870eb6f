/* The admin address: health, readiness, metrics, and nothing that a route would serve. */
#include "tests/support/proxy_world.h"

#include <stdatomic.h>

static struct proxy_world w;

static const struct {
	const char *name, *head;
	bool ready;
	unsigned status;
	const char *body;
} rows[] = {
	{"health", "GET /healthz HTTP/1.1\nHost: 127.0.0.1:9901", false, 200, "ok\n"},
	{"ready", "GET /readyz HTTP/1.1\nHost: x", true, 200, "ready\n"},
	{"not ready", "GET /readyz HTTP/1.1\nHost: x", false, 503, "not ready\n"},
	{"HEAD", "HEAD /healthz HTTP/1.1\nHost: x", false, 200, "ok\n"},
	{"a path that is none", "GET /healthz/ HTTP/1.1\nHost: x", true, 404, NULL},
	{"the root", "GET / HTTP/1.1\nHost: x", true, 404, NULL},
	{"a method", "POST /healthz HTTP/1.1\nHost: x\nContent-Length: 0", true, 405, NULL},
	{"a public host's route is not served here", "GET / HTTP/1.1\nHost: public.example", true,
	 404, NULL},
	{"nor are its reserved paths", "GET /.sallyport/jwks.json HTTP/1.1\nHost: public.example",
	 true, 404, NULL},
};

static void test_paths(void **state)
{
	(void)state;
	w.peer.is_admin = true;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		atomic_store(&w.group.is_ready, rows[i].ready);
		world_ask(&w, rows[i].head);
		check_i64(rows[i].name, "status", rows[i].status, w.status);
		if (rows[i].body)
			check_str(rows[i].name, "body", str_from(rows[i].body), buf_str(&w.body));
		check_str(rows[i].name, "cache", STR("no-store"), world_field(&w, "Cache-Control"));
		CHECK("not in the access log", !world_log(&w));
	}
	w.peer.is_admin = false;
	check_i64("all", "application", 0, (int64_t)w.app.connections);
	check_done();
}

/* On a public listener these are nothing. */
static void test_public(void **state)
{
	static const char *const paths[] = {"healthz", "readyz", "metrics"};
	char head[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		snprintf(head, sizeof(head), "GET /%s HTTP/1.1\nHost: wiki.example\nAccept: */*",
			 paths[i]);
		world_ask(&w, head);
		world_skip_logs(&w);
		check_i64(paths[i], "status", 401, w.status);
	}
	check_done();
}

/* The value of a sample, with its labels; -1 when there is none. */
static int64_t metric_value(const char *sample)
{
	struct str rest = buf_str(&w.body), line;
	size_t len = strlen(sample);
	uint64_t value;

	while (str_next(&rest, '\n', &line))
		if (str_starts_with(line, str_from(sample)) && line.len > len &&
		    line.ptr[len] == ' ')
			return str_to_u64(str_after(line, len + 1), &value) ? (int64_t)value : -1;
	return -1;
}

static void ask_metrics(void)
{
	w.peer.is_admin = true;
	world_ask(&w, "GET /metrics HTTP/1.1\nHost: x");
	w.peer.is_admin = false;
	assert_int_equal(w.status, 200);
}

static void test_metrics(void **state)
{
	int64_t all, fine, served, none;

	(void)state;
	ask_metrics();
	all = metric_value("sallyport_http_requests_total");
	fine = metric_value("sallyport_http_responses_total{class=\"2xx\"}");
	served = metric_value("sallyport_exchanges_by_reason_total{reason=\"served\"}");
	none = metric_value("sallyport_exchanges_by_reason_total{reason=\"no_route\"}");
	CHECK("they are there", all >= 0 && fine >= 0 && served >= 0 && none >= 0);
	(void)world_sign_in(&w, "wiki.example", IDENTITY_ADA);
	world_ask(&w, "GET / HTTP/1.1\nHost: public.example");
	world_ask(&w, "GET / HTTP/1.1\nHost: evil.example");
	world_skip_logs(&w);
	ask_metrics();
	check_i64("requests", "more", 3, metric_value("sallyport_http_requests_total") - all);
	check_i64("2xx", "more", 2,
		  metric_value("sallyport_http_responses_total{class=\"2xx\"}") - fine);
	check_i64("served", "more", 1,
		  metric_value("sallyport_exchanges_by_reason_total{reason=\"served\"}") - served);
	check_i64("no_route", "more", 1,
		  metric_value("sallyport_exchanges_by_reason_total{reason=\"no_route\"}") - none);
	check_i64("sessions", "count", 1, metric_value("sallyport_sessions"));
	for (size_t i = 0; i < REASON_COUNT; i++) {
		char line[128];

		snprintf(line, sizeof(line), "sallyport_exchanges_by_reason_total{reason=\"%s\"}",
			 exchange_reason_word((enum exchange_reason)i));
		CHECK(line, metric_value(line) >= 0);
	}
	check_done();
}

/* Two workers are counted as one. */
static void test_sum_of_workers(void **state)
{
	static struct proxy_worker second;
	struct proxy_worker *both[] = {&w.worker, &second};
	int64_t alone;

	(void)state;
	ask_metrics();
	alone = metric_value("sallyport_http_requests_total");
	atomic_store(&second.counters.exchanges, 1000);
	w.group.workers = both;
	w.group.count = 2;
	ask_metrics();
	check_i64("both", "requests", alone + 1 + 1000,
		  metric_value("sallyport_http_requests_total"));
	w.group.workers = w.workers;
	w.group.count = 1;
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
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_sum_of_workers),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
