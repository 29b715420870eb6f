/*
 * front/tls_stream.h - one TLS connection, ended here and joined to HTTP by a socket pair.
 *
 *     HANDSHAKE --done--> OPEN --either side ends--> CLOSING --flushed--> closed
 *        any --deadline, failure--> closed
 *
 * HANDSHAKE  no HTTP yet; the handshake deadline runs
 * OPEN       bytes flow both ways between SSL and the pair, at most one record each way
 *            is held; a side that does not take bytes stops the reading of the other
 * CLOSING    one side ended: what is held is flushed, close_notify is sent, the socket
 *            lingers shortly so that the last answer is not reset away
 */
#ifndef SALLYPORT_FRONT_TLS_STREAM_H
#define SALLYPORT_FRONT_TLS_STREAM_H

#include "front/http1.h"
#include "front/tls.h"

struct tls_stream;

/*
 * Take an accepted, non-blocking socket, do the handshake and hand the plain side to
 * http1_serve(). Takes fd in every case. on_closed(arg) runs once when all is over,
 * from the loop; NULL is returned when it could not even start (then it does not run).
 */
struct tls_stream *tls_stream_accept(struct loop *loop, struct tls_server *server,
				     struct http1 *http1, const struct listener_config *config, int fd,
				     const struct sockaddr *peer, socklen_t peer_len,
				     void (*on_closed)(void *arg), void *arg);
/* Cut at once (draining is over). on_closed runs. */
void tls_stream_abort(struct tls_stream *s);

#endif
