/*
 * authn/session/cache.c - a worker's sessions: found, judged, kept for a while.
 *
 *     table   every session object of this worker, so that ending one reaches those
 *             that exchanges still hold
 *     recent  at most capacity of them, each held by one reference; the least recently
 *             used goes first
 *
 * An object out of both lists lives on in the table until its last reference goes.
 * What is not found is not remembered: an id that is unknown now may be known in a moment.
 */
#include "authn/session/cache.h"

#include <stdlib.h>
#include <string.h>

#include "authn/session/record.h"
#include "authn/session/store.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"

/* A session as its cache sees it. */
struct cached {
	struct session session;
	struct session_cache *cache;  /* NULL: not in the table any more */
	struct cached *chain;	      /* next in its bucket */
	struct cached *newer, *older; /* in recent; NULL: not there */
	int64_t written_s;	      /* last_seen_s as the store has it, or soon will */
};

struct session_cache {
	struct session_store *store;
	struct mailbox *mailbox;
	struct database_reader *reader;
	struct cached **buckets;
	size_t bucket_mask;
	struct cached recent; /* closes the ring: older is the newest, newer the oldest */
	size_t recent_count;
	size_t capacity;
};

/* --- Table and ring ----------------------------------------------------------------- */

/* The key is a hash already, and nobody can choose one that is found. */
static struct cached **bucket_of(struct session_cache *cache, const unsigned char key[SHA256_SIZE])
{
	size_t index;

	memcpy(&index, key, sizeof(index));
	return &cache->buckets[index & cache->bucket_mask];
}

static struct cached *table_find(struct session_cache *cache, const unsigned char key[SHA256_SIZE])
{
	struct str wanted = str_from_len((const char *)key, SHA256_SIZE);
	struct cached *c = *bucket_of(cache, key);

	while (c && !secret_equal(wanted, str_from_len((char *)c->session.key, SHA256_SIZE)))
		c = c->chain;
	return c;
}

static void table_add(struct session_cache *cache, struct cached *c)
{
	struct cached **bucket = bucket_of(cache, c->session.key);

	c->cache = cache;
	c->chain = *bucket;
	*bucket = c;
}

static void table_remove(struct cached *c)
{
	struct cached **at = bucket_of(c->cache, c->session.key);

	while (*at != c)
		at = &(*at)->chain;
	*at = c->chain;
	c->chain = NULL;
	c->cache = NULL;
}

static void ring_unlink(struct cached *c)
{
	c->newer->older = c->older;
	c->older->newer = c->newer;
	c->newer = c->older = NULL;
}

static void ring_link(struct session_cache *cache, struct cached *c)
{
	c->newer = &cache->recent;
	c->older = cache->recent.older;
	c->older->newer = c;
	cache->recent.older = c;
}

/* Out of the ring, whose reference goes with it; c may be gone then. */
static void recent_remove(struct session_cache *cache, struct cached *c)
{
	if (!c->newer)
		return;
	ring_unlink(c);
	cache->recent_count--;
	session_unref(&c->session);
}

static void recent_touch(struct session_cache *cache, struct cached *c)
{
	if (c->newer) {
		ring_unlink(c);
		ring_link(cache, c);
		return;
	}
	c->session.refs++;
	ring_link(cache, c);
	cache->recent_count++;
	if (cache->recent_count > cache->capacity)
		recent_remove(cache, cache->recent.newer);
}

/* --- Sessions ----------------------------------------------------------------------- */

static void cached_free(struct cached *c)
{
	if (c->session.attached_free)
		c->session.attached_free(c->session.attached);
	identity_unref(c->session.identity);
	secret_wipe(c, sizeof(*c));
	free(c);
}

void session_unref(struct session *s)
{
	struct cached *c;

	if (!s)
		return;
	c = CONTAINER_OF(s, struct cached, session);
	ASSERT(s->refs > 0);
	if (--s->refs > 0)
		return;
	if (c->cache)
		table_remove(c);
	cached_free(c);
}

/* The session is over: nobody finds it any more. c may be gone then. */
static void cached_end(struct session_cache *cache, struct cached *c)
{
	c->session.ended = true;
	table_remove(c);
	recent_remove(cache, c);
}

