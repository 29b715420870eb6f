/*
 * authn/oidc/flow.h - a login under way, kept in the browser: one sealed cookie for each.
 *
 * The cookie is named after the state of its flow, so tabs do not collide, and what it
 * holds binds a callback to the browser, the host and the origin that began. A person
 * who opens more than LOGIN_MAX_FLOWS loses the oldest.
 */
#ifndef SALLYPORT_AUTHN_OIDC_FLOW_H
#define SALLYPORT_AUTHN_OIDC_FLOW_H

#include "authn/jose/keyring.h"
#include "authn/oidc/login.h"
#include "base/arena.h"

enum {
	FLOW_NAME_SIZE = sizeof(LOGIN_COOKIE_PREFIX) + 8,
	FLOW_STATE_HASH_SIZE = 44, /* 43 characters of base64url and a NUL */
	FLOW_MAX_VALUE = 3500,	   /* of a cookie: browsers drop those over 4096 bytes */
	FLOW_MAX_RETURN_TO = 2048,
};

struct flow {
	struct str provider;   /* name */
	struct str issuer;     /* of that provider when the flow began */
	struct str origin;     /* where it began, and where its callback must arrive */
	struct str state_hash; /* base64url of the SHA-256 of state */
	struct str nonce;
	struct str verifier;  /* code_verifier */
	struct str return_to; /* local path */
	int64_t created_s;
	int64_t expires_s;
	int64_t max_age_s; /* asked for; -1 none */
};

/* The name of the cookie of a flow. */
void flow_cookie_name(struct str state, char out[FLOW_NAME_SIZE]);
void flow_hash_state(struct str state, char out[FLOW_STATE_HASH_SIZE]);

/*
 * Append the Set-Cookie value of a new flow, sealed for this name and host. A return_to
 * that is too long, or makes the cookie so, is replaced by "/". ERR_NOMEM, ERR_LIMIT.
 */
MUST_CHECK bool flow_append_cookie(struct buf *out, const struct keyring *keys, struct str name,
				   struct str host, const struct flow *flow, struct error *err);
/* Append the Set-Cookie value that deletes one. */
void flow_append_deletion(struct buf *out, struct str name);

/*
 * The flow in the Cookie field cookies whose state this is, as far as the browser at host
 * holds it, unexpired. Its strings are in arena a; what is secret is wiped with it.
 * ERR_DENIED for every other case.
 */
MUST_CHECK bool flow_find(struct arena *a, const struct keyring *keys, struct str cookies,
			  struct str host, struct str state, int64_t now_s, struct flow *ret,
			  struct error *err);

/*
 * The flow cookies that a browser should delete before it gets one more: those that do
 * not open or have expired, then the oldest over LOGIN_MAX_FLOWS - 1. At most room names
 * into ret_names; returns how many. The names borrow from cookies.
 */
size_t flow_list_stale(struct arena *a, const struct keyring *keys, struct str cookies,
		       struct str host, int64_t now_s, struct str *ret_names, size_t room);

#endif
