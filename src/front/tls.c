/*
 * front/tls.c - one SSL_CTX per listener and configuration generation.
 *
 * Certificates are installed per handshake by the certificate callback, once the SNI name
 * is known: all that carry the name, at most one of each key type. Tickets are decided in
 * the decrypt callback: a session made with a client certificate is resumed only when
 * that certificate still verifies now, otherwise the client gets a full handshake.
 */
#include "front/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/random.h"
#include "base/secret.h"
#include "front/tls_private.h"

enum {
	TICKET_NAME_SIZE = 16,		/* OpenSSL's length of a key name */
	TICKET_KEYS = 3,		/* the one in use and those still accepted */
	TICKET_ROTATE_S = 12 * 3600,
	SESSION_LIFETIME_S = 12 * 3600,
	AUTHORITIES_MAX_BYTES = 4 * 1024 * 1024,
};

#define TLS12_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define TLS_GROUPS "X25519:P-256:P-384"

/* --- ticket keys */

struct ticket_key {
	unsigned char name[TICKET_NAME_SIZE];
	unsigned char aes[32];
	unsigned char hmac[32];
	int64_t made_s;
	bool is_set;
};

struct tls_tickets {
	pthread_mutex_t lock;
	struct ticket_key keys[TICKET_KEYS];	/* the newest first */
};

struct tls_tickets *tls_tickets_new(void)
{
	struct tls_tickets *t = calloc(1, sizeof(*t));

	if (t && pthread_mutex_init(&t->lock, NULL)) {
		free(t);
		return NULL;
	}
	return t;
}

void tls_tickets_free(struct tls_tickets *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	secret_wipe(t, sizeof(*t));
	free(t);
}

/* The key for new tickets, made or rotated when its time has come. */
static struct ticket_key tickets_current(struct tls_tickets *t)
{
	struct ticket_key key;

	pthread_mutex_lock(&t->lock);
	if (!t->keys[0].is_set || clock_wall_s() - t->keys[0].made_s >= TICKET_ROTATE_S) {
		memmove(&t->keys[1], &t->keys[0], sizeof(t->keys) - sizeof(t->keys[0]));
		t->keys[0] = (struct ticket_key){.made_s = clock_wall_s(), .is_set = true};
		random_bytes(t->keys[0].name, sizeof(t->keys[0].name));
		random_bytes(t->keys[0].aes, sizeof(t->keys[0].aes));
		random_bytes(t->keys[0].hmac, sizeof(t->keys[0].hmac));
	}
	key = t->keys[0];
	pthread_mutex_unlock(&t->lock);
	return key;
}

static bool tickets_find(struct tls_tickets *t, const unsigned char *name, struct ticket_key *ret,
			 bool *ret_is_current)
{
	bool found = false;

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < TICKET_KEYS && !found; i++) {
		if (!t->keys[i].is_set || memcmp(t->keys[i].name, name, TICKET_NAME_SIZE) != 0 ||
		    clock_wall_s() - t->keys[i].made_s >= 2 * TICKET_ROTATE_S)
			continue;
		*ret = t->keys[i];
		*ret_is_current = i == 0;
		found = true;
	}
	pthread_mutex_unlock(&t->lock);
	return found;
}

static bool ticket_set_mac(EVP_MAC_CTX *mac, const struct ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string("key", (void *)(uintptr_t)key->hmac, sizeof(key->hmac)),
		OSSL_PARAM_construct_utf8_string("digest", digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* The contract of SSL_CTX_set_tlsext_ticket_key_evp_cb: 1 good, 2 good but renew, 0 unknown, -1 error. */
static int on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
			 EVP_MAC_CTX *mac, int encrypt)
{
	struct tls_server *s = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct ticket_key key;
	bool is_current = true;
	int result = -1;

	if (encrypt) {
		key = tickets_current(s->tickets);
		memcpy(name, key.name, TICKET_NAME_SIZE);
		random_bytes(iv, 16);
	} else if (!tickets_find(s->tickets, name, &key, &is_current)) {
		return 0;
	}
	if (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.aes, iv, encrypt) == 1 &&
	    ticket_set_mac(mac, &key))
		result = is_current ? 1 : 2;
	secret_wipe(&key, sizeof(key));
	return result;
}

/* --- client certificates */

/* The certificate of a session that asks to be resumed: would it be accepted now? */
static bool still_verifies(struct tls_server *s, X509 *certificate)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool ok = false;

	if (ctx && X509_STORE_CTX_init(ctx, SSL_CTX_get_cert_store(s->ctx), certificate, NULL) == 1 &&
	    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT) == 1)
		ok = X509_verify_cert(ctx) == 1;
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

static SSL_TICKET_RETURN on_ticket_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
					  size_t name_len, SSL_TICKET_STATUS status, void *arg)
{
	struct tls_server *s = arg;
	X509 *certificate = session ? SSL_SESSION_get0_peer(session) : NULL;

	(void)ssl;
	(void)name;
	(void)name_len;
	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
		return status == SSL_TICKET_EMPTY || status == SSL_TICKET_NO_DECRYPT
			       ? SSL_TICKET_RETURN_IGNORE_RENEW
			       : SSL_TICKET_RETURN_IGNORE;
	if (certificate ? !still_verifies(s, certificate)
			: s->client_certificate_mode == CLIENT_CERT_REQUIRED)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS_RENEW ? SSL_TICKET_RETURN_USE_RENEW
						  : SSL_TICKET_RETURN_USE;
}

static int on_ticket_made(SSL *ssl, void *arg)
{
	(void)ssl;
	(void)arg;
	return 1;
}

