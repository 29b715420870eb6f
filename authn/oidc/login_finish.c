/*
 * authn/oidc/login_finish.c - taking a browser back: from the callback to an identity.
 *
 * The order matters. Nothing is asked of a provider before the callback is known to belong
 * to this browser and to come for the first time; and the access token is not used before
 * the ID token that came with it is believed.
 */
#include "authn/oidc/login_machine.h"

#include "authn/oidc/id_token.h"
#include "authn/oidc/provider_call.h"
#include "authn/oidc/userinfo.h"
#include "authn/oidc/verified_identity.h"
#include "authn/oidc/wipe.h"
#include "base/clock.h"
#include "http/uri.h"

enum {
	MAX_FORM = 64 * 1024,
	MAX_HEADER = 32 * 1024,
	MAX_SET_COOKIE = 4096,
};

/* --- The callback */

static bool delete_cookie(struct login *l)
{
	char name[FLOW_NAME_SIZE];
	struct buf cookie;
	bool ok;

	flow_cookie_name(l->response.state, name);
	buf_init(&cookie, MAX_SET_COOKIE);
	flow_append_deletion(&cookie, str_from(name));
	ok = !buf_failed(&cookie);
	if (ok)
		login_add_cookie(l, &cookie);
	buf_done(&cookie);
	return ok;
}

/* The flow of this browser that the callback ends. */
static bool take_flow(struct login *l, struct error *err)
{
	const struct login_finish_params *asked = &l->op->finish;
	struct arena *a = l->op->arena;
	struct str host;

	if (!response_parse(a, asked->query, &l->response, err))
		return false;
	wipe_with_arena(a, l->response.code);
	if (!login_read_host(l, asked->origin, &host))
		return error_set(err, ERR_BUG, "the origin of a callback is no URL");
	if (!flow_find(a, l->oidc->keys, asked->cookies, host, l->response.state, clock_wall_s(),
		       &l->flow, err))
		return false;
	if (!str_equal(l->flow.origin, asked->origin))
		return error_set(err, ERR_DENIED, "the login began at another origin");
	return true;
}

static bool check_callback(struct login *l, struct provider **ret_provider, struct error *err)
{
	struct str return_to;
	struct provider *p;

	if (!take_flow(l, err))
		return false;
	return_to = l->flow.return_to;
	l->op->result.return_to = uri_is_local_path(return_to) ? return_to : STR("/");
	p = oidc_provider_state(l->oidc, l->flow.provider);
	if (!p || !str_equal(l->flow.issuer, provider_config_of(p)->issuer))
		return error_set(err, ERR_NOT_FOUND, "its provider is no longer configured");
	l->op->result.provider = provider_config_of(p)->name;
	if (!delete_cookie(l))
		return error_set(err, ERR_NOMEM, "out of memory for a login");
	if (!used_states_add(l->oidc->used_states, l->response.state))
		return error_set(err, ERR_DENIED, "the callback has come before");
	*ret_provider = p;
	return response_check_issuer(&l->response, provider_config_of(p)->issuer, false, err);
}

void finish_start(struct login *l)
{
	struct provider *p = NULL;
	struct error err = {0};

	if (check_callback(l, &p, &err))
		login_use_provider(l, p);
	else
		login_fail(l,
			   err.kind == ERR_NOMEM || err.kind == ERR_BUG ? LOGIN_INTERNAL
									: LOGIN_BAD_REQUEST,
			   "callback", &err);
}

/* --- The code */

static void call_token_endpoint(struct login *l)
{
	struct token_request request = {
		.client_authentication = l->metadata->client_authentication,
		.code = l->response.code,
		.verifier = l->flow.verifier,
		.origin = l->flow.origin,
	};
	struct fetch_request call;
	struct error err = {0};
	struct buf form, authorization;

	buf_init(&form, MAX_FORM);
	buf_init(&authorization, MAX_HEADER);
	token_request_append(&form, &authorization, l->config, &request);
	provider_call_init(&call, l->config, l->metadata->token_endpoint, TOKEN_MAX_BYTES);
	call.method = STR("POST");
	call.body = buf_str(&form);
	call.headers[1] = STR("Content-Type: application/x-www-form-urlencoded");
	call.headers[2] = buf_str(&authorization);
	if (buf_failed(&form) || buf_failed(&authorization)) {
		error_set(&err, ERR_NOMEM, "out of memory for a token request");
		login_fail(l, LOGIN_INTERNAL, NULL, &err);
	} else {
		login_call(l, &call, LOGIN_WAIT_TOKEN);
	}
	buf_wipe(&form);
	buf_wipe(&authorization);
}

