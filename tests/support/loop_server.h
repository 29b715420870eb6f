/*
 * tests/support/loop_server.h - an HTTP/1.1 server on the loopback, in the test's own loop.
 *
 * It keeps every byte that it was sent and answers each complete request with what the
 * test prepared, so that a test can say what an application saw, or that it saw nothing.
 */
#ifndef SALLYPORT_TESTS_SUPPORT_LOOP_SERVER_H
#define SALLYPORT_TESTS_SUPPORT_LOOP_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/loop.h"
#include "tests/unit/base/check.h"

enum loop_server_mode {
	SERVER_ANSWERS,
	SERVER_HOLDS,	/* takes requests and says nothing */
	SERVER_CLOSES,	/* closes instead of answering */
	SERVER_CUTS,	/* answers, then closes: for bodies that end too early */
	SERVER_IGNORES, /* reads nothing */
};

enum { SERVER_BYTES_MAX = 64 * 1024 * 1024 };

struct loop_server_client {
	struct loop_server *server;
	struct loop_server_client *next;
	struct watch watch;
	struct buf in, out;
	bool ends;
};

struct loop_server {
	struct loop *loop;
	struct watch watch;
	uint16_t port;
	struct loop_server_client *clients;
	unsigned connections, requests;
	enum loop_server_mode mode;
	struct buf seen;   /* all bytes since the test cleared it */
	struct buf answer; /* the answer to every request */
	/* Instead of answer: writes one for this request. */
	void (*on_request)(struct loop_server *s, struct str request, struct buf *out);
	void *arg;
};

static inline void loop_server_drop(struct loop_server_client *c)
{
	struct loop_server_client **link = &c->server->clients;
	int fd = c->watch.fd;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	watch_stop(&c->watch);
	(void)close(fd);
	buf_done(&c->in);
	buf_done(&c->out);
	free(c);
}

/* The bytes of the first complete request in text; 0 when it is not complete. */
static inline size_t loop_server_complete(struct str text)
{
	size_t head = str_find(text, STR("\r\n\r\n"));
	const char *field;
	size_t end;

	if (head == STR_NONE)
		return 0;
	head += 4;
	field = memmem(text.ptr, head, "Content-Length: ", 16);
	if (field) {
		size_t body = strtoul(field + 16, NULL, 10);

		return text.len - head >= body ? head + body : 0;
	}
	if (!memmem(text.ptr, head, "Transfer-Encoding: chunked", 26))
		return head;
	end = str_find(str_after(text, head), STR("0\r\n\r\n"));
	return end == STR_NONE ? 0 : head + end + 5;
}

static inline void loop_server_flush(struct loop_server_client *c)
{
	while (c->out.len) {
		ssize_t n = send(c->watch.fd, c->out.ptr, c->out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			watch_set_events(&c->watch, EPOLLIN | EPOLLOUT);
			return;
		}
		if (n < 0) {
			loop_server_drop(c);
			return;
		}
		buf_consume(&c->out, (size_t)n);
	}
	if (c->ends)
		loop_server_drop(c);
	else
		watch_set_events(&c->watch, EPOLLIN);
}

static inline void loop_server_serve(struct loop_server_client *c)
{
	struct loop_server *s = c->server;
	size_t n;

	while (!c->ends && (n = loop_server_complete(buf_str(&c->in)))) {
		s->requests++;
		if (s->mode == SERVER_HOLDS)
			return;
		if (s->on_request)
			s->on_request(s, str_slice(buf_str(&c->in), 0, n), &c->out);
		else if (s->mode != SERVER_CLOSES)
			buf_append(&c->out, buf_str(&s->answer));
		c->ends = s->mode == SERVER_CLOSES || s->mode == SERVER_CUTS;
		buf_consume(&c->in, n);
	}
	loop_server_flush(c);
}

static inline void loop_server_on_client(struct watch *w, uint32_t events)
{
	struct loop_server_client *c = CONTAINER_OF(w, struct loop_server_client, watch);
	static char piece[64 * 1024];
	ssize_t n;

	if (c->server->mode == SERVER_IGNORES) {
		watch_set_events(w, 0);
		return;
	}
	if (events & EPOLLOUT && c->out.len) {
		loop_server_flush(c);
		return;
	}
	n = recv(w->fd, piece, sizeof(piece), 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		loop_server_drop(c);
		return;
	}
	buf_append(&c->server->seen, str_from_len(piece, (size_t)n));
	buf_append(&c->in, str_from_len(piece, (size_t)n));
	loop_server_serve(c);
}

static inline void loop_server_on_accept(struct watch *w, uint32_t events)
{
	struct loop_server *s = CONTAINER_OF(w, struct loop_server, watch);
	struct loop_server_client *c;
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	c = calloc(1, sizeof(*c));
	assert_non_null(c);
	c->server = s;
	c->next = s->clients;
	s->clients = c;
	s->connections++;
	buf_init(&c->in, SERVER_BYTES_MAX);
	buf_init(&c->out, SERVER_BYTES_MAX);
	c->watch = (struct watch)WATCH_INIT(loop_server_on_client);
	assert_true(loop_watch(s->loop, &c->watch, fd, EPOLLIN, NULL));
}

static inline void loop_server_start(struct loop_server *s, struct loop *loop)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*s = (struct loop_server){.loop = loop, .watch = WATCH_INIT(loop_server_on_accept)};
	buf_init(&s->seen, SERVER_BYTES_MAX);
	buf_init(&s->answer, SERVER_BYTES_MAX);
	buf_append_cstr(&s->answer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	s->port = ntohs(sin.sin_port);
	assert_true(loop_watch(loop, &s->watch, fd, EPOLLIN, NULL));
}

/* What every request is answered from now on; with a NUL in it, use buf_append. */
static inline void loop_server_say(struct loop_server *s, const char *answer)
{
	buf_clear(&s->answer);
	buf_append_cstr(&s->answer, answer);
}

/* Forget what was seen. */
static inline void loop_server_forget(struct loop_server *s)
{
	buf_clear(&s->seen);
	s->requests = 0;
}

static inline void loop_server_stop(struct loop_server *s)
{
	int fd = s->watch.fd;

	while (s->clients)
		loop_server_drop(s->clients);
	watch_stop(&s->watch);
	(void)close(fd);
	buf_done(&s->seen);
	buf_done(&s->answer);
}

/* How many fields of a head have exactly this name, whatever its case. */
static inline size_t head_count(struct str head, const char *name)
{
	struct str line;
	size_t count = 0, len = strlen(name);

	while (str_next(&head, '\n', &line)) {
		if (str_is_empty(line) || str_equal(line, STR("\r")))
			break;
		count += line.len > len && line.ptr[len] == ':' &&
			 strncasecmp(line.ptr, name, len) == 0;
	}
	return count;
}

/* The value of the first field of that name; "(none)" without one. */
static inline struct str head_field(struct str head, const char *name)
{
	size_t len = strlen(name);
	struct str line;

	while (str_next(&head, '\n', &line)) {
		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (line.len == 0)
			break;
		if (line.len > len && line.ptr[len] == ':' && strncasecmp(line.ptr, name, len) == 0)
			return str_trim(str_after(line, len + 1));
	}
	return STR("(none)");
}

#endif
