/*
 * authn/session/writer.c - group commit, touches and the removal of what has expired.
 *
 *     wait (for work, or PURGE_INTERVAL_MS) --> take a batch --> one transaction
 *         --> on any failure: each on its own, so that one that cannot does not hold up
 *             the others --> answers
 *
 * The wait is timed on the monotonic clock; what has expired is told by the wall clock.
 */
#include "authn/session/writer.h"

#include <signal.h>
#include <time.h>

#include "authn/session/record.h"
#include "authn/session/store.h"
#include "base/clock.h"

enum {
	BATCH_MAX = 256, /* operations of one transaction */
	PURGE_MAX = 64,	 /* records removed in one transaction */
	PURGE_INTERVAL_MS = 1000,
};

/* --- What an operation changes ------------------------------------------------------ */

static bool apply_create(struct session_store *store, struct session_op *op)
{
	if (!database_create(store->db, op->key, op->due_s, buf_str(&op->sealed), &op->err))
		return false;
	return !op->ends || database_delete(store->db, op->ended_key, &op->err);
}

/* Write a record anew with a later last_seen; its place in the index stays. */
static bool record_move(struct session_store *store, struct session_op *op,
			struct session_record *r, int64_t due_s)
{
	struct buf sealed;
	bool ok;

	r->last_seen_s = op->last_seen_s;
	buf_init(&sealed, SESSION_SEALED_MAX);
	ok = session_record_seal(r, store->keys, op->key, &sealed, &op->err) &&
	     database_replace(store->db, op->key, due_s, buf_str(&sealed), &op->err);
	buf_done(&sealed);
	return ok;
}

/* The session may have ended meanwhile, or another worker's touch be the newer one. */
static bool apply_touch(struct session_store *store, struct session_op *op)
{
	struct session_record r;
	struct str sealed;
	int64_t due_s;
	bool ok = true;

	switch (database_get(store->db, op->key, &sealed, &due_s, &op->err)) {
	case DATABASE_FOUND: break;
	case DATABASE_ABSENT: return true;
	case DATABASE_FAILED: return false;
	}
	if (!session_record_open(sealed, store->keys, op->key, &r, &op->err))
		return false;
	if (r.last_seen_s < op->last_seen_s)
		ok = record_move(store, op, &r, due_s);
	session_record_done(&r);
	return ok;
}

static bool op_apply(struct session_store *store, struct session_op *op)
{
	switch (op->kind) {
	case OP_CREATE: return apply_create(store, op);
	case OP_TOUCH: return apply_touch(store, op);
	case OP_END: return database_delete(store->db, op->ended_key, &op->err);
	}
	return error_set(&op->err, ERR_BUG, "an unknown write to the session store");
}

/* --- Transactions ------------------------------------------------------------------- */

/* What could not be prepared has its error already, and is left alone. */
static bool op_is_to_apply(const struct session_op *op)
{
	return op->err.kind == ERR_NONE;
}

/* All or nothing; the errors of nothing are forgotten. */
static bool apply_together(struct session_store *store, struct session_op *batch)
{
	struct session_op *op;
	bool ok = true;

	if (!database_begin(store->db, NULL))
		return false;
	for (op = batch; op && ok; op = op->next) {
		if (!op_is_to_apply(op))
			continue;
		ok = op_apply(store, op);
		if (!ok)
			error_clear(&op->err);
	}
	if (!ok) {
		database_abort(store->db);
		return false;
	}
	if (!database_commit(store->db, NULL))
		return false;
	for (op = batch; op; op = op->next)
		op->ok = op_is_to_apply(op);
	return true;
}

static bool apply_alone(struct session_store *store, struct session_op *op)
{
	if (!database_begin(store->db, &op->err))
		return false;
	if (!op_apply(store, op)) {
		database_abort(store->db);
		return false;
	}
	return database_commit(store->db, &op->err);
}

static void batch_write(struct session_store *store, struct session_op *batch)
{
	struct session_op *op, *next;

	pthread_mutex_lock(&store->caches_lock);
	for (op = batch; op; op = op->next) {
		if (!session_op_prepare(op, store->caches, store->caches_count))
			ASSERT(!op_is_to_apply(op));
	}
	if (!apply_together(store, batch)) {
		for (op = batch; op; op = op->next) {
			if (op_is_to_apply(op))
				op->ok = apply_alone(store, op);
		}
	}
	for (op = batch; op; op = next) {
		next = op->next;
		session_op_finish(op);
	}
	pthread_mutex_unlock(&store->caches_lock);
}

/* --- Removal of what has expired ---------------------------------------------------- */

/*
 * The record under key is due. The index is not moved when a session is used, so this
 * may only mean that it should be looked at again later. One that cannot be opened was
 * sealed under other keys: it will never be of use.
 */
