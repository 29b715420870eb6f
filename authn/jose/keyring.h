/*
 * authn/jose/keyring.h - the gate's own long-lived keys, in the state directory:
 *
 *     keys/master          32 random bytes, the root of the keys derived by seal.c
 *     keys/assertion.pem   the P-256 key that signs X-Sallyport-Assertion
 *
 * Made on the first run (0600, in a folder of 0700); refused when others can read
 * them. Immutable once loaded; shared by all threads.
 */
#ifndef SALLYPORT_AUTHN_JOSE_KEYRING_H
#define SALLYPORT_AUTHN_JOSE_KEYRING_H

#include "base/error.h"
#include "base/str.h"

struct keyring;

/* Load the keys of a state directory, making what is missing. ERR_IO, ERR_DENIED, ERR_NOMEM. */
MUST_CHECK bool keyring_open(const char *state_directory, struct keyring **ret, struct error *err);
void keyring_free(struct keyring *k);			/* wipes; NULL is fine */

/* The JWK Set with the public assertion key (kid: RFC 7638 thumbprint). Borrowed. */
struct str keyring_public_jwks(const struct keyring *k);

/* For seal.c: the key of a purpose (32 bytes) under a key id. False for an unknown id. */
uint32_t keyring_current_id(const struct keyring *k);
MUST_CHECK bool keyring_derive(const struct keyring *k, uint32_t id, const char *label,
			       unsigned char out[32]);

/*
 * Sign a JWS in compact form (RFC 7515) with the assertion key: ES256, header
 * {"alg":"ES256","kid":...,"typ":"JWT"}, over the JSON text of the claims.
 * Thread-safe. Appends to out.
 */
struct buf;
MUST_CHECK bool keyring_sign_assertion(const struct keyring *k, struct str claims, struct buf *out,
				       struct error *err);

#endif
