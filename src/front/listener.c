/*
 * front/listener.c - accepting, and keeping count of what was accepted.
 */
#include "front/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/tls_stream.h"

enum {
	BACKLOG = 1024,
	ACCEPTS_AT_ONCE = 64,		/* before the loop looks elsewhere */
	PAUSE_MS = 100,			/* when there are no descriptors, or too many connections */
	REPORT_MS = 1000,
};

/* One accepted connection, in the listener's list: plain ones hold HTTP's struct themselves. */
struct accepted {
	struct listener *listener;
	struct accepted *next, *previous;
	struct tls_stream *stream;	/* NULL for a plain one */
	struct connection connection;	/* of a plain one */
};

struct listener {
	struct loop *loop;
	struct http1 *http1;
	const struct listener_config *config;
	struct tls_server *server;
	struct watch watch;
	struct timer pause;
	struct accepted *accepted;
	size_t count;
	struct connection_quota *quota;
	bool is_admin;
	bool stopped;
	int64_t reported_ms;
};

static bool set_option(int fd, int level, int name, struct error *err)
{
	int on = 1;

	return setsockopt(fd, level, name, &on, sizeof(on)) == 0 ||
	       error_set_errno(err, errno, "a socket option cannot be set");
}

static int listener_socket(const struct listener_config *config, bool shared, struct error *err)
{
	const struct endpoint *e = &config->endpoint;
	int family = e->addr.ss_family;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		error_set_errno(err, errno, "no socket for listener \"%s\"", config->name.ptr);
		return -1;
	}
	if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR, err) ||
	    (shared && !set_option(fd, SOL_SOCKET, SO_REUSEPORT, err)) ||
	    (family == AF_INET6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, err)))
		goto out;
	if (bind(fd, (const struct sockaddr *)&e->addr, e->len) < 0) {
		error_set_errno(err, errno, "listener \"%s\" cannot use the address %s",
				config->name.ptr, config->address.ptr);
		goto out;
	}
	return fd;
out:
	(void)close(fd);
	return -1;
}

bool listener_check_address(const struct listener_config *config, struct error *err)
{
	int fd = listener_socket(config, false, err);

	if (fd < 0)
		return false;
	(void)close(fd);
	return true;
}

bool listener_bind(const struct listener_config *config, int *ret_fd, struct error *err)
{
	int fd = listener_socket(config, true, err);

	if (fd < 0)
		return false;
	if (listen(fd, BACKLOG) < 0) {
		error_set_errno(err, errno, "listener \"%s\" cannot listen on %s", config->name.ptr,
				config->address.ptr);
		(void)close(fd);
		return false;
	}
	*ret_fd = fd;
	return true;
}

/* --- accepted connections */

static void listener_resume(struct listener *l);

static void accepted_free(struct accepted *a)
{
	struct listener *l = a->listener;

	if (a->previous)
		a->previous->next = a->next;
	else
		l->accepted = a->next;
	if (a->next)
		a->next->previous = a->previous;
	l->count--;
	l->quota->open--;
	free(a);
	if (l->quota->open + 1 == l->quota->max)
		listener_resume(l);
}

static void on_stream_closed(void *arg)
{
	accepted_free(arg);
}

static void on_plain_closed(struct connection *c)
{
	accepted_free(CONTAINER_OF(c, struct accepted, connection));
}

static void peer_describe(struct listener *l, struct exchange_peer *peer)
{
	peer->tls_version = "";
	peer->sni = "";
	peer->is_admin = l->is_admin;
	peer->redirect_to_https = l->config->redirect_to_https;
	peer->redirect_port = l->config->redirect_port;
}

static bool serve_plain(struct listener *l, struct accepted *a, int fd, const struct sockaddr *peer,
			socklen_t peer_len)
{
	if (!ip_from_sockaddr(peer, &a->connection.peer.ip, &a->connection.peer.port)) {
		(void)close(fd);
		return false;
	}
	peer_describe(l, &a->connection.peer);
	a->connection.timeouts = &l->config->timeouts;
	a->connection.on_closed = on_plain_closed;
	return http1_serve(l->http1, &a->connection, fd, peer, peer_len);
}

