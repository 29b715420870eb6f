/*
 * authn/session/mailbox.h - where other threads leave work for a cache's loop.
 *
 * A cache and its loop may go while the writer still holds work for them. The mailbox
 * outlives both: once closed it takes nothing more, and what it took before still finds
 * here that the cache is gone.
 */
#ifndef SALLYPORT_AUTHN_SESSION_MAILBOX_H
#define SALLYPORT_AUTHN_SESSION_MAILBOX_H

#include <pthread.h>
#include <stdatomic.h>

#include "io/loop.h"

struct session_cache;

struct mailbox {
	atomic_uint refs;
	pthread_mutex_t lock;	     /* over loop; held for moments, never over a disk */
	struct loop *loop;	     /* NULL once closed */
	struct session_cache *cache; /* of the loop's thread alone; NULL once closed */
};

MUST_CHECK struct mailbox *mailbox_new(struct loop *loop, struct session_cache *cache);
struct mailbox *mailbox_ref(struct mailbox *m);
void mailbox_unref(struct mailbox *m);
/* From the loop's thread: nothing reaches the loop from here on. */
void mailbox_close(struct mailbox *m);
/* From any thread: run the task on the loop. False when closed: the task is not taken. */
MUST_CHECK bool mailbox_post(struct mailbox *m, struct task *t);

#endif
