/*
 * authn/jose/assertion_key.c - ES256 (RFC 7518, section 3.4) straight on OpenSSL.
 *
 * Signing copies a context that was set up once: 16 us a signature, against 18 for a
 * context of its own and 31 for libjwt's builder, which parses the claims again.
 */
#include "authn/jose/assertion_key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "authn/jose/thumbprint.h"
#include "base/digest.h"
#include "base/encode.h"
#include "base/json.h"

enum {
	P256_BYTES = 32,
	P256_DER_MAX = 80, /* of a signature: 72 and some */
	JWKS_TEXT_MAX = 1024,
	COORDINATE_TEXT = BASE64URL_LEN(P256_BYTES) + 1,
};

struct assertion_key {
	EVP_PKEY *key;
	EVP_PKEY_CTX *signer; /* ready to sign; copied for each signature */
	struct buf jwks;
	struct buf header; /* base64url, with the dot behind it */
};

/* A PEM key that is encrypted is refused rather than asked about on the terminal. */
static int no_password(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

bool assertion_key_generate(struct buf *b, struct error *err)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *bio = BIO_new(BIO_s_secmem()); /* overwritten when freed */
	char *pem = NULL;
	long len = 0;

	if (key && bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		len = BIO_get_mem_data(bio, &pem);
	if (len > 0)
		buf_append(b, str_from_len(pem, (size_t)len));
	BIO_free(bio);
	EVP_PKEY_free(key);
	ERR_clear_error();
	if (len <= 0 || buf_failed(b))
		return error_set(err, ERR_NOMEM, "cannot make an assertion key");
	return true;
}

static bool key_is_p256(const EVP_PKEY *key)
{
	char group[32];
	size_t len;

	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 &&
	       strcmp(group, "prime256v1") == 0;
}

static bool key_read(struct assertion_key *k, struct str pem, struct error *err)
{
	BIO *bio = BIO_new_mem_buf(pem.len > 0 ? pem.ptr : "", (int)pem.len);

	if (!bio)
		return error_set(err, ERR_NOMEM, "out of memory for the assertion key");
	k->key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	if (!k->key || !key_is_p256(k->key))
		return error_set(err, ERR_SYNTAX,
				 "not a P-256 private key in PEM without password");
	k->signer = EVP_PKEY_CTX_new(k->key, NULL);
	if (!k->signer || EVP_PKEY_sign_init(k->signer) != 1)
		return error_set(err, ERR_NOMEM, "cannot sign with the assertion key");
	return true;
}

static bool coordinate(const EVP_PKEY *key, const char *name, char out[COORDINATE_TEXT])
{
	unsigned char bytes[P256_BYTES];
	BIGNUM *n = NULL;
	bool ok = EVP_PKEY_get_bn_param(key, name, &n) == 1 &&
		  BN_bn2binpad(n, bytes, sizeof(bytes)) == P256_BYTES;

	BN_free(n);
	if (ok)
		base64url_encode(bytes, sizeof(bytes), out);
	return ok;
}

static void jwk_write(struct json_writer *w, const char *x, const char *y, const char *kid)
{
	json_write_object(w, NULL);
	json_write_str(w, "kty", STR("EC"));
	json_write_str(w, "crv", STR("P-256"));
	json_write_str(w, "x", str_from(x));
	json_write_str(w, "y", str_from(y));
	if (kid) {
		json_write_str(w, "use", STR("sig"));
		json_write_str(w, "alg", STR("ES256"));
		json_write_str(w, "kid", str_from(kid));
	}
	json_write_end(w);
}

static bool kid_make(const char *x, const char *y, char kid[JWK_THUMBPRINT_SIZE])
{
	struct json_writer w;
	struct json_doc *doc = NULL;
	struct buf b;
	bool ok;

	buf_init(&b, JWKS_TEXT_MAX);
	json_write_begin(&w, &b);
	jwk_write(&w, x, y, NULL);
	ok = !buf_failed(&b) && json_parse(buf_str(&b), JWKS_TEXT_MAX, NULL, &doc, NULL) &&
	     jwk_thumbprint(json_root(doc), kid);
	json_doc_free(doc);
	buf_done(&b);
	return ok;
}

static void header_make(struct assertion_key *k, const char *kid)
{
	struct json_writer w;
	struct buf b;

	buf_init(&b, JWKS_TEXT_MAX);
	json_write_begin(&w, &b);
	json_write_object(&w, NULL);
	json_write_str(&w, "alg", STR("ES256"));
	json_write_str(&w, "kid", str_from(kid));
	json_write_str(&w, "typ", STR("JWT"));
	json_write_end(&w);
	if (buf_failed(&b))
		k->header.failed = true;
	base64url_append(&k->header, b.ptr, b.len);
	buf_append_char(&k->header, '.');
	buf_done(&b);
}

/* What is the same for every assertion is written once. */
static bool texts_make(struct assertion_key *k, struct error *err)
{
	char x[COORDINATE_TEXT], y[COORDINATE_TEXT], kid[JWK_THUMBPRINT_SIZE];
	struct json_writer w;

	if (!coordinate(k->key, OSSL_PKEY_PARAM_EC_PUB_X, x) ||
	    !coordinate(k->key, OSSL_PKEY_PARAM_EC_PUB_Y, y) || !kid_make(x, y, kid))
		return error_set(err, ERR_NOMEM, "cannot publish the assertion key");
	json_write_begin(&w, &k->jwks);
	json_write_object(&w, NULL);
	json_write_array(&w, "keys");
	jwk_write(&w, x, y, kid);
	json_write_end(&w);
	json_write_end(&w);
	header_make(k, kid);
	if (buf_failed(&k->jwks) || buf_failed(&k->header))
		return error_set(err, ERR_NOMEM, "out of memory for the assertion key");
	return true;
}

bool assertion_key_new(struct str pem, struct assertion_key **ret, struct error *err)
{
	struct assertion_key *k = calloc(1, sizeof(*k));
	bool ok;

	if (!k)
		return error_set(err, ERR_NOMEM, "out of memory for the assertion key");
	buf_init(&k->jwks, JWKS_TEXT_MAX);
	buf_init(&k->header, JWKS_TEXT_MAX);
	ok = key_read(k, pem, err) && texts_make(k, err);
	ERR_clear_error();
	if (!ok) {
		assertion_key_free(k);
		return false;
	}
	*ret = k;
	return true;
}

void assertion_key_free(struct assertion_key *k)
{
	if (!k)
		return;
	EVP_PKEY_CTX_free(k->signer);
	EVP_PKEY_free(k->key);
	buf_done(&k->jwks);
	buf_done(&k->header);
	free(k);
}

struct str assertion_key_jwks(const struct assertion_key *k)
{
	return buf_str(&k->jwks);
}

/* JWS wants r and s as 32 bytes each, OpenSSL gives them as DER (RFC 7518, section 3.4). */
static bool signature_raw(const unsigned char *der, size_t der_len,
			  unsigned char out[2 * P256_BYTES])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
	bool ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, P256_BYTES) == P256_BYTES &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + P256_BYTES, P256_BYTES) == P256_BYTES;

	ECDSA_SIG_free(sig);
	return ok;
}

