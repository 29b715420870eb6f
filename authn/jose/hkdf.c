/*
 * authn/jose/hkdf.c - RFC 5869 over HMAC. OpenSSL has it too, behind a parameter list
 * that takes longer to build than both hashes take to run.
 */
#include "authn/jose/hkdf.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/secret.h"

static bool hmac(struct str key, struct str data, unsigned char out[HKDF_PRK_SIZE])
{
	static const unsigned char none[1];
	const void *key_ptr = key.len > 0 ? (const void *)key.ptr : none;

	return HMAC(EVP_sha256(), key_ptr, (int)key.len, (const unsigned char *)data.ptr, data.len,
		    out, NULL) != NULL;
}

bool hkdf_extract(struct str salt, struct str key_material, unsigned char ret_prk[HKDF_PRK_SIZE])
{
	return hmac(salt, key_material, ret_prk);
}

bool hkdf_expand(const unsigned char prk[HKDF_PRK_SIZE], struct str info, void *out, size_t out_len)
{
	/* T(n - 1) | info | n */
	unsigned char block[HKDF_PRK_SIZE + HKDF_MAX_INFO + 1], t[HKDF_PRK_SIZE];
	struct str key = str_from_len((const char *)prk, HKDF_PRK_SIZE);
	size_t done = 0, t_len = 0;
	bool ok = true;

	ASSERT(out_len <= HKDF_MAX_OUT && info.len <= HKDF_MAX_INFO);
	for (unsigned char n = 1; ok && done < out_len; n++) {
		size_t take = out_len - done < sizeof(t) ? out_len - done : sizeof(t);
		size_t len = t_len;

		memcpy(block, t, t_len);
		if (info.len > 0)
			memcpy(block + len, info.ptr, info.len);
		len += info.len;
		block[len++] = n;
		ok = hmac(key, str_from_len((char *)block, len), t);
		t_len = sizeof(t);
		if (ok)
			memcpy((char *)out + done, t, take);
		done += take;
	}
	secret_wipe(block, sizeof(block));
	secret_wipe(t, sizeof(t));
	return ok;
}
