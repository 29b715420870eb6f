/*
 * front/tls_certificates.c - a listener's certificates: read, checked, chosen by name.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "front/tls_private.h"

enum { CHAIN_MAX_BYTES = 1024 * 1024, CHAIN_MAX_CERTIFICATES = 16, NAMES_MAX = 1024, MAX_KEY_TYPES = 8 };

/* A key that asks for a passphrase is refused: nobody is there to type it. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static bool read_chain(struct tls_certificate *c, struct str path, struct error *err)
{
	struct buf text;
	BIO *bio = NULL;
	bool ok = false;

	buf_init(&text, CHAIN_MAX_BYTES);
	if (!file_read(path.ptr, CHAIN_MAX_BYTES, &text, err))
		goto out;
	bio = BIO_new_mem_buf(text.ptr, (int)text.len);
	c->leaf = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
	if (!c->leaf) {
		tls_error(err, ERR_SYNTAX, path, "holds no certificate");
		goto out;
	}
	for (int i = 0; i < CHAIN_MAX_CERTIFICATES; i++) {
		X509 *next = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);

		if (!next)
			break;
		if (!sk_X509_push(c->chain, next)) {
			X509_free(next);
			error_set(err, ERR_NOMEM, "no memory for a certificate chain");
			goto out;
		}
	}
	ERR_clear_error();	/* the end of the file reads as an error */
	ok = true;
out:
	BIO_free(bio);
	buf_done(&text);
	return ok;
}

static bool read_key(struct tls_certificate *c, struct str path, struct error *err)
{
	struct buf text;
	BIO *bio = NULL;
	bool ok = false;

	buf_init(&text, CHAIN_MAX_BYTES);
	if (!file_read_secret(path.ptr, CHAIN_MAX_BYTES, &text, err))
		goto out;
	bio = BIO_new_mem_buf(text.ptr, (int)text.len);
	c->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	if (!c->key)
		tls_error(err, ERR_SYNTAX, path, "holds no private key without a passphrase");
	else if (X509_check_private_key(c->leaf, c->key) != 1)
		tls_error(err, ERR_SYNTAX, path, "is not the key of its certificate");
	else
		ok = true;
out:
	BIO_free(bio);
	buf_wipe(&text);
	return ok;
}

static bool add_name(struct tls_certificate *c, struct str name)
{
	char *copy;

	if (str_is_empty(name) || str_find_char(name, '\0') != STR_NONE)
		return true;	/* a name that no client can ask for */
	copy = malloc(name.len + 1);
	if (!copy)
		return false;
	for (size_t i = 0; i < name.len; i++)
		copy[i] = ascii_lower(name.ptr[i]);
	copy[name.len] = '\0';
	c->names[c->names_count++] = str_from_len(copy, name.len);
	return true;
}

static bool read_names(struct tls_certificate *c, struct error *err)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
	int total = names ? sk_GENERAL_NAME_num(names) : 0;
	bool ok = true;

	if (total > NAMES_MAX)
		total = NAMES_MAX;
	c->names = calloc((size_t)total + 1, sizeof(*c->names));
	for (int i = 0; c->names && ok && i < total; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			ok = add_name(c, str_from_len(
						 (const char *)ASN1_STRING_get0_data(name->d.dNSName),
						 (size_t)ASN1_STRING_length(name->d.dNSName)));
	}
	ok = ok && c->names;
	GENERAL_NAMES_free(names);
	return ok || error_set(err, ERR_NOMEM, "no memory for the names of a certificate");
}

bool tls_certificates_load(struct tls_server *s, const struct listener_config *config,
			   struct error *err)
{
	const struct certificate_config *configs = config->tls.certificates.items;
	size_t count = config->tls.certificates.count;

	s->certificates = calloc(count + 1, sizeof(*s->certificates));
	if (!s->certificates)
		return error_set(err, ERR_NOMEM, "no memory for certificates");
	for (size_t i = 0; i < count; i++) {
		struct tls_certificate *c = &s->certificates[i];

		s->certificates_count++;
		c->chain = sk_X509_new_null();
		if (!c->chain)
			return error_set(err, ERR_NOMEM, "no memory for a certificate chain");
		if (!read_chain(c, configs[i].chain, err) || !read_key(c, configs[i].key, err) ||
		    !read_names(c, err))
			return false;
	}
	return true;
}

void tls_certificates_free(struct tls_server *s)
{
	for (size_t i = 0; i < s->certificates_count; i++) {
		struct tls_certificate *c = &s->certificates[i];

		for (size_t n = 0; n < c->names_count; n++)
			free((void *)(uintptr_t)c->names[n].ptr);
		free(c->names);
		X509_free(c->leaf);
		sk_X509_pop_free(c->chain, X509_free);
		EVP_PKEY_free(c->key);
	}
	free(s->certificates);
}

/* 2 for the exact name, 1 for a wildcard of one label (RFC 6125, section 6.4.3), 0 for no match. */
static int certificate_match(const struct tls_certificate *c, struct str name)
{
	size_t dot = str_find_char(name, '.');
	int best = 0;

	for (size_t i = 0; i < c->names_count; i++) {
		if (str_equal_fold(c->names[i], name))
			return 2;
		if (dot != STR_NONE && dot > 0 && str_starts_with(c->names[i], STR("*.")) &&
		    str_equal_fold(str_after(c->names[i], 1), str_after(name, dot)))
			best = 1;
	}
	return best;
}

static bool install(const struct tls_certificate *c, SSL *ssl)
{
	return SSL_use_cert_and_key(ssl, c->leaf, c->key, c->chain, 1) == 1;
}

static bool is_among(int type, const int *types, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (types[i] == type)
			return true;
	return false;
}

/*
 * The certificates for a name: those that match it best, of each key type the first; the
 * listener's first one when none matches. Returns how many.
 */
static size_t choose(const struct tls_server *s, struct str name,
		     const struct tls_certificate *chosen[MAX_KEY_TYPES])
{
	int types[MAX_KEY_TYPES];
	size_t count = 0;
	int best = 0;

	if (name.len > 0 && name.ptr[name.len - 1] == '.')
		name = str_slice(name, 0, name.len - 1);
	for (size_t i = 0; i < s->certificates_count; i++) {
		int match = certificate_match(&s->certificates[i], name);

		if (match > best)
			best = match;
	}
	if (!best) {
		chosen[0] = &s->certificates[0];
		return 1;
	}
	for (size_t i = 0; i < s->certificates_count && count < MAX_KEY_TYPES; i++) {
		const struct tls_certificate *c = &s->certificates[i];
		int type = EVP_PKEY_get_base_id(c->key);

		if (certificate_match(c, name) != best || is_among(type, types, count))
			continue;
		types[count] = type;
		chosen[count++] = c;
	}
	return count;
}

bool tls_certificates_install(const struct tls_server *s, SSL *ssl, struct str name)
{
	const struct tls_certificate *chosen[MAX_KEY_TYPES];
	size_t count = choose(s, name, chosen);

	for (size_t i = 0; i < count; i++)
		if (!install(chosen[i], ssl))
			return false;
	return true;
}

bool tls_certificates_same(const struct tls_server *s, struct str a, struct str b)
{
	const struct tls_certificate *for_a[MAX_KEY_TYPES], *for_b[MAX_KEY_TYPES];
	size_t count = choose(s, a, for_a);

	if (choose(s, b, for_b) != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (for_a[i] != for_b[i])
			return false;
	return true;
}
