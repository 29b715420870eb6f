/*
 * proxy/forward.c - the FORWARD step: the request written anew for the upstream, bodies
 * streamed both ways, and the upstream's answer made ours.
 *
 *     start call --> (client's body -> upstream) --> head --> answer, whole or streamed
 *
 * The request is built from the validated list, never copied. An answer small enough
 * and already there is collected whole, so that it goes out with its head in one send.
 */
#include <string.h>

#include "http/cookie.h"
#include "proxy/exchange_state.h"
#include "proxy/identity_headers.h"
#include "proxy/respond.h"

static void on_head(void *arg, const struct response_head *head)
{
	struct exchange *e = arg;

	e->head = head;
	e->upstream_us = upstream_call_head_us(e->call);
	e->transport->wake(e->transport_arg);
}

static void on_progress(void *arg)
{
	struct exchange *e = arg;

	e->transport->wake(e->transport_arg);
}

static void on_failed(void *arg, enum upstream_failure failure, const struct error *err)
{
	struct exchange *e = arg;

	e->upstream_failed = true;
	e->failure = failure;
	if (e->error.kind == ERR_NONE)
		e->error = *err;
	e->transport->wake(e->transport_arg);
}

static const struct upstream_events forward_events = {
	.on_head = on_head,
	.on_readable = on_progress,
	.on_writable = on_progress,
	.on_failed = on_failed,
};

/* Fields that end here: connection-specific, or written anew. */
static bool is_ours_to_write(struct str name)
{
	return header_is_hop_by_hop(name) || str_equal_fold(name, STR("Host")) ||
	       str_equal_fold(name, STR("Content-Length")) ||
	       str_equal_fold(name, STR("Expect")) || str_equal_fold(name, STR("Cookie"));
}

/*
 * Connection options name more fields that end here (RFC 9110, section 7.6.1). Of a
 * request they were dropped while parsing, before policy saw them.
 */
static bool is_named_by_connection(const struct headers *h, struct str name)
{
	for (size_t i = 0; i < h->count; i++)
		if (str_equal_fold(h->items[i].name, STR("Connection")) &&
		    header_list_has(h->items[i].value, name))
			return true;
	return false;
}

/* The client's cookies without ours, in one field. */
static bool add_cookies(struct exchange *e, struct headers *out)
{
	struct buf text;
	bool ok = true;

	if (str_is_empty(e->cookies))
		return true;
	buf_init(&text, e->cookies.len + 64);
	cookie_append_without(&text, e->cookies, STR(SESSION_COOKIE));
	if (text.len)
		ok = headers_add(e->arena, out, STR("Cookie"), arena_str(e->arena, buf_str(&text)));
	ok = ok && !buf_failed(&text);
	buf_wipe(&text);
	return ok;
}

/* "1.1 name" or "HTTP/1.1 name (comment)": the name is the second word. */
static bool via_names(struct str element, struct str name)
{
	struct str rest = element, word;

	return str_next(&rest, ' ', &word) && str_next(&rest, ' ', &word) && str_equal_fold(word, name);
}

/* Has this request come through this gate before? Then an upstream leads back here. */
static bool is_loop(const struct exchange *e)
{
	const struct headers *in = &e->request.headers;
	struct str name = str_from(e->view->snapshot->via);
	struct str rest, element;

	for (size_t i = 0; i < in->count; i++) {
		if (!str_equal_fold(in->items[i].name, STR("Via")))
			continue;
		for (rest = in->items[i].value; header_list_next(&rest, &element);)
			if (via_names(element, name))
				return true;
	}
	return false;
}

static bool add_via(struct exchange *e, struct headers *out)
{
	return headers_add(e->arena, out, STR("Via"),
			   arena_printf(e->arena, "1.%u %s", e->request.minor_version,
					e->view->snapshot->via));
}

static bool request_headers(struct exchange *e, struct headers *out)
{
	const struct headers *in = &e->request.headers;

	for (size_t i = 0; i < in->count; i++) {
		if (is_ours_to_write(in->items[i].name))
			continue;
		if (!headers_add(e->arena, out, in->items[i].name, in->items[i].value))
			return false;
	}
	return add_via(e, out) && add_cookies(e, out) && identity_headers_add(e, out, &e->error);
}

static enum step_result forward_start(struct exchange *e)
{
	struct headers *headers = arena_alloc(e->arena, sizeof(*headers));
	const struct uri_target *t = &e->request.target;
	struct upstream_request request;

