/*
 * authn/session/writer.h - the one thread that writes to the store.
 *
 * It takes all that is queued, up to a bound, into one transaction, so that a thousand
 * logins a second cost a few commits; nobody else ever waits for the disk. In between
 * it removes what has expired.
 */
#ifndef SALLYPORT_AUTHN_SESSION_WRITER_H
#define SALLYPORT_AUTHN_SESSION_WRITER_H

#include <pthread.h>

#include "authn/session/operation.h"

struct writer {
	struct session_store *store;
	pthread_t thread;
	pthread_mutex_t lock; /* over first, end and stopping */
	pthread_cond_t wake;
	struct session_op *first, **end;
	bool stopping;
};

MUST_CHECK bool writer_start(struct writer *w, struct session_store *store, struct error *err);
void writer_stop(struct writer *w); /* writes what is queued first */
/* From any thread. op is the writer's from here on. */
void writer_queue(struct writer *w, struct session_op *op);

#endif