void session_cache_drop(struct session_cache *cache, const unsigned char key[SHA256_SIZE])
{
	struct cached *c = table_find(cache, key);

	if (c)
		cached_end(cache, c);
}

static bool times_hold(const struct session_store *store, int64_t expires_s, int64_t last_seen_s)
{
	int64_t now_s = clock_wall_s();

	return now_s < expires_s && now_s - last_seen_s <= store->idle_s;
}

/* --- Reading the store -------------------------------------------------------------- */

/* FOUND: *ret is to be released with session_record_done(). */
static enum session_result record_load(struct session_cache *cache,
				       const unsigned char key[SHA256_SIZE],
				       struct session_record *ret, struct error *err)
{
	enum session_result result = SESSION_ABSENT;
	struct error why = {0};
	struct str sealed;

	switch (database_reader_get(cache->reader, key, &sealed, err)) {
	case DATABASE_FOUND:
		if (session_record_open(sealed, cache->store->keys, key, ret, &why))
			result = SESSION_FOUND;
		break;
	case DATABASE_ABSENT: break;
	case DATABASE_FAILED: result = SESSION_FAILED; break;
	}
	database_reader_release(cache->reader);
	if (why.kind == ERR_NOMEM) {
		error_set(err, ERR_NOMEM, "%s", why.text);
		return SESSION_FAILED;
	}
	return result;
}

static enum session_result cached_new(const struct session_record *r,
				      const unsigned char key[SHA256_SIZE], struct cached **ret,
				      struct error *err)
{
	struct cached *c = calloc(1, sizeof(*c));
	struct session *s = &c->session;
	struct error why = {0};

	if (!c) {
		error_set(err, ERR_NOMEM, "out of memory for a session");
		return SESSION_FAILED;
	}
	if (!identity_parse(r->identity, &s->identity, &why) ||
	    !str_copy(s->host, sizeof(s->host), r->host) ||
	    !str_copy(s->public_id, sizeof(s->public_id), r->public_id)) {
		cached_free(c);
		if (why.kind != ERR_NOMEM)
			return SESSION_ABSENT;
		error_set(err, ERR_NOMEM, "%s", why.text);
		return SESSION_FAILED;
	}
	memcpy(s->key, key, sizeof(s->key));
	s->created_s = r->created_s;
	s->expires_s = r->expires_s;
	s->last_seen_s = r->last_seen_s;
	c->written_s = r->last_seen_s;
	*ret = c;
	return SESSION_FOUND;
}

/* On FOUND the session is in the table, with no reference yet. */
static enum session_result cached_load(struct session_cache *cache,
				       const unsigned char key[SHA256_SIZE], struct cached **ret,
				       struct error *err)
{
	struct session_record r;
	enum session_result result = record_load(cache, key, &r, err);

	if (result != SESSION_FOUND)
		return result;
	if (times_hold(cache->store, r.expires_s, r.last_seen_s))
		result = cached_new(&r, key, ret, err);
	else
		result = SESSION_ABSENT;
	session_record_done(&r);
	if (result == SESSION_FOUND)
		table_add(cache, *ret);
	return result;
}

/* Another worker may have seen the session since this one last did. */
static enum session_result cached_refresh(struct session_cache *cache, struct cached *c,
					  struct error *err)
{
	struct session_record r;
	enum session_result result = record_load(cache, c->session.key, &r, err);

	if (result != SESSION_FOUND)
		return result;
	if (r.last_seen_s > c->session.last_seen_s) {
		c->session.last_seen_s = r.last_seen_s;
		c->written_s = r.last_seen_s;
	}
	session_record_done(&r);
	return SESSION_FOUND;
}

static enum session_result cached_check(struct session_cache *cache, struct cached *c,
					struct error *err)
{
	struct session *s = &c->session;
	enum session_result result = SESSION_FOUND;

	if (times_hold(cache->store, s->expires_s, s->last_seen_s))
		return SESSION_FOUND;
	if (clock_wall_s() < s->expires_s)
		result = cached_refresh(cache, c, err);
	if (result == SESSION_FOUND && !times_hold(cache->store, s->expires_s, s->last_seen_s))
		result = SESSION_ABSENT;
	if (result == SESSION_ABSENT)
		cached_end(cache, c);
	return result;
}

