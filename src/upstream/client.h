/*
 * upstream/client.h - our own non-blocking HTTP/1.1 client towards applications.
 *
 * One call is one request and its response. Bodies stream both ways, pulled by the
 * caller: bytes that nobody reads stay in the socket, which is the back-pressure. A
 * call belongs to its worker's thread.
 *
 *     start -> [write body ...] -> on_head -> read body ... -> UPSTREAM_END -> end
 */
#ifndef SALLYPORT_UPSTREAM_CLIENT_H
#define SALLYPORT_UPSTREAM_CLIENT_H

#include "http/response_head.h"
#include "io/loop.h"
#include "upstream/upstream_config.h"

/* All connections of one worker to one upstream: the pool, its balance and its TLS. */
struct upstream;
/* config must outlive it. Reads authorities, so ERR_IO and ERR_SYNTAX are possible. */
MUST_CHECK bool upstream_new(struct loop *loop, const struct upstream_config *config,
			     struct upstream **ret, struct error *err);
/* No call may be under way. NULL is fine. */
void upstream_free(struct upstream *u);

struct upstream_call;

struct upstream_request {
	struct str method;
	struct str target;		/* path and query, as they go out */
	struct str host;		/* the Host field, unless the configuration says "upstream" */
	const struct headers *headers;	/* written in order; no Host, no framing, no hop-by-hop ones */
	enum http_body body;		/* NONE, LENGTH or CHUNKED */
	uint64_t content_length;
	struct arena *arena;		/* for the response head; outlives the call */
};

enum upstream_failure {
	UPSTREAM_REFUSED,		/* 502: no server took the connection */
	UPSTREAM_CONNECT_TIMEOUT,	/* 504 */
	UPSTREAM_TLS_FAILED,		/* 502: handshake or verification */
	UPSTREAM_BUSY,			/* 503: max_connections of every server in use */
	UPSTREAM_RESET,			/* 502: closed or reset before a complete head */
	UPSTREAM_MALFORMED,		/* 502: a head we do not accept */
	UPSTREAM_TIMEOUT,		/* 504: no head in time */
	UPSTREAM_INTERNAL,		/* 500: out of memory and the like */
};

/* Callbacks run from the loop, never inside a call of ours. */
struct upstream_events {
	/* The final head (1xx are swallowed). head lives as long as the request's arena. */
	void (*on_head)(void *arg, const struct response_head *head);
	/* After a read that answered 0: try again. */
	void (*on_readable)(void *arg);
	/* After a write that took less than given: try again. Also when the connection is up. */
	void (*on_writable)(void *arg);
	/* Before the head: no answer will come. Behind the head failures show as UPSTREAM_CUT. */
	void (*on_failed)(void *arg, enum upstream_failure failure, const struct error *err);
};

/*
 * Start a call. Takes a pooled connection or opens one; on a server that refuses, the
 * next one is tried. A pooled connection that turns out closed before any byte of the
 * response came is replaced once by a fresh one, when the request had no body and its
 * method is idempotent (RFC 9110, section 9.2.2), or when nothing was sent yet. NULL
 * when out of memory.
 */
MUST_CHECK struct upstream_call *upstream_call_start(struct upstream *u,
						     const struct upstream_request *request,
						     const struct upstream_events *events, void *arg,
						     struct error *err);

/*
 * Send body bytes: returns how many were taken, 0 to len; on_writable follows when
 * fewer than len. Bytes beyond content_length are a bug of the caller. After the
 * upstream stopped reading (it answered early), everything is taken and dropped.
 */
size_t upstream_call_write(struct upstream_call *c, const char *data, size_t len);
void upstream_call_write_end(struct upstream_call *c);	/* the body is complete */

enum { UPSTREAM_END = -1, UPSTREAM_CUT = -2 };
/*
 * Read decoded body bytes into out: > 0 how many; 0 nothing now, on_readable follows;
 * UPSTREAM_END complete; UPSTREAM_CUT the upstream died, broke its framing or went
 * silent for idle_timeout: what was read so far must not look complete.
 */
ssize_t upstream_call_read(struct upstream_call *c, char *out, size_t max);

/* "127.0.0.1:3000" of the server that serves the call; "" before one is chosen. */
const char *upstream_call_address(const struct upstream_call *c);
int64_t upstream_call_head_us(const struct upstream_call *c);	/* start to head; -1 before */
const struct error *upstream_call_error(const struct upstream_call *c);	/* why it was cut */

/*
 * Done with the call, at any time: the connection goes back to the pool when request
 * and response are complete and may be kept, else it is closed. NULL is fine.
 */
void upstream_call_end(struct upstream_call *c);

#endif
