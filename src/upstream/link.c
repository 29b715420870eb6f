/*
 * upstream/link.c - one connection to a server of an upstream; see link.h.
 *
 * What surprised its author: a short read tells that the socket is drained, and saves
 * the read that would say so, only while nothing says that the peer has hung up. Its FIN
 * may have come with the bytes, in one event, and there will be no second one.
 */
#include "upstream/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	EVENTS_OPEN = EPOLLIN | EPOLLRDHUP | (int)EPOLLET,
	EVENTS_BLOCKED = EVENTS_OPEN | EPOLLOUT,	/* also while connecting */
};

/* Errors */

const char *link_address(const struct link *l)
{
	size_t last = l->target->server->addresses_count - 1;

	return l->target->addresses[l->address < last ? l->address : last];
}

/* The address, and the URL where it says something else. */
bool link_fault(const struct link *l, struct error *err, enum error_kind kind, const char *fmt,
		...)
{
	const struct upstream_server_config *server = l->target->server;
	const char *address = link_address(l);
	bool says_all = str_equal(server->authority, str_from(address)) ||
			str_starts_with(str_from(address), STR("unix:"));
	struct str url = str_slice(server->url, 0, 64);
	struct str name = str_slice(l->target->config->name, 0, 40);
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (says_all)
		return error_set(err, kind, "upstream \"%.*s\" %s: %s", STR_ARG(name), address,
				 text);
	return error_set(err, kind, "upstream \"%.*s\" %.*s (%s): %s", STR_ARG(name), STR_ARG(url),
			 address, text);
}

static bool fault_errno(const struct link *l, struct error *err, int errnum)
{
	char words[128];

	return link_fault(l, err, errnum == ENOMEM ? ERR_NOMEM : ERR_IO, "%s",
			  strerror_r(errnum, words, sizeof(words)));
}

/* Connecting */

