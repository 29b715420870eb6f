/*
 * front/tls_stream.c - bytes between a TLS connection and the socket pair HTTP reads.
 *
 * Both descriptors are registered once, edge-triggered, so that moving bytes needs no
 * epoll_ctl: whatever the event, both directions are pumped until they block. An idle
 * connection holds no buffer of ours: bytes pass through a scratch buffer of the
 * thread, and only what could not be handed on is kept.
 */
#include "front/tls_stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/tls_private.h"

enum {
	RECORD_BYTES = 16 * 1024,	/* one TLS record: what a direction holds at most */
	ROUNDS_AT_ONCE = 16,		/* records moved before the loop looks elsewhere */
	LINGER_MS = 2000,		/* for the client to read our last bytes and close */
	REPORT_MS = 1000,
};

enum stream_state { STREAM_HANDSHAKE, STREAM_OPEN, STREAM_CLOSING, STREAM_CLOSED };

/* Bytes of one direction that could not be handed on yet. */
struct held {
	char *bytes;			/* RECORD_BYTES, only while something is held */
	size_t start, len;
};

struct tls_stream {
	struct connection connection;	/* first seen by HTTP once the handshake is done */
	struct loop *loop;
	struct tls_server *server;
	const struct listener_config *config;
	struct http1 *http1;
	SSL *ssl;
	enum stream_state state;
	struct watch outer;		/* the client's socket */
	struct watch inner;		/* our end of the pair */
	struct timer timer;		/* handshake, then linger */
	struct task again;		/* pump once more, after others had their turn */
	struct held to_client, to_http;
	bool client_ended;		/* it sends no more */
	bool http_ended;		/* HTTP closed its end */
	bool http_has_connection;	/* on_closed of the connection is still to come */
	struct client_certificate *certificate;
	char sni[256];
	struct sockaddr_storage peer;
	socklen_t peer_len;
	void (*on_closed)(void *arg);
	void *on_closed_arg;
};

static _Thread_local char scratch[RECORD_BYTES];

static void stream_drop_input(struct tls_stream *s);

/* --- the end */

static void held_done(struct held *h)
{
	free(h->bytes);
	*h = (struct held){NULL, 0, 0};
}

/* Free it once HTTP has let go of the connection that is part of it. */
static void stream_release(struct tls_stream *s)
{
	if (s->state != STREAM_CLOSED || s->http_has_connection)
		return;
	loop_cancel_deferred(s->loop, &s->again);
	client_certificate_free(s->certificate);
	tls_server_unref(s->server);
	s->on_closed(s->on_closed_arg);
	free(s);
}

static void stream_close(struct tls_stream *s)
{
	int outer = s->outer.fd, inner = s->inner.fd;

	if (s->state == STREAM_CLOSED)
		return;
	s->state = STREAM_CLOSED;
	timer_cancel(&s->timer);
	watch_stop(&s->outer);
	watch_stop(&s->inner);
	SSL_free(s->ssl);
	s->ssl = NULL;
	if (outer >= 0)
		(void)close(outer);
	if (inner >= 0)
		(void)close(inner);
	held_done(&s->to_client);
	held_done(&s->to_http);
	loop_defer(s->loop, &s->again);	/* release from the loop: callers still hold s */
}

static void on_http_closed(struct connection *c)
{
	struct tls_stream *s = CONTAINER_OF(c, struct tls_stream, connection);

	s->http_has_connection = false;
	/* What HTTP left to be sent is the client's to take, but not for ever. */
	if (s->state == STREAM_OPEN &&
	    !timer_set(s->loop, &s->timer, clock_ms() + s->config->timeouts.body_ms))
		stream_close(s);
	stream_release(s);
}

/* Everything is flushed: say goodbye, then wait shortly for the client to close first. */
static void stream_linger(struct tls_stream *s)
{
	if (s->state != STREAM_OPEN)
		return;
	s->state = STREAM_CLOSING;
	ERR_clear_error();
	(void)SSL_shutdown(s->ssl);	/* one attempt: close_notify fits, or the client is gone */
	(void)shutdown(s->outer.fd, SHUT_WR);
	if (s->client_ended || !timer_set(s->loop, &s->timer, clock_ms() + LINGER_MS))
		stream_close(s);
	else
		stream_drop_input(s);	/* what has come already raises no event again */
}

