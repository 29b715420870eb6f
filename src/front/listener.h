/*
 * front/listener.h - accepting connections: one socket per listener and worker, all bound
 * to the same address with SO_REUSEPORT, so that the kernel spreads clients and the
 * workers share nothing.
 */
#ifndef SALLYPORT_FRONT_LISTENER_H
#define SALLYPORT_FRONT_LISTENER_H

#include "front/http1.h"
#include "front/tls.h"

/* Bind before any worker runs, so that faults show at start. */
MUST_CHECK bool listener_bind(const struct listener_config *config, int *ret_fd, struct error *err);

/*
 * Is the address free? Sockets that share a port do not notice another process of the
 * same user that shares it too, so one exclusive bind is tried first.
 */
MUST_CHECK bool listener_check_address(const struct listener_config *config, struct error *err);

/* How many connections the listeners of one worker may have open together. */
struct connection_quota {
	size_t open, max;
};

struct listener;
/*
 * Accept on fd (taken) for one worker. server is NULL for a plain listener, else one
 * reference is taken. quota outlives the listener; what goes beyond it is left in the
 * backlog. Running out of descriptors pauses accepting
 * for 100 ms instead of spinning, and is logged once a second.
 */
MUST_CHECK bool listener_new(struct loop *loop, struct http1 *http1,
			     const struct listener_config *config, struct tls_server *server, int fd,
			     struct connection_quota *quota, struct listener **ret,
			     struct error *err);
/* Its connections are of the admin address (peer.is_admin). */
void listener_set_admin(struct listener *l);
/* A new configuration generation: for connections accepted from now on. */
void listener_set_tls(struct listener *l, struct tls_server *server);
void listener_stop(struct listener *l);		/* close the listening socket, keep connections */
void listener_abort(struct listener *l);	/* cut all connections, plain ones through http1_abort */
size_t listener_connections(const struct listener *l);
void listener_free(struct listener *l);		/* no connection may be left; NULL is fine */

#endif
