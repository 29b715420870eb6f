/*
 * proxy/admin.c - the admin address: /healthz, /readyz and /metrics (Prometheus text).
 *
 * It is a listener of its own, never a public one, and serves no route.
 */
#include <stdatomic.h>

#include "base/clock.h"
#include "proxy/exchange_state.h"
#include "proxy/respond.h"

enum { METRICS_MAX_BYTES = 256 * 1024 };

static uint64_t sum(const struct worker_group *g, size_t offset)
{
	uint64_t total = 0;

	for (size_t i = 0; i < g->count; i++) {
		const char *counters = (const char *)&g->workers[i]->counters;

		total += atomic_load_explicit((const _Atomic uint64_t *)(const void *)(counters + offset),
					      memory_order_relaxed);
	}
	return total;
}

static void metric(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_appendf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void append_metrics(const struct worker_group *g, struct buf *out)
{
	static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

	metric(out, "sallyport_http_requests_total", "counter", "Exchanges that ended.");
	buf_appendf(out, "sallyport_http_requests_total %llu\n",
		    (unsigned long long)sum(g, offsetof(struct worker_counters, exchanges)));
	metric(out, "sallyport_http_responses_total", "counter", "Exchanges by class of status.");
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		buf_appendf(out, "sallyport_http_responses_total{class=\"%s\"} %llu\n", classes[i],
			    (unsigned long long)sum(g, offsetof(struct worker_counters, by_class) +
							       i * sizeof(uint64_t)));
	metric(out, "sallyport_exchanges_by_reason_total", "counter", "Exchanges by how they ended.");
	for (size_t i = 0; i < REASON_COUNT; i++)
		buf_appendf(out, "sallyport_exchanges_by_reason_total{reason=\"%s\"} %llu\n",
			    exchange_reason_word((enum exchange_reason)i),
			    (unsigned long long)sum(g, offsetof(struct worker_counters, by_reason) +
							       i * sizeof(uint64_t)));
	metric(out, "sallyport_sessions", "gauge", "Sessions in the store.");
	buf_appendf(out, "sallyport_sessions %lld\n", (long long)session_store_count(g->store));
	metric(out, "sallyport_start_time_seconds", "gauge", "When the gate started.");
	buf_appendf(out, "sallyport_start_time_seconds %lld\n", (long long)g->started_wall_s);
}

static enum step_result serve_metrics(struct exchange *e)
{
	struct buf out;
	struct str text;

	buf_init(&out, METRICS_MAX_BYTES);
	append_metrics(e->worker->group, &out);
	text = arena_str(e->arena, buf_str(&out));
	buf_done(&out);
	return respond_data(e, 200, REASON_OWN_PAGE, "text/plain; version=0.0.4; charset=utf-8", text);
}

static enum step_result serve_text(struct exchange *e, unsigned status, const char *text)
{
	return respond_data(e, status, REASON_OWN_PAGE, "text/plain; charset=utf-8", str_from(text));
}

enum step_result admin_serve(struct exchange *e)
{
	struct str path = e->request.target.path_decoded;

	if (!str_equal(e->request.method, STR("GET")) && !str_equal(e->request.method, STR("HEAD")))
		return respond_error(e, 405, REASON_BAD_REQUEST, "Only GET is served here.");
	if (str_equal(path, STR("/healthz")))
		return serve_text(e, 200, "ok\n");
	if (str_equal(path, STR("/readyz")))
		return atomic_load(&e->worker->group->is_ready) ? serve_text(e, 200, "ready\n")
								: serve_text(e, 503, "not ready\n");
	if (str_equal(path, STR("/metrics")))
		return serve_metrics(e);
	return respond_error(e, 404, REASON_NO_ROUTE, "Nothing is served at this address.");
}