	if (is_loop(e)) {
		error_set(&e->error, ERR_PROTOCOL, "the upstream of this route leads back to this gate");
		return respond_error(e, 508, REASON_LOOP, "This address leads back to itself.");
	}
	if (!headers || !request_headers(e, headers))
		return respond_internal(e, "the request for the upstream could not be written");
	request = (struct upstream_request){
		.method = e->request.method,
		.target = t->has_query ? arena_printf(e->arena, "%.*s?%.*s", STR_ARG(t->path),
						      STR_ARG(t->query))
				       : t->path,
		.host = e->authority,
		.headers = headers,
		.body = e->request.body,
		.content_length = e->request.content_length,
		.arena = e->arena,
	};
	e->call = upstream_call_start(e->view->upstreams[e->route->upstream], &request,
				      &forward_events, e, &e->error);
	if (!e->call)
		return respond_internal(e, "no memory for a call to the upstream");
	return STEP_WAIT;
}

static enum step_result forward_refuse(struct exchange *e)
{
	static const struct {
		unsigned status;
		enum exchange_reason reason;
		const char *text;
	} answers[] = {
		[UPSTREAM_REFUSED] = {502, REASON_UPSTREAM_REFUSED,
				      "The application cannot be reached."},
		[UPSTREAM_CONNECT_TIMEOUT] = {504, REASON_UPSTREAM_TIMEOUT,
					      "The application cannot be reached."},
		[UPSTREAM_TLS_FAILED] = {502, REASON_UPSTREAM_TLS,
					 "The application cannot be reached safely."},
		[UPSTREAM_BUSY] = {503, REASON_OVERLOADED, "The application is busy."},
		[UPSTREAM_RESET] = {502, REASON_UPSTREAM_RESET,
				    "The application closed the connection."},
		[UPSTREAM_MALFORMED] = {502, REASON_UPSTREAM_MALFORMED,
					"The application gave an answer that cannot be accepted."},
		[UPSTREAM_TIMEOUT] = {504, REASON_UPSTREAM_TIMEOUT,
				      "The application did not answer in time."},
		[UPSTREAM_INTERNAL] = {500, REASON_INTERNAL, ""},
	};
	enum upstream_failure failure = e->failure;

	forward_cancel(e);
	(void)respond_error(e, answers[failure].status, answers[failure].reason,
			    answers[failure].text);
	if (answers[failure].status == 503)
		respond_add_header(e, "Retry-After", STR("1"));
	return STEP_ANSWERED;
}

/*
 * An application may not set the gate's own cookies, nor by a cookie without a name,
 * "=__Host-sallyport=x", which some browsers send back as ours.
 */
static bool sets_our_cookie(struct str name, struct str value)
{
	if (!str_equal_fold(name, STR("Set-Cookie")))
		return false;
	while (value.len && (value.ptr[0] == '=' || value.ptr[0] == ' ' || value.ptr[0] == '\t'))
		value = str_after(value, 1);
	return str_equal_fold(str_slice(value, 0, sizeof(SESSION_COOKIE) - 1), STR(SESSION_COOKIE));
}

static bool response_headers(struct exchange *e)
{
	const struct headers *in = &e->head->headers;
	bool says_cache = headers_get(in, STR("Cache-Control")) != NULL;

	for (size_t i = 0; i < in->count; i++) {
		struct str name = in->items[i].name;

		if (header_is_hop_by_hop(name) || str_equal_fold(name, STR("Content-Length")) ||
		    is_named_by_connection(in, name) || sets_our_cookie(name, in->items[i].value))
			continue;
		if (!headers_add(e->arena, &e->response.headers, name, in->items[i].value))
			return false;
	}
	if (e->step_up_is_over)
		respond_clear_cookie(e, STR(STEP_UP_COOKIE));
	/* What somebody signed in may see is not for a shared cache to hand out. */
	return !e->identity || says_cache ||
	       (headers_add(e->arena, &e->response.headers, STR("Cache-Control"), STR("private")) &&
		headers_add(e->arena, &e->response.headers, STR("Vary"),
			    STR("Cookie, Authorization")));
}

/* A HEAD answer has a length but no body; 204 and 304 have neither for our framing. */
static void response_length(struct exchange *e)
{
	const struct str *field = headers_get(&e->head->headers, STR("Content-Length"));
	struct response *r = &e->response;

	switch (e->head->body) {
	case HTTP_BODY_NONE:
		r->has_length = !str_equal(e->request.method, STR("HEAD")) ||
				(field && str_to_u64(*field, &r->length));
		return;
	case HTTP_BODY_LENGTH:
		r->has_length = true;
		r->length = e->head->content_length;
		r->is_stream = r->length > 0;
		return;
	case HTTP_BODY_CHUNKED:
	case HTTP_BODY_UNTIL_CLOSE:
		r->is_stream = true;
		return;
	}
}

