/*
 * tests/support/tls_pair.h - certificates with names and purposes, a listener's TLS
 * configuration of their files, and handshakes in memory against it.
 */
#ifndef SALLYPORT_TESTS_SUPPORT_TLS_PAIR_H
#define SALLYPORT_TESTS_SUPPORT_TLS_PAIR_H

#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "front/tls_private.h"
#include "tests/support/certificates.h"
#include "tests/support/folder.h"
#include "tests/unit/base/check.h"

/* What stands in a certificate. */
struct tls_spec {
	const char *name;    /* the CN */
	const char *names;   /* "DNS:a.example,DNS:*.b.example"; NULL: none */
	const char *purpose; /* "serverAuth", "clientAuth"; NULL: says nothing */
	bool is_ca;
	bool is_rsa;
	bool is_expired;
};

static inline void tls_add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* Signed by issuer, or by itself (NULL). */
static inline struct test_certificate tls_make(struct tls_spec spec,
					       const struct test_certificate *issuer)
{
	struct test_certificate c =
		test_certificate_make(spec.name, spec.is_rsa ? EVP_RSA_gen(2048) : test_key_ec(),
				      issuer, spec.is_expired ? 0 : 30);
	X509 *x = c.certificate, *by = issuer ? issuer->certificate : x;

	tls_add_extension(x, by, NID_basic_constraints,
			  spec.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (spec.is_ca)
		tls_add_extension(x, by, NID_key_usage, "critical,keyCertSign,cRLSign");
	if (spec.names)
		tls_add_extension(x, by, NID_subject_alt_name, spec.names);
	if (spec.purpose)
		tls_add_extension(x, by, NID_ext_key_usage, spec.purpose);
	assert_true(X509_sign(x, issuer ? issuer->key : c.key, EVP_sha256()) > 0);
	return c;
}

/* NAME.pem and NAME.key of a folder. */
static inline void tls_write(const struct test_folder *folder, const char *name,
			     const struct test_certificate *c, const struct test_certificate *above)
{
	char file[128];

	snprintf(file, sizeof(file), "%s.pem", name);
	test_chain_write(folder->path, file, c, above, NULL);
	snprintf(file, sizeof(file), "%s.key", name);
	test_key_write(folder->path, file, c->key, 0600, NULL);
}

enum { TLS_CONFIG_MAX = 8 };

/* A listener whose certificates are files of a folder. */
struct tls_listener {
	struct listener_config config;
	struct certificate_config certificates[TLS_CONFIG_MAX];
	char texts[2 * TLS_CONFIG_MAX + 1][160];
};

static inline void tls_listener_init(struct tls_listener *l, const char *name)
{
	*l = (struct tls_listener){.config = {.name = str_from(name),
					      .address = STR("127.0.0.1:0"),
					      .has_tls = true,
					      .timeouts = {5000, 5000, 5000, 5000}}};
	l->config.tls.certificates.items = l->certificates;
}

static inline void tls_listener_add(struct tls_listener *l, const struct test_folder *folder,
				    const char *name)
{
	size_t i = l->config.tls.certificates.count++;

	assert_true(i < TLS_CONFIG_MAX);
	snprintf(l->texts[2 * i], sizeof(l->texts[0]), "%s/%s.pem", folder->path, name);
	snprintf(l->texts[2 * i + 1], sizeof(l->texts[0]), "%s/%s.key", folder->path, name);
	l->certificates[i].chain = str_from(l->texts[2 * i]);
	l->certificates[i].key = str_from(l->texts[2 * i + 1]);
}

static inline void tls_listener_demand(struct tls_listener *l, const struct test_folder *folder,
				       int mode, const char *authorities)
{
	char *text = l->texts[2 * TLS_CONFIG_MAX];

	snprintf(text, sizeof(l->texts[0]), "%s/%s.pem", folder->path, authorities);
	l->config.tls.client_certificate.mode = mode;
	l->config.tls.client_certificate.authorities = str_from(text);
}

static inline struct tls_server *tls_listener_server(const struct tls_listener *l,
						     struct tls_tickets *tickets)
{
	struct tls_server *s = NULL;
	struct error err = {0};

	if (!tls_server_new(&l->config, tickets, &s, &err))
		fail_msg("%s: %s", err.file, err.text);
	return s;
}

/* --- a client in memory */

struct tls_hello {
	const char *sni;	      /* NULL: none */
	const char *alpn;	      /* wire format; NULL: none */
	const char *sigalgs;	      /* NULL: OpenSSL's own */
	const char *ciphers;	      /* of TLS 1.2; NULL: OpenSSL's own */
	int min_version, max_version; /* 0: OpenSSL's own */
	const struct test_certificate *certificate;
	SSL_SESSION *session; /* to resume; NULL: none */
};

/* What came of it. */
struct tls_result {
	bool done; /* both sides think so, and data passes both ways */
	bool is_resumed;
	char version[16];
	char alpn[16];
	X509 *server_certificate; /* one reference each; NULL: none */
	X509 *client_certificate; /* as the server sees it */
	int server_chain;	  /* certificates the server sent */
	SSL_SESSION *session;	  /* one reference; NULL: no ticket came */
};

static inline int tls_keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_result *r = SSL_get_app_data(ssl);

	SSL_SESSION_free(r->session);
	r->session = session;
	return 1;
}

