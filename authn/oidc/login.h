/*
 * authn/oidc/login.h - signing in with an OpenID provider: authorization code flow with
 * PKCE (OpenID Connect Core 1.0, section 3.1; RFC 7636; RFC 9207).
 *
 * All calls to providers run on one identity thread with its own loop, so that a slow
 * provider, a TLS handshake or an RSA verification never delays a request. A worker
 * hands an operation over and gets the outcome on its own loop.
 *
 *     worker: login_begin()  --> identity thread: metadata known? build the URL, seal the flow
 *             <-- Location and Set-Cookie
 *     worker: login_finish() --> open the flow, check state and iss, token call, keys,
 *                                ID token, userinfo
 *             <-- identity and the place asked for, or why not
 */
#ifndef SALLYPORT_AUTHN_OIDC_LOGIN_H
#define SALLYPORT_AUTHN_OIDC_LOGIN_H

#include "authn/identity.h"
#include "authn/jose/keyring.h"
#include "authn/oidc/provider_config.h"
#include "io/loop.h"

enum {
	LOGIN_MAX_FLOWS = 5,		/* flow cookies of one browser and host at a time */
	LOGIN_MAX_CONCURRENT = 1024,	/* operations under way; more are answered 503 */
};
#define LOGIN_COOKIE_PREFIX "__Host-sallyport-login-"

/* The identity thread and the state of all providers of one configuration. */
struct oidc;
/* configs, count and keys must outlive it. Starts discovery of each provider in the background. */
MUST_CHECK bool oidc_new(const struct provider_config *configs, size_t count,
			 const struct keyring *keys, struct oidc **ret, struct error *err);
void oidc_free(struct oidc *o);		/* operations must be done or cancelled; NULL is fine */
/* The configuration of a provider; NULL when unknown. */
const struct provider_config *oidc_provider(const struct oidc *o, struct str name);

enum login_outcome {
	LOGIN_OK,
	LOGIN_BAD_REQUEST,	/* 400: a callback that cannot be: no such flow, state, iss, repeated ... */
	LOGIN_REFUSED,		/* 403: the provider said no (access_denied and the like) */
	LOGIN_PROVIDER_FAILED,	/* 502: it answered wrongly, or its proof did not hold */
	LOGIN_UNAVAILABLE,	/* 503: it is down or slow, or too many logins are under way */
	LOGIN_INTERNAL,		/* 500 */
};

struct login_result {
	enum login_outcome outcome;
	struct error err;		/* for the log: names the provider and the cause */
	struct str provider;		/* its name, once the operation knows it; "" before */
	struct str location;		/* of begin: where to send the browser */
	/* Set-Cookie values to send whatever the outcome: a new flow, finished ones deleted. */
	struct str set_cookies[LOGIN_MAX_FLOWS + 2];
	size_t set_cookies_count;
	struct str return_to;		/* of finish: the local path that was asked for */
	struct identity *identity;	/* of finish and of bearer: one reference of the callee's while
					   done runs; take your own to keep it */
	int64_t valid_until_s;		/* of bearer: the token's exp */
};

/* Runs once on the worker's loop, unless the operation is cancelled. result is borrowed. */
typedef void login_done(void *arg, const struct login_result *result);
struct login_op;
void login_op_cancel(struct login_op *op);	/* NULL is fine */

struct login_begin_params {
	struct str provider;
	struct str origin;		/* "https://wiki.example.com:8443": redirect_uri is below it */
	struct str return_to;		/* a local path (uri_is_local_path); checked again */
	struct str cookies;		/* the Cookie field: flows already open are counted */
	int64_t max_age_s;		/* -1: none (step-up) */
	struct str acr_values;		/* "" none (step-up) */
	bool prompt_login;
};
/* Everything is copied. NULL when out of memory or over LOGIN_MAX_CONCURRENT (err says). */
MUST_CHECK struct login_op *login_begin(struct oidc *o, const struct login_begin_params *params,
					struct loop *loop, login_done *done, void *arg,
					struct error *err);

struct login_finish_params {
	struct str origin;		/* of the callback as it was reached */
	struct str query;		/* raw; parsed here, repeated parameters refused */
	struct str cookies;		/* the Cookie field */
};
MUST_CHECK struct login_op *login_finish(struct oidc *o, const struct login_finish_params *params,
					 struct loop *loop, login_done *done, void *arg,
					 struct error *err);

/*
 * Verify a bearer token (RFC 6750) as a JWT of a provider: signature, iss, aud among
 * the provider's audiences, exp and the other times, sub. LOGIN_REFUSED when it does
 * not hold: the answer is 401 whatever the reason.
 */
MUST_CHECK struct login_op *bearer_verify(struct oidc *o, struct str provider, struct str token,
					  struct loop *loop, login_done *done, void *arg,
					  struct error *err);

#endif