/* Collect a small answer that is at hand. False when the upstream cut it. */
static bool response_collect(struct exchange *e)
{
	struct response *r = &e->response;

	if (!r->is_stream || !r->has_length || r->length > EXCHANGE_PREFIX_BYTES)
		return true;
	e->prefix = arena_alloc(e->arena, r->length);
	while (e->prefix && e->prefix_len < r->length) {
		ssize_t n = upstream_call_read(e->call, e->prefix + e->prefix_len,
					       r->length - e->prefix_len);

		if (n == 0)
			return true;	/* the rest comes later: stream it */
		if (n < 0)
			return false;
		e->prefix_len += (size_t)n;
	}
	if (e->prefix) {
		r->is_stream = false;
		r->data = str_from_len(e->prefix, e->prefix_len);
	}
	return true;
}

/* The response broke off before any of it went out: the client can still be told. */
static enum step_result forward_refuse_cut(struct exchange *e)
{
	e->error = *upstream_call_error(e->call);
	e->failure = e->error.kind == ERR_TIMEOUT ? UPSTREAM_TIMEOUT : UPSTREAM_RESET;
	e->response = (struct response){.status = 0};
	return forward_refuse(e);
}

static enum step_result forward_answer(struct exchange *e)
{
	if (upstream_call_error(e->call)->kind != ERR_NONE)
		return forward_refuse_cut(e);
	e->response = (struct response){.status = e->head->status};
	if (!response_headers(e))
		return respond_internal(e, "the upstream's head does not fit");
	response_length(e);
	if (!response_collect(e)) {
		return forward_refuse_cut(e);
	}
	if (!e->response.is_stream)
		forward_cancel(e);
	e->reason = REASON_SERVED;
	e->is_answered = true;
	return STEP_ANSWERED;
}

enum step_result exchange_step_forward(struct exchange *e)
{
	if (e->own_path != OWN_PATH_NONE)
		return own_path_serve(e);
	if (!e->is_allowed || !e->route)
		return respond_internal(e, "forwarding without a decision that allows it");
	if (e->upstream_failed)
		return forward_refuse(e);
	if (e->head && (e->body_ended || !exchange_has_body(e)))
		return forward_answer(e);
	return e->call ? STEP_WAIT : forward_start(e);
}

void forward_cancel(struct exchange *e)
{
	struct str address;

	if (!e->call)
		return;
	address = str_from(upstream_call_address(e->call));
	if (!str_copy(e->upstream_address, sizeof(e->upstream_address), address))
		e->upstream_address[0] = '\0';
	upstream_call_end(e->call);
	e->call = NULL;
}

/* The answer is known and is a refusal, or none will come: the rest of the body is for nobody. */
static bool body_is_unwanted(const struct exchange *e)
{
	return e->is_answered || e->upstream_failed || !e->call ||
	       (e->head && e->head->status >= 300) ||
	       upstream_call_error(e->call)->kind != ERR_NONE;
}

size_t exchange_body(struct exchange *e, const char *data, size_t len)
{
	uint64_t max = e->route ? e->route->config->max_body_bytes : 0;
	size_t taken = len;

	if (max && e->body_bytes + len > max && !e->is_answered) {
		forward_cancel(e);
		(void)respond_error(e, 413, REASON_TOO_LARGE,
				    "The request is larger than this application accepts.");
	}
	if (body_is_unwanted(e))
		e->dropped_bytes += len;
	else
		taken = upstream_call_write(e->call, data, len);
	e->body_bytes += taken;
	return taken;
}

void exchange_body_end(struct exchange *e)
{
	if (e->body_ended)
		return;
	e->body_ended = true;
	/* Of a body that was not forwarded whole the upstream must never see an end. */
	if (e->call && !e->upstream_failed && !e->dropped_bytes)
		upstream_call_write_end(e->call);
}

void exchange_cut_upload(struct exchange *e)
{
	e->body_ended = true;
	if (!e->is_answered)
		(void)exchange_run(e);
}

uint64_t exchange_dropped_bytes(const struct exchange *e)
{
	return e->dropped_bytes;
}

ssize_t exchange_read(struct exchange *e, char *out, size_t max)
{
	ssize_t n;

	if (e->prefix_sent < e->prefix_len) {
		size_t left = e->prefix_len - e->prefix_sent;
		size_t take = left < max ? left : max;

		memcpy(out, e->prefix + e->prefix_sent, take);
		e->prefix_sent += take;
		e->sent_bytes += take;
		return (ssize_t)take;
	}
	if (!e->call)
		return EXCHANGE_READ_END;
	n = upstream_call_read(e->call, out, max);
	if (n > 0)
		e->sent_bytes += (size_t)n;
	if (n == UPSTREAM_CUT) {
		e->is_cut = true;
		if (e->error.kind == ERR_NONE)
			e->error = *upstream_call_error(e->call);
		return EXCHANGE_READ_CUT;
	}
	if (n == UPSTREAM_END) {
		forward_cancel(e);
		return EXCHANGE_READ_END;
	}
	return n;
}
