/*
 * authn/oidc/login_begin.c - sending a browser to its provider.
 */
#include "authn/oidc/login_machine.h"
#include "authn/oidc/pkce.h"
#include "authn/oidc/request.h"
#include "authn/oidc/wipe.h"
#include "base/clock.h"
#include "http/uri.h"

enum { MAX_LOCATION = 16 * 1024, MAX_SET_COOKIE = 4096 };

static void fail(struct login *l, const struct error *cause)
{
	login_fail(l, LOGIN_INTERNAL, NULL, cause);
}

void begin_start(struct login *l)
{
	struct str name = l->op->begin.provider;
	struct provider *p = oidc_provider_state(l->oidc, name);
	struct error err = {0};

	if (p) {
		login_use_provider(l, p);
		return;
	}
	error_set(&err, ERR_NOT_FOUND, "no provider is called \"%.*s\"", STR_ARG(name));
	fail(l, &err);
}

/* A fresh text in the arena, wiped with it. */
static struct str make_random(struct login *l)
{
	char text[PKCE_TEXT_SIZE];
	struct str copy;

	pkce_make_random(text);
	copy = arena_str(l->op->arena, str_from(text));
	wipe_with_arena(l->op->arena, copy);
	secret_wipe(text, sizeof(text));
	return copy;
}

static void write_location(struct login *l, const struct flow *flow, struct str state,
			   struct buf *location)
{
	const struct login_begin_params *asked = &l->op->begin;
	char challenge[PKCE_TEXT_SIZE];
	struct auth_request request = {
		.origin = asked->origin,
		.state = state,
		.nonce = flow->nonce,
		.max_age_s = asked->max_age_s,
		.acr_values = asked->acr_values,
		.prompt_login = asked->prompt_login,
	};

	pkce_challenge(flow->verifier, challenge);
	request.challenge = str_from(challenge);
	auth_request_append(location, l->config, l->metadata, &request);
}

/* The cookie of the new flow, and deletions to make room for it. */
static bool add_cookies(struct login *l, const struct flow *flow, struct str state, struct str host,
			struct error *err)
{
	struct str stale[LOGIN_MAX_FLOWS + 1];
	const struct keyring *keys = l->oidc->keys;
	char name[FLOW_NAME_SIZE];
	struct buf cookie;
	size_t count;
	bool ok;

	flow_cookie_name(state, name);
	buf_init(&cookie, MAX_SET_COOKIE);
	ok = flow_append_cookie(&cookie, keys, str_from(name), host, flow, err);
	if (ok) {
		login_add_cookie(l, &cookie);
		count = flow_list_stale(l->op->arena, keys, l->op->begin.cookies, host,
					flow->created_s, stale, ARRAY_LEN(stale));
		for (size_t i = 0; i < count; i++) {
			buf_clear(&cookie);
			flow_append_deletion(&cookie, stale[i]);
			login_add_cookie(l, &cookie);
		}
	}
	buf_done(&cookie);
	return ok;
}

static struct str safe_return_to(struct str place)
{
	return uri_is_local_path(place) ? place : STR("/");
}

static bool begin_flow(struct login *l, struct str host, struct error *err)
{
	const struct login_begin_params *asked = &l->op->begin;
	struct str state = make_random(l);
	char hash[FLOW_STATE_HASH_SIZE];
	int64_t now_s = clock_wall_s();
	struct flow flow = {
		.provider = l->config->name,
		.issuer = l->config->issuer,
		.origin = asked->origin,
		.nonce = make_random(l),
		.verifier = make_random(l),
		.return_to = safe_return_to(asked->return_to),
		.created_s = now_s,
		.expires_s = now_s + l->config->login_timeout_ms / 1000,
		.max_age_s = asked->max_age_s >= 0 ? asked->max_age_s : -1,
	};
	struct buf location;
	bool ok;

	flow_hash_state(state, hash);
	flow.state_hash = str_from(hash);
	buf_init(&location, MAX_LOCATION);
	write_location(l, &flow, state, &location);
	ok = !buf_failed(&location) ||
	     error_set(err, ERR_LIMIT, "the authorization request is too long");
	l->op->result.location = arena_str(l->op->arena, buf_str(&location));
	buf_wipe(&location);
	return ok && add_cookies(l, &flow, state, host, err);
}

void begin_on_metadata(struct login *l)
{
	struct error err = {0};
	struct str host;

	if (!login_read_host(l, l->op->begin.origin, &host)) {
		error_set(&err, ERR_BUG, "the origin of a login is no URL");
		fail(l, &err);
	} else if (!begin_flow(l, host, &err)) {
		fail(l, &err);
	} else {
		login_succeed(l);
	}
}
