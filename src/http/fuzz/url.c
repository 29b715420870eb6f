/*
 * http/fuzz/url.c - absolute URLs: the parts put together again are the same URL.
 */
#include "fuzz.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = fuzz_arena();
	struct uri_url first, second;
	struct str text;

	if (!uri_parse_url(fuzz_str(data, len), &first, NULL))
		return 0;
	ASSERT(first.port && first.target.len && first.target.ptr[0] == '/');
	ASSERT(str_find_char(first.target, '\\') == STR_NONE);
	ASSERT(str_find_char(first.target, '#') == STR_NONE);
	text = arena_printf(a, "%s://%s:%u%.*s", first.is_https ? "https" : "http",
			    first.authority.host, first.port, STR_ARG(first.target));
	if (text.len > URI_MAX_TARGET)
		return 0;
	ASSERT(uri_parse_url(text, &second, NULL));
	ASSERT(first.is_https == second.is_https && first.port == second.port);
	ASSERT(strcmp(first.authority.host, second.authority.host) == 0);
	ASSERT(str_equal(first.target, second.target));
	return 0;
}
