/*
 * base/digest.h - SHA-256 for ids and fingerprints, and a keyed hash for tables.
 */
#ifndef SALLYPORT_BASE_DIGEST_H
#define SALLYPORT_BASE_DIGEST_H

#include "base/base.h"
#include "base/str.h"

enum { SHA256_SIZE = 32 };

void sha256(struct str data, unsigned char out[SHA256_SIZE]);
/* Base64url of the SHA-256 of data, 43 characters and a NUL: PKCE S256, thumbprints. */
void sha256_base64url(struct str data, char out[44]);
/* A fast hash for tables, seeded at start so that clients cannot choose collisions. */
uint64_t table_hash(struct str data);

#endif
