/*
 * proxy/choose_route.c - the ROUTE step: redirect listeners, reserved paths, then the table.
 *
 * Here a path that two readers could read in two ways is refused: the parser only marked
 * it, since it is the route that could allow one of these forms by name.
 */
#include "proxy/exchange_state.h"
#include "proxy/respond.h"

static enum step_result redirect_to_https(struct exchange *e)
{
	struct str host = str_from_len(e->request.authority.host, e->request.authority.host_len);
	const struct uri_target *t = &e->request.target;
	struct str port = e->peer->redirect_port;
	bool standard = str_is_empty(port) || str_equal(port, STR("443"));

	return respond_redirect(e, 308, REASON_REDIRECT,
				arena_printf(e->arena, "https://%.*s%s%.*s%.*s%s%.*s", STR_ARG(host),
					     standard ? "" : ":", STR_ARG(standard ? STR("") : port),
					     STR_ARG(t->path), t->has_query ? "?" : "",
					     STR_ARG(t->query)));
}

static enum step_result refuse_ambiguous(struct exchange *e)
{
	unsigned bits = e->request.target.ambiguities;
	const char *name = uri_ambiguity_name(bits & -bits);

	error_set(&e->error, ERR_SYNTAX, "the path could be read in two ways: %s",
		  name ? name : "ambiguous");
	(void)respond_error(e, 400, REASON_BAD_REQUEST,
			    "The address contains a form that servers read in different ways.");
	e->response.close = true;
	return STEP_ANSWERED;
}

/*
 * A connection made for one name and used for another (RFC 9110, section 15.5.20): refused
 * where the two would have been shown different certificates.
 */
static bool is_misdirected(const struct exchange *e, struct str host)
{
	const struct exchange_peer *peer = e->peer;

	return peer->covers && peer->sni[0] && !str_equal(str_from(peer->sni), host) &&
	       !peer->covers(peer, host);
}

enum step_result exchange_step_route(struct exchange *e)
{
	const struct route_table *table = e->view->snapshot->table;
	struct str host = str_from_len(e->request.authority.host, e->request.authority.host_len);
	struct str path = e->request.target.path_decoded;

	if (e->peer->is_admin)
		return admin_serve(e);
	if (e->request.target.ambiguities)
		return refuse_ambiguous(e);
	if (!route_host_is_known(table, host))
		return respond_error(e, 404, REASON_NO_ROUTE, "Nothing is served under this name.");
	if (e->request.target.is_asterisk)
		return respond_error(e, 501, REASON_NOT_IMPLEMENTED,
				     "OPTIONS * is not served here.");
	if (e->peer->redirect_to_https)
		return redirect_to_https(e);
	if (is_misdirected(e, host)) {
		(void)respond_error(e, 421, REASON_MISDIRECTED,
				    "This connection was made for another name.");
		e->response.close = true;
		return STEP_ANSWERED;
	}
	e->own_path = own_path_find(path);
	if (e->own_path != OWN_PATH_NONE)
		return STEP_NEXT;
	e->route = route_find(table, host, path);
	if (!e->route)
		return respond_error(e, 404, REASON_NO_ROUTE, "Nothing is served at this address.");
	if (e->route->config->identity_headers.count)
		request_remove_identity_headers(&e->request.headers,
						e->route->config->identity_headers.keys,
						e->route->config->identity_headers.count);
	if (e->route->config->max_body_bytes && e->request.body == HTTP_BODY_LENGTH &&
	    e->request.content_length > e->route->config->max_body_bytes)
		return respond_error(e, 413, REASON_TOO_LARGE,
				     "The request is larger than this application accepts.");
	return STEP_NEXT;
}
