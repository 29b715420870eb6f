/*
 * proxy/own_path.c - the gate's own paths, on every host that has a route.
 */
#include "base/clock.h"
#include "base/json.h"
#include "http/cookie.h"
#include "http/form.h"
#include "proxy/exchange_state.h"
#include "proxy/respond.h"

static const struct {
	struct str path;
	enum own_path own_path;
	bool is_prefix;
	bool wants_session;
	const char *methods;
} own_paths[] = {
	{STR_INIT(RESERVED_PREFIX "login"), OWN_PATH_LOGIN, false, false, "GET, HEAD"},
	{STR_INIT(RESERVED_PREFIX "callback"), OWN_PATH_CALLBACK, false, false, "GET"},
	{STR_INIT(RESERVED_PREFIX "logout"), OWN_PATH_LOGOUT, false, true, "POST"},
	{STR_INIT(RESERVED_PREFIX "whoami"), OWN_PATH_WHOAMI, false, true, "GET, HEAD"},
	{STR_INIT(RESERVED_PREFIX "jwks.json"), OWN_PATH_JWKS, false, false, "GET, HEAD"},
	{STR_INIT(RESERVED_PREFIX "static/"), OWN_PATH_STATIC, true, false, "GET, HEAD"},
};

enum own_path own_path_find(struct str path)
{
	if (!str_starts_with(path, STR("/.sallyport")))
		return OWN_PATH_NONE;
	for (size_t i = 0; i < ARRAY_LEN(own_paths); i++)
		if (own_paths[i].is_prefix ? str_starts_with(path, own_paths[i].path)
					   : str_equal(path, own_paths[i].path))
			return own_paths[i].own_path;
	return str_equal(path, STR("/.sallyport")) || str_starts_with(path, STR(RESERVED_PREFIX))
		       ? OWN_PATH_UNKNOWN
		       : OWN_PATH_NONE;
}

bool own_path_wants_session(enum own_path own_path)
{
	for (size_t i = 0; i < ARRAY_LEN(own_paths); i++)
		if (own_paths[i].own_path == own_path)
			return own_paths[i].wants_session;
	return false;
}

static const char *own_path_methods(enum own_path own_path)
{
	for (size_t i = 0; i < ARRAY_LEN(own_paths); i++)
		if (own_paths[i].own_path == own_path)
			return own_paths[i].methods;
	return "";
}

static struct str request_host(const struct exchange *e)
{
	return str_from_len(e->request.authority.host, e->request.authority.host_len);
}

static enum step_result refuse_own_path(struct exchange *e)
{
	return respond_error(e, 404, REASON_NO_ROUTE, "Nothing is served at this address.");
}

/* rd must be a local path; anything else, or none, means the front page. */
static struct str login_place(struct exchange *e)
{
	struct form form;
	struct str place = STR("");

	if (form_parse(e->arena, e->request.target.query, &form) &&
	    form_get(&form, "rd", &place) == FORM_ONCE && uri_is_local_path(place))
		return place;
	return STR("/");
}

/* A browser that names its fetches says that this one is no navigation of a whole page. */
static bool says_background(const struct exchange *e)
{
	return headers_get(&e->request.headers, STR("Sec-Fetch-Mode")) && !exchange_is_navigation(e);
}

static enum step_result serve_login(struct exchange *e)
{
	const struct route_table *table = e->view->snapshot->table;
	struct login_demand demand = {.return_to = login_place(e), .max_age_s = -1};
	struct str path = demand.return_to;
	size_t query = str_find_char(path, '?');

	if (says_background(e))
		return respond_error(e, 403, REASON_CSRF, "Only a page may start to sign in.");
	demand.route = route_find(table, request_host(e),
				  str_slice(path, 0, query == STR_NONE ? path.len : query));
	if (!demand.route || !demand.route->can_log_in)
		demand.route = route_find_login(table, request_host(e));
	return demand.route ? login_redirect(e, &demand) : refuse_own_path(e);
}

/*
 * A browser says where a request comes from: Sec-Fetch-Site, or Origin in older ones (which is
 * "null" on posts from our own pages, since they send no referrer).
 * Neither header, and it is no browser that could be tricked.
 */
static bool is_same_site_post(const struct exchange *e)
{
	const struct str *site = headers_get(&e->request.headers, STR("Sec-Fetch-Site"));
	const struct str *origin = headers_get(&e->request.headers, STR("Origin"));

	if (site && !str_equal(*site, STR("same-origin")) && !str_equal(*site, STR("none")))
		return false;
	return !origin || str_equal_fold(*origin, e->origin) ||
	       (site && str_equal(*origin, STR("null")));
}

static enum step_result serve_logout(struct exchange *e)
{
	struct page_value values[] = {{"host", e->authority}};

	if (!is_same_site_post(e))
		return respond_error(e, 403, REASON_CSRF, "This request came from another site.");
	if (e->session && !e->operation_done) {
		e->session_op = session_end(e->worker->sessions, e->session,
					    exchange_on_session_op, e, &e->error);
		return e->session_op ? STEP_WAIT : respond_internal(e, "no memory to sign out");
	}
	if (e->session && !e->operation_ok)
		return respond_error(e, 503, REASON_SESSION_STORE,
				     "You could not be signed out. Please try again.");
	(void)respond_page(e, 200, REASON_OWN_PAGE, PAGE_SIGNED_OUT, values, ARRAY_LEN(values));
	respond_clear_cookie(e, STR(SESSION_COOKIE));
	return STEP_ANSWERED;
}

