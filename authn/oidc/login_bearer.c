/*
 * authn/oidc/login_bearer.c - a bearer token instead of a login.
 *
 * Anybody can send one, so all that can be refused without the provider is refused first:
 * a token that is opaque, expired or for somebody else costs no call and no key refresh.
 */
#include "authn/oidc/login_machine.h"

#include "authn/oidc/bearer.h"
#include "authn/oidc/provider_call.h"
#include "authn/oidc/verified_identity.h"
#include "base/clock.h"

static void refuse(struct login *l, const struct error *cause)
{
	login_fail(l, cause->kind == ERR_NOMEM ? LOGIN_INTERNAL : LOGIN_REFUSED, "bearer token",
		   cause);
}

void bearer_start(struct login *l)
{
	struct provider *p = oidc_provider_state(l->oidc, l->op->provider);
	struct error err = {0};

	if (!p) {
		error_set(&err, ERR_NOT_FOUND, "no provider is called \"%.*s\"",
			  STR_ARG(l->op->provider));
		login_fail(l, LOGIN_INTERNAL, NULL, &err);
		return;
	}
	l->config = provider_config_of(p);
	if (jwt_decode(l->op->token, &l->token, &err) &&
	    bearer_check(&l->token, l->config, clock_wall_s(), &l->exp_s, &err))
		login_use_provider(l, p);
	else
		refuse(l, &err);
}

void bearer_on_metadata(struct login *l)
{
	login_verify(l);
}

void bearer_on_verified(struct login *l)
{
	struct login_result *r = &l->op->result;
	struct error err = {0};

	r->valid_until_s = l->exp_s;
	if (verified_identity_new(l->config, AUTHN_BEARER, l->token.claims, NULL, &r->identity,
				  &err))
		login_succeed(l);
	else
		login_fail(l, provider_call_outcome(err.kind), "claims", &err);
}
