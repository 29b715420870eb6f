/*
 * front/http1.c - HTTP/1.1 by libmicrohttpd, on the worker's loop.
 *
 * What surprised its author, and shapes the code:
 * - The handler's first call (head only) must not queue an answer for a request without
 *   a body: that closes the connection. It validates; the steps run in the last call.
 *   For a request with a body the steps run in the first call, so that a refusal comes
 *   before the body is asked for.
 * - Suspending in the first call makes the first call come again; a chunked upload may
 *   call the handler although it is suspended: then nothing may be consumed.
 * - A suspended connection neither times out nor notices that its client left: both are
 *   ours, by a timer and an edge-triggered EPOLLRDHUP on the same socket.
 * - Client sockets are edge-triggered inside: MHD_run() must follow every wait.
 */
#include "front/http1.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/http1_private.h"

enum {
	RUNS_AT_ONCE = 4,		/* MHD_run() rounds before the loop looks elsewhere */
	BODY_BYTES_PER_MS = 1,		/* the slowest upload that lives: about 1 KiB/s */
};

/* --- deadlines and suspension */

static void connection_cut(struct connection *c);

void connection_set_deadline(struct connection *c, int64_t after_ms)
{
	c->deadline_ms = clock_ms() + after_ms;
	if (timer_is_armed(&c->timer) && c->timer.deadline_ms <= c->deadline_ms)
		return;			/* it will look again when it fires */
	if (!timer_set(c->http1->worker->loop, &c->timer, c->deadline_ms))
		connection_cut(c);
}

static void connection_wake(void *arg)
{
	struct connection *c = arg;

	if (!c->is_suspended)
		return;
	c->is_suspended = false;
	connection_set_deadline(c, c->timeouts->body_ms);
	MHD_resume_connection(c->mhd);
}

void connection_suspend(struct connection *c)
{
	c->is_suspended = true;
	c->deadline_ms = INT64_MAX;	/* the upstream's or the provider's deadline runs instead */
	MHD_suspend_connection(c->mhd);
}

/* End it in libmicrohttpd's own order: it reads the end of the stream and closes. */
static void connection_cut(struct connection *c)
{
	c->is_gone = true;
	(void)shutdown(c->fd, SHUT_RDWR);	/* already gone is fine */
	connection_wake(c);
}

static void on_deadline(struct timer *t)
{
	struct connection *c = CONTAINER_OF(t, struct connection, timer);

	if (c->deadline_ms == INT64_MAX)
		return;
	if (clock_ms() < c->deadline_ms) {
		connection_set_deadline(c, c->deadline_ms - clock_ms());
		return;
	}
	c->timed_out = true;
	connection_cut(c);
}

static void on_hangup(struct watch *w, uint32_t events)
{
	struct connection *c = CONTAINER_OF(w, struct connection, hangup);

	if (!(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
		return;
	c->is_gone = true;
	connection_wake(c);
}

static const struct exchange_transport http1_transport = {.wake = connection_wake};

/* --- the request */

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *name,
				  size_t name_len, const char *value, size_t value_len)
{
	struct connection *c = ((void **)cls)[0];
	struct headers *headers = ((void **)cls)[1];

	(void)kind;
	c->head_fields++;
	return headers_add(exchange_arena(c->exchange), headers, str_from_len(name, name_len),
			   str_from_len(value, value_len))
		       ? MHD_YES
		       : MHD_NO;
}

/* False when not all fields could be taken: nothing may be judged by a part of a head. */
static bool connection_begin(struct connection *c, const char *method, const char *version,
			     struct str target)
{
	struct headers headers = {NULL, 0, 0};
	void *cls[] = {c, &headers};
	struct request_head head = {
		.method = str_from(method),
		.target = target,
		.version = str_from(version),
		.headers = &headers,
	};

	int fields = MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, NULL, NULL);

	c->head_fields = 0;
	MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, add_header, cls);
	if (fields < 0 || headers.count != (size_t)fields)
		return false;
	exchange_begin(c->exchange, &head);
	c->phase = CONNECTION_BEGUN;
	return true;
}

