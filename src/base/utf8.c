/*
 * base/utf8.c - one character of UTF-8 at a time.
 *
 * The smallest code point of each length refuses overlong forms: two spellings of one
 * character are two readings of one text.
 */
#include "base/utf8.h"

size_t utf8_decode(struct str s, uint32_t *ret_code_point)
{
	static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first;
	uint32_t code_point;
	size_t length;

	if (s.len == 0)
		return 0;
	first = (unsigned char)s.ptr[0];
	if (first < 0x80) {
		length = 1;
		code_point = first;
	} else if (first >= 0xc2 && first <= 0xdf) {
		length = 2;
		code_point = first & 0x1f;
	} else if (first >= 0xe0 && first <= 0xef) {
		length = 3;
		code_point = first & 0x0f;
	} else if (first >= 0xf0 && first <= 0xf4) {
		length = 4;
		code_point = first & 0x07;
	} else {
		return 0;
	}
	if (s.len < length)
		return 0;
	for (size_t i = 1; i < length; i++) {
		unsigned char next = (unsigned char)s.ptr[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		code_point = code_point << 6 | (next & 0x3f);
	}
	if (code_point < smallest[length] || code_point > 0x10ffff ||
	    (code_point >= 0xd800 && code_point <= 0xdfff))
		return 0;
	if (ret_code_point)
		*ret_code_point = code_point;
	return length;
}

bool utf8_is_control(uint32_t code_point)
{
	return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}
