/*
 * base/ip.c - addresses and prefixes of both families.
 *
 * One address has many spellings, and lists of trusted peers are compared with what
 * the kernel reports: everything is brought to sixteen bytes first. An IPv6 prefix
 * never contains an IPv4 address, although ::/0 covers its bytes: who writes an IPv6
 * prefix does not mean the whole IPv4 internet.
 */
#include "base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { MAPPED_BITS = 96 };

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static struct ip ip_from_v4(const void *four)
{
	struct ip ip = {.is_v4 = true};

	memcpy(ip.bytes, mapped_prefix, sizeof(mapped_prefix));
	memcpy(ip.bytes + sizeof(mapped_prefix), four, 4);
	return ip;
}

static struct ip ip_from_v6(const void *sixteen)
{
	struct ip ip = {.is_v4 = memcmp(sixteen, mapped_prefix, sizeof(mapped_prefix)) == 0};

	memcpy(ip.bytes, sixteen, sizeof(ip.bytes));
	return ip;
}

bool ip_parse(struct str s, struct ip *ret_ip)
{
	char text[IP_TEXT_SIZE];
	unsigned char bytes[16];

	/* A NUL would hide the rest from inet_pton. */
	if (!str_copy(text, sizeof(text), s) || strlen(text) != s.len)
		return false;
	if (inet_pton(AF_INET, text, bytes) == 1)
		*ret_ip = ip_from_v4(bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*ret_ip = ip_from_v6(bytes);
	else
		return false;
	return true;
}

/* ip with the bits behind the first count cleared, count over all 128. */
static struct ip ip_network(const struct ip *ip, unsigned count)
{
	struct ip network = *ip;

	for (unsigned i = 0; i < sizeof(network.bytes); i++) {
		unsigned kept = count > i * 8 ? count - i * 8 : 0;

		if (kept < 8)
			network.bytes[i] &= (unsigned char)(0xff00 >> kept);
	}
	return network;
}

static bool fault_host_bits(const struct ip *ip, unsigned count, unsigned shown_bits,
			    struct error *err)
{
	struct ip network = ip_network(ip, count);
	char written[IP_TEXT_SIZE], meant[IP_TEXT_SIZE];

	return error_set(err, ERR_SYNTAX,
			 "%s/%u has bits behind the prefix; %s/%u was probably meant",
			 ip_format(ip, written), shown_bits, ip_format(&network, meant),
			 shown_bits);
}

bool ip_prefix_parse(struct str s, struct ip_prefix *ret_prefix, struct error *err)
{
	size_t slash = str_find_char(s, '/');
	struct str address = slash == STR_NONE ? s : str_slice(s, 0, slash);
	struct str length = slash == STR_NONE ? STR("") : str_after(s, slash + 1);
	struct ip ip, network;
	uint64_t bits, most, count;

	if (!ip_parse(address, &ip))
		return error_set(err, ERR_SYNTAX, "\"%.*s\" is not an IP address or prefix",
				 s.len > 64 ? 64 : (int)s.len, s.ptr ? s.ptr : "");
	/* ::ffff:10.0.0.0/104 is another spelling of 10.0.0.0/8. */
	most = ip.is_v4 && str_find_char(address, ':') == STR_NONE ? 32 : 128;
	bits = most;
	if (slash != STR_NONE &&
	    (!str_to_u64(length, &bits) || bits > most || (length.len > 1 && length.ptr[0] == '0')))
		return error_set(err, ERR_SYNTAX, "the prefix length must be 0 to %u",
				 (unsigned)most);
	count = most == 32 ? bits + MAPPED_BITS : bits;
	if (ip.is_v4 && count < MAPPED_BITS)
		return error_set(err, ERR_SYNTAX,
				 "the prefix length of a mapped IPv4 address must be 96 to 128");
	network = ip_network(&ip, (unsigned)count);
	if (!ip_equal(&network, &ip))
		return fault_host_bits(&ip, (unsigned)count,
				       (unsigned)(ip.is_v4 ? count - MAPPED_BITS : count), err);
	*ret_prefix = (struct ip_prefix){
		.base = ip,
		.bits = (unsigned)(ip.is_v4 ? count - MAPPED_BITS : count),
	};
	return true;
}

bool ip_prefix_contains(const struct ip_prefix *p, const struct ip *ip)
{
	struct ip network;

	if (p->base.is_v4 != ip->is_v4)
		return false;
	network = ip_network(ip, p->base.is_v4 ? p->bits + MAPPED_BITS : p->bits);
	return ip_equal(&network, &p->base);
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool ip_is_loopback(const struct ip *ip)
{
	static const unsigned char loopback[16] = {[15] = 1};

	return ip->is_v4 ? ip->bytes[12] == 127
			 : memcmp(ip->bytes, loopback, sizeof(loopback)) == 0;
}

const char *ip_format(const struct ip *ip, char out[IP_TEXT_SIZE])
{
	const char *text = ip->is_v4 ? inet_ntop(AF_INET, ip->bytes + 12, out, IP_TEXT_SIZE)
				     : inet_ntop(AF_INET6, ip->bytes, out, IP_TEXT_SIZE);

	ASSERT(text);
	return out;
}

bool ip_from_sockaddr(const struct sockaddr *sa, struct ip *ret_ip, uint16_t *ret_port)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	/* Copied: sa may point into a buffer that is not aligned for them. */
	if (sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		*ret_ip = ip_from_v4(&v4.sin_addr);
		*ret_port = ntohs(v4.sin_port);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		*ret_ip = ip_from_v6(&v6.sin6_addr);
		*ret_port = ntohs(v6.sin6_port);
		return true;
	}
	return false;
}
