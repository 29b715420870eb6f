/*
 * upstream/tls_client.c - TLS towards https servers, the one user of OpenSSL here.
 *
 * What surprised its author: SSL_get_error() looks at the thread's error queue, so a
 * stale entry of somebody else turns "wait" into "failed": the queue is emptied before
 * each call. And after a failed handshake the peer's certificate is gone, so the names
 * it bears are noted while it is being verified.
 */
#include "upstream/tls_client.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config/tls_files.h"

enum {
	NAMES_SHOWN_MAX = 2,
	NAME_SHOWN_MAX = 48,
	RESUMPTION_MAX_MS = 60 * 60 * 1000,
};

struct tls_client {
	SSL_CTX *context;
	struct str server_name;		/* of the configuration; empty: the URL's host */
};

struct tls_link {
	SSL *ssl;
	struct tls_resumption *resumption;
	bool is_up;
	bool is_broken;			/* nothing may be called but free */
	char wanted[256];		/* the name that the certificate must bear */
	struct error fault;		/* why the certificate was not accepted */
};

/* Names of a certificate */

/* One name in quotes, cut, what is not plain text as '?'. */
static void names_append(struct buf *out, const unsigned char *text, size_t len)
{
	buf_append_cstr(out, out->len ? ", \"" : "\"");
	for (size_t i = 0; i < len && i < NAME_SHOWN_MAX; i++)
		buf_append_char(out, text[i] > 0x20 && text[i] < 0x7f && text[i] != '"'
				     ? (char)text[i] : '?');
	buf_append_cstr(out, len > NAME_SHOWN_MAX ? "...\"" : "\"");
}

static void names_append_address(struct buf *out, const ASN1_OCTET_STRING *address)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(address);
	struct ip ip = {.is_v4 = ASN1_STRING_length(address) == 4};
	char text[IP_TEXT_SIZE];

	if (ip.is_v4)
		memset(ip.bytes + 10, 0xff, 2);
	memcpy(ip.bytes + (ip.is_v4 ? 12 : 0), bytes, ip.is_v4 ? 4 : 16);
	ip_format(&ip, text);
	names_append(out, (const unsigned char *)text, strlen(text));
}

static bool is_address(const GENERAL_NAME *name)
{
	int len = name->type == GEN_IPADD ? ASN1_STRING_length(name->d.iPAddress) : 0;

	return len == 4 || len == 16;
}

/* The first few DNS names and addresses that a certificate is for. Returns how many it has. */
static int names_collect(const X509 *certificate, struct buf *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int found = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DNS && !is_address(name))
			continue;
		if (++found > NAMES_SHOWN_MAX)
			continue;
		if (name->type == GEN_IPADD)
			names_append_address(out, name->d.iPAddress);
		else
			names_append(out, ASN1_STRING_get0_data(name->d.dNSName),
				     (size_t)ASN1_STRING_length(name->d.dNSName));
	}
	GENERAL_NAMES_free(names);
	return found;
}

static void note_wrong_name(struct tls_link *l, const X509 *certificate)
{
	struct buf names;
	int found;

	buf_init(&names, 512);
	found = certificate ? names_collect(certificate, &names) : 0;
	if (!found)
		error_set(&l->fault, ERR_DENIED,
			  "certificate has no subject alternative name, wanted \"%s\"", l->wanted);
	else if (found > NAMES_SHOWN_MAX)
		error_set(&l->fault, ERR_DENIED, "certificate is for %s and %d more, wanted \"%s\"",
			  names.ptr, found - NAMES_SHOWN_MAX, l->wanted);
	else
		error_set(&l->fault, ERR_DENIED, "certificate is for %s, wanted \"%s\"", names.ptr,
			  l->wanted);
	buf_done(&names);
}

static int on_verify(int is_good, X509_STORE_CTX *store)
{
	int index = SSL_get_ex_data_X509_STORE_CTX_idx();
	struct tls_link *l = SSL_get_app_data((SSL *)X509_STORE_CTX_get_ex_data(store, index));
	int why = X509_STORE_CTX_get_error(store);

	if (is_good)
		return 1;
	if (why == X509_V_ERR_HOSTNAME_MISMATCH || why == X509_V_ERR_IP_ADDRESS_MISMATCH)
		note_wrong_name(l, X509_STORE_CTX_get_current_cert(store));
	else
		error_set(&l->fault, ERR_DENIED, "certificate is not accepted: %s",
			  X509_verify_cert_error_string(why));
	return 0;
}

/* Resumption */

void tls_resumption_done(struct tls_resumption *r)
{
	SSL_SESSION_free(r->session);
	r->session = NULL;
}

/* OpenSSL hands over a reference to a session that the server lets us resume. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_link *l = SSL_get_app_data(ssl);

	tls_resumption_done(l->resumption);
	l->resumption->session = session;
	if (!SSL_session_reused(ssl))
		l->resumption->verified_ms = clock_ms();
	return 1;
}

static void resume(struct tls_link *l)
{
	struct tls_resumption *r = l->resumption;

	if (!r->session)
		return;
	if (clock_ms() - r->verified_ms > RESUMPTION_MAX_MS ||
	    !SSL_SESSION_is_resumable(r->session) || SSL_set_session(l->ssl, r->session) != 1)
		tls_resumption_done(r);
}

/* Life of a client */

static bool load_authorities(SSL_CTX *context, struct str path, struct error *err)
{
	char text[PATH_MAX];

	if (str_is_empty(path))
		return SSL_CTX_set_default_verify_paths(context) == 1 ||
		       error_set(err, ERR_IO, "cannot use the system's certificate authorities");
	if (!str_copy(text, sizeof(text), path))
		return error_set(err, ERR_LIMIT, "the path of the authorities is too long");
	if (!tls_check_authorities(text, err))
		return false;
	return SSL_CTX_load_verify_file(context, text) == 1 ||
	       error_set(err, ERR_SYNTAX, "cannot use the authorities of %.150s", text);
}

