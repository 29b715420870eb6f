/*
 * tests/unit/authn/oidc/scripted_provider.h - a small OpenID provider on a thread of the
 * test's own, which does what its script says and counts who called.
 *
 * A code is "NONCE.CHALLENGE" of the authorization request: that is all a token endpoint
 * has to remember. Each code is redeemed once, and only with its verifier.
 */
#ifndef TESTS_UNIT_AUTHN_OIDC_SCRIPTED_PROVIDER_H
#define TESTS_UNIT_AUTHN_OIDC_SCRIPTED_PROVIDER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "http/form.h"
#include "tests/unit/authn/jose/sign.h"

enum script_endpoint { AT_DISCOVERY, AT_JWKS, AT_TOKEN, AT_USERINFO, ENDPOINTS };
enum { SCRIPT_CONNECTIONS = 4096 };

struct script {
	unsigned status[ENDPOINTS];  /* 0: 200 */
	const char *body[ENDPOINTS]; /* instead of the honest one; ' for " */
	int delay_ms[ENDPOINTS];
	bool hang[ENDPOINTS]; /* never answer */
	bool cut[ENDPOINTS];  /* close in the middle */
	bool promises_iss;
	bool has_userinfo;
	const char *nonce;	  /* NULL: the right one */
	const char *claims;	  /* more members, ",'x':1" */
	bool rotate;		  /* a new key just before signing */
	const char *kid;	  /* in the header; NULL: the right one */
	const char *userinfo_sub; /* NULL: the right one */
};

struct scripted {
	int fd;
	uint16_t port;
	char issuer[64];
	pthread_t thread;
	pthread_t handlers[SCRIPT_CONNECTIONS];
	size_t handlers_count; /* of the accepting thread, then of who joins it */
	atomic_bool stopping;

	pthread_mutex_t lock; /* over the rest */
	struct script script;
	EVP_PKEY *key;
	unsigned key_number; /* kid "k1", "k2" ... */
	int calls[ENDPOINTS];
	char used[256][128]; /* codes */
	size_t used_count;
};

struct scripted_call {
	struct scripted *p;
	int fd;
};

/* --- What it answers. Runs on a handler's thread, under the lock. */

static inline void scripted_json(struct buf *b, const char *single_quoted)
{
	for (const char *c = single_quoted; *c; c++)
		buf_append_char(b, *c == '\'' ? '"' : *c);
}

static inline void scripted_discovery(struct scripted *p, struct buf *b)
{
	buf_appendf(b,
		    "{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/authorize?x=1\","
		    "\"token_endpoint\":\"%s/token\",\"jwks_uri\":\"%s/jwks\","
		    "\"id_token_signing_alg_values_supported\":[\"ES256\"]",
		    p->issuer, p->issuer, p->issuer, p->issuer);
	if (p->script.has_userinfo)
		buf_appendf(b, ",\"userinfo_endpoint\":\"%s/userinfo\"", p->issuer);
	if (p->script.promises_iss)
		scripted_json(b, ",'authorization_response_iss_parameter_supported':true");
	buf_append_char(b, '}');
}

static inline void scripted_jwks(struct scripted *p, struct buf *b)
{
	buf_appendf(b, "{\"keys\":[{\"kid\":\"k%u\",", p->key_number);
	sign_append_jwk(b, p->key);
	buf_append_cstr(b, "}]}");
}

/* A token over claims, signed as the script says. */
static inline void scripted_sign(struct scripted *p, const char *claims, struct buf *token)
{
	char header[128], kid[32];

	if (p->script.rotate) {
		EVP_PKEY_free(p->key);
		p->key = sign_ec_key("P-256");
		p->key_number++;
		p->script.rotate = false;
	}
	snprintf(kid, sizeof(kid), "k%u", p->key_number);
	snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"kid\":\"%s\"}",
		 p->script.kid ? p->script.kid : kid);
	sign_token(token, header, claims, p->key, SIGN_ES256);
}

static inline void scripted_id_token(struct scripted *p, struct str nonce, struct buf *token)
{
	struct buf claims;
	long long now = (long long)time(NULL);

	buf_init(&claims, 65536);
	buf_appendf(&claims,
		    "{\"iss\":\"%s\",\"sub\":\"u1\",\"aud\":\"sallyport\",\"iat\":%lld,"
		    "\"exp\":%lld,\"nonce\":\"%.*s\"",
		    p->issuer, now, now + 300,
		    STR_ARG(p->script.nonce ? str_from(p->script.nonce) : nonce));
	scripted_json(&claims, p->script.claims ? p->script.claims : "");
	buf_append_char(&claims, '}');
	scripted_sign(p, claims.ptr, token);
	buf_done(&claims);
}

