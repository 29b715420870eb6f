/*
 * io/fetch_address.c - see io/fetch_address.h. Ranges from the IANA special-purpose
 * address registries (RFC 6890).
 */
#include "io/fetch_address.h"

#include <string.h>

struct range {
	unsigned char bytes[16];
	unsigned bits;
};

static const struct range v4_ranges[] = {
	{{0}, 8},		/* "this network", RFC 791 */
	{{169, 254}, 16},	/* link-local, RFC 3927 */
	{{224}, 4},		/* multicast, RFC 5771 */
	{{240}, 4},		/* reserved and broadcast, RFC 1112 and RFC 919 */
};

static const struct range v6_ranges[] = {
	{{0xfe, 0x80}, 10},				/* link-local, RFC 4291 */
	{{0xff}, 8},					/* multicast, RFC 4291 */
	{{0xfd, 0x00, 0x0e, 0xc2}, 32},			/* fd00:ec2::254, cloud metadata */
};

/* Where an IPv6 address carries an IPv4 one */
static const struct {
	struct range range;
	size_t offset;
} embeddings[] = {
	{{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},		/* NAT64, RFC 6052 */
	{{{0x20, 0x02}, 16}, 2},			/* 6to4, RFC 3056 */
	{{{0}, 96}, 12},				/* IPv4-compatible, RFC 4291; "::" too */
};

static bool in_range(const unsigned char *bytes, const struct range *range)
{
	size_t whole = range->bits / 8;
	unsigned rest = range->bits % 8;

	if (memcmp(bytes, range->bytes, whole) != 0)
		return false;
	return rest == 0 || (bytes[whole] ^ range->bytes[whole]) >> (8 - rest) == 0;
}

static bool v4_is_special(const unsigned char *bytes)
{
	for (size_t i = 0; i < ARRAY_LEN(v4_ranges); i++) {
		if (in_range(bytes, &v4_ranges[i]))
			return true;
	}
	return false;
}

bool fetch_address_is_special(const struct ip *ip)
{
	if (ip->is_v4)
		return v4_is_special(ip->bytes + 12);
	if (ip_is_loopback(ip))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(v6_ranges); i++) {
		if (in_range(ip->bytes, &v6_ranges[i]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(embeddings); i++) {
		if (in_range(ip->bytes, &embeddings[i].range) &&
		    v4_is_special(ip->bytes + embeddings[i].offset))
			return true;
	}
	return false;
}
