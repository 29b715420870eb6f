/*
 * authn/session/cache.h - a worker's decoded sessions, for the files of this folder.
 */
#ifndef SALLYPORT_AUTHN_SESSION_CACHE_H
#define SALLYPORT_AUTHN_SESSION_CACHE_H

#include "authn/session/session.h"

struct mailbox;

/* Forget a session that has ended; references still held see it as ended. */
void session_cache_drop(struct session_cache *cache, const unsigned char key[SHA256_SIZE]);

struct session_store *session_cache_store(struct session_cache *cache);
struct mailbox *session_cache_mailbox(struct session_cache *cache);

/* The key of a cookie's value; false when that is no id. */
MUST_CHECK bool session_key_from_id(struct str id, unsigned char ret_key[SHA256_SIZE]);

#endif
