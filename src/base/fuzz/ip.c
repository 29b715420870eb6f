/*
 * base/fuzz/ip.c - addresses, prefixes and endpoints: what was accepted is formatted,
 * and the text stands for the same again.
 */
#include <string.h>

#include "base/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_ip(struct str s)
{
	struct ip ip, again;
	char text[IP_TEXT_SIZE];

	if (!ip_parse(s, &ip))
		return;
	ASSERT(ip_parse(str_from(ip_format(&ip, text)), &again));
	ASSERT(ip_equal(&ip, &again) && ip.is_v4 == again.is_v4);
}

static void check_prefix(struct str s)
{
	struct ip_prefix prefix;
	struct error err = {.kind = ERR_NONE};

	if (!ip_prefix_parse(s, &prefix, &err)) {
		ASSERT(err.kind == ERR_SYNTAX);
		return;
	}
	ASSERT(prefix.bits <= (prefix.base.is_v4 ? 32 : 128));
	ASSERT(ip_prefix_contains(&prefix, &prefix.base));
}

static void check_endpoint(struct str s)
{
	struct endpoint endpoint, again;
	struct error err = {.kind = ERR_NONE};
	char text[ENDPOINT_TEXT_SIZE];

	if (!endpoint_parse(s, &endpoint, &err)) {
		ASSERT(err.kind == ERR_SYNTAX || err.kind == ERR_LIMIT);
		return;
	}
	ASSERT(endpoint_parse(str_from(endpoint_format(&endpoint, text)), &again, &err));
	ASSERT(endpoint.len == again.len && memcmp(&endpoint.addr, &again.addr, endpoint.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str s = str_from_len((const char *)data, len);

	check_ip(s);
	check_prefix(s);
	check_endpoint(s);
	return 0;
}
