/*
 * upstream/call_receive.c - the response of a call: its head, and its body as it is read.
 *
 * The head is read into in, copied into the arena when it is whole and parsed there. What
 * came behind it stays in in until the caller reads; everything later goes from the
 * socket to the caller's memory.
 */
#include <string.h>

#include "base/clock.h"
#include "upstream/call.h"

/* The head */

static void fail_malformed(struct upstream_call *c, const struct error *cause)
{
	if (arena_overflowed(c->arena)) {
		error_set(&c->error, ERR_LIMIT, "no memory left in the exchange for the response");
		call_fail(c, UPSTREAM_INTERNAL);
		return;
	}
	link_fault(c->link, &c->error, cause->kind, "%s", cause->text);
	call_fail(c, UPSTREAM_MALFORMED);
}

/* As response_head_parse; the strings of a final head are in the arena. */
static int take_head(struct upstream_call *c, struct response_head *ret, size_t *ret_len,
		     struct error *err)
{
	struct str method = c->is_head_request ? STR("HEAD") : STR("GET");
	struct str raw = buf_str(&c->in);
	const char *end = memmem(raw.ptr, raw.len, "\r\n\r\n", 4);

	if (end && end + 4 - raw.ptr <= RESPONSE_MAX_HEAD) {
		raw.len = (size_t)(end + 4 - raw.ptr);
		/* "HTTP/1.1 1": an interim one is judged and forgotten. */
		if (raw.len < 10 || raw.ptr[9] != '1')
			raw = arena_str(c->arena, raw);
		if (arena_overflowed(c->arena))
			return -1;
	}
	return response_head_parse(c->arena, raw, method, ret, ret_len, err);
}

static bool has_body(const struct response_head *head)
{
	switch (head->body) {
	case HTTP_BODY_NONE:
		return false;
	case HTTP_BODY_LENGTH:
		return head->content_length > 0;
	case HTTP_BODY_CHUNKED:
	case HTTP_BODY_UNTIL_CLOSE:
		return true;
	}
	return true;
}

static void accept_head(struct upstream_call *c, const struct response_head *head, size_t len)
{
	struct error cause = {.kind = ERR_NONE};

	c->head = arena_alloc(c->arena, sizeof(*c->head));
	if (!c->head) {
		fail_malformed(c, &cause);
		return;
	}
	*c->head = *head;
	c->head_us = clock_us() - c->started_us;
	c->in_at = len;
	c->remaining = head->content_length;
	chunked_init(&c->chunked);
	c->pending |= PENDING_HEAD;
	call_enter(c, has_body(head) ? CALL_BODY : CALL_COMPLETE);
}

static void parse_heads(struct upstream_call *c)
{
	struct error cause = {.kind = ERR_NONE};
	struct response_head head;
	size_t len;
	int status;

	while ((status = take_head(c, &head, &len, &cause)) == 1) {
		if (head.status >= 200) {
			accept_head(c, &head, len);
			return;
		}
		if (head.status == 101 || ++c->interim_count > CALL_MAX_INTERIM) {
			error_set(&cause, ERR_PROTOCOL, head.status == 101
				  ? "switches protocols without being asked to"
				  : "too many interim responses");
			break;
		}
		buf_consume(&c->in, len);
	}
	if (status != 0)
		fail_malformed(c, &cause);
}

void call_receive_head(struct upstream_call *c)
{
	while (c->state == CALL_HEAD && c->link->can_read) {
		ssize_t n;

		if (!buf_reserve(&c->in, CALL_READ_SIZE)) {
			error_set(&c->error, ERR_NOMEM, "out of memory for the response");
			call_fail(c, UPSTREAM_INTERNAL);
			return;
		}
		n = link_read(c->link, c->in.ptr + c->in.len, CALL_READ_SIZE, &c->error);
		if (n == LINK_WAIT)
			return;
		if (n < 0) {
			call_lose_link(c);
			return;
		}
		c->in.len += (size_t)n;
		parse_heads(c);
	}
}

/* The body */

bool call_is_read_clean(const struct upstream_call *c)
{
	return !c->has_extra && c->in_at == c->in.len;
}

/* Bytes as they came: > 0, or LINK_WAIT, LINK_END, LINK_BROKEN. */
static ssize_t take_raw(struct upstream_call *c, char *out, size_t max)
{
	size_t n = c->in.len - c->in_at;

	if (n == 0) {
		ssize_t got = link_read(c->link, out, max, &c->error);

		c->is_read_blocked = c->is_read_blocked && got == LINK_WAIT;
		return got;
	}
	if (n > max)
		n = max;
	memcpy(out, c->in.ptr + c->in_at, n);
	c->in_at += n;
	return (ssize_t)n;
}

static ssize_t cut(struct upstream_call *c, enum error_kind kind, const char *why)
{
	link_fault(c->link, &c->error, kind, "%s", why);
	call_fail(c, UPSTREAM_RESET);
	return UPSTREAM_CUT;
}

/* The link has no more. That is an end only where the end of the connection is one. */
static ssize_t read_ended(struct upstream_call *c, ssize_t outcome)
{
	if (outcome == LINK_END && c->head->body == HTTP_BODY_UNTIL_CLOSE) {
		call_enter(c, CALL_COMPLETE);
		return UPSTREAM_END;
	}
	return cut(c, ERR_PROTOCOL, "closed the connection inside its response body");
}

/* As many of the n bytes in data as are payload, moved to its front; -1 on broken framing. */
static ssize_t decode(struct upstream_call *c, char *data, size_t n)
{
	size_t used = n;
	size_t payload = n;
	int status = 0;

	if (c->head->body == HTTP_BODY_CHUNKED) {
		status = chunked_decode(&c->chunked, data, n, &used, &payload);
		if (status < 0)
			return -1;
	} else if (c->head->body == HTTP_BODY_LENGTH) {
		used = payload = n < c->remaining ? n : (size_t)c->remaining;
		c->remaining -= used;
		status = c->remaining == 0;
	}
	c->has_extra = used < n;
	if (status == 1)
		call_enter(c, CALL_COMPLETE);
	return (ssize_t)payload;
}

static ssize_t read_body(struct upstream_call *c, char *out, size_t max)
{
	while (c->state == CALL_BODY) {
		ssize_t n = take_raw(c, out, max);

		if (n == LINK_WAIT) {
			/* Asking again is no sign of life. */
			if (!c->is_read_blocked || !timer_is_armed(&c->timer))
				call_set_deadline(c);
			c->is_read_blocked = true;
			return c->state == CALL_CUT ? UPSTREAM_CUT : 0;
		}
		if (n < 0)
			return read_ended(c, n);
		n = decode(c, out, (size_t)n);
		if (n < 0)
			return cut(c, ERR_PROTOCOL, "malformed chunked coding in the response body");
		if (n > 0)
			return n;
	}
	return UPSTREAM_END;
}

ssize_t upstream_call_read(struct upstream_call *c, char *out, size_t max)
{
	ASSERT(max > 0);
	switch (c->state) {
	case CALL_CONNECT:
	case CALL_HEAD:
		return 0;		/* on_head will come, which is more than on_readable */
	case CALL_BODY:
		return read_body(c, out, max);
	case CALL_COMPLETE:
		return UPSTREAM_END;
	case CALL_CUT:
	case CALL_FAILED:
		break;
	}
	return UPSTREAM_CUT;
}
