/*
 * http/fuzz/local_path.c - where a login may send the browser back to.
 *
 * A browser is played on what is called local: it drops tabs and newlines, takes '\'
 * for '/' and reads "//" as a host. Whatever it does the place must stay on this origin,
 * and must be a target that we would serve.
 */
#include "fuzz.h"
#include "http/uri.h"

static void check_browser(struct str s)
{
	char second = 0;
	size_t at = 0;

	for (size_t i = 0; i < s.len && at < 2; i++) {
		char c = s.ptr[i] == '\\' ? '/' : s.ptr[i];

		if (c == '\t' || c == '\n' || c == '\r' || (at == 0 && (unsigned char)c <= 0x20))
			continue;
		if (at == 0)
			ASSERT(c == '/');
		else
			second = c;
		at++;
	}
	ASSERT(second != '/');
	for (size_t i = 0; i < s.len; i++)
		ASSERT(s.ptr[i] > 0x20 && s.ptr[i] < 0x7f && s.ptr[i] != '\\');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = fuzz_arena();
	struct str s = fuzz_str(data, len);
	struct uri_target t;

	if (!uri_is_local_path(s))
		return 0;
	check_browser(s);
	ASSERT(uri_parse_target(a, str_slice(s, 0, str_find_char(s, '#')), &t, NULL));
	ASSERT(!t.is_asterisk);
	ASSERT(!(t.ambiguities & (URI_DOT_SEGMENT | URI_ENCODED_SLASH | URI_ENCODED_BACKSLASH)));
	/* The canonical form of a local path is one. */
	ASSERT(uri_is_local_path(t.path));
	return 0;
}
