/*
 * upstream/client.c - upstreams and their calls: how they begin and end.
 *
 * A call costs no allocation but its first: its struct and buffers are kept for the next
 * one, in the order that keeps them warm. What goes on between is in call.c.
 */
#include "upstream/client.h"

#include <stdlib.h>

#include "base/clock.h"
#include "upstream/call.h"

enum {
	FREE_CALLS_MAX = 64,		/* kept for reuse */
	FREE_BUF_MAX = 32 * 1024,	/* the buffers that such a call keeps */
};

/* Calls */

static void buf_shrink(struct buf *b)
{
	if (b->capacity > FREE_BUF_MAX)
		buf_wipe(b);
	else
		buf_clear(b);
}

static void call_free(struct upstream_call *c)
{
	buf_wipe(&c->out);
	buf_wipe(&c->in);
	free(c);
}

/* Its memory, for the next one. */
void call_release(struct upstream_call *c)
{
	struct upstream *u = c->upstream;

	u->live_count--;
	if (u->free_count == FREE_CALLS_MAX) {
		call_free(c);
		return;
	}
	buf_shrink(&c->out);
	buf_shrink(&c->in);
	c->next_free = u->free_calls;
	u->free_calls = c;
	u->free_count++;
}

static struct upstream_call *call_new(struct upstream *u)
{
	struct upstream_call *c = u->free_calls;
	struct buf out, in;

	if (c) {
		out = c->out;
		in = c->in;
		u->free_calls = c->next_free;
		u->free_count--;
	} else {
		c = malloc(sizeof(*c));
		if (!c)
			return NULL;
		buf_init(&out, CALL_MAX_REQUEST_HEAD + 3 * CALL_MAX_PIECE);
		buf_init(&in, RESPONSE_MAX_HEAD + CALL_READ_SIZE);
	}
	*c = (struct upstream_call){
		.upstream = u,
		.out = out,
		.in = in,
		.timer = TIMER_INIT(call_on_expire),
		.task = {.run = call_on_task},
		.address = "",
		.failure = UPSTREAM_BUSY,
		.started_us = clock_us(),
		.head_us = -1,
	};
	u->live_count++;
	return c;
}

static bool method_is_idempotent(struct str method)
{
	static const struct str idempotent[] = {
		STR_INIT("GET"), STR_INIT("HEAD"), STR_INIT("OPTIONS"), STR_INIT("PUT"),
		STR_INIT("DELETE"), STR_INIT("TRACE"),
	};

	for (size_t i = 0; i < ARRAY_LEN(idempotent); i++)
		if (str_equal(method, idempotent[i]))
			return true;
	return false;
}

struct upstream_call *upstream_call_start(struct upstream *u,
					  const struct upstream_request *request,
					  const struct upstream_events *events, void *arg,
					  struct error *err)
{
	struct upstream_call *c = call_new(u);

	if (!c) {
		error_set(err, ERR_NOMEM, "out of memory for a call to upstream \"%.*s\"",
			  STR_ARG(u->config->name));
		return NULL;
	}
	c->events = events;
	c->arg = arg;
	c->arena = request->arena;
	c->is_head_request = str_equal(request->method, STR("HEAD"));
	c->is_idempotent = method_is_idempotent(request->method);
	c->is_chunked = request->body == HTTP_BODY_CHUNKED;
	c->body_left = request->body == HTTP_BODY_LENGTH ? request->content_length : 0;
	c->has_body = c->is_chunked || c->body_left > 0;
	c->sending = c->has_body ? SEND_OPEN : SEND_ENDED;
	if (call_write_head(c, request))
		call_connect(c);
	else
		call_fail(c, UPSTREAM_INTERNAL);
	return c;
}

/* Any doubt closes. */
static bool link_may_be_kept(const struct upstream_call *c)
{
	return c->state == CALL_COMPLETE && c->sending == SEND_DONE && c->head->keep_alive &&
	       call_is_read_clean(c);
}

void upstream_call_end(struct upstream_call *c)
{
	if (!c)
		return;
	if (c->link && link_may_be_kept(c))
		pool_put(c->pool, c->link);
	else
		call_drop_link(c);
	c->link = NULL;
	timer_cancel(&c->timer);
	loop_cancel_deferred(c->upstream->loop, &c->task);
	c->is_ended = true;
	if (!c->is_delivering)
		call_release(c);
}

const char *upstream_call_address(const struct upstream_call *c)
{
	return c->address;
}

int64_t upstream_call_head_us(const struct upstream_call *c)
{
	return c->head_us;
}

const struct error *upstream_call_error(const struct upstream_call *c)
{
	return &c->error;
}

/* The upstream */

static bool any_https(const struct upstream_config *config)
{
	const struct upstream_server_config *servers = config->servers.items;

	for (size_t i = 0; i < config->servers.count; i++)
		if (servers[i].is_https)
			return true;
	return false;
}

bool upstream_new(struct loop *loop, const struct upstream_config *config, struct upstream **ret,
		  struct error *err)
{
	const struct upstream_server_config *servers = config->servers.items;
	size_t count = config->servers.count;
	struct upstream *u;

	if (count == 0 || count > BALANCE_MAX_SERVERS)
		return error_set(err, ERR_LIMIT, "upstream \"%.*s\" has %zu servers, not 1 to %d",
				 STR_ARG(config->name), count, BALANCE_MAX_SERVERS);
	u = calloc(1, sizeof(*u));
	if (u)
		u->balance.pools = calloc(count, sizeof(*u->balance.pools));
	if (!u || !u->balance.pools) {
		free(u);
		return error_set(err, ERR_NOMEM, "out of memory for upstream \"%.*s\"",
				 STR_ARG(config->name));
	}
	u->loop = loop;
	u->config = config;
	if (any_https(config) && !tls_client_new(config, &u->tls, err)) {
		upstream_free(u);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		pool_init(&u->balance.pools[i], loop, config, &servers[i],
			  servers[i].is_https ? u->tls : NULL);
	u->balance.count = count;
	*ret = u;
	return true;
}

void upstream_free(struct upstream *u)
{
	struct upstream_call *c;

	if (!u)
		return;
	ASSERT(u->live_count == 0);
	while ((c = u->free_calls)) {
		u->free_calls = c->next_free;
		call_free(c);
	}
	for (size_t i = 0; i < u->balance.count; i++)
		pool_done(&u->balance.pools[i]);
	free(u->balance.pools);
	tls_client_free(u->tls);
	free(u);
}
