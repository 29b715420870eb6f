/*
 * front/tls_private.h - the inside of a tls_server, for tls.c, tls_certificates.c and
 * tls_stream.c only.
 */
#ifndef SALLYPORT_FRONT_TLS_PRIVATE_H
#define SALLYPORT_FRONT_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "front/tls.h"

/* One certificate with its key and chain, and the names it is chosen by. */
struct tls_certificate {
	X509 *leaf;
	STACK_OF(X509) *chain;
	EVP_PKEY *key;
	struct str *names;		/* lower case; "*.example.com" for wildcards; owned */
	size_t names_count;
};

struct tls_server {
	_Atomic unsigned refs;
	SSL_CTX *ctx;
	struct tls_tickets *tickets;
	int client_certificate_mode;	/* enum client_certificate_mode */
	struct tls_certificate *certificates;
	size_t certificates_count;
};

MUST_CHECK bool tls_certificates_load(struct tls_server *s, const struct listener_config *config,
				      struct error *err);
void tls_certificates_free(struct tls_server *s);
/* Put the certificates for a name into one handshake: at most one of each key type. */
MUST_CHECK bool tls_certificates_install(const struct tls_server *s, SSL *ssl, struct str name);

/* Are two names shown the same certificates? */
bool tls_certificates_same(const struct tls_server *s, struct str a, struct str b);

/* Record what and OpenSSL's reason, with the file at fault. Always false. */
bool tls_error(struct error *err, enum error_kind kind, struct str file, const char *what);

#endif
