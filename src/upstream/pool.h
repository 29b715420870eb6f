/*
 * upstream/pool.h - the links of one worker to one server: how many, and the idle ones.
 *
 * The link last used is the first to be used again, so that those not needed grow old
 * and go. An idle link on which anything happens is closed: a server that speaks unasked,
 * or hangs up, has nothing to say to the next exchange.
 */
#ifndef SALLYPORT_UPSTREAM_POOL_H
#define SALLYPORT_UPSTREAM_POOL_H

#include "upstream/link.h"

struct pool {
	struct link_target target;
	struct link *newest, *oldest;	/* idle ones, by the end of their last call */
	size_t idle_count;
	size_t open_count;		/* in use, connecting or idle */
	bool is_down;			/* the last attempt to connect failed */
	int64_t down_until_ms;
};

/* tls is NULL for a plain server. The arguments outlive the pool. */
void pool_init(struct pool *p, struct loop *loop, const struct upstream_config *config,
	       const struct upstream_server_config *server, struct tls_client *tls);
void pool_done(struct pool *p);			/* no link may be in use */

/* Can it serve a call now, by an idle link or a new one? */
bool pool_has_room(const struct pool *p);
/* The newest idle link, now the owner's; NULL when there is none. */
struct link *pool_take(struct pool *p, void (*on_event)(struct link *l, enum link_event event),
		       void *owner);
/* A new link, for an idle one if need be. There must be room. NULL when out of memory. */
struct link *pool_open(struct pool *p, void (*on_event)(struct link *l, enum link_event event),
		       void *owner);
/* Keep an open link whose call is complete; it is closed where it is not fit to be kept. */
void pool_put(struct pool *p, struct link *l);
void pool_close(struct pool *p, struct link *l);

#endif
