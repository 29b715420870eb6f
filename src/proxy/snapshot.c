/*
 * proxy/snapshot.c - from checked configuration to what requests are judged by.
 */
#include "proxy/snapshot.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/encode.h"

static bool find_upstream(const struct snapshot_params *p, struct str name, size_t *ret_index)
{
	for (size_t i = 0; i < p->upstreams_count; i++) {
		if (str_equal(p->upstreams[i].name, name)) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

/* The claims whose absence the route's provider declared to mean "empty". */
static bool route_set_absent_claims(struct route *r)
{
	struct str *claims = calloc(r->provider->claims_count + 1, sizeof(*claims));

	if (!claims)
		return false;
	for (size_t i = 0; i < r->provider->claims_count; i++)
		if (r->provider->claims[i].absent_is_empty)
			claims[r->absent_claims_count++] = r->provider->claims[i].name;
	r->absent_claims = claims;
	return true;
}

static bool route_init(struct route *r, const struct route_config *config,
		       const struct snapshot *s, struct error *err)
{
	const struct int_list *methods = &config->authenticate.methods;
	struct policy *policy = policy_set_find(s->params.policies, config->policy);

	r->config = config;
	if (!policy || !find_upstream(&s->params, config->upstream, &r->upstream))
		return error_set(err, ERR_BUG, "route \"%.*s\" refers to something unknown",
				 STR_ARG(config->name));
	r->policy = policy_ref(policy);
	r->is_public = methods->count == 1 && methods->items[0] == AUTHN_NONE;
	for (size_t i = 0; i < methods->count; i++) {
		r->can_log_in |= methods->items[i] == AUTHN_SESSION;
		if (methods->items[i] == AUTHN_SESSION || methods->items[i] == AUTHN_BEARER)
			r->provider = s->oidc ? oidc_provider(s->oidc, config->authenticate.provider)
					      : NULL;
	}
	if (!route_needs_provider(config))
		return true;
	if (!r->provider)
		return error_set(err, ERR_BUG, "route \"%.*s\" has no provider",
				 STR_ARG(config->name));
	return route_set_absent_claims(r) || error_set(err, ERR_NOMEM, "no memory for a route");
}

static void snapshot_free(struct snapshot *s)
{
	route_table_free(s->table);
	for (size_t i = 0; s->routes && i < s->params.routes_count; i++) {
		policy_unref(s->routes[i].policy);
		free((void *)s->routes[i].absent_claims);
	}
	free(s->routes);
	oidc_free(s->oidc);
	if (s->params.owner_free)
		s->params.owner_free(s->params.owner);
	free(s);
}

/* A pseudonym (RFC 9110, section 7.6.3) that no other gate has, and that tells nothing. */
static void name_in_via(struct snapshot *s)
{
	unsigned char digest[SHA256_SIZE];
	char hex[17];

	sha256(keyring_public_jwks(s->params.keys), digest);
	hex_encode(digest, 8, hex);
	snprintf(s->via, sizeof(s->via), "sallyport-%s", hex);
}

bool snapshot_new(const struct snapshot_params *params, struct snapshot **ret, struct error *err)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (!s)
		return error_set(err, ERR_NOMEM, "no memory for a snapshot");
	s->params = *params;
	s->params.owner_free = NULL;	/* the caller's still, should anything fail */
	atomic_init(&s->refs, 1);
	name_in_via(s);
	s->routes = calloc(params->routes_count + 1, sizeof(*s->routes));
	if (!s->routes) {
		error_set(err, ERR_NOMEM, "no memory for %zu routes", params->routes_count);
		goto out;
	}
	if (params->providers_count &&
	    !oidc_new(params->providers, params->providers_count, params->keys, &s->oidc, err))
		goto out;
	for (size_t i = 0; i < params->routes_count; i++)
		if (!route_init(&s->routes[i], &params->routes[i], s, err))
			goto out;
	if (!route_table_new(s->routes, params->routes_count, &s->table, err))
		goto out;
	s->params.owner_free = params->owner_free;
	*ret = s;
	return true;
out:
	snapshot_free(s);
	return false;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void snapshot_unref(struct snapshot *s)
{
	if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
		snapshot_free(s);
}
