/*
 * proxy/login_flow.c - sending a browser to its provider, and taking it back.
 *
 *     login_redirect:  login_begin --> 302 to the provider
 *     login_callback:  login_finish --> session_create --> 302 to the place asked for
 *
 * Both are entered again after each wait; what is done already shows in operation_done
 * and in new_session_id.
 */
#include "base/clock.h"
#include "http/cookie.h"
#include "proxy/exchange_state.h"
#include "proxy/respond.h"

void exchange_on_login(void *arg, const struct login_result *result)
{
	struct exchange *e = arg;

	e->login_op = NULL;
	e->operation_done = true;
	e->login_outcome = result->outcome;
	if (result->provider.len)
		e->login_provider = arena_str(e->arena, result->provider);
	e->login_location = arena_str(e->arena, result->location);
	e->login_return_to = arena_str(e->arena, result->return_to);
	for (size_t i = 0; i < result->set_cookies_count; i++)
		e->set_cookies[e->set_cookies_count++] = arena_str(e->arena, result->set_cookies[i]);
	e->login_valid_until_s = result->valid_until_s;
	if (result->identity)
		e->login_identity = identity_ref(result->identity);
	if (result->outcome != LOGIN_OK && e->error.kind == ERR_NONE)
		e->error = result->err;
	e->transport->wake(e->transport_arg);
}

bool exchange_is_navigation(const struct exchange *e)
{
	const struct headers *h = &e->request.headers;
	const struct str *mode = headers_get(h, STR("Sec-Fetch-Mode"));
	const struct str *dest = headers_get(h, STR("Sec-Fetch-Dest"));

	if (!str_equal(e->request.method, STR("GET")) && !str_equal(e->request.method, STR("HEAD")))
		return false;
	if (mode)
		return str_equal(*mode, STR("navigate")) &&
		       (!dest || str_equal(*dest, STR("document")));
	return respond_wants_html(e) && !headers_get(h, STR("X-Requested-With"));
}

struct str exchange_return_to(struct exchange *e)
{
	const struct uri_target *t = &e->request.target;
	struct str place = arena_printf(e->arena, "%.*s%s%.*s", STR_ARG(t->path),
					t->has_query ? "?" : "", STR_ARG(t->query));

	return uri_is_local_path(place) ? place : STR("/");
}

static void add_flow_cookies(struct exchange *e)
{
	for (size_t i = 0; i < e->set_cookies_count; i++)
		respond_add_header(e, "Set-Cookie", e->set_cookies[i]);
}

static enum step_result login_failed(struct exchange *e, struct str provider)
{
	static const struct {
		unsigned status;
		const char *text;
	} answers[] = {
		[LOGIN_OK] = {500, ""},
		[LOGIN_BAD_REQUEST] = {400, "This sign-in is no longer valid. It may have expired, or "
					    "been completed in another tab. Please start again."},
		[LOGIN_REFUSED] = {403, "The identity provider did not sign you in."},
		[LOGIN_PROVIDER_FAILED] = {502, "The identity provider answered in a way that cannot "
						"be accepted. Please try again, or tell your "
						"administrator the request id."},
		[LOGIN_UNAVAILABLE] = {503, "The identity provider cannot be reached at the moment. "
					    "Please try again shortly."},
		[LOGIN_INTERNAL] = {500, "Something went wrong here."},
	};
	struct page_value values[] = {
		{"text", str_from(answers[e->login_outcome].text)},
		{"provider", provider},
		{"retry", e->login_return_to.len ? e->login_return_to : STR("/")},
	};

	(void)respond_page(e, answers[e->login_outcome].status, REASON_LOGIN_FAILED,
			   PAGE_SIGN_IN_FAILED, values, ARRAY_LEN(values));
	add_flow_cookies(e);
	return STEP_ANSWERED;
}

static enum step_result login_overloaded(struct exchange *e)
{
	(void)respond_error(e, 503, REASON_OVERLOADED,
			    "Too many sign-ins are under way. Please try again shortly.");
	respond_add_header(e, "Retry-After", STR("5"));
	return STEP_ANSWERED;
}

enum step_result login_redirect(struct exchange *e, const struct login_demand *demand)
{
	struct login_begin_params params = {
		.provider = demand->route->provider->name,
		.origin = e->origin,
		.return_to = demand->return_to,
		.cookies = e->cookies,
		.max_age_s = demand->max_age_s,
		.acr_values = demand->acr_values,
		.prompt_login = demand->prompt_login,
	};

	e->login_provider = params.provider;
	if (!e->operation_done) {
		e->login_op = login_begin(e->view->snapshot->oidc, &params, e->worker->loop,
					  exchange_on_login, e, &e->error);
		return e->login_op ? STEP_WAIT : login_overloaded(e);
	}
	if (e->login_outcome != LOGIN_OK)
		return login_failed(e, demand->route->provider->name);
	(void)respond_redirect(e, 302, REASON_LOGIN_STARTED, e->login_location);
	add_flow_cookies(e);
	return STEP_ANSWERED;
}

void exchange_on_session_op(void *arg, bool ok, const struct error *err)
{
	struct exchange *e = arg;

	e->session_op = NULL;
	e->operation_done = true;
	e->operation_ok = ok;
	if (!ok)
		e->error = *err;
	e->transport->wake(e->transport_arg);
}

/* The provider vouched: a new session with a new id; the one the browser came with ends. */
static enum step_result login_create_session(struct exchange *e)
{
	struct str host = str_from_len(e->request.authority.host, e->request.authority.host_len);
	struct str old = STR("");

	(void)cookie_find(e->cookies, STR(SESSION_COOKIE), &old);
	e->operation_done = false;
	e->session_op = session_create(e->worker->sessions, e->login_identity, host, old,
				       e->new_session_id, exchange_on_session_op, e,
				       &e->error);
	return e->session_op ? STEP_WAIT
			     : respond_internal(e, "no memory for a new session");
}

static enum step_result login_complete(struct exchange *e)
{
	struct buf cookie;

	if (!e->operation_ok)
		return respond_error(e, 503, REASON_SESSION_STORE,
				     "Sign-in is not available at the moment.");
	buf_init(&cookie, 512);
	cookie_append_set(&cookie, STR(SESSION_COOKIE), str_from(e->new_session_id), -1);
	if (buf_failed(&cookie)) {
		buf_wipe(&cookie);
		return respond_internal(e, "no memory for the session cookie");
	}
	e->identity = identity_ref(e->login_identity);
	e->authenticated_by = AUTHN_SESSION;
	(void)respond_redirect(e, 302, REASON_LOGIN_DONE,
			       uri_is_local_path(e->login_return_to) ? e->login_return_to : STR("/"));
	add_flow_cookies(e);
	respond_add_header(e, "Set-Cookie", arena_str(e->arena, buf_str(&cookie)));
	buf_wipe(&cookie);
	return STEP_ANSWERED;
}

enum step_result login_callback(struct exchange *e)
{
	struct login_finish_params params = {
		.origin = e->origin, .query = e->request.target.query, .cookies = e->cookies};

	if (!e->view->snapshot->oidc)
		return respond_error(e, 404, REASON_NO_ROUTE, "Nothing is served at this address.");
	if (e->new_session_id[0])
		return login_complete(e);
	if (e->operation_done)
		return e->login_outcome == LOGIN_OK ? login_create_session(e)
						    : login_failed(e, e->login_provider);
	e->login_op = login_finish(e->view->snapshot->oidc, &params, e->worker->loop,
				   exchange_on_login, e, &e->error);
	return e->login_op ? STEP_WAIT : login_overloaded(e);
}
