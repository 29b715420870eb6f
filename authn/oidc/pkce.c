/*
 * authn/oidc/pkce.c - verifiers and challenges.
 *
 * The challenge is sent to every provider, also to one that does not announce S256: one
 * that ignores it loses nothing, and dropping it would let whoever edits the discovery
 * document switch the protection off.
 */
#include "authn/oidc/pkce.h"

#include "base/digest.h"
#include "base/encode.h"
#include "base/random.h"
#include "base/secret.h"

void pkce_make_random(char out[PKCE_TEXT_SIZE])
{
	unsigned char bytes[32];

	random_bytes(bytes, sizeof(bytes));
	base64url_encode(bytes, sizeof(bytes), out);
	secret_wipe(bytes, sizeof(bytes));
}

void pkce_challenge(struct str verifier, char out[PKCE_TEXT_SIZE])
{
	sha256_base64url(verifier, out);
}
