/*
 * front/http1.h - HTTP/1.0 and 1.1 for clients: the one user of libmicrohttpd.
 *
 * One daemon per worker, without threads or listening sockets of its own, on the
 * worker's loop: its epoll descriptor is watched, and a loop hook keeps it going (client
 * sockets are edge-triggered inside it). It is given sockets, parses heads, frames
 * bodies and answers; what a request means is the exchange's business.
 */
#ifndef SALLYPORT_FRONT_HTTP1_H
#define SALLYPORT_FRONT_HTTP1_H

#include "front/connection.h"
#include "proxy/worker.h"

enum {
	HTTP1_POOL_BYTES = 32 * 1024,		/* a connection's memory: request head and answer head */
	HTTP1_SWALLOW_BYTES = 16 * 1024 * 1024,	/* of a body nobody wants, before the connection is cut */
};

struct http1;

MUST_CHECK bool http1_new(struct proxy_worker *worker, size_t max_connections, struct http1 **ret,
			  struct error *err);
/* Every connection must be gone: see http1_drain. NULL is fine. */
void http1_free(struct http1 *h);

/*
 * Serve HTTP on a connected, non-blocking socket. Takes fd; c stays the caller's and is
 * handed back by c->on_closed, in rare cases before the call returns. False when it cannot
 * be taken: fd is closed then, and on_closed does not run.
 */
MUST_CHECK bool http1_serve(struct http1 *h, struct connection *c, int fd,
			    const struct sockaddr *peer, socklen_t peer_len);

size_t http1_connections(const struct http1 *h);

/* Stop keeping connections alive: answers say "Connection: close", idle ones are closed. */
void http1_drain(struct http1 *h);
/* Cut what is left. */
void http1_abort(struct http1 *h);

/* The version of libmicrohttpd that runs, "1.0.10". */
const char *http1_library_version(void);

#endif
