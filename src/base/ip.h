/*
 * base/ip.h - addresses and prefixes of both families.
 */
#ifndef SALLYPORT_BASE_IP_H
#define SALLYPORT_BASE_IP_H

#include <sys/socket.h>

#include "base/base.h"
#include "base/error.h"
#include "base/str.h"

/*
 * An address, IPv4 as ::ffff:a.b.c.d so that one comparison serves both; a
 * v4-mapped IPv6 address is therefore the IPv4 address it stands for.
 */
struct ip {
	unsigned char bytes[16];
	bool is_v4;
};

struct ip_prefix {
	struct ip base;
	unsigned bits;		/* 0..32 for IPv4, 0..128 for IPv6 */
};

/* An address in its usual spelling, no brackets, no zone; "01.2.3.4" is refused. */
MUST_CHECK bool ip_parse(struct str s, struct ip *ret_ip);
/*
 * "10.0.0.0/8" or a single address. Host bits behind the prefix are a fault
 * (ERR_SYNTAX, the text names the network that was probably meant).
 */
MUST_CHECK bool ip_prefix_parse(struct str s, struct ip_prefix *ret_prefix, struct error *err);
bool ip_prefix_contains(const struct ip_prefix *p, const struct ip *ip);
bool ip_equal(const struct ip *a, const struct ip *b);
bool ip_is_loopback(const struct ip *ip);

enum { IP_TEXT_SIZE = 46 };
const char *ip_format(const struct ip *ip, char out[IP_TEXT_SIZE]);
MUST_CHECK bool ip_from_sockaddr(const struct sockaddr *sa, struct ip *ret_ip, uint16_t *ret_port);

/* A socket address for bind and connect: TCP of either family, or a Unix path. */
struct endpoint {
	struct sockaddr_storage addr;
	socklen_t len;
};
/* "127.0.0.1:8443", "[::1]:8443", "unix:/path". Names are not resolved. */
MUST_CHECK bool endpoint_parse(struct str s, struct endpoint *ret, struct error *err);
bool endpoint_is_loopback(const struct endpoint *e);	/* Unix sockets count as loopback */
enum { ENDPOINT_TEXT_SIZE = 128 };
const char *endpoint_format(const struct endpoint *e, char out[ENDPOINT_TEXT_SIZE]);

#endif