static bool purge_one(struct session_store *store, const unsigned char key[SHA256_SIZE],
		      int64_t now_s)
{
	struct session_record r;
	struct str sealed;
	int64_t due_s, due_then_s;
	struct buf copy;
	bool ok;

	if (database_get(store->db, key, &sealed, &due_s, NULL) != DATABASE_FOUND)
		return false;
	if (!session_record_open(sealed, store->keys, key, &r, NULL))
		return database_delete(store->db, key, NULL);
	due_then_s = session_due_s(store, r.expires_s, r.last_seen_s);
	session_record_done(&r);
	if (due_then_s <= now_s)
		return database_delete(store->db, key, NULL);
	buf_init(&copy, SESSION_SEALED_MAX);
	buf_append(&copy, sealed);
	ok = !buf_failed(&copy) &&
	     database_replace(store->db, key, due_then_s, buf_str(&copy), NULL);
	buf_done(&copy);
	return ok;
}

/* Returns whether there may be more to remove at once. */
static bool purge(struct session_store *store)
{
	unsigned char key[SHA256_SIZE];
	int64_t now_s = clock_wall_s();
	size_t count = 0;
	bool ok = true;

	if (!database_begin(store->db, NULL))
		return false;
	while (count < PURGE_MAX && ok &&
	       database_first_due(store->db, now_s, key, NULL) == DATABASE_FOUND) {
		ok = purge_one(store, key, now_s);
		count++;
	}
	if (!ok || count == 0) {
		database_abort(store->db);
		return false;
	}
	return database_commit(store->db, NULL) && count == PURGE_MAX;
}

/* --- The thread --------------------------------------------------------------------- */

static struct timespec deadline_in_ms(int64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/* Cut up to BATCH_MAX operations off the queue; w->lock is held. */
static struct session_op *batch_take(struct writer *w)
{
	struct session_op *batch = w->first, *last = batch;

	if (!batch)
		return NULL;
	for (size_t n = 1; n < BATCH_MAX && last->next; n++)
		last = last->next;
	w->first = last->next;
	if (!w->first)
		w->end = &w->first;
	last->next = NULL;
	return batch;
}

/* Wait for work until a deadline. NULL: there is none; *ret_stop: and there will be none. */
static struct session_op *batch_wait(struct writer *w, const struct timespec *until, bool *ret_stop)
{
	struct session_op *batch;
	int rc = 0;

	pthread_mutex_lock(&w->lock);
	while (!w->first && !w->stopping && rc == 0)
		rc = pthread_cond_timedwait(&w->wake, &w->lock, until);
	batch = batch_take(w);
	*ret_stop = w->stopping && !batch;
	pthread_mutex_unlock(&w->lock);
	return batch;
}

static bool time_passed(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > t->tv_sec || (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

static void *writer_run(void *arg)
{
	struct writer *w = arg;
	struct timespec purge_at = deadline_in_ms(0);

	for (;;) {
		bool stop;
		struct session_op *batch = batch_wait(w, &purge_at, &stop);

		if (stop)
			return NULL;
		clock_update();
		if (batch)
			batch_write(w->store, batch);
		if (time_passed(&purge_at))
			purge_at = deadline_in_ms(purge(w->store) ? 0 : PURGE_INTERVAL_MS);
	}
}

static bool condition_init(pthread_cond_t *c)
{
	pthread_condattr_t attributes;
	bool ok;

	if (pthread_condattr_init(&attributes) != 0)
		return false;
	ok = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
	     pthread_cond_init(c, &attributes) == 0;
	pthread_condattr_destroy(&attributes);
	return ok;
}

/* Signals are for the threads that expect them: this one takes none. */
static int thread_start(struct writer *w)
{
	sigset_t all, before;
	int rc, restored;

	sigfillset(&all);
	rc = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (rc != 0)
		return rc;
	rc = pthread_create(&w->thread, NULL, writer_run, w);
	restored = pthread_sigmask(SIG_SETMASK, &before, NULL);
	ASSERT(restored == 0);
	return rc;
}

bool writer_start(struct writer *w, struct session_store *store, struct error *err)
{
	int rc;

	*w = (struct writer){.store = store};
	w->end = &w->first;
	if (pthread_mutex_init(&w->lock, NULL) != 0)
		return error_set(err, ERR_NOMEM, "out of memory for the session store's writer");
	if (!condition_init(&w->wake)) {
		pthread_mutex_destroy(&w->lock);
		return error_set(err, ERR_NOMEM, "out of memory for the session store's writer");
	}
	rc = thread_start(w);
	if (rc != 0) {
		pthread_cond_destroy(&w->wake);
		pthread_mutex_destroy(&w->lock);
		return error_set_errno(err, rc, "cannot start the session store's writer");
	}
	return true;
}

void writer_stop(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
}

void writer_queue(struct writer *w, struct session_op *op)
{
	pthread_mutex_lock(&w->lock);
	op->next = NULL;
	*w->end = op;
	w->end = &op->next;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}
