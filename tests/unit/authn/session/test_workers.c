/*
 * Several worker threads on one store at once, each with a loop and a cache of its own:
 * sessions made, found by the others, ended, while the clock moves. Says most under
 * ThreadSanitizer.
 */
#include <pthread.h>

#include "tests/unit/authn/session/world.h"

enum { WORKERS = 3, ROUNDS = 60, SHARED = 16 };

struct worker {
	struct session_store *store;
	pthread_t thread;
	struct loop *loop;
	struct session_cache *cache;
	unsigned made, found, ended;
	bool failed;
};

/* Ids that every worker may look for; the lock stands in for the browsers between them. */
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static char shared[SHARED][SESSION_ID_TEXT + 1];

struct wait {
	bool called, ok;
};

static void on_done(void *arg, bool ok, const struct error *err)
{
	struct wait *wait = arg;

	(void)err;
	wait->called = true;
	wait->ok = ok;
}

static bool worker_wait(struct worker *w, struct wait *wait)
{
	int64_t until = clock_ms() + WORLD_PATIENCE_MS;

	while (!wait->called && clock_ms() < until)
		loop_turn(w->loop, 5);
	return wait->called && wait->ok;
}

static void worker_make(struct worker *w, unsigned slot)
{
	char id[SESSION_ID_TEXT + 1], old[SESSION_ID_TEXT + 1];
	struct identity *i = NULL;
	struct wait wait = {0};

	pthread_mutex_lock(&shared_lock);
	memcpy(old, shared[slot], sizeof(old));
	pthread_mutex_unlock(&shared_lock);
	if (!identity_parse(STR(WORLD_RECORD("u1")), &i, NULL) ||
	    !session_create(w->cache, i, STR("h"), str_from(old), id, on_done, &wait, NULL) ||
	    !worker_wait(w, &wait))
		w->failed = true;
	identity_unref(i);
	pthread_mutex_lock(&shared_lock);
	memcpy(shared[slot], id, sizeof(id));
	pthread_mutex_unlock(&shared_lock);
	w->made++;
}

static void worker_use(struct worker *w, unsigned slot, bool end)
{
	char id[SESSION_ID_TEXT + 1];
	struct session *s = NULL;
	struct wait wait = {0};

	pthread_mutex_lock(&shared_lock);
	memcpy(id, shared[slot], sizeof(id));
	pthread_mutex_unlock(&shared_lock);
	switch (session_find(w->cache, str_from(id), &s, NULL)) {
	case SESSION_FOUND: break;
	case SESSION_ABSENT: return;
	case SESSION_FAILED: w->failed = true; return;
	}
	w->found++;
	if (end) {
		if (!session_end(w->cache, s, on_done, &wait, NULL) || !worker_wait(w, &wait) ||
		    !s->ended)
			w->failed = true;
		w->ended++;
	}
	session_unref(s);
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	w->loop = loop_new(NULL);
	if (!w->loop || !session_cache_new(w->store, w->loop, 8, &w->cache, NULL)) {
		w->failed = true;
		return NULL;
	}
	for (unsigned n = 0; n < ROUNDS; n++) {
		worker_make(w, n * 5 % SHARED);
		for (unsigned slot = 0; slot < SHARED; slot++)
			worker_use(w, slot, false);
		worker_use(w, n * 3 % SHARED, true);
		loop_turn(w->loop, 0);
		fake_clock_s += 30;
	}
	session_cache_free(w->cache);
	loop_free(w->loop);
	return NULL;
}

static void test_workers(void **state)
{
	struct worker workers[WORKERS] = {0};
	struct world w;

	(void)state;
	world_start(&w);
	world_close(&w);
	assert_true(session_store_open(w.folder, w.keys, &w.config, &w.store, NULL));
	for (size_t i = 0; i < WORKERS; i++) {
		workers[i].store = w.store;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]),
				 0);
	}
	for (size_t i = 0; i < WORKERS; i++) {
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		assert_false(workers[i].failed);
		assert_int_equal(workers[i].made, ROUNDS);
		assert_true(workers[i].found > ROUNDS);
		assert_true(workers[i].ended > 0);
	}
	session_store_close(w.store);
	w.store = NULL;
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
