/*
 * tests/unit/upstream/site.h - an upstream whose servers are sockets of the test.
 *
 * Everything happens in one thread: the test turns the loop by hand, and in between
 * plays the server, byte by byte. Waits are bounded, so that a test that is wrong fails.
 */
#ifndef SALLYPORT_TESTS_UNIT_UPSTREAM_SITE_H
#define SALLYPORT_TESTS_UNIT_UPSTREAM_SITE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/base/check.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "upstream/client.h"

enum { SITE_MAX_SERVERS = 3, SITE_PATIENCE_MS = 4000 };

struct site {
	struct loop *loop;
	struct upstream_config config;
	struct upstream_server_config servers[SITE_MAX_SERVERS];
	char texts[SITE_MAX_SERVERS][2][160]; /* URLs and authorities */
	int listeners[SITE_MAX_SERVERS];
	struct upstream *upstream;
	struct arena *arena;
};

/* What the caller of a call has seen. */
struct caller {
	struct site *site;
	struct upstream_call *call;
	const struct response_head *head;
	unsigned heads, readables, writables, failures;
	enum upstream_failure failure;
	struct error error;
	struct buf body;
	ssize_t outcome;   /* of the last read: 0, UPSTREAM_END or UPSTREAM_CUT */
	bool in_call;	   /* a callback must not come now */
	size_t read_size;  /* bytes at a time */
	bool ends_at_head; /* end the call from inside the callback */
	bool ends_at_failure;
};

static inline void site_set_endpoint(struct site *s, size_t i, const struct sockaddr *sa,
				     socklen_t len)
{
	struct upstream_server_config *server = &s->servers[i];
	char address[ENDPOINT_TEXT_SIZE];

	memcpy(&server->addresses[0].addr, sa, len);
	server->addresses[0].len = len;
	server->addresses_count = 1;
	endpoint_format(&server->addresses[0], address);
	snprintf(s->texts[i][0], sizeof(s->texts[i][0]), "%s%s",
		 sa->sa_family == AF_UNIX ? "" : "http://", address);
	snprintf(s->texts[i][1], sizeof(s->texts[i][1]), "%s",
		 sa->sa_family == AF_UNIX ? "localhost" : address);
	server->url = str_from(s->texts[i][0]);
	server->authority = str_from(s->texts[i][1]);
	server->host = sa->sa_family == AF_UNIX ? STR("localhost") : STR("127.0.0.1");
}

static inline void site_listen(struct site *s, size_t i, int backlog)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	s->listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(s->listeners[i] >= 0);
	assert_int_equal(bind(s->listeners[i], (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(s->listeners[i], backlog), 0);
	assert_int_equal(getsockname(s->listeners[i], (struct sockaddr *)&sin, &len), 0);
	site_set_endpoint(s, i, (struct sockaddr *)&sin, len);
}

/* Servers that listen, and no upstream yet: the configuration may still be changed. */
static inline void site_prepare(struct site *s, size_t servers)
{
	struct error err = {0};

	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_ERROR);
	*s = (struct site){
		.config =
			{
				.name = STR_INIT("wiki"),
				.connect_timeout_ms = 2000,
				.response_timeout_ms = 2000,
				.idle_timeout_ms = 2000,
				.keepalive_ms = 60000,
				.keepalive_connections = 8,
				.max_connections = 8,
			},
	};
	s->config.servers.items = s->servers;
	s->config.servers.count = servers;
	for (size_t i = 0; i < servers; i++)
		site_listen(s, i, 16);
	s->loop = loop_new(&err);
	assert_non_null(s->loop);
	s->arena = arena_new(4 * 1024 * 1024);
	assert_non_null(s->arena);
}

static inline void site_start(struct site *s)
{
	struct error err = {0};

	if (!upstream_new(s->loop, &s->config, &s->upstream, &err))
		fail_msg("upstream_new: %s", err.text);
}

static inline void site_open(struct site *s, size_t servers)
{
	site_prepare(s, servers);
	site_start(s);
}

static inline void site_close(struct site *s)
{
	upstream_free(s->upstream);
	loop_free(s->loop);
	arena_free(s->arena);
	for (size_t i = 0; i < s->config.servers.count; i++)
		if (s->listeners[i] >= 0)
			close(s->listeners[i]);
}

/* Turn the loop until the condition holds; false when it never does. */
#define SITE_TURN_UNTIL(site, condition)                                                \
	({                                                                              \
		int64_t give_up_us = clock_now_us() + SITE_PATIENCE_MS * INT64_C(1000); \
		bool is_met;                                                            \
		while (!(is_met = (condition)) && clock_now_us() < give_up_us)          \
			loop_turn((site)->loop, 2);                                     \
		is_met;                                                                 \
	})

static inline void site_turn(struct site *s)
{
	for (int i = 0; i < 4; i++)
		loop_turn(s->loop, 1);
}

/* The server's side */

