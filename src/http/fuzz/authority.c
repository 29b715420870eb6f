/*
 * http/fuzz/authority.c - hosts and ports: what comes out parses to itself.
 */
#include <stdio.h>

#include "fuzz.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct uri_authority first, second;
	char text[sizeof(first.host) + 8];
	int text_len;

	if (!uri_parse_authority(fuzz_str(data, len), &first, NULL))
		return 0;
	ASSERT(first.host_len && first.host_len < sizeof(first.host));
	ASSERT(strlen(first.host) == first.host_len);
	for (size_t i = 0; i < first.host_len; i++) {
		char c = first.host[i];

		ASSERT(c == ascii_lower(c));
		ASSERT(ascii_is_alnum(c) || strchr(first.host[0] == '[' ? "[:.]" : ".-_", c));
	}
	if (first.port)
		text_len = snprintf(text, sizeof(text), "%s:%u", first.host, first.port);
	else
		text_len = snprintf(text, sizeof(text), "%s", first.host);
	ASSERT(uri_parse_authority(str_from_len(text, (size_t)text_len), &second, NULL));
	ASSERT(strcmp(first.host, second.host) == 0 && first.port == second.port);
	return 0;
}
