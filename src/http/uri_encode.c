/*
 * http/uri_encode.c - percent-encoding of single values (RFC 3986, section 2.1).
 */
#include "base/buf.h"
#include "http/uri_path.h"

void uri_append_encoded(struct buf *b, struct str s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		char triplet[3] = {'%', hex[c >> 4], hex[c & 15]};

		if (ascii_is_alnum((char)c) || c == '-' || c == '.' || c == '_' || c == '~')
			buf_append_char(b, (char)c);
		else
			buf_append(b, str_from_len(triplet, sizeof(triplet)));
	}
}

static bool needs_decoding(struct str s, bool plus_is_space)
{
	return str_find_char(s, '%') != STR_NONE ||
	       (plus_is_space && str_find_char(s, '+') != STR_NONE);
}

bool uri_decode(struct arena *a, struct str s, bool plus_is_space, struct str *ret)
{
	size_t len = 0;
	char *out;

	if (str_find_char(s, '\0') != STR_NONE)
		return false;
	if (!needs_decoding(s, plus_is_space)) {
		*ret = s;
		return true;
	}
	out = arena_alloc(a, s.len + 1);
	if (!out)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int value = (unsigned char)s.ptr[i];

		if (value == '%') {
			value = uri_triplet_value(s, i);
			i += 2;
		} else if (value == '+' && plus_is_space) {
			value = ' ';
		}
		if (value <= 0)
			return false;
		out[len++] = (char)value;
	}
	*ret = str_from_len(out, len);
	return true;
}
