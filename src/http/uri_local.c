/*
 * http/uri_local.c - where a login may send the browser back to.
 *
 * Every proxy of this kind has had open redirects here, mostly because browsers read a
 * Location more kindly than servers do: they drop tabs and newlines, take '\' for '/',
 * and resolve dots before they look for the host. So the place must already be a target
 * of ours that no reader can take elsewhere, at any depth of decoding.
 */
#include "http/uri_path.h"

enum { LOCAL_MAX_DECODINGS = 4 };

/* Decode in place what are triplets; a stray '%' stays. False when nothing changed. */
static bool text_decode_again(char *text, size_t *len)
{
	size_t out = 0;

	for (size_t i = 0; i < *len; i++) {
		int value = text[i] == '%' ? uri_triplet_value(str_from_len(text, *len), i) : -1;

		text[out++] = value < 0 ? text[i] : (char)value;
		if (value >= 0)
			i += 2;
	}
	if (out == *len)
		return false;
	*len = out;
	return true;
}

static bool text_is_local(struct str text)
{
	if (text.len > 1 && text.ptr[1] == '/')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c < 0x20 || c == 0x7f || c == '\\')
			return false;
	}
	return !(uri_path_ambiguities(text) & URI_DOT_SEGMENT);
}

static bool path_is_local(struct str path)
{
	char text[URI_MAX_TARGET];
	struct uri_path p = {.decoded = text};
	unsigned refused = URI_DOT_SEGMENT | URI_ENCODED_SLASH | URI_ENCODED_BACKSLASH;

	if (!uri_path_decode(path, &p, NULL) || (p.ambiguities & refused))
		return false;
	for (int i = 0; i < LOCAL_MAX_DECODINGS; i++) {
		if (!text_is_local(str_from_len(text, p.decoded_len)))
			return false;
		if (!text_decode_again(text, &p.decoded_len))
			return true;
	}
	return false;
}

static bool fragment_is_valid(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < 0x21 || s.ptr[i] > 0x7e)
			return false;
	}
	return true;
}

bool uri_is_local_path(struct str s)
{
	size_t hash = str_find_char(s, '#');
	struct str target = str_slice(s, 0, hash == STR_NONE ? s.len : hash);
	size_t path_len;
	unsigned look;

	if (!s.len || s.len > URI_MAX_TARGET || s.ptr[0] != '/')
		return false;
	if (str_find_char(s, '\\') != STR_NONE)
		return false;
	if (hash != STR_NONE && !fragment_is_valid(str_after(s, hash)))
		return false;
	if (!uri_path_scan(target, &path_len, &look))
		return false;
	if (!uri_query_is_valid(str_after(target, path_len)))
		return false;
	return look == 0 || path_is_local(str_slice(target, 0, path_len));
}
