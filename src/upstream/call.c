/*
 * upstream/call.c - a call from state to state.
 *
 *   CONNECT --link is open--> HEAD --head--> BODY --last byte--> COMPLETE
 *
 *   CONNECT --refused--> CONNECT, to the next server
 *   HEAD --kept link was dead--> CONNECT, to the same server
 *   HEAD --head without a body--> COMPLETE
 *   CONNECT, HEAD --failure, deadline--> FAILED        BODY --failure, deadline--> CUT
 *
 * CONNECT    link is connecting, under its own deadline; nothing was sent
 * HEAD       link is open; the request goes out, no final head has come; response_timeout
 *            runs, and starts anew with each part of the request that is sent
 * BODY       head is set and told; while a read waits idle_timeout runs
 * COMPLETE   head is set, all of the response has come; the request may still go out
 * CUT        link is gone, error says why; head stands, its body must not look complete
 * FAILED     link is gone, error says why; on_failed was told, or is about to be
 *
 * How far the request is has a word of its own (enum call_sending), because an upstream
 * may answer before it has read all of it.
 */
#include "upstream/call.h"

#include "base/clock.h"

enum { CONNECT_TIMEOUTS_MAX = 2 };	/* servers that a call waits for in vain */

/* Waking and telling */

void call_wake(struct upstream_call *c)
{
	loop_defer(c->upstream->loop, &c->task);
}

static void tell(struct upstream_call *c, unsigned what)
{
	c->pending &= ~what;
	switch (what) {
	case PENDING_HEAD:
		c->events->on_head(c->arg, c->head);
		return;
	case PENDING_READABLE:
		c->is_read_blocked = false;
		c->events->on_readable(c->arg);
		return;
	case PENDING_WRITABLE:
		c->is_write_blocked = false;
		c->events->on_writable(c->arg);
		return;
	case PENDING_FAILED:
		c->events->on_failed(c->arg, c->failure, &c->error);
		return;
	}
}

/* From the loop only, and the last thing done with a call: it may be ended from inside. */
static void call_tell(struct upstream_call *c)
{
	c->is_delivering = true;
	while (c->pending && !c->is_ended)
		tell(c, c->pending & -c->pending);
	c->is_delivering = false;
	if (c->is_ended)
		call_release(c);
}

/* States */

void call_drop_link(struct upstream_call *c)
{
	if (c->link)
		pool_close(c->pool, c->link);
	c->link = NULL;
}

/*
 * The response is whole, and the upstream takes no more of the request: what is left of it is
 * for nobody. It must not hold up the client, nor the place the call takes.
 */
static void call_drop_rest(struct upstream_call *c)
{
	c->sending = SEND_DROPPED;
	if (c->is_write_blocked)
		c->pending |= PENDING_WRITABLE;
}

static int64_t call_patience_ms(const struct upstream_call *c)
{
	const struct upstream_config *config = c->upstream->config;

	if (c->state == CALL_COMPLETE)
		return CALL_LINGER_MS;
	return c->state == CALL_HEAD ? config->response_timeout_ms : config->idle_timeout_ms;
}

void call_enter(struct upstream_call *c, enum call_state state)
{
	c->state = state;
	switch (state) {
	case CALL_HEAD:
		call_set_deadline(c);
		return;
	case CALL_CUT:
	case CALL_FAILED:
		call_drop_link(c);
		timer_cancel(&c->timer);
		return;
	case CALL_CONNECT:
	case CALL_BODY:			/* set when a read or a write waits */
		timer_cancel(&c->timer);
		return;
	case CALL_COMPLETE:
		timer_cancel(&c->timer);
		call_set_deadline(c);
		return;
	}
}

void call_set_deadline(struct upstream_call *c)
{
	int64_t deadline_ms;

	if (c->state != CALL_HEAD && c->state != CALL_BODY &&
	    (c->state != CALL_COMPLETE || c->sending == SEND_DONE || c->sending == SEND_DROPPED))
		return;
	deadline_ms = clock_ms() + call_patience_ms(c);
	if (timer_is_armed(&c->timer) && c->timer.deadline_ms == deadline_ms)
		return;
	if (!timer_set(c->upstream->loop, &c->timer, deadline_ms)) {
		error_set(&c->error, ERR_NOMEM, "out of memory for a deadline");
		call_fail(c, UPSTREAM_INTERNAL);
	}
}

void call_fail(struct upstream_call *c, enum upstream_failure failure)
{
	switch (c->state) {
	case CALL_CONNECT:
	case CALL_HEAD:
		c->failure = failure;
		c->pending = PENDING_FAILED;
		call_enter(c, CALL_FAILED);
		call_wake(c);
		return;
	case CALL_BODY:
		c->pending |= (c->is_read_blocked ? PENDING_READABLE : 0) |
			      (c->is_write_blocked ? PENDING_WRITABLE : 0);
		call_enter(c, CALL_CUT);
		call_wake(c);
		return;
	case CALL_COMPLETE:		/* the response is whole; the link is not fit to be kept */
		c->sending = SEND_DROPPED;
		return;
	case CALL_CUT:
	case CALL_FAILED:
		return;
	}
}

/* Connecting */

static void on_link_event(struct link *l, enum link_event event);

