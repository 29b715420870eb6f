/*
 * config/tls_files.c - certificates and keys that a configuration names.
 *
 * OpenSSL says of a key that does not fit only that it does not, and of an encrypted one
 * it asks the terminal. Both are common, so both get words of their own.
 */
#include "config/tls_files.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "base/file.h"

enum {
	PEM_MAX_BYTES = 8 * 1024 * 1024, /* a system's whole trust store is some 200 KiB */
	CHAIN_MAX = 16,
	MIN_RSA_BITS = 2048,
	MIN_EC_BITS = 224,
};

/* The file as a BIO over data, which must outlive it. */
static bool open_pem(const char *path, bool is_private, struct buf *data, BIO **ret,
		     struct error *err)
{
	BIO *bio;

	if (is_private ? !file_read_secret(path, PEM_MAX_BYTES, data, err)
		       : !file_read(path, PEM_MAX_BYTES, data, err))
		return false;
	bio = BIO_new_mem_buf(data->len ? data->ptr : "", (int)data->len);
	if (!bio)
		return error_set(err, ERR_NOMEM, "out of memory");
	*ret = bio;
	return true;
}

/* Asked for a passphrase: there is none, and nobody to ask. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	*(bool *)arg = true;
	return -1;
}

/* The next certificate, NULL at the end or when it cannot be read. */
static X509 *next_certificate(BIO *bio)
{
	bool is_encrypted = false;

	return PEM_read_bio_X509(bio, NULL, no_passphrase, &is_encrypted);
}

/* At the end of the file PEM_read says "no start line"; anything else is a broken entry. */
static bool at_end(void)
{
	unsigned long last = ERR_peek_last_error();

	return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

/* Read certificates up to the end. */
static bool read_chain(const char *path, X509 **certificates, size_t *ret_count, struct error *err)
{
	struct buf data;
	BIO *bio = NULL;
	bool good = false;
	size_t count = 0;

	buf_init(&data, PEM_MAX_BYTES);
	if (!open_pem(path, false, &data, &bio, err))
		goto out;
	ERR_clear_error();
	while (count < CHAIN_MAX && (certificates[count] = next_certificate(bio)))
		count++;
	if (count == CHAIN_MAX)
		error_set(err, ERR_LIMIT, "%s holds more than %d certificates", path,
			  CHAIN_MAX - 1);
	else if (!at_end())
		error_set(err, ERR_SYNTAX, "%s: certificate %zu cannot be read", path, count + 1);
	else if (count == 0)
		error_set(err, ERR_SYNTAX, "%s holds no PEM certificate", path);
	else
		good = true;
out:
	*ret_count = count;
	ERR_clear_error();
	BIO_free(bio);
	buf_done(&data);
	return good;
}

static bool read_key(const char *path, EVP_PKEY **ret, struct error *err)
{
	bool is_encrypted = false;
	EVP_PKEY *key = NULL;
	struct buf data;
	BIO *bio = NULL;

	buf_init(&data, PEM_MAX_BYTES);
	if (open_pem(path, true, &data, &bio, err)) {
		key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &is_encrypted);
		if (!key && is_encrypted)
			error_set(err, ERR_SYNTAX,
				  "%s is encrypted: a key without passphrase is needed", path);
		else if (!key)
			error_set(err, ERR_SYNTAX, "%s holds no PEM private key", path);
	}
	ERR_clear_error();
	BIO_free(bio);
	buf_wipe(&data);
	*ret = key;
	return key != NULL;
}

static bool check_strength(const EVP_PKEY *key, const char *path, struct error *err)
{
	int type = EVP_PKEY_get_base_id(key), bits = EVP_PKEY_get_bits(key);
	bool is_rsa = type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS;

	if (bits >= (is_rsa ? MIN_RSA_BITS : MIN_EC_BITS))
		return true;
	return error_set(err, ERR_SYNTAX, "%s: a key of %d bits is too weak, %d are needed", path,
			 bits, is_rsa ? MIN_RSA_BITS : MIN_EC_BITS);
}

/* Does the key belong to the first certificate, and each certificate to the one above it? */
static bool check_chain(X509 **certificates, size_t count, EVP_PKEY *key, const char *chain,
			const char *key_path, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (X509_check_private_key(certificates[i], key) != 1)
			continue;
		if (i > 0)
			return error_set(err, ERR_SYNTAX,
					 "%s: the certificate of the key is number %zu, it must "
					 "come first",
					 chain, i + 1);
		for (size_t j = 1; j < count; j++)
			if (X509_check_issued(certificates[j], certificates[j - 1]) != X509_V_OK)
				return error_set(err, ERR_SYNTAX,
						 "%s: certificate %zu did not issue the one before "
						 "it",
						 chain, j + 1);
		return true;
	}
	return error_set(err, ERR_SYNTAX, "the key %s does not belong to the certificate %s",
			 key_path, chain);
}

static bool certificate_ends(const X509 *certificate, int64_t *ret_s)
{
	struct tm when;

	memset(&when, 0, sizeof(when));
	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &when) != 1)
		return false;
	*ret_s = (int64_t)timegm(&when);
	return true;
}

bool tls_check_certificate(const char *chain, const char *key, int64_t *ret_ends_s,
			   struct error *err)
{
	X509 *certificates[CHAIN_MAX] = {0};
	EVP_PKEY *private_key = NULL;
	int64_t ends_s = 0;
	size_t count = 0;
	bool good;

	good = read_chain(chain, certificates, &count, err) && read_key(key, &private_key, err) &&
	       check_chain(certificates, count, private_key, chain, key, err) &&
	       check_strength(private_key, key, err);
	if (good && !certificate_ends(certificates[0], &ends_s))
		good = error_set(err, ERR_SYNTAX, "%s: its last day cannot be read", chain);
	if (good)
		*ret_ends_s = ends_s;
	for (size_t i = 0; i < count; i++)
		X509_free(certificates[i]);
	EVP_PKEY_free(private_key);
	ERR_clear_error();
	return good;
}

/* A trust store may hold hundreds, so they are read and let go one by one. */
bool tls_check_authorities(const char *path, struct error *err)
{
	X509 *certificate;
	struct buf data;
	BIO *bio = NULL;
	size_t count = 0;
	bool good = false;

	buf_init(&data, PEM_MAX_BYTES);
	if (!open_pem(path, false, &data, &bio, err))
		goto out;
	ERR_clear_error();
	while ((certificate = next_certificate(bio))) {
		X509_free(certificate);
		count++;
	}
	if (!at_end())
		error_set(err, ERR_SYNTAX, "%s: certificate %zu cannot be read", path, count + 1);
	else if (count == 0)
		error_set(err, ERR_SYNTAX, "%s holds no PEM certificate", path);
	else
		good = true;
out:
	ERR_clear_error();
	BIO_free(bio);
	buf_done(&data);
	return good;
}

void tls_check_authorities_option(struct option_reader *r, const char *key, struct str path)
{
	struct error err = {0};

	if (!str_is_empty(path) && !tls_check_authorities(path.ptr, &err))
		option_fault(r, key, "%s", err.text);
}
