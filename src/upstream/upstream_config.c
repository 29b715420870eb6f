/*
 * upstream/upstream_config.c - the options of an upstream, and where its servers are.
 *
 * Names are resolved here, when the configuration is loaded, and not per request: a
 * resolver that hangs then delays a reload and no request. It also lets "http beyond
 * loopback" be judged by the addresses that will be connected to, not by spelling.
 */
#include "upstream/upstream_config.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "config/tls_files.h"
#include "http/uri.h"

#define SECOND INT64_C(1000)
#define HOUR   (INT64_C(3600) * SECOND)

/* --- servers */

static bool endpoint_is_known(const struct upstream_server_config *server,
			      const struct addrinfo *found)
{
	for (size_t i = 0; i < server->addresses_count; i++)
		if (server->addresses[i].len == found->ai_addrlen &&
		    memcmp(&server->addresses[i].addr, found->ai_addr, found->ai_addrlen) == 0)
			return true;
	return false;
}

static void resolve(struct option_reader *r, uint16_t port, struct upstream_server_config *server)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char service[8];
	int status;

	if (snprintf(service, sizeof(service), "%u", port) < 0)
		return;
	status = getaddrinfo(server->host.ptr, service, &hints, &found);
	if (status != 0) {
		option_fault(r, "url", "cannot resolve \"%.*s\": %s", STR_ARG(server->host),
			     gai_strerror(status));
		return;
	}
	for (const struct addrinfo *a = found; a; a = a->ai_next) {
		struct endpoint *next = &server->addresses[server->addresses_count];

		if (server->addresses_count == UPSTREAM_MAX_ADDRESSES)
			break;
		if (a->ai_addrlen > sizeof(next->addr) || endpoint_is_known(server, a))
			continue;
		memcpy(&next->addr, a->ai_addr, a->ai_addrlen);
		next->len = a->ai_addrlen;
		server->addresses_count++;
	}
	freeaddrinfo(found);
}

/* What applications on a Unix socket are told as Host is "localhost": there is no better name. */
static void read_unix_url(struct option_reader *r, struct upstream_server_config *server)
{
	server->host = STR("localhost");
	server->authority = STR("localhost");
	if (option_parse_endpoint(r, "url", server->url, &server->addresses[0]))
		server->addresses_count = 1;
}

static void read_http_url(struct option_reader *r, struct upstream_server_config *server)
{
	struct error err = {0};
	struct uri_url url;
	struct str host;

	if (!uri_parse_url(server->url, &url, &err)) {
		option_fault(r, "url",
			     "must be a URL such as \"http://127.0.0.1:3000\" or \"unix:path\": %s",
			     err.text);
		return;
	}
	if (!str_equal(url.target, STR("/"))) {
		option_fault(r, "url",
			     "must end behind the port: requests keep the path they came with");
		return;
	}
	host = str_from_len(url.authority.host, url.authority.host_len);
	server->is_https = url.is_https;
	server->authority = url.port == (url.is_https ? 443 : 80)
				    ? arena_str(r->arena, host)
				    : arena_printf(r->arena, "%.*s:%u", STR_ARG(host), url.port);
	if (str_starts_with(host, STR("[")))
		host = str_slice(host, 1, host.len - 2);
	server->host = arena_str(r->arena, host);
	if (!arena_overflowed(r->arena))
		resolve(r, url.port, server);
}

static void server_check(struct option_reader *r, void *object)
{
	struct upstream_server_config *server = object;

	if (str_is_empty(server->url))
		return;
	if (str_starts_with(server->url, STR("unix:")))
		read_unix_url(r, server);
	else
		read_http_url(r, server);
}

static const struct option server_rows[] = {
	{.key = "url",
	 .type = OPTION_STRING,
	 .max = 1024,
	 .required = true,
	 .offset = offsetof(struct upstream_server_config, url),
	 .help = "\"http://127.0.0.1:3000\", \"https://wiki.internal\" or \"unix:path\". No path: "
		 "requests keep their own. A name is resolved when the configuration is loaded."},
};

static const struct option_table server_options = {
	.name = "server",
	.options = server_rows,
	.count = ARRAY_LEN(server_rows),
	.size = sizeof(struct upstream_server_config),
	.check = server_check,
};

/* --- upstreams */

static bool is_beyond_loopback(const struct upstream_server_config *server)
{
	for (size_t i = 0; i < server->addresses_count; i++)
		if (!endpoint_is_loopback(&server->addresses[i]))
			return true;
	return false;
}

