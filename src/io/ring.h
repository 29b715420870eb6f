/*
 * io/ring.h - a byte ring between two threads: one writes records, the other takes bytes.
 *
 * Neither side ever waits for the other and there is no lock. A record goes in whole or
 * not at all, and becomes visible whole: what the consumer sees is always a number of
 * complete records. A record that does not fit is dropped and counted.
 *
 * One thread at a time is the producer (ring_write, ring_is_half_full), one at a time the
 * consumer (ring_peek, ring_consume). Handing a role to another thread needs an order
 * between the two (a lock, a join).
 */
#ifndef SALLYPORT_IO_RING_H
#define SALLYPORT_IO_RING_H

#include "base/base.h"

struct ring;

/* capacity in bytes, rounded up to a power of two. NULL when out of memory or over 1 GiB. */
MUST_CHECK struct ring *ring_new(size_t capacity);
void ring_free(struct ring *r);			/* NULL is fine */

/*
 * Add a record. False, and it is counted as dropped, when it does not fit.
 *
 * The record is published by a sequentially consistent store, and ring_peek() looks with
 * a sequentially consistent load. So when the producer reads a flag "the consumer sleeps"
 * behind ring_write(), and the consumer sets it before a last ring_peek(), both
 * sequentially consistent, one of the two sees the other: no wake-up is lost.
 */
bool ring_write(struct ring *r, const char *data, size_t len);
bool ring_is_half_full(const struct ring *r);	/* asked by the producer */

/*
 * What is in the ring, as up to two pieces (the second one begins where the memory
 * wraps). Returns the sum of both lengths; 0 when it is empty. The bytes stay until
 * ring_consume() gives their place back.
 */
size_t ring_peek(struct ring *r, const char **ret1, size_t *len1, const char **ret2,
		 size_t *len2);
void ring_consume(struct ring *r, size_t len);	/* at most what ring_peek() returned */

uint64_t ring_dropped(const struct ring *r);	/* records, ever; from any thread */

#endif