static enum MHD_Result connection_run(struct connection *c)
{
	switch (exchange_run(c->exchange)) {
	case EXCHANGE_WAITS:
		connection_suspend(c);
		return MHD_YES;
	case EXCHANGE_WANTS_BODY:
		c->phase = CONNECTION_BODY;
		connection_set_deadline(c, c->timeouts->body_ms);
		return MHD_YES;
	case EXCHANGE_RESPONDS:
		break;
	}
	return connection_answer(c);
}

/*
 * Bytes buy time, a byte about a millisecond, never more than body_ms ahead: a client that
 * drips cannot stay by sending one byte whenever its time is nearly over.
 */
static void connection_earn(struct connection *c, size_t bytes)
{
	int64_t left_ms = c->deadline_ms - clock_ms();
	int64_t earned_ms = left_ms + (int64_t)bytes / BODY_BYTES_PER_MS;

	connection_set_deadline(c, earned_ms < c->timeouts->body_ms ? earned_ms
								     : c->timeouts->body_ms);
}

static enum MHD_Result connection_take_body(struct connection *c, const char *data, size_t *len)
{
	size_t taken = exchange_body(c->exchange, data, *len);

	if (exchange_dropped_bytes(c->exchange) > HTTP1_SWALLOW_BYTES) {
		exchange_cut_upload(c->exchange);	/* nothing can be answered amid an upload */
		c->was_cut = true;
		return MHD_NO;
	}
	if (taken < *len)
		connection_suspend(c);
	else
		connection_earn(c, taken);
	*len -= taken;
	return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_len, void **con_cls)
{
	struct connection *c = *con_cls;

	(void)cls;
	(void)mhd;
	(void)url;			/* decoded: never routed on */
	if (!c || !c->exchange || c->is_gone)
		return MHD_NO;
	if (c->is_suspended)
		return MHD_YES;
	switch (c->phase) {
	case CONNECTION_HEAD:
		if (!connection_begin(c, method, version, exchange_raw_target(c->exchange)))
			return MHD_NO;
		if (exchange_is_answered(c->exchange))
			return connection_answer(c);
		if (exchange_has_body(c->exchange))
			return connection_run(c);
		c->phase = CONNECTION_BODY;
		return MHD_YES;
	case CONNECTION_BEGUN:
		return connection_run(c);
	case CONNECTION_BODY:
		if (*data_len)
			return connection_take_body(c, data, data_len);
		exchange_body_end(c->exchange);
		return connection_run(c);
	case CONNECTION_IDLE:
	case CONNECTION_ANSWERED:
		break;
	}
	return MHD_NO;
}

static struct connection *connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* The request line, before anything of it is decoded. What is returned becomes *con_cls. */
static void *on_request_line(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct connection *c = connection_of(mhd);
	char *query = strchr(uri, '?');

	(void)cls;
	if (!c)
		return NULL;
	c->exchange = exchange_new(c->http1->worker, &c->peer, &http1_transport, c);
	c->phase = CONNECTION_HEAD;
	c->was_cut = false;
	c->has_served = true;
	if (!c->exchange)
		return c;
	exchange_set_raw_target(c->exchange, str_from(uri));
	/* The buffer is libmicrohttpd's own: ended here, it parses no query arguments. */
	if (query)
		query[1] = '\0';
	connection_set_deadline(c, c->timeouts->head_ms);
	return c;
}

static enum exchange_outcome outcome_of(const struct connection *c,
					enum MHD_RequestTerminationCode code)
{
	if (c->timed_out)
		return EXCHANGE_CLIENT_TIMEOUT;
	/* An answer amid a body is the parser's own: a malformed chunk. */
	if (c->phase == CONNECTION_BODY && code == MHD_REQUEST_TERMINATED_WITH_ERROR && !c->is_gone &&
	    !exchange_is_answered(c->exchange) && c->refused_status)
		return EXCHANGE_HEAD_REFUSED;
	if (c->phase == CONNECTION_HEAD)
		return c->refused_status && !c->is_gone ? EXCHANGE_HEAD_REFUSED
							: EXCHANGE_CLIENT_GONE;
	return code == MHD_REQUEST_TERMINATED_COMPLETED_OK || c->was_cut ? EXCHANGE_COMPLETE
									  : EXCHANGE_CLIENT_GONE;
}

