/*
 * proxy/route.h - which route a request takes: by host, then by the longest path.
 *
 * Hosts are exact or "*.example.com"; an exact host wins over wildcards, a longer
 * wildcard over a shorter one, and the host is chosen before the path: a request for an
 * exact host never falls back to a wildcard's routes. Paths match whole segments. The
 * order of the configuration never matters. A look-up costs one hash probe per label
 * of an unknown host and one per segment, however many routes there are.
 */
#ifndef SALLYPORT_PROXY_ROUTE_H
#define SALLYPORT_PROXY_ROUTE_H

#include "authn/oidc/provider_config.h"
#include "base/error.h"
#include "policy/policy.h"
#include "proxy/proxy_config.h"

struct route {
	const struct route_config *config;
	struct policy *policy;			/* one reference */
	size_t upstream;			/* index among the configuration's upstreams */
	const struct provider_config *provider;	/* NULL when no method needs one */
	bool is_public;				/* methods are ["none"] */
	bool can_log_in;			/* "session" is among the methods */
	const struct str *absent_claims;	/* claims whose absence means empty */
	size_t absent_claims_count;
};

struct route_table;
/* routes is borrowed for the table's life. ERR_NOMEM. */
MUST_CHECK bool route_table_new(const struct route *routes, size_t count, struct route_table **ret,
				struct error *err);
void route_table_free(struct route_table *t);		/* NULL is fine */

/* Is there any route for the host? Reserved paths are served on such hosts. */
bool route_host_is_known(const struct route_table *t, struct str host);
/* The route of a canonical decoded path at a host; NULL when there is none. */
const struct route *route_find(const struct route_table *t, struct str host, struct str path);
/* The first route of the host that can log in: for /.sallyport/login without a path. */
const struct route *route_find_login(const struct route_table *t, struct str host);

#endif