static inline SSL *tls_client_new(const struct tls_hello *hello, struct tls_result *r)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;

	assert_non_null(ctx);
	SSL_CTX_set_security_level(ctx, 0); /* old protocols may be tried */
	SSL_CTX_set_session_cache_mode(ctx,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(ctx, tls_keep_session);
	if (hello->certificate) {
		assert_int_equal(SSL_CTX_use_certificate(ctx, hello->certificate->certificate), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(ctx, hello->certificate->key), 1);
	}
	assert_int_equal(SSL_CTX_set_min_proto_version(ctx, hello->min_version), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(ctx, hello->max_version), 1);
	if (hello->sigalgs)
		assert_int_equal(SSL_CTX_set1_sigalgs_list(ctx, hello->sigalgs), 1);
	if (hello->ciphers)
		assert_int_equal(SSL_CTX_set_cipher_list(ctx, hello->ciphers), 1);
	ssl = SSL_new(ctx);
	assert_non_null(ssl);
	SSL_CTX_free(ctx);
	SSL_set_app_data(ssl, r);
	if (hello->sni)
		assert_int_equal(SSL_set_tlsext_host_name(ssl, hello->sni), 1);
	if (hello->alpn)
		assert_int_equal(SSL_set_alpn_protos(ssl, (const unsigned char *)hello->alpn,
						     (unsigned)strlen(hello->alpn)),
				 0);
	if (hello->session)
		assert_int_equal(SSL_set_session(ssl, hello->session), 1);
	SSL_set_connect_state(ssl);
	return ssl;
}

static inline bool tls_exchange_bytes(SSL *client, SSL *server)
{
	char byte;

	for (int round = 0; round < 20; round++) {
		int c = SSL_do_handshake(client), s = SSL_do_handshake(server);

		if (c == 1 && s == 1)
			break;
		if ((c != 1 && SSL_get_error(client, c) != SSL_ERROR_WANT_READ) ||
		    (s != 1 && SSL_get_error(server, s) != SSL_ERROR_WANT_READ))
			return false;
	}
	if (!SSL_is_init_finished(client) || !SSL_is_init_finished(server))
		return false;
	return SSL_write(client, "a", 1) == 1 && SSL_read(server, &byte, 1) == 1 && byte == 'a' &&
	       SSL_write(server, "b", 1) == 1 && SSL_read(client, &byte, 1) == 1 && byte == 'b';
}

static inline struct tls_result tls_try(struct tls_server *s, const struct tls_hello *hello)
{
	struct tls_result r = {.done = false};
	SSL *client = tls_client_new(hello, &r), *server = SSL_new(s->ctx);
	BIO *client_side, *server_side;
	const unsigned char *alpn;
	unsigned alpn_len;

	assert_non_null(server);
	assert_int_equal(BIO_new_bio_pair(&client_side, 65536, &server_side, 65536), 1);
	SSL_set_bio(client, client_side, client_side);
	SSL_set_bio(server, server_side, server_side);
	SSL_set_accept_state(server);
	r.done = tls_exchange_bytes(client, server);
	if (r.done) {
		r.is_resumed = SSL_session_reused(client) && SSL_session_reused(server);
		snprintf(r.version, sizeof(r.version), "%s", SSL_get_version(server));
		SSL_get0_alpn_selected(client, &alpn, &alpn_len);
		snprintf(r.alpn, sizeof(r.alpn), "%.*s", (int)alpn_len,
			 alpn ? (const char *)alpn : "");
		r.server_certificate = SSL_get1_peer_certificate(client);
		r.client_certificate = SSL_get1_peer_certificate(server);
		r.server_chain = SSL_get_peer_cert_chain(client)
					 ? sk_X509_num(SSL_get_peer_cert_chain(client))
					 : 0;
		SSL_shutdown(client); /* so that its session may be resumed */
	}
	SSL_free(client);
	SSL_free(server);
	ERR_clear_error();
	return r;
}

static inline void tls_result_done(struct tls_result *r)
{
	X509_free(r->server_certificate);
	X509_free(r->client_certificate);
	SSL_SESSION_free(r->session);
	*r = (struct tls_result){.done = false};
}

/* The CN of a certificate; "(none)" without one. Storage of the next call. */
static inline const char *tls_name_of(X509 *x)
{
	static char name[128];

	if (!x)
		return "(none)";
	X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name, sizeof(name));
	return name;
}

#endif
