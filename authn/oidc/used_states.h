/*
 * authn/oidc/used_states.h - the states whose callback has come: each counts once.
 *
 * A provider redeems a code once, but not all are strict, and a cookie that was deleted
 * may have been copied before. Bounded: the oldest is forgotten for a new one. Of the
 * identity thread alone; another gate, or the next configuration, starts empty, and the
 * provider's own check stands behind it.
 */
#ifndef SALLYPORT_AUTHN_OIDC_USED_STATES_H
#define SALLYPORT_AUTHN_OIDC_USED_STATES_H

#include "base/base.h"
#include "base/digest.h"
#include "base/str.h"

/* Only when more than these finish within a login_timeout could a forgotten one come back. */
enum { USED_STATES_MAX = 16 * 1024 };

struct used_states;

MUST_CHECK struct used_states *used_states_new(void); /* NULL when out of memory */
void used_states_free(struct used_states *u);	      /* NULL is fine */
/* Remember a state. False when it was there already. */
MUST_CHECK bool used_states_add(struct used_states *u, struct str state);

#endif