static bool serve_tls(struct listener *l, struct accepted *a, int fd, const struct sockaddr *peer,
		      socklen_t peer_len)
{
	a->stream = tls_stream_accept(l->loop, l->server, l->http1, l->config, fd, peer, peer_len,
				      on_stream_closed, a);
	return a->stream != NULL;
}

/* Takes fd in every case. */
static void listener_take(struct listener *l, int fd, const struct sockaddr *peer, socklen_t peer_len)
{
	struct accepted *a = calloc(1, sizeof(*a));
	int on = 1;

	if (!a) {
		(void)close(fd);
		return;
	}
	if (peer->sa_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	a->listener = l;
	a->next = l->accepted;
	if (a->next)
		a->next->previous = a;
	l->accepted = a;
	l->count++;
	l->quota->open++;
	if (!(l->server ? serve_tls : serve_plain)(l, a, fd, peer, peer_len))
		accepted_free(a);
}

/* --- accepting */

static void listener_pause(struct listener *l)
{
	watch_set_events(&l->watch, 0);
	if (!timer_set(l->loop, &l->pause, clock_ms() + PAUSE_MS))
		listener_resume(l);
}

static void listener_resume(struct listener *l)
{
	if (l->stopped)
		return;
	timer_cancel(&l->pause);
	watch_set_events(&l->watch, EPOLLIN);
}

static void on_pause_over(struct timer *t)
{
	listener_resume(CONTAINER_OF(t, struct listener, pause));
}

static void listener_report(struct listener *l, const char *what)
{
	if (clock_ms() - l->reported_ms < REPORT_MS)
		return;
	l->reported_ms = clock_ms();
	log_warning("listener \"%s\" pauses: %s", l->config->name.ptr, what);
}

/* Of accept's errors only these are about us; the others are of a connection that is gone. */
static bool is_exhaustion(int errnum)
{
	return errnum == EMFILE || errnum == ENFILE || errnum == ENOBUFS || errnum == ENOMEM;
}

static void on_accept(struct watch *w, uint32_t events)
{
	struct listener *l = CONTAINER_OF(w, struct listener, watch);

	(void)events;
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		struct sockaddr_storage peer;
		socklen_t peer_len = sizeof(peer);
		int fd;

		if (l->quota->open >= l->quota->max) {
			listener_report(l, "max_connections are open");
			listener_pause(l);
			return;
		}
		fd = accept4(l->watch.fd, (struct sockaddr *)&peer, &peer_len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			listener_take(l, fd, (const struct sockaddr *)&peer, peer_len);
			continue;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		if (is_exhaustion(errno)) {
			listener_report(l, strerror(errno));
			listener_pause(l);
			return;
		}
	}
}

bool listener_new(struct loop *loop, struct http1 *http1, const struct listener_config *config,
		  struct tls_server *server, int fd, struct connection_quota *quota,
		  struct listener **ret, struct error *err)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l) {
		(void)close(fd);
		return error_set(err, ERR_NOMEM, "no memory for a listener");
	}
	l->loop = loop;
	l->http1 = http1;
	l->config = config;
	l->quota = quota;
	l->reported_ms = INT64_MIN / 2;
	l->watch = (struct watch)WATCH_INIT(on_accept);
	l->pause = (struct timer)TIMER_INIT(on_pause_over);
	if (!loop_watch(loop, &l->watch, fd, EPOLLIN, err)) {
		(void)close(fd);
		free(l);
		return false;
	}
	if (server)
		l->server = tls_server_ref(server);
	*ret = l;
	return true;
}

void listener_set_admin(struct listener *l)
{
	l->is_admin = true;
}

void listener_set_tls(struct listener *l, struct tls_server *server)
{
	tls_server_unref(l->server);
	l->server = tls_server_ref(server);
}

void listener_stop(struct listener *l)
{
	int fd = l->watch.fd;

	if (l->stopped)
		return;
	l->stopped = true;
	timer_cancel(&l->pause);
	watch_stop(&l->watch);
	(void)close(fd);
}

void listener_abort(struct listener *l)
{
	struct accepted *next;

	for (struct accepted *a = l->accepted; a; a = next) {
		next = a->next;
		if (a->stream)
			tls_stream_abort(a->stream);
	}
}

size_t listener_connections(const struct listener *l)
{
	return l->count;
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	ASSERT(l->count == 0);
	listener_stop(l);
	tls_server_unref(l->server);
	free(l);
}
