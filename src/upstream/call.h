/*
 * upstream/call.h - one call from the inside: shared by client.c, which makes and
 * ends it, call.c, which moves it from state to state, call_send.c and call_receive.c.
 */
#ifndef SALLYPORT_UPSTREAM_CALL_H
#define SALLYPORT_UPSTREAM_CALL_H

#include "upstream/balance.h"
#include "upstream/client.h"

enum {
	CALL_LINGER_MS = 2000,		/* for the rest of a request whose answer is complete */
	CALL_READ_SIZE = 16 * 1024 - 1,		/* at a time, for heads; a buf of 16 KiB */
	CALL_MAX_REQUEST_HEAD = 256 * 1024,
	CALL_MAX_PIECE = 32 * 1024,		/* of a body, copied for TLS and chunks */
	CALL_MAX_INTERIM = 8,			/* 1xx heads in front of a response */
};

/* All connections of one worker to one upstream. */
struct upstream {
	struct loop *loop;
	const struct upstream_config *config;
	struct tls_client *tls;		/* NULL when no server speaks https */
	struct balance balance;
	struct upstream_call *free_calls;
	size_t free_count;
	size_t live_count;
};

/* call.c has the diagram, and what holds in each state. */
enum call_state { CALL_CONNECT, CALL_HEAD, CALL_BODY, CALL_COMPLETE, CALL_CUT, CALL_FAILED };

enum call_sending {
	SEND_OPEN,		/* body bytes are still to come from the caller */
	SEND_ENDED,		/* all of the request is in out, or sent */
	SEND_DONE,		/* all of the request is sent */
	SEND_DROPPED,		/* the upstream stopped reading: the rest goes nowhere */
};

/* Callbacks to make, from the loop. */
enum {
	PENDING_HEAD = 1 << 0,
	PENDING_READABLE = 1 << 1,
	PENDING_WRITABLE = 1 << 2,
	PENDING_FAILED = 1 << 3,
};

struct upstream_call {
	struct upstream *upstream;
	const struct upstream_events *events;
	void *arg;
	struct arena *arena;
	struct timer timer;
	struct task task;
	unsigned pending;
	bool is_delivering;
	bool is_ended;
	struct upstream_call *next_free;

	enum call_state state;
	enum call_sending sending;
	struct pool *pool;
	struct link *link;		/* NULL in CUT and FAILED, and between two servers */
	const char *address;
	uint64_t tried;			/* servers, a bit each */
	unsigned connect_timeouts;
	enum upstream_failure failure;
	struct error error;
	int64_t started_us;
	int64_t head_us;

	/* The request. out is complete from its start until the first byte is sent. */
	struct buf out;
	size_t out_sent;		/* bytes of out that are gone */
	size_t host_at, host_len;	/* the Host field's value in out */
	bool is_head_request;
	bool is_idempotent;
	bool has_body;
	bool is_chunked;
	uint64_t body_left;		/* of content_length: what the caller has not given yet */
	bool is_begun;			/* a byte was sent over this link */
	bool is_write_blocked;		/* a write took less than given; on_writable is owed */

	/* The response. */
	struct buf in;			/* the head as it comes, then what came behind it */
	size_t in_at;			/* body bytes of in that were read */
	unsigned interim_count;
	struct response_head *head;
	uint64_t remaining;		/* of a body with a length */
	struct chunked chunked;
	bool has_extra;			/* bytes came that belong to no response */
	bool is_read_blocked;		/* a read answered 0; on_readable is owed */
};

/* client.c */
void call_release(struct upstream_call *c);	/* its memory, for the next one */

/* call.c */
void call_on_task(struct task *task);
void call_on_expire(struct timer *timer);
void call_connect(struct upstream_call *c);	/* to the next server */
void call_drop_link(struct upstream_call *c);	/* close it */
void call_enter(struct upstream_call *c, enum call_state state);
/* (Re)arm the deadline of HEAD and BODY. */
void call_set_deadline(struct upstream_call *c);
/* Go on from the loop, soon. */
void call_wake(struct upstream_call *c);
/* It failed, c->error says why: before the head for good, behind it the response is cut. */
void call_fail(struct upstream_call *c, enum upstream_failure failure);
/* The link ended before a complete head: try another one, or fail. */
void call_lose_link(struct upstream_call *c);
/* Take a fresh link where a kept one turned out dead, if the request may be sent again. */
bool call_retry(struct upstream_call *c);

/* call_send.c */
bool call_write_head(struct upstream_call *c, const struct upstream_request *request);
void call_set_host(struct upstream_call *c, struct str host);
void call_rewind(struct upstream_call *c);	/* the request is to be sent over another link */
void call_flush(struct upstream_call *c);
bool call_takes_body(const struct upstream_call *c);	/* would a write take something? */
bool call_has_unsent(const struct upstream_call *c);

/* call_receive.c */
void call_receive_head(struct upstream_call *c);
bool call_is_read_clean(const struct upstream_call *c);	/* no byte of it is left unread */

#endif
