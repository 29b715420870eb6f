/*
 * authn/session/store.h - the parts of a store, for the files of this folder.
 */
#ifndef SALLYPORT_AUTHN_SESSION_STORE_H
#define SALLYPORT_AUTHN_SESSION_STORE_H

#include "authn/session/database.h"
#include "authn/session/writer.h"

struct session_store {
	const struct keyring *keys;
	int64_t lifetime_s;
	int64_t idle_s;
	struct database *db;
	struct writer writer;
	/*
	 * The caches. The writer holds the lock from before a commit until it has handed
	 * out the invalidations: a cache that joins meanwhile could read the session that
	 * is being ended and never hear of it. Taken by workers only to join and leave.
	 */
	pthread_mutex_t caches_lock;
	struct mailbox **caches;
	size_t caches_count;
};

/* When a record should be looked at for removal. */
int64_t session_due_s(const struct session_store *store, int64_t expires_s, int64_t last_seen_s);
/* Idle time is written once that much has passed since it last was. */
int64_t session_touch_interval_s(const struct session_store *store);

MUST_CHECK bool session_store_join(struct session_store *store, struct mailbox *m,
				   struct error *err);
void session_store_leave(struct session_store *store, struct mailbox *m);

#endif
