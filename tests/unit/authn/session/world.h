/*
 * tests/unit/authn/session/world.h - a store with two workers' caches, all driven by the
 * one thread of a test, and the calls of session.h with their waiting.
 */
#ifndef TESTS_UNIT_AUTHN_SESSION_WORLD_H
#define TESTS_UNIT_AUTHN_SESSION_WORLD_H

#include "authn/session/session.h"
#include "tests/unit/authn/scratch.h"
#include "tests/unit/authn/session/fake_clock.h"

enum { WORLD_LIFETIME_S = 12 * 3600, WORLD_IDLE_S = 3600, WORLD_PATIENCE_MS = 10000 };

#define WORLD_RECORD(sub)                                                                  \
	"{\"method\":\"session\",\"provider\":\"corp\",\"issuer\":\"https://id.example\"," \
	"\"groups_claim\":\"groups\",\"auth_time\":1699999999,\"claims\":{\"sub\":\"" sub  \
	"\",\"groups\":[\"eng\"]}}"

struct world {
	char *folder;
	struct session_config config;
	size_t capacity;
	struct keyring *keys;
	struct session_store *store;
	struct loop *a_loop, *b_loop;
	struct session_cache *a, *b;
};

static inline void world_open(struct world *w)
{
	struct error err = {0};

	if (!session_store_open(w->folder, w->keys, &w->config, &w->store, &err))
		fail_msg("%s: %s", err.file, err.text);
	assert_non_null(w->a_loop = loop_new(NULL));
	assert_non_null(w->b_loop = loop_new(NULL));
	assert_true(session_cache_new(w->store, w->a_loop, w->capacity, &w->a, NULL));
	assert_true(session_cache_new(w->store, w->b_loop, w->capacity, &w->b, NULL));
}

static inline void world_close(struct world *w)
{
	session_cache_free(w->a);
	session_cache_free(w->b);
	loop_free(w->a_loop);
	loop_free(w->b_loop);
	session_store_close(w->store);
	w->a = w->b = NULL;
	w->store = NULL;
}

static inline void world_reopen(struct world *w)
{
	world_close(w);
	world_open(w);
}

static inline void world_start(struct world *w)
{
	fake_clock_s = FAKE_CLOCK_START_S;
	*w = (struct world){
		.folder = scratch_make(),
		.config = {.lifetime_ms = WORLD_LIFETIME_S * INT64_C(1000),
			   .idle_timeout_ms = WORLD_IDLE_S * INT64_C(1000),
			   .max_bytes = 64 * 1024 * 1024},
		.capacity = 100,
	};
	assert_true(keyring_open(w->folder, &w->keys, NULL));
	world_open(w);
}

static inline void world_end(struct world *w)
{
	if (w->store)
		world_close(w);
	keyring_free(w->keys);
	scratch_remove(w->folder);
}

/* --- Operations ---------------------------------------------------------------------- */

struct outcome {
	unsigned calls;
	bool ok;
	struct error err;
};

static inline void outcome_take(void *arg, bool ok, const struct error *err)
{
	struct outcome *o = arg;

	o->calls++;
	o->ok = ok;
	o->err = *err;
}

static inline void world_turn(struct world *w)
{
	loop_turn(w->a_loop, 1);
	loop_turn(w->b_loop, 1);
}

static inline void world_wait(struct world *w, const struct outcome *o)
{
	int64_t until = clock_ms() + WORLD_PATIENCE_MS;

	while (o->calls == 0 && clock_ms() < until)
		world_turn(w);
	assert_int_equal(o->calls, 1);
}

/* Whatever was queued before is written when this comes back: one queue, one writer. */
static inline void world_settle(struct world *w)
{
	struct session nobody = {.refs = 0};
	struct outcome o = {0};

	assert_non_null(session_end(w->a, &nobody, outcome_take, &o, NULL));
	world_wait(w, &o);
	assert_true(o.ok);
}

static inline struct identity *world_identity(const char *record)
{
	struct identity *i = NULL;

	assert_true(identity_parse(str_from(record), &i, NULL));
	return i;
}

/* Create at "app.example", wait, answer how it went. */
static inline struct outcome world_create(struct world *w, struct session_cache *cache,
					  const char *record, const char *replaces,
					  char id[SESSION_ID_TEXT + 1])
{
	struct identity *i = world_identity(record);
	struct outcome o = {0};

	assert_non_null(session_create(cache, i, STR("app.example"), str_from(replaces), id,
				       outcome_take, &o, NULL));
	identity_unref(i);
	assert_int_equal(o.calls, 0); /* never from inside the call */
	world_wait(w, &o);
	return o;
}

static inline void world_must_create(struct world *w, char id[SESSION_ID_TEXT + 1])
{
	struct outcome o = world_create(w, w->a, WORLD_RECORD("u1"), "", id);

	if (!o.ok)
		fail_msg("%s", o.err.text);
}

static inline enum session_result world_probe(struct session_cache *cache, const char *id)
{
	struct session *s = NULL;
	enum session_result result = session_find(cache, str_from(id), &s, NULL);

	assert_true((result == SESSION_FOUND) == (s != NULL));
	session_unref(s);
	return result;
}

static inline struct session *world_must_find(struct session_cache *cache, const char *id)
{
	struct session *s = NULL;
	struct error err = {0};

	if (session_find(cache, str_from(id), &s, &err) != SESSION_FOUND)
		fail_msg("not found: %s", err.text);
	return s;
}

/* last_seen_s as the store has it: a cache of its own reads it before it moves it. */
static inline int64_t world_stored_last_seen(struct world *w, const char *id)
{
	int64_t now_s = fake_clock_s, stored_s;
	struct session_cache *fresh = NULL;
	struct session *s;

	assert_true(session_cache_new(w->store, w->a_loop, 1, &fresh, NULL));
	fake_clock_s = 0; /* earlier than anything: what is found is not moved */
	s = world_must_find(fresh, id);
	stored_s = s->last_seen_s;
	session_unref(s);
	fake_clock_s = now_s;
	session_cache_free(fresh);
	return stored_s;
}

#endif
