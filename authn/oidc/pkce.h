/*
 * authn/oidc/pkce.h - proof key for code exchange (RFC 7636), method S256 alone.
 */
#ifndef SALLYPORT_AUTHN_OIDC_PKCE_H
#define SALLYPORT_AUTHN_OIDC_PKCE_H

#include "base/str.h"

/* 32 bytes, or a SHA-256 of them, in base64url: 43 characters and a NUL. */
enum { PKCE_TEXT_SIZE = 44 };

/* A fresh unguessable text: a code_verifier, and just as well a state or a nonce. */
void pkce_make_random(char out[PKCE_TEXT_SIZE]);
/* The code_challenge of a verifier (RFC 7636, section 4.2). */
void pkce_challenge(struct str verifier, char out[PKCE_TEXT_SIZE]);

#endif
