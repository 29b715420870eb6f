/*
 * proxy/authorize.c - the AUTHORIZE step: the one place where an identity becomes facts
 * for a policy, and where a decision becomes an answer.
 *
 * A route that is not public needs an identity whatever its policy says: an "allow"
 * for somebody anonymous there is treated as "login".
 */
#include "base/clock.h"
#include "http/cookie.h"
#include "proxy/exchange_state.h"
#include "proxy/respond.h"

/*
 * A step-up that has just happened for this route and still does not suffice would be
 * asked for again and again: it is refused instead. A short-lived cookie remembers the
 * route; it guards nothing but the client's own patience, so it needs no seal.
 */
enum { STEP_UP_RETRY_S = 60 };

static enum facts_method facts_method_of(enum authn_method method)
{
	switch (method) {
	case AUTHN_SESSION:
		return FACTS_SESSION;
	case AUTHN_BEARER:
		return FACTS_BEARER;
	case AUTHN_CLIENT_CERTIFICATE:
		return FACTS_CLIENT_CERTIFICATE;
	case AUTHN_NONE:
		break;
	}
	return FACTS_ANONYMOUS;
}

static void authorize_gather(const struct exchange *e, struct facts *f)
{
	const struct identity *i = e->identity;

	*f = (struct facts){
		.method = e->request.method,
		.path = e->request.target.path_decoded,
		.host = str_from_len(e->request.authority.host, e->request.authority.host_len),
		.query = e->request.target.query,
		.headers = &e->request.headers,
		.has_source_ip = true,
		.source_ip = e->forwarded.client,
		.authenticated_by = facts_method_of(e->authenticated_by),
		.can_log_in = !e->route->is_public,
		.certificate = e->peer->certificate,
		.absent_is_empty = e->route->absent_claims,
		.absent_is_empty_count = e->route->absent_claims_count,
		.now_s = clock_wall_s(),
	};
	if (i) {
		f->provider = i->provider;
		f->claims = i->claims;
		f->amr = i->amr;
		f->amr_count = i->amr_count;
		f->acr = i->acr;
		f->auth_time_s = i->auth_time_s;
	}
}

/* 401 needs a challenge (RFC 9110, section 11.6.1); RFC 6750 and RFC 9470 give its words. */
static enum step_result refuse_unauthenticated(struct exchange *e)
{
	struct str host = str_from_len(e->request.authority.host, e->request.authority.host_len);
	const char *error = e->bearer_presented ? ", error=\"invalid_token\"" : "";

	(void)respond_error(e, 401, REASON_NOT_SIGNED_IN,
			    e->route->can_log_in ? "Please sign in first."
			    : e->route->provider ? "A bearer token is needed here."
						 : "A client certificate is needed here.");
	respond_add_header(e, "WWW-Authenticate",
			   arena_printf(e->arena, "Bearer realm=\"%.*s\"%s", STR_ARG(host), error));
	return STEP_ANSWERED;
}

static enum step_result ask_to_log_in(struct exchange *e)
{
	struct login_demand demand = {
		.route = e->route, .return_to = exchange_return_to(e), .max_age_s = -1};

	if (!e->route->can_log_in || !exchange_is_navigation(e))
		return refuse_unauthenticated(e);
	return login_redirect(e, &demand);
}

static enum step_result refuse_denied(struct exchange *e, const char *text)
{
	struct str user = e->identity ? e->identity->email.len	? e->identity->email
					: e->identity->name.len ? e->identity->name
								: e->identity->subject
				      : STR("");
	struct page_value values[] = {
		{"text", str_from(text)},
		{"message", str_from(e->decision.message)},
		{"user", user},
		{"host", e->authority},
		{"sign_out", e->authenticated_by == AUTHN_SESSION ? STR("yes") : STR("")},
	};

	return respond_page(e, 403, REASON_DENIED, PAGE_DENIED, values, ARRAY_LEN(values));
}

static bool is_after_step_up(const struct exchange *e)
{
	struct str route;

	return e->session && clock_wall_s() - e->session->created_s < STEP_UP_RETRY_S &&
	       cookie_find(e->cookies, STR(STEP_UP_COOKIE), &route) &&
	       str_equal(route, e->route->config->name);
}

static void remember_step_up(struct exchange *e)
{
	struct buf cookie;

	buf_init(&cookie, 512);
	cookie_append_set(&cookie, STR(STEP_UP_COOKIE), e->route->config->name, STEP_UP_RETRY_S);
	respond_add_header(e, "Set-Cookie", arena_str(e->arena, buf_str(&cookie)));
	buf_done(&cookie);
}

static enum step_result ask_to_step_up(struct exchange *e)
{
	struct login_demand demand = {
		.route = e->route,
		.return_to = exchange_return_to(e),
		.max_age_s = e->decision.step_up_max_age_s,
		.acr_values = str_from(e->decision.step_up_acr),
		/* authentication methods (amr) cannot be asked for by name: ask for a new login */
		.prompt_login = e->decision.step_up_max_age_s < 0 && !e->decision.step_up_acr[0],
	};

	if (is_after_step_up(e))
		return refuse_denied(e, "Your sign-in is not strong or recent enough for this page, "
					"and signing in again did not change that.");
	if (e->route->can_log_in && exchange_is_navigation(e)) {
		enum step_result result = login_redirect(e, &demand);

		if (e->is_answered && e->reason == REASON_LOGIN_STARTED) {
			e->reason = REASON_STEP_UP;
			remember_step_up(e);
		}
		return result;
	}
	(void)respond_error(e, 401, REASON_STEP_UP, "A more recent or stronger sign-in is needed.");
	respond_add_header(e, "WWW-Authenticate",
			   STR("Bearer error=\"insufficient_user_authentication\""));
	return STEP_ANSWERED;
}

/*
 * The policy judges the certificate that was shown, and cannot know that another one may
 * come: where the route takes certificates, somebody without one is asked to sign in.
 */
static bool lacks_certificate(const struct exchange *e)
{
	return !e->peer->certificate && route_has_method(e->route->config, AUTHN_CLIENT_CERTIFICATE);
}

enum step_result exchange_step_authorize(struct exchange *e)
{
	struct facts facts;

	if (e->own_path != OWN_PATH_NONE)
		return STEP_NEXT;
	if (!e->has_decision) {
		authorize_gather(e, &facts);
		policy_decide(e->route->policy, &facts, &e->decision);
		e->has_decision = true;
		if (e->decision.answer == DECISION_ALLOW && !e->route->is_public && !e->identity)
			e->decision.answer = DECISION_LOGIN;
	}
	switch (e->decision.answer) {
	case DECISION_ALLOW:
		e->is_allowed = true;
		e->step_up_is_over = is_after_step_up(e);
		return STEP_NEXT;
	case DECISION_LOGIN:
		return ask_to_log_in(e);
	case DECISION_STEP_UP:
		return ask_to_step_up(e);
	case DECISION_DENY:
		break;
	}
	if (!e->identity && (e->bearer_presented || lacks_certificate(e)))
		return refuse_unauthenticated(e);
	return refuse_denied(e, "You may not use this page.");
}
