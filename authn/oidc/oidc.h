/*
 * authn/oidc/oidc.h - the identity thread, as its own files see it.
 */
#ifndef SALLYPORT_AUTHN_OIDC_OIDC_H
#define SALLYPORT_AUTHN_OIDC_OIDC_H

#include <pthread.h>
#include <stdatomic.h>

#include "authn/oidc/login.h"
#include "authn/oidc/provider.h"
#include "authn/oidc/used_states.h"

struct oidc {
	const struct provider_config *configs; /* borrowed, as are the keys */
	size_t count;
	const struct keyring *keys;

	struct loop *loop; /* of the identity thread; others only post */
	pthread_t thread;
	struct task begin; /* the first and the last thing it does */
	struct task end;

	pthread_mutex_t lock;	 /* over the place of each op; see operation.h */
	atomic_size_t under_way; /* ops made and neither on their way home nor cancelled */

	/* Of the identity thread alone. */
	struct fetcher *fetcher;
	struct provider **providers; /* one for each of configs */
	struct used_states *used_states;
};

/* NULL when unknown. */
struct provider *oidc_provider_state(const struct oidc *o, struct str name);

#endif
