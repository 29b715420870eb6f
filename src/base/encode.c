/*
 * base/encode.c - base64url, base64 and hex.
 *
 * The decoder is strict to the last bit (RFC 4648, section 3.5): a token whose
 * signature has four spellings is four tokens to whoever compares them as text.
 */
#include "base/encode.h"

static const char alphabet_url[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char alphabet_std[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Without padding and without NUL. Returns the length. */
static size_t encode64(const char *alphabet, const unsigned char *in, size_t len, char *out)
{
	const char *start = out;
	unsigned bits;

	for (; len >= 3; in += 3, len -= 3) {
		bits = (unsigned)in[0] << 16 | (unsigned)in[1] << 8 | in[2];
		*out++ = alphabet[bits >> 18];
		*out++ = alphabet[bits >> 12 & 63];
		*out++ = alphabet[bits >> 6 & 63];
		*out++ = alphabet[bits & 63];
	}
	if (len > 0) {
		bits = (unsigned)in[0] << 16 | (len > 1 ? (unsigned)in[1] << 8 : 0);
		*out++ = alphabet[bits >> 18];
		*out++ = alphabet[bits >> 12 & 63];
		if (len > 1)
			*out++ = alphabet[bits >> 6 & 63];
	}
	return (size_t)(out - start);
}

void base64url_append(struct buf *b, const void *data, size_t len)
{
	if (len > SIZE_MAX / 8 || !buf_reserve(b, BASE64URL_LEN(len))) {
		b->failed = true;
		return;
	}
	b->len += base64url_encode(data, len, b->ptr + b->len);
}

size_t base64url_encode(const void *data, size_t len, char *out)
{
	size_t characters = encode64(alphabet_url, data, len, out);

	out[characters] = '\0';
	return characters;
}

/* 0..63, or -1 outside the alphabet. */
static int base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

bool base64url_decode(struct str s, void *out, size_t out_size, size_t *ret_len)
{
	unsigned char *to = out;
	unsigned bits = 0;
	unsigned held = 0; /* bits of input not yet written, 0..6 between characters */
	size_t len = 0;

	if (s.len % 4 == 1 || s.len / 4 * 3 + s.len % 4 * 3 / 4 > out_size)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int value = base64url_value(s.ptr[i]);

		if (value < 0)
			return false;
		bits = (bits << 6 | (unsigned)value) & 0xfff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			to[len++] = (unsigned char)(bits >> held);
		}
	}
	if ((bits & ((1u << held) - 1)) != 0)
		return false;
	*ret_len = len;
	return true;
}

void base64_append(struct buf *b, const void *data, size_t len)
{
	size_t characters;

	if (len > SIZE_MAX / 8 || !buf_reserve(b, (len + 2) / 3 * 4)) {
		b->failed = true;
		return;
	}
	characters = encode64(alphabet_std, data, len, b->ptr + b->len);
	while (characters % 4 != 0)
		b->ptr[b->len + characters++] = '=';
	b->len += characters;
	b->ptr[b->len] = '\0';
}

void hex_encode(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[in[i] >> 4];
		*out++ = digits[in[i] & 15];
	}
	*out = '\0';
}