static struct str groups_text(struct exchange *e)
{
	struct buf text;
	struct str copy;

	buf_init(&text, 64 * 1024);
	for (size_t i = 0; i < e->identity->groups_count; i++) {
		if (i)
			buf_append_cstr(&text, ", ");
		buf_append(&text, e->identity->groups[i]);
	}
	copy = arena_str(e->arena, buf_str(&text));
	buf_done(&text);
	return copy;
}

static enum step_result whoami_json(struct exchange *e)
{
	const struct identity *i = e->identity;
	struct buf text;
	struct json_writer w;

	buf_init(&text, 256 * 1024);
	json_write_begin(&w, &text);
	json_write_object(&w, NULL);
	json_write_str(&w, "user", i->subject);
	json_write_str(&w, "name", i->name);
	json_write_str(&w, "email", i->email);
	json_write_str(&w, "preferred_username", i->preferred_username);
	json_write_array(&w, "groups");
	for (size_t g = 0; g < i->groups_count; g++)
		json_write_str(&w, NULL, i->groups[g]);
	json_write_end(&w);
	json_write_str(&w, "provider", i->provider);
	json_write_str(&w, "authenticated_by", str_from(authn_method_name(e->authenticated_by)));
	json_write_i64(&w, "signed_in_at", e->session->created_s);
	json_write_i64(&w, "expires_at", e->session->expires_s);
	json_write_end(&w);
	if (buf_failed(&text)) {
		buf_done(&text);
		return respond_internal(e, "no memory for whoami");
	}
	(void)respond_data(e, 200, REASON_OWN_PAGE, "application/json",
			   arena_str(e->arena, buf_str(&text)));
	buf_done(&text);
	return STEP_ANSWERED;
}

static struct str time_text(struct exchange *e, int64_t wall_s)
{
	char text[CLOCK_RFC3339_SIZE];
	struct str whole = str_from(clock_rfc3339(wall_s * 1000, text));

	/* "2026-11-20T23:22:58.000Z" as people write it: "2026-11-20 23:22 UTC" */
	return arena_printf(e->arena, "%.*s %.*s UTC", STR_ARG(str_slice(whole, 0, 10)),
			    STR_ARG(str_slice(whole, 11, 5)));
}

static enum step_result whoami_anonymous(struct exchange *e)
{
	struct login_demand demand = {
		.route = route_find_login(e->view->snapshot->table, request_host(e)),
		.return_to = STR(RESERVED_PREFIX "whoami"),
		.max_age_s = -1,
	};

	if (demand.route && exchange_is_navigation(e))
		return login_redirect(e, &demand);
	(void)respond_error(e, 401, REASON_NOT_SIGNED_IN, "You are not signed in.");
	respond_add_header(e, "WWW-Authenticate",
			   arena_printf(e->arena, "Bearer realm=\"%.*s\"", STR_ARG(request_host(e))));
	return STEP_ANSWERED;
}

static enum step_result serve_whoami(struct exchange *e)
{
	if (!e->session)
		return whoami_anonymous(e);
	if (!respond_wants_html(e))
		return whoami_json(e);
	struct page_value values[] = {
		{"user", e->identity->subject},
		{"name", e->identity->name},
		{"email", e->identity->email},
		{"groups", groups_text(e)},
		{"provider", e->identity->provider},
		{"authenticated_by", str_from(authn_method_name(e->authenticated_by))},
		{"signed_in_at", time_text(e, e->session->created_s)},
		{"expires_at", time_text(e, e->session->expires_s)},
		{"host", e->authority},
		{"sign_out", STR("yes")},
	};
	return respond_page(e, 200, REASON_OWN_PAGE, PAGE_WHOAMI, values, ARRAY_LEN(values));
}

static enum step_result serve_static(struct exchange *e)
{
	struct str name = str_after(e->request.target.path_decoded,
				    sizeof(RESERVED_PREFIX "static/") - 1);
	struct str data;
	const char *type;

	if (!page_static_file(name, &data, &type))
		return refuse_own_path(e);
	return respond_data(e, 200, REASON_OWN_PAGE, type, data);
}

enum step_result own_path_serve(struct exchange *e)
{
	const char *methods = own_path_methods(e->own_path);

	if (e->own_path != OWN_PATH_UNKNOWN && !header_list_has(str_from(methods), e->request.method)) {
		(void)respond_error(e, 405, REASON_BAD_REQUEST,
				    "This address does not take that kind of request.");
		respond_add_header(e, "Allow", str_from(methods));
		return STEP_ANSWERED;
	}
	switch (e->own_path) {
	case OWN_PATH_LOGIN:
		return serve_login(e);
	case OWN_PATH_CALLBACK:
		return login_callback(e);
	case OWN_PATH_LOGOUT:
		return serve_logout(e);
	case OWN_PATH_WHOAMI:
		return serve_whoami(e);
	case OWN_PATH_JWKS:
		return respond_data(e, 200, REASON_OWN_PAGE, "application/json",
				    keyring_public_jwks(e->view->snapshot->params.keys));
	case OWN_PATH_STATIC:
		return serve_static(e);
	case OWN_PATH_NONE:
	case OWN_PATH_UNKNOWN:
		break;
	}
	return refuse_own_path(e);
}
