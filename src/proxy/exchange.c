/*
 * proxy/exchange.c - the pipeline's driver: which step comes next, and nothing of what a
 * step does. The steps are the table in exchange_state.h.
 */
#include "proxy/exchange_state.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "http/cookie.h"
#include "proxy/respond.h"

enum { FREE_EXCHANGES_MAX = 256 };

const char *exchange_step_doing(enum exchange_step step)
{
	static const char *const doing[] = {
#define X(name, function, words) [STEP_##name] = words,
		EXCHANGE_STEPS(X)
#undef X
	};
	return doing[step];
}

const char *exchange_reason_word(enum exchange_reason reason)
{
	static const char *const words[] = {
#define X(name, word, meaning) [REASON_##name] = word,
		EXCHANGE_REASONS(X)
#undef X
	};
	return words[reason];
}

/* An id that no other exchange of this run has: a random part per thread, then a count. */
static void exchange_name(char id[EXCHANGE_ID_SIZE])
{
	static _Thread_local uint64_t prefix, count;

	if (!count)
		random_bytes(&prefix, sizeof(prefix));
	count++;
	snprintf(id, EXCHANGE_ID_SIZE, "%016llx%010llx", (unsigned long long)prefix,
		 (unsigned long long)(count & 0xffffffffffULL));
}

static struct exchange *exchange_take_free(struct proxy_worker *w)
{
	struct exchange *e = w->free_exchanges;

