/*
 * base/encode.h - base64url (RFC 4648, section 5, no padding), base64 and hex.
 *
 * Decoders are strict: a byte outside the alphabet, padding where none belongs, or
 * set bits behind the last byte are failures, so that one value has one spelling.
 */
#ifndef SALLYPORT_BASE_ENCODE_H
#define SALLYPORT_BASE_ENCODE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/str.h"

#define BASE64URL_LEN(n) (((n) * 4 + 2) / 3)		/* characters for n bytes */

void base64url_append(struct buf *b, const void *data, size_t len);
/* Into out, which has room for BASE64URL_LEN(len) + 1; ends in NUL. Returns the length. */
size_t base64url_encode(const void *data, size_t len, char *out);
/* Into out, which has room for s.len * 3 / 4 bytes. */
MUST_CHECK bool base64url_decode(struct str s, void *out, size_t out_size, size_t *ret_len);

void base64_append(struct buf *b, const void *data, size_t len);	/* with padding */
void hex_encode(const void *data, size_t len, char *out);	/* lower case; 2 * len + 1 bytes */

#endif
