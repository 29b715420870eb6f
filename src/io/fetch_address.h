/*
 * io/fetch_address.h - addresses no identity provider lives at.
 *
 * A URL may come from outside (discovery, a request object), and its name may resolve to
 * anything. Loopback and private networks are ordinary places for a provider; these are
 * not: "this network", link-local (where clouds keep their metadata service), multicast,
 * reserved and broadcast, also when written inside an IPv6 address that a gateway turns
 * into IPv4 again.
 */
#ifndef SALLYPORT_IO_FETCH_ADDRESS_H
#define SALLYPORT_IO_FETCH_ADDRESS_H

#include "base/ip.h"

bool fetch_address_is_special(const struct ip *ip);

#endif
