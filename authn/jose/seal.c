/*
 * authn/jose/seal.c - AES-256-GCM under a key for one purpose and one context.
 *
 * A random 96-bit nonce is safe for 2^32 messages under one key (NIST SP 800-38D,
 * section 8.3), and a busy gate seals that many session records within weeks. So the
 * context goes into the key as well as into what is authenticated: each record, each
 * cookie name and host has a key of its own, and no count comes near the bound.
 */
#include "authn/jose/seal.h"

#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "authn/jose/hkdf.h"
#include "base/random.h"
#include "base/secret.h"

enum {
	VERSION = 1,
	HEAD_SIZE = 1 + 4, /* version, key id */
	NONCE_SIZE = 12,
	TAG_SIZE = 16,
	KEY_SIZE = 32,
	LENGTH_SIZE = 4,	     /* in front of each context part */
	CONTEXT_MAX = HKDF_MAX_INFO, /* both parts with their lengths */
};

static const char *const purpose_labels[] = {
	[SEAL_LOGIN_FLOW] = "seal: login flow",
	[SEAL_SESSION_RECORD] = "seal: session record",
};

/* Version and key id, then the context: what is authenticated besides the text. */
struct seal_head {
	unsigned char bytes[HEAD_SIZE + CONTEXT_MAX];
	size_t len;
};

static void put_u32(unsigned char out[4], uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		out[i] = (unsigned char)v;
}

static uint32_t get_u32(const unsigned char in[4])
{
	return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

static void head_add(struct seal_head *h, struct str part)
{
	put_u32(h->bytes + h->len, (uint32_t)part.len);
	h->len += LENGTH_SIZE;
	if (part.len > 0)
		memcpy(h->bytes + h->len, part.ptr, part.len);
	h->len += part.len;
}

static bool head_init(struct seal_head *h, uint32_t key_id, struct str context1,
		      struct str context2)
{
	const size_t room = CONTEXT_MAX - 2 * LENGTH_SIZE;

	if (context1.len > room || context2.len > room - context1.len)
		return false;
	h->bytes[0] = VERSION;
	put_u32(h->bytes + 1, key_id);
	h->len = HEAD_SIZE;
	head_add(h, context1);
	head_add(h, context2);
	return true;
}

static bool key_derive(const struct keyring *keys, uint32_t id, enum seal_purpose purpose,
		       const struct seal_head *h, unsigned char out[KEY_SIZE])
{
	struct str context = str_from_len((const char *)h->bytes + HEAD_SIZE, h->len - HEAD_SIZE);
	unsigned char purpose_key[KEY_SIZE];
	bool ok;

	ASSERT((size_t)purpose < ARRAY_LEN(purpose_labels));
	ok = keyring_derive(keys, id, purpose_labels[purpose], purpose_key) &&
	     hkdf_expand(purpose_key, context, out, KEY_SIZE);
	secret_wipe(purpose_key, sizeof(purpose_key));
	return ok;
}

/* out: room for plain.len + TAG_SIZE */
static bool gcm_encrypt(const unsigned char key[KEY_SIZE], const unsigned char nonce[NONCE_SIZE],
			const struct seal_head *h, struct str plain, unsigned char *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int len = 0, last = 0;
	bool ok = c && EVP_EncryptInit_ex2(c, EVP_aes_256_gcm(), key, nonce, NULL) == 1 &&
		  EVP_EncryptUpdate(c, NULL, &len, h->bytes, (int)h->len) == 1;

	len = 0;
	if (ok && plain.len > 0)
		ok = EVP_EncryptUpdate(c, out, &len, (const unsigned char *)plain.ptr,
				       (int)plain.len) == 1;
	ok = ok && EVP_EncryptFinal_ex(c, out + len, &last) == 1 &&
	     (size_t)(len + last) == plain.len &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, out + plain.len) == 1;
	EVP_CIPHER_CTX_free(c);
	return ok;
}

