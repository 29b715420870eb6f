/*
 * http/forwarded.h - who is at the far end: X-Forwarded-* and Forwarded (RFC 7239).
 *
 * Nothing of these is believed unless the peer is a trusted proxy; then the chain is
 * read from the right, and the first address that is not trusted is the client.
 */
#ifndef SALLYPORT_HTTP_FORWARDED_H
#define SALLYPORT_HTTP_FORWARDED_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/ip.h"
#include "http/header.h"

struct forwarded {
	struct ip client;	/* the client's address */
	bool is_https;		/* its scheme, as far as known */
	struct str chain;	/* the trusted part of X-Forwarded-For to continue; may be empty */
};

/*
 * Judge the headers of a request before they are removed. A peer that is not trusted,
 * and a chain that cannot be read (an unreadable element ends the reading there), give
 * the peer's own address.
 */
void forwarded_read(struct arena *a, const struct headers *h, const struct ip *peer,
		    bool peer_is_https, const struct ip_prefix *trusted, size_t trusted_count,
		    struct forwarded *ret);

/* Append 'for=192.0.2.1;proto=https;host="a.example:8443"' (RFC 7239, section 4). */
void forwarded_append(struct buf *b, const struct ip *client, bool is_https, struct str host);

#endif
