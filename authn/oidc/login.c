/*
 * authn/oidc/login.c - the states of a login.
 *
 *   begin    START --> WAIT_METADATA --> DONE
 *   finish   START --> WAIT_METADATA --> WAIT_TOKEN --> WAIT_KEYS --> WAIT_USERINFO --> DONE
 *   bearer   START --> WAIT_METADATA --> WAIT_KEYS --> DONE
 *   any      --failure, deadline--> FAILED      any --cancel--> gone
 *
 * START          the op has arrived; the provider is not known
 * WAIT_METADATA  provider is set; its discovery is waited for
 * WAIT_TOKEN     metadata is held; a call to the token endpoint is live; no token is held
 * WAIT_KEYS      a token is held, unverified; the provider's key set is waited for
 * WAIT_USERINFO  the ID token is verified; a call to the userinfo endpoint is live
 * DONE           the result is set; nothing else is held
 * FAILED         the result says why; nothing else is held
 *
 * A state whose document is there already is passed without waiting.
 */
#include "authn/oidc/login_machine.h"

#include "authn/oidc/provider_call.h"
#include "authn/oidc/signature.h"
#include "base/clock.h"
#include "http/uri.h"

enum { CALLS_IN_TOTAL = 2 }; /* all waiting together: as long as so many slow calls */

static bool is_waiting(enum login_state state)
{
	return state != LOGIN_START && state != LOGIN_DONE && state != LOGIN_FAILED;
}

static int64_t next_deadline(const struct login *l)
{
	int64_t one_call = clock_ms() + l->config->timeout_ms;

	return one_call < l->ends_ms ? one_call : l->ends_ms;
}

/* Alone writes the state. */
static void login_enter(struct login *l, enum login_state state)
{
	struct error err = {0};

	l->state = state;
	if (!is_waiting(state)) {
		timer_cancel(&l->deadline);
	} else if (!timer_set(l->oidc->loop, &l->deadline, next_deadline(l))) {
		error_set(&err, ERR_NOMEM, "out of memory for a deadline");
		login_fail(l, LOGIN_INTERNAL, NULL, &err);
	}
}

/* Let go of everything but the result; secrets are wiped. */
static void login_release(struct login *l)
{
	timer_cancel(&l->deadline);
	provider_waiter_stop(&l->waiter);
	fetch_cancel(l->fetch);
	l->fetch = NULL;
	metadata_unref(l->metadata);
	l->metadata = NULL;
	jwt_done(&l->token);
	token_answer_done(&l->tokens);
}

/* --- Ends */

static void login_end(struct login *l, enum login_state state, enum login_outcome outcome)
{
	struct login_result *r = &l->op->result;

	login_enter(l, state);
	login_release(l);
	r->outcome = outcome;
	if (outcome != LOGIN_OK) {
		identity_unref(r->identity);
		r->identity = NULL;
	}
	op_finish(l->op);
}

void login_fail(struct login *l, enum login_outcome outcome, const char *what,
		const struct error *cause)
{
	struct error *err = &l->op->result.err;
	const char *colon = what ? ": " : "";

	what = what ? what : "";
	if (l->config)
		error_set(err, cause->kind, "provider \"%.*s\": %s%s%s", STR_ARG(l->config->name),
			  what, colon, cause->text);
	else
		error_set(err, cause->kind, "%s%s%s", what, colon, cause->text);
	login_end(l, LOGIN_FAILED, outcome);
}

void login_succeed(struct login *l)
{
	struct error err = {0};

	if (!arena_overflowed(l->op->arena)) {
		login_end(l, LOGIN_DONE, LOGIN_OK);
		return;
	}
	error_set(&err, ERR_NOMEM, "out of memory for a login");
	login_fail(l, LOGIN_INTERNAL, NULL, &err);
}

void login_abandon(struct login *l)
{
	if (!l || l->state == LOGIN_DONE || l->state == LOGIN_FAILED)
		return;
	login_enter(l, LOGIN_FAILED);
	login_release(l);
}

/* --- Events */

static void login_on_metadata(struct login *l)
{
	l->metadata = metadata_ref(provider_metadata(l->provider));
	switch (l->op->kind) {
	case LOGIN_BEGIN: begin_on_metadata(l); return;
	case LOGIN_FINISH: finish_on_metadata(l); return;
	case LOGIN_BEARER: bearer_on_metadata(l); return;
	}
}

static void login_on_verified(struct login *l)
{
	if (l->op->kind == LOGIN_BEARER)
		bearer_on_verified(l);
	else
		finish_on_verified(l);
}

static void fail_bug(struct login *l, const char *event)
{
	struct error err = {0};

	error_set(&err, ERR_BUG, "%s in state %d", event, (int)l->state);
	login_fail(l, LOGIN_INTERNAL, NULL, &err);
}

static void on_ready(struct provider_waiter *w, enum login_outcome outcome, const struct error *err)
{
	struct login *l = CONTAINER_OF(w, struct login, waiter);

	if (outcome != LOGIN_OK) {
		login_fail(l, outcome, NULL, err);
		return;
	}
	switch (l->state) {
	case LOGIN_WAIT_METADATA: login_on_metadata(l); return;
	case LOGIN_WAIT_KEYS: login_verify(l); return;
	case LOGIN_START:
	case LOGIN_WAIT_TOKEN:
	case LOGIN_WAIT_USERINFO:
	case LOGIN_DONE:
	case LOGIN_FAILED: break;
	}
	fail_bug(l, "a document came");
}

