/*
 * authn/oidc/provider.c - a provider's two documents: what discovery says, and the keys it
 * points to.
 *
 *     discovery --first time, or another jwks_uri--> key set
 *
 * From there each is refreshed by its own clock, and the keys also when a token names one
 * that is not among them.
 */
#include "authn/oidc/provider.h"

#include <stdlib.h>

#include "authn/oidc/document.h"
#include "base/clock.h"

enum { KEY_USERS = 2 };

struct provider {
	const struct provider_config *config;
	struct document discovery;
	struct document key_set;
	struct metadata *metadata;	   /* set while discovery is held */
	struct jwks *keys;		   /* set while key_set is held */
	bool keys_outdated;		   /* discovery names another place for them */
	int64_t key_refresh_ms[KEY_USERS]; /* when each may next cause a refresh */
};

/* --- Discovery */

static void discovery_append_url(const struct document *d, struct buf *b)
{
	metadata_append_url(b, d->config->issuer);
}

static bool discovery_take(struct document *d, struct str body, struct error *err)
{
	struct provider *p = CONTAINER_OF(d, struct provider, discovery);
	struct metadata *fresh;

	if (!metadata_parse(body, p->config, &fresh, err))
		return false;
	p->keys_outdated = !p->metadata || !str_equal(p->metadata->jwks_uri, fresh->jwks_uri);
	metadata_unref(p->metadata);
	p->metadata = fresh;
	return true;
}

static void discovery_on_taken(struct document *d)
{
	struct provider *p = CONTAINER_OF(d, struct provider, discovery);

	if (p->keys_outdated)
		(void)document_fetch(&p->key_set);
}

/* --- Keys */

static void key_set_append_url(const struct document *d, struct buf *b)
{
	const struct provider *p = CONTAINER_OF(d, const struct provider, key_set);

	buf_append(b, p->metadata->jwks_uri);
}

static bool key_set_take(struct document *d, struct str body, struct error *err)
{
	struct provider *p = CONTAINER_OF(d, struct provider, key_set);
	struct error fault = {0};
	struct jwks *fresh;

	if (!jwks_parse(body, &fresh, &fault))
		return error_set(err, fault.kind, "key set: %s", fault.text);
	if (jwks_count(fresh) == 0) {
		jwks_unref(fresh);
		return error_set(err, ERR_PROTOCOL, "key set: holds no usable key");
	}
	jwks_unref(p->keys);
	p->keys = fresh;
	return true;
}

/* --- */

struct provider *provider_new(const struct provider_config *config, struct loop *loop,
			      struct fetcher *fetcher, struct error *err)
{
	struct provider *p = calloc(1, sizeof(*p));

	if (!p) {
		error_set(err, ERR_NOMEM, "out of memory for an identity provider");
		return NULL;
	}
	p->config = config;
	p->discovery = (struct document){
		.what = "discovery",
		.config = config,
		.loop = loop,
		.fetcher = fetcher,
		.max_bytes = METADATA_MAX_BYTES,
		.append_url = discovery_append_url,
		.take = discovery_take,
		.on_taken = discovery_on_taken,
	};
	p->key_set = (struct document){
		.what = "key set",
		.config = config,
		.loop = loop,
		.fetcher = fetcher,
		.max_bytes = JWKS_MAX_BYTES,
		.append_url = key_set_append_url,
		.take = key_set_take,
	};
	document_init(&p->discovery);
	document_init(&p->key_set);
	for (size_t i = 0; i < KEY_USERS; i++)
		p->key_refresh_ms[i] = INT64_MIN;
	return p;
}

void provider_free(struct provider *p)
{
	if (!p)
		return;
	document_done(&p->discovery);
	document_done(&p->key_set);
	metadata_unref(p->metadata);
	jwks_unref(p->keys);
	free(p);
}

void provider_start(struct provider *p)
{
	(void)document_fetch(&p->discovery);
}

const struct provider_config *provider_config_of(const struct provider *p)
{
	return p->config;
}

enum provider_answer provider_want_metadata(struct provider *p, struct provider_waiter *w,
					    enum login_outcome *ret_outcome, struct error *err)
{
	return document_want(&p->discovery, w, ret_outcome, err);
}

enum provider_answer provider_want_keys(struct provider *p, struct provider_waiter *w,
					enum login_outcome *ret_outcome, struct error *err)
{
	ASSERT(p->metadata); /* what comes before the keys */
	return document_want(&p->key_set, w, ret_outcome, err);
}

bool provider_refresh_keys(struct provider *p, enum provider_key_user user,
			   struct provider_waiter *w)
{
	static const int64_t intervals[KEY_USERS] = {
		[PROVIDER_KEYS_FOR_LOGIN] = PROVIDER_LOGIN_KEY_INTERVAL_MS,
		[PROVIDER_KEYS_FOR_BEARER] = PROVIDER_BEARER_KEY_INTERVAL_MS,
	};

	if (!p->key_set.fetch) {
		if (clock_ms() < p->key_refresh_ms[user])
			return false;
		p->key_refresh_ms[user] = clock_ms() + intervals[user];
		if (!document_fetch(&p->key_set))
			return false;
	}
	document_wait(&p->key_set, w);
	return true;
}

struct metadata *provider_metadata(const struct provider *p)
{
	return p->metadata;
}

const struct jwks *provider_keys(const struct provider *p)
{
	return p->keys;
}