static void link_drop(struct link *l)
{
	watch_stop(&l->watch);
	tls_link_free(l->tls);
	l->tls = NULL;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static void link_enter(struct link *l, enum link_state state)
{
	l->state = state;
	if (state == LINK_OPEN || state == LINK_FAILED) {
		timer_cancel(&l->timer);
		loop_defer(l->target->loop, &l->task);
	}
}

static void link_fail(struct link *l, enum upstream_failure failure)
{
	l->failure = failure;
	link_drop(l);
	link_enter(l, LINK_FAILED);
}

/* Ours and not the server's: descriptors, memory, local ports. Another server would not help. */
static bool is_shortage(int errnum)
{
	return errnum == EMFILE || errnum == ENFILE || errnum == ENOBUFS || errnum == ENOMEM ||
	       errnum == EADDRNOTAVAIL;
}

static void note_failure(struct link *l, int errnum)
{
	l->failure = is_shortage(errnum) ? UPSTREAM_BUSY
		     : errnum == ETIMEDOUT ? UPSTREAM_CONNECT_TIMEOUT : UPSTREAM_REFUSED;
	error_clear(&l->error);
	fault_errno(l, &l->error, errnum);
	link_drop(l);
}

/* What is left of the time goes in equal parts to the addresses that are left. */
static bool set_address_deadline(struct link *l)
{
	int64_t left = l->deadline_ms - clock_ms();
	int64_t addresses = (int64_t)(l->target->server->addresses_count - l->address);
	int64_t part = left > addresses ? left / addresses : 1;

	return timer_set(l->target->loop, &l->timer, clock_ms() + part);
}

/* 0, or an errno. EINPROGRESS is 0 too: the socket tells when it is writable. */
static int start_address(struct link *l)
{
	const struct endpoint *e = &l->target->server->addresses[l->address];
	const int on = 1;

	l->fd = socket(e->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return errno;
	if (e->addr.ss_family != AF_UNIX &&
	    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		return errno;
	if (connect(l->fd, (const struct sockaddr *)&e->addr, e->len) != 0 && errno != EINPROGRESS)
		return errno;
	if (!set_address_deadline(l) ||
	    !loop_watch(l->target->loop, &l->watch, l->fd, EVENTS_BLOCKED, NULL))
		return ENOMEM;
	return 0;
}

/* Go on with the address at hand and those behind it. */
static void try_addresses(struct link *l)
{
	for (; l->address < l->target->server->addresses_count; l->address++) {
		int errnum = start_address(l);

		if (!errnum)
			return;
		note_failure(l, errnum);
		if (l->failure == UPSTREAM_BUSY)
			break;
	}
	link_fail(l, l->failure);
}

static void handshake(struct link *l)
{
	struct error cause = {.kind = ERR_NONE};
	int status = tls_link_handshake(l->tls, &cause);

	if (status == TLS_BROKEN) {
		link_fault(l, &l->error, cause.kind, "%s", cause.text);
		link_fail(l, UPSTREAM_TLS_FAILED);
		return;
	}
	/* Until TLS is up the watch asks for both directions. */
	if (status == TLS_WAIT)
		return;
	l->can_read = l->can_write = true;
	watch_set_events(&l->watch, EVENTS_OPEN);
	link_enter(l, LINK_OPEN);
}

static void start_handshake(struct link *l)
{
	struct link_target *t = l->target;

	l->tls = tls_link_new(t->tls, l->fd, t->server->host, &t->resumption, NULL);
	if (!l->tls || !timer_set(t->loop, &l->timer, l->deadline_ms)) {
		link_fault(l, &l->error, ERR_NOMEM, "out of memory");
		link_fail(l, UPSTREAM_INTERNAL);
		return;
	}
	link_enter(l, LINK_HANDSHAKE);
	handshake(l);
}

static void on_connecting(struct link *l, uint32_t events)
{
	int errnum = 0;
	socklen_t len = sizeof(errnum);

	if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		return;
	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &errnum, &len) != 0)
		errnum = errno;
	if (errnum) {
		note_failure(l, errnum);
		l->address++;
		try_addresses(l);
		return;
	}
	error_clear(&l->error);
	if (l->target->tls) {
		start_handshake(l);
		return;
	}
	l->can_write = true;
	watch_set_events(&l->watch, EVENTS_OPEN);
	link_enter(l, LINK_OPEN);
}

/* Events */

static void note_readiness(struct link *l, uint32_t events)
{
	/* Over TLS either direction may be what the other one waits for. */
	if (l->tls || events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		l->can_read = true;
	if (l->tls || events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		l->can_write = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		l->is_hung_up = true;
}

static void link_on_watch(struct watch *w, uint32_t events)
{
	struct link *l = CONTAINER_OF(w, struct link, watch);

	switch (l->state) {
	case LINK_CONNECT:
		on_connecting(l, events);
		return;
	case LINK_HANDSHAKE:
		handshake(l);
		return;
	case LINK_OPEN:
		note_readiness(l, events);
		if (!l->task.queued)
			l->on_event(l, LINK_IS_READY);
		return;
	case LINK_FAILED:
		return;
	}
}

static void link_on_expire(struct timer *timer)
{
	struct link *l = CONTAINER_OF(timer, struct link, timer);

	switch (l->state) {
	case LINK_CONNECT:
		note_failure(l, ETIMEDOUT);
		l->address++;
		try_addresses(l);
		return;
	case LINK_HANDSHAKE:
		link_fault(l, &l->error, ERR_TIMEOUT, "TLS handshake takes longer than "
			   "connect_timeout");
		link_fail(l, UPSTREAM_CONNECT_TIMEOUT);
		return;
	case LINK_OPEN:
		l->on_event(l, LINK_HAS_EXPIRED);
		return;
	case LINK_FAILED:
		return;
	}
}

static void link_on_task(struct task *task)
{
	struct link *l = CONTAINER_OF(task, struct link, task);

	l->on_event(l, l->state == LINK_OPEN ? LINK_IS_OPEN : LINK_HAS_FAILED);
}

/* Life */

struct link *link_open(struct link_target *target,
		       void (*on_event)(struct link *l, enum link_event event), void *owner)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->target = target;
	l->on_event = on_event;
	l->owner = owner;
	l->fd = -1;
	l->watch = (struct watch)WATCH_INIT(link_on_watch);
	l->timer = (struct timer)TIMER_INIT(link_on_expire);
	l->task = (struct task){.run = link_on_task};
	l->deadline_ms = clock_ms() + target->config->connect_timeout_ms;
	l->failure = UPSTREAM_REFUSED;
	try_addresses(l);
	return l;
}

void link_close(struct link *l)
{
	timer_cancel(&l->timer);
	loop_cancel_deferred(l->target->loop, &l->task);
	link_drop(l);
	free(l);
}

/* Bytes */

static void wait_for_room(struct link *l)
{
	l->can_write = false;
	watch_set_events(&l->watch, EVENTS_BLOCKED);
}

/* The outcome of a TLS call in our terms: the two sets of numbers agree. */
static ssize_t tls_outcome(struct link *l, ssize_t n, const struct error *cause, struct error *err)
{
	_Static_assert((int)LINK_WAIT == (int)TLS_WAIT && (int)LINK_END == (int)TLS_END &&
		       (int)LINK_BROKEN == (int)TLS_BROKEN, "outcomes of reading and writing");

	if (n == TLS_WAIT && tls_link_wants_write(l->tls))
		wait_for_room(l);
	if (n == TLS_BROKEN)
		link_fault(l, err, cause->kind, "%s", cause->text);
	return n;
}

static ssize_t tls_read(struct link *l, char *out, size_t max, struct error *err)
{
	struct error cause = {.kind = ERR_NONE};
	ssize_t n = tls_link_read(l->tls, out, max, &cause);

	if (n == TLS_WAIT)
		l->can_read = false;
	return tls_outcome(l, n, &cause, err);
}

static ssize_t tls_write(struct link *l, const char *data, size_t len, struct error *err)
{
	struct error cause = {.kind = ERR_NONE};
	ssize_t n = tls_link_write(l->tls, data, len, &cause);

	if (n == TLS_WAIT)
		l->can_write = false;
	return tls_outcome(l, n == TLS_END ? TLS_BROKEN : n, &cause, err);
}

ssize_t link_read(struct link *l, char *out, size_t max, struct error *err)
{
	ssize_t n;

	if (!l->can_read)
		return LINK_WAIT;
	if (l->tls)
		return tls_read(l, out, max, err);
	do {
		n = recv(l->fd, out, max, 0);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		if ((size_t)n < max && !l->is_hung_up)
			l->can_read = false;
		return n;
	}
	if (n == 0)
		return LINK_END;
	if (errno == EAGAIN) {
		l->can_read = false;
		return LINK_WAIT;
	}
	fault_errno(l, err, errno);
	return LINK_BROKEN;
}

static ssize_t plain_write(struct link *l, struct str first, struct str second, struct error *err)
{
	struct iovec parts[] = {
		{.iov_base = (char *)first.ptr, .iov_len = first.len},
		{.iov_base = (char *)second.ptr, .iov_len = second.len},
	};
	struct msghdr message = {
		.msg_iov = first.len ? parts : parts + 1,
		.msg_iovlen = first.len && second.len ? 2 : 1,
	};
	ssize_t n;

	do {
		n = second.len ? sendmsg(l->fd, &message, MSG_NOSIGNAL)
			       : send(l->fd, first.ptr, first.len, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN) {
		fault_errno(l, err, errno);
		return LINK_BROKEN;
	}
	if (n < 0 || (size_t)n < first.len + second.len)
		wait_for_room(l);
	return n < 0 ? LINK_WAIT : n;
}

ssize_t link_write(struct link *l, struct str first, struct str second, struct error *err)
{
	if (!l->can_write)
		return LINK_WAIT;
	if (!l->tls)
		return plain_write(l, first, second, err);
	ASSERT(second.len == 0);
	return tls_write(l, first.ptr, first.len, err);
}

bool link_is_quiet(struct link *l)
{
	char byte;

	if (l->state != LINK_OPEN || l->is_hung_up)
		return false;
	if (!l->can_read)
		return true;
	if (l->tls ? !tls_link_is_quiet(l->tls)
		   : recv(l->fd, &byte, 1, MSG_PEEK) >= 0 || errno != EAGAIN)
		return false;
	l->can_read = false;
	return true;
}

bool link_is_quiet_now(struct link *l)
{
	l->can_read = true;
	return link_is_quiet(l);
}

void link_rest(struct link *l)
{
	l->can_write = true;		/* all that was written has been taken */
	watch_set_events(&l->watch, EVENTS_OPEN);
}

bool link_is_tls(const struct link *l)
{
	return l->tls != NULL;
}
