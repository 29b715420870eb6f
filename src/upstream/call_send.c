/*
 * upstream/call_send.c - the request of a call: its head, written once, and its body.
 *
 * A body with a length goes from the caller's memory to the socket. Chunks, and all that
 * goes through TLS, are copied into out first, a bounded piece at a time: what framing or
 * encryption has begun must then be finished with the same bytes, whatever the caller
 * does next.
 */
#include <string.h>

#include "upstream/call.h"

/* The head */

/*
 * The last look before bytes become lines: a value with a line end in it would be a
 * header of somebody else's choice. Whoever made the value has looked before.
 */
static bool is_one_line(struct str s)
{
	return s.len == 0 || (!memchr(s.ptr, '\n', s.len) && !memchr(s.ptr, '\r', s.len) &&
			      !memchr(s.ptr, '\0', s.len));
}

static bool request_is_sound(const struct upstream_request *r, size_t *ret_size)
{
	size_t size = r->method.len + r->target.len + r->host.len + 128;
	bool is_sound = is_one_line(r->method) && is_one_line(r->target) && is_one_line(r->host);

	for (size_t i = 0; i < r->headers->count; i++) {
		const struct header *h = &r->headers->items[i];

		is_sound = is_sound && is_one_line(h->name) && is_one_line(h->value);
		size += h->name.len + h->value.len + 4;
	}
	*ret_size = size;
	return is_sound;
}

static char *put(char *at, struct str s)
{
	if (s.len)
		memcpy(at, s.ptr, s.len);
	return at + s.len;
}

/* There is room for all of it. */
static void head_put(struct upstream_call *c, const struct upstream_request *r)
{
	char *at = c->out.ptr;

	at = put(at, r->method);
	at = put(at, STR(" "));
	at = put(at, r->target);
	at = put(at, STR(" HTTP/1.1\r\nHost: "));
	c->host_at = (size_t)(at - c->out.ptr);
	c->host_len = r->host.len;
	at = put(at, r->host);
	at = put(at, STR("\r\n"));
	for (size_t i = 0; i < r->headers->count; i++) {
		at = put(at, r->headers->items[i].name);
		at = put(at, STR(": "));
		at = put(at, r->headers->items[i].value);
		at = put(at, STR("\r\n"));
	}
	c->out.len = (size_t)(at - c->out.ptr);
}

bool call_write_head(struct upstream_call *c, const struct upstream_request *r)
{
	size_t size;

	if (!request_is_sound(r, &size))
		return error_set(&c->error, ERR_BUG, "line end in a header of the request");
	if (size > CALL_MAX_REQUEST_HEAD)
		return error_set(&c->error, ERR_LIMIT, "head of the request is longer than %d bytes",
				 CALL_MAX_REQUEST_HEAD);
	if (!buf_reserve(&c->out, size))
		return error_set(&c->error, ERR_NOMEM, "out of memory for the request");
	head_put(c, r);
	if (r->body == HTTP_BODY_LENGTH) {
		buf_append_cstr(&c->out, "Content-Length: ");
		buf_append_u64(&c->out, r->content_length);
		buf_append_cstr(&c->out, "\r\n");
	} else if (r->body == HTTP_BODY_CHUNKED) {
		buf_append_cstr(&c->out, "Transfer-Encoding: chunked\r\n");
	}
	buf_append_cstr(&c->out, "\r\n");
	return !buf_failed(&c->out) ||
	       error_set(&c->error, ERR_NOMEM, "out of memory for the request");
}

static bool out_of_memory(struct upstream_call *c)
{
	error_set(&c->error, ERR_NOMEM, "out of memory for the request");
	call_fail(c, UPSTREAM_INTERNAL);
	return false;
}

/* Another server, another name. Nothing has been sent. */
void call_set_host(struct upstream_call *c, struct str host)
{
	char *at;
	size_t behind = c->out.len - c->host_at - c->host_len;

	ASSERT(c->out_sent == 0);
	if (host.len > c->host_len && !buf_reserve(&c->out, host.len - c->host_len)) {
		(void)out_of_memory(c);
		return;
	}
	at = c->out.ptr + c->host_at;
	memmove(at + host.len, at + c->host_len, behind);
	memcpy(at, host.ptr, host.len);
	c->out.len += host.len - c->host_len;
	c->host_len = host.len;
}

/* Sending */

static struct str unsent(const struct upstream_call *c)
{
	return str_after(buf_str(&c->out), c->out_sent);
}

bool call_has_unsent(const struct upstream_call *c)
{
	return c->out_sent < c->out.len;
}

void call_rewind(struct upstream_call *c)
{
	c->out_sent = 0;
	c->is_begun = false;
	if (!c->has_body)
		c->sending = SEND_ENDED;
}

/* The upstream does not read any more. It may have answered first: that is to be read. */
static void sending_failed(struct upstream_call *c)
{
	if (!c->is_begun && c->state == CALL_HEAD && call_retry(c))
		return;
	c->sending = SEND_DROPPED;
	c->link->can_read = true;
	call_wake(c);
}