/* Sessions belong to a listener and its demands: change one, and none is resumed. */
static bool set_session_context(struct tls_server *s, const struct listener_config *config,
				struct str authorities, struct error *err)
{
	unsigned char digest[SHA256_SIZE];
	struct buf text;

	buf_init(&text, AUTHORITIES_MAX_BYTES + 1024);
	buf_appendf(&text, "%d/", config->tls.client_certificate.mode);
	buf_append(&text, config->name);
	buf_append_char(&text, '/');
	buf_append(&text, authorities);
	sha256(buf_str(&text), digest);
	if (buf_failed(&text) ||
	    SSL_CTX_set_session_id_context(s->ctx, digest, sizeof(digest)) != 1) {
		buf_done(&text);
		return error_set(err, ERR_NOMEM, "no memory for TLS sessions");
	}
	buf_done(&text);
	return true;
}

static bool set_client_certificates(struct tls_server *s, const struct listener_config *config,
				    struct error *err)
{
	const struct client_certificate_config *c = &config->tls.client_certificate;
	struct buf authorities;
	STACK_OF(X509_NAME) *names;
	bool ok;

	buf_init(&authorities, AUTHORITIES_MAX_BYTES);
	s->client_certificate_mode = c->mode;
	if (c->mode == CLIENT_CERT_NONE) {
		ok = set_session_context(s, config, STR(""), err);
		buf_done(&authorities);
		return ok;
	}
	ok = file_read(c->authorities.ptr, AUTHORITIES_MAX_BYTES, &authorities, err) &&
	     set_session_context(s, config, buf_str(&authorities), err);
	buf_done(&authorities);
	if (!ok)
		return false;
	names = SSL_load_client_CA_file(c->authorities.ptr);
	if (!names || SSL_CTX_load_verify_file(s->ctx, c->authorities.ptr) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return tls_error(err, ERR_SYNTAX, c->authorities, "holds no certificate authorities");
	}
	SSL_CTX_set_client_CA_list(s->ctx, names);
	if (SSL_CTX_set_purpose(s->ctx, X509_PURPOSE_SSL_CLIENT) != 1)
		return error_set(err, ERR_BUG, "the purpose of client certificates cannot be set");
	SSL_CTX_set_verify(s->ctx,
			   SSL_VERIFY_PEER | (c->mode == CLIENT_CERT_REQUIRED
						      ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT
						      : 0),
			   NULL);
	return true;
}

/* --- names and protocols */

/* At handshake time: install what carries the name asked for, else the first of the list. */
static int on_choose_certificate(SSL *ssl, void *arg)
{
	struct tls_server *s = arg;
	const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	return tls_certificates_install(s, ssl, str_from(sni)) ? 1 : 0;
}

static int on_choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
			      const unsigned char *in, unsigned int in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;	/* RFC 7301, section 3.2 */
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static bool set_protocol(struct tls_server *s, const struct listener_config *config,
			 struct error *err)
{
	int lowest = config->tls.min_version == TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;

	SSL_CTX_set_options(s->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					    SSL_OP_CIPHER_SERVER_PREFERENCE |
					    SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(s->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(s->ctx, SSL_SESS_CACHE_OFF);	/* tickets only */
	SSL_CTX_set_timeout(s->ctx, SESSION_LIFETIME_S);
	SSL_CTX_set_num_tickets(s->ctx, 1);
	SSL_CTX_set_app_data(s->ctx, s);
	SSL_CTX_set_cert_cb(s->ctx, on_choose_certificate, s);
	SSL_CTX_set_alpn_select_cb(s->ctx, on_choose_protocol, NULL);
	if (SSL_CTX_set_min_proto_version(s->ctx, lowest) != 1 ||
	    SSL_CTX_set_cipher_list(s->ctx, TLS12_CIPHERS) != 1 ||
	    SSL_CTX_set1_groups_list(s->ctx, TLS_GROUPS) != 1 ||
	    SSL_CTX_set_tlsext_ticket_key_evp_cb(s->ctx, on_ticket_key) != 1 ||
	    SSL_CTX_set_session_ticket_cb(s->ctx, on_ticket_made, on_ticket_opened, s) != 1)
		return error_set(err, ERR_BUG, "OpenSSL refuses the gate's TLS settings");
	return true;
}

bool tls_error(struct error *err, enum error_kind kind, struct str file, const char *what)
{
	char reason[160] = "";
	unsigned long code = ERR_get_error();

	if (code)
		ERR_error_string_n(code, reason, sizeof(reason));
	ERR_clear_error();
	error_set(err, kind, "%s%s%s", what, code ? ": " : "", reason);
	error_at_file(err, file.ptr);
	return false;
}

bool tls_server_new(const struct listener_config *config, struct tls_tickets *tickets,
		    struct tls_server **ret, struct error *err)
{
	struct tls_server *s = calloc(1, sizeof(*s));

	if (!s)
		return error_set(err, ERR_NOMEM, "no memory for a TLS listener");
	atomic_init(&s->refs, 1);
	s->tickets = tickets;
	ERR_clear_error();
	s->ctx = SSL_CTX_new(TLS_server_method());
	if (!s->ctx) {
		error_set(err, ERR_NOMEM, "no memory for a TLS context");
		goto out;
	}
	if (!set_protocol(s, config, err) || !tls_certificates_load(s, config, err) ||
	    !set_client_certificates(s, config, err))
		goto out;
	*ret = s;
	return true;
out:
	tls_server_unref(s);
	return false;
}

struct tls_server *tls_server_ref(struct tls_server *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void tls_server_unref(struct tls_server *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	tls_certificates_free(s);
	SSL_CTX_free(s->ctx);
	free(s);
}
