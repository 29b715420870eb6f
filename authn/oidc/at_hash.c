/*
 * authn/oidc/at_hash.c - the left half of a hash, in base64url.
 *
 * The hash is that of the signature's algorithm. EdDSA names none; everybody took the
 * SHA-512 that Ed25519 is built on.
 */
#include "authn/oidc/at_hash.h"

#include <openssl/evp.h>

#include "base/digest.h"
#include "base/encode.h"

enum { SHA512_SIZE = 64 };

void at_hash_of(struct str access_token, enum jws_alg alg, char out[AT_HASH_SIZE])
{
	unsigned char digest[SHA512_SIZE];
	unsigned len = 0;

	if (alg != JWS_EDDSA) {
		sha256(access_token, digest);
		base64url_encode(digest, SHA256_SIZE / 2, out);
		return;
	}
	/* A hash that was not computed would fit whatever lay here before. */
	ASSERT(EVP_Digest(access_token.ptr, access_token.len, digest, &len, EVP_sha512(), NULL));
	ASSERT(len == SHA512_SIZE);
	base64url_encode(digest, SHA512_SIZE / 2, out);
}
