/*
 * authn/oidc/oidc.c - the identity thread of one configuration.
 *
 * It ends by a task of its own: tasks run in the order they were posted, so whatever was
 * cancelled before oidc_free() is gone by then.
 */
#include "authn/oidc/oidc.h"

#include <signal.h>
#include <stdlib.h>

static void on_begin(struct task *t)
{
	struct oidc *o = CONTAINER_OF(t, struct oidc, begin);

	for (size_t i = 0; i < o->count; i++)
		provider_start(o->providers[i]);
}

static void on_end(struct task *t)
{
	loop_stop(CONTAINER_OF(t, struct oidc, end)->loop);
}

static void *run(void *arg)
{
	struct oidc *o = arg;

	loop_run(o->loop);
	return NULL;
}

/* Signals are the main thread's. */
static bool start_thread(struct oidc *o, struct error *err)
{
	sigset_t all, before;
	int status;

	sigfillset(&all);
	status = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (status == 0) {
		status = pthread_create(&o->thread, NULL, run, o);
		(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (status != 0)
		return error_set_errno(err, status, "cannot start the identity thread");
	(void)pthread_setname_np(o->thread, "identity");
	return true;
}

static bool make_providers(struct oidc *o, struct error *err)
{
	o->providers = calloc(o->count + 1, sizeof(struct provider *));
	o->used_states = used_states_new();
	if (!o->providers || !o->used_states)
		return error_set(err, ERR_NOMEM, "out of memory for identity providers");
	for (size_t i = 0; i < o->count; i++) {
		o->providers[i] = provider_new(&o->configs[i], o->loop, o->fetcher, err);
		if (!o->providers[i])
			return false;
	}
	return true;
}

/* All but the thread, which does not run. */
static void oidc_destroy(struct oidc *o)
{
	for (size_t i = 0; o->providers && i < o->count; i++)
		provider_free(o->providers[i]);
	free(o->providers);
	used_states_free(o->used_states);
	fetcher_free(o->fetcher);
	loop_free(o->loop);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

bool oidc_new(const struct provider_config *configs, size_t count, const struct keyring *keys,
	      struct oidc **ret, struct error *err)
{
	struct oidc *o = calloc(1, sizeof(*o));

	if (!o || pthread_mutex_init(&o->lock, NULL) != 0) {
		free(o);
		return error_set(err, ERR_NOMEM, "out of memory for identity providers");
	}
	o->configs = configs;
	o->count = count;
	o->keys = keys;
	o->begin.run = on_begin;
	o->end.run = on_end;
	atomic_init(&o->under_way, 0);
	o->loop = loop_new(err);
	o->fetcher = o->loop ? fetcher_new(o->loop, err) : NULL;
	if (!o->fetcher || !make_providers(o, err) || !start_thread(o, err)) {
		oidc_destroy(o);
		return false;
	}
	loop_post(o->loop, &o->begin);
	*ret = o;
	return true;
}

void oidc_free(struct oidc *o)
{
	int status;

	if (!o)
		return;
	loop_post(o->loop, &o->end);
	status = pthread_join(o->thread, NULL);
	ASSERT(status == 0);
	ASSERT(atomic_load(&o->under_way) == 0);
	oidc_destroy(o);
}

const struct provider_config *oidc_provider(const struct oidc *o, struct str name)
{
	for (size_t i = 0; i < o->count; i++)
		if (str_equal(o->configs[i].name, name))
			return &o->configs[i];
	return NULL;
}

struct provider *oidc_provider_state(const struct oidc *o, struct str name)
{
	const struct provider_config *config = oidc_provider(o, name);

	return config ? o->providers[config - o->configs] : NULL;
}