static void check_plain_servers(struct option_reader *r, const struct upstream_config *upstream,
				bool *ret_any_https)
{
	const struct upstream_server_config *servers = upstream->servers.items;
	size_t mark = option_enter(r, STR("servers"));

	for (size_t i = 0; i < upstream->servers.count; i++) {
		size_t entry = option_enter_index(r, i);

		*ret_any_https = *ret_any_https || servers[i].is_https;
		if (!servers[i].is_https && !upstream->insecure && is_beyond_loopback(&servers[i]))
			option_fault(
				r, "url",
				"http beyond loopback can be read and changed on its way, identity "
				"headers too: use https, or say \"insecure\": true in the "
				"upstream");
		option_leave(r, entry);
	}
	option_leave(r, mark);
}

static void upstream_check(struct option_reader *r, void *object)
{
	const struct upstream_config *upstream = object;
	bool any_https = false;

	check_plain_servers(r, upstream, &any_https);
	tls_check_authorities_option(r, "authorities", upstream->authorities);
	if (!str_is_empty(upstream->authorities) && !any_https)
		option_warn(r, "authorities", "has no effect: no server speaks https");
	if (!str_is_empty(upstream->server_name) && !any_https)
		option_warn(r, "server_name", "has no effect: no server speaks https");
}

static const char *const host_words[] = {
	[UPSTREAM_HOST_PRESERVE] = "preserve",
	[UPSTREAM_HOST_UPSTREAM] = "upstream",
	NULL,
};

#define FIELD(member) .offset = offsetof(struct upstream_config, member)

static const struct option upstream_rows[] = {
	{.key = "name",
	 .type = OPTION_NAME,
	 FIELD(name),
	 .required = true,
	 .help = "What routes and logs call this application."},
	{.key = "servers",
	 .type = OPTION_OBJECTS,
	 .min = 1,
	 .max = 64,
	 FIELD(servers),
	 .required = true,
	 .table = &server_options,
	 .help = "The servers that run it, any of which may answer a request."},
	{.key = "insecure",
	 .type = OPTION_BOOL,
	 FIELD(insecure),
	 .standard = "false",
	 .help = "Plain http beyond loopback is meant: the network between is trusted with "
		 "requests and identity headers."},
	{.key = "authorities",
	 .type = OPTION_PATH,
	 FIELD(authorities),
	 .help = "File of certificate authorities (PEM) to trust for https servers instead of the "
		 "system's."},
	{.key = "server_name",
	 .type = OPTION_STRING,
	 .max = 253,
	 FIELD(server_name),
	 .help = "The name that the certificate of an https server must bear, instead of the host "
		 "of its URL: for servers named by address."},
	{.key = "host",
	 .type = OPTION_ENUM,
	 .words = host_words,
	 FIELD(host),
	 .standard = "\"preserve\"",
	 .help = "The Host that the application gets: \"preserve\" what the client asked for, so "
		 "that links it makes are right, or the \"upstream\" server's own."},
	{.key = "connect_timeout",
	 .type = OPTION_DURATION,
	 .min = 1,
	 .max = HOUR,
	 FIELD(connect_timeout_ms),
	 .standard = "\"5s\"",
	 .help = "To connect to a server, TLS handshake included."},
	{.key = "response_timeout",
	 .type = OPTION_DURATION,
	 .min = 1,
	 .max = 24 * HOUR,
	 FIELD(response_timeout_ms),
	 .standard = "\"60s\"",
	 .help = "From the end of the request to the head of the response; after it the client "
		 "gets 504."},
	{.key = "idle_timeout",
	 .type = OPTION_DURATION,
	 .min = 1,
	 .max = 24 * HOUR,
	 FIELD(idle_timeout_ms),
	 .standard = "\"60s\"",
	 .help = "The longest pause within a body. Raise it for streams that are silent for long."},
	{.key = "keepalive",
	 .type = OPTION_DURATION,
	 .min = 0,
	 .max = HOUR,
	 FIELD(keepalive_ms),
	 .standard = "\"60s\"",
	 .help = "How long an unused connection is kept. It should be less than the application's "
		 "own limit, so that it is we who close."},
	{.key = "keepalive_connections",
	 .type = OPTION_INTEGER,
	 .min = 0,
	 .max = 10000,
	 FIELD(keepalive_connections),
	 .standard = "64",
	 .help = "Unused connections kept, for each worker and server."},
	{.key = "max_connections",
	 .type = OPTION_INTEGER,
	 .min = 1,
	 .max = 100000,
	 FIELD(max_connections),
	 .standard = "1024",
	 .help = "Connections at a time, for each worker and server: what protects an application "
		 "from more than it can take."},
};

const struct option_table upstream_options = {
	.name = "upstream",
	.options = upstream_rows,
	.count = ARRAY_LEN(upstream_rows),
	.size = sizeof(struct upstream_config),
	.check = upstream_check,
};
