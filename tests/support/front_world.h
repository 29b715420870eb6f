/*
 * tests/support/front_world.h - a worker with HTTP/1.1 in front, and clients that are
 * sockets of the test, all in one thread.
 */
#ifndef SALLYPORT_TESTS_SUPPORT_FRONT_WORLD_H
#define SALLYPORT_TESTS_SUPPORT_FRONT_WORLD_H

#include "front/http1.h"
#include "tests/support/proxy_world.h"

struct front_world {
	struct proxy_world p;
	struct http1 *http1;
	struct front_timeouts timeouts;
	unsigned closed; /* connections handed back */
};

struct front_client {
	struct front_world *w;
	int fd;
	struct connection connection; /* of a plain one, served directly */
	struct buf in;
	bool ended; /* the gate closed its side */
};

static inline void front_open(struct front_world *w, const char *routes)
{
	struct error err = {0};

	memset(w, 0, sizeof(*w));
	world_open(&w->p, routes);
	w->timeouts = (struct front_timeouts){5000, 5000, 5000, 5000};
	if (!http1_new(&w->p.worker, 64, &w->http1, &err))
		fail_msg("%s", err.text);
}

static inline void front_close(struct front_world *w)
{
	http1_abort(w->http1);
	assert_true(WORLD_TURN_UNTIL(&w->p, http1_connections(w->http1) == 0));
	http1_free(w->http1);
	world_close(&w->p);
}

static inline void front_turn(struct front_world *w, int turns)
{
	for (int i = 0; i < turns; i++)
		loop_turn(w->p.loop, 2);
}

/* Turn for about so long. */
static inline void front_pass(struct front_world *w, int64_t ms)
{
	int64_t end_us = clock_now_us() + ms * 1000;

	while (clock_now_us() < end_us)
		loop_turn(w->p.loop, 5);
}

/* Two ends of a TCP connection over the loopback, neither of which blocks. */
static inline void front_pair(int ends[2], struct sockaddr_in *ret_peer)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(sin);

	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sin, &len), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(ends[0] >= 0);
	assert_int_equal(connect(ends[0], (struct sockaddr *)&sin, len), 0);
	ends[1] =
		accept4(listener, (struct sockaddr *)ret_peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(ends[1] >= 0);
	assert_int_equal(close(listener), 0);
}

static inline void front_on_closed(struct connection *c)
{
	CONTAINER_OF(c, struct front_client, connection)->w->closed++;
}

static inline void front_connect(struct front_world *w, struct front_client *c)
{
	struct sockaddr_in peer;
	int ends[2];

	front_pair(ends, &peer);
	*c = (struct front_client){.w = w, .fd = ends[0]};
	buf_init(&c->in, SERVER_BYTES_MAX);
	c->connection.peer = (struct exchange_peer){.tls_version = "", .sni = ""};
	assert_true(ip_from_sockaddr((struct sockaddr *)&peer, &c->connection.peer.ip,
				     &c->connection.peer.port));
	c->connection.timeouts = &w->timeouts;
	c->connection.on_closed = front_on_closed;
	assert_true(http1_serve(w->http1, &c->connection, ends[1], (struct sockaddr *)&peer,
				sizeof(peer)));
}

static inline void front_disconnect(struct front_client *c)
{
	unsigned before = c->w->closed;
	bool is_live = c->connection.mhd != NULL;

	if (c->fd >= 0)
		assert_int_equal(close(c->fd), 0);
	c->fd = -1;
	assert_true(!is_live || WORLD_TURN_UNTIL(&c->w->p, c->w->closed > before));
	buf_done(&c->in);
}

/* Send all of it, while the gate may run. */
static inline void front_send_len(struct front_client *c, const char *data, size_t len)
{
	int64_t give_up_us = clock_now_us() + PROXY_PATIENCE_MS * INT64_C(1000);
	size_t sent = 0;

	while (sent < len) {
		ssize_t n = send(c->fd, data + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			sent += (size_t)n;
		else if (n < 0 && errno != EAGAIN)
			return; /* cut: the test looks at what it got */
		else
			loop_turn(c->w->p.loop, 1);
		if (clock_now_us() > give_up_us)
			fail_msg("the gate does not read");
	}
}

static inline void front_send(struct front_client *c, const char *text)
{
	front_send_len(c, text, strlen(text));
}

/* Take what is there. */
static inline void front_take(struct front_client *c)
{
	char piece[64 * 1024];
	ssize_t n;

	while (!c->ended && (n = recv(c->fd, piece, sizeof(piece), MSG_DONTWAIT)) != -1) {
		c->ended = n == 0;
		buf_append(&c->in, str_from_len(piece, (size_t)n));
	}
	if (!c->ended && errno == ECONNRESET)
		c->ended = true;
}

/* The bytes of the first whole response in c->in; 0: not whole. A HEAD answer has no body. */
static inline size_t front_response_len(const struct front_client *c, bool is_head)
{
	struct str in = buf_str(&c->in), head;
	size_t end = str_find(in, STR("\r\n\r\n"));
	unsigned status;
	uint64_t len;

	if (end == STR_NONE)
		return 0;
	end += 4;
	head = str_slice(in, 0, end);
	status = (unsigned)strtoul(in.ptr + 9, NULL, 10);
	if (is_head || status == 204 || status == 304 || status < 200)
		return end;
	if (str_to_u64(head_field(head, "Content-Length"), &len))
		return in.len >= end + len ? end + len : 0;
	if (head_count(head, "Transfer-Encoding")) {
		size_t last = str_find(str_after(in, end), STR("0\r\n\r\n"));

		return last == STR_NONE ? 0 : end + last + 5;
	}
	return c->ended ? in.len : 0;
}

/*
 * Wait for one response and take it out of c->in. The text is valid until the next one;
 * empty when the gate closed without a whole one.
 */
static inline struct str front_response_of(struct front_client *c, bool is_head)
{
	static char *last;
	size_t len = 0;

	if (!WORLD_TURN_UNTIL(&c->w->p, (front_take(c), len = front_response_len(c, is_head),
					 len || c->ended)))
		fail_msg("no response comes; so far: %.*s", STR_ARG(buf_str(&c->in)));
	free(last);
	last = malloc(len + 1);
	assert_non_null(last);
	memcpy(last, c->in.ptr ? c->in.ptr : "", len);
	last[len] = '\0';
	buf_consume(&c->in, len);
	return str_from_len(last, len);
}

static inline struct str front_response(struct front_client *c)
{
	return front_response_of(c, false);
}

static inline unsigned front_status(struct str response)
{
	return response.len < 12 ? 0 : (unsigned)strtoul(response.ptr + 9, NULL, 10);
}

static inline struct str front_body(struct str response)
{
	size_t end = str_find(response, STR("\r\n\r\n"));

	return end == STR_NONE ? STR("") : str_after(response, end + 4);
}

/* Does the gate close within patience? What it sends before is kept in c->in. */
static inline bool front_is_closed(struct front_client *c)
{
	return WORLD_TURN_UNTIL(&c->w->p, (front_take(c), c->ended));
}

static inline bool front_stays_open(struct front_client *c, int64_t ms)
{
	front_pass(c->w, ms);
	front_take(c);
	return !c->ended;
}

#endif
