/*
 * tests/support/tls_socket.h - a TLS client on a socket, driven while the gate's loop turns.
 *
 * Its TLS works in memory, so that a test decides when, and in what pieces, the bytes of
 * the connection travel.
 */
#ifndef SALLYPORT_TESTS_SUPPORT_TLS_SOCKET_H
#define SALLYPORT_TESTS_SUPPORT_TLS_SOCKET_H

#include "tests/support/front_world.h"
#include "tests/support/tls_pair.h"

struct tls_socket {
	struct proxy_world *p;
	int fd;
	SSL *ssl;
	struct tls_result result; /* for the session callback */
	struct buf in;		  /* decrypted */
	size_t piece;		  /* bytes sent at a time; 0: all there are */
	bool reads;		  /* take what the gate sends */
	bool ended;		  /* the gate closed the connection */
	bool said_goodbye;	  /* close_notify came before that */
};

static inline void tls_socket_init(struct tls_socket *t, struct proxy_world *p, int fd,
				   const struct tls_hello *hello)
{
	*t = (struct tls_socket){.p = p, .fd = fd, .reads = true};
	buf_init(&t->in, SERVER_BYTES_MAX);
	t->ssl = tls_client_new(hello, &t->result);
	SSL_set_bio(t->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
}

static inline void tls_socket_done(struct tls_socket *t)
{
	if (t->fd >= 0)
		(void)close(t->fd);
	SSL_free(t->ssl);
	tls_result_done(&t->result);
	buf_done(&t->in);
	ERR_clear_error();
}

/* Bytes that TLS made, onto the socket. */
static inline void tls_socket_push(struct tls_socket *t)
{
	char *bytes;
	long len = BIO_get_mem_data(SSL_get_wbio(t->ssl), &bytes);
	size_t want = (size_t)len;
	ssize_t n;

	if (len <= 0 || t->fd < 0)
		return;
	if (t->piece && want > t->piece)
		want = t->piece;
	n = send(t->fd, bytes, want, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0) {
		char waste[16384];

		for (ssize_t left = n; left > 0;)
			left -= BIO_read(SSL_get_wbio(t->ssl), waste,
					 left > (ssize_t)sizeof(waste) ? (int)sizeof(waste)
								       : (int)left);
	}
}

/* Bytes of the socket, into TLS. */
static inline void tls_socket_pull(struct tls_socket *t)
{
	char piece[16 * 1024];
	ssize_t n;
	int got;

	if (t->ended || !t->reads || t->fd < 0)
		return;
	n = recv(t->fd, piece, sizeof(piece), MSG_DONTWAIT);
	if (n > 0)
		(void)BIO_write(SSL_get_rbio(t->ssl), piece, (int)n);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		t->ended = true;
	while (SSL_is_init_finished(t->ssl) && (got = SSL_read(t->ssl, piece, sizeof(piece))) > 0)
		buf_append(&t->in, str_from_len(piece, (size_t)got));
	t->said_goodbye = SSL_get_shutdown(t->ssl) & SSL_RECEIVED_SHUTDOWN;
}

static inline void tls_socket_turn(struct tls_socket *t)
{
	if (!SSL_is_init_finished(t->ssl))
		(void)SSL_do_handshake(t->ssl);
	tls_socket_push(t);
	loop_turn(t->p->loop, 1);
	tls_socket_pull(t);
}

#define TLS_TURN_UNTIL(t, condition)                                                 \
	({                                                                           \
		int64_t end_us = clock_now_us() + PROXY_PATIENCE_MS * INT64_C(1000); \
		bool is_so;                                                          \
		while (!(is_so = (condition)) && clock_now_us() < end_us)            \
			tls_socket_turn(t);                                          \
		is_so;                                                               \
	})

static inline bool tls_socket_shake_hands(struct tls_socket *t)
{
	return TLS_TURN_UNTIL(t, SSL_is_init_finished(t->ssl) || t->ended) &&
	       SSL_is_init_finished(t->ssl);
}

static inline bool tls_socket_has_unsent(const struct tls_socket *t)
{
	return BIO_ctrl_pending(SSL_get_wbio(t->ssl)) > 0;
}

static inline void tls_socket_send(struct tls_socket *t, const char *text)
{
	assert_int_equal(SSL_write(t->ssl, text, (int)strlen(text)), (int)strlen(text));
	assert_true(TLS_TURN_UNTIL(t, !tls_socket_has_unsent(t) || t->ended));
}

/* Wait for a response with Content-Length, and take it out; 0 when the gate closed before it. */
static inline unsigned tls_socket_response(struct tls_socket *t, struct buf *ret_body)
{
	unsigned status;
	size_t head = 0;
	uint64_t len = 0;

	buf_clear(ret_body);
	if (!TLS_TURN_UNTIL(t, (head = str_find(buf_str(&t->in), STR("\r\n\r\n"))) != STR_NONE ||
				       t->ended) ||
	    head == STR_NONE)
		return 0;
	status = (unsigned)strtoul(t->in.ptr + 9, NULL, 10);
	if (!str_to_u64(head_field(str_slice(buf_str(&t->in), 0, head + 4), "Content-Length"),
			&len))
		len = 0;
	if (!TLS_TURN_UNTIL(t, t->in.len >= head + 4 + len || t->ended))
		fail_msg("the response does not end: %zu of %zu bytes", t->in.len,
			 head + 4 + (size_t)len);
	buf_append(ret_body, str_slice(buf_str(&t->in), head + 4, len));
	buf_consume(&t->in, head + 4 + (ret_body->len < len ? ret_body->len : len));
	return status;
}

#endif