/* What the client still sends is read and dropped, so that the kernel does not reset. */
static void stream_drop_input(struct tls_stream *s)
{
	for (int i = 0; i < ROUNDS_AT_ONCE; i++) {
		ssize_t n = recv(s->outer.fd, scratch, sizeof(scratch), 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			stream_close(s);
			return;
		}
	}
	loop_defer(s->loop, &s->again);	/* it keeps talking: until the timer ends it */
}

/* --- bytes */

static bool held_keep(struct held *h, const char *bytes, size_t len)
{
	if (!h->bytes)
		h->bytes = malloc(RECORD_BYTES);
	if (!h->bytes)
		return false;
	memcpy(h->bytes, bytes, len);
	h->start = 0;
	h->len = len;
	return true;
}

/* How a direction stands after a step. */
enum moved { MOVED, BLOCKED, ENDED, BROKEN };

static enum moved ssl_outcome(SSL *ssl, int result)
{
	switch (SSL_get_error(ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return BLOCKED;
	case SSL_ERROR_ZERO_RETURN:
		return ENDED;
	default:
		return BROKEN;
	}
}

/* Hand bytes to HTTP; ret_taken of them went. */
static enum moved send_to_http(struct tls_stream *s, const char *bytes, size_t len, size_t *ret_taken)
{
	ssize_t n = send(s->inner.fd, bytes, len, MSG_NOSIGNAL);

	*ret_taken = n > 0 ? (size_t)n : 0;
	if (n >= 0)
		return *ret_taken == len ? MOVED : BLOCKED;
	return errno == EAGAIN || errno == EINTR ? BLOCKED : ENDED;
}

static enum moved send_to_client(struct tls_stream *s, const char *bytes, size_t len,
				 size_t *ret_taken)
{
	int n;

	ERR_clear_error();
	n = SSL_write(s->ssl, bytes, (int)len);
	*ret_taken = n > 0 ? (size_t)n : 0;
	if (n <= 0)
		return ssl_outcome(s->ssl, n);
	return *ret_taken == len ? MOVED : BLOCKED;
}

/* First what is held, so that order stays. MOVED: nothing is held any more. */
static enum moved held_flush(struct tls_stream *s, struct held *h,
			     enum moved (*hand_on)(struct tls_stream *, const char *, size_t, size_t *))
{
	while (h->len) {
		size_t taken = 0;
		enum moved m = hand_on(s, h->bytes + h->start, h->len, &taken);

		h->start += taken;
		h->len -= taken;
		if (m != MOVED && (m != BLOCKED || !taken))
			return m;
	}
	held_done(h);
	return MOVED;
}

static enum moved hand_on_all(struct tls_stream *s, struct held *h, size_t len,
			      enum moved (*hand_on)(struct tls_stream *, const char *, size_t,
						    size_t *))
{
	size_t taken = 0;
	enum moved m = hand_on(s, scratch, len, &taken);

	if (m == MOVED || m == ENDED || m == BROKEN)
		return m;
	if (!held_keep(h, scratch + taken, len - taken))
		return BROKEN;
	return taken ? held_flush(s, h, hand_on) : BLOCKED;
}

/* One record from the client to HTTP. */
static enum moved move_in(struct tls_stream *s)
{
	enum moved m = held_flush(s, &s->to_http, send_to_http);
	int n;

	if (m != MOVED)
		return m;
	if (s->client_ended)
		return ENDED;
	ERR_clear_error();
	n = SSL_read(s->ssl, scratch, sizeof(scratch));
	if (n > 0) {
		s->connection.has_received = true;
		return hand_on_all(s, &s->to_http, (size_t)n, send_to_http);
	}
	m = ssl_outcome(s->ssl, n);
	if (m == ENDED || m == BROKEN) {
		s->client_ended = true;
		(void)shutdown(s->inner.fd, SHUT_WR);
		return ENDED;
	}
	return m;
}

/* One piece from HTTP to the client. */
static enum moved move_out(struct tls_stream *s)
{
	enum moved m = held_flush(s, &s->to_client, send_to_client);
	ssize_t n;

