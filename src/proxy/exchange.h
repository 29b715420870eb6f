/*
 * proxy/exchange.h - one request and its response, and the pipeline it goes through:
 *
 *     parse -> route -> authenticate -> authorize -> forward -> respond -> log
 *
 * The front end (HTTP/1.1 now, HTTP/2 beside it later) feeds an exchange a head and
 * body bytes, runs it, and sends what it answers. The steps are one table in
 * exchange.c. Everything of an exchange belongs to its worker's thread and its memory
 * to the exchange's arena.
 */
#ifndef SALLYPORT_PROXY_EXCHANGE_H
#define SALLYPORT_PROXY_EXCHANGE_H

#include <sys/types.h>

#include "base/ip.h"
#include "http/client_certificate.h"
#include "http/message.h"
#include "proxy/reason.h"

struct proxy_worker;
struct exchange;

/* The far end of a connection, filled by the front end once; outlives its exchanges. */
struct exchange_peer {
	struct ip ip;
	uint16_t port;
	bool is_tls;
	bool is_admin;			/* the admin address: health and metrics, nothing else */
	bool redirect_to_https;		/* the listener serves redirects only */
	struct str redirect_port;	/* "" for 443 */
	const char *tls_version;	/* "TLSv1.3"; "" on a plain listener */
	const char *sni;		/* lower case; "" when none was sent */
	const struct client_certificate *certificate;	/* verified; NULL when none */
	/*
	 * Would a connection for this host have been shown the same certificate as the one for
	 * sni was? NULL on a plain listener.
	 */
	bool (*covers)(const struct exchange_peer *peer, struct str host);
};

/* What an exchange calls on its front end, always from the loop. */
struct exchange_transport {
	/* Run me again (exchange_run, exchange_body or exchange_read): what I waited for came. */
	void (*wake)(void *arg);
};

enum exchange_want {
	EXCHANGE_WAITS,		/* do nothing until wake() */
	EXCHANGE_WANTS_BODY,	/* feed exchange_body() until exchange_body_end() */
	EXCHANGE_RESPONDS,	/* exchange_response() is set */
};

/* NULL when out of memory or shutting down: the front end closes the connection. */
struct exchange *exchange_new(struct proxy_worker *w, const struct exchange_peer *peer,
			      const struct exchange_transport *transport, void *transport_arg);

/* For what the front end must keep as long as the exchange. */
struct arena *exchange_arena(struct exchange *e);

/* The raw target as the request line has it, before the head is complete: for the log. */
void exchange_set_raw_target(struct exchange *e, struct str target);
struct str exchange_raw_target(const struct exchange *e);

/*
 * The complete head. Its strings must live until exchange_end(). Runs PARSE only; a
 * malformed head leaves a response.
 */
void exchange_begin(struct exchange *e, const struct request_head *head);
bool exchange_has_body(const struct exchange *e);	/* a request body follows */
bool exchange_is_answered(const struct exchange *e);	/* a response is set already */

/* Go on as far as possible. Callable again after wake(), never from inside a callback. */
enum exchange_want exchange_run(struct exchange *e);

/* Body bytes: returns how many were taken; with fewer than len, pause until wake(). */
size_t exchange_body(struct exchange *e, const char *data, size_t len);
void exchange_body_end(struct exchange *e);
/* Bytes taken only to be thrown away, because the answer is known already. */
uint64_t exchange_dropped_bytes(const struct exchange *e);
/* The front end takes no more of an upload that nobody wants: settle how it ended, for the log. */
void exchange_cut_upload(struct exchange *e);

struct response {
	unsigned status;
	struct headers headers;		/* complete but for framing, Date and Connection */
	bool has_length;		/* length is known (also of a HEAD answer's absent body) */
	uint64_t length;
	bool is_stream;			/* body by exchange_read(); else data */
	struct str data;
	bool close;			/* close the connection afterwards */
};
const struct response *exchange_response(const struct exchange *e);

/* The front end could not send that response and sends a bare 502 instead. */
void exchange_fail_answer(struct exchange *e, const char *why);

enum { EXCHANGE_READ_END = -1, EXCHANGE_READ_CUT = -2 };
/* Bytes of a streamed body: > 0; 0 none now, wake() follows; END; CUT: close without an end. */
ssize_t exchange_read(struct exchange *e, char *out, size_t max);

/* The front end's own parser refused the head with this status. */
void exchange_note_refusal(struct exchange *e, unsigned status);

enum exchange_outcome {
	EXCHANGE_COMPLETE,	/* the response was sent whole */
	EXCHANGE_CLIENT_GONE,
	EXCHANGE_CLIENT_TIMEOUT,
	EXCHANGE_HEAD_REFUSED,	/* see exchange_note_refusal() */
};
/* The last call: writes the log line, releases everything; e is gone. */
void exchange_end(struct exchange *e, enum exchange_outcome outcome);

#endif
