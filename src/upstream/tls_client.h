/*
 * upstream/tls_client.h - TLS towards https servers: trust, names, resumption.
 *
 * The server is verified by the upstream's authorities and by name (RFC 9525: subject
 * alternative names only, the common name counts for nothing). Descriptors are the
 * caller's; nothing here waits. Errors are one clause without the name of the server,
 * which the caller knows.
 */
#ifndef SALLYPORT_UPSTREAM_TLS_CLIENT_H
#define SALLYPORT_UPSTREAM_TLS_CLIENT_H

#include <sys/types.h>

#include "upstream/upstream_config.h"

/* What all connections to an upstream share. Belongs to one thread. */
struct tls_client;
/* Reads the authorities: ERR_IO, ERR_SYNTAX, ERR_NOMEM. */
MUST_CHECK bool tls_client_new(const struct upstream_config *config, struct tls_client **ret,
			       struct error *err);
void tls_client_free(struct tls_client *t);		/* NULL is fine */

/*
 * The newest session of one server, for resumption. Zeroed at first. It is forgotten an
 * hour after the last full handshake: a resumed one verifies nothing, and a server that
 * hands out a new ticket each time would never be verified again.
 */
struct ssl_session_st;
struct tls_resumption {
	struct ssl_session_st *session;
	int64_t verified_ms;
};
void tls_resumption_done(struct tls_resumption *r);

struct tls_link;
/*
 *   host         of the server's URL: wanted in its certificate and sent as SNI, unless
 *                the upstream has a server_name
 *   resumption   lives as long as the link
 */
MUST_CHECK struct tls_link *tls_link_new(struct tls_client *t, int fd, struct str host,
					 struct tls_resumption *resumption, struct error *err);
/* Says goodbye (close_notify) where TLS is up. Does not close the descriptor. NULL is fine. */
void tls_link_free(struct tls_link *l);

enum {
	TLS_WAIT = 0,		/* when the descriptor is ready, again */
	TLS_END = -1,		/* close_notify: the peer has said all */
	TLS_BROKEN = -2,	/* err says why */
};
int tls_link_handshake(struct tls_link *l, struct error *err);	/* 1 when up, WAIT, BROKEN */
ssize_t tls_link_read(struct tls_link *l, char *out, size_t max, struct error *err);
/* After TLS_WAIT the same bytes must come again, maybe elsewhere and with more behind them. */
ssize_t tls_link_write(struct tls_link *l, const char *data, size_t len, struct error *err);
/* Does what waits need the descriptor to be writable? */
bool tls_link_wants_write(const struct tls_link *l);
/* Is TLS up with nothing to read, decrypted or not? Takes what is no data: tickets. */
bool tls_link_is_quiet(struct tls_link *l);

#endif
