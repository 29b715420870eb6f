/*
 * base/utf8.h - one character of UTF-8 (RFC 3629) at a time.
 */
#ifndef SALLYPORT_BASE_UTF8_H
#define SALLYPORT_BASE_UTF8_H

#include "base/base.h"
#include "base/str.h"

/*
 * The length in bytes (1..4) of the well-formed character s begins with, 0 when there
 * is none: s is empty or cut, or it begins with an overlong form, a surrogate or
 * something past U+10FFFF. ret_code_point may be NULL; untouched on failure.
 */
size_t utf8_decode(struct str s, uint32_t *ret_code_point);

/* A control character: C0, DEL, or C1, which terminals obey in UTF-8 too. */
bool utf8_is_control(uint32_t code_point);

#endif
