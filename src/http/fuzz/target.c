/*
 * http/fuzz/target.c - request targets, against a second reader.
 *
 * The reader below stands for every application that is too kind: it decodes twice,
 * takes '\' for '/', cuts segments at ';', merges slashes and resolves dots. A path
 * without ambiguities must look the same to it as to us, or policy judged another one.
 */
#include "fuzz.h"
#include "http/uri.h"

static struct str decode_kindly(struct arena *a, struct str s)
{
	char *out = arena_alloc(a, s.len + 1);
	size_t len = 0;

	ASSERT(out);
	for (size_t i = 0; i < s.len; i++) {
		int high = s.len - i > 2 && s.ptr[i] == '%' ? ascii_hex_value(s.ptr[i + 1]) : -1;
		int low = high >= 0 ? ascii_hex_value(s.ptr[i + 2]) : -1;

		out[len++] = low >= 0 ? (char)(high * 16 + low) : s.ptr[i];
		if (low >= 0)
			i += 2;
	}
	return str_from_len(out, len);
}

/* The length of out without its last segment. */
static size_t drop_segment(const char *out, size_t len)
{
	while (len > 0 && out[--len] != '/')
		;
	return len;
}

static struct str resolve_kindly(struct arena *a, struct str path)
{
	char *out = arena_alloc(a, path.len + 2);
	size_t len = 0;
	bool ends_in_slash = false;

	ASSERT(out);
	for (size_t i = 0; i < path.len;) {
		struct str segment;
		size_t end = i;

		while (end < path.len && path.ptr[end] != '/' && path.ptr[end] != '\\')
			end++;
		segment = str_slice(path, i, end - i);
		segment = str_slice(segment, 0, str_find_char(segment, ';'));
		ends_in_slash = end < path.len;
		i = end + 1;
		if (str_equal(segment, STR("..")))
			len = drop_segment(out, len);
		if (!segment.len || str_equal(segment, STR(".")) || str_equal(segment, STR("..")))
			continue;
		out[len++] = '/';
		memcpy(out + len, segment.ptr, segment.len);
		len += segment.len;
	}
	if (ends_in_slash)
		out[len++] = '/';
	return str_from_len(out, len);
}

static void check_canonical(struct arena *a, const struct uri_target *t)
{
	struct uri_target again;

	ASSERT(t->path.len && t->path.ptr[0] == '/');
	ASSERT(t->path_decoded.len && t->path_decoded.ptr[0] == '/');
	ASSERT(str_is_utf8(t->path_decoded));
	ASSERT(str_find_char(t->path, '?') == STR_NONE);
	for (size_t i = 0; i < t->path.len; i++)
		ASSERT(t->path.ptr[i] > 0x20 && t->path.ptr[i] < 0x7f && t->path.ptr[i] != '#');
	for (size_t i = 0; i < t->path_decoded.len; i++)
		ASSERT((unsigned char)t->path_decoded.ptr[i] >= 0x20 &&
		       t->path_decoded.ptr[i] != 0x7f);

	ASSERT(uri_parse_target(a, t->path, &again, NULL));
	ASSERT(str_equal(again.path, t->path));
	ASSERT(str_equal(again.path_decoded, t->path_decoded));
	ASSERT(again.ambiguities == t->ambiguities);
	ASSERT(!again.has_query);
	ASSERT(str_equal(decode_kindly(a, t->path), t->path_decoded));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = fuzz_arena();
	struct error err = {.kind = ERR_NONE};
	struct str raw = fuzz_str(data, len);
	struct uri_target t;

	if (!uri_parse_target(a, raw, &t, &err)) {
		ASSERT(err.kind != ERR_NONE);
		return 0;
	}
	if (t.is_asterisk) {
		ASSERT(str_equal(raw, STR("*")));
		return 0;
	}
	check_canonical(a, &t);
	if (t.has_query)
		ASSERT(str_equal(t.query, str_after(raw, str_find_char(raw, '?') + 1)));
	if (!t.ambiguities) {
		struct str twice = decode_kindly(a, decode_kindly(a, t.path));

		ASSERT(str_equal(resolve_kindly(a, twice), t.path_decoded));
	}
	return 0;
}
