/*
 * authn/jose/hkdf.h - HKDF with SHA-256 (RFC 5869): one root key, a key per purpose.
 */
#ifndef SALLYPORT_AUTHN_JOSE_HKDF_H
#define SALLYPORT_AUTHN_JOSE_HKDF_H

#include "base/base.h"
#include "base/str.h"

enum { HKDF_PRK_SIZE = 32, HKDF_MAX_OUT = 255 * 32, HKDF_MAX_INFO = 1024 };

/* Section 2.2: the pseudorandom key of input keying material. False: out of memory. */
MUST_CHECK bool hkdf_extract(struct str salt, struct str key_material,
			     unsigned char ret_prk[HKDF_PRK_SIZE]);
/* Section 2.3. out_len is at most HKDF_MAX_OUT, info at most HKDF_MAX_INFO bytes. */
MUST_CHECK bool hkdf_expand(const unsigned char prk[HKDF_PRK_SIZE], struct str info, void *out,
			    size_t out_len);

#endif
