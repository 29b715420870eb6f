/*
 * proxy/snapshot.h - all that requests are judged by: routes, policies, providers and
 * keys of one configuration. Immutable, shared by all workers, replaced as a whole.
 */
#ifndef SALLYPORT_PROXY_SNAPSHOT_H
#define SALLYPORT_PROXY_SNAPSHOT_H

#include "authn/oidc/login.h"
#include "proxy/route.h"
#include "upstream/upstream_config.h"

struct snapshot_params {
	const struct route_config *routes;
	size_t routes_count;
	const struct upstream_config *upstreams;
	size_t upstreams_count;
	const struct provider_config *providers;
	size_t providers_count;
	const struct policy_set *policies;
	const struct ip_prefix *trusted_proxies;
	size_t trusted_proxies_count;
	const struct keyring *keys;
	/* Owner of all of the above but keys; released with the snapshot. */
	void *owner;
	void (*owner_free)(void *owner);
};

struct snapshot {
	struct snapshot_params params;
	struct route *routes;
	struct route_table *table;
	struct oidc *oidc;			/* NULL when there are no providers */
	char via[32];	/* our name in Via fields: the same for all that share our keys */
	_Atomic unsigned refs;
};

/*
 * Names that refer to nothing are ERR_BUG here: the configuration was checked. Takes owner
 * on success.
 */
MUST_CHECK bool snapshot_new(const struct snapshot_params *params, struct snapshot **ret,
			     struct error *err);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s);		/* NULL is fine */

#endif
