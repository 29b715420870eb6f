/*
 * authn/oidc/operation.h - a login's way between a worker and the identity thread.
 *
 *     made by a worker --start--> identity thread --home--> done, on the worker's loop
 *
 *     UNDER_WAY   on its way to the identity thread, or there
 *     GOING_HOME  the result stands; the op is the worker's loop's, which frees it
 *     CANCELLED   the identity thread's, which frees it; it never goes home
 *
 * A worker may cancel and then end with its loop, so who is to free an op is decided under
 * a lock: an op that was cancelled in time is never posted to a loop that may be gone.
 */
#ifndef SALLYPORT_AUTHN_OIDC_OPERATION_H
#define SALLYPORT_AUTHN_OIDC_OPERATION_H

#include "authn/oidc/login.h"
#include "base/arena.h"

enum login_kind { LOGIN_BEGIN, LOGIN_FINISH, LOGIN_BEARER };
enum op_place { OP_UNDER_WAY, OP_GOING_HOME, OP_CANCELLED };

struct login;

struct login_op {
	struct oidc *oidc; /* may be gone once the op is done or cancelled */
	enum login_kind kind;
	enum op_place place; /* under the lock of oidc */
	struct arena *arena; /* what lives as long as the op */

	struct task start;
	struct task cancel;
	struct task home;

	struct loop *home_loop;
	login_done *done; /* of the worker alone; NULL once cancelled */
	void *arg;

	/* What was asked: copies in the arena. */
	struct login_begin_params begin;
	struct login_finish_params finish;
	struct str provider; /* of a bearer token */
	struct str token;

	/* Of the identity thread; the worker's with GOING_HOME. */
	struct login *login;
	struct login_result result;
};

/*
 * A new op, counted against LOGIN_MAX_CONCURRENT. NULL: ERR_LIMIT, ERR_NOMEM. The caller
 * copies what is asked into its arena, and sends or discards it.
 */
MUST_CHECK struct login_op *op_new(struct oidc *o, enum login_kind kind, struct loop *loop,
				   login_done *done, void *arg, struct error *err);
/* To the identity thread. NULL, and the op is gone, when its arena has overflowed. */
MUST_CHECK struct login_op *op_send(struct login_op *op, struct error *err);
/* Identity thread: the result stands. The op is no longer the caller's. */
void op_finish(struct login_op *op);

#endif