	if (m != MOVED)
		return m;
	if (s->http_ended)
		return ENDED;
	n = recv(s->inner.fd, scratch, sizeof(scratch), 0);
	if (n > 0)
		return hand_on_all(s, &s->to_client, (size_t)n, send_to_client);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return BLOCKED;
	s->http_ended = true;
	return ENDED;
}

static void stream_pump(struct tls_stream *s)
{
	enum moved in = MOVED, out = MOVED;

	for (int i = 0; i < ROUNDS_AT_ONCE; i++) {
		if (in == MOVED)
			in = move_in(s);
		if (out == MOVED)
			out = move_out(s);
		if (out == BROKEN || in == BROKEN) {
			stream_close(s);
			return;
		}
		if (out == ENDED) {
			stream_linger(s);
			return;
		}
		if (in != MOVED && out != MOVED)
			return;
	}
	loop_defer(s->loop, &s->again);
}

/* --- the handshake */

/* Out of descriptors or memory it would be one line per connection: one a second tells as much. */
static void stream_report(const struct error *err)
{
	static _Thread_local int64_t reported_ms = INT64_MIN / 2;

	if (clock_ms() - reported_ms < REPORT_MS)
		return;
	reported_ms = clock_ms();
	log_warning("TLS connections are closed: %s", err->text);
}

static void note_sni(struct tls_stream *s)
{
	const char *name = SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name);
	struct str sni = str_from(name);

	if (sni.len && sni.ptr[sni.len - 1] == '.')
		sni = str_slice(sni, 0, sni.len - 1);
	if (!str_copy(s->sni, sizeof(s->sni), sni))
		return;
	for (char *c = s->sni; *c; c++)
		*c = ascii_lower(*c);
}

static bool note_certificate(struct tls_stream *s, struct error *err)
{
	X509 *x509 = SSL_get0_peer_certificate(s->ssl);
	unsigned char *der = NULL;
	int len;
	bool ok;

	if (!x509)
		return true;
	if (SSL_get_verify_result(s->ssl) != X509_V_OK)
		return error_set(err, ERR_DENIED, "the client certificate was not verified");
	len = i2d_X509(x509, &der);
	if (len <= 0)
		return error_set(err, ERR_SYNTAX, "the client certificate cannot be written");
	ok = client_certificate_read(der, (size_t)len, &s->certificate, err);
	OPENSSL_free(der);
	return ok;
}

static bool stream_covers(const struct exchange_peer *peer, struct str host)
{
	const struct tls_stream *s = CONTAINER_OF(peer, struct tls_stream, connection.peer);

	return tls_certificates_same(s->server, str_from(peer->sni), host);
}

/* The handshake is done: give HTTP the other end of a pair. */
static bool stream_open(struct tls_stream *s, struct error *err)
{
	struct exchange_peer *peer = &s->connection.peer;
	int pair[2];

	note_sni(s);
	if (!note_certificate(s, err))
		return false;
	peer->is_tls = true;
	peer->tls_version = SSL_get_version(s->ssl);
	peer->sni = s->sni;
	peer->certificate = s->certificate;
	peer->covers = stream_covers;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(err, errno, "no socket pair for a TLS connection");
	if (!loop_watch(s->loop, &s->inner, pair[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, err)) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return false;
	}
	s->state = STREAM_OPEN;
	timer_cancel(&s->timer);
	s->connection.timeouts = &s->config->timeouts;
	s->connection.on_closed = on_http_closed;
	s->http_has_connection = true;
	if (!http1_serve(s->http1, &s->connection, pair[1], (const struct sockaddr *)&s->peer,
			 s->peer_len)) {
		s->http_has_connection = false;
		return error_set(err, ERR_LIMIT, "HTTP takes no more connections");
	}
	return true;
}