/*
 * Before the first byte over a kept link: is it alive, and silent? What lies unread there
 * was sent before our request and would pass for its answer, so the kernel is asked now,
 * and not when the loop looked last.
 */
static bool may_begin(struct upstream_call *c)
{
	return c->is_begun || !c->link->is_reused || link_is_quiet_now(c->link) || !call_retry(c);
}

static void note_sent(struct upstream_call *c, size_t of_out)
{
	c->out_sent += of_out;
	c->is_begun = true;
	/* A request without a body stays whole: it may be sent a second time. */
	if (c->has_body && !call_has_unsent(c)) {
		buf_clear(&c->out);
		c->out_sent = 0;
	}
	call_set_deadline(c);
}

void call_flush(struct upstream_call *c)
{
	if (call_has_unsent(c) && !may_begin(c))
		return;
	while (c->link && c->sending != SEND_DROPPED && call_has_unsent(c)) {
		ssize_t n = link_write(c->link, unsent(c), STR(""), NULL);

		if (n == LINK_BROKEN)
			sending_failed(c);
		if (n <= 0)
			return;
		note_sent(c, (size_t)n);
	}
	if (c->sending == SEND_ENDED)
		c->sending = SEND_DONE;
}

/* Bodies */

/* From the caller's memory. */
static size_t write_through(struct upstream_call *c, const char *data, size_t len)
{
	size_t before = unsent(c).len;
	ssize_t n;

	if (!may_begin(c))
		return 0;
	n = link_write(c->link, unsent(c), str_from_len(data, len), NULL);

	if (n == LINK_BROKEN) {
		sending_failed(c);
		return c->sending == SEND_DROPPED ? len : 0;
	}
	if (n <= 0)
		return 0;
	note_sent(c, (size_t)n < before ? (size_t)n : before);
	return (size_t)n < before ? 0 : (size_t)n - before;
}

/* Whole or, without memory, with the call failed: half a chunk must not be sent. */
static bool piece_append(struct upstream_call *c, struct str piece)
{
	if (c->out_sent) {
		buf_consume(&c->out, c->out_sent);
		c->out_sent = 0;
	}
	if (c->is_chunked)
		buf_appendf(&c->out, "%zx\r\n", piece.len);
	buf_append(&c->out, piece);
	if (c->is_chunked)
		buf_append(&c->out, STR("\r\n"));
	return !buf_failed(&c->out) || out_of_memory(c);
}

static size_t write_copied(struct upstream_call *c, const char *data, size_t len)
{
	size_t taken = 0;

	while (taken < len && c->link && c->sending == SEND_OPEN && c->state != CALL_CONNECT) {
		size_t piece = len - taken < CALL_MAX_PIECE ? len - taken : CALL_MAX_PIECE;

		if (unsent(c).len >= CALL_MAX_PIECE)
			break;
		if (!piece_append(c, str_from_len(data + taken, piece)))
			return len;
		taken += piece;
		call_flush(c);
	}
	return c->sending == SEND_DROPPED ? len : taken;
}

bool call_takes_body(const struct upstream_call *c)
{
	return c->sending == SEND_DROPPED || (c->link->can_write && unsent(c).len < CALL_MAX_PIECE);
}

static bool takes_nothing_any_more(const struct upstream_call *c)
{
	return c->state == CALL_CUT || c->state == CALL_FAILED || c->sending == SEND_DROPPED;
}

static size_t body_write(struct upstream_call *c, const char *data, size_t len)
{
	if (takes_nothing_any_more(c))
		return len;
	if (c->state == CALL_CONNECT)
		return 0;
	return c->is_chunked || link_is_tls(c->link) ? write_copied(c, data, len)
						     : write_through(c, data, len);
}

size_t upstream_call_write(struct upstream_call *c, const char *data, size_t len)
{
	size_t taken;

	if (len == 0)
		return 0;
	ASSERT(c->has_body && (c->is_chunked || len <= c->body_left));
	ASSERT(c->sending == SEND_OPEN || takes_nothing_any_more(c));
	taken = body_write(c, data, len);
	if (!c->is_chunked) {
		c->body_left -= taken;
		if (c->body_left == 0 && c->sending == SEND_OPEN)
			c->sending = call_has_unsent(c) ? SEND_ENDED : SEND_DONE;
	}
	c->is_write_blocked = taken < len;
	if (c->is_write_blocked && !timer_is_armed(&c->timer))
		call_set_deadline(c);
	return taken;
}

void upstream_call_write_end(struct upstream_call *c)
{
	if (c->sending != SEND_OPEN || takes_nothing_any_more(c))
		return;
	if (!c->is_chunked) {
		error_set(&c->error, ERR_BUG, "body of the request is shorter than announced");
		call_fail(c, UPSTREAM_INTERNAL);
		return;
	}
	buf_append(&c->out, STR("0\r\n\r\n"));
	if (buf_failed(&c->out)) {
		(void)out_of_memory(c);
		return;
	}
	c->sending = SEND_ENDED;
	if (c->state != CALL_CONNECT)
		call_flush(c);
}
