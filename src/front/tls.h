/*
 * front/tls.h - TLS of a listener: certificates, versions, client certificates, resumption.
 *
 * One tls_server per listener and configuration generation, immutable, shared by all
 * workers. OpenSSL ends TLS in front of libmicrohttpd (docs/decisions/).
 */
#ifndef SALLYPORT_FRONT_TLS_H
#define SALLYPORT_FRONT_TLS_H

#include "front/front_config.h"

/*
 * Keys of session tickets, shared by all workers and listeners and kept across
 * reloads. A key is used for new tickets for 12 hours and accepted for 24.
 */
struct tls_tickets;
MUST_CHECK struct tls_tickets *tls_tickets_new(void);
void tls_tickets_free(struct tls_tickets *t);		/* wipes; NULL is fine */

struct tls_server;
/*
 * Build from a listener's configuration: reads certificates, keys and authorities.
 * TLS 1.2 (ECDHE with AEAD only) and 1.3; certificates chosen by SNI (exact name, then
 * wildcard, then the first of the list), an RSA and an ECDSA one may share names; ALPN
 * "http/1.1" (with room for "h2"). No renegotiation, no compression, no early data.
 * mode optional asks for a certificate, required fails the handshake without one; a
 * certificate that does not verify (clientAuth purpose, the listener's authorities)
 * fails it in both modes, also when a session is resumed. Tickets are bound to the
 * listener and its authorities (session id context), so that a session made under other
 * demands is not resumed.
 * Errors name the file: ERR_NOT_FOUND, ERR_IO, ERR_SYNTAX, ERR_DENIED (a key that others can read).
 */
MUST_CHECK bool tls_server_new(const struct listener_config *config, struct tls_tickets *tickets,
			       struct tls_server **ret, struct error *err);
struct tls_server *tls_server_ref(struct tls_server *s);
void tls_server_unref(struct tls_server *s);		/* NULL is fine */

#endif
