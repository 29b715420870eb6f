/*
 * authn/oidc/wipe.h - secrets in an arena.
 */
#ifndef SALLYPORT_AUTHN_OIDC_WIPE_H
#define SALLYPORT_AUTHN_OIDC_WIPE_H

#include "base/arena.h"

/* Overwrite s, a piece of a, when the arena goes. Without room the arena shows an overflow. */
void wipe_with_arena(struct arena *a, struct str s);

#endif