/* The code is new, and this its verifier. */
static inline bool scripted_redeems(struct scripted *p, struct str code, struct str verifier)
{
	size_t dot = str_find_char(code, '.');
	char challenge[44];

	sha256_base64url(verifier, challenge);
	if (dot == STR_NONE || !str_equal(str_after(code, dot + 1), str_from(challenge)))
		return false;
	for (size_t i = 0; i < p->used_count; i++)
		if (str_equal(str_from(p->used[i]), code))
			return false;
	return p->used_count < ARRAY_LEN(p->used) &&
	       str_copy(p->used[p->used_count++], sizeof(p->used[0]), code);
}

static inline unsigned scripted_token(struct scripted *p, struct str head, struct str body,
				      struct buf *b)
{
	struct str code = STR(""), verifier = STR(""), uri = STR("");
	struct arena *a = arena_new(65536);
	struct form form = {0};
	struct buf token;
	bool ok;

	ok = a && form_parse(a, body, &form) && form_get(&form, "code", &code) == FORM_ONCE &&
	     form_get(&form, "code_verifier", &verifier) == FORM_ONCE &&
	     form_get(&form, "redirect_uri", &uri) == FORM_ONCE &&
	     str_equal(uri, STR("https://wiki.example.com/.sallyport/callback")) &&
	     str_find(head, STR("\r\nAuthorization: Basic "
				"c2FsbHlwb3J0OnMzY3IlMjV0JTNBJTJCJTIweA==\r\n")) != STR_NONE &&
	     scripted_redeems(p, code, verifier);
	if (ok) {
		scripted_id_token(p, str_slice(code, 0, str_find_char(code, '.')), &token);
		scripted_json(b, "{'token_type':'Bearer','access_token':'at-1','id_token':'");
		buf_append(b, buf_str(&token));
		scripted_json(b, "'}");
		buf_done(&token);
	} else {
		scripted_json(b, "{'error':'invalid_grant'}");
	}
	arena_free(a);
	return ok ? 200 : 400;
}

static inline unsigned scripted_userinfo(struct scripted *p, struct str head, struct buf *b)
{
	if (str_find(head, STR("\r\nAuthorization: Bearer at-1\r\n")) == STR_NONE)
		return 401;
	buf_appendf(b, "{\"sub\":\"%s\",\"name\":\"Ada\",\"groups\":[\"eng\"]}",
		    p->script.userinfo_sub ? p->script.userinfo_sub : "u1");
	return 200;
}

static inline unsigned scripted_answer(struct scripted *p, enum script_endpoint e, struct str head,
				       struct str body, struct buf *b)
{
	unsigned status = 200;

	if (p->script.body[e]) {
		scripted_json(b, p->script.body[e]);
	} else {
		switch (e) {
		case AT_DISCOVERY: scripted_discovery(p, b); break;
		case AT_JWKS: scripted_jwks(p, b); break;
		case AT_TOKEN: status = scripted_token(p, head, body, b); break;
		case AT_USERINFO: status = scripted_userinfo(p, head, b); break;
		case ENDPOINTS: break;
		}
	}
	return p->script.status[e] ? p->script.status[e] : status;
}

/* --- The wire */

static inline enum script_endpoint scripted_endpoint(struct str head)
{
	static const char *const paths[] = {
		[AT_DISCOVERY] = "/.well-known/openid-configuration ",
		[AT_JWKS] = "/jwks ",
		[AT_TOKEN] = "/token ",
		[AT_USERINFO] = "/userinfo ",
	};

	for (int e = 0; e < ENDPOINTS; e++)
		if (str_starts_with(str_after(head, str_find_char(head, ' ') + 1),
				    str_from(paths[e])))
			return e;
	return ENDPOINTS;
}

/* A whole request into b; the length of its head, 0 when the peer went away. */
static inline size_t scripted_read(int fd, struct buf *b)
{
	static const char field[] = "\r\nContent-Length: ";

	for (;;) {
		size_t head = str_find(buf_str(b), STR("\r\n\r\n"));
		size_t length;
		ssize_t n;

		if (head != STR_NONE) {
			length = str_find(str_slice(buf_str(b), 0, head), str_from(field));
			length = length == STR_NONE
					 ? 0
					 : strtoul(b->ptr + length + strlen(field), NULL, 10);
			if (b->len >= head + 4 + length)
				return head + 4;
		}
		if (!buf_reserve(b, 4096))
			return 0;
		n = recv(fd, b->ptr + b->len, 4096, 0);
		if (n <= 0)
			return 0;
		b->len += (size_t)n;
	}
}