/* sealed: ciphertext and tag; out: room for sealed.len - TAG_SIZE */
static bool gcm_decrypt(const unsigned char key[KEY_SIZE], const unsigned char nonce[NONCE_SIZE],
			const struct seal_head *h, struct str sealed, unsigned char *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	size_t text_len = sealed.len - TAG_SIZE;
	unsigned char tag[TAG_SIZE];
	int len = 0, last = 0;
	bool ok;

	memcpy(tag, sealed.ptr + text_len, sizeof(tag));
	ok = c && EVP_DecryptInit_ex2(c, EVP_aes_256_gcm(), key, nonce, NULL) == 1 &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
	     EVP_DecryptUpdate(c, NULL, &len, h->bytes, (int)h->len) == 1;
	len = 0;
	if (ok && text_len > 0)
		ok = EVP_DecryptUpdate(c, out, &len, (const unsigned char *)sealed.ptr,
				       (int)text_len) == 1;
	ok = ok && EVP_DecryptFinal_ex(c, out + len, &last) == 1 &&
	     (size_t)(len + last) == text_len;
	EVP_CIPHER_CTX_free(c);
	return ok;
}

bool seal_append(struct buf *out, const struct keyring *keys, enum seal_purpose purpose,
		 struct str context1, struct str context2, struct str plain, struct error *err)
{
	uint32_t id = keyring_current_id(keys);
	unsigned char key[KEY_SIZE], *at;
	struct seal_head h;
	bool ok;

	if (!head_init(&h, id, context1, context2) || plain.len > INT_MAX - SEAL_OVERHEAD)
		return error_set(err, ERR_LIMIT, "too much to seal");
	if (!buf_reserve(out, plain.len + SEAL_OVERHEAD))
		return error_set(err, ERR_LIMIT, "no room for a sealed value");
	at = (unsigned char *)out->ptr + out->len;
	memcpy(at, h.bytes, HEAD_SIZE);
	random_bytes(at + HEAD_SIZE, NONCE_SIZE);
	ok = key_derive(keys, id, purpose, &h, key) &&
	     gcm_encrypt(key, at + HEAD_SIZE, &h, plain, at + HEAD_SIZE + NONCE_SIZE);
	secret_wipe(key, sizeof(key));
	if (!ok) {
		ERR_clear_error();
		return error_set(err, ERR_NOMEM, "a value could not be sealed");
	}
	out->len += plain.len + SEAL_OVERHEAD;
	out->ptr[out->len] = '\0';
	return true;
}

static bool open_into(struct buf *out, const struct keyring *keys, enum seal_purpose purpose,
		      struct str context1, struct str context2, struct str sealed)
{
	const unsigned char *in = (const unsigned char *)sealed.ptr;
	unsigned char key[KEY_SIZE], *at;
	struct seal_head h;
	size_t plain_len;
	uint32_t id;
	bool ok;

	if (sealed.len < SEAL_OVERHEAD || sealed.len > INT_MAX || in[0] != VERSION)
		return false;
	id = get_u32(in + 1);
	plain_len = sealed.len - SEAL_OVERHEAD;
	if (!head_init(&h, id, context1, context2) || !buf_reserve(out, plain_len) ||
	    !key_derive(keys, id, purpose, &h, key))
		return false;
	at = (unsigned char *)out->ptr + out->len;
	ok = gcm_decrypt(key, in + HEAD_SIZE, &h, str_after(sealed, HEAD_SIZE + NONCE_SIZE), at);
	secret_wipe(key, sizeof(key));
	if (!ok) {
		secret_wipe(at, plain_len); /* decrypted, but not authentic */
		ERR_clear_error();
	} else {
		out->len += plain_len;
	}
	out->ptr[out->len] = '\0';
	return ok;
}

bool seal_open(struct buf *out, const struct keyring *keys, enum seal_purpose purpose,
	       struct str context1, struct str context2, struct str sealed, struct error *err)
{
	if (!open_into(out, keys, purpose, context1, context2, sealed))
		return error_set(err, ERR_DENIED, "a sealed value cannot be opened");
	return true;
}
