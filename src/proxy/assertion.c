/*
 * proxy/assertion.c - signing costs more than the rest of an exchange together, so a
 * session keeps the assertions of the routes it used last.
 */
#include "proxy/assertion.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"

struct cached {
	struct str jwt;			/* owned */
	char audience[64];		/* the route's name */
	struct str issuer;		/* owned: the origin it was made for */
	int64_t made_s;
};

struct assertion_cache {
	struct cached items[ASSERTION_CACHED];
	size_t next;			/* replaced next */
};

static void cached_done(struct cached *c)
{
	if (c->jwt.ptr)
		secret_wipe((void *)c->jwt.ptr, c->jwt.len);
	free((void *)c->jwt.ptr);
	free((void *)c->issuer.ptr);
	*c = (struct cached){.made_s = 0};
}

static void assertion_cache_free(void *attached)
{
	struct assertion_cache *cache = attached;

	for (size_t i = 0; i < ASSERTION_CACHED; i++)
		cached_done(&cache->items[i]);
	free(cache);
}

static struct str str_own(struct str s)
{
	char *copy = malloc(s.len + 1);

	if (!copy || !str_copy(copy, s.len + 1, s)) {
		free(copy);
		return STR("");
	}
	return str_from_len(copy, s.len);
}

static bool cache_find(const struct exchange *e, struct str *ret_jwt)
{
	const struct assertion_cache *cache = e->session->attached;

	for (size_t i = 0; cache && i < ASSERTION_CACHED; i++) {
		const struct cached *c = &cache->items[i];

		if (c->jwt.len && str_equal(str_from(c->audience), e->route->config->name) &&
		    str_equal(c->issuer, e->origin) &&
		    clock_wall_s() - c->made_s < ASSERTION_LIFETIME_S / 2) {
			*ret_jwt = c->jwt;
			return true;
		}
	}
	return false;
}

/* Best effort: an assertion that cannot be kept is signed again next time. */
static void cache_keep(struct exchange *e, struct str jwt)
{
	struct assertion_cache *cache = e->session->attached;
	struct cached *c;

	if (!cache) {
		cache = calloc(1, sizeof(*cache));
		if (!cache)
			return;
		e->session->attached = cache;
		e->session->attached_free = assertion_cache_free;
	}
	c = &cache->items[cache->next];
	cache->next = (cache->next + 1) % ASSERTION_CACHED;
	cached_done(c);
	c->issuer = str_own(e->origin);
	if (c->issuer.len && str_copy(c->audience, sizeof(c->audience), e->route->config->name))
		c->jwt = str_own(jwt);
	c->made_s = clock_wall_s();
}

static void append_claims(struct exchange *e, struct buf *out)
{
	const struct identity *i = e->identity;
	int64_t now_s = clock_wall_s();
	struct json_writer w;

	json_write_begin(&w, out);
	json_write_object(&w, NULL);
	json_write_str(&w, "iss", e->origin);
	json_write_str(&w, "aud", e->route->config->name);
	json_write_str(&w, "sub", i->subject);
	if (i->email.len)
		json_write_str(&w, "email", i->email);
	json_write_array(&w, "groups");
	for (size_t g = 0; g < i->groups_count; g++)
		json_write_str(&w, NULL, i->groups[g]);
	json_write_end(&w);
	if (e->session)
		json_write_str(&w, "sid", str_from(e->session->public_id));
	json_write_i64(&w, "iat", now_s);
	json_write_i64(&w, "exp", now_s + ASSERTION_LIFETIME_S);
	json_write_end(&w);
}

static bool assertion_sign(struct exchange *e, struct str *ret_jwt, struct error *err)
{
	struct buf claims, jwt;
	bool ok;

	buf_init(&claims, 32 * 1024);
	buf_init(&jwt, 64 * 1024);
	append_claims(e, &claims);
	ok = !buf_failed(&claims) && keyring_sign_assertion(e->view->snapshot->params.keys,
							    buf_str(&claims), &jwt, err);
	if (ok)
		*ret_jwt = arena_str(e->arena, buf_str(&jwt));
	else
		error_set(err, ERR_LIMIT, "the assertion would be larger than 32 KiB");
	buf_done(&claims);
	buf_wipe(&jwt);
	return ok && ret_jwt->len > 0;
}

bool assertion_get(struct exchange *e, struct str *ret_jwt, struct error *err)
{
	if (e->session && cache_find(e, ret_jwt))
		return true;
	if (!assertion_sign(e, ret_jwt, err))
		return false;
	if (e->session)
		cache_keep(e, *ret_jwt);
	return true;
}
