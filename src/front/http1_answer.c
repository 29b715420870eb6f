/*
 * front/http1_answer.c - an exchange's response as libmicrohttpd takes it.
 *
 * What surprised its author: the head of an answer is written into what the request's head
 * left of the connection's pool. One that does not fit is not an error of libmicrohttpd's:
 * it closes without a word. So the sum is checked here, and a bare 502 sent instead.
 */
#include "front/http1_private.h"

enum {
	STREAM_BLOCK = 16 * 1024,	/* what a content reader is asked for at a time, at most */
	ANSWER_HEAD_RESERVE = 768,	/* of the pool: status line, Date, framing, its own structs */
	FIELD_OVERHEAD = 64,		/* of the pool, for each field of a request's head */
};

static ssize_t on_content(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct connection *c = cls;
	ssize_t n;

	(void)pos;
	if (c->is_gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = exchange_read(c->exchange, buf, max);
	if (n > 0) {
		connection_set_deadline(c, c->timeouts->body_ms);
		return n;
	}
	if (n == EXCHANGE_READ_END)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == EXCHANGE_READ_CUT)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	connection_suspend(c);
	return 0;
}

/* Fits in what the request's head left of the pool? Otherwise libmicrohttpd closes without a word. */
static bool answer_fits(const struct connection *c, const struct response *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	size_t bytes = ANSWER_HEAD_RESERVE + c->head_fields * FIELD_OVERHEAD;

	bytes += info ? info->header_size : HTTP1_POOL_BYTES / 2;

	for (size_t i = 0; i < r->headers.count; i++)
		bytes += r->headers.items[i].name.len + r->headers.items[i].value.len + 4;
	return bytes <= HTTP1_POOL_BYTES;
}

static bool answer_add_headers(struct connection *c, struct MHD_Response *answer,
			       const struct response *r)
{
	struct arena *arena = exchange_arena(c->exchange);

	for (size_t i = 0; i < r->headers.count; i++) {
		const char *name = arena_cstr(arena, r->headers.items[i].name);
		const char *value = arena_cstr(arena, r->headers.items[i].value);

		if (!name || !value)
			return false;
		/* libmicrohttpd takes no empty value; a blank reads as one (RFC 9110, section 5.5) */
		if (MHD_add_response_header(answer, name, *value ? value : " ") != MHD_YES)
			return false;
	}
	return (!r->close && !c->http1->draining) ||
	       MHD_add_response_header(answer, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
}

static struct MHD_Response *answer_new(struct connection *c, const struct response *r)
{
	uint64_t size = r->has_length ? r->length : MHD_SIZE_UNKNOWN;

	if (!r->is_stream && r->has_length && r->data.len == r->length)
		return MHD_create_response_from_buffer_static(r->data.len, r->data.ptr);
	/* a stream, or the answer to HEAD, of which only the length is told */
	return MHD_create_response_from_callback(size, STREAM_BLOCK, on_content, c, NULL);
}

/* What is left when the real answer cannot be built. */
static enum MHD_Result answer_bare(struct connection *c, unsigned status)
{
	struct MHD_Response *answer = MHD_create_response_from_buffer_static(0, "");
	enum MHD_Result result = MHD_NO;

	if (answer &&
	    MHD_add_response_header(answer, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES &&
	    MHD_add_response_header(answer, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES)
		result = MHD_queue_response(c->mhd, status, answer);
	if (answer)
		MHD_destroy_response(answer);
	return result;
}

enum MHD_Result connection_answer(struct connection *c)
{
	const struct response *r = exchange_response(c->exchange);
	struct MHD_Response *answer;
	enum MHD_Result result = MHD_NO;

	c->phase = CONNECTION_ANSWERED;
	connection_set_deadline(c, c->timeouts->body_ms);
	if (!answer_fits(c, r)) {
		exchange_fail_answer(c->exchange,
				     "the heads of request and answer are together larger than the "
				     "gate takes (docs/operations.md)");
		return answer_bare(c, 502);
	}
	answer = answer_new(c, r);
	if (answer && answer_add_headers(c, answer, r))
		result = MHD_queue_response(c->mhd, r->status, answer);
	if (answer)
		MHD_destroy_response(answer);
	return result;
}