	if (e) {
		w->free_exchanges = e->next_free;
		w->free_exchanges_count--;
		return e;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->arena = arena_new(EXCHANGE_ARENA_BYTES);
	if (!e->arena) {
		free(e);
		return NULL;
	}
	return e;
}

struct exchange *exchange_new(struct proxy_worker *w, const struct exchange_peer *peer,
			      const struct exchange_transport *transport, void *transport_arg)
{
	struct worker_view *view = worker_view_pin(w);
	struct exchange *e;
	struct arena *arena;

	if (!view)
		return NULL;
	e = exchange_take_free(w);
	if (!e) {
		worker_view_unpin(view);
		return NULL;
	}
	arena = e->arena;
	*e = (struct exchange){
		.magic = EXCHANGE_MAGIC,
		.worker = w,
		.view = view,
		.arena = arena,
		.peer = peer,
		.transport = transport,
		.transport_arg = transport_arg,
		.started_us = clock_us(),
		.started_wall_ms = clock_wall_ms(),
		.upstream_us = -1,
		.reason = REASON_INTERNAL,
		.forwarded = {.client = peer->ip, .is_https = peer->is_tls},
	};
	exchange_name(e->id);
	return e;
}

struct arena *exchange_arena(struct exchange *e)
{
	return e->arena;
}

void exchange_set_raw_target(struct exchange *e, struct str target)
{
	e->raw_target = arena_str(e->arena, target);
}

struct str exchange_raw_target(const struct exchange *e)
{
	return e->raw_target;
}

void exchange_fail_answer(struct exchange *e, const char *why)
{
	e->error = (struct error){.kind = ERR_NONE};
	error_set(&e->error, ERR_LIMIT, "%s", why);
	respond_bare(e, 502, REASON_UPSTREAM_MALFORMED);
}

void exchange_note_refusal(struct exchange *e, unsigned status)
{
	e->refused_status = status;
}

bool exchange_has_body(const struct exchange *e)
{
	return e->request.body == HTTP_BODY_CHUNKED ||
	       (e->request.body == HTTP_BODY_LENGTH && e->request.content_length > 0);
}

bool exchange_is_answered(const struct exchange *e)
{
	return e->is_answered;
}

const struct response *exchange_response(const struct exchange *e)
{
	ASSERT(e->is_answered);
	return &e->response;
}

/* "https://host:port", the port only when it is not the scheme's own. */
static void exchange_set_origin(struct exchange *e)
{
	const struct uri_authority *a = &e->request.authority;
	const char *scheme = e->request.is_https ? "https" : "http";
	unsigned standard = e->request.is_https ? 443 : 80;
	struct str host = str_from_len(a->host, a->host_len);

	if (a->port && a->port != standard)
		e->authority = arena_printf(e->arena, "%.*s:%u", STR_ARG(host), a->port);
	else
		e->authority = host;
	e->origin = arena_printf(e->arena, "%s://%.*s", scheme, STR_ARG(e->authority));
}

static enum exchange_reason reason_of_refusal(unsigned status)
{
	switch (status) {
	case 413:
	case 414:
	case 431:
		return REASON_TOO_LARGE;
	case 417:
	case 501:
	case 505:
		return REASON_NOT_IMPLEMENTED;
	default:
		return REASON_BAD_REQUEST;
	}
}

void exchange_begin(struct exchange *e, const struct request_head *head)
{
	const struct snapshot_params *params = &e->view->snapshot->params;
	struct request_head judged = *head;
	struct headers headers = *head->headers;
	const struct str *cookies;
	unsigned status = 400;

	ASSERT(e->magic == EXCHANGE_MAGIC);
	forwarded_read(e->arena, head->headers, &e->peer->ip, e->peer->is_tls,
		       params->trusted_proxies, params->trusted_proxies_count, &e->forwarded);
	judged.is_https = e->forwarded.is_https;
	/*
	 * Health probes of balancers speak HTTP/1.0 without a Host: on the admin address it
	 * picks nothing.
	 */
	if (e->peer->is_admin && !headers_get(&headers, STR("Host")) &&
	    headers_add(e->arena, &headers, STR("Host"), STR("admin")))
		judged.headers = &headers;
	if (!request_parse(e->arena, &judged, &e->request, &status, &e->error)) {
		e->request.method = head->method;	/* for the log */
		(void)respond_error(e, status, reason_of_refusal(status), e->error.text);
		e->response.close = true;
		return;
	}
	cookies = headers_get(&e->request.headers, STR("Cookie"));
	if (cookies)
		e->cookies = *cookies;
	exchange_set_origin(e);
	e->step = STEP_ROUTE;
}

static enum step_result exchange_step(struct exchange *e)
{
	switch (e->step) {
	case STEP_ROUTE:
		return exchange_step_route(e);
	case STEP_AUTHENTICATE:
		return exchange_step_authenticate(e);
	case STEP_AUTHORIZE:
		return exchange_step_authorize(e);
	case STEP_FORWARD:
		return exchange_step_forward(e);
	case STEP_PARSE:
	case STEP_RESPOND:
	case STEP_LOG:
		break;
	}
	return respond_internal(e, "a step that cannot be run");
}

enum exchange_want exchange_run(struct exchange *e)
{
	ASSERT(e->magic == EXCHANGE_MAGIC);
	while (!e->is_answered) {
		bool is_waiting = e->login_op || e->session_op;
		enum step_result result = is_waiting ? STEP_WAIT : exchange_step(e);

		if (arena_overflowed(e->arena)) {
			result = respond_internal(e, "the exchange's memory is used up");
			break;
		}
		if (result == STEP_WAIT) {
			bool forwarding = e->step == STEP_FORWARD && e->call;

			return forwarding && exchange_has_body(e) && !e->body_ended
				       ? EXCHANGE_WANTS_BODY
				       : EXCHANGE_WAITS;
		}
		if (result == STEP_ANSWERED)
			break;
		e->step++;
	}
	return EXCHANGE_RESPONDS;
}

/* One line for what is the operator's to mend; refusals of clients are in the access log only. */
static void exchange_report(const struct exchange *e)
{
	char text[ERROR_FORMAT_MAX];
	struct str route = e->route ? e->route->config->name : STR("");
	const char *doing = e->own_path == OWN_PATH_NONE ? exchange_step_doing(e->step)
							 : "serving a page of the gate's own";

	switch (e->reason) {
	case REASON_INTERNAL:
	case REASON_SESSION_STORE:
	case REASON_LOGIN_FAILED:
	case REASON_UPSTREAM_REFUSED:
	case REASON_UPSTREAM_TLS:
	case REASON_UPSTREAM_RESET:
	case REASON_UPSTREAM_MALFORMED:
	case REASON_UPSTREAM_TIMEOUT:
	case REASON_UPSTREAM_CUT:
	case REASON_OVERLOADED:
	case REASON_LOOP:
		log_error("exchange=%s route=%.*s while %s: %s", e->id, STR_ARG(route),
			  doing, error_format(&e->error, text, sizeof(text)));
		return;
	default:	/* a refusal, or fine */
		return;
	}
}

static void exchange_count(struct exchange *e)
{
	struct worker_counters *c = &e->worker->counters;
	unsigned class = e->is_answered ? e->response.status / 100 : 0;

	atomic_fetch_add_explicit(&c->exchanges, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->by_class[class < 6 ? class : 0], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->by_reason[e->reason], 1, memory_order_relaxed);
}

static void exchange_settle_reason(struct exchange *e, enum exchange_outcome outcome)
{
	switch (outcome) {
	case EXCHANGE_COMPLETE:
		if (e->is_cut)
			e->reason = REASON_UPSTREAM_CUT;
		return;
	case EXCHANGE_CLIENT_GONE:
		e->reason = e->is_cut ? REASON_UPSTREAM_CUT : REASON_CLIENT_GONE;
		return;
	case EXCHANGE_CLIENT_TIMEOUT:
		e->reason = REASON_CLIENT_TIMEOUT;
		return;
	case EXCHANGE_HEAD_REFUSED:
		e->reason = reason_of_refusal(e->refused_status);
		return;
	}
}

void exchange_end(struct exchange *e, enum exchange_outcome outcome)
{
	struct proxy_worker *w = e->worker;

	ASSERT(e->magic == EXCHANGE_MAGIC);
	login_op_cancel(e->login_op);
	session_op_cancel(e->session_op);
	exchange_settle_reason(e, outcome);
	exchange_report(e);
	e->step = STEP_LOG;
	access_log_write(e, outcome);
	exchange_count(e);
	forward_cancel(e);
	session_unref(e->session);
	identity_unref(e->identity);
	identity_unref(e->login_identity);
	secret_wipe(e->new_session_id, sizeof(e->new_session_id));
	worker_view_unpin(e->view);
	e->magic = 0;
	arena_reset(e->arena);
	if (w->free_exchanges_count >= FREE_EXCHANGES_MAX) {
		arena_free(e->arena);
		free(e);
		return;
	}
	e->next_free = w->free_exchanges;
	w->free_exchanges = e;
	w->free_exchanges_count++;
}