/* The status libmicrohttpd answered by itself; 0 when it did not. */
static unsigned answered_status(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_HTTP_STATUS);

	return info ? info->http_status : 0;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
			 enum MHD_RequestTerminationCode code)
{
	struct connection *c = *con_cls;

	(void)cls;
	if (!c)
		return;
	c->refused_status = c->phase == CONNECTION_ANSWERED ? 0 : answered_status(mhd);
	if (c->exchange)
		exchange_note_refusal(c->exchange, c->refused_status ? c->refused_status : 400);
	if (c->exchange)
		exchange_end(c->exchange, outcome_of(c, code));
	c->exchange = NULL;
	c->phase = CONNECTION_IDLE;
	*con_cls = NULL;
	if (c->http1->draining)
		connection_cut(c);
	else
		connection_set_deadline(c, c->timeouts->idle_ms);
}

/* --- connections */

static void connection_link(struct http1 *h, struct connection *c)
{
	c->previous = NULL;
	c->next = h->connections;
	if (c->next)
		c->next->previous = c;
	h->connections = c;
	h->count++;
}

static void connection_unlink(struct http1 *h, struct connection *c)
{
	if (c->previous)
		c->previous->next = c->next;
	else
		h->connections = c->next;
	if (c->next)
		c->next->previous = c->previous;
	h->count--;
}

/* Did anything come? A TLS stream knows; of a plain socket the kernel does. */
static bool connection_has_received(const struct connection *c)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (c->peer.is_tls)
		return c->has_received;
	return getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       len > offsetof(struct tcp_info, tcpi_bytes_received) &&
	       info.tcpi_bytes_received > 1;	/* the end of a stream counts as one */
}

/*
 * A request line that libmicrohttpd cannot read is answered by it without a word to us.
 * Such a connection still gets its line in the log.
 */
static void connection_log_unreadable(struct connection *c)
{
	struct exchange *e;

	if (c->has_served || !connection_has_received(c))
		return;
	e = exchange_new(c->http1->worker, &c->peer, &http1_transport, c);
	if (!e)
		return;
	exchange_note_refusal(e, c->http1->told_status ? c->http1->told_status : 400);
	c->http1->told_status = 0;
	exchange_end(e, c->timed_out ? EXCHANGE_CLIENT_TIMEOUT : EXCHANGE_HEAD_REFUSED);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http1 *h = cls;
	struct connection *c = *socket_context;

	switch (code) {
	case MHD_CONNECTION_NOTIFY_STARTED:
		c = h->adding;
		h->adding = NULL;
		*socket_context = c;
		c->mhd = mhd;
		connection_link(h, c);
		return;
	case MHD_CONNECTION_NOTIFY_CLOSED:
		connection_log_unreadable(c);
		watch_stop(&c->hangup);
		timer_cancel(&c->timer);
		connection_unlink(h, c);
		c->mhd = NULL;
		c->on_closed(c);
		return;
	}
}

bool http1_serve(struct http1 *h, struct connection *c, int fd, const struct sockaddr *peer,
		 socklen_t peer_len)
{
	struct error err = {.kind = ERR_NONE};

	c->http1 = h;
	c->fd = fd;
	c->mhd = NULL;
	c->exchange = NULL;
	c->phase = CONNECTION_IDLE;
	c->is_suspended = c->is_gone = c->timed_out = false;
	c->has_received = c->has_served = false;
	c->hangup = (struct watch)WATCH_INIT(on_hangup);
	c->timer = (struct timer)TIMER_INIT(on_deadline);
	c->deadline_ms = INT64_MAX;
	h->adding = c;
	if (MHD_add_connection(h->daemon, fd, peer, peer_len) != MHD_YES) {
		bool was_started = !h->adding;

		h->adding = NULL;
		return was_started;	/* then it was closed again, and c is gone */
	}
	ASSERT(!h->adding);		/* the STARTED notice runs inside the call */
	if (!loop_watch(h->worker->loop, &c->hangup, fd, EPOLLRDHUP | EPOLLET, &err)) {
		log_warning("a connection is cut: %s", err.text);
		connection_cut(c);
	}
	connection_set_deadline(c, c->timeouts->head_ms);
	return true;
}

