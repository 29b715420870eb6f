/*
 * front/connection.h - one accepted connection, whoever ends its TLS.
 *
 * A plain listener makes one around the client's socket, a TLS listener around the
 * inner end of a socket pair (front/tls_stream.h). HTTP/1.1 takes it from there.
 */
#ifndef SALLYPORT_FRONT_CONNECTION_H
#define SALLYPORT_FRONT_CONNECTION_H

#include "front/front_config.h"
#include "io/loop.h"
#include "proxy/exchange.h"

struct MHD_Connection;

/*
 * Where libmicrohttpd stands with the request of a connection:
 *
 *   IDLE -> HEAD -> BEGUN -> BODY -> ANSWERED -> IDLE
 *
 * HEAD      the request line is there, its head is not complete
 * BEGUN     the head is complete; its steps run, and no byte of its body was asked for
 * BODY      body bytes arrive, or the body is complete and the steps run
 * ANSWERED  the response is queued
 */
enum connection_phase {
	CONNECTION_IDLE,
	CONNECTION_HEAD,
	CONNECTION_BEGUN,
	CONNECTION_BODY,
	CONNECTION_ANSWERED,
};

struct connection {
	struct exchange_peer peer;
	const struct front_timeouts *timeouts;	/* of the listener; outlives the connection */
	/* HTTP is done with the connection and has closed its descriptor: release it. */
	void (*on_closed)(struct connection *c);

	/* Below: HTTP/1.1's own (front/http1.c). */
	struct http1 *http1;
	struct connection *next, *previous;	/* all connections of the worker: for draining */
	struct MHD_Connection *mhd;
	int fd;				/* the socket that libmicrohttpd reads */
	struct watch hangup;		/* tells that the client left while an exchange is suspended */
	struct timer timer;
	int64_t deadline_ms;		/* the timer follows lazily; INT64_MAX: none */
	struct exchange *exchange;	/* under way, or NULL */
	size_t head_fields;		/* of the request: each takes some of libmicrohttpd's pool */
	unsigned refused_status;	/* what libmicrohttpd answered by itself; 0: nothing */
	enum connection_phase phase;
	bool has_received;		/* bytes came, whether or not they made a request */
	bool has_served;		/* an exchange was made of some of them */
	bool is_suspended;
	bool is_gone;			/* the client left, or was cut off */
	bool timed_out;
	bool was_cut;			/* we end an upload whose answer is known */
};

#endif
