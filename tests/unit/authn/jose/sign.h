/*
 * tests/unit/authn/jose/sign.h - keys and tokens for tests, made with OpenSSL alone, so
 * that nothing under test has a part in them.
 */
#ifndef TESTS_UNIT_AUTHN_JOSE_SIGN_H
#define TESTS_UNIT_AUTHN_JOSE_SIGN_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/buf.h"
#include "base/encode.h"
#include "tests/unit/base/check.h"

enum sign_how { SIGN_RS256, SIGN_RS512, SIGN_PS256, SIGN_ES256, SIGN_EDDSA };

enum { SIGN_MAX = 512 * 1024 };

/* RFC 7515, appendix A.2 */
#define RFC7515_A2_N                                                                             \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1" \
	"Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpa" \
	"SHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4" \
	"LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define RFC7515_PAYLOAD                                                                          \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ij" \
	"p0cnVlfQ"
#define RFC7515_A2_TOKEN                                                                         \
	"eyJhbGciOiJSUzI1NiJ9." RFC7515_PAYLOAD "."                                              \
	"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O" \
	"8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARN" \
	"PvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ" \
	"1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define RFC7515_A2_JWK "\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"" RFC7515_A2_N "\""
/* RFC 7515, appendix A.3 */
#define RFC7515_A3_X   "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define RFC7515_A3_Y   "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define RFC7515_A3_TOKEN                            \
	"eyJhbGciOiJFUzI1NiJ9." RFC7515_PAYLOAD "." \
	"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define RFC7515_A3_JWK \
	"\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC7515_A3_X "\",\"y\":\"" RFC7515_A3_Y "\""
/* RFC 8037, appendix A.1, A.3 and A.4 */
#define RFC8037_X   "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define RFC8037_D   "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
#define RFC8037_JWK "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC8037_X "\""

static inline EVP_PKEY *sign_rsa_key(unsigned bits)
{
	EVP_PKEY *key = EVP_RSA_gen(bits);

	assert_non_null(key);
	return key;
}

static inline EVP_PKEY *sign_ec_key(const char *curve)
{
	EVP_PKEY *key = EVP_EC_gen(curve);

	assert_non_null(key);
	return key;
}

static inline EVP_PKEY *sign_ed25519_key(const char *d)
{
	unsigned char bytes[32];
	EVP_PKEY *key;
	size_t len;

	assert_true(base64url_decode(str_from(d), bytes, sizeof(bytes), &len));
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes, len);
	assert_non_null(key);
	return key;
}

static inline void sign_append_number(struct buf *b, const EVP_PKEY *key, const char *param,
				      int size)
{
	unsigned char bytes[1024];
	BIGNUM *n = NULL;
	int len;

	assert_int_equal(EVP_PKEY_get_bn_param(key, param, &n), 1);
	len = size ? BN_bn2binpad(n, bytes, size) : BN_bn2bin(n, bytes);
	assert_true(len > 0);
	base64url_append(b, bytes, (size_t)len);
	BN_free(n);
}

/* The members of the public JWK, without braces. */
static inline void sign_append_jwk(struct buf *b, const EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "RSA")) {
		buf_append_cstr(b, "\"kty\":\"RSA\",\"n\":\"");
		sign_append_number(b, key, OSSL_PKEY_PARAM_RSA_N, 0);
		buf_append_cstr(b, "\",\"e\":\"");
		sign_append_number(b, key, OSSL_PKEY_PARAM_RSA_E, 0);
	} else {
		assert_true(EVP_PKEY_is_a(key, "EC"));
		buf_append_cstr(b, "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"");
		sign_append_number(b, key, OSSL_PKEY_PARAM_EC_PUB_X, 32);
		buf_append_cstr(b, "\",\"y\":\"");
		sign_append_number(b, key, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
	}
	buf_append_char(b, '"');
}

static inline void sign_es_to_raw(unsigned char *sig, size_t *len)
{
	const unsigned char *der = sig;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &der, (long)*len);

	assert_non_null(s);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + 32, 32), 32);
	*len = 64;
	ECDSA_SIG_free(s);
}

static inline void sign_append_signature(struct buf *b, struct str input, EVP_PKEY *key,
					 enum sign_how how)
{
	const EVP_MD *md = how == SIGN_EDDSA   ? NULL
			   : how == SIGN_RS512 ? EVP_sha512()
					       : EVP_sha256();
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p = NULL;
	unsigned char sig[1024];
	size_t len = sizeof(sig);

	assert_non_null(c);
	assert_int_equal(EVP_DigestSignInit(c, &p, md, NULL, key), 1);
	if (how == SIGN_PS256) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(p, RSA_PSS_SALTLEN_DIGEST), 1);
	}
	assert_int_equal(EVP_DigestSign(c, sig, &len, (const unsigned char *)input.ptr, input.len),
			 1);
	EVP_MD_CTX_free(c);
	if (how == SIGN_ES256)
		sign_es_to_raw(sig, &len);
	base64url_append(b, sig, len);
}

/* A whole token; b is initialised here. */
static inline void sign_token(struct buf *b, const char *header, const char *claims, EVP_PKEY *key,
			      enum sign_how how)
{
	struct buf input;

	buf_init(&input, SIGN_MAX);
	base64url_append(&input, header, strlen(header));
	buf_append_char(&input, '.');
	base64url_append(&input, claims, strlen(claims));
	buf_init(b, SIGN_MAX);
	buf_append(b, buf_str(&input));
	buf_append_char(b, '.');
	sign_append_signature(b, buf_str(&input), key, how);
	buf_done(&input);
	assert_false(buf_failed(b));
}

/* The same, signed with HMAC under any bytes. */
static inline void sign_token_hmac(struct buf *b, const char *header, const char *claims,
				   struct str key)
{
	unsigned char mac[32];

	buf_init(b, SIGN_MAX);
	base64url_append(b, header, strlen(header));
	buf_append_char(b, '.');
	base64url_append(b, claims, strlen(claims));
	assert_non_null(HMAC(EVP_sha256(), key.ptr, (int)key.len, (const unsigned char *)b->ptr,
			     b->len, mac, NULL));
	buf_append_char(b, '.');
	base64url_append(b, mac, sizeof(mac));
	assert_false(buf_failed(b));
}

#endif
