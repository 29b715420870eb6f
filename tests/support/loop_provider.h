/*
 * tests/support/loop_provider.h - an OpenID provider in the test's own loop: discovery, keys
 * and a token endpoint that vouches for whom the test names.
 */
#ifndef SALLYPORT_TESTS_SUPPORT_LOOP_PROVIDER_H
#define SALLYPORT_TESTS_SUPPORT_LOOP_PROVIDER_H

#include "tests/support/proxy_world.h"
#include "tests/unit/authn/jose/sign.h"

struct loop_provider {
	EVP_PKEY *key;
	char nonce[128];    /* of the login under way */
	const char *claims; /* more of the ID token: ",\"groups\":[...]" */
	const char *subject;
	unsigned token_calls;
	struct buf token_request; /* the latest one */
	bool answers_errors;	  /* the token endpoint says invalid_grant */
};

static inline void provider_append_json(struct buf *out, struct str body)
{
	buf_appendf(
		out,
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		body.len);
	buf_append(out, body);
}

/* Signed ES256 by the provider, with these claims beside iss and the times. */
static inline void provider_sign(const struct loop_server *s, const char *claims,
				 struct buf *ret_token)
{
	struct loop_provider *p = s->arg;
	char text[4096];

	snprintf(text, sizeof(text),
		 "{\"iss\":\"http://127.0.0.1:%u\",\"iat\":%lld,\"exp\":%lld%s}", s->port,
		 (long long)clock_wall_s() - 5, (long long)clock_wall_s() + 300, claims);
	sign_token(ret_token, "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"JWT\"}", text, p->key,
		   SIGN_ES256);
}

static inline void provider_append_keys(struct loop_provider *p, struct buf *out)
{
	struct buf body;

	buf_init(&body, 4096);
	buf_append_cstr(&body, "{\"keys\":[{\"kid\":\"k1\",\"use\":\"sig\",\"alg\":\"ES256\",");
	sign_append_jwk(&body, p->key);
	buf_append_cstr(&body, "}]}");
	provider_append_json(out, buf_str(&body));
	buf_done(&body);
}

static inline void provider_append_token(struct loop_server *s, struct buf *out)
{
	struct loop_provider *p = s->arg;
	char claims[2048], body[8192];
	struct buf token;

	snprintf(claims, sizeof(claims), ",\"aud\":\"gate\",\"sub\":\"%s\",\"nonce\":\"%s\"%s",
		 p->subject, p->nonce, p->claims ? p->claims : "");
	provider_sign(s, claims, &token);
	snprintf(body, sizeof(body),
		 "{\"access_token\":\"the-access-token\",\"token_type\":\"Bearer\",\"id_token\":\"%"
		 "s\"}",
		 token.ptr);
	provider_append_json(out, str_from(body));
	buf_done(&token);
}

static inline void provider_on_request(struct loop_server *s, struct str request, struct buf *out)
{
	struct loop_provider *p = s->arg;

	if (str_starts_with(request, STR("GET /jwks"))) {
		provider_append_keys(p, out);
	} else if (str_starts_with(request, STR("POST /token"))) {
		p->token_calls++;
		buf_clear(&p->token_request);
		buf_append(&p->token_request, request);
		if (p->answers_errors)
			buf_append_cstr(
				out,
				"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
				"Content-Length: 25\r\n\r\n{\"error\":\"invalid_grant\"}");
		else
			provider_append_token(s, out);
	} else {
		world_idp_discover(s, request, out);
	}
}

/* Before world_use() of any snapshot would ask it: call right behind world_open(). */
static inline void provider_start(struct proxy_world *w, struct loop_provider *p)
{
	*p = (struct loop_provider){.key = sign_ec_key("P-256"), .subject = "ada"};
	buf_init(&p->token_request, 65536);
	w->idp.arg = p;
	w->idp.on_request = provider_on_request;
}

static inline void provider_done(struct loop_provider *p)
{
	EVP_PKEY_free(p->key);
	buf_done(&p->token_request);
}

/* The value of a parameter of a URL's query, as it stands there; storage is the caller's. */
static inline void provider_parameter(struct str url, const char *name, char *out, size_t size)
{
	struct str part, rest = str_after(url, str_find_char(url, '?') + 1);
	size_t len = strlen(name);

	out[0] = '\0';
	while (str_next(&rest, '&', &part))
		if (str_starts_with(part, str_from(name)) && part.len > len && part.ptr[len] == '=')
			assert_true(str_copy(out, size, str_after(part, len + 1)));
}

#endif
