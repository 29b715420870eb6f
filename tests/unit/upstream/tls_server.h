/*
 * tests/unit/upstream/tls_server.h - a TLS server in a thread, and certificates for it.
 */
#ifndef SALLYPORT_TESTS_UNIT_UPSTREAM_TLS_SERVER_H
#define SALLYPORT_TESTS_UNIT_UPSTREAM_TLS_SERVER_H

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>

#include "tests/support/certificates.h"
#include "tests/unit/upstream/site.h"

enum tls_manner {
	ANSWER_AND_WAIT,   /* answer every request until the client leaves */
	ANSWER_AND_CLOSE,  /* with close_notify */
	ANSWER_AND_CUT,	   /* without */
	ANSWER_AND_SPEAK,  /* once more, unasked */
	ANSWER_AND_TICKET, /* send a session ticket late, then wait */
	COUNT_BODY,	   /* read up to the end of the chunks first */
	READ_LATE,	   /* the same, after a pause */
	SPEAK_PLAIN,	   /* HTTP where TLS is expected */
	STAY_SILENT,
};

struct tls_server {
	const struct test_certificate *certificate;
	enum tls_manner manner;
	int max_version; /* 0: any */
	const char *answer;
	int listener;
	pthread_t thread;
	atomic_bool stopping;
	atomic_int accepted, resumed, requests;
	_Atomic size_t body;
	char sni[128];
};

static inline struct test_certificate make_authority(const char *name)
{
	struct test_certificate c = test_certificate_make(name, test_key_ec(), NULL, 10);
	X509_EXTENSION *e =
		X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

	assert_non_null(e);
	assert_int_equal(X509_add_ext(c.certificate, e, -1), 1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(c.certificate, c.key, EVP_sha256()) > 0);
	return c;
}

/* names as OpenSSL spells them: "DNS:a.example, IP:127.0.0.1"; NULL for none. */
static inline struct test_certificate make_leaf(const struct test_certificate *authority,
						const char *common_name, const char *names,
						int days)
{
	struct test_certificate c =
		test_certificate_make(common_name, test_key_ec(), authority, days);

	if (names) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

		assert_non_null(e);
		assert_int_equal(X509_add_ext(c.certificate, e, -1), 1);
		X509_EXTENSION_free(e);
	}
	assert_true(X509_sign(c.certificate, authority->key, EVP_sha256()) > 0);
	return c;
}

static inline bool tls_server_wait(struct tls_server *t, int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	while (!atomic_load(&t->stopping))
		if (poll(&ready, 1, 10) > 0)
			return true;
	return false;
}

/* Read until what came ends in end; counts all of it. */
static inline bool tls_server_read(struct tls_server *t, SSL *ssl, const char *end)
{
	static char piece[64 * 1024];
	char tail[16] = "";
	size_t end_len = strlen(end);

	while (memcmp(tail, end, end_len) != 0) {
		int n;

		if (!SSL_pending(ssl) && !tls_server_wait(t, SSL_get_fd(ssl)))
			return false;
		n = SSL_read(ssl, piece, sizeof(piece));
		if (n <= 0)
			return false;
		for (int i = 0; i < n; i++) {
			memmove(tail, tail + 1, end_len - 1);
			tail[end_len - 1] = piece[i];
		}
		atomic_fetch_add(&t->body, (size_t)n);
	}
	return true;
}

static inline void tls_server_talk(struct tls_server *t, SSL *ssl)
{
	const char *end =
		t->manner == COUNT_BODY || t->manner == READ_LATE ? "\r\n0\r\n\r\n" : "\r\n\r\n";

	if (t->manner == READ_LATE)
		usleep(100 * 1000);
	while (tls_server_read(t, ssl, end)) {
		atomic_fetch_add(&t->requests, 1);
		SSL_write(ssl, t->answer, (int)strlen(t->answer));
		if (t->manner == ANSWER_AND_CLOSE)
			SSL_shutdown(ssl);
		if (t->manner == ANSWER_AND_CLOSE || t->manner == ANSWER_AND_CUT)
			return;
		if (t->manner != ANSWER_AND_SPEAK && t->manner != ANSWER_AND_TICKET)
			continue;
		usleep(30 * 1000);
		if (t->manner == ANSWER_AND_SPEAK)
			SSL_write(ssl, t->answer, (int)strlen(t->answer));
		else if (SSL_new_session_ticket(ssl) == 1)
			SSL_do_handshake(ssl);
	}
}

static inline void tls_server_serve(struct tls_server *t, SSL_CTX *context, int fd)
{
	SSL *ssl = SSL_new(context);
	const char *sni;

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1) {
		sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
		snprintf(t->sni, sizeof(t->sni), "%s", sni ? sni : "");
		atomic_fetch_add(&t->resumed, SSL_session_reused(ssl));
		atomic_fetch_add(&t->accepted, 1);
		tls_server_talk(t, ssl);
	}
	SSL_free(ssl);
}

static inline void tls_server_speak_plain(struct tls_server *t, int fd)
{
	char waste[1024];

	if (t->manner == SPEAK_PLAIN && recv(fd, waste, sizeof(waste), 0) > 0)
		send(fd, t->answer, strlen(t->answer), MSG_NOSIGNAL);
	while (!atomic_load(&t->stopping))
		usleep(1000);
}

static inline void *tls_server_run(void *arg)
{
	struct tls_server *t = arg;
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_session_id_context(context, (const unsigned char *)"test", 4);
	SSL_CTX_use_certificate(context, t->certificate->certificate);
	SSL_CTX_use_PrivateKey(context, t->certificate->key);
	if (t->max_version)
		SSL_CTX_set_max_proto_version(context, t->max_version);
	while (tls_server_wait(t, t->listener)) {
		int fd = accept(t->listener, NULL, NULL);

		if (fd < 0)
			continue;
		if (t->manner == SPEAK_PLAIN || t->manner == STAY_SILENT)
			tls_server_speak_plain(t, fd);
		else
			tls_server_serve(t, context, fd);
		close(fd);
	}
	SSL_CTX_free(context);
	return NULL;
}

static inline void tls_server_start(struct tls_server *t)
{
	assert_int_equal(pthread_create(&t->thread, NULL, tls_server_run, t), 0);
}

static inline void tls_server_stop(struct tls_server *t)
{
	atomic_store(&t->stopping, true);
	pthread_join(t->thread, NULL);
}

#endif
