/*
 * authn/oidc/wipe.c - see authn/oidc/wipe.h.
 */
#include "authn/oidc/wipe.h"

#include "base/secret.h"

static void wipe(void *arg)
{
	struct str *piece = arg;

	secret_wipe((char *)(uintptr_t)piece->ptr, piece->len);
}

void wipe_with_arena(struct arena *a, struct str s)
{
	struct str *piece = arena_alloc(a, sizeof(*piece));

	if (!piece)
		return;
	*piece = s;
	if (!arena_on_cleanup(a, wipe, piece))
		wipe(piece); /* nobody will use it: the overflow shows */
}
