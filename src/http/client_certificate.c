/*
 * http/client_certificate.c - names out of a certificate, each only when it is plain text.
 *
 * OpenSSL hands names out as length-counted strings: one with a NUL inside would read as
 * "admin" to anything that takes it for a C string, so it is left out whole.
 */
#include "http/client_certificate.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/encode.h"

enum {
	CERTIFICATE_MAX_BYTES = 64 * 1024,
	CERTIFICATE_ARENA_BYTES = 512 * 1024,
	CERTIFICATE_MAX_NAMES = 256,	/* alternative names; the rest can match nothing */
};

struct owned_certificate {
	struct client_certificate certificate;	/* first: what callers hold is this */
	struct arena *arena;
};

static bool is_plain_text(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return false;
	return s.len > 0 && str_is_utf8(s);
}

static struct str lower(struct arena *a, struct str s)
{
	char *copy = arena_cstr(a, s);

	for (size_t i = 0; copy && i < s.len; i++)
		copy[i] = ascii_lower(copy[i]);
	return str_from_len(copy, copy ? s.len : 0);
}

/* RFC 2253 text, UTF-8 kept as it is; control bytes come out escaped. */
static struct str name_text(struct arena *a, X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct str text = STR("");
	char *data;
	long len;

	if (!bio)
		return text;
	if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0) {
		len = BIO_get_mem_data(bio, &data);
		if (len > 0 && is_plain_text(str_from_len(data, (size_t)len)))
			text = arena_str(a, str_from_len(data, (size_t)len));
	}
	BIO_free(bio);
	return text;
}

static struct str common_name(struct arena *a, X509_NAME *name)
{
	struct str text = STR("");
	unsigned char *utf8;
	int at = -1, last = -1, len;

	while ((at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0)
		last = at;
	if (last < 0)
		return text;
	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
	if (len < 0)
		return text;
	if (is_plain_text(str_from_len((const char *)utf8, (size_t)len)))
		text = arena_str(a, str_from_len((const char *)utf8, (size_t)len));
	OPENSSL_free(utf8);
	return text;
}

/* All names of one kind (GEN_DNS, GEN_URI, GEN_EMAIL). */
static void collect_names(struct arena *a, const GENERAL_NAMES *names, int kind,
			  const struct str **ret_items, size_t *ret_count)
{
	int total = names ? sk_GENERAL_NAME_num(names) : 0;
	struct str *items;
	size_t count = 0;

	if (total <= 0)
		return;
	if (total > CERTIFICATE_MAX_NAMES)
		total = CERTIFICATE_MAX_NAMES;
	items = arena_alloc_array(a, (size_t)total, sizeof(*items));
	for (int i = 0; items && i < total; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_IA5STRING *ia5;
		struct str text;

		if (name->type != kind)
			continue;
		ia5 = name->d.ia5;
		text = str_from_len((const char *)ASN1_STRING_get0_data(ia5),
				    (size_t)ASN1_STRING_length(ia5));
		if (is_plain_text(text))
			items[count++] = kind == GEN_DNS ? lower(a, text) : arena_str(a, text);
	}
	*ret_items = items;
	*ret_count = items ? count : 0;
}

/* A Structured Field byte sequence (RFC 9440, section 2.2; RFC 8941, section 3.3.5). */
static struct str field_value(struct arena *a, const unsigned char *der, size_t len)
{
	struct buf text;
	struct str value;

	buf_init(&text, 2 * CERTIFICATE_MAX_BYTES);
	buf_append_char(&text, ':');
	base64_append(&text, der, len);
	buf_append_char(&text, ':');
	value = buf_failed(&text) ? STR("") : arena_str(a, buf_str(&text));
	buf_done(&text);
	return value;
}

static void read_names(struct owned_certificate *o, X509 *x509)
{
	struct client_certificate *c = &o->certificate;
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);

	c->subject = name_text(o->arena, X509_get_subject_name(x509));
	c->issuer = name_text(o->arena, X509_get_issuer_name(x509));
	c->common_name = common_name(o->arena, X509_get_subject_name(x509));
	collect_names(o->arena, names, GEN_DNS, &c->san_dns, &c->san_dns_count);
	collect_names(o->arena, names, GEN_URI, &c->san_uri, &c->san_uri_count);
	collect_names(o->arena, names, GEN_EMAIL, &c->san_email, &c->san_email_count);
	GENERAL_NAMES_free(names);
}

bool client_certificate_read(const unsigned char *der, size_t len, struct client_certificate **ret,
			     struct error *err)
{
	const unsigned char *p = der;
	struct owned_certificate *o;
	unsigned char digest[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];
	X509 *x509;

	if (len > CERTIFICATE_MAX_BYTES)
		return error_set(err, ERR_LIMIT, "the client certificate is larger than 64 KiB");
	x509 = d2i_X509(NULL, &p, (long)len);
	if (!x509 || p != der + len) {
		X509_free(x509);
		return error_set(err, ERR_SYNTAX, "the client certificate cannot be read");
	}
	o = calloc(1, sizeof(*o));
	if (o)
		o->arena = arena_new(CERTIFICATE_ARENA_BYTES);
	if (!o || !o->arena) {
		free(o);
		X509_free(x509);
		return error_set(err, ERR_NOMEM, "no memory for a client certificate");
	}
	read_names(o, x509);
	X509_free(x509);
	sha256(str_from_len((const char *)der, len), digest);
	hex_encode(digest, sizeof(digest), hex);
	o->certificate.fingerprint_sha256 = arena_str(o->arena, str_from(hex));
	o->certificate.field = field_value(o->arena, der, len);
	if (arena_overflowed(o->arena) || str_is_empty(o->certificate.field)) {
		client_certificate_free(&o->certificate);
		return error_set(err, ERR_LIMIT, "the client certificate is too large");
	}
	*ret = &o->certificate;
	return true;
}

void client_certificate_free(struct client_certificate *c)
{
	struct owned_certificate *o;

	if (!c)
		return;
	o = CONTAINER_OF(c, struct owned_certificate, certificate);
	arena_free(o->arena);
	free(o);
}
