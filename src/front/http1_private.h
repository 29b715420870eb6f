/*
 * front/http1_private.h - the inside of HTTP/1.1, for http1.c and http1_answer.c only: the
 * two files that know libmicrohttpd.
 */
#ifndef SALLYPORT_FRONT_HTTP1_PRIVATE_H
#define SALLYPORT_FRONT_HTTP1_PRIVATE_H

#include <microhttpd.h>

#include "front/http1.h"

struct http1 {
	struct MHD_Daemon *daemon;
	struct proxy_worker *worker;
	struct watch watch;
	struct loop_hook hook;
	struct connection *connections;
	size_t count;
	struct connection *adding;	/* handed to the STARTED notice inside MHD_add_connection */
	unsigned told_status;		/* of libmicrohttpd's last answer of its own; 0: taken */
	bool draining;
};

/* Move the deadline of a connection: an assignment, unless its timer is set later. */
void connection_set_deadline(struct connection *c, int64_t after_ms);
/* Do nothing with it until connection_wake(); only its client's leaving is watched. */
void connection_suspend(struct connection *c);

/* Queue the exchange's response. */
enum MHD_Result connection_answer(struct connection *c);

#endif