static inline int try_accept(struct site *s, size_t i, int *ret_fd)
{
	*ret_fd = accept4(s->listeners[i], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return *ret_fd;
}

static inline int site_accept(struct site *s, size_t i)
{
	int fd = -1;

	assert_true(SITE_TURN_UNTIL(s, try_accept(s, i, &fd) >= 0));
	return fd;
}

static inline bool nobody_connects(struct site *s, size_t i)
{
	int fd;

	site_turn(s);
	if (try_accept(s, i, &fd) < 0)
		return true;
	close(fd);
	return false;
}

/* Take what has come, into text; ends in NUL. Returns recv's last answer. */
static inline ssize_t peer_take(int fd, char *text, size_t size, size_t *len)
{
	ssize_t n = recv(fd, text + *len, size - 1 - *len, 0);

	if (n > 0)
		*len += (size_t)n;
	text[*len] = '\0';
	return n;
}

/* Read until the text that came ends in end. The text is static: one at a time. */
static inline const char *peer_read(struct site *s, int fd, const char *end)
{
	static char text[64 * 1024];
	size_t len = 0;
	size_t end_len = strlen(end);

	text[0] = '\0';
	if (!SITE_TURN_UNTIL(s, (peer_take(fd, text, sizeof(text), &len),
				 len >= end_len && !strcmp(text + len - end_len, end))))
		fail_msg("the server waits for \"%s\" in vain, got \"%s\"", end, text);
	return text;
}

static inline void peer_send_len(struct site *s, int fd, const char *data, size_t len)
{
	size_t sent = 0;
	ssize_t n;

	if (!SITE_TURN_UNTIL(s, (n = send(fd, data + sent, len - sent, MSG_NOSIGNAL),
				 sent += n > 0 ? (size_t)n : 0, sent == len)))
		fail_msg("the client does not read");
}

static inline void peer_send(struct site *s, int fd, const char *text)
{
	peer_send_len(s, fd, text, strlen(text));
}

/* Has the client closed? What it sent before is dropped. */
static inline bool peer_is_gone(struct site *s, int fd)
{
	char waste[4096];
	ssize_t n = 1;

	return SITE_TURN_UNTIL(s, (n = recv(fd, waste, sizeof(waste), 0),
				   n == 0 || (n < 0 && errno != EAGAIN)));
}

static inline bool peer_is_kept(struct site *s, int fd)
{
	char byte;

	site_turn(s);
	return recv(fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

static inline void peer_reset(int fd)
{
	const struct linger linger = {.l_onoff = 1, .l_linger = 0};

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	close(fd);
}

/* The caller's side */

static inline void caller_read(struct caller *r)
{
	char piece[64 * 1024];
	size_t size = r->read_size ? r->read_size : sizeof(piece);

	if (!r->call)
		return;
	r->in_call = true;
	do {
		r->outcome = upstream_call_read(r->call, piece, size);
		if (r->outcome > 0)
			buf_append(&r->body, str_from_len(piece, (size_t)r->outcome));
	} while (r->outcome > 0);
	r->in_call = false;
}

static inline void caller_end(struct caller *r)
{
	r->in_call = true;
	upstream_call_end(r->call);
	r->in_call = false;
	r->call = NULL;
}

static inline void caller_on_head(void *arg, const struct response_head *head)
{
	struct caller *r = arg;

	assert_false(r->in_call);
	r->head = head;
	r->heads++;
	if (r->ends_at_head)
		caller_end(r);
}

static inline void caller_on_readable(void *arg)
{
	struct caller *r = arg;

	assert_false(r->in_call);
	r->readables++;
}

static inline void caller_on_writable(void *arg)
{
	struct caller *r = arg;

	assert_false(r->in_call);
	r->writables++;
}

static inline void caller_on_failed(void *arg, enum upstream_failure failure,
				    const struct error *err)
{
	struct caller *r = arg;

	assert_false(r->in_call);
	r->failures++;
	r->failure = failure;
	r->error = *err;
	if (r->ends_at_failure)
		caller_end(r);
}

static const struct upstream_events caller_events = {
	.on_head = caller_on_head,
	.on_readable = caller_on_readable,
	.on_writable = caller_on_writable,
	.on_failed = caller_on_failed,
};

static const struct headers no_headers;

static inline void caller_start_request(struct caller *r, struct site *s,
					struct upstream_request request)
{
	struct error err = {0};

	*r = (struct caller){.site = s, .in_call = true};
	buf_init(&r->body, 64 * 1024 * 1024);
	if (!request.host.len)
		request.host = STR("wiki.example");
	if (!request.headers)
		request.headers = &no_headers;
	request.arena = s->arena;
	r->call = upstream_call_start(s->upstream, &request, &caller_events, r, &err);
	assert_non_null(r->call);
	r->in_call = false;
}

static inline void caller_start(struct caller *r, struct site *s, const char *method)
{
	caller_start_request(r, s,
			     (struct upstream_request){.method = str_from(method),
						       .target = STR("/")});
}

static inline void caller_start_body(struct caller *r, struct site *s, const char *method,
				     enum http_body body, uint64_t length)
{
	caller_start_request(r, s,
			     (struct upstream_request){
				     .method = str_from(method),
				     .target = STR("/"),
				     .body = body,
				     .content_length = length,
			     });
}

/* Wait for the head and read all of the body there is. */
static inline void caller_finish(struct caller *r)
{
	int64_t give_up_us = clock_now_us() + SITE_PATIENCE_MS * INT64_C(1000);

	while (clock_now_us() < give_up_us && r->failures == 0 && r->outcome >= 0) {
		if (r->heads)
			caller_read(r);
		if (r->outcome >= 0)
			loop_turn(r->site->loop, 2);
	}
}

static inline void caller_done(struct caller *r)
{
	caller_end(r);
	buf_done(&r->body);
}

#endif
