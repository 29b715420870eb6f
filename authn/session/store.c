/*
 * authn/session/store.c - opening and closing a store, and the list of its caches.
 */
#include "authn/session/store.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/*
 * A worker may know of use that is not written yet, at most one interval old, and its
 * next touch takes a moment to arrive: idle records stay that much longer.
 */
enum { IDLE_GRACE_S = 2 * SESSION_TOUCH_INTERVAL_S };

static int64_t whole_seconds(int64_t ms)
{
	return ms < 1000 ? 1 : ms / 1000;
}

int64_t session_due_s(const struct session_store *store, int64_t expires_s, int64_t last_seen_s)
{
	int64_t idle_s = last_seen_s + store->idle_s + IDLE_GRACE_S;

	return idle_s < expires_s ? idle_s : expires_s;
}

/*
 * With a short idle timeout the interval shrinks: other workers judge by what is
 * written, and would find a session idle that is in use.
 */
int64_t session_touch_interval_s(const struct session_store *store)
{
	int64_t interval_s = store->idle_s / 4;

	if (interval_s > SESSION_TOUCH_INTERVAL_S)
		return SESSION_TOUCH_INTERVAL_S;
	return interval_s > 1 ? interval_s : 1;
}

static bool folder_open(struct session_store *s, const char *state_directory, uint64_t max_bytes,
			struct error *err)
{
	char folder[PATH_MAX];
	int len = snprintf(folder, sizeof(folder), "%s/sessions", state_directory);
	bool ok;

	if (len < 0 || (size_t)len >= sizeof(folder))
		return error_set(err, ERR_LIMIT, "the path of the state directory is too long");
	ok = file_make_directory(folder, err) && database_open(folder, max_bytes, &s->db, err);
	if (!ok)
		error_at_file(err, folder);
	return ok;
}

bool session_store_open(const char *state_directory, const struct keyring *keys,
			const struct session_config *config, struct session_store **ret,
			struct error *err)
{
	struct session_store *s = calloc(1, sizeof(*s));

	if (!s)
		return error_set(err, ERR_NOMEM, "out of memory for the session store");
	if (pthread_mutex_init(&s->caches_lock, NULL) != 0) {
		free(s);
		return error_set(err, ERR_NOMEM, "out of memory for the session store");
	}
	s->keys = keys;
	s->lifetime_s = whole_seconds(config->lifetime_ms);
	s->idle_s = whole_seconds(config->idle_timeout_ms);
	if (!folder_open(s, state_directory, config->max_bytes, err) ||
	    !writer_start(&s->writer, s, err)) {
		database_close(s->db);
		pthread_mutex_destroy(&s->caches_lock);
		free(s);
		return false;
	}
	*ret = s;
	return true;
}

void session_store_close(struct session_store *store)
{
	if (!store)
		return;
	ASSERT(store->caches_count == 0);
	writer_stop(&store->writer);
	database_close(store->db);
	pthread_mutex_destroy(&store->caches_lock);
	free(store->caches);
	free(store);
}

int64_t session_store_count(struct session_store *store)
{
	uint64_t count;

	if (!database_count(store->db, &count) || count > INT64_MAX)
		return -1;
	return (int64_t)count;
}

bool session_store_join(struct session_store *store, struct mailbox *m, struct error *err)
{
	size_t count;
	struct mailbox **grown;

	pthread_mutex_lock(&store->caches_lock);
	count = store->caches_count + 1;
	grown = realloc(store->caches, count * sizeof(struct mailbox *));
	if (grown) {
		grown[count - 1] = mailbox_ref(m);
		store->caches = grown;
		store->caches_count = count;
	}
	pthread_mutex_unlock(&store->caches_lock);
	return grown || error_set(err, ERR_NOMEM, "out of memory for a session cache");
}

void session_store_leave(struct session_store *store, struct mailbox *m)
{
	size_t i = 0;

	pthread_mutex_lock(&store->caches_lock);
	while (i < store->caches_count && store->caches[i] != m)
		i++;
	ASSERT(i < store->caches_count);
	store->caches[i] = store->caches[--store->caches_count];
	pthread_mutex_unlock(&store->caches_lock);
	mailbox_unref(m);
}