static void stream_handshake(struct tls_stream *s)
{
	struct error err = {.kind = ERR_NONE};
	int n;

	ERR_clear_error();
	n = SSL_accept(s->ssl);
	if (n != 1) {
		if (ssl_outcome(s->ssl, n) != BLOCKED)
			stream_close(s);	/* OpenSSL has sent its alert */
		return;
	}
	if (!stream_open(s, &err)) {
		stream_report(&err);
		stream_close(s);
		return;
	}
	stream_pump(s);
}

/* --- events */

static void stream_go_on(struct tls_stream *s)
{
	switch (s->state) {
	case STREAM_HANDSHAKE:
		stream_handshake(s);
		return;
	case STREAM_OPEN:
		stream_pump(s);
		return;
	case STREAM_CLOSING:
		stream_drop_input(s);
		return;
	case STREAM_CLOSED:
		stream_release(s);
		return;
	}
}

static void on_outer(struct watch *w, uint32_t events)
{
	struct tls_stream *s = CONTAINER_OF(w, struct tls_stream, outer);

	/* While open we have not ended our side: a hang-up is a reset, seen even when reading waits. */
	if (s->state == STREAM_OPEN && (events & (EPOLLERR | EPOLLHUP)))
		stream_close(s);
	else
		stream_go_on(s);
}

static void on_inner(struct watch *w, uint32_t events)
{
	struct tls_stream *s = CONTAINER_OF(w, struct tls_stream, inner);

	(void)events;
	if (s->state == STREAM_OPEN)
		stream_pump(s);
}

static void on_again(struct task *t)
{
	stream_go_on(CONTAINER_OF(t, struct tls_stream, again));
}

/* The handshake took too long, or the client did not close. */
static void on_timer(struct timer *t)
{
	stream_close(CONTAINER_OF(t, struct tls_stream, timer));
}

void tls_stream_abort(struct tls_stream *s)
{
	stream_close(s);
}

static bool stream_start(struct tls_stream *s, int fd, struct error *err)
{
	if (!loop_watch(s->loop, &s->outer, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, err))
		return false;
	ERR_clear_error();
	s->ssl = SSL_new(s->server->ctx);
	if (!s->ssl || SSL_set_fd(s->ssl, fd) != 1)
		return error_set(err, ERR_NOMEM, "no memory for a TLS connection");
	return timer_set(s->loop, &s->timer, clock_ms() + s->config->timeouts.handshake_ms) ||
	       error_set(err, ERR_NOMEM, "no memory for a handshake's deadline");
}

struct tls_stream *tls_stream_accept(struct loop *loop, struct tls_server *server,
				     struct http1 *http1, const struct listener_config *config, int fd,
				     const struct sockaddr *peer, socklen_t peer_len,
				     void (*on_closed)(void *arg), void *arg)
{
	struct tls_stream *s = calloc(1, sizeof(*s));
	struct error err = {.kind = ERR_NONE};

	if (!s) {
		(void)close(fd);
		return NULL;
	}
	s->loop = loop;
	s->http1 = http1;
	s->config = config;
	s->outer = (struct watch)WATCH_INIT(on_outer);
	s->inner = (struct watch)WATCH_INIT(on_inner);
	s->timer = (struct timer)TIMER_INIT(on_timer);
	s->again.run = on_again;
	s->on_closed = on_closed;
	s->on_closed_arg = arg;
	if (peer_len > sizeof(s->peer))
		goto out;
	memcpy(&s->peer, peer, peer_len);
	s->peer_len = peer_len;
	if (!ip_from_sockaddr(peer, &s->connection.peer.ip, &s->connection.peer.port))
		goto out;
	s->server = tls_server_ref(server);
	if (!stream_start(s, fd, &err)) {
		stream_report(&err);
		goto out;
	}
	return s;
out:
	watch_stop(&s->outer);
	timer_cancel(&s->timer);
	SSL_free(s->ssl);
	tls_server_unref(s->server);
	free(s);
	(void)close(fd);
	return NULL;
}
