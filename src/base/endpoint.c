/*
 * base/endpoint.c - socket addresses as they are written in a configuration.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/ip.h"

/* How much of a wrong address a message repeats. */
enum { SHOWN_MAX = 64 };

static bool fault(struct error *err, struct str s, const char *what)
{
	struct str shown = str_slice(s, 0, SHOWN_MAX);

	return error_set(err, ERR_SYNTAX, "\"%.*s\" %s", STR_ARG(shown), what);
}

static bool parse_unix(struct str s, struct endpoint *ret, struct error *err)
{
	struct str path = str_after(s, sizeof("unix:") - 1);
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	if (!str_starts_with(path, STR("/")) || str_find_char(path, '\0') != STR_NONE)
		return fault(err, s, "must name an absolute path behind \"unix:\"");
	if (!str_copy(sun.sun_path, sizeof(sun.sun_path), path))
		return error_set(err, ERR_LIMIT, "the path of a Unix socket has at most %zu bytes",
				 sizeof(sun.sun_path) - 1);
	*ret = (struct endpoint){.len = sizeof(sun)};
	memcpy(&ret->addr, &sun, sizeof(sun));
	return true;
}

static struct endpoint endpoint_of(const struct ip *ip, uint16_t port)
{
	struct endpoint e = {.len = 0};

	if (ip->is_v4) {
		struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};

		memcpy(&v4.sin_addr, ip->bytes + 12, 4);
		memcpy(&e.addr, &v4, sizeof(v4));
		e.len = sizeof(v4);
	} else {
		struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

		memcpy(&v6.sin6_addr, ip->bytes, 16);
		memcpy(&e.addr, &v6, sizeof(v6));
		e.len = sizeof(v6);
	}
	return e;
}

/* Split "host:port" and "[host]:port"; IPv6 without brackets is ambiguous and refused. */
static bool split(struct str s, struct str *ret_host, struct str *ret_port, bool *ret_bracketed)
{
	size_t colon = str_find_last_char(s, ':');
	struct str host;

	if (colon == STR_NONE)
		return false;
	host = str_slice(s, 0, colon);
	*ret_port = str_after(s, colon + 1);
	*ret_bracketed = str_starts_with(host, STR("[")) && str_ends_with(host, STR("]"));
	*ret_host = *ret_bracketed ? str_slice(host, 1, host.len - 2) : host;
	return true;
}

bool endpoint_parse(struct str s, struct endpoint *ret, struct error *err)
{
	struct str host, port_text;
	struct ip ip;
	uint64_t port;
	bool bracketed;

	if (str_starts_with(s, STR("unix:")))
		return parse_unix(s, ret, err);
	if (!split(s, &host, &port_text, &bracketed))
		return fault(err, s,
			     "has no port; write address:port, [address]:port or unix:/path");
	if (!ip_parse(host, &ip))
		return fault(err, host, "is not an IP address, and names are not resolved");
	if (bracketed != (str_find_char(host, ':') != STR_NONE))
		return fault(err, s,
			     bracketed ? "has brackets around an IPv4 address"
				       : "needs brackets around its IPv6 address");
	if (!str_to_u64(port_text, &port) || port > UINT16_MAX ||
	    (port_text.len > 1 && port_text.ptr[0] == '0'))
		return fault(err, s, "does not end in a port from 0 to 65535");
	*ret = endpoint_of(&ip, (uint16_t)port);
	return true;
}

bool endpoint_is_loopback(const struct endpoint *e)
{
	struct ip ip;
	uint16_t port;

	if (e->addr.ss_family == AF_UNIX)
		return true;
	return ip_from_sockaddr((const struct sockaddr *)&e->addr, &ip, &port) &&
	       ip_is_loopback(&ip);
}

const char *endpoint_format(const struct endpoint *e, char out[ENDPOINT_TEXT_SIZE])
{
	char address[IP_TEXT_SIZE];
	struct ip ip;
	uint16_t port;

	if (e->addr.ss_family == AF_UNIX) {
		struct sockaddr_un sun;

		memcpy(&sun, &e->addr, sizeof(sun));
		snprintf(out, ENDPOINT_TEXT_SIZE, "unix:%.*s", (int)sizeof(sun.sun_path),
			 sun.sun_path);
	} else if (ip_from_sockaddr((const struct sockaddr *)&e->addr, &ip, &port)) {
		snprintf(out, ENDPOINT_TEXT_SIZE, ip.is_v4 ? "%s:%u" : "[%s]:%u",
			 ip_format(&ip, address), port);
	} else {
		snprintf(out, ENDPOINT_TEXT_SIZE, "unknown");
	}
	return out;
}
