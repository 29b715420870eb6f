/*
 * upstream/balance.h - which server takes a call: each in turn.
 *
 * A server that did not take a connection is passed over for a second, unless all are
 * in that state: then any of them is better than none. Changes are logged, once each.
 */
#ifndef SALLYPORT_UPSTREAM_BALANCE_H
#define SALLYPORT_UPSTREAM_BALANCE_H

#include "upstream/pool.h"

enum { BALANCE_MAX_SERVERS = 64 };

struct balance {
	struct pool *pools;		/* one per server */
	size_t count;
	size_t next;			/* whose turn it is */
};

/*
 * The next server with room that is not in tried, a bit per server, where it is then
 * marked. NULL when there is none.
 */
struct pool *balance_choose(struct balance *b, uint64_t *tried);
void balance_note_up(struct pool *p);
void balance_note_down(struct pool *p, const struct error *why);

#endif
