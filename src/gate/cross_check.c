/*
 * gate/cross_check.c - faults between the sections of a configuration, names aside.
 */
#include "gate/cross_check.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* --- The same requests for two routes */

struct match_entry {
	struct str host;
	struct str path;
	size_t route;
};

static int compare_matches(const void *a, const void *b)
{
	const struct match_entry *x = a, *y = b;
	int order = str_compare(x->host, y->host);

	if (order == 0)
		order = str_compare(x->path, y->path);
	return order ? order : x->route < y->route ? -1 : x->route > y->route;
}

static void report_same_matches(struct option_reader *r, const struct route_config *routes,
				const struct match_entry *entries, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const struct match_entry *one = &entries[i - 1], *other = &entries[i];
		size_t mark;

		if (!str_equal(one->host, other->host) || !str_equal(one->path, other->path) ||
		    one->route == other->route)
			continue;
		mark = option_enter(r, STR("routes"));
		(void)option_enter_index(r, other->route);
		option_fault(r, "match", "%.*s%.*s is matched by the route \"%.*s\" too",
			     STR_ARG(other->host), STR_ARG(other->path),
			     STR_ARG(routes[one->route].name));
		option_leave(r, mark);
	}
}

static void check_matches(struct option_reader *r, const struct gate_config *c)
{
	const struct route_config *routes = c->routes.items;
	struct match_entry *entries;
	size_t count = 0;

	for (size_t i = 0; i < c->routes.count; i++)
		count += routes[i].match.hosts.count;
	entries = calloc(count + 1, sizeof(*entries));
	if (!entries) {
		option_fault(r, NULL, "out of memory");
		return;
	}
	count = 0;
	for (size_t i = 0; i < c->routes.count; i++)
		for (size_t j = 0; j < routes[i].match.hosts.count; j++)
			entries[count++] = (struct match_entry){
				.host = routes[i].match.hosts.items[j],
				.path = routes[i].match.path,
				.route = i,
			};
	qsort(entries, count, sizeof(*entries), compare_matches);
	report_same_matches(r, routes, entries, count);
	free(entries);
}

/* --- Addresses of our own */

static bool endpoint_is_any(const struct endpoint *e)
{
	struct ip ip, zero4 = {.is_v4 = true}, zero6 = {0};
	uint16_t port;

	zero4.bytes[10] = 0xff; /* ::ffff:0.0.0.0 */
	zero4.bytes[11] = 0xff;
	return ip_from_sockaddr((const struct sockaddr *)&e->addr, &ip, &port) &&
	       (ip_equal(&ip, &zero4) || ip_equal(&ip, &zero6));
}

/* Would a connection to address arrive at a socket bound to own? */
static bool reaches(const struct endpoint *address, const struct endpoint *own)
{
	struct ip address_ip, own_ip;
	uint16_t address_port, own_port;

	if (address->addr.ss_family == AF_UNIX || own->addr.ss_family == AF_UNIX)
		return own->len > 0 && address->len == own->len &&
		       memcmp(&address->addr, &own->addr, own->len) == 0;
	if (!ip_from_sockaddr((const struct sockaddr *)&address->addr, &address_ip,
			      &address_port) ||
	    !ip_from_sockaddr((const struct sockaddr *)&own->addr, &own_ip, &own_port) ||
	    address_port != own_port)
		return false;
	return ip_equal(&address_ip, &own_ip) ||
	       (endpoint_is_any(own) && ip_is_loopback(&address_ip));
}

static void check_server(struct option_reader *r, const struct gate_config *c,
			 const struct upstream_server_config *server)
{
	const struct listener_config *listeners = c->listeners.items;

	for (size_t i = 0; i < server->addresses_count; i++) {
		for (size_t j = 0; j < c->listeners.count; j++) {
			if (!reaches(&server->addresses[i], &listeners[j].endpoint))
				continue;
			option_fault(r, "url",
				     "is the gate's own listener \"%.*s\": requests would go round "
				     "in a circle",
				     STR_ARG(listeners[j].name));
			return;
		}
		if (c->has_admin && reaches(&server->addresses[i], &c->admin.endpoint)) {
			option_fault(r, "url",
				     "is the gate's own admin address, which must not be reached "
				     "through a listener");
			return;
		}
	}
}

static void check_servers(struct option_reader *r, const struct gate_config *c)
{
	const struct upstream_config *upstreams = c->upstreams.items;
	size_t mark = option_enter(r, STR("upstreams"));

	for (size_t i = 0; i < c->upstreams.count; i++) {
		const struct upstream_server_config *servers = upstreams[i].servers.items;

		for (size_t j = 0; j < upstreams[i].servers.count; j++) {
			size_t entry = option_enter_index(r, i);

			(void)option_enter(r, STR("servers"));
			(void)option_enter_index(r, j);
			check_server(r, c, &servers[j]);
			option_leave(r, entry);
		}
	}
	option_leave(r, mark);
}

static void check_admin(struct option_reader *r, const struct gate_config *c)
{
	const struct listener_config *listeners = c->listeners.items;
	size_t mark = option_enter(r, STR("admin"));

	for (size_t i = 0; c->has_admin && i < c->listeners.count; i++)
		if (c->admin.endpoint.len > 0 &&
		    reaches(&c->admin.endpoint, &listeners[i].endpoint))
			option_fault(r, "address", "the listener \"%.*s\" has this address already",
				     STR_ARG(listeners[i].name));
	option_leave(r, mark);
}

/* --- Methods that no listener can serve */

static void check_methods(struct option_reader *r, const struct gate_config *c)
{
	const struct listener_config *listeners = c->listeners.items;
	const struct route_config *routes = c->routes.items;
	bool any_tls = false, any_client_certificates = false;
	size_t mark = option_enter(r, STR("routes"));

	for (size_t i = 0; i < c->listeners.count; i++) {
		any_tls = any_tls || listeners[i].has_tls;
		any_client_certificates =
			any_client_certificates ||
			(listeners[i].has_tls &&
			 listeners[i].tls.client_certificate.mode != CLIENT_CERT_NONE);
	}
	for (size_t i = 0; i < c->routes.count; i++) {
		size_t entry = option_enter_index(r, i);

		(void)option_enter(r, STR("authenticate"));
		if (route_has_method(&routes[i], AUTHN_CLIENT_CERTIFICATE) &&
		    !any_client_certificates)
			option_warn(r, "methods",
				    "\"client_certificate\" has no effect: no listener asks for "
				    "one");
		if (route_has_method(&routes[i], AUTHN_SESSION) && !any_tls &&
		    c->server.trusted_proxies.count == 0)
			option_warn(r, "methods",
				    "\"session\" needs https: browsers keep the session cookie "
				    "over nothing else, and no listener has \"tls\"");
		option_leave(r, entry);
	}
	option_leave(r, mark);
}

void gate_config_cross_check(struct option_reader *r, const struct gate_config *c)
{
	gate_config_check_names(r, c);
	check_matches(r, c);
	check_servers(r, c);
	check_admin(r, c);
	check_methods(r, c);
}
