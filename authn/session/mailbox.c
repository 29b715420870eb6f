/*
 * authn/session/mailbox.c - a counted way to a loop that may be closed.
 */
#include "authn/session/mailbox.h"

#include <stdlib.h>

struct mailbox *mailbox_new(struct loop *loop, struct session_cache *cache)
{
	struct mailbox *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	if (pthread_mutex_init(&m->lock, NULL) != 0) {
		free(m);
		return NULL;
	}
	atomic_init(&m->refs, 1);
	m->loop = loop;
	m->cache = cache;
	return m;
}

struct mailbox *mailbox_ref(struct mailbox *m)
{
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	return m;
}

void mailbox_unref(struct mailbox *m)
{
	if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
		return;
	pthread_mutex_destroy(&m->lock);
	free(m);
}

void mailbox_close(struct mailbox *m)
{
	pthread_mutex_lock(&m->lock);
	m->loop = NULL;
	pthread_mutex_unlock(&m->lock);
	m->cache = NULL;
}

bool mailbox_post(struct mailbox *m, struct task *t)
{
	bool taken;

	pthread_mutex_lock(&m->lock);
	taken = m->loop != NULL;
	if (taken)
		loop_post(m->loop, t);
	pthread_mutex_unlock(&m->lock);
	return taken;
}
