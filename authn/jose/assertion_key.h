/*
 * authn/jose/assertion_key.h - the P-256 key that signs what the gate asserts: made,
 * read, published, used. keyring.c keeps the one instance.
 */
#ifndef SALLYPORT_AUTHN_JOSE_ASSERTION_KEY_H
#define SALLYPORT_AUTHN_JOSE_ASSERTION_KEY_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct assertion_key;

/* A new key, appended as PEM (PKCS #8); b is wiped by the caller. */
MUST_CHECK bool assertion_key_generate(struct buf *b, struct error *err);
/* ERR_SYNTAX for what is no P-256 key in PEM, ERR_NOMEM. */
MUST_CHECK bool assertion_key_new(struct str pem, struct assertion_key **ret, struct error *err);
void assertion_key_free(struct assertion_key *k); /* NULL is fine */
/* {"keys":[...]} with the public key; its kid is the RFC 7638 thumbprint. Borrowed. */
struct str assertion_key_jwks(const struct assertion_key *k);
/* A JWS in compact form, appended to out. Thread-safe. */
MUST_CHECK bool assertion_key_sign(const struct assertion_key *k, struct str claims,
				   struct buf *out, struct error *err);

#endif
