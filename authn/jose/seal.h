/*
 * authn/jose/seal.h - small secrets wrapped so that only this gate can open them:
 * AES-256-GCM under keys derived by purpose (HKDF, RFC 5869).
 *
 * One key per purpose: what was sealed for one cannot be opened as another. The
 * context (a cookie's name and host, a record's key) is authenticated with it.
 */
#ifndef SALLYPORT_AUTHN_JOSE_SEAL_H
#define SALLYPORT_AUTHN_JOSE_SEAL_H

#include "authn/jose/keyring.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum seal_purpose { SEAL_LOGIN_FLOW, SEAL_SESSION_RECORD };

enum { SEAL_OVERHEAD = 1 + 4 + 12 + 16 };	/* version, key id, nonce, tag */

/*
 * Append version || key id || nonce || ciphertext || tag. The nonce is random, 96 bits;
 * context parts are length-prefixed before they are authenticated, so that
 * ("a","bc") and ("ab","c") differ. ERR_NOMEM, ERR_LIMIT (the buffer's ceiling).
 */
MUST_CHECK bool seal_append(struct buf *out, const struct keyring *keys, enum seal_purpose purpose,
			    struct str context1, struct str context2, struct str plain,
			    struct error *err);
/* Open what seal_append made, into out. One error for every reason: ERR_DENIED. */
MUST_CHECK bool seal_open(struct buf *out, const struct keyring *keys, enum seal_purpose purpose,
			  struct str context1, struct str context2, struct str sealed,
			  struct error *err);

#endif
