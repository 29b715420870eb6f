/*
 * proxy/authenticate.c - the AUTHENTICATE step: who is asking, by the route's methods in
 * their order. The first one that proves something wins; none is no failure here: what
 * an anonymous client may do is the policy's and AUTHORIZE's business.
 */
#include "base/clock.h"
#include "base/json.h"
#include "http/cookie.h"
#include "proxy/exchange_state.h"
#include "proxy/respond.h"

/*
 * A session counts at the host it was made for, and on a route only when the route's
 * provider vouched for it: by its name, and by the issuer that the name stands for now.
 */
static bool session_fits(const struct exchange *e, const struct session *s)
{
	struct str host = str_from_len(e->request.authority.host, e->request.authority.host_len);

	if (!str_equal(str_from(s->host), host))
		return false;
	return !e->route || (e->route->provider &&
			     str_equal(e->route->provider->name, s->identity->provider) &&
			     str_equal(e->route->provider->issuer, s->identity->issuer));
}

static enum step_result authenticate_session(struct exchange *e)
{
	struct session *s = NULL;
	struct str id;

	if (!cookie_find(e->cookies, STR(SESSION_COOKIE), &id))
		return STEP_NEXT;
	switch (session_find(e->worker->sessions, id, &s, &e->error)) {
	case SESSION_FOUND:
		break;
	case SESSION_ABSENT:
		return STEP_NEXT;
	case SESSION_FAILED:
		return respond_error(e, 503, REASON_SESSION_STORE,
				     "Sign-in is not available at the moment.");
	}
	if (!session_fits(e, s)) {
		session_unref(s);
		return STEP_NEXT;
	}
	e->session = s;
	e->identity = identity_ref(s->identity);
	e->authenticated_by = AUTHN_SESSION;
	return STEP_NEXT;
}

/* "Bearer TOKEN", the scheme in any case (RFC 6750, section 2.1; RFC 9110, section 11.1). */
static bool bearer_token(const struct exchange *e, struct str *ret_token)
{
	const struct str *field = headers_get(&e->request.headers, STR("Authorization"));

	if (!field || field->len < 8 || !str_equal_fold(str_slice(*field, 0, 7), STR("Bearer ")))
		return false;
	*ret_token = str_trim(str_after(*field, 7));
	return ret_token->len > 0;
}

/* A token that does not hold is a 401 later; a provider that cannot be asked is a 503 now. */
static enum step_result authenticate_bearer_take(struct exchange *e, struct str token)
{
	e->operation_done = false;
	switch (e->login_outcome) {
	case LOGIN_OK:
		e->identity = e->login_identity;
		e->login_identity = NULL;
		e->authenticated_by = AUTHN_BEARER;
		bearer_cache_keep(e->view->bearers, e->route->provider->name, token, e->identity,
				  e->login_valid_until_s);
		return STEP_NEXT;
	case LOGIN_UNAVAILABLE:
		return respond_error(e, 503, REASON_LOGIN_FAILED,
				     "The identity provider cannot be reached at the moment.");
	case LOGIN_BAD_REQUEST:
	case LOGIN_REFUSED:
	case LOGIN_PROVIDER_FAILED:
	case LOGIN_INTERNAL:
		break;
	}
	e->bearer_presented = true;
	return STEP_NEXT;
}

static enum step_result authenticate_bearer(struct exchange *e)
{
	struct str token;

	if (!bearer_token(e, &token))
		return STEP_NEXT;
	if (e->operation_done)
		return authenticate_bearer_take(e, token);
	e->identity = bearer_cache_find(e->view->bearers, e->route->provider->name, token);
	if (e->identity) {
		e->authenticated_by = AUTHN_BEARER;
		return STEP_NEXT;
	}
	e->login_op = bearer_verify(e->view->snapshot->oidc, e->route->provider->name, token,
				    e->worker->loop, exchange_on_login, e, &e->error);
	if (!e->login_op)
		return respond_error(e, 503, REASON_OVERLOADED,
				     "Too many sign-ins are under way. Please try again.");
	return STEP_WAIT;
}

static enum step_result authenticate_certificate(struct exchange *e)
{
	if (!e->peer->certificate)
		return STEP_NEXT;
	if (!identity_from_certificate(e->peer->certificate, &e->identity, &e->error))
		return respond_internal(e, "the client certificate could not be taken over");
	e->authenticated_by = AUTHN_CLIENT_CERTIFICATE;
	return STEP_NEXT;
}

static enum step_result authenticate_by(struct exchange *e, enum authn_method method)
{
	switch (method) {
	case AUTHN_NONE:
		return STEP_NEXT;
	case AUTHN_SESSION:
		return authenticate_session(e);
	case AUTHN_BEARER:
		return authenticate_bearer(e);
	case AUTHN_CLIENT_CERTIFICATE:
		return authenticate_certificate(e);
	}
	return respond_internal(e, "an unknown authentication method");
}

enum step_result exchange_step_authenticate(struct exchange *e)
{
	const struct int_list *methods;

	if (e->own_path != OWN_PATH_NONE)
		return own_path_wants_session(e->own_path) ? authenticate_session(e) : STEP_NEXT;
	methods = &e->route->config->authenticate.methods;
	while (e->methods_tried < methods->count && e->authenticated_by == AUTHN_NONE) {
		enum step_result result =
			authenticate_by(e, (enum authn_method)methods->items[e->methods_tried]);

		if (result != STEP_NEXT)
			return result;
		e->methods_tried++;
	}
	return STEP_NEXT;
}
