/*
 * authn/oidc/operation.c - see authn/oidc/operation.h.
 *
 * What surprised its author: the lock belongs to struct oidc and not to the op, since the
 * side that unlocks last may be the one that no longer owns the op.
 */
#include "authn/oidc/operation.h"

#include <stdlib.h>

#include "authn/oidc/login_machine.h"
#include "authn/oidc/oidc.h"
#include "authn/oidc/wipe.h"

enum { ARENA_MAX = 512 * 1024 }; /* the Cookie field, the flows in it, tokens */

static void op_free(struct login_op *op)
{
	identity_unref(op->result.identity);
	arena_free(op->arena);
	free(op);
}

/* --- On the identity thread */

static void on_start(struct task *t)
{
	login_start(CONTAINER_OF(t, struct login_op, start));
}

/* Posted behind start, so the login exists; it may have ended since. */
static void on_cancel(struct task *t)
{
	struct login_op *op = CONTAINER_OF(t, struct login_op, cancel);
	struct oidc *o = op->oidc;

	login_abandon(op->login);
	op_free(op);
	atomic_fetch_sub(&o->under_way, 1);
}

void op_finish(struct login_op *op)
{
	struct oidc *o = op->oidc;

	pthread_mutex_lock(&o->lock);
	if (op->place == OP_UNDER_WAY) {
		op->place = OP_GOING_HOME;
		/* Before it goes: whoever frees the oidc then may already have had the result. */
		atomic_fetch_sub(&o->under_way, 1);
		loop_post(op->home_loop, &op->home);
	}
	pthread_mutex_unlock(&o->lock);
}

/* --- On the worker */

static void on_home(struct task *t)
{
	struct login_op *op = CONTAINER_OF(t, struct login_op, home);

	if (op->done)
		op->done(op->arg, &op->result);
	op_free(op);
}

void login_op_cancel(struct login_op *op)
{
	struct oidc *o;

	if (!op)
		return;
	op->done = NULL;
	o = op->oidc;
	pthread_mutex_lock(&o->lock);
	if (op->place == OP_UNDER_WAY) {
		op->place = OP_CANCELLED;
		loop_post(o->loop, &op->cancel);
	}
	pthread_mutex_unlock(&o->lock);
}

struct login_op *op_new(struct oidc *o, enum login_kind kind, struct loop *loop, login_done *done,
			void *arg, struct error *err)
{
	struct login_op *op;

	if (atomic_fetch_add(&o->under_way, 1) >= LOGIN_MAX_CONCURRENT) {
		atomic_fetch_sub(&o->under_way, 1);
		error_set(err, ERR_LIMIT, "%d logins are under way already", LOGIN_MAX_CONCURRENT);
		return NULL;
	}
	op = calloc(1, sizeof(*op));
	if (!op || !(op->arena = arena_new(ARENA_MAX))) {
		free(op);
		atomic_fetch_sub(&o->under_way, 1);
		error_set(err, ERR_NOMEM, "out of memory for a login");
		return NULL;
	}
	op->oidc = o;
	op->kind = kind;
	op->start.run = on_start;
	op->cancel.run = on_cancel;
	op->home.run = on_home;
	op->home_loop = loop;
	op->done = done;
	op->arg = arg;
	return op;
}

struct login_op *op_send(struct login_op *op, struct error *err)
{
	struct oidc *o = op->oidc;

	if (arena_overflowed(op->arena)) {
		op_free(op);
		atomic_fetch_sub(&o->under_way, 1);
		error_set(err, ERR_NOMEM, "out of memory for a login");
		return NULL;
	}
	loop_post(o->loop, &op->start);
	return op;
}

/* --- The three doors */

struct login_op *login_begin(struct oidc *o, const struct login_begin_params *params,
			     struct loop *loop, login_done *done, void *arg, struct error *err)
{
	struct login_op *op = op_new(o, LOGIN_BEGIN, loop, done, arg, err);

	if (!op)
		return NULL;
	op->begin = *params;
	op->begin.provider = arena_str(op->arena, params->provider);
	op->begin.origin = arena_str(op->arena, params->origin);
	op->begin.return_to = arena_str(op->arena, params->return_to);
	op->begin.cookies = arena_str(op->arena, params->cookies);
	op->begin.acr_values = arena_str(op->arena, params->acr_values);
	return op_send(op, err);
}

struct login_op *login_finish(struct oidc *o, const struct login_finish_params *params,
			      struct loop *loop, login_done *done, void *arg, struct error *err)
{
	struct login_op *op = op_new(o, LOGIN_FINISH, loop, done, arg, err);

	if (!op)
		return NULL;
	op->finish.origin = arena_str(op->arena, params->origin);
	op->finish.query = arena_str(op->arena, params->query);
	op->finish.cookies = arena_str(op->arena, params->cookies);
	wipe_with_arena(op->arena, op->finish.query); /* it holds the code */
	return op_send(op, err);
}

struct login_op *bearer_verify(struct oidc *o, struct str provider, struct str token,
			       struct loop *loop, login_done *done, void *arg, struct error *err)
{
	struct login_op *op = op_new(o, LOGIN_BEARER, loop, done, arg, err);

	if (!op)
		return NULL;
	op->provider = arena_str(op->arena, provider);
	op->token = arena_str(op->arena, token);
	wipe_with_arena(op->arena, op->token);
	return op_send(op, err);
}