/* --- The door ----------------------------------------------------------------------- */

/* A touch that finds no memory is left to the next request. */
static void cached_seen(struct session_cache *cache, struct cached *c)
{
	int64_t now_s = clock_wall_s();
	struct session_op *op;

	if (now_s > c->session.last_seen_s)
		c->session.last_seen_s = now_s;
	if (now_s - c->written_s < session_touch_interval_s(cache->store))
		return;
	op = session_op_new(OP_TOUCH, NULL, NULL, NULL, NULL);
	if (!op)
		return;
	memcpy(op->key, c->session.key, sizeof(op->key));
	op->last_seen_s = now_s;
	c->written_s = now_s;
	writer_queue(&cache->store->writer, op);
}

bool session_key_from_id(struct str id, unsigned char ret_key[SHA256_SIZE])
{
	unsigned char bytes[SESSION_ID_BYTES];
	size_t len;
	bool ok = id.len == SESSION_ID_TEXT && base64url_decode(id, bytes, sizeof(bytes), &len) &&
		  len == sizeof(bytes);

	if (ok)
		sha256(str_from_len((char *)bytes, sizeof(bytes)), ret_key);
	secret_wipe(bytes, sizeof(bytes));
	return ok;
}

enum session_result session_find(struct session_cache *cache, struct str id, struct session **ret,
				 struct error *err)
{
	unsigned char key[SHA256_SIZE];
	enum session_result result;
	struct cached *c;

	if (!session_key_from_id(id, key))
		return SESSION_ABSENT;
	c = table_find(cache, key);
	if (c)
		result = cached_check(cache, c, err);
	else
		result = cached_load(cache, key, &c, err);
	if (result != SESSION_FOUND)
		return result;
	c->session.refs++;
	recent_touch(cache, c);
	cached_seen(cache, c);
	*ret = &c->session;
	return SESSION_FOUND;
}

static size_t bucket_count(size_t capacity)
{
	size_t count = 16;

	while (count < capacity)
		count *= 2;
	return count;
}

bool session_cache_new(struct session_store *store, struct loop *loop, size_t capacity,
		       struct session_cache **ret, struct error *err)
{
	struct session_cache *cache = calloc(1, sizeof(*cache));
	size_t count = bucket_count(capacity);

	if (!cache)
		return error_set(err, ERR_NOMEM, "out of memory for a session cache");
	cache->store = store;
	cache->capacity = capacity;
	cache->recent.newer = cache->recent.older = &cache->recent;
	cache->bucket_mask = count - 1;
	cache->buckets = calloc(count, sizeof(*cache->buckets));
	cache->mailbox = mailbox_new(loop, cache);
	if (!cache->buckets || !cache->mailbox) {
		error_set(err, ERR_NOMEM, "out of memory for a session cache");
		goto fail;
	}
	if (!database_reader_new(store->db, &cache->reader, err) ||
	    !session_store_join(store, cache->mailbox, err))
		goto fail;
	*ret = cache;
	return true;
fail:
	database_reader_free(cache->reader);
	mailbox_unref(cache->mailbox);
	free(cache->buckets);
	free(cache);
	return false;
}

void session_cache_free(struct session_cache *cache)
{
	if (!cache)
		return;
	mailbox_close(cache->mailbox);
	session_store_leave(cache->store, cache->mailbox);
	mailbox_unref(cache->mailbox);
	while (cache->recent_count > 0)
		recent_remove(cache, cache->recent.newer);
	/* What is left is held by somebody, who must not look for its cache later. */
	for (size_t i = 0; i <= cache->bucket_mask; i++) {
		while (cache->buckets[i])
			table_remove(cache->buckets[i]);
	}
	database_reader_free(cache->reader);
	free(cache->buckets);
	free(cache);
}

struct session_store *session_cache_store(struct session_cache *cache)
{
	return cache->store;
}

struct mailbox *session_cache_mailbox(struct session_cache *cache)
{
	return cache->mailbox;
}