/* Until the time is over (-1: never), the peer has gone, or the provider ends. */
static inline void scripted_pause(const struct scripted *p, int fd, int ms)
{
	struct pollfd peer = {.fd = fd, .events = POLLRDHUP};

	for (int waited = 0; (ms < 0 || waited < ms) && !atomic_load(&p->stopping); waited += 5)
		if (poll(&peer, 1, 5) > 0)
			return;
}

static inline void scripted_send(int fd, unsigned status, const struct buf *body, bool cut)
{
	struct buf b;
	size_t sent = 0;

	buf_init(&b, 1024 * 1024);
	buf_appendf(&b,
		    "HTTP/1.1 %u X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
		    "Connection: close\r\n\r\n",
		    status, body->len);
	buf_append(&b, cut ? str_slice(buf_str(body), 0, body->len / 2) : buf_str(body));
	while (sent < b.len) {
		ssize_t n = send(fd, b.ptr + sent, b.len - sent, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	buf_done(&b);
}

static inline void *scripted_handle(void *arg)
{
	struct scripted_call *call = arg;
	struct scripted *p = call->p;
	struct buf request, body;
	struct str head;
	size_t head_len;

	buf_init(&request, 256 * 1024);
	buf_init(&body, 1024 * 1024);
	head_len = scripted_read(call->fd, &request);
	head = str_slice(buf_str(&request), 0, head_len);
	if (head_len > 0) {
		enum script_endpoint e = scripted_endpoint(head);
		struct script script;
		unsigned status = 404;

		pthread_mutex_lock(&p->lock);
		script = p->script;
		if (e < ENDPOINTS) {
			p->calls[e]++;
			status = scripted_answer(p, e, head, str_after(buf_str(&request), head_len),
						 &body);
		}
		pthread_mutex_unlock(&p->lock);
		if (e < ENDPOINTS && (script.hang[e] || script.delay_ms[e]))
			scripted_pause(p, call->fd, script.hang[e] ? -1 : script.delay_ms[e]);
		if (e == ENDPOINTS || !script.hang[e])
			scripted_send(call->fd, status, &body, e < ENDPOINTS && script.cut[e]);
	}
	buf_done(&request);
	buf_done(&body);
	close(call->fd);
	free(call);
	return NULL;
}

static inline void *scripted_run(void *arg)
{
	struct scripted *p = arg;

	for (;;) {
		int fd = accept(p->fd, NULL, NULL);
		struct scripted_call *call = malloc(sizeof(*call));

		if (fd < 0 || !call || p->handlers_count == SCRIPT_CONNECTIONS) {
			if (fd >= 0)
				close(fd);
			free(call);
			return NULL;
		}
		*call = (struct scripted_call){p, fd};
		if (pthread_create(&p->handlers[p->handlers_count], NULL, scripted_handle, call) !=
		    0)
			abort();
		p->handlers_count++;
	}
}

/* --- Its life */

static inline struct scripted *scripted_new(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct scripted *p = calloc(1, sizeof(*p));
	socklen_t len = sizeof(addr);

	assert_non_null(p);
	atomic_init(&p->stopping, false);
	assert_int_equal(pthread_mutex_init(&p->lock, NULL), 0);
	p->key = sign_ec_key("P-256");
	p->key_number = 1;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(p->fd >= 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(p->fd, 1024), 0);
	assert_int_equal(getsockname(p->fd, (struct sockaddr *)&addr, &len), 0);
	p->port = ntohs(addr.sin_port);
	snprintf(p->issuer, sizeof(p->issuer), "http://127.0.0.1:%u", p->port);
	assert_int_equal(pthread_create(&p->thread, NULL, scripted_run, p), 0);
	return p;
}

static inline void scripted_free(struct scripted *p)
{
	atomic_store(&p->stopping, true);
	shutdown(p->fd, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	for (size_t i = 0; i < p->handlers_count; i++)
		pthread_join(p->handlers[i], NULL);
	close(p->fd);
	EVP_PKEY_free(p->key);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static inline void scripted_set(struct scripted *p, struct script script)
{
	pthread_mutex_lock(&p->lock);
	p->script = script;
	pthread_mutex_unlock(&p->lock);
}

static inline int scripted_calls(struct scripted *p, enum script_endpoint e)
{
	int calls;

	pthread_mutex_lock(&p->lock);
	calls = p->calls[e];
	pthread_mutex_unlock(&p->lock);
	return calls;
}

#endif