size_t http1_connections(const struct http1 *h)
{
	return h->count;
}

void http1_drain(struct http1 *h)
{
	struct connection *next;

	h->draining = true;
	for (struct connection *c = h->connections; c; c = next) {
		next = c->next;
		if (c->phase == CONNECTION_IDLE)
			connection_cut(c);
	}
}

void http1_abort(struct http1 *h)
{
	h->draining = true;
	for (struct connection *c = h->connections; c; c = c->next)
		connection_cut(c);
}

/* --- the daemon on the loop */

static int64_t http1_prepare(struct loop_hook *hook)
{
	struct http1 *h = CONTAINER_OF(hook, struct http1, hook);

	return MHD_get_timeout64s(h->daemon);
}

static void http1_run(struct loop_hook *hook)
{
	struct http1 *h = CONTAINER_OF(hook, struct http1, hook);

	for (int i = 0; i < RUNS_AT_ONCE; i++) {
		MHD_run(h->daemon);
		if (MHD_get_timeout64s(h->daemon) != 0)
			return;
	}
}

/* That there is an event is all the loop needs to know: http1_run() follows each wait. */
static void on_daemon_event(struct watch *w, uint32_t events)
{
	(void)w;
	(void)events;
}

static size_t keep_encoded(void *cls, struct MHD_Connection *mhd, char *s)
{
	(void)cls;
	(void)mhd;
	return strlen(s);
}

/*
 * libmicrohttpd tells its log, and nobody else, with which status it refuses a request line
 * it cannot read. Of all it says only that number is kept, for the line in our log.
 */
__attribute__((format(printf, 2, 0))) static void on_message(void *cls, const char *fmt, va_list args)
{
	struct http1 *h = cls;

	if (strstr(fmt, "HTTP response code is %u"))
		h->told_status = va_arg(args, unsigned);
}

bool http1_new(struct proxy_worker *worker, size_t max_connections, struct http1 **ret,
	       struct error *err)
{
	struct http1 *h = calloc(1, sizeof(*h));
	const union MHD_DaemonInfo *info;

	if (!h)
		return error_set(err, ERR_NOMEM, "no memory for the HTTP/1.1 front end");
	h->worker = worker;
	h->watch = (struct watch)WATCH_INIT(on_daemon_event);
	h->hook = (struct loop_hook){.prepare = http1_prepare, .after = http1_run};
	h->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_THREAD_SAFETY | MHD_USE_NO_LISTEN_SOCKET |
			MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_request, h,
		MHD_OPTION_EXTERNAL_LOGGER, on_message, h,	/* first: the others may speak */
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)max_connections,
		MHD_OPTION_CONNECTION_TIMEOUT, 0U,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP1_POOL_BYTES,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_URI_LOG_CALLBACK, on_request_line, h,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, h,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_END);
	info = h->daemon ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		error_set(err, ERR_IO, "libmicrohttpd %s does not start with epoll", MHD_get_version());
		goto out;
	}
	if (!loop_watch(worker->loop, &h->watch, info->epoll_fd, EPOLLIN, err))
		goto out;
	loop_add_hook(worker->loop, &h->hook);
	*ret = h;
	return true;
out:
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	free(h);
	return false;
}

void http1_free(struct http1 *h)
{
	if (!h)
		return;
	ASSERT(h->count == 0);
	loop_remove_hook(h->worker->loop, &h->hook);
	watch_stop(&h->watch);
	MHD_stop_daemon(h->daemon);
	free(h);
}

const char *http1_library_version(void)
{
	return MHD_get_version();
}
