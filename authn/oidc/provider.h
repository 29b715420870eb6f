/*
 * authn/oidc/provider.h - what is known about a provider at run time: its metadata and
 * its keys, fetched, kept fresh and handed to logins.
 *
 * The last good document is kept until a newer good one comes: a provider that is down for
 * an hour does not end the bearer tokens it signed. At most one call for a document is
 * under way, however many wait for it. Of the identity thread alone.
 */
#ifndef SALLYPORT_AUTHN_OIDC_PROVIDER_H
#define SALLYPORT_AUTHN_OIDC_PROVIDER_H

#include "authn/oidc/login.h"
#include "authn/oidc/metadata.h"
#include "io/fetch.h"

enum {
	PROVIDER_MIN_LIFE_MS = 5 * 60 * 1000,	    /* whatever max-age says */
	PROVIDER_STANDARD_LIFE_MS = 60 * 60 * 1000, /* when it says nothing */
	PROVIDER_MAX_LIFE_MS = 24 * 60 * 60 * 1000,
	PROVIDER_MIN_RETRY_MS = 1000, /* doubled with each failure */
	PROVIDER_MAX_RETRY_MS = 60 * 1000,
	/*
	 * Between two refreshes for an unknown key. The first one is never held back: a provider
	 * may rotate just before it signs. Anybody can send bearer tokens that name odd keys,
	 * so those have an allowance of their own and cannot use up that of logins.
	 */
	PROVIDER_LOGIN_KEY_INTERVAL_MS = 10 * 1000,
	PROVIDER_BEARER_KEY_INTERVAL_MS = 60 * 1000,
};

struct provider;

MUST_CHECK struct provider *provider_new(const struct provider_config *config, struct loop *loop,
					 struct fetcher *fetcher, struct error *err);
/* Nobody may wait any more; NULL is fine. */
void provider_free(struct provider *p);
/* Begin to fetch, and keep trying. */
void provider_start(struct provider *p);
const struct provider_config *provider_config_of(const struct provider *p);

/* Somebody who waits for a document, embedded in its owner. */
struct provider_waiter {
	/*
	 * Called once, from the loop, with LOGIN_OK when the document came; else with what
	 * that means for a login, and why. It may wait anew.
	 */
	void (*on_ready)(struct provider_waiter *w, enum login_outcome outcome,
			 const struct error *err);
	struct provider_waiter *next;
	struct provider_waiter **link; /* what points here; NULL when not waiting */
};
void provider_waiter_stop(struct provider_waiter *w); /* fine when not waiting */

enum provider_answer {
	PROVIDER_HAS_IT,
	PROVIDER_WAIT,	 /* w waits */
	PROVIDER_CANNOT, /* *outcome and err say why */
};
enum provider_answer provider_want_metadata(struct provider *p, struct provider_waiter *w,
					    enum login_outcome *ret_outcome, struct error *err);
enum provider_answer provider_want_keys(struct provider *p, struct provider_waiter *w,
					enum login_outcome *ret_outcome, struct error *err);

enum provider_key_user { PROVIDER_KEYS_FOR_LOGIN, PROVIDER_KEYS_FOR_BEARER };
/* The keys held do not know a token's: PROVIDER_WAIT, or false when asked too often. */
MUST_CHECK bool provider_refresh_keys(struct provider *p, enum provider_key_user user,
				      struct provider_waiter *w);

/* Borrowed until the loop turns; NULL when none is held. Take a reference to keep one. */
struct metadata *provider_metadata(const struct provider *p);
const struct jwks *provider_keys(const struct provider *p);

#endif
