/*
 * authn/session/operation.h - one write on its way: worker, writer, caches, worker.
 *
 *     made by a worker --> queued --> applied and committed by the writer
 *         --> the ended session dropped by every cache, each on its own thread
 *         --> done, on the loop it came from
 *
 * waiting counts the caches that have not answered yet, and the writer while it hands
 * the invalidations out. Who brings it to 0 posts the completion. A touch ends with its
 * commit: nobody waits for it.
 */
#ifndef SALLYPORT_AUTHN_SESSION_OPERATION_H
#define SALLYPORT_AUTHN_SESSION_OPERATION_H

#include "authn/session/mailbox.h"
#include "authn/session/session.h"
#include "base/buf.h"

enum op_kind { OP_CREATE, OP_TOUCH, OP_END };

struct invalidation {
	struct task task;
	struct session_op *op;
	struct mailbox *mailbox; /* a reference */
};

struct session_op {
	struct session_op *next; /* in the writer's queue */
	enum op_kind kind;
	unsigned char key[SHA256_SIZE]; /* the session created or touched */
	bool ends;			/* a session is ended: */
	unsigned char ended_key[SHA256_SIZE];
	struct buf sealed;   /* of a creation */
	int64_t due_s;	     /* of a creation */
	int64_t last_seen_s; /* of a touch */

	/* The outcome: written by the writer, read behind the completion. */
	bool ok;
	struct error err;
	struct invalidation *invalidations;
	size_t invalidations_count;
	atomic_size_t waiting;

	/* Of the loop's thread alone. */
	struct mailbox *origin; /* a reference; NULL for a touch */
	struct task completion;
	session_done *done; /* NULL once cancelled */
	void *arg;
};

/* origin is NULL for a touch. NULL when out of memory. */
MUST_CHECK struct session_op *session_op_new(enum op_kind kind, struct mailbox *origin,
					     session_done *done, void *arg, struct error *err);
void session_op_free(struct session_op *op);

/* Writer: room for an invalidation to each cache; before the commit, which cannot be undone. */
MUST_CHECK bool session_op_prepare(struct session_op *op, struct mailbox *const *mailboxes,
				   size_t count);
/* Writer: the outcome is known. op is no longer the caller's. */
void session_op_finish(struct session_op *op);

#endif
