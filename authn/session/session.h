/*
 * authn/session/session.h - what the gate keeps for a signed-in client.
 *
 * The client holds an opaque 256-bit id in a cookie; the store holds the record under
 * the SHA-256 of that id, sealed (authn/jose/seal.h), so that neither a copy of the
 * store nor a read of memory dumps of it signs anybody in. Reads are synchronous (a
 * memory map); writes go through one writer thread that commits in groups, and are
 * answered on the caller's loop after their commit.
 *
 *     store (one a process) --- cache (one a worker) --- session (counted, on its worker)
 */
#ifndef SALLYPORT_AUTHN_SESSION_SESSION_H
#define SALLYPORT_AUTHN_SESSION_SESSION_H

#include "authn/identity.h"
#include "authn/jose/keyring.h"
#include "authn/session/session_config.h"
#include "base/digest.h"
#include "base/error.h"
#include "io/loop.h"

enum {
	SESSION_ID_BYTES = 32,
	SESSION_ID_TEXT = 43,			/* base64url characters of an id */
	/* Idle time is written at most that often; four times an idle timeout when that is shorter. */
	SESSION_TOUCH_INTERVAL_S = 60,
};

struct session_store;

/*
 * Open the embedded store in DIRECTORY/sessions, making it when missing, and start its
 * writer thread. keys must outlive the store. ERR_IO, ERR_NOMEM.
 */
MUST_CHECK bool session_store_open(const char *state_directory, const struct keyring *keys,
				   const struct session_config *config,
				   struct session_store **ret, struct error *err);
/* All caches must be gone. Commits what is queued, stops the thread. NULL is fine. */
void session_store_close(struct session_store *store);
/* Number of records, for metrics; -1 when it cannot be read. */
int64_t session_store_count(struct session_store *store);

/* A worker's cache of decoded sessions. Belongs to the loop's thread. */
struct session_cache;
MUST_CHECK bool session_cache_new(struct session_store *store, struct loop *loop, size_t capacity,
				  struct session_cache **ret, struct error *err);
void session_cache_free(struct session_cache *cache);	/* cancels operations; NULL is fine */

struct session {
	unsigned refs;			/* of this worker's thread alone */
	unsigned char key[SHA256_SIZE];	/* SHA-256 of the id */
	struct identity *identity;
	char host[256];			/* the host that the session was made for */
	char public_id[23];		/* names the session in assertions and logs; not the id */
	int64_t created_s;		/* wall clock, as all times here */
	int64_t expires_s;
	int64_t last_seen_s;
	bool ended;			/* ended while references were still held */
	/* One slot for whoever renders this session for upstreams; freed with it. */
	void *attached;
	void (*attached_free)(void *attached);
};

enum session_result {
	SESSION_FOUND,
	SESSION_ABSENT,		/* malformed id, unknown, expired, idle for too long, unreadable record */
	SESSION_FAILED,		/* the store cannot answer: refuse with 503, never sign in */
};

/*
 * Find the live session of a cookie's value. Moves its idle time, queueing a write at
 * most every SESSION_TOUCH_INTERVAL_S. On SESSION_FOUND, *ret is one reference.
 */
enum session_result session_find(struct session_cache *cache, struct str id, struct session **ret,
				 struct error *err);
void session_unref(struct session *s);			/* NULL is fine */

/* A write under way. done runs once, from the loop, unless cancelled first. */
struct session_op;
typedef void session_done(void *arg, bool ok, const struct error *err);

/*
 * Make a session with a new random id for an identity (borrowed; a reference is taken)
 * at a host. id_out gets the id's text; it is worth nothing before done says ok.
 * replaces: the id of the session the browser came with, ended in the same commit; may
 * be empty. NULL when out of memory.
 */
MUST_CHECK struct session_op *session_create(struct session_cache *cache, struct identity *identity,
					     struct str host, struct str replaces,
					     char id_out[SESSION_ID_TEXT + 1], session_done *done,
					     void *arg, struct error *err);
/*
 * End a session: deleted from the store, then dropped from the cache of every worker;
 * done runs when both have happened.
 */
MUST_CHECK struct session_op *session_end(struct session_cache *cache, const struct session *s,
					  session_done *done, void *arg, struct error *err);
/* The write still happens; done will not run. NULL is fine. */
void session_op_cancel(struct session_op *op);

#endif