static void use_new_link(struct upstream_call *c)
{
	c->link = pool_open(c->pool, on_link_event, c);
	if (!c->link) {
		error_clear(&c->error);
		error_set(&c->error, ERR_NOMEM, "out of memory for a connection");
		call_fail(c, UPSTREAM_INTERNAL);
		return;
	}
	c->address = link_address(c->link);
	call_enter(c, CALL_CONNECT);
}

static bool may_repeat(const struct upstream_call *c)
{
	return c->is_idempotent && !c->has_body;
}

static void use_kept_link(struct upstream_call *c)
{
	c->address = link_address(c->link);
	call_enter(c, CALL_HEAD);
	if (c->sending == SEND_OPEN) {
		/* The head waits for the first bytes of the body, but not beyond this turn. */
		c->pending |= PENDING_WRITABLE;
		call_wake(c);
	} else {
		call_flush(c);
	}
}

void call_connect(struct upstream_call *c)
{
	const struct upstream_config *config = c->upstream->config;

	c->pool = balance_choose(&c->upstream->balance, &c->tried);
	if (!c->pool) {
		error_set(&c->error, ERR_LIMIT,
			  "upstream \"%.*s\": max_connections of every server are in use",
			  STR_ARG(config->name));
		call_fail(c, c->failure);
		return;
	}
	if (config->host == UPSTREAM_HOST_UPSTREAM)
		call_set_host(c, c->pool->target.server->authority);
	if (c->state == CALL_FAILED)
		return;
	c->link = pool_take(c->pool, on_link_event, c);
	if (c->link)
		use_kept_link(c);
	else
		use_new_link(c);
}

bool call_retry(struct upstream_call *c)
{
	if (!c->link->is_reused || c->in.len || c->interim_count ||
	    (c->is_begun && !may_repeat(c)))
		return false;
	call_drop_link(c);
	call_rewind(c);
	error_clear(&c->error);
	use_new_link(c);
	return true;
}

void call_lose_link(struct upstream_call *c)
{
	if (call_retry(c))
		return;
	link_fault(c->link, &c->error, ERR_IO,
		   "closed the connection before its response head was complete");
	call_fail(c, UPSTREAM_RESET);
}

static void link_failed(struct upstream_call *c)
{
	c->error = c->link->error;
	c->failure = c->link->failure;
	c->address = link_address(c->link);
	call_drop_link(c);
	if (c->failure == UPSTREAM_BUSY || c->failure == UPSTREAM_INTERNAL) {
		call_fail(c, c->failure);
		return;
	}
	balance_note_down(c->pool, &c->error);
	if (c->failure == UPSTREAM_CONNECT_TIMEOUT &&
	    ++c->connect_timeouts == CONNECT_TIMEOUTS_MAX)
		call_fail(c, c->failure);
	else
		call_connect(c);
}

static void link_opened(struct upstream_call *c)
{
	balance_note_up(c->pool);
	error_clear(&c->error);
	c->failure = UPSTREAM_BUSY;
	c->address = link_address(c->link);
	if (c->sending == SEND_OPEN)
		c->pending |= PENDING_WRITABLE;
	call_enter(c, CALL_HEAD);
}

/* Events */

/* Is the upstream the one we wait for, and not the caller? */
static bool upstream_owes(const struct upstream_call *c)
{
	return c->sending != SEND_OPEN || call_has_unsent(c) || c->is_write_blocked;
}

/*
 * See what can be done, and tell what has come of it. Sending comes first: on a kept link
 * it finds what came before the request, which is no answer to it.
 */
static void call_run(struct upstream_call *c)
{
	if (c->link && c->state != CALL_CONNECT)
		call_flush(c);
	if (c->state == CALL_HEAD)
		call_receive_head(c);
	if (c->state == CALL_BODY && c->is_read_blocked && c->link->can_read)
		c->pending |= PENDING_READABLE;
	if (c->link && c->state != CALL_CONNECT && c->is_write_blocked && call_takes_body(c))
		c->pending |= PENDING_WRITABLE;
	call_tell(c);
}

static void on_link_event(struct link *l, enum link_event event)
{
	struct upstream_call *c = l->owner;

	switch (event) {
	case LINK_IS_OPEN:
		link_opened(c);
		break;
	case LINK_HAS_FAILED:
		link_failed(c);
		break;
	case LINK_IS_READY:
		break;
	case LINK_HAS_EXPIRED:		/* the pool's timer, of before */
		return;
	}
	call_run(c);
}

void call_on_task(struct task *task)
{
	call_run(CONTAINER_OF(task, struct upstream_call, task));
}

void call_on_expire(struct timer *timer)
{
	struct upstream_call *c = CONTAINER_OF(timer, struct upstream_call, timer);

	if (c->state == CALL_BODY && !c->is_read_blocked && !c->is_write_blocked)
		return;
	if (c->state == CALL_COMPLETE && upstream_owes(c)) {
		call_drop_rest(c);
		call_tell(c);
		return;
	}
	if (!upstream_owes(c)) {
		call_set_deadline(c);
		call_tell(c);
		return;
	}
	link_fault(c->link, &c->error, ERR_TIMEOUT, "silent for longer than %s",
		   c->state == CALL_HEAD ? "response_timeout" : "idle_timeout inside its response");
	call_fail(c, UPSTREAM_TIMEOUT);
	call_tell(c);
}
