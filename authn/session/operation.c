/*
 * authn/session/operation.c - the way of a write behind its commit.
 */
#include "authn/session/operation.h"

#include <stdlib.h>

#include "authn/session/cache.h"

static void op_complete(struct task *t)
{
	struct session_op *op = CONTAINER_OF(t, struct session_op, completion);

	if (op->origin->cache && op->done)
		op->done(op->arg, op->ok, &op->err);
	session_op_free(op);
}

static void op_release(struct session_op *op)
{
	if (atomic_fetch_sub_explicit(&op->waiting, 1, memory_order_acq_rel) != 1)
		return;
	if (!mailbox_post(op->origin, &op->completion))
		session_op_free(op);
}

static void invalidation_run(struct task *t)
{
	struct invalidation *i = CONTAINER_OF(t, struct invalidation, task);

	if (i->mailbox->cache)
		session_cache_drop(i->mailbox->cache, i->op->ended_key);
	op_release(i->op);
}

struct session_op *session_op_new(enum op_kind kind, struct mailbox *origin, session_done *done,
				  void *arg, struct error *err)
{
	struct session_op *op = calloc(1, sizeof(*op));

	if (!op) {
		error_set(err, ERR_NOMEM, "out of memory for a session's write");
		return NULL;
	}
	op->kind = kind;
	op->origin = origin ? mailbox_ref(origin) : NULL;
	op->completion.run = op_complete;
	op->done = done;
	op->arg = arg;
	atomic_init(&op->waiting, 1);
	return op;
}

void session_op_free(struct session_op *op)
{
	for (size_t i = 0; i < op->invalidations_count; i++)
		mailbox_unref(op->invalidations[i].mailbox);
	free(op->invalidations);
	buf_done(&op->sealed);
	mailbox_unref(op->origin);
	free(op);
}

void session_op_cancel(struct session_op *op)
{
	if (op)
		op->done = NULL;
}

bool session_op_prepare(struct session_op *op, struct mailbox *const *mailboxes, size_t count)
{
	if (!op->ends || count == 0)
		return true;
	op->invalidations = calloc(count, sizeof(*op->invalidations));
	if (!op->invalidations)
		return error_set(&op->err, ERR_NOMEM, "out of memory for a session's end");
	op->invalidations_count = count;
	for (size_t i = 0; i < count; i++) {
		op->invalidations[i] = (struct invalidation){
			.task.run = invalidation_run,
			.op = op,
			.mailbox = mailbox_ref(mailboxes[i]),
		};
	}
	return true;
}

void session_op_finish(struct session_op *op)
{
	if (!op->origin) {
		session_op_free(op);
		return;
	}
	if (op->ok) {
		atomic_fetch_add_explicit(&op->waiting, op->invalidations_count,
					  memory_order_relaxed);
		for (size_t i = 0; i < op->invalidations_count; i++) {
			struct invalidation *inv = &op->invalidations[i];

			if (!mailbox_post(inv->mailbox, &inv->task))
				op_release(op); /* a cache that is gone holds nothing */
		}
	}
	op_release(op);
}
