/*
 * tests/support/certificates.h - keys and certificates made on the spot, so that no
 * private key lies in the repository and none expires there.
 */
#ifndef SALLYPORT_TESTS_SUPPORT_CERTIFICATES_H
#define SALLYPORT_TESTS_SUPPORT_CERTIFICATES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

struct test_certificate {
	EVP_PKEY *key;
	X509 *certificate;
};

static inline EVP_PKEY *test_key_ec(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_non_null(key);
	return key;
}

/* Signed by issuer, or by itself (NULL); valid from a day ago for days. Takes the key. */
static inline struct test_certificate test_certificate_make(const char *name, EVP_PKEY *key,
							    const struct test_certificate *issuer,
							    int days)
{
	X509 *x = X509_new();
	X509_NAME *subject;
	static long serial;

	assert_non_null(x);
	assert_int_equal(X509_set_version(x, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), -86400));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 86400L * days));
	subject = X509_get_subject_name(x);
	assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
						    (const unsigned char *)name, -1, -1, 0),
			 1);
	assert_int_equal(X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer->certificate)
							: subject),
			 1);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, issuer ? issuer->key : key, EVP_sha256()) > 0);
	return (struct test_certificate){.key = key, .certificate = x};
}

static inline void test_certificate_done(struct test_certificate *c)
{
	X509_free(c->certificate);
	EVP_PKEY_free(c->key);
}

static inline FILE *test_file_open(const char *folder, const char *name, unsigned mode)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fchmod(fileno(file), mode), 0);
	return file;
}

/* The certificates in that order, ended by NULL. */
static inline void test_chain_write(const char *folder, const char *name,
				    const struct test_certificate *first, ...)
{
	FILE *file = test_file_open(folder, name, 0644);
	va_list ap;

	va_start(ap, first);
	for (const struct test_certificate *c = first; c; c = va_arg(ap, struct test_certificate *))
		assert_int_equal(PEM_write_X509(file, c->certificate), 1);
	va_end(ap);
	assert_int_equal(fclose(file), 0);
}

/* With a passphrase the key is encrypted; NULL: it is not. */
static inline void test_key_write(const char *folder, const char *name, EVP_PKEY *key,
				  unsigned mode, const char *passphrase)
{
	FILE *file = test_file_open(folder, name, mode);

	assert_int_equal(PEM_write_PKCS8PrivateKey(file, key, passphrase ? EVP_aes_256_cbc() : NULL,
						   passphrase,
						   passphrase ? (int)strlen(passphrase) : 0, NULL,
						   NULL),
			 1);
	assert_int_equal(fclose(file), 0);
}

#endif