static bool signature_make(const struct assertion_key *k, struct str input,
			   unsigned char out[2 * P256_BYTES])
{
	EVP_PKEY_CTX *signer = EVP_PKEY_CTX_dup(k->signer);
	unsigned char der[P256_DER_MAX], digest[SHA256_SIZE];
	size_t der_len = sizeof(der);
	bool ok;

	sha256(input, digest);
	ok = signer && EVP_PKEY_sign(signer, der, &der_len, digest, sizeof(digest)) == 1 &&
	     signature_raw(der, der_len, out);
	EVP_PKEY_CTX_free(signer);
	if (!ok)
		ERR_clear_error();
	return ok;
}

bool assertion_key_sign(const struct assertion_key *k, struct str claims, struct buf *out,
			struct error *err)
{
	unsigned char signature[2 * P256_BYTES];
	size_t from = out->len;

	buf_append(out, buf_str(&k->header));
	base64url_append(out, claims.ptr, claims.len);
	if (buf_failed(out))
		return error_set(err, ERR_LIMIT, "no room for an assertion");
	if (!signature_make(k, str_after(buf_str(out), from), signature))
		return error_set(err, ERR_NOMEM, "an assertion could not be signed");
	buf_append_char(out, '.');
	base64url_append(out, signature, sizeof(signature));
	if (buf_failed(out))
		return error_set(err, ERR_LIMIT, "no room for an assertion");
	return true;
}