void finish_on_metadata(struct login *l)
{
	enum login_outcome outcome;
	struct error err = {0};

	if (!response_check_issuer(&l->response, l->config->issuer, l->metadata->promises_iss,
				   &err)) {
		login_fail(l, LOGIN_BAD_REQUEST, "callback", &err);
		return;
	}
	outcome = response_judge(l->op->arena, &l->response, &err);
	if (outcome != LOGIN_OK)
		login_fail(l, outcome, NULL, &err);
	else
		call_token_endpoint(l);
}

static enum login_outcome take_answer(struct login *l, const struct fetch_result *result,
				      struct error *err)
{
	if (!result->ok)
		return provider_call_judge("token endpoint", result, err);
	return token_answer_read(result->status, result->body, &l->tokens, err);
}

/* --- The ID token */

static void fail_token(struct login *l, const struct error *cause)
{
	login_fail(l, cause->kind == ERR_NOMEM ? LOGIN_INTERNAL : LOGIN_PROVIDER_FAILED, "ID token",
		   cause);
}

void finish_take_token(struct login *l, const struct fetch_result *result)
{
	struct error err = {0};
	enum login_outcome outcome = take_answer(l, result, &err);

	if (outcome != LOGIN_OK)
		login_fail(l, outcome, NULL, &err);
	else if (!jwt_decode(l->tokens.id_token, &l->token, &err))
		fail_token(l, &err);
	else
		login_verify(l);
}

/* --- What else is known */

static void complete(struct login *l, const struct json *userinfo)
{
	struct error err = {0};

	if (verified_identity_new(l->config, AUTHN_SESSION, l->token.claims, userinfo,
				  &l->op->result.identity, &err))
		login_succeed(l);
	else
		login_fail(l, provider_call_outcome(err.kind), "claims", &err);
}

static void call_userinfo(struct login *l)
{
	struct fetch_request call;
	struct error err = {0};
	struct buf authorization;

	buf_init(&authorization, MAX_HEADER);
	buf_append_cstr(&authorization, "Authorization: Bearer ");
	buf_append(&authorization, l->tokens.access_token);
	provider_call_init(&call, l->config, l->metadata->userinfo_endpoint, USERINFO_MAX_BYTES);
	call.headers[1] = buf_str(&authorization);
	if (buf_failed(&authorization)) {
		error_set(&err, ERR_NOMEM, "out of memory for a userinfo request");
		login_fail(l, LOGIN_INTERNAL, NULL, &err);
	} else {
		login_call(l, &call, LOGIN_WAIT_USERINFO);
	}
	buf_wipe(&authorization);
}

void finish_on_verified(struct login *l)
{
	struct id_token_terms terms = {
		.config = l->config,
		.nonce = l->flow.nonce,
		.access_token = l->tokens.access_token,
		.now_s = clock_wall_s(),
		.asked_s = l->flow.created_s,
		.max_age_s = l->flow.max_age_s,
	};
	struct error err = {0};

	if (!id_token_check(&l->token, &terms, &err))
		fail_token(l, &err);
	else if (userinfo_is_wanted(l->config, l->metadata, l->token.claims))
		call_userinfo(l);
	else
		complete(l, NULL);
}

void finish_take_userinfo(struct login *l, const struct fetch_result *result)
{
	struct json_doc *doc = NULL;
	struct error err = {0};
	enum login_outcome outcome = provider_call_judge("userinfo endpoint", result, &err);

	if (outcome == LOGIN_OK && !userinfo_read(result, l->token.claims, &doc, &err))
		outcome = provider_call_outcome(err.kind);
	if (outcome == LOGIN_OK)
		complete(l, json_root(doc));
	else
		login_fail(l, outcome, NULL, &err);
	json_doc_free(doc);
}