static void on_fetched(void *arg, const struct fetch_result *result)
{
	struct login *l = arg;

	l->fetch = NULL;
	switch (l->state) {
	case LOGIN_WAIT_TOKEN: finish_take_token(l, result); return;
	case LOGIN_WAIT_USERINFO: finish_take_userinfo(l, result); return;
	case LOGIN_START:
	case LOGIN_WAIT_METADATA:
	case LOGIN_WAIT_KEYS:
	case LOGIN_DONE:
	case LOGIN_FAILED: break;
	}
	fail_bug(l, "an answer came");
}

static const char *awaited(enum login_state state)
{
	switch (state) {
	case LOGIN_WAIT_METADATA: return "discovery";
	case LOGIN_WAIT_TOKEN: return "token endpoint";
	case LOGIN_WAIT_KEYS: return "key set";
	case LOGIN_WAIT_USERINFO: return "userinfo endpoint";
	case LOGIN_START:
	case LOGIN_DONE:
	case LOGIN_FAILED: break;
	}
	return "nothing";
}

static void on_deadline(struct timer *t)
{
	struct login *l = CONTAINER_OF(t, struct login, deadline);
	struct error err = {0};

	error_set(&err, ERR_TIMEOUT, "no answer in time");
	login_fail(l, LOGIN_UNAVAILABLE, awaited(l->state), &err);
}

/* --- Steps that several kinds take */

void login_start(struct login_op *op)
{
	struct login *l = arena_alloc(op->arena, sizeof(*l));

	if (!l) {
		error_set(&op->result.err, ERR_NOMEM, "out of memory for a login");
		op->result.outcome = LOGIN_INTERNAL;
		op_finish(op);
		return;
	}
	op->login = l;
	l->op = op;
	l->oidc = op->oidc;
	l->waiter.on_ready = on_ready;
	l->deadline = (struct timer)TIMER_INIT(on_deadline);
	switch (op->kind) {
	case LOGIN_BEGIN: begin_start(l); return;
	case LOGIN_FINISH: finish_start(l); return;
	case LOGIN_BEARER: bearer_start(l); return;
	}
}

void login_use_provider(struct login *l, struct provider *p)
{
	enum login_outcome outcome = LOGIN_INTERNAL;
	struct error err = {0};

	l->provider = p;
	l->config = provider_config_of(p);
	l->ends_ms = clock_ms() + CALLS_IN_TOTAL * l->config->timeout_ms;
	switch (provider_want_metadata(p, &l->waiter, &outcome, &err)) {
	case PROVIDER_HAS_IT: login_on_metadata(l); return;
	case PROVIDER_WAIT: login_enter(l, LOGIN_WAIT_METADATA); return;
	case PROVIDER_CANNOT: login_fail(l, outcome, NULL, &err); return;
	}
}

void login_call(struct login *l, struct fetch_request *request, enum login_state state)
{
	int64_t left_ms = next_deadline(l) - clock_ms();
	struct error err = {0};

	request->timeout_ms = left_ms > 1 ? (unsigned)left_ms : 1;
	l->fetch = fetch_start(l->oidc->fetcher, request, on_fetched, l, &err);
	if (l->fetch)
		login_enter(l, state);
	else /* too many calls under way is no fault of the provider's */
		login_fail(l,
			   err.kind == ERR_LIMIT ? LOGIN_UNAVAILABLE
						 : provider_call_outcome(err.kind),
			   awaited(state), &err);
}

static void fail_verification(struct login *l, const struct error *err)
{
	bool is_bearer = l->op->kind == LOGIN_BEARER;
	enum login_outcome outcome = is_bearer ? LOGIN_REFUSED : LOGIN_PROVIDER_FAILED;

	login_fail(l, err->kind == ERR_NOMEM ? LOGIN_INTERNAL : outcome,
		   is_bearer ? "bearer token" : "ID token", err);
}

void login_verify(struct login *l)
{
	enum provider_key_user user =
		l->op->kind == LOGIN_BEARER ? PROVIDER_KEYS_FOR_BEARER : PROVIDER_KEYS_FOR_LOGIN;
	enum login_outcome outcome = LOGIN_INTERNAL;
	struct error err = {0};

	switch (provider_want_keys(l->provider, &l->waiter, &outcome, &err)) {
	case PROVIDER_HAS_IT: break;
	case PROVIDER_WAIT: login_enter(l, LOGIN_WAIT_KEYS); return;
	case PROVIDER_CANNOT: login_fail(l, outcome, NULL, &err); return;
	}
	switch (signature_check(&l->token, l->metadata->algorithms, provider_keys(l->provider),
				&err)) {
	case SIGNATURE_HOLDS: login_on_verified(l); return;
	case SIGNATURE_UNKNOWN_KEY:
		if (!provider_refresh_keys(l->provider, user, &l->waiter))
			break;
		login_enter(l, LOGIN_WAIT_KEYS);
		return;
	case SIGNATURE_BROKEN: break;
	}
	fail_verification(l, &err);
}

void login_add_cookie(struct login *l, const struct buf *set_cookie)
{
	struct login_result *r = &l->op->result;
	struct str copy = arena_str(l->op->arena, buf_str(set_cookie));

	ASSERT(r->set_cookies_count < ARRAY_LEN(r->set_cookies));
	if (!str_is_empty(copy)) /* an overflow shows at the end */
		r->set_cookies[r->set_cookies_count++] = copy;
}

bool login_read_host(struct login *l, struct str origin, struct str *ret_host)
{
	struct uri_url url;

	if (!uri_parse_url(origin, &url, NULL))
		return false;
	*ret_host =
		arena_str(l->op->arena, str_from_len(url.authority.host, url.authority.host_len));
	return true;
}
