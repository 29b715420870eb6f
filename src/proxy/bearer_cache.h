/*
 * proxy/bearer_cache.h - bearer tokens that held a moment ago, so that a client that
 * sends one with each request does not have it verified each time.
 *
 * One per worker and configuration, so that a reload forgets everything. The key is
 * every input of the decision: provider and token, hashed; no token is kept. An entry
 * lives BEARER_CACHE_S at most and never past the token's own end.
 */
#ifndef SALLYPORT_PROXY_BEARER_CACHE_H
#define SALLYPORT_PROXY_BEARER_CACHE_H

#include "authn/identity.h"

enum { BEARER_CACHE_ENTRIES = 1024, BEARER_CACHE_S = 60 };

struct bearer_cache;
MUST_CHECK struct bearer_cache *bearer_cache_new(void);		/* NULL: out of memory */
void bearer_cache_free(struct bearer_cache *c);			/* NULL is fine */

/* One reference for the caller, or NULL when the token must be verified. */
struct identity *bearer_cache_find(struct bearer_cache *c, struct str provider, struct str token);
/* Remember an identity (a reference is taken) until valid_until_s at most. */
void bearer_cache_keep(struct bearer_cache *c, struct str provider, struct str token,
		       struct identity *identity, int64_t valid_until_s);

#endif