static bool context_set_up(SSL_CTX *context)
{
	static const unsigned char protocols[] = "\x08http/1.1";
	X509_VERIFY_PARAM *verification = SSL_CTX_get0_param(context);

	X509_VERIFY_PARAM_set_hostflags(verification, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
						      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verify);
	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT |
						SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context, on_new_session);
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_alpn_protos(context, protocols, sizeof(protocols) - 1) == 0;
}

bool tls_client_new(const struct upstream_config *config, struct tls_client **ret,
		    struct error *err)
{
	struct tls_client *t = calloc(1, sizeof(*t));

	ERR_clear_error();
	if (t)
		t->context = SSL_CTX_new(TLS_client_method());
	if (!t || !t->context || !context_set_up(t->context)) {
		tls_client_free(t);
		return error_set(err, ERR_NOMEM, "out of memory for TLS towards upstream \"%.*s\"",
				 STR_ARG(config->name));
	}
	t->server_name = config->server_name;
	if (!load_authorities(t->context, config->authorities, err)) {
		tls_client_free(t);
		return false;
	}
	*ret = t;
	return true;
}

void tls_client_free(struct tls_client *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->context);
	free(t);
}

/* Life of a link */

/* An address is looked for among a certificate's addresses, and is no SNI (RFC 6066, 3). */
static bool set_name(struct tls_link *l, struct str name)
{
	X509_VERIFY_PARAM *verification = SSL_get0_param(l->ssl);
	struct ip ip;

	if (str_is_empty(name) || !str_copy(l->wanted, sizeof(l->wanted), name))
		return false;
	if (ip_parse(name, &ip))
		return X509_VERIFY_PARAM_set1_ip_asc(verification, l->wanted) == 1;
	return X509_VERIFY_PARAM_set1_host(verification, l->wanted, name.len) == 1 &&
	       SSL_set_tlsext_host_name(l->ssl, l->wanted) == 1;
}

struct tls_link *tls_link_new(struct tls_client *t, int fd, struct str host,
			      struct tls_resumption *resumption, struct error *err)
{
	struct tls_link *l = calloc(1, sizeof(*l));

	ERR_clear_error();
	if (l)
		l->ssl = SSL_new(t->context);
	if (!l || !l->ssl || SSL_set_app_data(l->ssl, l) != 1 || SSL_set_fd(l->ssl, fd) != 1 ||
	    !set_name(l, str_is_empty(t->server_name) ? host : t->server_name)) {
		tls_link_free(l);
		error_set(err, ERR_NOMEM, "TLS cannot be set up");
		return NULL;
	}
	l->resumption = resumption;
	SSL_set_connect_state(l->ssl);
	resume(l);
	return l;
}

void tls_link_free(struct tls_link *l)
{
	if (!l)
		return;
	ERR_clear_error();
	if (l->is_up && !l->is_broken)
		(void)SSL_shutdown(l->ssl);	/* sent if there is room; nobody waits for the answer */
	SSL_free(l->ssl);
	free(l);
}

/* Use */

static const char *reason_words(unsigned long code)
{
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	return reason ? reason : "unknown error";
}

/* What a call that did not do what it was asked to means. */
static int explain(struct tls_link *l, int status, struct error *err)
{
	int cause = errno;
	unsigned long code;

	switch (SSL_get_error(l->ssl, status)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return TLS_WAIT;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_END;
	case SSL_ERROR_SYSCALL:
		l->is_broken = true;
		if (cause)
			error_set_errno(err, cause, "TLS failed");
		else
			error_set(err, ERR_IO, "connection closed");
		return TLS_BROKEN;
	default:
		l->is_broken = true;
		code = ERR_peek_error();
		if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
			error_set(err, ERR_PROTOCOL, "connection closed without close_notify");
		else
			error_set(err, ERR_PROTOCOL, "TLS failed: %s", reason_words(code));
		return TLS_BROKEN;
	}
}

static void prepare(void)
{
	ERR_clear_error();
	errno = 0;
}

int tls_link_handshake(struct tls_link *l, struct error *err)
{
	int status;

	prepare();
	status = SSL_do_handshake(l->ssl);
	if (status == 1) {
		l->is_up = true;
		return 1;
	}
	if (l->fault.kind != ERR_NONE)
		error_set(err, ERR_DENIED, "%s", l->fault.text);
	if (explain(l, status, err) == TLS_WAIT)
		return TLS_WAIT;
	error_set(err, ERR_PROTOCOL, "TLS ended in its handshake");
	tls_resumption_done(l->resumption);
	return TLS_BROKEN;
}

static int clip(size_t len)
{
	return len > INT_MAX ? INT_MAX : (int)len;
}

ssize_t tls_link_read(struct tls_link *l, char *out, size_t max, struct error *err)
{
	int n;

	prepare();
	n = SSL_read(l->ssl, out, clip(max));
	return n > 0 ? n : explain(l, n, err);
}

ssize_t tls_link_write(struct tls_link *l, const char *data, size_t len, struct error *err)
{
	int n;

	prepare();
	n = SSL_write(l->ssl, data, clip(len));
	return n > 0 ? n : explain(l, n, err);
}

bool tls_link_wants_write(const struct tls_link *l)
{
	return SSL_want_write(l->ssl);
}

bool tls_link_is_quiet(struct tls_link *l)
{
	char byte;
	int n;

	prepare();
	n = SSL_peek(l->ssl, &byte, 1);
	/* A part of a record that came already is no silence either. */
	return n <= 0 && explain(l, n, NULL) == TLS_WAIT && !SSL_has_pending(l->ssl);
}
