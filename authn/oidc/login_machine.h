/*
 * authn/oidc/login_machine.h - a login under way on the identity thread, as the files that
 * take its steps see it: login.c drives, login_begin.c, login_finish.c and login_bearer.c
 * know what each kind does.
 *
 * login_fail() and login_succeed() end a login and hand it over: whoever called them must
 * not touch it again. The same holds for whatever may end in them, so a step is the last
 * thing its caller does.
 */
#ifndef SALLYPORT_AUTHN_OIDC_LOGIN_MACHINE_H
#define SALLYPORT_AUTHN_OIDC_LOGIN_MACHINE_H

#include "authn/jose/jwt.h"
#include "authn/oidc/flow.h"
#include "authn/oidc/operation.h"
#include "authn/oidc/oidc.h"
#include "authn/oidc/response.h"
#include "authn/oidc/token.h"

enum login_state {
	LOGIN_START,
	LOGIN_WAIT_METADATA,
	LOGIN_WAIT_TOKEN,
	LOGIN_WAIT_KEYS,
	LOGIN_WAIT_USERINFO,
	LOGIN_DONE,
	LOGIN_FAILED,
};

struct login {
	struct login_op *op;
	struct oidc *oidc;
	enum login_state state;
	struct provider *provider;	      /* NULL until the kind has found it */
	const struct provider_config *config; /* of it */
	struct metadata *metadata;	      /* a reference, behind WAIT_METADATA */
	struct provider_waiter waiter;
	struct fetch *fetch; /* live in WAIT_TOKEN and WAIT_USERINFO */
	struct timer deadline;
	int64_t ends_ms; /* the last deadline of all */

	struct auth_response response; /* of FINISH */
	struct flow flow;	       /* of FINISH */
	struct token_answer tokens;    /* of FINISH, behind WAIT_TOKEN */
	struct jwt token;	       /* the ID token, or the bearer token */
	int64_t exp_s;		       /* of a bearer token */
};

/* --- login.c */

/* Identity thread: begin what op asks for. */
void login_start(struct login_op *op);
/* Give up without a result. Fine when it has ended; NULL is fine. */
void login_abandon(struct login *l);

/* The provider is known: go on with its metadata. */
void login_use_provider(struct login *l, struct provider *p);
/* Start a call and wait for it in state. */
void login_call(struct login *l, struct fetch_request *request, enum login_state state);
/* l->token is decoded: have its signature verified. */
void login_verify(struct login *l);
/* what may be NULL: "ID token" in front of the cause. */
void login_fail(struct login *l, enum login_outcome outcome, const char *what,
		const struct error *cause);
/* The result is set but for its outcome. */
void login_succeed(struct login *l);
void login_add_cookie(struct login *l, const struct buf *set_cookie);
/* The host of an origin, in the arena. False when it is none. */
MUST_CHECK bool login_read_host(struct login *l, struct str origin, struct str *ret_host);

/* --- login_begin.c */
void begin_start(struct login *l);
void begin_on_metadata(struct login *l);

/* --- login_finish.c */
void finish_start(struct login *l);
void finish_on_metadata(struct login *l);
void finish_take_token(struct login *l, const struct fetch_result *result);
void finish_on_verified(struct login *l);
void finish_take_userinfo(struct login *l, const struct fetch_result *result);

/* --- login_bearer.c */
void bearer_start(struct login *l);
void bearer_on_metadata(struct login *l);
void bearer_on_verified(struct login *l);

#endif
